//! Agents that say what they are told to, beside those that plan by rules.
//!
//! `say TEXT` answers with the text, `fail TEXT` fails with it, `volley` answers with a mention of the
//! other of two agents, `listen` waits for a steering message and answers with what it says, `hold`
//! waits for the signal `go`, and `think N` asks a model N times.

use db::{OrgContext, StoreError};
use futures::future::BoxFuture;
use runs::{
    Briefing, Effect, FailedAt, Failure, Finish, Input, Next, Outcome, Program, Run, Told, Wanted,
};
use serde_json::json;
use vocab::ModelProfileId;

/// Agents that do as they are told need to know nothing else.
pub struct NoBriefing;

impl Briefing for NoBriefing {
    fn of<'a>(
        &'a self,
        _: &'a OrgContext,
        _: &'a Run,
        _: &'a Input,
    ) -> BoxFuture<'a, Result<Told, StoreError>> {
        Box::pin(async { Ok(Told::default()) })
    }

    fn model<'a>(
        &'a self,
        _: &'a OrgContext,
        _: ModelProfileId,
    ) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
        Box::pin(async { Ok(None) })
    }
}

pub fn programs(input: &Input) -> Box<dyn Program> {
    let Input::AgentTurn { agent, message } = input else {
        return agents::programs(input);
    };
    let (verb, rest) = message.split_once(' ').unwrap_or((message, ""));
    match verb {
        "say" => Box::new(Script::End(said(rest))),
        "fail" => Box::new(Script::End(Finish::Failed(Failure {
            code: "SCRIPTED".into(),
            message: rest.into(),
            retryable: false,
            at: FailedAt::Agent,
        }))),
        "volley" => {
            let other = if agent.name == "clerk" {
                "scribe"
            } else {
                "clerk"
            };
            Box::new(Script::End(said(&format!("@{other} volley"))))
        }
        "listen" => Box::new(Script::Wait(chat::STEER)),
        "hold" => Box::new(Script::Wait("go")),
        "think" => Box::new(Script::Think(1, rest.parse().unwrap_or(1))),
        _ => agents::programs(input),
    }
}

fn said(text: &str) -> Finish {
    Finish::Succeeded {
        answer: text.into(),
    }
}

enum Script {
    End(Finish),
    Wait(&'static str),
    /// Asks a model so often, and is at this question.
    Think(u32, u32),
}

impl Program for Script {
    fn apply(&mut self, _: u32, outcome: &Outcome) {
        if let Outcome::Signalled(carried) = outcome {
            let heard = carried["content"].as_str().unwrap_or("gone");
            *self = Self::End(said(&format!("heard: {heard}")));
        }
        if let (Self::Think(at, most), Outcome::Tool(result)) = (&mut *self, outcome) {
            *at += 1;
            if *at > *most || !result.ok {
                *self = Self::End(said("thought"));
            }
        }
    }

    fn next(&self) -> Next {
        match self {
            Self::End(finish) => Next::Finish(finish.clone()),
            Self::Think(step, _) => Next::Perform(vec![Wanted {
                step: *step,
                effect: Effect::Tool {
                    tool: "model.call".into(),
                    arguments: json!({ "model": "m", "system": "", "messages": [] }),
                },
            }]),
            Self::Wait(name) => Next::Perform(vec![Wanted {
                step: 1,
                effect: Effect::Signal {
                    name: (*name).to_owned(),
                },
            }]),
        }
    }
}
