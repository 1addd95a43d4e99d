//! View and change one version of the state: read, overlay, change set, delta.
//!
//! # Responsibility
//!
//! - [`StateRead`] is the one door through which anything reads state: a database view, a block's overlay, a
//!   multi-version view of the parallel executor, a plain map in tests.
//! - [`Overlay`] collects what execution writes on top of such a view, in nested layers that can be dropped.
//! - [`ChangeSet`] is the finished result: what one block (or genesis) changes, sorted by key.
//!
//! # Flow
//!
//! ```text
//! StateRead ──► Overlay (push_layer / commit_layer / discard_layer) ──► Changes ──► ChangeSet ──► database, tree
//! ```
//!
//! # Invariants
//!
//! - A delta ([`StateWrite::add_delta`]) reads nothing: two transactions that only add to a key do not conflict.
//!   The sum is formed when somebody reads the key, or when the change set is made. Tested in `tests.rs`.
//! - A conditional delta ([`StateWrite::add_if`]) reads no more than whether its [`Condition`] holds: two credits to an
//!   account that surely exists do not conflict either.
//! - Discarding a layer leaves the overlay exactly as it was before the layer was pushed. Property-tested.
//!
//! # Assumptions
//!
//! Values that receive deltas are SCALE `u128`: 16 bytes, little endian. An absent value counts as zero.
//!
//! # Usage
//!
//! ```
//! use basalt_state::{Memory, Overlay, StateRead, StateWrite};
//! let base = Memory::default();
//! let mut overlay = Overlay::new(&base);
//! overlay.put(b"name", b"basalt".to_vec());
//! overlay.push_layer();
//! overlay.remove(b"name");
//! overlay.discard_layer();
//! assert_eq!(overlay.get(b"name").unwrap(), Some(b"basalt".to_vec()));
//! ```
//!
//! # Out of scope
//!
//! Typed storage items are in `basalt-support`; the durable copy is in `basalt-db`; the root is in `basalt-tree`.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

mod addition;
mod change_set;
mod order;
mod overlay;
mod table;
#[cfg(test)]
mod tests;

use alloc::{collections::BTreeMap, string::String, vec::Vec};

pub use addition::{Addition, Condition};
pub use change_set::ChangeSet;
pub use overlay::{Change, Changes, Overlay};

/// A raw storage key, as clients see it.
pub type Key = Vec<u8>;
/// A raw storage value: SCALE bytes.
pub type Value = Vec<u8>;

/// Why the state could not be read. Never the fault of a transaction: whoever executes stops and reports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The database below failed.
    #[error("the state could not be read: {0}")]
    Backend(String),
    /// The state of this block is no longer kept.
    #[error("State already discarded for {0}")]
    Pruned(String),
    /// A stored value does not decode as the type its storage item declares.
    #[error("the value stored under key 0x{key} does not decode as {expected}; run `basalt db check`")]
    Corrupt {
        /// The key, in hex.
        key: String,
        /// The type that was expected.
        expected: &'static str,
    },
    /// A delta left the range of `u128`: a pallet broke its promise that the sum always fits.
    #[error("adding {delta} to the value {value} under key 0x{key} leaves the range of u128")]
    DeltaOutOfRange {
        /// The key, in hex.
        key: String,
        /// What was there.
        value: u128,
        /// What was to be added.
        delta: i128,
    },
    /// What runs contracts failed, or there is none: the block cannot be executed here.
    #[error("this node cannot run contracts: {0}")]
    Machine(String),
    /// The value depends on a transaction that is still running; the executor will run this one again.
    #[error("the value is being written by an earlier transaction of the same block")]
    Interrupted,
}

/// Reads one version of the state.
pub trait StateRead {
    /// The value under `key`, if any.
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError>;

    /// The smallest key strictly greater than `key`, if any.
    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError>;

    /// Whether the value under `key` meets `condition`. What the value is beyond that does not matter to the caller, so
    /// the parallel executor runs nobody again as long as the answer stays the same.
    fn holds(&self, key: &[u8], condition: &Condition) -> Result<bool, StateError> {
        Ok(condition.met_by(self.get(key)?.as_deref()))
    }
}

/// Changes one version of the state.
pub trait StateWrite: StateRead {
    /// Sets `key` to `value`.
    fn put(&mut self, key: &[u8], value: Value);

    /// Removes `key`, if it is there.
    fn remove(&mut self, key: &[u8]);

    /// Adds `delta` to the `u128` under `key` without reading it. The caller promises that the sum always fits.
    fn add_delta(&mut self, key: &[u8], delta: i128) -> Result<(), StateError>;

    /// If the value under `key` meets `condition`, adds `delta` to the `u128` that the condition is about, without
    /// reading more than that. Returns whether it did. The caller chooses the condition so that the sum fits.
    fn add_if(&mut self, key: &[u8], condition: &Condition, delta: i128) -> Result<bool, StateError>;
}

impl<T: StateRead + ?Sized> StateRead for &T {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        (**self).get(key)
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        (**self).next_key(key)
    }

    fn holds(&self, key: &[u8], condition: &Condition) -> Result<bool, StateError> {
        (**self).holds(key, condition)
    }
}

/// A whole state in memory: for genesis and for tests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory(pub BTreeMap<Key, Value>);

impl Memory {
    /// Applies a change set.
    pub fn apply(&mut self, changes: &ChangeSet) {
        for (key, value) in changes.iter() {
            match value {
                Some(value) => self.0.insert(key.to_vec(), value.to_vec()),
                None => self.0.remove(key),
            };
        }
    }
}

impl StateRead for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        Ok(self.0.get(key).cloned())
    }

    fn holds(&self, key: &[u8], condition: &Condition) -> Result<bool, StateError> {
        Ok(condition.met_by(self.0.get(key).map(Vec::as_slice)))
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        use core::ops::Bound::{Excluded, Unbounded};
        Ok(self.0.range::<[u8], _>((Excluded(key), Unbounded)).next().map(|(k, _)| k.clone()))
    }
}

/// Lower-case hex without prefix, for error messages.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use core::fmt::Write;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a `String` never fails.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
