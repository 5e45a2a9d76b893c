//! What answers cite.

use chat::Because;
use db::on_both_databases;
use serde_json::{Value, json};
use vocab::Digest;

use crate::world::World;

on_both_databases! {
    /// What an answer cites is shown with it, exported, archived and restored, and sealed like its text.
    async fn an_answer_says_what_it_cites(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        for text in ["think 1", "say nothing"] {
            world.send(session, text).await;
            world.until_quiet(session).await;
        }
        let viewer = world.client.clone().bearer("viewer");
        let path = format!("/v1/sessions/{session}");
        let listed = viewer.get(&format!("{path}/messages")).await.expect(200);
        let cited: Vec<Value> = listed["items"].as_array().unwrap().iter()
            .map(|it| it["citations"].clone()).collect();
        let pages = json!([
            {"url": "https://example.com/a", "title": "A", "start": 0, "end": 3},
            {"url": null, "title": "notes.pdf", "start": null, "end": null},
        ]);
        assert_eq!(cited, [json!([]), pages.clone(), json!([]), json!([])]);
        let markdown = format!("{path}/export?format=markdown");
        let written = viewer.get(&markdown).await.text();
        let expected = "> tho[^2-1]ught[^2-2]\n\n[^2-1]: A, <https://example.com/a>\n\n[^2-2]: notes\\.pdf\n";
        assert!(written.contains(expected), "{written}");
        // Nothing of it stands in a row as it is.
        let sql = "SELECT account, citations FROM messages WHERE org_id = $1 AND citations IS NOT NULL";
        let rows = world.ctx.read().await.unwrap().all(sql, &[]).await.unwrap();
        let (account, digest): (String, Digest) = (rows[0].get(0).unwrap(), rows[0].get(1).unwrap());
        assert!(rows.len() == 1 && !account.contains("example.com"), "{account}");

        world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
        let export: Value = viewer.get(&format!("{path}/export")).await.expect(200);
        assert_eq!(export["messages"][1]["citations"], pages);
        assert_eq!(export["messages"][0]["citations"], json!([]));
        let moved = world.vault.content.open(&world.ctx, digest).await;
        assert!(matches!(moved, Err(vault::ContentError::NotFound)), "{moved:?}");
        world.chat.restore(&world.ctx, session).await.unwrap();
        assert_eq!(viewer.get(&format!("{path}/messages")).await.expect(200), listed);
        let text = |it: &str| it.lines().skip_while(|it| !it.starts_with("## ")).collect::<String>();
        assert_eq!(text(&viewer.get(&markdown).await.text()), text(&written));
    }
}
