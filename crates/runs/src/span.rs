//! What whoever traces learns of runs: a span of each agent's run and of each tool that it used, by
//! OpenTelemetry's conventions for generative AI. They have names, ids and outcomes; arguments and
//! results stay in the journal.
//!
//! A run has a trace of its own, made of its id, so that every process that works on it knows which.

use tools::Attempted;
use tracing::Span;
use tracing::field::Empty;
use vocab::trace::TARGET;
use vocab::{Intent, Random, Timestamp, TraceParent};

use crate::model::{Run, State};

/// The tool whose calls have spans by whoever makes them: the model gateway.
const MODEL_CALL: &str = "model.call";

/// Makes the span of a run that is over.
pub(crate) fn ended(run: &Run, now: Timestamp) {
    let Some(agent) = run.agent else { return };
    let own = TraceParent::of(run.id.uuid());
    let span = tracing::info_span!(
        target: TARGET,
        "invoke_agent",
        otel.trace_id = %format_args!("{:032x}", own.trace),
        otel.span_id = %format_args!("{:016x}", own.span),
        otel.start_us = run.created_at.as_micros(),
        otel.end_us = now.as_micros(),
        gen_ai.operation.name = "invoke_agent",
        gen_ai.agent.id = %agent,
        gen_ai.conversation.id = Empty,
        error.type = Empty,
        chancery.run.id = %run.id,
        chancery.run.state = run.state.as_str(),
        chancery.run.parent_id = Empty,
    );
    if let Some(session) = run.session {
        span.record("gen_ai.conversation.id", session.to_string());
    }
    if let Some((parent, _)) = run.parent {
        span.record("chancery.run.parent_id", parent.to_string());
    }
    if let State::Failed { failure } = &run.state {
        span.record("error.type", failure.code.as_str());
    }
}

/// Begins the span of an attempt; it ends with the value.
pub(crate) fn attempt(intent: &Intent, random: &Random) -> Span {
    if intent.tool == MODEL_CALL || !tracing::enabled!(target: TARGET, tracing::Level::INFO) {
        return Span::none();
    }
    let run = TraceParent::of(intent.run.uuid());
    let own = run.child(random);
    let tool = intent.tool.as_str();
    let span = tracing::info_span!(
        target: TARGET,
        "execute_tool",
        otel.name = %format_args!("execute_tool {tool}"),
        otel.trace_id = %format_args!("{:032x}", own.trace),
        otel.span_id = %format_args!("{:016x}", own.span),
        otel.parent_id = %format_args!("{:016x}", run.span),
        gen_ai.operation.name = "execute_tool",
        gen_ai.tool.name = tool,
        gen_ai.tool.type = "function",
        gen_ai.agent.id = Empty,
        error.type = Empty,
        chancery.run.id = %intent.run,
        chancery.run.step = intent.step,
    );
    if let Some(agent) = intent.agent {
        span.record("gen_ai.agent.id", agent.to_string());
    }
    span
}

/// Says what an attempt came to.
pub(crate) fn came_to(span: &Span, attempted: &Attempted) {
    let error = match attempted {
        Attempted::Done(done) => match &done.result.error {
            Some(error) => error.code.as_str(),
            None => return,
        },
        Attempted::Unknown { .. } => "unknown",
        Attempted::Refused(refusal) => refusal.code(),
        Attempted::NodeAway => "node_away",
        Attempted::NotSent { .. } => "not_sent",
    };
    span.record("error.type", error);
}
