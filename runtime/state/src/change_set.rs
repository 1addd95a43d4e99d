//! What one block changes, sorted by key.

use alloc::{collections::BTreeMap, vec::Vec};
use core::ops::Bound::{Excluded, Unbounded};

use parity_scale_codec::{Decode, Encode};

use crate::{Key, Value};

/// What one block changes: for each key its new value, or `None` if it was removed. Sorted by key, no deltas left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct ChangeSet {
    entries: BTreeMap<Key, Option<Value>>,
}

impl ChangeSet {
    /// The change to `key`: `None` if this set leaves it alone, `Some(None)` if it removes it.
    pub fn get(&self, key: &[u8]) -> Option<Option<&Value>> {
        self.entries.get(key).map(Option::as_ref)
    }

    /// All changes, in key order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&[u8]>)> {
        self.entries.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// The changes to keys strictly greater than `key`, in key order.
    pub fn iter_after(&self, key: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.entries
            .range::<[u8], _>((Excluded(key), Unbounded))
            .map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// How many keys change.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of all keys and values: what limits and caches count.
    pub fn bytes(&self) -> usize {
        self.entries.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum()
    }

    /// Sets or removes one key.
    pub fn insert(&mut self, key: Key, value: Option<Value>) {
        self.entries.insert(key, value);
    }
}

impl FromIterator<(Key, Option<Value>)> for ChangeSet {
    fn from_iter<I: IntoIterator<Item = (Key, Option<Value>)>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect() }
    }
}

impl IntoIterator for ChangeSet {
    type Item = (Key, Option<Value>);
    type IntoIter = alloc::collections::btree_map::IntoIter<Key, Option<Value>>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}
