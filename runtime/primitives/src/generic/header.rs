//! Headers.

use parity_scale_codec::{Decode, Encode};
use scale_info::{Type, TypeInfo, TypeParameter, build::Fields, meta_type};
use serde::{Deserialize, Serialize};

use crate::{BlakeTwo256, BlockNumber, Digest, H256, hex_text, type_info::path};

/// What identifies a block and commits to its content and its state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The hash of the block before; all zero for genesis.
    pub parent_hash: H256,
    /// The height; genesis is 0.
    #[codec(compact)]
    #[serde(with = "hex_text::number")]
    pub number: BlockNumber,
    /// The root of the state after this block.
    pub state_root: H256,
    /// The root of the extrinsics.
    pub extrinsics_root: H256,
    /// What consensus and runtime add.
    #[serde(default)]
    pub digest: Digest,
}

impl Header {
    /// The block hash: blake2-256 of the encoding, seals included.
    pub fn hash(&self) -> H256 {
        BlakeTwo256::hash(&self.encode())
    }
}

impl TypeInfo for Header {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(path(["sp_runtime", "generic", "header", "Header"]))
            .type_params([
                TypeParameter::new("Number", Some(meta_type::<BlockNumber>())),
                TypeParameter::new("Hash", Some(meta_type::<BlakeTwo256>())),
            ])
            .composite(
                Fields::named()
                    .field(|f| f.ty::<H256>().name("parent_hash").type_name("Hash::Output"))
                    .field(|f| f.compact::<BlockNumber>().name("number").type_name("Number"))
                    .field(|f| f.ty::<H256>().name("state_root").type_name("Hash::Output"))
                    .field(|f| f.ty::<H256>().name("extrinsics_root").type_name("Hash::Output"))
                    .field(|f| f.ty::<Digest>().name("digest").type_name("Digest")),
            )
    }
}
