//! Reads a request.

use serde_json::Value;

use crate::Dialect;
use crate::fault::{Fault, Refusal};
use crate::media;
use crate::members::{Item, Members};
use crate::neutral::{
    Cache, Document, Effort, Format, Image, Media, Message, Part, Request, Role, Seal, Sealer,
    Summary, System, Text, Thinking, ThinkingMode, Thought, Tool, ToolCall, ToolChoice, ToolResult,
};
use crate::seal;

const US: Dialect = Dialect::Anthropic;

/// Reads a request for translation into another family.
///
/// # Errors
/// Whatever is wrong with it, and whatever only this family knows.
pub fn read_request(body: &[u8]) -> Result<Request, Refusal> {
    let mut m = Members::parse_request(body)?;
    let (tool_choice, parallel_tool_calls) = read_tool_choice(&mut m)?;
    let (effort, format) = read_output(&mut m)?;
    let mut request = Request {
        model: m.need_string("model")?,
        stream: m.boolean("stream")?.unwrap_or(false),
        max_output_tokens: Some(
            m.whole("max_tokens")?
                .ok_or_else(|| m.fault("max_tokens", "is required"))?,
        ),
        tool_choice,
        parallel_tool_calls,
        format,
        thinking: read_thinking(&mut m)?,
        temperature: m.real("temperature")?,
        top_p: m.real("top_p")?,
        top_k: m.whole("top_k")?,
        ..Request::default()
    };
    request.thinking.effort = effort;
    request.system = read_system(&mut m)?;
    for item in m.need("messages")?.items()? {
        request.messages.push(read_message(item)?);
    }
    for item in m.items("tools")? {
        request.tools.push(read_tool(item)?);
    }
    for item in m.items("stop_sequences")? {
        request.stop.push(item.string()?);
    }
    if let Some(mut metadata) = m.object("metadata")? {
        request.user = metadata.string("user_id")?;
        metadata.finish(US)?;
    }
    m.finish(US)?;
    Ok(request)
}

fn read_system(m: &mut Members) -> Result<Vec<System>, Refusal> {
    let Some(item) = m.take("system") else {
        return Ok(Vec::new());
    };
    if let Value::String(text) = item.value {
        return Ok(vec![System { text, cache: None }]);
    }
    let mut blocks = Vec::new();
    for item in item.items()? {
        let mut block = item.members()?;
        expect_type(&mut block, &["text"])?;
        blocks.push(System {
            text: block.need_string("text")?,
            cache: read_cache(&mut block)?,
        });
        block.finish(US)?;
    }
    Ok(blocks)
}

fn read_message(item: Item) -> Result<Message, Refusal> {
    let mut m = item.members()?;
    let role = match m.need_string("role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        other => return Err(m.fault("role", format!("`{other}` is no role")).into()),
    };
    let parts = read_content(m.need("content")?, role)?;
    m.finish(US)?;
    Ok(Message { role, parts })
}

fn read_content(item: Item, role: Role) -> Result<Vec<Part>, Refusal> {
    if let Value::String(text) = item.value {
        return Ok(vec![Part::text(text)]);
    }
    let mut parts = Vec::new();
    for item in item.items()? {
        let mut block = item.members()?;
        parts.push(read_block(&mut block, role)?);
        block.finish(US)?;
    }
    Ok(parts)
}

fn read_block(m: &mut Members, role: Role) -> Result<Part, Refusal> {
    let kind = m.need_string("type")?;
    Ok(match (kind.as_str(), role) {
        ("text", _) => {
            if role == Role::Assistant {
                // Where an earlier answer was taken from: see `harmless`.
                m.items("citations")?;
            }
            Part::Text(Text {
                text: m.need_string("text")?,
                cache: read_cache(m)?,
                ..Text::default()
            })
        }
        ("image", Role::User) => Part::Image(Image {
            media: read_source(m.need_object("source")?)?,
            detail: None,
            cache: read_cache(m)?,
        }),
        ("document", Role::User) => Part::Document(Document {
            media: read_source(m.need_object("source")?)?,
            title: m.string("title")?,
            context: m.string("context")?,
            cache: read_cache(m)?,
        }),
        ("tool_result", Role::User) => Part::ToolResult(read_tool_result(m)?),
        ("tool_use", Role::Assistant) => Part::ToolCall(ToolCall {
            id: m.need_string("id")?,
            name: m.need_string("name")?,
            arguments: m
                .json_object("input")?
                .ok_or_else(|| m.fault("input", "is required"))?
                .to_string(),
            seal: None,
            cache: read_cache(m)?,
        }),
        ("thinking", Role::Assistant) => Part::Thinking(read_thought(m)?),
        ("redacted_thinking", Role::Assistant) => Part::Thinking(Thought {
            redacted: true,
            seal: Some(Seal {
                by: Sealer::Anthropic,
                value: m.need_string("data")?,
            }),
            ..Thought::default()
        }),
        (other, _) => {
            let message = format!("a block of type `{other}` can't be translated here");
            return Err(m.fault("type", message).into());
        }
    })
}

pub(super) fn read_thought(m: &mut Members) -> Result<Thought, Fault> {
    let signature = m.string("signature")?.unwrap_or_default();
    let (seal, redacted) = seal::read(signature, Sealer::Anthropic);
    Ok(Thought {
        id: None,
        text: m.need_string("thinking")?,
        seal,
        redacted,
    })
}

fn read_tool_result(m: &mut Members) -> Result<ToolResult, Refusal> {
    let mut content = Vec::new();
    match m.take("content") {
        None => {}
        Some(Item {
            value: Value::String(text),
            ..
        }) => content.push(Part::text(text)),
        Some(item) => {
            for item in item.items()? {
                let mut block = item.members()?;
                content.push(match read_block(&mut block, Role::User)? {
                    part @ (Part::Text(_) | Part::Image(_) | Part::Document(_)) => part,
                    Part::ToolCall(_)
                    | Part::ToolResult(_)
                    | Part::Thinking(_)
                    | Part::Refusal(_) => {
                        return Err(block
                            .fault("type", "can't be in the result of a tool")
                            .into());
                    }
                });
                block.finish(US)?;
            }
        }
    }
    Ok(ToolResult {
        call_id: m.need_string("tool_use_id")?,
        content,
        is_error: m.boolean("is_error")?.unwrap_or(false),
        cache: read_cache(m)?,
    })
}

fn read_source(mut m: Members) -> Result<Media, Refusal> {
    let kind = m.need_string("type")?;
    let media = match kind.as_str() {
        "base64" => Media::Base64 {
            media_type: m.need_string("media_type")?,
            data: m.need_string("data")?,
        },
        "text" => {
            let media_type = m.string("media_type")?;
            if media_type.is_some_and(|media_type| media_type != media::TEXT) {
                return Err(m.fault("media_type", "should be `text/plain`").into());
            }
            Media::Text(m.need_string("data")?)
        }
        "url" => Media::Url(m.need_string("url")?),
        other => {
            let message = format!("a source of type `{other}` can't be translated");
            return Err(m.fault("type", message).into());
        }
    };
    m.finish(US)?;
    Ok(media)
}

fn read_cache(m: &mut Members) -> Result<Option<Cache>, Refusal> {
    let Some(mut control) = m.object("cache_control")? else {
        return Ok(None);
    };
    expect_type(&mut control, &["ephemeral"])?;
    let cache = match control.string("ttl")?.as_deref() {
        None => Cache::Default,
        Some("5m") => Cache::FiveMinutes,
        Some("1h") => Cache::Hour,
        Some(_) => return Err(control.fault("ttl", "should be `5m` or `1h`").into()),
    };
    control.finish(US)?;
    Ok(Some(cache))
}

fn read_tool(item: Item) -> Result<Tool, Refusal> {
    let mut m = item.members()?;
    if let Some(kind) = m.string("type")?.filter(|kind| kind != "custom") {
        let message = format!("the tool `{kind}` runs at Anthropic only");
        return Err(m.fault("type", message).into());
    }
    let tool = Tool {
        name: m.need_string("name")?,
        description: m.string("description")?,
        schema: m
            .json_object("input_schema")?
            .ok_or_else(|| m.fault("input_schema", "is required"))?,
        strict: m.boolean("strict")?,
        cache: read_cache(&mut m)?,
    };
    m.finish(US)?;
    Ok(tool)
}

fn read_tool_choice(m: &mut Members) -> Result<(Option<ToolChoice>, Option<bool>), Refusal> {
    let Some(mut choice) = m.object("tool_choice")? else {
        return Ok((None, None));
    };
    let read = match choice.need_string("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Tool(choice.need_string("name")?),
        other => {
            let message = format!("`{other}` is no choice of tools");
            return Err(choice.fault("type", message).into());
        }
    };
    let parallel = choice
        .boolean("disable_parallel_tool_use")?
        .map(|disabled| !disabled);
    choice.finish(US)?;
    Ok((Some(read), parallel))
}

fn read_thinking(m: &mut Members) -> Result<Thinking, Refusal> {
    let Some(mut config) = m.object("thinking")? else {
        return Ok(Thinking::default());
    };
    let mode = match config.need_string("type")?.as_str() {
        "disabled" => ThinkingMode::Off,
        "adaptive" => ThinkingMode::Adaptive,
        "enabled" => ThinkingMode::Budget(
            config
                .whole("budget_tokens")?
                .ok_or_else(|| config.fault("budget_tokens", "is required"))?,
        ),
        other => {
            let message = format!("`{other}` is no way of thinking");
            return Err(config.fault("type", message).into());
        }
    };
    let summary = match config.string("display")?.as_deref() {
        None => None,
        Some("summarized") => Some(Summary::Auto),
        Some("omitted") => Some(Summary::Omitted),
        Some(_) => {
            let message = "should be `summarized` or `omitted`";
            return Err(config.fault("display", message).into());
        }
    };
    config.finish(US)?;
    Ok(Thinking {
        mode: Some(mode),
        effort: None,
        summary,
    })
}

fn read_output(m: &mut Members) -> Result<(Option<Effort>, Format), Refusal> {
    let Some(mut config) = m.object("output_config")? else {
        return Ok((None, Format::Text));
    };
    let effort = match config.string("effort")?.as_deref() {
        None => None,
        Some("low") => Some(Effort::Low),
        Some("medium") => Some(Effort::Medium),
        Some("high") => Some(Effort::High),
        Some("xhigh") => Some(Effort::XHigh),
        Some("max") => Some(Effort::Max),
        Some(other) => {
            let message = format!("`{other}` is no effort");
            return Err(config.fault("effort", message).into());
        }
    };
    let mut format = Format::Text;
    if let Some(mut wanted) = config.object("format")? {
        expect_type(&mut wanted, &["json_schema"])?;
        format = Format::JsonSchema {
            name: None,
            description: None,
            schema: wanted
                .json_object("schema")?
                .ok_or_else(|| wanted.fault("schema", "is required"))?,
            strict: None,
        };
        wanted.finish(US)?;
    }
    config.finish(US)?;
    Ok((effort, format))
}

fn expect_type(m: &mut Members, known: &[&str]) -> Result<(), Fault> {
    let kind = m.need_string("type")?;
    if known.contains(&kind.as_str()) {
        return Ok(());
    }
    Err(m.fault("type", format!("`{kind}` can't be translated here")))
}
