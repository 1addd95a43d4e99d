//! Values of the finalised state in memory, bounded in bytes.

use std::{
    borrow::Borrow,
    hash::{Hash, Hasher},
    ops::Deref,
};

use quick_cache::{Weighter, sync};

/// What an entry costs besides what lies on the heap: two [`Bytes`] and their company, and a place in the index.
const ENTRY_BYTES: usize = 224;
/// As many bytes as make [`Bytes`] 88 bytes large: the keys and the values of accounts have 80.
const INLINE_BYTES: usize = 86;

/// What is known of a key.
#[derive(Clone)]
pub(crate) struct Cached {
    /// The value was this at block `since`, and has not changed in any block that is committed or being committed.
    pub(crate) since: u32,
    /// `None`: the key is absent, which is worth remembering as well.
    pub(crate) value: Option<Bytes>,
}

/// Bytes that are mostly few. Those lie within: to find or to replace an account costs no allocation, and three cache misses of
/// the processor less. Not shared by an `Arc`: readers need their own copy anyway, and cores that read the same key would fight
/// for its counter.
#[derive(Clone)]
pub(crate) enum Bytes {
    Inline { length: u8, bytes: [u8; INLINE_BYTES] },
    Heap(Box<[u8]>),
}

impl Bytes {
    fn heap(&self) -> usize {
        match self {
            Self::Inline { .. } => 0,
            Self::Heap(bytes) => bytes.len(),
        }
    }
}

impl From<&[u8]> for Bytes {
    fn from(slice: &[u8]) -> Self {
        let mut bytes = [0; INLINE_BYTES];
        match bytes.get_mut(..slice.len()) {
            Some(start) => {
                start.copy_from_slice(slice);
                Self::Inline { length: slice.len() as u8, bytes }
            }
            None => Self::Heap(slice.into()),
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Inline { length, bytes } => bytes.get(..(*length).into()).unwrap_or_default(),
            Self::Heap(bytes) => bytes,
        }
    }
}

impl Borrow<[u8]> for Bytes {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

impl Hash for Bytes {
    /// As the slice: the cache is asked with slices.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Bytes, Cached> for ByBytes {
    fn weight(&self, key: &Bytes, cached: &Cached) -> u64 {
        (key.heap() + cached.value.as_ref().map_or(0, Bytes::heap) + ENTRY_BYTES) as u64
    }
}

/// The cache. What may be inserted when is in the module doc of `read`.
pub(crate) struct Cache {
    entries: sync::Cache<Bytes, Cached, ByBytes>,
}

impl Cache {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { entries: sync::Cache::with_weighter(bytes / ENTRY_BYTES, bytes as u64, ByBytes) }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<Cached> {
        self.entries.get(key)
    }

    /// Replaces what is known of `key`: it was `value` at block `since`. What is too large for the cache is not kept, nor is the
    /// entry before.
    pub(crate) fn insert(&self, key: &[u8], since: u32, value: Option<&[u8]>) {
        self.entries.insert(key.into(), Cached { since, value: value.map(Into::into) });
    }

    /// Whether another `bytes` would fit without pushing anything out, roughly.
    pub(crate) fn has_room(&self) -> bool {
        self.entries.weight() < self.entries.capacity() / 10 * 9
    }
}
