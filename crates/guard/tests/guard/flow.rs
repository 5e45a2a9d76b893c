//! A flow finds what is found in the whole, wherever the text is cut.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::ops::Range;
use std::time::Instant;

use guard::{Category, Flow, find};

use crate::tables::{NEGATIVE, positive};

/// Small, seeded, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

fn whole(text: &str) -> Vec<(Range<usize>, Category)> {
    find(text)
        .into_iter()
        .map(|it| (it.range, it.category))
        .collect()
}

fn flowing(pieces: &[&str]) -> Vec<(Range<usize>, Category)> {
    let (mut flow, mut found, mut last) = (Flow::new(), Vec::new(), 0);
    for piece in pieces {
        found.extend(
            flow.push(piece)
                .into_iter()
                .map(|it| (it.range, it.category)),
        );
        assert!(flow.decided() >= last && flow.decided() <= flow.len());
        last = flow.decided();
    }
    found.extend(flow.flush().into_iter().map(|it| (it.range, it.category)));
    assert_eq!(flow.decided(), flow.len());
    found
}

fn cut<'a>(text: &'a str, dice: &mut Dice, most: usize) -> Vec<&'a str> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let at = rest.ceil_char_boundary((1 + dice.roll(most)).min(rest.len()));
        let (piece, after) = rest.split_at(at);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

#[test]
fn each_sample_is_found_split_at_every_place() {
    for (_, sample, _) in positive() {
        let text = format!("see {sample} please");
        for (at, _) in text.char_indices() {
            let (a, b) = text.split_at(at);
            assert_eq!(flowing(&[a, b]), whole(&text), "{a:?} | {b:?}");
        }
    }
}

#[test]
fn random_texts_cut_at_random_give_what_the_whole_gives() {
    let seed = RandomState::new().build_hasher().finish() | 1;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let samples = positive();
    let filler = [
        "a",
        "the card is",
        "12",
        "é",
        "日本語",
        "\n",
        "  ",
        "{\"a\":",
        "}",
        "-",
        "4111",
        "+",
        "DE89",
        "x@",
        "AB",
        "1.",
        "(",
    ];
    for round in 0..400 {
        let mut text = String::new();
        for _ in 0..dice.roll(12) {
            match dice.roll(3) {
                0 => text.push_str(&samples[dice.roll(samples.len())].1),
                1 => text.push_str(NEGATIVE[dice.roll(NEGATIVE.len())]),
                _ => text.push_str(filler[dice.roll(filler.len())]),
            }
            text.push_str([" ", "", ", ", "\n", "\"", "é"][dice.roll(6)]);
        }
        for most in [1, 4, 40] {
            let pieces = cut(&text, &mut dice, most);
            assert_eq!(flowing(&pieces), whole(&text), "round {round}: {pieces:?}");
        }
    }
}

#[test]
fn ordinary_words_are_let_go_as_soon_as_they_end() {
    let mut flow = Flow::new();
    for (piece, decided) in [
        ("Hello ", 6),
        ("wor", 6),
        ("ld, ", 13),
        ("日本語", 22),
        ("x", 22),
        ("\n", 24),
    ] {
        assert_eq!(flow.push(piece), []);
        assert_eq!(flow.decided(), decided, "{piece:?}");
    }
    // A number may go on behind a space; a word after it ends it.
    flow.push("4111 1111 ");
    assert_eq!(flow.decided(), 24);
    flow.push("apples ");
    assert_eq!(flow.decided(), flow.len());
}

#[test]
fn a_word_without_end_is_not_held_for_ever_and_costs_linear_time() {
    let (mut flow, begun) = (Flow::new(), Instant::now());
    for _ in 0..60_000 {
        flow.push("abcd");
        assert!(flow.len() - flow.decided() < 64 << 10);
    }
    // Quadratic, it would be minutes.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
