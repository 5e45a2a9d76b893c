//! A suggested rule flips the decision that it was suggested for, and no other.

use policy::{Enforcement, Flow, PolicySource, Principal, Question, Verdict, example_policy};
use proptest::prelude::*;
use vocab::{Action, HttpMethod, Role, Target};

use crate::fixtures::{
    agent, ask, compile, file, http, id, managed, one_of_each, org, skill, source, user,
};

/// Questions that differ from this one in one thing, and are another decision. Not among them: less
/// of what only grows (fewer bytes, less read), and measurements (time, spending, risk).
fn neighbours(question: &Question) -> Vec<Question> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Question)| {
        let mut other = question.clone();
        change(&mut other);
        all.push(other);
    };
    let as_agent = |n, user| Principal::Agent {
        id: id(n),
        name: "scribe".to_owned(),
        labels: ["demo".to_owned()].into(),
        user,
    };
    with(&|q| q.principal = as_agent(99, Some(user())));
    with(&|q| q.principal = as_agent(3, Some(id(99))));
    with(&|q| q.principal = as_agent(3, None));
    with(&|q| q.principal = Principal::User { id: user() });
    with(&|q| q.principal = Principal::User { id: id(99) });
    for role in Role::ALL {
        with(&|q| q.role = role);
    }
    with(&|q| q.tool.push('x'));
    with(&|q| q.context.run_kind.push('x'));
    with(&|q| q.context.session_labels.extend(["x".to_owned()]));
    with(&|q| q.context.session_labels.clear());
    with(&|q| q.target_labels.extend(["x".to_owned()]));
    with(&|q| q.target_labels.clear());
    with(&|q| q.context.has_read.private = true);
    with(&|q| q.context.has_read.untrusted = true);
    with(&|q| q.context.flow = Flow::In);
    for category in guard::Category::ALL {
        with(&|q| {
            q.context.detected.add(category);
        });
    }
    for level in Enforcement::ALL {
        with(&|q| q.context.enforcement = level);
    }
    for target in other_targets(question) {
        with(&|q| q.target = target.clone());
    }
    with(&|q| {
        q.action = match q.action {
            Action::FileRead => Action::FileWrite,
            Action::FileWrite => Action::FileRead,
            other => other,
        }
    });
    all.extend(one_of_each());
    all.retain(|other| other != question);
    // A label of something that isn't there can't be asked about.
    all.retain(|other| question.target != Target::Nothing || other.target_labels.is_empty());
    all
}

fn other_targets(question: &Question) -> Vec<Target> {
    match &question.target {
        Target::File {
            path,
            workspace,
            size_bytes,
        } => {
            let with = |path: &str, workspace: &str, size_bytes| Target::File {
                path: path.to_owned(),
                workspace: workspace.to_owned(),
                size_bytes,
            };
            vec![
                with(&format!("{path}x"), workspace, *size_bytes),
                with("x", workspace, *size_bytes),
                with(path, "other", *size_bytes),
                with(path, workspace, Some(size_bytes.unwrap_or(0) + 1)),
                with(path, workspace, None),
            ]
        }
        Target::Http {
            host, port, path, ..
        } => {
            let mut other = vec![
                http(HttpMethod::Get, host, *port, path),
                http(HttpMethod::Delete, host, *port, path),
                http(HttpMethod::Post, &format!("x.{host}"), *port, path),
                http(HttpMethod::Post, host, port + 1, path),
                http(HttpMethod::Post, host, *port, &format!("{path}x")),
            ];
            let mut https = question.target.clone();
            if let Target::Http { scheme, .. } = &mut https {
                "https".clone_into(scheme);
            }
            other.push(https);
            other
        }
        Target::Process { command, workspace } => vec![
            Target::Process {
                command: format!("{command} "),
                workspace: workspace.clone(),
            },
            Target::Process {
                command: command.clone(),
                workspace: "other".to_owned(),
            },
        ],
        Target::Skill {
            name,
            digest,
            workspace,
        } => vec![
            skill("other"),
            Target::Skill {
                name: name.clone(),
                digest: None,
                workspace: workspace.clone(),
            },
            Target::Skill {
                name: name.clone(),
                digest: Some(vocab::Digest::of(b"other")),
                workspace: workspace.clone(),
            },
            Target::Skill {
                name: name.clone(),
                digest: *digest,
                workspace: "other".to_owned(),
            },
        ],
        Target::Artifact { name, source } => vec![Target::Artifact {
            name: format!("{name}x"),
            source: source.clone(),
        }],
        Target::Agent { name } => vec![Target::Agent {
            name: format!("{name}x"),
        }],
        Target::Model { name } => vec![Target::Model {
            name: format!("{name}x"),
        }],
        Target::Secret { name } => vec![Target::Secret {
            name: format!("{name}x"),
        }],
        Target::Nothing => vec![],
    }
}

/// Takes the suggestion and checks everything that it promises. Answers whether there was one.
fn check(sources: &[PolicySource], question: &Question) -> usize {
    let before = compile(sources);
    let denied = before.decide(question);
    if denied.verdict != Verdict::Deny || !denied.determining.is_empty() {
        return 0;
    }
    let rule = denied.suggested_fix.unwrap();
    let fix = if before.is_capped() {
        managed("fix", &rule)
    } else {
        source("fix", &rule)
    };
    let after = compile(&[sources, &[fix]].concat());
    assert_eq!(after.decide(question).verdict, Verdict::Allow, "{rule}");
    let neighbours = neighbours(question);
    for other in &neighbours {
        let (was, is) = (before.decide(other).verdict, after.decide(other).verdict);
        assert_eq!(was, is, "{rule}\nalso changed\n{other:#?}");
    }
    neighbours.len()
}

#[test]
fn a_suggested_rule_flips_its_decision_and_none_of_the_neighbours() {
    let checked: usize = one_of_each()
        .iter()
        .map(|question| check(&[source("none", "")], question))
        .sum();
    assert!(checked >= 250, "{checked}");
}

#[test]
fn a_suggestion_survives_any_text() {
    for odd in [
        "\"",
        "\\",
        "\n",
        "\0",
        "\u{202e}",
        "ü",
        "😀",
        "*",
        "a\"; permit (",
        "\\u{0}",
        "'",
    ] {
        let named = Target::Secret {
            name: odd.to_owned(),
        };
        assert!(check(&[], &ask(Action::SecretUse, named)) > 0);
        let command = Target::Process {
            command: odd.to_owned(),
            workspace: odd.to_owned(),
        };
        assert!(check(&[], &ask(Action::ProcessExec, command)) > 0);
        if odd != "\0" {
            let mut question = ask(Action::FileRead, file(odd));
            question.tool = odd.to_owned();
            question.context.session_labels = [odd.to_owned(), "x y".to_owned()].into();
            assert!(check(&[], &question) > 0);
        }
    }
}

#[test]
fn what_a_forbid_needs_is_an_exception_that_lets_this_through_and_nothing_else() {
    let forbid = r#"@id("shut") @suggested_fix("ask the owner")
        forbid (principal, action, resource);"#;
    let permit = "permit (principal, action, resource);";
    for question in one_of_each() {
        let before = compile(&[source("a", permit), source("b", forbid)]);
        let fix = before.decide(&question).suggested_fix.unwrap();
        assert!(
            fix.starts_with("ask the owner\n") && fix.contains("`b#shut`"),
            "{fix}"
        );
        let exception = fix.split_once("unless").unwrap().1;
        let loosened = format!("{} unless{exception}", forbid.trim_end_matches(';'));
        let after = compile(&[source("a", permit), source("b", &loosened)]);
        assert_eq!(after.decide(&question).verdict, Verdict::Allow, "{fix}");
        for other in neighbours(&question) {
            assert_eq!(
                after.decide(&other).verdict,
                Verdict::Deny,
                "{fix}\n{other:#?}"
            );
        }
    }
}

#[test]
fn a_forbid_without_a_permit_needs_both_and_says_so() {
    let forbid = "forbid (principal, action, resource);";
    let question = ask(Action::FileRead, file("a"));
    let fix = compile(&[source("b", forbid)])
        .decide(&question)
        .suggested_fix
        .unwrap();
    let (exception, permit) = fix
        .split_once("and, because nothing permits it either, add\n")
        .unwrap();
    let exception = exception.split_once("unless").unwrap().1;
    let loosened = format!("{} unless{exception}", forbid.trim_end_matches(';'));
    let fixed = [source("b", &loosened), source("c", permit)];
    assert_eq!(compile(&fixed).decide(&question).verdict, Verdict::Allow);
    assert_eq!(
        compile(&fixed[..1]).decide(&question).verdict,
        Verdict::Deny
    );
    assert_eq!(
        compile(&[source("b", forbid), fixed[1].clone()])
            .decide(&question)
            .verdict,
        Verdict::Deny
    );
}

fn any_question() -> impl Strategy<Value = Question> {
    let target = prop_oneof![
        (
            "[a-c.é\"\\\\ ]{1,3}(/[a-c*]{1,2}){0,2}",
            prop::option::of(0_u64..20)
        )
            .prop_map(|(path, size_bytes)| {
                let plain = |part: &str| {
                    if matches!(part, "." | "..") {
                        "a"
                    } else {
                        part
                    }
                    .to_owned()
                };
                let path = path.split('/').map(plain).collect::<Vec<_>>().join("/");
                (
                    Action::FileWrite,
                    Target::File {
                        path,
                        workspace: "demo".to_owned(),
                        size_bytes,
                    },
                )
            }),
        ("[a-c]{1,2}", 1_u16..5, "/[a-c*]{0,2}").prop_map(|(host, port, path)| {
            (
                Action::HttpFetch,
                http(HttpMethod::Post, &host, port, &path),
            )
        }),
        ".{0,6}".prop_map(|command| {
            (
                Action::ProcessExec,
                Target::Process {
                    command,
                    workspace: "demo".to_owned(),
                },
            )
        }),
        ".{0,6}".prop_map(|name| (Action::SecretUse, Target::Secret { name })),
        Just((Action::Noop, Target::Nothing)),
    ];
    let role = prop::sample::select(Role::ALL.to_vec());
    let labels = || prop::collection::btree_set("[a-c*\"]{0,2}", 0..3);
    let read = (any::<bool>(), any::<bool>(), any::<bool>());
    (target, role, labels(), labels(), read, any::<bool>()).prop_map(
        |((action, target), role, session_labels, target_labels, read, alone)| {
            let mut question = Question {
                role,
                ..ask(action, target)
            };
            question.context.session_labels = session_labels;
            question.target_labels = target_labels;
            (
                question.context.has_read.trusted,
                question.context.has_read.private,
                _,
            ) = read;
            question.context.has_read.untrusted = read.2;
            if alone {
                question.principal = Principal::User { id: user() };
            }
            question
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_suggestion_flips_its_decision_alone(question in any_question(), capped in any::<bool>()) {
        let base = PolicySource { managed: capped, ..source("example", example_policy()) };
        check(&[base], &question);
    }
}

#[test]
fn ids_in_suggestions_are_those_of_the_question() {
    let fix = compile(&[])
        .decide(&ask(Action::FileRead, file("a")))
        .suggested_fix
        .unwrap();
    assert!(
        fix.contains(&agent().to_string()) && !fix.contains(&org().to_string()),
        "{fix}"
    );
}
