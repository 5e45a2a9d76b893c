//! A request for an answer: forwarded within its family, translated between families.

use std::sync::OnceLock;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use dialects::neutral::{self, Request};
use dialects::{
    Dialect, Peek, Refusal, peek, read_answer, read_request, said_of, usage_of, with_model,
    write_answer,
};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use policy::exchange::Exchange;

use super::body::with_limit;
use super::door::{Door, Guest};
use super::entry::{Entry, entry_of};
use super::envelope::{Envelope, SERVED, put};
use super::stream::{self, Streamed};
use crate::ModelError;
use crate::account::Operation;
use crate::admit::charge;
use crate::complete::{fill_in, translated};
use crate::dispatch::{Answered, Got, Theirs, Written, malformed};
use crate::ledger::{End, Public, Ticket};
use crate::model::{Params, Recording};
use crate::need;
use crate::rails::{self, Noted};
use crate::recording::Content;
use crate::route::{Asked, Candidate, Need, fitting, order, plan};
use crate::span;

/// A request as it came, and what is known of it without reading it.
struct Inquiry {
    dialect: Dialect,
    body: Bytes,
    peek: Peek,
    /// In the neutral form; read when a target of another family is tried.
    neutral: OnceLock<Result<Request, Refusal>>,
}

/// Answers a request in a dialect.
pub(super) async fn answer(
    door: &Door,
    dialect: Dialect,
    parts: Parts,
    body: Body,
    mut envelope: Envelope,
) -> Response {
    envelope.dialect = dialect;
    let (guest, body) = match door.enter(&parts.headers, body).await {
        Ok(entered) => entered,
        Err((kind, message)) => return envelope.refuse(kind, message),
    };
    match generate(door, &guest, dialect, parts, body, &mut envelope).await {
        Ok(response) => response,
        Err(error) => envelope.error(&error),
    }
}

async fn generate(
    door: &Door,
    guest: &Guest,
    dialect: Dialect,
    parts: Parts,
    body: Bytes,
    envelope: &mut Envelope,
) -> Result<Response, ModelError> {
    let peek = peek(dialect, &body)?;
    let gateway = &door.gateway;
    let models = gateway.catalog().of(&guest.ctx).await?;
    let plan = plan(&models, &Asked::Named(peek.model.clone()))?;
    door.may_ask(guest, &plan).await?;
    let whom = (&guest.ctx, &guest.spender);
    let (body, mut exchange, blocked) =
        match rails::outward(models.rules(), whom, &plan.name, body.clone())? {
            Ok(outward) => (outward.body, outward.exchange, None),
            Err(blocked) => (body, None, Some(blocked)),
        };
    let inquiry = Inquiry {
        dialect,
        peek,
        body,
        neutral: OnceLock::new(),
    };
    let need = inquiry.need(
        plan.params,
        plan.candidates.iter().any(|it| it.capabilities.is_some()),
    )?;
    let fits = fitting(&plan, &need)?;
    // What was stopped is named in the record, and not kept.
    let keep = match blocked {
        Some(_) => Recording::Off,
        None => models.recording(),
    };
    let public = inquiry.public(keep, entry_of(&parts, guest));
    let admitted = (fits.as_slice(), &need);
    let mut ticket = gateway
        .admit(
            &guest.ctx,
            &guest.spender,
            &models,
            &plan,
            admitted,
            Some(public),
        )
        .await?;
    envelope.id = ticket.call().id.to_string();
    if let Some(blocked) = blocked {
        ticket.outcome.rails = Noted::stopped(&blocked);
        let error = ModelError::Blocked(blocked);
        ticket.outcome.end = End::Failed(error.code());
        return Err(error);
    }
    if let Some(exchange) = &exchange {
        ticket.outcome.rails = Noted::of(exchange);
    }
    let candidates = order(
        fits,
        plan.strategy,
        &need,
        gateway.latencies(),
        gateway.random(),
    );
    let write = |candidate: &Candidate| inquiry.written(candidate, plan.params);
    let mut theirs = Theirs::of(dialect, parts);
    theirs.traceparent = ticket.span.header();
    let answered = gateway
        .dispatcher()
        .dispatch(candidates, &theirs, &write)
        .await;
    let answered = answered.inspect_err(|error| {
        ticket.outcome.end = End::Failed(error.code());
    })?;
    ticket.span.served_by(&answered.candidate);
    let outcome = &mut ticket.outcome;
    outcome.served = Some(answered.candidate.name());
    outcome.instead_of.clone_from(&answered.failed);
    outcome.first_byte = Some(answered.first_byte);
    let served = answered.candidate.name();
    let mut response = inquiry.respond(answered, ticket, envelope, (keep, exchange.take()))?;
    put(response.headers_mut(), SERVED, &served);
    Ok(response)
}

impl Theirs {
    /// What of a client's request goes along with its body.
    fn of(dialect: Dialect, parts: Parts) -> Self {
        let query = match dialect {
            // `?beta=true`
            Dialect::Anthropic => parts.uri.query().map(str::to_owned),
            Dialect::OpenaiChat
            | Dialect::OpenaiResponses
            | Dialect::Gemini
            | Dialect::Converse => None,
        };
        Self {
            headers: parts.headers,
            query,
            traceparent: None,
        }
    }
}

impl Inquiry {
    fn neutral(&self) -> Result<&Request, Refusal> {
        let read = self
            .neutral
            .get_or_init(|| read_request(self.dialect, &self.body));
        read.as_ref().map_err(Clone::clone)
    }

    /// What it needs of a model; what it needs beyond text only where somebody asks.
    fn need(&self, params: Params, in_full: bool) -> Result<Need, Refusal> {
        let limit = self.peek.max_output_tokens.or(params.max_output_tokens);
        let mut need = match in_full {
            true => need::need(self.neutral()?),
            false => Need::default(),
        };
        need.input_tokens = self.peek.input_tokens;
        need.max_output_tokens = limit.map(|limit| limit.saturating_mul(self.peek.choices));
        Ok(need)
    }

    fn public(&self, recording: Recording, entry: Option<Entry>) -> Public {
        Public {
            operation: span::Operation::Chat,
            entry,
            dialect: name(self.dialect),
            streamed: self.peek.stream,
            request: Content::of(recording, &self.body),
        }
    }

    /// The request as a target gets it.
    fn written(&self, candidate: &Candidate, params: Params) -> Result<Written, Refusal> {
        let (account, stream) = (&candidate.account, self.peek.stream);
        if account.speaks(self.dialect) {
            let mut body = with_model(self.dialect, &self.body, &candidate.model)?;
            if let (None, Some(limit)) = (self.peek.max_output_tokens, params.max_output_tokens) {
                body = with_limit(self.dialect, account.kind, body, limit);
            }
            return Ok(Written {
                operation: Operation::Generate {
                    dialect: self.dialect,
                    stream,
                },
                dialect: self.dialect,
                forwarded: true,
                body: body.into(),
            });
        }
        let mut request = self.neutral()?.clone();
        fill_in(&mut request, &params);
        request.stream = stream;
        let dialect = account.native();
        let body = translated(candidate, &request)?;
        Ok(Written {
            operation: Operation::Generate { dialect, stream },
            dialect,
            forwarded: false,
            body: body.to_string().into(),
        })
    }

    fn respond(
        self,
        answered: Answered,
        mut ticket: Ticket,
        envelope: &Envelope,
        (recording, exchange): (Recording, Option<Box<Exchange>>),
    ) -> Result<Response, ModelError> {
        let Answered {
            candidate,
            dialect,
            forwarded,
            got,
            ..
        } = answered;
        ticket.outcome.status = Some(StatusCode::OK.as_u16());
        let (headers, body) = match got {
            Got::Whole { headers, body } => (headers, body),
            Got::Stream { first, rest } => {
                let streamed = Streamed {
                    candidate,
                    dialect,
                    envelope: envelope.clone(),
                    input_tokens: self.peek.input_tokens,
                    recording,
                    exchange,
                    first,
                    rest: rest.map(|it| *it),
                    ticket,
                };
                let body = match forwarded {
                    true => stream::forwarded(streamed),
                    false => stream::translated(streamed, self.neutral()?),
                };
                let events = HeaderValue::from_static("text/event-stream; charset=utf-8");
                let mut response = envelope.response(StatusCode::OK, events, body);
                let headers = response.headers_mut();
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
                headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
                return Ok(response);
            }
        };
        let (usage, body) = if forwarded {
            if ticket.span.is_kept() {
                let said = said_of(dialect, &body);
                let model = said.model.unwrap_or_default();
                let model = candidate.account.masked(&model);
                ticket.span.said(&model, &said.finish_reasons);
            }
            (usage_of(dialect, &body), body)
        } else {
            let answer = read_answer(dialect, &body)
                .map_err(|error| malformed(&candidate, &error.to_string()))
                .inspect_err(|error| ticket.outcome.end = End::Failed(error.code()))?;
            let said = neutral::Envelope {
                request: self.neutral()?,
                id: &bare(&envelope.id),
                created: created(&ticket),
            };
            let model = candidate.account.masked(&answer.model);
            ticket.span.said(&model, &[answer.stop.as_str()]);
            let written = write_answer(self.dialect, &answer, &said).to_string();
            (Some(answer.usage), Bytes::from(written))
        };
        let outcome = &mut ticket.outcome;
        let exact = usage.is_some();
        let guessed = neutral::Usage {
            input_tokens: self.peek.input_tokens,
            output_tokens: dialects::estimate::tokens(&body),
            ..neutral::Usage::default()
        };
        charge(outcome, usage.unwrap_or(guessed), exact, candidate.price);
        let body = match exchange {
            None => body,
            Some(mut exchange) => {
                let let_in = rails::inward(&mut exchange, body);
                outcome.rails = Noted::of(&exchange);
                let let_in = let_in.map_err(|blocked| ModelError::Blocked(Box::new(blocked)));
                let_in.inspect_err(|error| outcome.end = End::Failed(error.code()))?
            }
        };
        outcome.end = End::Answered;
        outcome.answer = Content::of(recording, &body);
        let json = HeaderValue::from_static("application/json");
        let kind = headers
            .get(header::CONTENT_TYPE)
            .filter(|_| forwarded)
            .cloned();
        Ok(envelope.response(StatusCode::OK, kind.unwrap_or(json), body))
    }
}

/// The id of an answer, of letters and digits and what every dialect takes beside them.
pub(super) fn bare(id: &str) -> String {
    id.rsplit('_').next().unwrap_or(id).replace('-', "")
}

pub(super) fn created(ticket: &Ticket) -> u64 {
    u64::try_from(ticket.call().at.as_seconds()).unwrap_or(0)
}

/// As the record names it.
pub(super) const fn name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenaiChat => "openai.chat",
        Dialect::OpenaiResponses => "openai.responses",
        Dialect::Anthropic => "anthropic.messages",
        Dialect::Gemini => "gemini",
        Dialect::Converse => "bedrock.converse",
    }
}
