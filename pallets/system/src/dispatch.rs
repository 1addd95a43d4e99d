//! Something for each dispatch class. The module is named as Substrate's, because the type path is public.

use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// One `T` for each dispatch class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_system", "frame_support"))]
pub struct PerDispatchClass<T> {
    /// For the calls of users.
    pub normal: T,
    /// For calls that keep the chain running.
    pub operational: T,
    /// For inherents and the block itself.
    pub mandatory: T,
}
