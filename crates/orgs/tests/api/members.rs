//! Members: who may do what to whom, and that it is so at once.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU32};

use db::on_both_databases;
use futures::future::join;
use serde_json::json;

use crate::world::World;

/// What the database says.
async fn is_member(world: &World, org: &str, user: &str) -> bool {
    let (org, user): (vocab::OrgId, vocab::UserId) = (org.parse().unwrap(), user.parse().unwrap());
    let mut tx = world.db.authority.system_read().await.unwrap();
    let sql = "SELECT role FROM memberships WHERE org_id = $1 AND user_id = $2";
    tx.optional(sql, &db::params![org, user])
        .await
        .unwrap()
        .is_some()
}

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

    /// However many requests are under way: none that comes after the answer to a removal is let in.
    async fn no_request_outlives_a_removal(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let path = |user: &str| format!("/v1/members/{user}");
        let bob = world.join(&ada, "bob", "viewer").await;
        for round in 0..40 {
            let removed = AtomicBool::new(false);
            let (late, asked) = (AtomicU32::new(0), AtomicU32::new(0));
            let ask = async {
                let mut after = 0;
                while after < 3 {
                    // Read before the request is sent.
                    let over = removed.load(SeqCst);
                    let status = bob.client.get("/v1/members").await.status.as_u16();
                    asked.fetch_add(1, SeqCst);
                    if over {
                        after += 1;
                        late.fetch_add(u32::from(status != 404), SeqCst);
                    }
                    tokio::task::yield_now().await;
                }
            };
            let remove = async {
                let suspended = json!({"suspended": true});
                ada.client.patch(&path(&bob.user), suspended).await.expect(200);
                removed.store(true, SeqCst);
            };
            join(ask, remove).await;
            assert_eq!(late.into_inner(), 0, "round {round}");
            assert!(asked.into_inner() >= 3);
            ada.client.patch(&path(&bob.user), json!({"suspended": false})).await.expect(200);
            bob.client.get("/v1/members").await.expect(200);
        }
    }

    /// Whoever gives up waiting for a removal takes nothing back: once it is in the database, it is
    /// in force.
    async fn a_removal_holds_though_nobody_waits_for_it(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let mut removals = 0;
        for round in 0..16 {
            let bob = world.join(&ada, &format!("bob{round}"), "viewer").await;
            bob.client.get("/v1/members").await.expect(200);
            let path = format!("/v1/members/{}", bob.user);
            // From nothing at all to long enough.
            let wait = std::time::Duration::from_micros(100 << round);
            let _given_up = tokio::time::timeout(wait, ada.client.delete(&path)).await;
            // The removal may still be on its way: what is asked between two equal answers of the
            // database must agree with them.
            loop {
                let before = is_member(&world, &ada.org, &bob.user).await;
                let status = bob.client.get("/v1/members").await.status.as_u16();
                if is_member(&world, &ada.org, &bob.user).await == before {
                    assert_eq!(status, if before { 200 } else { 404 }, "round {round}");
                    removals += u32::from(!before);
                    break;
                }
            }
        }
        assert!(removals > 0);
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
