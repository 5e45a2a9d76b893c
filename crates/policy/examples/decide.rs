//! Measures a decision with 50 policies, and minting and verifying a token.
//!
//! `cargo run --release -p chancery-policy --example decide`

use std::collections::BTreeSet;
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use policy::capability::{Claims, Executor, Expected, Signer, mint, verify};
use policy::{Context, PolicySet, PolicySource, Principal, Question, Verdict, example_policy};
use vocab::{
    Action, AgentId, CapabilityId, Clock, Digest, Id, OrgId, Random, Role, RunId, Target,
    Timestamp, UserId,
};

const ROUNDS: usize = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let random = Random::seeded(1);
    let clock = Clock::manual(Timestamp::from_micros(1_800_000_000_000_000));
    decisions(&clock, &random)?;
    tokens(&clock, &random)
}

fn decisions(clock: &Clock, random: &Random) -> Result<(), Box<dyn Error>> {
    let question = question(clock, random);
    for (name, sources) in [
        ("50 policies, mixed actions, allowed", mixed(false)),
        (
            "50 policies, mixed actions, denied with a suggestion",
            mixed(true),
        ),
        ("50 policies, all on this action, allowed", same_action()),
    ] {
        let set = PolicySet::compile(&sources).map_err(|problems| format!("{problems:?}"))?;
        let verdict = set.decide(&question).verdict;
        let expected = if name.ends_with("allowed") {
            Verdict::Allow
        } else {
            Verdict::Deny
        };
        if verdict != expected {
            return Err(format!("{name}: {verdict:?}").into());
        }
        report(name, || drop(black_box(set.decide(black_box(&question)))));
    }
    let sources = mixed(false);
    report("compile 50 policies", || {
        drop(black_box(PolicySet::compile(&sources)));
    });
    Ok(())
}

fn tokens(clock: &Clock, random: &Random) -> Result<(), Box<dyn Error>> {
    let signer = Signer::generate(random)?;
    let claims = Claims {
        token_id: CapabilityId::generate(clock, random),
        org: OrgId::generate(clock, random),
        run: RunId::generate(clock, random),
        executor: Executor::Node(Id::generate(clock, random)),
        tool: "file.read".to_owned(),
        intent: Digest::of(b"an intent"),
        expires_at: clock.now().plus(Duration::from_secs(300)),
    };
    let token = mint(&signer, &claims)?;
    let expected = Expected {
        org: claims.org,
        run: claims.run,
        executor: claims.executor,
        tool: &claims.tool,
        intent: claims.intent,
    };
    let keys = [signer.public()];
    verify(&keys, &token, &expected, clock.now())?;
    println!("{:<56} {:>9} bytes", "token", token.len());
    report("mint", || drop(black_box(mint(&signer, &claims))));
    report("verify", || {
        drop(black_box(verify(&keys, &token, &expected, clock.now())));
    });
    Ok(())
}

/// Prints the median and the 99th percentile of single calls.
fn report(name: &str, mut call: impl FnMut()) {
    let started = Instant::now();
    call();
    let rounds = if started.elapsed() > Duration::from_millis(1) {
        100
    } else {
        ROUNDS
    };
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let started = Instant::now();
            call();
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    let micros = |at: usize| times[at].as_secs_f64() * 1e6;
    println!(
        "{name:<56} p50 {:>9.2} µs  p99 {:>9.2} µs",
        micros(rounds / 2),
        micros(rounds * 99 / 100)
    );
}

fn question(clock: &Clock, random: &Random) -> Question {
    Question {
        org: OrgId::generate(clock, random),
        principal: Principal::Agent {
            id: AgentId::generate(clock, random),
            name: "scribe".to_owned(),
            labels: BTreeSet::from(["demo".to_owned()]),
            user: Some(UserId::generate(clock, random)),
        },
        role: Role::Member,
        tool: "file.read".to_owned(),
        action: Action::FileRead,
        target: Target::File {
            path: "projects/q3/notes/todo.md".to_owned(),
            workspace: "demo".to_owned(),
            size_bytes: None,
        },
        target_labels: BTreeSet::new(),
        context: Context::new("agent_turn", clock.now()),
    }
}

/// The example, and for each of the actions rules with conditions of the usual kind.
fn mixed(without_example: bool) -> Vec<PolicySource> {
    let resources = [
        ("file.read", "resource.path like \"private/*\""),
        ("file.write", "resource.path like \"*.md\""),
        (
            "http.fetch",
            "resource.host == \"api.example\" && resource.port == 443",
        ),
        ("process.exec", "resource.command like \"ls *\""),
        ("skill.run", "resource.name == \"summary\""),
    ];
    let rules = (0..50).map(|n| {
        let (action, condition) = resources[n % resources.len()];
        let effect = if n.is_multiple_of(3) { "forbid" } else { "permit" };
        let cedar = format!(
            "@id(\"rule-{n}\") {effect} (principal in Chancery::Role::\"admin\", \
             action == Chancery::Action::\"{action}\", resource) \
             when {{ {condition} && context.spend_usd_micros < {} && !context.has_read.untrusted }};",
            1_000_000 + n
        );
        source(format!("policy-{n}"), cedar)
    });
    let mut all: Vec<PolicySource> = rules.collect();
    if !without_example {
        all[49] = source("example".to_owned(), example_policy().to_owned());
    }
    all
}

fn same_action() -> Vec<PolicySource> {
    let rule = |n: usize| {
        let effect = if n.is_multiple_of(3) {
            "forbid"
        } else {
            "permit"
        };
        let folder = if n == 49 {
            "projects".to_owned()
        } else {
            format!("folder-{n}")
        };
        let cedar = format!(
            "{effect} (principal, action == Chancery::Action::\"file.read\", \
             resource in Chancery::Folder::\"{folder}\") \
             when {{ context.spend_usd_micros < {} && !context.has_read.untrusted }};",
            1_000_000 + n
        );
        source(format!("policy-{n}"), cedar)
    };
    (0..50).map(rule).collect()
}

fn source(name: String, cedar: String) -> PolicySource {
    PolicySource {
        name,
        cedar,
        managed: false,
    }
}
