//! Making inclusion and consistency proofs from tiles.
//!
//! A tile holds 256 neighbouring hashes of one level in eight: tile `i` of tile level `k` holds the
//! nodes `256·i … 256·i+255` of the tree's level `8·k`. Whoever proves something first asks a
//! [`Plan`] which tiles it needs, reads them, and hands them in; no I/O happens here. The last tile
//! of a level may be shorter. Tile level 0 is not stored: it is made from the hashes of the events.

use std::collections::{BTreeSet, HashMap};

use crate::merkle::{Hash, node, perfect_root};

/// How many hashes a tile holds.
pub const TILE_WIDTH: u64 = 256;
/// How many levels of the tree lie between two tile levels.
pub const TILE_HEIGHT: u32 = 8;

/// Which tile: its level and its place, both from 0.
pub type TileAt = (u32, u64);

/// Leaves from `start` on, `count` of them, whose root is a step of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    start: u64,
    count: u64,
}

/// The steps of a proof before their hashes are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    steps: Vec<Range>,
}

/// The tiles don't hold what the proof needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("tile {} of level {} is missing or too short", .0.1, .0.0)]
pub struct MissingTile(pub TileAt);

impl Plan {
    /// The proof that leaf `index` (from 0) is in the tree of `size` leaves (RFC 6962, 2.1.1).
    /// `None` if the tree has no such leaf.
    #[must_use]
    pub fn inclusion(index: u64, size: u64) -> Option<Self> {
        let mut steps = Vec::new();
        let mut range = Range {
            start: 0,
            count: size,
        };
        if index >= size {
            return None;
        }
        while range.count > 1 {
            let (left, right) = range.split();
            let beside = if index < right.start { right } else { left };
            range = if index < right.start { left } else { right };
            steps.push(beside);
        }
        steps.reverse();
        Some(Self { steps })
    }

    /// The proof that the tree of `new` leaves begins with that of `old` (RFC 6962, 2.1.2). `None`
    /// if it is the smaller one, or if the old one is empty.
    #[must_use]
    pub fn consistency(old: u64, new: u64) -> Option<Self> {
        if old == 0 || old > new {
            return None;
        }
        let mut steps = Vec::new();
        let mut range = Range {
            start: 0,
            count: new,
        };
        // Whether the subtree at hand is the old tree itself, whose root the verifier knows.
        let mut whole = true;
        while range.start + range.count != old {
            let (left, right) = range.split();
            if old <= right.start {
                steps.push(right);
                range = left;
            } else {
                steps.push(left);
                range = right;
                whole = false;
            }
        }
        if !whole {
            steps.push(range);
        }
        steps.reverse();
        Some(Self { steps })
    }

    /// The tiles that [`Plan::resolve`] will look into.
    #[must_use]
    pub fn tiles(&self) -> BTreeSet<TileAt> {
        let nodes = self.steps.iter().flat_map(|step| step.perfect());
        nodes.map(|(level, index)| place(level, index).0).collect()
    }

    /// The hashes of the steps, from the leaf's side to the root's.
    ///
    /// # Errors
    /// A tile that [`Plan::tiles`] named is not there or too short.
    pub fn resolve(&self, tiles: &HashMap<TileAt, Vec<Hash>>) -> Result<Vec<Hash>, MissingTile> {
        self.steps.iter().map(|step| root(*step, tiles)).collect()
    }
}

impl Range {
    /// At the largest power of two below the count. There are at least two leaves.
    fn split(self) -> (Self, Self) {
        let count = 1 << (u64::BITS - 1 - (self.count - 1).leading_zeros());
        let left = Self {
            start: self.start,
            count,
        };
        (
            left,
            Self {
                start: self.start + count,
                count: self.count - count,
            },
        )
    }

    /// The perfect subtrees that it is made of, from the left, as level and index.
    fn perfect(self) -> Vec<(u32, u64)> {
        let (mut start, mut count) = (self.start, self.count);
        let mut out = Vec::new();
        while count > 0 {
            let level = u64::BITS - 1 - count.leading_zeros();
            out.push((level, start >> level));
            start += 1 << level;
            count -= 1 << level;
        }
        out
    }
}

/// The tile that holds a perfect subtree, and which part of it.
fn place(level: u32, index: u64) -> (TileAt, usize, usize) {
    let width = 1_u64 << (level % TILE_HEIGHT);
    let first = index * width;
    let at = (level / TILE_HEIGHT, first / TILE_WIDTH);
    // Both are below 256.
    (at, (first % TILE_WIDTH) as usize, width as usize)
}

fn root(range: Range, tiles: &HashMap<TileAt, Vec<Hash>>) -> Result<Hash, MissingTile> {
    let mut below: Option<Hash> = None;
    for (level, index) in range.perfect().into_iter().rev() {
        let (at, first, width) = place(level, index);
        let nodes = tiles
            .get(&at)
            .and_then(|tile| tile.get(first..first + width));
        let hash = nodes.and_then(perfect_root).ok_or(MissingTile(at))?;
        below = Some(below.map_or(hash, |right| node(&hash, &right)));
    }
    below.ok_or(MissingTile((0, 0)))
}
