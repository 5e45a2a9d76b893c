//! Groups of digits with one separator between: what they are by their number, their lengths and
//! their check digit.

use std::net::Ipv4Addr;
use std::ops::Range;

use super::{Verdict, before, is_word};
use crate::{Category, Found};

/// How cards are written in groups; longer ones are of Maestro and the like.
const CARD_GROUPS: &[&[usize]] = &[
    &[4, 4, 4, 4],
    &[4, 4, 4, 4, 3],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 4, 4, 1],
];

/// Looks through one run, which is all digits and separators.
pub(super) fn find(text: &[u8], at: Range<usize>, found: &mut Vec<Found>) -> Verdict {
    let groups = groups(text, &at);
    let (mut first, mut any) = (0, false);
    while first < groups.len() {
        match at_group(text, &groups, first) {
            Some((count, category)) => {
                let range = groups[first].start..groups[first + count - 1].end;
                found.push(Found { range, category });
                (first, any) = (first + count, true);
            }
            None => first += 1,
        }
    }
    // What is left of the run behind the last one was looked through already.
    if any && found.last().is_some_and(|it| it.range.end == at.end) {
        Verdict::Taken
    } else {
        Verdict::PassBy
    }
}

fn groups(text: &[u8], at: &Range<usize>) -> Vec<Range<usize>> {
    let (mut groups, mut start) = (Vec::new(), at.start);
    for (offset, byte) in text[at.clone()].iter().enumerate() {
        if !byte.is_ascii_digit() {
            groups.push(start..at.start + offset);
            start = at.start + offset + 1;
        }
    }
    groups.push(start..at.end);
    groups
}

/// What begins with this group, and how many groups it has.
fn at_group(text: &[u8], groups: &[Range<usize>], first: usize) -> Option<(usize, Category)> {
    let start = groups[first].start;
    // Part of a longer word or a fraction: an id, a version, a date.
    let glued = before(text, start).is_some_and(|it| b"-.".contains(&it))
        && before(text, start - 1).is_some_and(|it| is_word(it) || b"-.".contains(&it));
    if glued {
        return None;
    }
    let same = |count: usize| -> Option<u8> {
        let last = groups.get(first + count - 1)?;
        let separators = groups[first..first + count - 1]
            .iter()
            .map(|it| text[it.end]);
        let mut separators = separators.peekable();
        let separator = separators.peek().copied().unwrap_or(0);
        let goes_on = |it: u8| is_word(it) || (b"-.".contains(&it));
        let cut = text.get(last.end).is_some_and(|it| goes_on(*it))
            && text.get(last.end + 1).is_some_and(|it| is_word(*it));
        (separators.all(|it| it == separator) && !cut).then_some(separator)
    };
    let lengths = |wanted: &[usize]| {
        let some = groups.get(first..first + wanted.len());
        some.is_some_and(|some| some.iter().map(Range::len).eq(wanted.iter().copied()))
    };
    let digits = |count: usize| -> Vec<u8> {
        let all = groups[first..first + count].iter().cloned();
        all.flat_map(|it| text[it].iter().map(|byte| byte - b'0'))
            .collect()
    };
    if (13..=19).contains(&groups[first].len()) && same(1).is_some() && is_card(&digits(1)) {
        return Some((1, Category::PaymentCard));
    }
    for wanted in CARD_GROUPS.iter().filter(|it| lengths(it)) {
        let count = wanted.len();
        if same(count).is_some_and(|it| it != b'.') && is_card(&digits(count)) {
            return Some((count, Category::PaymentCard));
        }
    }
    if lengths(&[3, 2, 4]) && same(3) == Some(b'-') && is_ssn(&digits(3)) {
        return Some((3, Category::UsSsn));
    }
    if lengths(&[3, 3, 4]) && same(3).is_some_and(|it| it != b' ') {
        let digits = digits(3);
        if digits[0] >= 2 && digits[3] >= 2 {
            return Some((3, Category::Phone));
        }
    }
    if same(4) == Some(b'.') && is_address(&text[start..groups[first + 3].end]) {
        return Some((4, Category::IpAddress));
    }
    None
}

/// A known issuer's prefix with a length that it has, and Luhn's check digit.
fn is_card(digits: &[u8]) -> bool {
    let prefix = |count: usize| {
        digits[..count]
            .iter()
            .fold(0, |sum, it| sum * 10 + u32::from(*it))
    };
    let length = digits.len();
    let known = match (prefix(1), prefix(2), prefix(3), prefix(4)) {
        // Visa.
        (4, ..) => matches!(length, 13 | 16 | 19),
        // Mastercard.
        (_, 51..=55, ..) | (.., 2221..=2720) => length == 16,
        // American Express.
        (_, 34 | 37, ..) => length == 15,
        // Diners Club.
        (_, 36 | 38 | 39, ..) | (_, _, 300..=305, _) => (14..=19).contains(&length),
        // Discover, JCB, UnionPay.
        (.., 6011) | (_, 65, ..) | (_, _, 644..=649, _) | (_, 35 | 62, ..) => {
            (16..=19).contains(&length)
        }
        _ => false,
    };
    known && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    let sum = digits.iter().rev().enumerate().map(|(at, digit)| {
        let digit = u32::from(*digit);
        match (at % 2, digit) {
            (0, digit) => digit,
            (_, digit @ 0..=4) => digit * 2,
            (_, digit) => digit * 2 - 9,
        }
    });
    sum.sum::<u32>().is_multiple_of(10)
}

fn is_ssn(digits: &[u8]) -> bool {
    let area = &digits[..3];
    let zero = |some: &[u8]| some.iter().all(|it| *it == 0);
    !zero(area) && area != [6, 6, 6] && area[0] != 9 && !zero(&digits[3..5]) && !zero(&digits[5..])
}

fn is_address(written: &[u8]) -> bool {
    let address = std::str::from_utf8(written)
        .ok()
        .and_then(|it| it.parse::<Ipv4Addr>().ok());
    address.is_some_and(|it| !it.is_loopback() && !it.is_unspecified() && !it.is_broadcast())
}
