//! The exported record, verified here a second time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::chaos::settle::{Run, State};
use crate::client::{Client, Request};
use crate::program;

const NOTHING_BEFORE: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    event: &'a RawValue,
    hash: String,
}

#[derive(Deserialize)]
struct Event {
    seq: u64,
    prev: String,
    kind: String,
    run: Option<String>,
}

/// What the record says about each run.
#[derive(Default)]
pub struct Record {
    pub events: u64,
    /// Kinds of each run's events, in their order.
    runs: BTreeMap<String, Vec<String>>,
}

impl Record {
    /// Reads an export and checks it: no gap, each event hashed, each naming its predecessor.
    pub fn verify(export: &str) -> Result<Self> {
        let mut record = Self::default();
        let mut prev = NOTHING_BEFORE.to_owned();
        for line in export.lines().filter(|line| line.starts_with("{\"event\"")) {
            let Line { event, hash } = serde_json::from_str(line).context("a line is no event")?;
            let bytes = event.get();
            let event: Event = serde_json::from_str(bytes).context("an event is malformed")?;
            let seq = record.events + 1;
            if event.seq != seq {
                bail!(
                    "the record goes from seq {} to {}",
                    record.events,
                    event.seq
                );
            }
            if hash != format!("sha256:{}", hex::encode(Sha256::digest(bytes))) {
                bail!("the hash of seq {seq} is not that of its bytes");
            }
            if event.prev != prev {
                bail!("seq {seq} does not name its predecessor");
            }
            prev = hash;
            record.events = seq;
            if let Some(run) = event.run {
                record.runs.entry(run).or_default().push(event.kind);
            }
        }
        Ok(record)
    }

    fn count(&self, run: &str, kinds: &[&str]) -> usize {
        let all = self.runs.get(run).map(Vec::as_slice).unwrap_or_default();
        all.iter()
            .filter(|kind| kinds.contains(&kind.as_str()))
            .count()
    }

    /// Whether the record holds the run once, from its beginning to its end.
    pub fn whole(&self, run: &Run) -> bool {
        let ends = self.count(&run.id, &["run.succeeded", "run.failed", "run.cancelled"]);
        let ended = run.state != State::Unknown || ends > 0;
        self.count(&run.id, &["run.queued"]) == 1 && ends == usize::from(ended)
    }

    /// Whether the road to an effect was recorded.
    pub fn allowed(&self, run: &str) -> bool {
        self.count(run, &["tool.intended"]) > 0
            && self.count(run, &["policy.decided"]) > 0
            && self.count(run, &["capability.issued"]) > 0
    }
}

/// Exports the record once it is sealed up to the end of every run.
pub async fn export(client: &Client, runs: &[Run]) -> Result<String> {
    let mut rounds = 0;
    loop {
        let verify = Request::send(Method::POST, "/v1/audit/verify", json!({}));
        let report = client.until_answered(&verify).await?.good();
        let report = report.context("the server can't verify its record")?;
        if report["valid"] == false || report["ok"] == false {
            bail!("the server says that its record is broken: {report}");
        }
        let answer = client
            .until_answered(&Request::get("/v1/audit/export"))
            .await?;
        if !answer.status.is_success() {
            bail!("can't export: {} {}", answer.status, answer.text);
        }
        let sealed = Record::verify(&answer.text)?;
        let settled: BTreeSet<&str> = runs.iter().map(|run| &*run.id).collect();
        let all = runs.iter().all(|run| sealed.whole(run)) && settled.len() == runs.len();
        rounds += 1;
        if all || rounds == 10 {
            return Ok(answer.text);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Lets the program under test verify the export offline; a violation when it refuses.
pub fn verify_by_program(export: &str, folder: &Path) -> Result<Option<String>> {
    let file = folder.join("export.ndjson");
    std::fs::write(&file, export).context("can't write the export")?;
    let output = Command::new(program("CHANCERY_BIN")?)
        .args(["audit", "verify"])
        .arg(&file)
        .output()
        .context("can't start the verifier")?;
    let said = String::from_utf8_lossy(&output.stderr);
    Ok((!output.status.success()).then(|| format!("the export does not verify: {}", said.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64, prev: &str, kind: &str) -> (String, String) {
        let event = format!(r#"{{"kind":"{kind}","prev":"{prev}","run":"run_1","seq":{seq}}}"#);
        let hash = format!("sha256:{}", hex::encode(Sha256::digest(&event)));
        (format!("{{\"event\":{event},\"hash\":\"{hash}\"}}\n"), hash)
    }

    fn export() -> [String; 2] {
        let (first, hash) = line(1, NOTHING_BEFORE, "run.queued");
        [first, line(2, &hash, "run.succeeded").0]
    }

    #[test]
    fn a_chain_is_followed() {
        let [first, second] = export();
        let text = format!("{{\"chancery_export\":1}}\n{first}{second}{{\"checkpoint\":\"\"}}\n");
        let record = Record::verify(&text).unwrap();
        assert_eq!(record.events, 2);
        assert_eq!(record.count("run_1", &["run.queued", "run.succeeded"]), 2);
    }

    #[test]
    fn a_broken_chain_is_found() {
        let [first, second] = export();
        assert!(
            Record::verify(&second).is_err(),
            "the first event is missing"
        );
        assert!(
            Record::verify(&format!("{first}{first}")).is_err(),
            "an event twice"
        );
        let changed = format!("{first}{}", second.replace("succeeded", "cancelled"));
        assert!(Record::verify(&changed).is_err(), "a changed event");
        let unchained = line(2, NOTHING_BEFORE, "run.succeeded").0;
        assert!(
            Record::verify(&format!("{first}{unchained}")).is_err(),
            "another predecessor"
        );
    }
}
