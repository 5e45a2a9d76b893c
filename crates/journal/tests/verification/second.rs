//! The second verifier, `docs/verify_record.py`, against the same vectors.

use std::path::PathBuf;
use std::process::{Command, Output};

use super::cases::folder;
use super::changes;
use super::log::Log;

/// Runs every vector in one process and prints those whose verdict is another.
const EVERY_VECTOR: &str = r#"
import json, pathlib, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import verify_record as v
folder, pure = pathlib.Path(sys.argv[2]), sys.argv[3] == "pure"
wrong, count = [], 0
for case in json.loads((folder / "verdicts.json").read_text()):
    witnesses = [v.Checkpoint(case["witness"], pure)] if case["witness"] else []
    with open(folder / case["file"], "rb") as file:
        report = v.Verifier(case["keys"], witnesses, pure).run(file)
    count += 1
    if (report["seq"], report["reason"]) != (case["seq"], case["reason"]):
        wrong.append((case["file"], case["seq"], case["reason"], report))
print(count, *wrong, sep="\n")
"#;

/// Flips each byte of an export and prints where that goes unseen.
const EVERY_BYTE: &str = r#"
import io, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import verify_record as v
good, key = open(sys.argv[2], "rb").read(), sys.argv[3]
assert v.Verifier([key]).run(io.BytesIO(good))["ok"]
for at in range(len(good)):
    bad = bytearray(good)
    bad[at] ^= 1 << (at * 5 % 8)
    if v.Verifier([key]).run(io.BytesIO(bad))["ok"]:
        print(at)
"#;

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn python(arguments: &[&str]) -> Output {
    Command::new("python3")
        .args(arguments)
        .output()
        .expect("python3 is installed")
}

fn printed(arguments: &[&str]) -> String {
    let output = python(arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn it_says_the_same_of_every_vector() {
    let (docs, folder) = (docs(), folder());
    let (docs, folder) = (docs.to_str().unwrap(), folder.to_str().unwrap());
    for signatures in ["library", "pure"] {
        let said = printed(&["-c", EVERY_VECTOR, docs, folder, signatures]);
        assert_eq!(
            said.trim(),
            changes::all().len().to_string(),
            "{signatures}: {said}"
        );
    }
}

#[test]
fn it_sees_every_byte_too() {
    let file = folder().join("good-one.ndjson");
    let (docs, key) = (docs(), Log::of(0).vkey());
    let said = printed(&[
        "-c",
        EVERY_BYTE,
        docs.to_str().unwrap(),
        file.to_str().unwrap(),
        &key,
    ]);
    assert_eq!(said, "");
}

#[test]
fn its_exit_code_is_the_verdict() {
    let script = docs().join("verify_record.py");
    let key = Log::of(0).vkey();
    let run = |file: &str| {
        let file = folder().join(file);
        python(&[
            script.to_str().unwrap(),
            file.to_str().unwrap(),
            "--key",
            &key,
        ])
    };
    assert_eq!(run("good.ndjson").status.code(), Some(0));
    let bad = run("flip-data.ndjson");
    assert_eq!(bad.status.code(), Some(1));
    let said: serde_json::Value = serde_json::from_slice(&bad.stdout).unwrap();
    assert_eq!(
        (said["seq"].as_u64(), said["reason"].as_str()),
        (Some(3), Some("hash_mismatch"))
    );
    assert_eq!(run("no-such-file.ndjson").status.code(), Some(2));
}
