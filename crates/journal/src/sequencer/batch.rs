//! Sealing one batch: numbers, hashes and tree of one organisation's events. No I/O.

use std::collections::BTreeMap;

use vocab::{Digest, EventKind};

use crate::checkpoint::{self, Checkpoint};
use crate::entry;
use crate::export::KeyRotated;
use crate::keys::Signer;
use crate::merkle::{self, Frontier, Hash};
use crate::proof::{TILE_HEIGHT, TILE_WIDTH, TileAt};
use crate::sealed::{SealedEvent, Stored};

/// How far one organisation's record reaches, and what its next batch needs.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub org: vocab::OrgId,
    pub last: Digest,
    pub frontier: Frontier,
    /// The last, unfinished tile of each tile level from 1 on.
    pub open_tiles: BTreeMap<u32, Vec<Hash>>,
    /// The key in office first, then those that wait to be announced.
    pub signers: Vec<Signer>,
}

/// What one batch adds to one organisation's record.
pub(crate) struct Sealing {
    pub head: Head,
    /// The seq of the first event.
    pub first: u64,
    /// The `ord` of each event and its hash, in the order of their seqs.
    pub seals: Vec<(i64, Digest)>,
    pub tiles: BTreeMap<TileAt, Vec<Hash>>,
    pub checkpoint: String,
    /// The keys that this checkpoint hands over to, with the seq that announced each.
    pub handovers: Vec<(Signer, u64)>,
    /// For those who listen; `None` if nobody did when the batch began.
    pub events: Option<Vec<SealedEvent>>,
}

/// Seals events in the order in which they are given.
pub(crate) fn seal(mut head: Head, events: Vec<(i64, Stored)>, render: bool) -> Sealing {
    let first = head.frontier.size() + 1;
    let mut seals = Vec::with_capacity(events.len());
    let mut rendered = render.then(|| Vec::with_capacity(events.len()));
    let mut completed: Vec<(u32, Hash)> = Vec::new();
    let mut announced: Vec<(KeyRotated, u64)> = Vec::new();
    let mut canonical = String::new();
    for (ord, event) in events {
        let seq = head.frontier.size() + 1;
        canonical.clear();
        event.write(seq, &head.last, &mut canonical);
        let hash = entry::hash(canonical.as_bytes());
        head.frontier.push_with(merkle::leaf(&hash), |done| {
            if done.level.is_multiple_of(TILE_HEIGHT) {
                completed.push((done.level / TILE_HEIGHT, done.hash));
            }
        });
        head.last = hash;
        seals.push((ord, hash));
        if event.kind == EventKind::LogKeyRotated.as_str() {
            announced.extend(
                serde_json::from_str(&event.data)
                    .ok()
                    .map(|facts| (facts, seq)),
            );
        }
        if let Some(rendered) = &mut rendered {
            rendered.push(event.sealed(seq, hash, canonical.clone()));
        }
    }
    let tiles = fill_tiles(&mut head, completed);
    let (checkpoint, handovers) = sign(&mut head, announced);
    Sealing {
        head,
        first,
        seals,
        tiles,
        checkpoint,
        handovers,
        events: rendered,
    }
}

/// Puts completed subtrees into tiles; answers each tile that changed, whole.
fn fill_tiles(head: &mut Head, completed: Vec<(u32, Hash)>) -> BTreeMap<TileAt, Vec<Hash>> {
    let mut changed = BTreeMap::new();
    let mut before: BTreeMap<u32, u64> = BTreeMap::new();
    for (level, _) in &completed {
        *before.entry(*level).or_default() += 1;
    }
    // How many hashes the level had before this batch.
    for (level, count) in &mut before {
        *count = (head.frontier.size() >> (level * TILE_HEIGHT)) - *count;
    }
    for (level, hash) in completed {
        let at = before.entry(level).or_default();
        let tile = head.open_tiles.entry(level).or_default();
        tile.push(hash);
        changed.insert((level, *at / TILE_WIDTH), tile.clone());
        *at += 1;
        if at.is_multiple_of(TILE_WIDTH) {
            tile.clear();
        }
    }
    changed
}

/// Signs the checkpoint by the key in office and by each that was announced in this batch, which
/// takes over.
fn sign(head: &mut Head, announced: Vec<(KeyRotated, u64)>) -> (String, Vec<(Signer, u64)>) {
    let mut signing: Vec<Signer> = head.signers.iter().take(1).cloned().collect();
    let mut handovers = Vec::new();
    for (facts, seq) in announced {
        let next = head
            .signers
            .iter()
            .position(|signer| signer.vkey == facts.new_key);
        let follows = signing
            .last()
            .is_some_and(|signer| signer.vkey == facts.old_key);
        let Some(next) = next.filter(|_| follows) else {
            tracing::error!(org = %head.org, seq, "an event announces a key that the log does not have");
            continue;
        };
        head.signers.drain(..next);
        if let Some(signer) = head.signers.first_mut() {
            signer.in_office = true;
            signing.push(signer.clone());
            handovers.push((signer.clone(), seq));
        }
    }
    let checkpoint = Checkpoint {
        origin: checkpoint::origin(head.org),
        size: head.frontier.size(),
        root: head.frontier.root(),
    };
    let keys: Vec<_> = signing.iter().map(|signer| &*signer.key).collect();
    (checkpoint.sign(&keys).to_string(), handovers)
}
