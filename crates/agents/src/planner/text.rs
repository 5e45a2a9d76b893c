//! Texts that can refer to what earlier steps gave.

use std::fmt;

use super::Why;

/// A text with references.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    parts: Vec<Part>,
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// These characters.
    Literal(String),
    /// What a step gave.
    Output {
        /// The step's number.
        step: u32,
        /// The way to a member of it; empty for the whole.
        path: Vec<String>,
    },
}

impl Text {
    /// Reads the text of step `number`.
    pub(super) fn parse(text: &str, number: u32) -> Result<Self, Why> {
        let mut it = Self::default();
        let mut rest = text;
        while let Some(at) = rest.find("{{") {
            it.push_literal(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("{{{{") {
                it.push_literal("{{");
                rest = after;
            } else if let Some((inside, after)) = reference(rest) {
                it.parts.push(output(inside, number)?);
                rest = after;
            } else {
                it.push_literal("{");
                rest = &rest[1..];
            }
        }
        it.push_literal(rest);
        Ok(it)
    }

    /// Its parts, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    fn push_literal(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.parts.last_mut() {
            Some(Part::Literal(last)) => last.push_str(text),
            Some(Part::Output { .. }) | None => self.parts.push(Part::Literal(text.to_owned())),
        }
    }
}

/// The inside of the reference at the beginning of the text, and what follows it. A reference
/// begins with a digit and is made of letters, digits, `.`, `_` and `-`.
fn reference(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("{{")?;
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c))?;
    let (inside, after) = (&text[..end], text[end..].strip_prefix("}}")?);
    inside
        .starts_with(|c: char| c.is_ascii_digit())
        .then_some((inside, after))
}

fn output(inside: &str, number: u32) -> Result<Part, Why> {
    let mut names = inside.split('.');
    let step = names.next().and_then(|digits| digits.parse().ok());
    let path: Vec<String> = names.map(str::to_owned).collect();
    match step {
        Some(step) if (1..number).contains(&step) && path.iter().all(|name| !name.is_empty()) => {
            Ok(Part::Output { step, path })
        }
        Some(_) | None => Err(Why::Reference(super::excerpt(inside))),
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text) => f.write_str(&text.replace("{{", "{{{{"))?,
                Part::Output { step, path } => {
                    write!(f, "{{{{{step}")?;
                    path.iter().try_for_each(|name| write!(f, ".{name}"))?;
                    f.write_str("}}")?;
                }
            }
        }
        Ok(())
    }
}
