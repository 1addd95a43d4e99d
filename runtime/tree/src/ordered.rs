//! One hash for a list.

use alloc::vec::Vec;

use crate::{
    hash::{Batch, Hash, blake2b_256, hash_each},
    parallel,
};

/// Items and nodes per part that one core hashes at a time.
const PART: usize = 256;

/// A node's preimage: the prefix and two hashes.
const NODE_BYTES: usize = 65;

/// The root of a list, such as a block's extrinsics: the Merkle tree hash of RFC 6962, section 2.1, with Blake2b-256.
///
/// ```text
/// no items   blake2b_256("")
/// one        blake2b_256(0x00 ++ item)
/// n          blake2b_256(0x01 ++ root of the first k ++ root of the rest), k the largest power of two below n
/// ```
pub fn ordered_root<'a>(items: impl Iterator<Item = &'a [u8]>) -> Hash {
    let items: Vec<&[u8]> = items.collect();
    let parts: Vec<_> = items.chunks(PART).collect();
    let mut level = parallel::map(&parts, |items| leaves(items)).concat();
    while level.len() > 1 {
        // Pairing neighbours, a last odd one moving up as it is, gives the same tree as the recursive rule. An even part size
        // keeps pairs together.
        let parts: Vec<_> = level.chunks(PART).collect();
        level = parallel::map(&parts, |nodes| parents(nodes)).concat();
    }
    level.first().copied().unwrap_or_else(|| blake2b_256(&[]))
}

fn leaves(items: &[&[u8]]) -> Vec<Hash> {
    // The prefix has to be in one piece with the item: a copy, which is cheap against the hash.
    let mut bytes = Vec::with_capacity(items.iter().map(|item| item.len() + 1).sum());
    let mut ranges = Vec::with_capacity(items.len());
    for item in items {
        let start = bytes.len();
        bytes.push(0);
        bytes.extend_from_slice(item);
        ranges.push(start..bytes.len());
    }
    hash_each(ranges.into_iter().map(|range| &bytes[range]))
}

fn parents(nodes: &[Hash]) -> Vec<Hash> {
    let mut parents = Vec::with_capacity(nodes.len().div_ceil(2));
    let mut batch = Batch::<NODE_BYTES>::new();
    for pair in nodes.chunks(2) {
        match pair {
            [left, right] => {
                let mut preimage = [1; NODE_BYTES];
                preimage[1..33].copy_from_slice(left);
                preimage[33..].copy_from_slice(right);
                let place = parents.len();
                parents.push([0; 32]);
                if batch.push(place, preimage) {
                    batch.flush(|place, hash| parents[place] = hash);
                }
            }
            odd => parents.extend_from_slice(odd),
        }
    }
    batch.flush(|place, hash| parents[place] = hash);
    parents
}
