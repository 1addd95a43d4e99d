//! All keys of a block, in as many versions as there are transactions ahead of their turn.

use std::{
    collections::BTreeMap,
    hash::BuildHasher,
    ops::Bound::{Excluded, Unbounded},
};

use basalt_state::{Change, ChangeSet, Condition, Key, StateError, StateRead, Value};
use hashbrown::{
    DefaultHashBuilder, HashTable,
    hash_table::{Entry, VacantEntry},
};

use super::{
    cell::{Cell, Look, Slot, Stamp, Version},
    sync::{AtomicBool, Mutex, Ordering},
};

/// Into how many parts the table of keys is split, each with a lock of its own: several times the threads that a machine
/// has, so that they rarely meet.
const SHARDS: usize = 64;

/// A cell of one store.
pub(crate) type CellId = usize;

/// The hash of a key, and its cell.
type Row = (u64, CellId);
type Table = HashTable<Row>;

/// The state during a block that is run in parallel: the state below it, and a cell for each key that somebody reads or
/// writes.
pub(crate) struct Store<'a> {
    below: &'a (dyn StateRead + Sync),
    hasher: DefaultHashBuilder,
    shards: Box<[Mutex<Table>]>,
    /// Cells never move and are never removed, so that everybody may hold on to their place.
    cells: boxcar::Vec<Cell>,
    /// Whether `order` is kept.
    ordered: AtomicBool,
    /// All cells by key, from when somebody first asks for the next key. Locked before a shard, never after.
    order: Mutex<Option<BTreeMap<Key, CellId>>>,
}

impl<'a> Store<'a> {
    /// A store without cells, with room for about this many.
    pub(crate) fn new(below: &'a (dyn StateRead + Sync), cells: usize) -> Self {
        let per_shard = cells.div_ceil(SHARDS);
        Self {
            below,
            hasher: DefaultHashBuilder::default(),
            shards: (0..SHARDS).map(|_| Mutex::new(Table::with_capacity(per_shard))).collect(),
            cells: boxcar::Vec::with_capacity(cells),
            ordered: AtomicBool::new(false),
            order: Mutex::new(None),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cells.count() == 0
    }

    pub(crate) fn cell(&self, id: CellId) -> &Cell {
        &self.cells[id]
    }

    fn shard(&self, hash: u64) -> &Mutex<Table> {
        // The table inside uses the low and the highest bits.
        &self.shards[(hash >> 32) as usize % SHARDS]
    }

    /// The cell of a key, which is made if there is none.
    pub(crate) fn locate(&self, key: &[u8]) -> CellId {
        let hash = self.hasher.hash_one(key);
        {
            let mut table = self.shard(hash).lock();
            match self.entry(&mut table, hash, key) {
                Entry::Occupied(entry) => return entry.get().1,
                // Asked under the lock of the shard: whoever starts to keep the order finds this cell when it looks
                // through the shard, or had said so before.
                Entry::Vacant(entry) if !self.ordered.load(Ordering::SeqCst) => {
                    return self.occupy(entry, hash, key);
                }
                Entry::Vacant(_) => {}
            }
        }
        // A cell that can be found must be in the order: else somebody writes it, and others look for the next key and
        // miss it. So here both are locked.
        let mut order = self.order.lock();
        let mut table = self.shard(hash).lock();
        match self.entry(&mut table, hash, key) {
            Entry::Occupied(entry) => entry.get().1,
            Entry::Vacant(entry) => {
                let id = self.occupy(entry, hash, key);
                if let Some(order) = order.as_mut() {
                    order.insert(key.to_vec(), id);
                }
                id
            }
        }
    }

    fn entry<'t>(&self, table: &'t mut Table, hash: u64, key: &[u8]) -> Entry<'t, Row> {
        table.entry(hash, |(other, id)| *other == hash && self.cells[*id].key == key, |(hash, _)| *hash)
    }

    fn occupy(&self, entry: VacantEntry<'_, Row>, hash: u64, key: &[u8]) -> CellId {
        let id = self.cells.push(Cell::new(key.to_vec()));
        entry.insert((hash, id));
        id
    }

    /// The cell of a key, if there is one.
    fn find(&self, key: &[u8]) -> Option<CellId> {
        let hash = self.hasher.hash_one(key);
        let table = self.shard(hash).lock();
        table.find(hash, |(other, id)| *other == hash && self.cells[*id].key == key).map(|(_, id)| *id)
    }

    fn learn(&self, cell: &Cell) -> Result<(), StateError> {
        // Not under the cell's lock: reading below may take long, and others may want to write the cell.
        let value = self.below.get(&cell.key)?;
        cell.learn(value);
        Ok(())
    }

    /// The value of a cell as the transaction at `slot` sees it.
    pub(crate) fn value(&self, id: CellId, slot: Slot) -> Result<(Option<Value>, Stamp), StateError> {
        let cell = self.cell(id);
        loop {
            match cell.value(slot)? {
                Look::Seen(seen) => return Ok(seen),
                Look::Unknown => self.learn(cell)?,
            }
        }
    }

    /// Whether a condition holds for a cell as the transaction at `slot` sees it.
    pub(crate) fn holds(&self, id: CellId, slot: Slot, condition: &Condition) -> Result<bool, StateError> {
        let cell = self.cell(id);
        loop {
            match cell.holds(slot, condition)? {
                Look::Seen(holds) => return Ok(holds),
                Look::Unknown => self.learn(cell)?,
            }
        }
    }

    /// The smallest key above `key` that the transaction at `slot` sees.
    pub(crate) fn next_key(&self, key: &[u8], slot: Slot) -> Result<Option<Key>, StateError> {
        let mut order = self.order.lock();
        let order = order.get_or_insert_with(|| self.begin_order());
        let mut below = self.below.next_key(key)?;
        for (key, id) in order.range::<[u8], _>((Excluded(key), Unbounded)) {
            if below.as_ref().is_some_and(|stored| stored < key) {
                return Ok(below);
            }
            match self.cell(*id).changed(slot) {
                Some(true) => return Ok(Some(key.clone())),
                Some(false) if below.as_ref() == Some(key) => below = self.below.next_key(key)?,
                None if below.as_ref() == Some(key) => return Ok(below),
                _ => {}
            }
        }
        Ok(below)
    }

    /// Collects all keys, and sees to it that new ones are added.
    fn begin_order(&self) -> BTreeMap<Key, CellId> {
        self.ordered.store(true, Ordering::SeqCst);
        let mut order = BTreeMap::new();
        for shard in &self.shards {
            let table = shard.lock();
            order.extend(table.iter().map(|(_, id)| (self.cells[*id].key.clone(), *id)));
        }
        order
    }

    /// Commits what ran in sequence. Nothing may be pending.
    pub(crate) fn commit(&self, changes: impl IntoIterator<Item = (Key, Change)>) {
        for (key, change) in changes {
            self.cell(self.locate(&key)).commit(change, Version::BELOW);
        }
    }

    /// All that was committed.
    pub(crate) fn into_change_set(self) -> Result<ChangeSet, StateError> {
        let below = self.below;
        let read = |key: &[u8]| below.get(key);
        self.cells.into_iter().filter_map(|cell| cell.into_written(read).transpose()).collect()
    }
}

/// What is committed, for whatever runs in sequence. Nothing may be pending while it is used.
pub(crate) struct Committed<'a>(pub(crate) &'a Store<'a>);

impl StateRead for Committed<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        if self.0.is_empty() {
            return self.0.below.get(key);
        }
        match self.0.find(key) {
            Some(id) => self.0.value(id, Slot::MAX).map(|(value, _)| value),
            None => self.0.below.get(key),
        }
    }

    fn holds(&self, key: &[u8], condition: &Condition) -> Result<bool, StateError> {
        match self.0.find(key) {
            Some(id) => self.0.holds(id, Slot::MAX, condition),
            None => self.0.below.holds(key, condition),
        }
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        if self.0.is_empty() {
            return self.0.below.next_key(key);
        }
        self.0.next_key(key, Slot::MAX)
    }
}
