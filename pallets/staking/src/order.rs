//! Stakers in the order of their stakes, as keys of a map: the state itself sorts them.

use basalt_primitives::{AccountId, Balance};
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A staker's place: its encoding sorts after those of all with a larger stake, and by account among equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Rank {
    /// The complement of the stake, most significant byte first.
    inverse: [u8; 16],
    /// Whose stake.
    who: AccountId,
}

impl Rank {
    /// The place of an account with this stake.
    pub fn new(who: AccountId, stake: Balance) -> Self {
        Self { inverse: (!stake).to_be_bytes(), who }
    }

    /// Whose stake.
    pub fn who(&self) -> AccountId {
        self.who
    }

    /// The stake.
    pub fn stake(&self) -> Balance {
        !Balance::from_be_bytes(self.inverse)
    }
}
