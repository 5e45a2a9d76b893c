//! What tests of injections share: the guard, the model's replies, and the person who is asked.

use std::sync::Arc;

use runs::{Resolution, Run, State, WaitingFor};
use serde_json::{Value, json};
use tools::Answer;
use tools::model::ModelGateway;
use vocab::{RunId, Target};

use crate::world::{Life, Setting, World};

/// The guard that the documentation recommends.
pub const GUARD: &str = include_str!("../../../../demo/guarded.cedar");

/// Everything as usual, and this model.
pub fn thinking_with(model: impl ModelGateway + 'static) -> Setting {
    Setting {
        models: Arc::new(model),
        ..Setting::default()
    }
}

/// What a model says that stops because of this.
pub fn reply(stop: &str, parts: Value) -> Value {
    json!({
        "parts": parts, "stop": stop, "served": "fake/obedient", "cost_usd_micros": 1,
        "usage": { "input_tokens": 1, "output_tokens": 1 },
    })
}

/// A reply that calls a tool.
pub fn calling(id: usize, name: &str, arguments: &Value) -> Value {
    let call = json!({
        "type": "tool_call", "id": format!("c{id}"), "name": name, "arguments": arguments.to_string(),
    });
    reply("tool_use", json!([call]))
}

impl World {
    /// Watches a run to its end. Whatever it asks, a person says what they say of such a target.
    pub async fn answering(
        &self,
        life: &Life,
        run: RunId,
        mut says: impl FnMut(&Target) -> Answer,
    ) -> Run {
        let asked_or_over = |state: &State| {
            state.is_over()
                || matches!(state, State::Waiting { waiting_for } if waiting_for.as_str() == "approval")
        };
        loop {
            let found = self.watch(life, run, Resolution::Fail, asked_or_over).await;
            let found = found.unwrap();
            let State::Waiting {
                waiting_for: WaitingFor::Approval { approval },
            } = found.state
            else {
                return found;
            };
            let about = tools::find_approval(&self.ctx, approval).await.unwrap();
            let answer = says(&about.unwrap().target);
            self.answer(life, approval, answer).await;
            let gone = move |state: &State| !matches!(state, State::Waiting { waiting_for: WaitingFor::Approval { approval: other } } if *other == approval);
            self.watch(life, run, Resolution::Fail, gone).await;
        }
    }
}
