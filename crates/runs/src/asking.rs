//! What a program that holds a run's token may ask models. Its calls are no steps of the run, and are
//! decided on as if they were: by the policies in force, about the run as it is at that moment.

use db::OrgContext;
use tools::{Call, Executor, Reads};
use vocab::{Action, ModelProfileId, RunId, Target};

use crate::engine::{Engine, Work};
use crate::error::RunError;
use crate::program::{Input, MODEL_CALL};
use crate::service::Runs;
use crate::stations::{asker, not_its_tool};
use crate::store;

/// Why a run may not ask a model, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MayNotAsk(pub String);

impl Runs {
    /// Whether a run may ask these models now, each named after aliases and with its profile if it
    /// is one; `None` if the run is over, is about to be, or is not here.
    ///
    /// A policy that would ask a person refuses: nobody waits for an answer here.
    ///
    /// # Errors
    /// The journal, the policies or the database; then nothing may be asked.
    pub async fn may_ask(
        &self,
        ctx: &OrgContext,
        id: RunId,
        models: &[(&str, Option<ModelProfileId>)],
        spent_usd_micros: u64,
    ) -> Result<Option<Vec<Result<(), MayNotAsk>>>, RunError> {
        let found = store::get(ctx, id).await?;
        let Some(stored) = found.filter(|it| !it.run.state.is_over() && !it.run.cancel_requested)
        else {
            return Ok(None);
        };
        if models.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let engine = self.engine();
        let work = engine.load(stored).await?;
        let mut answers = Vec::with_capacity(models.len());
        for (name, profile) in models {
            let answer = match its_model(&work.input, *profile) {
                Ok(()) => engine.may_ask(&work, name, spent_usd_micros).await?,
                refused @ Err(_) => refused,
            };
            answers.push(answer);
        }
        Ok(Some(answers))
    }
}

impl Engine {
    async fn may_ask(
        &self,
        work: &Work,
        model: &str,
        spent_usd_micros: u64,
    ) -> Result<Result<(), MayNotAsk>, RunError> {
        let labels = self.labels(work).await?;
        let mut asker = asker(work, &labels);
        // What the token spent as well: the journal knows the steps alone.
        asker.spent_usd_micros = asker.spent_usd_micros.max(spent_usd_micros);
        let call = Call {
            tool: MODEL_CALL.to_owned(),
            action: Action::ModelCall,
            target: Target::Model {
                name: model.to_owned(),
            },
            executor: Executor::Broker,
            idempotent: true,
            reads: Reads::Nothing,
        };
        let rulings = self.road().decide(&work.ctx, &call, &asker, None).await?;
        let decision = rulings.strictest().decision;
        Ok(match decision.verdict {
            policy::Verdict::Allow => Ok(()),
            policy::Verdict::Deny => Err(MayNotAsk(decision.reason)),
            policy::Verdict::RequireApproval { .. } => Err(MayNotAsk(format!(
                "a person would have to be asked, and a call by a run's token does not wait: {}",
                decision.reason
            ))),
        })
    }
}

/// An agent asks by the tool that its definition lists, and, where that names a profile, no other.
/// Behind a replay or a summary stands no program that could ask by itself.
fn its_model(input: &Input, asked: Option<ModelProfileId>) -> Result<(), MayNotAsk> {
    if let Some(error) = not_its_tool(input, MODEL_CALL).and_then(|it| it.error) {
        return Err(MayNotAsk(error.message));
    }
    match input {
        Input::AgentTurn { agent, .. } => match agent.model_profile_id {
            Some(own) if asked != Some(own) => Err(MayNotAsk(format!(
                "the agent `{}` asks its own model profile and no other model",
                agent.name
            ))),
            Some(_) | None => Ok(()),
        },
        Input::Replay(_) | Input::Summary(_) => Err(MayNotAsk(format!(
            "a {} asks its own questions and no others",
            input.kind()
        ))),
        Input::Tool { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_runs_a_program_asks_by_a_token() {
        let read = |input| serde_json::from_value::<Input>(input).unwrap();
        let tool = Input::Tool {
            tool: "shell.exec".to_owned(),
            arguments: json!({}),
        };
        assert_eq!(its_model(&tool, None), Ok(()));
        let agent = json!({
            "name": "clerk", "version": 1, "instructions": "", "planner": "model", "tools": [],
            "max_steps": 9,
        });
        let run = "run_01890000-0000-7000-8000-000000000001";
        for input in [
            json!({ "kind": "replay", "run": run, "from_seq": 1 }),
            json!({ "kind": "summary", "agent": agent, "branch": 0, "after": 0, "upto": 3 }),
        ] {
            assert!(its_model(&read(input), None).is_err());
        }
        let turn = read(json!({ "kind": "agent_turn", "agent": agent, "message": "" }));
        assert_eq!(its_model(&turn, None), Ok(()));
    }
}
