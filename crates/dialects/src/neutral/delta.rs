//! A stream in the neutral form.

use super::{Citation, ProviderError, Seal, Stop, Usage};

/// One step of a stream.
///
/// The order: [`Start`](Delta::Start); for each part [`PartStart`](Delta::PartStart), its pieces,
/// [`PartStop`](Delta::PartStop); [`Stop`](Delta::Stop); [`End`](Delta::End). Parts are numbered
/// from 0 in the order in which they start; two may be open at once. [`Usage`](Delta::Usage) comes
/// anywhere between `Start` and `End`, and the last one counts. [`Error`](Delta::Error) ends a
/// stream in place of `End`.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// The answer begins.
    Start {
        /// The provider's id of the answer; empty if it gave none.
        id: String,
        /// The model that serves it; empty if the provider doesn't say.
        model: String,
        /// What reading the request cost, as far as it is known yet.
        usage: Usage,
    },
    /// A part begins.
    PartStart {
        /// Its number.
        index: usize,
        /// What it is.
        begin: Begin,
    },
    /// More of a text.
    Text {
        /// The part.
        index: usize,
        /// The piece.
        text: String,
    },
    /// Where a text, which is under way, was taken from.
    Citation {
        /// The part.
        index: usize,
        /// The place.
        citation: Citation,
    },
    /// More of the model's words of refusal.
    Refusal {
        /// The part.
        index: usize,
        /// The piece.
        text: String,
    },
    /// More of a thought.
    Thinking {
        /// The part.
        index: usize,
        /// The piece.
        text: String,
    },
    /// The seal of a thought or of a call.
    Seal {
        /// The part.
        index: usize,
        /// All of it.
        seal: Seal,
    },
    /// More of the arguments of a call.
    Arguments {
        /// The part.
        index: usize,
        /// A piece of JSON text.
        json: String,
    },
    /// A part is complete.
    PartStop {
        /// Its number.
        index: usize,
    },
    /// Why the answer ends.
    Stop(Stop),
    /// What it cost so far, all together.
    Usage(Usage),
    /// The answer is complete.
    End,
    /// The provider gave up in the middle.
    Error(ProviderError),
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// A text.
    Text,
    /// Words of refusal.
    Refusal,
    /// A thought.
    Thinking {
        /// The provider's id of it.
        id: Option<String>,
        /// Whether its text is withheld.
        redacted: bool,
    },
    /// A call of a tool.
    ToolCall {
        /// What its result refers to.
        id: String,
        /// The tool.
        name: String,
    },
}
