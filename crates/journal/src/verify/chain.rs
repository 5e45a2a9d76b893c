//! Chaining the events of an export, line by line.

use std::ops::ControlFlow;

use vocab::Digest;

use super::lines::{Event, Line};
use super::{Fault, Reason, Report, Trust, closing};
use crate::checkpoint::{self, Checkpoint};
use crate::entry::GENESIS;
use crate::export::{EXPORT_VERSION, Footer, Header};
use crate::merkle::{Frontier, Hash};

/// What the events made, for the last line to be checked against.
pub(crate) struct Events {
    /// The tree over them; only of use if they begin at 1.
    pub frontier: Frontier,
    pub first: Option<Hash>,
    pub last: Option<Hash>,
    /// Where the record says that the key was rotated.
    pub rotations: Vec<u64>,
    /// The root at the size of each witness, where the events reach it from the first on.
    pub roots_seen: Vec<(u64, Hash)>,
}

pub(crate) struct Chain<'a> {
    trust: &'a Trust,
    header: Option<Header>,
    events: Events,
    next: u64,
    /// The last event's hash; `None` where the predecessor is not part of the export.
    head: Option<Digest>,
    closed: Option<closing::Closed>,
    fault: Option<Fault>,
    line: u64,
}

impl<'a> Chain<'a> {
    pub(crate) fn new(trust: &'a Trust) -> Self {
        let events = Events {
            frontier: Frontier::default(),
            first: None,
            last: None,
            rotations: Vec::new(),
            roots_seen: Vec::new(),
        };
        Self {
            trust,
            header: None,
            events,
            next: 1,
            head: None,
            closed: None,
            fault: None,
            line: 0,
        }
    }

    /// Takes a line; breaks once what is wrong is known for certain.
    pub(crate) fn take(&mut self, number: u64, line: Line) -> ControlFlow<()> {
        if let Some(fault) = &mut self.fault {
            return look_ahead(fault, &line);
        }
        self.line = number;
        let Err(fault) = self.check(line) else {
            return ControlFlow::Continue(());
        };
        let may_follow = fault.reason == Reason::Gap;
        self.fault = Some(Fault {
            line: number,
            ..fault
        });
        if may_follow {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    fn check(&mut self, line: Line) -> Result<(), Fault> {
        let Some(header) = &self.header else {
            let header = read_header(&line)?;
            self.next = header.from_seq;
            self.head = (header.from_seq == 1).then_some(GENESIS);
            self.header = Some(header);
            return Ok(());
        };
        let seq = Some(self.next).filter(|next| *next <= header.to_seq);
        if self.closed.is_some() {
            return Err(Fault::new(
                None,
                Reason::MalformedLine,
                "there is a line after the last",
            ));
        }
        match line {
            Line::Event(event) => self.check_event(&event),
            Line::Other(bytes) => {
                let footer = read_footer(&bytes).ok_or_else(|| {
                    Fault::new(
                        seq,
                        Reason::MalformedLine,
                        "neither an event nor the last line",
                    )
                })?;
                if let Some(missing) = seq {
                    let detail = format!("the events end before {missing}");
                    return Err(Fault::new(seq, Reason::Truncated, detail));
                }
                self.closed = Some(closing::check(header, &footer, &self.events, self.trust)?);
                Ok(())
            }
            Line::Bad(reason, detail) => Err(Fault::new(Some(self.next), reason, detail)),
            Line::Unfinished => Err(Fault::new(seq, Reason::Truncated, "the last line is cut")),
        }
    }

    fn check_event(&mut self, event: &Event) -> Result<(), Fault> {
        let Some(header) = &self.header else {
            return Ok(());
        };
        let expected = self.next;
        let fault = |reason, detail: String| Err(Fault::new(Some(expected), reason, detail));
        if event.org != header.org {
            return fault(Reason::ForeignOrg, format!("an event of {}", event.org));
        }
        if expected > header.to_seq {
            return fault(
                Reason::BeyondRange,
                format!("an event after the last, {}", header.to_seq),
            );
        }
        if event.seq > expected {
            return fault(
                Reason::Gap,
                format!("{} stands where {expected} is expected", event.seq),
            );
        }
        if event.seq < expected {
            return fault(Reason::Duplicate, format!("{} is there again", event.seq));
        }
        if self.head.is_some_and(|head| head != event.prev) {
            let before = expected - 1;
            let detail =
                format!("it does not name the hash of {before}: one of the two was changed");
            return fault(Reason::BrokenChain, detail);
        }
        self.append(event);
        Ok(())
    }

    fn append(&mut self, event: &Event) {
        let events = &mut self.events;
        events.first.get_or_insert(event.leaf);
        events.last = Some(event.leaf);
        if event.rotates_key {
            events.rotations.push(event.seq);
        }
        // Only a tree that begins at the first event says anything.
        if events.frontier.size() + 1 == event.seq {
            events.frontier.push(event.leaf);
            if self.trust.witnesses.iter().any(|it| it.size == event.seq) {
                events.roots_seen.push((event.seq, events.frontier.root()));
            }
        }
        self.head = Some(event.hash);
        self.next = event.seq + 1;
    }

    pub(crate) fn finish(mut self) -> Report {
        if self.fault.is_none() && self.closed.is_none() {
            let to_seq = self.header.as_ref().map_or(0, |header| header.to_seq);
            let seq = Some(self.next).filter(|next| *next <= to_seq);
            let fault = Fault::new(seq, Reason::Truncated, "it ends without a checkpoint");
            self.fault = Some(Fault {
                line: self.line + 1,
                ..fault
            });
        }
        let header = self.header;
        let from_seq = header.as_ref().map_or(0, |it| it.from_seq);
        let checkpoint = self.closed.map(|it| it.checkpoint);
        let complete = from_seq == 1
            && checkpoint
                .as_ref()
                .is_some_and(|it| it.size + 1 == self.next);
        Report {
            ok: self.fault.is_none(),
            org: header.as_ref().map(|it| it.org),
            from_seq,
            to_seq: header.as_ref().map_or(0, |it| it.to_seq),
            events: self.next.saturating_sub(from_seq.max(1)),
            complete,
            checkpoint,
            keys: header.map(|it| it.keys).unwrap_or_default(),
            first_bad: self.fault,
        }
    }
}

/// After a gap: if the missing event comes later, the order was changed instead.
fn look_ahead(fault: &mut Fault, line: &Line) -> ControlFlow<()> {
    match line {
        Line::Event(event) if Some(event.seq) == fault.seq => {
            fault.reason = Reason::Reordered;
            ControlFlow::Break(())
        }
        Line::Event(_) | Line::Other(_) | Line::Bad(..) | Line::Unfinished => {
            ControlFlow::Continue(())
        }
    }
}

fn read_header(line: &Line) -> Result<Header, Fault> {
    let malformed = |detail: &str| Fault::new(None, Reason::MalformedLine, detail);
    let bytes = match line {
        Line::Other(bytes) => bytes,
        Line::Unfinished => {
            return Err(Fault::new(None, Reason::Truncated, "the first line is cut"));
        }
        Line::Event(_) | Line::Bad(..) => return Err(malformed("the first line is missing")),
    };
    let header: Header = serde_json::from_slice(bytes)
        .map_err(|_| malformed("the first line is not an export's"))?;
    if header.chancery_export != EXPORT_VERSION {
        return Err(malformed(
            "the export is of a version that this program does not know",
        ));
    }
    let range = header.from_seq >= 1
        && header.to_seq >= header.from_seq - 1
        && header.to_seq <= vocab::canonical::INTEGER_MAX
        && header.from_seq <= vocab::canonical::INTEGER_MAX;
    if !range || header.keys.is_empty() {
        return Err(malformed(
            "the first line announces no range of events or no key",
        ));
    }
    Ok(header)
}

/// The last line, told from others by being one.
fn read_footer(bytes: &[u8]) -> Option<Footer> {
    serde_json::from_slice(bytes).ok()
}

/// What of a witness can be told from the events alone.
pub(crate) fn root_at(events: &Events, witness: &Checkpoint) -> Option<Hash> {
    events
        .roots_seen
        .iter()
        .find(|(size, _)| *size == witness.size)
        .map(|(_, root)| *root)
}

/// Whether an origin is that of the header's organisation.
pub(crate) fn is_of(header: &Header, origin: &str) -> bool {
    origin == checkpoint::origin(header.org)
}
