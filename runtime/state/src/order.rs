//! Sorting keys without looking up where each of them lies.

use alloc::{collections::BTreeMap, vec::Vec};
use core::mem;

/// Bytes with which all keys of a storage item begin: the hashes of the names of pallet and item.
const ITEM_BYTES: usize = 32;

/// The places of these keys, in the order of the keys; places of equal keys in their own.
///
/// Almost all keys of a block belong to a few items, and a hash follows. So keys are put together by item, and within one
/// its next eight bytes decide: those and the place are one number, and numbers are sorted an order of magnitude faster
/// than keys that lie all over the memory. The rest of a key is compared only where all of that is equal.
pub(crate) fn order<'a>(keys: impl Iterator<Item = &'a [u8]>, key: impl Fn(usize) -> &'a [u8]) -> Vec<usize> {
    let (mut items, mut count) = (BTreeMap::<[u8; ITEM_BYTES], Vec<u128>>::new(), 0);
    // Neighbours often belong to the same item.
    let (mut item, mut members) = ([0; ITEM_BYTES], Vec::new());
    for (place, key) in keys.enumerate() {
        let (own, head) = leading(key);
        if own != item {
            let before = mem::replace(&mut members, items.remove(&own).unwrap_or_default());
            items.insert(mem::replace(&mut item, own), before);
        }
        members.push(u128::from(head) << 64 | place as u128);
        count += 1;
    }
    items.insert(item, members);

    let mut places = Vec::with_capacity(count);
    for mut members in items.into_values() {
        members.sort_unstable();
        for same in members.chunk_by(|one, other| one >> 64 == other >> 64) {
            let start = places.len();
            places.extend(same.iter().map(|member| (*member as u64) as usize));
            if same.len() > 1 {
                places[start..].sort_by(|one, other| key(*one).cmp(key(*other)));
            }
        }
    }
    places
}

/// The first bytes of a key, padded so that whoever begins with less comes first, or is equal.
fn leading(key: &[u8]) -> ([u8; ITEM_BYTES], u64) {
    let mut bytes = [0; ITEM_BYTES + 8];
    let length = key.len().min(bytes.len());
    bytes[..length].copy_from_slice(&key[..length]);
    let (mut item, mut head) = ([0; ITEM_BYTES], [0; 8]);
    item.copy_from_slice(&bytes[..ITEM_BYTES]);
    head.copy_from_slice(&bytes[ITEM_BYTES..]);
    (item, u64::from_be_bytes(head))
}
