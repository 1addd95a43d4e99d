//! What recent blocks changed, in memory; and the bytes of the journal on disk, which are the same.

use std::{cmp::Reverse, collections::BinaryHeap, collections::VecDeque, hash::BuildHasher, sync::Arc};

use basalt_primitives::BlockNumber;
use basalt_state::ChangeSet;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::DbError;

/// How many blocks that are folded already are still remembered, so that reads at them need no history.
const BLOCKS_MAX: usize = 32;
/// How many bytes all blocks may have before folded ones are forgotten.
const BYTES_MAX: usize = 64 << 20;
/// What one block may change: places in a record are numbers of 32 bits, and a value of RocksDB ends at 4 GiB.
const RECORD_BYTES_MAX: usize = 3 << 30;
/// Three lengths, little endian, before each entry.
const LENGTHS_BYTES: usize = 12;
/// Per entry, besides its bytes: where it starts, and its place in the index with the air between.
const ENTRY_BYTES: usize = 20;

/// What one block changed: keys that did not really change are left out.
///
/// The bytes are those on disk, so a commit copies each key and value once and allocates none of them. Entries are sorted by
/// key; each is the lengths of key, old and new value (those of the values plus one, zero for none), then the three.
pub(crate) struct Record {
    number: BlockNumber,
    bytes: Vec<u8>,
    /// Where each entry starts.
    starts: Vec<u32>,
    /// Hash and index into `starts`. The hash is there so that a key which is not does not cost a look at the bytes.
    index: HashTable<(u32, u32)>,
}

/// One change in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) key: &'a [u8],
    /// The value before the block.
    pub(crate) old: Option<&'a [u8]>,
    /// The value after it.
    pub(crate) new: Option<&'a [u8]>,
}

impl Record {
    /// Makes a record of entries that come in the order of their keys, or says why not.
    pub(crate) fn builder(number: BlockNumber, changes: &ChangeSet) -> RecordBuilder {
        // Old values are about as long as new ones. Growing would copy all again, into fresh memory.
        let values: usize = changes.iter().map(|(_, value)| value.map_or(0, <[u8]>::len)).sum();
        let old = if number == 0 { 0 } else { values };
        RecordBuilder {
            number,
            bytes: Vec::with_capacity(changes.bytes() + old + LENGTHS_BYTES * changes.len()),
            starts: Vec::with_capacity(changes.len()),
        }
    }

    /// Reads what is on disk.
    pub(crate) fn parse(
        number: BlockNumber,
        bytes: Vec<u8>,
        hashing: &DefaultHashBuilder,
    ) -> Result<Self, DbError> {
        let damaged = |why: &str| DbError::Corrupt(format!("the journal of block {number} {why}"));
        let mut starts = Vec::new();
        let mut before: Option<&[u8]> = None;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let start = u32::try_from(bytes.len() - rest.len()).map_err(|_| damaged("is too long"))?;
            let (entry, after) = split_entry(rest).ok_or_else(|| damaged("ends within an entry"))?;
            if before.is_some_and(|before| before >= entry.key) {
                return Err(damaged("is not sorted"));
            }
            before = Some(entry.key);
            starts.push(start);
            rest = after;
        }
        Ok(Self::indexed(number, bytes, starts, hashing))
    }

    fn indexed(number: BlockNumber, bytes: Vec<u8>, starts: Vec<u32>, hashing: &DefaultHashBuilder) -> Self {
        let mut record = Self { number, bytes, index: HashTable::with_capacity(starts.len()), starts };
        for place in 0..record.starts.len() {
            let hash = hashing.hash_one(record.entry(place).key);
            // Of equal length, and the table keeps the upper bits itself.
            record.index.insert_unique(hash, (hash as u32, place as u32), |_| unreachable!("room for all"));
        }
        record
    }

    pub(crate) fn number(&self) -> BlockNumber {
        self.number
    }

    /// What goes to the disk.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All entries, in order of keys.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Entry<'_>> {
        (0..self.starts.len()).map(|place| self.entry(place))
    }

    fn entry(&self, place: usize) -> Entry<'_> {
        let rest = self.bytes.get(self.starts[place] as usize..).unwrap_or_default();
        split_entry(rest).map(|(entry, _)| entry).expect("entries were written or checked by this type")
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<Entry<'_>> {
        let (_, place) = self
            .index
            .find(hash, |(other, place)| *other == hash as u32 && self.entry(*place as usize).key == key)?;
        Some(self.entry(*place as usize))
    }

    /// The place of the first entry with a key greater than `key`.
    fn after(&self, key: &[u8]) -> usize {
        let mut places = 0..self.starts.len();
        while !places.is_empty() {
            let middle = places.start + places.len() / 2;
            if self.entry(middle).key <= key {
                places.start = middle + 1;
            } else {
                places.end = middle;
            }
        }
        places.start
    }

    /// What it takes in memory, about.
    fn size(&self) -> usize {
        self.bytes.capacity() + ENTRY_BYTES * self.starts.len()
    }
}

/// A record while it is put together.
pub(crate) struct RecordBuilder {
    number: BlockNumber,
    bytes: Vec<u8>,
    starts: Vec<u32>,
}

impl RecordBuilder {
    /// The next entry; its key comes after those before.
    pub(crate) fn push(&mut self, entry: Entry<'_>) -> Result<(), DbError> {
        let Entry { key, old, new } = entry;
        let length = |value: Option<&[u8]>| value.map_or(0, |value| value.len() + 1);
        let end = self.bytes.len() + LENGTHS_BYTES + key.len() + length(old) + length(new);
        if end > RECORD_BYTES_MAX {
            return Err(DbError::Refused(format!(
                "block {} changes {end} bytes or more, and {RECORD_BYTES_MAX} is the most",
                self.number
            )));
        }
        // None is truncated: all are less than the bound.
        self.starts.push(self.bytes.len() as u32);
        for length in [key.len(), length(old), length(new)] {
            self.bytes.extend_from_slice(&(length as u32).to_le_bytes());
        }
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(old.unwrap_or_default());
        self.bytes.extend_from_slice(new.unwrap_or_default());
        Ok(())
    }

    pub(crate) fn finish(mut self, hashing: &DefaultHashBuilder) -> Record {
        // Copying is cheaper than keeping a quarter of the memory for nothing.
        if self.bytes.capacity() / 4 > self.bytes.len() / 3 {
            self.bytes.shrink_to_fit();
        }
        Record::indexed(self.number, self.bytes, self.starts, hashing)
    }
}

/// The first entry, and what follows it; `None` if there is no whole one.
fn split_entry(bytes: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (lengths, rest) = bytes.split_first_chunk::<LENGTHS_BYTES>()?;
    let length = |place: usize| {
        u32::from_le_bytes([lengths[place], lengths[place + 1], lengths[place + 2], lengths[place + 3]])
            as usize
    };
    let (key, rest) = rest.split_at_checked(length(0))?;
    let (old, rest) = split_value(rest, length(4))?;
    let (new, rest) = split_value(rest, length(8))?;
    Some((Entry { key, old, new }, rest))
}

fn split_value(bytes: &[u8], length: usize) -> Option<(Option<&[u8]>, &[u8])> {
    match length.checked_sub(1) {
        None => Some((None, bytes)),
        Some(length) => bytes.split_at_checked(length).map(|(value, rest)| (Some(value), rest)),
    }
}

/// What memory knows of a key at a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Look<'a> {
    /// A later block changed it; before, it was this.
    Changed(Option<&'a [u8]>),
    /// No later block changed it, not even one that is being committed; the last one up to that block set it to this.
    Set(Option<&'a [u8]>),
    /// No block in memory changed it, and none after the one asked for is forgotten.
    Untouched,
    /// Some block after the one asked for is forgotten.
    Forgotten,
}

/// Blocks without a gap, up to the last one that is committed or being committed: at least all that are not folded.
pub(crate) struct Journal {
    /// The number of the first block in `records`; if that is empty, of the next one to come.
    first: BlockNumber,
    records: VecDeque<Arc<Record>>,
    /// All blocks with lower numbers are folded: their changes are in the files of state and history, durably.
    folded: BlockNumber,
    bytes: usize,
    unfolded_bytes: usize,
    /// Counts changes of all the above.
    version: u64,
}

impl Journal {
    /// None yet; `next` is the number of the next block, and all before are folded.
    pub(crate) fn new(next: BlockNumber) -> Self {
        Self { first: next, records: VecDeque::new(), folded: next, bytes: 0, unfolded_bytes: 0, version: 0 }
    }

    /// The block that comes after all others.
    pub(crate) fn push(&mut self, record: Arc<Record>) {
        debug_assert_eq!(record.number, self.next());
        self.bytes += record.size();
        self.unfolded_bytes += record.size();
        self.records.push_back(record);
        self.version += 1;
    }

    /// The number of the next block to come.
    pub(crate) fn next(&self) -> BlockNumber {
        self.first + self.records.len() as u32
    }

    pub(crate) fn first(&self) -> BlockNumber {
        self.first
    }

    /// The first block that is not folded.
    pub(crate) fn folded(&self) -> BlockNumber {
        self.folded
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Bytes of the blocks that are not folded.
    pub(crate) fn unfolded_bytes(&self) -> usize {
        self.unfolded_bytes
    }

    /// The blocks with numbers from `start` to below `end`, those of them that are in memory.
    pub(crate) fn range(&self, start: BlockNumber, end: BlockNumber) -> Vec<Arc<Record>> {
        let records = self.records.iter().skip(start.saturating_sub(self.first) as usize);
        records.take_while(|record| record.number < end).map(Arc::clone).collect()
    }

    /// All blocks below `end` are folded.
    pub(crate) fn set_folded(&mut self, end: BlockNumber) {
        self.unfolded_bytes -= self.range(self.folded, end).iter().map(|record| record.size()).sum::<usize>();
        self.folded = end;
        self.version += 1;
    }

    /// Forgets the oldest folded blocks until the bounds hold, and those that no state needs that is still kept.
    pub(crate) fn trim(&mut self, oldest_state: BlockNumber) -> Vec<Arc<Record>> {
        let mut dropped = Vec::new();
        while self.first < self.folded
            && (self.records.len() > BLOCKS_MAX || self.bytes > BYTES_MAX || self.first <= oldest_state)
        {
            let Some(record) = self.records.pop_front() else { break };
            self.bytes -= record.size();
            self.first += 1;
            self.version += 1;
            dropped.push(record);
        }
        dropped
    }

    /// Whether it has all blocks after `at`.
    pub(crate) fn reaches(&self, at: BlockNumber) -> bool {
        u64::from(self.first) <= u64::from(at) + 1
    }

    /// What `key`, whose hash it is, was at block `at`.
    pub(crate) fn look(&self, at: BlockNumber, hash: u64, key: &[u8]) -> Look<'_> {
        let Some(upto) = (u64::from(at) + 1).checked_sub(self.first.into()) else {
            return Look::Forgotten;
        };
        let upto = usize::try_from(upto).unwrap_or(usize::MAX).min(self.records.len());
        let after = self.records.range(upto..).find_map(|record| record.find(hash, key));
        if let Some(entry) = after {
            return Look::Changed(entry.old);
        }
        let before = self.records.range(..upto).rev().find_map(|record| record.find(hash, key));
        before.map_or(Look::Untouched, |entry| Look::Set(entry.new))
    }
}

/// The keys of several records in order, each with its entries.
pub(crate) struct Walk<'a> {
    records: &'a [Arc<Record>],
    /// Of each record that has one: its next entry. Of one key, the oldest record comes first.
    next: BinaryHeap<Reverse<(&'a [u8], usize, usize)>>,
}

impl<'a> Walk<'a> {
    /// All keys greater than `after`, or all keys. Records are in the order of their numbers.
    pub(crate) fn new(records: &'a [Arc<Record>], after: Option<&[u8]>) -> Self {
        let starts = records.iter().enumerate().filter_map(|(index, record)| {
            let place = after.map_or(0, |after| record.after(after));
            (place < record.starts.len()).then(|| Reverse((record.entry(place).key, index, place)))
        });
        Self { records, next: starts.collect() }
    }

    /// The next key.
    pub(crate) fn key(&self) -> Option<&'a [u8]> {
        self.next.peek().map(|Reverse((key, ..))| *key)
    }

    /// The next entry, with its block: the next key, or the same key in the next block that changed it.
    pub(crate) fn next_entry(&mut self) -> Option<(BlockNumber, Entry<'a>)> {
        let mut top = self.next.peek_mut()?;
        let Reverse((_, index, place)) = *top;
        let record = &self.records[index];
        if place + 1 < record.starts.len() {
            // In place: half the work of taking one out and putting another in.
            *top = Reverse((record.entry(place + 1).key, index, place + 1));
        } else {
            std::collections::binary_heap::PeekMut::pop(top);
        }
        Some((record.number, record.entry(place)))
    }
}
