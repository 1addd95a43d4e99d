//! What a header says of its making, on chains whose validators agree on each block.
//!
//! Only data: whether a claim is true is checked by `basalt-consensus-bft` before a block runs.

use parity_scale_codec::{Decode, DecodeAll, Encode};

use crate::{Digest, DigestItem, EngineId, H256, hashing::blake2_256};

/// Marks the claim among a header's items.
pub const CLAIM: EngineId = *b"bslt";

/// What goes into the hash of each seed.
const SEED: &[u8; 11] = b"basalt/seed";

/// Who built a block, when, and with what randomness.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Claim {
    /// The round it was built for. Later rounds may propose the same block again.
    pub round: u32,
    /// The builder's place in the set.
    pub validator: u32,
    /// Its VRF's output for this height: nobody can choose it, and nobody else can know it before.
    pub vrf_output: [u8; 32],
    /// And the proof of that.
    pub vrf_proof: [u8; 64],
}

impl Claim {
    /// The claim among a header's items, if there is one, only one, and it decodes.
    pub fn of(digest: &Digest) -> Option<Self> {
        let mut claims = digest.logs.iter().filter_map(|item| match item {
            DigestItem::PreRuntime(CLAIM, payload) => Some(payload),
            _ => None,
        });
        match (claims.next(), claims.next()) {
            (Some(payload), None) => Self::decode_all(&mut &payload[..]).ok(),
            _ => None,
        }
    }

    /// The item that a builder puts into its header.
    pub fn item(&self) -> DigestItem {
        DigestItem::PreRuntime(CLAIM, self.encode())
    }

    /// The seed of the height above: from this block's own randomness alone, which in turn depends on all below.
    pub fn seed(&self) -> H256 {
        seed(&self.vrf_output)
    }
}

/// The seed of the height above a block with this VRF output.
pub fn seed(vrf_output: &[u8; 32]) -> H256 {
    H256(blake2_256(&(SEED, vrf_output).encode()))
}

/// The seed of the first height.
pub fn seed_of_genesis(genesis: &H256) -> H256 {
    H256(blake2_256(&(SEED, genesis).encode()))
}
