//! Recorded streams: read, cut, translated.

use dialects::neutral::{Answer, Begin, Delta, Part, Request, Stop, Usage};
use dialects::sse::Frame;
use dialects::{Dialect, MalformedKind, StreamReader, read_answer, write_answer};
use serde_json::json;

use crate::fragments::{
    CLIENTS, assembled, binary, binary_frames, data, deltas, envelope, question, written,
};
use crate::recorded;

#[test]
fn a_stream_and_the_whole_say_the_same() {
    for recorded in recorded::all() {
        let name = recorded.name;
        let whole = read_answer(recorded.dialect, recorded.whole.as_bytes()).unwrap();
        assert_eq!(whole, recorded.answer, "{name}, whole");
        let frames = recorded.frames(usize::MAX);
        let streamed = assembled(&deltas(recorded.dialect, &frames).unwrap());
        assert_eq!(streamed, recorded.answer, "{name}, streamed");
    }
}

#[test]
fn a_stream_is_read_the_same_however_it_is_cut() {
    for recorded in recorded::all() {
        let whole = recorded.frames(usize::MAX);
        assert!(whole.len() > 4, "{}", recorded.name);
        for size in 1..64 {
            let cut = recorded.frames(size);
            assert_eq!(cut, whole, "{} in pieces of {size}", recorded.name);
        }
        // Cut once, at every byte.
        for at in 0..recorded.stream.len() {
            let cut = recorded.frames_cut_at(at);
            assert_eq!(cut, whole, "{} cut at {at}", recorded.name);
        }
    }
}

/// The order that [`Delta`] promises.
fn assert_order(deltas: &[Delta]) {
    let mut open = Vec::new();
    let mut started = 0;
    assert!(matches!(deltas.first(), Some(Delta::Start { .. })));
    for delta in deltas {
        match delta {
            Delta::PartStart { index, .. } => {
                assert_eq!(*index, started);
                started += 1;
                open.push(*index);
            }
            Delta::Text { index, .. }
            | Delta::Citation { index, .. }
            | Delta::Refusal { index, .. }
            | Delta::Thinking { index, .. }
            | Delta::Seal { index, .. }
            | Delta::Arguments { index, .. } => assert!(open.contains(index), "{delta:?}"),
            Delta::PartStop { index } => {
                assert!(open.contains(index), "{delta:?}");
                open.retain(|one| one != index);
            }
            Delta::Stop(_) => assert!(open.is_empty(), "{open:?}"),
            Delta::Start { .. } | Delta::Usage(_) | Delta::End | Delta::Error(_) => {}
        }
    }
    let ends = deltas.iter().filter(|delta| **delta == Delta::End);
    assert_eq!(ends.count(), 1);
    assert_eq!(deltas.last(), Some(&Delta::End));
    assert_eq!(started > 0, deltas.len() > 4);
}

#[test]
fn steps_come_in_their_order() {
    for recorded in recorded::all() {
        let frames = recorded.frames(usize::MAX);
        assert_order(&deltas(recorded.dialect, &frames).unwrap());
    }
}

#[test]
fn a_stream_that_is_cut_between_events_is_unfinished() {
    for recorded in recorded::all() {
        let frames = recorded.frames(usize::MAX);
        // What ends a stream: an event, or in some dialects the end after a reason to stop.
        let last = (0..frames.len())
            .find(|count| deltas(recorded.dialect, &frames[..*count]).is_ok())
            .unwrap_or(frames.len());
        assert!(last + 2 >= frames.len(), "{}: {last}", recorded.name);
        for count in 0..last {
            let cut = deltas(recorded.dialect, &frames[..count]).unwrap_err();
            assert_eq!(cut.kind, MalformedKind::Unfinished, "{}", recorded.name);
        }
    }
}

#[test]
fn damaged_events_are_errors_and_nothing_worse() {
    for recorded in recorded::all() {
        let frames = recorded.frames(usize::MAX);
        for (position, frame) in frames.iter().enumerate() {
            for length in (0..frame.data.len()).filter(|at| frame.data.is_char_boundary(*at)) {
                let mut damaged = frames.clone();
                damaged[position] = Frame {
                    event: frame.event.clone(),
                    data: frame.data[..length].to_owned(),
                };
                // A whole line stays; the last brace is what makes it JSON.
                let read = deltas(recorded.dialect, &damaged);
                assert!(read.is_err(), "{}: {:?}", recorded.name, damaged[position]);
            }
        }
    }
}

#[test]
fn members_of_every_event_may_be_missing_or_of_another_type() {
    for recorded in recorded::all() {
        let frames = recorded.frames(usize::MAX);
        for (position, frame) in frames.iter().enumerate() {
            let Ok(event) = serde_json::from_str::<serde_json::Value>(&frame.data) else {
                continue;
            };
            for mutant in mutants(&event) {
                let mut reader = StreamReader::new(recorded.dialect);
                for frame in &frames[..position] {
                    reader.push(frame).unwrap();
                }
                let data = mutant.to_string();
                let event = frame.event.clone();
                // Whatever it says, it says it; a panic is all that would fail here.
                let _ = reader.push(&Frame { event, data });
                for frame in &frames[position + 1..] {
                    let _ = reader.push(frame);
                }
                let _ = reader.finish();
            }
        }
    }
}

/// The document with each of its members, at any depth, left out or replaced.
fn mutants(document: &serde_json::Value) -> Vec<serde_json::Value> {
    let mut pointers = Vec::new();
    collect_pointers(document, String::new(), &mut pointers);
    let replacements = [
        serde_json::Value::Null,
        (-1).into(),
        "x".into(),
        json!([]),
        json!({}),
        json!([{}]),
        u64::MAX.into(),
    ];
    let mut mutants = Vec::new();
    for pointer in pointers {
        for replacement in &replacements {
            let mut mutant = document.clone();
            *mutant.pointer_mut(&pointer).unwrap() = replacement.clone();
            mutants.push(mutant);
        }
    }
    mutants
}

fn collect_pointers(value: &serde_json::Value, at: String, pointers: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                collect_pointers(member, format!("{at}/{name}"), pointers);
            }
        }
        serde_json::Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect_pointers(item, format!("{at}/{index}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(at);
}

#[test]
fn members_of_every_answer_may_be_missing_or_of_another_type() {
    for recorded in recorded::all() {
        let whole = serde_json::from_str(recorded.whole).unwrap();
        for mutant in mutants(&whole) {
            let _ = read_answer(recorded.dialect, mutant.to_string().as_bytes());
        }
        for length in 0..recorded.whole.trim_end().len() {
            let cut = &recorded.whole.as_bytes()[..length];
            let malformed = read_answer(recorded.dialect, cut).unwrap_err();
            assert_eq!(malformed.kind, MalformedKind::NotJson, "{}", recorded.name);
        }
    }
}

/// What a client of the dialect can know of an answer.
fn as_read_by(dialect: Dialect, request: &Request, answer: &Answer) -> Answer {
    let written = write_answer(dialect, answer, &envelope(request)).to_string();
    read_answer(dialect, written.as_bytes()).unwrap()
}

/// Without what a thought is called, and whether it is withheld: a stream of the Responses dialect
/// tells the former differently and the latter too late.
fn leveled(mut answer: Answer) -> Answer {
    for part in &mut answer.parts {
        if let Part::Thinking(thought) = part {
            thought.id = None;
            thought.redacted = false;
        }
    }
    answer
}

#[test]
fn a_translated_stream_says_the_same_as_a_translated_answer() {
    let mut request = question();
    request.stream_usage = true;
    for recorded in recorded::all() {
        let steps = deltas(recorded.dialect, &recorded.frames(usize::MAX)).unwrap();
        for client in CLIENTS {
            let frames = written(client, &request, &steps);
            let streamed = leveled(assembled(&deltas(client, &frames).unwrap()));
            let whole = leveled(as_read_by(client, &request, &recorded.answer));
            assert_eq!(streamed, whole, "{} for {client:?}", recorded.name);
            assert_eq!(whole.usage, recorded.answer.usage);
            assert_eq!(whole.stop, recorded.answer.stop);
        }
    }
}

/// The frames of a stream with one call, whose arguments are these, and which stops so.
fn stream_of_a_call(dialect: Dialect, arguments: &str, stop: Stop) -> Vec<Frame> {
    if dialect == Dialect::Converse {
        let reason = if stop == Stop::MaxTokens {
            "max_tokens"
        } else {
            "tool_use"
        };
        let start = json!({ "toolUse": { "toolUseId": "c", "name": "f" } });
        let delta = json!({ "toolUse": { "input": arguments } });
        let lines = [
            "messageStart {}".to_owned(),
            format!(
                "contentBlockStart {}",
                json!({ "contentBlockIndex": 0, "start": start })
            ),
            format!(
                "contentBlockDelta {}",
                json!({ "contentBlockIndex": 0, "delta": delta })
            ),
            "contentBlockStop {\"contentBlockIndex\":0}".to_owned(),
            format!("messageStop {}", json!({ "stopReason": reason })),
        ];
        return binary_frames(&binary(&lines.join("\n")), 9);
    }
    let steps = [
        Delta::Start {
            id: "x".into(),
            model: "m".into(),
            usage: Usage::default(),
        },
        Delta::PartStart {
            index: 0,
            begin: Begin::ToolCall {
                id: "c".into(),
                name: "f".into(),
            },
        },
        Delta::Arguments {
            index: 0,
            json: arguments.into(),
        },
        Delta::PartStop { index: 0 },
        Delta::Stop(stop),
        Delta::End,
    ];
    written(dialect, &question(), &steps)
}

#[test]
fn a_call_that_is_cut_for_length_is_let_through_and_any_other_broken_call_is_not() {
    let cut = r#"{"location": "San Fr"#;
    for dialect in [
        Dialect::OpenaiChat,
        Dialect::OpenaiResponses,
        Dialect::Anthropic,
        Dialect::Converse,
    ] {
        let length = stream_of_a_call(dialect, cut, Stop::MaxTokens);
        let answer = assembled(&deltas(dialect, &length).unwrap());
        assert_eq!(answer.stop, Stop::MaxTokens);
        let [Part::ToolCall(held)] = answer.parts.as_slice() else {
            panic!("{answer:?}");
        };
        assert_eq!(held.arguments, cut);
        let unreadable = held.object().unwrap_err();
        assert_eq!(unreadable.kind, MalformedKind::ToolArguments);

        for broken in [cut, "[]", "7", "nonsense"] {
            let calls = stream_of_a_call(dialect, broken, Stop::ToolUse);
            let malformed = deltas(dialect, &calls).unwrap_err();
            assert_eq!(malformed.kind, MalformedKind::ToolArguments, "{dialect:?}");
        }
        let fine = stream_of_a_call(dialect, "{}", Stop::ToolUse);
        assert!(deltas(dialect, &fine).is_ok());
    }
}

#[test]
fn an_error_in_mid_stream_ends_it_in_every_dialect() {
    let request = question();
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    for recorded in recorded::all() {
        let mut frames = recorded.frames(usize::MAX);
        frames.truncate(3);
        let failure = match recorded.dialect {
            Dialect::Anthropic => Frame::named("error", error),
            Dialect::OpenaiChat => Frame::data(
                r#"{"error":{"message":"Overloaded","type":"overloaded_error","param":null,"code":null}}"#,
            ),
            Dialect::OpenaiResponses => Frame::named(
                "error",
                r#"{"type":"error","code":"server_is_overloaded","message":"Overloaded","param":null,"sequence_number":9}"#,
            ),
            Dialect::Gemini => Frame::data(
                r#"{"error":{"code":503,"message":"Overloaded","status":"UNAVAILABLE"}}"#,
            ),
            Dialect::Converse => {
                Frame::named("serviceUnavailableException", r#"{"message":"Overloaded"}"#)
            }
        };
        frames.push(failure);
        // What would follow is not read any more.
        frames.push(Frame::data("{\"type\":\"message_start\"}"));
        let steps = deltas(recorded.dialect, &frames).unwrap();
        let Some(Delta::Error(error)) = steps.last() else {
            panic!("{}: {steps:?}", recorded.name);
        };
        assert_eq!(error.message, "Overloaded", "{}", recorded.name);
        assert_eq!(error.kind, dialects::neutral::ErrorKind::Overloaded);
        for client in CLIENTS {
            let written = written(client, &request, &steps);
            let read = deltas(client, &written).unwrap();
            let Some(Delta::Error(told)) = read.last() else {
                panic!("{} for {client:?}: {read:?}", recorded.name);
            };
            assert_eq!(told.message, "Overloaded");
            assert_eq!(told.kind, error.kind, "{} for {client:?}", recorded.name);
        }
    }
}

#[test]
fn an_anthropic_stream_is_written_as_its_clients_expect() {
    let recorded = recorded::openai_chat();
    let steps = deltas(recorded.dialect, &recorded.frames(usize::MAX)).unwrap();
    let events = data(&written(Dialect::Anthropic, &question(), &steps));
    let kinds: Vec<_> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    let block = [
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    ];
    assert_eq!(kinds[0], "message_start");
    assert_eq!(kinds[1..5], [block[0], block[1], block[1], block[2]]);
    assert_eq!(kinds[kinds.len() - 2..], ["message_delta", "message_stop"]);
    assert_eq!(events[0]["message"]["id"], "msg_0197");
    assert_eq!(events[0]["message"]["content"], json!([]));
    let delta = &events[events.len() - 2];
    assert_eq!(delta["delta"]["stop_reason"], "tool_use");
    assert_eq!(delta["usage"]["input_tokens"], 572);
    assert_eq!(delta["usage"]["cache_read_input_tokens"], 2048);
}

#[test]
fn chunks_tell_the_usage_only_if_asked() {
    let recorded = recorded::anthropic();
    let steps = deltas(recorded.dialect, &recorded.frames(usize::MAX)).unwrap();
    let mut request = question();
    let unasked = written(Dialect::OpenaiChat, &request, &steps);
    assert!(unasked.iter().all(|frame| !frame.data.contains("usage")));
    request.stream_usage = true;
    let asked = written(Dialect::OpenaiChat, &request, &steps);
    assert_eq!(asked.len(), unasked.len() + 1);
    let [.., before, usage, done] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    assert_eq!(done.data, "[DONE]");
    let usage: serde_json::Value = serde_json::from_str(&usage.data).unwrap();
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["total_tokens"], 2709);
    let before: serde_json::Value = serde_json::from_str(&before.data).unwrap();
    assert_eq!(before["usage"], serde_json::Value::Null);
    assert_eq!(before["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn a_responses_stream_numbers_its_events_and_completes_what_it_begins() {
    let recorded = recorded::anthropic();
    let steps = deltas(recorded.dialect, &recorded.frames(usize::MAX)).unwrap();
    let events = data(&written(Dialect::OpenaiResponses, &question(), &steps));
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let count = |kind: &str| events.iter().filter(|e| e["type"] == kind).count();
    assert_eq!(count("response.output_item.added"), 5);
    assert_eq!(count("response.output_item.done"), 5);
    assert_eq!(count("response.content_part.added"), 1);
    assert_eq!(count("response.content_part.done"), 1);
    assert_eq!(count("response.function_call_arguments.done"), 2);
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    let whole = write_answer(
        Dialect::OpenaiResponses,
        &recorded.answer,
        &envelope(&question()),
    );
    assert_eq!(last["response"], whole);
}
