//! Where answers were taken from: the same pages in every dialect, whole and streamed.

use dialects::neutral::{Answer, Citation, Cited, Part, Stop, Text, Usage};
use dialects::{Dialect, read_answer, read_request, write_answer, write_request};
use serde_json::{Value, json};

use crate::fragments::{
    assembled, assistant, data, deltas, envelope, frames, question, user, written,
};

const URL: &str = "https://example.org/a?b=c";

fn page(span: Option<(u32, u32)>) -> Citation {
    let (url, title) = (URL.to_owned(), "A page".to_owned());
    let source = Cited::Url { url, title };
    Citation { source, span }
}

fn answer(citations: Vec<Citation>) -> Answer {
    let text = Text {
        text: "Öl is up.".into(),
        citations,
        cache: None,
    };
    Answer {
        id: "1".into(),
        model: "m".into(),
        parts: vec![Part::Text(text)],
        stop: Stop::EndTurn,
        usage: Usage::default(),
    }
}

fn citations(answer: &Answer) -> Vec<Citation> {
    let texts = answer.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.citations.clone()),
        _ => None,
    });
    texts.flatten().collect()
}

fn read(dialect: Dialect, body: &Value) -> Vec<Citation> {
    citations(&read_answer(dialect, body.to_string().as_bytes()).unwrap())
}

/// An answer of Chat Completions with these annotations.
fn chat(annotations: Value) -> Value {
    json!({ "id": "1", "model": "m", "choices": [{ "index": 0, "finish_reason": "stop",
        "message": { "role": "assistant", "content": "Öl is up.", "annotations": annotations } }] })
}

fn nested(url: &str, title: Value) -> Value {
    json!([{ "type": "url_citation",
        "url_citation": { "url": url, "title": title, "start_index": 0, "end_index": 2 } }])
}

#[test]
fn what_a_dialect_writes_it_reads() {
    let request = question();
    for (dialect, span) in [
        (Dialect::OpenaiChat, Some((3, 5))),
        (Dialect::OpenaiResponses, Some((3, 5))),
        // A block is cited as a whole there.
        (Dialect::Anthropic, None),
    ] {
        let (before, expected) = (answer(vec![page(Some((3, 5)))]), vec![page(span)]);
        let whole = write_answer(dialect, &before, &envelope(&request));
        assert_eq!(read(dialect, &whole), expected, "{dialect:?}: {whole}");
        let cited = steps(&before);
        let frames = written(dialect, &request, &cited);
        let after = assembled(&deltas(dialect, &frames).unwrap());
        assert_eq!(citations(&after), expected, "{dialect:?}: {frames:?}");
        // What cites nothing says no more than before.
        let silent = write_answer(dialect, &answer(Vec::new()), &envelope(&request));
        assert_eq!(read(dialect, &silent), []);
        assert!(!silent.to_string().contains("citation"), "{silent}");
    }
}

/// The steps of an answer that cites in the middle of its text.
fn steps(answer: &Answer) -> Vec<dialects::neutral::Delta> {
    use dialects::neutral::{Begin, Delta};
    let mut steps = vec![
        Delta::Start {
            id: "1".into(),
            model: "m".into(),
            usage: Usage::default(),
        },
        Delta::PartStart {
            index: 0,
            begin: Begin::Text,
        },
        Delta::Text {
            index: 0,
            text: "Öl is".into(),
        },
    ];
    let cited = citations(answer).into_iter();
    steps.extend(cited.map(|citation| Delta::Citation { index: 0, citation }));
    steps.extend([
        Delta::Text {
            index: 0,
            text: " up.".into(),
        },
        Delta::PartStop { index: 0 },
        Delta::Stop(Stop::EndTurn),
        Delta::End,
    ]);
    steps
}

#[test]
fn a_citation_of_nothing_in_particular_is_of_all_of_its_text() {
    let request = question();
    let mut two = answer(vec![page(None)]);
    two.parts.insert(0, Part::text("First. "));
    let whole = write_answer(Dialect::OpenaiChat, &two, &envelope(&request));
    let cited = &whole["choices"][0]["message"]["annotations"][0]["url_citation"];
    assert_eq!(
        (&cited["start_index"], &cited["end_index"]),
        (&json!(7), &json!(16))
    );
    let whole = write_answer(Dialect::OpenaiResponses, &two, &envelope(&request));
    let cited = &whole["output"][1]["content"][0]["annotations"][0];
    assert_eq!(
        (&cited["start_index"], &cited["end_index"]),
        (&json!(0), &json!(9))
    );
}

#[test]
fn a_stream_of_responses_tells_a_citation_as_it_comes_and_in_the_end() {
    let request = question();
    let cited = steps(&answer(vec![page(Some((0, 2)))]));
    let events = data(&written(Dialect::OpenaiResponses, &request, &cited));
    let of = |kind: &str| {
        let mut all = events.iter().filter(|it| it["type"] == kind);
        all.next().unwrap().clone()
    };
    let added = of("response.output_text.annotation.added");
    assert_eq!(
        (&added["annotation_index"], &added["output_index"]),
        (&json!(0), &json!(0))
    );
    let annotation = json!([added["annotation"]]);
    assert_eq!(
        of("response.content_part.done")["part"]["annotations"],
        annotation
    );
    let item = &of("response.completed")["response"]["output"][0];
    assert_eq!(item["content"][0]["annotations"], annotation);
}

#[test]
fn gemini_names_the_pages_that_an_answer_rests_on() {
    let grounding = json!({
        "webSearchQueries": ["oil"],
        "groundingChunks": [
            { "web": { "uri": URL, "title": "A page" } },
            { "web": { "uri": "data:text/html,x", "title": "none" } },
            { "retrievedContext": { "text": "x" } },
        ],
        "groundingSupports": [{ "segment": { "endIndex": 3 }, "groundingChunkIndices": [0] }],
    });
    let candidate = |text: &str, end: bool| {
        let mut it = json!({ "content": { "parts": [{ "text": text }], "role": "model" } });
        if end {
            it["finishReason"] = "STOP".into();
            it["groundingMetadata"] = grounding.clone();
        }
        json!({ "responseId": "1", "candidates": [it] })
    };
    assert_eq!(
        read(Dialect::Gemini, &candidate("Öl is up.", true)),
        [page(None)]
    );
    // The signature in the last piece closes the text.
    let mut last = candidate("", true);
    last["candidates"][0]["content"]["parts"][0]["thoughtSignature"] = "c2lnbg==".into();
    for last in [candidate(" up.", true), last] {
        let stream = format!("data: {}\n\ndata: {last}\n\n", candidate("Öl is", false));
        let read = deltas(Dialect::Gemini, &frames(stream.as_bytes())).unwrap();
        assert_eq!(citations(&assembled(&read)), [page(None)]);
    }
}

#[test]
fn documents_are_cited_by_their_names() {
    let file = |id: &str, name: &str| Citation {
        source: Cited::File {
            id: id.into(),
            name: name.into(),
        },
        span: None,
    };
    let blocks = json!([{ "type": "text", "text": "Öl is up.", "citations": [
        { "type": "char_location", "cited_text": "x", "document_index": 0, "document_title": "notes.pdf",
          "file_id": null, "start_char_index": 0, "end_char_index": 1 },
        { "type": "search_result_location", "cited_text": "x", "source": "kb-17", "title": null,
          "search_result_index": 0, "start_block_index": 0, "end_block_index": 1 },
        { "type": "search_result_location", "cited_text": "x", "source": URL, "title": "A page",
          "search_result_index": 1, "start_block_index": 0, "end_block_index": 1 },
        { "type": "a_later_kind", "x": 1 },
    ] }]);
    let body = json!({ "id": "1", "type": "message", "role": "assistant", "model": "m",
        "content": blocks, "stop_reason": "end_turn", "stop_sequence": null });
    let cited = read(Dialect::Anthropic, &body);
    assert_eq!(
        cited,
        [file("", "notes.pdf"), file("", "kb-17"), page(None)]
    );
    let whole = write_answer(
        Dialect::OpenaiResponses,
        &answer(cited),
        &envelope(&question()),
    );
    let annotations = &whole["output"][0]["content"][0]["annotations"];
    let first =
        json!({ "type": "file_citation", "file_id": "", "filename": "notes.pdf", "index": 9 });
    assert_eq!(annotations[0], first);
    let again = read(Dialect::OpenaiResponses, &whole);
    let expected = [file("", "notes.pdf"), file("", "kb-17"), page(Some((0, 9)))];
    assert_eq!(again, expected);
}

#[test]
fn only_pages_of_the_web_are_cited_and_nothing_fails_for_the_others() {
    for wrong in [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.org/",
        "//example.org/a",
        "/a",
        "",
        "https://",
        "https:///a",
        "https://bank.example@example.org/",
        "https://example.org/<b>",
        "https://example.org/a b",
        "https://example.org/\u{202e}a",
        "https://example.org/\"",
        &format!("https://example.org/{}", "a".repeat(2048)),
    ] {
        assert_eq!(
            read(Dialect::OpenaiChat, &chat(nested(wrong, json!("A")))),
            [],
            "{wrong}"
        );
    }
    for right in [
        "http://example.org",
        "HTTPS://EXAMPLE.ORG/a",
        "https://[::1]:8/",
        "https://öl.example/ü@",
    ] {
        let cited = read(Dialect::OpenaiChat, &chat(nested(right, json!("A"))));
        let [
            Citation {
                source: Cited::Url { url, .. },
                span: Some((0, 2)),
            },
        ] = &cited[..]
        else {
            panic!("{right}: {cited:?}");
        };
        assert_eq!(url, right);
    }
    for odd in [
        json!("x"),
        json!([1]),
        json!([{}]),
        json!([{ "type": "url_citation" }]),
        json!(null),
    ] {
        assert_eq!(read(Dialect::OpenaiChat, &chat(odd)), []);
    }
}

#[test]
fn titles_and_numbers_of_citations_are_bounded() {
    let long = format!("A\n# {}", "ü".repeat(400));
    let cited = read(Dialect::OpenaiChat, &chat(nested(URL, json!(long))));
    let Cited::Url { title, .. } = &cited[0].source else {
        panic!("{cited:?}");
    };
    assert!(title.starts_with("A # ü") && title.len() <= 256, "{title}");
    let many: Vec<Value> = (0..100)
        .map(|number| nested(&format!("{URL}{number}"), Value::Null)[0].clone())
        .collect();
    assert_eq!(read(Dialect::OpenaiChat, &chat(many.into())).len(), 32);
    let same = json!([
        nested(URL, json!("A page"))[0],
        nested(URL, json!("A page"))[0]
    ]);
    assert_eq!(read(Dialect::OpenaiChat, &chat(same)), [page(Some((0, 2)))]);
}

#[test]
fn an_answer_that_cites_can_be_sent_back_across_families() {
    let cited = answer(vec![page(None)]);
    let request = question();
    for (from, to) in [
        (Dialect::OpenaiChat, Dialect::Anthropic),
        (Dialect::OpenaiResponses, Dialect::Anthropic),
        (Dialect::Anthropic, Dialect::OpenaiChat),
    ] {
        let whole = write_answer(from, &cited, &envelope(&request));
        let asked = json!({ "role": "user", "content": "Why?" });
        let body = match from {
            Dialect::OpenaiChat => json!({ "model": "m", "messages":
                [asked, whole["choices"][0]["message"], asked] }),
            Dialect::OpenaiResponses => json!({ "model": "m", "input":
                [asked, whole["output"][0], asked] }),
            _ => json!({ "model": "m", "max_tokens": 9, "messages":
                [asked, { "role": "assistant", "content": whole["content"] }, asked] }),
        };
        assert!(body.to_string().contains("citation"), "{body}");
        let read = read_request(from, body.to_string().as_bytes()).unwrap();
        let said = vec![
            user(vec![Part::text("Why?")]),
            assistant(vec![Part::text("Öl is up.")]),
            user(vec![Part::text("Why?")]),
        ];
        assert_eq!(read.messages, said, "{from:?}");
        write_request(to, &read, "n").unwrap();
    }
    // What asks for citations is refused as ever, and so is what a person can't have cited.
    let document = json!({ "model": "m", "max_tokens": 9, "messages": [{ "role": "user", "content": [
        { "type": "text", "text": "x", "citations": [{ "type": "char_location" }] } ] }] });
    let refused = read_request(Dialect::Anthropic, document.to_string().as_bytes()).unwrap_err();
    assert_eq!(refused.pointer, "/messages/0/content/0/citations");
}
