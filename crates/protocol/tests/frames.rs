//! The text of every frame, kept as a reviewed snapshot: a change here is a change of the protocol.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

use protocol::frame::{
    Drain, Heartbeat, JobEpoch, JobRef, JobResult, Lease, Refused, SkillPackage, SkillRef,
};
use protocol::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vocab::{AgentId, Digest, Intent, JobId, NodeId, OrgId, RunId, Target};

fn id<T: DeserializeOwned>(prefix: &str) -> T {
    serde_json::from_value(json!(format!(
        "{prefix}_018bcfe5-6800-7000-8000-000000000001"
    )))
    .unwrap()
}

fn job() -> JobId {
    id("job")
}

fn intent() -> Intent {
    Intent {
        org: id::<OrgId>("org"),
        run: id::<RunId>("run"),
        step: 3,
        agent: Some(id::<AgentId>("agt")),
        tool: "file.read".to_owned(),
        arguments: json!({"path": "notes/todo.md"}),
        target: Target::File {
            path: "notes/todo.md".to_owned(),
            workspace: "default".to_owned(),
            size_bytes: None,
        },
    }
}

fn enforcement() -> Enforcement {
    Enforcement::of(vec![
        DriverReport {
            driver: Driver::Namespaces,
            level: Level::Partial,
            mechanisms: vec!["user-namespace".to_owned(), "seccomp".to_owned()],
            gaps: vec![Gap {
                code: GapCode::MemoryPerProcess,
                detail: "no writable control group".to_owned(),
            }],
        },
        DriverReport::unavailable(Driver::Docker, "no daemon answers".to_owned()),
        DriverReport {
            driver: Driver::Files,
            level: Level::Enforced,
            mechanisms: vec!["openat2".to_owned()],
            gaps: Vec::new(),
        },
    ])
}

fn outcome() -> Outcome {
    Outcome {
        ok: false,
        output: None,
        truncated: true,
        artifacts: vec![Artifact {
            path: "report.txt".to_owned(),
            digest: Digest::of(b"hello"),
            content: b"hello".to_vec(),
        }],
        exit_code: Some(3),
        stdout: Some("out\n".to_owned()),
        stderr: Some("err\n".to_owned()),
        duration_ms: 12,
        usage: Usage {
            cpu_ms: 7,
            memory_bytes_max: 1_048_576,
        },
        error: Some(Failure::executed(FailureCode::ExitNonZero, "exited with 3")),
    }
}

/// Shows the frame's text and checks that it reads back as itself.
fn check<T>(name: &str, frame: &T, encode: impl Fn(&T) -> String, decode: impl Fn(&str) -> T)
where
    T: Serialize + PartialEq + std::fmt::Debug,
{
    let text = encode(frame);
    assert_eq!(&decode(&text), frame);
    let value: Value = serde_json::from_str(&text).unwrap();
    insta::assert_json_snapshot!(name, value);
}

fn node(name: &str, frame: &NodeFrame) {
    check(
        name,
        frame,
        |f| f.encode().unwrap(),
        |text| NodeFrame::decode(text).unwrap(),
    );
}

fn gateway(name: &str, frame: &GatewayFrame) {
    check(
        name,
        frame,
        |f| f.encode().unwrap(),
        |text| GatewayFrame::decode(text).unwrap(),
    );
}

#[test]
fn what_a_node_says() {
    node(
        "node_hello",
        &NodeFrame::Hello(Hello {
            protocol: PROTOCOL_VERSION,
            version: "0.1.0".to_owned(),
            spool: "5f0c".to_owned(),
            slots: 8,
            probes: enforcement(),
            spooled: vec![job()],
        }),
    );
    node(
        "node_heartbeat",
        &NodeFrame::Heartbeat(Heartbeat {
            epoch: 4,
            running: 2,
            draining: false,
        }),
    );
    let result = JobResult {
        job: job(),
        epoch: 4,
        outcome: Box::new(outcome()),
    };
    node("node_result_process", &NodeFrame::Result(result));
    let text = Outcome::success(Output::Text("- buy milk\n".to_owned()));
    let result = JobResult {
        job: job(),
        epoch: 4,
        outcome: Box::new(text),
    };
    node("node_result_text", &NodeFrame::Result(result));
    let listing = Outcome::success(Output::Json(json!({"entries": []})));
    let result = JobResult {
        job: job(),
        epoch: 4,
        outcome: Box::new(listing),
    };
    node("node_result_json", &NodeFrame::Result(result));
    node(
        "node_unknown",
        &NodeFrame::Unknown(JobEpoch {
            job: job(),
            epoch: 4,
        }),
    );
    node(
        "node_running",
        &NodeFrame::Running(JobEpoch {
            job: job(),
            epoch: 4,
        }),
    );
    node("node_absent", &NodeFrame::Absent(JobRef { job: job() }));
    node(
        "node_need_skill",
        &NodeFrame::NeedSkill(SkillRef {
            digest: Digest::ZERO,
        }),
    );
}

#[test]
fn what_the_gateway_says() {
    gateway(
        "gateway_welcome",
        &GatewayFrame::Welcome(Welcome {
            node_id: id::<NodeId>("nod"),
            lease_epoch: 4,
            lease_ms: 15_000,
            heartbeat_ms: 5_000,
            capability_keys: vec!["ed25519/00".to_owned()],
        }),
    );
    gateway(
        "gateway_refused",
        &GatewayFrame::Refused(Refused {
            code: RefusalCode::ProtocolUnsupported,
            message: "this gateway speaks version 1".to_owned(),
        }),
    );
    gateway(
        "gateway_lease",
        &GatewayFrame::Lease(Lease {
            epoch: 4,
            lease_ms: 15_000,
        }),
    );
    gateway(
        "gateway_dispatch",
        &GatewayFrame::Dispatch(Box::new(Dispatch {
            job: job(),
            epoch: 4,
            token: "EoMBCi…".to_owned(),
            intent: intent(),
            workspace: "default".parse().unwrap(),
            limits: JobLimits::default(),
            grants: Grants {
                network: false,
                workspace: Access::Read,
            },
            requirements: Requirements {
                enforcement: Level::Partial,
                driver: Some(Driver::Namespaces),
            },
        })),
    );
    gateway("gateway_ack", &GatewayFrame::Ack(JobRef { job: job() }));
    gateway(
        "gateway_inquire",
        &GatewayFrame::Inquire(JobRef { job: job() }),
    );
    gateway(
        "gateway_cancel",
        &GatewayFrame::Cancel(JobRef { job: job() }),
    );
    let package = SkillPackage {
        digest: Digest::ZERO,
        package: Some(b"tar".to_vec()),
    };
    gateway("gateway_skill", &GatewayFrame::Skill(package));
    let none = SkillPackage {
        digest: Digest::ZERO,
        package: None,
    };
    gateway("gateway_skill_missing", &GatewayFrame::Skill(none));
    gateway("gateway_drain", &GatewayFrame::Drain(Drain {}));
}

#[test]
fn every_failure_code_keeps_its_name() {
    let codes: Vec<_> = FailureCode::ALL
        .iter()
        .map(|code| json!({"code": code, "retryable": code.retryable()}))
        .collect();
    insta::assert_json_snapshot!("failure_codes", codes);
}

#[test]
fn the_greeting_tolerates_what_it_does_not_know_and_nothing_else_does() {
    let with = |mut frame: Value| {
        frame["news"] = json!(true);
        frame.to_string()
    };
    let refused = json!({"type": "refused", "code": "SOMETHING_NEW", "message": "no"});
    let GatewayFrame::Refused(refused) = GatewayFrame::decode(&with(refused)).unwrap() else {
        panic!("not a refusal")
    };
    assert_eq!(refused.code, RefusalCode::Other);

    let ack = json!({"type": "ack", "job": job()});
    assert!(GatewayFrame::decode(&ack.to_string()).is_ok());
    assert!(GatewayFrame::decode(&with(ack)).is_err());
}

#[test]
fn what_is_not_a_frame_is_refused() {
    for text in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"type":"ack"}"#,
        r#"{"type":"ack","job":"run_018bcfe5-6800-7000-8000-000000000001"}"#,
        r#"{"type":"ack","job":"job_018bcfe5-6800-7000-8000-000000000001","job":"job_018bcfe5-6800-7000-8000-000000000001"}"#,
        r#"{"type":"self_destruct"}"#,
        &format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)),
    ] {
        assert!(
            GatewayFrame::decode(text).is_err(),
            "{}",
            &text[..text.len().min(80)]
        );
    }
}

#[test]
fn an_oversize_frame_is_neither_sent_nor_read() {
    let fits = Outcome::success(Output::Text("\u{1}".repeat(limits::OUTPUT_BYTES_MAX)));
    let frame = |outcome| {
        NodeFrame::Result(JobResult {
            job: job(),
            epoch: 1,
            outcome: Box::new(outcome),
        })
    };
    assert!(frame(fits).encode().is_ok());

    let text = "x".repeat(limits::FRAME_BYTES_MAX);
    let over = frame(Outcome::success(Output::Text(text)));
    assert!(matches!(over.encode(), Err(FrameError::TooLarge { .. })));
    let text = serde_json::to_string(&over).unwrap();
    assert!(matches!(
        NodeFrame::decode(&text),
        Err(FrameError::TooLarge { .. })
    ));
}
