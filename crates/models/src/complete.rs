//! A call out of this process, in the neutral form: what agents ask with.

use std::future::Future;

use bytes::Bytes;
use db::OrgContext;
use dialects::neutral::{Answer, Assembler, Delta, Request};
use dialects::{Refusal, read_answer, write_request};
use guard::Counts;
use policy::exchange::Exchange;
use vocab::ProviderId;

use crate::account::Operation;
use crate::admit::charge;
use crate::dispatch::{Answered, Got, Theirs, Written, malformed, masked};
use crate::failure::ModelError;
use crate::gateway::{Gateway, Spender};
use crate::intake::Intake;
use crate::ledger::{End, Outcome, Ticket};
use crate::model::Params;
use crate::need::need;
use crate::rails::Steps;
use crate::route::{Asked, Candidate, fitting, order, plan};
use crate::tab::Tab;
use crate::upstream::Reply;

/// What a model answered, who served it, and what it cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The answer, with its usage in tokens.
    pub answer: Answer,
    /// What it cost, in micro-USD; 0 where nobody prices the model.
    pub cost_usd_micros: u64,
    /// Whether somebody prices the model.
    pub priced: bool,
    /// Who served it.
    pub served: Served,
    /// What guardrails masked, in the request and in the answer.
    pub masked: Counts,
}

/// Who served a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The provider.
    pub provider: ProviderId,
    /// As clients name it: `provider/model`.
    pub model: String,
    /// Targets that were tried before it, each with the code of why it did not answer.
    pub instead_of: Vec<(String, &'static str)>,
}

impl Gateway {
    /// Asks a model and waits for its whole answer; `deltas` hears each step of it as it comes. Once
    /// the first step was told, no other target is tried. Dropping the future stops the provider.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn complete<'a>(
        &'a self,
        ctx: &'a OrgContext,
        spender: &'a Spender,
        model: impl Into<Asked>,
        request: Request,
        deltas: impl FnMut(&Delta) + Send + 'a,
    ) -> impl Future<Output = Result<Completion, ModelError>> + Send + 'a {
        self.complete_guarded(ctx, spender, model, (request, None), deltas)
    }

    /// The same for a call that policies have decided on, which go on to look at the answer: what they
    /// mask is masked in each step as well.
    ///
    /// # Errors
    /// [`ModelError`]; [`ModelError::Blocked`] if they forbid what comes.
    pub fn complete_guarded<'a>(
        &'a self,
        ctx: &'a OrgContext,
        spender: &'a Spender,
        model: impl Into<Asked>,
        (mut request, exchange): (Request, Option<Box<Exchange>>),
        deltas: impl FnMut(&Delta) + Send + 'a,
    ) -> impl Future<Output = Result<Completion, ModelError>> + Send + 'a {
        let asked = model.into();
        async move {
            let models = self.catalog().of(ctx).await?;
            let plan = plan(&models, &asked)?;
            fill_in(&mut request, &plan.params);
            request.stream = true;
            let need = need(&request);
            let fits = fitting(&plan, &need)?;
            let mut ticket = self
                .admit(ctx, spender, &models, &plan, (&fits, &need), None)
                .await?;
            let candidates = order(fits, plan.strategy, &need, self.latencies(), self.random());
            let write = |candidate: &Candidate| written(candidate, &request);
            let theirs = Theirs {
                traceparent: ticket.span.header(),
                ..Theirs::default()
            };
            let dispatcher = self.dispatcher();
            let done = match dispatcher.dispatch(candidates, &theirs, &write).await {
                Ok(answered) => {
                    let steps = exchange.map(Steps::new);
                    read(answered, need.input_tokens, &mut ticket, (steps, deltas)).await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = &done {
                ticket.outcome.end = End::Failed(error.code());
            }
            done
        }
    }
}

/// What the profile says where the request says nothing; and that a stream tells what it cost.
pub(crate) fn fill_in(request: &mut Request, params: &Params) {
    request.temperature = request.temperature.or(params.temperature);
    request.top_p = request.top_p.or(params.top_p);
    request.max_output_tokens = request.max_output_tokens.or(params.max_output_tokens);
    request.stream_usage = true;
}

/// The body of a request as a target takes it.
pub(crate) fn translated(
    candidate: &Candidate,
    request: &Request,
) -> Result<serde_json::Value, Refusal> {
    let dialect = candidate.account.native();
    match request.max_output_tokens {
        // The next target may write more than this one can; it would refuse to be asked for so much.
        Some(asked) if candidate.output_limit(asked) < asked => {
            let most = Some(candidate.output_limit(asked));
            let request = Request {
                max_output_tokens: most,
                ..request.clone()
            };
            write_request(dialect, &request, &candidate.model)
        }
        Some(_) | None => write_request(dialect, request, &candidate.model),
    }
}

fn written(candidate: &Candidate, request: &Request) -> Result<Written, Refusal> {
    let dialect = candidate.account.native();
    let body = translated(candidate, request)?;
    Ok(Written {
        operation: Operation::Generate {
            dialect,
            stream: request.stream,
        },
        dialect,
        forwarded: false,
        body: Bytes::from(body.to_string()),
    })
}

async fn read(
    answered: Answered,
    input_estimate: u64,
    ticket: &mut Ticket,
    (mut steps, deltas): (Option<Steps>, impl FnMut(&Delta) + Send),
) -> Result<Completion, ModelError> {
    let candidate = answered.candidate;
    ticket.span.served_by(&candidate);
    let outcome = &mut ticket.outcome;
    outcome.served = Some(candidate.name());
    outcome.instead_of.clone_from(&answered.failed);
    outcome.first_byte = Some(answered.first_byte);
    let answer = match answered.got {
        Got::Whole { body, .. } => {
            let answer = read_answer(answered.dialect, &body)
                .map_err(|error| malformed(&candidate, &error.to_string()))?;
            charge(outcome, answer.usage, true, candidate.price);
            // A stream was asked for; what comes whole can't be looked at step by step.
            if steps.is_some() {
                return Err(malformed(&candidate, "it is no stream of events"));
            }
            answer
        }
        Got::Stream { first, rest } => {
            let reading = Reading {
                candidate: &candidate,
                outcome,
                tab: Tab::new(input_estimate),
                steps: steps.as_mut(),
            };
            let intake = Intake::new(answered.dialect);
            reading.read(intake, first, rest, deltas).await?
        }
    };
    outcome.end = End::Answered;
    ticket.span.said(
        &candidate.account.masked(&answer.model),
        &[answer.stop.as_str()],
    );
    Ok(Completion {
        cost_usd_micros: outcome.cost,
        priced: outcome.priced,
        served: Served {
            provider: candidate.account.id,
            model: candidate.name(),
            instead_of: answered.failed,
        },
        masked: steps
            .map(|it| it.exchange().masked().clone())
            .unwrap_or_default(),
        answer,
    })
}

/// A stream that is being read into an answer.
struct Reading<'a> {
    candidate: &'a Candidate,
    outcome: &'a mut Outcome,
    tab: Tab,
    steps: Option<&'a mut Steps>,
}

impl Reading<'_> {
    async fn read(
        mut self,
        mut intake: Intake,
        first: Bytes,
        mut rest: Option<Box<Reply>>,
        mut deltas: impl FnMut(&Delta) + Send,
    ) -> Result<Answer, ModelError> {
        let candidate = self.candidate;
        let wrong = |error: &dyn ToString| malformed(candidate, &error.to_string());
        let mut assembler = Assembler::new();
        let mut chunk = Some(first);
        while let Some(bytes) = chunk {
            let steps = intake.push(&bytes).map_err(|error| wrong(&error))?;
            self.tell(steps, &mut assembler, &mut deltas)?;
            let next = match &mut rest {
                Some(reply) => reply.chunk().await.transpose(),
                None => Ok(None),
            };
            chunk = next.map_err(|error| ModelError::unreachable(candidate.name(), &error))?;
        }
        let steps = intake.finish().map_err(|error| wrong(&error))?;
        self.tell(steps, &mut assembler, &mut deltas)?;
        let left = match &mut self.steps {
            Some(held) => held
                .finish()
                .map_err(|it| ModelError::Blocked(Box::new(it)))?,
            None => Vec::new(),
        };
        hand_on(&left, &mut assembler, &mut deltas);
        if let Some(error) = assembler.error() {
            return Err(ModelError::Provider {
                target: candidate.name(),
                error: Box::new(masked(candidate, error.clone())),
                raw: None,
                retry_after: None,
            });
        }
        assembler.finish().map_err(|error| wrong(&error))
    }

    fn tell(
        &mut self,
        steps: Vec<Delta>,
        assembler: &mut Assembler,
        deltas: &mut (impl FnMut(&Delta) + Send),
    ) -> Result<(), ModelError> {
        for step in &steps {
            self.tab.observe(step);
        }
        let (usage, exact) = (self.tab.usage(), self.tab.is_exact());
        charge(self.outcome, usage, exact, self.candidate.price);
        let steps = match &mut self.steps {
            Some(held) => held
                .push(steps)
                .map_err(|it| ModelError::Blocked(Box::new(it)))?,
            None => steps,
        };
        hand_on(&steps, assembler, deltas);
        Ok(())
    }
}

fn hand_on(steps: &[Delta], assembler: &mut Assembler, deltas: &mut (impl FnMut(&Delta) + Send)) {
    for step in steps {
        assembler.push(step);
        deltas(step);
    }
}
