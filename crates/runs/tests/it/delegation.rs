//! Agents that call agents: what each may spend, and what it all comes to.

use std::sync::Arc;

use agents::model::{Definition, Planner};
use db::{OrgContext, on_both_databases};
use futures::future::BoxFuture;
use runs::{Changes, Run, RunFilter, State};
use serde_json::{Value, json};
use tools::ToolResult;
use tools::model::ModelGateway;
use vocab::{Intent, SessionId};

use crate::models::with_models;
use crate::world::{Life, Setting, World, turn};

/// What an answer of each costs, in micro-USD.
const BOSS: u64 = 10;
const HELPER: u64 = 40;

/// A model by which the agent `boss` has two helpers work at once, and says what they said. Everybody
/// else does what there is to do alone.
struct Delegates;

impl ModelGateway for Delegates {
    fn ask<'a>(
        &'a self,
        _: &'a OrgContext,
        intent: &'a Intent,
        _: Option<SessionId>,
        _: Box<policy::exchange::Exchange>,
    ) -> BoxFuture<'a, ToolResult> {
        let question = &intent.arguments;
        let boss = question["system"]
            .as_str()
            .unwrap()
            .contains("the agent \"boss\"");
        let last = question["messages"].as_array().unwrap().last().unwrap();
        let parts = last["parts"].as_array().unwrap().iter();
        let heard: Vec<&str> = parts
            .filter(|part| part["type"] == "tool_result")
            .map(|part| part["text"].as_str().unwrap())
            .collect();
        let call = |id: &str| {
            let arguments = json!({ "agent": "helper", "message": format!("part {id}") });
            json!({ "type": "tool_call", "id": id, "name": "agent_call", "arguments": arguments.to_string() })
        };
        let (stop, parts, cost) = match (boss, heard.is_empty()) {
            (true, true) => ("tool_use", json!([call("1"), call("2")]), BOSS),
            (true, false) => ("done", said(&heard.join(" and ")), BOSS),
            (false, _) => ("done", said("mine"), HELPER),
        };
        let reply = json!({
            "parts": parts, "stop": stop, "served": "fake/one", "cost_usd_micros": cost,
            "usage": { "input_tokens": 1, "output_tokens": 1 },
        });
        Box::pin(async { ToolResult::success(reply) })
    }
}

fn said(text: &str) -> Value {
    json!([{ "type": "text", "text": text }])
}

async fn made(world: &World, name: &str, budget: Option<u64>) -> agents::Agent {
    let known = agents::service::known_tools(&world.ctx).await.unwrap();
    let definition = Definition {
        planner: Planner::Model,
        budget_usd_micros: budget,
        tools: known.clone(),
        ..Definition::rules(name)
    };
    let mut tx = world.ctx.write().await.unwrap();
    let agent = agents::service::create(&world.ctx, &mut tx, definition, &known).await;
    tx.commit().await.unwrap();
    agent.unwrap()
}

/// A boss with this budget and helpers with that one, at the end of the boss's run.
async fn worked(world: &World, boss: Option<u64>, helper: Option<u64>) -> (Life, Run) {
    world.publish(&with_models()).await;
    let boss = made(world, "boss", boss).await;
    made(world, "helper", helper).await;
    let models = Arc::new(Delegates);
    let life = world
        .live_as(Setting {
            models,
            ..Setting::default()
        })
        .await;
    let run = life
        .runs
        .start(&world.ctx, turn(&boss, "do it"))
        .await
        .unwrap();
    let ended = world.end(&life, run.id).await;
    (life, ended)
}

/// What each helper's run was allowed to spend.
async fn budgets(world: &World, life: &Life, boss: &Run) -> Vec<Option<u64>> {
    let filter = RunFilter {
        parent: Some(boss.id),
        ..RunFilter::default()
    };
    let children = life.runs.list(&world.ctx, &filter, None, 10).await.unwrap();
    let mut budgets = Vec::new();
    for child in children {
        let agent = life.runs.agent(&world.ctx, &child).await.unwrap();
        budgets.push(agent.unwrap().budget_usd_micros);
    }
    budgets
}

#[track_caller]
fn failed_with(run: &Run, code: &str) {
    match &run.state {
        State::Failed { failure } => assert_eq!(failure.code, code, "{failure:?}"),
        other => panic!("{other:?}"),
    }
}

on_both_databases! {
    /// What is left of the budget is shared by those who start at once, and what they spend is the
    /// boss's spending. A replay is the same to the byte.
    async fn helpers_stay_within_what_is_left(db: TestDb) {
        let world = World::new(db).await;
        let (life, ended) = worked(&world, Some(101), Some(1_000)).await;
        assert_eq!(ended.state, State::Succeeded);
        assert_eq!(world.answer_of(&ended).await, json!("mine and mine"));
        // 101 less the first question, in two.
        assert_eq!(budgets(&world, &life, &ended).await, [Some(46), Some(45)]);
        life.end();
        let engine = world.people.engine();
        let report = engine.replay(&world.ctx, &ended, &Changes::default(), 0).await.unwrap();
        assert!(report.identical, "{:?}", report.first_divergence);
    }

    /// A helper's own budget counts if it is smaller; without any there is none.
    async fn a_helpers_own_budget_counts_too(db: TestDb) {
        let world = World::new(db).await;
        let (life, ended) = worked(&world, Some(1_000), Some(44)).await;
        assert_eq!(ended.state, State::Succeeded);
        assert_eq!(budgets(&world, &life, &ended).await, [Some(44), Some(44)]);
        life.end();
    }

    /// What helpers spent is spent: the boss can't ask once more.
    async fn what_helpers_spend_is_the_callers_spending(db: TestDb) {
        let world = World::new(db).await;
        let (life, ended) = worked(&world, Some(80), None).await;
        failed_with(&ended, "BUDGET_SPENT");
        assert_eq!(world.count(ended.id, "child.ended").await, 2);
        life.end();
    }

    /// With nothing left no helper begins.
    async fn a_spent_budget_starts_nobody(db: TestDb) {
        let world = World::new(db).await;
        let (life, ended) = worked(&world, Some(BOSS + 1), None).await;
        failed_with(&ended, "BUDGET_SPENT");
        // One of two can't have half of what is left.
        assert_eq!(world.count(ended.id, "child.started").await, 1);
        life.end();
    }

    /// Without a budget, as many as the boss likes.
    async fn without_a_budget_there_is_no_share(db: TestDb) {
        let world = World::new(db).await;
        let (life, ended) = worked(&world, None, None).await;
        assert_eq!(ended.state, State::Succeeded);
        assert_eq!(budgets(&world, &life, &ended).await, [None, None]);
        life.end();
    }
}
