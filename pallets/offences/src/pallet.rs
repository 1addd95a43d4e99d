//! What clients see of this pallet. Names, indices and fields are Substrate's where it has the same.

use alloc::{boxed::Box, vec::Vec};

use basalt_primitives::{AccountId, votes::Evidence};
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// What an offence is called.
pub type Kind = [u8; 16];

/// When it was: the encoded set id and GRANDPA round.
pub type OpaqueTimeSlot = Vec<u8>;

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_offences", "sp_staking"))]
pub struct OffenceDetails {
    /// Who did it.
    pub offender: AccountId,
    /// Who is rewarded for saying so.
    pub reporters: Vec<AccountId>,
}

/// What may be asked of this pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_offences", "pallet_offences"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call {
    /// Reports that a validator signed twice. Without a signature the block's author is the reporter; a signer pays no fee
    /// if the report is right.
    #[codec(index = 0)]
    report {
        /// The proof.
        evidence: Box<Evidence>,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_offences", "pallet_offences"))]
pub enum Event {
    /// Somebody was reported.
    #[codec(index = 0)]
    Offence {
        /// For what.
        kind: Kind,
        /// When.
        timeslot: OpaqueTimeSlot,
    },
}

/// Why a report was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_offences", "pallet_offences"))]
pub enum Error {
    /// Both halves say the same: that is no offence.
    #[codec(index = 0)]
    NoContradiction,
    /// A signature in it is not of that key, or for another place, purpose or chain.
    #[codec(index = 1)]
    BadSignature,
    /// Another set than the one of that id decided that height.
    #[codec(index = 2)]
    WrongSet,
    /// The key was not in the set that decided that height.
    #[codec(index = 3)]
    NotAValidator,
    /// The height is not reached yet.
    #[codec(index = 4)]
    TooEarly,
    /// The offence lies longer back than the evidence window, or than the chain knows its validators.
    #[codec(index = 5)]
    TooOld,
    /// This offender was reported for this height, round and kind.
    #[codec(index = 6)]
    AlreadyReported,
    /// This offender has as many reports of that epoch as are accepted: more would not change its punishment.
    #[codec(index = 7)]
    EnoughReports,
}

impl Error {
    /// What is wrong, and what to do, for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NoContradiction => "both halves of the evidence say the same, which is no offence",
            Self::BadSignature => {
                "a signature of the evidence does not verify for its key, set, height, round and chain"
            }
            Self::WrongSet => "another set of validators than the one of that id decided that height",
            Self::NotAValidator => "the key of the evidence was not in the set that decided that height",
            Self::TooEarly => "the evidence is of a height that is not reached yet; send it again then",
            Self::TooOld => "the offence lies longer back than the evidence window",
            Self::AlreadyReported => "this validator was already reported for this height, round and kind",
            Self::EnoughReports => {
                "this validator has as many reports of that epoch as are accepted; more would not change its punishment"
            }
        }
    }
}
