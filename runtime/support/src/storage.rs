//! Storage items as typed constants, in Substrate's key layout.
//!
//! ```text
//! Value      twox128(pallet) ++ twox128(item)
//! Map        … ++ hasher(key)
//! DoubleMap  … ++ hasher1(key1) ++ hasher2(key2)
//! TripleMap  … ++ hasher1(key1) ++ hasher2(key2) ++ hasher3(key3)
//! ```

use alloc::{borrow::Cow, vec::Vec};
use core::marker::PhantomData;

use basalt_primitives::hashing::{blake2_128, blake2_256, twox_64, twox_128};
use basalt_runtime_api::Touch;
use basalt_state::{Key, StateError, StateRead, StateWrite};
use frame_metadata::v14::{StorageEntryMetadata, StorageEntryModifier, StorageEntryType, StorageHasher};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use scale_info::{TypeInfo, meta_type};

/// How a map's key becomes part of a storage key.
pub trait Hasher {
    /// As clients know it.
    const KIND: StorageHasher;
    /// Bytes of hash before the key itself.
    const HASH_BYTES: usize;
    /// Appends the hashed form of an encoded key.
    fn append(encoded: &[u8], to: &mut Vec<u8>);
}

/// A [`Hasher`] that keeps the key itself behind its hash, so that maps can be iterated with their keys.
pub trait Concat: Hasher {}

/// For keys that users choose: `blake2_128(key) ++ key`.
pub struct Blake2_128Concat;
/// For keys that users cannot choose (block numbers, indices): `twox64(key) ++ key`.
pub struct Twox64Concat;
/// For keys that are uniform hashes already: `key`.
pub struct Identity;
/// For keys that nobody iterates: `blake2_256(key)`.
pub struct Blake2_256;

impl Hasher for Blake2_128Concat {
    const KIND: StorageHasher = StorageHasher::Blake2_128Concat;
    const HASH_BYTES: usize = 16;
    fn append(encoded: &[u8], to: &mut Vec<u8>) {
        to.extend_from_slice(&blake2_128(encoded));
        to.extend_from_slice(encoded);
    }
}

impl Hasher for Twox64Concat {
    const KIND: StorageHasher = StorageHasher::Twox64Concat;
    const HASH_BYTES: usize = 8;
    fn append(encoded: &[u8], to: &mut Vec<u8>) {
        to.extend_from_slice(&twox_64(encoded));
        to.extend_from_slice(encoded);
    }
}

impl Hasher for Identity {
    const KIND: StorageHasher = StorageHasher::Identity;
    const HASH_BYTES: usize = 0;
    fn append(encoded: &[u8], to: &mut Vec<u8>) {
        to.extend_from_slice(encoded);
    }
}

impl Hasher for Blake2_256 {
    const KIND: StorageHasher = StorageHasher::Blake2_256;
    const HASH_BYTES: usize = 32;
    fn append(encoded: &[u8], to: &mut Vec<u8>) {
        to.extend_from_slice(&blake2_256(encoded));
    }
}

impl Concat for Blake2_128Concat {}
impl Concat for Twox64Concat {}
impl Concat for Identity {}

/// Name and key prefix of an item with its default: what all kinds of storage items share.
#[derive(Clone, Copy)]
struct Item {
    item: &'static str,
    /// What all raw keys of the item begin with. Items are constants, so nobody computes it at run time.
    prefix: [u8; PREFIX_BYTES],
    /// Encoded default, and whether an absent key means it.
    default: Option<fn() -> Vec<u8>>,
}

/// Bytes of the hashes of pallet and item.
const PREFIX_BYTES: usize = 32;

impl Item {
    const fn new(pallet: &'static str, item: &'static str, default: Option<fn() -> Vec<u8>>) -> Self {
        let mut prefix = [0; PREFIX_BYTES];
        let (first, second) = prefix.split_at_mut(PREFIX_BYTES / 2);
        first.copy_from_slice(&twox_128(pallet.as_bytes()));
        second.copy_from_slice(&twox_128(item.as_bytes()));
        Self { item, prefix, default }
    }

    /// The prefix, with room for this much more.
    fn prefix(&self, more: usize) -> Key {
        let mut key = Vec::with_capacity(PREFIX_BYTES + more);
        key.extend_from_slice(&self.prefix);
        key
    }

    fn entry(&self, ty: StorageEntryType, docs: &[&'static str]) -> StorageEntryMetadata {
        StorageEntryMetadata {
            name: self.item,
            modifier: match self.default {
                Some(_) => StorageEntryModifier::Default,
                None => StorageEntryModifier::Optional,
            },
            ty,
            // An optional entry's default is the encoding of `None`.
            default: self.default.map_or_else(|| [0].into(), |encoded| encoded()),
            docs: docs.to_vec(),
        }
    }
}

fn read<T: Decode>(state: &(impl StateRead + ?Sized), key: &[u8]) -> Result<Option<T>, StateError> {
    let Some(bytes) = state.get(key)? else { return Ok(None) };
    decode(key, &bytes).map(Some)
}

fn decode<T: Decode>(key: &[u8], bytes: &[u8]) -> Result<T, StateError> {
    T::decode_all(&mut &bytes[..]).map_err(|_| corrupt::<T>(key))
}

fn corrupt<T>(key: &[u8]) -> StateError {
    StateError::Corrupt { key: const_hex(key), expected: core::any::type_name::<T>() }
}

fn const_hex(bytes: &[u8]) -> alloc::string::String {
    use core::fmt::Write;
    let mut text = alloc::string::String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a `String` never fails.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Stands for types that an item names and does not hold.
type Marker<T> = PhantomData<fn() -> T>;

/// A single value.
pub struct Value<T>(Item, Marker<T>);

impl<T> Value<T> {
    /// An item that may be absent.
    pub const fn optional(pallet: &'static str, item: &'static str) -> Self {
        Self(Item::new(pallet, item, None), PhantomData)
    }

    /// An item that means `T::default()` when absent.
    pub const fn defaulted(pallet: &'static str, item: &'static str) -> Self
    where
        T: Default + Encode,
    {
        Self(Item::new(pallet, item, Some(|| T::default().encode())), PhantomData)
    }

    /// The raw storage key.
    pub fn key(&self) -> Key {
        self.0.prefix(0)
    }
}

impl<T: Encode + Decode> Value<T> {
    /// The value, if there is one.
    pub fn get(&self, state: &(impl StateRead + ?Sized)) -> Result<Option<T>, StateError> {
        read(state, &self.0.prefix)
    }

    /// The value, or the default.
    pub fn get_or_default(&self, state: &(impl StateRead + ?Sized)) -> Result<T, StateError>
    where
        T: Default,
    {
        Ok(self.get(state)?.unwrap_or_default())
    }

    /// Whether there is a value.
    pub fn exists(&self, state: &(impl StateRead + ?Sized)) -> Result<bool, StateError> {
        Ok(state.get(&self.0.prefix)?.is_some())
    }

    /// Sets the value.
    pub fn put(&self, state: &mut impl StateWrite, value: &T) {
        state.put(&self.0.prefix, value.encode());
    }

    /// Removes the value.
    pub fn remove(&self, state: &mut impl StateWrite) {
        state.remove(&self.0.prefix);
    }

    /// Reads, changes and writes the value.
    pub fn mutate<R>(
        &self,
        state: &mut impl StateWrite,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, StateError>
    where
        T: Default,
    {
        let mut value = self.get_or_default(state)?;
        let result = change(&mut value);
        self.put(state, &value);
        Ok(result)
    }
}

impl Value<u128> {
    /// Adds without reading: transactions that only add do not conflict. The caller promises that the sum fits.
    pub fn add(&self, state: &mut impl StateWrite, delta: i128) -> Result<(), StateError> {
        state.add_delta(&self.0.prefix, delta)
    }
}

impl<T: TypeInfo + 'static> Value<T> {
    /// What clients are told of this item.
    pub fn entry(&self, docs: &[&'static str]) -> StorageEntryMetadata {
        self.0.entry(StorageEntryType::Plain(meta_type::<T>()), docs)
    }
}

/// A map from keys to values.
pub struct Map<H, K, V>(Item, Marker<(H, K, V)>);

impl<H: Hasher, K: Encode, V> Map<H, K, V> {
    /// A map whose absent keys have no value.
    pub const fn optional(pallet: &'static str, item: &'static str) -> Self {
        Self(Item::new(pallet, item, None), PhantomData)
    }

    /// A map whose absent keys mean `V::default()`.
    pub const fn defaulted(pallet: &'static str, item: &'static str) -> Self
    where
        V: Default + Encode,
    {
        Self(Item::new(pallet, item, Some(|| V::default().encode())), PhantomData)
    }

    /// The raw storage key of `key`.
    pub fn key(&self, key: &K) -> Key {
        key.using_encoded(|encoded| self.hashed(encoded))
    }

    fn hashed(&self, encoded: &[u8]) -> Key {
        let mut full = self.0.prefix(H::HASH_BYTES + encoded.len());
        H::append(encoded, &mut full);
        full
    }

    /// What all raw keys of this map begin with.
    pub fn prefix(&self) -> Key {
        self.0.prefix(0)
    }
}

impl<H: Hasher, K: Encode, V: Encode + Decode> Map<H, K, V> {
    /// The entry of `key`: for who looks at it more than once.
    pub fn at(&self, key: &K) -> Entry<'static, V> {
        Entry { key: Cow::Owned(self.key(key)), value: PhantomData }
    }

    /// The value of `key`, if there is one.
    pub fn get(&self, state: &(impl StateRead + ?Sized), key: &K) -> Result<Option<V>, StateError> {
        read(state, &self.key(key))
    }

    /// The value of `key`, or the default.
    pub fn get_or_default(&self, state: &(impl StateRead + ?Sized), key: &K) -> Result<V, StateError>
    where
        V: Default,
    {
        Ok(self.get(state, key)?.unwrap_or_default())
    }

    /// Whether `key` has a value.
    pub fn contains(&self, state: &(impl StateRead + ?Sized), key: &K) -> Result<bool, StateError> {
        Ok(state.get(&self.key(key))?.is_some())
    }

    /// Sets the value of `key`.
    pub fn put(&self, state: &mut impl StateWrite, key: &K, value: &V) {
        state.put(&self.key(key), value.encode());
    }

    /// Removes `key`.
    pub fn remove(&self, state: &mut impl StateWrite, key: &K) {
        state.remove(&self.key(key));
    }

    /// Removes `key` and hands out its value.
    pub fn take(&self, state: &mut impl StateWrite, key: &K) -> Result<Option<V>, StateError> {
        let raw = self.key(key);
        let value = read(state, &raw)?;
        if value.is_some() {
            state.remove(&raw);
        }
        Ok(value)
    }
}

impl<H: Concat, K: Encode, V> Map<H, K, V> {
    /// [`Map::at`], without hashing if the raw key is among those that are known (see [`Context::known`](crate::Context::known)).
    pub fn at_known<'k>(&self, known: &'k [Touch], key: &K) -> Entry<'k, V> {
        let key = key.using_encoded(|encoded| {
            let length = PREFIX_BYTES + H::HASH_BYTES + encoded.len();
            let fits = |raw: &&[u8]| {
                raw.len() == length && raw.ends_with(encoded) && raw.starts_with(&self.0.prefix)
            };
            match known.iter().map(|touch| touch.key.as_slice()).find(fits) {
                Some(raw) => Cow::Borrowed(raw),
                None => Cow::Owned(self.hashed(encoded)),
            }
        });
        Entry { key, value: PhantomData }
    }
}

impl<H: Concat, K: Encode + Decode, V: Encode + Decode> Map<H, K, V> {
    /// All entries, in the order of their raw keys. Reads lazily; in a block, bound it with `take`.
    pub fn iter<'s, S: StateRead + ?Sized>(&self, state: &'s S) -> Entries<'s, S, K, V> {
        let prefix = self.prefix();
        Entries { state, cursor: prefix.clone(), prefix, hash_bytes: H::HASH_BYTES, types: PhantomData }
    }
}

impl<H: Hasher, K: TypeInfo + 'static, V: TypeInfo + 'static> Map<H, K, V> {
    /// What clients are told of this item.
    pub fn entry(&self, docs: &[&'static str]) -> StorageEntryMetadata {
        let ty = StorageEntryType::Map {
            hashers: [H::KIND].into(),
            key: meta_type::<K>(),
            value: meta_type::<V>(),
        };
        self.0.entry(ty, docs)
    }
}

/// One entry of a map, whether it is there or not. Its raw key is computed once.
pub struct Entry<'k, V> {
    key: Cow<'k, [u8]>,
    value: Marker<V>,
}

impl<V: Encode + Decode> Entry<'_, V> {
    /// The raw storage key.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The value, if there is one.
    pub fn get(&self, state: &(impl StateRead + ?Sized)) -> Result<Option<V>, StateError> {
        read(state, &self.key)
    }

    /// The value, or the default.
    pub fn get_or_default(&self, state: &(impl StateRead + ?Sized)) -> Result<V, StateError>
    where
        V: Default,
    {
        Ok(self.get(state)?.unwrap_or_default())
    }

    /// Sets the value.
    pub fn put(&self, state: &mut impl StateWrite, value: &V) {
        state.put(&self.key, value.encode());
    }

    /// Removes the value.
    pub fn remove(&self, state: &mut impl StateWrite) {
        state.remove(&self.key);
    }
}

/// A map from pairs of keys to values, iterable by the first key.
pub struct DoubleMap<H1, K1, H2, K2, V>(Item, Marker<(H1, K1, H2, K2, V)>);

impl<H1: Hasher, K1: Encode, H2: Hasher, K2: Encode, V> DoubleMap<H1, K1, H2, K2, V> {
    /// A map whose absent keys have no value.
    pub const fn optional(pallet: &'static str, item: &'static str) -> Self {
        Self(Item::new(pallet, item, None), PhantomData)
    }

    /// A map whose absent keys mean `V::default()`.
    pub const fn defaulted(pallet: &'static str, item: &'static str) -> Self
    where
        V: Default + Encode,
    {
        Self(Item::new(pallet, item, Some(|| V::default().encode())), PhantomData)
    }

    /// The raw storage key of a pair.
    pub fn key(&self, first: &K1, second: &K2) -> Key {
        let mut full = self.prefix(first);
        second.using_encoded(|encoded| H2::append(encoded, &mut full));
        full
    }

    /// What all raw keys with this first key begin with.
    pub fn prefix(&self, first: &K1) -> Key {
        first.using_encoded(|encoded| {
            let mut full = self.0.prefix(H1::HASH_BYTES + encoded.len() + 64);
            H1::append(encoded, &mut full);
            full
        })
    }
}

impl<H1: Hasher, K1: Encode, H2: Hasher, K2: Encode, V: Encode + Decode> DoubleMap<H1, K1, H2, K2, V> {
    /// The value of a pair, if there is one.
    pub fn get(
        &self,
        state: &(impl StateRead + ?Sized),
        first: &K1,
        second: &K2,
    ) -> Result<Option<V>, StateError> {
        read(state, &self.key(first, second))
    }

    /// The value of a pair, or the default.
    pub fn get_or_default(
        &self,
        state: &(impl StateRead + ?Sized),
        first: &K1,
        second: &K2,
    ) -> Result<V, StateError>
    where
        V: Default,
    {
        Ok(self.get(state, first, second)?.unwrap_or_default())
    }

    /// Sets the value of a pair.
    pub fn put(&self, state: &mut impl StateWrite, first: &K1, second: &K2, value: &V) {
        state.put(&self.key(first, second), value.encode());
    }

    /// Removes a pair.
    pub fn remove(&self, state: &mut impl StateWrite, first: &K1, second: &K2) {
        state.remove(&self.key(first, second));
    }
}

impl<H1: Hasher, K1: Encode, H2: Concat, K2: Encode + Decode, V: Encode + Decode>
    DoubleMap<H1, K1, H2, K2, V>
{
    /// All entries with this first key, in the order of their raw keys.
    pub fn iter_prefix<'s, S: StateRead + ?Sized>(&self, state: &'s S, first: &K1) -> Entries<'s, S, K2, V> {
        let prefix = self.prefix(first);
        Entries { state, cursor: prefix.clone(), prefix, hash_bytes: H2::HASH_BYTES, types: PhantomData }
    }
}

impl<H1: Concat, K1: Encode + Decode, H2: Concat, K2: Encode + Decode, V: Encode + Decode>
    DoubleMap<H1, K1, H2, K2, V>
{
    /// All entries, in the order of their raw keys. Reads lazily; in a block, bound it with `take`.
    pub fn iter<'s, S: StateRead + ?Sized>(
        &self,
        state: &'s S,
    ) -> impl Iterator<Item = Result<(K1, K2, V), StateError>> + use<'s, S, H1, K1, H2, K2, V> {
        let prefix = self.0.prefix(0);
        let mut cursor = prefix.clone();
        core::iter::from_fn(move || {
            let key = match state.next_key(&cursor) {
                Ok(Some(key)) if key.starts_with(&prefix) => key,
                Ok(_) => return None,
                Err(error) => return Some(Err(error)),
            };
            cursor.clone_from(&key);
            let mut rest = key.get(prefix.len() + H1::HASH_BYTES..).unwrap_or_default();
            let first = K1::decode(&mut rest).map_err(|_| corrupt::<K1>(&key));
            let second = decode(&key, rest.get(H2::HASH_BYTES..).unwrap_or_default());
            let value = read(state, &key).and_then(|value| value.ok_or_else(|| corrupt::<V>(&key)));
            Some(first.and_then(|first| Ok((first, second?, value?))))
        })
    }
}

impl<H1: Hasher, K1: TypeInfo + 'static, H2: Hasher, K2: TypeInfo + 'static, V: TypeInfo + 'static>
    DoubleMap<H1, K1, H2, K2, V>
{
    /// What clients are told of this item.
    pub fn entry(&self, docs: &[&'static str]) -> StorageEntryMetadata {
        let ty = StorageEntryType::Map {
            hashers: [H1::KIND, H2::KIND].into(),
            key: meta_type::<(K1, K2)>(),
            value: meta_type::<V>(),
        };
        self.0.entry(ty, docs)
    }
}

/// A map from triples of keys, each with the same hasher, to values.
pub struct TripleMap<H, K1, K2, K3, V>(Item, Marker<(H, K1, K2, K3, V)>);

impl<H: Hasher, K1: Encode, K2: Encode, K3: Encode, V> TripleMap<H, K1, K2, K3, V> {
    /// A map whose absent keys have no value.
    pub const fn optional(pallet: &'static str, item: &'static str) -> Self {
        Self(Item::new(pallet, item, None), PhantomData)
    }

    /// The raw storage key of a triple.
    pub fn key(&self, first: &K1, second: &K2, third: &K3) -> Key {
        let mut full = self.prefix(first);
        second.using_encoded(|encoded| H::append(encoded, &mut full));
        third.using_encoded(|encoded| H::append(encoded, &mut full));
        full
    }

    /// What all raw keys with this first key begin with.
    pub fn prefix(&self, first: &K1) -> Key {
        first.using_encoded(|encoded| {
            let mut full = self.0.prefix(H::HASH_BYTES + encoded.len() + 64);
            H::append(encoded, &mut full);
            full
        })
    }
}

impl<H: Hasher, K1: Encode, K2: Encode, K3: Encode, V: Encode + Decode> TripleMap<H, K1, K2, K3, V> {
    /// The value of a triple, if there is one.
    pub fn get(
        &self,
        state: &(impl StateRead + ?Sized),
        first: &K1,
        second: &K2,
        third: &K3,
    ) -> Result<Option<V>, StateError> {
        read(state, &self.key(first, second, third))
    }

    /// Sets the value of a triple.
    pub fn put(&self, state: &mut impl StateWrite, first: &K1, second: &K2, third: &K3, value: &V) {
        state.put(&self.key(first, second, third), value.encode());
    }
}

impl<H: Hasher, K1, K2, K3, V> TripleMap<H, K1, K2, K3, V>
where
    K1: TypeInfo + 'static,
    K2: TypeInfo + 'static,
    K3: TypeInfo + 'static,
    V: TypeInfo + 'static,
{
    /// What clients are told of this item.
    pub fn entry(&self, docs: &[&'static str]) -> StorageEntryMetadata {
        let ty = StorageEntryType::Map {
            hashers: [H::KIND, H::KIND, H::KIND].into(),
            key: meta_type::<(K1, K2, K3)>(),
            value: meta_type::<V>(),
        };
        self.0.entry(ty, docs)
    }
}

/// The entries of a map, or of one first key of a double map.
pub struct Entries<'s, S: ?Sized, K, V> {
    state: &'s S,
    prefix: Key,
    cursor: Key,
    hash_bytes: usize,
    types: PhantomData<fn() -> (K, V)>,
}

impl<S: StateRead + ?Sized, K: Decode, V: Decode> Entries<'_, S, K, V> {
    fn try_next(&mut self) -> Result<Option<(K, V)>, StateError> {
        let Some(key) = self.state.next_key(&self.cursor)? else { return Ok(None) };
        if !key.starts_with(&self.prefix) {
            return Ok(None);
        }
        let suffix = key.get(self.prefix.len() + self.hash_bytes..).ok_or_else(|| corrupt::<K>(&key))?;
        let decoded = decode(&key, suffix)?;
        // A key that `next_key` named has a value, or the view is not one version of the state.
        let value = read(self.state, &key)?.ok_or_else(|| corrupt::<V>(&key))?;
        self.cursor = key;
        Ok(Some((decoded, value)))
    }
}

impl<S: StateRead + ?Sized, K: Decode, V: Decode> Iterator for Entries<'_, S, K, V> {
    type Item = Result<(K, V), StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.try_next().transpose()
    }
}
