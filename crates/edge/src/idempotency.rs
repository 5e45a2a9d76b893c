//! Idempotency keys: a POST that is sent twice happens once.
//!
//! A key is scoped to organisation, principal and route. Beside it stands a fingerprint of the path
//! and the body: the same key with another fingerprint is a mistake of the client
//! (`IDEMPOTENCY_MISMATCH`). The answer of a success is kept for
//! [`vocab::limits::IDEMPOTENCY_TTL`] and given again with `Idempotent-Replay: true`. A failure
//! keeps nothing: it changed nothing, so the same key may try again.
//!
//! There are two ways, and a route says in its OpenAPI annotation which one it goes:
//!
//! - **atomic** (`"x-idempotency": "atomic"`): the handler puts key and answer into the
//!   transaction of the effect itself ([`Key::claim`]). Effect and key are on disk together or not
//!   at all, so whatever dies in between, a repeated request happens exactly once. Nothing is
//!   written beforehand.
//! - **reserved** (no mark): a row is committed before the handler runs, and the answer is added
//!   after it. If the process dies in between, nobody can tell whether the effect happened; it is
//!   not repeated, and the client is told so (`IDEMPOTENCY_UNKNOWN`): at most once.
//!
//! Two requests with one key at the same time: within a process the second one hears
//! `IDEMPOTENCY_IN_FLIGHT`; between processes the primary key lets one of them commit, and the
//! other answers with what the first one stored. A row without an answer whose process is gone
//! (SQLite has one process; on Postgres, older than any request can be) counts as interrupted.
//!
//! Once begun, a request with a key goes on though its client goes away: the effect and its answer
//! belong together.
//!
//! Answers may hold personal content, so they are sealed with a key that is derived from the
//! client's own idempotency key and the request's body, neither of which is stored. Answers that
//! hold a secret are not stored even so (`"atomic-secret"`, `"reserved-secret"`).
//!
//! Requests without an identity have nobody to keep an answer for: their keys are ignored.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use db::{Authority, Engine, Row, Sql, StoreError, SystemWrite, WriteTx, params};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use uuid::Uuid;
use vocab::limits::{IDEMPOTENCY_KEY_CHARS_MAX, IDEMPOTENCY_TTL, REQUEST_TIMEOUT};
use vocab::{Actor, Digest, Timestamp};

use crate::identity::{Caller, Credential};
use crate::relay::RelayKey;
use crate::{Problem, json, problem};

/// The header that carries a key.
pub const HEADER: &str = "idempotency-key";
/// The header of an answer that was given before.
pub const REPLAY_HEADER: &str = "idempotent-replay";
/// The member of an operation in the OpenAPI document that says how its keys work.
pub const MARK: &str = "x-idempotency";

/// The largest answer that is stored, in bytes. Of a larger one only the status is.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// The code of a claim that came second; the layer turns it into the first one's answer.
const TAKEN: &str = "IDEMPOTENCY_TAKEN";

/// How long the key is remembered that a relay gives a request which has none: longer than it keeps
/// trying.
const RELAY_TTL: Duration = Duration::from_secs(10 * 60);

/// How the keys of a route work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mode {
    atomic: bool,
    secret: bool,
}

impl Mode {
    fn of(mark: Option<&str>) -> Self {
        Self {
            atomic: mark.is_some_and(|mark| mark.starts_with("atomic")),
            secret: mark.is_some_and(|mark| mark.ends_with("secret")),
        }
    }
}

/// The request's idempotency key, for a handler that claims it in its own transaction. Without the
/// header there is nothing to claim, and claiming does nothing.
#[derive(Clone, Default)]
pub struct Key(Option<Arc<Held>>);

struct Held {
    /// The organisation, or the nil UUID where there is none.
    org: Uuid,
    scope: Digest,
    fingerprint: Digest,
    seal: [u8; 32],
    mode: Mode,
    instance: Uuid,
    now: Timestamp,
    ttl: Duration,
    claimed: AtomicBool,
}

/// Why a key was not claimed.
#[derive(Debug)]
pub enum ClaimError {
    /// Another request with the same key was first. Drop the transaction and return this.
    Taken,
    /// The answer has no JSON, or could not be sealed.
    Answer,
    /// The database refused.
    Store(StoreError),
}

impl From<StoreError> for ClaimError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ClaimError> for Problem {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Taken => Self::conflict(TAKEN, "another request with this key was first"),
            ClaimError::Answer => Self::internal(),
            ClaimError::Store(error) => error.into(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Takes over what has expired, and what this very process has reserved.
const CLAIM: Sql = Sql::Both(
    "INSERT INTO idempotency
       (org_id, scope, fingerprint, instance, reserved_at_us, expires_at_us, status, answer)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (org_id, scope) DO UPDATE SET
       fingerprint = excluded.fingerprint, instance = excluded.instance,
       reserved_at_us = excluded.reserved_at_us, expires_at_us = excluded.expires_at_us,
       status = excluded.status, answer = excluded.answer
     WHERE idempotency.expires_at_us <= excluded.reserved_at_us
        OR (idempotency.status IS NULL AND idempotency.instance = excluded.instance
            AND idempotency.fingerprint = excluded.fingerprint)",
);
const RESERVE: Sql = Sql::Both(
    "INSERT INTO idempotency
       (org_id, scope, fingerprint, instance, reserved_at_us, expires_at_us)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (org_id, scope) DO UPDATE SET
       fingerprint = excluded.fingerprint, instance = excluded.instance,
       reserved_at_us = excluded.reserved_at_us, expires_at_us = excluded.expires_at_us,
       status = NULL, answer = NULL
     WHERE idempotency.expires_at_us <= excluded.reserved_at_us",
);
const FIND: Sql = Sql::Both(
    "SELECT fingerprint, instance, reserved_at_us, status, answer FROM idempotency
     WHERE org_id = $1 AND scope = $2 AND expires_at_us > $3",
);
const RELEASE: Sql = Sql::Both(
    "DELETE FROM idempotency
     WHERE org_id = $1 AND scope = $2 AND instance = $3 AND status IS NULL",
);
const SWEEP: Sql = Sql::Both("DELETE FROM idempotency WHERE expires_at_us <= $1");

impl Key {
    /// No key: for what is not done by a request.
    #[must_use]
    pub const fn absent() -> Self {
        Self(None)
    }

    /// Puts the key and the answer into the transaction that has the effect. Call it once, just
    /// before the commit, with the status and the body that the handler will answer with.
    ///
    /// # Errors
    /// Another request with this key was first, or the database refused.
    pub async fn claim(
        &self,
        tx: &mut WriteTx,
        status: StatusCode,
        answer: &(impl Serialize + Sync),
    ) -> Result<(), ClaimError> {
        let Some(held) = &self.0 else { return Ok(()) };
        if held.org != tx.org().uuid() {
            tracing::error!("an idempotency key was claimed in another organisation");
            return Err(ClaimError::Answer);
        }
        let [_, rest @ ..] = held.row(status, answer)?;
        held.won(tx.execute(CLAIM, &rest).await?)
    }

    /// The same in a transaction of the system.
    ///
    /// # Errors
    /// As [`Key::claim`].
    pub async fn claim_system(
        &self,
        tx: &mut SystemWrite,
        status: StatusCode,
        answer: &(impl Serialize + Sync),
    ) -> Result<(), ClaimError> {
        let Some(held) = &self.0 else { return Ok(()) };
        let row = held.row(status, answer)?;
        held.won(tx.execute(CLAIM, &row).await?)
    }
}

impl Held {
    fn row(
        &self,
        status: StatusCode,
        answer: &impl Serialize,
    ) -> Result<[db::Value; 8], ClaimError> {
        let sealed = if self.mode.secret {
            None
        } else {
            let plain = serde_json::to_vec(answer).map_err(|_| ClaimError::Answer)?;
            Some(self.seal(plain)?)
        };
        Ok(self.values(status, sealed))
    }

    fn values(&self, status: StatusCode, sealed: Option<Vec<u8>>) -> [db::Value; 8] {
        let expires = self.now.plus(self.ttl);
        let status = i64::from(status.as_u16());
        let Self {
            org,
            scope,
            fingerprint,
            instance,
            now,
            ..
        } = self;
        params![
            *org,
            *scope,
            *fingerprint,
            *instance,
            *now,
            expires,
            status,
            sealed
        ]
    }

    fn won(&self, changed: u64) -> Result<(), ClaimError> {
        if changed == 0 {
            return Err(ClaimError::Taken);
        }
        self.claimed.store(true, Ordering::Release);
        Ok(())
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, ClaimError> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.seal).map_err(|_| ClaimError::Answer)
    }

    fn seal(&self, mut answer: Vec<u8>) -> Result<Vec<u8>, ClaimError> {
        let aad = Aad::from(self.scope.as_bytes());
        let nonce = self.cipher()?.seal_in_place_append_tag(aad, &mut answer);
        let nonce = nonce.map_err(|_| ClaimError::Answer)?;
        answer.extend_from_slice(nonce.as_ref());
        Ok(answer)
    }

    fn open(&self, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        let nonce = sealed.split_off(sealed.len().checked_sub(NONCE_LEN)?);
        let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
        let aad = Aad::from(self.scope.as_bytes());
        let length = self
            .cipher()
            .ok()?
            .open_in_place(nonce, aad, &mut sealed)
            .ok()?
            .len();
        sealed.truncate(length);
        Some(sealed)
    }
}

/// What the layer needs: who this process is, what it has in flight, and how each route's keys work.
pub(crate) struct Idempotency {
    authority: Authority,
    instance: Uuid,
    in_flight: Arc<Mutex<HashSet<Digest>>>,
    modes: HashMap<String, Mode>,
    tasks: TaskTracker,
}

/// Takes a scope out of the set when the request is over, however it ends.
struct InFlight {
    set: Arc<Mutex<HashSet<Digest>>>,
    scope: Digest,
}

impl InFlight {
    fn enter(set: &Arc<Mutex<HashSet<Digest>>>, scope: Digest) -> Option<Self> {
        let entered = set
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(scope);
        entered.then(|| Self {
            set: Arc::clone(set),
            scope,
        })
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.set
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.scope);
    }
}

impl Idempotency {
    pub(crate) fn new(
        authority: Authority,
        document: &utoipa::openapi::OpenApi,
        tasks: TaskTracker,
    ) -> Self {
        let random = authority.db().random();
        let instance = uuid::Builder::from_random_bytes(random.bytes()).into_uuid();
        let posts = document.paths.paths.iter().filter_map(|(path, item)| {
            let extensions = item.post.as_ref()?.extensions.as_ref()?;
            let mark = extensions.get(MARK).and_then(serde_json::Value::as_str);
            Some((path.clone(), Mode::of(mark)))
        });
        let modes = posts.collect();
        Self {
            authority,
            instance,
            in_flight: Arc::default(),
            modes,
            tasks,
        }
    }

    /// Runs a request, once for each key.
    pub(crate) async fn run(
        self: &Arc<Self>,
        caller: Option<&Caller>,
        request: Request,
        next: Next,
    ) -> Response {
        let key = match (request.method(), caller) {
            (&Method::POST, Some(caller)) => key_of(&request).map(|key| (key, caller)),
            _ => None,
        };
        match key {
            None => next.run(request).await,
            Some((Ok(key), caller)) => match self.keyed(caller, key, request, next).await {
                Ok(response) => response,
                Err(problem) => problem.into_response(),
            },
            Some((Err(problem), _)) => problem.into_response(),
        }
    }

    async fn keyed(
        self: &Arc<Self>,
        caller: &Caller,
        key: Asked,
        request: Request,
        next: Next,
    ) -> Result<Response, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = json::read(&parts.headers, body).await?;
        let held = Arc::new(self.hold(caller, &key, &parts, &bytes));
        let Some(guard) = InFlight::enter(&self.in_flight, held.scope) else {
            return Err(in_flight());
        };
        if let Some(answer) = self.earlier(&held).await? {
            return Ok(answer);
        }
        if !held.mode.atomic && !self.reserve(&held).await? {
            let answer = self.earlier(&held).await?;
            return answer.ok_or_else(in_flight);
        }
        let mut request = Request::from_parts(parts, bytes.into());
        request
            .extensions_mut()
            .insert(Key(Some(Arc::clone(&held))));
        let this = Arc::clone(self);
        let work = async move {
            let _guard = guard;
            let response = next.run(request).await;
            this.settle(&held, response).await
        };
        let done = self.tasks.spawn(work.in_current_span()).await;
        done.map_err(|error| {
            tracing::error!(%error, "a request with an idempotency key ended in a panic");
            Problem::internal()
        })
    }

    fn hold(&self, caller: &Caller, asked: &Asked, parts: &Parts, body: &[u8]) -> Held {
        let key = asked.key.as_str();
        let org = caller
            .context()
            .map_or(Uuid::nil(), |context| context.org().uuid());
        let principal = match caller.credential() {
            Credential::Login(_) => caller.user().to_string(),
            Credential::Key(key) => key.to_string(),
        };
        let route = parts
            .extensions
            .get::<MatchedPath>()
            .map_or("", MatchedPath::as_str);
        let target = parts.uri.path_and_query().map_or("", |it| it.as_str());
        Held {
            org,
            scope: digest(
                "scope",
                &[principal.as_bytes(), route.as_bytes(), key.as_bytes()],
            ),
            fingerprint: digest("fingerprint", &[key.as_bytes(), target.as_bytes(), body]),
            seal: *digest("seal", &[key.as_bytes(), target.as_bytes(), body]).as_bytes(),
            mode: self.modes.get(route).copied().unwrap_or(Mode::of(None)),
            instance: self.instance,
            now: self.authority.db().clock().now(),
            ttl: asked.ttl,
            claimed: AtomicBool::new(false),
        }
    }

    /// What an earlier request with this key left behind.
    async fn earlier(&self, held: &Held) -> Result<Option<Response>, Problem> {
        let mut tx = self.authority.system_read().await?;
        let row = tx
            .optional(FIND, &params![held.org, held.scope, held.now])
            .await?;
        row.map(|row| self.judge(held, &row)).transpose()
    }

    fn judge(&self, held: &Held, row: &Row) -> Result<Response, Problem> {
        if row.get::<Digest>(0)? != held.fingerprint {
            let detail = "this idempotency key was used for another request";
            return Err(Problem::unprocessable("IDEMPOTENCY_MISMATCH", detail)
                .fix("use a new key for each new request"));
        }
        let (status, sealed) = (row.get::<Option<u32>>(3)?, row.get::<Option<Vec<u8>>>(4)?);
        let status = status.and_then(|it| StatusCode::from_u16(u16::try_from(it).ok()?).ok());
        match (status, sealed.and_then(|sealed| held.open(sealed))) {
            (Some(status), Some(answer)) => Ok(replay(status, answer)),
            (Some(_), None) => Err(done()),
            (None, _) => {
                let reserved_at: Timestamp = row.get(2)?;
                // This process has no such request in flight, or we would not be here.
                let gone = row.get::<Uuid>(1)? == self.instance
                    || self.authority.db().engine() == Engine::Sqlite
                    || held.now.since(reserved_at) > REQUEST_TIMEOUT * 4;
                Err(if gone { unknown() } else { in_flight() })
            }
        }
    }

    async fn reserve(&self, held: &Held) -> Result<bool, Problem> {
        let mut tx = self.authority.system_write(Actor::system("edge")).await?;
        let [org, scope, fingerprint, instance, now, expires, ..] =
            held.values(StatusCode::OK, None);
        let row = [org, scope, fingerprint, instance, now, expires];
        let reserved = tx.execute(RESERVE, &row).await? == 1;
        tx.commit_unrecorded("an idempotency key's reservation")
            .await?;
        Ok(reserved)
    }

    /// Keeps the answer of a success, and lets go of the key of a failure.
    async fn settle(&self, held: &Held, response: Response) -> Response {
        let taken = problem::of(&response).is_some_and(|problem| problem.code() == TAKEN);
        if taken {
            let earlier = self.earlier(held).await;
            return earlier
                .and_then(|it| it.ok_or_else(in_flight))
                .into_response();
        }
        if held.claimed.load(Ordering::Acquire) {
            return response;
        }
        if held.mode.atomic {
            if response.status().is_success() {
                tracing::error!("an atomic route succeeded without claiming its idempotency key");
                debug_assert!(false, "an atomic route must claim its idempotency key");
            }
            return response;
        }
        let undone = response.status().is_client_error()
            || problem::of(&response).is_some_and(Problem::is_retryable);
        if undone {
            self.note(RELEASE, &params![held.org, held.scope, held.instance])
                .await;
            return response;
        }
        if response.status().is_server_error() {
            // Whether it happened is not known: the reservation stays as it is and says so.
            return response;
        }
        self.keep(held, response).await
    }

    async fn keep(&self, held: &Held, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let stored = |headers: &HeaderMap| {
            let kind = headers.get(header::CONTENT_TYPE);
            kind.is_none_or(|kind| kind.as_bytes().starts_with(b"application/json"))
        };
        if held.mode.secret || !stored(&parts.headers) {
            self.note(CLAIM, &held.values(parts.status, None)).await;
            return Response::from_parts(parts, body);
        }
        let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
            return Problem::internal().into_response();
        };
        let sealed = match bytes.len() {
            0..=ANSWER_BYTES_MAX => held.seal(bytes.to_vec()).ok(),
            _ => None,
        };
        self.note(CLAIM, &held.values(parts.status, sealed)).await;
        Response::from_parts(parts, bytes.into())
    }

    /// Writes what is known about a key after the fact. If that fails, the reservation stays, and a
    /// repeated request hears that the outcome is unknown: less helpful, and never wrong.
    async fn note(&self, sql: Sql, row: &[db::Value]) {
        let written = async {
            let mut tx = self.authority.system_write(Actor::system("edge")).await?;
            tx.execute(sql, row).await?;
            tx.commit_unrecorded("an idempotency key's answer").await
        };
        if let Err(error) = written.await {
            let error = &error as &(dyn std::error::Error + 'static);
            tracing::error!(error, "the answer of an idempotency key was not stored");
        }
    }
}

/// Forgets what has expired; answers how many.
pub(crate) async fn sweep(authority: &Authority) -> Result<u64, StoreError> {
    let now = authority.db().clock().now();
    let mut tx = authority.system_write(Actor::system("edge")).await?;
    let swept = tx.execute(SWEEP, &params![now]).await?;
    tx.commit_unrecorded("expired idempotency keys").await?;
    Ok(swept)
}

/// SHA-256 over the parts, each with its length in front, so that no two lists of parts are alike.
fn digest(purpose: &str, parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new_with_prefix(format!("chancery idempotency {purpose}\n"));
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    Digest::from_bytes(hasher.finalize().into())
}

/// A key, and for how long it is to be remembered.
struct Asked {
    key: String,
    ttl: Duration,
}

/// The client's key, or else the relay's.
fn key_of(request: &Request) -> Option<Result<Asked, Problem>> {
    let Some(value) = request.headers().get(HEADER) else {
        let RelayKey(key) = request.extensions().get()?;
        return Some(Ok(Asked {
            key: key.clone(),
            ttl: RELAY_TTL,
        }));
    };
    let key = value.to_str().unwrap_or_default().trim();
    if key.is_empty() || key.len() > IDEMPOTENCY_KEY_CHARS_MAX {
        let message = format!("expected 1 to {IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters");
        return Some(Err(Problem::unprocessable(
            "IDEMPOTENCY_KEY_INVALID",
            message,
        )));
    }
    Some(Ok(Asked {
        key: key.to_owned(),
        ttl: IDEMPOTENCY_TTL,
    }))
}

fn replay(status: StatusCode, answer: Vec<u8>) -> Response {
    let json = HeaderValue::from_static("application/json");
    let again = HeaderValue::from_static("true");
    let replay = http::HeaderName::from_static(REPLAY_HEADER);
    if answer.is_empty() {
        return (status, [(replay, again)]).into_response();
    }
    (
        status,
        [(header::CONTENT_TYPE, json), (replay, again)],
        answer,
    )
        .into_response()
}

fn in_flight() -> Problem {
    let detail = "a request with this idempotency key is still being worked on";
    Problem::conflict("IDEMPOTENCY_IN_FLIGHT", detail).retry_after(Duration::from_secs(1))
}

fn done() -> Problem {
    let detail = "the request with this idempotency key was done; its answer is not kept";
    Problem::conflict("IDEMPOTENCY_DONE", detail)
        .fix("look at what it made; if the secret in its answer is lost, make another one")
}

fn unknown() -> Problem {
    let detail = "an earlier request with this idempotency key was interrupted; whether it took \
                  effect is not known, and it will not be repeated";
    Problem::conflict("IDEMPOTENCY_UNKNOWN", detail)
        .fix("look whether it took effect; if it did not, send it again with a new key")
}
