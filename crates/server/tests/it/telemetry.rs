//! Spans of the real program, as a receiver of OTLP/HTTP gets them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use fakes::{Answer, Fake, Fault};
use serde_json::{Value, json};

use crate::installation::{Api, Installation, PATIENCE, pause};
use crate::otlp::{self, Span};
use crate::thinking;

const CHAT: &str = "/gateway/openai/v1/chat/completions";
const EMBEDDINGS: &str = "/gateway/openai/v1/embeddings";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const HEADER: &str = "Bearer otlp-secret-0123456789";

/// What was sent to a receiver.
#[derive(Clone, Default)]
struct Received {
    spans: Arc<Mutex<Vec<Span>>>,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Received {
    async fn listen(&self) -> SocketAddr {
        let router = axum::Router::new()
            .route("/v1/traces", post(receive))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    /// Waits for a span of this name, and for which this is so.
    async fn span(&self, name: &str, is: impl Fn(&Span) -> bool) -> Span {
        let found = async {
            loop {
                let spans = self.spans.lock().unwrap().clone();
                match spans.iter().find(|it| it.name == name && is(it)) {
                    Some(span) => return span.clone(),
                    None => pause().await,
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        found.unwrap_or_else(|_| panic!("no `{name}` in {:#?}", self.spans.lock().unwrap()))
    }
}

async fn receive(State(received): State<Received>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|it| it == value);
    if !is("content-type", "application/x-protobuf") || !is("authorization", HEADER) {
        return StatusCode::BAD_REQUEST;
    }
    received.bytes.lock().unwrap().extend_from_slice(&body);
    received.spans.lock().unwrap().extend(otlp::spans(&body));
    StatusCode::OK
}

/// A server that sends its spans here, and a provider of the fake's.
async fn traced(received: &Received, fake: &Fake) -> (Installation, Api, Api) {
    let receiver = received.listen().await;
    let mut installation = Installation::new(None)
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{receiver}"))
        .with(
            "OTEL_EXPORTER_OTLP_HEADERS",
            format!("authorization={}", HEADER.replace(' ', "%20")),
        )
        .with("OTEL_SERVICE_NAME", "under-test")
        .with("OTEL_BSP_SCHEDULE_DELAY", "20");
    let api = installation.up().await;
    let program = api.holding(&crate::gateway::key_to(&api, fake).await);
    (installation, api, program)
}

fn question(stream: bool) -> Value {
    json!({
        "model": "fake/gpt-4o-mini", "max_tokens": 1_000, "stream": stream,
        "stream_options": stream.then(|| json!({ "include_usage": true })),
        "messages": [{ "role": "user", "content": "What-was-asked?" }],
    })
}

fn facts(span: &Span, names: &[&str]) -> Vec<String> {
    let facts: &BTreeMap<String, String> = &span.attributes;
    let fact = |name: &&str| facts.get(*name).cloned().unwrap_or_default();
    names.iter().map(fact).collect()
}

const REQUEST: [&str; 4] = [
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.request.stream",
];
const REQUESTED: [&str; 4] = [
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "error.type",
];
const ANSWER: [&str; 4] = [
    "gen_ai.response.model",
    "gen_ai.response.finish_reasons",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
];

#[tokio::test]
async fn calls_of_models_have_spans_by_the_conventions() {
    let (received, fake) = (Received::default(), Fake::start().await.unwrap());
    let (mut installation, _, program) = traced(&received, &fake).await;
    let usage = fakes::Usage {
        input: 1_000,
        output: 100,
        ..fakes::Usage::default()
    };

    fake.script(Answer::text("What-was-answered.").with_usage(usage));
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let asked = reqwest::Client::new()
        .post(format!("{}{CHAT}", installation.url()))
        .bearer_auth(program.token())
        .header("traceparent", &parent)
        .json(&question(false));
    assert_eq!(asked.send().await.unwrap().status(), 200);
    let span = received
        .span("chat gpt-4o-mini", |it| it.trace_id == TRACE)
        .await;
    assert_eq!((span.kind, span.failed), (3, false));
    // It stands in the span of the request, which the caller's is the parent of.
    let entry = received
        .span(&format!("POST {CHAT}"), |it| it.trace_id == TRACE)
        .await;
    assert_eq!((entry.kind, entry.failed), (2, false));
    assert_eq!(
        (&*entry.parent_id, &*span.parent_id),
        (CALLER, &*entry.span_id)
    );
    assert_eq!(facts(&entry, &REQUESTED), ["POST", CHAT, "200", ""]);
    assert_eq!(
        facts(&span, &REQUEST),
        ["chat", "openai", "gpt-4o-mini", "false"]
    );
    assert_eq!(
        facts(&span, &ANSWER),
        ["gpt-4o-mini", "[stop]", "1000", "100"]
    );
    assert_eq!(facts(&span, &["chancery.cost_usd_micros"]), ["210"]);
    let seen = fake.seen();
    let told = seen.last().unwrap().header("traceparent");
    let expected = format!("00-{TRACE}-{}-01", span.span_id);
    assert_eq!(told, Some(expected.as_str()));

    fake.script(Answer::text("Piece by piece.").with_usage(usage));
    let asked = reqwest::Client::new()
        .post(format!("{}{CHAT}", installation.url()))
        .bearer_auth(program.token())
        .json(&question(true));
    let answer = asked.send().await.unwrap().text().await.unwrap();
    assert!(answer.ends_with("data: [DONE]\n\n"), "{answer}");
    let is_stream = |it: &Span| facts(it, &["gen_ai.request.stream"]) == ["true"];
    let span = received.span("chat gpt-4o-mini", is_stream).await;
    assert_ne!(span.trace_id, TRACE);
    let trace = span.trace_id.clone();
    let entry = received
        .span(&format!("POST {CHAT}"), |it| it.trace_id == trace)
        .await;
    assert_eq!((&*entry.parent_id, &*span.parent_id), ("", &*entry.span_id));
    // It lasts as long as the stream.
    assert!(entry.took_ns >= span.took_ns, "{entry:?} {span:?}");
    assert_eq!(
        facts(&span, &ANSWER),
        ["gpt-4o-mini", "[stop]", "1000", "100"]
    );
    let first = facts(&span, &["gen_ai.response.time_to_first_chunk"]);
    assert!(first[0].parse::<f64>().unwrap() > 0.0, "{first:?}");

    let body = json!({ "model": "fake/text-embedding-3-small", "input": "What-was-asked?" });
    let answer = program.post(EMBEDDINGS, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let span = received
        .span("embeddings text-embedding-3-small", |_| true)
        .await;
    assert_eq!(
        facts(&span, &REQUEST),
        ["embeddings", "openai", "text-embedding-3-small", "false"]
    );
    assert_ne!(facts(&span, &ANSWER)[2], "0");

    fake.script(Answer::fault(Fault::Status {
        status: 400,
        retry_after: None,
        message: None,
    }));
    let answer = program.post(CHAT, &question(false)).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    let span = received.span("chat gpt-4o-mini", |it| it.failed).await;
    let code = facts(&span, &["error.type"]);
    assert_eq!(code, ["MODEL_INVALID_REQUEST"], "{span:?}");
    let trace = span.trace_id.clone();
    let entry = received
        .span(&format!("POST {CHAT}"), |it| it.trace_id == trace)
        .await;
    let expected = ["POST", CHAT, "400", "MODEL_INVALID_REQUEST"];
    assert_eq!(facts(&entry, &REQUESTED), expected);

    installation.stop().await;
    let bytes = received.bytes.lock().unwrap().clone();
    let sent = String::from_utf8_lossy(&bytes);
    assert!(sent.contains("under-test"));
    for secret in [
        fakes::KEY,
        "otlp-secret",
        "What-was-asked",
        "What-was-answered",
        "chk_",
    ] {
        assert!(!sent.contains(secret), "`{secret}` is in a span");
    }
}

/// A request that never becomes a call has a span that says why: without a key, with one that may not,
/// for no model that there is, over a budget, too often, and on no route.
#[tokio::test]
async fn refused_requests_have_spans_too() {
    let (received, fake) = (Received::default(), Fake::start().await.unwrap());
    let (mut installation, api, program) = traced(&received, &fake).await;
    let ask = async |api: &Api, path: &str, body: Value, expected: (u16, &str, &str)| {
        let (status, route, error) = expected;
        let answer = api.post(path, &body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        let facts_of = |it: &Span| facts(it, &REQUESTED);
        let said = ["POST", route, &status.to_string(), error].map(str::to_owned);
        let span = received
            .span(&format!("POST {route}"), |it| facts_of(it) == said)
            .await;
        assert_eq!((span.kind, span.failed), (2, true));
    };
    let nobody = api.holding("chk_nobody");
    ask(&nobody, CHAT, question(false), (401, CHAT, "401")).await;
    let body = json!({ "model": "nobody/nothing", "messages": [] });
    ask(&program, CHAT, body, (404, CHAT, "MODEL_UNKNOWN")).await;
    let nowhere = "/gateway/openai/v1/nowhere";
    ask(&program, nowhere, json!({}), (404, "none", "404")).await;
    // Not among the models that may be asked, over the budget, and once too often.
    for (limits, status, error) in [
        (
            json!({ "models": ["fake/other"] }),
            403,
            "MODEL_NOT_ALLOWED",
        ),
        (json!({ "daily_usd_micros": 1 }), 402, "BUDGET_EXCEEDED"),
        (json!({ "tokens_per_minute": 1 }), 429, "RATE_LIMITED"),
    ] {
        let set = api.put("/v1/budgets/org", &limits).await;
        assert_eq!(set.status, 200, "{set:?}");
        ask(&program, CHAT, question(false), (status, CHAT, error)).await;
    }
    assert!(fake.seen().is_empty(), "a refused request went out");
    installation.stop().await;
}

#[tokio::test]
async fn a_problem_names_the_trace_of_its_span() {
    let (received, fake) = (Received::default(), Fake::start().await.unwrap());
    let (mut installation, api, _) = traced(&received, &fake).await;
    let problem = api
        .get("/v1/runs/run_00000000-0000-7000-8000-000000000000")
        .await;
    assert_eq!(problem.status, 404, "{problem:?}");
    let trace = problem.body["trace_id"].as_str().unwrap().to_owned();
    let span = received
        .span("GET /v1/runs/{id}", |it| it.trace_id == trace)
        .await;
    assert_eq!(span.kind, 2);
    assert_eq!(facts(&span, &["http.response.status_code"]), ["404"]);
    installation.stop().await;
}

/// A run has the trace of its id, whoever works on it; what it asks and uses hangs below it.
#[tokio::test]
async fn an_agents_turn_is_one_trace() {
    let (received, fake) = (Received::default(), Fake::start().await.unwrap());
    let (mut installation, api, _) = traced(&received, &fake).await;
    let session = thinking::thinker(&api, &fake, ("openai", "/v1", "gpt-4o")).await;
    fake.script(Answer::tool_call("noop", json!({})));
    fake.script(Answer::text("What-was-answered."));
    let run = thinking::say(&api, &session, "What-was-asked.").await;
    let id = run["id"].as_str().unwrap();
    let trace = id.split_once('_').unwrap().1.replace('-', "");
    let of_run = |it: &Span| it.trace_id == trace;
    let turn = received.span("invoke_agent", of_run).await;
    assert_eq!((turn.parent_id.as_str(), turn.failed), ("", false));
    let facts_of_turn = [
        "gen_ai.operation.name",
        "gen_ai.conversation.id",
        "chancery.run.id",
    ];
    assert_eq!(facts(&turn, &facts_of_turn), ["invoke_agent", &session, id]);
    let question = received.span("chat gpt-4o", of_run).await;
    assert_eq!(question.parent_id, turn.span_id);
    assert!(question.took_ns <= turn.took_ns);
    let tool = received.span("execute_tool noop", of_run).await;
    assert_eq!(tool.parent_id, turn.span_id);
    assert_eq!(facts(&tool, &["gen_ai.tool.name"]), ["noop"]);
    installation.stop().await;
    let bytes = received.bytes.lock().unwrap().clone();
    assert!(!String::from_utf8_lossy(&bytes).contains("What-was"));
}
