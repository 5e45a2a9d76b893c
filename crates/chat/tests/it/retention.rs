//! What becomes of sessions by themselves, what keeps them, and what is left when they are deleted.

use std::time::Duration;

use chat::{Because, ChatError, NewSession, SessionStatus, SweptSessions};
use db::{on_both_databases, params};
use serde_json::{Value, json};
use vault::ContentError;
use vocab::{Role, SessionId, Timestamp};

use crate::world::World;

async fn labelled(world: &World, label: &str) -> SessionId {
    let name = format!(
        "clerk {}",
        vocab::SessionId::generate(world.db.db.clock(), world.db.db.random())
    );
    let clerk = vec![world.agent(&name).await.id];
    let labels = [label].map(str::to_owned).to_vec();
    let new = NewSession {
        labels,
        agents: clerk,
        ..NewSession::default()
    };
    let session = world.make(new).await.unwrap().id;
    world.send(session, "say canary").await;
    world.until_quiet(session).await;
    session
}

fn in_days(world: &World, days: u64) -> Timestamp {
    world.ctx.now().plus(Duration::from_secs(days * 24 * 3600))
}

async fn sweep(world: &World, days: u64) -> SweptSessions {
    let now = in_days(world, days);
    let swept = world.chat.sweep(&world.db.authority, "one", now).await;
    swept.unwrap().expect("nobody else sweeps")
}

async fn status(world: &World, session: SessionId) -> Option<SessionStatus> {
    match world.chat.get(&world.ctx, session).await {
        Ok(session) => Some(session.status),
        Err(ChatError::NotFound(_)) => None,
        Err(error) => panic!("{error:?}"),
    }
}

on_both_databases! {
    /// Sessions that nobody uses become idle, then archived; a message makes them active.
    async fn quiet_sessions_become_idle_and_are_archived(db: TestDb) {
        let world = World::new(db).await;
        let session = labelled(&world, "x").await;
        let before = world.chat.get(&world.ctx, session).await.unwrap();
        assert_eq!(sweep(&world, 6).await, SweptSessions::default());
        assert_eq!(sweep(&world, 8).await, SweptSessions { idle: 1, ..SweptSessions::default() });
        assert_eq!(sweep(&world, 8).await, SweptSessions::default());
        let idle = world.chat.get(&world.ctx, session).await.unwrap();
        assert_eq!((idle.status, idle.updated_at), (SessionStatus::Idle, before.updated_at));
        let owner = world.client.clone().bearer("owner");
        let listed = owner.get("/v1/sessions?status=idle").await.expect(200);
        assert_eq!(listed["items"][0]["id"], session.to_string());
        world.send(session, "say hello").await;
        world.until_quiet(session).await;
        assert_eq!(status(&world, session).await, Some(SessionStatus::Active));
        assert_eq!(sweep(&world, 91).await, SweptSessions { archived: 1, ..SweptSessions::default() });
        assert_eq!(sweep(&world, 10_000).await, SweptSessions::default());
        assert_eq!(status(&world, session).await, Some(SessionStatus::Archived));
        let kinds = world.kinds(session).await;
        assert!(kinds.iter().any(|kind| kind == "session.idled"), "{kinds:?}");
        let why = "SELECT data FROM events WHERE org_id = $1 AND session_id = $2 \
            AND kind = 'session.archived'";
        let row = world.ctx.read().await.unwrap().one(why, &params![session]).await.unwrap();
        assert!(row.get::<String>(0).unwrap().contains("\"because\":\"quiet\""));
        world.chat.restore(&world.ctx, session).await.unwrap();
        // To restore is to use.
        assert_eq!(sweep(&world, 6).await, SweptSessions::default());
    }

    /// One process at a time sweeps; when its lease is over another one does.
    async fn one_process_sweeps(db: TestDb) {
        let world = World::new(db).await;
        let (one, other) = (&world.chat, world.beside().await);
        let now = world.ctx.now();
        assert!(one.sweep(&world.db.authority, "one", now).await.unwrap().is_some());
        assert!(other.chat.sweep(&other.authority, "other", now).await.unwrap().is_none());
        assert!(one.sweep(&world.db.authority, "one", now).await.unwrap().is_some());
        let mut tx = world.db.authority.system_write(world.ctx.actor().clone()).await.unwrap();
        let over = "UPDATE leases SET expires_at_us = 0 WHERE name = 'chat/lifecycle'";
        assert_eq!(tx.execute(over, &[]).await.unwrap(), 1);
        tx.commit_unrecorded("a lease that ran out").await.unwrap();
        assert!(other.chat.sweep(&other.authority, "other", now).await.unwrap().is_some());
        assert!(one.sweep(&world.db.authority, "one", now).await.unwrap().is_none());
    }

    /// Rules by label; what is deleted is gone with its archive, and can't be opened any more.
    async fn retention_deletes_by_label(db: TestDb) {
        let world = World::new(db).await;
        let (temp, kept) = (labelled(&world, "temp").await, labelled(&world, "kept").await);
        let theirs = world.db.org().await;
        let owner = world.client.clone().bearer("owner");
        let rules = json!([{"label": "temp", "after_days": 200, "action": "delete"}]);
        let set = owner.patch("/v1/chat-settings", json!({"retention": rules})).await.expect(200);
        assert_eq!((&set["version"], &set["retention"]), (&json!(1), &rules));
        assert_eq!(sweep(&world, 100).await, SweptSessions { archived: 2, ..SweptSessions::default() });
        let archive = world.chat.archive_of(&world.ctx, temp).await.unwrap().unwrap();
        world.vault.content.open(&world.ctx, archive.digest).await.unwrap();
        assert_eq!(world.blobs().len(), 2);
        assert_eq!(sweep(&world, 201).await, SweptSessions { deleted: 1, ..SweptSessions::default() });
        assert_eq!(status(&world, temp).await, None);
        assert_eq!(status(&world, kept).await, Some(SessionStatus::Archived));
        assert_eq!(world.rows(temp).await, [0; 7]);
        assert_eq!(world.blobs().len(), 1);
        let gone = world.vault.content.open(&world.ctx, archive.digest).await;
        assert!(matches!(gone, Err(ContentError::Erased)), "{gone:?}");
        let kinds = world.kinds(temp).await;
        assert!(kinds.ends_with(&["session.deleted".to_owned(), "content.erased".to_owned()])
            || kinds.contains(&"session.deleted".to_owned()), "{kinds:?}");
        assert!(world.chat.settings(&theirs).await.unwrap().0.retention.is_empty());
        // The other one opens as ever.
        world.chat.restore(&world.ctx, kept).await.unwrap();
        assert_eq!(world.messages(kept).await[1].1.as_deref(), Some("canary"));
    }

    /// A held session is kept from everybody and every rule, and its release lets it go.
    async fn a_hold_keeps_a_session(db: TestDb) {
        let world = World::new(db).await;
        let session = labelled(&world, "temp").await;
        let (admin, member) = (world.client.clone().bearer("admin"), world.client.clone().bearer("member"));
        let path = format!("/v1/sessions/{session}");
        let hold = format!("{path}/hold");
        let why = json!({"reason": "case 4711"});
        member.put(&hold, why.clone()).await.problem(403, "FORBIDDEN");
        admin.get(&hold).await.problem(404, "NOT_FOUND");
        assert_eq!(admin.put(&hold, json!({"reason": " "})).await.status, 422);
        let held = admin.put(&hold, why.clone()).await.expect(200);
        assert_eq!(held["reason"], "case 4711");
        assert_eq!(held["held_by"], world.ctx.actor().user.unwrap().to_string());
        admin.put(&hold, why).await.problem(409, "SESSION_HELD");
        assert_eq!(admin.get(&hold).await.expect(200), held);
        member.get(&hold).await.problem(403, "FORBIDDEN");
        assert_eq!(member.get(&path).await.expect(200)["held"], true);
        let rules = json!([{"after_days": 1, "action": "delete"}]);
        admin.patch("/v1/chat-settings", json!({"retention": rules})).await.expect(200);
        assert_eq!(sweep(&world, 1_000).await, SweptSessions::default());
        admin.delete(&path).await.problem(409, "SESSION_HELD");
        // Archiving loses nothing, and the hold stays.
        world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
        admin.delete(&path).await.problem(409, "SESSION_HELD");
        world.chat.restore(&world.ctx, session).await.unwrap();
        assert_eq!(world.messages(session).await.len(), 2);
        // Why it is held is in no event, only its digest.
        let sql = "SELECT count(*) FROM events WHERE org_id = $1 AND data LIKE '%4711%'";
        let row = world.ctx.read().await.unwrap().one(sql, &[]).await.unwrap();
        assert_eq!(row.get::<i64>(0).unwrap(), 0);
        member.delete(&hold).await.problem(403, "FORBIDDEN");
        assert_eq!(admin.delete(&hold).await.status, 204);
        admin.delete(&hold).await.problem(404, "NOT_FOUND");
        let kinds = world.kinds(session).await;
        for kind in ["session.held", "session.released"] {
            assert_eq!(kinds.iter().filter(|it| *it == kind).count(), 1, "{kinds:?}");
        }
        assert_eq!(sweep(&world, 1_000).await, SweptSessions { deleted: 1, ..SweptSessions::default() });
    }

    /// Deleting takes an admin and a session that nobody works in; then nothing of it opens.
    async fn a_deleted_session_is_forgotten(db: TestDb) {
        let world = World::new(db).await;
        let session = labelled(&world, "x").await;
        let texts: Vec<_> = world.messages(session).await.into_iter().map(|(it, _)| it.content).collect();
        world.vault.content.open(&world.ctx, texts[0]).await.unwrap();
        let run = world.say(session, "hold").await;
        let admin = world.client.clone().bearer("admin");
        let path = format!("/v1/sessions/{session}");
        world.client.clone().bearer("member").delete(&path).await.problem(403, "FORBIDDEN");
        admin.delete(&path).await.problem(409, "SESSION_BUSY");
        world.runs.cancel(&world.ctx, run.id).await.unwrap();
        world.until_quiet(session).await;
        let before = admin.get(&path).await.expect(200)["message_count"].clone();
        assert_eq!(admin.delete(&path).await.status, 204);
        admin.get(&path).await.problem(404, "NOT_FOUND");
        admin.delete(&path).await.problem(404, "NOT_FOUND");
        assert_eq!(world.rows(session).await, [0; 7]);
        for text in texts {
            let gone = world.vault.content.open(&world.ctx, text).await;
            assert!(matches!(gone, Err(ContentError::Erased)), "{gone:?}");
        }
        let sealed = "SELECT count(*) FROM content WHERE org_id = $1 AND subject_id = $2 \
            AND (sealed IS NOT NULL OR blob IS NOT NULL)";
        let row = world.ctx.read().await.unwrap().one(sealed, &params![session]).await.unwrap();
        assert_eq!(row.get::<i64>(0).unwrap(), 0);
        let event = "SELECT data FROM events WHERE org_id = $1 AND session_id = $2 \
            AND kind = 'session.deleted'";
        let row = world.ctx.read().await.unwrap().one(event, &params![session]).await.unwrap();
        let data: Value = serde_json::from_str(&row.get::<String>(0).unwrap()).unwrap();
        assert_eq!((&data["messages"], &data["because"]), (&before, &json!("asked")));
        // Its run remains, as evidence.
        assert!(world.runs.get(&world.ctx, run.id).await.unwrap().state.is_over());
    }

    /// The process dies at every store call of deleting: the session is there as it was, or gone.
    async fn a_crash_while_deleting_leaves_all_or_nothing(db: TestDb) {
        let world = World::new(db).await;
        let (mut session, mut deaths) = (labelled(&world, "x").await, 0);
        for n in 1.. {
            let life = world.beside().await;
            life.db.faults().die_at(n);
            let done = life.chat.delete(&life.ctx, session).await;
            let died = life.db.faults().is_dead();
            deaths += u32::from(died);
            match status(&world, session).await {
                Some(_) => {
                    assert!(done.is_err(), "dead at {n}");
                    assert_eq!(world.messages(session).await[1].1.as_deref(), Some("canary"));
                }
                None => {
                    assert_eq!(world.rows(session).await, [0; 7], "dead at {n}");
                    world.vault.sweep(&world.db.authority).await.unwrap();
                    session = labelled(&world, "x").await;
                }
            }
            if !died {
                break;
            }
        }
        assert!(deaths > 15, "{deaths}");
    }

    /// Settings are an admin's, checked, and versions only when they change.
    async fn settings_by_http(db: TestDb) {
        let world = World::new(db).await;
        let (admin, member) = (world.client.clone().bearer("admin"), world.client.clone().bearer("member"));
        let path = "/v1/chat-settings";
        let usual = json!({"idle_after_days": 7, "archive_after_days": 90, "retention": [], "version": 0});
        assert_eq!(member.get(path).await.expect(200), usual);
        member.patch(path, json!({"idle_after_days": 3})).await.problem(403, "FORBIDDEN");
        assert_eq!(admin.patch(path, json!({})).await.expect(200), usual);
        let never = json!({"archive_after_days": null, "idle_after_days": 3});
        let set = admin.patch(path, never.clone()).await.expect(200);
        let now = json!({"idle_after_days": 3, "archive_after_days": null, "retention": [], "version": 1});
        assert_eq!(set, now);
        assert_eq!(admin.patch(path, never).await.expect(200), now);
        for wrong in [json!({"idle_after_days": 0}), json!({"archive_after_days": 40_000}),
            json!({"retention": [{"after_days": 0, "action": "delete"}]}),
            json!({"retention": [{"after_days": 1, "action": "burn"}]}),
            json!({"retention": [{"after_days": 1, "action": "delete"}, {"after_days": 2, "action": "delete"}]}),
            json!({"retention": [{"label": "", "after_days": 1, "action": "delete"}]}),
            json!({"retention": [{"after_days": 1, "action": "delete", "x": 1}]}), json!({"x": 1}), json!([])]
        {
            let answer = admin.patch(path, wrong.clone()).await;
            assert_eq!(answer.status, 422, "{wrong}: {}", answer.text());
        }
        assert_eq!(member.get(path).await.expect(200), now);
        let viewer = world.role(Role::Viewer);
        assert!(world.chat.archive(&viewer, world.session(&[]).await.id, Because::Asked).await.is_err());
    }
}
