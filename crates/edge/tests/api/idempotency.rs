//! Idempotency keys, of both ways.

use std::time::Duration;

use db::{Engine, on_both_databases, params};
use futures::future::join_all;
use serde_json::json;

use crate::world::World;

const BOTH: [&str; 2] = ["/v1/atomic", "/v1/reserved/a"];

on_both_databases! {
    /// The same again is answered with the same, by this process and by the next one.
    async fn the_same_request_has_the_same_answer(db: TestDb) {
        let world = World::new(db).await;
        for (at, path) in BOTH.into_iter().enumerate() {
            let client = world.client.clone().key(path);
            let body = json!({"name": "a \u{1F980}"});
            let first = client.post(path, body.clone()).await;
            assert!(!first.headers.contains_key("idempotent-replay"));
            let first = first.expect(201);
            for client in [&client, &world.restarted().key(path)] {
                let again = client.post(path, body.clone()).await;
                assert_eq!(again.headers["idempotent-replay"], "true");
                assert_eq!(again.headers["content-type"], "application/json");
                assert_eq!(again.expect(201), first);
            }
            assert_eq!(world.effects() as usize, at + 1);
        }
        assert_eq!(world.versions().await, 2);
    }

    /// Another body, or another path of the same route, under the same key is a mistake.
    async fn another_request_under_the_same_key_is_refused(db: TestDb) {
        let world = World::new(db).await;
        for path in BOTH {
            let client = world.client.clone().key("k");
            client.post(path, json!({"name": "a"})).await.expect(201);
            client.post(path, json!({"name": "b"})).await.problem(422, "IDEMPOTENCY_MISMATCH");
        }
        let client = world.client.clone().key("k");
        client.post("/v1/reserved/b", json!({"name": "a"})).await.problem(422, "IDEMPOTENCY_MISMATCH");
        assert_eq!(world.effects(), 2);
        for wrong in ["", " ", &"k".repeat(256)] {
            let client = world.client.clone().key(wrong);
            client.post("/v1/atomic", json!({"name": "a"})).await.problem(422, "IDEMPOTENCY_KEY_INVALID");
        }
    }

    /// Two processes at once, sixteen requests: one effect, and every success is the same.
    async fn at_once_it_happens_once(db: TestDb) {
        let world = World::new(db).await;
        let (one, other) = (world.client.clone(), world.restarted());
        for path in BOTH {
            let before = world.effects();
            let clients = (0..16).map(|at| if at % 2 == 0 { &one } else { &other });
            let posts = clients.map(|client| {
                let client = client.clone().key("race");
                async move { client.post(path, json!({"name": "a"})).await }
            });
            let mut successes = Vec::new();
            for answer in join_all(posts).await {
                match answer.status.as_u16() {
                    201 => successes.push(answer.json),
                    _ if answer.json["code"] == "IDEMPOTENCY_UNKNOWN" => {
                        // SQLite has one process in life; the second one of this test looks like
                        // the successor of a dead first one.
                        assert_eq!((world.db.db.engine(), path), (Engine::Sqlite, BOTH[1]));
                    }
                    _ => drop(answer.problem(409, "IDEMPOTENCY_IN_FLIGHT")),
                }
            }
            assert_eq!(world.effects() - before, 1, "{path}");
            assert!(!successes.is_empty() && successes.iter().all(|it| *it == successes[0]));
        }
    }

    /// A failure keeps nothing, and the same key may try again.
    async fn a_failure_may_be_tried_again(db: TestDb) {
        let world = World::new(db).await;
        for path in BOTH {
            for status in [404, 409, 422, 503] {
                let client = world.client.clone().key("k");
                let failed = client.post(path, json!({"name": "a", "fail": status})).await;
                assert_eq!(failed.status.as_u16(), status);
                assert_eq!(world.stored_keys().await, 0, "{path} {status}");
            }
        }
        // But what failed on our side may have happened.
        let client = world.client.clone().key("k");
        let failed = client.post(BOTH[1], json!({"name": "a", "fail": 500})).await;
        assert_eq!(failed.status.as_u16(), 500);
        client.post(BOTH[1], json!({"name": "a", "fail": 500})).await.problem(409, "IDEMPOTENCY_UNKNOWN");
        // Where key and effect are one, it is known that it did not.
        for _ in 0..2 {
            let failed = client.post(BOTH[0], json!({"name": "a", "fail": 500})).await;
            assert_eq!(failed.status.as_u16(), 500);
        }
    }

    /// A process dies between the reservation and the answer: its successor never repeats it.
    async fn what_a_dead_process_left_is_not_repeated(db: TestDb) {
        let world = World::new(db).await;
        let body = json!({"name": "a"});
        world.client.clone().key("dead").post(BOTH[1], body.clone()).await.expect(201);
        // As it is when the process dies after the effect and before the answer is stored.
        let long_ago = world.db.db.clock().now().minus(Duration::from_secs(600));
        let mut tx = world.db.authority.system_write(vocab::Actor::system("test")).await.unwrap();
        let sql = "UPDATE idempotency SET status = NULL, answer = NULL, reserved_at_us = $1";
        tx.execute(sql, &params![long_ago]).await.unwrap();
        tx.commit_unrecorded("test").await.unwrap();
        let client = world.restarted().key("dead");
        client.post(BOTH[1], body.clone()).await.problem(409, "IDEMPOTENCY_UNKNOWN");
        client.post(BOTH[1], body).await.problem(409, "IDEMPOTENCY_UNKNOWN");
        assert_eq!(world.effects(), 1);
    }

    /// A process dies after the commit of an atomic effect and before its answer left: the
    /// successor gives that answer. And if it dies before the commit, the successor does it.
    async fn an_atomic_effect_survives_its_process(db: TestDb) {
        let world = World::new(db).await;
        let body = json!({"name": "a"});
        // The client hears nothing: the future is dropped as soon as it has been begun.
        for round in 0..20 {
            let key = format!("k{round}");
            let client = world.client.clone().key(&key);
            let wait = Duration::from_micros(200 * round);
            let _gone = tokio::time::timeout(wait, client.post(BOTH[0], body.clone())).await;
            world.restarted().key(&key).post(BOTH[0], body.clone()).await;
        }
        world.edge.drain().await;
        for round in 0..20 {
            let key = format!("k{round}");
            world.restarted().key(&key).post(BOTH[0], body.clone()).await.expect(201);
        }
        assert_eq!(world.versions().await, 1 + 20);
    }

    /// A client that goes away does not take its request with it.
    async fn disconnecting_is_not_cancelling(db: TestDb) {
        let world = World::new(db).await;
        let client = world.client.clone().key("k");
        let gone = tokio::time::timeout(Duration::from_millis(200), client.raw("POST", "/v1/slow", "")).await;
        assert!(gone.is_err());
        client.raw("POST", "/v1/slow", "").await.problem(409, "IDEMPOTENCY_IN_FLIGHT");
        world.shop.gate.add_permits(1);
        world.edge.drain().await;
        let again = client.raw("POST", "/v1/slow", "").await;
        assert_eq!(again.headers["idempotent-replay"], "true");
        assert_eq!(again.expect(200)["count"], 1);
        assert_eq!(world.effects(), 1);
    }

    /// Nobody's key is ignored, and so is a key on a request that changes nothing.
    async fn keys_without_a_caller_are_ignored(db: TestDb) {
        let world = World::new(db).await;
        world.nobody.clone().key("k").raw("POST", "/v1/auth/knock", "").await.expect(204);
        world.nobody.clone().key("k").raw("POST", "/v1/auth/knock", "x").await.expect(204);
        world.nobody.clone().key("k").post(BOTH[0], json!({"name": "a"})).await.problem(401, "UNAUTHENTICATED");
        assert_eq!(world.stored_keys().await, 0);
    }

    /// Expired keys are forgotten, and may be used again even before they are swept.
    async fn keys_expire(db: TestDb) {
        let world = World::new(db).await;
        for path in BOTH {
            world.client.clone().key("k").post(path, json!({"name": "a"})).await.expect(201);
        }
        assert_eq!(world.edge.sweep().await.unwrap(), 0);
        let mut tx = world.db.authority.system_write(vocab::Actor::system("test")).await.unwrap();
        tx.execute("UPDATE idempotency SET expires_at_us = 1", &[]).await.unwrap();
        tx.commit_unrecorded("test").await.unwrap();
        for path in BOTH {
            let answer = world.client.clone().key("k").post(path, json!({"name": "b"})).await;
            assert!(!answer.headers.contains_key("idempotent-replay"));
            answer.expect(201);
        }
        assert_eq!(world.effects(), 4);
        let mut tx = world.db.authority.system_write(vocab::Actor::system("test")).await.unwrap();
        tx.execute("UPDATE idempotency SET expires_at_us = 1", &[]).await.unwrap();
        tx.commit_unrecorded("test").await.unwrap();
        assert_eq!(world.edge.sweep().await.unwrap(), 2);
    }
}
