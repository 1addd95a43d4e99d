use alloc::{collections::BTreeMap, vec, vec::Vec};
use core::cell::RefCell;

use basalt_state::Memory;
use proptest::prelude::*;

use super::*;

/// Writes down what it is asked.
struct Asked(Memory, RefCell<Vec<Key>>);

impl StateRead for Asked {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.1.borrow_mut().push(key.to_vec());
        self.0.get(key)
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        self.0.next_key(key)
    }
}

fn raw(number: u8) -> Key {
    [&b"prefix"[..], &[number ^ 0xff; 16], &[number]].concat()
}

#[test]
fn a_value_is_read_once_and_its_key_hashed_once() {
    let state = Asked(Memory(BTreeMap::from([(raw(1), vec![7])])), RefCell::default());
    let mut recent = Recent::default();
    for _ in 0..3 {
        assert_eq!(recent.read(&state, KeyKind::Variable, &raw(1)).unwrap(), Some(&vec![7]));
        assert_eq!(recent.read(&state, KeyKind::Variable, &raw(2)).unwrap(), None);
    }
    assert_eq!(recent.hashed(b"prefix", &[1]).unwrap(), &raw(1)[6..]);
    // Neither another key, nor another contract, nor a part of a key.
    assert_eq!(recent.hashed(b"prefix", &[3]), None);
    assert_eq!(recent.hashed(b"suffix", &[1]), None);
    assert_eq!(recent.hashed(b"prefix", &[]), None);
    assert_eq!(recent.take(&state, &raw(1)).unwrap(), Some(vec![7]));
    assert_eq!(*state.1.borrow(), [raw(1), raw(2)]);
    // The end of a fixed key's raw one is no key.
    assert_eq!(recent.read(&state, KeyKind::Fixed, &raw(4)).unwrap(), None);
    assert_eq!(recent.hashed(b"prefix", &[4]), None);
    state.1.borrow_mut().pop();
    // What was taken is asked for again, and what was forgotten.
    assert_eq!(recent.read(&state, KeyKind::Variable, &raw(1)).unwrap(), Some(&vec![7]));
    recent.clear();
    assert_eq!(recent.read(&state, KeyKind::Variable, &raw(2)).unwrap(), None);
    assert_eq!(*state.1.borrow(), [raw(1), raw(2), raw(1), raw(2)]);
}

proptest! {
    /// Through it one sees what the state has, whatever is read and written.
    #[test]
    fn it_never_shows_what_was(steps in prop::collection::vec((0..7_u8, prop::option::of(any::<Option<u8>>())), 1..60)) {
        let mut state = Memory::default();
        let mut recent = Recent::default();
        for (number, write) in steps {
            let key = raw(number);
            let expected = state.get(&key).unwrap();
            match write {
                None => prop_assert_eq!(recent.read(&state, KeyKind::Variable, &key).unwrap(), expected.as_ref()),
                Some(new) => {
                    prop_assert_eq!(recent.take(&state, &key).unwrap(), expected);
                    match new {
                        Some(byte) => drop(state.0.insert(key, vec![byte])),
                        None => drop(state.0.remove(&key)),
                    }
                }
            }
            prop_assert!(recent.values.len() <= VALUES_MAX);
        }
    }
}
