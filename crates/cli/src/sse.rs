//! Server-sent events, as the HTML standard defines their stream
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

/// The longest event that is taken, in bytes.
const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Its id, if it has one: live deltas have none.
    pub id: Option<String>,
    /// Its kind.
    pub kind: String,
    /// Its data.
    pub data: String,
}

/// An event that is longer than any that a server of ours sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {EVENT_BYTES_MAX} bytes")]
pub struct TooLong;

/// Cuts a stream of bytes into events.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed right after it ends no second line.
    after_return: bool,
    /// A byte order mark may only stand at the very beginning.
    begun: bool,
    event: Event,
    has_data: bool,
}

impl Parser {
    /// The events that end within these bytes.
    ///
    /// # Errors
    /// An event is too long.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            match byte {
                b'\n' if self.after_return => self.after_return = false,
                b'\n' | b'\r' => {
                    self.after_return = byte == b'\r';
                    events.extend(self.end_of_line());
                }
                _ => {
                    self.after_return = false;
                    self.line.push(byte);
                }
            }
            if self.line.len() + self.event.data.len() > EVENT_BYTES_MAX {
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    fn end_of_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = if self.begun {
            &*line
        } else {
            line.strip_prefix('\u{feff}').unwrap_or(&line)
        };
        self.begun = true;
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.kind),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            "id" if !value.contains('\0') => self.event.id = Some(value.to_owned()),
            // Comments (an empty field name), `retry`, and what a later standard adds.
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Event> {
        let mut event = std::mem::take(&mut self.event);
        if !std::mem::take(&mut self.has_data) {
            return None;
        }
        if event.kind.is_empty() {
            "message".clone_into(&mut event.kind);
        }
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: Option<&str>, kind: &str, data: &str) -> Event {
        Event {
            id: id.map(str::to_owned),
            kind: kind.into(),
            data: data.into(),
        }
    }

    #[test]
    fn every_way_of_cutting_the_stream_gives_the_same_events() {
        let text = "\u{feff}retry: 1000\n\n: alive\n\nid: 7\nevent: run.started\ndata: {\"a\":\n\
                    data: 1}\n\r\nevent:x\rdata:ü\r\rdata\n\nevent: nothing\n\nid: 8\ndata:  two\n\n";
        let expected = vec![
            event(Some("7"), "run.started", "{\"a\":\n1}"),
            event(None, "x", "ü"),
            event(None, "message", ""),
            event(Some("8"), "message", " two"),
        ];
        for size in 1..text.len() {
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                events.extend(parser.feed(piece).unwrap());
            }
            assert_eq!(events, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn an_unfinished_event_is_not_given() {
        let mut parser = Parser::default();
        assert_eq!(parser.feed(b"data: x\n"), Ok(vec![]));
    }

    #[test]
    fn an_endless_line_ends_in_an_error() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; 1024 * 1024];
        let fed = (0..20).try_for_each(|_| parser.feed(&piece).map(drop));
        assert_eq!(fed, Err(TooLong));
    }
}
