//! Checking an export's last line: rotations of the key, the signature, the root or the proofs, and
//! what witnesses saw.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::chain::{Events, is_of, root_at};
use super::{Fault, Reason, SignedCheckpoint, Trust};
use crate::checkpoint::Checkpoint;
use crate::entry;
use crate::export::{Footer, Header, KeyRotated, Rotation, hashes};
use crate::merkle;
use crate::note::{Note, Signed, VerifyingKey};
use crate::scan;

/// What a sound last line leaves for the report.
pub(crate) struct Closed {
    pub checkpoint: SignedCheckpoint,
}

/// One key of the log, and the sizes of the checkpoints that it may sign.
struct LogKey {
    key: VerifyingKey,
    from_size: u64,
    /// `None` as long as it has no successor.
    to_size: Option<u64>,
}

pub(crate) fn check(
    header: &Header,
    footer: &Footer,
    events: &Events,
    trust: &Trust,
) -> Result<Closed, Fault> {
    let (note, checkpoint) = read_checkpoint(&footer.checkpoint)
        .ok_or_else(|| fault(Reason::BadCheckpoint, "the checkpoint is not a signed one"))?;
    if checkpoint.size < header.to_seq {
        return Err(fault(
            Reason::BadCheckpoint,
            "the checkpoint covers fewer events than these",
        ));
    }
    if !is_of(header, &checkpoint.origin) {
        let detail = format!("the checkpoint is that of `{}`", checkpoint.origin);
        return Err(fault(Reason::ForeignOrg, detail));
    }
    let keys = check_rotations(header, footer, events, &checkpoint)?;
    let signed_by = check_signatures(&keys, &note, &checkpoint, trust)?;
    check_events(header, footer, events, &checkpoint)?;
    check_witnesses(footer, events, &checkpoint, trust)?;
    let Checkpoint { origin, size, root } = checkpoint;
    let root = BASE64.encode(root);
    Ok(Closed {
        checkpoint: SignedCheckpoint {
            origin,
            size,
            root,
            signed_by,
        },
    })
}

fn fault(reason: Reason, detail: impl Into<String>) -> Fault {
    Fault::new(None, reason, detail)
}

fn read_checkpoint(text: &str) -> Option<(Note, Checkpoint)> {
    let note: Note = text.parse().ok()?;
    let checkpoint = Checkpoint::parse(&note).ok()?;
    Some((note, checkpoint))
}

/// Each rotation hands over from one key of the first line to the next.
fn check_rotations(
    header: &Header,
    footer: &Footer,
    events: &Events,
    checkpoint: &Checkpoint,
) -> Result<Vec<LogKey>, Fault> {
    let bad = |detail: &str| fault(Reason::BadRotation, detail);
    let parsed: Result<Vec<VerifyingKey>, _> = header.keys.iter().map(|it| it.parse()).collect();
    let parsed = parsed.map_err(|_| bad("one of the log's keys is not a key"))?;
    if parsed.iter().any(|key| !is_of(header, key.name())) {
        return Err(fault(
            Reason::ForeignOrg,
            "one of the keys is another log's",
        ));
    }
    if parsed.len() != footer.rotations.len() + 1 {
        return Err(bad("there is not one rotation between each two keys"));
    }
    let mut keys: Vec<LogKey> = Vec::new();
    let mut rotated_at: Vec<u64> = Vec::new();
    for (pair, rotation) in parsed.windows(2).zip(&footer.rotations) {
        let [old, new] = pair else { continue };
        let (seq, size) = check_rotation(header, rotation, (old, new), checkpoint)
            .ok_or_else(|| bad("a key's handing over to the next does not hold"))?;
        let from_size = rotated_at.last().copied().unwrap_or(0);
        if seq <= from_size {
            return Err(bad("the rotations are not in order"));
        }
        keys.push(LogKey {
            key: old.clone(),
            from_size,
            to_size: Some(size),
        });
        rotated_at.push(seq);
    }
    if let Some(seq) = events
        .rotations
        .iter()
        .find(|seq| !rotated_at.contains(seq))
    {
        let detail = "the event rotates the key and the last line does not say so";
        return Err(Fault::new(Some(*seq), Reason::BadRotation, detail));
    }
    let from_size = rotated_at.last().copied().unwrap_or(0);
    keys.extend(parsed.last().map(|key| LogKey {
        key: key.clone(),
        from_size,
        to_size: None,
    }));
    Ok(keys)
}

/// The seq of the rotation and the size of the checkpoint that carries it.
fn check_rotation(
    header: &Header,
    rotation: &Rotation,
    (old, new): (&VerifyingKey, &VerifyingKey),
    checkpoint: &Checkpoint,
) -> Option<(u64, u64)> {
    let event = scan::event(rotation.event.as_bytes())?;
    let facts: KeyRotated = serde_json::from_str(event.data).ok()?;
    let names = facts.old_key == old.to_string() && facts.new_key == new.to_string();
    let kind = event.kind == vocab::EventKind::LogKeyRotated.as_str();
    let (note, handover) = read_checkpoint(&rotation.note)?;
    let signed = [old, new]
        .into_iter()
        .all(|key| note.signed_by(key) == Signed::Valid);
    let leaf = merkle::leaf(&entry::hash(rotation.event.as_bytes()));
    let included = merkle::verify_inclusion(
        &leaf,
        event.seq - 1,
        handover.size,
        &hashes(&rotation.inclusion),
        &handover.root,
    );
    let consistent = merkle::verify_consistency(
        (handover.size, &handover.root),
        (checkpoint.size, &checkpoint.root),
        &hashes(&rotation.consistency),
    );
    let sound = names
        && kind
        && signed
        && included
        && consistent
        && event.org == header.org
        && is_of(header, &handover.origin);
    sound.then_some((event.seq, handover.size))
}

/// Which trusted keys signed. Trust goes from each key on to its successors.
fn check_signatures(
    keys: &[LogKey],
    note: &Note,
    checkpoint: &Checkpoint,
    trust: &Trust,
) -> Result<Vec<String>, Fault> {
    let mut trusted = false;
    let mut signed_by = Vec::new();
    for LogKey {
        key,
        from_size,
        to_size,
    } in keys
    {
        trusted |= trust.keys.contains(key);
        let in_time =
            checkpoint.size >= *from_size && to_size.is_none_or(|to| checkpoint.size <= to);
        if !trusted || !in_time {
            continue;
        }
        match note.signed_by(key) {
            Signed::Valid => signed_by.push(key.to_string()),
            Signed::No => {}
            Signed::Invalid => {
                let detail = format!("the signature in the name of `{key}` is not its own");
                return Err(fault(Reason::BadSignature, detail));
            }
        }
    }
    if signed_by.is_empty() {
        let detail = "no key that is trusted for a checkpoint of this size signed it";
        return Err(fault(Reason::UnknownKey, detail));
    }
    Ok(signed_by)
}

/// All events must make the root; some must be proved to be in the tree.
fn check_events(
    header: &Header,
    footer: &Footer,
    events: &Events,
    checkpoint: &Checkpoint,
) -> Result<(), Fault> {
    if header.from_seq == 1 && header.to_seq == checkpoint.size {
        if events.frontier.root() == checkpoint.root {
            return Ok(());
        }
        let detail = format!(
            "events 1 to {} don't make the checkpoint's root",
            checkpoint.size
        );
        return Err(fault(Reason::WrongRoot, detail));
    }
    let (Some(first), Some(last)) = (events.first, events.last) else {
        return Err(fault(Reason::BadProof, "there is no event to prove"));
    };
    let Some(proofs) = &footer.inclusion else {
        if header.from_seq == 1 {
            let seq = Some(header.to_seq + 1);
            let detail = format!("the checkpoint covers {} events", checkpoint.size);
            return Err(Fault::new(seq, Reason::Truncated, detail));
        }
        return Err(fault(
            Reason::BadProof,
            "nothing ties the events to the checkpoint",
        ));
    };
    let proved = |leaf, seq: u64, proof| {
        merkle::verify_inclusion(
            leaf,
            seq - 1,
            checkpoint.size,
            &hashes(proof),
            &checkpoint.root,
        )
    };
    if !proved(&first, header.from_seq, &proofs.first) {
        let detail = "it is not in the checkpoint's tree";
        return Err(Fault::new(Some(header.from_seq), Reason::BadProof, detail));
    }
    if !proved(&last, header.to_seq, &proofs.last) {
        let detail = "it is not in the checkpoint's tree";
        return Err(Fault::new(Some(header.to_seq), Reason::BadProof, detail));
    }
    Ok(())
}

/// The tree must go on from each tree that a witness saw.
fn check_witnesses(
    footer: &Footer,
    events: &Events,
    checkpoint: &Checkpoint,
    trust: &Trust,
) -> Result<(), Fault> {
    for witness in &trust.witnesses {
        if witness.origin != checkpoint.origin {
            return Err(fault(Reason::ForeignOrg, "the witness saw another log"));
        }
        if checkpoint.size < witness.size {
            let detail = format!(
                "a witness saw {} events, now there are {}",
                witness.size, checkpoint.size
            );
            return Err(fault(Reason::RolledBack, detail));
        }
        let same = if let Some(root) = root_at(events, witness) {
            root == witness.root
        } else {
            let proof = footer.consistency.iter().find(|it| it.size == witness.size);
            // A proof of the same size is empty and needs nobody to make it.
            let proof = proof.map(|it| hashes(&it.proof));
            let proof = proof.or_else(|| (witness.size == checkpoint.size).then(Vec::new));
            let Some(proof) = proof else {
                let detail = format!(
                    "nothing ties the checkpoint to the one of size {}",
                    witness.size
                );
                return Err(fault(Reason::BadProof, detail));
            };
            merkle::verify_consistency(
                (witness.size, &witness.root),
                (checkpoint.size, &checkpoint.root),
                &proof,
            )
        };
        if !same {
            let detail = format!(
                "the first {} events are not those that a witness saw",
                witness.size
            );
            return Err(fault(Reason::Forked, detail));
        }
    }
    Ok(())
}
