//! What a provider is asked for beside answers: counts of tokens, and vectors. Both are forwarded to
//! targets of their own family; there is nothing to translate them into.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use dialects::neutral::Usage;
use dialects::{Dialect, Peek, Refusal, peek, said_of, with_model};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use vocab::TraceParent;

use super::door::{Door, Guest};
use super::entry::entry_of;
use super::envelope::{Envelope, SERVED, put};
use crate::ModelError;
use crate::account::Operation;
use crate::admit::{charge, may_ask};
use crate::dispatch::{Answered, Got, Theirs, Written, malformed};
use crate::ledger::{End, Public};
use crate::model::Recording;
use crate::rails::{self, Noted};
use crate::recording::Content;
use crate::route::{Asked, Candidate, Need, Plan, fitting, order, plan};
use crate::span;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    CountTokens,
    Embeddings,
}

impl Kind {
    const fn dialect(self) -> Dialect {
        match self {
            Self::CountTokens => Dialect::Anthropic,
            Self::Embeddings => Dialect::OpenaiChat,
        }
    }

    const fn operation(self) -> Operation {
        match self {
            Self::CountTokens => Operation::CountTokens,
            Self::Embeddings => Operation::Embeddings,
        }
    }

    const fn refusal(self) -> &'static str {
        match self {
            Self::CountTokens => {
                "only Anthropic's models count tokens, and this model leads to none"
            }
            Self::Embeddings => {
                "only OpenAI's dialect has embeddings, and this model leads elsewhere"
            }
        }
    }
}

/// Forwards a request.
pub(super) async fn forward(
    door: &Door,
    kind: Kind,
    parts: Parts,
    body: Body,
    mut envelope: Envelope,
) -> Response {
    let (guest, body) = match door.enter(&parts.headers, body).await {
        Ok(entered) => entered,
        Err((kind, message)) => return envelope.refuse(kind, message),
    };
    match try_forward(door, &guest, kind, parts, body, &mut envelope).await {
        Ok(response) => response,
        Err(error) => envelope.error(&error),
    }
}

async fn try_forward(
    door: &Door,
    guest: &Guest,
    kind: Kind,
    parts: Parts,
    body: Bytes,
    envelope: &mut Envelope,
) -> Result<Response, ModelError> {
    let peek = peek(kind.dialect(), &body)?;
    let gateway = &door.gateway;
    let models = gateway.catalog().of(&guest.ctx).await?;
    let plan = plan(&models, &Asked::Named(peek.model.clone()))?;
    door.may_ask(guest, &plan).await?;
    let need = Need {
        input_tokens: peek.input_tokens,
        max_output_tokens: Some(0),
        ..Need::default()
    };
    let fits = family(kind, fitting(&plan, &need)?)?;
    let whom = (&guest.ctx, &guest.spender);
    let ruled = rails::outward(models.rules(), whom, &plan.name, body.clone())?;
    let (body, noted, blocked) = match ruled {
        Ok(it) => {
            let noted = it.exchange.as_ref().map(|it| Noted::of(it));
            (it.body, noted.unwrap_or_default(), None)
        }
        Err(blocked) => (body, Noted::stopped(&blocked), Some(blocked)),
    };
    let keep = match blocked {
        Some(_) => Recording::Off,
        None => models.recording(),
    };
    let public = Public {
        dialect: match kind {
            Kind::CountTokens => "anthropic.count_tokens",
            Kind::Embeddings => "openai.embeddings",
        },
        operation: span::Operation::Embeddings,
        entry: entry_of(&parts, guest),
        streamed: false,
        request: Content::of(keep, &body),
    };
    // Counting costs nothing, so there is nothing to reserve; but not everybody may ask everything.
    let mut ticket = match kind {
        Kind::CountTokens => {
            may_ask(&guest.spender, &models, &plan, &fits)?;
            None
        }
        Kind::Embeddings => {
            let admitted = (fits.as_slice(), &need);
            let admitted = gateway
                .admit(
                    &guest.ctx,
                    &guest.spender,
                    &models,
                    &plan,
                    admitted,
                    Some(public),
                )
                .await?;
            envelope.id = admitted.call().id.to_string();
            Some(admitted)
        }
    };
    if let Some(ticket) = &mut ticket {
        ticket.outcome.rails = noted;
    }
    if let Some(blocked) = blocked {
        let error = ModelError::Blocked(blocked);
        if let Some(ticket) = &mut ticket {
            ticket.outcome.end = End::Failed(error.code());
        }
        return Err(error);
    }
    let told = match &ticket {
        Some(ticket) => ticket.span.header(),
        None => parts.headers.get(TraceParent::HEADER).cloned(),
    };
    let theirs = Theirs {
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        traceparent: told,
    };
    let answered = send(door, &plan, fits, &need, (kind, &body), &theirs).await;
    let answered = answered.inspect_err(|error| {
        if let Some(ticket) = &mut ticket {
            ticket.outcome.end = End::Failed(error.code());
        }
    })?;
    let served = answered.candidate.name();
    let Got::Whole { headers, body } = answered.got else {
        return Err(malformed(
            &answered.candidate,
            "it streams what was not to be streamed",
        ));
    };
    if let Some(ticket) = &mut ticket {
        ticket.span.served_by(&answered.candidate);
        if ticket.span.is_kept() {
            let said = said_of(kind.dialect(), &body);
            let model = said.model.unwrap_or_default();
            let model = answered.candidate.account.masked(&model);
            ticket.span.said(&model, &said.finish_reasons);
        }
        let outcome = &mut ticket.outcome;
        outcome.served = Some(served.clone());
        outcome.instead_of = answered.failed;
        outcome.first_byte = Some(answered.first_byte);
        outcome.status = Some(StatusCode::OK.as_u16());
        outcome.end = End::Answered;
        outcome.answer = Content::of(keep, &body);
        let (usage, exact) = usage(&body, &peek);
        charge(outcome, usage, exact, answered.candidate.price);
    }
    let json = HeaderValue::from_static("application/json");
    let content_type = headers.get(header::CONTENT_TYPE).cloned().unwrap_or(json);
    let mut response = envelope.response(StatusCode::OK, content_type, body);
    put(response.headers_mut(), SERVED, &served);
    Ok(response)
}

async fn send(
    door: &Door,
    plan: &Plan,
    fits: Vec<Candidate>,
    need: &Need,
    (kind, body): (Kind, &Bytes),
    theirs: &Theirs,
) -> Result<Answered, ModelError> {
    let gateway = &door.gateway;
    let candidates = order(
        fits,
        plan.strategy,
        need,
        gateway.latencies(),
        gateway.random(),
    );
    let write = |candidate: &Candidate| {
        Ok(Written {
            operation: kind.operation(),
            dialect: kind.dialect(),
            forwarded: true,
            body: with_model(kind.dialect(), body, &candidate.model)?.into(),
        })
    };
    gateway
        .dispatcher()
        .dispatch(candidates, theirs, &write)
        .await
}

/// The targets of the family.
fn family(kind: Kind, candidates: Vec<Candidate>) -> Result<Vec<Candidate>, ModelError> {
    let able = |it: &Candidate| match kind {
        Kind::CountTokens => it.account.speaks(kind.dialect()),
        Kind::Embeddings => it.account.embeds(),
    };
    let fits: Vec<Candidate> = candidates.into_iter().filter(able).collect();
    if fits.is_empty() {
        return Err(Refusal::new("/model", kind.refusal()).into());
    }
    Ok(fits)
}

/// What vectors cost, as the provider says, or as it was estimated.
fn usage(body: &[u8], peek: &Peek) -> (Usage, bool) {
    #[derive(Deserialize)]
    struct Said {
        usage: Tokens,
    }
    #[derive(Deserialize)]
    struct Tokens {
        prompt_tokens: u64,
    }
    let said = serde_json::from_slice::<Said>(body).ok();
    let input_tokens = said
        .as_ref()
        .map_or(peek.input_tokens, |it| it.usage.prompt_tokens);
    (
        Usage {
            input_tokens,
            ..Usage::default()
        },
        said.is_some(),
    )
}
