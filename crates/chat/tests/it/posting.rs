//! Messages, their runs, and their answers.

use agents::model::Turn;
use agents::{AgentError, service};
use chat::{Author, Because, ChatError, NewMessage, OnBusy};
use db::on_both_databases;
use runs::State;
use vocab::Role;

use crate::world::World;

fn to_agent(text: &str, agent: vocab::AgentId) -> NewMessage {
    NewMessage {
        text: text.into(),
        agent: Some(agent),
        ..NewMessage::default()
    }
}

on_both_databases! {
    /// A message starts its run, and the end of the run posts the agent's message.
    async fn a_message_is_answered(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let run = world.say(session, "noop").await;
        let run = world.until(run.id, State::is_over).await;
        assert_eq!(run.state, State::Succeeded, "{run:?}");

        let messages = world.messages(session).await;
        let [(asked, question), (answered, answer)] = messages.as_slice() else { panic!("{messages:?}") };
        assert_eq!((asked.position, answered.position), (1, 2));
        assert_eq!(asked.author, Author::User(world.ctx.actor().user.unwrap()));
        assert_eq!(answered.author, Author::Agent(clerk.id));
        assert_eq!((asked.run, answered.run), (Some(run.id), Some(run.id)));
        assert_eq!(question.as_deref(), Some("noop"));
        assert_eq!(answer.as_deref(), Some("1. `noop`"));
        assert!(!answered.failed);
        assert_eq!(world.chat.get(&world.ctx, session).await.unwrap().message_count, 2);

        let kinds = world.kinds(session).await;
        assert_eq!(kinds[..3], ["session.created", "message.posted", "run.queued"]);
        assert_eq!(kinds.iter().filter(|kind| *kind == "message.posted").count(), 2, "{kinds:?}");
        assert!(kinds.contains(&"run.succeeded".to_owned()));
    }

    /// A run that fails says why, in the session too.
    async fn a_failed_run_says_why(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let run = world.say(session, "noop; dance wildly").await;
        let run = world.until(run.id, State::is_over).await;
        let State::Failed { failure } = run.state else { panic!("{run:?}") };
        assert_eq!(failure.code, "PLAN_NOT_UNDERSTOOD");
        // No policy allows this, and the next step is done all the same.
        let run = world.say(session, "fetch http://127.0.0.1:9/; noop").await;
        let run = world.until(run.id, State::is_over).await;
        let State::Failed { failure } = run.state else { panic!("{run:?}") };
        assert_eq!(failure.code, "STEP_FAILED");

        let messages = world.messages(session).await;
        assert_eq!(messages.iter().map(|(it, _)| it.failed).collect::<Vec<_>>(), [false, true, false, true]);
        let texts: Vec<_> = messages.iter().filter_map(|(_, text)| text.as_deref()).collect();
        assert!(texts[1].contains("step 2 `dance wildly`"), "{texts:?}");
        assert!(texts[3].starts_with("1 of 2 steps did not succeed; step 1 "), "{texts:?}");
    }

    /// While a run is under way, a message waits, interrupts, or is refused.
    async fn a_busy_session_does_as_the_message_says(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let first = world.say(session, "wait 1h").await;
        world.until(first.id, |state| matches!(state, State::Waiting { .. })).await;

        let refused = world.post(session, "noop", OnBusy::Reject).await;
        assert!(matches!(refused, Err(ChatError::Busy)), "{refused:?}");
        assert_eq!(world.messages(session).await.len(), 1);
        let second = world.say(session, "noop").await;
        assert_eq!(second.state, State::Queued);
        let still = world.runs.get(&world.ctx, second.id).await.unwrap();
        assert_eq!(still.state, State::Queued);

        let third = world.post(session, "noop", OnBusy::Interrupt).await.unwrap();
        assert_eq!(world.until(first.id, State::is_over).await.state, State::Cancelled);
        assert_eq!(world.until(second.id, State::is_over).await.state, State::Succeeded);
        assert_eq!(world.until(third.id, State::is_over).await.state, State::Succeeded);
        let messages = world.messages(session).await;
        let places: Vec<_> = messages.iter().map(|(it, _)| it.position).collect();
        assert_eq!(places, [1, 2, 3, 4, 5]);
        let answers: Vec<_> = messages
            .iter()
            .filter(|(it, _)| matches!(it.author, Author::Agent(_)))
            .map(|(it, _)| it.run)
            .collect();
        assert_eq!(answers, [Some(second.id), Some(third.id)]);
        assert!(world.post(session, "noop", OnBusy::Reject).await.is_ok());
    }

    /// Many who post at once get places without gaps, and each an answer.
    async fn messages_are_in_one_order(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let posts = (0..12).map(|_| world.say(session, "noop"));
        let posted = futures::future::join_all(posts).await;
        for run in posted {
            assert_eq!(world.until(run.id, State::is_over).await.state, State::Succeeded);
        }
        let messages = world.messages(session).await;
        let places: Vec<u32> = messages.iter().map(|(it, _)| it.position).collect();
        assert_eq!(places, (1..=24).collect::<Vec<u32>>());
    }

    /// A session without an agent that could answer takes no message.
    async fn somebody_must_be_there_to_answer(db: TestDb) {
        let world = World::new(db).await;
        let (clerk, scribe) = (world.agent("clerk").await, world.agent("scribe").await);
        let empty = world.session(&[]).await.id;
        assert!(matches!(world.post(empty, "noop", OnBusy::Enqueue).await, Err(ChatError::NoAgent)));

        let session = world.session(&[&clerk, &scribe]).await.id;
        let run = world.post_as(&world.ctx, session, to_agent("noop", scribe.id)).await.unwrap();
        assert_eq!(run.agent, Some(scribe.id));
        let alone = world.session(&[&clerk]).await.id;
        let other = world.post_as(&world.ctx, alone, to_agent("noop", scribe.id)).await;
        assert!(matches!(other, Err(ChatError::Invalid { member: "agent_id", .. })), "{other:?}");

        let mut tx = world.ctx.write().await.unwrap();
        service::turn(&world.ctx, &mut tx, clerk.id, Turn::Pause).await.unwrap();
        tx.commit().await.unwrap();
        let paused = world.post(session, "noop", OnBusy::Enqueue).await;
        assert!(matches!(paused, Err(ChatError::Agent(AgentError::Paused(_)))), "{paused:?}");
        let mut tx = world.ctx.write().await.unwrap();
        service::delete(&world.ctx, &mut tx, clerk.id).await.unwrap();
        tx.commit().await.unwrap();
        let gone = world.post(session, "noop", OnBusy::Enqueue).await;
        assert!(matches!(gone, Err(ChatError::NoAgent)), "{gone:?}");
    }

    /// What can't be taken leaves nothing behind.
    async fn a_refused_message_leaves_nothing(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let long = "x".repeat(70_000);
        assert!(matches!(world.post(session, &long, OnBusy::Enqueue).await, Err(ChatError::TooLong)));
        // Fits as a text, but not as the input of a run.
        let quotes = "\"".repeat(60_000);
        assert!(matches!(world.post(session, &quotes, OnBusy::Enqueue).await, Err(ChatError::TooLong)));
        let blank = world.post(session, " \n", OnBusy::Enqueue).await;
        assert!(matches!(blank, Err(ChatError::Invalid { member: "content", .. })), "{blank:?}");
        let viewer = world.role(Role::Viewer);
        let refused = world.post_as(&viewer, session, to_agent("noop", clerk.id)).await;
        assert!(matches!(refused, Err(ChatError::RoleTooLow(Role::Member))), "{refused:?}");

        world.chat.archive(&world.ctx, session, Because::Asked).await.unwrap();
        let refused = world.post(session, "noop", OnBusy::Enqueue).await;
        assert!(matches!(refused, Err(ChatError::Archived)), "{refused:?}");
        world.chat.restore(&world.ctx, session).await.unwrap();
        assert!(world.messages(session).await.is_empty());
        let runs = world.runs.list(&world.ctx, &runs::RunFilter::default(), None, 10).await.unwrap();
        assert!(runs.is_empty());
    }

    /// Erasing a session's content erases its texts, and nothing else.
    async fn erased_texts_are_gone(db: TestDb) {
        let world = World::new(db).await;
        let clerk = world.agent("clerk").await;
        let session = world.session(&[&clerk]).await.id;
        let run = world.say(session, "noop").await;
        world.until(run.id, State::is_over).await;
        world.vault.content.erase(&world.ctx, session).await.unwrap();
        let messages = world.messages(session).await;
        assert_eq!(messages.len(), 2);
        assert!(messages.iter().all(|(_, text)| text.is_none()));
    }
}
