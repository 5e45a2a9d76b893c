//! Managed policies are a ceiling that nobody else's can lift.

use policy::{PolicySource, Question, Verdict};
use proptest::prelude::*;
use vocab::{Action, Target};

use crate::fixtures::{ASK, ask, compile, file, managed, one_of_each, source};

const READ: &str = r#"permit (principal, action == Chancery::Action::"file.read", resource);"#;
const ALL: &str = "permit (principal, action, resource);";
const FORBID_SECRETS: &str = r#"forbid (principal, action, resource is Chancery::File)
    when { resource.components.contains("secrets") };"#;

fn decide(sources: &[PolicySource], question: &Question) -> Verdict {
    compile(sources).decide(question).verdict
}

#[test]
fn under_a_managed_permit_others_can_forbid_and_ask_and_not_permit() {
    let read = ask(Action::FileRead, file("a"));
    let noop = ask(Action::Noop, Target::Nothing);
    let ceiling = managed("ceiling", READ);
    let asks = source("mine", &format!("@require_approval {ALL}"));
    let two = source("mine", &format!("@require_approval @four_eyes {ALL}"));
    let forbids = source("mine", "forbid (principal, action, resource);");
    assert_eq!(
        decide(std::slice::from_ref(&ceiling), &read),
        Verdict::Allow
    );
    assert_eq!(
        decide(&[ceiling.clone(), source("mine", ALL)], &read),
        Verdict::Allow
    );
    assert_eq!(
        decide(&[ceiling.clone(), source("mine", ALL)], &noop),
        Verdict::Deny
    );
    assert_eq!(decide(&[source("mine", ALL)], &noop), Verdict::Allow);
    assert_eq!(decide(&[ceiling.clone(), asks.clone()], &read), ASK);
    assert_eq!(decide(&[ceiling.clone(), asks], &noop), Verdict::Deny);
    assert_eq!(
        decide(&[ceiling.clone(), two], &read),
        Verdict::RequireApproval { four_eyes: true }
    );
    assert_eq!(decide(&[ceiling, forbids], &read), Verdict::Deny);
}

#[test]
fn a_managed_question_to_a_person_is_not_answered_by_another_permit() {
    let read = ask(Action::FileRead, file("a"));
    let asks = managed("ceiling", &format!("@require_approval {READ}"));
    assert_eq!(decide(&[asks.clone(), source("mine", ALL)], &read), ASK);
    assert_eq!(decide(&[asks, managed("more", ALL)], &read), Verdict::Allow);
}

#[test]
fn managed_forbids_alone_are_a_fence_inside_which_others_permit() {
    let fence = managed("fence", FORBID_SECRETS);
    let both = [fence.clone(), source("mine", ALL)];
    assert_eq!(
        decide(&[fence], &ask(Action::FileRead, file("a"))),
        Verdict::Deny
    );
    assert_eq!(
        decide(&both, &ask(Action::FileRead, file("a"))),
        Verdict::Allow
    );
    assert_eq!(
        decide(&both, &ask(Action::FileRead, file("secrets/a"))),
        Verdict::Deny
    );
}

#[test]
fn a_denial_under_a_ceiling_says_that_the_fix_must_be_managed() {
    let set = compile(&[managed("ceiling", READ), source("mine", ALL)]);
    let decision = set.decide(&ask(Action::Noop, Target::Nothing));
    assert!(set.is_capped());
    assert!(
        decision.reason.starts_with("no managed policy permits"),
        "{}",
        decision.reason
    );
    let fix = decision.suggested_fix.unwrap();
    assert!(fix.starts_with("// Only a managed policy"), "{fix}");
    let fixed = [
        managed("ceiling", READ),
        source("mine", ALL),
        managed("fix", &fix),
    ];
    assert_eq!(
        decide(&fixed, &ask(Action::Noop, Target::Nothing)),
        Verdict::Allow
    );
}

/// Rules of every kind that matters here.
fn any_rule() -> impl Strategy<Value = String> {
    let approval = prop_oneof![
        Just(""),
        Just("@require_approval "),
        Just("@require_approval @four_eyes ")
    ];
    let action = prop_oneof![
        Just("action"),
        Just(r#"action == Chancery::Action::"file.read""#),
        Just(r#"action in [Chancery::Action::"file.write", Chancery::Action::"noop"]"#),
    ];
    let condition = prop_oneof![
        Just("context.spend_usd_micros >= 0"),
        Just("context.spend_usd_micros < 0"),
        Just(r#"principal.role == "member""#),
    ];
    (any::<bool>(), approval, action, condition).prop_map(
        |(permit, approval, action, condition)| {
            let (approval, effect) = if permit {
                (approval, "permit")
            } else {
                ("", "forbid")
            };
            format!("{approval}{effect} (principal, {action}, resource) when {{ {condition} }};")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    /// With a managed permit, no set of other policies answers less strictly than the managed ones
    /// alone; without one, no set of other policies lifts a managed forbid.
    #[test]
    fn others_never_loosen_what_is_managed(
        ceiling in prop::collection::vec(any_rule(), 1..4),
        others in prop::collection::vec(any_rule(), 1..4),
    ) {
        let all = |rules: &[String], name: &str, managed| -> Vec<PolicySource> {
            let numbered = rules.iter().enumerate();
            numbered
                .map(|(n, cedar)| PolicySource { managed, ..source(&format!("{name}{n}"), cedar) })
                .collect()
        };
        let managed_only = all(&ceiling, "m", true);
        let together = [managed_only.clone(), all(&others, "o", false)].concat();
        let (managed_only, together) = (compile(&managed_only), compile(&together));
        for question in one_of_each() {
            let alone = managed_only.decide(&question);
            let both = together.decide(&question);
            if managed_only.is_capped() {
                prop_assert!(both.verdict.strictness() >= alone.verdict.strictness());
            } else if !alone.determining.is_empty() {
                prop_assert_eq!(both.verdict, Verdict::Deny);
            }
        }
    }
}
