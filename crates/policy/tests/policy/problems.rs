//! What compiling refuses, and how it says so.

use policy::{PolicyProblem, PolicySet, PolicySource, example_policy, schema_text};

use crate::fixtures::{compile, list, managed, source};

fn problems(cedar: &str) -> Vec<PolicyProblem> {
    PolicySet::compile(&[source("mine", cedar)])
        .err()
        .unwrap_or_default()
}

/// The one problem, as `line:column`, and everything that is said about it.
fn one(cedar: &str) -> (String, String) {
    let found = problems(cedar);
    assert_eq!(found.len(), 1, "{cedar}: {}", list(&found));
    assert_eq!(found[0].policy, "mine");
    (
        format!("{}:{}", found[0].line, found[0].column),
        found[0].to_string(),
    )
}

#[test]
fn what_is_well_formed_compiles() {
    assert!(compile(&[]).rule_count() == 0);
    assert!(compile(&[source("empty", "// nothing yet\n")]).rule_count() == 0);
    assert_eq!(
        compile(&[source("example", example_policy())]).rule_count(),
        9
    );
    assert!(schema_text().contains("namespace Chancery"));
}

#[test]
fn every_problem_names_its_place() {
    for (cedar, place, said) in [
        ("permit (principal, action);", "1:", ""),
        (
            "permit (principal, action, resource)",
            "1:",
            "unexpected end",
        ),
        (
            "// ü\n\npermit (principal, action, resource) when { context.ool == 1 };",
            "3:",
            "ool",
        ),
        (
            "permit (principal, action == Chancery::Action::\"file.reed\", resource);",
            "1:",
            "file.reed",
        ),
        (
            "permit (principal in Chancery::Role::\"boss\", action, resource);",
            "1:",
            "boss",
        ),
        (
            "permit (principal is Chancery::Robot, action, resource);",
            "1:",
            "Robot",
        ),
        (
            "permit (principal, action, resource)\n  when { context.risk == \"high\" };",
            "2:",
            "",
        ),
        (
            "permit (principal, action == Chancery::Action::\"file.read\", resource)\n\
             when { resource.size_bytes > 3 };",
            "2:",
            "size_bytes",
        ),
        (
            "permit (principal == ?principal, action, resource);",
            "1:1",
            "template",
        ),
        (
            "forbid (principal, action == Chancery::Action::\"noop\", resource is Chancery::File);",
            "1:",
            "",
        ),
    ] {
        let (at, text) = one(cedar);
        assert!(at.starts_with(place), "{cedar}: {text}");
        assert!(text.contains(said), "{cedar}: {text}");
        assert!(!text.contains("policy `0`"), "{text}");
    }
}

#[test]
fn a_misspelt_annotation_is_refused_with_the_right_one() {
    let (at, text) = one("\n@require_aproval(\"x\")\npermit (principal, action, resource);");
    assert_eq!(at, "2:1", "{text}");
    assert!(text.contains("did you mean `@require_approval`?"), "{text}");
    assert!(
        one("@owner(\"x\") permit (principal, action, resource);")
            .1
            .contains("`@four_eyes`")
    );
    compile(&[source(
        "p",
        "@require_approval(\"x\") permit (principal, action, resource);",
    )]);
}

#[test]
fn annotations_that_say_nothing_sensible_are_refused() {
    for (cedar, said) in [
        (
            "@require_approval forbid (principal, action, resource);",
            "can't ask",
        ),
        (
            "@four_eyes permit (principal, action, resource);",
            "`@require_approval`",
        ),
        (
            "@require_approval @four_eyes(\"no\") permit (principal, action, resource);",
            "no value",
        ),
        (
            "@mask(\"secret, credit_card\") permit (principal, action == Chancery::Action::\"model.call\", resource);",
            "no category",
        ),
        (
            "@mask permit (principal, action == Chancery::Action::\"model.call\", resource);",
            "no category",
        ),
        (
            "@mask(\"secret\") permit (principal, action, resource);",
            "`model.call`",
        ),
        (
            "@mask(\"secret\") forbid (principal, action == Chancery::Action::\"model.call\", resource);",
            "nothing to mask",
        ),
        (
            "@risk(\"101\") permit (principal, action, resource);",
            "`101`",
        ),
        (
            "@risk(\"-1\") permit (principal, action, resource);",
            "`-1`",
        ),
        (
            "@risk(\"+1\") permit (principal, action, resource);",
            "`+1`",
        ),
        (
            "@risk(\"high\") permit (principal, action, resource);",
            "`high`",
        ),
        ("@id(\"\") permit (principal, action, resource);", "empty"),
        (
            "@id(\"a\\nb\") permit (principal, action, resource);",
            "control",
        ),
        (
            "@id(\"a\") permit (principal, action, resource);
             @id(\"a\") forbid (principal, action, resource);",
            "same `@id`",
        ),
    ] {
        let (_, text) = one(cedar);
        assert!(text.contains(said), "{cedar}: {text}");
    }
    compile(&[source(
        "p",
        "@id(\"a\") @risk(\"100\") @reason(\"r\") @suggested_fix(\"f\") @description(\"d\")
         @require_approval @four_eyes permit (principal, action, resource);
         @id(\"b\") @risk(\"0\") forbid (principal, action, resource);",
    )]);
}

#[test]
fn all_problems_of_all_policies_are_told_at_once_in_order() {
    let bad = "permit (principal, action, resource) when { context.a == 1 };
        forbid (principal, action, resource) when { context.b == 1 };";
    let sources = [
        source("one", bad),
        source("two", "permit ("),
        source("three", bad),
    ];
    let found = PolicySet::compile(&sources).unwrap_err();
    let names: Vec<&str> = found
        .iter()
        .map(|problem| problem.policy.as_str())
        .collect();
    assert!(
        ["one", "two", "three"]
            .iter()
            .all(|name| names.contains(name)),
        "{}",
        list(&found)
    );
    let lines = |name: &str| -> Vec<u32> {
        let of_it = found.iter().filter(|problem| problem.policy == name);
        let mut lines: Vec<u32> = of_it.map(|problem| problem.line).collect();
        lines.dedup();
        lines
    };
    assert_eq!((lines("one"), lines("three")), (vec![1, 2], vec![1, 2]));
}

#[test]
fn names_and_sizes_are_bounded() {
    let twice = [source("a", ""), source("a", "")];
    assert!(
        PolicySet::compile(&twice).unwrap_err()[0]
            .message
            .contains("two policies")
    );
    let long = " ".repeat(vocab::limits::POLICY_BYTES_MAX + 1);
    assert!(problems(&long)[0].message.contains("longer than"));
    assert!(problems(&long[1..]).is_empty());
    let many = |count: usize| -> Vec<PolicySource> {
        (0..count).map(|n| source(&n.to_string(), "")).collect()
    };
    assert!(PolicySet::compile(&many(vocab::limits::POLICIES_MAX + 1)).is_err());
    assert!(PolicySet::compile(&many(vocab::limits::POLICIES_MAX)).is_ok());
}

/// On the stack that a thread of the runtime has.
fn on_a_small_stack(cedar: &str) -> Result<PolicySet, Vec<PolicyProblem>> {
    let sources = [source("p", cedar)];
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    thread
        .spawn(move || PolicySet::compile(&sources))
        .unwrap()
        .join()
        .unwrap()
}

#[test]
fn a_rule_too_complex_to_be_checked_is_a_problem_and_not_a_crash() {
    let rule =
        |condition: &str| format!("permit (principal, action, resource) when {{ {condition} }};");
    let brackets = |depth: usize| rule(&format!("{}true{}", "(".repeat(depth), ")".repeat(depth)));
    let sets = |depth: usize| rule(&format!("{}1{} == 1", "[".repeat(depth), "]".repeat(depth)));
    let chain = |count: usize| rule(&vec!["context.risk > 1"; count].join(" && "));
    let either = |count: usize| rule(&format!("{}true", "if true then true else ".repeat(count)));
    let dots = |count: usize| rule(&format!("context{}", ".has_read".repeat(count)));
    for good in [brackets(31), chain(256), either(31)] {
        assert!(on_a_small_stack(&good).is_ok(), "{good}");
    }
    for deep in [40, 400, 10_000] {
        for bad in [
            brackets(deep),
            sets(deep),
            chain(deep + 240),
            either(deep),
            dots(deep + 500),
        ] {
            let found = on_a_small_stack(&bad).unwrap_err();
            assert!(found[0].help.is_some(), "{}", found[0]);
        }
    }
}

/// Where its stack gets short, Cedar's validator passes what it doesn't look at.
#[test]
fn the_deepest_rule_that_is_let_through_is_still_checked_to_the_end() {
    for bad in [
        format!(
            "context.wrong > 1 && {}",
            vec!["context.risk > 1"; 254].join(" && ")
        ),
        format!(
            "context.wrong + {} > 1",
            vec!["context.risk"; 254].join(" + ")
        ),
        format!("context{}", ".has_read".repeat(500)),
        format!(
            "{}context.wrong",
            "if context.risk > 1 then true else ".repeat(15)
        ),
    ] {
        let rule = format!("permit (principal, action, resource) when {{ {bad} }};");
        let found = on_a_small_stack(&rule).unwrap_err();
        assert!(found[0].message.contains("not found"), "{}", found[0]);
    }
}

#[test]
fn the_revision_depends_on_every_byte_and_not_on_the_order() {
    let permit = "permit (principal, action, resource);";
    let revision = |sources: &[PolicySource]| compile(sources).revision();
    let base = revision(&[source("a", permit), source("b", "")]);
    assert_eq!(revision(&[source("b", ""), source("a", permit)]), base);
    for other in [
        revision(&[source("a", permit)]),
        revision(&[managed("a", permit), source("b", "")]),
        revision(&[source("a", &format!("{permit} ")), source("b", "")]),
        revision(&[source("ab", permit), source("b", "")]),
        revision(&[source("a", permit), source("b", "//")]),
        revision(&[]),
    ] {
        assert_ne!(other, base);
    }
    // A vector: the form is stored with approvals and must not change.
    assert_eq!(
        revision(&[]).to_string(),
        "sha256:df520d5ba2476911d776d2e8754b751934378201b3b4b095780e1d3a2167afd9"
    );
}
