//! Finding in a text that comes in pieces.
//!
//! A match may be under way at the end of what has come, so the end is held back: the word that is
//! being written, the numbers in groups before it, and a private key from its first line on. Whatever
//! stands before that is looked through once and decided.

use std::ops::Range;

use memchr::memmem;

use crate::json::is_number;
use crate::judge::{KEY_HEAD_BYTES_MAX, TOKEN_BYTES_MAX, key_head};
use crate::{Category, find};

/// Nothing that is made of groups with spaces between is longer than this.
const GROUPS_BYTES_MAX: usize = 64;
/// The longest group of such a thing.
const GROUP_BYTES_MAX: usize = 34;
/// How much of what was decided is kept for what stands around a match.
const BEHIND_BYTES: usize = 128;
/// A word of more than this is let go but for its end, in which a whole token still fits.
const WORD_BYTES_MAX: usize = 2 * TOKEN_BYTES_MAX;

/// Something that a flow decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Where, in bytes from the beginning of the text.
    pub range: Range<usize>,
    /// What.
    pub category: Category,
    /// If the text is JSON, it is a number there: what stands for it needs quotes.
    pub number: bool,
}

/// A text on its way. All places are counted in bytes from its beginning.
#[derive(Debug, Default)]
pub struct Flow {
    /// The part of the text that is still needed, from `base` on.
    text: String,
    base: usize,
    /// Everything before is decided.
    decided: usize,
    /// Where the word begins that is being written.
    word: usize,
    /// Where the groups begin that the word may belong to.
    groups: usize,
    /// Where a private key begins that has not come to its end.
    key: Option<usize>,
}

impl Flow {
    /// A text of which nothing has come.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How much has come.
    #[must_use]
    pub fn len(&self) -> usize {
        self.base + self.text.len()
    }

    /// Whether nothing has come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Up to where everything is decided. It only rises.
    #[must_use]
    pub fn decided(&self) -> usize {
        self.decided
    }

    /// Takes the next piece, and answers what was decided to be in the text.
    pub fn push(&mut self, piece: &str) -> Vec<Passed> {
        let from = self.text.len();
        self.text.push_str(piece);
        self.follow(from);
        self.follow_keys(from);
        let end = self.len();
        let mut hold = self
            .word
            .min(self.groups.max(end.saturating_sub(GROUPS_BYTES_MAX)));
        if let Some(key) = self.key {
            hold = hold.min(key);
        }
        if end - hold.max(self.decided) > WORD_BYTES_MAX {
            hold = end - TOKEN_BYTES_MAX;
        }
        self.decide(hold)
    }

    /// Nothing more comes for now: decides all that has come.
    pub fn flush(&mut self) -> Vec<Passed> {
        let end = self.len();
        let found = self.decide(end);
        (self.word, self.groups, self.key) = (end, end, None);
        found
    }

    /// Follows words and groups through what is new.
    fn follow(&mut self, from: usize) {
        let text = self.text.as_bytes();
        for (at, byte) in (from..).zip(text[from..].iter().copied()) {
            if of_word(byte) {
                continue;
            }
            let word = self.word - self.base;
            let behind = self.base + at + 1;
            match byte {
                // Several spaces are as good as one.
                b' ' if word == at && self.groups < self.word => {}
                b' ' => {
                    let group = group(&text[word..at]);
                    if group == 0 {
                        self.groups = behind;
                    } else if group < at - word {
                        self.groups = self.base + at - group;
                    }
                }
                _ => self.groups = behind,
            }
            self.word = behind;
        }
    }

    /// Follows private keys from their first line to their last.
    fn follow_keys(&mut self, from: usize) {
        const BEGIN: &[u8] = b"-----BEGIN ";
        let text = self.text.as_bytes();
        let mut at = from.saturating_sub(BEGIN.len() - 1);
        loop {
            let start = match self.key {
                Some(key) => key - self.base,
                None => match memmem::find(&text[at.min(text.len())..], BEGIN) {
                    Some(found) => at + found,
                    None => return,
                },
            };
            self.key = Some(self.base + start);
            match key_end(text, start) {
                None => return,
                Some(end) => {
                    self.key = None;
                    at = end;
                }
            }
        }
    }

    fn decide(&mut self, hold: usize) -> Vec<Passed> {
        if hold <= self.decided {
            return Vec::new();
        }
        let behind = self.decided.saturating_sub(BEHIND_BYTES).max(self.base);
        let start = self.text.floor_char_boundary(behind - self.base);
        let offset = self.base + start;
        let mut found: Vec<Passed> = Vec::new();
        for one in find(&self.text[start..]) {
            let range = offset + one.range.start..offset + one.range.end;
            if range.start >= self.decided && range.start < hold {
                let number = is_number(
                    &self.text,
                    &(start + one.range.start..start + one.range.end),
                );
                found.push(Passed {
                    range,
                    category: one.category,
                    number,
                });
            }
        }
        let last = found.last().map_or(0, |it| it.range.end);
        self.decided = hold.max(last);
        self.word = self.word.max(self.decided);
        self.groups = self.groups.max(self.decided);
        self.forget();
        found
    }

    /// Lets go of what nothing needs any more.
    fn forget(&mut self) {
        let keep = self.decided.saturating_sub(BEHIND_BYTES).max(self.base) - self.base;
        // Not for every word: moving the rest costs.
        if keep > 4 * BEHIND_BYTES {
            let keep = self.text.floor_char_boundary(keep);
            self.text.drain(..keep);
            self.base += keep;
        }
    }
}

/// What words are made of that may be, or hold, something to find.
const fn of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'_' | b'-'
                | b'.'
                | b'+'
                | b'/'
                | b'='
                | b'@'
                | b'%'
                | b':'
                | b'~'
                | b'\''
                | b'('
                | b')'
        )
}

/// How much of a word's end may be one group of a number.
fn group(word: &[u8]) -> usize {
    let fits = |it: &u8| it.is_ascii_digit() || it.is_ascii_uppercase() || b"+()-./".contains(it);
    let end = word.iter().rev().take(GROUP_BYTES_MAX);
    end.take_while(|it| fits(it)).count()
}

/// Where a private key that begins here ends, or turns out to be none; `None` while that is open.
fn key_end(text: &[u8], start: usize) -> Option<usize> {
    let come = text.len() - start;
    let Some(head) = key_head(text, start) else {
        return (come >= KEY_HEAD_BYTES_MAX).then_some(start + 1);
    };
    if come > TOKEN_BYTES_MAX + 2 * KEY_HEAD_BYTES_MAX {
        return Some(head);
    }
    // From the end: what was looked through before need not be again, and the end is near.
    let foot = head + memmem::find(&text[head..], b"-----END ")?;
    let name = &text[foot + 9..];
    match memmem::find(name, b"-----") {
        Some(ends) => Some(foot + 9 + ends + 5),
        None => (name.len() > KEY_HEAD_BYTES_MAX + 5).then_some(foot),
    }
}
