//! What a header says besides its roots.

use alloc::vec::Vec;

use parity_scale_codec::{Decode, DecodeAll, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hex_text;

/// Which consensus engine a digest item is for: four letters.
pub type EngineId = [u8; 4];

/// The items that consensus and runtime add to a header, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[scale_info(replace_segment("basalt_primitives", "sp_runtime"))]
pub struct Digest {
    /// The items.
    pub logs: Vec<DigestItem>,
}

impl Digest {
    /// Adds an item at the end.
    pub fn push(&mut self, item: DigestItem) {
        self.logs.push(item);
    }
}

/// One item of a header's digest. Other kind bytes than these do not decode.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_primitives", "sp_runtime"))]
pub enum DigestItem {
    /// From the author to the runtime, before the block runs: a slot, for example.
    #[codec(index = 6)]
    PreRuntime(EngineId, Vec<u8>),
    /// From the runtime to the consensus engine.
    #[codec(index = 4)]
    Consensus(EngineId, Vec<u8>),
    /// The author's proof over the header without its seals; always last.
    #[codec(index = 5)]
    Seal(EngineId, Vec<u8>),
    /// Anything else.
    #[codec(index = 0)]
    Other(Vec<u8>),
    /// The runtime changed with this block.
    #[codec(index = 8)]
    RuntimeEnvironmentUpdated,
}

impl Serialize for DigestItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        hex_text::bytes::serialize(&self.encode(), serializer)
    }
}

impl<'de> Deserialize<'de> for DigestItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = hex_text::bytes::deserialize(deserializer)?;
        Self::decode_all(&mut bytes.as_slice())
            .map_err(|e| serde::de::Error::custom(format_args!("not a SCALE-encoded digest item: {e}")))
    }
}
