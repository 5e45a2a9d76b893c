//! The way to models, as the broker needs it. The server implements it with the model gateway.

use db::OrgContext;
use futures::future::BoxFuture;
use policy::exchange::Exchange;
use serde_json::Value;
use vocab::{Intent, SessionId};

use crate::result::ToolResult;

/// Asks models.
pub trait ModelGateway: Send + Sync {
    /// Asks the model that the intent names, and waits for its whole answer. Budgets, retries and
    /// fallbacks are the gateway's, and so is what policies have to say about the answer; what it gives back is the end of the attempt, good or bad.
    fn ask<'a>(
        &'a self,
        ctx: &'a OrgContext,
        intent: &'a Intent,
        session: Option<SessionId>,
        exchange: Box<Exchange>,
    ) -> BoxFuture<'a, ToolResult>;
}

/// The way to models where there are none.
pub struct NoModels;

impl ModelGateway for NoModels {
    fn ask<'a>(
        &'a self,
        _: &'a OrgContext,
        _: &'a Intent,
        _: Option<SessionId>,
        _: Box<Exchange>,
    ) -> BoxFuture<'a, ToolResult> {
        let none = ToolResult::failure("NO_MODEL", "this process reaches no model", false);
        Box::pin(async { none })
    }
}

/// The name of the model that the arguments of `model.call` ask.
pub(crate) fn asked(arguments: &Value) -> Option<&str> {
    arguments.get("model")?.as_str()
}
