//! What an account votes, and what it locks by that.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, Balance, BlockNumber};
use parity_scale_codec::{Decode, Encode, Error, Input, Output};
use scale_info::{Path, Type, TypeInfo, build::Fields};

use crate::{conviction::Conviction, types::Delegations};

/// For or against, with how much conviction: one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// Whether it is for the proposal.
    pub aye: bool,
    /// How long the voter locks.
    pub conviction: Conviction,
}

const AYE: u8 = 0b1000_0000;

impl Encode for Vote {
    fn size_hint(&self) -> usize {
        1
    }

    fn encode_to<T: Output + ?Sized>(&self, output: &mut T) {
        output.push_byte(self.conviction as u8 | if self.aye { AYE } else { 0 });
    }
}

impl Decode for Vote {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let byte = input.read_byte()?;
        let conviction = Conviction::ALL.get(usize::from(byte & !AYE)).copied();
        let conviction = conviction.ok_or_else(|| Error::from("there is no such conviction"))?;
        Ok(Self { aye: byte & AYE != 0, conviction })
    }
}

impl TypeInfo for Vote {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(Path::from_segments_unchecked(["pallet_conviction_voting", "vote", "Vote"]))
            .composite(Fields::unnamed().field(|f| f.ty::<u8>()))
    }
}

/// What an account votes in a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_conviction_voting", "pallet_conviction_voting"))]
pub enum AccountVote {
    /// One way.
    #[codec(index = 0)]
    Standard {
        /// Which, with how much conviction.
        vote: Vote,
        /// With how many tokens.
        balance: Balance,
    },
    /// Both ways, without conviction: for accounts that stand for several people.
    #[codec(index = 1)]
    Split {
        /// Tokens for it.
        aye: Balance,
        /// Tokens against it.
        nay: Balance,
    },
    /// Both ways and neither, without conviction.
    #[codec(index = 2)]
    SplitAbstain {
        /// Tokens for it.
        aye: Balance,
        /// Tokens against it.
        nay: Balance,
        /// Tokens that only support that it is decided.
        abstain: Balance,
    },
}

impl AccountVote {
    /// The tokens that it needs; `None` if they are beyond all numbers.
    pub fn balance(&self) -> Option<Balance> {
        match *self {
            Self::Standard { balance, .. } => Some(balance),
            Self::Split { aye, nay } => aye.checked_add(nay),
            Self::SplitAbstain { aye, nay, abstain } => aye.checked_add(nay)?.checked_add(abstain),
        }
    }

    /// Which way, if it is one: others who delegate to the voter vote the same.
    pub fn as_standard(&self) -> Option<bool> {
        match self {
            Self::Standard { vote, .. } => Some(vote.aye),
            _ => None,
        }
    }

    /// For how many periods how much stays locked after a poll that ended so: who won and had conviction.
    pub fn locked_if(&self, approved: bool) -> Option<(u32, Balance)> {
        match *self {
            Self::Standard { vote, balance }
                if vote.aye == approved && vote.conviction != Conviction::None =>
            {
                Some((vote.conviction.lock_periods(), balance))
            }
            _ => None,
        }
    }
}

/// What stays locked of votes that are no longer there: until when, and how much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_conviction_voting", "pallet_conviction_voting"))]
pub struct PriorLock(pub BlockNumber, pub Balance);

impl PriorLock {
    /// One more lock: both last as long as the longer one, and lock as much as the larger one.
    #[must_use]
    pub fn accumulated(self, until: BlockNumber, amount: Balance) -> Self {
        Self(self.0.max(until), self.1.max(amount))
    }

    /// What is left of it at this block.
    #[must_use]
    pub fn at(self, now: BlockNumber) -> Self {
        if now >= self.0 { Self::default() } else { self }
    }
}

/// An account that votes itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_conviction_voting", "pallet_conviction_voting"))]
pub struct Casting {
    /// Its votes, by poll.
    pub votes: Vec<(u32, AccountVote)>,
    /// What others delegate to it.
    pub delegations: Delegations,
    /// What stays locked of earlier votes and delegations.
    pub prior: PriorLock,
}

/// An account that lets another one vote. Votes of its own are in `OverridingVotes`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_conviction_voting", "pallet_conviction_voting"))]
pub struct Delegating {
    /// With how many tokens.
    pub balance: Balance,
    /// Who votes.
    pub target: AccountId,
    /// With how much conviction.
    pub conviction: Conviction,
    /// What others delegate to it.
    pub delegations: Delegations,
    /// What stays locked of earlier votes and delegations.
    pub prior: PriorLock,
}

/// How an account votes in a class of polls.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_conviction_voting", "pallet_conviction_voting"))]
pub enum Voting {
    /// Itself.
    #[codec(index = 0)]
    Casting(Casting),
    /// By another one, where it does not vote itself.
    #[codec(index = 1)]
    Delegating(Delegating),
}

impl Default for Voting {
    fn default() -> Self {
        Self::Casting(Casting::default())
    }
}
