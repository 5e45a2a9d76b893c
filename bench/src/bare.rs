//! A bare server: the same framework and the same drivers with nothing of the product around them.
//!
//! It runs in a process of its own, as the product does: `GET /rows/{id}` reads a row and answers
//! with JSON, `POST /rows` inserts one and answers when it is on disk, `GET /stream` sends whatever
//! is posted to `/stream` to everybody who listens.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{get, post};
use axum::{Json, Router};
use deadpool_postgres::Pool;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::child::{self, Child};
use crate::place::{self, Place};

/// Starts one over the same database as the product's.
pub fn start(place: &Place) -> Result<Child> {
    let mut arguments: Vec<&OsStr> = vec!["bare".as_ref(), place.folder.path().as_ref()];
    arguments.extend(place.url.as_ref().map(OsStr::new));
    Child::start(arguments)
}

#[derive(Clone)]
struct Shared {
    store: Store,
    told: broadcast::Sender<Arc<str>>,
}

/// As many readers as the product has, and one writer; or as many connections.
#[derive(Clone)]
enum Store {
    Sqlite {
        writer: Arc<Mutex<Connection>>,
        readers: Arc<Mutex<Vec<Connection>>>,
    },
    Postgres(Pool),
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS bare_rows (id TEXT PRIMARY KEY, title TEXT NOT NULL, \
    labels TEXT NOT NULL, status TEXT NOT NULL, workspace TEXT NOT NULL, created_at_us BIGINT NOT NULL)";
const INSERT: &str = "INSERT INTO bare_rows (id, title, labels, status, workspace, created_at_us) \
    VALUES ($1, $2, $3, $4, $5, $6)";
const SELECT: &str =
    "SELECT id, title, labels, status, workspace, created_at_us FROM bare_rows WHERE id = $1";
/// As many as the product's pools have.
const READERS: usize = 4;
const CONNECTIONS: usize = 32;

/// The process: prints its address, and ends when its standard input does.
pub async fn serve(folder: &Path, url: Option<&str>) -> Result<()> {
    let store = match url {
        None => sqlite(&folder.join("bare-server.db"))?,
        Some(url) => postgres(url).await?,
    };
    let shared = Shared {
        store,
        told: broadcast::channel(1_024).0,
    };
    let router = Router::new()
        .route("/rows", post(insert))
        .route("/rows/{id}", get(select))
        .route("/stream", get(listen).post(tell))
        .with_state(shared);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?);
    tokio::select! {
        served = axum::serve(listener, router) => served?,
        () = child::orphaned() => {}
    }
    Ok(())
}

fn sqlite(path: &Path) -> Result<Store> {
    let writer = place::open(path)?;
    writer.execute_batch(TABLE)?;
    let readers: Result<Vec<_>> = (0..READERS).map(|_| place::open(path)).collect();
    Ok(Store::Sqlite {
        writer: Arc::new(Mutex::new(writer)),
        readers: Arc::new(Mutex::new(readers?)),
    })
}

async fn postgres(url: &str) -> Result<Store> {
    let manager = deadpool_postgres::Manager::new(url.parse()?, tokio_postgres::NoTls);
    let pool = Pool::builder(manager).max_size(CONNECTIONS).build()?;
    pool.get().await?.batch_execute(TABLE).await?;
    Ok(Store::Postgres(pool))
}

fn failed(error: impl std::fmt::Display) -> StatusCode {
    eprintln!("the bare server: {error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn insert(
    State(shared): State<Shared>,
    Json(new): Json<Value>,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
    let text = |name: &str| new[name].as_str().unwrap_or_default().to_owned();
    let (id, title, labels) = (text("id"), text("title"), new["labels"].to_string());
    let (status, workspace, now) = ("open", text("workspace"), 0_i64);
    match &shared.store {
        Store::Sqlite { writer, .. } => {
            let writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            let mut insert = writer.prepare_cached(INSERT).map_err(failed)?;
            insert
                .execute((&id, &title, &labels, status, &workspace, now))
                .map_err(failed)?;
        }
        Store::Postgres(pool) => {
            let client = pool.get().await.map_err(failed)?;
            let insert = client.prepare_cached(INSERT).await.map_err(failed)?;
            client
                .execute(&insert, &[&id, &title, &labels, &status, &workspace, &now])
                .await
                .map_err(failed)?;
        }
    }
    Ok((
        StatusCode::CREATED,
        Json(row(id, title, &labels, status, workspace, now)),
    ))
}

async fn select(
    State(shared): State<Shared>,
    UrlPath(id): UrlPath<String>,
) -> Result<Json<Value>, StatusCode> {
    match &shared.store {
        Store::Sqlite { readers, .. } => {
            let lock = || readers.lock().unwrap_or_else(PoisonError::into_inner);
            let reader = lock().pop().ok_or_else(|| failed("no reader"))?;
            let found = select_sqlite(&reader, &id).map_err(failed);
            lock().push(reader);
            found.map(Json)
        }
        Store::Postgres(pool) => {
            let client = pool.get().await.map_err(failed)?;
            let select = client.prepare_cached(SELECT).await.map_err(failed)?;
            let it = client.query_one(&select, &[&id]).await.map_err(failed)?;
            let labels: String = it.get(2);
            Ok(Json(row(
                it.get(0),
                it.get(1),
                &labels,
                it.get(3),
                it.get(4),
                it.get(5),
            )))
        }
    }
}

fn select_sqlite(reader: &Connection, id: &str) -> rusqlite::Result<Value> {
    reader.prepare_cached(SELECT)?.query_row([id], |it| {
        let (labels, status): (String, String) = (it.get(2)?, it.get(3)?);
        Ok(row(
            it.get(0)?,
            it.get(1)?,
            &labels,
            &status,
            it.get(4)?,
            it.get(5)?,
        ))
    })
}

fn row(id: String, title: String, labels: &str, status: &str, workspace: String, at: i64) -> Value {
    let labels: Value = serde_json::from_str(labels).unwrap_or_default();
    json!({
        "id": id, "title": title, "labels": labels, "status": status, "workspace": workspace,
        "created_at": at,
    })
}

async fn tell(State(shared): State<Shared>, said: String) -> StatusCode {
    // Nobody listens: nothing is lost.
    let _ = shared.told.send(said.into());
    StatusCode::NO_CONTENT
}

async fn listen(
    State(shared): State<Shared>,
) -> Sse<impl futures::Stream<Item = Result<Event, Infallible>>> {
    let heard = futures::stream::unfold(shared.told.subscribe(), |mut told| async move {
        let said = told.recv().await.ok()?;
        let event = Event::default().event("message.posted").data(&*said);
        Some((Ok(event), told))
    });
    Sse::new(heard).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}
