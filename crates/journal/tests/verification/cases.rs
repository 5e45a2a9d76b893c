//! The verifier's verdicts on the vectors, and the files that hold them.

use std::path::PathBuf;

use journal::checkpoint::Checkpoint;
use journal::verify::{Reason, Report, Trust, verify_export, verify_export_with};
use serde_json::json;

use super::changes::{self, Case};
use super::log::Log;

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// Whether the files are to be written anew instead of compared.
pub fn update() -> bool {
    std::env::var_os("UPDATE_VECTORS").is_some()
}

pub fn verify(case: &Case) -> Report {
    let trust = Trust {
        keys: case.keys.iter().map(|key| key.parse().unwrap()).collect(),
        witnesses: case
            .witness
            .iter()
            .map(|it| Checkpoint::parse(it).unwrap())
            .collect(),
    };
    verify_export_with(case.export.as_slice(), &trust).unwrap()
}

#[test]
fn every_change_is_detected_and_located() {
    let mut wrong = Vec::new();
    for case in changes::all() {
        let report = verify(&case);
        let found = report
            .first_bad
            .as_ref()
            .map(|fault| (fault.seq, fault.reason));
        assert_eq!(report.ok, found.is_none(), "{}", case.name);
        if found != case.verdict {
            wrong.push(format!(
                "{}: {:?} but {:?}",
                case.name, case.verdict, report.first_bad
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The vectors are part of the format: they are compared byte for byte.
#[test]
fn the_files_hold_these_vectors() {
    let mut verdicts = Vec::new();
    for case in changes::all() {
        let path = folder().join(format!("{}.ndjson", case.name));
        if update() {
            std::fs::write(&path, &case.export).unwrap();
        }
        assert_eq!(std::fs::read(&path).unwrap(), case.export, "{}", case.name);
        verdicts.push(json!({
            "file": format!("{}.ndjson", case.name),
            "keys": case.keys,
            "witness": case.witness.as_ref().map(ToString::to_string),
            "seq": case.verdict.and_then(|(seq, _)| seq),
            "reason": case.verdict.map(|(_, reason)| reason.as_str()),
        }));
    }
    let text = serde_json::to_string_pretty(&verdicts).unwrap() + "\n";
    let path = folder().join("verdicts.json");
    if update() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
}

#[test]
fn a_report_says_what_was_verified() {
    let log = Log::of(5);
    let keys = [log.vkey().parse().unwrap()];
    let report = verify_export(log.all().concat().as_slice(), &keys).unwrap();
    assert!(report.ok && report.complete);
    assert_eq!(
        (report.org, report.from_seq, report.to_seq, report.events),
        (Some(log.org), 1, 5, 5)
    );
    let checkpoint = report.checkpoint.unwrap();
    assert_eq!(
        (checkpoint.size, checkpoint.signed_by),
        (5, vec![log.vkey()])
    );
    let report = verify_export(log.lines(2, 3, &[]).concat().as_slice(), &keys).unwrap();
    assert!(report.ok && !report.complete);
    assert_eq!(report.events, 2);
}

#[test]
fn without_a_trusted_key_nothing_is_verified() {
    let report = verify_export(Log::of(2).all().concat().as_slice(), &[]).unwrap();
    assert_eq!(report.first_bad.unwrap().reason, Reason::UnknownKey);
}

/// Whichever byte of an export changes: it is seen, and never placed after where it is.
#[test]
fn every_single_byte_is_guarded() {
    let log = Log::of(3);
    let good = log.all().concat();
    let keys = [log.vkey().parse().unwrap()];
    let mut bad = good.clone();
    for at in 0..good.len() {
        let bit = at * 5 % 8;
        bad[at] ^= 1 << bit;
        let report = verify_export(bad.as_slice(), &keys).unwrap();
        let line = good[..at].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        let fault = report
            .first_bad
            .unwrap_or_else(|| panic!("bit {bit} of byte {at}"));
        // In the first line a change may speak of what follows, such as a key.
        assert!(
            fault.line <= line || line == 1,
            "bit {bit} of byte {at}: {fault:?}"
        );
        bad[at] = good[at];
    }
}
