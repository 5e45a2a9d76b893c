//! Verifying the record where it is stored: every event is hashed again from its row and held
//! against its seal, the tree against its tiles, and the head against the signed checkpoint.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use db::OrgContext;
use vocab::Digest;

use crate::checkpoint::Checkpoint;
use crate::entry::{self, GENESIS};
use crate::error::JournalError;
use crate::keys::LogKey;
use crate::merkle::{Frontier, Hash, leaf};
use crate::note::{Note, Signed, VerifyingKey};
use crate::proof::{TILE_HEIGHT, TILE_WIDTH};
use crate::reader;
use crate::sealed::Stored;
use crate::stored_export::read_range;
use crate::verify::{Fault, Reason, Report, SignedCheckpoint, Trust};

/// How many events are read at once.
const PAGE: u64 = 2_000;

/// Verifies an organisation's stored record up to its newest checkpoint. Without keys in `trust`
/// the stored ones are believed.
///
/// # Errors
/// The database; [`JournalError::NothingSealed`]. What is wrong with the record is in the report.
pub async fn verify_stored(ctx: &OrgContext, trust: &Trust) -> Result<Report, JournalError> {
    let mut tx = ctx.read().await?;
    let (checkpoint, note) = reader::read_checkpoint(&mut tx).await?;
    let mut keys = reader::read_keys(&mut tx).await?;
    keys.retain(LogKey::is_in_office);
    drop(tx);
    let mut audit = Audit::new(trust);
    let mut fault = None;
    while fault.is_none() && audit.frontier.size() < checkpoint.size {
        let first = audit.frontier.size() + 1;
        let last = checkpoint.size.min(first + PAGE - 1);
        let mut tx = ctx.read().await?;
        let page = read_range(ctx, &mut tx, first, last).await?;
        fault = audit.page(page, last).err();
        if fault.is_none() {
            fault = audit.check_tiles(&mut tx).await?.err();
        }
        tokio::task::yield_now().await;
    }
    let closed = match fault {
        Some(fault) => Err(fault),
        None => audit.close(&checkpoint, &note, &keys, trust),
    };
    let Checkpoint { origin, size, root } = checkpoint;
    let (signed_by, first_bad) = match closed {
        Ok(signed_by) => (signed_by, None),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    let root = BASE64.encode(root);
    Ok(Report {
        ok: first_bad.is_none(),
        org: Some(ctx.org()),
        from_seq: 1,
        to_seq: size,
        events: audit.frontier.size(),
        complete: audit.frontier.size() == size,
        checkpoint: Some(SignedCheckpoint {
            origin,
            size,
            root,
            signed_by,
        }),
        keys: keys.into_iter().map(|key| key.vkey).collect(),
        first_bad,
    })
}

struct Audit<'a> {
    trust: &'a Trust,
    frontier: Frontier,
    prev: Digest,
    /// Tiles that should be stored, from level 1 on, by level; the complete ones are checked and
    /// forgotten.
    tiles: BTreeMap<u32, Vec<Hash>>,
    /// Complete tiles that are still to be checked.
    finished: Vec<(u32, u64, Vec<Hash>)>,
    roots_seen: Vec<(u64, Hash)>,
}

impl<'a> Audit<'a> {
    fn new(trust: &'a Trust) -> Self {
        Self {
            trust,
            frontier: Frontier::default(),
            prev: GENESIS,
            tiles: BTreeMap::new(),
            finished: Vec::new(),
            roots_seen: Vec::new(),
        }
    }

    fn page(&mut self, page: Vec<(u64, Digest, Option<Stored>)>, last: u64) -> Result<(), Fault> {
        let mut canonical = String::new();
        for (seq, sealed, event) in page {
            let expected = self.frontier.size() + 1;
            let missing = |what: &str| Fault::new(Some(expected), Reason::Gap, what);
            if seq != expected {
                return Err(missing("its seal is missing"));
            }
            let event = event.ok_or_else(|| missing("the event is missing"))?;
            canonical.clear();
            event.write(seq, &self.prev, &mut canonical);
            let hash = entry::hash(canonical.as_bytes());
            if hash != sealed {
                let detail = "the event or the one before it is not what was sealed";
                return Err(Fault::new(Some(seq), Reason::HashMismatch, detail));
            }
            self.append(hash);
        }
        if self.frontier.size() < last {
            let seq = Some(self.frontier.size() + 1);
            return Err(Fault::new(
                seq,
                Reason::Truncated,
                "the seals end before the checkpoint",
            ));
        }
        Ok(())
    }

    fn append(&mut self, hash: Digest) {
        self.prev = hash;
        let (tiles, finished) = (&mut self.tiles, &mut self.finished);
        self.frontier.push_with(leaf(&hash), |done| {
            if !done.level.is_multiple_of(TILE_HEIGHT) {
                return;
            }
            let level = done.level / TILE_HEIGHT;
            let tile = tiles.entry(level).or_default();
            tile.push(done.hash);
            if (done.index + 1).is_multiple_of(TILE_WIDTH) {
                finished.push((level, done.index / TILE_WIDTH, std::mem::take(tile)));
            }
        });
        let size = self.frontier.size();
        if self.trust.witnesses.iter().any(|it| it.size == size) {
            self.roots_seen.push((size, self.frontier.root()));
        }
    }

    /// Holds the tiles that the last page filled against the stored ones, and the open ones too.
    async fn check_tiles(
        &mut self,
        tx: &mut db::ReadTx,
    ) -> Result<Result<(), Fault>, JournalError> {
        let size = self.frontier.size();
        let open = self.tiles.iter().filter(|(_, hashes)| !hashes.is_empty());
        let open = open.map(|(level, hashes)| {
            (
                *level,
                (size >> (level * TILE_HEIGHT)) / TILE_WIDTH,
                hashes.clone(),
            )
        });
        let tiles: Vec<_> = self.finished.drain(..).chain(open).collect();
        for (level, tile, hashes) in tiles {
            // The stored tile may have grown since.
            if !reader::read_tile(tx, level, tile)
                .await?
                .starts_with(&hashes)
            {
                let detail = format!("tile {tile} of level {level} is not that of the events");
                return Ok(Err(Fault::new(None, Reason::WrongRoot, detail)));
            }
        }
        Ok(Ok(()))
    }

    /// Which trusted keys signed the checkpoint, if everything fits it.
    fn close(
        &self,
        checkpoint: &Checkpoint,
        note: &Note,
        keys: &[LogKey],
        trust: &Trust,
    ) -> Result<Vec<String>, Fault> {
        if self.frontier.root() != checkpoint.root {
            let detail = "the events don't make the checkpoint's root";
            return Err(Fault::new(None, Reason::WrongRoot, detail));
        }
        let mut signed_by = Vec::new();
        let mut trusted = trust.keys.is_empty();
        for key in keys {
            let parsed: Option<VerifyingKey> = key.vkey.parse().ok();
            let Some(parsed) = parsed else {
                let detail = format!("key {} is not a key", key.number);
                return Err(Fault::new(None, Reason::BadRotation, detail));
            };
            trusted |= trust.keys.contains(&parsed);
            match note.signed_by(&parsed) {
                Signed::Valid if trusted => signed_by.push(key.vkey.clone()),
                Signed::Valid | Signed::No => {}
                Signed::Invalid => {
                    let detail = format!("the signature in the name of `{parsed}` is not its own");
                    return Err(Fault::new(None, Reason::BadSignature, detail));
                }
            }
        }
        if signed_by.is_empty() {
            return Err(Fault::new(
                None,
                Reason::UnknownKey,
                "no trusted key signed the checkpoint",
            ));
        }
        self.check_witnesses(checkpoint)?;
        Ok(signed_by)
    }

    fn check_witnesses(&self, checkpoint: &Checkpoint) -> Result<(), Fault> {
        for witness in &self.trust.witnesses {
            if witness.origin != checkpoint.origin {
                return Err(Fault::new(
                    None,
                    Reason::ForeignOrg,
                    "the witness saw another log",
                ));
            }
            let seen = self
                .roots_seen
                .iter()
                .find(|(size, _)| *size == witness.size);
            match seen {
                Some((_, root)) if *root == witness.root => {}
                Some(_) => {
                    let detail = format!(
                        "the first {} events are not those that a witness saw",
                        witness.size
                    );
                    return Err(Fault::new(None, Reason::Forked, detail));
                }
                None => {
                    let detail = format!(
                        "a witness saw {} events, now there are {}",
                        witness.size, checkpoint.size
                    );
                    return Err(Fault::new(None, Reason::RolledBack, detail));
                }
            }
        }
        Ok(())
    }
}
