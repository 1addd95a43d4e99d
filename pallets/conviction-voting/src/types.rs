//! What polls count.

use basalt_primitives::Balance;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::{conviction::Conviction, vote::AccountVote};

/// The votes of a poll. Every operation is exact or refused: a tally is always the sum of what was added and not removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_conviction_voting", "pallet_conviction_voting"))]
pub struct Tally {
    /// Votes for it, conviction counted.
    pub ayes: Balance,
    /// Votes against it, conviction counted.
    pub nays: Balance,
    /// Tokens for it and abstaining, conviction not counted.
    pub support: Balance,
}

/// Votes that others have delegated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_conviction_voting", "pallet_conviction_voting"))]
pub struct Delegations {
    /// Conviction counted.
    pub votes: Balance,
    /// Conviction not counted.
    pub capital: Balance,
}

impl Delegations {
    /// The sum.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self {
            votes: self.votes.checked_add(other.votes)?,
            capital: self.capital.checked_add(other.capital)?,
        })
    }

    /// The difference.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Some(Self {
            votes: self.votes.checked_sub(other.votes)?,
            capital: self.capital.checked_sub(other.capital)?,
        })
    }
}

impl Tally {
    /// What a vote alone counts for.
    fn of(vote: &AccountVote) -> Option<Self> {
        let without = |amount| Conviction::None.votes(amount);
        match *vote {
            AccountVote::Standard { vote, balance } => {
                Self::default().increased(vote.aye, vote.conviction.votes(balance)?)
            }
            AccountVote::Split { aye, nay } => {
                Some(Self { ayes: without(aye)?.votes, nays: without(nay)?.votes, support: aye })
            }
            AccountVote::SplitAbstain { aye, nay, abstain } => Some(Self {
                ayes: without(aye)?.votes,
                nays: without(nay)?.votes,
                support: aye.checked_add(abstain)?,
            }),
        }
    }

    /// With a vote.
    pub fn added(self, vote: &AccountVote) -> Option<Self> {
        let more = Self::of(vote)?;
        Some(Self {
            ayes: self.ayes.checked_add(more.ayes)?,
            nays: self.nays.checked_add(more.nays)?,
            support: self.support.checked_add(more.support)?,
        })
    }

    /// Without a vote.
    pub fn removed(self, vote: &AccountVote) -> Option<Self> {
        let less = Self::of(vote)?;
        Some(Self {
            ayes: self.ayes.checked_sub(less.ayes)?,
            nays: self.nays.checked_sub(less.nays)?,
            support: self.support.checked_sub(less.support)?,
        })
    }

    /// With votes that a voter has from others.
    pub fn increased(self, aye: bool, by: Delegations) -> Option<Self> {
        Some(if aye {
            Self {
                ayes: self.ayes.checked_add(by.votes)?,
                support: self.support.checked_add(by.capital)?,
                ..self
            }
        } else {
            Self { nays: self.nays.checked_add(by.votes)?, ..self }
        })
    }

    /// Without votes that a voter had from others.
    pub fn reduced(self, aye: bool, by: Delegations) -> Option<Self> {
        Some(if aye {
            Self {
                ayes: self.ayes.checked_sub(by.votes)?,
                support: self.support.checked_sub(by.capital)?,
                ..self
            }
        } else {
            Self { nays: self.nays.checked_sub(by.votes)?, ..self }
        })
    }
}
