//! Private databases for tests: a fresh file, or a fresh database on the server that
//! `CHANCERY_TEST_POSTGRES` names.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't set up its database must fail loudly"
)]

use std::path::PathBuf;

use tokio_postgres::NoTls;
use vocab::{Actor, Clock, Draft, EventKind, OrgId, Random, Role, UserId};

use crate::{Authority, DatabaseConfig, Db, MIGRATIONS, OrgContext, params};

/// One test's own database, migrated; gone when it is dropped.
pub struct TestDb {
    /// The database.
    pub db: Db,
    /// Its authority, as the parts that authenticate hold it.
    pub authority: Authority,
    /// How to open it once more.
    pub config: DatabaseConfig,
    place: Place,
}

enum Place {
    Folder(PathBuf),
    Server { url: String, name: String },
}

impl TestDb {
    /// A fresh SQLite file.
    pub async fn sqlite() -> Self {
        let name = vocab::JobId::generate(&Clock::system(), &Random::system());
        let folder = std::env::temp_dir().join(format!("chancery-test-{name}"));
        std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
        let config = DatabaseConfig::Sqlite {
            path: folder.join("chancery.db"),
        };
        Self::open(config, Place::Folder(folder)).await
    }

    /// A fresh Postgres database, copied from a migrated template.
    pub async fn postgres() -> Self {
        let server = std::env::var("CHANCERY_TEST_POSTGRES").unwrap_or_else(|_| {
            panic!("CHANCERY_TEST_POSTGRES is not set: run the tests by `cargo xtask test`")
        });
        let template = template(&server).await;
        let id = vocab::JobId::generate(&Clock::system(), &Random::system());
        let name = format!("test_{}", id.uuid().simple());
        execute(
            &server,
            &format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"),
        )
        .await;
        let config = DatabaseConfig::Postgres {
            url: with_database(&server, &name).into(),
            connections_max: 8,
            prepare_statements: true,
        };
        Self::open(config, Place::Server { url: server, name }).await
    }

    async fn open(config: DatabaseConfig, place: Place) -> Self {
        let opened = Db::open(&config, Clock::system(), Random::system()).await;
        let (db, authority) = opened.expect("the database opens");
        db.migrate().await.expect("the migrations run");
        Self {
            db,
            authority,
            config,
            place,
        }
    }

    /// A new organisation with an owner, and the owner's context in it.
    pub async fn org(&self) -> OrgContext {
        let (clock, random) = (self.db.clock(), self.db.random());
        let org = OrgId::generate(clock, random);
        let owner = Actor::user(UserId::generate(clock, random));
        let mut tx = self
            .authority
            .system_write(owner.clone())
            .await
            .expect("opens");
        tx.execute(
            "INSERT INTO organisations (org_id, name, created_at_us) VALUES ($1, $2, $3)",
            &params![org, "Test", clock.now()],
        )
        .await
        .expect("inserts");
        tx.record_for(org, Draft::new(EventKind::OrgCreated, org));
        tx.commit().await.expect("commits");
        self.authority.context(org, owner, Role::Owner)
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        match &self.place {
            Place::Folder(folder) => drop(std::fs::remove_dir_all(folder)),
            Place::Server { url, name } => {
                let (url, sql) = (
                    url.clone(),
                    format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
                );
                // The test's own runtime is going away: the last wish needs one of its own.
                let thread = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build();
                    runtime
                        .expect("a runtime starts")
                        .block_on(execute(&url, &sql));
                });
                drop(thread.join());
            }
        }
    }
}

fn with_database(server: &str, name: &str) -> String {
    let (base, _) = server.rsplit_once('/').expect("a URL with a database name");
    format!("{base}/{name}")
}

async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("Postgres is up");
    let driving = tokio::spawn(connection);
    client
        .batch_execute(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    drop(client);
    drop(driving.await);
}

/// The migrated database that the others are copied from, made once for each set of migrations.
async fn template(server: &str) -> String {
    let all: String = MIGRATIONS.iter().map(|it| it.postgres).collect();
    let name = format!(
        "template_{}",
        &vocab::Digest::of(all.as_bytes()).hex()[..16]
    );
    let (mut client, connection) = tokio_postgres::connect(server, NoTls)
        .await
        .expect("Postgres is up");
    let driving = tokio::spawn(connection);
    let tx = client.transaction().await.expect("begins");
    // One test process makes it; the others wait here until it is there.
    tx.execute("SELECT pg_advisory_xact_lock(7303)", &[])
        .await
        .expect("locks");
    let exists = tx
        .query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name])
        .await;
    if exists.expect("reads").is_none() {
        let building = format!("{name}_building");
        execute(
            server,
            &format!("DROP DATABASE IF EXISTS {building} WITH (FORCE)"),
        )
        .await;
        execute(server, &format!("CREATE DATABASE {building}")).await;
        let config = DatabaseConfig::postgres(with_database(server, &building));
        let (db, authority) = Db::open(&config, Clock::system(), Random::system())
            .await
            .expect("opens");
        db.migrate().await.expect("the migrations run");
        drop((db, authority));
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{building}'"
        );
        execute(server, &end).await;
        execute(
            server,
            &format!("ALTER DATABASE {building} RENAME TO {name}"),
        )
        .await;
    }
    drop(tx);
    drop(client);
    drop(driving.await);
    name
}

/// Writes one `#[tokio::test]` for each database; the body sees only a [`TestDb`].
#[macro_export]
macro_rules! on_both_databases {
    ($($(#[doc = $doc:literal])* async fn $name:ident($db:ident: TestDb) $body:block)*) => {
        $(
            mod $name {
                #[allow(unused_imports, reason = "what a body needs depends on the body")]
                use super::*;
                $(#[doc = $doc])*
                async fn check($db: $crate::testing::TestDb) $body
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    check($crate::testing::TestDb::sqlite().await).await;
                }
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    check($crate::testing::TestDb::postgres().await).await;
                }
            }
        )*
    };
}
