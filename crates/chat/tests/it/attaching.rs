//! Files in and out of a session.

use chat::{Because, ChatError, NewMessage};
use db::on_both_databases;
use edge::testing::Client;
use serde_json::{Value, json};
use vault::NewArtifact;
use vocab::{ArtifactId, limits};

use crate::world::World;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n...";

async fn upload(client: &Client, session: &str, name: &str, bytes: &[u8]) -> Value {
    let client = client
        .clone()
        .header("content-type", "image/png; charset=x");
    let path = format!("/v1/artifacts?session_id={session}&name={name}");
    client.raw("POST", &path, bytes.to_vec()).await.expect(201)
}

on_both_databases! {
    /// A file goes with a message, is shown with it wherever it is read, and survives an archive.
    async fn a_file_goes_with_a_message(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let member = world.client.clone().bearer("member");
        let file = upload(&member, &session.to_string(), "a.png", PNG).await;
        assert_eq!((&file["name"], &file["media_type"]), (&json!("a.png"), &json!("image/png")));
        assert_eq!(file["size_bytes"], PNG.len());
        let id: ArtifactId = file["id"].as_str().unwrap().parse().unwrap();
        let (_, bytes) = world.vault.artifacts.content(&world.ctx, id).await.unwrap();
        assert_eq!(&bytes[..], PNG);
        let path = format!("/v1/sessions/{session}/messages");
        let body = json!({"content": "say seen", "attachments": [id]});
        let posted = member.post(&path, body).await.expect(202);
        assert_eq!(posted["message"]["attachments"], json!([id]));
        world.until_quiet(session).await;
        let run = posted["run"]["id"].as_str().unwrap().parse().unwrap();
        let attached = chat::attached(&world.vault.artifacts, &world.ctx, run).await.unwrap();
        assert_eq!(attached.iter().map(|it| it.id).collect::<Vec<_>>(), [id]);
        let listed = member.get(&path).await.expect(200);
        assert_eq!(listed["items"][0]["attachments"], json!([id]));
        assert_eq!(listed["items"][1]["attachments"], json!([]));
        let event = "SELECT data FROM events WHERE org_id = $1 AND kind = 'message.posted' ORDER BY ord";
        let rows = world.ctx.read().await.unwrap().all(event, &[]).await.unwrap();
        let data: Value = serde_json::from_str(&rows[0].get::<String>(0).unwrap()).unwrap();
        assert_eq!(data["attachments"], json!([id]));
        world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
        world.chat.restore(&world.ctx, session).await.unwrap();
        assert_eq!(member.get(&path).await.expect(200), listed);
        let markdown = member.get(&format!("/v1/sessions/{session}/export?format=markdown")).await;
        assert!(markdown.text().contains(&format!("Attached: a\\.png (`{id}`)")), "{}", markdown.text());
        // What is deleted takes its files along.
        world.chat.delete(&world.ctx, session).await.unwrap();
        assert!(world.vault.artifacts.get(&world.ctx, id).await.is_err());
    }

    /// What a run saves goes with its answer.
    async fn what_a_run_saves_goes_with_its_answer(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let run = world.say(session, "listen").await;
        world.until(run.id, |state| state.as_str() == "waiting").await;
        let (ctx, content) = (&world.ctx, &world.vault.content);
        let bytes = bytes::Bytes::from_static(b"report");
        let prepared = content.prepare(ctx, session, "text/plain", bytes).await.unwrap();
        let mut tx = ctx.write().await.unwrap();
        let id: ArtifactId = ctx.new_id();
        let new = NewArtifact {
            id,
            name: "report.txt",
            content: &prepared,
            session: Some(session),
            run: Some(run.id),
        };
        world.vault.artifacts.save(ctx, &mut tx, new).await.unwrap();
        tx.commit().await.unwrap();
        world.steer(session, "go on").await;
        let messages = world.until_quiet(session).await;
        let (answer, text) = messages.last().unwrap();
        assert_eq!((text.as_deref(), &answer.attachments), (Some("heard: go on"), &vec![id]));
    }

    /// What is attached is of this session, there, and not too much; what is uploaded is bounded.
    async fn not_everything_is_attached(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let (session, other) = (world.session(&[&clerk]).await.id, world.session(&[]).await.id);
        let member = world.client.clone().bearer("member");
        let elsewhere = upload(&member, &other.to_string(), "b.png", PNG).await["id"].clone();
        let here = upload(&member, &session.to_string(), "c.png", PNG).await["id"].clone();
        let missing = json!("art_01890000-0000-7000-8000-000000000000");
        let path = format!("/v1/sessions/{session}/messages");
        for wrong in [json!([elsewhere]), json!([missing]), json!([here, here]), json!(["x"]), json!("x"),
            json!(vec![here.clone(); limits::ATTACHMENTS_MAX + 1])]
        {
            let answer = member.post(&path, json!({"content": "say x", "attachments": wrong})).await;
            assert_eq!(answer.status, 422, "{wrong}: {}", answer.text());
        }
        assert!(world.messages(session).await.is_empty());
        member.post(&path, json!({"content": "say x", "attachments": [here]})).await.expect(202);

        let raw = member.clone().header("content-type", "text/plain");
        let to = |query: &str| format!("/v1/artifacts?{query}");
        let upload = format!("session_id={session}&name=x");
        assert_eq!(raw.raw("POST", &to("name=x"), "x").await.status, 422);
        assert_eq!(raw.raw("POST", &to(&format!("session_id={session}&name=")), "x").await.status, 422);
        assert_eq!(raw.raw("POST", &to(&format!("{upload}&x=1")), "x").await.status, 422);
        assert_eq!(raw.raw("POST", &to("session_id=art_01890000-0000-7000-8000-000000000000&name=x"), "x").await.status, 422);
        let unknown = "session_id=ses_01890000-0000-7000-8000-000000000000&name=x";
        raw.raw("POST", &to(unknown), "x").await.problem(404, "NOT_FOUND");
        let untyped = member.clone().header("content-type", "nonsense");
        assert_eq!(untyped.raw("POST", &to(&upload), "x").await.status, 422);
        let viewer = world.client.clone().bearer("viewer").header("content-type", "text/plain");
        viewer.raw("POST", &to(&upload), "x").await.problem(403, "FORBIDDEN");
        let large = vec![0_u8; limits::UPLOAD_BYTES_MAX + 1];
        assert_eq!(raw.raw("POST", &to(&upload), large).await.status, 413);
        assert_eq!(raw.raw("POST", &to(&upload), "x").await.status, 201);

        let theirs = world.db.org().await;
        let file = ("text/plain", bytes::Bytes::from_static(b"x"));
        let refused = world.chat.prepare_file(&theirs, session, file).await;
        assert!(matches!(refused, Err(ChatError::NotFound(_))), "{refused:?}");
        let new = NewMessage { text: "noop".into(), ..NewMessage::default() };
        assert!(world.post_as(&theirs, session, new).await.is_err());
    }
}
