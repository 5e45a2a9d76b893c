//! API keys.

use db::on_both_databases;
use serde_json::json;
use vocab::Timestamp;

use crate::world::World;

on_both_databases! {
    /// A key acts in its organisation, with its role, and is shown once.
    async fn a_key_is_its_organisations_and_its_roles(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let eve = world.register("eve").await;
        let body = json!({"name": "ci", "role": "viewer"});
        let made = ada.client.post("/v1/api-keys", body).await.expect(201);
        let text = made["key"].as_str().unwrap();
        assert!(text.starts_with(made["prefix"].as_str().unwrap()) && text.starts_with("chk_"));
        assert_eq!(made["last_used_at"], json!(null));
        let key = world.client.clone().bearer(text);
        key.get("/v1/members").await.expect(200);
        key.clone().org(&ada.org).get("/v1/members").await.expect(200);
        key.clone().org(&eve.org).get("/v1/members").await.problem(404, "NOT_FOUND");
        key.get(&format!("/v1/orgs/{}", eve.org)).await.problem(404, "NOT_FOUND");
        key.get("/v1/api-keys").await.problem(403, "FORBIDDEN");
        key.get("/v1/me/sessions").await.problem(403, "PERSON_REQUIRED");
        key.post("/v1/orgs", json!({"name": "x"})).await.problem(403, "PERSON_REQUIRED");
        let me = key.get("/v1/me").await.expect(200);
        assert_eq!(me["credential"], json!({"type": "api_key", "id": made["id"]}));
        assert_eq!((&me["memberships"][0]["id"], &me["memberships"][0]["role"]), (&json!(ada.org), &json!("viewer")));
        let list = ada.client.get("/v1/api-keys").await.expect(200);
        assert!(!list.to_string().contains(text));
        assert!(list["items"][0]["last_used_at"].is_string());
    }

    /// Deleted or expired, a key stops with the next request.
    async fn a_key_ends_at_once(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let made = ada.client.post("/v1/api-keys", json!({"name": "ci"})).await.expect(201);
        let key = world.client.clone().bearer(made["key"].as_str().unwrap());
        key.get("/v1/members").await.expect(200);
        let path = format!("/v1/api-keys/{}", made["id"].as_str().unwrap());
        ada.client.delete(&path).await.expect(204);
        key.get("/v1/members").await.problem(401, "UNAUTHENTICATED");
        ada.client.delete(&path).await.problem(404, "NOT_FOUND");

        let soon = Timestamp::from_micros(world.db.db.clock().now().as_micros() + 400_000);
        let body = json!({"name": "soon", "expires_at": soon});
        let made = ada.client.post("/v1/api-keys", body).await.expect(201);
        let key = world.client.clone().bearer(made["key"].as_str().unwrap());
        key.get("/v1/members").await.expect(200);
        while world.db.db.clock().now() < soon {
            tokio::task::yield_now().await;
        }
        key.get("/v1/members").await.problem(401, "UNAUTHENTICATED");
        let past = json!({"name": "past", "expires_at": "2020-01-01T00:00:00Z"});
        let refused = ada.client.post("/v1/api-keys", past).await.problem(422, "INVALID");
        assert_eq!(refused["errors"][0]["pointer"], "/expires_at");
    }

    /// Members see and delete their own keys; admins all; nobody makes one above the own role.
    async fn keys_belong_to_their_makers(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let bob = world.join(&ada, "bob", "member").await;
        let of_ada = ada.client.post("/v1/api-keys", json!({"name": "a"})).await.expect(201);
        let of_bob = bob.client.post("/v1/api-keys", json!({"name": "b"})).await.expect(201);
        assert_eq!(of_bob["role"], "member");
        bob.client.post("/v1/api-keys", json!({"name": "c", "role": "admin"})).await.problem(403, "FORBIDDEN");
        let count = |list: serde_json::Value| list["items"].as_array().unwrap().len();
        assert_eq!(count(bob.client.get("/v1/api-keys").await.expect(200)), 1);
        assert_eq!(count(ada.client.get("/v1/api-keys").await.expect(200)), 2);
        let path = |made: &serde_json::Value| format!("/v1/api-keys/{}", made["id"].as_str().unwrap());
        bob.client.delete(&path(&of_ada)).await.problem(404, "NOT_FOUND");
        ada.client.delete(&path(&of_bob)).await.expect(204);
    }

    /// A repeated request makes no second key, and its secret is not kept for it.
    async fn a_repeated_request_makes_one_key(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let client = ada.client.clone().key("once");
        client.post("/v1/api-keys", json!({"name": "ci"})).await.expect(201);
        client.post("/v1/api-keys", json!({"name": "ci"})).await.problem(409, "IDEMPOTENCY_DONE");
        client.post("/v1/api-keys", json!({"name": "cd"})).await.problem(422, "IDEMPOTENCY_MISMATCH");
        let list = ada.client.get("/v1/api-keys").await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
    }
}
