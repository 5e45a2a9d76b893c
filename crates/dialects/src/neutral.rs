//! The neutral form: what families of models have in common, in one shape.
//!
//! A document of one family is read into it and written out of it for another. It holds everything
//! that two families share; what only one knows never gets here, because its reader refuses it.

mod answer;
mod assembler;
mod citation;
mod delta;
mod error;
mod request;

pub use answer::{Answer, Envelope, Stop, Usage};
pub use assembler::Assembler;
pub use citation::{Citation, Cited};
pub use delta::{Begin, Delta};
pub use error::{ErrorKind, ProviderError};
pub use request::{
    Cache, Detail, Document, Effort, Format, Image, Media, Message, Part, Request, Role, Seal,
    Sealer, Summary, System, Text, Thinking, ThinkingMode, Thought, Tool, ToolCall, ToolChoice,
    ToolResult, Verbosity,
};
