//! Skills over the wire: fetched by digest, verified, run with what they declare.

use std::time::Duration;

use protocol::frame::SkillPackage;
use protocol::skill::{File, Package};
use protocol::{Access, Dispatch, FailureCode, GatewayFrame, NodeFrame, Outcome};
use serde_json::json;
use vocab::{Digest, Target};

use crate::gateway::{Gateway, Node, Peer};
use crate::support::skill;

async fn started() -> (Gateway, tempfile::TempDir, Node, Peer) {
    let mut gateway = Gateway::new().await;
    let dir = tempfile::tempdir().unwrap();
    let node = gateway.start(&dir, &[]);
    let (peer, _) = gateway.welcome().await;
    (gateway, dir, node, peer)
}

fn call(gateway: &Gateway, name: &str, digest: Digest, args: &[&str], input: &str) -> Dispatch {
    let target = Target::Skill {
        name: name.to_owned(),
        digest: Some(digest),
        workspace: "default".to_owned(),
    };
    let arguments = json!({"name": name, "args": args, "input": input});
    gateway.dispatch(gateway.intent("skill.run", arguments, target))
}

/// Sends a job, answers the node's question with `package`, and takes the outcome.
async fn perform(peer: &mut Peer, dispatch: &Dispatch, package: Option<Vec<u8>>) -> Outcome {
    peer.dispatch(dispatch).await;
    let Some(NodeFrame::NeedSkill(need)) = peer.next().await else {
        panic!("no need")
    };
    peer.send(&GatewayFrame::Skill(SkillPackage {
        digest: need.digest,
        package,
    }))
    .await;
    let result = peer.result().await;
    peer.ack(result.job).await;
    *result.outcome
}

fn code(outcome: &Outcome) -> FailureCode {
    let error = outcome.error.as_ref().unwrap();
    assert!(!error.executed, "{error:?}");
    error.code
}

#[tokio::test]
async fn a_skill_is_fetched_once_and_runs_with_arguments_and_input() {
    let (mut gateway, dir, node, mut peer) = started().await;
    let script = "echo \"$# $1\"; cat; cat \"$SKILL_DIR/SKILL.md\" | head -1; echo made > /out/a";
    let package = skill("greet", "workspace = \"none\"", script);
    let tar = package.to_tar().unwrap();
    let first = call(
        &gateway,
        "greet",
        package.digest(),
        &["a b"],
        "from input\n",
    );
    let outcome = perform(&mut peer, &first, Some(tar)).await;
    assert_eq!(
        outcome.stdout.as_deref(),
        Some("1 a b\nfrom input\n---\n"),
        "{outcome:?}"
    );
    assert_eq!(outcome.artifacts[0].content, b"made\n");
    assert_eq!(outcome.artifacts[0].digest, Digest::of(b"made\n"));

    // Kept, over a restart too.
    let again = call(&gateway, "greet", package.digest(), &[], "");
    assert!(peer.perform(&again).await.ok);
    assert!(peer.is_quiet(300).await);
    node.kill().await;
    let _node = gateway.start(&dir, &[]);
    let (mut peer, _) = gateway.welcome().await;
    let again = call(&gateway, "greet", package.digest(), &[], "");
    assert!(peer.perform(&again).await.ok);
}

#[tokio::test]
async fn a_package_that_is_not_what_it_should_be_is_refused() {
    let (gateway, _dir, _node, mut peer) = started().await;
    let package = skill("good", "", "echo good");
    let other = skill("good", "", "echo evil");
    let job = || call(&gateway, "good", package.digest(), &[], "");
    for tar in [
        Some(other.to_tar().unwrap()),
        Some(b"no tar".to_vec()),
        None,
    ] {
        let outcome = perform(&mut peer, &job(), tar).await;
        assert_eq!(code(&outcome), FailureCode::SkillUnavailable);
    }
    let outcome = perform(&mut peer, &job(), Some(package.to_tar().unwrap())).await;
    assert_eq!(outcome.stdout.as_deref(), Some("good\n"));

    // Under another name than the one that was approved.
    let renamed = call(&gateway, "better", package.digest(), &[], "");
    assert_eq!(
        code(&peer.perform(&renamed).await),
        FailureCode::SkillInvalid
    );
    // Without the digest of what is to run.
    let target = Target::Skill {
        name: "good".into(),
        digest: None,
        workspace: "default".into(),
    };
    let intent = gateway.intent("skill.run", json!({"name": "good"}), target);
    assert_eq!(
        code(&peer.perform(&gateway.dispatch(intent)).await),
        FailureCode::TargetMismatch
    );
}

#[tokio::test]
async fn a_pin_that_names_another_digest_and_a_skill_of_words_alone_are_refused() {
    let (gateway, _dir, _node, mut peer) = started().await;
    let mut pinned = Package::default();
    for (path, file) in skill("pinned", "", "true").files() {
        let mut file = file.clone();
        if path == "skill.chancery.toml" {
            let pin = format!(
                "version = 1\ndigest = \"{}\"\nentry = [\"./run.sh\"]\n",
                Digest::ZERO
            );
            file.bytes = pin.into_bytes();
        }
        pinned.insert(path, file).unwrap();
    }
    let job = call(&gateway, "pinned", pinned.digest(), &[], "");
    let outcome = perform(&mut peer, &job, Some(pinned.to_tar().unwrap())).await;
    assert_eq!(code(&outcome), FailureCode::SkillUnavailable);

    let mut words = Package::default();
    let bytes = b"---\nname: words\ndescription: Words.\n---\n".to_vec();
    words
        .insert(
            "SKILL.md",
            File {
                executable: false,
                bytes,
            },
        )
        .unwrap();
    let job = call(&gateway, "words", words.digest(), &[], "");
    let outcome = perform(&mut peer, &job, Some(words.to_tar().unwrap())).await;
    assert_eq!(code(&outcome), FailureCode::SkillInvalid);
}

#[tokio::test]
async fn a_kept_package_that_was_changed_on_the_disk_is_not_run() {
    let (mut gateway, dir, node, mut peer) = started().await;
    let package = skill("kept", "", "echo kept");
    let job = call(&gateway, "kept", package.digest(), &[], "");
    assert!(
        perform(&mut peer, &job, Some(package.to_tar().unwrap()))
            .await
            .ok
    );
    let script = node
        .dir
        .join("skills")
        .join(package.digest().hex())
        .join("run.sh");
    assert!(peer.is_quiet(300).await);
    node.kill().await;
    std::fs::write(&script, "#!/bin/sh\necho evil\n").unwrap();

    let _node = gateway.start(&dir, &[]);
    let (mut peer, _) = gateway.welcome().await;
    let job = call(&gateway, "kept", package.digest(), &[], "");
    let outcome = perform(&mut peer, &job, Some(package.to_tar().unwrap())).await;
    assert_eq!(outcome.stdout.as_deref(), Some("kept\n"));
}

#[tokio::test]
async fn a_skill_gets_what_it_declares_and_is_refused_what_was_not_granted() {
    let (gateway, _dir, node, mut peer) = started().await;
    let script = "(echo x > f) 2>/dev/null && echo wrote; cat present 2>/dev/null; true";
    let read = skill("reads", "workspace = \"read\"", script);
    let job = call(&gateway, "reads", read.digest(), &[], "");
    perform(&mut peer, &job, Some(read.to_tar().unwrap())).await;
    std::fs::write(node.workspace(gateway.org).join("present"), "there\n").unwrap();

    // Granted to write, declared to read: it reads.
    let job = call(&gateway, "reads", read.digest(), &[], "");
    assert_eq!(job.grants.workspace, Access::Write);
    assert_eq!(peer.perform(&job).await.stdout.as_deref(), Some("there\n"));

    let write = skill("writes", "workspace = \"write\"", script);
    let mut job = call(&gateway, "writes", write.digest(), &[], "");
    job.grants.workspace = Access::Read;
    let outcome = perform(&mut peer, &job, Some(write.to_tar().unwrap())).await;
    assert_eq!(code(&outcome), FailureCode::NeedNotGranted);
    let job = call(&gateway, "writes", write.digest(), &[], "");
    assert_eq!(
        peer.perform(&job).await.stdout.as_deref(),
        Some("wrote\nthere\n")
    );

    for needs in [
        "network = true",
        "memory_bytes = 1000000000000",
        "timeout_ms = 10000000",
    ] {
        let greedy = skill("greedy", needs, "true");
        let job = call(&gateway, "greedy", greedy.digest(), &[], "");
        let outcome = perform(&mut peer, &job, Some(greedy.to_tar().unwrap())).await;
        assert_eq!(code(&outcome), FailureCode::NeedNotGranted, "{needs}");
    }
    let picky = skill("picky", "driver = \"docker\"", "true");
    let job = call(&gateway, "picky", picky.digest(), &[], "");
    let outcome = perform(&mut peer, &job, Some(picky.to_tar().unwrap())).await;
    assert_eq!(code(&outcome), FailureCode::EnforcementUnavailable);
}

#[tokio::test]
async fn a_declared_limit_is_a_limit() {
    let (gateway, _dir, _node, mut peer) = started().await;
    let slow = skill("slow", "timeout_ms = 300", "sleep 20");
    let job = call(&gateway, "slow", slow.digest(), &[], "");
    let started = std::time::Instant::now();
    let outcome = perform(&mut peer, &job, Some(slow.to_tar().unwrap())).await;
    assert_eq!(outcome.error.unwrap().code, FailureCode::TimedOut);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_job_that_waits_for_its_skill_is_in_hand_and_can_be_cancelled() {
    let (gateway, _dir, _node, mut peer) = started().await;
    let package = skill("late", "", "true");
    let job = call(&gateway, "late", package.digest(), &[], "");
    peer.dispatch(&job).await;
    assert!(matches!(peer.next().await, Some(NodeFrame::NeedSkill(_))));
    let asked = protocol::frame::JobRef { job: job.job };
    peer.send(&GatewayFrame::Inquire(asked)).await;
    assert!(matches!(peer.next().await, Some(NodeFrame::Running(_))));
    peer.send(&GatewayFrame::Cancel(asked)).await;
    let result = peer.result().await;
    assert_eq!(code(&result.outcome), FailureCode::Cancelled);
    peer.send(&GatewayFrame::Inquire(asked)).await;
    assert_eq!(peer.next().await, Some(NodeFrame::Absent(asked)));
}
