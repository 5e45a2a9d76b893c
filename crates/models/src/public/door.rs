//! Who asks: an API key, a login, or a run's token.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use db::{OrgContext, StoreError};
use dialects::neutral::ErrorKind;
use edge::{AuthError, Authenticator, Credential, ORG_HEADER, Standing};
use http::{HeaderMap, header};
use vocab::{ModelProfileId, OrgId, Role, RunId};

use super::body;
use super::run_token::{Asking, Leave, OpenRuns, RunTokens};
use crate::gateway::{Gateway, Spender};
use crate::route::Plan;
use crate::{ModelError, ModelsError};

/// What the public routes work with. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    pub(super) gateway: Gateway,
    authenticator: Arc<dyn Authenticator>,
    run_tokens: RunTokens,
    runs: Arc<dyn OpenRuns>,
}

/// A caller who may ask models.
pub(super) struct Guest {
    pub ctx: OrgContext,
    pub spender: Spender,
    /// The run whose token is its key.
    run: Option<RunId>,
}

/// Why somebody may not, in the terms of every dialect.
pub(super) type Refusal = (ErrorKind, &'static str);

const NO_KEY: Refusal = (
    ErrorKind::Authentication,
    "no valid key: send an API key of this server, or a run's token, as `Authorization: Bearer` or `x-api-key`",
);
const NO_ORG: Refusal = (
    ErrorKind::InvalidRequest,
    "an access token needs `x-org-id` with the organisation; an API key does not",
);
const NO_MEMBER: Refusal = (
    ErrorKind::Permission,
    "this key may not ask models: that takes the role `member`",
);
const RUN_OVER: Refusal = (
    ErrorKind::Authentication,
    "the run of this token is over; a token ends with its run",
);
const OUTAGE: Refusal = (
    ErrorKind::Overloaded,
    "keys can't be looked up at the moment",
);

impl Door {
    /// A door to this gateway, for whom this authenticator knows, and for runs.
    #[must_use]
    pub fn new(
        gateway: Gateway,
        authenticator: Arc<dyn Authenticator>,
        run_tokens: RunTokens,
        runs: Arc<dyn OpenRuns>,
    ) -> Self {
        Self {
            gateway,
            authenticator,
            run_tokens,
            runs,
        }
    }

    /// The caller of a request, and then its body: nobody's is read before it is known whose it is.
    pub(super) async fn enter(
        &self,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Guest, Bytes), Refusal> {
        let guest = self.guest(headers).await?;
        Ok((guest, body::read(body).await?))
    }

    /// The caller behind a request's key.
    pub(super) async fn guest(&self, headers: &HeaderMap) -> Result<Guest, Refusal> {
        let token = token(headers).ok_or(NO_KEY)?;
        if let Some(found) = self.found(token).await? {
            let (ctx, spender) = found.ok_or(NO_KEY)?;
            let run = spender.run.ok_or(NO_KEY)?;
            let nothing = Asking {
                models: &[],
                spent_usd_micros: 0,
            };
            let open = self.runs.may_ask(&ctx, run, nothing).await;
            open.map_err(|error| outage(&error))?.ok_or(RUN_OVER)?;
            let run = Some(run);
            return Ok(Guest { ctx, spender, run });
        }
        let caller = self.authenticator.authenticate(token, org(headers)).await;
        let caller = caller.map_err(|error| match error {
            AuthError::Refused => NO_KEY,
            AuthError::Store(error) => outage(&error),
        })?;
        let ctx = match caller.standing() {
            Standing::Member(ctx) => ctx.clone(),
            Standing::NoOrganisation => return Err(NO_ORG),
            // Another's organisation looks as if the key were unknown.
            Standing::Stranger => return Err(NO_KEY),
        };
        if ctx.role() < Role::Member {
            return Err(NO_MEMBER);
        }
        let key = match caller.credential() {
            Credential::Key(key) => Some(key),
            Credential::Login(_) => None,
        };
        let spender = Spender {
            user: Some(caller.user()),
            key,
            ..Spender::default()
        };
        Ok(Guest {
            ctx,
            spender,
            run: None,
        })
    }

    async fn found(&self, token: &str) -> Result<Option<Option<(OrgContext, Spender)>>, Refusal> {
        let found = self.run_tokens.find(token).await;
        found.map_err(|error| outage(&error))
    }

    /// Whether the caller may ask what a name leads to: a run's token may what its run may, and
    /// others are held against budgets alone.
    pub(super) async fn may_ask(&self, guest: &Guest, plan: &Plan) -> Result<(), ModelError> {
        let model = (plan.name.as_str(), plan.profile.as_ref().map(|it| it.id));
        let Some(leaves) = self.leaves(guest, &[model]).await? else {
            return Ok(());
        };
        match leaves.into_iter().next() {
            Some(Leave::Granted) => Ok(()),
            Some(Leave::Refused { reason }) => Err(ModelError::Denied { reason }),
            None => Err(ModelError::RunOver),
        }
    }

    /// What the run whose token the caller holds may ask of these; `None` for any other caller.
    pub(super) async fn leaves(
        &self,
        guest: &Guest,
        models: &[(&str, Option<ModelProfileId>)],
    ) -> Result<Option<Vec<Leave>>, ModelError> {
        let Some(run) = guest.run else {
            return Ok(None);
        };
        let unread = |error| ModelError::Catalog(ModelsError::Store(error));
        let spent = self.gateway.ledger().spent_by_run(&guest.ctx, run).await;
        let asking = Asking {
            models,
            spent_usd_micros: spent.map_err(unread)?,
        };
        let leaves = self.runs.may_ask(&guest.ctx, run, asking).await;
        Ok(Some(leaves.map_err(unread)?.ok_or(ModelError::RunOver)?))
    }
}

fn outage(error: &StoreError) -> Refusal {
    let error = error as &(dyn std::error::Error + 'static);
    tracing::error!(error, "a key can't be looked up");
    OUTAGE
}

/// The one key of a request. Clients of one vendor send the same key in both places, if at all.
fn token(headers: &HeaderMap) -> Option<&str> {
    let one = |name: header::HeaderName| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value.to_str().ok()?.trim()),
            (None, _) | (Some(_), Some(_)) => None,
        }
    };
    let bearer = one(header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    });
    let key = one(header::HeaderName::from_static("x-api-key"));
    match (bearer, key) {
        (Some(bearer), Some(key)) if bearer != key => None,
        (found @ Some(_), _) | (None, found) => found.filter(|token| !token.is_empty()),
    }
}

fn org(headers: &HeaderMap) -> Option<OrgId> {
    headers.get(ORG_HEADER)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token_of(pairs: &[(&'static str, &str)]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        token(&headers).map(str::to_owned)
    }

    #[test]
    fn a_key_comes_once_in_either_place() {
        let one = Some("chk_1".to_owned());
        assert_eq!(token_of(&[("authorization", "Bearer chk_1")]), one);
        assert_eq!(token_of(&[("authorization", "bearer  chk_1")]), one);
        assert_eq!(token_of(&[("x-api-key", "chk_1")]), one);
        assert_eq!(
            token_of(&[("x-api-key", "chk_1"), ("authorization", "Bearer chk_1")]),
            one
        );
        for pairs in [
            vec![],
            vec![("x-api-key", "")],
            vec![("authorization", "Basic chk_1")],
            vec![("authorization", "Bearer ")],
            vec![("x-api-key", "chk_1"), ("authorization", "Bearer chk_2")],
            vec![("x-api-key", "chk_1"), ("x-api-key", "chk_1")],
        ] {
            assert_eq!(token_of(&pairs), None, "{pairs:?}");
        }
    }
}
