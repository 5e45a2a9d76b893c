//! `/v1/usage`

use std::fmt::Write as _;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use edge::{Json, Member, OpenApiRouter, Page, PageParams, Paging, Problem, Query, routes};
use garde::Validate;
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vocab::{AgentId, KeyId, ProjectId, UserId};

use crate::Gateway;
use crate::ledger::Day;
use crate::usage::{self, Grouping, UsageFilter, UsageRow};

/// How far back usage goes unless a day is named.
const DAYS: Duration = Duration::from_secs(29 * 24 * 3600);
/// How many rows a CSV has at most.
const CSV_ROWS_MAX: u32 = 100_000;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
struct UsageParams {
    /// Any of `day`, `model`, `profile`, `user`, `key`, `agent`, `project`, with commas between them.
    /// `day` if it is left out.
    group_by: Option<String>,
    /// The first day of UTC, such as `2026-01-31`; thirty days back if it is left out.
    from: Option<String>,
    /// The last day of UTC; today if it is left out.
    to: Option<String>,
    /// `csv` for a file of all rows; `Accept: text/csv` is the same.
    format: Option<String>,
}

/// Sums over the calls of one group. What is not grouped by is null, and so is what does not apply.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct UsageView {
    /// A day of UTC.
    #[schema(example = "2026-01-31")]
    day: Option<String>,
    /// `provider/model`, as it served.
    model: Option<String>,
    /// A profile's name.
    profile: Option<String>,
    #[schema(value_type = Option<String>)]
    user_id: Option<UserId>,
    #[schema(value_type = Option<String>)]
    key_id: Option<KeyId>,
    #[schema(value_type = Option<String>)]
    agent_id: Option<AgentId>,
    #[schema(value_type = Option<String>)]
    project_id: Option<ProjectId>,
    calls: u64,
    /// Of these, without an answer.
    failed: u64,
    /// Of these, to models that nobody prices.
    unpriced: u64,
    /// Of these, with tokens that were counted here because the provider did not say.
    estimated: u64,
    input_tokens: u64,
    /// Of these, read from the provider's cache.
    cached_input_tokens: u64,
    /// Of these, written to the provider's cache.
    cache_write_tokens: u64,
    output_tokens: u64,
    /// Of these, thinking.
    reasoning_tokens: u64,
    cost_usd_micros: u64,
}

impl From<UsageRow> for UsageView {
    fn from(it: UsageRow) -> Self {
        let totals = it.totals;
        Self {
            day: it.day.map(|day| day.to_string()),
            model: it.model,
            profile: it.profile,
            user_id: it.user,
            key_id: it.key,
            agent_id: it.agent,
            project_id: it.project,
            calls: totals.calls,
            failed: totals.failed,
            unpriced: totals.unpriced,
            estimated: totals.estimated,
            input_tokens: totals.input_tokens,
            cached_input_tokens: totals.cached_input_tokens,
            cache_write_tokens: totals.cache_write_tokens,
            output_tokens: totals.output_tokens,
            reasoning_tokens: totals.reasoning_tokens,
            cost_usd_micros: totals.usd_micros,
        }
    }
}

/// Usage of models, summed.
///
/// A call is counted within a second of its end.
#[utoipa::path(
    get, path = "/v1/usage", tag = "models", operation_id = "usage_list",
    params(PageParams, UsageParams),
    responses(
        (status = 200, content((Page<UsageView> = "application/json"), (String = "text/csv"))),
        (status = 422, body = Problem),
    ),
    security(("bearer" = ["member"])),
)]
async fn list(
    Member(ctx): Member,
    Query(params): Query<UsageParams>,
    paging: Paging,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let today = ctx.now();
    let filter = UsageFilter {
        from: day("from", params.from.as_deref())?.unwrap_or(Day::of(today.minus(DAYS))),
        to: day("to", params.to.as_deref())?.unwrap_or(Day::of(today)),
        group_by: grouping(params.group_by.as_deref().unwrap_or("day"))?,
    };
    if wants_csv(params.format.as_deref(), &headers)? {
        let rows = usage::list(&ctx, &filter, 0, CSV_ROWS_MAX).await?;
        let csv = HeaderValue::from_static("text/csv; charset=utf-8");
        return Ok((
            [(header::CONTENT_TYPE, csv)],
            csv_of(&filter.group_by, rows),
        )
            .into_response());
    }
    let skip: u32 = paging.after()?.unwrap_or(0);
    let rows = usage::list(&ctx, &filter, skip, paging.fetch()).await?;
    let next = skip.saturating_add(paging.limit());
    let page = Page::cut(rows, &paging, |_| next).map(UsageView::from);
    Ok(Json(page).into_response())
}

pub(super) fn day(name: &str, text: Option<&str>) -> Result<Option<Day>, Problem> {
    let wrong =
        |_| Problem::invalid_field(format!("/{name}"), "expected a day such as `2026-01-31`");
    text.map(|text| text.parse().map_err(wrong)).transpose()
}

fn grouping(text: &str) -> Result<Vec<Grouping>, Problem> {
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let all = Grouping::ALL.map(Grouping::as_str).join("`, `");
    let wrong = || Problem::invalid_field("/group_by", format!("expected some of `{all}`"));
    names
        .map(|name| Grouping::parse(name).ok_or_else(wrong))
        .collect()
}

fn wants_csv(format: Option<&str>, headers: &HeaderMap) -> Result<bool, Problem> {
    match format {
        Some("csv") => Ok(true),
        Some("json") => Ok(false),
        Some(_) => Err(Problem::invalid_field(
            "/format",
            "expected `csv` or `json`",
        )),
        None => {
            let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
            Ok(accept.is_some_and(|accept| accept.starts_with("text/csv")))
        }
    }
}

/// RFC 4180, with the grouped columns in front.
fn csv_of(group_by: &[Grouping], rows: Vec<UsageRow>) -> String {
    let mut out = String::new();
    for grouping in group_by {
        let id = match grouping {
            Grouping::Day | Grouping::Model | Grouping::Profile => "",
            Grouping::User | Grouping::Key | Grouping::Agent | Grouping::Project => "_id",
        };
        // Writing to a string can't fail.
        let _ = write!(out, "{}{id},", grouping.as_str());
    }
    out.push_str(
        "calls,failed,unpriced,estimated,input_tokens,cached_input_tokens,cache_write_tokens,\
         output_tokens,reasoning_tokens,cost_usd_micros\r\n",
    );
    for row in rows {
        for grouping in group_by {
            out.push_str(&field(&row, *grouping));
            out.push(',');
        }
        let it = row.totals;
        let sums = [
            it.calls,
            it.failed,
            it.unpriced,
            it.estimated,
            it.input_tokens,
            it.cached_input_tokens,
            it.cache_write_tokens,
            it.output_tokens,
            it.reasoning_tokens,
            it.usd_micros,
        ];
        out.push_str(&sums.map(|sum| sum.to_string()).join(","));
        out.push_str("\r\n");
    }
    out
}

fn field(row: &UsageRow, grouping: Grouping) -> String {
    let text = match grouping {
        Grouping::Day => row.day.map(|it| it.to_string()),
        Grouping::Model => row.model.clone(),
        Grouping::Profile => row.profile.clone(),
        Grouping::User => row.user.map(|it| it.to_string()),
        Grouping::Key => row.key.map(|it| it.to_string()),
        Grouping::Agent => row.agent.map(|it| it.to_string()),
        Grouping::Project => row.project.map(|it| it.to_string()),
    };
    let text = text.unwrap_or_default();
    // A spreadsheet must not take a model's name for a formula.
    let text = match text.starts_with(['=', '+', '-', '@']) {
        true => format!("'{text}"),
        false => text,
    };
    match text.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Totals;

    #[test]
    fn a_name_can_break_neither_the_line_nor_the_spreadsheet() {
        let row = |model: &str| UsageRow {
            day: Some("2026-01-31".parse().unwrap()),
            model: Some(model.to_owned()),
            profile: None,
            user: None,
            key: None,
            agent: None,
            project: None,
            totals: Totals {
                calls: 2,
                usd_micros: 7,
                ..Totals::default()
            },
        };
        let csv = csv_of(
            &[Grouping::Day, Grouping::Model],
            vec![row("a,\"b\""), row("=1+1")],
        );
        let lines: Vec<&str> = csv.split("\r\n").collect();
        assert!(lines[0].starts_with("day,model,calls,failed"), "{csv}");
        assert_eq!(lines[1], "2026-01-31,\"a,\"\"b\"\"\",2,0,0,0,0,0,0,0,0,7");
        assert_eq!(lines[2], "2026-01-31,'=1+1,2,0,0,0,0,0,0,0,0,7");
    }
}
