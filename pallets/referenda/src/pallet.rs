//! What clients see of this pallet: names, indices and fields are Substrate's.

use alloc::boxed::Box;

use basalt_pallet_conviction_voting::Tally;
use basalt_pallet_preimage::Bounded;
use basalt_pallet_scheduler::DispatchTime;
use basalt_primitives::{AccountId, Balance, H256};
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

use crate::types::{ReferendumIndex, TrackId};

/// What an account may ask of this pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_referenda", "pallet_referenda"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call<O> {
    /// Proposes a call. A deposit is held.
    #[codec(index = 0)]
    submit {
        /// As whom it is enacted: this decides the track.
        proposal_origin: Box<O>,
        /// The call.
        proposal: Bounded,
        /// When it is to be enacted, if the track lets it.
        enactment_moment: DispatchTime,
    },
    /// Puts down the decision deposit, without which nothing is decided.
    #[codec(index = 1)]
    place_decision_deposit {
        /// The referendum.
        index: ReferendumIndex,
    },
    /// Returns the decision deposit of a referendum that has ended to whose it is.
    #[codec(index = 2)]
    refund_decision_deposit {
        /// The referendum.
        index: ReferendumIndex,
    },
    /// Ends a referendum. Its deposits can be refunded.
    #[codec(index = 3)]
    cancel {
        /// The referendum.
        index: ReferendumIndex,
    },
    /// Ends a referendum. Its deposits go to the treasury.
    #[codec(index = 4)]
    kill {
        /// The referendum.
        index: ReferendumIndex,
    },
    /// Looks at a referendum before its alarm. Root only; it happens by itself.
    #[codec(index = 5)]
    nudge_referendum {
        /// The referendum.
        index: ReferendumIndex,
    },
    /// Begins to decide the next of a track's queue, if there is room. Root only; it happens by itself.
    #[codec(index = 6)]
    one_fewer_deciding {
        /// The track.
        track: TrackId,
    },
    /// Returns the submission deposit of a referendum that was approved or cancelled.
    #[codec(index = 7)]
    refund_submission_deposit {
        /// The referendum.
        index: ReferendumIndex,
    },
    /// Names the preimage that describes a referendum, or none.
    #[codec(index = 8)]
    set_metadata {
        /// The referendum.
        index: ReferendumIndex,
        /// The preimage.
        maybe_hash: Option<H256>,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_referenda", "pallet_referenda"))]
pub enum Event {
    /// A referendum was submitted.
    #[codec(index = 0)]
    Submitted {
        /// The referendum.
        index: ReferendumIndex,
        /// Its track.
        track: TrackId,
        /// The call.
        proposal: Bounded,
    },
    /// The decision deposit was put down.
    #[codec(index = 1)]
    DecisionDepositPlaced {
        /// The referendum.
        index: ReferendumIndex,
        /// By whom.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// The decision deposit was returned.
    #[codec(index = 2)]
    DecisionDepositRefunded {
        /// The referendum.
        index: ReferendumIndex,
        /// To whom.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// A deposit went to the treasury.
    #[codec(index = 3)]
    DepositSlashed {
        /// Whose.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// From now on it is decided.
    #[codec(index = 4)]
    DecisionStarted {
        /// The referendum.
        index: ReferendumIndex,
        /// Its track.
        track: TrackId,
        /// The call.
        proposal: Bounded,
        /// Its votes.
        tally: Tally,
    },
    /// It passes; if it goes on so, it is approved.
    #[codec(index = 5)]
    ConfirmStarted {
        /// The referendum.
        index: ReferendumIndex,
    },
    /// It passes no longer.
    #[codec(index = 6)]
    ConfirmAborted {
        /// The referendum.
        index: ReferendumIndex,
    },
    /// It is approved and will be enacted.
    #[codec(index = 7)]
    Confirmed {
        /// The referendum.
        index: ReferendumIndex,
        /// Its votes.
        tally: Tally,
    },
    /// It is approved, and its call is scheduled.
    #[codec(index = 8)]
    Approved {
        /// The referendum.
        index: ReferendumIndex,
    },
    /// It is rejected.
    #[codec(index = 9)]
    Rejected {
        /// The referendum.
        index: ReferendumIndex,
        /// Its votes.
        tally: Tally,
    },
    /// Nobody put down the decision deposit in time.
    #[codec(index = 10)]
    TimedOut {
        /// The referendum.
        index: ReferendumIndex,
        /// Its votes.
        tally: Tally,
    },
    /// It was cancelled.
    #[codec(index = 11)]
    Cancelled {
        /// The referendum.
        index: ReferendumIndex,
        /// Its votes.
        tally: Tally,
    },
    /// It was killed.
    #[codec(index = 12)]
    Killed {
        /// The referendum.
        index: ReferendumIndex,
        /// Its votes.
        tally: Tally,
    },
    /// The submission deposit was returned.
    #[codec(index = 13)]
    SubmissionDepositRefunded {
        /// The referendum.
        index: ReferendumIndex,
        /// To whom.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// A preimage describes it.
    #[codec(index = 14)]
    MetadataSet {
        /// The referendum.
        index: ReferendumIndex,
        /// The preimage.
        hash: H256,
    },
    /// No preimage describes it any more.
    #[codec(index = 15)]
    MetadataCleared {
        /// The referendum.
        index: ReferendumIndex,
        /// The preimage.
        hash: H256,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_referenda", "pallet_referenda"))]
pub enum Error {
    /// The referendum does not go on.
    #[codec(index = 0)]
    NotOngoing,
    /// The decision deposit is there.
    #[codec(index = 1)]
    HasDeposit,
    /// There is no such track.
    #[codec(index = 2)]
    BadTrack,
    /// The track has as many referenda as it can have.
    #[codec(index = 3)]
    Full,
    /// Nothing waits in the track's queue.
    #[codec(index = 4)]
    QueueEmpty,
    /// There is no such referendum.
    #[codec(index = 5)]
    BadReferendum,
    /// There is nothing to do now.
    #[codec(index = 6)]
    NothingToDo,
    /// No track decides for this origin.
    #[codec(index = 7)]
    NoTrack,
    /// The deposit is returned only after the end.
    #[codec(index = 8)]
    Unfinished,
    /// Only who submitted it may do that.
    #[codec(index = 9)]
    NoPermission,
    /// There is no deposit to return.
    #[codec(index = 10)]
    NoDeposit,
    /// Not with this outcome.
    #[codec(index = 11)]
    BadStatus,
    /// There is no such preimage.
    #[codec(index = 12)]
    PreimageNotExist,
    /// The preimage has another length.
    #[codec(index = 13)]
    PreimageStoredWithDifferentLength,
    /// The proposal is no call of this chain.
    #[codec(index = 14)]
    Undecodable,
    /// The origin may not make this call.
    #[codec(index = 15)]
    Forbidden,
    /// No block has the weight to enact it.
    #[codec(index = 16)]
    Overweight,
    /// It would set a parameter to what it cannot be.
    #[codec(index = 17)]
    OutOfBounds,
}

/// What an amount of an account is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_referenda", "pallet_referenda"))]
pub enum HoldReason {
    /// For a referendum that the account submitted.
    #[codec(index = 0)]
    SubmissionDeposit,
    /// For a referendum that the account wanted to be decided.
    #[codec(index = 1)]
    DecisionDeposit,
}
