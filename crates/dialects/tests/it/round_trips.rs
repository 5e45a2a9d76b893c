//! Generated documents: written, read, and written again; through another family and back; streamed
//! and whole.

use dialects::neutral::{Answer, Begin, Delta, Part, Request, Usage};
use dialects::sse::Frame;
use dialects::{
    Dialect, Meter, peek, read_answer, read_request, usage_of, with_model, write_answer,
    write_request,
};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::fragments::{CLIENTS, assembled, deltas, envelope, frames_in_pieces, question, written};
use crate::generated::{self, Subset, check};

fn write(dialect: Dialect, request: &Request) -> Value {
    write_request(dialect, request, "a-model").unwrap()
}

fn read(dialect: Dialect, document: &Value) -> Request {
    let read = read_request(dialect, document.to_string().as_bytes());
    read.unwrap_or_else(|refusal| panic!("{refusal}: {document:#}"))
}

fn round_trip(dialect: Dialect) {
    check(256, generated::request(Subset::Of(dialect)), |request| {
        let document = write(dialect, &request);
        let again = read(dialect, &document);
        assert_eq!(again, request);
        assert_eq!(write(dialect, &again), document);
    });
}

#[test]
fn anthropic_requests_come_back_the_same() {
    round_trip(Dialect::Anthropic);
}

#[test]
fn openai_chat_requests_come_back_the_same() {
    round_trip(Dialect::OpenaiChat);
}

#[test]
fn openai_responses_requests_come_back_the_same() {
    round_trip(Dialect::OpenaiResponses);
}

fn there_and_back(home: Dialect, abroad: Dialect) {
    check(256, generated::request(Subset::Common), |mut request| {
        // Responses know no such sequences.
        if abroad == Dialect::OpenaiResponses || home == Dialect::OpenaiResponses {
            request.stop.clear();
        }
        let document = write(home, &request);
        let there = write(abroad, &read(home, &document));
        let back = write(home, &read(abroad, &there));
        assert_eq!(back, document, "through {there:#}");
    });
}

#[test]
fn anthropic_requests_come_back_through_openai_chat() {
    there_and_back(Dialect::Anthropic, Dialect::OpenaiChat);
}

#[test]
fn anthropic_requests_come_back_through_openai_responses() {
    there_and_back(Dialect::Anthropic, Dialect::OpenaiResponses);
}

#[test]
fn every_request_that_all_can_say_is_written_for_every_provider() {
    check(128, generated::request(Subset::Common), |mut request| {
        request.stop.clear();
        request.parallel_tool_calls = None;
        for message in &mut request.messages {
            // What only an address leads to can't be given to everybody.
            message.parts.retain(|part| match part {
                Part::Image(image) => !matches!(image.media, dialects::neutral::Media::Url(_)),
                _ => true,
            });
        }
        for dialect in [
            Dialect::OpenaiChat,
            Dialect::OpenaiResponses,
            Dialect::Anthropic,
            Dialect::Gemini,
            Dialect::Converse,
        ] {
            let model = "anthropic.claude-opus-4-8";
            let document = write_request(dialect, &request, model).unwrap();
            assert!(document.is_object());
        }
    });
}

#[test]
fn answers_come_back_the_same() {
    let request = question();
    for dialect in CLIENTS {
        check(256, generated::answer(dialect), |answer| {
            let document = write_answer(dialect, &answer, &envelope(&request)).to_string();
            let read = nameless(read_answer(dialect, document.as_bytes()).unwrap());
            assert_eq!(read, nameless(answer));
            assert_eq!(usage_of(dialect, document.as_bytes()), Some(read.usage));
        });
    }
}

/// Without the names that the gateway gives.
fn nameless(mut answer: Answer) -> Answer {
    answer.id.clear();
    for part in &mut answer.parts {
        if let Part::Thinking(thought) = part {
            thought.id = None;
        }
    }
    answer
}

/// The steps in which a model would say an answer, with pieces of so many signs.
fn steps(answer: &Answer, size: usize) -> Vec<Delta> {
    let mut steps = vec![Delta::Start {
        id: answer.id.clone(),
        model: answer.model.clone(),
        usage: Usage {
            input_tokens: answer.usage.input_tokens,
            ..Usage::default()
        },
    }];
    for (index, part) in answer.parts.iter().enumerate() {
        part_steps(index, part, size, &mut steps);
    }
    steps.push(Delta::Usage(answer.usage));
    steps.push(Delta::Stop(answer.stop.clone()));
    steps.push(Delta::End);
    steps
}

fn part_steps(index: usize, part: &Part, size: usize, steps: &mut Vec<Delta>) {
    let (begin, text) = match part {
        Part::Text(text) => (Begin::Text, text.text.as_str()),
        Part::Refusal(text) => (Begin::Refusal, text.as_str()),
        Part::Thinking(thought) => {
            let (id, redacted) = (thought.id.clone(), thought.redacted);
            (Begin::Thinking { id, redacted }, thought.text.as_str())
        }
        Part::ToolCall(call) => {
            let (id, name) = (call.id.clone(), call.name.clone());
            (Begin::ToolCall { id, name }, call.arguments.as_str())
        }
        Part::Image(_) | Part::Document(_) | Part::ToolResult(_) => return,
    };
    steps.push(Delta::PartStart { index, begin });
    let signs: Vec<char> = text.chars().collect();
    for piece in signs.chunks(size) {
        let text = piece.iter().collect();
        steps.push(match part {
            Part::Refusal(_) => Delta::Refusal { index, text },
            Part::Thinking(_) => Delta::Thinking { index, text },
            Part::ToolCall(_) => Delta::Arguments { index, json: text },
            _ => Delta::Text { index, text },
        });
    }
    if let Part::Thinking(thought) = part
        && let Some(seal) = thought.seal.clone()
    {
        steps.push(Delta::Seal { index, seal });
    }
    steps.push(Delta::PartStop { index });
}

#[test]
fn steps_are_written_and_read_as_the_same_answer() {
    let mut request = question();
    request.stream_usage = true;
    for dialect in CLIENTS {
        let cases = (generated::answer(dialect), 1..9_usize);
        check(192, cases, |(answer, size)| {
            let steps = steps(&answer, size);
            assert_eq!(assembled(&steps), answer);
            let frames = written(dialect, &request, &steps);
            let streamed = assembled(&deltas(dialect, &frames).unwrap());
            assert_eq!(nameless(streamed), nameless(answer.clone()));
            let mut meter = Meter::new(dialect, 7);
            frames.iter().for_each(|frame| meter.observe(frame));
            assert!(meter.is_exact());
            assert_eq!(meter.usage(), answer.usage);
        });
    }
}

#[test]
fn a_generated_stream_is_read_the_same_however_it_is_cut() {
    let request = question();
    for dialect in CLIENTS {
        let cases = (generated::answer(dialect), 1..40_usize);
        check(48, cases, |(answer, size)| {
            let frames = written(dialect, &request, &steps(&answer, 3));
            let mut bytes = Vec::new();
            frames.iter().for_each(|frame| frame.write(&mut bytes));
            let whole = deltas(dialect, &frames).unwrap();
            let cut = frames_in_pieces(&bytes, size);
            assert_eq!(deltas(dialect, &cut).unwrap(), whole);
        });
    }
}

#[test]
fn a_renamed_request_differs_in_its_model_alone() {
    for dialect in CLIENTS {
        let cases = (generated::request(Subset::Of(dialect)), generated::text());
        check(96, cases, |(request, name)| {
            let document = write(dialect, &request).to_string();
            let renamed = with_model(dialect, document.as_bytes(), &name).unwrap();
            let expected =
                document.replacen("\"a-model\"", &Value::from(name.as_str()).to_string(), 1);
            assert_eq!(String::from_utf8(renamed).unwrap(), expected);
            let peeked = peek(dialect, expected.as_bytes()).unwrap();
            assert_eq!(peeked.model, name);
            assert_eq!(peeked.stream, request.stream);
            assert_eq!(peeked.max_output_tokens, request.max_output_tokens);
        });
    }
}

#[test]
fn bytes_of_any_kind_are_answered_and_never_a_panic() {
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        "[\\[\\]{}\":,0-9a-z\\\\ ]{0,80}".prop_map(String::into_bytes),
    ];
    check(2_000, bytes, |bytes| {
        for dialect in [
            Dialect::OpenaiChat,
            Dialect::OpenaiResponses,
            Dialect::Anthropic,
            Dialect::Gemini,
            Dialect::Converse,
        ] {
            let _ = read_request(dialect, &bytes);
            let _ = read_answer(dialect, &bytes);
            let _ = peek(dialect, &bytes);
            let _ = with_model(dialect, &bytes, "m");
            let _ = usage_of(dialect, &bytes);
            let _ = dialects::read_error(dialect, 500, &bytes);
            let frame = Frame::data(String::from_utf8_lossy(&bytes));
            let _ = deltas(dialect, &[frame]);
        }
        let _ = dialects::converse::Decoder::new().push(&bytes);
        let _ = dialects::sse::Decoder::new().push(&bytes);
    });
}

#[test]
fn a_request_with_any_member_damaged_is_answered_and_never_a_panic() {
    for dialect in CLIENTS {
        let subset = Subset::Of(dialect);
        let damage = (generated::request(subset), any::<proptest::sample::Index>());
        check(400, damage, |(request, index)| {
            let text = write(dialect, &request).to_string();
            let at = index.index(text.len());
            let mut bytes = text.into_bytes();
            bytes[at] = b'7';
            let _ = read_request(dialect, &bytes).map(|request| {
                for target in [Dialect::Gemini, Dialect::Converse, Dialect::OpenaiChat] {
                    let _ = write_request(target, &request, "m");
                }
            });
        });
    }
}

/// A provider that says more tokens than there can be is not believed, so that no sum of them runs over.
#[test]
fn a_count_that_can_not_be_is_bounded() {
    let most = u64::MAX;
    let documents = [
        (
            Dialect::OpenaiChat,
            json!({"usage": {"prompt_tokens": most, "completion_tokens": 7}}),
        ),
        (
            Dialect::OpenaiResponses,
            json!({"usage": {"input_tokens": most, "output_tokens": 7}}),
        ),
        (
            Dialect::Anthropic,
            json!({"usage": {"input_tokens": most, "output_tokens": 7}}),
        ),
        (
            Dialect::Gemini,
            json!({"usageMetadata": {"promptTokenCount": most, "candidatesTokenCount": 7}}),
        ),
        (
            Dialect::Converse,
            json!({"usage": {"inputTokens": most, "outputTokens": 7}}),
        ),
    ];
    for (dialect, document) in documents {
        let usage = usage_of(dialect, document.to_string().as_bytes()).unwrap();
        assert_eq!(
            (usage.input_tokens, usage.output_tokens),
            (1_000_000_000, 7),
            "{dialect:?}"
        );
    }
}
