//! Exports: everything for programs, and what people can read without being deceived.

use chat::{Because, NewSession};
use db::on_both_databases;
use edge::testing::Client;
use serde_json::{Value, json};

use crate::world::World;

async fn as_json(client: &Client, session: &str) -> Value {
    let answer = client
        .get(&format!("/v1/sessions/{session}/export?format=json"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.headers["content-type"], "application/json");
    let name = format!("attachment; filename=\"{session}.json\"");
    assert_eq!(answer.headers["content-disposition"], name.as_str());
    serde_json::from_str(&answer.text()).unwrap()
}

async fn as_markdown(client: &Client, session: &str) -> String {
    let answer = client
        .get(&format!("/v1/sessions/{session}/export?format=markdown"))
        .await;
    assert_eq!(
        answer.headers["content-type"],
        "text/markdown; charset=utf-8"
    );
    assert_eq!(answer.status, 200);
    answer.text()
}

on_both_databases! {
    /// The same export before and after archiving, but for what archiving itself changes.
    async fn a_session_is_exported(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let me = world.ctx.actor().user.unwrap();
        world.people.call(me, "Ada\n## 1 · Eve");
        let new = NewSession { title: "Week *42*".into(), agents: vec![clerk.id], ..NewSession::default() };
        let session = world.make(new).await.unwrap().id;
        let (asked, runs) = world.send(session, "say first").await;
        world.until_quiet(session).await;
        let mut tx = world.ctx.write().await.unwrap();
        world.chat.react(&world.ctx, &mut tx, asked.id, "👍").await.unwrap();
        tx.commit().await.unwrap();
        let forged = "say x\n\n## 9 · clerk (agent) · now\n\n</blockquote>\r## 10 · Ada";
        world.edit(&world.ctx, asked.id, forged).await.unwrap();
        world.until_quiet(session).await;
        world.send(session, "noop").await;
        world.until_quiet(session).await;
        world.client.clone().bearer("viewer").get("/v1/sessions?limit=1").await.expect(200);

        let viewer = world.client.clone().bearer("viewer");
        let id = session.to_string();
        let hot = as_json(&viewer, &id).await;
        assert_eq!((&hot["format"], &hot["version"]), (&json!("chancery.session"), &json!(1)));
        let messages = hot["messages"].as_array().unwrap();
        assert_eq!(messages.len(), 6);
        let positions: Vec<u64> = messages.iter().map(|it| it["position"].as_u64().unwrap()).collect();
        assert_eq!(positions, [1, 2, 3, 4, 5, 6]);
        assert_eq!(messages[0]["content"], "say first");
        assert_eq!(messages[0]["answered_by"], json!([runs[0].id]));
        assert_eq!(messages[0]["reactions"][0]["emoji"], "👍");
        assert_eq!(messages[1]["author"]["agent_id"], clerk.id.to_string());
        assert_eq!(messages[2]["parent_position"], 0);
        assert_eq!((&messages[2]["content"], &messages[2]["branch"]), (&json!(forged), &json!(1)));
        assert_eq!(hot["runs"].as_array().unwrap().len(), 3);
        assert_eq!(hot["agents"], json!([{"agent_id": clerk.id, "name": "clerk"}]));
        assert_eq!(hot["members"][0]["user_id"], me.to_string());

        let markdown = as_markdown(&viewer, &id).await;
        let headings: Vec<&str> = markdown.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(headings.len(), 5, "{markdown}");
        assert_eq!(headings[0], "# Week \\*42\\*");
        assert!(headings[1].starts_with("## 3 · Ada \\#\\# 1 · Eve · "), "{markdown}");
        assert!(headings[2].starts_with("## 4 · clerk (agent) · "), "{markdown}");
        assert!(markdown.contains("> ## 9 · clerk (agent) · now\n"));
        assert!(!markdown.contains("</blockquote>") && !markdown.contains('\r'));
        // The other branch is told of, and not mixed in.
        assert!(!markdown.contains("first") && markdown.contains("One branch of 2"));

        world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
        let mut archived = as_json(&viewer, &id).await;
        assert_eq!(archived["session"]["status"], "archived");
        for part in ["messages", "members", "reads", "branches", "runs", "artifacts"] {
            assert_eq!(archived[part].take(), hot[part], "{part}");
        }
        let without_date = |text: String| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.starts_with("- Exported"));
            lines.map(str::to_owned).collect()
        };
        let archived = as_markdown(&viewer, &id).await;
        assert_eq!(without_date(archived), without_date(markdown));
        // It is an export, and no restoring.
        assert_eq!(world.rows(session).await, [0, 0, 0, 0, 0, 0, 1]);
    }

    /// What tools did and people were asked is there by its place in the record.
    async fn steps_are_exported_by_reference(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let run = world.say(session, "noop").await;
        world.until_quiet(session).await;
        let viewer = world.client.clone().bearer("viewer");
        // The sequencer works beside it.
        for _ in 0..500 {
            let export = as_json(&viewer, &session.to_string()).await;
            let steps = export["steps"].as_array().unwrap().clone();
            let kinds: Vec<&str> = steps.iter().filter_map(|it| it["kind"].as_str()).collect();
            if !kinds.contains(&"tool.executed") {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            }
            assert_eq!(kinds, ["tool.intended", "policy.decided", "tool.executed"]);
            assert!(steps.iter().all(|it| it["run_id"] == json!(run.id) && it["seq"].is_u64()));
            return;
        }
        panic!("nothing was done");
    }

    /// Long sessions come page by page, and none of them is left out.
    async fn every_page_is_exported(db: TestDb) {
        let world = World::new(db).await;
        let other = world.session(&[]).await.id;
        let session = world.session(&[]).await.id;
        let sealed = world.vault.content.clone();
        let mut tx = world.ctx.write().await.unwrap();
        for position in 1..=401_u32 {
            let text = format!("m{position}");
            let digest = sealed.seal(&mut tx, session, "text/markdown", text.as_bytes()).await.unwrap();
            let id = vocab::MessageId::generate(world.db.db.clock(), world.db.db.random());
            let sql = "INSERT INTO messages (org_id, id, session_id, position, content, size_bytes, \
                failed, created_at_us) VALUES ($1, $2, $3, $4, $5, 2, $6, 0)";
            tx.execute(sql, &db::params![id, session, position, digest, false]).await.unwrap();
        }
        tx.record(vocab::Draft::new(vocab::EventKind::SessionUpdated, session));
        tx.commit().await.unwrap();
        let viewer = world.client.clone().bearer("viewer");
        let export = as_json(&viewer, &session.to_string()).await;
        let texts: Vec<&str> = export["messages"].as_array().unwrap().iter()
            .map(|it| it["content"].as_str().unwrap()).collect();
        let expected: Vec<String> = (1..=401).map(|position| format!("m{position}")).collect();
        assert_eq!(texts, expected);
        assert_eq!(as_markdown(&viewer, &session.to_string()).await.matches("\n> m").count(), 401);
        assert_eq!(as_json(&viewer, &other.to_string()).await["messages"], json!([]));
    }

    /// Nobody exports what they may not see, and a damaged archive says so at once.
    async fn not_every_session_is_exported(db: TestDb) {
        let world = World::new(db).await;
        let session = world.session(&[&world.agent("clerk").await]).await.id;
        world.send(session, "say x").await;
        world.until_quiet(session).await;
        let viewer = world.client.clone().bearer("viewer");
        let path = format!("/v1/sessions/{session}/export");
        assert_eq!(viewer.get(&path).await.status, 200);
        assert_eq!(viewer.get(&format!("{path}?format=pdf")).await.status, 422);
        world.client.get(&path).await.problem(401, "UNAUTHENTICATED");
        let missing = "/v1/sessions/ses_01890000-0000-7000-8000-000000000000/export";
        viewer.get(missing).await.problem(404, "NOT_FOUND");
        let theirs = world.db.org().await;
        assert!(world.chat.get(&theirs, session).await.is_err());
        world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
        assert_eq!(viewer.get(&path).await.status, 200);
        std::fs::remove_file(&world.blobs()[0]).unwrap();
        viewer.get(&path).await.problem(500, "ARCHIVE_DAMAGED");
    }
}
