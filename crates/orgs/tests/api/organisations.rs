//! Organisations.

use db::on_both_databases;
use futures::future::join_all;
use serde_json::json;

use crate::world::World;

on_both_databases! {
    /// Made, listed, renamed, closed; and then it is not there any more, for its keys neither.
    async fn an_organisation_lives_and_ends(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let made = ada.client.post("/v1/orgs", json!({"name": " Second "})).await.expect(201);
        assert_eq!((&made["name"], &made["role"]), (&json!("Second"), &json!("owner")));
        let id = made["id"].as_str().unwrap();
        let inside = ada.client.clone().org(id);
        let path = format!("/v1/orgs/{id}");
        assert_eq!(ada.client.get(&path).await.expect(200), made);
        let renamed = ada.client.patch(&path, json!({"name": "Third"})).await.expect(200);
        assert_eq!(renamed["name"], "Third");
        assert_eq!(ada.client.get("/v1/orgs").await.expect(200)["items"].as_array().unwrap().len(), 2);
        let key = inside.post("/v1/api-keys", json!({"name": "ci"})).await.expect(201);
        let key = world.client.clone().bearer(key["key"].as_str().unwrap());
        key.get("/v1/me").await.expect(200);
        ada.client.delete(&path).await.expect(204);
        ada.client.get(&path).await.problem(404, "NOT_FOUND");
        inside.get("/v1/members").await.problem(404, "NOT_FOUND");
        key.get("/v1/me").await.problem(401, "UNAUTHENTICATED");
        assert_eq!(ada.client.get("/v1/orgs").await.expect(200)["items"].as_array().unwrap().len(), 1);
        let kinds = world.kinds(id).await;
        assert_eq!(kinds, ["org.created", "member.joined", "org.updated", "key.created", "org.deleted"]);
    }

    /// The same key and body, however often and at once, make one organisation; each answer that
    /// is one is the same.
    async fn an_idempotency_key_makes_one_organisation(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let client = ada.client.clone().key("k1");
        let answers = join_all((0..8).map(|_| client.post("/v1/orgs", json!({"name": "New"})))).await;
        let mut ids = std::collections::BTreeSet::new();
        for answer in answers {
            match answer.status.as_u16() {
                201 => drop(ids.insert(answer.json["id"].to_string())),
                _ => drop(answer.problem(409, "IDEMPOTENCY_IN_FLIGHT")),
            }
        }
        assert_eq!(ids.len(), 1);
        let again = client.post("/v1/orgs", json!({"name": "New"})).await;
        assert_eq!(again.headers["idempotent-replay"], "true");
        assert!(ids.contains(&again.expect(201)["id"].to_string()));
        client.post("/v1/orgs", json!({"name": "Other"})).await.problem(422, "IDEMPOTENCY_MISMATCH");
        ada.client.clone().key("k2").post("/v1/orgs", json!({"name": "New"})).await.expect(201);
        // Another person's key of the same name is another key.
        let bob = world.register("bob").await;
        bob.client.clone().key("k1").post("/v1/orgs", json!({"name": "New"})).await.expect(201);
        assert_eq!(ada.client.get("/v1/orgs").await.expect(200)["items"].as_array().unwrap().len(), 3);
        // What is stored can't be read without the key and the body.
        let mut tx = world.db.authority.system_read().await.unwrap();
        let rows = tx.all("SELECT answer FROM idempotency", &[]).await.unwrap();
        assert!(!rows.is_empty());
        for row in rows {
            let stored: Vec<u8> = row.get(0).unwrap();
            assert!(!String::from_utf8_lossy(&stored).contains("New"));
        }
    }
}
