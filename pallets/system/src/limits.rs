//! A block's limits in the shape that clients read as constants.

use basalt_primitives::Weight;
use basalt_support::BlockLimits;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::dispatch::PerDispatchClass;

/// What the transactions of one class may weigh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_system", "frame_system"))]
pub struct WeightsPerClass {
    /// Fixed weight of each transaction.
    pub base_extrinsic: Weight,
    /// The most that one transaction may weigh, without its fixed weight; `None` if only the sums count.
    pub max_extrinsic: Option<Weight>,
    /// The most that all of the class may weigh; `None` if without limit.
    pub max_total: Option<Weight>,
    /// What is kept for this class when others have filled the block; `None` if it always fits.
    pub reserved: Option<Weight>,
}

/// What a block may weigh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_system", "frame_system"))]
pub struct BlockWeights {
    /// Fixed weight of each block.
    pub base_block: Weight,
    /// The most that a block may weigh.
    pub max_block: Weight,
    /// Limits of each class.
    pub per_class: PerDispatchClass<WeightsPerClass>,
}

/// How long a block may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_system", "frame_system"))]
pub struct BlockLength {
    /// The most bytes of all transactions up to and with each class.
    pub max: PerDispatchClass<u32>,
}

impl From<&BlockLimits> for BlockWeights {
    fn from(limits: &BlockLimits) -> Self {
        let base_extrinsic = limits.weight_base_transaction;
        let fitting = |max: Weight| {
            max.saturating_sub(limits.weight_base).saturating_sub(limits.weight_base_transaction)
        };
        Self {
            base_block: limits.weight_base,
            max_block: limits.weight_max,
            per_class: PerDispatchClass {
                normal: WeightsPerClass {
                    base_extrinsic,
                    max_extrinsic: Some(fitting(limits.weight_normal_max)),
                    max_total: Some(limits.weight_normal_max),
                    reserved: Some(Weight::zero()),
                },
                operational: WeightsPerClass {
                    base_extrinsic,
                    max_extrinsic: Some(fitting(limits.weight_max)),
                    max_total: Some(limits.weight_max),
                    reserved: Some(limits.weight_max.saturating_sub(limits.weight_normal_max)),
                },
                mandatory: WeightsPerClass {
                    base_extrinsic,
                    max_extrinsic: None,
                    max_total: None,
                    reserved: None,
                },
            },
        }
    }
}

impl From<&BlockLimits> for BlockLength {
    fn from(limits: &BlockLimits) -> Self {
        Self {
            max: PerDispatchClass {
                normal: limits.bytes_normal_max,
                operational: limits.bytes_max,
                mandatory: limits.bytes_max,
            },
        }
    }
}
