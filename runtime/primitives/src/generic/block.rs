//! Blocks, with extrinsics as bytes.

use alloc::vec::Vec;

use parity_scale_codec::{Decode, DecodeAll, Encode};
use scale_info::{Type, TypeInfo, TypeParameter, build::Fields, meta_type};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{BlakeTwo256, H256, Header, hex_text, type_info::path};

/// The bytes of an extrinsic, *without* the compact length that stands before them everywhere on the wire.
///
/// SCALE puts the length before the bytes; JSON is the hex of that. See [`crate::extrinsic`] for what is inside.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct OpaqueExtrinsic(pub Vec<u8>);

impl OpaqueExtrinsic {
    /// Reads the whole of `encoded`, which begins with the length.
    ///
    /// # Errors
    ///
    /// If the length does not equal the number of bytes that follow.
    pub fn from_encoded(encoded: &[u8]) -> Result<Self, parity_scale_codec::Error> {
        Self::decode_all(&mut &encoded[..])
    }

    /// The extrinsic hash that clients know: blake2-256 of the encoding, length included.
    pub fn hash(&self) -> H256 {
        BlakeTwo256::hash(&self.encode())
    }
}

impl From<Vec<u8>> for OpaqueExtrinsic {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for OpaqueExtrinsic {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for OpaqueExtrinsic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        hex_text::bytes::serialize(&self.encode(), serializer)
    }
}

impl<'de> Deserialize<'de> for OpaqueExtrinsic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = hex_text::bytes::deserialize(deserializer)?;
        Self::from_encoded(&bytes).map_err(|e| {
            serde::de::Error::custom(format_args!("not an extrinsic with its length before it: {e}"))
        })
    }
}

impl TypeInfo for OpaqueExtrinsic {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(path(["sp_runtime", "OpaqueExtrinsic"]))
            .composite(Fields::unnamed().field(|f| f.ty::<Vec<u8>>().type_name("Vec<u8>")))
    }
}

/// A header and the extrinsics it commits to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// The extrinsics in the order in which they run.
    pub extrinsics: Vec<OpaqueExtrinsic>,
}

impl Block {
    /// The hash of the header.
    pub fn hash(&self) -> H256 {
        self.header.hash()
    }
}

impl TypeInfo for Block {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(path(["sp_runtime", "generic", "block", "Block"]))
            .type_params([
                TypeParameter::new("Header", Some(meta_type::<Header>())),
                TypeParameter::new("Extrinsic", Some(meta_type::<OpaqueExtrinsic>())),
            ])
            .composite(
                Fields::named()
                    .field(|f| f.ty::<Header>().name("header").type_name("Header"))
                    .field(|f| f.ty::<Vec<OpaqueExtrinsic>>().name("extrinsics").type_name("Vec<Extrinsic>")),
            )
    }
}
