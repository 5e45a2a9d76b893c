use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn one(message: &str) -> Step {
    let plan = parse(message).unwrap_or_else(|error| panic!("{message}: {error}"));
    let [step] = plan.steps() else {
        panic!("{message}: {} steps", plan.steps().len())
    };
    step.clone()
}

fn why(message: &str) -> Vec<(u32, Why)> {
    match parse(message) {
        Err(PlanError::NotUnderstood { misunderstood, .. }) => misunderstood
            .into_iter()
            .map(|it| (it.step, it.why))
            .collect(),
        other => panic!("{message}: {other:?}"),
    }
}

fn text(step: &Step) -> String {
    match step {
        Step::Write { text, .. } | Step::CallAgent { text, .. } => text.to_string(),
        other => panic!("{other:?} has no text"),
    }
}

#[test]
fn the_message_of_the_first_trial_is_a_plan() {
    let message = "read notes/todo.md; run skill word-count on notes/todo.md; \
                   fetch http://127.0.0.1:4181/status; write notes/summary.md: Words: {{2}}, as counted";
    let plan = parse(message).unwrap();
    assert_eq!(
        plan.to_string(),
        "read notes/todo.md\nrun skill word-count on notes/todo.md\n\
         fetch http://127.0.0.1:4181/status\nwrite notes/summary.md: Words: {{2}}, as counted"
    );
}

#[test]
fn every_form_is_read() {
    let path = |text: &str| Some(text.to_owned());
    assert_eq!(one("list"), Step::List { path: None });
    assert_eq!(
        one("LIST  my notes "),
        Step::List {
            path: path("my notes")
        }
    );
    assert_eq!(
        one("Read Notes/A b.md"),
        Step::Read {
            path: "Notes/A b.md".into()
        }
    );
    assert_eq!(
        one("search TODO in the code in src"),
        Step::Search {
            pattern: "TODO in the code".into(),
            path: path("src")
        }
    );
    assert_eq!(
        one("search foo"),
        Step::Search {
            pattern: "foo".into(),
            path: None
        }
    );
    assert_eq!(
        one("fetch http://a/b?c=d"),
        Step::Fetch {
            url: "http://a/b?c=d".into()
        }
    );
    assert_eq!(
        one("run skill tidy"),
        Step::RunSkill {
            name: "tidy".into(),
            path: None
        }
    );
    assert_eq!(
        one("run Skill tidy on a on b.md"),
        Step::RunSkill {
            name: "tidy".into(),
            path: path("a on b.md")
        }
    );
    assert_eq!(
        one("save artifact weekly report from out/report.md"),
        Step::SaveArtifact {
            name: "weekly report".into(),
            path: "out/report.md".into()
        }
    );
    assert_eq!(
        text(&one("call agent editor: be brief: please")),
        "be brief: please"
    );
    assert_eq!(
        one("shell: ls -l | wc"),
        Step::Shell {
            command: "ls -l | wc".into()
        }
    );
    assert_eq!(
        one("wait 1h 30m"),
        Step::Wait {
            wait: Duration::from_secs(5400)
        }
    );
    assert_eq!(
        one("wait 500MS"),
        Step::Wait {
            wait: Duration::from_millis(500)
        }
    );
    assert_eq!(one("noop"), Step::Noop);
}

#[test]
fn steps_are_parted_by_lines_and_semicolons_but_not_in_quotations() {
    let count = |message: &str| parse(message).unwrap().steps().len();
    assert_eq!(count("list;;\r\n\n ; noop\n"), 2);
    assert_eq!(
        one("shell: echo \"a; b\""),
        Step::Shell {
            command: "echo \"a; b\"".into()
        }
    );
    assert_eq!(
        one("shell: \"echo a; echo b\""),
        Step::Shell {
            command: "echo a; echo b".into()
        }
    );
    assert_eq!(
        text(&one(r#"write "a: b.txt": "one\ntwo; \"three\"\\""#)),
        "one\ntwo; \"three\"\\"
    );
    assert_eq!(count("write a: a 5\" disk; read b; write c: a 3\" disk"), 3);
    assert_eq!(count("write a: he said \"wait; list\" and left; noop"), 2);
    assert_eq!(count("shell: echo \"unclosed; noop"), 2);
}

#[test]
fn an_empty_text_is_a_text() {
    assert_eq!(text(&one("write a.txt:")), "");
    assert_eq!(text(&one("write a.txt: \"\"")), "");
    assert_eq!(why("write a.txt"), [(1, Why::Near(Form::Write))]);
    assert_eq!(why("write : x"), [(1, Why::Near(Form::Write))]);
}

#[test]
fn references_name_earlier_steps_only() {
    let plan = parse("noop; list; write a: {{1}} {{2.status}} {{{{3}} {{.Name}} { {{x}}").unwrap();
    let Step::Write { text, .. } = &plan.steps()[2] else {
        panic!()
    };
    let output = |step, path: &[&str]| Part::Output {
        step,
        path: path.iter().map(|it| (*it).to_owned()).collect(),
    };
    let literal = |text: &str| Part::Literal(text.to_owned());
    assert_eq!(
        text.parts(),
        [
            output(1, &[]),
            literal(" "),
            output(2, &["status"]),
            literal(" {{3}} {{.Name}} { {{x}}"),
        ]
    );
    let wrong = |message: &str| {
        why(message)
            .into_iter()
            .map(|(_, why)| why)
            .collect::<Vec<_>>()
    };
    for reference in ["0", "1", "2", "99999999999999999999", "1x", "0."] {
        let message = format!("write a: {{{{{reference}}}}}");
        assert_eq!(
            wrong(&message),
            [Why::Reference(reference.into())],
            "{message}"
        );
    }
    assert_eq!(
        one("shell: echo {{1}}"),
        Step::Shell {
            command: "echo {{1}}".into()
        }
    );
}

#[test]
fn what_is_not_understood_is_named_and_nothing_else_is_planned() {
    let message = "read a; dance; wriet b: c; wait 5; fetch two words; run tidy; read \"x";
    assert_eq!(
        why(message),
        [
            (2, Why::Unknown),
            (3, Why::Near(Form::Write)),
            (4, Why::Duration),
            (5, Why::Near(Form::Fetch)),
            (6, Why::Near(Form::RunSkill)),
            (7, Why::OpenQuotation),
        ]
    );
    let text = parse("noop; dance; raed x").unwrap_err().to_string();
    assert_eq!(
        text,
        "2 of 3 steps were not understood, so nothing was done; step 2 `dance`: no step begins like \
         this; step 3 `raed x`: did you mean `read PATH`?; known are `list PATH`, `read PATH`, \
         `write PATH: TEXT`, `search PATTERN in PATH`, `fetch URL`, `run skill NAME on PATH`, \
         `save artifact NAME from PATH`, `call agent NAME: TEXT`, `shell: COMMAND`, \
         `wait DURATION`, `noop`"
    );
}

#[test]
fn a_plan_is_bounded() {
    assert_eq!(parse(" ;\n; "), Err(PlanError::Empty));
    let many = "noop;".repeat(PLAN_STEPS_MAX);
    assert!(parse(&many).is_ok());
    assert_eq!(
        parse(&format!("{many}noop")),
        Err(PlanError::TooMany {
            count: PLAN_STEPS_MAX + 1
        })
    );
    for wait in [
        "367d",
        "",
        "5",
        "s",
        "1x",
        "18446744073709551616s",
        "99999999999999999d",
        "-1s",
    ] {
        assert_eq!(why(&format!("wait {wait}")), [(1, Why::Duration)], "{wait}");
    }
    let dances = "dance;".repeat(50);
    let message = parse(&dances).unwrap_err().to_string();
    assert!(message.contains("step 20 ") && !message.contains("step 21 "));
    assert!(message.contains("; and 30 more; known are "));
}

/// Reading what a plan prints gives the same plan; a message that is none stays none.
fn check(message: &str) {
    let Ok(plan) = parse(message) else { return };
    let printed = plan.to_string();
    let again = parse(&printed).unwrap_or_else(|error| panic!("{printed:?}: {error}"));
    assert_eq!(again, plan, "{printed:?}");
    assert_eq!(again.to_string(), printed);
}

#[test]
fn naughty_strings_never_panic_and_print_as_what_they_are() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/testdata/blns/blns.json"
    );
    // The collection lies beside the source tree; without it the properties below still hold.
    let Ok(json) = std::fs::read_to_string(file) else {
        return;
    };
    let strings: Vec<String> = serde_json::from_str(&json).unwrap();
    assert!(strings.len() > 400);
    for naughty in &strings {
        check(naughty);
        for form in [
            "read {}",
            "write {}: {}",
            "write a: \"{}\"",
            "search {} in {}",
            "shell: {}",
            "run skill {} on {}",
            "save artifact {} from {}",
            "call agent {}: {}",
            "list {}",
            "wait {}",
            "noop; write b: {{1}}{}",
            "fetch {}",
            "\"{}\"",
        ] {
            check(&form.replace("{}", naughty));
        }
    }
}

proptest! {
    #[test]
    fn no_message_panics(message in any::<String>()) {
        check(&message);
    }

    #[test]
    fn words_of_the_language_in_any_order_print_as_what_they_are(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "list", "read", "write", "search", "in", "fetch", "run", "skill", "on", "save",
                "artifact", "from", "call", "agent", "shell", "wait", "noop", ":", ";", "\n", "\"", "\\",
                "{{", "}}", "{{1}}", "{{1.a}}", "{", " ", " ", "a", "5m", "\t", "\u{2028}", "é",
            ]),
            0..24,
        ),
        spaced in any::<bool>(),
    ) {
        check(&words.join(if spaced { " " } else { "" }));
    }

    #[test]
    fn any_text_can_be_written(text in "\\PC*|(.|\\n|\"|;|\\\\){0,40}") {
        let written = format!("write a: {}", value::WrittenText(&text));
        let step = one(&written);
        prop_assert_eq!(
            step,
            Step::Write { path: "a".into(), text: Text::parse(&text, 1).unwrap_or_default() }
        );
    }
}
