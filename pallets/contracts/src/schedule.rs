//! Limits and prices, in the shape in which clients read them from the metadata.

use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// Limits and prices as clients see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
pub struct Schedule {
    /// What contracts may not exceed.
    pub limits: Limits,
    /// What instructions cost.
    pub instruction_weights: InstructionWeights,
}

/// What contracts may not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
pub struct Limits {
    /// Topics of an event.
    pub event_topics: u32,
    /// Memory in pages of 64 KiB.
    pub memory_pages: u32,
    /// Bytes of the subject of a random number.
    pub subject_len: u32,
    /// Bytes of a stored value or an event.
    pub payload_len: u32,
    /// Memory of a runtime. Means nothing here: the runtime is native.
    pub runtime_memory: u32,
    /// Memory of a validator's runtime. Means nothing here.
    pub validator_runtime_memory: u32,
    /// What each byte of an event costs, in picoseconds.
    pub event_ref_time: u64,
}

/// What instructions cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
pub struct InstructionWeights {
    /// Each of them, in picoseconds.
    pub base: u32,
}
