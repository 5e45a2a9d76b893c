use runs::{AgentSnapshot, Noted};
use serde_json::json;
use vocab::{Clock, Random, RunId};

use super::*;
use crate::programs;

/// A journal that is written by hand, and the turn that goes through it again.
struct Journal {
    noted: Vec<Noted>,
    seq: u32,
}

fn reply(parts: Value, stop: &str) -> ToolResult {
    let usage = json!({ "input_tokens": 10, "output_tokens": 5 });
    ToolResult::success(json!({
        "parts": parts, "stop": stop, "usage": usage, "cost_usd_micros": 7, "served": "fake/one",
    }))
}

fn says(text: &str) -> ToolResult {
    reply(json!([{ "type": "text", "text": text }]), "done")
}

fn calls(times: usize, tool: &str, arguments: &Value) -> ToolResult {
    let call = |id: usize| {
        let arguments = arguments.to_string();
        json!({ "type": "tool_call", "id": format!("c{id}"), "name": tool, "arguments": arguments })
    };
    reply((0..times).map(call).collect(), "tool_use")
}

impl Journal {
    fn new() -> Self {
        let offer = |name| json!({ "name": name, "description": "", "schema": {} });
        let tools = json!([offer("file.edit"), offer("file.read")]);
        let context = What::Context(json!({ "model": "main", "tools": tools }));
        // What runs have before: they were queued, and begun.
        let journal = Self {
            noted: Vec::new(),
            seq: 2,
        };
        journal.with(1, context)
    }

    fn with(mut self, step: u32, what: What) -> Self {
        self.seq += 1;
        let seq = self.seq;
        self.noted.push(Noted { seq, step, what });
        self
    }

    fn asked(self, step: u32, (tool, arguments, idempotent): (&str, Value, bool)) -> Self {
        let tool = tool.to_owned();
        let arguments = (tool != MODEL_CALL).then_some(arguments);
        let asked = What::Asked {
            tool,
            arguments,
            idempotent,
        };
        self.with(step, asked)
            .with(step, What::Decided("allow".to_owned()))
    }

    fn gave(self, step: u32, result: ToolResult) -> Self {
        self.with(step, What::Ended { tool: None, result })
    }

    fn question(self, step: u32, answer: ToolResult) -> Self {
        self.asked(step, (MODEL_CALL, json!({}), true))
            .gave(step, answer)
    }

    fn replayed(self, answer: &str, change: impl FnOnce(&mut Again)) -> Played {
        let mut again = Again {
            run: RunId::generate(&Clock::system(), &Random::system()),
            from_seq: 1,
            model: Some("other".to_owned()),
            instructions: None,
            tool_results: Vec::new(),
        };
        change(&mut again);
        let agent = AgentSnapshot {
            output_schema: None,
            name: "clerk".into(),
            version: 1,
            instructions: "Be brief.".into(),
            planner: "model".into(),
            tools: vec!["file.edit".into(), "file.read".into()],
            max_steps: 20,
            labels: Vec::new(),
            model_profile_id: None,
            budget_usd_micros: None,
        };
        let recorded = Recorded {
            input: Input::AgentTurn {
                agent,
                message: "Edit it.".into(),
            },
            entries: self.seq + 1,
            noted: self.noted,
            end: End {
                state: "succeeded".into(),
                answer: Some(json!(answer)),
                code: None,
                message: None,
            },
        };
        let mut program = programs(&Input::Replay(Box::new(again)));
        let known = serde_json::to_value(recorded).unwrap();
        program.apply(CONTEXT, &Outcome::Context(known));
        Played(program)
    }
}

struct Played(Box<dyn Program>);

impl Played {
    fn asks(&self) -> Option<(u32, Value)> {
        let Next::Perform(wanted) = self.0.next() else {
            return None;
        };
        wanted.into_iter().find_map(|it| match it.effect {
            Effect::Tool { tool, arguments } => {
                assert_eq!(tool, MODEL_CALL, "a replay asks models and nothing else");
                Some((it.step, arguments))
            }
            Effect::Timer { .. } => None,
            other => panic!("{other:?}"),
        })
    }

    fn tell(&mut self, answer: ToolResult) -> &mut Self {
        let (step, _) = self.asks().expect("it asks");
        self.0.apply(step, &Outcome::Tool(answer));
        self
    }

    fn report(&self) -> Value {
        match self.0.next() {
            Next::Finish(Finish::Succeeded { answer }) => answer,
            other => panic!("{other:?}"),
        }
    }
}

fn edit() -> Value {
    json!({ "path": "a", "old": "x", "new": "y" })
}

/// One edit, which the record has.
fn edited() -> Journal {
    Journal::new()
        .question(3, calls(1, "file_edit", &edit()))
        .asked(4, ("file.edit", edit(), false))
        .gave(4, ToolResult::success(json!("edited")))
        .question(5, says("Done."))
}

#[test]
fn what_must_not_be_repeated_is_served_once() {
    let mut once = edited().replayed("Done.", |_| {});
    once.tell(calls(1, "file_edit", &edit()));
    once.tell(says("Done."));
    assert_eq!(once.report()["identical"], true, "{:#}", once.report());
    let mut twice = edited().replayed("Done.", |_| {});
    twice.tell(calls(2, "file_edit", &edit()));
    let report = twice.report();
    assert_eq!(
        report["end"]["replayed"]["code"], "NOT_IN_RECORD",
        "{report:#}"
    );
    let how: Vec<&Value> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["outcome"])
        .collect();
    assert_eq!(how, ["asked", "recorded", "missing"]);
}

/// Members in another order are the same arguments.
#[test]
fn arguments_are_compared_in_their_canonical_form() {
    let other = serde_json::from_str(r#"{"new":"y","old":"x","path":"a"}"#).unwrap();
    let mut turn = edited().replayed("Done.", |_| {});
    turn.tell(calls(1, "file_edit", &other));
    turn.tell(says("Done."));
    assert_eq!(turn.report()["identical"], true);
}

#[test]
fn other_instructions_ask_the_model_of_the_record() {
    let mut turn = edited().replayed("Done.", |again| {
        again.model = None;
        again.instructions = Some("Refuse everything.".to_owned());
    });
    let (_, question) = turn.asks().unwrap();
    assert_eq!(question["model"], "main");
    assert!(
        question["system"]
            .as_str()
            .unwrap()
            .starts_with("Refuse everything.")
    );
    turn.tell(says("No."));
    let report = turn.report();
    assert_eq!(report["first_divergence"]["step"], 3);
    assert_eq!(report["end"]["replayed"]["answer"], "No.");
    // What the replay never came to.
    assert_eq!(report["steps"][1]["outcome"], "not_reached");
}

/// Somebody spoke while the model did: it hears it again, at the same place.
#[test]
fn a_person_s_words_are_handed_on() {
    let journal = Journal::new()
        .asked(3, (MODEL_CALL, json!({}), true))
        .with(
            2,
            What::Signalled {
                name: "steer".into(),
                carried: json!({ "content": "And b?" }),
            },
        )
        .gave(3, says("A."))
        .question(5, says("A and b."));
    let mut turn = journal.replayed("A and b.", |_| {});
    turn.tell(says("A."));
    let (_, question) = turn.asks().unwrap();
    assert!(
        question["messages"].to_string().contains("And b?"),
        "{question:#}"
    );
    turn.tell(says("A and b."));
    assert_eq!(turn.report()["identical"], true, "{:#}", turn.report());
}

/// A result that the changes give counts before the record's, from the entry on.
#[test]
fn a_given_result_stands_in() {
    let given = |again: &mut Again| {
        again.tool_results = vec![(4, ToolResult::failure("NOT_FOUND", "no such file", false))];
    };
    let mut turn = edited().replayed("Done.", given);
    turn.tell(calls(1, "file_edit", &edit()));
    let (_, question) = turn.asks().unwrap();
    assert!(question["messages"].to_string().contains("no such file"));
    turn.tell(says("It is not there."));
    let report = turn.report();
    assert_eq!(report["steps"][1]["outcome"], "stand_in");
    assert_eq!(report["first_divergence"]["step"], 5);
}

#[test]
fn time_runs_out() {
    let mut turn = edited().replayed("Done.", |_| {});
    turn.0.apply(DEADLINE, &Outcome::TimerFired);
    let report = turn.report();
    assert_eq!(report["end"]["replayed"]["code"], "REPLAY_TOO_LONG");
    assert_eq!(report["outside_effects"], 0);
}

#[test]
fn a_record_that_can_t_be_read_is_a_failure() {
    let again = Again {
        run: RunId::generate(&Clock::system(), &Random::system()),
        from_seq: 1,
        model: None,
        instructions: None,
        tool_results: Vec::new(),
    };
    let mut program = programs(&Input::Replay(Box::new(again)));
    program.apply(CONTEXT, &Outcome::Context(json!({ "no": "record" })));
    let Next::Finish(Finish::Failed(failure)) = program.next() else {
        panic!("it goes on")
    };
    assert_eq!(failure.code, "RECORD_INVALID");
}
