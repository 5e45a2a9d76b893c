//! What a sandbox adds to a trivial process. Prints one JSON object, for `cargo xtask bench sandbox`.

#![expect(clippy::unwrap_used, reason = "a bench that can't run stops")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use node::process::{Exit, Process};
use node::sandbox::Namespaces;
use protocol::JobLimits;
use tokio_util::sync::CancellationToken;

const ROUNDS: usize = 100;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let helper = PathBuf::from(env!("CARGO_BIN_EXE_chancery-node"));
    let namespaces = Namespaces::new(helper, dir.path().to_owned());
    let process = Process {
        command: vec!["/bin/true".to_owned()],
        folder: None,
        input: Vec::new(),
        workspace: None,
        skill: None,
        network: false,
        limits: JobLimits::default(),
    };
    let (mut bare, mut sandboxed) = (Vec::new(), Vec::new());
    // Turn and turn about, so that a busy machine is busy for both.
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let status = tokio::process::Command::new("/bin/true")
            .status()
            .await
            .unwrap();
        bare.push(started.elapsed());
        assert!(status.success());

        let started = Instant::now();
        let ran = namespaces
            .run(&process, &CancellationToken::new())
            .await
            .unwrap();
        sandboxed.push(started.elapsed());
        assert_eq!(ran.exit, Exit::Code(0));
        // As between jobs: the next one is made ready meanwhile.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (bare, sandboxed) = (middle(bare), middle(sandboxed));
    let added = sandboxed - bare;
    println!(
        "{{\"rounds\":{ROUNDS},\"bare_ms\":{bare:.2},\"sandbox_ms\":{sandboxed:.2},\"added_ms\":{added:.2}}}"
    );
}

/// The median, in milliseconds.
fn middle(mut samples: Vec<Duration>) -> f64 {
    samples.sort_unstable();
    samples[samples.len() / 2].as_secs_f64() * 1_000.0
}
