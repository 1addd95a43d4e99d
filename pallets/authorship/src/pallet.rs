//! What clients see of this pallet. Substrate's has no calls any more; ours carries the votes.

use alloc::vec::Vec;

use basalt_primitives::AccountId;
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

use crate::Votes;

/// What may be asked of this pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_authorship", "pallet_authorship"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call {
    /// Says who voted for the block below. Only as an inherent, once per block.
    #[codec(index = 0)]
    note_votes {
        /// The votes, as far as the author of this block knew them.
        votes: Votes,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_authorship", "pallet_authorship"))]
pub enum Event {
    /// An epoch is over in which these were missing more often than not.
    #[codec(index = 0)]
    SomeOffline {
        /// Who, the most absent first.
        offline: Vec<Absence>,
    },
}

/// A validator that was missing.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_authorship", "pallet_authorship"))]
pub struct Absence {
    /// Its account.
    pub validator: AccountId,
    /// How many of the epoch's certificates it was not part of.
    pub missed: u32,
    /// How many there were.
    pub certificates: u32,
    /// Whether it was chilled. Not if too few would be left.
    pub chilled: bool,
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_authorship", "pallet_authorship"))]
pub enum Error {
    /// No votes belong into this block: the block below is the first one, or one node made it alone.
    #[codec(index = 0)]
    NotExpected,
    /// This block has them already.
    #[codec(index = 1)]
    Twice,
    /// The bits do not name members of the set, or not as many as there are signatures.
    #[codec(index = 2)]
    WrongVoters,
    /// Who voted has not more than two thirds of the power.
    #[codec(index = 3)]
    TooFew,
    /// A signature is not what its validator signed for the block below.
    #[codec(index = 4)]
    BadSignature,
}
