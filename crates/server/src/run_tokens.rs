//! `POST /v1/runs/{id}/token`: the key that a program gets which works for a run.

use std::time::Duration;

use axum::extract::State;
use db::OrgContext;
use edge::{Key, Member, OpenApiRouter, OptionalJson, Path, Problem, routes};
use garde::Validate;
use http::StatusCode;
use models::Spender;
use models::public::RunTokens;
use runs::{Input, Run, Runs};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::{ExposeSecret as _, Role, RunId, Timestamp, limits};

/// What the handler needs.
#[derive(Clone)]
pub(crate) struct Desk {
    pub runs: Runs,
    pub tokens: RunTokens,
}

/// The route.
pub(crate) fn routes(desk: Desk) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(issue)).with_state(desk)
}

/// How long a run's token is to work.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenBody {
    /// In seconds; a quarter of an hour unless given, and an hour at most.
    #[garde(inner(range(min = 1, max = limits::RUN_TOKEN_TTL_MAX.as_secs())))]
    ttl_s: Option<u64>,
}

/// A run's token.
#[derive(Serialize, ToSchema)]
struct TokenView {
    /// `crn_…`; shown here and never again.
    token: String,
    /// `run_…`
    #[schema(value_type = String)]
    run_id: RunId,
    /// It ends with its run, and then at the latest.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Make a token for a run that is open.
///
/// It is a key for the model gateway and for nothing else, on the account of the run. It asks what
/// the run may ask: policies decide on each call as on a step of the run, and where its agent names
/// a model profile, no other model opens. For whoever the run belongs to, and for admins.
#[utoipa::path(
    post, path = "/v1/runs/{id}/token", tag = "runs", operation_id = "run_token_create",
    params(("id" = String, Path, description = "`run_…`")),
    request_body = TokenBody,
    responses(
        (status = 201, body = TokenView), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "the run is over"), (status = 422, body = Problem),
    ),
    security(("bearer" = ["member"])),
    extensions(("x-idempotency" = json!("atomic-secret"))),
)]
async fn issue(
    State(desk): State<Desk>,
    Member(ctx): Member,
    Path(id): Path<RunId>,
    key: Key,
    OptionalJson(body): OptionalJson<TokenBody>,
) -> Result<(StatusCode, edge::Json<TokenView>), Problem> {
    let run = desk.runs.get(&ctx, id).await?;
    if run.actor.user != ctx.actor().user && ctx.role() < Role::Admin {
        return Err(Problem::forbidden(Role::Admin));
    }
    if run.state.is_over() || run.cancel_requested {
        return Err(runs::RunError::Over.into());
    }
    let spender = spender(&desk.runs, &ctx, &run).await?;
    let ttl = body.and_then(|it| it.ttl_s);
    let ttl = ttl.map_or(limits::RUN_TOKEN_TTL, Duration::from_secs);
    let mut tx = ctx.write().await?;
    let issued = desk.tokens.issue(&ctx, &mut tx, &spender, ttl).await?;
    let view = TokenView {
        token: issued.token.expose_secret().to_owned(),
        run_id: id,
        expires_at: issued.expires_at,
    };
    key.claim(&mut tx, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, edge::Json(view)))
}

/// On whose account the run asks models.
async fn spender(runs: &Runs, ctx: &OrgContext, run: &Run) -> Result<Spender, Problem> {
    let budget = match runs.input(ctx, run).await? {
        Input::AgentTurn { agent, .. } => agent.budget_usd_micros,
        Input::Tool { .. } | Input::Replay(_) | Input::Summary(_) => None,
    };
    Ok(Spender {
        agent: run.agent,
        user: run.actor.user,
        key: None,
        run: Some(run.id),
        session: run.session,
        project: None,
        run_budget_usd_micros: budget,
    })
}
