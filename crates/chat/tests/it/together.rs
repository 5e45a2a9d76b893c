//! What people see of each other: how far they have read, reactions, and what is live.

use std::time::Duration;

use axum::body::BodyDataStream;
use chat::{Because, ChatError, Reaction, Reading, Which};
use db::on_both_databases;
use edge::testing::Client;
use futures::StreamExt as _;
use serde_json::{Value, json};
use vocab::limits::REACTIONS_MAX;
use vocab::{MessageId, Role, SessionId};

use crate::world::World;

/// The frames of a stream, as they come: `id`, `event`, data.
struct Frames {
    body: BodyDataStream,
    text: String,
}

type Frame = (Option<u64>, String, Value);

impl Frames {
    async fn open(client: &Client, session: SessionId, query: &str) -> Self {
        let path = format!("/v1/sessions/{session}/events{query}");
        let (body, text) = (client.stream(&path).await, String::new());
        Self { body, text }
    }

    async fn next(&mut self) -> Frame {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                if let Some(kind) = field("event: ") {
                    let data = serde_json::from_str(field("data: ").unwrap()).unwrap();
                    return (
                        field("id: ").map(|id| id.parse().unwrap()),
                        kind.to_owned(),
                        data,
                    );
                }
            }
            let read = tokio::time::timeout(Duration::from_secs(30), self.body.next()).await;
            let chunk = read
                .expect("a frame comes")
                .expect("the stream goes on")
                .unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next frame of this kind.
    async fn until(&mut self, kind: &str) -> Frame {
        loop {
            let frame = self.next().await;
            if frame.1 == kind {
                return frame;
            }
        }
    }
}

async fn reactions(world: &World, session: SessionId) -> Vec<Vec<Reaction>> {
    let which = (session, Which::Current);
    let shown = world
        .chat
        .messages(&world.ctx, which, Reading::Oldest(0), 10)
        .await
        .unwrap();
    shown.into_iter().map(|it| it.reactions).collect()
}

async fn react(
    world: &World,
    ctx: &db::OrgContext,
    id: MessageId,
    emoji: &str,
) -> Result<bool, ChatError> {
    let mut tx = ctx.write().await?;
    let added = world.chat.react(ctx, &mut tx, id, emoji).await?;
    if added {
        tx.commit().await?;
    }
    Ok(added)
}

async fn unreact(
    world: &World,
    ctx: &db::OrgContext,
    id: MessageId,
    emoji: &str,
) -> Result<(), ChatError> {
    let mut tx = ctx.write().await?;
    world.chat.unreact(ctx, &mut tx, id, emoji).await?;
    Ok(tx.commit().await?)
}

on_both_databases! {
    /// A mark moves forward and not back, is each person's own, and leaves no event.
    async fn reading_is_noted(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        world.say(session, "say a").await;
        world.until_quiet(session).await;
        let before = world.kinds(session).await;
        let viewer = world.role(Role::Viewer);
        let mark = async |ctx: &db::OrgContext, position| {
            world.chat.mark_read(ctx, session, position).await.map(|mark| mark.position)
        };
        assert_eq!(mark(&world.ctx, 2).await.unwrap(), 2);
        assert_eq!(mark(&world.ctx, 1).await.unwrap(), 2);
        assert_eq!(mark(&viewer, 1).await.unwrap(), 1);
        let refused = mark(&world.ctx, 3).await;
        assert!(matches!(refused, Err(ChatError::Invalid { member: "position", .. })), "{refused:?}");
        let theirs = world.db.org().await;
        let refused = mark(&theirs, 1).await;
        assert!(matches!(refused, Err(ChatError::NotFound(id)) if id == session), "{refused:?}");
        let reads = world.chat.reads(&world.ctx, session).await.unwrap();
        let mut reads: Vec<_> = reads.iter().map(|it| (it.user, it.position)).collect();
        let mut expected = vec![
            (world.ctx.actor().user.unwrap(), 2),
            (viewer.actor().user.unwrap(), 1),
        ];
        expected.sort_unstable();
        reads.sort_unstable();
        assert_eq!(reads, expected);
        assert!(world.chat.reads(&theirs, session).await.is_err());
        assert_eq!(world.kinds(session).await, before);
    }

    /// Reactions are counted, each person's once, and taken back.
    async fn messages_are_reacted_to(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let (message, _) = world.send(session, "say a").await;
        world.until_quiet(session).await;
        let (me, other) = (world.ctx.clone(), world.role(Role::Member));
        assert!(react(&world, &me, message.id, "👍").await.unwrap());
        assert!(!react(&world, &me, message.id, "👍").await.unwrap());
        assert!(react(&world, &other, message.id, "👍").await.unwrap());
        assert!(react(&world, &other, message.id, "🎉").await.unwrap());
        let reaction = |emoji: &str, count, mine| Reaction { emoji: emoji.into(), count, mine };
        let found = reactions(&world, session).await;
        assert_eq!(found, [vec![reaction("👍", 2, true), reaction("🎉", 1, false)], vec![]]);
        unreact(&world, &me, message.id, "👍").await.unwrap();
        let again = unreact(&world, &me, message.id, "👍").await;
        assert!(matches!(again, Err(ChatError::NoReaction)), "{again:?}");
        let found = reactions(&world, session).await;
        assert_eq!(found[0], [reaction("👍", 1, false), reaction("🎉", 1, false)]);
        let kinds = world.kinds(session).await;
        assert_eq!(kinds.iter().filter(|it| *it == "reaction.added").count(), 3);
        assert_eq!(kinds.iter().filter(|it| *it == "reaction.removed").count(), 1);
    }

    /// Who may react, to what, with what, and how often.
    async fn not_everything_is_a_reaction(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let (message, _) = world.send(session, "say a").await;
        world.until_quiet(session).await;
        let viewer = react(&world, &world.role(Role::Viewer), message.id, "👍").await;
        assert!(matches!(viewer, Err(ChatError::RoleTooLow(Role::Member))), "{viewer:?}");
        let theirs = react(&world, &world.db.org().await, message.id, "👍").await;
        assert!(matches!(theirs, Err(ChatError::NoMessage(_))), "{theirs:?}");
        let word = react(&world, &world.ctx, message.id, "nice").await;
        assert!(matches!(word, Err(ChatError::Invalid { member: "emoji", .. })), "{word:?}");
        let emoji = |n: u32| char::from_u32(0x1F600 + n).unwrap().to_string();
        for n in 0..REACTIONS_MAX {
            assert!(react(&world, &world.ctx, message.id, &emoji(n)).await.unwrap());
        }
        let more = react(&world, &world.ctx, message.id, &emoji(REACTIONS_MAX)).await;
        assert!(matches!(more, Err(ChatError::TooManyReactions)), "{more:?}");
        // One that is there can still be given by others.
        assert!(react(&world, &world.role(Role::Member), message.id, &emoji(0)).await.unwrap());

        world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
        for refused in [
            react(&world, &world.role(Role::Member), message.id, &emoji(0)).await.map(drop),
            unreact(&world, &world.ctx, message.id, &emoji(0)).await,
        ] {
            assert!(matches!(refused, Err(ChatError::NoMessage(_))), "{refused:?}");
        }
        world.chat.restore(&world.ctx, session).await.unwrap();
        unreact(&world, &world.ctx, message.id, &emoji(0)).await.unwrap();
    }

    /// On one stream: what is durable with an id, what is live without one.
    async fn a_stream_carries_what_is_live(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let me = world.ctx.actor().user.unwrap();
        let client = world.client.clone().bearer("member");
        let mut frames = Frames::open(&client, session, "").await;
        let (id, _, data) = frames.until("presence").await;
        assert_eq!((id, data), (None, json!({"present": [me], "gone": [], "reset": true})));

        client.post(&format!("/v1/sessions/{session}/typing"), json!({})).await;
        assert_eq!(frames.until("typing").await.2, json!({"user_id": me}));
        let (_, runs) = world.send(session, "hold").await;
        let run = runs[0].id;
        assert!(frames.until("run.queued").await.0.is_some());
        let mut writing = world.chat.live().write((world.ctx.org(), session), run, clerk.id);
        writing.push("Once ");
        writing.push("upon");
        let told = |text: &str, reset: bool| {
            let run = run.to_string();
            json!({"run_id": run, "agent_id": clerk.id.to_string(), "text": text, "reset": reset})
        };
        for (text, reset) in [("", true), ("Once ", false), ("upon", false)] {
            let (id, _, data) = frames.until("message.delta").await;
            assert_eq!((id, data), (None, told(text, reset)));
        }
        // Who comes back gets what was sealed since, and the whole text so far.
        let mut back = Frames::open(&client, session, "?after=0").await;
        let (mut sealed, mut live) = (Vec::new(), Vec::new());
        while sealed.len() < 2 || live.len() < 2 {
            let (id, kind, data) = back.next().await;
            match id {
                Some(_) => sealed.push(kind),
                None => live.push((kind, data)),
            }
        }
        assert_eq!(sealed[..2], ["session.created", "message.posted"]);
        assert_eq!(live[1], ("message.delta".to_owned(), told("Once upon", true)));

        let read = json!({"position": 1});
        let marked = client.put(&format!("/v1/sessions/{session}/read"), read).await.expect(200);
        assert_eq!((&marked["position"], &marked["user_id"]), (&json!(1), &json!(me)));
        assert_eq!(frames.until("read").await.2, json!({"user_id": me, "position": 1}));
        drop(writing);
        drop((frames, back));
        assert_eq!(world.chat.live().rooms_open(), 0);
    }

    /// Nothing live leaks to who may not read the session.
    async fn what_is_live_stays_in_its_session(db: TestDb) {
        let world = World::new(db).await;
        let (session, other) = (world.session(&[]).await.id, world.session(&[]).await.id);
        let client = world.client.clone().bearer("member");
        let mut frames = Frames::open(&client, session, "").await;
        frames.until("presence").await;
        let typing = |id: SessionId| format!("/v1/sessions/{id}/typing");
        assert_eq!(client.post(&typing(other), json!({})).await.status, 204);
        assert_eq!(client.post(&typing(session), json!({})).await.status, 204);
        // The first that comes is of this session.
        let (_, kind, _) = frames.until("typing").await;
        assert_eq!(kind, "typing");
        let viewer = world.client.clone().bearer("viewer");
        viewer.post(&typing(session), json!({})).await.problem(403, "FORBIDDEN");
        let theirs = world.db.org().await;
        let refused = world.chat.typing(&theirs, session).await;
        assert!(matches!(refused, Err(ChatError::NotFound(_))), "{refused:?}");
    }

    /// The same by HTTP, with what is refused.
    async fn reactions_and_marks_by_http(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let (message, _) = world.send(session, "say a").await;
        world.until_quiet(session).await;
        let (member, viewer) = (world.client.clone().bearer("member"), world.client.clone().bearer("viewer"));
        let path = format!("/v1/messages/{}/reactions", message.id);
        let thumb = format!("{path}/%F0%9F%91%8D");
        for _ in 0..2 {
            assert_eq!(member.put(&thumb, Value::Null).await.status, 204);
        }
        let listed = viewer.get(&format!("/v1/sessions/{session}/messages")).await.expect(200);
        assert_eq!(listed["items"][0]["reactions"], json!([{"emoji": "👍", "count": 1, "mine": true}]));
        viewer.put(&thumb, Value::Null).await.problem(403, "FORBIDDEN");
        viewer.delete(&thumb).await.problem(403, "FORBIDDEN");
        member.put(&format!("{path}/nice"), Value::Null).await.problem(422, "INVALID");
        let missing = "/v1/messages/msg_01890000-0000-7000-8000-000000000000/reactions/%F0%9F%91%8D";
        member.put(missing, Value::Null).await.problem(404, "NOT_FOUND");
        assert_eq!(member.delete(&thumb).await.status, 204);
        member.delete(&thumb).await.problem(404, "NOT_FOUND");

        let read = format!("/v1/sessions/{session}/read");
        viewer.put(&read, json!({"position": 2})).await.expect(200);
        viewer.put(&read, json!({"position": 3})).await.problem(422, "INVALID");
        viewer.put(&read, json!({"position": -1})).await.problem(422, "INVALID");
        let reads = viewer.get(&read).await.expect(200);
        assert_eq!((&reads["items"][0]["position"], &reads["next_cursor"]), (&json!(2), &Value::Null));
        let unknown = "/v1/sessions/ses_01890000-0000-7000-8000-000000000000/read";
        viewer.get(unknown).await.problem(404, "NOT_FOUND");
        viewer.put(unknown, json!({"position": 0})).await.problem(404, "NOT_FOUND");
    }
}
