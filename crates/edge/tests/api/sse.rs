//! Event streams.

use std::time::Duration;

use db::on_both_databases;
use edge::sse::Frame;
use futures::StreamExt as _;
use serde_json::json;

use crate::world::World;

async fn next(stream: &mut axum::body::BodyDataStream) -> Option<String> {
    let chunk = tokio::time::timeout(Duration::from_secs(5), stream.next())
        .await
        .unwrap()?;
    Some(String::from_utf8(chunk.unwrap().to_vec()).unwrap())
}

fn event(seq: u64) -> Frame {
    Frame::Event {
        seq,
        kind: "run.queued".into(),
        data: json!({"seq": seq}).to_string().into(),
    }
}

on_both_databases! {
    /// Events have ids and kinds, deltas have no id, and a slow reader hears why it ends.
    async fn frames_are_written_as_the_standard_says(db: TestDb) {
        let world = World::new(db).await;
        let mut stream = world.client.stream("/v1/stream?after=7").await;
        assert_eq!(next(&mut stream).await.unwrap(), "retry: 1000\n\n");
        assert_eq!(next(&mut stream).await.unwrap(), "event: hello\ndata: {\"after\":7}\n\n");
        world.frames.send(event(8)).await.unwrap();
        assert_eq!(
            next(&mut stream).await.unwrap(),
            "id: 8\nevent: run.queued\ndata: {\"seq\":8}\n\n"
        );
        for frame in [event(9), event(10), Frame::Lagged, event(11)] {
            world.frames.send(frame).await.unwrap();
        }
        let mut rest = String::new();
        while let Some(chunk) = next(&mut stream).await {
            rest.push_str(&chunk);
        }
        assert!(rest.starts_with("id: 9\n") && rest.contains("\nid: 10\n"), "{rest}");
        assert!(rest.contains("event: stream.lagged\n") && !rest.contains("id: 11"), "{rest}");
    }

    /// The header of a browser that comes back wins over the URL it began with.
    async fn the_last_event_id_is_where_it_goes_on(db: TestDb) {
        let world = World::new(db).await;
        let client = world.client.clone().header("last-event-id", "41");
        let mut stream = client.stream("/v1/stream?after=7").await;
        next(&mut stream).await.unwrap();
        assert!(next(&mut stream).await.unwrap().contains("{\"after\":41}"));
        for wrong in ["-1", "x", "1.5", "18446744073709551615"] {
            let path = format!("/v1/stream?after={wrong}");
            world.client.get(&path).await.problem(422, "INVALID");
        }
    }

    /// Who may not read any more reads nothing more, not even what is ready.
    async fn a_revoked_reader_gets_nothing_more(db: TestDb) {
        let world = World::new(db).await;
        let mut stream = world.client.stream("/v1/stream").await;
        next(&mut stream).await.unwrap();
        next(&mut stream).await.unwrap();
        world.gate.rumour();
        world.frames.send(event(1)).await.unwrap();
        assert!(next(&mut stream).await.unwrap().starts_with("id: 1\n"));
        world.gate.ban();
        world.frames.send(event(2)).await.unwrap();
        let last = next(&mut stream).await.unwrap();
        assert!(last.starts_with("event: stream.revoked\n") && !last.contains("id: 2"), "{last}");
        assert_eq!(next(&mut stream).await, None);
        world.client.get("/v1/stream").await.problem(401, "UNAUTHENTICATED");
    }

    /// The source ends, and so does the stream; a last frame says why.
    async fn a_stream_ends_with_its_source(db: TestDb) {
        let World { client, frames, db, shop, .. } = World::new(db).await;
        let mut stream = client.stream("/v1/stream").await;
        next(&mut stream).await.unwrap();
        next(&mut stream).await.unwrap();
        let end = Frame::End { kind: "run.succeeded".into(), data: "{}".into() };
        frames.send(end).await.unwrap();
        assert_eq!(next(&mut stream).await.unwrap(), "event: run.succeeded\ndata: {}\n\n");
        assert_eq!(next(&mut stream).await, None);
        drop((db, shop));
    }
}

/// A quiet stream says that it is alive.
#[tokio::test(start_paused = true)]
async fn a_quiet_stream_has_a_heartbeat() {
    let world = World::new(db::testing::TestDb::sqlite().await).await;
    let mut stream = world.client.stream("/v1/stream").await;
    for _ in 0..2 {
        stream.next().await.unwrap().unwrap();
    }
    let begun = tokio::time::Instant::now();
    for _ in 0..3 {
        assert_eq!(stream.next().await.unwrap().unwrap(), ": alive\n\n");
    }
    assert_eq!(begun.elapsed().as_secs(), 45);
}
