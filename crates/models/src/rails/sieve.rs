//! The events of an answer as a client gets them, held back as long as a match may be under way. Where
//! nothing is masked, the bytes are those that came.

mod pieces;

use std::collections::VecDeque;
use std::ops::Range;

use dialects::Dialect;
use guard::json::{Unescaped, find_in, masked};
use policy::exchange::{Blocked, Exchange};
use vocab::limits::STREAM_FRAME_BYTES_MAX;

use self::pieces::{Lane, Piece, pieces};
use super::lanes::Lanes;

/// Events on their way to a client.
pub(crate) struct Sieve {
    dialect: Dialect,
    lanes: Lanes<Lane>,
    /// An event that is not complete yet.
    partial: Vec<u8>,
    /// How much of it was looked at for its end.
    looked: usize,
    held: VecDeque<Event>,
}

/// One event, with the empty line behind it.
struct Event {
    bytes: Vec<u8>,
    pieces: Vec<Placed>,
}

/// A piece of a text, in its event.
struct Placed {
    lane: Lane,
    /// Which part of the text it is.
    at: Range<usize>,
    /// Which bytes of the event say it.
    bytes: Range<usize>,
}

impl Sieve {
    /// For a client that speaks this dialect.
    pub fn new(dialect: Dialect, exchange: Box<Exchange>) -> Self {
        Self {
            dialect,
            lanes: Lanes::new(exchange),
            partial: Vec::new(),
            looked: 0,
            held: VecDeque::new(),
        }
    }

    pub fn exchange(&self) -> &Exchange {
        self.lanes.exchange()
    }

    /// Takes more of the stream, and gives what may go on.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Blocked> {
        self.partial.extend_from_slice(bytes);
        while let Some(end) = self.event_end() {
            let rest = self.partial.split_off(end);
            let event = std::mem::replace(&mut self.partial, rest);
            self.looked = 0;
            self.take(event)?;
        }
        if self.partial.len() > STREAM_FRAME_BYTES_MAX {
            let event = std::mem::take(&mut self.partial);
            self.looked = 0;
            self.take(event)?;
        }
        Ok(self.release())
    }

    /// Nothing more comes: gives what is left.
    pub fn finish(&mut self) -> Result<Vec<u8>, Blocked> {
        let event = std::mem::take(&mut self.partial);
        if !event.is_empty() {
            self.take(event)?;
        }
        self.lanes.flush()?;
        Ok(self.release())
    }

    /// Behind the empty line that ends the first event.
    fn event_end(&mut self) -> Option<usize> {
        let mut at = self.looked;
        while let Some(line) = memchr::memchr(b'\n', &self.partial[at..]) {
            let next = at + line + 1;
            let before = &self.partial[..next - 1];
            let before = before.strip_suffix(b"\r").unwrap_or(before);
            if before.is_empty() || before.ends_with(b"\n") {
                return Some(next);
            }
            at = next;
        }
        self.looked = at;
        None
    }

    fn take(&mut self, bytes: Vec<u8>) -> Result<(), Blocked> {
        let found = pieces(self.dialect, &bytes);
        let mut event = Event {
            bytes,
            pieces: Vec::new(),
        };
        match found {
            // A comment, or a sign of life.
            None => {}
            Some(pieces) if pieces.is_empty() => {
                // Whatever it is, no text goes on behind it from where it was.
                self.lanes.flush()?;
                self.mask_whole(&mut event, &[])?;
            }
            Some(pieces) => {
                let spans: Vec<Range<usize>> = pieces.iter().map(|it| it.bytes.clone()).collect();
                let grown = self.mask_whole(&mut event, &spans)?;
                for (piece, bytes) in pieces.into_iter().zip(grown) {
                    let Piece { lane, text, .. } = piece;
                    let at = self.lanes.push(&lane, &text)?;
                    event.pieces.push(Placed { lane, at, bytes });
                }
            }
        }
        self.held.push_back(event);
        Ok(())
    }

    /// Masks what stands whole in an event, beside its pieces; where these stand afterwards.
    fn mask_whole(
        &mut self,
        event: &mut Event,
        pieces: &[Range<usize>],
    ) -> Result<Vec<Range<usize>>, Blocked> {
        let mut places = find_in(&event.bytes);
        let of_piece = |at: &Range<usize>| {
            pieces
                .iter()
                .any(|it| at.start < it.end && it.start < at.end)
        };
        places.retain(|it| !of_piece(&it.range));
        let exchange = self.lanes.exchange_mut();
        for place in &places {
            exchange.hear(place.category)?;
        }
        let mask = exchange.mask();
        let Some((clean, counts)) = masked(&event.bytes, &places, mask) else {
            return Ok(pieces.to_vec());
        };
        exchange.note(&counts);
        // What was replaced before a piece moves it.
        let moved = |at: usize| {
            let before = places
                .iter()
                .filter(|it| mask.has(it.category) && it.range.end <= at);
            let before: Vec<_> = before.cloned().collect();
            masked(&event.bytes[..at], &before, mask).map_or(at, |(clean, _)| clean.len())
        };
        let moved = pieces.iter().map(|it| {
            let start = moved(it.start);
            start..start + it.len()
        });
        let moved = moved.collect();
        event.bytes = clean;
        Ok(moved)
    }

    fn release(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some(event) = self.held.front() {
            let mut pieces = event.pieces.iter();
            if !pieces.all(|it| self.lanes.is_decided(&it.lane, &it.at)) {
                break;
            }
            let Some(mut event) = self.held.pop_front() else {
                break;
            };
            event.pieces.sort_by_key(|it| it.bytes.start);
            // From the end, so that what is before stays where it is.
            let mut cuts: Vec<_> = Vec::new();
            for piece in &event.pieces {
                cuts.push(self.lanes.cuts(&piece.lane, &piece.at));
            }
            for (piece, cuts) in event.pieces.iter().zip(cuts).rev() {
                if cuts.is_empty() {
                    continue;
                }
                let raw = std::str::from_utf8(&event.bytes[piece.bytes.clone()]);
                let meaning = Unescaped::of(raw.unwrap_or_default());
                let is_json = piece.lane.is_json();
                for cut in cuts.into_iter().rev() {
                    let start = piece.bytes.start + meaning.raw(cut.range.start);
                    let end = piece.bytes.start + meaning.raw(cut.range.end);
                    let quote = if is_json && cut.number { "\\\"" } else { "" };
                    let instead = format!("{quote}{}{quote}", cut.placeholder);
                    event.bytes.splice(start..end, instead.into_bytes());
                }
            }
            out.append(&mut event.bytes);
        }
        out
    }
}
