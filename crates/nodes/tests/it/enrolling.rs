//! Enrolling, seeing and revoking, by HTTP.

use edge::testing::Client;
use nodes::NodesError;
use serde_json::json;
use vocab::{ExposeSecret, Role, SecretString};

use crate::fake::Fake;
use crate::world::{World, events};

db::on_both_databases! {
    /// An admin enrols; the credential is in that answer and nowhere else.
    async fn a_node_is_enrolled_seen_and_revoked(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let as_role = |role| {
            Client::new(world.router.clone()).bearer(&world.people.token(&db, &ctx, role))
        };
        let (admin, viewer) = (as_role(Role::Admin), as_role(Role::Viewer));
        let new = json!({"name": "builder"});
        as_role(Role::Member).post("/v1/nodes", new.clone()).await.problem(403, "FORBIDDEN");
        let made = admin.clone().key("once").post("/v1/nodes", new.clone()).await.expect(201);
        let credential = made["credential"].as_str().unwrap().to_owned();
        assert!(credential.starts_with("chn_"));
        assert_eq!(made["node"]["status"], "enrolled");
        assert_eq!(made["node"]["shared"], false);
        admin.clone().key("once").post("/v1/nodes", new.clone()).await
            .problem(409, "IDEMPOTENCY_DONE");
        admin.post("/v1/nodes", new).await.problem(409, "NAME_TAKEN");
        admin.post("/v1/nodes", json!({"name": ""})).await.expect(422);
        admin.post("/v1/nodes", json!({"name": "a\u{0}b"})).await.expect(422);
        admin.post("/v1/nodes", json!({"name": "b", "org": "x"})).await.expect(422);
        assert_eq!(events(&ctx, "node.enrolled").await, (1, json!({"name": "builder"})));

        let secret = SecretString::from(credential.clone());
        let fake = Fake::welcomed(world.address, &secret).await;
        let path = format!("/v1/nodes/{}", fake.id);
        let seen = viewer.get(&path).await;
        assert!(!seen.text().contains(&credential));
        let seen = seen.expect(200);
        assert_eq!((&seen["status"], &seen["version"]), (&json!("connected"), &json!("9.9.9")));
        assert_eq!(seen["enforcement"]["level"], "enforced");
        assert_eq!(viewer.get("/v1/nodes").await.expect(200)["items"], json!([seen]));
        viewer.delete(&path).await.problem(403, "FORBIDDEN");
        assert_eq!(admin.delete(&path).await.status, 204);
        assert_eq!(admin.delete(&path).await.status, 204);
        world.gone(fake.id).await;
        assert_eq!(viewer.get(&path).await.expect(200)["status"], "revoked");
        assert_eq!(viewer.get("/v1/nodes").await.expect(200)["items"], json!([]));
        assert_eq!(events(&ctx, "node.revoked").await, (1, json!({"name": "builder"})));
        // The name is free again.
        admin.post("/v1/nodes", json!({"name": "builder"})).await.expect(201);
    }

    /// Another organisation's node is not there; the installation's is everybody's to see.
    async fn organisations_see_their_own_and_the_shared(db: TestDb) {
        let world = World::start(&db).await;
        let (ours, theirs) = (db.org().await, db.org().await);
        let (id, _) = world.enrol(&theirs, "same name").await;
        world.enrol(&ours, "same name").await;
        assert!(matches!(world.nodes.get(&ours, id).await, Err(NodesError::NotFound(_))));
        assert!(matches!(world.nodes.revoke(&ours, id).await, Err(NodesError::NotFound(_))));
        assert_eq!(world.nodes.get(&theirs, id).await.unwrap().revoked_at, None);
        let local = world.nodes.enrol_local(None).await.unwrap();
        for ctx in [&ours, &theirs] {
            assert_eq!(world.nodes.list(ctx, None, 10).await.unwrap().len(), 2);
            assert!(world.nodes.get(ctx, local.id).await.unwrap().org.is_none());
            let refused = world.nodes.revoke(ctx, local.id).await;
            assert!(matches!(refused, Err(NodesError::Shared(_))));
        }
        let first = world.nodes.list(&ours, None, 1).await.unwrap();
        let rest = world.nodes.list(&ours, Some(first[0].id), 10).await.unwrap();
        assert_eq!((first.len(), rest.len()), (1, 1));
        assert_ne!(first[0].id, rest[0].id);
    }

    /// The local node keeps its id, and its credential as long as that is kept in its file.
    async fn the_local_node_is_enrolled_once(db: TestDb) {
        let world = World::start(&db).await;
        let before_any_org = world.nodes.enrol_local(None).await.unwrap();
        let ctx = db.org().await;
        let stored = |text: &str| Some(SecretString::from(text.to_owned()));
        let text = before_any_org.credential.expose_secret();
        let kept = world.nodes.enrol_local(stored(&format!("{text}\n"))).await.unwrap();
        assert_eq!((kept.id, kept.fresh), (before_any_org.id, false));
        assert_eq!(kept.credential.expose_secret(), text);
        let mut held = Fake::welcomed(world.address, &kept.credential).await;
        let lost = world.nodes.enrol_local(stored("garbage")).await.unwrap();
        assert_eq!((lost.id, lost.fresh), (before_any_org.id, true));
        held.dismissed(protocol::RefusalCode::NodeRevoked).await;
        assert_eq!(Fake::refused_with(world.address, text).await, 401);
        Fake::welcomed(world.address, &lost.credential).await;
        assert_eq!(events(&ctx, "node.enrolled").await.0, 1);
    }

    /// What the member role of Postgres and the member transactions may do to a shared node: read.
    async fn a_shared_node_can_not_be_changed_in_an_organisations_transaction(db: TestDb) {
        let (world, ctx) = (World::start(&db).await, db.org().await);
        let local = world.nodes.enrol_local(None).await.unwrap();
        let mut tx = ctx.write().await.unwrap();
        let sql = "UPDATE nodes SET name = 'mine' WHERE (org_id = $1 OR id = $2)";
        let changed = tx.execute(sql, &db::params![local.id]).await;
        if db.db.engine() == db::Engine::Postgres {
            assert_eq!(changed.unwrap(), 0);
        }
    }
}
