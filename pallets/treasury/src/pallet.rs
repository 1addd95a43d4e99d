//! What clients see of this pallet: names, indices and fields are Substrate's.

use alloc::boxed::Box;

use basalt_primitives::{AccountId, Balance, BlockNumber, MultiAddress};
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// What the pallet is asked.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_treasury", "pallet_treasury"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call {
    /// Approves a payment; it is made at the end of the spend period.
    #[codec(index = 3)]
    spend_local {
        /// How much.
        #[codec(compact)]
        amount: Balance,
        /// To whom.
        beneficiary: MultiAddress,
    },
    /// Takes such an approval back.
    #[codec(index = 4)]
    remove_approval {
        /// Number of the payment.
        #[codec(compact)]
        proposal_id: u32,
    },
    /// Approves a payment that anybody may trigger for the payee.
    #[codec(index = 5)]
    spend {
        /// The native token.
        asset_kind: Box<()>,
        /// How much.
        #[codec(compact)]
        amount: Balance,
        /// To whom.
        beneficiary: Box<MultiAddress>,
        /// From which block; from now on if `None`.
        valid_from: Option<BlockNumber>,
    },
    /// Makes an approved payment.
    #[codec(index = 6)]
    payout {
        /// Its number.
        index: u32,
    },
    /// Removes a payment that was made or has expired. Free of fee.
    #[codec(index = 7)]
    check_status {
        /// Its number.
        index: u32,
    },
    /// Takes the approval of a payment back that is not made yet.
    #[codec(index = 8)]
    void_spend {
        /// Its number.
        index: u32,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_treasury", "pallet_treasury"))]
pub enum Event {
    /// A spend period has ended, with this much to spend.
    #[codec(index = 0)]
    Spending {
        /// How much.
        budget_remaining: Balance,
    },
    /// A payment was made.
    #[codec(index = 1)]
    Awarded {
        /// Its number.
        proposal_index: u32,
        /// How much.
        award: Balance,
        /// To whom.
        account: AccountId,
    },
    /// A share of the rest was burnt.
    #[codec(index = 2)]
    Burnt {
        /// How much.
        burnt_funds: Balance,
    },
    /// This much is left for the next period.
    #[codec(index = 3)]
    Rollover {
        /// How much.
        rollover_balance: Balance,
    },
    /// The treasury was given something. Not used: `Balances.Deposit` and `Transfer` tell it.
    #[codec(index = 4)]
    Deposit {
        /// How much.
        value: Balance,
    },
    /// A payment was approved.
    #[codec(index = 5)]
    SpendApproved {
        /// Its number.
        proposal_index: u32,
        /// How much.
        amount: Balance,
        /// To whom.
        beneficiary: AccountId,
    },
    /// How much of the treasury counts as inactive has changed.
    #[codec(index = 6)]
    UpdatedInactive {
        /// Before.
        reactivated: Balance,
        /// Now.
        deactivated: Balance,
    },
    /// A payment was approved that is to be collected.
    #[codec(index = 7)]
    AssetSpendApproved {
        /// Its number.
        index: u32,
        /// The native token.
        asset_kind: (),
        /// How much.
        amount: Balance,
        /// To whom.
        beneficiary: AccountId,
        /// From which block.
        valid_from: BlockNumber,
        /// Up to which block.
        expire_at: BlockNumber,
    },
    /// An approval was taken back.
    #[codec(index = 8)]
    AssetSpendVoided {
        /// Number of the payment.
        index: u32,
    },
    /// A payment was collected.
    #[codec(index = 9)]
    Paid {
        /// Its number.
        index: u32,
        /// Nothing.
        payment_id: (),
    },
    /// A payment failed. Not used.
    #[codec(index = 10)]
    PaymentFailed {
        /// Its number.
        index: u32,
        /// Nothing.
        payment_id: (),
    },
    /// A payment was made or has expired, and is removed.
    #[codec(index = 11)]
    SpendProcessed {
        /// Its number.
        index: u32,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_treasury", "pallet_treasury"))]
pub enum Error {
    /// There is no such payment.
    #[codec(index = 0)]
    InvalidIndex,
    /// Too many payments wait for the end of the period.
    #[codec(index = 1)]
    TooManyApprovals,
    /// This origin may spend, but not as much.
    #[codec(index = 2)]
    InsufficientPermission,
    /// The payment is not approved.
    #[codec(index = 3)]
    ProposalNotApproved,
    /// Not used: there is one token.
    #[codec(index = 4)]
    FailedToConvertBalance,
    /// The payment can no longer be collected.
    #[codec(index = 5)]
    SpendExpired,
    /// The payment cannot be collected yet.
    #[codec(index = 6)]
    EarlyPayout,
    /// The payment was made.
    #[codec(index = 7)]
    AlreadyAttempted,
    /// The treasury has too little, or the payee cannot be paid.
    #[codec(index = 8)]
    PayoutError,
    /// The payment was not made yet.
    #[codec(index = 9)]
    NotAttempted,
    /// Not used: payments of the native token succeed or fail at once.
    #[codec(index = 10)]
    Inconclusive,
}
