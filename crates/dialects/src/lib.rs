//! Dialects: the wire forms of model providers, and the neutral form between them.
//!
//! A gateway that forwards a request within one family doesn't read it: it [peeks](peek::peek) at
//! what it has to know, puts [another model's name](rename::with_model) into the same bytes, and
//! [meters](meter::Meter) the answer as it goes by. A request for another family is read into the
//! neutral form ([`read_request`]) and written out of it ([`write_request`]); the answer comes back
//! the same way, whole ([`read_answer`], [`write_answer`]) or step by step ([`StreamReader`],
//! [`StreamWriter`]). Agents speak the neutral form themselves.
//!
//! Invariants
//! - A request that is translated loses nothing without a word: what can't be said in the other
//!   family is [refused](Refusal), and what may be left out stands in one table ([`harmless`]).
//! - Readers of requests refuse members that they don't know; readers of answers pass them by,
//!   because providers add them, and are strict about what they use.
//! - Whatever bytes come in, nothing panics: it is an answer, a [`Refusal`], [`Malformed`], or a
//!   [`ProviderError`](neutral::ProviderError).
//! - A stream is read the same however its bytes are cut.
//!
//! Deliberately absent: connections, credentials, addresses, prices, retries, and anything that only
//! one family has. Nothing here reads a clock or draws randomness.

pub mod anthropic;
mod citations;
pub mod converse;
mod dispatch;
pub mod estimate;
mod failure;
mod fault;
pub mod gemini;
pub mod harmless;
mod media;
mod members;
pub mod meter;
pub mod neutral;
mod openai;
pub mod openai_chat;
pub mod openai_responses;
pub mod peek;
pub mod rename;
mod said;
mod seal;
pub mod sse;
mod stream;
mod turns;
mod unique;

pub use dispatch::{
    StreamReader, StreamWriter, error_frame, read_answer, read_error, read_request, usage_of,
    write_answer, write_error, write_request,
};
pub use fault::{Malformed, MalformedKind, Refusal};
pub use meter::Meter;
pub use peek::{Peek, peek};
pub use rename::with_model;
pub use said::{Said, said_of};

/// How a family of providers speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI's Chat Completions, and every server that is compatible with them.
    OpenaiChat,
    /// OpenAI's Responses.
    OpenaiResponses,
    /// Anthropic's Messages.
    Anthropic,
    /// Google's Gemini; only providers speak it.
    Gemini,
    /// AWS Bedrock's Converse; only providers speak it.
    Converse,
}
