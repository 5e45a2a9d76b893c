//! Results that are too long for a model: it sees the beginning, and reads on in the rest.

use std::sync::Arc;

use agents::model::{Definition, Planner};
use bytes::Bytes;
use db::{OrgContext, on_both_databases};
use futures::future::BoxFuture;
use runs::{Changes, NewRun, State};
use serde_json::{Value, json};
use tools::ToolResult;
use tools::model::ModelGateway;
use vault::{ArtifactFilter, NewArtifact};
use vocab::{ArtifactId, Intent, RunId, SessionId, limits};

use crate::models::with_models;
use crate::world::{Setting, World, tool, turn};

/// What the agent that is called says: more than a model is shown.
fn long() -> String {
    format!(
        "{}END.",
        "é".repeat(limits::TOOL_RESULT_SHOWN_BYTES_MAX / 2 + 500)
    )
}

/// A model that calls an agent, reads on where the result was cut, and answers with the last it read.
struct Reads;

impl ModelGateway for Reads {
    fn ask<'a>(
        &'a self,
        _: &'a OrgContext,
        intent: &'a Intent,
        _: Option<SessionId>,
        _: Box<policy::exchange::Exchange>,
    ) -> BoxFuture<'a, ToolResult> {
        let question = &intent.arguments;
        let last = question["messages"].as_array().unwrap().last().unwrap();
        let mut parts = last["parts"].as_array().unwrap().iter();
        let result = parts.find(|part| part["type"] == "tool_result");
        let result = result.map(|part| part["text"].as_str().unwrap());
        let names: Vec<&str> = question["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        let call = |name: &str, arguments: Value| json!([{ "type": "tool_call", "id": "1", "name": name, "arguments": arguments.to_string() }]);
        let asks = question["system"]
            .as_str()
            .unwrap()
            .contains("the agent \"reader\"");
        let (stop, parts) = match result {
            _ if !asks => ("done", said(&long())),
            None => {
                // There is nothing to read on in yet.
                assert!(!names.contains(&"artifact_read"), "{names:?}");
                (
                    "tool_use",
                    call(
                        "agent_call",
                        json!({ "agent": "talker", "message": "talk" }),
                    ),
                )
            }
            Some(cut) if cut.contains("the whole is the artifact art_") => {
                assert!(names.contains(&"artifact_read"), "{names:?}");
                let word = |after: &str| {
                    cut.rsplit_once(after)
                        .unwrap()
                        .1
                        .split([',', ')'])
                        .next()
                        .unwrap()
                        .to_owned()
                };
                let offset: usize = word("offset ").parse().unwrap();
                (
                    "tool_use",
                    call(
                        "artifact_read",
                        json!({ "id": word("the artifact "), "offset": offset }),
                    ),
                )
            }
            Some(rest) => ("done", said(rest)),
        };
        let reply = json!({
            "parts": parts, "stop": stop, "served": "fake/one",
            "usage": { "input_tokens": 1, "output_tokens": 1 },
        });
        Box::pin(async { ToolResult::success(reply) })
    }
}

fn said(text: &str) -> Value {
    json!([{ "type": "text", "text": text }])
}

async fn thinker(world: &World, name: &str, tools: &[&str]) -> agents::Agent {
    let known = agents::service::known_tools(&world.ctx).await.unwrap();
    let definition = Definition {
        planner: Planner::Model,
        tools: tools.iter().map(ToString::to_string).collect(),
        ..Definition::rules(name)
    };
    let mut tx = world.ctx.write().await.unwrap();
    let agent = agents::service::create(&world.ctx, &mut tx, definition, &known).await;
    tx.commit().await.unwrap();
    agent.unwrap()
}

/// A file that a person or a run put into a session, by its id.
async fn put(
    world: &World,
    ctx: &OrgContext,
    (session, run): (SessionId, Option<RunId>),
    bytes: &'static [u8],
) -> ArtifactId {
    let vault = world.vault();
    let prepared = vault
        .content
        .prepare(ctx, session, "text/plain", Bytes::from_static(bytes));
    let content = prepared.await.unwrap();
    let mut tx = ctx.write().await.unwrap();
    let new = NewArtifact {
        id: ctx.new_id(),
        name: "notes.txt",
        content: &content,
        session: Some(session),
        run,
    };
    let saved = vault.artifacts.save(ctx, &mut tx, new).await.unwrap();
    tx.commit().await.unwrap();
    saved.id
}

on_both_databases! {
    /// What somebody put into a run's session is read on in, a piece at a time, and the run has read
    /// something private and something untrusted from then on. What is another session's, another run's
    /// or another organisation's is not there.
    async fn a_file_of_the_session_is_read_on(db: TestDb) {
        let world = World::new(db).await;
        world.publish("@id(\"read\") permit (principal, action == Chancery::Action::\"artifact.read\", resource);").await;
        let life = world.live().await;
        let (session, other): (SessionId, SessionId) = (world.ctx.new_id(), world.ctx.new_id());
        let stranger = world.db.org().await;
        let here = put(&world, &world.ctx, (session, None), "zero öne two".as_bytes()).await;
        let read = async |id: ArtifactId, session: Option<SessionId>, offset: u64| {
            let new = NewRun { session, ..tool("artifact.read", json!({ "id": id, "offset": offset, "limit": 5 })) };
            let run = life.runs.start(&world.ctx, new).await.unwrap();
            let ended = world.end(&life, run.id).await;
            let journal = world.journal(run.id).await;
            let done = journal.iter().find(|(kind, _)| kind.starts_with("tool.") && kind != "tool.intended").unwrap();
            let found = match &ended.state {
                State::Succeeded => Ok(world.answer_of(&ended).await),
                State::Failed { failure } => Err(failure.code.clone()),
                other => panic!("{other:?}"),
            };
            let report = world.people.engine().replay(&world.ctx, &ended, &Changes::default(), 0).await.unwrap();
            assert!(report.identical, "{:?}", report.first_divergence);
            (found, done.1["has_read"].clone())
        };
        let labels = json!({ "private": true, "untrusted": true });
        let (first, label) = read(here, Some(session), 0).await;
        assert_eq!(first, Ok(json!("zero \n… (8 more bytes, from offset 5)")));
        assert_eq!((&label["private"], &label["untrusted"]), (&labels["private"], &labels["untrusted"]));
        assert_eq!(read(here, Some(session), 5).await.0, Ok(json!("öne \n… (3 more bytes, from offset 10)")));
        assert_eq!(read(here, Some(session), 10).await.0, Ok(json!("two")));

        let run = world.ctx.new_id();
        let of_run = put(&world, &world.ctx, (session, Some(run)), b"a run's").await;
        let theirs = put(&world, &stranger, (session, None), b"a stranger's").await;
        let elsewhere = put(&world, &world.ctx, (other, None), b"elsewhere").await;
        for (id, session) in [
            (here, None), (here, Some(other)), (elsewhere, Some(session)), (of_run, Some(session)),
            (theirs, Some(session)),
        ] {
            let missing = (Err("ARTIFACT_NOT_FOUND".to_owned()), Value::Null);
            assert_eq!(read(id, session, 0).await, missing, "{id} {session:?}");
        }
        assert!(read(elsewhere, Some(other), 0).await.0.is_ok());
        let picture = put(&world, &world.ctx, (session, None), b"\x89PNG\xff").await;
        assert_eq!(read(picture, Some(session), 0).await.0, Err("ARTIFACT_NOT_TEXT".to_owned()));
        life.end();
    }

    /// Nothing of a long result is lost: its beginning is in the conversation, all of it is an artifact
    /// of the run, and of this run alone. A replay is the same to the byte.
    async fn a_long_result_is_read_on(db: TestDb) {
        let world = World::new(db).await;
        let read_on = "@id(\"read-on\") permit (principal, action == Chancery::Action::\"artifact.read\", resource);";
        world.publish(&format!("{}\n{read_on}", with_models())).await;
        let reader = thinker(&world, "reader", &["agent.call"]).await;
        thinker(&world, "talker", &[]).await;
        let models = Arc::new(Reads);
        let life = world.live_as(Setting { models, ..Setting::default() }).await;
        let run = life.runs.start(&world.ctx, turn(&reader, "what is the end?")).await.unwrap();
        let ended = world.end(&life, run.id).await;
        assert_eq!(ended.state, State::Succeeded);
        // Where it was cut it goes on, to the character.
        let answer = world.answer_of(&ended).await;
        let rest = answer.as_str().unwrap();
        assert!(rest.starts_with('é') && rest.ends_with("END."), "{rest}");
        assert_eq!(rest.len(), long().len() - limits::TOOL_RESULT_SHOWN_BYTES_MAX);

        let filter = ArtifactFilter { run: Some(run.id), session: None };
        let kept = world.vault().artifacts.list(&world.ctx, &filter, None, 10).await.unwrap();
        let [whole] = kept.as_slice() else { panic!("{kept:?}") };
        let (_, bytes) = world.vault().artifacts.content(&world.ctx, whole.id).await.unwrap();
        assert_eq!(bytes, long().as_bytes());
        // Another run of the same person has no such artifact.
        let other = tool("artifact.read", json!({ "id": whole.id }));
        let other = life.runs.start(&world.ctx, other).await.unwrap();
        let other = world.end(&life, other.id).await;
        let State::Failed { failure } = other.state else { panic!("{:?}", other.state) };
        assert_eq!(failure.code, "ARTIFACT_NOT_FOUND");
        life.end();

        let engine = world.people.engine();
        let report = engine.replay(&world.ctx, &ended, &Changes::default(), 0).await.unwrap();
        assert!(report.identical, "{:?}", report.first_divergence);
    }
}
