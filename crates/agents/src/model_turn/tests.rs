use proptest::prelude::*;
use runs::{Input, Program};
use serde_json::json;
use vocab::limits;

use super::*;
use crate::conversation::{Earlier, Offer, Seal, Usage};
use crate::programs;
mod attachments;

fn agent() -> AgentSnapshot {
    AgentSnapshot {
        name: "clerk".into(),
        version: 1,
        instructions: "Be brief.".into(),
        planner: "model".into(),
        tools: vec!["file.read".into(), "file_read".into(), "noop".into()],
        max_steps: 20,
        labels: Vec::new(),
        model_profile_id: None,
        budget_usd_micros: None,
        output_schema: None,
    }
}

fn offer(name: &str) -> Offer {
    Offer {
        name: name.into(),
        description: "a tool".into(),
        schema: json!({ "type": "object" }),
    }
}

fn briefing() -> Briefing {
    Briefing {
        model: "main".into(),
        messages: Vec::new(),
        cut: false,
        left_out: 0,
        summary: None,
        tools: vec![offer("file.read"), offer("file_read"), offer("noop")],
        reader: None,
        skills: Vec::new(),
        workspace: false,
        notes: Vec::new(),
        attachments: Vec::new(),
    }
}

fn earlier(own: bool, text: &str) -> Earlier {
    Earlier {
        own,
        by: "Ada".into(),
        text: text.into(),
    }
}

fn reply(stop: Stop, parts: Vec<Part>) -> Outcome {
    let reply = Reply {
        parts,
        stop,
        usage: Usage::default(),
        cost_usd_micros: Some(10),
        served: "fake/one".into(),
        citations: Vec::new(),
    };
    Outcome::Tool(ToolResult::success(serde_json::to_value(reply).unwrap()))
}

fn text(text: &str) -> Part {
    Part::Text { text: text.into() }
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
        seal: None,
    }
}

fn failed(code: &str) -> Outcome {
    Outcome::Tool(ToolResult::failure(code, "no", false))
}

fn gave(value: Value) -> Outcome {
    Outcome::Tool(ToolResult::success(value))
}

/// A turn under test.
struct Played(Box<dyn Program>);

impl Played {
    fn begin(agent: &AgentSnapshot, briefing: &Briefing) -> Self {
        let mut program = programs(&Input::AgentTurn {
            agent: agent.clone(),
            message: "What is in a?".into(),
        });
        let context = Wanted {
            step: 1,
            effect: Effect::Context,
        };
        assert_eq!(program.next(), Next::Perform(vec![context]));
        let known = serde_json::to_value(briefing).unwrap();
        program.apply(1, &Outcome::Context(known));
        Self(program)
    }

    /// What it wants besides steering.
    fn wants(&self) -> Vec<(u32, Effect)> {
        match self.0.next() {
            Next::Perform(wanted) => wanted
                .into_iter()
                .filter(|it| !matches!(it.effect, Effect::Signal { .. }))
                .map(|it| (it.step, it.effect))
                .collect(),
            Next::Finish(finish) => panic!("it is over: {finish:?}"),
        }
    }

    fn question(&self) -> Question {
        match self.wants().as_slice() {
            [(_, Effect::Tool { tool, arguments })] if tool == MODEL_CALL => {
                serde_json::from_value(arguments.clone()).unwrap()
            }
            other => panic!("it does not ask: {other:?}"),
        }
    }

    /// Each of what it wants now comes to this end.
    fn tell(&mut self, outcomes: &[Outcome]) -> &mut Self {
        let wanted = self.wants();
        assert_eq!(wanted.len(), outcomes.len(), "{wanted:?}");
        for ((step, _), outcome) in wanted.iter().zip(outcomes) {
            self.0.apply(*step, outcome);
        }
        self
    }

    fn steer(&mut self, carried: Value) {
        let Next::Perform(wanted) = self.0.next() else {
            panic!("it is over")
        };
        let steer = Effect::Signal { name: STEER.into() };
        let at = wanted.iter().find(|it| it.effect == steer).unwrap().step;
        self.0.apply(at, &Outcome::Signalled(carried));
    }

    fn end(&self) -> Finish {
        match self.0.next() {
            Next::Finish(finish) => finish,
            Next::Perform(wanted) => panic!("it goes on: {wanted:?}"),
        }
    }

    fn code(&self) -> String {
        match self.end() {
            Finish::Failed(failure) => failure.code,
            Finish::Succeeded { answer } => panic!("it succeeded: {answer}"),
        }
    }

    fn answer(&self) -> Value {
        match self.end() {
            Finish::Succeeded { answer } => answer,
            Finish::Failed(failure) => panic!("{failure:?}"),
        }
    }
}

fn played() -> Played {
    Played::begin(&agent(), &briefing())
}

fn results(question: &Question) -> Vec<(String, bool)> {
    let last = question.messages.last().unwrap();
    assert_eq!(last.by, Speaker::User);
    let result = |part: &Part| match part {
        Part::ToolResult { text, failed, .. } => Some((text.clone(), *failed)),
        _ => None,
    };
    last.parts.iter().filter_map(result).collect()
}

#[test]
fn it_asks_acts_and_answers() {
    let mut turn = played();
    let question = turn.question();
    assert_eq!(question.model, "main");
    assert!(question.system.starts_with("Be brief.") && question.system.contains("\"clerk\""));
    assert_eq!(
        question.messages,
        [Said::text(Speaker::User, "What is in a?")]
    );
    let names: Vec<&str> = question.tools.iter().map(|it| it.name.as_str()).collect();
    // Two tools whose names differ only where providers are strict.
    assert_eq!(names, ["file_read", "file_read_2", "noop"]);

    let thought = Part::Thinking {
        text: "hm".into(),
        id: None,
        seal: Some(Seal {
            by: "anthropic".into(),
            value: "s".into(),
        }),
        redacted: false,
    };
    let calls = vec![
        thought.clone(),
        call("c1", "file_read", r#"{"path":"a"}"#),
        call("c2", "noop", ""),
    ];
    turn.tell(&[reply(Stop::ToolUse, calls.clone())]);
    let wanted = turn.wants();
    let read = Effect::Tool {
        tool: "file.read".into(),
        arguments: json!({ "path": "a" }),
    };
    let noop = Effect::Tool {
        tool: "noop".into(),
        arguments: json!({}),
    };
    assert_eq!(
        wanted.iter().map(|it| it.1.clone()).collect::<Vec<_>>(),
        [read, noop]
    );
    turn.tell(&[gave(json!({ "text": "milk" })), failed("POLICY_DENIED")]);
    let question = turn.question();
    // What it thought and called goes back as it was.
    assert_eq!(
        question.messages[1],
        Said {
            by: Speaker::Model,
            parts: calls
        }
    );
    let told = results(&question);
    assert_eq!(
        told,
        [("milk".into(), false), ("POLICY_DENIED: no.".into(), true)]
    );
    turn.tell(&[reply(Stop::Done, vec![text("Milk.")])]);
    assert_eq!(turn.answer(), json!("Milk."));
}

#[test]
fn what_was_said_before_is_known() {
    let known = Briefing {
        messages: vec![
            earlier(true, "Hello!"),
            earlier(false, "Hi."),
            earlier(false, "You there?"),
        ],
        summary: Some("They met.".into()),
        left_out: 3,
        skills: vec![("count".into(), "Counts words".into())],
        notes: vec![("AGENTS.md".into(), "Use tabs.".into())],
        ..briefing()
    };
    let turn = Played::begin(&agent(), &known);
    let question = turn.question();
    for part in ["count: Counts words", "AGENTS.md", "Use tabs."] {
        assert!(question.system.contains(part), "{}", question.system);
    }
    // What was said is no instruction, in short as little as in full.
    assert!(
        !question.system.contains("They met."),
        "{}",
        question.system
    );
    let opening = format!("{:?}", question.messages[0]);
    assert!(
        opening.contains("They met.") && opening.contains("3 earlier messages"),
        "{opening}"
    );
    // It begins with a person, and nobody speaks twice in a row.
    let speakers: Vec<Speaker> = question.messages.iter().map(|it| it.by).collect();
    assert_eq!(speakers, [Speaker::User, Speaker::Model, Speaker::User]);
    assert_eq!(
        question.messages[2].parts,
        [
            text("Ada: Hi."),
            text("Ada: You there?"),
            text("What is in a?")
        ]
    );
}

#[test]
fn a_model_is_told_what_is_wrong_with_its_calls() {
    let mut turn = played();
    let calls = vec![
        call("1", "unknown", "{}"),
        call("2", "file_read", r#"{"path": "a"#),
        call("3", "file_read", "[1]"),
    ];
    turn.tell(&[reply(Stop::ToolUse, calls)]);
    // Nothing is carried out: it is asked again at once.
    let told = results(&turn.question());
    assert!(told.iter().all(|(_, failed)| *failed));
    assert!(
        told[0]
            .0
            .contains("There are: file_read, file_read_2, noop"),
        "{told:?}"
    );
    assert!(
        told[1].0.contains("no JSON") && told[2].0.contains("no object"),
        "{told:?}"
    );
    turn.tell(&[reply(Stop::Done, vec![text("Sorry.")])]);
    assert_eq!(turn.answer(), json!("Sorry."));
}

#[test]
fn each_way_to_end_badly_has_its_name() {
    let mut silent = played();
    silent
        .tell(&[reply(Stop::Done, vec![])])
        .tell(&[reply(Stop::Done, vec![text(" ")])]);
    assert_eq!(silent.code(), "MODEL_SILENT");

    let mut refusing = played();
    refusing.tell(&[reply(
        Stop::Refused,
        vec![Part::Refusal { text: "No.".into() }],
    )]);
    assert_eq!(refusing.code(), "MODEL_REFUSED");

    let mut garbled = played();
    garbled.tell(&[gave(json!({ "parts": "x" }))]);
    assert_eq!(garbled.code(), "MODEL_ANSWER_INVALID");

    let mut away = played();
    away.tell(&[failed("MODEL_UNAVAILABLE")]);
    assert_eq!(away.code(), "MODEL_UNAVAILABLE");

    let none = Briefing {
        model: String::new(),
        ..briefing()
    };
    assert_eq!(Played::begin(&agent(), &none).code(), "NO_MODEL");

    let poor = AgentSnapshot {
        budget_usd_micros: Some(10),
        ..agent()
    };
    let mut poor = Played::begin(&poor, &briefing());
    poor.tell(&[reply(Stop::Paused, vec![text("…")])]);
    assert_eq!(poor.code(), "BUDGET_SPENT");

    let short = AgentSnapshot {
        max_steps: 3,
        ..agent()
    };
    let mut short = Played::begin(&short, &briefing());
    let two = vec![call("1", "noop", "{}"), call("2", "noop", "{}")];
    short
        .tell(&[reply(Stop::ToolUse, two)])
        .tell(&[gave(json!(1)), gave(json!(2))]);
    assert_eq!(short.code(), "TOO_MANY_STEPS");
}

#[test]
fn an_answer_that_was_cut_says_so() {
    let mut turn = played();
    turn.tell(&[reply(Stop::Length, vec![text("Once upon")])]);
    assert_eq!(turn.answer(), json!(format!("Once upon{CUT}")));
}

fn typed() -> AgentSnapshot {
    let number = json!({ "type": "integer", "minimum": 0 });
    let schema = json!({
        "type": "object", "properties": { "n": number }, "required": ["n"], "additionalProperties": false,
    });
    AgentSnapshot {
        output_schema: Some(schema),
        ..agent()
    }
}

#[test]
fn an_answer_that_fits_the_schema_is_the_output() {
    let mut turn = Played::begin(&typed(), &briefing());
    let question = turn.question();
    assert_eq!(question.format, typed().output_schema);
    assert!(
        question.system.contains("\"minimum\":0"),
        "{}",
        question.system
    );
    turn.tell(&[reply(Stop::ToolUse, vec![call("1", "noop", "{}")])])
        .tell(&[gave(json!("three"))])
        .tell(&[reply(Stop::Done, vec![text("```json\n{\"n\": 3}\n```")])]);
    assert_eq!(turn.answer(), json!({ "n": 3 }));
    // Without a schema, JSON is a text like any other.
    let mut free = played();
    assert_eq!(free.question().format, None);
    free.tell(&[reply(Stop::Done, vec![text("{\"n\": 3}")])]);
    assert_eq!(free.answer(), json!("{\"n\": 3}"));
}

#[test]
fn an_answer_that_does_not_fit_is_told_and_tried_again() {
    let last = |turn: &Played| match turn.question().messages.last().unwrap().parts.last() {
        Some(Part::Text { text }) => text.clone(),
        other => panic!("{other:?}"),
    };
    let mut turn = Played::begin(&typed(), &briefing());
    turn.tell(&[reply(Stop::Done, vec![text("Three.")])]);
    assert!(last(&turn).contains("no JSON"), "{}", last(&turn));
    turn.tell(&[reply(Stop::Done, vec![text("{\"n\": -1}")])]);
    assert!(last(&turn).contains("/n: "), "{}", last(&turn));
    turn.tell(&[reply(Stop::Length, vec![text("{\"n\": 3")])]);
    assert!(last(&turn).contains("it is cut"), "{}", last(&turn));
    // Its words stay in the conversation, so that it sees what it said.
    assert_eq!(turn.question().messages.len(), 7);
    turn.tell(&[reply(Stop::Done, vec![text("{\"n\": 3}")])]);
    assert_eq!(turn.answer(), json!({ "n": 3 }));
}

#[test]
fn an_answer_that_never_fits_is_a_failure() {
    let mut stubborn = Played::begin(&typed(), &briefing());
    for _ in 0..MISFITS_MAX {
        stubborn.tell(&[reply(Stop::Done, vec![text("Three.")])]);
    }
    match stubborn.end() {
        Finish::Failed(failure) => {
            assert_eq!(
                (failure.code.as_str(), failure.at),
                ("OUTPUT_INVALID", FailedAt::Agent)
            );
            assert!(failure.message.contains("no JSON"), "{}", failure.message);
        }
        other => panic!("{other:?}"),
    }
    // The last step that it may take says what is wrong, not that there are no more.
    let short = AgentSnapshot {
        max_steps: 2,
        ..typed()
    };
    let mut short = Played::begin(&short, &briefing());
    short
        .tell(&[reply(Stop::Done, vec![text("3")])])
        .tell(&[reply(Stop::Done, vec![text("3")])]);
    assert_eq!(short.code(), "OUTPUT_INVALID");
}

#[test]
fn the_same_again_and_again_is_no_progress() {
    let agent = AgentSnapshot {
        max_steps: 1_000,
        ..agent()
    };
    let mut turn = Played::begin(&agent, &briefing());
    for round in 1..=6 {
        // Its own ids differ; what it asks for does not.
        let again = vec![call(&format!("c{round}"), "noop", "{}")];
        turn.tell(&[reply(Stop::ToolUse, again)])
            .tell(&[gave(json!("same"))]);
        if round == 3 {
            let last = turn.question().messages.pop().unwrap();
            let warned =
                matches!(last.parts.last(), Some(Part::Text { text }) if text.contains("same"));
            assert!(warned, "{last:?}");
        }
    }
    assert_eq!(turn.code(), "NO_PROGRESS");

    // As long as results differ, it goes on.
    let mut turn = Played::begin(&agent, &briefing());
    for round in 1..=20 {
        let again = vec![call("c", "noop", "{}")];
        turn.tell(&[reply(Stop::ToolUse, again)])
            .tell(&[gave(json!(round))]);
    }
    turn.tell(&[reply(Stop::Done, vec![text("done")])]);
    assert_eq!(turn.answer(), json!("done"));
}

#[test]
fn a_person_is_heard_before_the_next_question() {
    let mut turn = played();
    turn.steer(json!({ "content": "And b?" }));
    turn.steer(json!("no text"));
    turn.tell(&[reply(Stop::Done, vec![text("Milk.")])]);
    let messages = turn.question().messages;
    assert_eq!(messages.last(), Some(&Said::text(Speaker::User, "And b?")));
    turn.tell(&[reply(Stop::Done, vec![text("Bread.")])]);
    assert_eq!(turn.answer(), json!("Bread."));
}

#[test]
fn a_context_that_is_too_long_is_halved() {
    let many = (0..9).map(|n| earlier(n % 2 == 1, &format!("message {n}")));
    let known = Briefing {
        messages: many.collect(),
        ..briefing()
    };
    let mut turn = Played::begin(&agent(), &known);
    let before = turn.question().messages.len();
    turn.tell(&[failed("MODEL_CONTEXT_TOO_LONG")]);
    let after = turn.question().messages;
    assert!(after.len() < before && after[0].by == Speaker::User);
    assert!(after.last().unwrap().parts.contains(&text("What is in a?")));
    while let Next::Perform(_) = turn.0.next() {
        turn.tell(&[failed("MODEL_CONTEXT_TOO_LONG")]);
    }
    assert_eq!(turn.code(), "MODEL_CONTEXT_TOO_LONG");
}

#[test]
fn what_tools_give_is_cut() {
    let mut turn = played();
    turn.tell(&[reply(Stop::ToolUse, vec![call("1", "noop", "{}")])]);
    turn.tell(&[gave(json!("é".repeat(limits::TOOL_RESULT_SHOWN_BYTES_MAX)))]);
    let told = results(&turn.question());
    assert!(told[0].0.len() < limits::TOOL_RESULT_SHOWN_BYTES_MAX + 100);
    assert!(told[0].0.ends_with("more bytes)"), "{}", told[0].0.len());
}

fn reading(turn: &Played) -> Vec<String> {
    let path = |effect: &Effect| match effect {
        Effect::Tool { tool, arguments } if tool == "file.read" => {
            arguments["path"].as_str().unwrap().to_owned()
        }
        other => panic!("{other:?}"),
    };
    turn.wants()
        .iter()
        .map(|(_, effect)| path(effect))
        .collect()
}

#[test]
fn what_the_workspace_says_to_agents_is_read_on_the_way() {
    let known = Briefing {
        workspace: true,
        ..briefing()
    };
    let mut turn = Played::begin(&agent(), &known);
    assert_eq!(reading(&turn), ["AGENTS.md"]);
    turn.tell(&[gave(json!("Use tabs."))]);
    let system = turn.question().system;
    assert!(
        system.contains("From the workspace's AGENTS.md.") && system.ends_with("Use tabs."),
        "{system}"
    );
    let read = |path: &str| call("1", "file_read", &json!({ "path": path }).to_string());
    turn.tell(&[reply(Stop::ToolUse, vec![read("src/deep/a.rs")])])
        .tell(&[gave(json!("fn a() {}"))]);
    assert_eq!(reading(&turn), ["src/AGENTS.md", "src/deep/AGENTS.md"]);
    // One that is not there, or may not be read, is none.
    turn.tell(&[failed("NOT_FOUND"), gave(json!("Use spaces."))]);
    let last = turn.question().messages.pop().unwrap();
    let [
        Part::ToolResult { text: result, .. },
        Part::Text { text: note },
    ] = last.parts.as_slice()
    else {
        panic!("{last:?}")
    };
    assert_eq!(result, "fn a() {}");
    assert!(
        note.starts_with("From the workspace's src/deep/AGENTS.md.")
            && note.ends_with("Use spaces."),
        "{note}"
    );
    // Each is looked for once.
    turn.tell(&[reply(Stop::ToolUse, vec![read("src/deep/b.rs")])])
        .tell(&[gave(json!("fn b() {}"))]);
    turn.tell(&[reply(Stop::Done, vec![text("Done.")])]);
    assert_eq!(turn.answer(), json!("Done."));
}

#[test]
fn the_rest_of_a_long_result_can_be_read_on() {
    let reader = Some(offer("artifact.read"));
    let names = |turn: &Played| -> Vec<String> {
        turn.question()
            .tools
            .into_iter()
            .map(|it| it.name)
            .collect()
    };
    let id = vocab::ArtifactId::from_uuid(uuid::Uuid::nil());
    let cut = || {
        let long = json!("x".repeat(limits::TOOL_RESULT_SHOWN_BYTES_MAX + 9));
        let mut result = ToolResult::success(long);
        result.whole = Some(id);
        Outcome::Tool(result)
    };
    let known = Briefing {
        reader,
        ..briefing()
    };
    let mut turn = Played::begin(&agent(), &known);
    assert_eq!(names(&turn), ["file_read", "file_read_2", "noop"]);
    for _ in 0..2 {
        turn.tell(&[reply(Stop::ToolUse, vec![call("1", "noop", "{}")])])
            .tell(&[cut()]);
        let told = results(&turn.question())[0].0.clone();
        let note =
            format!("9 more bytes; the whole is the artifact {id}, to be read on from offset");
        assert!(told.contains(&note), "{}", &told[told.len() - 200..]);
        assert_eq!(
            names(&turn),
            ["file_read", "file_read_2", "noop", "artifact_read"]
        );
    }
    let arguments = json!({ "id": id, "offset": 9 });
    turn.tell(&[reply(
        Stop::ToolUse,
        vec![call("2", "artifact_read", &arguments.to_string())],
    )]);
    let reading = Effect::Tool {
        tool: "artifact.read".into(),
        arguments,
    };
    assert_eq!(turn.wants()[0].1, reading);
}

fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![
        ".{0,20}".prop_map(|it| text(&it)),
        ("[a-c]", "[a-z_]{0,10}|noop|file_read", ".{0,20}|\\{\\}")
            .prop_map(|(id, name, arguments)| call(&id, &name, &arguments)),
        ".{0,10}".prop_map(|text| Part::Refusal { text }),
    ]
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let stop = prop_oneof![
        Just(Stop::Done),
        Just(Stop::ToolUse),
        Just(Stop::Length),
        Just(Stop::Paused),
        Just(Stop::Refused),
    ];
    prop_oneof![
        4 => (stop, proptest::collection::vec(any_part(), 0..4)).prop_map(|(stop, parts)| reply(stop, parts)),
        1 => Just(failed("MODEL_CONTEXT_TOO_LONG")),
        1 => ".{0,30}".prop_map(|it| gave(json!(it))),
    ]
}

proptest! {
    /// Whatever a model and its tools say, the turn is the same however often it is asked, every
    /// call gets its result, nobody speaks twice in a row, and it comes to an end.
    #[test]
    fn whatever_is_said_the_turn_is_sound(
        outcomes in proptest::collection::vec(any_outcome(), 1..60),
        workspace in any::<bool>(),
    ) {
        let mut turn = Played::begin(&agent(), &Briefing { workspace, ..briefing() });
        let mut outcomes = outcomes.iter().cycle();
        for _ in 0..200 {
            prop_assert_eq!(turn.0.next(), turn.0.next());
            let Next::Perform(_) = turn.0.next() else { return Ok(()) };
            let wanted = turn.wants();
            if let [(_, Effect::Tool { tool, .. })] = wanted.as_slice()
                && tool == MODEL_CALL
            {
                sound(&turn.question())?;
            }
            for (step, _) in wanted {
                turn.0.apply(step, outcomes.next().unwrap());
            }
        }
        prop_assert!(false, "it does not end");
    }
}

fn sound(question: &Question) -> Result<(), TestCaseError> {
    let messages = &question.messages;
    prop_assert_eq!(messages[0].by, Speaker::User);
    for pair in messages.windows(2) {
        prop_assert_ne!(pair[0].by, pair[1].by);
        let calls: Vec<&String> = pair[0]
            .parts
            .iter()
            .filter_map(|it| match it {
                Part::ToolCall { id, .. } => Some(id),
                _ => None,
            })
            .collect();
        let results: Vec<&String> = pair[1]
            .parts
            .iter()
            .filter_map(|it| match it {
                Part::ToolResult { id, .. } => Some(id),
                _ => None,
            })
            .collect();
        prop_assert_eq!(calls, results);
    }
    Ok(())
}
