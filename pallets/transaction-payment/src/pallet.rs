//! What clients see of this pallet: names, indices and fields are Substrate's.

use basalt_primitives::{AccountId, Balance};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// This pallet has no calls.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Call {}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_transaction_payment", "pallet_transaction_payment"))]
pub enum Event {
    /// A transaction was paid for.
    #[codec(index = 0)]
    TransactionFeePaid {
        /// By whom.
        who: AccountId,
        /// What it cost, tip included.
        actual_fee: Balance,
        /// The tip in it.
        tip: Balance,
    },
}
