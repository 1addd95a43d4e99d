//! What clients see of this pallet: names, indices and fields are Substrate's.

use basalt_primitives::Moment;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// What may be asked of this pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_timestamp", "pallet_timestamp"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call {
    /// Sets the time of the block. Only as an inherent, once per block, and at least `MinimumPeriod` after the block
    /// before.
    #[codec(index = 0)]
    set {
        /// Milliseconds since 1970.
        #[codec(compact)]
        now: Moment,
    },
}
