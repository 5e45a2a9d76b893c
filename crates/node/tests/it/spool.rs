//! The spool over restarts, full disks and clocks that go back.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use node::spool::{Acceptance, NewJob, Spool, SpoolError, Stage};
use protocol::{Outcome, Output};
use vocab::{Clock, Digest, JobId, Random, Timestamp};

fn clock() -> Clock {
    Clock::manual(Timestamp::from_micros(1_700_000_000_000_000))
}

/// Opens a spool whose former owner may still be letting go: its thread ends when it has run out of
/// work.
fn try_open(folder: &Path, clock: &Clock) -> Result<Spool, SpoolError> {
    for _ in 0..200 {
        match Spool::open(folder, clock.clone(), &Random::seeded(1)) {
            Err(SpoolError::InUse) => {}
            result => return result,
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "waits for another thread of this test"
        )]
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the spool stays in use")
}

fn open(folder: &Path, clock: &Clock) -> Spool {
    try_open(folder, clock).unwrap()
}

fn new_job(clock: &Clock, seed: u64) -> NewJob {
    let job = JobId::generate(clock, &Random::seeded(seed));
    NewJob {
        job,
        epoch: 3,
        intent: Digest::of(b"intent"),
        token: format!("cap_{seed}"),
        expires_at: clock.now().plus(Duration::from_secs(300)),
    }
}

fn outcome(text: &str) -> Outcome {
    Outcome::success(Output::Text(text.to_owned()))
}

#[tokio::test]
async fn a_job_goes_through_its_stages_and_each_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let (done, cut_off) = (new_job(&clock, 1), new_job(&clock, 2));

    let spool = open(dir.path(), &clock);
    let id = spool.id().to_owned();
    assert!(matches!(
        spool.accept(done.clone()).await.unwrap(),
        Acceptance::New
    ));
    assert!(matches!(
        spool.accept(cut_off.clone()).await.unwrap(),
        Acceptance::New
    ));
    spool.finish(done.job, outcome("done")).await.unwrap();
    assert_eq!(spool.unacknowledged(), [done.job]);
    drop(spool);

    let spool = open(dir.path(), &clock);
    assert_eq!(spool.id(), id);
    assert_eq!(spool.unacknowledged(), [done.job, cut_off.job]);
    assert_eq!(
        spool.get(done.job).unwrap().stage,
        Stage::Finished(Box::new(outcome("done")))
    );
    assert_eq!(spool.get(cut_off.job).unwrap().stage, Stage::Unknown);
    spool.acknowledge(done.job).await.unwrap();
    spool.acknowledge(cut_off.job).await.unwrap();
    drop(spool);

    let spool = open(dir.path(), &clock);
    assert!(spool.unacknowledged().is_empty());
    assert_eq!(spool.get(done.job).unwrap().stage, Stage::Acknowledged);
}

#[tokio::test]
async fn a_job_and_a_token_are_accepted_once() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let spool = open(dir.path(), &clock);
    let first = new_job(&clock, 1);
    assert!(matches!(
        spool.accept(first.clone()).await.unwrap(),
        Acceptance::New
    ));
    assert!(matches!(
        spool.accept(first.clone()).await.unwrap(),
        Acceptance::Known(_)
    ));

    let thief = NewJob {
        token: first.token.clone(),
        ..new_job(&clock, 2)
    };
    assert!(matches!(
        spool.accept(thief.clone()).await.unwrap(),
        Acceptance::TokenSpent
    ));
    let honest = new_job(&clock, 3);
    assert!(matches!(
        spool.accept(honest).await.unwrap(),
        Acceptance::New
    ));

    spool.finish(first.job, outcome("x")).await.unwrap();
    spool.acknowledge(first.job).await.unwrap();
    drop(spool);
    let spool = open(dir.path(), &clock);
    assert!(matches!(
        spool.accept(thief).await.unwrap(),
        Acceptance::TokenSpent
    ));
}

#[tokio::test]
async fn of_many_at_once_exactly_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let spool = open(dir.path(), &clock);
    let job = new_job(&clock, 1);
    let tries = (0..64).map(|_| spool.accept(job.clone()));
    let accepted = futures::future::join_all(tries).await;
    let new = accepted
        .iter()
        .filter(|each| matches!(each, Ok(Acceptance::New)))
        .count();
    assert_eq!(new, 1);
}

#[tokio::test]
async fn time_does_not_go_back() {
    let dir = tempfile::tempdir().unwrap();
    let late = clock();
    let spool = open(dir.path(), &late);
    late.advance_micros(10_000_000);
    let seen = spool.now();
    spool.accept(new_job(&late, 1)).await.unwrap();
    late.advance_micros(-3_600_000_000);
    assert_eq!(spool.now(), seen);
    drop(spool);
    assert_eq!(open(dir.path(), &late).now(), seen);
}

#[tokio::test]
async fn old_jobs_are_forgotten_and_young_ones_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let spool = open(dir.path(), &clock);
    let job = new_job(&clock, 1);
    let open_job = new_job(&clock, 2);
    spool.accept(job.clone()).await.unwrap();
    spool.accept(open_job.clone()).await.unwrap();
    spool.finish(job.job, outcome("x")).await.unwrap();
    spool.finish(open_job.job, outcome("y")).await.unwrap();
    spool.acknowledge(job.job).await.unwrap();
    drop(spool);
    clock.advance_micros(23 * 3_600_000_000);
    drop(open(dir.path(), &clock));
    assert!(open(dir.path(), &clock).get(job.job).is_some());
    clock.advance_micros(2 * 3_600_000_000);
    drop(open(dir.path(), &clock));
    let spool = open(dir.path(), &clock);
    assert!(spool.get(job.job).is_none());
    assert_eq!(spool.unacknowledged(), [open_job.job]);
}

#[tokio::test]
async fn two_nodes_do_not_share_a_spool() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(dir.path(), &clock());
    let second = Spool::open(dir.path(), clock(), &Random::seeded(1));
    assert!(matches!(second, Err(SpoolError::InUse)));
}

#[tokio::test]
async fn a_damaged_log_is_refused_and_a_torn_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let spool = open(dir.path(), &clock);
    let job = new_job(&clock, 1);
    spool.accept(job.clone()).await.unwrap();
    drop(spool);
    drop(open(dir.path(), &clock));

    let log = dir.path().join("log");
    let mut file = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    file.write_all(b"0123456789abcdef {\"record\":\"acknow")
        .unwrap();
    let spool = open(dir.path(), &clock);
    assert_eq!(spool.get(job.job).unwrap().stage, Stage::Unknown);
    drop(spool);
    drop(open(dir.path(), &clock));

    let mut bytes = std::fs::read(&log).unwrap();
    bytes[20] ^= 0x20;
    std::fs::write(&log, bytes).unwrap();
    let result = try_open(dir.path(), &clock);
    assert!(
        matches!(result, Err(SpoolError::Damaged { line: 1 })),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_full_disk_refuses_jobs_and_an_empty_one_takes_them_again() {
    if !rustix::process::geteuid().is_root() {
        eprintln!(
            "SKIPPED a_full_disk_refuses_jobs_and_an_empty_one_takes_them_again: needs root to mount a small disk"
        );
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount("tmpfs", dir.path(), "tmpfs", flags, Some(c"size=64k")).unwrap();
    let clock = clock();
    let spool = open(dir.path(), &clock);
    let first = new_job(&clock, 1);
    spool.accept(first.clone()).await.unwrap();

    let rubbish = dir.path().join("rubbish");
    let _ = std::fs::write(&rubbish, vec![0; 1024 * 1024]);
    let mut refused = 0;
    for seed in 2..40 {
        refused += u32::from(spool.accept(new_job(&clock, seed)).await.is_err());
    }
    assert!(refused > 0);
    // What ended is not lost for want of a place to write it down.
    assert!(spool.finish(first.job, outcome("done")).await.is_err());
    assert!(spool.unacknowledged().contains(&first.job));

    std::fs::remove_file(&rubbish).unwrap();
    assert!(matches!(
        spool.accept(new_job(&clock, 100)).await.unwrap(),
        Acceptance::New
    ));
    drop(spool);
    let spool = open(dir.path(), &clock);
    assert_eq!(
        spool.get(first.job).unwrap().stage,
        Stage::Finished(Box::new(outcome("done")))
    );
    assert_eq!(
        spool.get(new_job(&clock, 100).job).unwrap().stage,
        Stage::Unknown
    );
    drop(spool);
    rustix::mount::unmount(dir.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
}
