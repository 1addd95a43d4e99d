//! What contracts pay for what the host does for them, in `ref_time`.
//!
//! Nothing costs proof size: blocks of this chain need no proofs, so it is not scarce, and queries that allow none (as those of
//! polkadot.js do) run.
//!
//! The parts: what a storage operation costs is [`basalt_support::weight`]'s; what a byte or a primitive costs was measured
//! on the reference machine and rounded up. Costs are charged before the host acts. Where the cost depends on a stored
//! value's size, the largest possible is charged and what is too much comes back: so a call never runs on credit.
//!
//! All of this belongs to the protocol: another number is another chain.

use basalt_primitives::Weight;
use basalt_support::weight::{self, MICROSECOND};

/// One unit of the machine's fuel: about one instruction in the slowest engine, an interpreter.
pub const INSTRUCTION: u64 = 1_000;
/// Bytes of an event: they stay in the block's record. 75 MB in a block at most.
pub const EVENT_BYTE: u64 = 20_000;

const NANOSECOND: u64 = MICROSECOND / 1_000;
/// Reading one key.
const READ: Weight = time(weight::READ.ref_time);
/// Writing one key.
const WRITE: Weight = time(weight::WRITE.ref_time);
/// Moving a byte between the host and a contract.
const COPY_BYTE: u64 = 100;
/// Reading a byte of a stored value.
const READ_BYTE: u64 = 300;
/// Writing a byte of a stored value, which is hashed and kept.
const WRITE_BYTE: u64 = 1_000;

/// Crossing the border, whatever the function does.
pub(crate) const HOST_CALL: Weight = time(50 * NANOSECOND);
/// Handing out what is at hand: an account, a number.
pub(crate) const ENVIRONMENT: Weight = time(20 * NANOSECOND);
/// Looking up an account, a contract, the time.
pub(crate) const LOOK_UP: Weight = READ;
/// Moving value: two accounts.
pub(crate) const TRANSFER: Weight = operations(2, 2, 2 * MICROSECOND);
/// A frame of its own: the contract's record, its code's, a fresh instance of the machine, and what it may owe at the end.
pub(crate) const CALL: Weight = operations(4, 3, 10 * MICROSECOND);
/// A frame that runs other code as its own.
pub(crate) const DELEGATE_CALL: Weight = operations(1, 1, 10 * MICROSECOND);
/// A frame, a record, an account, a deposit, a nonce, and one more user of the code.
pub(crate) const INSTANTIATE: Weight = operations(6, 6, 15 * MICROSECOND);
/// Record, code, deletion queue, and the account when all has ended.
pub(crate) const TERMINATE: Weight = operations(6, 8, 2 * MICROSECOND);
/// Each dependency of a contract that ends: its code's record, and a refund.
pub(crate) const TERMINATE_DEPENDENCY: Weight = operations(1, 3, MICROSECOND);
/// Both codes' records, the contract's, and what is owed for it.
pub(crate) const SET_CODE_HASH: Weight = operations(3, 5, MICROSECOND);
/// A code's record, the contract's, and what is owed for it.
pub(crate) const DEPENDENCY: Weight = operations(2, 4, MICROSECOND);
/// Recovering a key over secp256k1.
pub(crate) const ECDSA_RECOVER: Weight = time(300 * MICROSECOND);
/// Decompressing a key over secp256k1, and hashing it.
pub(crate) const ECDSA_TO_ETH_ADDRESS: Weight = time(20 * MICROSECOND);

const fn time(ref_time: u64) -> Weight {
    Weight::new(ref_time, 0)
}

const fn operations(reads: u64, writes: u64, more: u64) -> Weight {
    READ.saturating_mul(reads).saturating_add(WRITE.saturating_mul(writes)).saturating_add(time(more))
}

const fn per_byte(picoseconds: u64, bytes: u32) -> Weight {
    // At most 2^32 bytes at some ten thousand picoseconds.
    time(picoseconds.saturating_mul(bytes as u64))
}

/// Getting code ready: its bytes may have to be read, checked and rewritten.
pub const fn load_code(bytes: u32) -> Weight {
    READ.saturating_add(per_byte(1_000, bytes))
}

/// Moving bytes between the host and a contract.
pub(crate) const fn copy(bytes: u32) -> Weight {
    per_byte(COPY_BYTE, bytes)
}

/// Reading a stored value of so many bytes.
pub(crate) const fn get_storage(bytes: u32) -> Weight {
    READ.saturating_add(per_byte(READ_BYTE, bytes))
}

/// Writing a value over an old one.
pub(crate) const fn set_storage(new_bytes: u32, old_bytes: u32) -> Weight {
    get_storage(old_bytes).saturating_add(WRITE).saturating_add(per_byte(WRITE_BYTE, new_bytes))
}

/// Removing a value; taking it, too.
pub(crate) const fn clear_storage(old_bytes: u32) -> Weight {
    get_storage(old_bytes).saturating_add(WRITE)
}

/// Looking at a transient value.
pub(crate) const fn get_transient(bytes: u32) -> Weight {
    time(500 * NANOSECOND).saturating_add(per_byte(READ_BYTE, bytes))
}

/// Writing a transient value over an old one.
pub(crate) const fn set_transient(new_bytes: u32, old_bytes: u32) -> Weight {
    get_transient(old_bytes)
        .saturating_add(time(500 * NANOSECOND))
        .saturating_add(per_byte(READ_BYTE, new_bytes))
}

/// An event with so many topics.
pub(crate) const fn event(topics: u32, bytes: u32) -> Weight {
    time(500 * NANOSECOND)
        .saturating_add(per_byte(EVENT_BYTE * 32, topics))
        .saturating_add(per_byte(EVENT_BYTE, bytes))
}

/// Hashing the input and the salt of a new contract into its address.
pub(crate) const fn address(input_bytes: u32, salt_bytes: u32) -> Weight {
    per_byte(2_000, input_bytes).saturating_add(per_byte(2_000, salt_bytes))
}

/// A debug message, kept or not.
pub(crate) const fn debug_message(bytes: u32) -> Weight {
    per_byte(1_000, bytes)
}

/// SHA-256.
pub(crate) const fn sha2_256(bytes: u32) -> Weight {
    time(400 * NANOSECOND).saturating_add(per_byte(5_000, bytes))
}

/// Keccak-256.
pub(crate) const fn keccak_256(bytes: u32) -> Weight {
    time(800 * NANOSECOND).saturating_add(per_byte(5_000, bytes))
}

/// BLAKE2b, of any digest length.
pub(crate) const fn blake2(bytes: u32) -> Weight {
    time(300 * NANOSECOND).saturating_add(per_byte(1_500, bytes))
}

/// Checking a signature of sr25519.
pub(crate) const fn sr25519_verify(bytes: u32) -> Weight {
    time(80 * MICROSECOND).saturating_add(per_byte(5_000, bytes))
}
