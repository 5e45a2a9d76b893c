//! Migrations that are interrupted between any two statements, and what is refused.

use std::collections::BTreeSet;

use db::testing::TestDb;
use db::{Authority, DatabaseConfig, Db, MIGRATIONS, Migration, StoreError};
use tokio_postgres::Client;
use vocab::{Actor, Clock, JobId, Random};

use crate::plain::{connect, run, texts, url};

fn titles() -> Vec<&'static str> {
    MIGRATIONS.iter().map(|it| it.title).collect()
}

async fn open(config: &DatabaseConfig) -> (Db, Authority) {
    Db::open(config, Clock::system(), Random::system())
        .await
        .unwrap()
}

/// An empty Postgres database; dropped by [`Empty::gone`].
struct Empty {
    server: Client,
    name: String,
    url: String,
    client: Client,
}

impl Empty {
    async fn new() -> Self {
        let server_url = std::env::var("CHANCERY_TEST_POSTGRES").unwrap();
        let server = connect(&server_url).await;
        let id = JobId::generate(&Clock::system(), &Random::system());
        let name = format!("migrations_{}", id.uuid().simple());
        run(&server, &format!("CREATE DATABASE {name}")).await;
        let (base, _) = server_url.rsplit_once('/').unwrap();
        let url = format!("{base}/{name}");
        let client = connect(&url).await;
        Self {
            server,
            name,
            url,
            client,
        }
    }

    fn config(&self) -> DatabaseConfig {
        DatabaseConfig::postgres(self.url.clone())
    }

    async fn gone(self) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        run(&self.server, &sql).await;
    }
}

/// Everything that a migration makes, as the catalogue has it.
const SHAPE: &str = "
    SELECT concat_ws(' ', c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relacl)
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
    UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', tablename, policyname, roles, qual, with_check) FROM pg_policies
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT concat_ws(' ', 'sequencer', name, cursor_ord) FROM sequencer
    ORDER BY 1";

/// A trigger on every statement that makes or changes something. It counts them, and at the chosen
/// one it raises an error or ends the connection, as the death of either side does.
async fn interrupt_at(client: &Client, statement: u32, how: &str) {
    let sql = format!(
        "DROP EVENT TRIGGER IF EXISTS interrupt; CREATE SCHEMA IF NOT EXISTS weather;
         DROP SEQUENCE IF EXISTS weather.statements; CREATE SEQUENCE weather.statements;
         CREATE OR REPLACE FUNCTION weather.interrupt() RETURNS event_trigger LANGUAGE plpgsql AS $$
         BEGIN
            IF nextval('weather.statements') = {statement} THEN {how}; END IF;
         END $$;
         CREATE EVENT TRIGGER interrupt ON ddl_command_end EXECUTE FUNCTION weather.interrupt()"
    );
    run(client, &sql).await;
}

async fn end_of_interruptions(client: &Client) {
    run(
        client,
        "DROP EVENT TRIGGER interrupt; DROP SCHEMA weather CASCADE",
    )
    .await;
}

async fn interrupted_at_every_statement(how: &str) {
    let whole = TestDb::postgres().await;
    let expected = texts(&connect(&url(&whole.config)).await, SHAPE).await;

    let empty = Empty::new().await;
    let mut interruptions = 0;
    let mut ran = Vec::new();
    // Each run gets past the migrations before the statement, so counting starts anew in each.
    let mut statement = 1;
    loop {
        interrupt_at(&empty.client, statement, how).await;
        let before = applied(&empty.client).await;
        let (db, _authority) = open(&empty.config()).await;
        match db.migrate().await {
            Ok(rest) => {
                ran.extend(rest);
                break;
            }
            Err(error) => assert!(
                matches!(error, StoreError::Statement(_) | StoreError::Unavailable(_)),
                "{error:?}"
            ),
        }
        interruptions += 1;
        let after = applied(&empty.client).await;
        assert!(after >= before);
        // Past the end of a migration the same number of statements leads further.
        statement = if after > before { 1 } else { statement + 1 };
        ran.extend(titles()[before..after].iter().copied());
    }
    end_of_interruptions(&empty.client).await;
    assert_eq!(ran, titles(), "each ran once");
    assert_eq!(texts(&empty.client, SHAPE).await, expected);
    assert_eq!(
        open(&empty.config()).await.0.migrate().await.unwrap(),
        Vec::<&str>::new()
    );
    println!("{interruptions} interruptions");
    assert!(interruptions >= 100, "{interruptions}");
    empty.gone().await;
}

/// How many migrations are noted.
async fn applied(client: &Client) -> usize {
    let there = "SELECT count(*) FROM pg_class WHERE relname = 'schema_migrations'";
    let there: i64 = client.query_one(there, &[]).await.unwrap().get(0);
    if there == 0 {
        return 0;
    }
    texts(client, "SELECT title FROM schema_migrations")
        .await
        .len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_at_any_statement_leaves_whole_migrations_on_postgres() {
    interrupted_at_every_statement("RAISE 'interrupted'").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_at_any_statement_leaves_whole_migrations_on_postgres() {
    interrupted_at_every_statement("PERFORM pg_terminate_backend(pg_backend_pid())").await;
}

/// The schema of a file, by a connection of the test's own.
fn shape(config: &DatabaseConfig) -> Vec<(String, Option<String>)> {
    let DatabaseConfig::Sqlite { path } = config else {
        panic!("not a file");
    };
    let connection = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT name, sql FROM sqlite_schema ORDER BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

/// The database may grow by so many pages and no further: the disk is full at every one of them.
#[tokio::test]
async fn a_full_disk_at_any_page_leaves_whole_migrations_on_sqlite() {
    let whole = TestDb::sqlite().await;
    let expected = shape(&whole.config);
    let folder = tempfile::tempdir().unwrap();
    let (mut full, mut seen) = (0, BTreeSet::new());
    for pages in 1..1_000 {
        let config = DatabaseConfig::Sqlite {
            path: folder.path().join(format!("{pages}.db")),
        };
        let (db, authority) = open(&config).await;
        let limit = async |pages: u32| {
            let mut tx = authority.system_write(Actor::system("test")).await.unwrap();
            let sql: &'static str = format!("PRAGMA max_page_count = {pages}").leak();
            tx.all(sql, &[]).await.unwrap();
        };
        limit(pages).await;
        match db.migrate().await {
            Ok(all) => {
                assert_eq!(all, titles());
                break;
            }
            Err(error) => assert!(matches!(error, StoreError::Full(_)), "{error:?}"),
        }
        full += 1;
        limit(1_000_000).await;
        let rest = db.migrate().await.unwrap();
        assert!(titles().ends_with(&rest), "{rest:?}");
        seen.insert(rest.len());
        assert_eq!(shape(&config), expected);
    }
    println!("{full} times full, with {seen:?} migrations to go");
    assert!(full >= 50, "{full}");
    // Every migration that takes a page of its own was the one that the disk was full in.
    let to_go = |at: usize| MIGRATIONS.len() - at;
    let takes_a_page = |it: &Migration| it.sqlite.contains("CREATE TABLE");
    let growing = MIGRATIONS.iter().enumerate();
    let growing = growing.filter(|(_, it)| takes_a_page(it));
    let missed: Vec<_> = growing
        .filter(|(at, _)| !seen.contains(&to_go(*at)))
        .map(|(_, it)| it.title)
        .collect();
    assert_eq!(missed, Vec::<&str>::new());
}

/// A migration that was changed after it ran, or that this program doesn't know.
#[tokio::test]
async fn a_schema_of_another_program_is_refused() {
    let newer = "INSERT INTO schema_migrations VALUES (9999, 'later', 'x', 0)";
    let changed = "UPDATE schema_migrations SET digest = 'x' WHERE version = 3";
    for (sql, says) in [
        (newer, "newer than this program"),
        (changed, "migration 3 on disk"),
    ] {
        for db in [TestDb::sqlite().await, TestDb::postgres().await] {
            match &db.config {
                DatabaseConfig::Sqlite { path } => {
                    rusqlite::Connection::open(path)
                        .unwrap()
                        .execute(sql, [])
                        .unwrap();
                }
                config => run(&connect(&url(config)).await, sql).await,
            }
            let error = db.db.migrate().await.unwrap_err();
            assert!(
                matches!(&error, StoreError::Schema(why) if why.contains(says)),
                "{error:?}"
            );
        }
    }
}

/// The login of an installation need not be a superuser: it owns its database, and may take the
/// two roles.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordinary_login_migrates_and_works() {
    let empty = Empty::new().await;
    drop(TestDb::postgres().await); // whose migrations made the roles
    let login = format!("login_{}", &empty.name);
    let make = format!(
        "CREATE ROLE {login} LOGIN NOSUPERUSER; ALTER DATABASE {} OWNER TO {login};
         GRANT chancery_member, chancery_system TO {login}",
        empty.name
    );
    run(&empty.server, &make).await;
    let ordinary = empty.url.replace("//postgres@", &format!("//{login}@"));
    let (db, authority) = open(&DatabaseConfig::postgres(ordinary)).await;
    assert_eq!(db.migrate().await.unwrap(), titles());
    let org = vocab::OrgId::generate(db.clock(), db.random());
    let mut tx = authority.system_write(Actor::system("test")).await.unwrap();
    let sql = "INSERT INTO organisations (org_id, name, created_at_us) VALUES ($1, 'x', 1)";
    tx.execute(sql, &db::params![org]).await.unwrap();
    tx.record_for(org, vocab::Draft::new(vocab::EventKind::OrgCreated, org));
    tx.commit().await.unwrap();
    let ctx = authority.context(org, Actor::system("test"), vocab::Role::Owner);
    let sql = "SELECT count(*) FROM events WHERE org_id = $1";
    let row = ctx.read().await.unwrap().one(sql, &[]).await.unwrap();
    assert_eq!(row.get::<i64>(0).unwrap(), 1);
    drop((db, authority, ctx));
    let server_url = std::env::var("CHANCERY_TEST_POSTGRES").unwrap();
    empty.gone().await;
    run(&connect(&server_url).await, &format!("DROP ROLE {login}")).await;
}
