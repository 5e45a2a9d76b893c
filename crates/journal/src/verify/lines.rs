//! Reading lines, and checking each by itself on every processor.

use std::collections::VecDeque;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use vocab::{Digest, EventKind, OrgId};

use super::Reason;
use crate::entry;
use crate::export::{EVENT_BEGIN, LINE_BYTES_MAX, split_event};
use crate::merkle::{self, Hash};
use crate::scan;

/// How much text a worker takes at once.
const BLOCK_BYTES: usize = 256 * 1024;
/// How many blocks wait for each worker, or for whoever takes its results.
const BLOCKS_AHEAD: usize = 2;
/// More workers than this wait for the one thread that chains their results.
const WORKERS_MAX: usize = 8;

/// What a line says by itself.
#[derive(Debug)]
pub(crate) enum Line {
    /// An event whose bytes are canonical and have the hash beside them.
    Event(Event),
    /// Something else, without its newline.
    Other(Vec<u8>),
    /// Something that begins as an event and is none.
    Bad(Reason, &'static str),
    /// The last bytes, which no newline ends.
    Unfinished,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub org: OrgId,
    pub seq: u64,
    pub prev: Digest,
    pub hash: Digest,
    pub leaf: Hash,
    pub rotates_key: bool,
}

struct Worker {
    blocks: SyncSender<Vec<u8>>,
    results: Receiver<Vec<Line>>,
}

/// Calls `take` for each line in order, with its number from 1, until it breaks.
pub(crate) fn each(
    mut reader: impl Read,
    mut take: impl FnMut(u64, Line) -> ControlFlow<()>,
) -> std::io::Result<()> {
    let count = thread::available_parallelism().map_or(1, |count| count.get().min(WORKERS_MAX));
    thread::scope(|scope| {
        let workers: Vec<Worker> = (0..count)
            .map(|_| {
                let (blocks, todo) = sync_channel::<Vec<u8>>(BLOCKS_AHEAD);
                let (done, results) = sync_channel(BLOCKS_AHEAD);
                scope.spawn(move || {
                    while let Ok(block) = todo.recv() {
                        if done.send(parse_block(&block)).is_err() {
                            break;
                        }
                    }
                });
                Worker { blocks, results }
            })
            .collect();
        let mut pending: VecDeque<&Worker> = VecDeque::new();
        let mut number = 0;
        let mut take_oldest = |pending: &mut VecDeque<&Worker>| {
            let lines = pending
                .pop_front()
                .and_then(|worker| worker.results.recv().ok());
            lines.unwrap_or_default().into_iter().try_for_each(|line| {
                number += 1;
                take(number, line)
            })
        };
        let mut rest = Vec::new();
        for worker in workers.iter().cycle() {
            let Some(block) = read_block(&mut reader, &mut rest)? else {
                break;
            };
            let sent = worker.blocks.send(block);
            pending.push_back(worker);
            let stop =
                pending.len() >= count * BLOCKS_AHEAD && take_oldest(&mut pending).is_break();
            if sent.is_err() || stop {
                return Ok(());
            }
        }
        while !pending.is_empty() {
            if take_oldest(&mut pending).is_break() {
                return Ok(());
            }
        }
        Ok(())
    })
}

/// The next block of whole lines; what follows the last newline stays in `rest`. A line that is too
/// long, or that the end of the input cuts, is a block of its own without a newline at its end.
fn read_block(reader: &mut impl Read, rest: &mut Vec<u8>) -> std::io::Result<Option<Vec<u8>>> {
    let mut block = std::mem::take(rest);
    let mut searched = 0;
    loop {
        let newline = block.iter().skip(searched).rposition(|byte| *byte == b'\n');
        if block.len() >= BLOCK_BYTES
            && let Some(at) = newline
        {
            *rest = block.split_off(searched + at + 1);
            return Ok(Some(block));
        }
        searched = if newline.is_some() {
            searched
        } else {
            block.len()
        };
        if newline.is_none() && block.len() > LINE_BYTES_MAX {
            return Ok(Some(block));
        }
        let from = block.len();
        block.resize(from + BLOCK_BYTES, 0);
        let read = read_once(reader, block.get_mut(from..).unwrap_or_default());
        block.truncate(from + *read.as_ref().unwrap_or(&0));
        if read? == 0 {
            if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
                *rest = block.split_off(at + 1);
            }
            return Ok((!block.is_empty()).then_some(block));
        }
    }
}

fn read_once(reader: &mut impl Read, into: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match reader.read(into) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn parse_block(block: &[u8]) -> Vec<Line> {
    let mut lines = Vec::with_capacity(block.len() / 512 + 1);
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        lines.push(match line.strip_suffix(b"\n") {
            None if line.len() > LINE_BYTES_MAX => {
                Line::Bad(Reason::MalformedLine, "the line is too long")
            }
            None => Line::Unfinished,
            Some(line) if line.starts_with(EVENT_BEGIN) => parse_event(line),
            Some(line) => Line::Other(line.to_vec()),
        });
    }
    lines
}

fn parse_event(line: &[u8]) -> Line {
    let Some((bytes, beside)) = split_event(line) else {
        return Line::Bad(Reason::MalformedLine, "the line is not that of an event");
    };
    let hash = entry::hash(bytes);
    if hash != beside {
        return Line::Bad(
            Reason::HashMismatch,
            "the event's bytes don't have the hash beside them",
        );
    }
    let Some(fields) = scan::event(bytes) else {
        return Line::Bad(Reason::MalformedEvent, "the event is not in canonical form");
    };
    Line::Event(Event {
        org: fields.org,
        seq: fields.seq,
        prev: fields.prev,
        hash,
        leaf: merkle::leaf(&hash),
        rotates_key: fields.kind == EventKind::LogKeyRotated.as_str(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in pieces of the sizes that it is told.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.len().min(self.1).min(into.len());
            let (now, later) = self.0.split_at(count);
            into[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    fn numbered(text: &str, piece: usize) -> Vec<(u64, String)> {
        let mut out = Vec::new();
        each(Pieces(text.as_bytes(), piece), |number, line| {
            out.push((
                number,
                match line {
                    Line::Other(bytes) => String::from_utf8(bytes).unwrap(),
                    other => format!("{other:?}"),
                },
            ));
            ControlFlow::Continue(())
        })
        .unwrap();
        out
    }

    #[test]
    fn lines_keep_their_order_and_number_however_they_arrive() {
        let lines: Vec<String> = (0..40_000)
            .map(|it| format!("{it}{}", "x".repeat(it % 50)))
            .collect();
        let text = lines.join("\n") + "\n";
        for piece in [7_777, 1 << 20] {
            let found = numbered(&text, piece);
            assert_eq!(found.len(), lines.len());
            assert!(
                found
                    .iter()
                    .zip(1..)
                    .zip(&lines)
                    .all(|((it, n), line)| it.0 == n && it.1 == *line)
            );
        }
    }

    #[test]
    fn the_cut_end_is_told_from_a_line() {
        assert_eq!(
            numbered("a\n\nb", 1),
            [
                (1, "a".into()),
                (2, String::new()),
                (3, "Unfinished".into())
            ]
        );
        assert_eq!(numbered("", 1), []);
        let long = "y".repeat(LINE_BYTES_MAX + BLOCK_BYTES + 1);
        assert!(numbered(&long, 1 << 20)[0].1.contains("too long"));
    }
}
