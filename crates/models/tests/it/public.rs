//! The public routes, as clients of two vendors see them.

use std::time::Duration;

use db::on_both_databases;
use edge::testing::{Answer as Response, Client};
use fakes::{Answer, Fake, Fault, Outcome, Pace, Part, Usage};
use futures::StreamExt as _;
use models::{GatewayConfig, Spender};
use serde_json::{Value, json};
use vocab::{AgentId, Clock, Random, RunId};

use crate::world::{FORBIDDEN, World};

const CHAT: &str = "/gateway/openai/v1/chat/completions";
const RESPONSES: &str = "/gateway/openai/v1/responses";
const MESSAGES: &str = "/gateway/anthropic/v1/messages";

fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hello?"}]})
}

fn messages(model: &str) -> Value {
    json!({"model": model, "max_tokens": 300, "messages": [{"role": "user", "content": "Hello?"}]})
}

fn streamed(mut body: Value) -> Value {
    body["stream"] = json!(true);
    body
}

fn served(answer: &Response) -> &str {
    answer.headers["x-chancery-served-model"].to_str().unwrap()
}

/// The events of a stream: name and data.
fn events(text: &str) -> Vec<(Option<&str>, Value)> {
    let event = |block: &&str| !block.trim().is_empty();
    let read = |block: &str| {
        let field = |name: &str| {
            block
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .map(str::trim)
        };
        let name = block
            .lines()
            .find_map(|line| line.strip_prefix("event:"))
            .map(str::trim);
        let data = field("data:").unwrap_or_default();
        (
            name.map(|it| &*Box::leak(it.to_owned().into_boxed_str())),
            serde_json::from_str(data).unwrap_or(Value::from(data)),
        )
    };
    text.split("\n\n").filter(event).map(read).collect()
}

async fn usage_of(world: &World) -> Value {
    assert!(world.gateway.write_down().await);
    let page = world
        .as_role("member")
        .get("/v1/usage?group_by=")
        .await
        .expect(200);
    page["items"][0].clone()
}

/// What the record says of the last call.
async fn recorded(world: &World, call: &str) -> Vec<(String, Value)> {
    assert!(world.gateway.write_down().await);
    world.events(call).await
}

async fn set(client: &Client, path: &str, body: Value) {
    client.put(path, body).await.expect(200);
}

on_both_databases! {
    /// Within a family the bytes go through as they are, both ways, but for the model's name and the key.
    async fn the_same_family_is_forwarded_to_the_byte(db: TestDb) {
        let world = World::new(db).await;
        let fake = Fake::start().await.unwrap();
        world.fake(&fake, "openai").await;
        world.fake(&fake, "anthropic").await;
        let odd = "{ \"messages\":[{\"role\":\"user\",  \"content\":\"h\\u00e9 \u{1f600}\"}],\n\t\"model\" : \"KIND/echo\",\"temperature\":1.0e0,\"max_tokens\":20}";
        for (kind, path, stream) in [
            ("openai", CHAT, false), ("openai", CHAT, true),
            ("anthropic", MESSAGES, false), ("anthropic", MESSAGES, true),
        ] {
            fake.reset();
            let mut sent = odd.replace("KIND", kind);
            if stream {
                sent = sent.replace("\"max_tokens\"", "\"stream\" :true ,\"max_tokens\"");
            }
            let client = world.as_role("member").header("content-type", "application/json");
            let got = client.raw("POST", path, sent.clone()).await;
            assert_eq!((got.status.as_u16(), served(&got)), (200, format!("{kind}/echo").as_str()), "{}", got.text());
            let seen = &fake.seen()[0];
            let expected = sent.replace(&format!("\"{kind}/echo\""), "\"echo\"");
            assert_eq!(String::from_utf8_lossy(&seen.body), expected, "{kind} {stream}");
            assert_eq!(fake.violations(), [], "{kind} {stream}");
            // The same request straight to the provider gives the same bytes.
            let direct = straight(&fake, kind, path, &expected).await;
            assert_eq!(number_free(&got.bytes), number_free(&direct), "{kind} {stream}");
        }
    }

    /// What an answer cites goes on to clients of the other dialect, streamed and not.
    async fn citations_are_translated(db: TestDb) {
        const PAGE: &str = "https://example.org/oil";
        let world = World::new(db).await;
        let fake = Fake::start().await.unwrap();
        let member = world.as_role("member");
        world.fake(&fake, "anthropic").await;
        world.fake(&fake, "openai_compatible").await;
        fake.script(Answer::text("Oil is up.").citing(PAGE).times(4));
        let cited = json!({"type": "url_citation", "url_citation":
            {"start_index": 0, "end_index": 10, "url": PAGE, "title": "A page"}});
        let got = member.post(CHAT, chat("anthropic/any")).await.expect(200);
        assert_eq!(got["choices"][0]["message"]["annotations"], json!([cited]));
        let text = member.post(CHAT, streamed(chat("anthropic/any"))).await.text();
        let annotated: Vec<Value> = events(&text).iter()
            .map(|(_, data)| data["choices"][0]["delta"]["annotations"].clone())
            .filter(|it| !it.is_null()).collect();
        assert_eq!(annotated, [json!([cited])], "{text}");

        let model = "openai_compatible/any";
        let got = member.post(MESSAGES, messages(model)).await.expect(200);
        let cited = &got["content"][0]["citations"][0];
        assert_eq!((&cited["type"], &cited["url"]), (&json!("web_search_result_location"), &json!(PAGE)));
        let text = member.post(MESSAGES, streamed(messages(model))).await.text();
        let deltas: Vec<Value> = events(&text).iter()
            .map(|(_, data)| data["delta"].clone())
            .filter(|it| it["type"] == "citations_delta").collect();
        assert_eq!(deltas, [json!({"type": "citations_delta", "citation": cited})], "{text}");
        assert_eq!(fake.violations(), []);
    }

    /// Between families everything is translated, streamed and not, with tools.
    async fn other_families_are_translated(db: TestDb) {
        let world = World::new(db).await;
        let fake = Fake::start().await.unwrap();
        let member = world.as_role("member");
        for kind in ["anthropic", "openai", "gemini", "bedrock"] {
            world.fake(&fake, kind).await;
        }
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
        for kind in ["anthropic", "gemini", "bedrock"] {
            let model = format!("{kind}/any");
            fake.script(Answer::of([Part::Text("Let me see.".into()), Part::tool_call("weather", json!({"city": "Bern"}))]));
            let mut body = chat(&model);
            body["tools"] = json!([{"type": "function", "function": {"name": "weather", "parameters": schema}}]);
            let got = member.post(CHAT, body.clone()).await.expect(200);
            let call = &got["choices"][0]["message"]["tool_calls"][0];
            assert_eq!((&call["function"]["name"], &got["choices"][0]["finish_reason"]), (&json!("weather"), &json!("tool_calls")), "{kind}: {got}");
            let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
            assert_eq!(arguments, json!({"city": "Bern"}), "{kind}");
            fake.script(Answer::text("It is sunny."));
            let asked = body["messages"].as_array_mut().unwrap();
            asked.push(got["choices"][0]["message"].clone());
            asked.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "sunny"}));
            let stream = member.post(CHAT, streamed(body)).await;
            assert_eq!(stream.headers["content-type"], "text/event-stream; charset=utf-8", "{kind}: {}", stream.text());
            let events = events(std::str::from_utf8(&stream.bytes).unwrap());
            let text: String = events.iter().filter_map(|(_, it)| it["choices"][0]["delta"]["content"].as_str()).collect();
            assert_eq!(text, "It is sunny.", "{kind}");
            assert_eq!(events.last().unwrap().1, json!("[DONE]"), "{kind}");
            assert_eq!(fake.violations(), [], "{kind}");
        }
        for kind in ["openai", "gemini", "bedrock"] {
            fake.script(Answer::text("From afar.").times(2));
            let got = member.post(MESSAGES, messages(&format!("{kind}/any"))).await.expect(200);
            assert_eq!((&got["type"], &got["content"][0]["text"]), (&json!("message"), &json!("From afar.")), "{kind}: {got}");
            let stream = member.post(MESSAGES, streamed(messages(&format!("{kind}/any")))).await;
            let text = stream.text();
            let events = events(&text);
            assert_eq!((events[0].0, events.last().unwrap().0), (Some("message_start"), Some("message_stop")), "{kind}: {text}");
            assert_eq!(fake.violations(), [], "{kind}");
        }
        // Responses go to OpenAI as they are, and to the others translated.
        for kind in ["openai", "anthropic", "gemini", "bedrock"] {
            fake.script(Answer::text("An answer."));
            let body = json!({"model": format!("{kind}/any"), "input": "Hello?"});
            let got = member.post(RESPONSES, body).await.expect(200);
            let text = got["output"].as_array().unwrap().iter().find(|it| it["type"] == "message").unwrap();
            assert_eq!(text["content"][0]["text"], "An answer.", "{kind}: {got}");
            assert_eq!(fake.violations(), [], "{kind}");
        }
    }

    /// What goes wrong is said in the client's own words, and with its own statuses.
    async fn errors_are_the_dialects_own(db: TestDb) {
        let world = World::new(db).await;
        let fake = Fake::start().await.unwrap();
        world.fake(&fake, "openai").await;
        world.fake(&fake, "anthropic").await;
        let (member, viewer) = (world.as_role("member"), world.as_role("viewer"));
        for (client, model, openai, anthropic) in [
            (&world.client, "openai/echo", (401, "invalid_api_key"), (401, "authentication_error")),
            (&viewer, "openai/echo", (403, "insufficient_permissions"), (403, "permission_error")),
            (&member, "nothing", (404, "model_not_found"), (404, "not_found_error")),
        ] {
            let said = client.post(CHAT, chat(model)).await;
            assert_eq!((said.status.as_u16(), said.json["error"]["code"].as_str().unwrap()), openai, "{}", said.text());
            assert!(said.headers.contains_key("x-request-id") && said.json["error"]["message"].is_string());
            let said = client.post(MESSAGES, messages(model)).await;
            assert_eq!((said.status.as_u16(), said.json["error"]["type"].as_str().unwrap()), anthropic, "{}", said.text());
            assert_eq!((&said.json["type"], said.json["request_id"].as_str().unwrap()), (&json!("error"), said.headers["request-id"].to_str().unwrap()));
        }
        // Routes and methods that are not there.
        let said = member.post("/gateway/openai/v1/nothing", json!({})).await;
        assert_eq!((said.status.as_u16(), &said.json["error"]["type"]), (404, &json!("invalid_request_error")), "{}", said.text());
        let said = member.get("/gateway/anthropic/v1/nothing").await;
        assert_eq!((said.status.as_u16(), &said.json["error"]["type"]), (404, &json!("not_found_error")), "{}", said.text());
        let said = member.get(MESSAGES).await;
        assert_eq!((said.status.as_u16(), &said.json["type"]), (400, &json!("error")), "{}", said.text());
        // What is no request.
        for body in ["", "{", "[]", "{\"messages\":[]}", "{\"model\":7}", "{\"model\":\"openai/echo\",\"model\":\"x\"}"] {
            for path in [CHAT, RESPONSES, MESSAGES] {
                let said = member.raw("POST", path, body).await;
                assert_eq!(said.status.as_u16(), 400, "{path} {body}: {}", said.text());
                assert!(said.json["error"]["message"].is_string(), "{path} {body}");
            }
        }
        let huge = member.raw("POST", MESSAGES, vec![b' '; 33 << 20]).await;
        assert_eq!((huge.status.as_u16(), &huge.json["error"]["type"]), (413, &json!("request_too_large")));
        assert_eq!(fake.seen().len(), 0);

        // A provider's refusal of the request goes through in its own words.
        let fault = |status, after: Option<&str>| Answer::fault(Fault::Status {
            status, retry_after: after.map(str::to_owned), message: Some("its own words".into()) });
        fake.script(fault(400, None));
        let said = member.post(CHAT, chat("openai/echo")).await;
        assert_eq!((said.status.as_u16(), &said.json["error"]["message"]), (400, &json!("its own words")));
        fake.script(fault(400, None));
        let said = member.post(CHAT, chat("anthropic/echo")).await;
        assert_eq!((said.status.as_u16(), &said.json["error"]["type"]), (400, &json!("invalid_request_error")));
        // Its limit comes with its wait; its refusal of our key is our failure, not the client's.
        fake.script(fault(429, Some("3600")));
        let said = member.post(MESSAGES, messages("anthropic/echo")).await;
        assert_eq!((said.status.as_u16(), said.headers["retry-after"].to_str().unwrap()), (429, "3600"), "{}", said.text());
        fake.script(fault(401, None));
        let said = member.post(MESSAGES, messages("anthropic/echo")).await;
        assert_eq!((said.status.as_u16(), &said.json["error"]["type"]), (500, &json!("api_error")), "{}", said.text());
    }

    /// A stream that breaks ends in the dialect's own error, and is counted.
    async fn a_broken_stream_says_so(db: TestDb) {
        let config = GatewayConfig { between_timeout: Duration::from_millis(200), ..GatewayConfig::default() };
        let world = World::with(db, config).await;
        let fake = Fake::start().await.unwrap();
        world.fake(&fake, "openai").await;
        world.fake(&fake, "anthropic").await;
        let member = world.as_role("member");
        let mut calls = 0;
        for fault in [
            Fault::ResetAfter { events: 4 }, Fault::SilenceAfter { events: 4 }, Fault::ShortBody,
            Fault::MissingTerminal, Fault::ErrorInStream { events: 4, status: 529 },
        ] {
            for kind in ["openai", "anthropic"] {
                for (path, body) in [(CHAT, chat(&format!("{kind}/echo"))), (MESSAGES, messages(&format!("{kind}/echo")))] {
                    fake.script(Answer::fault(fault.clone()));
                    let got = member.post(path, streamed(body)).await;
                    calls += 1;
                    let text = got.text();
                    let all = events(&text);
                    let errors = all.iter().filter(|(_, data)| data["error"].is_object()).count();
                    // OpenAI's `[DONE]` says nothing that the reason to stop did not say.
                    if matches!((&fault, kind), (Fault::MissingTerminal, "openai")) {
                        assert_eq!(errors, 0, "{path}: {text}");
                        continue;
                    }
                    assert_eq!((got.status.as_u16(), errors), (200, 1), "{fault:?} {kind} {path}: {text}");
                    assert!(!text.contains("[DONE]") && !text.contains("event: message_stop"), "{fault:?} {kind} {path}: {text}");
                }
            }
        }
        let usage = usage_of(&world).await;
        assert_eq!((usage["calls"].as_u64().unwrap(), usage["failed"].as_u64().unwrap()), (calls, 0), "{usage}");
        assert!(usage["output_tokens"].as_u64().unwrap() > calls, "{usage}");
    }

    /// Before the first byte another target is tried, and the answer says who served it.
    async fn a_fallback_is_visible(db: TestDb) {
        let world = World::new(db).await;
        let fake = Fake::start().await.unwrap();
        let (first, second) = (world.fake(&fake, "anthropic").await, world.fake(&fake, "openai").await);
        world.profile("safe", "priority", &[(&first, "echo"), (&second, "echo")]).await;
        let member = world.as_role("member");
        fake.script(Answer::fault(Fault::ErrorInStream { events: 0, status: 529 }));
        fake.script(Answer::text("From the second."));
        let got = member.post(MESSAGES, streamed(messages("safe"))).await;
        assert_eq!((got.status.as_u16(), served(&got)), (200, "openai/echo"), "{}", got.text());
        assert!(got.text().contains("From"), "{}", got.text());
        let call = got.headers["request-id"].to_str().unwrap();
        let events = recorded(&world, call).await;
        let answered = &events[0].1;
        assert_eq!((&answered["served"], &answered["model"]), (&json!("openai/echo"), &json!("safe")));
        assert_eq!(answered["instead_of"], json!(["anthropic/echo: MODEL_OVERLOADED"]));
    }

    /// A client that goes away stops the provider, and pays for what had come.
    async fn a_client_that_goes_away_stops_the_provider(db: TestDb) {
        let world = World::new(db).await;
        let fake = Fake::start().await.unwrap();
        world.fake(&fake, "openai").await;
        fake.script(Answer::text("one two three four five six").with_pace(Pace::EVENT_PER_TICK));
        fake.tick(4);
        let client = world.as_role("member").header("content-type", "application/json");
        let mut stream = client.post_stream(CHAT, streamed(chat("openai/gpt-4o-mini")).to_string()).await;
        assert!(stream.next().await.is_some());
        drop(stream);
        let seen = fake.settled(1).await;
        assert!(matches!(seen[0].outcome, Outcome::Abandoned { .. }), "{:?}", seen[0].outcome);
        let usage = usage_of(&world).await;
        assert_eq!((&usage["calls"], &usage["estimated"]), (&json!(1), &json!(1)), "{usage}");
        assert!(usage["cost_usd_micros"].as_u64().unwrap() > 0, "{usage}");
    }

    /// What was asked and answered is in the record, as far as the organisation wants it.
    async fn calls_are_recorded_as_the_organisation_wants(db: TestDb) {
        let world = World::new(db).await;
        let fake = Fake::start().await.unwrap();
        world.fake(&fake, "openai").await;
        let member = world.as_role("member").bearer("chk_member");
        let admin = world.as_role("admin");
        for (recording, contents) in [("digests", 0), ("full", 1), ("off", 0)] {
            let changed = admin.patch("/v1/model-settings", json!({"recording": recording})).await.expect(200);
            assert_eq!(changed["recording"], recording);
            fake.script(Answer::text("Yes.").with_usage(Usage { input: 11, output: 3, ..Usage::default() }));
            let got = member.post(CHAT, chat("openai/gpt-4o-mini")).await;
            let call = got.headers["x-request-id"].to_str().unwrap().to_owned();
            let events = recorded(&world, &call).await;
            // It was over before anything was written, so one event says all.
            let kinds: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
            assert_eq!(kinds, ["model.answered"]);
            let (asked, answered) = (&events[0].1, &events[0].1);
            assert_eq!((&asked["model"], &asked["dialect"]), (&json!("openai/gpt-4o-mini"), &json!("openai.chat")));
            assert_eq!((&answered["outcome"], &answered["input_tokens"], &answered["output_tokens"]), (&json!("answered"), &json!(11), &json!(3)));
            // 11 at $0.15 and 3 at $0.60 a million: 3.45 micro-USD.
            assert_eq!((&answered["cost_usd_micros"], &answered["priced"]), (&json!(4), &json!(true)));
            assert_eq!(asked["request"].is_string(), recording != "off", "{asked}");
            assert_eq!(world.contents(&call).await.len(), 2 * contents, "{recording}");
            if recording == "full" {
                let kept = world.contents(&call).await;
                assert_eq!(kept[0], chat("openai/gpt-4o-mini").to_string().into_bytes());
                assert_eq!(kept[1], got.bytes);
            }
        }
        // What is kept has no secrets in it, and large ones are kept too.
        admin.patch("/v1/model-settings", json!({"recording": "full"})).await.expect(200);
        world.secret("not-for-the-record").await;
        fake.script(Answer::text("It is not-for-the-record."));
        let mut body = chat("openai/echo");
        body["messages"][0]["content"] = json!(format!("not-for-the-record{}", "x".repeat(200_000)));
        let got = member.post(CHAT, body).await;
        assert!(got.text().contains("It is not-for-the-record."), "{}", got.text());
        let call = got.headers["x-request-id"].to_str().unwrap().to_owned();
        recorded(&world, &call).await;
        let kept = world.contents(&call).await;
        let kept: Vec<_> = kept.iter().map(|it| String::from_utf8_lossy(it)).collect();
        assert!(kept[0].contains("\"[secret:s") && kept[0].contains("]xxx") && kept[0].len() > 200_000, "{}", &kept[0][..200]);
        assert!(kept[1].contains("It is [secret:s"), "{}", kept[1]);
        admin.patch("/v1/model-settings", json!({"recording": "off"})).await.expect(200);
        world.as_role("member").patch("/v1/model-settings", json!({"recording": "off"})).await.problem(403, "FORBIDDEN");
        admin.patch("/v1/model-settings", json!({"recording": "some"})).await.problem(422, "INVALID");
        assert_eq!(world.as_role("member").get("/v1/model-settings").await.expect(200)["recording"], "off");
    }

    /// A run's token asks models for its run, and nothing else; it ends with the run.
    async fn a_runs_token_is_its_only_key(db: TestDb) {
        let world = World::new(db).await;
        let fake = Fake::start().await.unwrap();
        let anthropic = world.fake(&fake, "anthropic").await;
        let (clock, random) = (Clock::system(), Random::system());
        let spender = Spender {
            agent: Some(AgentId::generate(&clock, &random)),
            user: world.ctx.actor().user,
            run: Some(RunId::generate(&clock, &random)),
            run_budget_usd_micros: Some(2_000),
            ..Spender::default()
        };
        let run = spender.run.unwrap();
        let mut tx = world.ctx.write().await.unwrap();
        let hour = Duration::from_secs(3600);
        let issued = world.run_tokens.issue(&world.ctx, &mut tx, &spender, hour).await.unwrap();
        let late = world.run_tokens.issue(&world.ctx, &mut tx, &spender, Duration::ZERO).await.unwrap();
        tx.commit().await.unwrap();
        let [token, late] = [issued, late].map(|it| vocab::ExposeSecret::expose_secret(&it.token).to_owned());
        assert!(token.starts_with("crn_"), "{token}");
        let program = world.client.clone().header("x-api-key", &token);
        fake.script(Answer::text("Yes.").with_usage(Usage { input: 100, output: 50, ..Usage::default() }));
        let got = program.post(MESSAGES, messages("anthropic/claude-haiku-4-5")).await;
        assert_eq!(got.status.as_u16(), 200, "{}", got.text());
        assert!(world.gateway.write_down().await);
        let page = world.as_role("member").get("/v1/usage?group_by=agent,user,key").await.expect(200);
        let row = &page["items"][0];
        assert_eq!((&row["agent_id"], &row["key_id"], &row["cost_usd_micros"]), (&json!(spender.agent.unwrap()), &Value::Null, &json!(350)));
        let call = got.headers["request-id"].to_str().unwrap();
        assert_eq!(world.actor_of(call).await["run"], json!(run));
        // Its budget is the run's; nothing but models opens to it.
        let said = program.post(MESSAGES, messages("anthropic/claude-opus-5")).await;
        assert_eq!((said.status.as_u16(), &said.json["error"]["type"]), (402, &json!("billing_error")), "{}", said.text());
        world.client.clone().bearer(&token).get("/v1/providers").await.problem(401, "UNAUTHENTICATED");
        // What its run may not ask it does not ask, list or count.
        let said = program.post(MESSAGES, messages(FORBIDDEN)).await;
        assert_eq!((said.status.as_u16(), &said.json["error"]["type"]), (403, &json!("permission_error")), "{}", said.text());
        assert!(said.text().contains("it is forbidden"), "{}", said.text());
        let counted = json!({"model": FORBIDDEN, "messages": [{"role": "user", "content": "Hello?"}]});
        assert_eq!(program.post("/gateway/anthropic/v1/messages/count_tokens", counted).await.status.as_u16(), 403);
        world.profile("small", "priority", &[(&anthropic, "claude-haiku-4-5")]).await;
        assert_eq!(program.get("/gateway/anthropic/v1/models").await.expect(200)["data"][0]["id"], "small");
        // The run was asked about each call, with what was spent before it.
        assert_eq!(world.runs.spent()[..2], [0, 350]);
        // A token ends with its time, and with its run.
        let said = world.client.clone().header("x-api-key", &late).post(MESSAGES, messages("small")).await;
        assert_eq!((said.status.as_u16(), &said.json["error"]["type"]), (401, &json!("authentication_error")));
        program.post(MESSAGES, messages("small")).await.expect(200);
        world.runs.end();
        let said = program.post(MESSAGES, messages("small")).await;
        assert_eq!((said.status.as_u16(), &said.json["error"]["type"]), (401, &json!("authentication_error")));
        assert!(said.text().contains("is over"), "{}", said.text());
        assert_eq!(world.run_tokens.sweep().await.unwrap(), 1);
        let run = run.to_string();
        let issued = &world.events(&run).await[0];
        assert_eq!(issued.0, "run_token.issued");
        assert!(!issued.1.to_string().contains(&token[4..]), "the token is in the record");
    }

    /// Lists of models, vectors, counts of tokens.
    async fn models_embeddings_and_counts(db: TestDb) {
        let world = World::new(db).await;
        let fake = Fake::start().await.unwrap();
        let (openai, anthropic) = (world.fake(&fake, "openai").await, world.fake(&fake, "anthropic").await);
        world.profile("fast", "priority", &[(&anthropic, "echo")]).await;
        world.profile("vectors", "priority", &[(&openai, "text-embedding-3-small")]).await;
        let member = world.as_role("member").bearer("chk_member");
        let list = member.get("/gateway/openai/v1/models").await.expect(200);
        assert_eq!((&list["object"], &list["data"][0]["id"], &list["data"][1]["id"]), (&json!("list"), &json!("fast"), &json!("vectors")));
        let list = member.get("/gateway/anthropic/v1/models?limit=1000").await.expect(200);
        assert_eq!((&list["has_more"], &list["first_id"], &list["data"][0]["type"]), (&json!(false), &json!("fast"), &json!("model")));
        assert_eq!(member.get("/gateway/openai/v1/models/fast").await.expect(200)["object"], "model");
        assert_eq!(member.get("/gateway/openai/v1/models/slow").await.status.as_u16(), 404);
        let vectors = member.post("/gateway/openai/v1/embeddings", json!({"model": "vectors", "input": "Hello?"})).await;
        assert_eq!((vectors.status.as_u16(), served(&vectors)), (200, "openai/text-embedding-3-small"), "{}", vectors.text());
        let said = member.post("/gateway/openai/v1/embeddings", json!({"model": "fast", "input": "Hello?"})).await;
        assert_eq!((said.status.as_u16(), &said.json["error"]["param"]), (400, &json!("model")), "{}", said.text());
        let body = json!({"model": "fast", "messages": [{"role": "user", "content": "Hello?"}]});
        let counted = member.post("/gateway/anthropic/v1/messages/count_tokens?beta=true", body.clone()).await.expect(200);
        assert!(counted["input_tokens"].as_u64().unwrap() > 0, "{counted}");
        assert_eq!(fake.violations(), []);
        // A list of models is a list for all of these.
        let key = world.ctx.actor().user.unwrap().uuid();
        let scope = format!("key_{key}");
        set(&world.as_role("admin"), &format!("/v1/budgets/{scope}"), json!({"models": ["vectors"]})).await;
        let list = member.get("/gateway/openai/v1/models").await.expect(200);
        assert_eq!(list["data"].as_array().unwrap().len(), 1, "{list}");
        assert_eq!(member.post("/gateway/anthropic/v1/messages/count_tokens", body).await.status.as_u16(), 403);
        assert_eq!(member.post(MESSAGES, messages("fast")).await.status.as_u16(), 403);
        set(&world.as_role("admin"), &format!("/v1/budgets/{scope}"), json!({"requests_per_minute": 1})).await;
        assert_eq!(member.post(MESSAGES, messages("fast")).await.status.as_u16(), 200);
        let said = member.post(MESSAGES, messages("fast")).await;
        assert_eq!((said.status.as_u16(), &said.json["error"]["type"]), (429, &json!("rate_limit_error")));
        assert!(said.headers.contains_key("retry-after"));
    }

    /// A profile's limit is put into requests that have none, and into no other.
    async fn a_profiles_limit_is_filled_in(db: TestDb) {
        let world = World::new(db).await;
        let fake = Fake::start().await.unwrap();
        let openai = world.fake(&fake, "openai").await;
        let new = json!({"name": "short", "targets": [{"provider_id": openai, "model": "echo"}], "params": {"max_output_tokens": 77}});
        world.as_role("admin").post("/v1/model-profiles", new).await.expect(201);
        let member = world.as_role("member");
        member.post(CHAT, chat("short")).await.expect(200);
        let mut own = chat("short");
        own["max_completion_tokens"] = json!(5);
        member.post(CHAT, own).await.expect(200);
        let seen = fake.seen();
        assert_eq!(seen[0].json()["max_completion_tokens"], 77);
        assert_eq!(seen[1].json()["max_completion_tokens"], 5);
        assert_eq!(fake.violations(), []);
    }
}

/// The request as a client of the provider itself would send it.
async fn straight(fake: &Fake, kind: &str, path: &str, body: &str) -> Vec<u8> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let path = path
        .trim_start_matches("/gateway/openai")
        .trim_start_matches("/gateway/anthropic");
    let key = match kind {
        "anthropic" => format!("x-api-key: {}\r\nanthropic-version: 2023-06-01", fakes::KEY),
        _ => format!("authorization: Bearer {}", fakes::KEY),
    };
    let length = body.len();
    let mut socket = tokio::net::TcpStream::connect(fake.address())
        .await
        .unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: fake\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{key}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let (head, body) = (
        String::from_utf8_lossy(&answer[..end]).to_lowercase(),
        &answer[end + 4..],
    );
    assert!(head.starts_with("http/1.1 200"), "{head}");
    if head.contains("transfer-encoding: chunked") {
        unchunked(body)
    } else {
        body.to_vec()
    }
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let end = body.windows(2).position(|it| it == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return out;
        }
        out.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
}

/// Ids are counted by the fake: two answers differ in them and in nothing else.
fn number_free(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().filter(|it| !it.is_ascii_digit()).collect()
}
