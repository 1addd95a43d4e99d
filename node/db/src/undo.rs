//! What recent blocks replaced, in memory.

use std::{collections::VecDeque, sync::Arc};

use basalt_state::{ChangeSet, Key, Value};

/// How many blocks are remembered: a reader looks at each of those after its own, at some 0.3 µs; beyond this
/// many, asking the disk is as fast.
const BLOCKS_MAX: usize = 32;
/// How many bytes they may have, unless one block alone has more while it is committed.
const BYTES_MAX: usize = 64 << 20;

/// What one block replaced: the values before it, sorted by key.
pub(crate) struct Undo {
    pub(crate) number: u32,
    pub(crate) old: Vec<(Key, Option<Value>)>,
}

impl Undo {
    fn get(&self, key: &[u8]) -> Option<&Option<Value>> {
        let index = self.old.binary_search_by(|(other, _)| other.as_slice().cmp(key)).ok()?;
        self.old.get(index).map(|(_, value)| value)
    }

    fn bytes(&self) -> usize {
        self.old.iter().map(|(key, value)| 64 + key.len() + value.as_ref().map_or(0, Vec::len)).sum()
    }
}

/// What is remembered of a key at a block.
pub(crate) enum Recent<'a> {
    /// A later block changed it; before, it was this.
    Changed(&'a Option<Value>),
    /// No later block changed it, not even one that is being committed.
    Unchanged,
    /// The block is too old.
    Unknown,
}

/// The undos of recent blocks, gapless up to the last block that is committed or being committed.
pub(crate) struct Undos {
    /// The number of the first block in `blocks`; if that is empty, of the next one to come.
    first: u32,
    blocks: VecDeque<(usize, Arc<Undo>)>,
    bytes: usize,
}

impl Undos {
    /// None yet; `next` is the number of the next block.
    pub(crate) fn new(next: u32) -> Self {
        Self { first: next, blocks: VecDeque::new(), bytes: 0 }
    }

    /// The block that comes after all others.
    pub(crate) fn push(&mut self, undo: Arc<Undo>) {
        debug_assert_eq!(undo.number as usize, self.first as usize + self.blocks.len());
        let bytes = undo.bytes();
        self.bytes += bytes;
        self.blocks.push_back((bytes, undo));
    }

    /// Forgets the oldest until the bounds hold, and those that no state needs that is still kept.
    pub(crate) fn trim(&mut self, oldest_state: u32) -> Vec<Arc<Undo>> {
        let mut dropped = Vec::new();
        while self.blocks.len() > BLOCKS_MAX || self.bytes > BYTES_MAX || self.first <= oldest_state {
            let Some((bytes, undo)) = self.blocks.pop_front() else { break };
            self.bytes -= bytes;
            self.first += 1;
            dropped.push(undo);
        }
        dropped
    }

    /// What `key` was at block `at`, as far as it is remembered.
    pub(crate) fn look(&self, at: u32, key: &[u8]) -> Recent<'_> {
        match self.after(at) {
            None => Recent::Unknown,
            Some(mut later) => {
                later.find_map(|undo| undo.get(key)).map_or(Recent::Unchanged, Recent::Changed)
            }
        }
    }

    /// The change set that leads from block `from` back to block `at`, or `None` if `at` is too old.
    pub(crate) fn collect(&self, at: u32, from: u32) -> Option<ChangeSet> {
        let undos: Vec<&Arc<Undo>> = self.after(at)?.take_while(|undo| undo.number <= from).collect();
        // The oldest last: of a key that changed several times, its value counts.
        Some(undos.into_iter().rev().flat_map(|undo| undo.old.iter().cloned()).collect())
    }

    /// The undos of all blocks after `at`, oldest first; `None` if some of them are forgotten.
    fn after(&self, at: u32) -> Option<impl Iterator<Item = &Arc<Undo>>> {
        let skipped = (at + 1).checked_sub(self.first)?;
        Some(self.blocks.iter().skip(skipped as usize).map(|(_, undo)| undo))
    }
}
