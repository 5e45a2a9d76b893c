//! Masking a stream of events, in which a secret may come in pieces.
//!
//! A model writes a word at a time, so a secret that it repeats is cut by the events around its pieces,
//! and no search through the bytes finds it. Here the texts that belong together are put together: the
//! strings at the same place of each event (the same path, index, item and type) are one text. A secret
//! in it is replaced where it begins, and taken out of the pieces that it goes on in. Events without a
//! piece of one stay as they are, byte for byte.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;
use vault::Masker;

/// Members that say which text a string is a piece of. Everything else says what it is.
const NAMES: [&str; 6] = [
    "type",
    "index",
    "item_id",
    "output_index",
    "content_index",
    "summary_index",
];

/// The stream with every secret masked, whole or in pieces.
pub(super) fn mask<'a>(masker: &Masker, stream: &'a [u8]) -> Cow<'a, [u8]> {
    if masker.is_empty() {
        return Cow::Borrowed(stream);
    }
    match joined(masker, stream) {
        None => masker.mask_bytes(stream),
        Some(joined) => Cow::Owned(masker.mask_bytes(&joined).into_owned()),
    }
}

/// The stream without secrets that come in pieces; `None` if there was none.
fn joined(masker: &Masker, stream: &[u8]) -> Option<Vec<u8>> {
    let mut events = events(stream);
    let mut texts: HashMap<String, Text> = HashMap::new();
    for (number, event) in events.iter().enumerate() {
        collect(&event.data, &mut Place::default(), &mut |place, text| {
            let pieces = texts.entry(place.key()).or_default();
            pieces.add(number, place.pointer.clone(), text);
        });
    }
    for text in texts.into_values() {
        for edit in text.masked(masker) {
            let event = &mut events[edit.event];
            if let Some(piece) = event.data.pointer_mut(&edit.pointer) {
                *piece = Value::String(edit.text);
                event.edited = true;
            }
        }
    }
    if !events.iter().any(|event| event.edited) {
        return None;
    }
    let (mut out, mut copied) = (Vec::with_capacity(stream.len()), 0);
    for event in events.iter().filter(|event| event.edited) {
        out.extend_from_slice(&stream[copied..event.at.start]);
        out.extend_from_slice(event.data.to_string().as_bytes());
        copied = event.at.end;
    }
    out.extend_from_slice(&stream[copied..]);
    Some(out)
}

/// The data of one event that is JSON, and where it stands.
struct Event {
    at: Range<usize>,
    data: Value,
    edited: bool,
}

fn events(stream: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut start = 0;
    for line in stream.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
        let end = start + line.len();
        if let Some(data) = line.strip_prefix(b"data:") {
            let data = data.trim_ascii();
            // In its line it begins after the name, and ends before what ends the line.
            let from = start + line.len() - line["data:".len()..].trim_ascii_start().len();
            if let Ok(value) = serde_json::from_slice(data) {
                events.push(Event {
                    at: from..from + data.len(),
                    data: value,
                    edited: false,
                });
            }
        }
        start = end;
    }
    events
}

/// Where a string stands in an event.
#[derive(Default)]
struct Place {
    /// As JSON pointers say it (RFC 6901).
    pointer: String,
    /// The same for every event that the text comes in.
    steps: Vec<String>,
}

impl Place {
    fn key(&self) -> String {
        self.steps.join("/")
    }

    fn within(&mut self, segment: &str, step: String, visit: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer
            .push_str(&segment.replace('~', "~0").replace('/', "~1"));
        self.steps.push(step);
        visit(self);
        self.steps.pop();
        self.pointer.truncate(length);
    }
}

fn collect(value: &Value, place: &mut Place, found: &mut impl FnMut(&Place, &str)) {
    match value {
        Value::String(text) => found(place, text),
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                // What says its own index may come alone.
                let step = match item.get("index") {
                    Some(_) => String::new(),
                    None => number.to_string(),
                };
                place.within(&number.to_string(), step, |place| {
                    collect(item, place, found);
                });
            }
        }
        Value::Object(members) => {
            let names = NAMES.iter().filter_map(|name| members.get(*name));
            let names: Vec<String> = names.map(Value::to_string).collect();
            let names = names.join(",");
            for (name, member) in members {
                if NAMES.contains(&name.as_str()) {
                    continue;
                }
                place.within(name, format!("{names}.{name}"), |place| {
                    collect(member, place, found);
                });
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text, and the pieces that it comes in.
#[derive(Default)]
struct Text {
    whole: String,
    pieces: Vec<Piece>,
}

struct Piece {
    event: usize,
    pointer: String,
    at: Range<usize>,
}

/// What a piece is to be instead.
struct Edit {
    event: usize,
    pointer: String,
    text: String,
}

impl Text {
    fn add(&mut self, event: usize, pointer: String, text: &str) {
        let start = self.whole.len();
        self.whole.push_str(text);
        self.pieces.push(Piece {
            event,
            pointer,
            at: start..self.whole.len(),
        });
    }

    /// The pieces that a secret goes through, without it.
    fn masked(&self, masker: &Masker) -> Vec<Edit> {
        let found: Vec<_> = masker.find(self.whole.as_bytes()).collect();
        let mut edits = Vec::new();
        for piece in &self.pieces {
            let (mut text, mut from) = (String::new(), piece.at.start);
            let touched = found
                .iter()
                .filter(|it| it.at.start < piece.at.end && it.at.end > piece.at.start);
            let mut any = false;
            for secret in touched {
                any = true;
                text.push_str(self.whole.get(from..secret.at.start).unwrap_or_default());
                if piece.at.contains(&secret.at.start) {
                    text.push_str(&secret.mask());
                }
                from = secret.at.end.min(piece.at.end);
            }
            if any {
                text.push_str(self.whole.get(from..piece.at.end).unwrap_or_default());
                edits.push(Edit {
                    event: piece.event,
                    pointer: piece.pointer.clone(),
                    text,
                });
            }
        }
        edits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event of a dialect that says a piece.
    type Said<'a> = &'a dyn Fn(&str) -> Value;

    const SECRET: &str = "sk-1234\"5678-abcdefgh";

    fn masker() -> Masker {
        let mut masker = Masker::new();
        masker.add("key", &SECRET.into()).unwrap();
        masker
    }

    fn masked(stream: &str) -> String {
        let masked = mask(&masker(), stream.as_bytes()).into_owned();
        String::from_utf8(masked).unwrap()
    }

    /// A stream in which a text comes in so many pieces, each where `event` puts it.
    fn in_pieces(text: &str, size: usize, event: impl Fn(&str) -> Value) -> String {
        let letters: Vec<char> = text.chars().collect();
        let pieces = letters.chunks(size).map(|piece| {
            let piece: String = piece.iter().collect();
            format!("event: x\ndata: {}\n\n", event(&piece))
        });
        pieces.collect::<String>() + "data: [DONE]\n\n"
    }

    fn text_of(stream: &str, pointer: &str) -> String {
        let events = events(stream.as_bytes());
        let pieces = events.iter().filter_map(|it| it.data.pointer(pointer));
        pieces.filter_map(Value::as_str).collect()
    }

    #[test]
    fn a_secret_in_pieces_is_masked_in_every_dialect() {
        let said = format!("Your key is {SECRET}, keep {SECRET} safe: è.");
        let chat = |piece: &str| serde_json::json!({ "id": "1", "choices": [{ "index": 0, "delta": { "content": piece } }] });
        let responses = |piece: &str| serde_json::json!({ "type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0, "delta": piece });
        let anthropic = |piece: &str| serde_json::json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": piece } });
        let dialects: [(Said<'_>, &str); 3] = [
            (&chat, "/choices/0/delta/content"),
            (&responses, "/delta"),
            (&anthropic, "/delta/text"),
        ];
        for (event, pointer) in dialects {
            for size in 1..said.chars().count() {
                let stream = in_pieces(&said, size, event);
                let masked = masked(&stream);
                assert_eq!(
                    text_of(&masked, pointer),
                    "Your key is [secret:key], keep [secret:key] safe: è.",
                    "in pieces of {size}: {masked}"
                );
            }
        }
    }

    #[test]
    fn arguments_of_a_call_are_a_text_of_their_own() {
        let arguments = serde_json::json!({ "key": SECRET }).to_string();
        let event = |piece: &str| serde_json::json!({ "choices": [{ "index": 0, "delta": { "content": "-", "tool_calls": [{ "index": 1, "function": { "arguments": piece } }] } }] });
        let masked = masked(&in_pieces(&arguments, 3, event));
        let text = text_of(&masked, "/choices/0/delta/tool_calls/0/function/arguments");
        assert_eq!(text, r#"{"key":"[secret:key]"}"#);
    }

    #[test]
    fn texts_of_different_parts_are_not_put_together() {
        let half = SECRET.split_at(8);
        let event = |index: u32, text: &str| {
            let event = serde_json::json!({ "type": "content_block_delta", "index": index, "delta": { "type": "text_delta", "text": text } });
            format!("data: {event}\n\n")
        };
        let stream = event(0, half.0) + &event(1, half.1);
        assert_eq!(masked(&stream), stream);
    }

    #[test]
    fn what_has_no_piece_of_a_secret_stays_as_it_is() {
        let around = ": comment\r\ndata:  {\"delta\" : \"sk-1234\"}  \r\n\r\ndata: nothing\n\ndata: [DONE]\n\n";
        assert_eq!(masked(around), around);
        let whole = format!(
            "data: {{\"delta\":  \"x\"}}\n\ndata: {}\n\n{around}",
            serde_json::json!({ "all": SECRET })
        );
        let expected = format!(
            "data: {{\"delta\":  \"x\"}}\n\ndata: {{\"all\":\"[secret:key]\"}}\n\n{around}"
        );
        assert_eq!(masked(&whole), expected);
    }
}
