//! How a call is classed, and what it was charged.

use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use scale_info::{Type, TypeInfo, build::Fields};
use serde::{Deserialize, Serialize};

use crate::{Weight, type_info::path};

/// Which share of a block a call may use.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[scale_info(replace_segment("basalt_primitives", "frame_support"))]
#[serde(rename_all = "camelCase")]
pub enum DispatchClass {
    /// The calls of users.
    #[default]
    Normal,
    /// Calls that keep the chain running; they may use the whole block.
    Operational,
    /// Calls that must be in the block whatever they cost: inherents.
    Mandatory,
}

/// Whether a call pays the fee for its weight.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[scale_info(replace_segment("basalt_primitives", "frame_support"))]
pub enum Pays {
    /// It pays.
    #[default]
    Yes,
    /// It is free.
    No,
}

/// What the events of a finished extrinsic say about its cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub struct DispatchEventInfo {
    /// The weight that was used.
    pub weight: Weight,
    /// The class of the call.
    pub class: DispatchClass,
    /// Whether the sender paid for it.
    pub pays_fee: Pays,
}

impl TypeInfo for DispatchEventInfo {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder().path(path(["frame_system", "DispatchEventInfo"])).composite(
            Fields::named()
                .field(|f| f.ty::<Weight>().name("weight").type_name("Weight"))
                .field(|f| f.ty::<DispatchClass>().name("class").type_name("DispatchClass"))
                .field(|f| f.ty::<Pays>().name("pays_fee").type_name("Pays")),
        )
    }
}
