//! The test vectors that the specification prints, made and compared here.

use std::fmt::Write as _;
use std::path::PathBuf;

use hmac::{Hmac, KeyInit, Mac};
use journal::checkpoint::origin;
use journal::{entry, merkle};
use sha2::Sha256;
use vocab::Digest;

use super::cases::update;
use super::log::{Log, key};

const BEGIN: &str = "<!-- vectors begin -->\n";
const END: &str = "<!-- vectors end -->\n";

/// Appends a block of text, indented.
fn block(out: &mut String, title: &str, text: &str) {
    writeln!(out, "{title}\n").unwrap();
    for line in text.trim_end_matches('\n').split('\n') {
        writeln!(out, "    {line}").unwrap();
    }
    out.push('\n');
}

fn hex(bytes: [u8; 32]) -> String {
    Digest::from_bytes(bytes).hex()
}

fn vectors() -> String {
    let mut log = Log::of(3);
    let seed = "01".repeat(32);
    let mut out = String::from("\n### Events and the tree\n\n");
    for (seq, (canonical, hash)) in (1..).zip(&log.events) {
        assert_eq!(entry::hash(canonical.as_bytes()), *hash);
        block(
            &mut out,
            &format!("The canonical bytes of event {seq}:"),
            canonical,
        );
        let leaf = hex(merkle::leaf(hash));
        block(
            &mut out,
            "Its hash and its leaf:",
            &format!("{hash}\n{leaf}"),
        );
    }
    let leaves: Vec<_> = log
        .events
        .iter()
        .map(|(_, hash)| merkle::leaf(hash))
        .collect();
    let left = merkle::node(&leaves[0], &leaves[1]);
    let root = merkle::node(&left, &leaves[2]);
    assert_eq!(root, log.frontier.root());
    let text = format!(
        "{}\n{}\n{}\n{}",
        hex(merkle::empty_root()),
        hex(leaves[0]),
        hex(left),
        hex(root)
    );
    block(
        &mut out,
        "The roots of the trees of 0, 1, 2 and 3 events:",
        &text,
    );

    out.push_str("### Keys and checkpoints\n\n");
    block(
        &mut out,
        "The seed of the private key, and the vkey:",
        &format!("{seed}\n{}", log.vkey()),
    );
    assert_eq!(key(log.org, 1).public().name(), origin(log.org));
    block(
        &mut out,
        "The checkpoint over the three events:",
        &log.signed().to_string(),
    );

    out.push_str("### A rotation\n\n");
    log.rotate(2);
    block(
        &mut out,
        "The announcement of the key of seed `02…02`, event 4:",
        &log.events[3].0,
    );
    let footer = log.footer(1, 4, &[]);
    block(&mut out, "The handover:", &footer.rotations[0].note);

    out.push_str("### Content\n\n");
    let digest_key = [3; 32];
    let mut mac = Hmac::<Sha256>::new_from_slice(&digest_key).unwrap();
    mac.update("Grüße".as_bytes());
    let digest = Digest::from_bytes(mac.finalize().into_bytes().into());
    let text = format!("{}\n{digest}", hex(digest_key));
    block(
        &mut out,
        "A subject's digest key, and by it the digest of the bytes of `Grüße`:",
        &text,
    );

    out.push_str("### An export\n\n");
    let export = String::from_utf8(Log::of(2).all().concat()).unwrap();
    block(
        &mut out,
        "All of a record of two events, under the key of seed `01…01`:",
        &export,
    );
    out
}

#[test]
fn the_specification_prints_these_vectors() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/record-format.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (printed, after) = rest.split_once(END).unwrap();
    if update() {
        std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", vectors())).unwrap();
        return;
    }
    assert_eq!(printed, vectors());
}
