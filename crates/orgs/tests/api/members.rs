//! Members: who may do what to whom, and that it is so at once.

use db::on_both_databases;
use futures::future::join;
use serde_json::json;

use crate::world::World;

on_both_databases! {
    /// What a role may not do is refused with the role that may.
    async fn roles_are_what_they_say(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let viewer = world.join(&ada, "vic", "viewer").await;
        let member = world.join(&ada, "mel", "member").await;
        let admin = world.join(&ada, "ann", "admin").await;
        let org = format!("/v1/orgs/{}", ada.org);
        let name = json!({"name": "Other"});
        for (who, members, keys, rename) in
            [(&viewer, 200, 403, 403), (&member, 200, 200, 403), (&admin, 200, 200, 200), (&ada, 200, 200, 200)]
        {
            who.client.get("/v1/members").await.expect(members);
            who.client.get("/v1/api-keys").await.expect(keys);
            who.client.patch(&org, name.clone()).await.expect(rename);
        }
        for who in [&viewer, &member, &admin] {
            let refused = who.client.delete(&org).await.problem(403, "FORBIDDEN");
            assert!(refused["detail"].as_str().unwrap().contains("`owner`"));
        }
    }

    /// A stranger's answer is the same as for what does not exist.
    async fn another_organisation_is_not_there(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let eve = world.register("eve").await;
        let missing = vocab::OrgId::generate(world.db.db.clock(), world.db.db.random());
        let inside = eve.client.clone();
        for org in [ada.org.clone(), missing.to_string(), "nonsense".into(), ada.user.clone()] {
            let mut seen = Vec::new();
            let client = inside.clone().org(&org);
            for path in ["/v1/members", "/v1/api-keys", "/v1/invitations"] {
                let mut body = client.get(path).await.problem(404, "NOT_FOUND");
                body["trace_id"].take();
                seen.push(body["detail"].clone());
            }
            let path = format!("/v1/orgs/{org}");
            seen.push(inside.get(&path).await.problem(404, "NOT_FOUND")["detail"].clone());
            inside.patch(&path, json!({"name": "Mine"})).await.problem(404, "NOT_FOUND");
            inside.delete(&path).await.problem(404, "NOT_FOUND");
            assert!(seen.iter().all(|detail| *detail == seen[0]), "{seen:?}");
        }
        let path = format!("/v1/members/{}", ada.user);
        eve.client.delete(&path).await.problem(404, "NOT_FOUND");
        eve.client.patch(&path, json!({"role": "viewer"})).await.problem(404, "NOT_FOUND");
        let nowhere = world.log_in(&eve.email, crate::world::PASSWORD).await.expect(200);
        let nowhere = world.client.clone().bearer(nowhere["access_token"].as_str().unwrap());
        nowhere.get("/v1/members").await.problem(422, "ORG_REQUIRED");
    }

    /// A removed, suspended or demoted member is so with the next request; so are the keys.
    async fn removal_suspension_and_demotion_are_at_once(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let bob = world.join(&ada, "bob", "admin").await;
        let path = format!("/v1/members/{}", bob.user);
        let key = bob.client.post("/v1/api-keys", json!({"name": "ci"})).await.expect(201);
        let key = world.client.clone().bearer(key["key"].as_str().unwrap());
        key.get("/v1/invitations").await.expect(200);

        ada.client.patch(&path, json!({"role": "viewer"})).await.expect(200);
        bob.client.get("/v1/invitations").await.problem(403, "FORBIDDEN");
        key.get("/v1/invitations").await.problem(403, "FORBIDDEN");
        key.get("/v1/members").await.expect(200);

        let suspended = ada.client.patch(&path, json!({"suspended": true})).await.expect(200);
        assert_eq!((&suspended["suspended"], &suspended["role"]), (&json!(true), &json!("viewer")));
        bob.client.get("/v1/members").await.problem(404, "NOT_FOUND");
        key.get("/v1/members").await.problem(401, "UNAUTHENTICATED");
        ada.client.patch(&path, json!({"suspended": false})).await.expect(200);
        bob.client.get("/v1/members").await.expect(200);

        ada.client.delete(&path).await.expect(204);
        bob.client.get("/v1/members").await.problem(404, "NOT_FOUND");
        key.get("/v1/members").await.problem(401, "UNAUTHENTICATED");
        ada.client.delete(&path).await.problem(404, "NOT_FOUND");
        let kinds = world.kinds(&ada.org).await;
        assert!(kinds.ends_with(&["key.revoked".into(), "member.removed".into()]), "{kinds:?}");
    }

    /// Nobody acts on somebody above, or gives more than the own role.
    async fn nobody_reaches_above(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let ann = world.join(&ada, "ann", "admin").await;
        let bob = world.join(&ada, "bob", "member").await;
        let of = |user: &str| format!("/v1/members/{user}");
        ann.client.patch(&of(&ann.user), json!({"role": "owner"})).await.problem(403, "FORBIDDEN");
        ann.client.patch(&of(&bob.user), json!({"role": "owner"})).await.problem(403, "FORBIDDEN");
        ann.client.patch(&of(&ada.user), json!({"role": "viewer"})).await.problem(403, "FORBIDDEN");
        ann.client.delete(&of(&ada.user)).await.problem(403, "FORBIDDEN");
        ann.client.patch(&of(&bob.user), json!({"role": "admin"})).await.expect(200);
        ada.client.patch(&of(&ann.user), json!({"role": "owner"})).await.expect(200);
        ann.client.patch(&of(&ada.user), json!({"role": "viewer"})).await.expect(200);
    }

    /// The last owner stays one, whichever way it is tried, and also when two try at once.
    async fn an_organisation_keeps_an_owner(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let of = |user: &str| format!("/v1/members/{user}");
        let leave = format!("/v1/orgs/{}/leave", ada.org);
        ada.client.patch(&of(&ada.user), json!({"role": "admin"})).await.problem(409, "LAST_OWNER");
        ada.client.patch(&of(&ada.user), json!({"suspended": true})).await.problem(409, "LAST_OWNER");
        ada.client.delete(&of(&ada.user)).await.problem(409, "LAST_OWNER");
        ada.client.raw("POST", &leave, "").await.problem(409, "LAST_OWNER");
        let bob = world.join(&ada, "bob", "owner").await;
        let (left, right) = join(
            ada.client.raw("POST", &leave, ""),
            bob.client.raw("POST", &leave, ""),
        ).await;
        let mut statuses = [left.status.as_u16(), right.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409]);
    }

    /// Members come page by page, each once.
    async fn members_are_listed_in_pages(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        for name in ["bob", "cat", "dan"] {
            world.join(&ada, name, "viewer").await;
        }
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = ada.client.get(&format!("/v1/members?limit=2&cursor={cursor}")).await.expect(200);
            seen.extend(page["items"].as_array().unwrap().iter().map(|it| it["name"].clone()));
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(seen, ["ada", "bob", "cat", "dan"]);
        for wrong in ["limit=0", "limit=201", "limit=x", "cursor=!", "cursor=e30", "cursor=WzEsMl0"] {
            ada.client.get(&format!("/v1/members?{wrong}")).await.problem(422, "INVALID");
        }
    }
}
