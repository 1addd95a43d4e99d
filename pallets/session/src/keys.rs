//! A validator's keys as tools pass them around: one after the other, each with the name of its type.

use alloc::vec::Vec;

use parity_scale_codec::{Decode, Encode};
use scale_info::{Path, Type, TypeInfo, build::Fields};

use crate::AuthorityId;

/// Ed25519: signs votes. The name is GRANDPA's, whose votes they look like.
pub const KEY_TYPE_VOTE: KeyTypeId = KeyTypeId(*b"gran");
/// Sr25519: makes the randomness in headers.
pub const KEY_TYPE_VRF: KeyTypeId = KeyTypeId(*b"bvrf");

/// What a key is for: four letters that keystores file it under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct KeyTypeId(pub [u8; 4]);

impl TypeInfo for KeyTypeId {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(Path::from_segments_unchecked(["sp_core", "crypto", "KeyTypeId"]))
            .composite(Fields::unnamed().field(|field| field.ty::<[u8; 4]>()))
    }
}

/// The public keys of one validator, as `author_rotateKeys` answers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct SessionKeys {
    /// The vote key.
    pub grandpa: [u8; 32],
    /// The VRF key.
    pub vrf: [u8; 32],
}

impl TypeInfo for SessionKeys {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder().path(Path::from_segments_unchecked(["basalt_runtime", "SessionKeys"])).composite(
            Fields::named()
                .field(|field| field.ty::<AuthorityId>().name("grandpa"))
                .field(|field| field.ty::<[u8; 32]>().name("vrf")),
        )
    }
}

impl SessionKeys {
    /// Each key with its type, in the order of the encoding.
    pub fn raw(&self) -> [(Vec<u8>, KeyTypeId); 2] {
        [(self.grandpa.to_vec(), KEY_TYPE_VOTE), (self.vrf.to_vec(), KEY_TYPE_VRF)]
    }
}
