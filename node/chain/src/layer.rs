//! What one block changes, as a layer of a state: found by hash, not by search.

use std::{
    hash::BuildHasher,
    ops::Deref,
    sync::{LazyLock, OnceLock},
};

use basalt_state::{ChangeSet, Value};
use hashbrown::{DefaultHashBuilder, HashTable};

/// Up to so many keys are searched: that takes no longer than to hash the key.
const SEARCHED_MAX: usize = 4;

/// One for all layers, so that a key is hashed once however many layers are asked. Nothing iterates over an index, so no
/// result depends on its seed.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// The changes of a block that others stand on.
///
/// Most keys that the next blocks read are not among them. A search would compare a dozen keys that lie all over the
/// memory to find that out; the index answers out of one line of a small table.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    changes: ChangeSet,
    /// Made when somebody first looks for a key: most blocks are final before anybody does.
    index: OnceLock<HashTable<Row>>,
}

/// The upper half of a key's hash, and its place among the changes.
type Row = (u32, u32);

/// A key, and its hash.
#[derive(Clone, Copy)]
pub(crate) struct Sought<'a> {
    key: &'a [u8],
    hash: u64,
}

impl<'a> Sought<'a> {
    pub(crate) fn new(key: &'a [u8]) -> Self {
        Self { key, hash: hash(key) }
    }
}

impl Layer {
    /// The change to a key: `None` if this layer leaves it alone, `Some(None)` if it removes it.
    pub(crate) fn find(&self, sought: Sought<'_>) -> Option<Option<&Value>> {
        if self.changes.len() <= SEARCHED_MAX {
            return self.changes.get(sought.key);
        }
        let same = |&(tag, place): &Row| tag == upper(sought.hash) && self.key(place) == Some(sought.key);
        let &(_, place) = self.index().find(sought.hash, same)?;
        self.changes.at(place as usize).map(|(_, value)| value)
    }

    fn index(&self) -> &HashTable<Row> {
        self.index.get_or_init(|| {
            let mut index = HashTable::with_capacity(self.changes.len());
            for (place, (key, _)) in (0..).zip(self.changes.iter()) {
                let hash = hash(key);
                index.insert_unique(hash, (upper(hash), place), |(_, place)| {
                    // Never asked: there is room for all.
                    self.key(*place).map_or(0, self::hash)
                });
            }
            index
        })
    }

    fn key(&self, place: u32) -> Option<&[u8]> {
        self.changes.at(place as usize).map(|(key, _)| key)
    }
}

impl From<ChangeSet> for Layer {
    fn from(changes: ChangeSet) -> Self {
        Self { changes, index: OnceLock::new() }
    }
}

impl Deref for Layer {
    type Target = ChangeSet;

    fn deref(&self) -> &ChangeSet {
        &self.changes
    }
}

fn hash(key: &[u8]) -> u64 {
    HASHER.hash_one(key)
}

fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}
