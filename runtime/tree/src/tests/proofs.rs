//! Proofs convince of the truth, of nothing else, and survive any bytes.

use alloc::{vec, vec::Vec};

use parity_scale_codec::{Decode, DecodeAll, Encode};
use proptest::prelude::*;

use super::{batch, change, changes, key, many, update};
use crate::{EMPTY_ROOT, Hash, Leaf, PROOF_SIBLINGS_MAX, Proof, ProofError, Tree, hash_changes, value_hash};

/// Each bit of up to a kilobyte; of longer ones (proofs of keys that share long prefixes) about one in eight bytes.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let step = if bytes.len() <= 1024 { 1 } else { 67 };
    (0..bytes.len() * 8).step_by(step).map(|bit| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    })
}

fn to_hash(bytes: Vec<u8>) -> Hash {
    bytes.try_into().expect("as long as before")
}

/// The proof holds, and no longer does if one bit of anything is another.
fn assert_exact(proof: &Proof, root: &Hash, key: &Hash, value: Option<&Hash>) {
    assert_eq!(proof.verify_hashed(root, key, value), Ok(()));
    let encoded = proof.encode();
    assert_eq!(Proof::decode_all(&mut &encoded[..]).as_ref(), Ok(proof));
    for bytes in flipped(&encoded) {
        if let Ok(proof) = Proof::decode_all(&mut &bytes[..]) {
            assert!(proof.verify_hashed(root, key, value).is_err());
        }
    }
    for length in (0..encoded.len()).step_by(7) {
        assert!(Proof::decode_all(&mut &encoded[..length]).is_err());
    }
    for root in flipped(root).map(to_hash) {
        assert_eq!(proof.verify_hashed(&root, key, value), Err(ProofError::OtherRoot));
    }
    for value in value.iter().flat_map(|value| flipped(*value)).map(to_hash) {
        assert_eq!(proof.verify_hashed(root, key, Some(&value)), Err(ProofError::OtherRoot));
    }
    // Absence holds for neighbours too: for all of the gap. A value holds for one key only.
    if let Some(value) = value {
        for key in flipped(key).map(to_hash) {
            assert_eq!(proof.verify_hashed(root, &key, Some(value)), Err(ProofError::OtherRoot));
        }
        assert!(proof.verify_hashed(root, key, None).is_err());
    } else {
        assert!(proof.verify_hashed(root, key, Some(&[7; 32])).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_flipped_bit_spoils_a_proof(start in batch(60), more in batch(20), probes in prop::collection::vec(any::<u8>(), 4)) {
        let mut tree = Tree::default();
        let diff = update(&tree, &[], &changes(&start));
        tree.apply(diff).expect("it was made on this tree");
        let above = update(&tree, &[], &changes(&more));
        let above = [&above];
        let view = tree.view(&above).expect("the diffs are in order");
        let touched = start.iter().chain(&more).map(|(seed, _)| *seed).take(3);
        for seed in probes.into_iter().chain(touched) {
            let proof = view.prove_hashed(&key(seed));
            assert_exact(&proof, &view.root(), &key(seed), view.get(&key(seed)).as_ref());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000), probe in any::<[u8; 32]>()) {
        if let Ok(proof) = Proof::decode_all(&mut &bytes[..]) {
            prop_assert!(proof.verify_hashed(&probe, &probe, Some(&probe)).is_err());
            prop_assert!(proof.verify_hashed(&probe, &probe, None).is_err());
        }
    }

    #[test]
    fn made_up_proofs_are_refused_whatever_their_length(
        siblings in prop::collection::vec(any::<[u8; 32]>(), 0..300),
        other in prop::option::of(any::<[u8; 32]>()),
        probe in any::<[u8; 32]>(),
    ) {
        let other_leaf = other.map(|key| Leaf { key, value: key });
        let long = siblings.len() > PROOF_SIBLINGS_MAX;
        let proof = Proof { siblings, other_leaf };
        let found = proof.verify_hashed(&probe, &probe, None);
        prop_assert!(found.is_err());
        prop_assert_eq!(long, matches!(found, Err(ProofError::TooLong(_))));
        prop_assert_eq!(long, Proof::decode_all(&mut &proof.encode()[..]).is_err());
    }
}

#[test]
fn a_value_and_a_gap_are_proved_by_key_and_value_themselves() {
    let mut tree = Tree::default();
    let diff = update(
        &tree,
        &[],
        &hash_changes(&[(b"alice", Some(b"7")), (b"bob", Some(b"")), (b"eve", Some(b"1"))]),
    );
    tree.apply(diff).expect("it was made on this tree");
    let view = tree.view(&[]).expect("no diffs");
    let root = view.root();
    assert_eq!(view.prove(b"alice").verify(&root, b"alice", Some(b"7")), Ok(()));
    assert_eq!(view.prove(b"alice").verify(&root, b"alice", Some(b"8")), Err(ProofError::OtherRoot));
    assert_eq!(view.prove(b"bob").verify(&root, b"bob", Some(b"")), Ok(()));
    assert!(view.prove(b"bob").verify(&root, b"bob", None).is_err());
    assert_eq!(view.prove(b"dave").verify(&root, b"dave", None), Ok(()));
    assert!(view.prove(b"dave").verify(&root, b"dave", Some(b"")).is_err());
}

#[test]
fn in_a_state_of_one_key_every_other_is_absent_by_the_same_leaf() {
    let mut tree = Tree::default();
    let diff = update(&tree, &[], &[change(1, Some(1))]);
    tree.apply(diff).expect("it was made on this tree");
    let view = tree.view(&[]).expect("no diffs");
    let leaf = Leaf { key: key(1), value: change(1, Some(1)).1.expect("it has a value") };
    let proof = view.prove_hashed(&key(2));
    assert_eq!(proof, Proof { siblings: vec![], other_leaf: Some(leaf) });
    assert_eq!(proof.verify_hashed(&view.root(), &key(2), None), Ok(()));
    assert_eq!(proof.verify_hashed(&view.root(), &key(1), None), Err(ProofError::NotOfAbsence));
    assert_eq!(proof.verify_hashed(&view.root(), &key(1), Some(&leaf.value)), Err(ProofError::NotOfPresence));
    let empty = Tree::default();
    let proof = empty.view(&[]).expect("no diffs").prove_hashed(&key(2));
    assert_eq!(proof.verify_hashed(&EMPTY_ROOT, &key(2), None), Ok(()));
}

#[test]
fn a_leaf_off_the_path_does_not_show_absence() {
    // A true leaf with its true siblings, offered for a present key under another branch of the root.
    let mut tree = Tree::default();
    let diff = update(&tree, &[], &many(0, 100, 0));
    tree.apply(diff).expect("it was made on this tree");
    let view = tree.view(&[]).expect("no diffs");
    let (low, high) = (tree.leaves().next(), tree.leaves().last());
    let (low, high) = (*low.expect("100 leaves"), *high.expect("100 leaves"));
    let proof = Proof { other_leaf: Some(low), ..view.prove_hashed(&low.key) };
    assert_eq!(proof.verify_hashed(&view.root(), &high.key, None), Err(ProofError::OtherPath));
}

#[test]
fn a_length_that_promises_too_much_is_refused_before_anything_is_read() {
    // 257 siblings, all there.
    let bytes = Proof { siblings: vec![[0; 32]; 257], other_leaf: None }.encode();
    let mut input = &bytes[..];
    assert!(Proof::decode(&mut input).is_err());
    assert_eq!(input.len(), 257 * 32 + 1);
    // 2^30 - 1 siblings, and none there.
    assert!(Proof::decode(&mut &[0xfe, 0xff, 0xff, 0xff][..]).is_err());
}

#[test]
fn an_encoded_proof_keeps_its_bytes() {
    let proof = Proof {
        siblings: vec![[1; 32], [2; 32]],
        other_leaf: Some(Leaf { key: [3; 32], value: value_hash(b"") }),
    };
    let expected = [&[8][..], &[1; 32], &[2; 32], &[1], &[3; 32], &value_hash(b"")].concat();
    assert_eq!(proof.encode(), expected);
}
