//! Policy simulation: recorded decisions, taken again under other policies.

use db::OrgContext;
use policy::{PolicySet, PolicySource, Question};
use serde::Serialize;
use serde_json::{Map, Value};
use vocab::{EventId, RunId, Timestamp};

use crate::error::RunError;
use crate::store;

/// How many decisions one simulation takes at most.
const DECISIONS_MAX: u64 = 100_000;
/// How many decisions are read at once.
const BATCH: u32 = 1_000;
/// How many flips are listed.
const FLIPS_MAX: usize = 1_000;

/// A decision that would have been another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flip {
    /// The event of the decision.
    pub event_id: EventId,
    /// Its run.
    pub run_id: Option<RunId>,
    /// Its step in the run.
    pub step: Option<u64>,
    /// When it was taken.
    pub at: Timestamp,
    /// The tool.
    pub tool: String,
    /// What was asked to be done.
    pub action: &'static str,
    /// What it would have acted on.
    pub target: Value,
    /// What was decided.
    pub recorded: String,
    /// What would be decided.
    pub simulated: &'static str,
    /// Why.
    pub reason: String,
}

/// What a simulation found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Simulated {
    /// How many decisions were taken again.
    pub decisions: u64,
    /// Those that would change, the oldest first.
    pub flips: Vec<Flip>,
    /// How many they are, listed or not.
    pub flip_count: u64,
    /// Whether decisions were left out.
    pub truncated: bool,
}

/// Puts every recorded decision of a time to other policies.
///
/// # Errors
/// The policies do not compile, or the database.
pub async fn simulate(
    ctx: &OrgContext,
    sources: &[PolicySource],
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<Simulated, RunError> {
    let set = PolicySet::compile(sources).map_err(RunError::Policies)?;
    let from = from.map_or(0, Timestamp::as_micros);
    let to = to.map_or(i64::MAX, Timestamp::as_micros);
    let mut found = Simulated::default();
    let mut after = 0_i64;
    loop {
        let rows = store::decisions(ctx, after, (from, to), BATCH).await?;
        let Some(last) = rows.last() else {
            return Ok(found);
        };
        after = last.get(0)?;
        for row in &rows {
            let data: String = row.get(4)?;
            let data: Map<String, Value> = serde_json::from_str(&data).unwrap_or_default();
            found.decisions += 1;
            if let Some(flip) = flip(&set, &data, row.get(1)?, row.get(2)?, row.get(3)?) {
                found.flip_count += 1;
                if found.flips.len() < FLIPS_MAX {
                    found.flips.push(flip);
                }
            }
        }
        if found.decisions >= DECISIONS_MAX {
            found.truncated = true;
            return Ok(found);
        }
    }
}

fn flip(
    set: &PolicySet,
    data: &Map<String, Value>,
    event_id: EventId,
    run_id: Option<RunId>,
    at: Timestamp,
) -> Option<Flip> {
    let question: Question = serde_json::from_value(data.get("question")?.clone()).ok()?;
    let recorded = data.get("verdict")?.as_str()?;
    let decision = set.decide(&question);
    if decision.verdict.as_str() == recorded {
        return None;
    }
    Some(Flip {
        event_id,
        run_id,
        step: data.get("step").and_then(Value::as_u64),
        at,
        tool: question.tool.clone(),
        action: question.action.as_str(),
        target: serde_json::to_value(&question.target).unwrap_or(Value::Null),
        recorded: recorded.to_owned(),
        simulated: decision.verdict.as_str(),
        reason: decision.reason,
    })
}
