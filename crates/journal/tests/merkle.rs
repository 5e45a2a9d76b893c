//! The tree against RFC 6962's published vectors and against another implementation of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

use std::collections::HashMap;

use journal::merkle::{self, Frontier, Hash};
use journal::proof::{Plan, TILE_HEIGHT, TILE_WIDTH, TileAt};
use proptest::prelude::*;
use tlog_tiles::tlog;
use vocab::Digest;

/// A tree with every tile, and the same tree in the other implementation's own layout.
#[derive(Default)]
struct Tree {
    frontier: Frontier,
    tiles: HashMap<TileAt, Vec<Hash>>,
    theirs: Vec<tlog::Hash>,
}

struct Theirs<'a>(&'a [tlog::Hash]);

impl tlog::HashReader for Theirs<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        Ok(indexes
            .iter()
            .map(|index| self.0[*index as usize])
            .collect())
    }
}

impl Tree {
    fn of(count: u64) -> Self {
        let mut tree = Self::default();
        (0..count).for_each(|index| tree.push(index));
        tree
    }

    fn push(&mut self, index: u64) {
        let event = Digest::of(&index.to_be_bytes());
        let leaf = merkle::leaf(&event);
        let tiles = &mut self.tiles;
        tiles.entry((0, index / TILE_WIDTH)).or_default().push(leaf);
        self.frontier.push_with(leaf, |done| {
            if done.level % TILE_HEIGHT == 0 {
                let at = (done.level / TILE_HEIGHT, done.index / TILE_WIDTH);
                tiles.entry(at).or_default().push(done.hash);
            }
        });
        let more = tlog::stored_hashes(index, event.as_bytes(), &Theirs(&self.theirs)).unwrap();
        self.theirs.extend(more);
    }

    fn their_root(&self, size: u64) -> tlog::Hash {
        if size == 0 {
            return tlog::Hash(merkle::empty_root());
        }
        tlog::tree_hash(size, &Theirs(&self.theirs)).unwrap()
    }
}

fn event(index: u64) -> Digest {
    Digest::of(&index.to_be_bytes())
}

#[test]
fn roots_agree_at_every_size() {
    let mut tree = Tree::default();
    assert_eq!(tree.frontier.root(), merkle::empty_root());
    for index in 0..600 {
        tree.push(index);
        assert_eq!(tree.frontier.root(), tree.their_root(index + 1).0);
        let bytes = tree.frontier.to_bytes();
        assert_eq!(Frontier::from_bytes(&bytes).as_ref(), Some(&tree.frontier));
        assert_eq!(Frontier::from_bytes(&bytes[..bytes.len() - 1]), None);
    }
}

/// The leaf and node vectors that the certificate transparency reference implementation publishes:
/// the empty tree, the leaf of no data and the leaf of one zero byte's sibling are fixed by SHA-256.
#[test]
fn the_empty_tree_and_a_node_are_those_of_the_rfc() {
    let hex = |hash: Hash| Digest::from_bytes(hash).hex();
    assert_eq!(
        hex(merkle::empty_root()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(
        tlog::record_hash(&[7; 32]).0,
        merkle::leaf(&Digest::from_bytes([7; 32]))
    );
    let (left, right) = ([1; 32], [2; 32]);
    assert_eq!(
        tlog::node_hash(tlog::Hash(left), tlog::Hash(right)).0,
        merkle::node(&left, &right)
    );
}

#[test]
fn every_small_proof_is_the_other_implementations_and_verifies() {
    let tree = Tree::of(70);
    for size in 1..=70 {
        let root = tree.their_root(size).0;
        for index in 0..size {
            let proof = Plan::inclusion(index, size)
                .unwrap()
                .resolve(&tree.tiles)
                .unwrap();
            let theirs = tlog::prove_record(size, index, &Theirs(&tree.theirs)).unwrap();
            assert_eq!(proof, theirs.iter().map(|it| it.0).collect::<Vec<_>>());
            let leaf = merkle::leaf(&event(index));
            assert!(merkle::verify_inclusion(&leaf, index, size, &proof, &root));
            assert!(!merkle::verify_inclusion(
                &leaf,
                index + 1,
                size,
                &proof,
                &root
            ));
            let other = merkle::leaf(&event(index + 1));
            assert!(!merkle::verify_inclusion(
                &other, index, size, &proof, &root
            ));
        }
        for old in 1..=size {
            let proof = Plan::consistency(old, size)
                .unwrap()
                .resolve(&tree.tiles)
                .unwrap();
            let theirs = tlog::prove_tree(size, old, &Theirs(&tree.theirs)).unwrap();
            assert_eq!(proof, theirs.iter().map(|it| it.0).collect::<Vec<_>>());
            let old_root = tree.their_root(old).0;
            assert!(merkle::verify_consistency(
                (old, &old_root),
                (size, &root),
                &proof
            ));
            let wrong = merkle::node(&old_root, &old_root);
            assert!(!merkle::verify_consistency(
                (old, &wrong),
                (size, &root),
                &proof
            ));
            assert!(!merkle::verify_consistency(
                (old, &old_root),
                (size, &wrong),
                &proof
            ));
        }
    }
}

#[test]
fn what_does_not_exist_has_no_proof() {
    assert_eq!(Plan::inclusion(3, 3), None);
    assert_eq!(Plan::inclusion(0, 0), None);
    assert_eq!(Plan::consistency(4, 3), None);
    assert_eq!(Plan::consistency(0, 3), None);
    assert!(
        Plan::inclusion(2, 4)
            .unwrap()
            .resolve(&HashMap::new())
            .is_err()
    );
    let nothing = merkle::empty_root();
    assert!(!merkle::verify_inclusion(&nothing, 0, 0, &[], &nothing));
    assert!(merkle::verify_consistency(
        (0, &nothing),
        (5, &[9; 32]),
        &[]
    ));
}

#[test]
fn proofs_reach_over_full_tiles_of_two_levels() {
    let size = 70_000;
    let tree = Tree::of(size);
    let root = tree.frontier.root();
    assert_eq!(root, tree.their_root(size).0);
    for index in [0, 1, 255, 256, 65_535, 65_536, 69_631, 69_999] {
        let plan = Plan::inclusion(index, size).unwrap();
        assert!(plan.tiles().len() <= 5, "{:?}", plan.tiles());
        let proof = plan.resolve(&tree.tiles).unwrap();
        assert!(merkle::verify_inclusion(
            &merkle::leaf(&event(index)),
            index,
            size,
            &proof,
            &root
        ));
    }
    for old in [1, 256, 300, 65_536, 65_537, 69_999] {
        let proof = Plan::consistency(old, size)
            .unwrap()
            .resolve(&tree.tiles)
            .unwrap();
        let theirs = tlog::prove_tree(size, old, &Theirs(&tree.theirs)).unwrap();
        assert_eq!(proof, theirs.iter().map(|it| it.0).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_changed_proof_is_refused(size in 2_u64..700, at in any::<u64>(), byte in any::<u8>(), bit in 0_u8..8) {
        let tree = Tree::of(size);
        let root = tree.frontier.root();
        let index = at % size;
        let leaf = merkle::leaf(&event(index));
        let proof = Plan::inclusion(index, size).unwrap().resolve(&tree.tiles).unwrap();
        prop_assert!(merkle::verify_inclusion(&leaf, index, size, &proof, &root));
        let mut flipped = proof.clone();
        let step = usize::from(byte) % flipped.len();
        flipped[step][usize::from(byte) % 32] ^= 1 << bit;
        prop_assert!(!merkle::verify_inclusion(&leaf, index, size, &flipped, &root));
        let mut longer = proof.clone();
        longer.push([0; 32]);
        prop_assert!(!merkle::verify_inclusion(&leaf, index, size, &longer, &root));
        prop_assert!(!merkle::verify_inclusion(&leaf, index, size, &proof[1..], &root));
    }
}
