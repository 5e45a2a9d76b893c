//! Several real processes on one Postgres database: one order, whoever is asked; a controller that
//! dies, sleeps or goes in order; and what is live, wherever it is read.
//!
//! What is there is read from the database by a connection of the test's own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fakes::{Answer as Told, Fake, Pace, Part};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::installation::{Answer, Api, Installation, PATIENCE, pause};
use crate::ledger::{fresh_database, the_record_verifies};

/// What a takeover may take.
const TAKEOVER: Duration = Duration::from_secs(10);

/// Processes on the same data, and the database itself.
struct Cluster {
    processes: Vec<Installation>,
    apis: Vec<Api>,
    sql: tokio_postgres::Client,
}

impl Cluster {
    async fn of(count: usize) -> Self {
        let url = fresh_database().await;
        let mut processes = vec![Installation::new(Some(url.clone()))];
        let mut apis = vec![processes[0].up().await];
        for _ in 1..count {
            let data = processes[0].data().to_owned();
            let mut beside = Installation::new(Some(url.clone())).within(&[], &data);
            apis.push(beside.up().await);
            processes.push(beside);
        }
        let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
        let (sql, connection) = connected.unwrap();
        tokio::spawn(connection);
        Self {
            processes,
            apis,
            sql,
        }
    }

    /// A session of the owner's, whose controller is the first process.
    async fn session(&self, agents: Value) -> String {
        let api = &self.apis[0];
        let made = api
            .post("/v1/sessions", &json!({ "agent_ids": agents }))
            .await;
        assert_eq!(made.status, 201, "{made:?}");
        let session = made.body["id"].as_str().unwrap().to_owned();
        let typing = format!("/v1/sessions/{session}/typing");
        assert_eq!(api.post(&typing, &json!({})).await.status, 204);
        session
    }

    /// Who holds the only session that is held, in which epoch.
    async fn placement(&self) -> (Option<String>, i64) {
        let rows = self
            .sql
            .query("SELECT holder, epoch FROM chat_placements", &[]);
        let rows = rows.await.unwrap();
        assert_eq!(rows.len(), 1);
        (rows[0].get(0), rows[0].get(1))
    }

    /// Waits until there are so many messages, or more; answers how many there are.
    async fn until_there_are(&self, least: i64) -> i64 {
        let counting = async {
            loop {
                let count = "SELECT count(*) FROM messages";
                let count: i64 = self.sql.query_one(count, &[]).await.unwrap().get(0);
                if count >= least {
                    return count;
                }
                pause().await;
            }
        };
        tokio::time::timeout(PATIENCE, counting).await.unwrap()
    }

    /// Every message, as it stands in the database: position and who wrote it.
    async fn messages(&self, session: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/sessions/{session}/messages?limit=200{cursor}");
            let page = self.apis.last().unwrap().get(&path).await.body;
            found.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let count = i64::try_from(found.len()).unwrap();
        assert_eq!(self.until_there_are(count).await, count);
        let positions: Vec<u64> = found
            .iter()
            .map(|it| it["position"].as_u64().unwrap())
            .collect();
        assert_eq!(positions, (1..=positions.len() as u64).collect::<Vec<_>>());
        found
    }
}

/// A message to people alone: it starts no run.
async fn say(api: &Api, session: &str, text: &str) -> Answer {
    let path = format!("/v1/sessions/{session}/messages");
    api.post(&path, &json!({ "content": format!("@owner {text}") }))
        .await
}

fn texts(messages: &[Value]) -> Vec<&str> {
    let text = |it: &Value| {
        it["content"]
            .as_str()
            .unwrap()
            .strip_prefix("@owner ")
            .map(str::len)
    };
    let people = messages.iter().filter(|it| text(it).is_some());
    people
        .map(|it| &it["content"].as_str().unwrap()["@owner ".len()..])
        .collect()
}

/// Posts through these processes at once, each message after the one before it was acknowledged,
/// until `enough` says so; answers what was acknowledged, and when.
fn post_until(
    apis: &[Api],
    session: &str,
    enough: &Arc<AtomicBool>,
) -> JoinSet<Vec<(String, Instant)>> {
    let mut posting = JoinSet::new();
    for (number, api) in apis.iter().enumerate() {
        let (api, session, enough) = (api.clone(), session.to_owned(), enough.clone());
        posting.spawn(async move {
            let mut acknowledged = Vec::new();
            while !enough.load(Ordering::SeqCst) {
                let text = format!("{number}/{}", acknowledged.len());
                let answer = say(&api, &session, &text).await;
                assert_eq!(answer.status, 202, "{text}: {answer:?}");
                acknowledged.push((text, Instant::now()));
            }
            acknowledged
        });
    }
    posting
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_processes_keep_one_order() {
    const EACH: usize = 30;
    let mut cluster = Cluster::of(3).await;
    let session = cluster.session(json!([])).await;
    let mut stream = cluster.apis[2]
        .stream(&format!("/v1/sessions/{session}/events"))
        .await;
    let mut posting = JoinSet::new();
    for (number, api) in cluster.apis.iter().enumerate() {
        for line in 0..2 {
            let (api, session) = (api.clone(), session.clone());
            posting.spawn(async move {
                for at in 0..EACH / 2 {
                    let answer = say(&api, &session, &format!("{number}/{line}/{at}")).await;
                    assert_eq!(answer.status, 202, "{answer:?}");
                }
            });
        }
    }
    posting.join_all().await;
    let messages = cluster.messages(&session).await;
    assert_eq!(messages.len(), 3 * EACH);
    let texts = texts(&messages);
    assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), 3 * EACH);
    // What one client said one after the other stands in that order.
    for (number, line) in (0..3).flat_map(|number| [(number, 0), (number, 1)]) {
        let prefix = format!("{number}/{line}/");
        let theirs: Vec<usize> = texts
            .iter()
            .filter_map(|text| text.strip_prefix(&prefix)?.parse().ok())
            .collect();
        assert_eq!(theirs, (0..EACH / 2).collect::<Vec<_>>());
    }
    // A reader at the third process is told each, in the same order.
    for position in 1..=3 * EACH {
        let told = stream.until("message.posted", |_| true).await;
        assert_eq!(told["data"]["position"], position);
    }
    the_record_verifies(&cluster.processes[0], &cluster.apis[0]);
    for process in &mut cluster.processes {
        process.stop().await;
    }
}

/// An agent that thinks with this provider.
async fn thinker(api: &Api, fake: &Fake) -> String {
    let made = async |path: &str, body: Value| {
        let answer = api.post(path, &body).await;
        assert_eq!(answer.status, 201, "{path}: {answer:?}");
        answer.body["id"].as_str().unwrap().to_owned()
    };
    let secret = made("/v1/secrets", json!({ "name": "key", "value": fakes::KEY })).await;
    let provider = json!({
        "type": "anthropic", "name": "anthropic", "base_url": fake.url(""), "secret_id": secret,
    });
    let provider = made("/v1/providers", provider).await;
    let target = json!({ "provider_id": provider, "model": "claude-sonnet-4-5" });
    let profile = json!({ "name": "main", "strategy": "priority", "targets": [target] });
    let profile = made("/v1/model-profiles", profile).await;
    let agent = json!({
        "name": "clerk", "instructions": "Be brief.", "planner": "model",
        "model_profile_id": profile, "tools": [],
    });
    made("/v1/agents", agent).await
}

fn counting() -> Told {
    let words = ["One, ", "two, ", "three."].map(str::to_owned).to_vec();
    Told {
        pace: Some(Pace::EVENT_PER_TICK),
        ..Told::of([Part::Chunks(words)])
    }
}

/// The controller, which also carries out the turn, is killed while its agent speaks and two others
/// are talked to: they take over, nothing is lost, and the turn is answered once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_that_is_killed_in_mid_turn_is_taken_over() {
    let fake = Fake::start().await.unwrap();
    let mut cluster = Cluster::of(3).await;
    let agent = thinker(&cluster.apis[0], &fake).await;
    let session = cluster.session(json!([agent])).await;
    let events = format!("/v1/sessions/{session}/events");
    let mut reader = cluster.apis[1].stream(&events).await;
    fake.script(counting());
    fake.script(counting());
    let messages = format!("/v1/sessions/{session}/messages");
    let asked = cluster.apis[0]
        .post(&messages, &json!({ "content": "Count." }))
        .await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let run = asked.body["run"]["id"].clone();
    fake.arrived(1).await;
    fake.tick(4);
    // The words are read at another process than where they are written.
    let is = |text: &'static str| move |it: &Value| it["text"] == text;
    reader.until("message.delta", is("One, ")).await;
    let mut late = cluster.apis[2].stream(&events).await;
    let so_far = late.until("message.delta", is("One, ")).await;
    assert_eq!(so_far["reset"], true);

    let enough = Arc::default();
    let posting = post_until(&cluster.apis[1..], &session, &enough);
    let (holder, epoch) = cluster.placement().await;
    let killed = Instant::now();
    cluster.processes[0].kill();
    let taken = async {
        while cluster.placement().await.0 == holder {
            pause().await;
        }
    };
    tokio::time::timeout(PATIENCE, taken).await.unwrap();
    // Another worker does the turn again; its words reach the streams that were open all the time.
    fake.arrived(2).await;
    fake.tick(4);
    reader.until("message.delta", is("One, ")).await;
    fake.tick(100);
    for stream in [&mut reader, &mut late] {
        stream
            .until("run.succeeded", |it| it["subject"] == run)
            .await;
    }
    enough.store(true, Ordering::SeqCst);
    let acknowledged: Vec<_> = posting.join_all().await;
    for one in &acknowledged {
        let first = one.iter().find(|(_, at)| *at > killed).unwrap();
        let waited = first.1 - killed;
        eprintln!("after the kill the next message was acknowledged in {waited:?}");
        assert!(waited < TAKEOVER, "{waited:?}");
    }
    assert!(cluster.placement().await.1 > epoch);

    let messages = cluster.messages(&session).await;
    let found = texts(&messages);
    let mut expected: Vec<&str> = acknowledged
        .iter()
        .flatten()
        .map(|it| it.0.as_str())
        .collect();
    assert_eq!(
        found.iter().collect::<BTreeSet<_>>().len(),
        found.len(),
        "nothing twice"
    );
    expected.retain(|text| !found.contains(text));
    assert_eq!(expected, Vec::<&str>::new(), "nothing is lost");
    let said: usize = acknowledged.iter().map(Vec::len).sum();
    assert_eq!(messages.len(), said + 2);
    let answers: Vec<&Value> = messages
        .iter()
        .filter(|it| it["content"] == "One, two, three.")
        .collect();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0]["run_id"], run);
    assert_eq!(fake.violations(), []);
    the_record_verifies(&cluster.processes[1], &cluster.apis[1]);
}

/// A controller that sleeps through its lease is no controller when it wakes: what it was about to
/// write goes to its successor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_that_slept_is_none_any_more() {
    let mut cluster = Cluster::of(2).await;
    let session = cluster.session(json!([])).await;
    assert_eq!(say(&cluster.apis[0], &session, "before").await.status, 202);
    let (holder, epoch) = cluster.placement().await;
    cluster.processes[0].signal(Signal::STOP);
    // It waits in the sleeper's socket until that wakes.
    let (sleeper, id) = (cluster.apis[0].clone(), session.clone());
    let asleep = tokio::spawn(async move { say(&sleeper, &id, "asleep").await });
    let slept = Instant::now();
    assert_eq!(
        say(&cluster.apis[1], &session, "meanwhile").await.status,
        202
    );
    let waited = slept.elapsed();
    eprintln!("after the stop the next message was acknowledged in {waited:?}");
    assert!(waited < TAKEOVER, "{waited:?}");
    let (successor, _) = cluster.placement().await;
    assert!(successor.is_some() && successor != holder);
    cluster.processes[0].signal(Signal::CONT);
    assert_eq!(asleep.await.unwrap().status, 202);
    assert_eq!(say(&cluster.apis[0], &session, "awake").await.status, 202);
    // The successor kept it.
    assert_eq!(cluster.placement().await, (successor, epoch + 1));
    let messages = cluster.messages(&session).await;
    assert_eq!(texts(&messages), ["before", "meanwhile", "asleep", "awake"]);
    for process in &mut cluster.processes {
        process.stop().await;
    }
}

/// Whatever a controller believes: once another one has the row, it writes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_controller_writes_nothing() {
    let mut cluster = Cluster::of(1).await;
    let session = cluster.session(json!([])).await;
    assert_eq!(say(&cluster.apis[0], &session, "mine").await.status, 202);
    let epoch = cluster.placement().await.1;
    // Another holder, which lives for ever and answers nobody.
    let taken = "INSERT INTO chat_holders VALUES ('another', '127.0.0.1:9', 9000000000000000); \
        UPDATE chat_placements SET holder = 'another', epoch = epoch + 1";
    cluster.sql.batch_execute(taken).await.unwrap();
    let refused = say(&cluster.apis[0], &session, "stale").await;
    assert_eq!(refused.code(), "SESSION_MOVED", "{refused:?}");
    refused.is_an_honest_outage(&["SESSION_MOVED"]);
    assert_eq!(texts(&cluster.messages(&session).await), ["mine"]);
    // It goes, and the first may have the chat again.
    let gone = "DELETE FROM chat_holders WHERE id = 'another'";
    cluster.sql.batch_execute(gone).await.unwrap();
    assert_eq!(
        say(&cluster.apis[0], &session, "mine again").await.status,
        202
    );
    assert_eq!(
        texts(&cluster.messages(&session).await),
        ["mine", "mine again"]
    );
    assert_eq!(cluster.placement().await.1, epoch + 2);
    cluster.processes[0].stop().await;
}

/// A process that is told to stop gives its chats away at once: no client notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_that_stops_hands_over() {
    let mut cluster = Cluster::of(3).await;
    let session = cluster.session(json!([])).await;
    let (_, epoch) = cluster.placement().await;
    let enough = Arc::default();
    let posting = post_until(&cluster.apis[1..], &session, &enough);
    let before = cluster.until_there_are(10).await;
    let stopped = Instant::now();
    cluster.processes[0].stop().await;
    cluster.until_there_are(before + 20).await;
    enough.store(true, Ordering::SeqCst);
    let acknowledged = posting.join_all().await;
    let mut longest = Duration::ZERO;
    for one in &acknowledged {
        for pair in one.windows(2).filter(|pair| pair[1].1 > stopped) {
            longest = longest.max(pair[1].1 - pair[0].1);
        }
    }
    eprintln!("nobody waited for longer than {longest:?}");
    assert!(!longest.is_zero());
    // Less than the lease, which a controller that dies leaves behind.
    assert!(longest < chat::placement::LEASE, "{longest:?}");
    let said: usize = acknowledged.iter().map(Vec::len).sum();
    assert_eq!(cluster.messages(&session).await.len(), said);
    assert_eq!(cluster.placement().await.1, epoch + 1);
}

/// What is live is one for all processes: who is there, who types, how far somebody has read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_live_is_told_in_every_process() {
    let mut cluster = Cluster::of(2).await;
    let session = cluster.session(json!([])).await;
    assert_eq!(say(&cluster.apis[0], &session, "hello").await.status, 202);
    let me = cluster.apis[0].get("/v1/me").await.body["user"]["id"].clone();
    let events = format!("/v1/sessions/{session}/events");
    let mut here = cluster.apis[0].stream(&events).await;
    let mut there = cluster.apis[1].stream(&events).await;
    for stream in [&mut here, &mut there] {
        stream
            .until("presence", |it| it["present"] == json!([me]))
            .await;
    }
    // Said at either, heard at both.
    for api in &cluster.apis {
        let typing = format!("/v1/sessions/{session}/typing");
        let heard = async {
            // At most one a second is passed on.
            loop {
                assert_eq!(api.post(&typing, &json!({})).await.status, 204);
                let both = async {
                    here.until("typing", |it| it["user_id"] == me).await;
                    there.until("typing", |it| it["user_id"] == me).await;
                };
                if tokio::time::timeout(Duration::from_millis(1_500), both)
                    .await
                    .is_ok()
                {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.unwrap();
    }
    for process in &mut cluster.processes {
        process.stop().await;
    }
}
