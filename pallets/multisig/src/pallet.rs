//! What clients see of this pallet: names, indices and fields are Substrate's.

use alloc::{boxed::Box, vec::Vec};

use basalt_primitives::{AccountId, Balance, BlockNumber, DispatchError, Weight};
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// Where a transaction is in the chain: two operations of the same owners and content are told apart by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_multisig", "pallet_multisig"))]
pub struct Timepoint<BlockNumber> {
    /// Height of its block.
    pub height: BlockNumber,
    /// Its place in the block.
    pub index: u32,
}

/// An operation that waits for approvals.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_multisig", "pallet_multisig"))]
pub struct Multisig<BlockNumber, Balance, AccountId> {
    /// When it was opened.
    pub when: Timepoint<BlockNumber>,
    /// What its opener has reserved for it.
    pub deposit: Balance,
    /// Who opened it.
    pub depositor: AccountId,
    /// Who approves so far, in order.
    pub approvals: Vec<AccountId>,
}

/// An operation of this chain.
pub type Operation = Multisig<BlockNumber, Balance, AccountId>;

/// What an account may ask of this pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_multisig", "pallet_multisig"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call<C> {
    /// Makes a call at once from an account that any one of several owners controls.
    #[codec(index = 0)]
    as_multi_threshold_1 {
        /// The owners but the sender, in order.
        other_signatories: Vec<AccountId>,
        /// The call.
        call: Box<C>,
    },
    /// Approves a call from an account that `threshold` of several owners control, and makes it if that is enough.
    #[codec(index = 1)]
    as_multi {
        /// How many must approve.
        threshold: u16,
        /// The owners but the sender, in order.
        other_signatories: Vec<AccountId>,
        /// When the operation was opened; nothing if this opens it.
        maybe_timepoint: Option<Timepoint<BlockNumber>>,
        /// The call.
        call: Box<C>,
        /// The most that the call may weigh.
        max_weight: Weight,
    },
    /// Approves a call by its hash. It is never made by this.
    #[codec(index = 2)]
    approve_as_multi {
        /// How many must approve.
        threshold: u16,
        /// The owners but the sender, in order.
        other_signatories: Vec<AccountId>,
        /// When the operation was opened; nothing if this opens it.
        maybe_timepoint: Option<Timepoint<BlockNumber>>,
        /// Blake2-256 of the call.
        call_hash: [u8; 32],
        /// The most that the call may weigh. Nothing is made of it here.
        max_weight: Weight,
    },
    /// Ends an operation without making the call. Only who opened it.
    #[codec(index = 3)]
    cancel_as_multi {
        /// How many must approve.
        threshold: u16,
        /// The owners but the sender, in order.
        other_signatories: Vec<AccountId>,
        /// When the operation was opened.
        timepoint: Timepoint<BlockNumber>,
        /// Blake2-256 of the call.
        call_hash: [u8; 32],
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_multisig", "pallet_multisig"))]
pub enum Event {
    /// An operation was opened.
    #[codec(index = 0)]
    NewMultisig {
        /// By whom.
        approving: AccountId,
        /// For which account.
        multisig: AccountId,
        /// Blake2-256 of the call.
        call_hash: [u8; 32],
    },
    /// One more approves.
    #[codec(index = 1)]
    MultisigApproval {
        /// Who.
        approving: AccountId,
        /// When the operation was opened.
        timepoint: Timepoint<BlockNumber>,
        /// For which account.
        multisig: AccountId,
        /// Blake2-256 of the call.
        call_hash: [u8; 32],
    },
    /// Enough approved, and the call was made.
    #[codec(index = 2)]
    MultisigExecuted {
        /// Who approved last.
        approving: AccountId,
        /// When the operation was opened.
        timepoint: Timepoint<BlockNumber>,
        /// For which account.
        multisig: AccountId,
        /// Blake2-256 of the call.
        call_hash: [u8; 32],
        /// How the call ended.
        result: Result<(), DispatchError>,
    },
    /// The operation was ended without the call.
    #[codec(index = 3)]
    MultisigCancelled {
        /// By whom.
        cancelling: AccountId,
        /// When the operation was opened.
        timepoint: Timepoint<BlockNumber>,
        /// For which account.
        multisig: AccountId,
        /// Blake2-256 of the call.
        call_hash: [u8; 32],
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_multisig", "pallet_multisig"))]
pub enum Error {
    /// The threshold must be 2 or more.
    #[codec(index = 0)]
    MinimumThreshold,
    /// The sender approved already.
    #[codec(index = 1)]
    AlreadyApproved,
    /// No more approvals are needed: send the call itself, with `as_multi`.
    #[codec(index = 2)]
    NoApprovalsNeeded,
    /// There are no other owners, or fewer owners than must approve.
    #[codec(index = 3)]
    TooFewSignatories,
    /// There are more owners than allowed.
    #[codec(index = 4)]
    TooManySignatories,
    /// The other owners must be in ascending order of their bytes, each once.
    #[codec(index = 5)]
    SignatoriesOutOfOrder,
    /// The sender must not be among the other owners.
    #[codec(index = 6)]
    SenderInSignatories,
    /// There is no such operation.
    #[codec(index = 7)]
    NotFound,
    /// Only who opened the operation can end it or take its deposit back.
    #[codec(index = 8)]
    NotOwner,
    /// The operation is open: say since when.
    #[codec(index = 9)]
    NoTimepoint,
    /// The operation was opened at another time.
    #[codec(index = 10)]
    WrongTimepoint,
    /// The operation is not open yet: leave the time out.
    #[codec(index = 11)]
    UnexpectedTimepoint,
    /// The call may weigh more than the sender allowed.
    #[codec(index = 12)]
    MaxWeightTooLow,
    /// The call is stored already.
    #[codec(index = 13)]
    AlreadyStored,
}
