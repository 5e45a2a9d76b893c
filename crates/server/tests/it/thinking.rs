//! Agents that think with models: from a message to a recorded and replayed turn, with a provider of
//! each large family behind the gateway.

use fakes::{Answer, Fake, Fault, Pace, Part};
use serde_json::{Value, json};

use crate::installation::{Api, Installation, PATIENCE, pause};
use crate::ledger::fresh_database;

/// A provider's key, a provider, a profile and an agent that plans by it; the session they talk in.
pub async fn thinker(api: &Api, fake: &Fake, family: (&str, &str, &str)) -> String {
    thinker_of(api, fake, family, (None, json!({}))).await
}

/// The same, with a model that reads so many tokens.
pub async fn thinker_reading(
    api: &Api,
    fake: &Fake,
    family: (&str, &str, &str),
    reads: Option<u64>,
) -> String {
    thinker_of(api, fake, family, (reads, json!({}))).await
}

/// The same, with an agent that is more besides.
async fn thinker_with(api: &Api, fake: &Fake, family: (&str, &str, &str), more: Value) -> String {
    thinker_of(api, fake, family, (None, more)).await
}

async fn thinker_of(
    api: &Api,
    fake: &Fake,
    (kind, path, model): (&str, &str, &str),
    (reads, more): (Option<u64>, Value),
) -> String {
    let made = async |path: &str, body: Value| {
        let answer = api.post(path, &body).await;
        assert_eq!(answer.status, 201, "{path}: {answer:?}");
        answer.body["id"].as_str().unwrap().to_owned()
    };
    let secret = json!({ "name": format!("{kind}-key"), "value": fakes::KEY });
    let secret = made("/v1/secrets", secret).await;
    let base_url = fake.url(path).to_string();
    let provider = json!({ "type": kind, "name": kind, "base_url": base_url, "secret_id": secret });
    let provider = made("/v1/providers", provider).await;
    let target = json!({ "provider_id": provider, "model": model, "context_tokens": reads });
    let profile =
        json!({ "name": format!("{kind}-main"), "strategy": "priority", "targets": [target] });
    let profile = made("/v1/model-profiles", profile).await;
    let mut agent = json!({
        "name": format!("{kind}-clerk"), "instructions": "Be brief.", "planner": "model",
        "model_profile_id": profile, "tools": ["noop", "http.fetch", "agent.call"],
    });
    let more = more.as_object().unwrap().clone();
    agent.as_object_mut().unwrap().extend(more);
    let agent = made("/v1/agents", agent).await;
    made("/v1/sessions", json!({ "agent_ids": [agent] })).await
}

/// Says something in a session and waits for the end of the turn.
pub async fn say(api: &Api, session: &str, text: &str) -> Value {
    let path = format!("/v1/sessions/{session}/messages");
    let posted = api.post(&path, &json!({ "content": text })).await;
    assert_eq!(posted.status, 202, "{posted:?}");
    let run = format!("/v1/runs/{}", posted.body["run"]["id"].as_str().unwrap());
    let ended = async {
        loop {
            let run = api.get(&run).await.body;
            if !run["ended_at"].is_null() {
                return run;
            }
            pause().await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.unwrap()
}

/// The kinds of a run's events, once its end is in the record.
pub async fn recorded(api: &Api, run: &str) -> Vec<String> {
    let reading = async {
        loop {
            let events = api.get(&format!("/v1/runs/{run}/events")).await.body;
            let kind = |it: &Value| it["event"]["kind"].as_str().unwrap().to_owned();
            let kinds: Vec<String> = events["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(kind)
                .collect();
            if kinds.iter().any(|it| it == "run.succeeded") {
                return kinds;
            }
            pause().await;
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap()
}

async fn a_turn_with_each_family(database: Option<String>) {
    let mut installation = Installation::new(database);
    let api = installation.up().await;
    for family in [
        ("anthropic", "", "claude-sonnet-4-5"),
        ("openai", "/v1", "gpt-5.1"),
        ("gemini", "", "gemini-2.5-flash"),
    ] {
        let fake = Fake::start().await.unwrap();
        let session = thinker(&api, &fake, family).await;
        fake.script(Answer::tool_call("noop", json!({})));
        fake.script(Answer::text("Nothing was done, as you asked."));
        let run = say(&api, &session, "Do nothing.").await;
        assert_eq!(run["state"], "succeeded", "{family:?}: {run}");
        fake.script(Answer::text("You asked me to do nothing."));
        let again = say(&api, &session, "What did I ask?").await;
        assert_eq!(again["state"], "succeeded", "{family:?}: {again}");

        assert_eq!(fake.violations(), [], "{family:?}");
        let seen = fake.seen();
        assert_eq!(seen.len(), 3, "{family:?}");
        // The second turn knows the first: both messages, and its own answer.
        let last = String::from_utf8(seen[2].body.to_vec()).unwrap();
        for text in [
            "Do nothing.",
            "Nothing was done, as you asked.",
            "What did I ask?",
            "Be brief.",
        ] {
            assert!(last.contains(text), "{family:?}: {last}");
        }
        let path = format!("/v1/sessions/{session}/messages");
        let messages = api.get(&path).await.body;
        let texts: Vec<&str> = messages["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["content"].as_str().unwrap())
            .collect();
        assert!(texts.contains(&"You asked me to do nothing."), "{texts:?}");

        let id = run["id"].as_str().unwrap();
        let kinds = recorded(&api, id).await;
        let count = |kind: &str| kinds.iter().filter(|it| *it == kind).count();
        assert_eq!(
            (count("context.assembled"), count("tool.executed")),
            (1, 3),
            "{kinds:?}"
        );

        let report = api.post(&format!("/v1/runs/{id}/replay"), &json!({})).await;
        assert_eq!(report.status, 200, "{report:?}");
        assert_eq!(report.body["identical"], true, "{report:?}");
        assert_eq!(fake.seen().len(), 3, "a replay asked the provider");
    }
    installation.stop().await;
}

#[tokio::test]
async fn a_turn_with_each_family_on_sqlite() {
    a_turn_with_each_family(None).await;
}

#[tokio::test]
async fn a_turn_with_each_family_on_postgres() {
    a_turn_with_each_family(Some(fresh_database().await)).await;
}

/// What the provider cites stands with the agent's answer.
async fn an_answer_cites_what_its_provider_cites(database: Option<String>) {
    let mut installation = Installation::new(database);
    let api = installation.up().await;
    for (family, end) in [
        (("anthropic", "", "claude-sonnet-4-5"), Value::Null),
        (("openai_compatible", "/local/v1", "any"), json!(10)),
    ] {
        let fake = Fake::start().await.unwrap();
        let session = thinker(&api, &fake, family).await;
        let page = "https://example.org/oil?today";
        fake.script(
            Answer::text("Oil is up.")
                .citing(page)
                .citing("javascript:alert(1)"),
        );
        let run = say(&api, &session, "How is oil?").await;
        assert_eq!(run["state"], "succeeded", "{family:?}: {run}");
        let path = format!("/v1/sessions/{session}/messages");
        let messages = api.get(&path).await.body;
        let start = if end.is_null() {
            &Value::Null
        } else {
            &json!(0)
        };
        let expected = json!([{"url": page, "title": "A page", "start": start, "end": end}]);
        assert_eq!(messages["items"][1]["citations"], expected, "{family:?}");
        assert_eq!(messages["items"][0]["citations"], json!([]));
        is_replayed_the_same(&api, &run).await;
        fake.script(Answer::text("I have no idea."));
        say(&api, &session, "And gas?").await;
        let messages = api.get(&path).await.body;
        assert_eq!(messages["items"][3]["citations"], json!([]), "{family:?}");
        assert_eq!(fake.violations(), [], "{family:?}");
    }
    installation.stop().await;
}

#[tokio::test]
async fn an_answer_cites_what_its_provider_cites_on_sqlite() {
    an_answer_cites_what_its_provider_cites(None).await;
}

#[tokio::test]
async fn an_answer_cites_what_its_provider_cites_on_postgres() {
    an_answer_cites_what_its_provider_cites(Some(fresh_database().await)).await;
}

/// The last message of a session.
async fn last_message(api: &Api, session: &str) -> String {
    let path = format!("/v1/sessions/{session}/messages");
    let messages = api.get(&path).await.body;
    let last = messages["items"].as_array().unwrap().last().unwrap();
    last["content"].as_str().unwrap().to_owned()
}

async fn is_replayed_the_same(api: &Api, run: &Value) {
    let path = format!("/v1/runs/{}/replay", run["id"].as_str().unwrap());
    let report = api.post(&path, &json!({})).await;
    assert_eq!(
        (report.status.as_u16(), &report.body["identical"]),
        (200, &json!(true)),
        "{report:?}"
    );
}

/// An agent with a schema answers with JSON that fits it, whatever its provider makes of the schema.
async fn an_answer_fits_its_schema(database: Option<String>) {
    let mut installation = Installation::new(database);
    let api = installation.up().await;
    let schema = json!({
        "type": "object",
        "properties": { "n": { "type": "integer", "minimum": 0 }, "text": { "type": "string" } },
        "required": ["n", "text"],
        "additionalProperties": false,
    });
    let typed = json!({ "output_schema": schema });
    for (family, native) in [
        (
            ("anthropic", "", "claude-sonnet-4-5"),
            "/output_config/format/schema",
        ),
        (
            ("openai", "/v1", "gpt-5.1"),
            "/response_format/json_schema/schema",
        ),
        (
            ("gemini", "", "gemini-2.5-flash"),
            "/generationConfig/responseJsonSchema",
        ),
    ] {
        let fake = Fake::start().await.unwrap();
        let session = thinker_with(&api, &fake, family, typed.clone()).await;
        fake.script(Answer::text("{\"n\": -3}"));
        fake.script(Answer::text("{\"n\": 3, \"text\": \"three\"}"));
        let run = say(&api, &session, "How many?").await;
        let output = json!({ "n": 3, "text": "three" });
        assert_eq!(run["state"], "succeeded", "{family:?}: {run}");
        assert_eq!(
            (&run["output"], &run["answer"]),
            (&output, &output),
            "{family:?}"
        );
        // The message is the JSON, and not what one of its members says.
        assert_eq!(
            last_message(&api, &session).await,
            r#"{"n":3,"text":"three"}"#
        );
        let seen = fake.seen();
        assert_eq!(
            seen[0].json().pointer(native),
            Some(&schema),
            "{family:?}: {}",
            seen[0].json()
        );
        let told = seen[1].json().to_string();
        assert!(
            told.contains("does not fit the schema: ") && told.contains("/n: "),
            "{family:?}: {told}"
        );
        is_replayed_the_same(&api, &run).await;

        // A provider that takes no such schema is asked without it; the answer has to fit all the same.
        fake.script(Answer::text("").with_fault(Fault::Status {
            status: 400,
            retry_after: None,
            message: Some("this schema is not supported".to_owned()),
        }));
        fake.script(Answer::text("{\"n\": 0, \"text\": \"none\"}"));
        let run = say(&api, &session, "And now?").await;
        assert_eq!(
            run["output"],
            json!({ "n": 0, "text": "none" }),
            "{family:?}: {run}"
        );
        let seen = fake.seen();
        assert_eq!(seen.len(), 4, "{family:?}");
        assert!(
            seen[2].json().pointer(native).is_some() && seen[3].json().pointer(native).is_none()
        );

        for _ in 0..5 {
            fake.script(Answer::text("Three."));
        }
        let run = say(&api, &session, "In a word?").await;
        assert_eq!(
            (&run["failure"]["code"], &run["output"]),
            (&json!("OUTPUT_INVALID"), &Value::Null),
            "{run}"
        );
        is_replayed_the_same(&api, &run).await;
        assert_eq!(fake.violations(), [], "{family:?}");
    }
    let broken = json!({ "name": "x", "planner": "model", "output_schema": { "type": "thing" } });
    let refused = api.post("/v1/agents", &broken).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    installation.stop().await;
}

#[tokio::test]
async fn an_answer_fits_its_schema_on_sqlite() {
    an_answer_fits_its_schema(None).await;
}

#[tokio::test]
async fn an_answer_fits_its_schema_on_postgres() {
    an_answer_fits_its_schema(Some(fresh_database().await)).await;
}

/// Whoever listens reads along, word by word; whoever comes later gets what was said so far.
#[tokio::test]
async fn words_are_read_as_they_are_written() {
    let fake = Fake::start().await.unwrap();
    let mut installation = Installation::new(None);
    let api = installation.up().await;
    let session = thinker(&api, &fake, ("anthropic", "", "claude-sonnet-4-5")).await;
    let words = ["One, ", "two, ", "three."].map(str::to_owned).to_vec();
    fake.script(Answer {
        pace: Some(Pace::EVENT_PER_TICK),
        ..Answer::of([Part::Chunks(words)])
    });
    let events = format!("/v1/sessions/{session}/events");
    let mut first = api.stream(&events).await;
    let message = json!({ "content": "Count." });
    let posted = api
        .post(&format!("/v1/sessions/{session}/messages"), &message)
        .await;
    assert_eq!(posted.status, 202, "{posted:?}");
    fake.arrived(1).await;
    // The beginning of the answer and of its text, a ping, and the first word.
    fake.tick(4);
    let heard = first.until("message.delta", |it| it["text"] != "").await;
    assert_eq!(
        (&heard["text"], &heard["reset"]),
        (&json!("One, "), &json!(false))
    );
    let mut second = api.stream(&events).await;
    let so_far = second.until("message.delta", |_| true).await;
    assert_eq!(
        (&so_far["text"], &so_far["reset"]),
        (&json!("One, "), &json!(true))
    );
    fake.tick(1);
    for stream in [&mut first, &mut second] {
        let heard = stream.until("message.delta", |_| true).await;
        assert_eq!(
            (&heard["text"], &heard["reset"]),
            (&json!("two, "), &json!(false))
        );
    }
    fake.tick(100);
    let run = posted.body["run"]["id"].clone();
    for stream in [&mut first, &mut second] {
        stream
            .until("run.succeeded", |it| it["subject"] == run)
            .await;
    }
    let messages = api
        .get(&format!("/v1/sessions/{session}/messages"))
        .await
        .body;
    let last = messages["items"].as_array().unwrap().last().unwrap();
    assert_eq!(last["content"], "One, two, three.");
    assert_eq!(fake.violations(), []);
    installation.stop().await;
}

/// A key in the environment is enough: there is a provider, a profile, and an agent that thinks.
#[tokio::test]
async fn a_key_in_the_environment_becomes_an_agent() {
    let fake = Fake::start().await.unwrap();
    let mut installation = Installation::new(None)
        .with("CHANCERY_DEMO", "true")
        .with("ANTHROPIC_API_KEY", fakes::KEY)
        .with("ANTHROPIC_BASE_URL", fake.url(""));
    let api = installation.up().await;
    let agents = api.get("/v1/agents").await.body;
    let found = agents["items"].as_array().unwrap().iter();
    let assistant = found
        .filter(|it| it["name"] == "assistant")
        .map(|it| it["id"].clone())
        .next()
        .unwrap_or_else(|| panic!("no assistant: {agents}"));
    let session = api
        .post("/v1/sessions", &json!({ "agent_ids": [assistant] }))
        .await
        .body;
    fake.script(Answer::text("Good morning."));
    let run = say(&api, session["id"].as_str().unwrap(), "Hello.").await;
    assert_eq!(run["state"], "succeeded", "{run}");
    assert_eq!(fake.violations(), []);

    // A second start makes nothing twice, and what a person deleted stays deleted.
    installation.stop().await;
    let api = installation.up().await;
    let again = api.get("/v1/agents").await.body;
    assert_eq!(
        again["items"].as_array().unwrap().len(),
        agents["items"].as_array().unwrap().len()
    );
    installation.stop().await;
}

/// A skill's name and purpose are in the prompt; what it says is read when the model asks for it.
async fn skills_are_read_when_they_are_needed(database: Option<String>) {
    let mut installation = Installation::new(database);
    let api = installation.up().await;
    let fake = Fake::start().await.unwrap();
    let file = |path: &str, text: &str| {
        let content = base64(text);
        json!({ "path": path, "content_base64": content, "executable": false })
    };
    let front = "---\nname: tidy\ndescription: Tidies texts.\n---\n";
    let skill = json!({ "files": [
        file("SKILL.md", &format!("{front}Begin with commas.")),
        file("references/more.md", "Then the full stops."),
    ] });
    let published = api.post("/v1/skills", &skill).await;
    assert_eq!(published.status, 201, "{published:?}");
    let family = ("anthropic", "", "claude-sonnet-4-5");
    let reads = json!({ "tools": ["skill.read"] });
    let session = thinker_with(&api, &fake, family, reads).await;
    for arguments in [
        json!({ "name": "tidy" }),
        json!({ "name": "tidy", "path": "references/more.md" }),
        json!({ "name": "tidy", "path": "../SKILL.md" }),
        json!({ "name": "untidy" }),
    ] {
        fake.script(Answer::tool_call("skill_read", arguments));
    }
    fake.script(Answer::text("Tidied."));
    let run = say(&api, &session, "Tidy this.").await;
    assert_eq!(run["state"], "succeeded", "{run}");
    let asked: Vec<String> = fake.seen().iter().map(|it| it.json().to_string()).collect();
    assert!(
        asked[0].contains("tidy: Tidies texts.") && !asked[0].contains("commas"),
        "{}",
        asked[0]
    );
    assert!(
        asked[1].contains("Begin with commas.") && !asked[1].contains("full stops"),
        "{}",
        asked[1]
    );
    assert!(asked[2].contains("Then the full stops."), "{}", asked[2]);
    assert!(asked[3].contains("SKILL_FILE_NOT_FOUND"), "{}", asked[3]);
    assert!(asked[4].contains("SKILL_NOT_FOUND: "), "{}", asked[4]);
    is_replayed_the_same(&api, &run).await;
    assert_eq!(fake.violations(), []);
    installation.stop().await;
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test]
async fn skills_are_read_when_they_are_needed_on_sqlite() {
    skills_are_read_when_they_are_needed(None).await;
}

#[tokio::test]
async fn skills_are_read_when_they_are_needed_on_postgres() {
    skills_are_read_when_they_are_needed(Some(fresh_database().await)).await;
}
