//! Values of the finalised state in memory, bounded in bytes.

use quick_cache::{Weighter, sync};

/// What an entry costs besides the bytes of its key and value: two headers of allocations, two boxes, the slot.
const ENTRY_BYTES: usize = 100;

/// What is known of a key.
#[derive(Clone)]
pub(crate) struct Cached {
    /// The value was this at block `since`, and has not changed in any block that is committed or being committed.
    pub(crate) since: u32,
    /// `None`: the key is absent, which is worth remembering as well. A box and not an `Arc`: readers need their own copy
    /// anyway, and cores that read the same key would fight for its counter.
    pub(crate) value: Option<Box<[u8]>>,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Box<[u8]>, Cached> for ByBytes {
    fn weight(&self, key: &Box<[u8]>, cached: &Cached) -> u64 {
        (key.len() + cached.value.as_ref().map_or(0, |value| value.len()) + ENTRY_BYTES) as u64
    }
}

/// The cache. What may be inserted when is in the module doc of `read`.
pub(crate) struct Cache {
    entries: sync::Cache<Box<[u8]>, Cached, ByBytes>,
}

impl Cache {
    pub(crate) fn new(bytes: usize) -> Self {
        // The usual entry: a key of 80 bytes (an account's) with as many bytes of value.
        let entries = bytes / (160 + ENTRY_BYTES);
        Self { entries: sync::Cache::with_weighter(entries, bytes as u64, ByBytes) }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<Cached> {
        self.entries.get(key)
    }

    /// Replaces what is known of `key`. What is too large for the cache is not kept, nor is the entry before.
    pub(crate) fn insert(&self, key: Box<[u8]>, cached: Cached) {
        self.entries.insert(key, cached);
    }

    /// Whether another `bytes` would fit without pushing anything out, roughly.
    pub(crate) fn has_room(&self) -> bool {
        self.entries.weight() < self.entries.capacity() / 10 * 9
    }
}
