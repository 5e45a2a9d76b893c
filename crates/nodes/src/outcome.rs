//! Whether an outcome is one that an honest node of this version could have sent.
//!
//! A node is not trusted: what it says about its own job is believed, but it can't make the run
//! keep more than the limits allow, nor name content by a digest that is not the content's.

use protocol::limits::{
    ARTIFACTS_BYTES_MAX, ARTIFACTS_MAX, MESSAGE_BYTES_MAX, OUTPUT_BYTES_MAX, PATH_BYTES_MAX,
    STREAM_BYTES_MAX,
};
use protocol::{Outcome, Output};
use vocab::{Digest, canonical};

/// Replacing invalid UTF-8 makes three bytes of one.
const STREAM_TEXT_MAX: u64 = 3 * STREAM_BYTES_MAX;
/// The largest integer that canonical JSON takes.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// What is wrong with it, for people.
pub(crate) fn check(outcome: &Outcome) -> Result<(), &'static str> {
    if outcome.ok == outcome.error.is_some() {
        return Err("it says both that it succeeded and that it failed, or neither");
    }
    if outcome
        .error
        .as_ref()
        .is_some_and(|error| error.message.len() > MESSAGE_BYTES_MAX)
    {
        return Err("its message is longer than allowed");
    }
    let numbers = [
        outcome.duration_ms,
        outcome.usage.cpu_ms,
        outcome.usage.memory_bytes_max,
    ];
    if numbers.iter().any(|number| *number > NUMBER_MAX) {
        return Err("one of its numbers is larger than can be recorded");
    }
    check_output(outcome.output.as_ref())?;
    let too_long = |stream: &Option<String>| {
        stream
            .as_ref()
            .is_some_and(|text| text.len() as u64 > STREAM_TEXT_MAX)
    };
    if too_long(&outcome.stdout) || too_long(&outcome.stderr) {
        return Err("a stream is longer than allowed");
    }
    check_artifacts(outcome)
}

fn check_output(output: Option<&Output>) -> Result<(), &'static str> {
    let bytes = match output {
        None => return Ok(()),
        Some(Output::Text(text)) => text.len(),
        // What is recorded has a canonical form; a value without one can't be.
        Some(Output::Json(value)) => canonical::to_string(value)
            .map_err(|_| "its output has no canonical form")?
            .len(),
    };
    // The node bounds its text; as JSON the same may be spelt longer.
    if bytes > 2 * OUTPUT_BYTES_MAX {
        return Err("its output is longer than allowed");
    }
    Ok(())
}

fn check_artifacts(outcome: &Outcome) -> Result<(), &'static str> {
    if outcome.artifacts.len() > ARTIFACTS_MAX {
        return Err("it has more artifacts than allowed");
    }
    let bytes: u64 = outcome
        .artifacts
        .iter()
        .map(|it| it.content.len() as u64)
        .sum();
    if bytes > ARTIFACTS_BYTES_MAX {
        return Err("its artifacts are larger than allowed");
    }
    for artifact in &outcome.artifacts {
        if artifact.path.is_empty() || artifact.path.len() > PATH_BYTES_MAX {
            return Err("an artifact's path is empty or too long");
        }
        if Digest::of(&artifact.content) != artifact.digest {
            return Err("an artifact is not what its digest says");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use protocol::{Artifact, Failure, FailureCode, Usage};

    use super::*;

    fn success() -> Outcome {
        Outcome {
            ok: true,
            output: Some(Output::Text("done".into())),
            truncated: false,
            artifacts: Vec::new(),
            exit_code: None,
            stdout: None,
            stderr: None,
            duration_ms: 1,
            usage: Usage::default(),
            error: None,
        }
    }

    fn artifact(content: &[u8]) -> Artifact {
        Artifact {
            path: "out.txt".into(),
            digest: Digest::of(content),
            content: content.into(),
        }
    }

    #[test]
    fn what_an_honest_node_sends_is_taken() {
        assert_eq!(check(&success()), Ok(()));
        let with_artifact = Outcome {
            artifacts: vec![artifact(b"a")],
            ..success()
        };
        assert_eq!(check(&with_artifact), Ok(()));
        let error = Some(Failure::refused(FailureCode::NotFound, "no such file"));
        assert_eq!(
            check(&Outcome {
                ok: false,
                error,
                ..success()
            }),
            Ok(())
        );
    }

    #[test]
    fn what_contradicts_itself_or_is_too_large_is_not() {
        let error = Some(Failure::refused(FailureCode::NotFound, "no such file"));
        let forged = Artifact {
            digest: Digest::ZERO,
            ..artifact(b"a")
        };
        let pathless = Artifact {
            path: String::new(),
            ..artifact(b"a")
        };
        let large = vec![0; usize::try_from(ARTIFACTS_BYTES_MAX).unwrap() + 1];
        let long = "x".repeat(usize::try_from(STREAM_TEXT_MAX).unwrap() + 1);
        let huge: serde_json::Value = serde_json::from_str("[9007199254740993]").unwrap();
        let bad = [
            Outcome {
                ok: false,
                ..success()
            },
            Outcome { error, ..success() },
            Outcome {
                duration_ms: u64::MAX,
                ..success()
            },
            Outcome {
                artifacts: vec![forged],
                ..success()
            },
            Outcome {
                artifacts: vec![pathless],
                ..success()
            },
            Outcome {
                artifacts: vec![artifact(b"a"); ARTIFACTS_MAX + 1],
                ..success()
            },
            Outcome {
                artifacts: vec![artifact(&large)],
                ..success()
            },
            Outcome {
                stderr: Some(long),
                ..success()
            },
            Outcome {
                output: Some(Output::Text("x".repeat(2 * OUTPUT_BYTES_MAX + 1))),
                ..success()
            },
            Outcome {
                output: Some(Output::Json(huge)),
                ..success()
            },
        ];
        for (index, bad) in bad.iter().enumerate() {
            assert!(check(bad).is_err(), "number {index} is taken");
        }
    }
}
