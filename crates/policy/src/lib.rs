//! Policy: whether an action may happen, and what holds the answer fast until it has.
//!
//! A policy is a text of Cedar rules. [`PolicySet::compile`] parses the policies of an organisation,
//! checks them strictly against the published [`schema`](schema_text), and slices them by action;
//! [`PolicySet::decide`] puts one [`Question`] to it. What may happen is then carried by a
//! [`capability`] token to whoever executes it, and what a person has to agree to is bound by an
//! [`approval`] digest to exactly what they saw.
//!
//! # How a decision comes about
//!
//! 1. A question whose action and target don't fit together, or whose target isn't in canonical
//!    form, is denied. So is one for which any rule fails to evaluate; Cedar would go on without it.
//! 2. A `forbid` that holds denies, whatever else holds.
//! 3. Without a `permit` that holds, it is denied. If a permit without `@require_approval` holds, it
//!    is allowed. If only permits with it hold, a person is asked; two different people are involved
//!    if any of those carries `@four_eyes`.
//!
//! A policy can be *managed* by the organisation. If any managed policy permits anything at all, the
//! managed permits are the ceiling: in step 3 only they count, and a permit of another policy does
//! one thing alone, namely to ask for approval where it carries `@require_approval` and holds. So
//! with managed permits no other policy can make any answer less strict than the managed policies
//! give by themselves. If managed policies only forbid, they are a fence: what they forbid stays
//! forbidden, and other policies permit the rest.
//!
//! # What a rule can say about itself
//!
//! `@id("…")` names it in answers; `@reason("…")` is shown with the decision; `@suggested_fix("…")`
//! is advice for whom it denies; `@risk("0".."100")` raises the decision's risk;
//! `@require_approval` or `@require_approval("why")` makes a permit ask; `@four_eyes` lets nobody
//! approve for themselves; `@mask("secret, payment_card")` makes a permit of `model.call` or
//! `http.fetch` mask these categories in what is handed over, whichever permit decides;
//! `@description("…")` is for readers. Any other annotation is a problem, because a misspelt
//! `@require_approval` would silently allow.
//!
//! # Invariants
//!
//! - Deny is the default, and every failure on the way denies.
//! - A policy set that compiled has no rule that the schema doesn't know, none that can never apply,
//!   and none too deep to be checked.
//! - Every denial says what would have to change. A suggested rule flips its decision and no other,
//!   but for questions that ask for less: fewer bytes, having read less that is private or
//!   untrusted, or handing over less that guardrails find. Time, spending and risk are no part of it.
//! - Nothing here reads a clock, draws randomness or does I/O. Compiling borrows a thread with a
//!   large stack, and has ended it when it returns.
//!
//! Deliberately absent: storing policies and their versions, asking people, spending grants and
//! remembering tokens; all of that needs a database.

mod annotations;
pub mod approval;
pub mod capability;
mod compile;
mod decide;
mod entities;
pub mod evaluate;
pub mod exchange;
mod lexical;
mod mentions;
mod phrase;
mod problem;
mod question;
pub mod risk;
mod schema;
mod suggest;

pub use compile::{PolicySet, PolicySource};
pub use decide::{Decision, PolicyRef, Verdict};
pub use problem::PolicyProblem;
pub use question::{Context, Enforcement, Flow, HasRead, Principal, Question, QuestionError};
pub use schema::{example_policy, schema_text};
