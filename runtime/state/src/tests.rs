use alloc::{vec, vec::Vec};

use parity_scale_codec::{Decode, Encode};
use proptest::prelude::*;

use super::*;

fn base() -> Memory {
    Memory([(b"a".to_vec(), vec![1]), (b"c".to_vec(), vec![3]), (b"e".to_vec(), vec![5])].into())
}

#[test]
fn a_delta_reads_nothing_until_somebody_asks_for_the_sum() {
    struct Unreadable;
    impl StateRead for Unreadable {
        fn get(&self, _: &[u8]) -> Result<Option<Value>, StateError> {
            Err(StateError::Interrupted)
        }
        fn next_key(&self, _: &[u8]) -> Result<Option<Key>, StateError> {
            Err(StateError::Interrupted)
        }
    }
    let mut overlay = Overlay::new(&Unreadable);
    overlay.add_delta(b"sum", 5).unwrap();
    overlay.add_delta(b"sum", -2).unwrap();
    assert_eq!(overlay.changes().get(b"sum".as_slice()), Some(&Change::Add(Addition::whole(3))));
    assert_eq!(overlay.get(b"sum"), Err(StateError::Interrupted));
}

#[test]
fn an_overlay_whose_changes_were_taken_is_as_good_as_new() {
    let base = base();
    let mut overlay = Overlay::new(&base);
    // More than are searched one by one, an order that was asked for, and a layer that nobody closed.
    for key in 10..40u8 {
        overlay.put(&[key], vec![key]);
    }
    assert_eq!(overlay.next_key(&[9]), Ok(Some(vec![10])));
    overlay.push_layer();
    overlay.put(b"b", vec![2]);
    let taken: Vec<Key> = overlay.take_changes().map(|(key, _)| key).collect();
    assert_eq!((taken.len(), overlay.depth()), (31, 0));
    for key in 10..40u8 {
        assert_eq!(overlay.get(&[key]), Ok(None));
    }
    assert_eq!(overlay.next_key(&[9]), Ok(Some(b"a".to_vec())));
    overlay.put(b"d", vec![4]);
    assert_eq!(overlay.into_changes(), Changes(vec![(b"d".to_vec(), Change::Put(vec![4]))]));
}

#[test]
fn a_delta_that_leaves_the_range_is_an_error_that_names_the_key() {
    let empty = Memory::default();
    let mut overlay = Overlay::new(&empty);
    overlay.add_delta(b"\x01", -1).unwrap();
    let error = overlay.into_change_set().unwrap_err();
    assert_eq!(error, StateError::DeltaOutOfRange { key: "01".into(), value: 0, delta: -1 });
}

#[test]
fn iteration_skips_removed_keys_and_finds_pending_ones() {
    let base = base();
    let mut overlay = Overlay::new(&base);
    overlay.put(b"b", vec![2]);
    overlay.remove(b"c");
    overlay.put(b"f", vec![6]);
    let mut keys = Vec::new();
    let mut key = Vec::new();
    while let Some(next) = overlay.next_key(&key).unwrap() {
        keys.push(next.clone());
        key = next;
    }
    assert_eq!(keys, [b"a", b"b", b"e", b"f"]);
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u128),
    Remove(u8),
    Add(u8, i64),
    AddIf(u8, u128, i64),
    Look,
    Push,
    Commit,
    Discard,
    DiscardAll,
}

/// Enough keys that some overlays search them one by one and some through their index, and that many go to and fro.
const KEYS: core::ops::Range<u8> = 0..24;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (KEYS, 0u128..1000).prop_map(|(k, v)| Step::Put(k, v + (1 << 100))),
        4 => KEYS.prop_map(Step::Remove),
        4 => (KEYS, 0i64..1000).prop_map(|(k, d)| Step::Add(k, d)),
        4 => (KEYS, 0u128..12, 0i64..1000).prop_map(|(k, least, d)| Step::AddIf(k, least, d)),
        1 => Just(Step::Look),
        3 => Just(Step::Push),
        2 => Just(Step::Commit),
        2 => Just(Step::Discard),
        1 => Just(Step::DiscardAll),
    ];
    proptest::collection::vec(step, 0..120)
}

/// All that iteration finds.
fn content(overlay: &Overlay<'_>) -> BTreeMap<Key, Value> {
    let mut seen = BTreeMap::new();
    let mut key = Vec::new();
    // The empty key cannot be reached by `next_key`, and no step writes it.
    while let Some(next) = overlay.next_key(&key).unwrap() {
        seen.insert(next.clone(), overlay.get(&next).unwrap().unwrap());
        key = next;
    }
    seen
}

fn entries() -> impl Strategy<Value = Vec<(Key, Option<Value>)>> {
    let entry = (
        proptest::collection::vec(0u8..3, 0..3),
        proptest::option::of(proptest::collection::vec(any::<u8>(), 0..3)),
    );
    proptest::collection::vec(entry, 0..20)
}

#[test]
fn what_nothing_meets_is_met_before_no_addition() {
    let nothing = Condition { offset: 0, least: u128::MAX - 66, most: 0 };
    for delta in [-7, 0, 7] {
        assert_eq!(nothing.before(&Addition::whole(delta)), None);
    }
}

proptest! {
    /// Asking before an addition is asking after it.
    #[test]
    fn a_condition_before_an_addition_says_what_holds_after_it(
        number in prop_oneof![0u128..100, (u128::MAX - 100)..=u128::MAX],
        least in prop_oneof![0u128..100, (u128::MAX - 100)..=u128::MAX],
        most in prop_oneof![0u128..100, (u128::MAX - 100)..=u128::MAX],
        delta in -100i128..100,
    ) {
        let condition = Condition { offset: 0, least, most };
        let addition = Addition::whole(delta);
        let after = addition.apply(b"k", Some(number.to_le_bytes().to_vec()));
        let expected = after.is_ok_and(|after| condition.met_by(Some(&after)));
        let asked = condition
            .before(&addition)
            .is_some_and(|before| before.met_by(Some(&number.to_le_bytes())));
        prop_assert_eq!(asked, expected);
    }

    /// The naive reference: a stack of whole copies.
    #[test]
    fn the_overlay_equals_a_stack_of_whole_copies(start in proptest::collection::btree_map(KEYS, 0u128..9, 0..24), steps in steps()) {
        let base = Memory(start.iter().map(|(k, v)| (vec![*k], v.to_le_bytes().to_vec())).collect());
        let mut stack = vec![base.0.clone()];
        let mut overlay = Overlay::new(&base);
        for step in steps {
            let top = stack.last_mut().unwrap();
            match step {
                Step::Put(k, v) => { overlay.put(&[k], v.to_le_bytes().to_vec()); top.insert(vec![k], v.to_le_bytes().to_vec()); }
                Step::Remove(k) => { overlay.remove(&[k]); top.remove(&vec![k]); }
                Step::Add(k, d) => {
                    overlay.add_delta(&[k], d.into()).unwrap();
                    let old = top.get(&vec![k]).map_or(0, |v| u128::from_le_bytes(v.as_slice().try_into().unwrap()));
                    top.insert(vec![k], (old + d as u128).to_le_bytes().to_vec());
                }
                Step::AddIf(k, least, d) => {
                    let condition = Condition { offset: 0, least, most: 1 << 120 };
                    let old = top.get(&vec![k]).map(|v| u128::from_le_bytes(v.as_slice().try_into().unwrap()));
                    let expected = old.is_some_and(|old| old >= least);
                    prop_assert_eq!(overlay.holds(&[k], &condition).unwrap(), expected);
                    prop_assert_eq!(overlay.add_if(&[k], &condition, d.into()).unwrap(), expected);
                    if let (true, Some(old)) = (expected, old) {
                        top.insert(vec![k], (old + d as u128).to_le_bytes().to_vec());
                    }
                }
                Step::Push => { overlay.push_layer(); let copy = top.clone(); stack.push(copy); }
                Step::Commit if overlay.depth() > 0 => { overlay.commit_layer(); let top = stack.pop().unwrap(); *stack.last_mut().unwrap() = top; }
                Step::Discard if overlay.depth() > 0 => { overlay.discard_layer(); stack.pop(); }
                Step::DiscardAll => { overlay.discard_all(); stack.truncate(1); }
                // From the first look on the overlay keeps its keys in order as well.
                Step::Look => prop_assert!(content(&overlay) == *top),
                Step::Commit | Step::Discard => {}
            }
            let expected = stack.last().unwrap();
            for key in KEYS {
                prop_assert_eq!(overlay.get(&[key]).unwrap(), expected.get(&vec![key]).cloned());
            }
        }
        prop_assert_eq!(&content(&overlay), stack.last().unwrap());
        let expected = stack.pop().unwrap();
        let mut result = base.clone();
        result.apply(&overlay.into_change_set().unwrap());
        prop_assert_eq!(result.0, expected);
    }

    /// Keys of few items, alike for a while, some of which end early, some twice: sorted like any others.
    #[test]
    fn places_are_those_of_a_stable_sort(keys in proptest::collection::vec((0u8..3, 0usize..52, 0u8..3), 0..40)) {
        let keys: Vec<Key> = keys
            .into_iter()
            .map(|(item, length, last)| {
                let mut key = vec![item; length.min(32)];
                key.resize(length, 0);
                key.extend((length % 2 == 0).then_some(last));
                key
            })
            .collect();
        let mut expected: Vec<usize> = (0..keys.len()).collect();
        expected.sort_by_key(|place| &keys[*place]);
        prop_assert_eq!(order::order(keys.iter().map(Vec::as_slice), |place| &keys[place]), expected);
    }

    /// The naive reference: a map.
    #[test]
    fn a_change_set_is_a_sorted_map(entries in entries(), more in entries(), cursor in proptest::collection::vec(0u8..3, 0..3)) {
        let mut map: BTreeMap<_, _> = entries.iter().cloned().collect();
        let mut set: ChangeSet = entries.iter().cloned().collect();
        prop_assert_eq!(&ChangeSet::decode(&mut &entries.encode()[..]), &Ok(set.clone()), "decoding sorts");
        for (key, value) in more {
            map.insert(key.clone(), value.clone());
            set.insert(key, value);
        }
        prop_assert_eq!(set.encode(), map.encode());
        prop_assert_eq!(&ChangeSet::decode(&mut &set.encode()[..]), &Ok(set.clone()));
        prop_assert_eq!(&ChangeSet::from_sorted(map.clone().into_iter().collect()), &set);
        prop_assert_eq!(set.get(&cursor), map.get(&cursor).map(Option::as_ref));
        let after: Vec<_> = map.iter().filter(|(key, _)| **key > cursor).map(|(key, value)| (key.as_slice(), value.as_deref())).collect();
        prop_assert_eq!(set.iter_after(&cursor).collect::<Vec<_>>(), after);
        prop_assert!(set.into_iter().eq(map));
    }
}
