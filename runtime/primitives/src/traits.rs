//! What clients look up under Substrate's module `traits`.

use scale_info::TypeInfo;

use crate::{H256, hashing::blake2_256};

/// The hasher of the chain, as the metadata names it: blake2b with 256 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TypeInfo)]
#[scale_info(replace_segment("basalt_primitives", "sp_runtime"))]
pub struct BlakeTwo256;

impl BlakeTwo256 {
    /// The hash of `data`.
    pub fn hash(data: &[u8]) -> H256 {
        H256(blake2_256(data))
    }
}
