//! Against `jmt`, against a naive recursion, and against hostile bytes.

mod oracle;
mod proofs;
mod shapes;

use alloc::vec::Vec;

use proptest::prelude::*;

use crate::{Change, Hash, Leaf, Tree, TreeDiff, hash::blake2b_256};

/// A key hash from a small world, so that batches meet the same keys: half uniform as real ones are, half sharing long
/// prefixes, as no real ones do, to reach all depths.
fn key(seed: u8) -> Hash {
    if seed < 128 {
        return blake2b_256(&[seed]);
    }
    let mut key = [0; 32];
    // Bits of the seed choose where this key leaves the path of zeros.
    key[0] = if seed & 1 == 0 { 0 } else { 0x80 };
    key[1] = (seed >> 1) & 1;
    key[15] = ((seed >> 2) & 1) << 3;
    key[31] = (seed >> 3) & 0b1111;
    key
}

fn value_bytes(seed: u8) -> Vec<u8> {
    // Seed 0 is the empty value.
    (0..seed).collect()
}

fn change(key_seed: u8, value_seed: Option<u8>) -> Change {
    (key(key_seed), value_seed.map(|seed| crate::value_hash(&value_bytes(seed))))
}

/// Seeds of changes: about one in three removes.
fn batch(max: usize) -> impl Strategy<Value = Vec<(u8, Option<u8>)>> {
    prop::collection::vec((any::<u8>(), prop::option::weighted(0.66, 0..4u8)), 0..max)
}

fn changes(batch: &[(u8, Option<u8>)]) -> Vec<Change> {
    batch.iter().map(|(key, value)| change(*key, *value)).collect()
}

/// Many changes of uniform keys, `from..to`; the value depends on `salt`.
fn many(from: u32, to: u32, salt: u32) -> Vec<Change> {
    let hash = |i: u32, salt: u32| blake2b_256(&[i.to_le_bytes(), salt.to_le_bytes()].concat());
    (from..to).map(|i| (hash(i, u32::MAX), Some(hash(i, salt)))).collect()
}

fn tree_at(depth: u32, leaves: &[Leaf]) -> Tree {
    let leaves = leaves.iter().map(|leaf| (leaf.key, Some(leaf.value)));
    Tree::build_sorted(&crate::update::sorted(leaves), depth)
}

fn update(tree: &Tree, diffs: &[&TreeDiff], changes: &[Change]) -> TreeDiff {
    tree.view(diffs).expect("the diffs are in order").update(changes.iter().copied())
}

/// Everything that can be seen of two versions is the same.
fn assert_same(a: &Tree, a_diffs: &[&TreeDiff], b: &Tree, b_diffs: &[&TreeDiff]) {
    let a = a.view(a_diffs).expect("the diffs are in order");
    let b = b.view(b_diffs).expect("the diffs are in order");
    assert_eq!(a.root(), b.root());
    // Each fifth: keys of both kinds, of all depths.
    for seed in (0..=255).step_by(5) {
        assert_eq!(a.get(&key(seed)), b.get(&key(seed)));
        assert_eq!(a.prove_hashed(&key(seed)), b.prove_hashed(&key(seed)));
    }
}
