//! The two databases that a bench runs on, and what a bare commit costs on each.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::client::Client;
use crate::server::{Launch, Server};

/// One of the two databases.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// Both, or the one that was asked for.
    pub fn all(only: Option<Self>) -> Vec<Self> {
        only.map_or(vec![Self::Sqlite, Self::Postgres], |one| vec![one])
    }

    /// A place of this engine; on Postgres its database has this name.
    pub async fn place(self, name: &str) -> Result<Place> {
        match self {
            Self::Sqlite => Place::sqlite(),
            Self::Postgres => Place::postgres(name).await,
        }
    }
}

/// A folder of its own and, for Postgres, an empty database.
pub struct Place {
    pub engine: &'static str,
    pub folder: TempDir,
    pub url: Option<String>,
}

impl Place {
    pub fn sqlite() -> Result<Self> {
        Ok(Self {
            engine: "SQLite",
            folder: folder()?,
            url: None,
        })
    }

    /// A database of this name on the server that `cargo xtask bench` has started.
    pub async fn postgres(name: &str) -> Result<Self> {
        let server = std::env::var("CHANCERY_BENCH_POSTGRES")
            .context("`CHANCERY_BENCH_POSTGRES` is not set; run this by `cargo xtask`")?;
        let (base, _) = server
            .rsplit_once('/')
            .context("the URL of Postgres names no database")?;
        let client = connect(&server).await?;
        let drop = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
        client.batch_execute(&drop).await?;
        let create = format!("CREATE DATABASE \"{name}\"");
        client.batch_execute(&create).await?;
        Ok(Self {
            engine: "Postgres",
            folder: folder()?,
            url: Some(format!("{base}/{name}")),
        })
    }
}

impl Place {
    /// A server of its own here, without a node and without limits on requests, and its owner.
    pub async fn serve(&self) -> Result<(Launch, Server, Client)> {
        let launch = Launch::new(self.folder.path(), self.url.clone())?
            .with("CHANCERY_RATE_LIMITS__API_PER_MINUTE", "0")
            .with("CHANCERY_NODE__LOCAL", "false");
        let mut server = launch.start()?;
        server.ready().await?;
        let client = Client::new(launch.url())?;
        client.sign_in().await?;
        Ok((launch, server, client))
    }
}

fn folder() -> Result<TempDir> {
    tempfile::tempdir().context("can't make a folder")
}

/// A bare connection, driven by a task that ends with it.
pub async fn connect(url: &str) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("can't connect to Postgres")?;
    tokio::spawn(connection);
    Ok(client)
}

/// A bare SQLite connection, as durable as the product's.
pub fn open(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path).context("can't open a database")?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    Ok(connection)
}

/// One small row, committed by itself by the bare driver: the least that durability costs here.
pub enum BareCommit {
    Sqlite(Connection),
    Postgres(tokio_postgres::Client),
}

impl BareCommit {
    pub async fn open(place: &Place) -> Result<Self> {
        const TABLE: &str = "CREATE TABLE bare_commits (said TEXT NOT NULL)";
        let Some(url) = &place.url else {
            let connection = open(&place.folder.path().join("bare.db"))?;
            connection.execute_batch(TABLE)?;
            return Ok(Self::Sqlite(connection));
        };
        let client = connect(url).await?;
        client.batch_execute(TABLE).await?;
        Ok(Self::Postgres(client))
    }

    pub async fn commit(&mut self) -> Result<()> {
        const INSERT: &str = "INSERT INTO bare_commits (said) VALUES ($1)";
        let said = "two hundred bytes or so ".repeat(8);
        match self {
            Self::Sqlite(connection) => {
                connection.prepare_cached(INSERT)?.execute([said])?;
            }
            Self::Postgres(client) => {
                client.execute(INSERT, &[&said]).await?;
            }
        }
        Ok(())
    }
}
