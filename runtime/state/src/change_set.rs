//! What one block changes, sorted by key.

use alloc::vec::{self, Vec};
use core::mem;

use parity_scale_codec::{Decode, Encode, Error, Input};

use crate::{Key, Value, order::order};

/// What one block changes: for each key its new value, or `None` if it was removed. Sorted by key, no deltas left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode)]
pub struct ChangeSet {
    /// Keys strictly ascending.
    entries: Vec<(Key, Option<Value>)>,
}

impl ChangeSet {
    /// A change set of entries whose keys are strictly ascending. Whoever has them in another order collects them.
    pub fn from_sorted(entries: Vec<(Key, Option<Value>)>) -> Self {
        debug_assert!(is_sorted(&entries), "the keys of a change set are strictly ascending");
        Self { entries }
    }

    /// The change to `key`: `None` if this set leaves it alone, `Some(None)` if it removes it.
    pub fn get(&self, key: &[u8]) -> Option<Option<&Value>> {
        let place = self.find(key).ok()?;
        self.entries.get(place).map(|(_, value)| value.as_ref())
    }

    /// The change at a place in key order.
    pub fn at(&self, place: usize) -> Option<(&[u8], Option<&Value>)> {
        self.entries.get(place).map(|(key, value)| (key.as_slice(), value.as_ref()))
    }

    /// All changes, in key order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&[u8]>)> {
        self.entries.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// The changes to keys strictly greater than `key`, in key order.
    pub fn iter_after(&self, key: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let start = self.entries.partition_point(|(other, _)| other.as_slice() <= key);
        self.entries.iter().skip(start).map(|(key, value)| (key.as_slice(), value.as_deref()))
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

    /// Sets or removes one key. Moves all entries behind it: many are better collected.
    pub fn insert(&mut self, key: Key, value: Option<Value>) {
        // Whoever goes through keys in order adds them at the end.
        if self.entries.last().is_none_or(|(last, _)| *last < key) {
            return self.entries.push((key, value));
        }
        match self.find(&key) {
            Ok(place) => self.entries[place].1 = value,
            Err(place) => self.entries.insert(place, (key, value)),
        }
    }

    fn find(&self, key: &[u8]) -> Result<usize, usize> {
        self.entries.binary_search_by(|(other, _)| other.as_slice().cmp(key))
    }
}

fn is_sorted(entries: &[(Key, Option<Value>)]) -> bool {
    entries.is_sorted_by(|(one, _), (other, _)| one < other)
}

impl FromIterator<(Key, Option<Value>)> for ChangeSet {
    /// In any order; of several entries of one key the last one counts.
    fn from_iter<I: IntoIterator<Item = (Key, Option<Value>)>>(entries: I) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        if !is_sorted(&entries) {
            let order = order(entries.iter().map(|(key, _)| key.as_slice()), |place| &entries[place].0);
            entries = order.into_iter().map(|place| mem::take(&mut entries[place])).collect();
            entries.dedup_by(|later, kept| {
                let same = later.0 == kept.0;
                if same {
                    kept.1 = later.1.take();
                }
                same
            });
        }
        Self { entries }
    }
}

impl IntoIterator for ChangeSet {
    type Item = (Key, Option<Value>);
    type IntoIter = vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl Decode for ChangeSet {
    /// In any order, as a map is decoded.
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(Vec::decode(input)?.into_iter().collect())
    }
}
