//! A Postgres that goes away and comes back: refused, cut, silent, and read-only.

use crate::installation::{Api, Installation};
use crate::ledger::{Found, Ledger, fresh_database, the_record_verifies};
use crate::proxy::{Proxy, Weather};

/// A server that reaches its database through a proxy.
struct World {
    proxy: Proxy,
    installation: Installation,
    api: Api,
    ledger: Ledger,
    /// The database itself.
    direct: String,
}

impl World {
    async fn new() -> Self {
        let direct = fresh_database().await;
        let (user, rest) = direct.split_once('@').unwrap();
        let (place, name) = rest.split_once('/').unwrap();
        let proxy = Proxy::before(place).await;
        let through = format!("{user}@127.0.0.1:{}/{name}", proxy.port());
        let mut installation = Installation::new(Some(through));
        let api = installation.up().await;
        let mut ledger = Ledger::default();
        for _ in 0..10 {
            assert!(ledger.write(&api).await);
        }
        Self {
            proxy,
            installation,
            api,
            ledger,
            direct,
        }
    }

    /// The database is back: the same process goes on, and nothing is lost or made up.
    async fn recovers(&mut self) {
        self.ledger.write_until_acknowledged(&self.api).await;
        for _ in 0..40 {
            assert!(self.ledger.write(&self.api).await, "it stays recovered");
        }
        self.ledger.runs_end(&self.api).await;
        assert!(self.installation.is_running());
        assert_eq!(self.api.get("/readyz").await.status, 200);
        // What is acknowledged is sealed a moment later.
        let found = Found::sealed_in_postgres(&self.direct).await;
        the_record_verifies(&self.installation, &self.api);
        self.ledger.reconcile(&found);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_refuses_is_said_and_survived() {
    let mut world = World::new().await;
    for _ in 0..3 {
        world.proxy.turn(Weather::Refused).await;
        // The first may find a commit under way.
        world.ledger.write_until_refused(&world.api).await;
        for _ in 0..10 {
            assert!(!world.ledger.write(&world.api).await);
        }
        let answer = world.api.get("/v1/sessions").await;
        answer.is_an_honest_outage(&["STORAGE_UNAVAILABLE"]);
        let anybody = world.api.anonymous();
        let ready = anybody.get("/readyz").await;
        ready.is_an_honest_outage(&["NOT_READY"]);
        assert_eq!(anybody.get("/livez").await.status, 200);
        world.proxy.turn(Weather::Fair).await;
        world.recovers().await;
    }
    assert!(world.ledger.refused() >= 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_under_load_lose_nothing() {
    let mut world = World::new().await;
    for _ in 0..30 {
        world.proxy.cut();
        for _ in 0..5 {
            world.ledger.write(&world.api).await;
        }
    }
    world.recovers().await;
}

/// Old connections never speak again; new ones do. Whoever waits for the old ones waits for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_falls_silent_is_said_and_survived() {
    let mut world = World::new().await;
    world.proxy.turn(Weather::BlackHole).await;
    for _ in 0..3 {
        assert!(!world.ledger.write(&world.api).await);
    }
    world.proxy.turn(Weather::Fair).await;
    world.recovers().await;
}

/// After a failover to a replica that was not promoted yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_database_is_said_and_survived() {
    let mut world = World::new().await;
    let name = world.direct.rsplit('/').next().unwrap().to_owned();
    let (client, connection) = tokio_postgres::connect(&world.direct, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let set =
        |way: &str| format!("ALTER DATABASE {name} SET default_transaction_read_only = {way}");
    client.batch_execute(&set("on")).await.unwrap();
    world.proxy.cut();
    world.ledger.write_until_refused(&world.api).await;
    for _ in 0..10 {
        assert!(!world.ledger.write(&world.api).await);
    }
    assert_eq!(world.api.get("/v1/sessions").await.status, 200);
    assert_eq!(world.ledger.queue_unavailable, world.ledger.runs_refused);
    client
        .batch_execute(&format!(
            "SET default_transaction_read_only = off; {}",
            set("off")
        ))
        .await
        .unwrap();
    world.proxy.cut();
    world.recovers().await;
    drop(client);
    connection.await.unwrap().unwrap();
}
