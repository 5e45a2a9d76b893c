use proptest::prelude::*;
use runs::{Effect, Finish, Input, Next, Outcome, Program, ToolResult};
use serde_json::{Value, json};

use super::*;
use crate::programs;

fn agent() -> AgentSnapshot {
    let tools = [
        "file.list",
        "file.read",
        "file.write",
        "file.search",
        "http.fetch",
        "skill.run",
        "artifact.save",
        "agent.call",
        "shell.exec",
        "noop",
    ];
    AgentSnapshot {
        name: "clerk".into(),
        version: 1,
        instructions: String::new(),
        planner: "rules".into(),
        tools: tools.map(str::to_owned).to_vec(),
        max_steps: 50,
        labels: Vec::new(),
        model_profile_id: None,
        budget_usd_micros: None,
        output_schema: None,
    }
}

fn program(message: &str) -> Box<dyn Program> {
    programs(&Input::AgentTurn {
        agent: agent(),
        message: message.into(),
    })
}

/// Runs a message with these outcomes, one a step; answers what it asked for and how it ended.
fn play(message: &str, outcomes: &[Outcome]) -> (Vec<(u32, Effect)>, Finish) {
    let mut program = program(message);
    let mut outcomes = outcomes.iter();
    let mut asked = Vec::new();
    loop {
        assert_eq!(program.next(), program.next());
        match program.next() {
            Next::Perform(wanted) => {
                let [wanted] = wanted.as_slice() else {
                    panic!("one effect at a time")
                };
                asked.push((wanted.step, wanted.effect.clone()));
                program.apply(wanted.step, outcomes.next().expect("no more outcomes"));
            }
            Next::Finish(finish) => return (asked, finish),
        }
    }
}

fn good(output: Value) -> Outcome {
    Outcome::Tool(ToolResult::success(output))
}

fn bad(code: &str) -> Outcome {
    Outcome::Tool(ToolResult::failure(code, "no", true))
}

fn tool(step: u32, tool: &str, arguments: Value) -> (u32, Effect) {
    (
        step,
        Effect::Tool {
            tool: tool.into(),
            arguments,
        },
    )
}

fn answer(finish: Finish) -> String {
    match finish {
        Finish::Succeeded {
            answer: Value::String(text),
        } => text,
        other => panic!("{other:?}"),
    }
}

fn failure(finish: Finish) -> Failure {
    match finish {
        Finish::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn steps_run_in_order_and_the_answer_says_what_each_gave() {
    let (asked, finish) = play(
        "read a.md; run skill word-count on a.md; fetch http://h/s; wait 2s; \
         write s.md: {{2}} words, {{3.status}}: {{1}}{{4}}",
        &[
            good(json!("buy milk\n")),
            good(json!({"exit_code": 0, "stdout": "2\n"})),
            good(json!({"status": 200, "body": "fine"})),
            Outcome::TimerFired,
            good(json!({"bytes": 23})),
        ],
    );
    let wait = Effect::Timer {
        wait: std::time::Duration::from_secs(2),
    };
    assert_eq!(
        asked,
        [
            tool(1, "file.read", json!({"path": "a.md"})),
            tool(
                2,
                "skill.run",
                json!({"name": "word-count", "args": ["a.md"]})
            ),
            tool(3, "http.fetch", json!({"url": "http://h/s"})),
            (4, wait),
            tool(
                5,
                "file.write",
                json!({"path": "s.md", "content": "2 words, 200: buy milk\n"})
            ),
        ]
    );
    assert_eq!(
        answer(finish),
        "1. `read a.md`\n\n```\nbuy milk\n```\n\n2. `run skill word-count on a.md`\n\n```\n2\n```\n\n\
         3. `fetch http://h/s`\n\n```\nfine\n```\n\n4. `wait 2s`\n\n\
         5. `write s.md: {{2}} words, {{3.status}}: {{1}}{{4}}`\n\n```\n{\"bytes\":23}\n```"
    );
}

#[test]
fn every_form_becomes_its_tool() {
    let message = "list; list d; search x in d; search y; save artifact r from f; \
                   call agent b: hi; shell: ls; noop; run skill t";
    let outcomes: Vec<Outcome> = (0..9).map(|_| good(Value::Null)).collect();
    let (asked, finish) = play(message, &outcomes);
    assert_eq!(
        asked,
        [
            tool(1, "file.list", json!({})),
            tool(2, "file.list", json!({"path": "d"})),
            tool(3, "file.search", json!({"pattern": "x", "path": "d"})),
            tool(4, "file.search", json!({"pattern": "y"})),
            tool(5, "artifact.save", json!({"name": "r", "path": "f"})),
            tool(6, "agent.call", json!({"agent": "b", "message": "hi"})),
            tool(7, "shell.exec", json!({"command": "ls"})),
            tool(8, "noop", json!({})),
            tool(9, "skill.run", json!({"name": "t"})),
        ]
    );
    assert!(answer(finish).starts_with("1. `list`\n\n2. `list d`\n"));
}

#[test]
fn a_failed_step_stops_only_what_refers_to_it() {
    let (asked, finish) = play(
        "read a; fetch http://h/; write b: {{2}}; write c: {{3}}; write d: {{1.x}}; write e: {{1}}",
        &[good(json!("one")), bad("POLICY_DENIED"), good(Value::Null)],
    );
    assert_eq!(
        asked.iter().map(|(step, _)| *step).collect::<Vec<_>>(),
        [1, 2, 6]
    );
    let failure = failure(finish);
    assert_eq!(
        (failure.code.as_str(), failure.at),
        ("STEP_FAILED", FailedAt::Tool)
    );
    assert!(failure.retryable);
    assert_eq!(
        failure.message,
        "4 of 6 steps did not succeed; step 2 `fetch http://h/`: POLICY_DENIED: no; \
         step 3 `write b: {{2}}`: skipped: it uses what step 2 gives, which did not succeed; \
         step 4 `write c: {{3}}`: skipped: it uses what step 3 gives, which did not succeed; \
         step 5 `write d: {{1.x}}`: skipped: step 1 gave no `x`"
    );
}

#[test]
fn a_plan_that_can_not_be_carried_out_does_nothing() {
    let refusal = |agent: AgentSnapshot, message: &str| {
        let program = programs(&Input::AgentTurn {
            agent,
            message: message.into(),
        });
        match program.next() {
            Next::Finish(Finish::Failed(failure)) => {
                assert_eq!(failure.at, FailedAt::Agent);
                (failure.code, failure.message)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refusal(agent(), "read a; dance").0, "PLAN_NOT_UNDERSTOOD");
    assert_eq!(refusal(agent(), "").0, "PLAN_NOT_UNDERSTOOD");
    assert_eq!(
        refusal(
            AgentSnapshot {
                max_steps: 1,
                ..agent()
            },
            "noop; noop"
        )
        .0,
        "PLAN_TOO_LONG"
    );
    assert_eq!(refusal(agent(), &"noop;".repeat(101)).0, "PLAN_TOO_LONG");
    let tools = vec!["file.read".to_owned()];
    let (code, message) = refusal(
        AgentSnapshot { tools, ..agent() },
        "read a; shell: b; wait 1s",
    );
    assert_eq!(code, "TOOL_NOT_GIVEN");
    assert!(
        message.ends_with("nothing was done: step 2 needs `shell.exec`"),
        "{message}"
    );
}

#[test]
fn answers_and_texts_are_bounded() {
    let big = "é`".repeat(300_000);
    let message = format!("{}write z: {{{{1}}}}", "read a;".repeat(49));
    let outcomes: Vec<Outcome> = (0..49).map(|_| good(json!(big))).collect();
    let (_, finish) = play(&message, &outcomes);
    let failure = failure(finish);
    assert!(
        failure
            .message
            .contains("its text would have more than 524288 bytes")
    );

    let (_, finish) = play(
        &"read a;".repeat(50),
        &[&outcomes[..], &outcomes[..1]].concat(),
    );
    let answer = answer(finish);
    assert!(answer.len() <= report::ANSWER_BYTES_MAX, "{}", answer.len());
    assert_eq!(answer.matches("(cut)").count(), 50);

    let failures: Vec<Outcome> = (0..50)
        .map(|_| Outcome::Tool(ToolResult::failure("X", "y".repeat(10_000), false)))
        .collect();
    let (_, finish) = play(&"read a;".repeat(50), &failures);
    assert!(self::failure(finish).message.len() < 4_300);
}

#[test]
fn a_fence_is_longer_than_any_in_the_text() {
    let (_, finish) = play("read a", &[good(json!("```\ncode\n````"))]);
    assert_eq!(
        answer(finish),
        "1. `read a`\n\n`````\n```\ncode\n````\n`````"
    );
}

#[test]
fn outcomes_of_other_steps_change_nothing() {
    let mut program = program("noop; noop");
    let before = program.next();
    program.apply(2, &good(json!(1)));
    program.apply(0, &good(json!(1)));
    assert_eq!(program.next(), before);
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        any::<String>().prop_map(|text| good(json!(text))),
        any::<i32>().prop_map(|number| good(json!({"status": number, "body": "b"}))),
        Just(good(Value::Null)),
        Just(bad("TOOL_FAILED")),
        Just(Outcome::TimerFired),
    ]
}

proptest! {
    /// Fed the same outcomes, a program asks for the same effects and ends the same.
    #[test]
    fn a_turn_is_a_function_of_its_input_and_its_outcomes(
        steps in prop::collection::vec(
            prop::sample::select(vec![
                "read a", "write b: {{1}}", "write c: {{2.status}} {{3}}", "wait 1s", "noop",
                "call agent d: {{1}}{{2}}", "fetch http://h/", "list",
            ]),
            1..12,
        ),
        outcomes in prop::collection::vec(outcome(), 12),
    ) {
        let message = steps.join("\n");
        if planner::parse(&message).is_ok() {
            prop_assert_eq!(play(&message, &outcomes), play(&message, &outcomes));
        }
    }
}
