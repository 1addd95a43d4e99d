//! Pending writes over a view, in nested layers.

use alloc::{collections::BTreeMap, vec::Vec};
use core::{
    mem,
    ops::Bound::{Excluded, Unbounded},
};

use crate::{Addition, ChangeSet, Condition, Key, StateError, StateRead, StateWrite, Value};

/// What happens to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The key gets this value.
    Put(Value),
    /// The key is removed.
    Remove,
    /// This is added to a number in the value under the key; its old value was not read.
    Add(Addition),
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
                    Change::Add(addition) => Some(addition.apply(&key, base.get(&key)?)?),
                };
                Ok((key, value))
            })
            .collect()
    }
}

/// Pending writes over a base view.
///
/// What the open layers write goes into a map of its own, small as one transaction is, with a journal of what each write
/// replaced; closing the outermost layer moves it to what the block has settled. So a transaction that touches its few
/// keys again and again searches a few keys and not the whole block's, however deep its layers are nested, and
/// dropping a layer costs what was written in it.
pub struct Overlay<'a> {
    base: &'a dyn StateRead,
    /// Changes made outside of layers, or kept by closing the outermost one.
    settled: BTreeMap<Key, Change>,
    /// Changes of the open layers. Each stands instead of the settled change to its key, deltas included.
    recent: BTreeMap<Key, Change>,
    /// What each write replaced in `recent`.
    journal: Vec<(Key, Option<Change>)>,
    /// Length of the journal at which each open layer begins.
    layers: Vec<usize>,
}

impl<'a> Overlay<'a> {
    /// An overlay without changes.
    pub fn new(base: &'a dyn StateRead) -> Self {
        Self {
            base,
            settled: BTreeMap::new(),
            recent: BTreeMap::new(),
            journal: Vec::new(),
            layers: Vec::new(),
        }
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
            self.settle();
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
                Some(change) => self.recent.insert(key, change),
                None => self.recent.remove(&key),
            };
        }
    }

    /// Keeps what the layers wrote.
    fn settle(&mut self) {
        self.journal.clear();
        while let Some((key, change)) = self.recent.pop_first() {
            self.settled.insert(key, change);
        }
    }

    /// How many layers are open.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// What was changed so far outside of open layers, deltas still open.
    pub fn changes(&self) -> &BTreeMap<Key, Change> {
        &self.settled
    }

    /// Ends the overlay and hands out its changes. Layers still open count as kept.
    pub fn into_changes(mut self) -> Changes {
        self.settle();
        Changes(self.settled)
    }

    /// Ends the overlay: the final value of each changed key. Layers still open count as kept.
    pub fn into_change_set(self) -> Result<ChangeSet, StateError> {
        let base = self.base;
        self.into_changes().resolve(base)
    }

    /// Applies the changes of one transaction that ran elsewhere, in order.
    pub fn merge(&mut self, changes: Changes) -> Result<(), StateError> {
        for (key, change) in changes.0 {
            match change {
                Change::Add(addition) => self.add(&key, addition)?,
                other => self.set(&key, other),
            }
        }
        Ok(())
    }

    /// The pending change to a key.
    fn pending(&self, key: &[u8]) -> Option<&Change> {
        self.recent.get(key).or_else(|| self.settled.get(key))
    }

    /// The first key after `key` that has a pending change, and whether that removes it.
    fn next_pending(&self, key: &[u8]) -> Option<(&Key, bool)> {
        let range = (Excluded(key), Unbounded);
        let (recent, settled) =
            (self.recent.range::<[u8], _>(range).next(), self.settled.range::<[u8], _>(range).next());
        let (key, change) = match (recent, settled) {
            // At the same key the recent change stands.
            (Some(recent), Some(settled)) if recent.0 > settled.0 => settled,
            (Some(first), _) | (None, Some(first)) => first,
            (None, None) => return None,
        };
        Some((key, matches!(change, Change::Remove)))
    }

    fn add(&mut self, key: &[u8], addition: Addition) -> Result<(), StateError> {
        let change = match self.pending(key) {
            Some(Change::Put(value)) => Change::Put(addition.apply(key, Some(value.clone()))?),
            Some(Change::Remove) => Change::Put(addition.apply(key, None)?),
            Some(Change::Add(earlier)) => match earlier.and(addition, key)? {
                Some(both) => Change::Add(both),
                // Two numbers in one value: from here on the value is known.
                None => Change::Put(addition.apply(key, self.get(key)?)?),
            },
            None => Change::Add(addition),
        };
        self.set(key, change);
        Ok(())
    }

    fn set(&mut self, key: &[u8], change: Change) {
        if self.layers.is_empty() {
            if let Some(slot) = self.settled.get_mut(key) {
                *slot = change;
            } else {
                self.settled.insert(key.to_vec(), change);
            }
        } else if let Some(slot) = self.recent.get_mut(key) {
            let previous = mem::replace(slot, change);
            self.journal.push((key.to_vec(), Some(previous)));
        } else {
            self.recent.insert(key.to_vec(), change);
            self.journal.push((key.to_vec(), None));
        }
    }
}

impl StateRead for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        match self.pending(key) {
            Some(Change::Put(value)) => Ok(Some(value.clone())),
            Some(Change::Remove) => Ok(None),
            Some(Change::Add(addition)) => addition.apply(key, self.base.get(key)?).map(Some),
            None => self.base.get(key),
        }
    }

    fn holds(&self, key: &[u8], condition: &Condition) -> Result<bool, StateError> {
        match self.pending(key) {
            Some(Change::Put(value)) => Ok(condition.met_by(Some(value))),
            Some(Change::Remove) => Ok(false),
            Some(Change::Add(addition)) => {
                if let Some(before) = condition.before(addition)
                    && self.base.holds(key, &before)?
                {
                    return Ok(true);
                }
                // It may still hold: a value that is nothing but a number counts as zero while it is absent.
                Ok(condition.met_by(self.get(key)?.as_deref()))
            }
            None => self.base.holds(key, condition),
        }
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        let mut below = self.base.next_key(key)?;
        let mut cursor = key;
        loop {
            let Some((pending, removed)) = self.next_pending(cursor) else { return Ok(below) };
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
            cursor = pending;
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
        self.add(key, Addition::whole(delta))
    }

    fn add_if(&mut self, key: &[u8], condition: &Condition, delta: i128) -> Result<bool, StateError> {
        let holds = self.holds(key, condition)?;
        if holds {
            self.add(key, Addition { offset: condition.offset, delta })?;
        }
        Ok(holds)
    }
}
