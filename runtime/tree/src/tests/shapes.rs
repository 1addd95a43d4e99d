//! What diffs and lists promise beyond roots.

use alloc::{format, vec::Vec};

use proptest::prelude::*;

use super::{batch, change, changes, key, many, tree_at, update};
use crate::{Hash, Tree, TreeDiff, TreeError, hash::blake2b_256, ordered_root};

#[test]
fn a_diff_of_another_root_is_refused_and_nothing_changes() {
    let mut tree = Tree::default();
    let first = update(&tree, &[], &[change(1, Some(1))]);
    let second = update(&tree, &[&first], &[change(2, Some(1))]);
    let error = TreeError::ForeignDiff { expected: tree.root(), found: first.root() };
    assert_eq!(tree.view(&[&second]).err(), Some(error));
    assert_eq!(
        tree.view(&[&first, &first]).err().map(|e| matches!(e, TreeError::ForeignDiff { .. })),
        Some(true)
    );
    assert!(format!("{error}").contains(&format!("made on root 0x{}", hex(first.root()))));
    let root = tree.root();
    assert_eq!(tree.apply(second.clone()), Err(error));
    assert_eq!((tree.root(), tree.len()), (root, 0));
    tree.apply(first).expect("it was made on this tree");
    tree.apply(second.clone()).expect("now it fits");
    assert_eq!((tree.root(), tree.len()), (second.root(), 2));
}

#[test]
fn a_diff_of_a_deeper_tree_is_not_viewed_but_can_be_applied() {
    let deep = tree_at(9, &[]);
    let diff = update(&deep, &[], &many(0, 50, 0));
    let mut shallow = tree_at(2, &[]);
    assert_eq!(shallow.view(&[&diff]).err(), Some(TreeError::DeeperDiff));
    let root = diff.root();
    shallow.apply(diff).expect("it was made on this root");
    assert_eq!((shallow.root(), shallow.len()), (root, 50));
}

#[test]
fn changes_that_change_nothing_make_an_empty_diff() {
    let mut tree = Tree::default();
    let diff = update(&tree, &[], &[change(1, Some(1)), change(2, Some(0))]);
    assert!(!diff.is_empty());
    tree.apply(diff).expect("it was made on this tree");
    let diff = update(&tree, &[], &[change(1, Some(1)), change(3, None)]);
    assert!(diff.is_empty());
    assert_eq!((diff.root(), diff.parent_root()), (tree.root(), tree.root()));
    tree.apply(diff).expect("it was made on this tree");
    assert_eq!(tree.len(), 2);
}

#[test]
fn of_several_changes_of_a_key_the_last_counts() {
    let tree = Tree::default();
    let expected = update(&tree, &[], &[change(1, Some(2))]).root();
    let twice =
        [change(1, Some(1)), change(9, Some(1)), change(1, None), change(1, Some(2)), change(9, None)];
    assert_eq!(update(&tree, &[], &twice).root(), expected);
    let leaves =
        twice.iter().filter_map(|(key, value)| Some((*key, (*value)?))).filter(|(k, _)| *k == key(1));
    assert_eq!(Tree::build(leaves).root(), expected);
}

#[test]
fn a_tree_that_nobody_maintains_grows_by_itself() {
    let mut tree = Tree::default();
    for i in 0..60 {
        let diff = update(&tree, &[], &many(i * 20, i * 20 + 20, 0));
        tree.apply(diff).expect("it was made on this tree");
        assert!(tree.len() / 8 <= 1 << tree.depth, "{tree:?}");
    }
    assert_eq!(
        tree.root(),
        Tree::build(many(0, 1_200, 0).into_iter().filter_map(|(k, v)| Some((k, v?)))).root()
    );
}

/// The same constant with and without the feature `parallel`: what is pinned here is consensus.
#[test]
fn pinned_roots_stay_as_they_are_with_and_without_threads() {
    let check = || {
        let mut tree = Tree::build(many(0, 30_000, 0).into_iter().filter_map(|(k, v)| Some((k, v?))));
        assert_eq!(hex(tree.root()), BUILT);
        let mut removals = many(10_000, 14_000, 0);
        removals.iter_mut().for_each(|change| change.1 = None);
        let first = update(&tree, &[], &many(25_000, 35_000, 1));
        let second = update(&tree, &[&first], &removals);
        tree.apply(first).expect("it was made on this tree");
        tree.apply(second).expect("it was made on this tree");
        assert_eq!(hex(tree.root()), UPDATED);
        let items: Vec<Hash> = many(0, 3_001, 0).into_iter().map(|(key, _)| key).collect();
        assert_eq!(hex(ordered_root(items.iter().map(|item| &item[..]))), LISTED);
    };
    check();
    #[cfg(feature = "parallel")]
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads can be started").install(check);
    }
}

const BUILT: &str = "1531eca0bcfdcdb61694bbe8b8bb557d17f835ca12a4ed03afceb9641df84480";
const UPDATED: &str = "9620491f5de28511ea4f07a4ad9fef9d830700bd84f1a7a2ead2604ba1759630";
const LISTED: &str = "bb1174ddc1698b5209b413e6b229606d4268f6ddf6511b1c0ceb0a6289108bc1";

fn hex(hash: Hash) -> alloc::string::String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// RFC 6962, section 2.1, word by word.
fn naive_list(items: &[Vec<u8>]) -> Hash {
    match items {
        [] => blake2b_256(b""),
        [item] => blake2b_256(&[&[0][..], item].concat()),
        _ => {
            let k = 1 << (items.len() - 1).ilog2();
            let (left, right) = items.split_at(k);
            blake2b_256(&[&[1][..], &naive_list(left), &naive_list(right)].concat())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_root_of_a_list_is_that_of_rfc_6962(items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..40)) {
        prop_assert_eq!(ordered_root(items.iter().map(|item| &item[..])), naive_list(&items));
    }

    #[test]
    fn order_and_grouping_of_changes_do_not_matter(start in batch(80), cut in 0..80usize, depth in 0..9u32) {
        // One change per key, so that order means nothing.
        let mut all = crate::update::sorted(changes(&start));
        let tree = tree_at(depth, &[]);
        let whole = update(&tree, &[], &all).root();
        all.reverse();
        prop_assert_eq!(update(&tree, &[], &all).root(), whole);
        let (a, b) = all.split_at(cut.min(all.len()));
        let first = update(&tree, &[], a);
        let diffs: [&TreeDiff; 1] = [&first];
        prop_assert_eq!(update(&tree, &diffs, b).root(), whole);
    }
}

#[test]
fn long_lists_have_the_root_of_rfc_6962_too() {
    for n in [255, 256, 257, 511, 512, 513, 1_025, 2_000] {
        let items: Vec<Vec<u8>> = (0..n).map(|i: u32| i.to_le_bytes()[..(i % 5) as usize].to_vec()).collect();
        assert_eq!(ordered_root(items.iter().map(|item| &item[..])), naive_list(&items), "{n} items");
    }
}
