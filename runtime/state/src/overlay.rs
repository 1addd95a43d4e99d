//! Pending writes over a view, in nested layers.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    Addition, ChangeSet, Condition, Key, StateError, StateRead, StateWrite, Value, order::order, table::Table,
};

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

/// What an overlay changed, deltas still open: each key once, in the order of their first writes.
/// [`Changes::resolve`] makes a [`ChangeSet`] of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes(pub Vec<(Key, Change)>);

impl Changes {
    /// Turns deltas into values by reading `base`, and sorts by key.
    pub fn resolve(self, base: &dyn StateRead) -> Result<ChangeSet, StateError> {
        let order = order(self.0.iter().map(|(key, _)| key.as_slice()), |place| &self.0[place].0);
        let mut changes: Vec<_> = self.0.into_iter().map(Some).collect();
        let mut entries = Vec::with_capacity(changes.len());
        for place in order {
            let Some((key, change)) = changes[place].take() else { continue };
            let value = match change {
                Change::Put(value) => Some(value),
                Change::Remove => None,
                Change::Add(addition) => Some(addition.apply(&key, base.get(&key)?)?),
            };
            entries.push((key, value));
        }
        Ok(ChangeSet::from_sorted(entries))
    }
}

/// Pending writes over a base view.
///
/// All writes go into one table, where a key is found in constant time however many there are; while layers are open, a
/// journal keeps what each write replaced. So dropping a layer costs what was written in it, and keeping one costs
/// nothing. An overlay without writes allocates nothing.
pub struct Overlay<'a> {
    base: &'a dyn StateRead,
    table: Table,
    /// What the open layers wrote, to take back.
    journal: Vec<Written>,
    /// Length of the journal at which each open layer begins.
    layers: Vec<usize>,
}

/// A write in a layer.
enum Written {
    /// To a key that had no change; it was added to the end of the table.
    First,
    /// To a key that had one.
    Again { place: usize, previous: Change },
}

impl<'a> Overlay<'a> {
    /// An overlay without changes.
    pub fn new(base: &'a dyn StateRead) -> Self {
        Self { base, table: Table::default(), journal: Vec::new(), layers: Vec::new() }
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
        self.take_back(start);
    }

    /// Closes all open layers and drops their writes: for whoever cannot say how many a transaction left open, because
    /// it panicked.
    pub fn discard_all(&mut self) {
        self.layers.clear();
        self.take_back(0);
    }

    /// Takes back what was written since the journal had this length.
    fn take_back(&mut self, start: usize) {
        // Last first: so a key that was added is the last of the table when its turn comes.
        while self.journal.len() > start {
            match self.journal.pop() {
                Some(Written::Again { place, previous }) => drop(self.table.replace(place, previous)),
                Some(Written::First) => self.table.pop(),
                None => break,
            }
        }
    }

    /// How many layers are open.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// What was changed so far, deltas still open, what open layers wrote included. A sorted copy: for tests and tools.
    pub fn changes(&self) -> BTreeMap<Key, Change> {
        self.table.entries().iter().cloned().collect()
    }

    /// Ends the overlay and hands out its changes. Layers still open count as kept.
    pub fn into_changes(self) -> Changes {
        Changes(self.table.into_entries())
    }

    /// Takes the changes out, in the order of their first writes, and begins anew, with room for as many: for whoever runs
    /// one transaction after the other, each on an overlay of its own. Layers still open count as kept.
    pub fn take_changes(&mut self) -> impl Iterator<Item = (Key, Change)> {
        self.layers.clear();
        self.journal.clear();
        self.table.drain()
    }

    /// Ends the overlay: the final value of each changed key. Layers still open count as kept.
    pub fn into_change_set(self) -> Result<ChangeSet, StateError> {
        let base = self.base;
        self.into_changes().resolve(base)
    }

    /// Applies the changes of one transaction that ran elsewhere, in order.
    pub fn merge(&mut self, changes: Changes) -> Result<(), StateError> {
        for (key, change) in changes.0 {
            let place = self.table.find(&key);
            match change {
                Change::Add(addition) => self.add(&key, place, addition)?,
                other => self.set(&key, place, other),
            }
        }
        Ok(())
    }

    /// What pending changes make of the value that `key` has below.
    fn changed(&self, key: &[u8], place: Option<usize>) -> Result<Option<Value>, StateError> {
        match place.map(|place| self.table.at(place)) {
            Some(Change::Put(value)) => Ok(Some(value.clone())),
            Some(Change::Remove) => Ok(None),
            Some(Change::Add(addition)) => addition.apply(key, self.base.get(key)?).map(Some),
            None => self.base.get(key),
        }
    }

    fn meets(&self, key: &[u8], place: Option<usize>, condition: &Condition) -> Result<bool, StateError> {
        match place.map(|place| self.table.at(place)) {
            Some(Change::Put(value)) => Ok(condition.met_by(Some(value))),
            Some(Change::Remove) => Ok(false),
            Some(Change::Add(addition)) => {
                if let Some(before) = condition.before(addition)
                    && self.base.holds(key, &before)?
                {
                    return Ok(true);
                }
                // It may still hold: a value that is nothing but a number counts as zero while it is absent.
                Ok(condition.met_by(self.changed(key, place)?.as_deref()))
            }
            None => self.base.holds(key, condition),
        }
    }

    fn add(&mut self, key: &[u8], place: Option<usize>, addition: Addition) -> Result<(), StateError> {
        let change = match place.map(|place| self.table.at(place)) {
            Some(Change::Put(value)) => Change::Put(addition.apply(key, Some(value.clone()))?),
            Some(Change::Remove) => Change::Put(addition.apply(key, None)?),
            Some(Change::Add(earlier)) => match earlier.and(addition) {
                Some(both) => Change::Add(both),
                // Two numbers in one value, or more than a delta can say: from here on the value is known.
                None => Change::Put(addition.apply(key, self.changed(key, place)?)?),
            },
            None => Change::Add(addition),
        };
        self.set(key, place, change);
        Ok(())
    }

    /// Writes a change to the key at this place; `None` if it has no change yet.
    fn set(&mut self, key: &[u8], place: Option<usize>, change: Change) {
        let written = match place {
            Some(place) => Written::Again { place, previous: self.table.replace(place, change) },
            None => {
                self.table.push(key, change);
                Written::First
            }
        };
        if !self.layers.is_empty() {
            self.journal.push(written);
        }
    }
}

impl StateRead for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.changed(key, self.table.find(key))
    }

    fn holds(&self, key: &[u8], condition: &Condition) -> Result<bool, StateError> {
        self.meets(key, self.table.find(key), condition)
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        let mut below = self.base.next_key(key)?;
        let mut cursor = key;
        loop {
            let Some((pending, change)) = self.table.next(cursor) else { return Ok(below) };
            let removed = matches!(change, Change::Remove);
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
        self.set(key, self.table.find(key), Change::Put(value));
    }

    fn remove(&mut self, key: &[u8]) {
        self.set(key, self.table.find(key), Change::Remove);
    }

    fn add_delta(&mut self, key: &[u8], delta: i128) -> Result<(), StateError> {
        self.add(key, self.table.find(key), Addition::whole(delta))
    }

    fn add_if(&mut self, key: &[u8], condition: &Condition, delta: i128) -> Result<bool, StateError> {
        let place = self.table.find(key);
        let holds = self.meets(key, place, condition)?;
        if holds {
            self.add(key, place, Addition { offset: condition.offset, delta })?;
        }
        Ok(holds)
    }
}
