//! Who decides a height: weights, and the order of proposers.

use std::{collections::HashMap, sync::Arc};

use basalt_election::draw;
use basalt_primitives::{AccountId, H256};
use basalt_runtime_api::ValidatorSet;
use ed25519_zebra::VerificationKey;

use crate::{context::Address, limits::VALIDATORS_MAX};

#[cfg(test)]
mod tests;

/// The sum of powers stays below this, so that three times of it is a `u64`.
const POWER_MAX: u64 = 1 << 61;

/// A validator of one height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub(crate) address: Address,
    pub(crate) key: VerificationKey,
    /// Earns for its blocks.
    pub account: AccountId,
    /// Sr25519: makes the randomness in its headers.
    pub vrf_key: [u8; 32],
    /// Weight of its votes.
    pub power: u64,
}

impl Member {
    /// Ed25519: names it, and signs its votes.
    pub fn vote_key(&self) -> [u8; 32] {
        self.address.0
    }
}

/// The validators of one height. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    id: u64,
    seed: H256,
    total: u64,
    members: Vec<Member>,
    places: HashMap<Address, usize>,
    /// Who proposes in round 0, 1, …; round `n` begins anew.
    order: Vec<usize>,
}

/// Why nobody could decide with such a set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MembersError {
    /// Nobody is there.
    #[error(
        "the set has no validator, so nobody can decide a block; the chain specification must name at least one"
    )]
    Empty,
    /// Too many.
    #[error("the set has {0} validators, at most {VALIDATORS_MAX} are possible")]
    TooMany(usize),
    /// A key that nobody can sign with.
    #[error("validator {0} has a vote key that is no Ed25519 public key")]
    BadKey(usize),
    /// One key for two.
    #[error("validator {0} has the vote key of another one")]
    Twice(usize),
    /// A validator without weight, or too much of it.
    #[error("validator {0} has the power {1}; each has at least 1, and all together less than 2^61")]
    Power(usize, u64),
}

impl Members {
    /// The validators of a height whose proposers are drawn by `seed`.
    ///
    /// # Errors
    ///
    /// [`MembersError`] if no block could be decided or proved with such a set.
    pub fn new(set: &ValidatorSet, seed: H256) -> Result<Self, MembersError> {
        let count = set.validators.len();
        if count == 0 {
            return Err(MembersError::Empty);
        }
        if count > VALIDATORS_MAX {
            return Err(MembersError::TooMany(count));
        }
        let mut members = Vec::with_capacity(count);
        let mut places = HashMap::with_capacity(count);
        let mut total = 0u64;
        for (index, validator) in set.validators.iter().enumerate() {
            let address = Address(validator.vote_key);
            let key =
                VerificationKey::try_from(validator.vote_key).map_err(|_| MembersError::BadKey(index))?;
            if places.insert(address, index).is_some() {
                return Err(MembersError::Twice(index));
            }
            let wrong = MembersError::Power(index, validator.power);
            if validator.power == 0 {
                return Err(wrong);
            }
            total = total.checked_add(validator.power).filter(|total| *total < POWER_MAX).ok_or(wrong)?;
            members.push(Member {
                address,
                key,
                account: validator.account,
                vrf_key: validator.vrf_key,
                power: validator.power,
            });
        }
        let powers: Vec<u128> = members.iter().map(|member| u128::from(member.power)).collect();
        let order = draw(b"basalt/proposer", &seed, &powers, count);
        Ok(Self(Arc::new(Inner { id: set.id, seed, total, members, places, order })))
    }

    /// Counts sets: votes of one mean nothing in another.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// What the proposers are drawn by.
    pub fn seed(&self) -> H256 {
        self.0.seed
    }

    /// The power of all.
    pub fn total(&self) -> u64 {
        self.0.total
    }

    /// All, in the order of the runtime.
    pub fn all(&self) -> &[Member] {
        &self.0.members
    }

    /// The one with this vote key, and its place.
    pub fn by_key(&self, vote_key: &[u8; 32]) -> Option<(usize, &Member)> {
        let place = *self.0.places.get(&Address(*vote_key))?;
        self.0.members.get(place).map(|member| (place, member))
    }

    /// Who proposes in a round.
    ///
    /// The order is drawn by stake without replacement (`facts/consensus.md` §6.3): after as many rounds as there are
    /// validators everyone had a turn, so a heavy validator that is dead delays a height at most once.
    pub fn proposer(&self, round: u32) -> (usize, &Member) {
        let turn = usize::try_from(round).unwrap_or(0) % self.0.order.len();
        let place = self.0.order[turn];
        (place, &self.0.members[place])
    }

    /// Whether this much power decides: more than two thirds.
    pub fn is_quorum(&self, power: u64) -> bool {
        u128::from(power) * 3 > u128::from(self.0.total) * 2
    }
}
