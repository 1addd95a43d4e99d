//! The `jmt` crate with Blake2b-256, and a naive recursion, say what is right.

use alloc::{borrow::ToOwned, collections::BTreeMap, format, vec::Vec};

use jmt::{JellyfishMerkleTree, KeyHash, SimpleHasher, mock::MockTreeStore};
use proptest::prelude::*;
use serde_json::Value as Json;

use super::{assert_same, batch, change, changes, key, many, tree_at, update, value_bytes};
use crate::{
    Change, EMPTY_ROOT, Hash, Leaf, Proof, Tree, TreeDiff, hash::blake2b_256, hash_changes, key_hash,
    value_hash,
};

struct Blake2b(blake2b_simd::State);

impl SimpleHasher for Blake2b {
    fn new() -> Self {
        Self(blake2b_simd::Params::new().hash_length(32).to_state())
    }

    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finalize(self) -> Hash {
        self.0.finalize().as_bytes().try_into().expect("asked for 32 bytes")
    }
}

type Jmt<'a> = JellyfishMerkleTree<'a, MockTreeStore, Blake2b>;

/// A `jmt` tree, one version per batch.
#[derive(Default)]
struct Oracle {
    store: MockTreeStore,
    version: u64,
}

impl Oracle {
    /// Apply a batch; gives the root.
    fn put(&mut self, batch: &[(u8, Option<u8>)]) -> Hash {
        // `jmt` does not say what duplicates mean: pass on what counts.
        let last: BTreeMap<Hash, Option<Vec<u8>>> =
            batch.iter().map(|(k, v)| (key(*k), v.map(value_bytes))).collect();
        let set: Vec<_> = last.into_iter().map(|(key, value)| (KeyHash(key), value)).collect();
        let (root, update) =
            Jmt::new(&self.store).put_value_set(set, self.version).expect("jmt takes any batch");
        self.store.write_tree_update_batch(update).expect("nodes of a new version are new");
        self.version += 1;
        root.0
    }

    /// `jmt`'s own proof for a key in the latest version, checked by `jmt`, and as one of ours.
    fn prove(&self, key: Hash, root: Hash) -> (Option<Vec<u8>>, Proof) {
        let (value, proof) = Jmt::new(&self.store)
            .get_with_proof(KeyHash(key), self.version - 1)
            .expect("the version is there");
        proof.verify(jmt::RootHash(root), KeyHash(key), value.clone()).expect("jmt believes itself");
        (value, ours(&serde_json::to_value(&proof).expect("the proof can be written as JSON"), key))
    }
}

/// Translate a proof: `jmt` shows siblings by their preimages and the leaf always, we by hash and if it is another's.
fn ours(proof: &Json, key: Hash) -> Proof {
    let hash = |json: &Json| -> Hash { serde_json::from_value(json.to_owned()).expect("32 numbers") };
    let leaf = |json: &Json| Leaf { key: hash(&json["key_hash"]), value: hash(&json["value_hash"]) };
    let sibling = |json: &Json| match json {
        Json::String(null) if null == "Null" => *b"SPARSE_MERKLE_PLACEHOLDER_HASH__",
        node if node.get("Leaf").is_some() => naive_root(&[leaf(&node["Leaf"])], 0),
        node => {
            let node = &node["Internal"];
            blake2b_256(
                &[&b"JMT::IntrnalNode"[..], &hash(&node["left_child"]), &hash(&node["right_child"])].concat(),
            )
        }
    };
    let siblings = proof["siblings"].as_array().expect("a list").iter().map(sibling).collect();
    let end = Some(&proof["leaf"]).filter(|leaf| !leaf.is_null()).map(leaf);
    Proof { siblings, other_leaf: end.filter(|leaf| leaf.key != key) }
}

/// The rules of the crate doc, word by word.
fn naive_root(leaves: &[Leaf], level: usize) -> Hash {
    match leaves {
        [] => *b"SPARSE_MERKLE_PLACEHOLDER_HASH__",
        [leaf] => blake2b_256(&[&b"JMT::LeafNode"[..], &leaf.key, &leaf.value].concat()),
        _ => {
            let is_right = |leaf: &&Leaf| leaf.key[level / 8] & (0x80 >> (level % 8)) != 0;
            let right: Vec<Leaf> = leaves.iter().filter(is_right).copied().collect();
            let left: Vec<Leaf> = leaves.iter().filter(|leaf| !is_right(leaf)).copied().collect();
            match (&left[..], &right[..]) {
                ([], [leaf]) | ([leaf], []) => naive_root(&[*leaf], level + 1),
                _ => {
                    let (left, right) = (naive_root(&left, level + 1), naive_root(&right, level + 1));
                    blake2b_256(&[&b"JMT::IntrnalNode"[..], &left, &right].concat())
                }
            }
        }
    }
}

fn leaves(state: &BTreeMap<Hash, Hash>) -> Vec<Leaf> {
    state.iter().map(|(key, value)| Leaf { key: *key, value: *value }).collect()
}

fn put(state: &mut BTreeMap<Hash, Hash>, changes: &[Change]) {
    for (key, value) in changes {
        match value {
            Some(value) => state.insert(*key, *value),
            None => state.remove(key),
        };
    }
}

/// Old values of the changed keys: what leads back from a state to the one before.
fn reverse(state: &BTreeMap<Hash, Hash>, changes: &[Change]) -> Vec<Change> {
    changes.iter().map(|(key, _)| (*key, state.get(key).copied())).collect()
}

/// Keys worth a proof: some that were touched, and some of each kind whether touched or not.
fn probes(batch: &[(u8, Option<u8>)]) -> Vec<u8> {
    batch.iter().map(|(seed, _)| *seed).take(12).chain((3..=255).step_by(36)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn roots_and_proofs_are_those_of_jmt(batches in prop::collection::vec(batch(60), 1..8), depth in 0..10u32) {
        let mut oracle = Oracle::default();
        let mut tree = tree_at(depth, &[]);
        for batch in &batches {
            let root = oracle.put(batch);
            let diff = update(&tree, &[], &changes(batch));
            prop_assert_eq!(diff.root(), root);
            tree.apply(diff).expect("it was made on this tree");
            prop_assert_eq!(tree.root(), root);
            let view = tree.view(&[]).expect("no diffs");
            for seed in probes(batch) {
                let (value, proof) = oracle.prove(key(seed), root);
                let value = value.as_deref().map(value_hash);
                prop_assert_eq!(view.get(&key(seed)), value);
                prop_assert_eq!(&view.prove_hashed(&key(seed)), &proof);
                prop_assert_eq!(proof.verify_hashed(&root, &key(seed), value.as_ref()), Ok(()));
            }
        }
    }

    #[test]
    fn a_chain_of_diffs_is_the_chain_of_jmt_versions(batches in prop::collection::vec(batch(60), 1..8), depth in 0..10u32) {
        let mut oracle = Oracle::default();
        let tree = tree_at(depth, &[]);
        let mut diffs: Vec<TreeDiff> = Vec::new();
        for batch in &batches {
            let above: Vec<&TreeDiff> = diffs.iter().collect();
            let diff = update(&tree, &above, &changes(batch));
            let root = oracle.put(batch);
            prop_assert_eq!(diff.root(), root);
            diffs.push(diff);
        }
        let above: Vec<&TreeDiff> = diffs.iter().collect();
        let view = tree.view(&above).expect("the diffs are in order");
        for seed in probes(&batches.concat()) {
            prop_assert_eq!(view.prove_hashed(&key(seed)), oracle.prove(key(seed), view.root()).1);
        }
    }

    #[test]
    fn build_equals_any_way_of_growing(
        batches in prop::collection::vec(batch(80), 1..5),
        depths in [0..12u32, 0..12, 0..12],
    ) {
        let mut state = BTreeMap::new();
        let mut grown = tree_at(depths[0], &[]);
        for batch in &batches {
            let changes = changes(batch);
            put(&mut state, &changes);
            let diff = update(&grown, &[], &changes);
            grown.apply(diff).expect("it was made on this tree");
        }
        let state = leaves(&state);
        let mut backwards: Vec<_> = state.iter().map(|leaf| (leaf.key, leaf.value)).collect();
        backwards.reverse();
        let built = Tree::build(backwards);
        prop_assert_eq!(built.root(), naive_root(&state, 0));
        prop_assert_eq!(built.len(), state.len());
        prop_assert_eq!(grown.len(), state.len());
        prop_assert!(built.leaves().eq(&state) && grown.leaves().eq(&state));
        assert_same(&built, &[], &grown, &[]);
        assert_same(&built, &[], &tree_at(depths[1], &state), &[]);
        assert_same(&built, &[], &tree_at(depths[2], &state), &[]);
    }

    #[test]
    fn forks_and_the_way_back_have_the_roots_of_their_states(
        start in batch(100),
        first in batch(40),
        forks in [batch(40), batch(40)],
        depth in 0..10u32,
    ) {
        let mut state = BTreeMap::new();
        put(&mut state, &changes(&start));
        let start_leaves = leaves(&state);
        let mut tree = tree_at(depth, &start_leaves);

        let first_changes = changes(&first);
        let first_diff = update(&tree, &[], &first_changes);
        let to_start = reverse(&state, &first_changes);
        put(&mut state, &first_changes);
        let mut tips = Vec::new();
        for fork in &forks {
            let changes = changes(fork);
            let diff = update(&tree, &[&first_diff], &changes);
            let mut forked = state.clone();
            put(&mut forked, &changes);
            prop_assert_eq!(diff.root(), naive_root(&leaves(&forked), 0));
            tips.push((diff, reverse(&state, &changes), leaves(&forked)));
        }

        // Block 1 becomes final, then one fork of block 2; the other one stays readable until then.
        tree.apply(first_diff).expect("it was made on this tree");
        for (diff, _, leaves) in &tips {
            assert_same(&tree, &[diff], &tree_at(depth, leaves), &[]);
        }
        let (tip, to_first, _) = tips.swap_remove(0);
        let (other, _, _) = &tips[0];
        let changed = tip.root() != tip.parent_root();
        tree.apply(tip).expect("it was made on this tree");
        prop_assert_eq!(changed, tree.view(&[other]).is_err());

        // Old states from reverse changes: block 1, then the start.
        let back_to_first = update(&tree, &[], &to_first);
        prop_assert_eq!(back_to_first.root(), naive_root(&leaves(&state), 0));
        let back_to_start = update(&tree, &[&back_to_first], &to_start);
        assert_same(&tree, &[&back_to_first, &back_to_start], &tree_at(depth, &start_leaves), &[]);
    }

    #[test]
    fn diffs_outlive_the_growth_of_the_tree(
        batches in prop::collection::vec(batch(60), 2..6),
        growth in prop::collection::vec(0..4u32, 6),
    ) {
        // A reference that never grows, beside one that does between any two blocks, so that diffs of all ages and depths
        // stand above it.
        let still = tree_at(3, &[]);
        let mut growing = tree_at(0, &[]);
        let mut depth = 0;
        let (mut references, mut diffs): (Vec<TreeDiff>, Vec<TreeDiff>) = (Vec::new(), Vec::new());
        for (batch, growth) in batches.iter().zip(&growth) {
            let changes = changes(batch);
            let above: Vec<&TreeDiff> = references.iter().collect();
            references.push(update(&still, &above, &changes));
            let above: Vec<&TreeDiff> = diffs.iter().collect();
            diffs.push(update(&growing, &above, &changes));
            depth += growth;
            growing.rebuild(depth);
        }
        while !diffs.is_empty() {
            let above: Vec<&TreeDiff> = diffs.iter().collect();
            let reference: Vec<&TreeDiff> = references.iter().collect();
            assert_same(&growing, &above, &still, &reference);
            growing.apply(diffs.remove(0)).expect("the oldest was made on this tree");
        }
        let all: Vec<&TreeDiff> = references.iter().collect();
        assert_same(&growing, &[], &still, &all);
        let leaves: Vec<Leaf> = growing.leaves().copied().collect();
        prop_assert_eq!(growing.len(), leaves.len());
        prop_assert_eq!(growing.root(), naive_root(&leaves, 0));
    }
}

#[test]
fn an_empty_state_has_the_root_of_an_empty_jmt() {
    let mut oracle = Oracle::default();
    let full = oracle.put(&[(1, Some(1)), (2, Some(2))]);
    assert_eq!(oracle.put(&[(1, None), (2, None)]), EMPTY_ROOT);

    let mut tree = Tree::default();
    assert_eq!(tree.root(), EMPTY_ROOT);
    let diff = update(&tree, &[], &[change(1, Some(1)), change(2, Some(2))]);
    tree.apply(diff).expect("it was made on this tree");
    assert_eq!(tree.root(), full);
    let diff = update(&tree, &[], &[change(1, None), change(2, None)]);
    tree.apply(diff).expect("it was made on this tree");
    assert_eq!((tree.root(), tree.is_empty()), (EMPTY_ROOT, true));
}

#[test]
fn large_batches_have_the_root_of_the_naive_recursion() {
    // Enough for many parts, with the tree growing on the way by itself.
    let mut state = BTreeMap::new();
    let mut tree = Tree::default();
    let mut batches = [many(0, 20_000, 0), many(15_000, 26_000, 1), many(3_000, 9_000, 2), many(0, 500, 3)];
    batches[2].iter_mut().for_each(|change| change.1 = None);
    for changes in &batches {
        put(&mut state, changes);
        let diff = update(&tree, &[], changes);
        assert_eq!(diff.root(), naive_root(&leaves(&state), 0));
        tree.apply(diff).expect("it was made on this tree");
    }
    assert_eq!(tree.len(), 20_000);
    assert_eq!(Tree::build(state.iter().map(|(k, v)| (*k, *v))).root(), tree.root());

    let mut crowded = tree_at(10, &leaves(&state));
    assert!(crowded.maintain());
    assert_eq!((crowded.root(), crowded.len(), crowded.depth), (tree.root(), 20_000, 15));
    assert!(!crowded.maintain());
}

#[test]
fn hashing_in_batches_is_hashing_one_by_one() {
    let names: Vec<_> = (0..1_000).map(|i| format!("{i:0>width$}", width = i % 300)).collect();
    let values: Vec<Option<&[u8]>> = names
        .iter()
        .enumerate()
        .map(|(i, name)| (i % 3 != 0).then_some(&name.as_bytes()[i % 7 % name.len()..]))
        .collect();
    let pairs: Vec<(&[u8], Option<&[u8]>)> =
        names.iter().map(|n| n.as_bytes()).zip(values.iter().copied()).collect();
    for n in [0, 1, 3, 15, 16, 17, 255, 256, 257, 1_000] {
        let one_by_one: Vec<Change> =
            pairs[..n].iter().map(|(k, v)| (key_hash(k), v.map(value_hash))).collect();
        assert_eq!(hash_changes(&pairs[..n]), one_by_one);
    }
}
