//! What stands around every route.

use std::time::Duration;

use db::on_both_databases;
use edge::EdgeConfig;
use serde_json::json;

use crate::world::World;

fn quick() -> EdgeConfig {
    EdgeConfig {
        auth_quota: None,
        api_quota: None,
        request_timeout: Duration::from_millis(200),
        cors_origins: vec!["https://app.example".parse().unwrap()],
        ..EdgeConfig::default()
    }
}

on_both_databases! {
    /// A panic is a problem without a word of it.
    async fn a_panic_is_a_problem(db: TestDb) {
        let world = World::new(db).await;
        let problem = world.nobody.get("/v1/panic").await.problem(500, "INTERNAL");
        for word in ["hunter2", "passwd", "panic:", "src/"] {
            assert!(!problem.to_string().contains(word), "{problem}");
        }
        assert_eq!(problem["retryable"], false);
    }

    /// A handler that takes too long is given up; the answer says that the outcome is open.
    async fn a_slow_handler_times_out(db: TestDb) {
        let world = World::with(db, quick()).await;
        let answer = world.client.raw("POST", "/v1/slow", "").await;
        assert!(answer.headers.contains_key("retry-after"));
        answer.problem(503, "TIMEOUT");
        assert_eq!(world.effects(), 0);
    }

    /// A caller's trace goes on, and nonsense does not.
    async fn a_valid_trace_goes_on(db: TestDb) {
        let world = World::new(db).await;
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = format!("00-{trace}-00f067aa0ba902b7-01");
        let problem = world.nobody.clone().header("traceparent", parent).get("/v1/x").await;
        assert_eq!(problem.headers["x-trace-id"], trace);
        assert_eq!(problem.problem(404, "NOT_FOUND")["trace_id"], trace);
        for wrong in ["00-xyz-1-1", "00-00000000000000000000000000000000-1-1", "4bf9"] {
            let answer = world.nobody.clone().header("traceparent", wrong).get("/v1/x").await;
            let trace = answer.headers["x-trace-id"].to_str().unwrap();
            assert!(trace.len() == 32 && !wrong.contains(trace));
        }
    }

    /// `HEAD` is `GET` without a body, `OPTIONS` says what there is, and other methods are refused.
    async fn methods_are_what_they_should_be(db: TestDb) {
        let world = World::new(db).await;
        let head = world.nobody.raw("HEAD", "/v1/openapi.json", "").await;
        assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
        let options = world.nobody.raw("OPTIONS", "/v1/atomic", "").await;
        assert_eq!(options.status.as_u16(), 204);
        assert_eq!(options.headers["allow"], "POST");
        let refused = world.nobody.raw("TRACE", "/v1/atomic", "").await;
        assert_eq!(refused.headers["allow"], "POST");
        refused.problem(405, "METHOD_NOT_ALLOWED");
        world.nobody.raw("PROPFIND", "/v1/nothing", "").await.problem(404, "NOT_FOUND");
    }

    /// Listed origins may ask from a browser; others are told nothing.
    async fn cors_is_for_listed_origins(db: TestDb) {
        let world = World::with(db, quick()).await;
        let preflight = |origin: &str| {
            let client = world.nobody.clone().header("origin", origin)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization,x-org-id");
            async move { client.raw("OPTIONS", "/v1/atomic", "").await }
        };
        let allowed = preflight("https://app.example").await;
        assert_eq!(allowed.headers["access-control-allow-origin"], "https://app.example");
        assert_eq!(allowed.headers["access-control-allow-credentials"], "true");
        let refused = preflight("https://evil.example").await;
        assert!(!refused.headers.contains_key("access-control-allow-origin"));
    }

    /// Tokens in odd places and odd numbers are none.
    async fn only_one_bearer_token_is_a_token(db: TestDb) {
        let world = World::new(db).await;
        let body = json!({"name": "a"});
        let nobody = world.nobody.clone().org(world.org);
        for value in ["member", "Bearer", "Bearer ", "Basic member", "Bearer  ", "bearer nonsense"] {
            let client = nobody.clone().header("authorization", value);
            client.post("/v1/atomic", body.clone()).await.problem(401, "UNAUTHENTICATED");
        }
        for value in ["bearer member", "BEARER  member "] {
            let client = nobody.clone().header("authorization", value);
            client.post("/v1/atomic", body.clone()).await.expect(201);
        }
        let answer = nobody.post("/v1/atomic?access_token=member", body).await;
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        answer.problem(401, "UNAUTHENTICATED");
    }
}
