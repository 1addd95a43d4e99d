//! What was read last, in front of a state.

use std::cell::RefCell;

use basalt_state::{Key, StateError, StateRead, Value};

/// As many keys as are read over and over while transactions are checked one after the other: the hash of their birth
/// block, the fee multiplier, and the sender's account.
const KEYS_MAX: usize = 4;

/// A state that is read by one thread, for a short time: it never changes, so what was read may be kept.
pub(crate) struct Memo<'a> {
    state: &'a dyn StateRead,
    /// What was read last comes first.
    recent: RefCell<Vec<(Key, Option<Value>)>>,
}

impl<'a> Memo<'a> {
    pub(crate) fn new(state: &'a dyn StateRead) -> Self {
        Self { state, recent: RefCell::default() }
    }
}

impl StateRead for Memo<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        let mut recent = self.recent.borrow_mut();
        match recent.iter().position(|(known, _)| known == key) {
            Some(place) => recent[..=place].rotate_right(1),
            None => {
                let value = self.state.get(key)?;
                recent.truncate(KEYS_MAX - 1);
                recent.insert(0, (key.to_vec(), value));
            }
        }
        Ok(recent[0].1.clone())
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        self.state.next_key(key)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    struct Counted(Cell<u32>);

    impl StateRead for Counted {
        fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
            self.0.set(self.0.get() + 1);
            Ok((key != b"absent").then(|| key.to_vec()))
        }

        fn next_key(&self, _: &[u8]) -> Result<Option<Key>, StateError> {
            Ok(None)
        }
    }

    #[test]
    fn what_all_read_is_read_once_and_the_rest_as_it_is() {
        let state = Counted(Cell::new(0));
        let memo = Memo::new(&state);
        for sender in 0..10u8 {
            assert_eq!(memo.get(b"absent"), Ok(None));
            assert_eq!(memo.get(&[sender]), Ok(Some(vec![sender])));
            assert_eq!(memo.get(b"multiplier"), Ok(Some(b"multiplier".to_vec())));
            assert_eq!(memo.get(&[sender]), Ok(Some(vec![sender])));
        }
        assert_eq!(state.0.get(), 12, "two of all, and one of each");
    }
}
