//! Pending changes by key: a few are searched one by one, many through a hash index, and they are sorted only for who
//! asks for an order.

use alloc::{
    collections::BTreeMap,
    vec::{Drain, Vec},
};
use core::{
    cell::OnceCell,
    hash::BuildHasher,
    mem,
    ops::Bound::{Excluded, Unbounded},
};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::{Change, Key};

/// Up to so many keys are compared one by one: as many as most transactions touch, and cheaper than to hash the key.
const SCANNED_MAX: usize = 8;

/// Changes in the order in which their keys were first written. A key keeps its place.
#[derive(Default)]
pub(crate) struct Table {
    entries: Vec<(Key, Change)>,
    /// Hash and place of each entry; empty until there are more than [`SCANNED_MAX`]. Nothing ever iterates over it, so
    /// its order reaches no result.
    index: HashTable<(u64, usize)>,
    hasher: DefaultHashBuilder,
    /// Place of each entry by key, from the first time that somebody asks for the next key on.
    order: OnceCell<BTreeMap<Key, usize>>,
}

impl Table {
    /// All changes, in the order of their places.
    pub(crate) fn entries(&self) -> &[(Key, Change)] {
        &self.entries
    }

    /// Ends the table.
    pub(crate) fn into_entries(self) -> Vec<(Key, Change)> {
        self.entries
    }

    /// Takes all changes out; room for as many stays.
    pub(crate) fn drain(&mut self) -> Drain<'_, (Key, Change)> {
        self.index.clear();
        self.order.take();
        self.entries.drain(..)
    }

    /// The place of a key.
    pub(crate) fn find(&self, key: &[u8]) -> Option<usize> {
        if self.index.is_empty() {
            return self.entries.iter().position(|(other, _)| other == key);
        }
        let hash = self.hasher.hash_one(key);
        let same = |&(other, place): &(u64, usize)| {
            other == hash && self.entries.get(place).is_some_and(|(other, _)| other == key)
        };
        self.index.find(hash, same).map(|&(_, place)| place)
    }

    /// The change at a place.
    pub(crate) fn at(&self, place: usize) -> &Change {
        &self.entries[place].1
    }

    /// Replaces the change at a place; returns the one before.
    pub(crate) fn replace(&mut self, place: usize, change: Change) -> Change {
        mem::replace(&mut self.entries[place].1, change)
    }

    /// Adds a key that is not here.
    pub(crate) fn push(&mut self, key: &[u8], change: Change) {
        let place = self.entries.len();
        if !self.index.is_empty() {
            self.enter(key, place);
        } else if place >= SCANNED_MAX {
            for place in 0..place {
                let hash = self.hasher.hash_one(self.entries[place].0.as_slice());
                self.index.insert_unique(hash, (hash, place), |&(hash, _)| hash);
            }
            self.enter(key, place);
        }
        if let Some(order) = self.order.get_mut() {
            order.insert(key.to_vec(), place);
        }
        self.entries.push((key.to_vec(), change));
    }

    fn enter(&mut self, key: &[u8], place: usize) {
        let hash = self.hasher.hash_one(key);
        self.index.insert_unique(hash, (hash, place), |&(hash, _)| hash);
    }

    /// Removes the key that was added last.
    pub(crate) fn pop(&mut self) {
        let Some((key, _)) = self.entries.pop() else { return };
        let place = self.entries.len();
        if !self.index.is_empty() {
            let hash = self.hasher.hash_one(key.as_slice());
            if let Ok(entry) = self.index.find_entry(hash, |&(_, other)| other == place) {
                entry.remove();
            }
        }
        if let Some(order) = self.order.get_mut() {
            order.remove(&key);
        }
    }

    /// The first key after this one, and its change.
    pub(crate) fn next(&self, key: &[u8]) -> Option<(&Key, &Change)> {
        let order = self.order.get_or_init(|| {
            self.entries.iter().enumerate().map(|(place, (key, _))| (key.clone(), place)).collect()
        });
        let (key, &place) = order.range::<[u8], _>((Excluded(key), Unbounded)).next()?;
        Some((key, self.at(place)))
    }
}
