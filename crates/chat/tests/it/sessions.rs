//! Sessions by themselves.

use chat::{Because, ChatError, NewSession, Reading, SessionChange, SessionStatus, Which};
use db::{StoreError, on_both_databases};
use vocab::Role;

use crate::people::STRANGER;
use crate::world::World;

on_both_databases! {
    /// A change is a version, and the same again is no change.
    async fn sessions_change(db: TestDb) {
        let world = World::new(db).await;
        let (clerk, scribe) = (world.agent("clerk").await, world.agent("scribe").await);
        let labels = ["b", "a", "b"].map(str::to_owned).to_vec();
        let agents = vec![scribe.id, clerk.id, scribe.id];
        let new = NewSession { title: "Weekly".into(), labels, agents, ..NewSession::default() };
        let session = world.make(new).await.unwrap();
        assert_eq!(session.labels, ["a", "b"]);
        assert_eq!(session.agents, [scribe.id, clerk.id]);
        assert_eq!((session.version, session.workspace.as_str()), (1, "default"));
        let ctx = &world.ctx;
        assert_eq!(world.chat.get(ctx, session.id).await.unwrap(), session);

        let mut tx = ctx.write().await.unwrap();
        let change = SessionChange { title: Some("Daily".into()), ..SessionChange::default() };
        let changed = world.chat.update(ctx, &mut tx, session.id, change.clone()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((changed.version, changed.title.as_str()), (2, "Daily"));
        let mut tx = ctx.write().await.unwrap();
        let same = world.chat.update(ctx, &mut tx, session.id, change).await.unwrap();
        assert_eq!(same, changed);
        assert!(matches!(tx.commit().await, Err(StoreError::NoEvent)));

    }

    /// What does not fit is refused by its name.
    async fn values_are_checked(db: TestDb) {
        let world = World::new(db).await;
        let refused = |new: NewSession| async {
            match world.make(new).await {
                Err(ChatError::Invalid { member, .. }) => member,
                other => panic!("{other:?}"),
            }
        };
        let new = NewSession::default;
        assert_eq!(refused(NewSession { title: "x".repeat(129), ..new() }).await, "title");
        assert_eq!(refused(NewSession { labels: vec![String::new()], ..new() }).await, "labels");
        let workspace = Some("../x".into());
        assert_eq!(refused(NewSession { workspace, ..new() }).await, "workspace");
        let agents = vec![world.ctx.new_id()];
        assert_eq!(refused(NewSession { agents, ..new() }).await, "agent_ids");
    }

    /// The newest first, by status, page by page.
    async fn sessions_are_listed(db: TestDb) {
        let world = World::new(db).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(world.session(&[]).await.id);
            // Ids are ordered by the millisecond.
            tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        }
        world.chat.archive(&world.ctx, ids[1], Because::Asked).await.unwrap();
        let list = |status, before| {
            let world = &world;
            async move {
                let found = world.chat.list(&world.ctx, status, before, 10).await.unwrap();
                found.into_iter().map(|it| it.id).collect::<Vec<_>>()
            }
        };
        assert_eq!(list(None, None).await, [ids[2], ids[1], ids[0]]);
        assert_eq!(list(None, Some(ids[2])).await, [ids[1], ids[0]]);
        assert_eq!(list(Some(SessionStatus::Active), None).await, [ids[2], ids[0]]);
        assert_eq!(list(Some(SessionStatus::Archived), None).await, [ids[1]]);
    }

    /// Members come and go; they are members of the organisation.
    async fn members_come_and_go(db: TestDb) {
        let world = World::new(db).await;
        let session = world.session(&[]).await.id;
        let ctx = &world.ctx;
        let creator = ctx.actor().user.unwrap();
        let other = world.role(Role::Viewer).actor().user.unwrap();
        world.chat.check_person(ctx, other).await.unwrap();
        let stranger = world.chat.check_person(ctx, STRANGER.parse().unwrap()).await;
        assert!(matches!(stranger, Err(ChatError::Stranger(_))), "{stranger:?}");
        for added in [true, false] {
            let mut tx = ctx.write().await.unwrap();
            assert_eq!(world.chat.add_member(ctx, &mut tx, session, other).await.unwrap(), added);
            assert_eq!(tx.commit().await.is_ok(), added);
        }
        let members = world.chat.members(ctx, session).await.unwrap();
        assert_eq!(members.iter().map(|it| it.user).collect::<Vec<_>>(), [creator, other]);
        let mut tx = ctx.write().await.unwrap();
        world.chat.remove_member(ctx, &mut tx, session, creator).await.unwrap();
        let again = world.chat.remove_member(ctx, &mut tx, session, creator).await;
        assert!(matches!(again, Err(ChatError::NoMember(_))), "{again:?}");
        tx.commit().await.unwrap();
        assert_eq!(world.chat.members(ctx, session).await.unwrap().len(), 1);
        assert_eq!(
            world.kinds(session).await,
            ["session.created", "session.member_added", "session.member_removed"]
        );
    }

    /// Another organisation's session is not there, whatever is asked of it.
    async fn sessions_do_not_cross_organisations(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let theirs = world.db.org().await;
        let chat = &world.chat;
        let not_found = |error: ChatError| matches!(error, ChatError::NotFound(id) if id == session);
        assert!(not_found(chat.get(&theirs, session).await.unwrap_err()));
        assert!(not_found(chat.members(&theirs, session).await.unwrap_err()));
        let which = (session, Which::Current);
        let read = chat.messages(&theirs, which, Reading::Oldest(0), 10).await;
        assert!(not_found(read.unwrap_err()));
        assert!(chat.list(&theirs, None, None, 10).await.unwrap().is_empty());
        let mut tx = theirs.write().await.unwrap();
        let change = SessionChange { title: Some("x".into()), ..SessionChange::default() };
        assert!(not_found(chat.update(&theirs, &mut tx, session, change).await.unwrap_err()));
        assert!(not_found(chat.hold(&theirs, &mut tx, session, "why").await.unwrap_err()));
        assert!(not_found(chat.release(&theirs, &mut tx, session).await.unwrap_err()));
        let user = world.ctx.actor().user.unwrap();
        assert!(not_found(chat.add_member(&theirs, &mut tx, session, user).await.unwrap_err()));
        assert!(not_found(chat.remove_member(&theirs, &mut tx, session, user).await.unwrap_err()));
        drop(tx);
        assert!(not_found(chat.archive(&theirs, session, Because::Asked).await.unwrap_err()));
        assert!(not_found(chat.restore(&theirs, session).await.unwrap_err()));
        assert!(not_found(chat.held(&theirs, session).await.unwrap_err()));
        assert!(not_found(chat.delete(&theirs, session).await.unwrap_err()));
        let new = chat::NewMessage { text: "noop".into(), ..chat::NewMessage::default() };
        assert!(not_found(world.post_as(&theirs, session, new).await.unwrap_err()));
        // Nor can its agents be put into one of theirs.
        let mut tx = theirs.write().await.unwrap();
        let new = NewSession { agents: vec![clerk.id], ..NewSession::default() };
        let made = chat.create(&theirs, &mut tx, new).await;
        assert!(matches!(made, Err(ChatError::Invalid { member: "agent_ids", .. })), "{made:?}");
    }
}
