//! What whoever traces learns of a call: a span by OpenTelemetry's conventions for generative AI, from
//! the reservation to the end. It has names, ids and numbers, and nothing of what was said.
//!
//! The trace is the caller's, if it sends `traceparent`; that of the run that the call is a step of; or
//! one of its own. The provider is told which, so that it can be followed further. Without anybody who
//! traces, no span is made, and the caller's own `traceparent` is passed on as it came.

use http::HeaderValue;
use tracing::Span;
use tracing::field::Empty;
use vocab::trace::TARGET;
use vocab::{Random, TraceParent};

use crate::ledger::{Call, End, Outcome};
use crate::model::ProviderKind;
use crate::route::Candidate;

/// The span of one call.
pub(crate) struct CallSpan {
    span: Span,
    /// What the provider is told.
    told: Option<TraceParent>,
}

/// Which kind of call it is, as the conventions name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Chat,
    Embeddings,
}

impl Operation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embeddings => "embeddings",
        }
    }
}

impl CallSpan {
    /// Begins with a call. `first` is the target that is tried first; another may answer.
    pub fn begin(call: &Call, first: Option<&Candidate>, random: &Random) -> Self {
        let theirs = call
            .public
            .as_ref()
            .and_then(|it| it.entry.as_ref()?.parent());
        if !tracing::enabled!(target: TARGET, tracing::Level::INFO) {
            return Self {
                span: Span::none(),
                told: theirs,
            };
        }
        let of_run = call.spender.run.map(|run| TraceParent::of(run.uuid()));
        let parent = theirs.or(of_run);
        let own = parent.map_or_else(|| TraceParent::new(random), |it| it.child(random));
        let (operation, streamed) = match &call.public {
            Some(public) => (public.operation, public.streamed),
            None => (Operation::Chat, true),
        };
        let operation = operation.as_str();
        let model = first.map_or(call.model.as_str(), |it| it.model.as_str());
        let span = tracing::info_span!(
            target: TARGET,
            "model call",
            otel.kind = "client",
            otel.name = %format_args!("{operation} {model}"),
            otel.trace_id = %format_args!("{:032x}", own.trace),
            otel.span_id = %format_args!("{:016x}", own.span),
            otel.parent_id = Empty,
            gen_ai.operation.name = operation,
            gen_ai.provider.name = Empty,
            gen_ai.request.model = model,
            gen_ai.request.stream = streamed,
            gen_ai.response.model = Empty,
            gen_ai.response.finish_reasons = Empty,
            gen_ai.response.time_to_first_chunk = Empty,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            gen_ai.usage.cache_read.input_tokens = Empty,
            gen_ai.usage.cache_creation.input_tokens = Empty,
            gen_ai.usage.reasoning.output_tokens = Empty,
            gen_ai.conversation.id = Empty,
            gen_ai.agent.id = Empty,
            error.type = Empty,
            chancery.call.id = %call.id,
            chancery.model = call.model.as_str(),
            chancery.run.id = Empty,
            chancery.cost_usd_micros = Empty,
        );
        if let Some(parent) = parent {
            let id = format_args!("{:016x}", parent.span);
            span.record("otel.parent_id", tracing::field::display(id));
        }
        if let Some(first) = first {
            span.record("gen_ai.provider.name", provider(first.account.kind));
        }
        let it = &call.spender;
        let session = it.session.map(|id| id.to_string());
        let agent = it.agent.map(|id| id.to_string());
        let run = it.run.map(|id| id.to_string());
        for (name, id) in [
            ("gen_ai.conversation.id", session),
            ("gen_ai.agent.id", agent),
            ("chancery.run.id", run),
        ] {
            if let Some(id) = id {
                span.record(name, id);
            }
        }
        Self {
            span,
            told: Some(own),
        }
    }

    /// What the provider is told of the trace.
    pub fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.told?.to_string()).ok()
    }

    /// Whether anybody listens.
    pub fn is_kept(&self) -> bool {
        !self.span.is_disabled()
    }

    /// Says which target answers.
    pub fn served_by(&self, candidate: &Candidate) {
        if self.is_kept() {
            self.span.record("gen_ai.request.model", &candidate.model);
            self.span
                .record("gen_ai.provider.name", provider(candidate.account.kind));
        }
    }

    /// What the answer says about itself.
    pub fn said(&self, model: &str, finish_reasons: &[impl AsRef<str>]) {
        if !self.is_kept() {
            return;
        }
        if !model.is_empty() {
            self.span.record("gen_ai.response.model", model);
        }
        let reasons: Vec<&str> = finish_reasons.iter().map(AsRef::as_ref).collect();
        if !reasons.is_empty() {
            let reasons = reasons.join(",");
            self.span.record("gen_ai.response.finish_reasons", reasons);
        }
    }

    /// How the call ended. The span itself ends with this value.
    pub fn end(&self, call: &Call, outcome: &Outcome) {
        if !self.is_kept() {
            return;
        }
        let usage = &outcome.usage;
        let span = &self.span;
        span.record("gen_ai.usage.input_tokens", usage.input_tokens);
        span.record("gen_ai.usage.output_tokens", usage.output_tokens);
        for (name, tokens) in [
            (
                "gen_ai.usage.cache_read.input_tokens",
                usage.cached_input_tokens,
            ),
            (
                "gen_ai.usage.cache_creation.input_tokens",
                usage.cache_write_tokens,
            ),
            (
                "gen_ai.usage.reasoning.output_tokens",
                usage.reasoning_tokens,
            ),
        ] {
            if tokens > 0 {
                span.record(name, tokens);
            }
        }
        span.record("chancery.cost_usd_micros", outcome.cost);
        let streamed = call.public.as_ref().is_none_or(|public| public.streamed);
        if let Some(first) = outcome.first_byte.filter(|_| streamed) {
            span.record("gen_ai.response.time_to_first_chunk", first.as_secs_f64());
        }
        let error = match outcome.end {
            End::Answered => None,
            End::Failed(code) => Some(code),
            End::Cut | End::Abandoned | End::Lost => Some(outcome.end.as_str()),
        };
        if let Some(error) = error {
            span.record("error.type", error);
        }
    }
}

/// As the conventions name it; what they don't name speaks OpenAI's dialect.
const fn provider(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Anthropic => "anthropic",
        ProviderKind::Openai | ProviderKind::OpenaiCompatible => "openai",
        ProviderKind::AzureOpenai => "azure.ai.openai",
        ProviderKind::Openrouter => "openrouter",
        ProviderKind::Gemini => "gcp.gemini",
        ProviderKind::Bedrock => "aws.bedrock",
        ProviderKind::Scripted => "scripted",
    }
}
