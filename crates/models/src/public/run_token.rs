//! Run tokens: the only key that a program in a run gets.
//!
//! A token asks models and does nothing else, and only while its run is open. What it spends is held
//! against the run, its agent and the person behind it, and each call is asked of the policies as a
//! step of the run would be. It is stored as its SHA-256, and ends with its time at the latest.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use db::{Authority, OrgContext, StoreError, WriteTx};
use futures::future::BoxFuture;
use vocab::{
    Actor, Digest, Draft, EventKind, ModelProfileId, Role, RunId, SecretString, Timestamp,
};

use crate::gateway::Spender;
use crate::store::run_tokens;

/// Part of what secret scanners know: never change it.
const PREFIX: &str = "crn_";
/// 32 bytes in base64.
const TEXT_CHARS: usize = 43;

/// What runs may ask. The server asks the runs and the policies.
pub trait OpenRuns: Send + Sync {
    /// What a run may ask at this moment: one answer for each model, or `None` if the run is over.
    fn may_ask<'a>(
        &'a self,
        ctx: &'a OrgContext,
        run: RunId,
        asked: Asking<'a>,
    ) -> BoxFuture<'a, Result<Option<Vec<Leave>>, StoreError>>;
}

/// The models that a run would ask.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// Each by its name after aliases, and its profile if it is one.
    pub models: &'a [(&'a str, Option<ModelProfileId>)],
    /// What the run has spent on models so far, in micro-USD.
    pub spent_usd_micros: u64,
}

/// Whether a run may ask a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leave {
    /// It may.
    Granted,
    /// It may not.
    Refused {
        /// Why, for people.
        reason: String,
    },
}

/// Issues and finds run tokens. Cheap to clone.
#[derive(Clone)]
pub struct RunTokens {
    authority: Authority,
}

/// A token that was made.
#[derive(Debug)]
pub struct Issued {
    /// Its text: here and nowhere else.
    pub token: SecretString,
    /// Until when it works, if the run does not end before.
    pub expires_at: Timestamp,
}

/// Whom a token stands for.
type Holder = (OrgContext, Spender);

/// What is stored of a token.
#[derive(Debug, Clone)]
pub(crate) struct StoredToken {
    pub digest: Digest,
    pub run: RunId,
    pub spender: Spender,
    pub expires_at: Timestamp,
}

impl RunTokens {
    /// Tokens of this installation.
    #[must_use]
    pub fn new(authority: Authority) -> Self {
        Self { authority }
    }

    /// Makes a token for a run, within the caller's transaction. The spender must name the run.
    ///
    /// # Errors
    /// The database; the spender names no run.
    pub async fn issue(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        spender: &Spender,
        lives_for: Duration,
    ) -> Result<Issued, StoreError> {
        let run = spender.run.ok_or(StoreError::NotFound)?;
        let secret = URL_SAFE_NO_PAD.encode(ctx.random().bytes::<32>());
        let text = format!("{PREFIX}{secret}");
        let token = StoredToken {
            digest: Digest::of(text.as_bytes()),
            run,
            spender: spender.clone(),
            expires_at: ctx.now().plus(lives_for),
        };
        run_tokens::insert(tx, &token, ctx.now()).await?;
        let event = Draft::new(EventKind::RunTokenIssued, run)
            .about_run(run)
            .in_session(spender.session)
            .fact("expires_at", token.expires_at.to_string());
        tx.record(event);
        Ok(Issued {
            token: text.into(),
            expires_at: token.expires_at,
        })
    }

    /// Forgets tokens that have expired; answers how many. To be called now and then.
    ///
    /// # Errors
    /// The database.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let mut tx = self.authority.system_write(Actor::system("models")).await?;
        let swept = run_tokens::sweep(&mut tx, self.authority.db().clock().now()).await?;
        tx.commit_unrecorded("expired run tokens").await?;
        Ok(swept)
    }

    /// Whom a text stands for: `None` if it is no run token at all, `Some(None)` if it is one that
    /// opens nothing.
    pub(super) async fn find(&self, text: &str) -> Result<Option<Option<Holder>>, StoreError> {
        let Some(digest) = digest(text) else {
            return Ok(None);
        };
        let now = self.authority.db().clock().now();
        let mut tx = self.authority.system_read().await?;
        let found = run_tokens::find(&mut tx, digest, now).await?;
        let Some((org, token)) = found else {
            return Ok(Some(None));
        };
        let actor = Actor {
            user: token.spender.user,
            ..Actor::default()
        };
        let actor = actor.in_run(token.spender.agent, token.run);
        let ctx = self.authority.context(org, actor, Role::Member);
        Ok(Some(Some((ctx, token.spender))))
    }
}

fn digest(text: &str) -> Option<Digest> {
    let secret = text.strip_prefix(PREFIX)?;
    (secret.len() == TEXT_CHARS && secret.is_ascii()).then(|| Digest::of(text.as_bytes()))
}
