//! What clients see of this pallet: names, indices and fields are Substrate's.

use alloc::{boxed::Box, vec::Vec};

use basalt_primitives::DispatchError;
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// What an account may ask of this pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_utility", "pallet_utility"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call<C> {
    /// Runs calls one by one and stops at the first that fails; those before it stay done.
    #[codec(index = 0)]
    batch {
        /// The calls.
        calls: Vec<C>,
    },
    /// Runs a call as the account derived from the sender and this index.
    #[codec(index = 1)]
    as_derivative {
        /// Number of the derived account.
        index: u16,
        /// The call.
        call: Box<C>,
    },
    /// Runs all calls or none.
    #[codec(index = 2)]
    batch_all {
        /// The calls.
        calls: Vec<C>,
    },
    /// Runs all calls and goes on when one fails.
    #[codec(index = 4)]
    force_batch {
        /// The calls.
        calls: Vec<C>,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_utility", "pallet_utility"))]
pub enum Event {
    /// A batch stopped at this call.
    #[codec(index = 0)]
    BatchInterrupted {
        /// Place of the call in the batch.
        index: u32,
        /// Why it failed.
        error: DispatchError,
    },
    /// A batch did all of its calls.
    #[codec(index = 1)]
    BatchCompleted,
    /// A batch tried all of its calls; some failed.
    #[codec(index = 2)]
    BatchCompletedWithErrors,
    /// A call of a batch succeeded.
    #[codec(index = 3)]
    ItemCompleted,
    /// A call of a batch failed.
    #[codec(index = 4)]
    ItemFailed {
        /// Why.
        error: DispatchError,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_utility", "pallet_utility"))]
pub enum Error {
    /// The batch has more calls than allowed.
    #[codec(index = 0)]
    TooManyCalls,
}
