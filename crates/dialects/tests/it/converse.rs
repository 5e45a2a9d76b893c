//! Bedrock: the binary framing, and what is particular to the family.

use dialects::converse::{self, Decoder, EventStreamError};
use dialects::neutral::{
    Cache, Effort, Format, Media, Part, Request, Sealer, System, Text, Thinking, ThinkingMode,
    ToolChoice,
};
use dialects::sse::Frame;
use dialects::{Dialect, MalformedKind};
use serde_json::{Value, json};
use vocab::limits::STREAM_FRAME_BYTES_MAX;

use crate::fragments::{
    assistant, binary, binary_frames, call, deltas, document, failed_result, image, message, png,
    question, raw_message, redacted, result, seal, thought, user, weather_tool,
};

const CLAUDE: &str = "us.anthropic.claude-opus-4-8-v1:0";

/// Messages of the format's published test suite, byte for byte.
const PUBLISHED: &[(&str, &str)] = &[
    ("00000010 00000000 05c248eb 7d98c8ff", ""),
    (
        "0000001d 00000000 fd528c5a 7b27666f6f273a27626172277d c3653936",
        "{'foo':'bar'}",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|b| *b != b' ').collect();
    let pairs = digits.chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

#[test]
fn published_messages_are_read() {
    for (hex, payload) in PUBLISHED {
        let message = bytes(hex);
        assert_eq!(binary_frames(&message, 1), [Frame::data(*payload)]);
        // The messages of these tests are made the same way.
        assert_eq!(raw_message(&[], payload.as_bytes()), message);
    }
}

#[test]
fn headers_of_every_type_are_passed_over() {
    let mut headers = Vec::new();
    for (kind, value) in [
        (0, &b""[..]),
        (1, b""),
        (2, b"\x7f"),
        (3, b"\x01\x02"),
        (4, b"\x01\x02\x03\x04"),
        (5, b"12345678"),
        (6, b"\x00\x03abc"),
        (8, b"12345678"),
        (9, b"0123456789abcdef"),
    ] {
        headers.extend_from_slice(b"\x01h");
        headers.push(kind);
        headers.extend_from_slice(value);
    }
    headers.extend_from_slice(b"\x0b:event-type\x07\x00\x04name");
    let read = binary_frames(&raw_message(&headers, b"{}"), 7);
    assert_eq!(read, [Frame::named("name", "{}")]);
    // A type that there isn't, and a value that is cut.
    for damaged in [
        &b"\x01h\x0a"[..],
        b"\x01h\x07\x00\x05abc",
        b"\x05h",
        b"\x01h",
    ] {
        let error = Decoder::new().push(&raw_message(damaged, b"")).unwrap_err();
        assert_eq!(error, EventStreamError::Damaged("a header"));
    }
}

#[test]
fn every_damaged_byte_is_found() {
    let whole = message(
        &[(":event-type", "messageStart")],
        br#"{"role":"assistant"}"#,
    );
    assert_eq!(Decoder::new().push(&whole).unwrap().len(), 1);
    for position in 0..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[position] ^= 1 << bit;
            let mut decoder = Decoder::new();
            assert!(
                decoder.push(&damaged).is_err(),
                "byte {position}, bit {bit}"
            );
        }
    }
}

#[test]
fn lengths_that_cannot_be_are_refused() {
    let prelude = |length: u32, headers: u32| {
        let mut prelude = [length.to_be_bytes(), headers.to_be_bytes()].concat();
        prelude.extend_from_slice(&crc32fast::hash(&prelude).to_be_bytes());
        prelude
    };
    let most = u32::try_from(STREAM_FRAME_BYTES_MAX).unwrap();
    assert_eq!(Decoder::new().push(&prelude(most, 0)), Ok(vec![]));
    let large = Decoder::new().push(&prelude(most + 1, 0)).unwrap_err();
    assert_eq!(large, EventStreamError::TooLarge);
    let small = Decoder::new().push(&prelude(15, 0)).unwrap_err();
    assert_eq!(small, EventStreamError::Damaged("the length of a message"));
    let mut message = prelude(16, 1);
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    let long = Decoder::new().push(&message).unwrap_err();
    assert_eq!(long, EventStreamError::Damaged("the length of headers"));
}

#[test]
fn a_cut_is_seen_between_and_within_messages() {
    let first = binary("messageStart {\"role\":\"assistant\"}");
    let second = binary("messageStop {\"stopReason\":\"end_turn\"}");
    let stream = [first.clone(), second].concat();
    let ends = [0, first.len(), stream.len()];
    for length in 0..=stream.len() {
        let mut decoder = Decoder::new();
        let frames = decoder.push(&stream[..length]).unwrap();
        assert_eq!(decoder.is_between_messages(), ends.contains(&length));
        let whole = ends[1..].iter().filter(|end| **end <= length).count();
        assert_eq!(frames.len(), whole);
    }
}

#[test]
fn exceptions_and_errors_of_the_framing_are_read() {
    let exception = message(
        &[
            (":exception-type", "throttlingException"),
            (":message-type", "exception"),
        ],
        br#"{"message":"slow down"}"#,
    );
    let error = message(
        &[
            (":message-type", "error"),
            (":error-code", "InternalServerException"),
            (":error-message", "no"),
        ],
        b"",
    );
    let frames = binary_frames(&[exception, error].concat(), 5);
    let expected = [
        Frame::named("throttlingException", r#"{"message":"slow down"}"#),
        Frame::named("InternalServerException", r#"{"message":"no"}"#),
    ];
    assert_eq!(frames, expected);
}

#[test]
fn a_request_is_written() {
    let mut request = question();
    request.system = vec![
        System {
            text: "a".into(),
            cache: Some(Cache::Default),
        },
        System {
            text: "b".into(),
            cache: None,
        },
    ];
    request.tools = vec![weather_tool()];
    request.tool_choice = Some(ToolChoice::Required);
    request.temperature = Some(0.5);
    request.stop = vec!["END".into()];
    request.top_k = Some(5);
    request.thinking = Thinking {
        mode: Some(ThinkingMode::Budget(2_000)),
        effort: Some(Effort::High),
        summary: None,
    };
    request.format = Format::JsonSchema {
        name: Some("n".into()),
        description: None,
        schema: json!({ "type": "object" }),
        strict: None,
    };
    let pdf = Media::Base64 {
        media_type: "application/pdf".into(),
        data: "JVBERi0x".into(),
    };
    let cached = Part::Text(Text {
        text: "hi".into(),
        cache: Some(Cache::Hour),
        ..Text::default()
    });
    request.messages = vec![
        user(vec![
            cached,
            image(png()),
            document(pdf, "a  report (v1.2).pdf"),
        ]),
        assistant(vec![
            thought("hm", seal(Sealer::Anthropic, "Eq")),
            redacted(Sealer::Anthropic, "RW0="),
            thought("of another", seal(Sealer::Gemini, "Ci")),
            call("a", "get_weather", r#"{"location":"x"}"#),
        ]),
        user(vec![failed_result("a", "no place")]),
        user(vec![Part::text("go on")]),
    ];
    let expected = json!({
        "system": [{ "text": "a" }, { "cachePoint": { "type": "default" } }, { "text": "b" }],
        "messages": [
            { "role": "user", "content": [
                { "text": "hi" },
                { "cachePoint": { "type": "default", "ttl": "1h" } },
                { "image": { "format": "png", "source": { "bytes": "iVBORw0KGgo=" } } },
                { "document": { "format": "pdf", "name": "a report (v1-2)-pdf",
                  "source": { "bytes": "JVBERi0x" } } },
            ] },
            { "role": "assistant", "content": [
                { "reasoningContent": { "reasoningText": { "text": "hm", "signature": "Eq" } } },
                { "reasoningContent": { "redactedContent": "RW0=" } },
                { "toolUse": { "toolUseId": "a", "name": "get_weather", "input": { "location": "x" } } },
            ] },
            { "role": "user", "content": [
                { "toolResult": { "toolUseId": "a", "content": [{ "text": "no place" }], "status": "error" } },
                { "text": "go on" },
            ] },
        ],
        "inferenceConfig": { "maxTokens": 100, "temperature": 0.5, "stopSequences": ["END"] },
        "toolConfig": {
            "tools": [{ "toolSpec": {
                "name": "get_weather",
                "description": "Weather of a place",
                "inputSchema": { "json": weather_tool().schema },
            } }],
            "toolChoice": { "any": {} },
        },
        "outputConfig": { "textFormat": {
            "type": "json_schema",
            "structure": { "jsonSchema": { "schema": "{\"type\":\"object\"}", "name": "n" } },
        } },
        "additionalModelRequestFields": {
            "top_k": 5,
            "thinking": { "type": "enabled", "budget_tokens": 2000 },
            "output_config": { "effort": "high" },
        },
    });
    assert_eq!(converse::write_request(&request, CLAUDE).unwrap(), expected);
}

#[test]
fn tools_that_must_not_be_called_are_left_out_as_long_as_none_was() {
    let mut request = question();
    request.tools = vec![weather_tool()];
    request.tool_choice = Some(ToolChoice::None);
    let written = converse::write_request(&request, CLAUDE).unwrap();
    assert_eq!(written.get("toolConfig"), None);
    request.messages.push(assistant(vec![call("a", "f", "{}")]));
    let refusal = converse::write_request(&request, CLAUDE).unwrap_err();
    assert_eq!(refusal.pointer, "/tool_choice");
}

#[test]
fn what_it_cannot_take_is_refused() {
    let with = |part: Part| {
        let mut request = question();
        request.messages.push(user(vec![part]));
        converse::write_request(&request, CLAUDE)
    };
    let url = || Media::Url("https://example.org/a.png".into());
    let zip = Media::Base64 {
        media_type: "application/zip".into(),
        data: String::new(),
    };
    for part in [
        image(url()),
        image(zip.clone()),
        document(url(), "t"),
        document(zip, "t"),
        thought("hm", None),
    ] {
        let refusal = with(part).unwrap_err();
        assert_eq!(refusal.pointer, "/messages/1/content/0");
    }
    assert!(with(document(Media::Text("a".into()), "t")).is_ok());
    assert!(with(result("a", vec![image(png())])).is_ok());
}

#[test]
fn thinking_is_known_of_anthropics_models_only() {
    let thinks = |mode| {
        let mut request = Request {
            thinking: Thinking {
                mode: Some(mode),
                ..Thinking::default()
            },
            ..question()
        };
        request.max_output_tokens = None;
        converse::write_request(&request, "amazon.nova-pro-v1:0")
    };
    assert!(thinks(ThinkingMode::Adaptive).is_err());
    assert!(thinks(ThinkingMode::Off).is_ok());
}

#[test]
fn reasons_to_stop_are_told_apart() {
    let read = |reason: &str| {
        let body = json!({
            "output": { "message": { "content": [] } }, "stopReason": reason,
        });
        converse::read_answer(body.to_string().as_bytes())
    };
    for reason in [
        "end_turn",
        "tool_use",
        "max_tokens",
        "stop_sequence",
        "guardrail_intervened",
        "content_filtered",
        "model_context_window_exceeded",
    ] {
        assert!(read(reason).is_ok(), "{reason}");
    }
    let broken = read("malformed_tool_use").unwrap_err();
    assert_eq!(broken.kind, MalformedKind::ToolArguments);
    assert_eq!(read("bored").unwrap_err().kind, MalformedKind::Shape);
}

#[test]
fn messages_out_of_order_are_malformed() {
    let cases: [&[(&str, Value)]; 4] = [
        &[("contentBlockStop", json!({ "contentBlockIndex": 0 }))],
        &[("messageStart", json!({})), ("messageStart", json!({}))],
        &[
            ("messageStart", json!({})),
            (
                "contentBlockDelta",
                json!({ "contentBlockIndex": 0, "delta": { "toolUse": { "input": "{" } } }),
            ),
        ],
        &[
            ("messageStart", json!({})),
            (
                "contentBlockDelta",
                json!({ "contentBlockIndex": 0, "delta": { "from_the_future": {} } }),
            ),
        ],
    ];
    for case in cases {
        let frames: Vec<Frame> = case
            .iter()
            .map(|(event, payload)| Frame::named(*event, payload.to_string()))
            .collect();
        let malformed = deltas(Dialect::Converse, &frames).unwrap_err();
        assert_eq!(malformed.kind, MalformedKind::Shape, "{case:?}");
    }
}
