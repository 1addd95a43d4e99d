//! Memory of a bounded number of things: the oldest is forgotten.
//!
//! Pure.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

#[cfg(test)]
mod tests;

/// A map of the newest `max` keys. Setting a key again does not make it newer.
#[derive(Debug)]
pub(crate) struct Recent<K, V = ()> {
    values: HashMap<K, V>,
    /// In the order in which they came. May name keys that were removed: they are skipped when their turn comes.
    order: VecDeque<K>,
    max: usize,
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    pub(crate) fn new(max: usize) -> Self {
        Self { values: HashMap::new(), order: VecDeque::new(), max: max.max(1) }
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.values.contains_key(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.values.get_mut(key)
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key)
    }

    /// Sets `key`, and returns whether it is new.
    pub(crate) fn insert(&mut self, key: K, value: V) -> bool {
        if let Some(old) = self.values.get_mut(&key) {
            *old = value;
            return false;
        }
        while self.values.len() >= self.max {
            match self.order.pop_front() {
                Some(oldest) => self.values.remove(&oldest),
                None => break,
            };
        }
        // Keys that were removed, and set anew, stand here twice: without this they would pile up.
        if self.order.len() >= self.max.saturating_mul(2) {
            let values = &self.values;
            self.order.retain(|key| values.contains_key(key));
        }
        self.values.insert(key.clone(), value);
        self.order.push_back(key);
        true
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.values.remove(key)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    #[cfg(test)]
    pub(crate) fn order_len(&self) -> usize {
        self.order.len()
    }
}
