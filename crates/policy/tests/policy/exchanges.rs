//! What guardrails found, as policies see it, and exchanges with models that are asked about twice.

use std::sync::Arc;

use guard::{Categories, Category};
use policy::exchange::{Bearing, Exchange};
use policy::{Flow, PolicySet, PolicySource, Question, Verdict};
use vocab::{Action, Target};

use crate::fixtures::{ask, compile, managed, source, verdict};

const OPEN: &str = r#"permit (principal, action == Chancery::Action::"model.call", resource);"#;
const NO_CARDS: &str = r#"@id("no-cards") @reason("cards stay here")
    forbid (principal, action, resource)
    when { context.detected.contains(Chancery::Category::"payment_card") };"#;
const MASKS: &str = r#"@mask("email,phone")
    permit (principal, action == Chancery::Action::"model.call", resource);"#;

fn question(detected: &[Category]) -> Question {
    let target = Target::Model {
        name: "fast".to_owned(),
    };
    let mut question = ask(Action::ModelCall, target);
    question.context.detected = detected.iter().copied().collect();
    question
}

fn set(sources: &[PolicySource]) -> Arc<PolicySet> {
    Arc::new(compile(sources))
}

fn bearing(sources: &[PolicySource]) -> Bearing {
    set(sources).bearing(Action::ModelCall)
}

#[test]
fn a_policy_forbids_by_what_was_detected() {
    let cedar = format!("{OPEN} {NO_CARDS}");
    for category in Category::ALL {
        let wanted = match category {
            Category::PaymentCard => Verdict::Deny,
            _ => Verdict::Allow,
        };
        assert_eq!(
            verdict(&cedar, &question(&[category])),
            wanted,
            "{category}"
        );
    }
    assert_eq!(verdict(&cedar, &question(&[])), Verdict::Allow);
    let both = [Category::Email, Category::PaymentCard];
    assert_eq!(verdict(&cedar, &question(&both)), Verdict::Deny);
}

#[test]
fn a_policy_asks_a_person_by_what_was_detected() {
    let cedar = format!(
        r#"permit (principal, action == Chancery::Action::"model.call", resource)
           when {{ context.detected.isEmpty() }};
           @require_approval {OPEN}"#
    );
    let asked = Verdict::RequireApproval { four_eyes: false };
    assert_eq!(verdict(&cedar, &question(&[])), Verdict::Allow);
    assert_eq!(verdict(&cedar, &question(&[Category::Secret])), asked);
}

#[test]
fn a_category_that_does_not_exist_is_no_policy() {
    let wrong = NO_CARDS.replace("payment_card", "credit_card");
    let problems = PolicySet::compile(&[source("p", &wrong)]).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    compile(&[source("p", NO_CARDS)]);
}

#[test]
fn whichever_permit_decides_what_any_of_them_masks_is_masked() {
    let both: Categories = [Category::Email, Category::Phone].into_iter().collect();
    for sources in [
        vec![source("p", MASKS)],
        vec![source("p", OPEN), source("q", MASKS)],
        vec![managed("p", OPEN), source("q", MASKS)],
    ] {
        let decision = compile(&sources).decide(&question(&[]));
        assert_eq!((decision.verdict, decision.mask), (Verdict::Allow, both));
    }
    let without = compile(&[source("p", OPEN)]).decide(&question(&[]));
    assert_eq!(without.mask, Categories::NONE);
}

#[test]
fn rules_bear_on_what_a_key_permits_as_far_as_they_say_something() {
    let some = OPEN.replace("principal,", "principal in Chancery::Role::\"admin\",");
    let masks = source("q", MASKS);
    for (sources, wanted) in [
        (vec![], Bearing::None),
        (vec![source("p", OPEN)], Bearing::None),
        (vec![managed("p", OPEN)], Bearing::None),
        (vec![source("p", NO_CARDS)], Bearing::Fence),
        (vec![source("p", &some)], Bearing::Decides),
        (vec![source("p", OPEN), masks], Bearing::Decides),
        (
            vec![source("p", OPEN), source("q", NO_CARDS)],
            Bearing::Decides,
        ),
        (
            vec![source("p", OPEN), managed("q", &some)],
            Bearing::Decides,
        ),
    ] {
        assert_eq!(bearing(&sources), wanted, "{sources:?}");
    }
}

#[test]
fn it_is_looked_only_where_that_may_change_something() {
    let looks = |cedar: &str| compile(&[source("p", cedar)]).looks(Action::ModelCall);
    assert!(looks(NO_CARDS) && looks(MASKS));
    assert!(!looks(OPEN) && !looks(""));
    assert!(!compile(&[source("p", MASKS)]).looks(Action::HttpFetch));
}

#[test]
fn a_fence_stops_what_it_forbids_and_lets_the_key_permit_the_rest() {
    let fence = set(&[source("p", NO_CARDS)]);
    let blocked = Exchange::begin(Arc::clone(&fence), question(&[Category::PaymentCard]));
    let blocked = blocked.unwrap_err();
    assert_eq!(blocked.reason, "cards stay here");
    assert_eq!(blocked.flow, Flow::Out);
    assert_eq!(blocked.detected.to_string(), "payment_card");
    assert!(Exchange::begin(fence, question(&[Category::Email])).is_ok());
}

#[test]
fn nobody_can_be_asked_in_the_middle_of_a_call() {
    let asking = set(&[source("p", &format!("@require_approval {OPEN}"))]);
    let blocked = Exchange::begin(asking, question(&[])).unwrap_err();
    assert!(
        blocked.reason.contains("nobody can be asked"),
        "{}",
        blocked.reason
    );
    let open = set(&[source("p", OPEN)]);
    assert!(Exchange::begin(open, question(&[])).is_ok());
}

#[test]
fn an_answer_is_decided_on_by_what_is_in_it() {
    let cedar = format!(
        r#"{MASKS} @mask("secret") {OPEN}
           forbid (principal, action == Chancery::Action::"model.call", resource)
           when {{ context.flow == "in" &&
                   context.detected.contains(Chancery::Category::"payment_card") }};"#
    );
    // On the way out the card may go.
    let sent = question(&[Category::PaymentCard]);
    let mut exchange = Exchange::begin(set(&[source("p", &cedar)]), sent).unwrap();
    assert_eq!(exchange.hear(Category::Email), Ok(true));
    assert_eq!(exchange.hear(Category::Iban), Ok(false));
    assert_eq!(exchange.hear(Category::Secret), Ok(true));
    let blocked = exchange.hear(Category::PaymentCard).unwrap_err();
    assert_eq!(blocked.flow, Flow::In);
    assert_eq!(
        blocked.detected.to_string(),
        "secret, payment_card, iban, email"
    );
}

#[test]
fn what_a_person_approved_is_the_call_and_its_answer_too() {
    let set = set(&[source("p", &format!("@require_approval {OPEN}"))]);
    let asked = question(&[]);
    let decision = set.decide(&asked);
    let mut exchange = Exchange::decided(set, asked, decision);
    assert_eq!(exchange.hear(Category::Email), Ok(false));
}

#[test]
fn the_guardrails_of_the_demo_compile_and_mask() {
    let demo = include_str!("../../../../demo/guardrails.cedar");
    let set = compile(&[source("p", demo)]);
    let decision = set.decide(&question(&[Category::Secret]));
    assert_eq!(decision.verdict, Verdict::Allow);
    assert!(decision.mask.has(Category::Secret) && !decision.mask.has(Category::Email));
}
