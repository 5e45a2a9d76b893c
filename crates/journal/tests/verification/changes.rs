//! Every change that somebody could make to an export, with the verdict that it must meet.

use journal::checkpoint::Checkpoint;
use journal::export;
use journal::note::Note;
use journal::verify::Reason;
use vocab::{Digest, OrgId};

use super::log::{Log, id, key, line};

/// One vector: an export and what a verifier must say of it.
pub struct Case {
    pub name: &'static str,
    pub export: Vec<u8>,
    pub keys: Vec<String>,
    pub witness: Option<Note>,
    /// `None` if nothing is wrong.
    pub verdict: Option<(Option<u64>, Reason)>,
}

fn case(name: &'static str, lines: Vec<Vec<u8>>, verdict: Option<(Option<u64>, Reason)>) -> Case {
    Case {
        name,
        export: lines.into_iter().flatten().collect(),
        keys: vec![Log::of(0).vkey()],
        witness: None,
        verdict,
    }
}

fn bad(
    name: &'static str,
    lines: Vec<Vec<u8>>,
    seq: impl Into<Option<u64>>,
    reason: Reason,
) -> Case {
    case(name, lines, Some((seq.into(), reason)))
}

fn witnessed(mut case: Case, witness: Note) -> Case {
    case.witness = Some(witness);
    case
}

fn replace(line: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = std::str::from_utf8(line).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1).into_bytes()
}

fn event_line(canonical: &str) -> Vec<u8> {
    let mut out = String::new();
    export::push_event(&mut out, canonical, &Digest::of(canonical.as_bytes()));
    out.into_bytes()
}

/// The log of five events, and the lines of its whole export: line `n` is event `n`.
fn five() -> (Log, Vec<Vec<u8>>) {
    let log = Log::of(5);
    let lines = log.all();
    (log, lines)
}

fn changed(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<Vec<u8>> {
    let (_, mut lines) = five();
    change(&mut lines);
    lines
}

/// A log whose third event was written anew by its owner, who also chained and signed the rest.
fn rewritten(third: impl FnOnce(&str) -> String) -> Log {
    let mut log = Log::of(2);
    let mut honest = Log::of(3);
    log.append_raw(third(&honest.events.pop().unwrap().0));
    log.grow();
    log.grow();
    log
}

pub fn all() -> Vec<Case> {
    let mut cases = good();
    cases.extend(lines_changed());
    cases.extend(events_changed());
    cases.extend(checkpoint_changed());
    cases.extend(keys_changed());
    cases.extend(parts_changed());
    cases.extend(witnesses());
    cases
}

fn rotated() -> Log {
    let mut log = Log::of(3);
    log.rotate(2);
    log.grow();
    log.rotate(3);
    log.grow();
    log
}

fn good() -> Vec<Case> {
    let (log, lines) = five();
    let grown = Log::of(300);
    let (rotated, seen) = (rotated(), Log::of(3).signed());
    let newest = Case {
        keys: vec![rotated.vkey()],
        ..case("good-newest-key", rotated.all(), None)
    };
    vec![
        case("good", lines, None),
        case("good-one", Log::of(1).all(), None),
        case("good-part", grown.lines(270, 280, &[]), None),
        case("good-beginning", log.lines(1, 2, &[]), None),
        case("good-rotated", rotated.all(), None),
        case("good-rotated-part", rotated.lines(6, 7, &[]), None),
        newest,
        witnessed(case("good-witnessed", rotated.all(), None), seen.clone()),
        witnessed(
            case("good-witnessed-part", rotated.lines(5, 6, &[3]), None),
            seen,
        ),
        witnessed(
            case("good-witnessed-now", log.lines(5, 5, &[]), None),
            log.signed(),
        ),
    ]
}

fn lines_changed() -> Vec<Case> {
    use Reason as R;
    let doubled = "{\"chancery_export\":1,\"chancery_export\":1,";
    let footer = |lines: &mut Vec<Vec<u8>>| lines.pop().unwrap();
    vec![
        bad("delete-first", changed(|it| drop(it.remove(1))), 1, R::Gap),
        bad("delete-middle", changed(|it| drop(it.remove(3))), 3, R::Gap),
        bad(
            "delete-last",
            changed(|it| drop(it.remove(5))),
            5,
            R::Truncated,
        ),
        bad("swap", changed(|it| it.swap(3, 4)), 3, R::Reordered),
        bad(
            "move-first-to-end",
            changed(|it| it[1..6].rotate_left(1)),
            1,
            R::Reordered,
        ),
        bad(
            "repeat",
            changed(|it| it.insert(4, it[3].clone())),
            4,
            R::Duplicate,
        ),
        bad(
            "repeat-last",
            changed(|it| it.insert(6, it[5].clone())),
            6,
            R::BeyondRange,
        ),
        bad(
            "no-checkpoint",
            changed(|it| drop(footer(it))),
            None,
            R::Truncated,
        ),
        bad(
            "cut-event",
            changed(|it| {
                it.truncate(4);
                it[3].truncate(99);
            }),
            3,
            R::Truncated,
        ),
        bad(
            "cut-checkpoint",
            changed(|it| {
                it[6].pop();
            }),
            None,
            R::Truncated,
        ),
        bad("only-header", changed(|it| it.truncate(1)), 1, R::Truncated),
        bad("empty", Vec::new(), None, R::Truncated),
        bad(
            "no-header",
            changed(|it| drop(it.remove(0))),
            None,
            R::MalformedLine,
        ),
        bad(
            "header-twice",
            changed(|it| it.insert(1, it[0].clone())),
            1,
            R::MalformedLine,
        ),
        bad(
            "header-duplicate-key",
            changed(|it| it[0] = replace(&it[0], "{\"chancery_export\":1,", doubled)),
            None,
            R::MalformedLine,
        ),
        bad(
            "header-unknown-member",
            changed(|it| it[0] = replace(&it[0], "{", "{\"x\":1,")),
            None,
            R::MalformedLine,
        ),
        bad(
            "header-version",
            changed(|it| it[0] = replace(&it[0], "export\":1", "export\":2")),
            None,
            R::MalformedLine,
        ),
        bad(
            "header-range",
            changed(|it| it[0] = replace(&it[0], "\"from_seq\":1", "\"from_seq\":0")),
            None,
            R::MalformedLine,
        ),
        bad(
            "header-number",
            changed(|it| it[0] = replace(&it[0], "\"from_seq\":1", "\"from_seq\":1.0")),
            None,
            R::MalformedLine,
        ),
        bad(
            "crlf",
            changed(|it| it.iter_mut().for_each(|it| *it = replace(it, "\n", "\r\n"))),
            1,
            R::MalformedLine,
        ),
        bad(
            "empty-line",
            changed(|it| it.insert(3, b"\n".to_vec())),
            3,
            R::MalformedLine,
        ),
        bad(
            "space-in-line",
            changed(|it| it[3] = replace(&it[3], ",\"hash\"", ", \"hash\"")),
            3,
            R::MalformedLine,
        ),
        bad(
            "hash-upper-case",
            changed(|it| it[3] = upper_case_hash(&it[3])),
            3,
            R::MalformedLine,
        ),
        bad(
            "after-the-end",
            changed(|it| it.push(it[3].clone())),
            None,
            R::MalformedLine,
        ),
        bad(
            "footer-unknown-member",
            changed(|it| it[6] = replace(&it[6], "{", "{\"x\":1,")),
            None,
            R::MalformedLine,
        ),
        bad("footer-early", changed(|it| it.swap(5, 6)), 5, R::Truncated),
    ]
}

fn upper_case_hash(line: &[u8]) -> Vec<u8> {
    let mut line = line.to_vec();
    let from = line.len() - 3 - 64;
    let to = line.len() - 3;
    line[from..to].make_ascii_uppercase();
    line
}

fn events_changed() -> Vec<Case> {
    use Reason as R;
    let rehashed = |change: fn(&str) -> String| {
        let (log, mut lines) = five();
        lines[3] = event_line(&change(&log.events[2].0));
        lines
    };
    let rewrite = |third: fn(&str) -> String| rewritten(third).all();
    let stranger: OrgId = id(2);
    let foreign = changed(|lines| {
        let mut other = Log::new(stranger, 1);
        (0..3).for_each(|_| other.grow());
        lines[3] = event_line(&other.events[2].0);
    });
    let not_utf8 = changed(|lines| {
        let (log, _) = five();
        let mut bytes = log.events[2].0.clone().into_bytes();
        let at = bytes.len() / 2;
        bytes[at] = 0xff;
        let hash = Digest::of(&bytes).to_string();
        lines[3] = [
            b"{\"event\":",
            bytes.as_slice(),
            format!(",\"hash\":\"{hash}\"}}\n").as_bytes(),
        ]
        .concat();
    });
    let flip_hash = changed(|lines| {
        let at = lines[3].len() - 10;
        lines[3][at] = if lines[3][at] == b'0' { b'1' } else { b'0' };
    });
    vec![
        bad(
            "flip-data",
            changed(|it| it[3] = replace(&it[3], "allow", "allov")),
            3,
            R::HashMismatch,
        ),
        bad(
            "flip-actor",
            changed(|it| it[1] = replace(&it[1], "usr_", "usR_")),
            1,
            R::HashMismatch,
        ),
        bad(
            "flip-time",
            changed(|it| it[2] = replace(&it[2], "\"at\":\"2026", "\"at\":\"2027")),
            2,
            R::HashMismatch,
        ),
        bad(
            "flip-seq",
            changed(|it| it[4] = replace(&it[4], "\"seq\":4", "\"seq\":5")),
            4,
            R::HashMismatch,
        ),
        bad(
            "flip-prev",
            changed(|it| it[5] = replace(&it[5], "\"prev\":\"sha256:", "\"prev\":\"sha256;")),
            5,
            R::HashMismatch,
        ),
        bad("flip-hash", flip_hash, 3, R::HashMismatch),
        bad(
            "change-rehashed",
            rehashed(|it| it.replace("allow", "deny")),
            4,
            R::BrokenChain,
        ),
        bad(
            "change-rehashed-seq",
            rehashed(|it| it.replace("\"seq\":3", "\"seq\":4")),
            3,
            R::Gap,
        ),
        bad("foreign-event", foreign, 3, R::ForeignOrg),
        bad("not-utf8", not_utf8, 3, R::MalformedEvent),
        bad(
            "space",
            rewrite(|it| it.replace(",\"id\"", ", \"id\"")),
            3,
            R::MalformedEvent,
        ),
        bad(
            "duplicate-member",
            rewrite(|it| {
                it.replace(
                    "\"decision\":\"allow\"",
                    "\"decision\":\"allow\",\"decision\":\"deny\"",
                )
            }),
            3,
            R::MalformedEvent,
        ),
        bad(
            "duplicate-top-member",
            rewrite(|it| it.replace(",\"v\":1}", ",\"subject\":\"x\",\"v\":1}")),
            3,
            R::MalformedEvent,
        ),
        bad(
            "escaped-duplicate",
            rewrite(|it| {
                it.replace(
                    "\"decision\":\"allow\"",
                    "\"decision\":\"allow\",\"\\u0064ecision\":\"deny\"",
                )
            }),
            3,
            R::MalformedEvent,
        ),
        bad(
            "unsorted",
            rewrite(|it| it.replace("{\"decision\"", "{\"z\":1,\"decision\"")),
            3,
            R::MalformedEvent,
        ),
        bad(
            "unknown-member",
            rewrite(|it| it.replace(",\"v\":1}", ",\"v\":1,\"w\":1}")),
            3,
            R::MalformedEvent,
        ),
        bad(
            "missing-member",
            rewrite(|it| it.replace("\"subject\":\"org\",", "")),
            3,
            R::MalformedEvent,
        ),
        bad(
            "null-member",
            rewrite(|it| it.replace(",\"seq\"", ",\"run\":null,\"seq\"")),
            3,
            R::MalformedEvent,
        ),
        bad(
            "version-2",
            rewrite(|it| it.replace("\"v\":1}", "\"v\":2}")),
            3,
            R::MalformedEvent,
        ),
        bad(
            "number-spelling",
            rewrite(|it| it.replace("\"allow\"", "1.0")),
            3,
            R::MalformedEvent,
        ),
        bad(
            "number-too-large",
            rewrite(|it| it.replace("\"allow\"", "9007199254740992")),
            3,
            R::MalformedEvent,
        ),
        bad(
            "escape-spelling",
            rewrite(|it| it.replace("allow", "\\u0061llow")),
            3,
            R::MalformedEvent,
        ),
        bad(
            "too-deep",
            rewrite(|it| it.replace("\"allow\"", &("[".repeat(70) + &"]".repeat(70)))),
            3,
            R::MalformedEvent,
        ),
        case(
            "rewritten-number",
            rewrite(|it| it.replace("\"allow\"", "1e-7")),
            None,
        ),
    ]
}

fn checkpoint_changed() -> Vec<Case> {
    use Reason as R;
    let (log, _) = five();
    let footer = |text: String| {
        let (log, mut lines) = five();
        lines[6] = line(&export::Footer {
            checkpoint: text,
            ..log.footer(1, 5, &[])
        });
        lines
    };
    let note = log.signed().to_string();
    let with = |checkpoint: Checkpoint| checkpoint.sign(&[&key(log.org, 1)]).to_string();
    let mut cosigned = note.clone();
    cosigned.push_str("\u{2014} witness.example AAAAAAAAAAAAAAAAAA==\n");
    let elsewhere = Checkpoint {
        origin: "chancery/log/x".to_owned(),
        ..log.checkpoint()
    };
    let smaller = Checkpoint {
        size: 4,
        ..log.checkpoint()
    };
    let other_root = Checkpoint {
        root: [7; 32],
        ..log.checkpoint()
    };
    let larger = Log::of(6);
    let mut longer = five().1;
    longer[6] = line(&export::Footer {
        checkpoint: larger.signed().to_string(),
        ..log.footer(1, 5, &[])
    });
    let mut announced = five().1;
    announced[0] = replace(&announced[0], "\"to_seq\":5", "\"to_seq\":3");
    announced.drain(4..6);
    vec![
        case("cosigned", footer(cosigned), None),
        bad(
            "flip-size",
            footer(note.replace("\n5\n", "\n9\n")),
            None,
            R::BadSignature,
        ),
        bad(
            "flip-root",
            footer(flip_after(&note, "\n5\n")),
            None,
            R::BadSignature,
        ),
        bad(
            "flip-signer",
            footer(note.replace("\u{2014} chancery/", "\u{2014} chancerY/")),
            None,
            R::UnknownKey,
        ),
        bad(
            "flip-signature-bytes",
            footer(flip_last_byte(&log)),
            None,
            R::BadSignature,
        ),
        bad(
            "not-a-note",
            footer(note.replace("\n\n", "\n")),
            None,
            R::BadCheckpoint,
        ),
        bad(
            "extension-line",
            footer(Note::sign(format!("{}x\n", log.checkpoint()), &[&key(log.org, 1)]).to_string()),
            None,
            R::BadCheckpoint,
        ),
        bad(
            "size-spelling",
            footer(
                Note::sign(
                    log.checkpoint().to_string().replace("\n5\n", "\n05\n"),
                    &[&key(log.org, 1)],
                )
                .to_string(),
            ),
            None,
            R::BadCheckpoint,
        ),
        bad(
            "unsigned",
            footer(log.checkpoint().sign(&[]).to_string()),
            None,
            R::BadCheckpoint,
        ),
        bad(
            "foreign-origin",
            footer(with(elsewhere)),
            None,
            R::ForeignOrg,
        ),
        bad(
            "smaller-checkpoint",
            footer(with(smaller)),
            None,
            R::BadCheckpoint,
        ),
        bad("other-root", footer(with(other_root)), None, R::WrongRoot),
        bad("larger-checkpoint", longer, 6, R::Truncated),
        bad("cut-and-announced", announced, 4, R::Truncated),
        bad("rechained", rechained(), None, R::WrongRoot),
    ]
}

/// Changes the first character after `mark` to another of the same alphabet.
fn flip_after(text: &str, mark: &str) -> String {
    let at = text.find(mark).unwrap() + mark.len();
    let other = if text.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

fn flip_last_byte(log: &Log) -> String {
    let text = log.signed().to_string();
    let at = text.len() - 12;
    let other = if text.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

/// The third event is changed and everything after it chained anew; the checkpoint is the old one.
fn rechained() -> Vec<Vec<u8>> {
    let (log, mut lines) = five();
    let other = rewritten(|it| it.replace("allow", "deny"));
    lines = [
        vec![lines.remove(0)],
        other.all()[1..6].to_vec(),
        lines.split_off(5),
    ]
    .concat();
    assert_ne!(other.checkpoint().root, log.checkpoint().root);
    lines
}

fn keys_changed() -> Vec<Case> {
    use Reason as R;
    let log = rotated();
    let footer = || log.footer(1, log.size(), &[]);
    let with = |footer: export::Footer| {
        let mut lines = log.all();
        *lines.last_mut().unwrap() = line(&footer);
        lines
    };
    let mut stranger = Log::new(id(1), 9);
    (0..5).for_each(|_| stranger.grow());
    let resigned = changed(|it| {
        it[6] = line(&export::Footer {
            checkpoint: Log::of(5).checkpoint().sign(&[&key(id(1), 9)]).to_string(),
            ..Log::of(5).footer(1, 5, &[])
        });
    });
    let retired = log.checkpoint().sign(&[&key(log.org, 1)]).to_string();
    let mut hidden = Log::of(3);
    hidden.announce(2);
    let mut alone = Log::of(3);
    alone.announce(2);
    alone.hand_over(2, alone.checkpoint().sign(&[&key(alone.org, 2)]));
    alone.grow();
    let mut other_event = footer();
    other_event.rotations[0].event = log.events[0].0.clone();
    let mut other_proof = footer();
    other_proof.rotations[1].inclusion.clear();
    let mut swapped = footer();
    swapped.rotations.swap(0, 1);
    let mut dropped = log.all();
    let mut header = log.header(1, log.size());
    header.keys.remove(0);
    dropped[0] = line(&header);
    *dropped.last_mut().unwrap() = line(&export::Footer {
        rotations: footer().rotations[1..].to_vec(),
        ..footer()
    });
    let broken_key = changed(|it| it[0] = replace(&it[0], "+AY", "+BY"));
    let foreign_key = changed(|it| {
        let mut header = Log::of(5).header(1, 5);
        header.keys = vec![key(id(2), 1).public().to_string()];
        it[0] = line(&header);
    });
    vec![
        bad("another-key", stranger.all(), None, R::UnknownKey),
        bad("resigned", resigned, None, R::UnknownKey),
        bad(
            "retired-key",
            with(export::Footer {
                checkpoint: retired,
                ..footer()
            }),
            None,
            R::UnknownKey,
        ),
        bad("rotation-hidden", hidden.all(), 4, R::BadRotation),
        bad(
            "rotation-by-the-new-key-alone",
            alone.all(),
            None,
            R::BadRotation,
        ),
        bad(
            "rotation-other-event",
            with(other_event),
            None,
            R::BadRotation,
        ),
        bad("rotation-no-proof", with(other_proof), None, R::BadRotation),
        bad("rotation-order", with(swapped), None, R::BadRotation),
        bad("rotation-dropped", dropped, 4, R::BadRotation),
        bad("key-malformed", broken_key, None, R::BadRotation),
        bad("key-foreign", foreign_key, None, R::ForeignOrg),
    ]
}

fn parts_changed() -> Vec<Case> {
    use Reason as R;
    let log = Log::of(20);
    let part = || log.lines(8, 12, &[]);
    let with = |change: fn(&mut export::Footer)| {
        let mut lines = part();
        let mut footer = log.footer(8, 12, &[]);
        change(&mut footer);
        *lines.last_mut().unwrap() = line(&footer);
        lines
    };
    let mut moved = part();
    moved[0] = line(&log.header(9, 12));
    let mut changed = part();
    changed[1] = event_line(&log.events[7].0.replace("\"at\":\"2026", "\"at\":\"2025"));
    let mut end = part();
    end[5] = event_line(&log.events[11].0.replace("\"at\":\"2026", "\"at\":\"2025"));
    vec![
        bad(
            "part-without-proof",
            with(|it| it.inclusion = None),
            None,
            R::BadProof,
        ),
        bad(
            "part-first-proof",
            with(|it| it.inclusion.as_mut().unwrap().first.reverse()),
            8,
            R::BadProof,
        ),
        bad(
            "part-last-proof",
            with(|it| it.inclusion.as_mut().unwrap().last.truncate(1)),
            12,
            R::BadProof,
        ),
        bad("part-first-event-other-header", moved, 9, R::Duplicate),
        bad("part-first-changed", changed, 9, R::BrokenChain),
        bad("part-last-changed", end, 12, R::BadProof),
        bad(
            "part-middle-deleted",
            {
                let mut it = part();
                it.remove(3);
                it
            },
            10,
            R::Gap,
        ),
    ]
}

fn witnesses() -> Vec<Case> {
    use Reason as R;
    let long = Log::of(9);
    let forked = rewritten(|it| it.replace("allow", "deny"));
    let mut stranger = Log::new(id(2), 1);
    stranger.grow();
    vec![
        witnessed(
            bad("rolled-back", five().1, None, R::RolledBack),
            long.signed(),
        ),
        witnessed(
            bad("forked", forked.all(), None, R::Forked),
            Log::of(4).signed(),
        ),
        witnessed(
            bad("forked-part", forked.lines(4, 5, &[4]), None, R::Forked),
            Log::of(4).signed(),
        ),
        witnessed(
            bad("forked-now", forked.lines(4, 5, &[]), None, R::Forked),
            Log::of(5).signed(),
        ),
        witnessed(
            bad("witness-unproved", long.lines(4, 5, &[]), None, R::BadProof),
            Log::of(3).signed(),
        ),
        witnessed(
            bad("witness-elsewhere", long.all(), None, R::ForeignOrg),
            stranger.signed(),
        ),
        case("forked-unseen", forked.all(), None),
    ]
}
