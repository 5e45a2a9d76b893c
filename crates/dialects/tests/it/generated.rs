//! Generated requests and answers in the neutral form, and the runner that prints its seed.

use dialects::Dialect;
use dialects::neutral::{
    Answer, Cache, Effort, Format, Media, Message, Part, Request, Role, Sealer, Stop, Summary,
    System, Text, Thinking, ThinkingMode, Thought, Tool, ToolCall, ToolChoice, ToolResult, Usage,
    Verbosity,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::fragments::{document, image, png, seal};

/// Runs the test on generated values. The seed is `DIALECTS_SEED` or a fixed one, and is printed.
pub fn check<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value))
where
    S::Value: std::fmt::Debug,
{
    let seed = std::env::var("DIALECTS_SEED").ok();
    let seed: u64 = seed
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20_261_121);
    println!("DIALECTS_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&strategy, |value| {
        test(value);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("DIALECTS_SEED={seed}: {failure}");
    }
}

/// What the documents to be made may hold.
#[derive(Clone, Copy, Debug)]
pub enum Subset {
    /// What one dialect can say.
    Of(Dialect),
    /// What Anthropic and both of OpenAI's can say.
    Common,
}

impl Subset {
    fn is(self, dialect: Dialect) -> bool {
        match self {
            Subset::Of(own) => own == dialect,
            Subset::Common => false,
        }
    }

    fn anthropic(self) -> bool {
        self.is(Dialect::Anthropic)
    }

    fn chat(self) -> bool {
        self.is(Dialect::OpenaiChat)
    }

    fn responses(self) -> bool {
        self.is(Dialect::OpenaiResponses)
    }

    fn openai(self) -> bool {
        self.chat() || self.responses()
    }
}

/// The value, or nothing where the subset can't say it.
fn only_if<T: Clone + std::fmt::Debug + 'static>(
    can: bool,
    strategy: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Option<T>> {
    if can {
        option::of(strategy).boxed()
    } else {
        Just(None).boxed()
    }
}

pub fn text() -> impl Strategy<Value = String> {
    // Signs that JSON, events and other scripts treat in their own way, and never nothing.
    "[a-z \"\\\\/\n\r\t\u{0}{}\\[\\]:,🌍ü\u{2028}]{0,24}x"
}

pub fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_-]{1,12}"
}

fn id() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9]{8}"
}

fn hundredth() -> impl Strategy<Value = f64> {
    (0..=100_u32).prop_map(|n| f64::from(n) / 100.0)
}

/// A JSON object, as its text.
fn arguments() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map(name(), inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map(name(), value, 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()).to_string())
}

fn cache(subset: Subset) -> BoxedStrategy<Option<Cache>> {
    let caches = select(vec![Cache::Default, Cache::FiveMinutes, Cache::Hour]);
    only_if(subset.anthropic(), caches)
}

fn text_part(subset: Subset) -> impl Strategy<Value = Part> {
    let part = |(text, cache)| {
        Part::Text(Text {
            text,
            cache,
            ..Text::default()
        })
    };
    (text(), cache(subset)).prop_map(part)
}

fn plain_part() -> impl Strategy<Value = Part> {
    text().prop_map(Part::text)
}

fn media(subset: Subset) -> BoxedStrategy<Part> {
    let url = Media::Url("https://example.org/a.png".into());
    let pdf = Media::Base64 {
        media_type: "application/pdf".into(),
        data: "JVBERi0x".into(),
    };
    let mut parts = vec![
        image(png()),
        image(url.clone()),
        document(pdf, "a.pdf"),
        document(Media::Text("plain ü".into()), "b.txt"),
    ];
    if subset.anthropic() || subset.responses() {
        parts.push(document(url, "c.pdf"));
    }
    if subset.responses() {
        // Here a picture always says how closely to look.
        for part in &mut parts {
            if let Part::Image(image) = part {
                image.detail = Some(dialects::neutral::Detail::Auto);
            }
        }
    }
    select(parts).boxed()
}

fn user_part(subset: Subset) -> BoxedStrategy<Part> {
    prop_oneof![3 => text_part(subset), 1 => media(subset)].boxed()
}

fn result_content(subset: Subset) -> BoxedStrategy<Vec<Part>> {
    // One text, or what the dialect takes besides.
    let one = text_part(subset).prop_map(|part| vec![part]);
    if subset.anthropic() || subset.responses() {
        prop_oneof![one, vec(user_part(subset), 2..4)].boxed()
    } else {
        one.boxed()
    }
}

fn thought(subset: Subset) -> BoxedStrategy<Option<Part>> {
    let of = |by: Sealer, redacted: bool| {
        (text(), id()).prop_map(move |(text, value)| {
            Part::Thinking(Thought {
                id: None,
                text: if redacted { String::new() } else { text },
                seal: seal(by, &value),
                redacted,
            })
        })
    };
    if subset.anthropic() {
        let either = prop_oneof![of(Sealer::Anthropic, false), of(Sealer::Anthropic, true)];
        option::of(either).boxed()
    } else if subset.responses() {
        option::of(of(Sealer::Openai, false)).boxed()
    } else {
        Just(None).boxed()
    }
}

/// A turn of the model with calls, and the turn with their results.
fn exchange(subset: Subset) -> impl Strategy<Value = [Message; 2]> {
    let call = (
        id(),
        name(),
        arguments(),
        result_content(subset),
        any::<bool>(),
    );
    let calls = vec((call, cache(subset)), 0..3);
    let said = vec(plain_part(), 1..2);
    (thought(subset), said, calls, vec(user_part(subset), 1..3)).prop_map(
        move |(thought, said, calls, mut next)| {
            let mut parts: Vec<Part> = thought.into_iter().chain(said).collect();
            let mut results = Vec::new();
            for ((id, name, arguments, content, is_error), cache) in calls {
                results.push(Part::ToolResult(ToolResult {
                    call_id: id.clone(),
                    content,
                    is_error: is_error && subset.anthropic(),
                    cache,
                }));
                parts.push(Part::ToolCall(ToolCall {
                    id,
                    name,
                    arguments,
                    seal: None,
                    cache,
                }));
            }
            // In OpenAI's dialects what a user says after results is another message.
            if !results.is_empty() && subset.openai() {
                next.clear();
            }
            results.extend(next);
            let assistant = Role::Assistant;
            [
                Message {
                    role: assistant,
                    parts,
                },
                Message {
                    role: Role::User,
                    parts: results,
                },
            ]
        },
    )
}

fn conversation(subset: Subset) -> impl Strategy<Value = Vec<Message>> {
    let first = vec(user_part(subset), 1..3);
    (first, vec(exchange(subset), 0..3)).prop_map(|(first, exchanges)| {
        let role = Role::User;
        let mut messages = vec![Message { role, parts: first }];
        messages.extend(exchanges.into_iter().flatten());
        messages
    })
}

fn tool(subset: Subset) -> impl Strategy<Value = Tool> {
    let strict = if subset.responses() {
        any::<bool>().prop_map(Some).boxed()
    } else if subset.openai() || subset.anthropic() {
        option::of(any::<bool>()).boxed()
    } else {
        any::<bool>().prop_map(Some).boxed()
    };
    (name(), option::of(text()), strict, cache(subset)).prop_map(
        |(name, description, strict, cache)| Tool {
            name,
            description,
            schema: json!({ "type": "object", "properties": { "a": { "type": "string" } } }),
            strict,
            cache,
        },
    )
}

fn choice() -> impl Strategy<Value = ToolChoice> {
    prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::Required),
        name().prop_map(ToolChoice::Tool),
    ]
}

fn thinking(subset: Subset) -> BoxedStrategy<Thinking> {
    let efforts = [
        Effort::Low,
        Effort::Medium,
        Effort::High,
        Effort::XHigh,
        Effort::Max,
    ];
    let off = Thinking {
        mode: Some(ThinkingMode::Off),
        ..Thinking::default()
    };
    let effort = select(efforts.to_vec()).prop_map(|effort| Thinking {
        mode: Some(ThinkingMode::Adaptive),
        effort: Some(effort),
        summary: None,
    });
    let common = prop_oneof![Just(Thinking::default()), Just(off), effort];
    if subset.anthropic() {
        let budget = (1_024..60_000_u64, option::of(select(efforts.to_vec()))).prop_map(
            |(tokens, effort)| Thinking {
                mode: Some(ThinkingMode::Budget(tokens)),
                effort,
                summary: Some(Summary::Omitted),
            },
        );
        return prop_oneof![common, budget].boxed();
    }
    if subset.responses() {
        let summaries = vec![Summary::Auto, Summary::Concise, Summary::Detailed];
        return (common, option::of(select(summaries)))
            .prop_map(|(thinking, summary)| Thinking {
                summary,
                ..thinking
            })
            .boxed();
    }
    common.boxed()
}

fn format(subset: Subset) -> BoxedStrategy<Format> {
    let schema = json!({ "type": "object", "properties": {}, "additionalProperties": false });
    let named = subset.openai();
    let schemas = (name(), option::of(text()), option::of(any::<bool>())).prop_map(
        move |(name, description, strict)| Format::JsonSchema {
            name: named.then_some(name),
            description: description.filter(|_| named),
            schema: schema.clone(),
            strict: strict.filter(|_| named),
        },
    );
    if subset.openai() {
        prop_oneof![Just(Format::Text), Just(Format::JsonObject), schemas].boxed()
    } else {
        prop_oneof![Just(Format::Text), schemas].boxed()
    }
}

fn verbosity() -> impl Strategy<Value = Verbosity> {
    select(vec![Verbosity::Low, Verbosity::Medium, Verbosity::High])
}

/// A request that the subset can say, in its canonical shape: what is written of it is read as the
/// same request.
pub fn request(subset: Subset) -> impl Strategy<Value = Request> {
    let system = vec((text(), cache(subset)), 0..3).prop_map(|blocks| {
        let blocks = blocks.into_iter();
        blocks.map(|(text, cache)| System { text, cache }).collect()
    });
    let tools = (vec(tool(subset), 0..3), option::of(choice()), any::<bool>());
    let shape = (
        thinking(subset),
        format(subset),
        only_if(subset.openai(), verbosity()),
    );
    let sampling = (
        option::of(hundredth()),
        option::of(hundredth()),
        only_if(subset.anthropic(), 1..500_u64),
        only_if(subset.openai(), hundredth()),
        only_if(subset.openai(), hundredth()),
        only_if(subset.chat(), any::<i64>()),
    );
    let stop =
        vec(text(), 0..3).prop_map(move |stop| if subset.responses() { vec![] } else { stop });
    let rest = (1..99_999_u64, option::of(id()), any::<bool>(), stop);
    (system, conversation(subset), tools, shape, sampling, rest).prop_map(
        move |(system, messages, tools, shape, sampling, rest)| {
            let (tools, tool_choice, parallel) = tools;
            let tool_choice: Option<ToolChoice> = tool_choice.filter(|_| !tools.is_empty());
            let (thinking, format, verbosity) = shape;
            let (temperature, top_p, top_k, frequency_penalty, presence_penalty, seed) = sampling;
            let (most, user, stream, stop) = rest;
            Request {
                model: "a-model".into(),
                stream,
                // It is always asked for, because it is needed here.
                stream_usage: (stream && subset.chat()) || subset.responses(),
                system,
                messages,
                parallel_tool_calls: tool_choice.as_ref().map(|_| parallel),
                tools,
                tool_choice,
                format,
                thinking,
                verbosity,
                max_output_tokens: Some(most),
                temperature,
                top_p,
                top_k,
                frequency_penalty,
                presence_penalty,
                seed,
                stop,
                user,
                metadata: Default::default(),
            }
        },
    )
}

fn answer_part(dialect: Dialect) -> BoxedStrategy<Part> {
    let subset = Subset::Of(dialect);
    let call = (id(), name(), arguments()).prop_map(|(id, name, arguments)| {
        Part::ToolCall(ToolCall {
            id,
            name,
            arguments,
            seal: None,
            cache: None,
        })
    });
    let thought = thought(subset).prop_filter_map("a thought", |thought| thought);
    match dialect {
        Dialect::OpenaiChat => prop_oneof![plain_part(), call].boxed(),
        _ => prop_oneof![plain_part(), call, thought].boxed(),
    }
}

fn usage() -> impl Strategy<Value = Usage> {
    (
        0..1_000_u64,
        0..1_000_u64,
        0..1_000_u64,
        0..1_000_u64,
        0..1_000_u64,
    )
        .prop_map(|(fresh, cached, written, said, thought)| Usage {
            input_tokens: fresh + cached + written,
            cached_input_tokens: cached,
            cache_write_tokens: written,
            output_tokens: said + thought,
            reasoning_tokens: thought,
        })
}

/// An answer that the dialect can say, in its canonical shape.
pub fn answer(dialect: Dialect) -> impl Strategy<Value = Answer> {
    let cut = any::<bool>();
    (vec(answer_part(dialect), 1..5), usage(), cut).prop_map(move |(mut parts, usage, cut)| {
        if dialect == Dialect::OpenaiChat {
            parts.sort_by_key(|part| matches!(part, Part::ToolCall(_)));
            let mut texts = 0;
            parts.retain(|part| {
                texts += usize::from(matches!(part, Part::Text(_)));
                texts < 2 || matches!(part, Part::ToolCall(_))
            });
        }
        let calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
        let stop = match (cut, calls) {
            (true, _) => Stop::MaxTokens,
            (false, true) => Stop::ToolUse,
            (false, false) => Stop::EndTurn,
        };
        Answer {
            id: "served".into(),
            model: "a-model".into(),
            parts,
            stop,
            usage,
        }
    })
}
