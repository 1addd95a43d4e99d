//! A call as it stands in the state.

use alloc::vec::Vec;

use basalt_primitives::H256;
use parity_scale_codec::{Decode, Encode, Error, Input};
use scale_info::{
    Path, Type, TypeInfo,
    build::{Fields, Variants},
};

/// The longest call that is stored whole: what most proposals need.
pub const INLINE_BYTES_MAX: usize = 128;

/// The bytes of a short call.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
pub struct InlineCall(Vec<u8>);

impl InlineCall {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<Vec<u8>> for InlineCall {
    type Error = Vec<u8>;

    /// Gives the bytes back if they are too many.
    fn try_from(bytes: Vec<u8>) -> Result<Self, Vec<u8>> {
        if bytes.len() <= INLINE_BYTES_MAX { Ok(Self(bytes)) } else { Err(bytes) }
    }
}

impl Decode for InlineCall {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Self::try_from(Vec::decode(input)?)
            .map_err(|_| Error::from("a call that is stored whole is too long"))
    }
}

impl TypeInfo for InlineCall {
    type Identity = Vec<u8>;

    fn type_info() -> Type {
        Vec::<u8>::type_info()
    }
}

/// A call as it stands in the state: short ones whole, long ones by their hash. As Substrate's type of this name.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Bounded {
    /// By its hash alone. Read, never made.
    #[codec(index = 0)]
    Legacy {
        /// Blake2-256 of its bytes.
        hash: H256,
    },
    /// Its bytes.
    #[codec(index = 1)]
    Inline(InlineCall),
    /// By its hash and length: the bytes are a preimage.
    #[codec(index = 2)]
    Lookup {
        /// Blake2-256 of its bytes.
        hash: H256,
        /// How many bytes.
        len: u32,
    },
}

impl Bounded {
    /// The hash of the preimage it needs, if it needs one.
    pub fn hash(&self) -> Option<H256> {
        match self {
            Self::Inline(_) => None,
            Self::Legacy { hash } | Self::Lookup { hash, .. } => Some(*hash),
        }
    }

    /// The most bytes that have to be looked up.
    pub fn lookup_len(&self) -> u32 {
        match self {
            Self::Inline(_) => 0,
            Self::Lookup { len, .. } => *len,
            // As in Substrate: nothing longer was ever stored so.
            Self::Legacy { .. } => 1_000_000,
        }
    }
}

impl TypeInfo for Bounded {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(Path::from_segments_unchecked(["frame_support", "traits", "preimages", "Bounded"]))
            .variant(
                Variants::new()
                    .variant("Legacy", |v| {
                        v.index(0).fields(
                            Fields::named().field(|f| f.ty::<H256>().name("hash").type_name("H::Output")),
                        )
                    })
                    .variant("Inline", |v| {
                        v.index(1)
                            .fields(Fields::unnamed().field(|f| f.ty::<Vec<u8>>().type_name("BoundedInline")))
                    })
                    .variant("Lookup", |v| {
                        v.index(2).fields(
                            Fields::named()
                                .field(|f| f.ty::<H256>().name("hash").type_name("H::Output"))
                                .field(|f| f.ty::<u32>().name("len").type_name("u32")),
                        )
                    }),
            )
    }
}
