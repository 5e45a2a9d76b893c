//! What the record keeps of calls: that they were asked and answered, by whom, at what cost, and, as
//! far as the organisation wants it, what was said.
//!
//! Contents are sealed under their session's key, or the organisation's. Where only digests are kept, a
//! content is named by the keyed digest of its SHA-256: whoever has the bytes can show that they are
//! the ones, and nobody else learns anything.

mod kept;
mod streams;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use db::{StoreError, WriteTx};
use sha2::{Digest as _, Sha256};
use vault::{ContentError, Subject, SubjectKeys, Vault};
use vocab::limits::CONTENT_BYTES_MAX;
use vocab::{Digest, Draft, EventKind, ModelCallId};

use crate::ledger::{Call, End, Outcome, Public, Totals};
use crate::model::Recording;
use kept::{Keeper, Kept};

/// What is recorded of a request or an answer.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Nothing.
    Nothing,
    /// What it is, for who has it.
    Sha256(Digest),
    /// All of it.
    Whole(Bytes),
}

impl Content {
    /// Of these bytes, as far as they are recorded.
    pub fn of(recording: Recording, bytes: &Bytes) -> Self {
        match recording {
            Recording::Off => Self::Nothing,
            Recording::Digests => Self::Sha256(Digest::of(bytes)),
            Recording::Full => Self::Whole(bytes.clone()),
        }
    }
}

/// What is recorded of an answer that comes in pieces.
pub(crate) enum Heard {
    Nothing,
    Sha256(Box<Sha256>),
    Whole(BytesMut),
}

impl Heard {
    pub fn new(recording: Recording) -> Self {
        match recording {
            Recording::Off => Self::Nothing,
            Recording::Digests => Self::Sha256(Box::default()),
            Recording::Full => Self::Whole(BytesMut::new()),
        }
    }

    /// A piece of it.
    pub fn take(&mut self, bytes: &[u8]) {
        match self {
            Self::Nothing => {}
            Self::Sha256(hash) => hash.update(bytes),
            // What no content can hold is not kept, however long it goes on.
            Self::Whole(whole) if whole.len() + bytes.len() <= CONTENT_BYTES_MAX => {
                whole.extend_from_slice(bytes);
            }
            Self::Whole(_) => {}
        }
    }

    /// What came of it so far.
    pub fn content(&mut self) -> Content {
        match self {
            Self::Nothing => Content::Nothing,
            Self::Sha256(hash) => Content::Sha256(Digest::from_bytes(hash.finalize_reset().into())),
            Self::Whole(whole) => Content::Whole(std::mem::take(whole).freeze()),
        }
    }
}

/// The side of a call that a content belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Side {
    Request,
    Answer,
}

impl Side {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
        }
    }
}

/// Whether the record says already that a call was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Requested {
    Recorded,
    Not,
}

/// The events of one transaction.
pub(crate) struct Recorded<'a> {
    vault: &'a Vault,
    events: Vec<Draft>,
    /// Contents that are kept whole; `None` for one that can't be.
    kept: HashMap<(ModelCallId, Side), Option<Kept>>,
    /// Keys of the subjects whose contents were named.
    keys: HashMap<Subject, Arc<SubjectKeys>>,
}

impl<'a> Recorded<'a> {
    /// Makes ready what these calls leave, before their transaction.
    pub async fn prepare(
        vault: &'a Vault,
        calls: impl Iterator<Item = (&Call, Option<&Outcome>)>,
    ) -> Self {
        let mut keeper = Keeper::new(vault);
        let mut kept = HashMap::new();
        for (call, outcome) in calls {
            let request = call.public.as_ref().map(|it| (Side::Request, &it.request));
            let answer = outcome.map(|it| (Side::Answer, &it.answer));
            for (side, content) in request.into_iter().chain(answer) {
                let Content::Whole(bytes) = content else {
                    continue;
                };
                let subject = Subject::from(call.spender.session);
                let streamed = side == Side::Answer
                    && call.public.as_ref().is_some_and(|public| public.streamed);
                let ready = keeper.prepare(&call.ctx, subject, (bytes, streamed)).await;
                let ready = ready.inspect_err(|error| unkept(error));
                kept.insert((call.id, side), ready.ok());
            }
        }
        Self {
            vault,
            events: Vec::new(),
            kept,
            keys: HashMap::new(),
        }
    }

    /// A call was let in.
    pub async fn requested(&mut self, tx: &mut WriteTx, call: &Call) -> Result<(), StoreError> {
        let Some(public) = &call.public else {
            return Ok(());
        };
        let event = about(Draft::new(EventKind::ModelRequested, call.id), call)
            .fact("model", call.model.as_str());
        let event = self.with_request(tx, event, call, public).await?;
        self.events.push(event);
        Ok(())
    }

    /// What was asked, and how.
    async fn with_request(
        &mut self,
        tx: &mut WriteTx,
        event: Draft,
        call: &Call,
        public: &Public,
    ) -> Result<Draft, StoreError> {
        let event = event
            .fact("dialect", public.dialect)
            .fact("streamed", public.streamed)
            .fact("reserved_usd_micros", call.reserved.cost);
        self.named(tx, event, (call, Side::Request), &public.request)
            .await
    }

    /// A call has ended. If nothing was recorded of it so far, this event says what was asked, too: a
    /// quick call costs the record one event instead of two.
    pub async fn answered(
        &mut self,
        tx: &mut WriteTx,
        (call, requested): (&Call, Requested),
        outcome: &Outcome,
    ) -> Result<(), StoreError> {
        let Some(public) = &call.public else {
            return Ok(());
        };
        let instead = outcome
            .instead_of
            .iter()
            .map(|(target, why)| format!("{target}: {why}"));
        let instead: Vec<String> = instead.collect();
        let code = match outcome.end {
            End::Failed(code) => Some(code),
            End::Answered | End::Cut | End::Abandoned | End::Lost => None,
        };
        let millis = |it: std::time::Duration| u64::try_from(it.as_millis()).unwrap_or(0);
        let took = outcome.ended_at.map(|at| millis(at.since(call.at)));
        let usage = &outcome.usage;
        let mut event = about(Draft::new(EventKind::ModelAnswered, call.id), call)
            .fact("model", call.model.as_str())
            .fact("outcome", outcome.end.as_str())
            .fact_if("code", code)
            .fact_if("served", outcome.served.as_deref())
            .fact_if("status", outcome.status)
            .fact("input_tokens", usage.input_tokens)
            .fact("cached_input_tokens", usage.cached_input_tokens)
            .fact("cache_write_tokens", usage.cache_write_tokens)
            .fact("output_tokens", usage.output_tokens)
            .fact("reasoning_tokens", usage.reasoning_tokens)
            .fact("cost_usd_micros", outcome.cost)
            .fact("priced", outcome.priced)
            .fact("estimated", outcome.estimated)
            .fact_if("first_byte_ms", outcome.first_byte.map(millis))
            .fact_if("duration_ms", took);
        event = guarded(event, outcome);
        if !instead.is_empty() {
            event = event.fact("instead_of", instead);
        }
        event = match requested {
            Requested::Recorded => event,
            Requested::Not => self.with_request(tx, event, call, public).await?,
        };
        event = self
            .named(tx, event, (call, Side::Answer), &outcome.answer)
            .await?;
        self.events.push(event);
        Ok(())
    }

    /// Names a content in its event. One that can't be kept is said not to have been.
    async fn named(
        &mut self,
        tx: &mut WriteTx,
        event: Draft,
        (call, side): (&Call, Side),
        content: &Content,
    ) -> Result<Draft, StoreError> {
        let subject = Subject::from(call.spender.session);
        let named = match content {
            Content::Nothing => return Ok(event),
            Content::Sha256(sha256) => self
                .digest(tx, subject, sha256)
                .await
                .map(|it| (it, event.clone())),
            Content::Whole(_) => {
                let Some(Some(kept)) = self.kept.get(&(call.id, side)) else {
                    return Ok(event.fact(side.as_str(), serde_json::Value::Null));
                };
                let put = kept.put(&self.vault.content, tx, subject).await;
                put.map(|digest| (digest, event.clone().with_content(digest)))
            }
        };
        match named {
            Ok((digest, event)) => Ok(event.fact(side.as_str(), digest.to_string())),
            Err(ContentError::Store(error)) => Err(error),
            Err(error) if error.store_error().is_some() => {
                Err(StoreError::Unavailable(error.into()))
            }
            Err(error) => {
                unkept(&error);
                Ok(event.fact(side.as_str(), serde_json::Value::Null))
            }
        }
    }

    /// What a content is called that is not kept.
    async fn digest(
        &mut self,
        tx: &mut WriteTx,
        subject: Subject,
        sha256: &Digest,
    ) -> Result<Digest, ContentError> {
        let keys = match self.keys.entry(subject) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(self.vault.content.keys_in(tx, subject).await?),
        };
        Ok(keys.digest(sha256.as_bytes()))
    }

    /// Puts the events into their transaction; one for the group, if nothing else happened in it.
    pub fn finish(self, tx: &mut WriteTx, group: vocab::JobId, totals: &Totals) {
        if self.events.is_empty() {
            let event = Draft::new(EventKind::UsageMetered, group)
                .fact("calls", totals.calls)
                .fact("input_tokens", totals.input_tokens)
                .fact("output_tokens", totals.output_tokens)
                .fact("cost_usd_micros", totals.usd_micros);
            tx.record(event);
        }
        for event in self.events {
            tx.record(event);
        }
    }
}

/// What guardrails found, by category; never the text.
fn guarded(event: Draft, outcome: &Outcome) -> Draft {
    let rails = &outcome.rails;
    let names = |some: guard::Categories| {
        let names: Vec<String> = some.iter().map(|it| it.to_string()).collect();
        (!names.is_empty()).then_some(names)
    };
    let counts = rails.masked.iter();
    let masked: serde_json::Map<_, _> = counts
        .map(|(category, count)| (category.to_string(), count.into()))
        .collect();
    event
        .fact_if("detected_out", names(rails.sent))
        .fact_if("detected_in", names(rails.heard))
        .fact_if("masked", (!masked.is_empty()).then_some(masked))
}

fn about(event: Draft, call: &Call) -> Draft {
    let event = event.in_session(call.spender.session);
    match call.spender.run {
        Some(run) => event.about_run(run),
        None => event,
    }
}

fn unkept(error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(error, "a content of a model call is not kept");
}
