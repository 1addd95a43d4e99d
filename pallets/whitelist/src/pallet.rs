//! What clients see of this pallet: names, indices and fields are Substrate's.

use alloc::boxed::Box;

use basalt_primitives::{DispatchError, H256, Pays, Weight};
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::{Path, Type, TypeInfo, build::Fields};

/// What the pallet is asked.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_whitelist", "pallet_whitelist"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call<C> {
    /// Puts a call on the whitelist.
    #[codec(index = 0)]
    whitelist_call {
        /// Its hash.
        call_hash: H256,
    },
    /// Takes a call off it.
    #[codec(index = 1)]
    remove_whitelisted_call {
        /// Its hash.
        call_hash: H256,
    },
    /// Runs a call on the whitelist as root.
    #[codec(index = 2)]
    dispatch_whitelisted_call {
        /// Its hash.
        call_hash: H256,
        /// How many bytes it has.
        call_encoded_len: u32,
        /// What it weighs at most.
        call_weight_witness: Weight,
    },
    /// Runs a call on the whitelist as root.
    #[codec(index = 3)]
    dispatch_whitelisted_call_with_preimage {
        /// The call.
        call: Box<C>,
    },
}

/// What a call says about its cost, as Substrate's events do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct PostDispatchInfo {
    /// What it weighed; as declared if `None`.
    pub actual_weight: Option<Weight>,
    /// Whether the fee is due.
    pub pays_fee: Pays,
}

impl TypeInfo for PostDispatchInfo {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(Path::from_segments_unchecked(["frame_support", "dispatch", "PostDispatchInfo"]))
            .composite(
                Fields::named()
                    .field(|f| f.ty::<Option<Weight>>().name("actual_weight").type_name("Option<Weight>"))
                    .field(|f| f.ty::<Pays>().name("pays_fee").type_name("Pays")),
            )
    }
}

/// Why a call failed, and what it cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct DispatchErrorWithPostInfo {
    /// What it cost.
    pub post_info: PostDispatchInfo,
    /// Why it failed.
    pub error: DispatchError,
}

impl TypeInfo for DispatchErrorWithPostInfo {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(Path::from_segments_unchecked(["sp_runtime", "DispatchErrorWithPostInfo"]))
            .composite(
                Fields::named()
                    .field(|f| f.ty::<PostDispatchInfo>().name("post_info").type_name("Info"))
                    .field(|f| f.ty::<DispatchError>().name("error").type_name("DispatchError")),
            )
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_whitelist", "pallet_whitelist"))]
pub enum Event {
    /// A call was put on the whitelist.
    #[codec(index = 0)]
    CallWhitelisted {
        /// Its hash.
        call_hash: H256,
    },
    /// A call was taken off it.
    #[codec(index = 1)]
    WhitelistedCallRemoved {
        /// Its hash.
        call_hash: H256,
    },
    /// A call was run.
    #[codec(index = 2)]
    WhitelistedCallDispatched {
        /// Its hash.
        call_hash: H256,
        /// How it went.
        result: Result<PostDispatchInfo, DispatchErrorWithPostInfo>,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_whitelist", "pallet_whitelist"))]
pub enum Error {
    /// The call's preimage of this length is not there.
    #[codec(index = 0)]
    UnavailablePreImage,
    /// The preimage is no call.
    #[codec(index = 1)]
    UndecodableCall,
    /// The call weighs more than was said.
    #[codec(index = 2)]
    InvalidCallWeightWitness,
    /// The call is not on the whitelist.
    #[codec(index = 3)]
    CallIsNotWhitelisted,
    /// The call is on the whitelist already.
    #[codec(index = 4)]
    CallAlreadyWhitelisted,
}
