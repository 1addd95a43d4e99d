//! What validators sign for a block to be final: GRANDPA's precommits, byte for byte (`facts/consensus.md` §4.3). The node
//! signs and checks them while it agrees; the runtime checks those that blocks carry.

use alloc::vec::Vec;

use parity_scale_codec::Encode;

use crate::{BlockNumber, H256};

/// The variant of a precommit among GRANDPA's messages.
const GRANDPA_PRECOMMIT: u8 = 1;

/// Height and round as one GRANDPA round: so two votes in different rounds are never an equivocation there, and two in one
/// round always are. Heights are block numbers, so the upper half holds them.
pub fn grandpa_round(height: u64, round: u32) -> u64 {
    (height << 32) | u64::from(round)
}

/// What a precommit for a block signs, by a validator of the set with this id.
pub fn precommit_payload(number: BlockNumber, round: u32, set: u64, hash: &H256) -> Vec<u8> {
    (GRANDPA_PRECOMMIT, hash, number, grandpa_round(u64::from(number), round), set).encode()
}
