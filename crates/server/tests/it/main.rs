//! The real program in bad weather: full disks, databases that go away, backups under load.
//!
//! What a server says is never the proof: the database is read by a connection of the test's own,
//! and the record is verified by the offline verifier. `CHANCERY_BIN` names the program; otherwise
//! it is the one that was built beside this test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

mod backup;
mod cluster;
mod disk;
mod gateway;
mod installation;
mod labels;
mod ledger;
mod migrating;
mod otlp;
mod outage;
mod proxy;
mod reruns;
mod run_tokens;
mod summaries;
mod telemetry;
mod thinking;
mod versions;
