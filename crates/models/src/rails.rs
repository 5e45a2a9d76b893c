//! Guardrails on what models are sent and answer: what policies forbid is stopped, and what they mask
//! is masked, before it leaves and before it arrives.
//!
//! Agents' calls are decided on by the road that every action takes. On the public routes a key
//! permits; policies bear on it as [`Bearing`] says. Where none does, nothing is read and nothing
//! is copied.

mod lanes;
mod sieve;
mod steps;

use std::sync::Arc;

use bytes::Bytes;
use db::OrgContext;
use futures::future::BoxFuture;
use guard::json::{counts, find_in, masked};
use guard::{Categories, Counts};
use policy::exchange::{Bearing, Blocked, Exchange};
use policy::{Context, PolicySet, Principal, Question};
use vocab::{Action, Target, UserId};

use crate::ModelError;
use crate::gateway::Spender;

pub(crate) use sieve::Sieve;
pub(crate) use steps::Steps;

/// What kind of run a call on the public routes is to policies.
const RUN_KIND: &str = "gateway";

/// Why the policies in force are not to be had; for people.
pub type RulesError = Box<dyn std::error::Error + Send + Sync>;

/// The policies in force, which the server has from whoever keeps them.
pub trait Rules: Send + Sync {
    /// Those of the caller's organisation.
    fn in_force<'a>(
        &'a self,
        ctx: &'a OrgContext,
    ) -> BoxFuture<'a, Result<Arc<PolicySet>, RulesError>>;
}

/// What the record says of guardrails on one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Noted {
    /// What was found in the request.
    pub sent: Categories,
    /// What was found in the answer.
    pub heard: Categories,
    /// What was masked in either.
    pub masked: Counts,
}

impl Noted {
    /// What is known of an exchange.
    pub fn of(exchange: &Exchange) -> Self {
        Self {
            sent: exchange.sent(),
            heard: exchange.heard(),
            masked: exchange.masked().clone(),
        }
    }

    /// What is known of one that was stopped before it began.
    pub fn stopped(blocked: &Blocked) -> Self {
        Self {
            sent: blocked.detected,
            ..Self::default()
        }
    }
}

/// A request that policies were asked about.
pub(crate) struct Outward {
    /// As it may leave.
    pub body: Bytes,
    /// If its answer is to be looked at.
    pub exchange: Option<Box<Exchange>>,
}

/// Asks the policies about a request that a key permits, and masks it.
pub(crate) fn outward(
    rules: Option<&Result<Arc<PolicySet>, Arc<str>>>,
    (ctx, spender): (&OrgContext, &Spender),
    model: &str,
    body: Bytes,
) -> Result<Result<Outward, Box<Blocked>>, ModelError> {
    let free = |body| {
        Ok(Ok(Outward {
            body,
            exchange: None,
        }))
    };
    let set = match rules {
        None => return free(body),
        Some(Err(why)) => return Err(ModelError::Unruled(why.to_string())),
        Some(Ok(set)) => set,
    };
    match set.bearing(Action::ModelCall) {
        Bearing::None => return free(body),
        Bearing::Fence | Bearing::Decides => {}
    }
    let mut question = question(ctx, spender, model);
    let places = match set.looks(Action::ModelCall) {
        true => find_in(&body),
        false => Vec::new(),
    };
    question.context.detected = counts(&places).categories();
    let mut exchange = match Exchange::begin(Arc::clone(set), question) {
        Ok(exchange) => exchange,
        Err(blocked) => return Ok(Err(Box::new(blocked))),
    };
    let body = match masked(&body, &places, exchange.mask()) {
        Some((clean, counts)) => {
            exchange.note(&counts);
            clean.into()
        }
        None => body,
    };
    let exchange = exchange.looks().then(|| Box::new(exchange));
    Ok(Ok(Outward { body, exchange }))
}

/// Asks the policies about a whole answer, and masks it.
pub(crate) fn inward(exchange: &mut Exchange, body: Bytes) -> Result<Bytes, Blocked> {
    let places = find_in(&body);
    for category in counts(&places).categories().iter() {
        exchange.hear(category)?;
    }
    Ok(match masked(&body, &places, exchange.mask()) {
        Some((clean, counts)) => {
            exchange.note(&counts);
            clean.into()
        }
        None => body,
    })
}

/// Who asks, as policies see it. An agent that asks with its run's token is the agent, whose name and
/// labels are not known here.
fn question(ctx: &OrgContext, spender: &Spender, model: &str) -> Question {
    let user = ctx.actor().user;
    let principal = match spender.agent {
        Some(id) => Principal::Agent {
            id,
            name: String::new(),
            labels: Default::default(),
            user,
        },
        None => Principal::User {
            id: user.unwrap_or_else(|| UserId::from_uuid(uuid::Uuid::nil())),
        },
    };
    Question {
        org: ctx.org(),
        principal,
        role: ctx.role(),
        tool: Action::ModelCall.as_str().to_owned(),
        action: Action::ModelCall,
        target: Target::Model {
            name: model.to_owned(),
        },
        target_labels: Default::default(),
        context: Context::new(RUN_KIND, ctx.now()),
    }
}
