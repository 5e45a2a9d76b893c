//! Asking models for runs: a journal's question in the neutral form, and the answer back.

use std::collections::HashMap;

use agents::conversation::{Part, Question, Reply, Said, Seal, Speaker, Stop, Usage};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chat::Live;
use db::OrgContext;
use dialects::neutral::{
    Answer, Citation, Cited, Delta, ErrorKind, Format, Image, Media, Message, Part as NeutralPart,
    Request, Role, Seal as NeutralSeal, Sealer, Stop as NeutralStop, System, Thought, Tool,
    ToolCall, ToolResult as NeutralToolResult,
};
use futures::future::BoxFuture;
use models::model::Capability;
use models::{Completion, Gateway, ModelError, Spender};
use policy::exchange::Exchange;
use serde::Deserialize;
use serde_json::Value;
use tools::ToolResult;
use tools::model::ModelGateway;
use vault::{Content, ContentError};
use vocab::limits::CITATIONS_MAX;
use vocab::{Digest, Intent, SessionId};

/// The model gateway, as runs ask it; whoever listens to the session reads along.
pub(crate) struct Models {
    pub gateway: Gateway,
    pub content: Content,
    pub live: Live,
}

/// The bytes of the pictures in a question, in base64.
type Pictures = HashMap<Digest, String>;

impl Models {
    async fn pictures(
        &self,
        ctx: &OrgContext,
        question: &Question,
    ) -> Result<Pictures, ContentError> {
        let mut pictures = Pictures::new();
        let parts = question.messages.iter().flat_map(|said| &said.parts);
        for part in parts {
            if let Part::Image { digest, .. } = part
                && !pictures.contains_key(digest)
            {
                let bytes = self.content.open(ctx, *digest).await?;
                pictures.insert(*digest, STANDARD.encode(bytes));
            }
        }
        Ok(pictures)
    }
}

impl ModelGateway for Models {
    fn ask<'a>(
        &'a self,
        ctx: &'a OrgContext,
        intent: &'a Intent,
        session: Option<SessionId>,
        exchange: Box<Exchange>,
    ) -> BoxFuture<'a, ToolResult> {
        Box::pin(async move {
            let question = match Question::deserialize(&intent.arguments) {
                Ok(question) => question,
                Err(error) => {
                    return ToolResult::failure("ARGUMENTS_INVALID", error.to_string(), false);
                }
            };
            let spender = Spender {
                agent: intent.agent,
                user: ctx.actor().user,
                key: ctx.actor().key,
                run: Some(intent.run),
                session,
                ..Spender::default()
            };
            let pictures = match self.pictures(ctx, &question).await {
                Ok(pictures) => pictures,
                Err(error) => {
                    let text = "a picture of the conversation can't be had";
                    let shown = &error as &dyn std::error::Error;
                    tracing::warn!(error = shown, text);
                    return ToolResult::failure("PICTURE_UNAVAILABLE", text, error.is_retryable());
                }
            };
            let ask = async |request: Request, exchange: Box<Exchange>| {
                let mut writing = session.zip(intent.agent).filter(|_| !question.quiet).map(
                    |(session, agent)| {
                        let chat = (ctx.org(), session);
                        self.live.write(chat, intent.run, agent)
                    },
                );
                let told = move |delta: &Delta| {
                    if let (Some(text), Some(writing)) = (words(delta), &mut writing) {
                        writing.push(text);
                    }
                };
                let model = question.model.as_str();
                let guarded = (request, exchange.looks().then_some(exchange));
                self.gateway
                    .complete_guarded(ctx, &spender, model, guarded, told)
                    .await
            };
            let request = request(&question, &pictures);
            let mut done = ask(request.clone(), exchange.clone()).await;
            if question.format.is_some()
                && let Err(error) = &done
                && may_lack_the_form(error)
            {
                // The system prompt says the schema as well, and the answer is held against it here.
                let format = Format::Text;
                done = ask(Request { format, ..request }, exchange).await;
            }
            match done {
                Ok(completion) => answered(completion),
                Err(ModelError::Blocked(blocked)) => {
                    ToolResult::failure("POLICY_DENIED", blocked.reason, false)
                        .with_fix(blocked.suggested_fix)
                }
                Err(error) => {
                    ToolResult::failure(error.code(), error.to_string(), error.is_retryable())
                }
            }
        })
    }
}

/// Whether it may have failed because a model, or its provider, can't be held to the answer's schema.
/// Each provider takes a part of JSON Schema of its own, and some do not take one beside tools.
fn may_lack_the_form(error: &ModelError) -> bool {
    match error {
        ModelError::Incapable { capability, .. } => *capability == Capability::StructuredOutput,
        ModelError::Refused(_) => true,
        ModelError::Provider { error, .. } => error.kind == ErrorKind::InvalidRequest,
        _ => false,
    }
}

/// What of an answer people read as it comes. What a model thinks and calls is for its own run.
fn words(delta: &Delta) -> Option<&str> {
    match delta {
        Delta::Text { text, .. } | Delta::Refusal { text, .. } => Some(text),
        Delta::Start { .. }
        | Delta::PartStart { .. }
        | Delta::Citation { .. }
        | Delta::Thinking { .. }
        | Delta::Seal { .. }
        | Delta::Arguments { .. }
        | Delta::PartStop { .. }
        | Delta::Stop(_)
        | Delta::Usage(_)
        | Delta::End
        | Delta::Error(_) => None,
    }
}

fn answered(completion: Completion) -> ToolResult {
    let Completion {
        answer,
        cost_usd_micros,
        priced,
        served,
        masked,
    } = completion;
    let usage = Usage {
        input_tokens: answer.usage.input_tokens,
        cached_input_tokens: answer.usage.cached_input_tokens,
        output_tokens: answer.usage.output_tokens,
    };
    let reply = Reply {
        citations: cited(&answer),
        stop: stop(&answer),
        parts: answer.parts.into_iter().filter_map(said).collect(),
        usage,
        cost_usd_micros: priced.then_some(cost_usd_micros),
        served: served.model,
    };
    match serde_json::to_value(reply) {
        Ok(reply) => ToolResult {
            masked,
            ..ToolResult::success(reply)
        },
        Err(error) => ToolResult::failure("MODEL_ANSWER_INVALID", error.to_string(), false),
    }
}

/// What an answer cites, with spans of its whole text.
fn cited(answer: &Answer) -> Vec<runs::Citation> {
    let (mut cited, mut before) = (Vec::new(), 0_u32);
    for part in &answer.parts {
        let (text, citations) = match part {
            NeutralPart::Text(it) => (it.text.as_str(), &it.citations[..]),
            NeutralPart::Refusal(text) => (text.as_str(), &[][..]),
            NeutralPart::ToolCall(_)
            | NeutralPart::Thinking(_)
            | NeutralPart::Image(_)
            | NeutralPart::Document(_)
            | NeutralPart::ToolResult(_) => continue,
        };
        let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        let all = citations.iter();
        cited.extend(all.map(|it| citation(it, before, length)));
        before = before.saturating_add(length);
    }
    cited.truncate(CITATIONS_MAX);
    cited
}

/// One of them, in a part of a text behind so many characters. A span that is not in the part is none.
fn citation(it: &Citation, before: u32, length: u32) -> runs::Citation {
    let (url, title) = match &it.source {
        Cited::Url { url, title } => (Some(url.clone()), title.clone()),
        Cited::File { name, .. } => (None, name.clone()),
    };
    let span = it.span.filter(|(_, end)| *end <= length);
    runs::Citation {
        url,
        title,
        span: span.map(|(start, end)| (before + start, before + end)),
    }
}

fn request(question: &Question, pictures: &Pictures) -> Request {
    let system = System {
        text: question.system.clone(),
        cache: None,
    };
    let tool = |it: &agents::conversation::Offer| Tool {
        name: it.name.clone(),
        description: Some(it.description.clone()),
        schema: it.schema.clone(),
        strict: None,
        cache: None,
    };
    Request {
        system: vec![system],
        messages: question
            .messages
            .iter()
            .map(|said| message(said, pictures))
            .collect(),
        tools: question.tools.iter().map(tool).collect(),
        format: question.format.as_ref().map_or(Format::Text, format),
        ..Request::default()
    }
}

fn format(schema: &Value) -> Format {
    Format::JsonSchema {
        name: Some("answer".to_owned()),
        description: None,
        schema: schema.clone(),
        strict: None,
    }
}

fn message(said: &Said, pictures: &Pictures) -> Message {
    let role = match said.by {
        Speaker::User => Role::User,
        Speaker::Model => Role::Assistant,
    };
    Message {
        role,
        parts: said.parts.iter().map(|it| part(it, pictures)).collect(),
    }
}

fn part(part: &Part, pictures: &Pictures) -> NeutralPart {
    match part {
        Part::Text { text } => NeutralPart::text(text),
        Part::ToolCall {
            id,
            name,
            arguments,
            seal,
        } => NeutralPart::ToolCall(ToolCall {
            id: id.clone(),
            name: name.clone(),
            // What the model wrote was no JSON: it is told so by the result, and sees an empty call.
            arguments: if is_object(arguments) {
                arguments.clone()
            } else {
                "{}".to_owned()
            },
            seal: seal.as_ref().and_then(sealed),
            cache: None,
        }),
        Part::ToolResult { id, text, failed } => NeutralPart::ToolResult(NeutralToolResult {
            call_id: id.clone(),
            content: vec![NeutralPart::text(text)],
            is_error: *failed,
            cache: None,
        }),
        Part::Thinking {
            text,
            id,
            seal,
            redacted,
        } => NeutralPart::Thinking(Thought {
            id: id.clone(),
            text: text.clone(),
            seal: seal.as_ref().and_then(sealed),
            redacted: *redacted,
        }),
        Part::Image { media, digest, .. } => NeutralPart::Image(Image {
            media: Media::Base64 {
                media_type: media.clone(),
                data: pictures.get(digest).cloned().unwrap_or_default(),
            },
            detail: None,
            cache: None,
        }),
        Part::Refusal { text } => NeutralPart::Refusal(text.clone()),
    }
}

/// A part of an answer, as journals keep it. Models answer in words and calls; a picture or a
/// document has no place in a conversation yet.
fn said(part: NeutralPart) -> Option<Part> {
    Some(match part {
        NeutralPart::Text(it) => Part::Text { text: it.text },
        NeutralPart::ToolCall(it) => Part::ToolCall {
            id: it.id,
            name: it.name,
            arguments: it.arguments,
            seal: it.seal.map(kept),
        },
        NeutralPart::Thinking(it) => Part::Thinking {
            text: it.text,
            id: it.id,
            seal: it.seal.map(kept),
            redacted: it.redacted,
        },
        NeutralPart::Refusal(text) => Part::Refusal { text },
        NeutralPart::Image(_) | NeutralPart::Document(_) | NeutralPart::ToolResult(_) => {
            return None;
        }
    })
}

fn is_object(arguments: &str) -> bool {
    matches!(
        serde_json::from_str(arguments),
        Ok(serde_json::Value::Object(_))
    )
}

const FAMILIES: [(&str, Sealer); 3] = [
    ("anthropic", Sealer::Anthropic),
    ("openai", Sealer::Openai),
    ("gemini", Sealer::Gemini),
];

fn kept(seal: NeutralSeal) -> Seal {
    let family = FAMILIES.iter().find(|(_, by)| *by == seal.by);
    Seal {
        by: family.map_or_else(String::new, |(name, _)| (*name).to_owned()),
        value: seal.value,
    }
}

fn sealed(seal: &Seal) -> Option<NeutralSeal> {
    let (_, by) = FAMILIES.iter().find(|(name, _)| *name == seal.by)?;
    Some(NeutralSeal {
        by: *by,
        value: seal.value.clone(),
    })
}

fn stop(answer: &Answer) -> Stop {
    match &answer.stop {
        NeutralStop::EndTurn | NeutralStop::StopSequence(_) => Stop::Done,
        NeutralStop::ToolUse => Stop::ToolUse,
        NeutralStop::MaxTokens | NeutralStop::ContextFull => Stop::Length,
        NeutralStop::Refusal | NeutralStop::ContentFilter => Stop::Refused,
        NeutralStop::Paused => Stop::Paused,
    }
}
