//! The hash rules, one at a time and in batches.

use alloc::vec::Vec;

use blake2b_simd::{
    Params,
    many::{HashManyJob, hash_many},
};

use crate::{Change, parallel};

/// A Blake2b-256 hash.
pub type Hash = [u8; 32];

/// The hash of an empty subtree, and so the root of an empty state (`jmt`: `SPARSE_MERKLE_PLACEHOLDER_HASH`).
pub const EMPTY_ROOT: Hash = *b"SPARSE_MERKLE_PLACEHOLDER_HASH__";

const LEAF_PREFIX: &[u8; 13] = b"JMT::LeafNode";
const NODE_PREFIX: &[u8; 16] = b"JMT::IntrnalNode";

/// Length of a leaf's preimage: prefix, key hash, value hash.
pub(crate) const LEAF_BYTES: usize = 13 + 64;
/// Length of an inner node's preimage: prefix, left, right.
pub(crate) const NODE_BYTES: usize = 16 + 64;

/// Hashes per call of the hasher: four rounds of its four lanes, so that starting a call costs little, and the
/// preimages (1.3 kB) stay in the nearest cache.
const BATCH: usize = 16;

/// Below this many inputs a hand-over to other cores costs more than it saves (about 100 ns per input).
const PARALLEL_INPUTS: usize = 256;

/// Where a key sits in the tree: `blake2b_256(key)`.
pub fn key_hash(key: &[u8]) -> Hash {
    blake2b_256(key)
}

/// What a leaf commits to: `blake2b_256(value)`. The empty value has a hash like any other; it is not "no value".
pub fn value_hash(value: &[u8]) -> Hash {
    blake2b_256(value)
}

/// Hash keys and values of a change set, in batches and on all cores, in the order given. `None` removes the key.
pub fn hash_changes(changes: &[(&[u8], Option<&[u8]>)]) -> Vec<Change> {
    let chunks: Vec<_> = changes.chunks(PARALLEL_INPUTS).collect();
    let hashed = parallel::map(&chunks, |chunk| {
        let keys = hash_each(chunk.iter().map(|(key, _)| *key));
        let mut values = hash_each(chunk.iter().filter_map(|(_, value)| *value)).into_iter();
        let change = |(key, (_, value)): (Hash, &(&[u8], Option<&[u8]>))| {
            // One hash was made for each value that is there, in the same order.
            (key, value.and_then(|_| values.next()))
        };
        keys.into_iter().zip(*chunk).map(change).collect::<Vec<Change>>()
    });
    hashed.concat()
}

pub(crate) fn leaf_hash(key: &Hash, value: &Hash) -> Hash {
    blake2b_256(&leaf_preimage(key, value))
}

pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    blake2b_256(&node_preimage(left, right))
}

pub(crate) fn leaf_preimage(key: &Hash, value: &Hash) -> [u8; LEAF_BYTES] {
    let mut bytes = [0; LEAF_BYTES];
    bytes[..13].copy_from_slice(LEAF_PREFIX);
    bytes[13..45].copy_from_slice(key);
    bytes[45..].copy_from_slice(value);
    bytes
}

pub(crate) fn node_preimage(left: &Hash, right: &Hash) -> [u8; NODE_BYTES] {
    let mut bytes = [0; NODE_BYTES];
    bytes[..16].copy_from_slice(NODE_PREFIX);
    bytes[16..48].copy_from_slice(left);
    bytes[48..].copy_from_slice(right);
    bytes
}

pub(crate) fn blake2b_256(data: &[u8]) -> Hash {
    short(params().hash(data))
}

/// Hash inputs of any length, in batches.
pub(crate) fn hash_each<'a>(inputs: impl Iterator<Item = &'a [u8]>) -> Vec<Hash> {
    let mut hashes = Vec::with_capacity(inputs.size_hint().0);
    let mut batch: [&[u8]; BATCH] = [&[]; BATCH];
    let mut filled = 0;
    for input in inputs {
        batch[filled] = input;
        filled += 1;
        if filled == BATCH {
            hash_batch(&batch, |_, hash| hashes.push(hash));
            filled = 0;
        }
    }
    hash_batch(&batch[..filled], |_, hash| hashes.push(hash));
    hashes
}

/// Collects preimages of one length, each with the place that its hash is for.
///
/// `sink(place, hash)` is called in the order of `push`, whenever the batch is full, and by `finish`.
pub(crate) struct Batch<const N: usize> {
    preimages: [[u8; N]; BATCH],
    places: [usize; BATCH],
    filled: usize,
}

impl<const N: usize> Batch<N> {
    pub(crate) fn new() -> Self {
        Self { preimages: [[0; N]; BATCH], places: [0; BATCH], filled: 0 }
    }

    /// True when the caller must [`flush`](Self::flush) before it pushes again.
    #[must_use]
    pub(crate) fn push(&mut self, place: usize, preimage: [u8; N]) -> bool {
        self.preimages[self.filled] = preimage;
        self.places[self.filled] = place;
        self.filled += 1;
        self.filled == BATCH
    }

    pub(crate) fn flush(&mut self, mut sink: impl FnMut(usize, Hash)) {
        let inputs: [&[u8]; BATCH] = core::array::from_fn(|i| &self.preimages[i][..]);
        hash_batch(&inputs[..self.filled], |i, hash| sink(self.places[i], hash));
        self.filled = 0;
    }
}

/// Shows a hash as people know it: `0x` and 64 digits.
pub(crate) struct Hex<'a>(pub(crate) &'a Hash);

impl core::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn hash_batch(inputs: &[&[u8]], mut sink: impl FnMut(usize, Hash)) {
    if inputs.is_empty() {
        return;
    }
    let params = params();
    let mut jobs: [HashManyJob<'_>; BATCH] =
        core::array::from_fn(|i| HashManyJob::new(&params, inputs.get(i).copied().unwrap_or_default()));
    let jobs = &mut jobs[..inputs.len()];
    hash_many(jobs.iter_mut());
    for (i, job) in jobs.iter().enumerate() {
        sink(i, short(job.to_hash()));
    }
}

fn params() -> Params {
    let mut params = Params::new();
    params.hash_length(32);
    params
}

fn short(hash: blake2b_simd::Hash) -> Hash {
    let mut bytes = [0; 32];
    // `params` asks for 32 bytes, so the lengths agree.
    bytes.copy_from_slice(hash.as_bytes());
    bytes
}
