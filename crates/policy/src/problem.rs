//! What is wrong with a policy, and where.

use std::fmt;

use miette::Diagnostic;

/// Something wrong with a policy's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyProblem {
    /// The policy's name.
    pub policy: String,
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
}

impl PolicyProblem {
    /// A problem at a byte of the policy's text.
    pub(crate) fn at(policy: &str, text: &str, byte: usize, message: impl Into<String>) -> Self {
        let (line, column) = position(text, byte);
        Self {
            policy: policy.to_owned(),
            line,
            column,
            message: message.into(),
            help: None,
        }
    }

    /// What Cedar has to say, at the place that it names, else at `fallback`.
    pub(crate) fn of(
        policy: &str,
        text: &str,
        fallback: usize,
        diagnostic: &(impl Diagnostic + ?Sized),
    ) -> Self {
        let label = diagnostic.labels().and_then(|mut labels| labels.next());
        let byte = label.as_ref().map_or(fallback, miette::LabeledSpan::offset);
        let mut message = diagnostic.to_string();
        if let Some(label) = label.as_ref().and_then(miette::LabeledSpan::label) {
            message = format!("{message}: {label}");
        }
        let help = diagnostic.help().map(|help| without_ids(&help.to_string()));
        Self {
            help,
            ..Self::at(policy, text, byte, without_ids(&message))
        }
    }

    pub(crate) fn with_help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.policy, self.line, self.column, self.message
        )?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Cedar's messages say ``for policy `7`, `` with the number that we gave the rule, which means
/// nothing to a reader.
fn without_ids(message: &str) -> String {
    let mut parts = message.split("for policy `");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once('`').map_or(part, |(_, rest)| rest);
        out.push_str(rest.trim_start_matches([',', ':', ' ']));
    }
    out
}

fn position(text: &str, byte: usize) -> (u32, u32) {
    let mut end = byte.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (
        u32::try_from(line).unwrap_or(u32::MAX),
        u32::try_from(column).unwrap_or(u32::MAX),
    )
}
