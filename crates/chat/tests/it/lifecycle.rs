//! Archives: everything is where it was, whatever dies in between.

use chat::{Because, ChatError, NewMessage, Reading, SessionStatus, Shown, Which};
use db::{on_both_databases, params};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use vocab::{Digest, Draft, EventKind, Role, RunId, SessionId, UserId};

use crate::world::World;

/// A session with branches, reactions, marks and members; everything in it is quiet.
async fn full(world: &World) -> SessionId {
    let clerk = world.agent("clerk").await;
    let session = world.session(&[&clerk]).await.id;
    let (asked, _) = world.send(session, "say first answer").await;
    world.until_quiet(session).await;
    world.send(session, "say second answer").await;
    world.until_quiet(session).await;
    world
        .edit(&world.ctx, asked.id, "say another start")
        .await
        .unwrap();
    world.until_quiet(session).await;
    let other = world.role(Role::Member);
    for ctx in [&world.ctx, &other] {
        let mut tx = ctx.write().await.unwrap();
        world
            .chat
            .react(ctx, &mut tx, asked.id, "👍")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        world.chat.mark_read(ctx, session, 3).await.unwrap();
    }
    let mut tx = world.ctx.write().await.unwrap();
    let member: UserId = other.actor().user.unwrap();
    world
        .chat
        .add_member(&world.ctx, &mut tx, session, member)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    session
}

type Seen = (Vec<Shown>, Vec<Shown>, Vec<String>);

/// All that people see of a session.
fn seen(world: &World, session: SessionId) -> BoxFuture<'_, Seen> {
    let (chat, ctx) = (&world.chat, &world.ctx);
    Box::pin(async move {
        let all = chat.messages(ctx, (session, Which::All), Reading::Oldest(0), 100);
        let current = chat.messages(ctx, (session, Which::Current), Reading::Oldest(0), 100);
        let reads = chat.reads(ctx, session).await.unwrap();
        let members = chat.members(ctx, session).await.unwrap();
        let found = chat
            .search(ctx, ("answer", Some(session)), None, 100)
            .await
            .unwrap();
        let reads = reads.iter().map(|it| format!("{it:?}"));
        let members = members.iter().map(|it| format!("{it:?}"));
        let found = found.hits.iter().map(|hit| hit.excerpt.clone());
        let rest = reads.chain(members).chain(found).collect();
        (all.await.unwrap(), current.await.unwrap(), rest)
    })
}

on_both_databases! {
    /// The rows leave, one sealed object stands for them, and everything comes back as it was.
    async fn a_session_is_archived_and_restored(db: TestDb) {
        let world = World::new(db).await;
        let session = full(&world).await;
        let (before, rows) = (seen(&world, session).await, world.rows(session).await);
        assert!(rows[..6].iter().all(|count| *count > 0), "{rows:?}");
        assert_eq!(before.0.len(), 6);

        let owner = world.client.clone().bearer("owner");
        let path = format!("/v1/sessions/{session}");
        let archived = owner.post(&format!("{path}/archive"), json!({})).await.expect(200);
        assert_eq!(archived["status"], "archived");
        assert_eq!(archived["archive"]["messages"], 6);
        assert_eq!(world.rows(session).await, [0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(world.blobs().len(), 1);
        let sealed = std::fs::read(&world.blobs()[0]).unwrap();
        assert!(!sealed.windows(5).any(|it| it == b"first"), "the archive is readable");
        // The texts left with their messages.
        let left = "SELECT count(*) FROM content WHERE org_id = $1 AND subject_id = $2 \
            AND media = 'text/markdown'";
        let row = world.ctx.read().await.unwrap().one(left, &params![session]).await.unwrap();
        assert_eq!(row.get::<i64>(0).unwrap(), 0);
        // The record says what was archived.
        let event = "SELECT data, content FROM events WHERE org_id = $1 AND session_id = $2 \
            AND kind = 'session.archived'";
        let row = world.ctx.read().await.unwrap().one(event, &params![session]).await.unwrap();
        let data: Value = serde_json::from_str(&row.get::<String>(0).unwrap()).unwrap();
        assert_eq!((&data["rows"]["messages"], &data["because"]), (&json!(6), &json!("asked")));
        assert_eq!(data["first_seq"].is_u64(), data["last_seq"].is_u64());
        let content: Value = serde_json::from_str(&row.get::<String>(1).unwrap()).unwrap();
        assert_eq!(content, json!([archived["archive"]["digest"]]));
        // Asking again changes nothing.
        let again = owner.post(&format!("{path}/archive"), json!({})).await.expect(200);
        assert_eq!(again, archived);
        assert_eq!(owner.get(&path).await.expect(200), archived);

        for read in ["messages", "read", "members"] {
            let read = owner.get(&format!("{path}/{read}")).await;
            read.problem(409, "SESSION_ARCHIVED");
        }
        let everywhere = owner.get("/v1/search/messages?q=answer").await.expect(200);
        assert_eq!((&everywhere["items"], &everywhere["sessions_left_out"]), (&json!([]), &json!(1)));
        let restored = owner.post(&format!("{path}/restore"), json!({})).await.expect(200);
        assert_eq!((&restored["status"], &restored["archive"]), (&json!("active"), &Value::Null));
        assert_eq!(restored["archived_at"], Value::Null);
        assert_eq!(seen(&world, session).await, before);
        assert_eq!(world.rows(session).await, rows);
        assert_eq!(world.blobs().len(), 0);
        // And once more, with what was said since.
        world.send(session, "say third answer").await;
        world.until_quiet(session).await;
        let before = seen(&world, session).await;
        world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
        world.chat.restore(&world.ctx, session).await.unwrap();
        assert_eq!(seen(&world, session).await, before);
    }

    /// Summaries leave with the messages that they are of, texts and all, and come back with them.
    async fn summaries_are_archived_and_restored(db: TestDb) {
        let world = World::new(db).await;
        let session = full(&world).await;
        let (first, failed): (RunId, RunId) = (world.ctx.new_id(), world.ctx.new_id());
        let mut tx = world.ctx.write().await.unwrap();
        let text = world.vault.content.seal(&mut tx, session, "text/markdown", b"In short: first.");
        let text = text.await.unwrap();
        let sql = "INSERT INTO session_summaries (org_id, run_id, session_id, branch, from_position, \
            upto_position, previous, state, content, model, usd_micros, input_tokens, output_tokens, \
            read_private, read_untrusted, created_at_us, ended_at_us) VALUES \
            ($1, $2, $3, 0, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 5, 6)";
        tx.execute(sql, &params![first, session, 1, 2, None::<RunId>, "ready", text, "fake/one", 7, 10, 3, false, true])
            .await.unwrap();
        let none = None::<i64>;
        tx.execute(sql, &params![failed, session, 3, 4, first, "failed", None::<Digest>, None::<String>, none, none, none, true, false])
            .await.unwrap();
        let event = Draft::new(EventKind::SessionSummarised, session).in_session(Some(session));
        tx.record(event.with_content(text));
        tx.commit().await.unwrap();
        let viewer = world.client.clone().bearer("viewer");
        let path = format!("/v1/sessions/{session}/summaries");
        let before = viewer.get(&path).await.expect(200);
        let mut states: Vec<_> = before["items"].as_array().unwrap().iter()
            .map(|it| (it["state"].as_str(), it["text"].as_str())).collect();
        states.sort_unstable();
        assert_eq!(states, [(Some("failed"), None), (Some("ready"), Some("In short: first."))]);

        world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
        viewer.get(&path).await.problem(409, "SESSION_ARCHIVED");
        let left = "SELECT count(*) FROM session_summaries WHERE org_id = $1 AND session_id = $2";
        let row = world.ctx.read().await.unwrap().one(left, &params![session]).await.unwrap();
        assert_eq!(row.get::<i64>(0).unwrap(), 0);
        let moved = world.vault.content.open(&world.ctx, text).await;
        assert!(matches!(moved, Err(vault::ContentError::NotFound)), "{moved:?}");
        let event = "SELECT data FROM events WHERE org_id = $1 AND session_id = $2 \
            AND kind = 'session.archived'";
        let row = world.ctx.read().await.unwrap().one(event, &params![session]).await.unwrap();
        let data: Value = serde_json::from_str(&row.get::<String>(0).unwrap()).unwrap();
        assert_eq!(data["rows"]["summaries"], 2);

        world.chat.restore(&world.ctx, session).await.unwrap();
        assert_eq!(viewer.get(&path).await.expect(200), before);
        // A session that is deleted out of its archive leaves none behind either.
        world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
        world.client.clone().bearer("owner").delete(&format!("/v1/sessions/{session}")).await.expect(204);
        viewer.get(&path).await.problem(404, "NOT_FOUND");
    }

    /// A message to an archived session restores it and is its next one.
    async fn the_next_message_restores(db: TestDb) {
        let world = World::new(db).await;
        let session = full(&world).await;
        let before = seen(&world, session).await;
        world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
        let member = world.client.clone().bearer("member");
        let path = format!("/v1/sessions/{session}/messages");
        let viewer = world.client.clone().bearer("viewer");
        viewer.post(&path, json!({"content": "say more"})).await.problem(403, "FORBIDDEN");
        let posted = member.post(&path, json!({"content": "say more"})).await.expect(202);
        assert_eq!(posted["message"]["position"], 7);
        world.until_quiet(session).await;
        let after = seen(&world, session).await;
        assert_eq!(after.0[..6], before.0);
        assert_eq!(after.0[7].text.as_deref(), Some("more"));
        let kinds = world.kinds(session).await;
        let tail = ["session.archived", "session.restored", "message.posted"];
        let at = kinds.iter().position(|kind| kind == tail[0]).unwrap();
        assert_eq!(kinds[at..at + 3], tail);
    }

    /// What is under way keeps a session from being archived; its end lets it be.
    async fn a_busy_session_is_not_archived(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let held = world.say(session, "hold").await;
        let refused = world.chat.archive(&world.ctx, session, Because::Asked).await;
        assert!(matches!(refused, Err(ChatError::Busy)), "{refused:?}");
        let later = world.ctx.now().plus(std::time::Duration::from_secs(100 * 24 * 3600));
        let authority = &world.db.authority;
        let swept = world.chat.sweep(authority, "one", later).await.unwrap().unwrap();
        assert_eq!(swept, chat::SweptSessions::default());
        world.runs.cancel(&world.ctx, held.id).await.unwrap();
        world.until_quiet(session).await;
        let swept = world.chat.sweep(authority, "one", later).await.unwrap().unwrap();
        assert_eq!((swept.archived, swept.failed), (1, 0));
        let archived = world.chat.get(&world.ctx, session).await.unwrap();
        assert_eq!(archived.status, SessionStatus::Archived);
    }

    /// An archive that is changed or away is said to be so, and nothing is lost by asking.
    async fn a_damaged_archive_is_told_and_nothing_is_lost(db: TestDb) {
        let world = World::new(db).await;
        let session = full(&world).await;
        let before = seen(&world, session).await;
        world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
        let owner = world.client.clone().bearer("owner");
        let path = format!("/v1/sessions/{session}");
        let file = world.blobs().remove(0);
        let good = std::fs::read(&file).unwrap();
        let mut changed = good.clone();
        *changed.last_mut().unwrap() ^= 1;
        std::fs::write(&file, &changed).unwrap();
        for _ in 0..2 {
            let refused = owner.post(&format!("{path}/restore"), json!({})).await;
            refused.problem(500, "ARCHIVE_DAMAGED");
            let body = json!({"content": "say x"});
            let refused = owner.post(&format!("{path}/messages"), body).await;
            refused.problem(500, "ARCHIVE_DAMAGED");
            assert_eq!(world.rows(session).await, [0, 0, 0, 0, 0, 0, 1]);
            std::fs::remove_file(&file).ok();
        }
        assert_eq!(owner.get(&path).await.expect(200)["status"], "archived");
        std::fs::write(&file, &good).unwrap();
        owner.post(&format!("{path}/restore"), json!({})).await.expect(200);
        assert_eq!(seen(&world, session).await, before);
    }

    /// A text that something beside its message names stays for that.
    async fn a_text_that_something_else_names_stays(db: TestDb) {
        let world = World::new(db).await;
        let session = full(&world).await;
        let (ctx, content) = (&world.ctx, &world.vault.content);
        let text = bytes::Bytes::from_static(b"say first answer");
        let prepared = content.prepare(ctx, session, "text/plain", text).await.unwrap();
        let mut tx = ctx.write().await.unwrap();
        let new = vault::NewArtifact {
            id: ctx.new_id(),
            name: "quote.txt",
            content: &prepared,
            session: Some(session),
            run: None,
        };
        let artifact = world.vault.artifacts.save(ctx, &mut tx, new).await.unwrap();
        tx.commit().await.unwrap();
        let before = seen(&world, session).await;
        world.chat.archive(ctx, session, Because::Asked).await.unwrap();
        let (_, bytes) = world.vault.artifacts.content(ctx, artifact.id).await.unwrap();
        assert_eq!(&bytes[..], b"say first answer");
        world.chat.restore(ctx, session).await.unwrap();
        assert_eq!(seen(&world, session).await, before);
    }

    /// The process dies at every store call of archiving and restoring: either nothing has happened or
    /// all of it, and asking again finishes it. Blobs that nothing names are swept.
    async fn a_crash_anywhere_loses_nothing(db: TestDb) {
        let world = World::new(db).await;
        let session = full(&world).await;
        let (before, rows) = (seen(&world, session).await, world.rows(session).await);
        let gone = [0, 0, 0, 0, 0, 0, 1];
        let mut deaths = [0, 0];
        for n in 1.. {
            let life = world.beside().await;
            life.db.faults().die_at(n);
            let done = life.chat.archive(&life.ctx, session, Because::Asked).await;
            let died = life.db.faults().is_dead();
            let now = world.rows(session).await;
            assert!(now == rows || now == gone, "dead at {n}: {now:?}");
            assert!(now == gone || done.is_err(), "dead at {n}");
            deaths[0] += u32::from(died);
            if now == rows {
                assert_eq!(seen(&world, session).await, before, "dead at {n}");
            } else {
                world.chat.restore(&world.ctx, session).await.unwrap();
            }
            if !died {
                break;
            }
        }
        assert_eq!(seen(&world, session).await, before);
        // Those that died behind their blob left it; it is too young to be swept at once.
        let orphans = world.blobs().len();
        assert!(orphans > 0);
        world.vault.sweep(&world.db.authority).await.unwrap();
        assert_eq!(world.blobs().len(), orphans);
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        for blob in world.blobs() {
            let file = std::fs::File::options().write(true).open(blob).unwrap();
            file.set_modified(long_ago).unwrap();
        }
        world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
        world.vault.sweep(&world.db.authority).await.unwrap();
        assert_eq!(world.blobs().len(), 1);
        for n in 1.. {
            let life = world.beside().await;
            life.db.faults().die_at(n);
            let done = life.chat.restore(&life.ctx, session).await;
            let died = life.db.faults().is_dead();
            let now = world.rows(session).await;
            assert!(now == rows || now == gone, "dead at {n}: {now:?}");
            assert!(now == rows || done.is_err(), "dead at {n}");
            deaths[1] += u32::from(died);
            if now == rows {
                assert_eq!(seen(&world, session).await, before, "dead at {n}");
                world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
            }
            if !died {
                break;
            }
        }
        assert!(deaths.iter().all(|count| *count > 10), "{deaths:?}");
    }

    /// Whoever uses a session while it is being archived keeps it, or restores it; nothing is lost.
    async fn archiving_and_posting_at_once_lose_nothing(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let member = world.client.clone().bearer("member");
        let path = format!("/v1/sessions/{session}/messages");
        let posting = async {
            let mut said = Vec::new();
            for n in 0..20 {
                let text = format!("say {n}");
                let answer = member.post(&path, json!({"content": text})).await;
                // Archived between two looks: the client asks again.
                if answer.status == 202 {
                    said.push(text);
                } else {
                    answer.problem(409, "SESSION_ARCHIVED");
                }
            }
            said
        };
        let archiving = async {
            for _ in 0..40 {
                match world.chat.archive(&world.ctx, session, Because::Asked).await {
                    Ok(_) | Err(ChatError::Busy | ChatError::Changed) => {}
                    Err(error) => panic!("{error:?}"),
                }
                tokio::task::yield_now().await;
            }
        };
        let (said, ()) = futures::future::join(posting, archiving).await;
        world.chat.restore(&world.ctx, session).await.unwrap();
        let messages = world.until_quiet(session).await;
        let is_asked = |text: &String| text.starts_with("say ");
        let asked: Vec<String> = messages.into_iter().filter_map(|(_, text)| text).filter(is_asked).collect();
        assert_eq!(asked, said);
        assert!(said.len() > 10, "{}", said.len());
        let new = NewMessage { text: "noop".into(), ..NewMessage::default() };
        world.post_as(&world.ctx, session, new).await.unwrap();
    }
}
