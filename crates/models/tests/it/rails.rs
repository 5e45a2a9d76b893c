//! Guardrails on the public routes, and on calls of this process: what policies forbid doesn't leave and
//! doesn't arrive, what they mask is masked, and everything else is as it was to the byte.

use std::sync::{Arc, Mutex};

use db::testing::TestDb;
use db::{OrgContext, on_both_databases};
use dialects::neutral::{Cited, Part as Said};
use edge::testing::Answer as Response;
use fakes::{Answer, Fake, Fault, Part};
use futures::future::BoxFuture;
use models::{ModelError, Rules, RulesError, Spender};
use policy::exchange::Exchange;
use policy::{Context, PolicySet, PolicySource, Principal, Question};
use serde_json::{Value, json};
use vocab::{Action, Role, Target};

use crate::world::World;

const CHAT: &str = "/gateway/openai/v1/chat/completions";
const RESPONSES: &str = "/gateway/openai/v1/responses";
const MESSAGES: &str = "/gateway/anthropic/v1/messages";
const CARD: &str = "4111 1111 1111 1111";
const MASKED: &str = "[masked:payment_card]";

const MASKS: &str = r#"@mask("payment_card,secret")
    permit (principal, action == Chancery::Action::"model.call", resource);"#;
const FORBIDS: &str = r#"
    permit (principal, action == Chancery::Action::"model.call", resource);
    @id("no-cards") @reason("cards stay here")
    forbid (principal, action == Chancery::Action::"model.call", resource)
    when { context.detected.contains(Chancery::Category::"payment_card") };"#;

/// One policy, for everybody; or none that can be had.
struct Fixed(Result<Arc<PolicySet>, String>);

impl Rules for Fixed {
    fn in_force<'a>(
        &'a self,
        _: &'a OrgContext,
    ) -> BoxFuture<'a, Result<Arc<PolicySet>, RulesError>> {
        Box::pin(async { self.0.clone().map_err(Into::into) })
    }
}

fn set(cedar: &str) -> Arc<PolicySet> {
    let source = PolicySource {
        name: "test".into(),
        cedar: cedar.into(),
        managed: false,
    };
    Arc::new(PolicySet::compile(&[source]).unwrap())
}

fn rules(cedar: &str) -> Fixed {
    Fixed(Ok(set(cedar)))
}

/// A request of each dialect that says this.
fn ask(path: &str, model: &str, text: &str, stream: bool) -> Value {
    let said = json!([{"role": "user", "content": text}]);
    let mut body = match path {
        RESPONSES => json!({"model": model, "input": said, "max_output_tokens": 300}),
        _ => json!({"model": model, "messages": said, "max_tokens": 300}),
    };
    if stream {
        body["stream"] = json!(true);
    }
    body
}

const WAYS: [(&str, &str); 6] = [
    (CHAT, "openai"),
    (RESPONSES, "openai"),
    (MESSAGES, "anthropic"),
    // Between families.
    (CHAT, "anthropic"),
    (RESPONSES, "gemini"),
    (MESSAGES, "openai"),
];

async fn with_providers(world: &World) -> Fake {
    let fake = Fake::start().await.unwrap();
    for kind in ["openai", "anthropic", "gemini"] {
        world.fake(&fake, kind).await;
    }
    fake
}

async fn post(world: &World, path: &str, body: &Value) -> Response {
    world.as_role("member").post(path, body.clone()).await
}

/// Every event and every body is JSON still.
fn assert_json(text: &str) {
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let lines: Vec<&str> = lines.filter(|it| *it != "[DONE]").collect();
    if lines.is_empty() {
        serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    for line in lines {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

/// What the deltas of a stream say together, texts and arguments.
fn deltas(text: &str) -> String {
    let mut all = String::new();
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    for event in lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let chat = &event["choices"][0]["delta"];
        let places = [
            &event["delta"],
            &event["delta"]["text"],
            &event["delta"]["partial_json"],
            &chat["content"],
            &chat["tool_calls"][0]["function"]["arguments"],
        ];
        places
            .iter()
            .filter_map(|it| it.as_str())
            .for_each(|it| all.push_str(it));
    }
    all
}

fn call_id(response: &Response) -> String {
    let headers = &response.headers;
    let id = headers.get("request-id").or(headers.get("x-request-id"));
    id.unwrap().to_str().unwrap().to_owned()
}

async fn recorded(world: &World, response: &Response) -> Vec<(String, Value)> {
    assert!(world.gateway.write_down().await);
    world.events(&call_id(response)).await
}

on_both_databases! {
    /// With a guard on, what has nothing to find goes to the byte as it went without one.
    async fn nothing_found_nothing_changed(db: TestDb) {
        let world = World::ruled(db, rules(MASKS)).await;
        let fake = with_providers(&world).await;
        let free = World::new(TestDb::sqlite().await).await;
        for kind in ["openai", "anthropic", "gemini"] {
            free.fake(&fake, kind).await;
        }
        for (path, kind) in WAYS {
            for stream in [false, true] {
                fake.reset();
                let said = "Ünïcödé 😀 4111 1111 1111 1112, and {\"a\": [1, 2]}.\n\nEnd";
                let answer = || Answer::of([Part::Text(said.into()), Part::tool_call("find", json!({"id": 41_111_111_111_u64, "q": "x y"}))]);
                fake.script(answer());
                let mut body = ask(path, &format!("{kind}/any"), "Hi 4111 1111 1111 1112", stream);
                body["tools"] = tools(path);
                let guarded = post(&world, path, &body).await;
                assert_eq!(guarded.status.as_u16(), 200, "{}", guarded.text());
                let sent = fake.seen()[0].body.clone();
                fake.reset();
                fake.script(answer());
                let plain = post(&free, path, &body).await;
                assert_eq!(fake.seen()[0].body, sent, "{path} {kind} {stream}");
                assert_eq!(free_of_names(&guarded.text()), free_of_names(&plain.text()), "{path} {kind} {stream}");
            }
        }
    }

    /// What leaves is the same request but for what is masked.
    async fn a_request_is_masked_before_it_leaves(db: TestDb) {
        let world = World::ruled(db, rules(MASKS)).await;
        let fake = with_providers(&world).await;
        for (path, kind) in [(CHAT, "openai"), (MESSAGES, "anthropic"), (RESPONSES, "openai")] {
            fake.reset();
            let said = "é \\u0034111111111111111 \\n 😀 4111 1111 1111 1111.";
            let odd = ask(path, &format!("{kind}/echo"), "SAID", false).to_string().replace("SAID", said);
            let client = world.as_role("member").header("content-type", "application/json");
            let got = client.raw("POST", path, odd.clone()).await;
            assert_eq!(got.status.as_u16(), 200, "{}", got.text());
            let wanted = odd
                .replace(&format!("{kind}/echo"), "echo")
                .replace("\\u0034111111111111111", MASKED)
                .replace(CARD, MASKED);
            assert_eq!(String::from_utf8_lossy(&fake.seen()[0].body), wanted, "{path}");
            let (_, answered) = recorded(&world, &got).await.pop().unwrap();
            assert_eq!(answered["detected_out"], json!(["payment_card"]));
            // The echo says the placeholders again, which is nothing to find.
            assert_eq!(answered["masked"], json!({"payment_card": 2}), "{path}");
            assert_eq!(answered.get("detected_in"), None);
        }
    }

    /// Embeddings and counts of tokens leave masked as well.
    async fn other_requests_are_masked_too(db: TestDb) {
        let world = World::ruled(db, rules(MASKS)).await;
        let fake = with_providers(&world).await;
        let body = json!({"model": "openai/any", "input": format!("card {CARD}")});
        let got = post(&world, "/gateway/openai/v1/embeddings", &body).await;
        assert_eq!(got.status.as_u16(), 200, "{}", got.text());
        let body = ask("/gateway/anthropic/v1/messages/count_tokens", "anthropic/any", CARD, false);
        let mut body = body;
        body.as_object_mut().unwrap().remove("max_tokens");
        let got = post(&world, "/gateway/anthropic/v1/messages/count_tokens", &body).await;
        assert_eq!(got.status.as_u16(), 200, "{}", got.text());
        for seen in fake.seen() {
            let text = String::from_utf8_lossy(&seen.body).into_owned();
            assert!(text.contains(MASKED) && !text.contains(CARD), "{text}");
        }
    }

    /// Answers in every dialect, whole and streamed, in texts and in the arguments of calls, wherever
    /// the pieces are cut.
    async fn an_answer_is_masked_before_it_arrives(db: TestDb) {
        let world = World::ruled(db, rules(MASKS)).await;
        let fake = with_providers(&world).await;
        let pieces = ["I saw 41", "11 1", "111 ", "1111 111", "1, é", "😀. Key: gh", "p_Zk3vQ9xW1mT7bN5cR2pL8dH4fJ6g", "S0aYuXeI", " and on."];
        let said = format!("I saw {MASKED}, é😀. Key: [masked:secret] and on.");
        for (path, kind) in WAYS {
            for stream in [false, true] {
                fake.reset();
                let pieces = pieces.map(str::to_owned).to_vec();
                let arguments = json!({"to": "Ada", "card": 4_111_111_111_111_111_u64, "note": format!("é {CARD}")});
                fake.script(Answer::of([Part::Chunks(pieces), Part::tool_call("pay", arguments)]));
                let mut body = ask(path, &format!("{kind}/any"), "Go on.", stream);
                body["tools"] = tools(path);
                let got = post(&world, path, &body).await;
                assert_eq!(got.status.as_u16(), 200, "{}", got.text());
                let text = got.text();
                let what = format!("{path} {kind} {stream}: {text}");
                assert_json(&text);
                for leak in ["4111", "1111", "Zk3v", "S0aY"] {
                    assert!(!text.contains(leak), "{leak}: {what}");
                }
                if stream {
                    let told = deltas(&text);
                    assert!(told.starts_with(&said), "{told}: {what}");
                    let call: Value = serde_json::from_str(told[said.len()..].trim()).unwrap_or_else(|_| panic!("{told}"));
                    assert_eq!(call, json!({"to": "Ada", "card": MASKED, "note": format!("é {MASKED}")}));
                } else {
                    assert!(text.contains(&said), "{what}");
                }
                let (_, answered) = recorded(&world, &got).await.pop().unwrap();
                assert_eq!(answered["detected_in"], json!(["secret", "payment_card"]), "{what}");
                assert_eq!(answered["outcome"], "answered", "{what}");
            }
        }
    }

    /// A request that a policy forbids reaches nobody; the refusal is in the client's own words, and the
    /// record names what was found and keeps nothing of it.
    async fn a_request_is_stopped_and_its_twin_is_not(db: TestDb) {
        let world = World::ruled(db, rules(FORBIDS)).await;
        let fake = with_providers(&world).await;
        world.as_role("admin").patch("/v1/model-settings", json!({"recording": "full"})).await.expect(200);
        for (path, kind) in WAYS {
            for stream in [false, true] {
                fake.reset();
                let model = format!("{kind}/any");
                let got = post(&world, path, &ask(path, &model, &format!("pay {CARD}"), stream)).await;
                assert_eq!(got.status.as_u16(), 403, "{}", got.text());
                let error = got.json["error"].clone();
                assert!(error["message"].as_str().unwrap().contains("cards stay here"), "{error}");
                let code = if path == MESSAGES { &error["type"] } else { &error["code"] };
                assert_eq!(code, if path == MESSAGES { "permission_error" } else { "POLICY_DENIED" }, "{error}");
                assert_eq!(fake.seen().len(), 0);
                let events = recorded(&world, &got).await;
                let (kind, answered) = events.last().unwrap();
                assert_eq!((kind.as_str(), &answered["code"]), ("model.answered", &json!("POLICY_DENIED")));
                assert_eq!(answered["detected_out"], json!(["payment_card"]));
                assert!(!json!(events).to_string().contains("4111"));
                assert_eq!(world.contents(&call_id(&got)).await.len(), 0);
                let twin = post(&world, path, &ask(path, &model, "pay nothing", stream)).await;
                assert_eq!(twin.status.as_u16(), 200, "{}", twin.text());
                assert_eq!(fake.seen().len(), 1);
            }
        }
    }

    /// An answer that a policy forbids doesn't arrive; what a stream has said before stays said.
    async fn an_answer_is_stopped_and_its_twin_is_not(db: TestDb) {
        let world = World::ruled(db, rules(FORBIDS)).await;
        let fake = with_providers(&world).await;
        for (path, kind) in WAYS {
            for stream in [false, true] {
                fake.reset();
                let model = format!("{kind}/any");
                let pieces = ["Sure thing. ", "It is 4111 1111", " 1111 1111 ", "for you."].map(str::to_owned);
                fake.script(Answer::of([Part::Chunks(pieces.to_vec())]));
                let body = ask(path, &model, "The card?", stream);
                let got = post(&world, path, &body).await;
                let text = got.text();
                assert_eq!(got.status.as_u16(), if stream { 200 } else { 403 }, "{text}");
                assert!(text.contains("cards stay here"), "{path} {kind} {stream}: {text}");
                assert!(!text.contains("4111") && !text.contains("for you"), "{text}");
                assert_json(&text);
                if stream {
                    assert!(deltas(&text).starts_with("Sure thing. "), "{text}");
                }
                let (_, answered) = recorded(&world, &got).await.pop().unwrap();
                assert_eq!((&answered["outcome"], &answered["code"]), (&json!("failed"), &json!("POLICY_DENIED")));
                assert_eq!(answered["detected_in"], json!(["payment_card"]));
                let twin = post(&world, path, &body).await;
                assert_eq!(twin.status.as_u16(), 200, "{}", twin.text());
            }
        }
    }

    /// A stream that breaks off: what a dialect repeats in its last event is masked as well.
    async fn a_stream_that_breaks_off_repeats_nothing_unmasked(db: TestDb) {
        let world = World::ruled(db, rules(MASKS)).await;
        let fake = with_providers(&world).await;
        for (path, kind) in WAYS {
            fake.reset();
            let pieces = ["A card: 4111 1111", " 1111 1111 ", "is what", " I saw."].map(str::to_owned);
            let broken = Fault::ErrorInStream { events: 7, status: 529 };
            fake.script(Answer::of([Part::Chunks(pieces.to_vec())]).with_fault(broken));
            let got = post(&world, path, &ask(path, &format!("{kind}/any"), "Go on.", true)).await;
            let text = got.text();
            assert!(text.contains("error") && !text.contains("1111"), "{path} {kind}: {text}");
            assert_json(&text);
        }
    }

    /// What takes a person's approval takes one who can't be asked here; and without policies that can
    /// be read, nothing goes.
    async fn what_can_not_be_asked_or_known_is_refused(db: TestDb) {
        let asks = "@require_approval permit (principal, action, resource);";
        let world = World::ruled(db, rules(asks)).await;
        let fake = with_providers(&world).await;
        let body = ask(CHAT, "openai/any", "Hello?", false);
        let got = post(&world, CHAT, &body).await;
        assert_eq!(got.status.as_u16(), 403, "{}", got.text());
        assert!(got.text().contains("nobody can be asked"), "{}", got.text());
        let world = World::ruled(TestDb::sqlite().await, Fixed(Err("broken".into()))).await;
        world.fake(&fake, "openai").await;
        let got = post(&world, CHAT, &body).await;
        assert_eq!(got.status.as_u16(), 500, "{}", got.text());
        assert_eq!(fake.seen().len(), 0);
        let open = rules("permit (principal, action, resource);");
        let world = World::ruled(TestDb::sqlite().await, open).await;
        world.fake(&fake, "openai").await;
        assert_eq!(post(&world, CHAT, &body).await.status.as_u16(), 200);
    }

    /// Agents' calls: each step that is told is masked, and so is the answer; what is forbidden ends it.
    async fn calls_of_agents_are_looked_at_step_by_step(db: TestDb) {
        let world = World::new(db).await;
        let fake = with_providers(&world).await;
        let script = || {
            let pieces = ["Card 41", "11 1111 1", "111 1111 ", "it is."].map(str::to_owned);
            Answer::of([Part::Chunks(pieces.to_vec()), Part::tool_call("pay", json!({"card": 4_111_111_111_111_111_u64}))])
        };
        let spender = Spender::default();
        for kind in ["openai", "anthropic", "gemini"] {
            fake.reset();
            fake.script(script());
            let heard = Mutex::new(String::new());
            let tell = |step: &dialects::neutral::Delta| heard.lock().unwrap().push_str(&format!("{step:?}"));
            let guarded = (plain_request(), Some(exchange(MASKS)));
            let model = format!("{kind}/any");
            let done = world.gateway.complete_guarded(&world.ctx, &spender, model.as_str(), guarded, tell).await.unwrap();
            let answer = format!("{:?}", done.answer);
            assert!(answer.contains(&format!("Card {MASKED} it is.")), "{answer}");
            assert!(answer.contains(&format!("{{\\\"card\\\":\\\"{MASKED}\\\"}}")), "{answer}");
            let heard = heard.into_inner().unwrap();
            assert!(!heard.contains("1111") && !answer.contains("1111"), "{heard}");
            assert_eq!(done.masked.iter().map(|(_, count)| count).sum::<u64>(), 2);
            fake.reset();
            fake.script(script());
            let guarded = (plain_request(), Some(exchange(FORBIDS)));
            let stopped = world.gateway.complete_guarded(&world.ctx, &spender, model.as_str(), guarded, |_| {}).await;
            assert!(matches!(&stopped, Err(ModelError::Blocked(it)) if it.reason == "cards stay here"), "{stopped:?}");
            let guarded = (plain_request(), Some(exchange(FORBIDS)));
            let twin = world.gateway.complete_guarded(&world.ctx, &spender, model.as_str(), guarded, |_| {}).await;
            assert!(twin.is_ok(), "{twin:?}");
        }
    }

    /// A citation that names what is masked does not go on; one in a text of which something was masked
    /// says nothing of places in it; and what is forbidden ends the answer from there too.
    async fn what_an_agents_answer_cites_is_looked_at(db: TestDb) {
        let world = World::new(db).await;
        let fake = with_providers(&world).await;
        let (open, secret) = ("https://example.org/oil", "https://example.org/?card=4111111111111111");
        let spender = Spender::default();
        for (text, cites, expected) in [
            ("It is up.", vec![open, secret], vec![(open, Some((0, 9)))]),
            ("Card 4111 1111 1111 1111 it is.", vec![open], vec![(open, None)]),
        ] {
            let script = || cites.iter().fold(Answer::text(text), |it, url| it.citing(*url));
            fake.script(script());
            let guarded = (plain_request(), Some(exchange(MASKS)));
            let done = world.gateway.complete_guarded(&world.ctx, &spender, "openai/any", guarded, |_| {}).await.unwrap();
            let Some(Said::Text(said)) = done.answer.parts.first() else { panic!("{done:?}") };
            let found: Vec<_> = said.citations.iter().map(|it| match &it.source {
                Cited::Url { url, .. } => (url.as_str(), it.span),
                Cited::File { .. } => panic!("{it:?}"),
            }).collect();
            assert_eq!(found, expected);
            assert_eq!(done.masked.iter().map(|(_, count)| count).sum::<u64>(), 1);
            fake.script(script());
            let guarded = (plain_request(), Some(exchange(FORBIDS)));
            let stopped = world.gateway.complete_guarded(&world.ctx, &spender, "openai/any", guarded, |_| {}).await;
            assert!(matches!(stopped, Err(ModelError::Blocked(_))), "{stopped:?}");
        }
    }

    /// A large request is looked through in the time that its length takes.
    async fn a_large_request_takes_its_time_and_no_more(db: TestDb) {
        let world = World::ruled(db, rules(MASKS)).await;
        let fake = with_providers(&world).await;
        let text = format!("{} {CARD}", "The quick brown fox é 12 34 \n\"x\" ".repeat(30_000));
        let begun = std::time::Instant::now();
        let got = post(&world, CHAT, &ask(CHAT, "openai/any", &text, false)).await;
        assert_eq!(got.status.as_u16(), 200, "{}", got.text());
        let seen = String::from_utf8_lossy(&fake.seen()[0].body).into_owned();
        assert!(seen.contains(MASKED) && !seen.contains(CARD));
        // A megabyte, in a debug build; quadratic, it would be hours.
        assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    }
}

fn plain_request() -> dialects::neutral::Request {
    dialects::neutral::Request {
        messages: vec![dialects::neutral::Message {
            role: dialects::neutral::Role::User,
            parts: vec![dialects::neutral::Part::text("Go on.")],
        }],
        tools: vec![dialects::neutral::Tool {
            name: "pay".into(),
            description: None,
            schema: json!({"type": "object"}),
            strict: None,
            cache: None,
        }],
        ..Default::default()
    }
}

/// A call that a policy has decided on, as the road does it.
fn exchange(cedar: &str) -> Box<Exchange> {
    let set = set(cedar);
    let nobody = uuid::Uuid::nil();
    let question = Question {
        org: vocab::OrgId::from_uuid(nobody),
        principal: Principal::User {
            id: vocab::UserId::from_uuid(nobody),
        },
        role: Role::Member,
        tool: "model.call".into(),
        action: Action::ModelCall,
        target: Target::Model { name: "any".into() },
        target_labels: Default::default(),
        context: Context::new("agent_turn", vocab::Timestamp::from_micros(0)),
    };
    let decision = set.decide(&question);
    Box::new(Exchange::decided(set, question, decision))
}

fn tools(path: &str) -> Value {
    let schema = json!({"type": "object", "properties": {}});
    let tool = |name: &str| match path {
        MESSAGES => json!({"name": name, "input_schema": schema}),
        RESPONSES => {
            json!({"type": "function", "name": name, "parameters": schema, "strict": false})
        }
        _ => json!({"type": "function", "function": {"name": name, "parameters": schema}}),
    };
    json!([tool("pay"), tool("find")])
}

/// Without digits and what names one request: ids and times.
fn free_of_names(text: &str) -> String {
    let mut out = text.to_owned();
    for name in ["\"id\":\"", "\"item_id\":\"", "\"call_id\":\""] {
        let mut rest = std::mem::take(&mut out);
        while let Some(at) = rest.find(name) {
            let (before, after) = rest.split_at(at + name.len());
            out.push_str(before);
            let end = after.find('"').unwrap_or(after.len());
            let after = after[end..].to_owned();
            rest = after;
        }
        out.push_str(&rest);
    }
    out.chars().filter(|it| !it.is_ascii_digit()).collect()
}
