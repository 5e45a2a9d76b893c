//! What becomes of sessions by themselves: idle, archived, deleted, as their organisation says.
//!
//! One process at a time does it, the one with the lease. The lease saves work and is no guard: each
//! step checks in its own transaction that the session is still as it was seen.

use db::{Authority, OrgContext, WriteTx};
use vocab::{Actor, Draft, EventKind, Role, Timestamp};

use super::Chat;
use super::archiving::Because;
use crate::ChatError;
use crate::model::{ChatSettings, Fate, Session, SessionStatus};
use crate::store;

/// How many sessions are looked at together.
const PAGE: u32 = 200;

/// What a sweep did, over all organisations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweptSessions {
    /// Sessions that became idle.
    pub idle: u64,
    /// Sessions that were archived.
    pub archived: u64,
    /// Sessions that were deleted.
    pub deleted: u64,
    /// Sessions for which something was due that could not be done.
    pub failed: u64,
}

impl Chat {
    /// The settings of the caller's organisation, and their version.
    ///
    /// # Errors
    /// The database.
    pub async fn settings(&self, ctx: &OrgContext) -> Result<(ChatSettings, u32), ChatError> {
        Ok(store::settings(&mut ctx.read().await?).await?)
    }

    /// Changes the settings; answers them with their version, and whether they changed. If they did not,
    /// nothing is recorded.
    ///
    /// # Errors
    /// The caller is no admin; a value does not fit.
    pub async fn set_settings(
        &self,
        ctx: &OrgContext,
        tx: &mut WriteTx,
        change: impl FnOnce(ChatSettings) -> ChatSettings,
    ) -> Result<((ChatSettings, u32), bool), ChatError> {
        if ctx.role() < Role::Admin {
            return Err(ChatError::RoleTooLow(Role::Admin));
        }
        let (before, version) = store::settings(tx).await?;
        let settings = change(before.clone());
        settings.check()?;
        if settings == before {
            return Ok(((before, version), false));
        }
        let version = store::set_settings(tx, &settings, ctx.now()).await?;
        // Labels are people's words: the record says how many rules there are.
        let event = Draft::new(EventKind::ChatSettingsUpdated, ctx.org())
            .fact("version", version)
            .fact("idle_after_days", settings.idle_after_days)
            .fact("archive_after_days", settings.archive_after_days)
            .fact("retention_rules", settings.retention.len());
        tx.record(event);
        Ok(((settings, version), true))
    }

    /// Does for every organisation what is due at `now`, if no other process is at it: then nothing.
    /// `holder` names this process.
    ///
    /// # Errors
    /// The database; what was done until then stays done.
    pub async fn sweep(
        &self,
        authority: &Authority,
        holder: &str,
        now: Timestamp,
    ) -> Result<Option<SweptSessions>, ChatError> {
        if !store::claim(authority, holder).await? {
            return Ok(None);
        }
        let mut swept = SweptSessions::default();
        for org in store::organisations(authority).await? {
            let ctx = authority.context(org, Actor::system("sweeper"), Role::Owner);
            let (settings, _) = self.settings(&ctx).await?;
            let (Some(soonest), deletes) = settings.soonest() else {
                continue;
            };
            let mut after = None;
            loop {
                let mut read = ctx.read().await?;
                let before = (now.minus(soonest), deletes);
                let page = store::quiet(&mut read, before, after, PAGE).await?;
                drop(read);
                let Some(last) = page.last() else { break };
                after = Some((last.updated_at, last.id));
                for session in &page {
                    let fate = settings.fate(&session.labels, now.since(session.updated_at));
                    self.meet(&ctx, session, fate, &mut swept).await;
                }
                if !store::claim(authority, holder).await? {
                    return Ok(Some(swept));
                }
            }
        }
        Ok(Some(swept))
    }

    /// Does what is due for one session. What can't be done is told, and tried again with the next
    /// sweep.
    async fn meet(
        &self,
        ctx: &OrgContext,
        session: &Session,
        fate: Option<Fate>,
        swept: &mut SweptSessions,
    ) {
        use SessionStatus::{Active, Archived, Idle};
        let done = match (fate, session.status) {
            (None, _) | (Some(Fate::Idle), Idle | Archived) | (Some(Fate::Archive), Archived) => {
                return;
            }
            (Some(Fate::Idle), Active) => {
                let done = self.idle(ctx, session).await;
                done.map(|idle| swept.idle += u64::from(idle))
            }
            (Some(Fate::Archive), Active | Idle) => {
                let done = self.archive(ctx, session.id, Because::Quiet).await;
                done.map(|_| swept.archived += 1)
            }
            (Some(Fate::Delete), Active | Idle | Archived) => {
                let done = self.remove(ctx, session.id, Some(session)).await;
                done.map(|gone| swept.deleted += u64::from(gone))
            }
        };
        if let Err(error) = done {
            swept.failed += 1;
            let error = &error as &(dyn std::error::Error + 'static);
            tracing::warn!(session = %session.id, error, "what is due for a session was not done");
        }
    }

    /// Notes that nobody has used a session for a while; false if somebody just has.
    async fn idle(&self, ctx: &OrgContext, seen: &Session) -> Result<bool, ChatError> {
        let mut tx = ctx.write().await?;
        let idle = Session {
            status: SessionStatus::Idle,
            ..seen.clone()
        };
        if !store::set_status(&mut tx, seen, &idle).await? {
            return Ok(false);
        }
        let id = seen.id;
        tx.record(Draft::new(EventKind::SessionIdled, id).in_session(Some(id)));
        tx.commit().await?;
        Ok(true)
    }
}
