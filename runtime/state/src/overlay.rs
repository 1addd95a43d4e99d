//! Pending writes over a view, in nested layers.

use alloc::{collections::BTreeMap, vec::Vec};
use core::{
    mem,
    ops::Bound::{Excluded, Unbounded},
};

use crate::{ChangeSet, Key, StateError, StateRead, StateWrite, Value, hex};

/// What happens to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The key gets this value.
    Put(Value),
    /// The key is removed.
    Remove,
    /// This much is added to the `u128` under the key; its old value was not read.
    Add(i128),
}

/// What an overlay changed, deltas still open. [`Changes::resolve`] makes a [`ChangeSet`] of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes(pub BTreeMap<Key, Change>);

impl Changes {
    /// Turns deltas into values by reading `base`.
    pub fn resolve(self, base: &dyn StateRead) -> Result<ChangeSet, StateError> {
        self.0
            .into_iter()
            .map(|(key, change)| {
                let value = match change {
                    Change::Put(value) => Some(value),
                    Change::Remove => None,
                    Change::Add(delta) => Some(add(&key, base.get(&key)?.as_deref(), delta)?),
                };
                Ok((key, value))
            })
            .collect()
    }
}

/// Pending writes over a base view.
///
/// One map holds the current changes, and a journal holds what each write replaced, so that reading costs one
/// lookup however deep the layers are nested, and dropping a layer costs only what was written in it.
pub struct Overlay<'a> {
    base: &'a dyn StateRead,
    changes: BTreeMap<Key, Change>,
    journal: Vec<(Key, Option<Change>)>,
    /// Length of the journal at which each open layer begins.
    layers: Vec<usize>,
}

impl<'a> Overlay<'a> {
    /// An overlay without changes.
    pub fn new(base: &'a dyn StateRead) -> Self {
        Self { base, changes: BTreeMap::new(), journal: Vec::new(), layers: Vec::new() }
    }

    /// Opens a layer: writes from here on can be dropped together.
    pub fn push_layer(&mut self) {
        self.layers.push(self.journal.len());
    }

    /// Closes the top layer and keeps its writes.
    ///
    /// # Panics
    ///
    /// If no layer is open: a mistake of the caller, not of any input.
    pub fn commit_layer(&mut self) {
        self.layers.pop().expect("every commit follows its push");
        if self.layers.is_empty() {
            self.journal.clear();
        }
    }

    /// Closes the top layer and drops its writes.
    ///
    /// # Panics
    ///
    /// If no layer is open: a mistake of the caller, not of any input.
    pub fn discard_layer(&mut self) {
        let start = self.layers.pop().expect("every discard follows its push");
        while self.journal.len() > start {
            let Some((key, previous)) = self.journal.pop() else { break };
            match previous {
                Some(change) => self.changes.insert(key, change),
                None => self.changes.remove(&key),
            };
        }
    }

    /// How many layers are open.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// What was changed so far, deltas still open.
    pub fn changes(&self) -> &BTreeMap<Key, Change> {
        &self.changes
    }

    /// Ends the overlay and hands out its changes. Layers still open count as kept.
    pub fn into_changes(self) -> Changes {
        Changes(self.changes)
    }

    /// Ends the overlay: the final value of each changed key.
    pub fn into_change_set(self) -> Result<ChangeSet, StateError> {
        let base = self.base;
        Changes(self.changes).resolve(base)
    }

    /// Applies the changes of one transaction that ran elsewhere, in order.
    pub fn merge(&mut self, changes: Changes) -> Result<(), StateError> {
        for (key, change) in changes.0 {
            match change {
                Change::Add(delta) => self.add_delta(&key, delta)?,
                other => self.set(&key, other),
            }
        }
        Ok(())
    }

    fn set(&mut self, key: &[u8], change: Change) {
        let journaled = !self.layers.is_empty();
        if let Some(slot) = self.changes.get_mut(key) {
            let previous = mem::replace(slot, change);
            if journaled {
                self.journal.push((key.to_vec(), Some(previous)));
            }
        } else {
            self.changes.insert(key.to_vec(), change);
            if journaled {
                self.journal.push((key.to_vec(), None));
            }
        }
    }
}

impl StateRead for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        match self.changes.get(key) {
            Some(Change::Put(value)) => Ok(Some(value.clone())),
            Some(Change::Remove) => Ok(None),
            Some(Change::Add(delta)) => add(key, self.base.get(key)?.as_deref(), *delta).map(Some),
            None => self.base.get(key),
        }
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        let mut below = self.base.next_key(key)?;
        let mut above = self
            .changes
            .range::<[u8], _>((Excluded(key), Unbounded))
            .map(|(key, change)| (key, matches!(change, Change::Remove)))
            .peekable();
        loop {
            let Some(&(pending, removed)) = above.peek() else { return Ok(below) };
            match below {
                Some(ref stored) if stored < pending => return Ok(below),
                // The key is in both: the pending change decides.
                Some(ref stored) if stored == pending => {
                    if !removed {
                        return Ok(below);
                    }
                    below = self.base.next_key(stored)?;
                }
                _ if !removed => return Ok(Some(pending.clone())),
                _ => {}
            }
            above.next();
        }
    }
}

impl StateWrite for Overlay<'_> {
    fn put(&mut self, key: &[u8], value: Value) {
        self.set(key, Change::Put(value));
    }

    fn remove(&mut self, key: &[u8]) {
        self.set(key, Change::Remove);
    }

    fn add_delta(&mut self, key: &[u8], delta: i128) -> Result<(), StateError> {
        let change = match self.changes.get(key) {
            Some(Change::Put(value)) => Change::Put(add(key, Some(value), delta)?),
            Some(Change::Remove) => Change::Put(add(key, None, delta)?),
            Some(Change::Add(sum)) => Change::Add(sum.checked_add(delta).ok_or_else(|| {
                StateError::DeltaOutOfRange { key: hex(key), value: sum.unsigned_abs(), delta }
            })?),
            None => Change::Add(delta),
        };
        self.set(key, change);
        Ok(())
    }
}

/// The encoded `u128` after adding `delta` to the encoded `u128` before (absent: zero).
fn add(key: &[u8], before: Option<&[u8]>, delta: i128) -> Result<Value, StateError> {
    let value = match before {
        None => 0,
        Some(bytes) => u128::from_le_bytes(
            bytes.try_into().map_err(|_| StateError::Corrupt { key: hex(key), expected: "u128" })?,
        ),
    };
    let sum = value.checked_add_signed(delta).ok_or_else(|| StateError::DeltaOutOfRange {
        key: hex(key),
        value,
        delta,
    })?;
    Ok(sum.to_le_bytes().to_vec())
}
