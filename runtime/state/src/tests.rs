use alloc::{vec, vec::Vec};

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
    Push,
    Commit,
    Discard,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0u8..8, 0u128..1000).prop_map(|(k, v)| Step::Put(k, v + (1 << 100))),
        (0u8..8).prop_map(Step::Remove),
        (0u8..8, 0i64..1000).prop_map(|(k, d)| Step::Add(k, d)),
        (0u8..8, 0u128..12, 0i64..1000).prop_map(|(k, least, d)| Step::AddIf(k, least, d)),
        Just(Step::Push),
        Just(Step::Commit),
        Just(Step::Discard),
    ];
    proptest::collection::vec(step, 0..60)
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
    fn the_overlay_equals_a_stack_of_whole_copies(start in proptest::collection::btree_map(0u8..8, 0u128..9, 0..8), steps in steps()) {
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
                Step::Commit | Step::Discard => {}
            }
            let expected = stack.last().unwrap();
            let mut seen = alloc::collections::BTreeMap::new();
            let mut key = Vec::new();
            while let Some(next) = overlay.next_key(&key).unwrap() {
                seen.insert(next.clone(), overlay.get(&next).unwrap().unwrap());
                key = next;
            }
            // The empty key cannot be reached by `next_key`, and no step writes it.
            prop_assert_eq!(&seen, expected);
        }
        let expected = stack.pop().unwrap();
        let mut result = base.clone();
        result.apply(&overlay.into_change_set().unwrap());
        prop_assert_eq!(result.0, expected);
    }
}
