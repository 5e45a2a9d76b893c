//! What answers and sessions cost.

use chat::Because;
use db::on_both_databases;
use serde_json::{Value, json};

use crate::world::World;

on_both_databases! {
    /// An answer says what its run took of models, and the session what all its runs did.
    async fn answers_and_sessions_say_what_they_cost(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        for text in ["think 3", "say nothing", "think 1"] {
            world.send(session, text).await;
            world.until_quiet(session).await;
        }
        let viewer = world.client.clone().bearer("viewer");
        let path = format!("/v1/sessions/{session}");
        let listed = viewer.get(&format!("{path}/messages")).await.expect(200);
        let usage: Vec<Value> = listed["items"].as_array().unwrap().iter()
            .map(|it| it["usage"].clone()).collect();
        let used = |calls: u64, cost: u64, unpriced: u64| json!({
            "cost_usd_micros": cost, "unpriced": unpriced, "input_tokens": 100 * calls,
            "cached_input_tokens": 40 * calls, "output_tokens": 5 * calls, "models": ["fake/one"],
        });
        let none = Value::Null;
        let expected = [none.clone(), used(3, 14, 1), none.clone(), none.clone(), none, used(1, 7, 0)];
        assert_eq!(usage, expected);
        assert_eq!(listed["items"][1]["sources"], json!([]));
        let all = json!({"cost_usd_micros": 21, "input_tokens": 400, "cached_input_tokens": 160,
            "output_tokens": 20});
        assert_eq!(viewer.get(&path).await.expect(200)["usage"], all);
        world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
        assert_eq!(viewer.get(&path).await.expect(200)["usage"], all);
        world.chat.restore(&world.ctx, session).await.unwrap();
        assert_eq!(viewer.get(&format!("{path}/messages")).await.expect(200), listed);
        let export: Value = viewer.get(&format!("{path}/export")).await.expect(200);
        assert_eq!(export["messages"][1]["usage"], used(3, 14, 1));
        assert_eq!(export["session"]["usage"], all);
    }
}
