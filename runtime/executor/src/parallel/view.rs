//! What one transaction sees of the store, and what it has looked at.

use std::cell::{Cell, RefCell};

use basalt_state::{Condition, Key, StateError, StateRead, Value};
use smallvec::SmallVec;

use super::{
    cell::{Slot, Stamp},
    store::{CellId, Store},
    sync::{AtomicBool, Ordering},
};
use crate::ConflictKind;

/// Up to how many entries a transaction's list of reads is searched before another is added: longer ones may hold the
/// same read twice, which costs a second check and no more.
const SEARCHED_MAX: usize = 16;

/// What a transaction has looked at, with room for what most look at. It goes from the thread that runs a transaction to
/// the one that commits it, and memory that one thread takes and another gives back is dear.
pub(crate) type Reads = SmallVec<[Read; 4]>;

/// Something that a transaction has looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Read {
    /// The value of a cell.
    Value(CellId, Stamp),
    /// Whether a condition holds for it.
    Condition(CellId, Condition, bool),
    /// Which key comes after this one.
    Range(Key, Option<Key>),
}

impl Read {
    /// Whether it would be the same now, for the transaction at `slot`, whose turn it is.
    pub(crate) fn is_current(&self, store: &Store<'_>, slot: Slot) -> Result<bool, StateError> {
        match self {
            Self::Value(id, stamp) => Ok(store.cell(*id).is_still(stamp)),
            Self::Condition(id, condition, held) => Ok(store.holds(*id, slot, condition)? == *held),
            Self::Range(key, found) => Ok(store.next_key(key, slot)? == *found),
        }
    }

    /// The key, and how it was read, for the report.
    pub(crate) fn conflict(&self, store: &Store<'_>) -> (Key, ConflictKind) {
        match self {
            Self::Value(id, _) => (store.cell(*id).key.clone(), ConflictKind::Value),
            Self::Condition(id, ..) => (store.cell(*id).key.clone(), ConflictKind::Condition),
            Self::Range(key, _) => (key.clone(), ConflictKind::Range),
        }
    }
}

/// The state as the transaction at one slot sees it: what those before it have written so far, ahead of their turn or
/// not. Used for one transaction after the other.
pub(crate) struct View<'a> {
    store: &'a Store<'a>,
    slot: Cell<Slot>,
    /// Cells of keys that the transaction surely touches.
    hints: Cell<&'a [CellId]>,
    /// What was looked at.
    reads: RefCell<Reads>,
    /// Set when nobody wants the result any more.
    halt: Option<&'a AtomicBool>,
}

impl<'a> View<'a> {
    pub(crate) fn new(store: &'a Store<'a>, slot: Slot, halt: Option<&'a AtomicBool>) -> Self {
        Self { store, slot: Cell::new(slot), hints: Cell::new(&[]), reads: RefCell::default(), halt }
    }

    /// From here on it is the view of this transaction, which surely touches these cells.
    pub(crate) fn turn_to(&self, slot: Slot, hints: &'a [CellId]) {
        self.slot.set(slot);
        self.hints.set(hints);
        self.reads.borrow_mut().clear();
    }

    /// Moves what was looked at since to `reads`, which is empty.
    pub(crate) fn take_reads(&self, reads: &mut Reads) {
        reads.extend(self.reads.borrow_mut().drain(..));
    }

    /// The cell of a key.
    pub(crate) fn locate(&self, key: &[u8]) -> CellId {
        self.hints
            .get()
            .iter()
            .copied()
            .find(|id| self.store.cell(*id).key == key)
            .unwrap_or_else(|| self.store.locate(key))
    }

    fn note(&self, read: Read) {
        let mut reads = self.reads.borrow_mut();
        if reads.len() >= SEARCHED_MAX || !reads.contains(&read) {
            reads.push(read);
        }
    }

    fn check_wanted(&self) -> Result<(), StateError> {
        match self.halt {
            Some(halt) if halt.load(Ordering::Relaxed) => Err(StateError::Interrupted),
            _ => Ok(()),
        }
    }
}

impl StateRead for View<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.check_wanted()?;
        let id = self.locate(key);
        let (value, stamp) = self.store.value(id, self.slot.get())?;
        self.note(Read::Value(id, stamp));
        Ok(value)
    }

    fn holds(&self, key: &[u8], condition: &Condition) -> Result<bool, StateError> {
        self.check_wanted()?;
        let id = self.locate(key);
        let holds = self.store.holds(id, self.slot.get(), condition)?;
        self.note(Read::Condition(id, *condition, holds));
        Ok(holds)
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        self.check_wanted()?;
        let found = self.store.next_key(key, self.slot.get())?;
        self.note(Read::Range(key.to_vec(), found.clone()));
        Ok(found)
    }
}
