//! Policy: whether an action may happen, and the tokens and digests that hold the answer fast.
mod annotations;
pub mod approval;
pub mod capability;
mod compile;
mod decide;
mod entities;
pub mod evaluate;
mod phrase;
mod problem;
mod question;
pub mod risk;
mod schema;
mod suggest;

pub use compile::{PolicySet, PolicySource};
pub use decide::{Decision, PolicyRef, Verdict};
pub use problem::PolicyProblem;
pub use question::{Context, Enforcement, HasRead, Principal, Question, QuestionError};
pub use schema::{example_policy, schema_text};
