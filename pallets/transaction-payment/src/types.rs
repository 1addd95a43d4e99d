//! What fee queries answer, in Substrate's encoding.

use basalt_primitives::{Balance, DispatchClass, Weight};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// The parts of the fee for being included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_transaction_payment", "pallet_transaction_payment"))]
pub struct InclusionFee {
    /// What each transaction costs.
    pub base_fee: Balance,
    /// For its bytes.
    pub len_fee: Balance,
    /// For its weight, multiplier included.
    pub adjusted_weight_fee: Balance,
}

/// The parts of a fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_transaction_payment", "pallet_transaction_payment"))]
pub struct FeeDetails {
    /// `None` for transactions that cost nothing.
    pub inclusion_fee: Option<InclusionFee>,
    /// What the sender adds.
    pub tip: Balance,
}

impl FeeDetails {
    /// All of it, tip included.
    pub fn total(&self) -> Balance {
        let fee = self.inclusion_fee.map_or(0, |fee| {
            fee.base_fee.saturating_add(fee.len_fee).saturating_add(fee.adjusted_weight_fee)
        });
        fee.saturating_add(self.tip)
    }
}

/// What `query_info` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_transaction_payment", "pallet_transaction_payment"))]
pub struct RuntimeDispatchInfo {
    /// The most it can weigh.
    pub weight: Weight,
    /// Its class.
    pub class: DispatchClass,
    /// The fee without tip.
    pub partial_fee: Balance,
}
