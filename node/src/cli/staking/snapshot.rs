//! The state of one block at a node, read as the runtime reads it.
//!
//! The runtime's storage items and functions take any state. Here a question is put to what is known of the state so far; if
//! that is not enough, what was missing is fetched, and the question put again. All answers are about one block.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ops::Bound::{Excluded, Unbounded},
};

use basalt_primitives::{BlockNumber, H256};
use basalt_state::{StateError, StateRead};

use crate::cli::tx::{Node, TxError};

/// How many keys are asked for at once. Nodes give no more than 1000.
const PAGE_KEYS: u32 = 512;
/// The most keys of one kind: as many nominators as an election can have, with room.
const KEYS_MAX: usize = 100_000;
/// How often one question may find something missing: each time brings it further.
const ROUNDS_MAX: u32 = 10_000;

/// What is known of the state of a block.
pub(super) struct Snapshot<'n> {
    node: &'n Node,
    /// Which block.
    hash: H256,
    /// Its height.
    pub(super) number: BlockNumber,
    known: Known,
}

/// Values by key, and prefixes of which all keys are known.
#[derive(Debug, Default)]
pub(super) struct Known {
    values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    prefixes: BTreeSet<Vec<u8>>,
    missing: RefCell<Missing>,
}

/// What a question could not find out.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Missing {
    keys: BTreeSet<Vec<u8>>,
    prefixes: BTreeSet<Vec<u8>>,
}

impl Known {
    fn covers(&self, key: &[u8]) -> bool {
        self.prefixes.iter().any(|prefix| key.starts_with(prefix))
    }

    fn ask_for(&self, note: impl FnOnce(&mut Missing)) -> StateError {
        note(&mut self.missing.borrow_mut());
        StateError::Backend("the node has not been asked yet".to_owned())
    }
}

impl StateRead for Known {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        match self.values.get(key) {
            Some(value) => Ok(value.clone()),
            None if self.covers(key) => Ok(None),
            None => Err(self.ask_for(|missing| {
                missing.keys.insert(key.to_vec());
            })),
        }
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        // Who walks over a map begins with its prefix.
        if !self.covers(key) {
            return Err(self.ask_for(|missing| {
                missing.prefixes.insert(key.to_vec());
            }));
        }
        let later = self.values.range::<[u8], _>((Excluded(key), Unbounded));
        Ok(later.filter(|(_, value)| value.is_some()).map(|(key, _)| key.clone()).next())
    }
}

impl<'n> Snapshot<'n> {
    /// The best block's.
    pub(super) async fn best(node: &'n Node) -> Result<Self, TxError> {
        let hash = node.best_hash().await?;
        Self::at(node, hash).await
    }

    /// A block's.
    pub(super) async fn at(node: &'n Node, hash: H256) -> Result<Self, TxError> {
        let header = node.header(hash).await?;
        let number = header.ok_or_else(|| nonsense(format!("it does not know block {hash:#x}")))?.number;
        Ok(Self { node, hash, number, known: Known::default() })
    }

    /// Puts a question, and fetches what it takes to answer it.
    pub(super) async fn ask<T>(
        &mut self,
        question: impl Fn(&Known) -> Result<T, StateError>,
    ) -> Result<T, TxError> {
        for _ in 0..ROUNDS_MAX {
            let answer = question(&self.known);
            let missing = std::mem::take(&mut *self.known.missing.borrow_mut());
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) if missing == Missing::default() => return Err(nonsense(error.to_string())),
                Err(_) => {}
            }
            for prefix in missing.prefixes {
                self.fetch_all(prefix).await?;
            }
            self.fetch(missing.keys.into_iter().collect()).await?;
        }
        Err(nonsense("one question takes too many answers".to_owned()))
    }

    /// Fetches values at once that will be asked for one by one.
    pub(super) async fn fetch(&mut self, keys: Vec<Vec<u8>>) -> Result<(), TxError> {
        let keys: Vec<_> = keys.into_iter().filter(|key| !self.known.values.contains_key(key)).collect();
        for part in keys.chunks(PAGE_KEYS as usize) {
            self.known.values.extend(part.iter().map(|key| (key.clone(), None)));
            self.known.values.extend(self.node.values(part.to_vec(), self.hash).await?);
        }
        Ok(())
    }

    /// Fetches all that has a key with this prefix.
    pub(super) async fn fetch_all(&mut self, prefix: Vec<u8>) -> Result<(), TxError> {
        let mut after = None;
        let mut count = 0;
        loop {
            let keys = self.node.keys_after(&prefix, PAGE_KEYS, after.clone(), self.hash).await?;
            count += keys.len();
            if count > KEYS_MAX {
                return Err(nonsense(format!("it has more than {KEYS_MAX} entries of one kind")));
            }
            let is_last = keys.len() < PAGE_KEYS as usize;
            after = keys.last().cloned();
            self.fetch(keys).await?;
            if is_last {
                self.known.prefixes.insert(prefix);
                return Ok(());
            }
        }
    }
}

fn nonsense(why: String) -> TxError {
    TxError::Nonsense { what: "its state", why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_noted_and_what_is_known_to_be_absent_is_not() {
        let mut known = Known::default();
        known.values.insert(b"map/a".to_vec(), Some(b"1".to_vec()));
        known.values.insert(b"map/b".to_vec(), None);
        known.values.insert(b"map/c".to_vec(), Some(b"3".to_vec()));
        known.prefixes.insert(b"map/".to_vec());

        assert_eq!(known.get(b"map/a").unwrap(), Some(b"1".to_vec()));
        assert_eq!(known.get(b"map/x").unwrap(), None);
        assert_eq!(known.next_key(b"map/").unwrap(), Some(b"map/a".to_vec()));
        assert_eq!(known.next_key(b"map/a").unwrap(), Some(b"map/c".to_vec()), "absent keys are skipped");
        assert_eq!(known.next_key(b"map/c").unwrap(), None);
        assert_eq!(*known.missing.borrow(), Missing::default());

        assert!(known.get(b"other").is_err() && known.next_key(b"list/").is_err());
        let missing = known.missing.borrow();
        assert!(missing.keys.contains(&b"other"[..]) && missing.prefixes.contains(&b"list/"[..]));
    }
}
