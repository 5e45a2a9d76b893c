//! What policies have masked: in the arguments of requests and in their results, and in what models are
//! asked. The intent stays what it was, in the journal and for whoever approved it; what leaves is the
//! masked form of it, and the result says what was masked.

use std::sync::Arc;

use db::OrgContext;
use guard::Counts;
use guard::json::{find_in, masked as mask};
use policy::exchange::Exchange;
use serde_json::Value;

use super::{Attempted, Broker, Done, Way};
use crate::result::ToolResult;

/// The arguments as they may leave, and what was masked in them; `None` if nothing is.
pub(super) fn masked(way: Way<'_>) -> Option<(Value, Counts)> {
    let categories = way.ruling.decision.mask;
    if categories.is_empty() {
        return None;
    }
    let json = way.intent.arguments.to_string();
    let (clean, counts) = mask(json.as_bytes(), &find_in(json.as_bytes()), categories)?;
    // A placeholder keeps JSON what it is; if not, a `null` fits no tool.
    Some((serde_json::from_slice(&clean).unwrap_or_default(), counts))
}

/// An attempt whose result is masked as well, with what was masked both ways.
pub(super) fn noted(way: Way<'_>, mut attempted: Attempted, sent: &Counts) -> Attempted {
    if let Attempted::Done(done) = &mut attempted {
        let result = &mut done.result;
        result.masked.merge(sent);
        let categories = way.ruling.decision.mask;
        if let Some(output) = result.output.as_mut().filter(|_| !categories.is_empty()) {
            let json = output.to_string();
            if let Some((clean, counts)) =
                mask(json.as_bytes(), &find_in(json.as_bytes()), categories)
            {
                *output = serde_json::from_slice(&clean).unwrap_or_default();
                result.masked.merge(&counts);
            }
        }
    }
    attempted
}

/// The refusal of a request whose address would change.
pub(super) fn in_address() -> ToolResult {
    let message = "a policy masks something in the request's address, so it would go elsewhere";
    ToolResult::failure("POLICY_DENIED", message, false)
}

impl Broker {
    /// Asks a model, with what policies mask masked both ways.
    pub(super) async fn ask_model(&self, ctx: &OrgContext, way: Way<'_>) -> Attempted {
        let ruling = way.ruling;
        let mut exchange = Exchange::decided(
            Arc::clone(&ruling.in_force.set),
            ruling.question.clone(),
            ruling.decision.clone(),
        );
        let Some((arguments, counts)) = masked(way) else {
            let asked = self
                .models
                .ask(ctx, way.intent, way.session, Box::new(exchange));
            return Done::with(asked.await);
        };
        exchange.note(&counts);
        let mut intent = way.intent.clone();
        intent.arguments = arguments;
        let asked = self
            .models
            .ask(ctx, &intent, way.session, Box::new(exchange));
        Done::with(asked.await)
    }
}
