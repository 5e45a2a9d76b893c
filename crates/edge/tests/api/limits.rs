//! Rate limits.

use std::time::Duration;

use db::on_both_databases;
use edge::{EdgeConfig, Quota};
use serde_json::json;

use crate::world::World;

fn quotas() -> EdgeConfig {
    EdgeConfig {
        auth_quota: Some(Quota::per_minute(3)),
        api_quota: Some(Quota::per_minute(5)),
        proxies: 1,
        request_timeout: Duration::from_secs(5),
        ..EdgeConfig::default()
    }
}

on_both_databases! {
    /// `/v1/auth/` is limited by address: each has its own quota, and hears when to come back.
    async fn auth_is_limited_by_address(db: TestDb) {
        let world = World::with(db, quotas()).await;
        let from = |address: &str| world.nobody.clone().header("x-forwarded-for", address);
        let one = from("198.51.100.1");
        for left in ["2", "1", "0"] {
            let answer = one.raw("POST", "/v1/auth/knock", "").await;
            assert_eq!(answer.headers["ratelimit-limit"], "3");
            assert_eq!(answer.headers["ratelimit-remaining"], left);
            answer.expect(204);
        }
        let refused = one.raw("POST", "/v1/auth/knock", "").await;
        let after: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=20).contains(&after), "{after}");
        refused.problem(429, "RATE_LIMITED");
        from("198.51.100.2").raw("POST", "/v1/auth/knock", "").await.expect(204);
        // A made-up entry further left changes nothing.
        from("203.0.113.9, 198.51.100.1").raw("POST", "/v1/auth/knock", "").await.problem(429, "RATE_LIMITED");
    }

    /// Elsewhere it is by caller: one who has used up the quota keeps nobody else out.
    async fn the_api_is_limited_by_caller(db: TestDb) {
        let world = World::with(db, quotas()).await;
        for _ in 0..5 {
            world.client.post("/v1/atomic", json!({"name": "a"})).await.expect(201);
        }
        world.client.post("/v1/atomic", json!({"name": "a"})).await.problem(429, "RATE_LIMITED");
        assert_eq!(world.effects(), 5);
        for _ in 0..5 {
            world.nobody.get("/v1/nothing").await.problem(404, "NOT_FOUND");
        }
        world.nobody.get("/v1/nothing").await.problem(429, "RATE_LIMITED");
    }
}
