//! `/v1/usage/latency`

use edge::{Json, Member, OpenApiRouter, Page, Problem, Query, routes};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vocab::Timestamp;

use super::usage::day;
use crate::Gateway;
use crate::latency::{self, Latency, LatencyFilter, Step};
use crate::ledger::{Day, Hour};

/// How many days back unless said otherwise.
const DAYS: i64 = 7;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What one item is over.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum StepName {
    #[default]
    Hour,
    Day,
}

#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
struct LatencyParams {
    /// The first day of UTC, such as `2026-01-31`; a week with today unless said otherwise.
    from: Option<String>,
    /// The last day of UTC; today if it is left out.
    to: Option<String>,
    /// What one item is over: at most 31 days by the hour, 366 by the day.
    #[serde(default)]
    #[param(inline)]
    step: StepName,
    /// Only this model, as usage names it: `provider/model`.
    model: Option<String>,
}

/// How long the calls of a model took. Percentiles are within a tenth; null where there were no such calls.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct LatencyView {
    /// When the hour or the day begins.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// `provider/model`, as it served; what was asked for where nobody did.
    model: String,
    /// Calls with a whole answer.
    answered: u64,
    /// Calls without one.
    failed: u64,
    /// From the call to the end of its answer, in milliseconds.
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    p99_ms: Option<f64>,
    /// From the call to the first byte of its answer, in milliseconds.
    first_byte_p50_ms: Option<f64>,
    first_byte_p95_ms: Option<f64>,
    first_byte_p99_ms: Option<f64>,
}

impl From<Latency> for LatencyView {
    fn from(it: Latency) -> Self {
        let ([p50_ms, p95_ms, p99_ms], first) = (it.whole_ms, it.first_byte_ms);
        Self {
            from: it.from.start(),
            model: it.model,
            answered: it.answered,
            failed: it.failed,
            p50_ms,
            p95_ms,
            p99_ms,
            first_byte_p50_ms: first[0],
            first_byte_p95_ms: first[1],
            first_byte_p99_ms: first[2],
        }
    }
}

/// How long calls of models took, and how many failed, over time.
///
/// All in one page. A call is counted within a second of its end, in the hour in which it began.
#[utoipa::path(
    get, path = "/v1/usage/latency", tag = "models", operation_id = "usage_latency",
    params(LatencyParams),
    responses((status = 200, body = Page<LatencyView>), (status = 422, body = Problem)),
    security(("bearer" = ["member"])),
)]
async fn list(
    Member(ctx): Member,
    Query(params): Query<LatencyParams>,
) -> Result<Json<Page<LatencyView>>, Problem> {
    let to = day("to", params.to.as_deref())?.unwrap_or(Day::of(ctx.now()));
    let until = Hour::first_of(to).plus_days(1);
    let from = match day("from", params.from.as_deref())? {
        Some(from) => Hour::first_of(from),
        None => until.plus_days(-DAYS),
    };
    let step = match params.step {
        StepName::Hour => Step::Hour,
        StepName::Day => Step::Day,
    };
    let most = step.days_max();
    if until.days_since(from) > most {
        let why = format!("at most {most} days at once with this `step`");
        return Err(Problem::invalid_field("/from", why));
    }
    let filter = LatencyFilter {
        from,
        until,
        step,
        model: params.model,
    };
    let items = latency::list(&ctx, &filter).await?;
    let views = items.into_iter().map(LatencyView::from).collect();
    Ok(Json(Page::with_next(views, None::<()>)))
}
