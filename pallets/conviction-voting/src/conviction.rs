//! How much a vote counts, for how long it locks.

use basalt_primitives::Balance;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::types::Delegations;

/// For how long a voter locks the tokens, by which the vote is multiplied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_conviction_voting", "pallet_conviction_voting"))]
pub enum Conviction {
    /// A tenth of a vote, not locked once the poll is over.
    #[default]
    #[codec(index = 0)]
    None,
    /// One vote, locked for one period.
    #[codec(index = 1)]
    Locked1x,
    /// Two votes, locked for two periods.
    #[codec(index = 2)]
    Locked2x,
    /// Three votes, locked for four periods.
    #[codec(index = 3)]
    Locked3x,
    /// Four votes, locked for eight periods.
    #[codec(index = 4)]
    Locked4x,
    /// Five votes, locked for 16 periods.
    #[codec(index = 5)]
    Locked5x,
    /// Six votes, locked for 32 periods.
    #[codec(index = 6)]
    Locked6x,
}

impl Conviction {
    /// All of them, by their bytes.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Locked1x,
        Self::Locked2x,
        Self::Locked3x,
        Self::Locked4x,
        Self::Locked5x,
        Self::Locked6x,
    ];

    /// For how many periods tokens stay locked after the poll.
    pub const fn lock_periods(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Locked1x => 1,
            Self::Locked2x => 2,
            Self::Locked3x => 4,
            Self::Locked4x => 8,
            Self::Locked5x => 16,
            Self::Locked6x => 32,
        }
    }

    /// What so many tokens count for; `None` if that is beyond all numbers.
    pub fn votes(self, capital: Balance) -> Option<Delegations> {
        let votes = match self {
            Self::None => capital / 10,
            other => capital.checked_mul(u128::from(other as u8))?,
        };
        Some(Delegations { votes, capital })
    }
}
