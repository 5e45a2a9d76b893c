//! Cedar's own integration tests through our evaluation.
//!
//! The expected decisions are those of Cedar's formal model. Ours differ in one thing on purpose: a
//! request for which any policy fails to evaluate is denied, even if Cedar, which goes on without
//! that policy, would allow it. What determined a decision and what failed must be the very same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use cedar_policy::{Context, Entities, EntityUid, PolicySet, Request, Schema};
use policy::evaluate::evaluate;
use serde::Deserialize;

use crate::fixtures::shared;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    policies: String,
    entities: String,
    schema: String,
    requests: Vec<TestRequest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestRequest {
    description: String,
    principal: serde_json::Value,
    action: serde_json::Value,
    resource: serde_json::Value,
    context: serde_json::Value,
    validate_request: bool,
    decision: String,
    reason: BTreeSet<String>,
    errors: BTreeSet<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    tests: usize,
    requests: usize,
    allowed: usize,
    failed_to_evaluate: usize,
    /// Allowed by Cedar, denied here, because something failed to evaluate.
    stricter: usize,
}

impl Tally {
    fn plus(self, other: &Self) -> Self {
        Self {
            tests: self.tests + other.tests,
            requests: self.requests + other.requests,
            allowed: self.allowed + other.allowed,
            failed_to_evaluate: self.failed_to_evaluate + other.failed_to_evaluate,
            stricter: self.stricter + other.stricter,
        }
    }
}

#[test]
fn the_sample_of_the_corpus_is_decided_as_cedar_decides() {
    let tally = run(&sample(), &|_| true);
    assert_eq!((tally.tests, tally.requests), (200, 1600), "{tally:?}");
    assert!(
        tally.allowed > 400 && tally.failed_to_evaluate > 100,
        "{tally:?}"
    );
}

fn sample() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/cedar-corpus-sample.tar.gz")
}

/// The whole corpus, 7,809 tests with 8 requests each, in eight parts that run beside each other:
/// the tests are named by digests, and the first digit says which part a test is in.
const PART_SIZES: [usize; 8] = [1010, 958, 991, 998, 990, 969, 960, 933];

/// One part of the whole corpus where that is at hand; elsewhere the same part of the sample.
fn whole_corpus(part: usize) {
    let corpus = shared("cedar/corpus-tests.tar.gz");
    let in_part = |name: &str| {
        let digit = name.rsplit('/').next().and_then(|file| file.chars().next());
        digit
            .and_then(|digit| digit.to_digit(16))
            .is_some_and(|digit| digit as usize / 2 == part)
    };
    if !corpus.exists() {
        assert!(run(&sample(), &in_part).tests > 10);
        return;
    }
    let tally = run(&corpus, &in_part);
    println!("{tally:?}");
    assert_eq!(
        (tally.tests, tally.requests),
        (PART_SIZES[part], PART_SIZES[part] * 8),
        "{tally:?}"
    );
    assert!(
        tally.allowed > 3_000 && tally.failed_to_evaluate > 300,
        "{tally:?}"
    );
}

macro_rules! parts_of_the_whole_corpus {
    ($($name:ident = $part:literal;)*) => {
        $(
            #[test]
            fn $name() {
                whole_corpus($part);
            }
        )*
    };
}

parts_of_the_whole_corpus! {
    whole_corpus_part_1_is_decided_as_cedar_decides = 0;
    whole_corpus_part_2_is_decided_as_cedar_decides = 1;
    whole_corpus_part_3_is_decided_as_cedar_decides = 2;
    whole_corpus_part_4_is_decided_as_cedar_decides = 3;
    whole_corpus_part_5_is_decided_as_cedar_decides = 4;
    whole_corpus_part_6_is_decided_as_cedar_decides = 5;
    whole_corpus_part_7_is_decided_as_cedar_decides = 6;
    whole_corpus_part_8_is_decided_as_cedar_decides = 7;
}

fn run(archive: &Path, wanted: &dyn Fn(&str) -> bool) -> Tally {
    let files = read(archive, wanted);
    let tests = files
        .keys()
        .filter(|name| name.ends_with(".json") && !name.ends_with(".entities.json"));
    tests.fold(Tally::default(), |sum, name| {
        sum.plus(&run_test(name, &files))
    })
}

fn read(archive: &Path, wanted: &dyn Fn(&str) -> bool) -> BTreeMap<String, String> {
    let file = File::open(archive).unwrap_or_else(|error| panic!("{}: {error}", archive.display()));
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let mut text = String::new();
        if wanted(&path) && entry.read_to_string(&mut text).is_ok() {
            files.insert(path, text);
        }
    }
    files
}

fn run_test(name: &str, files: &BTreeMap<String, String>) -> Tally {
    let test: Test = serde_json::from_str(&files[name]).unwrap();
    let (schema, _) = Schema::from_cedarschema_str(&files[&test.schema]).unwrap();
    let policies: PolicySet = files[&test.policies].parse().unwrap();
    let entities = Entities::from_json_str(&files[&test.entities], Some(&schema)).unwrap();
    let mut tally = Tally {
        tests: 1,
        ..Tally::default()
    };
    for request in &test.requests {
        run_request(name, request, &schema, &policies, &entities, &mut tally);
    }
    tally
}

fn run_request(
    name: &str,
    test: &TestRequest,
    schema: &Schema,
    policies: &PolicySet,
    entities: &Entities,
    tally: &mut Tally,
) {
    let place = format!("{name}, {}", test.description);
    let uid = |json: &serde_json::Value| EntityUid::from_json(json.clone()).unwrap();
    let action = uid(&test.action);
    let context = Context::from_json_value(test.context.clone(), Some((schema, &action))).unwrap();
    let checked = test.validate_request.then_some(schema);
    let request = Request::new(
        uid(&test.principal),
        action,
        uid(&test.resource),
        context,
        checked,
    )
    .unwrap();

    let ours = evaluate(policies, entities, &request);
    let ids = |ids: &mut dyn Iterator<Item = String>| ids.collect::<BTreeSet<String>>();
    assert_eq!(
        ids(&mut ours.determining.iter().map(ToString::to_string)),
        test.reason,
        "{place}"
    );
    let failed = ids(&mut ours.errors.iter().map(|error| error.policy.to_string()));
    assert_eq!(failed, test.errors, "{place}");
    let theirs = match test.decision.as_str() {
        "allow" => true,
        "deny" => false,
        other => panic!("{place}: {other}"),
    };
    assert_eq!(ours.allowed, theirs && test.errors.is_empty(), "{place}");
    tally.requests += 1;
    tally.allowed += usize::from(ours.allowed);
    tally.failed_to_evaluate += usize::from(!test.errors.is_empty());
    tally.stricter += usize::from(theirs && !ours.allowed);
}

/// No request of the corpus is allowed while a policy fails, so this is the one for it.
#[test]
fn a_failing_policy_denies_what_cedar_would_allow() {
    let allow = "permit (principal, action, resource);";
    let failing = "forbid (principal, action, resource) when { context.missing };";
    let uid = |text: &str| text.parse::<EntityUid>().unwrap();
    let request = Request::new(
        uid("A::\"p\""),
        uid("Action::\"a\""),
        uid("A::\"r\""),
        Context::empty(),
        None,
    )
    .unwrap();
    let both: PolicySet = format!("{allow}{failing}").parse().unwrap();
    let ours = evaluate(&both, &Entities::empty(), &request);
    assert!(!ours.allowed && ours.errors.len() == 1);
    let cedars = cedar_policy::Authorizer::new().is_authorized(&request, &both, &Entities::empty());
    assert_eq!(cedars.decision(), cedar_policy::Decision::Allow);
    let alone: PolicySet = allow.parse().unwrap();
    assert!(evaluate(&alone, &Entities::empty(), &request).allowed);
}
