//! Anthropic: requests as its clients send them, and what is particular to the family.

use dialects::neutral::{
    Answer, Cache, Effort, Envelope, Format, Part, Request, Role, Sealer, Stop, Summary, Text,
    Thinking, ThinkingMode, ToolChoice, Usage,
};
use dialects::sse::Frame;
use dialects::{
    Dialect, MalformedKind, anthropic, openai_chat, openai_responses, read_answer, read_request,
};
use serde_json::json;

use crate::fragments::{
    assembled, assistant, call, deltas, envelope, failed_result, image, png, question, redacted,
    result, seal, thought, user,
};

/// What a coding agent sends in the middle of its work.
fn coding_agent() -> serde_json::Value {
    json!({
        "model": "claude-opus-4-8",
        "max_tokens": 32000,
        "stream": true,
        "temperature": 1,
        "metadata": { "user_id": "user_7f_account__session_1" },
        "thinking": { "type": "enabled", "budget_tokens": 31999 },
        "context_management": { "edits": [{ "type": "clear_thinking_20251015", "keep": "all" }] },
        "output_config": { "effort": "medium" },
        "system": [
            { "type": "text", "text": "You are a coding agent." },
            { "type": "text", "text": "Be brief.", "cache_control": { "type": "ephemeral", "ttl": "1h" } },
        ],
        "tools": [{
            "name": "Bash",
            "description": "Runs a command",
            "input_schema": {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": { "command": { "type": "string" } },
                "required": ["command"],
            },
            "eager_input_streaming": true,
        }],
        "messages": [
            { "role": "user", "content": [{ "type": "text", "text": "List the files." }] },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": "ls will do.", "signature": "Eq" },
                { "type": "text", "text": "I look." },
                { "type": "tool_use", "id": "toolu_1", "name": "Bash", "input": { "command": "ls" } },
                { "type": "tool_use", "id": "toolu_2", "name": "Bash", "input": { "command": "rm" } },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "toolu_1", "content": "a.rs\nb.rs" },
                { "type": "tool_result", "tool_use_id": "toolu_2", "is_error": true,
                  "content": [{ "type": "text", "text": "denied", "cache_control": { "type": "ephemeral" } }] },
                { "type": "text", "text": "<system-reminder>go on</system-reminder>" },
            ] },
        ],
    })
}

#[test]
fn a_coding_agents_request_is_read() {
    let request = anthropic::read_request(coding_agent().to_string().as_bytes()).unwrap();
    assert_eq!(request.model, "claude-opus-4-8");
    assert_eq!(request.max_output_tokens, Some(32_000));
    assert_eq!(request.user.as_deref(), Some("user_7f_account__session_1"));
    let thinking = Thinking {
        mode: Some(ThinkingMode::Budget(31_999)),
        effort: Some(Effort::Medium),
        summary: None,
    };
    assert_eq!(request.thinking, thinking);
    assert_eq!(request.system[1].cache, Some(Cache::Hour));
    let said = [
        thought("ls will do.", seal(Sealer::Anthropic, "Eq")),
        Part::text("I look."),
        call("toolu_1", "Bash", r#"{"command":"ls"}"#),
        call("toolu_2", "Bash", r#"{"command":"rm"}"#),
    ];
    assert_eq!(request.messages[1], assistant(said.into()));
    assert_eq!(request.messages[2].role, Role::User);
    let first = result("toolu_1", vec![Part::text("a.rs\nb.rs")]);
    assert_eq!(request.messages[2].parts[0], first);
    let Part::ToolResult(second) = &request.messages[2].parts[1] else {
        panic!("{:?}", request.messages[2]);
    };
    assert!(second.is_error);
    let denied = Text {
        text: "denied".into(),
        cache: Some(Cache::Default),
        ..Text::default()
    };
    assert_eq!(second.content, [Part::Text(denied)]);
}

#[test]
fn a_coding_agents_request_is_written_for_openai_chat() {
    let request = anthropic::read_request(coding_agent().to_string().as_bytes()).unwrap();
    let written = openai_chat::write_request(&request, "gpt-5.2").unwrap();
    let expected = json!({
        "model": "gpt-5.2",
        "messages": [
            { "role": "system", "content": [
                { "type": "text", "text": "You are a coding agent." },
                { "type": "text", "text": "Be brief." },
            ] },
            { "role": "user", "content": "List the files." },
            { "role": "assistant", "content": "I look.", "tool_calls": [
                { "id": "toolu_1", "type": "function",
                  "function": { "name": "Bash", "arguments": "{\"command\":\"ls\"}" } },
                { "id": "toolu_2", "type": "function",
                  "function": { "name": "Bash", "arguments": "{\"command\":\"rm\"}" } },
            ] },
            { "role": "tool", "tool_call_id": "toolu_1", "content": "a.rs\nb.rs" },
            { "role": "tool", "tool_call_id": "toolu_2", "content": "[the tool failed] denied" },
            { "role": "user", "content": "<system-reminder>go on</system-reminder>" },
        ],
        "tools": [{ "type": "function", "function": {
            "name": "Bash",
            "description": "Runs a command",
            "parameters": {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": { "command": { "type": "string" } },
                "required": ["command"],
            },
        } }],
        "reasoning_effort": "medium",
        "max_completion_tokens": 32000,
        "temperature": 1.0,
        "user": "user_7f_account__session_1",
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    assert_eq!(written, expected);
}

#[test]
fn strings_and_lists_of_one_text_are_the_same() {
    let plain = json!({
        "model": "m", "max_tokens": 9, "system": "s",
        "messages": [{ "role": "user", "content": "hi" }],
    });
    let listed = json!({
        "model": "m", "max_tokens": 9, "system": [{ "type": "text", "text": "s" }],
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": "hi" }] }],
    });
    let read = |document: &serde_json::Value| {
        anthropic::read_request(document.to_string().as_bytes()).unwrap()
    };
    assert_eq!(read(&plain), read(&listed));
    assert_eq!(
        anthropic::write_request(&read(&listed), "m").unwrap(),
        plain
    );
}

#[test]
fn choices_of_tools_are_read() {
    let cases = [
        (json!({ "type": "auto" }), ToolChoice::Auto, None),
        (json!({ "type": "any" }), ToolChoice::Required, None),
        (json!({ "type": "none" }), ToolChoice::None, None),
        (
            json!({ "type": "tool", "name": "f", "disable_parallel_tool_use": true }),
            ToolChoice::Tool("f".into()),
            Some(false),
        ),
        (
            json!({ "type": "auto", "disable_parallel_tool_use": false }),
            ToolChoice::Auto,
            Some(true),
        ),
    ];
    for (choice, expected, parallel) in cases {
        let document = json!({
            "model": "m", "max_tokens": 9, "tool_choice": choice,
            "tools": [{ "name": "f", "input_schema": { "type": "object" } }],
            "messages": [{ "role": "user", "content": "hi" }],
        });
        let request = anthropic::read_request(document.to_string().as_bytes()).unwrap();
        assert_eq!(request.tool_choice, Some(expected));
        assert_eq!(request.parallel_tool_calls, parallel);
        let written = anthropic::write_request(&request, "m").unwrap();
        assert_eq!(written["tool_choice"], choice);
    }
}

#[test]
fn one_call_at_a_time_needs_a_choice_to_be_said_beside() {
    let mut request = question();
    request.parallel_tool_calls = Some(false);
    let written = anthropic::write_request(&request, "m").unwrap();
    assert_eq!(written.get("tool_choice"), None);
    request.tools.push(crate::fragments::weather_tool());
    let written = anthropic::write_request(&request, "m").unwrap();
    let choice = json!({ "type": "auto", "disable_parallel_tool_use": true });
    assert_eq!(written["tool_choice"], choice);
}

#[test]
fn a_limit_is_always_written() {
    let mut request = question();
    let limit = |request: &Request| {
        let written = anthropic::write_request(request, "m").unwrap();
        written["max_tokens"].as_u64().unwrap()
    };
    assert_eq!(limit(&request), 100);
    request.max_output_tokens = None;
    assert_eq!(limit(&request), anthropic::MAX_TOKENS_DEFAULT);
}

#[test]
fn turns_of_one_role_are_joined() {
    let mut request = question();
    request.messages = vec![
        user(vec![Part::text("a")]),
        user(vec![Part::text("b"), image(png())]),
        // Nothing is left of it: another family's thoughts.
        assistant(vec![
            thought("hm", None),
            thought("hm", seal(Sealer::Openai, "g")),
        ]),
        user(vec![Part::text("c")]),
        assistant(vec![Part::text("d"), Part::Refusal("no".into())]),
    ];
    let written = anthropic::write_request(&request, "m").unwrap();
    let png = json!({ "type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo=" });
    let expected = json!([
        { "role": "user", "content": [
            { "type": "text", "text": "a" },
            { "type": "text", "text": "b" },
            { "type": "image", "source": png },
            { "type": "text", "text": "c" },
        ] },
        { "role": "assistant", "content": [
            { "type": "text", "text": "d" },
            { "type": "text", "text": "no" },
        ] },
    ]);
    assert_eq!(written["messages"], expected);
}

#[test]
fn a_schemas_description_goes_into_the_schema() {
    let mut request = question();
    request.format = Format::JsonSchema {
        name: Some("n".into()),
        description: Some("what for".into()),
        schema: json!({ "type": "object" }),
        strict: Some(true),
    };
    let written = anthropic::write_request(&request, "m").unwrap();
    let expected = json!({
        "type": "json_schema",
        "schema": { "type": "object", "description": "what for" },
    });
    assert_eq!(written["output_config"]["format"], expected);
}

#[test]
fn arguments_that_are_no_object_are_refused() {
    for (arguments, fine) in [
        ("{}", true),
        ("{\"a\":1}", true),
        ("[]", false),
        ("{", false),
    ] {
        let mut request = question();
        let parts = vec![call("a", "f", arguments)];
        request.messages.push(assistant(parts));
        let written = anthropic::write_request(&request, "m");
        assert_eq!(written.is_ok(), fine, "{arguments}");
        if let Err(refusal) = written {
            assert_eq!(refusal.pointer, "/messages/1/content/0");
        }
    }
}

#[test]
fn displays_of_thinking_are_kept() {
    for (display, summary) in [("summarized", Summary::Auto), ("omitted", Summary::Omitted)] {
        let thinking = json!({ "type": "adaptive", "display": display });
        let document = json!({
            "model": "m", "max_tokens": 9, "thinking": thinking,
            "messages": [{ "role": "user", "content": "hi" }],
        });
        let request = anthropic::read_request(document.to_string().as_bytes()).unwrap();
        assert_eq!(request.thinking.summary, Some(summary));
        let written = anthropic::write_request(&request, "m").unwrap();
        assert_eq!(written["thinking"], thinking);
    }
}

#[test]
fn instructions_in_the_middle_stay_there() {
    let document = json!({
        "model": "m", "max_tokens": 9,
        "messages": [
            { "role": "user", "content": "hi" },
            { "role": "system", "content": "be brief from now on" },
        ],
    });
    let request = anthropic::read_request(document.to_string().as_bytes()).unwrap();
    assert_eq!(request.messages[1].role, Role::System);
    let mut written = anthropic::write_request(&request, "m").unwrap();
    assert_eq!(written["messages"], document["messages"]);
    written = openai_chat::write_request(&request, "m").unwrap();
    assert_eq!(written["messages"][1]["role"], "system");
    for dialect in [Dialect::Gemini, Dialect::Converse] {
        let refusal = dialects::write_request(dialect, &request, "m").unwrap_err();
        assert_eq!(refusal.pointer, "/messages/1");
    }
}

#[test]
fn reasons_to_stop_are_read_and_written() {
    let cases = [
        ("end_turn", Stop::EndTurn),
        ("max_tokens", Stop::MaxTokens),
        ("stop_sequence", Stop::StopSequence(Some("END".into()))),
        ("tool_use", Stop::ToolUse),
        ("pause_turn", Stop::Paused),
        ("refusal", Stop::Refusal),
        ("model_context_window_exceeded", Stop::ContextFull),
    ];
    let request = question();
    for (reason, stop) in cases {
        let sequence = (reason == "stop_sequence").then_some("END");
        let document = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [], "stop_reason": reason, "stop_sequence": sequence,
            "usage": { "input_tokens": 1, "output_tokens": 2 },
        });
        let answer = anthropic::read_answer(document.to_string().as_bytes()).unwrap();
        assert_eq!(answer.stop, stop);
        let written = anthropic::write_answer(&answer, &envelope(&request));
        assert_eq!(written["stop_reason"], reason);
        assert_eq!(written["stop_sequence"], json!(sequence));
    }
    let unknown = br#"{"content":[],"stop_reason":"bored"}"#;
    let malformed = anthropic::read_answer(unknown).unwrap_err();
    assert_eq!(malformed.kind, MalformedKind::Shape);
    assert_eq!(malformed.pointer, "/stop_reason");
}

#[test]
fn content_that_nobody_asked_for_is_malformed_and_unknown_members_are_not() {
    let answer = |block: serde_json::Value| {
        let document = json!({
            "type": "message", "content": [block], "stop_reason": "end_turn", "new": {},
            "usage": { "input_tokens": 1, "output_tokens": 2, "new": [] },
        });
        anthropic::read_answer(document.to_string().as_bytes())
    };
    let known = json!({ "type": "text", "text": "hi", "new": 1 });
    assert_eq!(answer(known).unwrap().text(), "hi");
    let unknown =
        json!({ "type": "server_tool_use", "id": "a", "name": "web_search", "input": {} });
    assert_eq!(answer(unknown).unwrap_err().pointer, "/content/0/type");
    let error = br#"{"type":"error","error":{"type":"api_error","message":"no"}}"#;
    let failed = anthropic::read_answer(error).unwrap_err();
    assert_eq!(
        (failed.kind, failed.message.as_str()),
        (MalformedKind::Failed, "no")
    );
}

/// An answer of another family's model, through a client of this one, and back with the next
/// request.
#[test]
fn seals_of_other_families_survive_a_client_of_this_one() {
    let seals = [
        (seal(Sealer::Openai, "gAAA="), "openai~gAAA="),
        (seal(Sealer::Gemini, "CiQ="), "gemini~CiQ="),
        (seal(Sealer::Anthropic, "Eq"), "Eq"),
        (None, ""),
    ];
    let request = question();
    for (seal, signature) in seals {
        let answer = Answer {
            id: "x".into(),
            model: "m".into(),
            parts: vec![thought("hm", seal)],
            stop: Stop::EndTurn,
            usage: Usage::default(),
        };
        let told = anthropic::write_answer(&answer, &envelope(&request));
        assert_eq!(told["content"][0]["signature"], signature);
        let next = json!({
            "model": "m", "max_tokens": 9,
            "messages": [{ "role": "assistant", "content": told["content"] }],
        });
        let next = anthropic::read_request(next.to_string().as_bytes()).unwrap();
        assert_eq!(next.messages[0].parts, answer.parts);
    }
}

#[test]
fn withheld_thoughts_survive_a_client_of_openai() {
    let request = question();
    let answer = Answer {
        id: "x".into(),
        model: "m".into(),
        parts: vec![redacted(Sealer::Anthropic, "Emw"), Part::text("a")],
        stop: Stop::EndTurn,
        usage: Usage::default(),
    };
    let told = openai_responses::write_answer(&answer, &envelope(&request));
    let sealed = &told["output"][0]["encrypted_content"];
    assert_eq!(sealed, "anthropic-redacted~Emw");
    let next = json!({ "model": "m", "input": told["output"] });
    let next = read_request(Dialect::OpenaiResponses, next.to_string().as_bytes()).unwrap();
    let written = anthropic::write_request(&next, "m").unwrap();
    let expected = json!([
        { "type": "redacted_thinking", "data": "Emw" },
        { "type": "text", "text": "a" },
    ]);
    assert_eq!(written["messages"][0]["content"], expected);
}

#[test]
fn the_model_that_served_is_named_or_the_one_that_was_asked_for() {
    let request = question();
    let mut answer = Answer {
        id: String::new(),
        model: "served".into(),
        parts: vec![],
        stop: Stop::EndTurn,
        usage: Usage::default(),
    };
    let envelope = Envelope {
        request: &request,
        id: "7",
        created: 0,
    };
    for dialect in crate::fragments::CLIENTS {
        let written = dialects::write_answer(dialect, &answer, &envelope);
        assert_eq!(written["model"], "served");
    }
    answer.model.clear();
    for dialect in crate::fragments::CLIENTS {
        let written = dialects::write_answer(dialect, &answer, &envelope);
        assert_eq!(written["model"], "m");
        let read = read_answer(dialect, written.to_string().as_bytes()).unwrap();
        assert_eq!(read.model, "m");
    }
}

#[test]
fn a_failed_tool_and_its_picture_are_written() {
    let mut request = question();
    request.messages.extend([
        assistant(vec![call("a", "f", "{}"), call("b", "f", "{}")]),
        user(vec![
            failed_result("a", "no"),
            result("b", vec![Part::text("see"), image(png())]),
        ]),
    ]);
    let written = anthropic::write_request(&request, "m").unwrap();
    let results = &written["messages"][2]["content"];
    let failed = json!({
        "type": "tool_result", "tool_use_id": "a", "content": "no", "is_error": true,
    });
    assert_eq!(results[0], failed);
    assert_eq!(results[1]["content"][1]["type"], "image");
    // OpenAI's chat has no place for a picture there, its Responses do.
    let refusal = openai_chat::write_request(&request, "m").unwrap_err();
    assert_eq!(refusal.pointer, "/messages/2/content/1/content/1");
    let written = openai_responses::write_request(&request, "m").unwrap();
    assert_eq!(written["input"][4]["output"][1]["type"], "input_image");
    assert_eq!(written["input"][3]["output"], "[the tool failed] no");
}

#[test]
fn ids_of_calls_are_made_of_plain_signs() {
    let mut request = question();
    request.messages.extend([
        assistant(vec![call("functions.f:0", "f", "{}")]),
        user(vec![result("functions.f:0", vec![Part::text("r")])]),
    ]);
    let written = anthropic::write_request(&request, "m").unwrap();
    assert_eq!(written["messages"][1]["content"][0]["id"], "functions_f_0");
    let of = &written["messages"][2]["content"][0]["tool_use_id"];
    assert_eq!(of, "functions_f_0");
    let written = dialects::converse::write_request(&request, "m").unwrap();
    let turn = |index: usize| &written["messages"][index]["content"][0];
    assert_eq!(turn(1)["toolUse"]["toolUseId"], "functions_f_0");
    assert_eq!(turn(2)["toolResult"]["toolUseId"], "functions_f_0");
}

fn events(events: &[serde_json::Value]) -> Vec<Frame> {
    let frames = events.iter().map(|event| Frame::data(event.to_string()));
    frames.collect()
}

#[test]
fn events_out_of_order_are_malformed() {
    let start = json!({ "type": "message_start", "message": { "id": "x" } });
    let open = |index: u64, kind: &str| {
        json!({
            "type": "content_block_start", "index": index,
            "content_block": { "type": kind, "text": "", "id": "a", "name": "f", "input": {} },
        })
    };
    let piece = |index: u64, kind: &str| {
        json!({
            "type": "content_block_delta", "index": index,
            "delta": { "type": kind, "text": "a", "partial_json": "{", "citation": {} },
        })
    };
    let end = [
        json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" } }),
        json!({ "type": "message_stop" }),
    ];
    let read = |middle: &[serde_json::Value]| {
        let all = [std::slice::from_ref(&start), middle, &end].concat();
        deltas(Dialect::Anthropic, &events(&all))
    };
    let fine: &[&[serde_json::Value]] = &[
        &[open(0, "text"), piece(0, "text_delta")],
        &[open(0, "text"), piece(0, "citations_delta")],
        // What may be added later is no harm.
        &[
            json!({ "type": "from_the_future" }),
            json!({ "type": "ping" }),
        ],
    ];
    for middle in fine {
        assert!(read(middle).is_ok(), "{middle:?}");
    }
    let malformed: &[&[serde_json::Value]] = &[
        std::slice::from_ref(&start),
        &[piece(0, "text_delta")],
        &[open(0, "text"), open(0, "text")],
        &[open(0, "text"), piece(1, "text_delta")],
        &[open(0, "text"), piece(0, "input_json_delta")],
        &[open(0, "text"), piece(0, "from_the_future")],
        &[open(0, "server_tool_use")],
        &[json!({ "type": "content_block_stop" })],
        &[json!({ "type": "message_delta", "delta": { "stop_reason": "bored" } })],
    ];
    for middle in malformed {
        let malformed = read(middle).unwrap_err();
        assert_eq!(malformed.kind, MalformedKind::Shape, "{middle:?}");
    }
    let early = deltas(Dialect::Anthropic, &events(&[open(0, "text")])).unwrap_err();
    assert_eq!(early.kind, MalformedKind::Shape);
    let no_reason = [start, json!({ "type": "message_stop" })];
    let unfinished = deltas(Dialect::Anthropic, &events(&no_reason)).unwrap_err();
    assert_eq!(unfinished.kind, MalformedKind::Unfinished);
    assert!(
        unfinished.to_string().starts_with("the stream ended"),
        "{unfinished}"
    );
}

#[test]
fn arguments_that_come_with_the_beginning_of_a_call_are_read() {
    let stream = [
        json!({ "type": "message_start", "message": {} }),
        json!({ "type": "content_block_start", "index": 7, "content_block": {
            "type": "tool_use", "id": "a", "name": "f", "input": { "b": 1 },
        } }),
        json!({ "type": "content_block_stop", "index": 7 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" } }),
        json!({ "type": "message_stop" }),
    ];
    let answer = assembled(&deltas(Dialect::Anthropic, &events(&stream)).unwrap());
    assert_eq!(answer.parts, [call("a", "f", r#"{"b":1}"#)]);
}
