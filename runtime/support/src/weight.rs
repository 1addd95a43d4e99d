//! What calls weigh, from what they do to storage.
//!
//! `ref_time` is in picoseconds on the reference machine (2 virtual cores of a 2.6 GHz EPYC), `proof_size` in bytes.
//! A pallet author counts the storage operations of a call's worst case; a test harness (`basalt-test-kit`) runs each
//! call and fails if execution did more. Nobody measures by hand, and nothing depends on who ran a benchmark where.

use basalt_primitives::Weight;

/// One microsecond of `ref_time`.
pub const MICROSECOND: u64 = 1_000_000;
/// Reading one key: 1 µs from RAM with decoding, doubled for the cache misses of a large state.
pub const READ: Weight = Weight::new(2 * MICROSECOND, PROOF_BYTES_PER_KEY);
/// Writing one key: encoding, one leaf of the tree and its path, history and the database's share.
pub const WRITE: Weight = Weight::new(8 * MICROSECOND, 0);
/// Entering any call at all: decoding, dispatch, the closing event.
pub const CALL: Weight = Weight::new(2 * MICROSECOND, 0);
/// Hashing or copying one byte.
pub const BYTE: Weight = Weight::new(1_000, 0);
/// What a proof of one key takes at most with a million keys: 20 hashes and a small value.
pub const PROOF_BYTES_PER_KEY: u64 = 1_024;

/// The weight of a call that reads and writes at most this many keys.
pub const fn operations(reads: u64, writes: u64) -> Weight {
    CALL.saturating_add(READ.saturating_mul(reads)).saturating_add(WRITE.saturating_mul(writes))
}

/// The weight of handling this many bytes of arguments, on top of [`operations`].
pub const fn bytes(count: u64) -> Weight {
    BYTE.saturating_mul(count)
}
