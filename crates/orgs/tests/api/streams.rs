//! Open streams end with the right to read.

use std::time::Duration;

use db::on_both_databases;
use futures::StreamExt as _;
use serde_json::json;

use crate::world::World;

on_both_databases! {
    /// A removed member's open stream says so and ends, without waiting for anything.
    async fn a_removed_members_stream_ends(db: TestDb) {
        let world = World::new(db).await;
        let ada = world.register("ada").await;
        let bob = world.join(&ada, "bob", "viewer").await;
        let made = bob.client.clone();
        let mut stream = made.stream("/v1/test/stream").await;
        let next = |chunk: Option<Result<bytes::Bytes, axum::Error>>| {
            String::from_utf8(chunk.unwrap().unwrap().to_vec()).unwrap()
        };
        assert_eq!(next(stream.next().await), "retry: 1000\n\n");
        // Somebody else's change does not touch it.
        ada.client.post("/v1/api-keys", json!({"name": "x"})).await.expect(201);
        let quiet = tokio::time::timeout(Duration::from_millis(100), stream.next()).await;
        assert!(quiet.is_err());
        ada.client.delete(&format!("/v1/members/{}", bob.user)).await.expect(204);
        let end = tokio::time::timeout(Duration::from_secs(5), stream.next()).await.unwrap();
        assert!(next(end).starts_with("event: stream.revoked\ndata: {"));
        assert!(stream.next().await.is_none());
    }
}
