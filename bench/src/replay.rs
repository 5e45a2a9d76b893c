//! How fast a recorded run is folded again: the third figure of bench `journal`.

use std::time::Instant;

use ::journal::Filter;
use ::runs::{AgentSnapshot, Changes, Input, NewRun, Run, Runs};
use anyhow::{Context, Result, ensure};
use db::OrgContext;
use vocab::EventKind;
use vocab::limits::PLAN_STEPS_MAX;

use crate::installation;
use crate::journal::a_second;
use crate::place::Place;

/// How often the run is replayed in one round.
const REPLAYS: usize = 50;

/// Entries a second, round by round: those of one run of as many steps as a plan may have.
pub async fn rounds(count: usize) -> Result<Vec<f64>> {
    let place = Place::sqlite()?;
    let installation = installation::start(&place, 1).await?;
    let ctx = installation.owner();
    installation::allow_noop(&installation, &ctx).await?;
    let ends = Filter {
        kinds: vec![EventKind::RunSucceeded],
        ..Filter::default()
    };
    let mut ends = installation.hub().subscribe_from_now(&ctx, ends).await?;
    let run = installation.runs().start(&ctx, a_long_run()).await?;
    ends.next().await.context("the run did not end")?;
    let run = installation.runs().get(&ctx, run.id).await?;
    let mut rates = Vec::new();
    for _ in 0..count {
        rates.push(round(installation.runs(), &ctx, &run).await?);
    }
    installation.stop().await;
    Ok(rates)
}

fn a_long_run() -> NewRun {
    let agent = AgentSnapshot {
        name: "bench".to_owned(),
        version: 1,
        instructions: String::new(),
        planner: "rules".to_owned(),
        labels: Vec::new(),
        model_profile_id: None,
        budget_usd_micros: None,
        output_schema: None,
        tools: vec!["noop".to_owned()],
        max_steps: u32::try_from(PLAN_STEPS_MAX).unwrap_or(u32::MAX),
    };
    NewRun {
        input: Input::AgentTurn {
            agent,
            message: vec!["noop"; PLAN_STEPS_MAX].join("; "),
        },
        workspace: "default".to_owned(),
        session: None,
        agent: None,
        parent: None,
        has_read: ::runs::HasRead::default(),
    }
}

async fn round(runs: &Runs, ctx: &OrgContext, run: &Run) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..REPLAYS {
        let report = runs
            .engine()
            .replay(ctx, run, &Changes::default(), 1)
            .await?;
        ensure!(report.identical, "the replay differs: {report:?}");
    }
    Ok(a_second(REPLAYS * usize::try_from(run.entries)?, start))
}
