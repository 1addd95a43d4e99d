//! What validators sign, and what proves that one of them signed twice.
//!
//! The agreement signs these bytes and the chain checks them, so they are made here, once.

use alloc::vec::Vec;

use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::{BlockNumber, H256, signature::ed25519_verify};

#[cfg(test)]
mod tests;

/// The variant of a precommit among GRANDPA's messages.
const GRANDPA_PRECOMMIT: u8 = 1;

/// Where a validator signs: one proposal, one prevote and one precommit, each at most once.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
pub struct Place {
    /// Which set of validators decides: votes of one set mean nothing in another.
    pub set_id: u64,
    /// Which block they decide.
    pub height: u64,
    /// Which attempt at it.
    pub round: u32,
}

/// A block proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Proposed {
    /// Which.
    pub block: H256,
    /// The round in which it had two thirds of the prevotes already.
    pub pol_round: Option<u32>,
}

/// Something with its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Signed<T> {
    /// What.
    pub content: T,
    /// Ed25519.
    pub signature: [u8; 64],
}

/// Two signatures of one validator that no honest one would give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Contradiction {
    /// Two blocks proposed in one round, or one on different terms.
    #[codec(index = 0)]
    Proposals(Signed<Proposed>, Signed<Proposed>),
    /// Two prevotes: for blocks, or for none.
    #[codec(index = 1)]
    Prevotes(Signed<Option<H256>>, Signed<Option<H256>>),
    /// Two precommits: for blocks, or for none.
    #[codec(index = 2)]
    Precommits(Signed<Option<H256>>, Signed<Option<H256>>),
}

/// That a validator signed twice, with the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Evidence {
    /// Where.
    pub place: Place,
    /// Who: an Ed25519 vote key.
    pub key: [u8; 32],
    /// What.
    pub contradiction: Contradiction,
}

/// Height and round as one GRANDPA round: so two votes in different rounds are never an equivocation there, and two in one
/// round always are. Heights are block numbers, so the upper half holds them.
pub const fn grandpa_round(height: u64, round: u32) -> u64 {
    // A cast that loses nothing, in a place where `From` is not const.
    (height << 32) | round as u64
}

/// What a precommit for a block signs, by a validator of the set with this id: exactly what GRANDPA's does
/// (`facts/consensus.md` §4.3), so that a certificate is a GRANDPA justification.
pub fn precommit_payload(number: BlockNumber, round: u32, set_id: u64, hash: &H256) -> Vec<u8> {
    (GRANDPA_PRECOMMIT, hash, number, grandpa_round(u64::from(number), round), set_id).encode()
}

impl Place {
    /// What a proposal signs.
    pub fn proposal(&self, genesis: &H256, proposed: &Proposed) -> Vec<u8> {
        let Self { set_id, height, round } = self;
        ("basalt/proposal", genesis, set_id, height, round, proposed.pol_round, proposed.block).encode()
    }

    /// What a prevote signs.
    pub fn prevote(&self, genesis: &H256, block: Option<H256>) -> Vec<u8> {
        let Self { set_id, height, round } = self;
        ("basalt/prevote", genesis, set_id, height, round, block).encode()
    }

    /// What a precommit signs. For a block it is [`precommit_payload`]; all else names its purpose and the chain.
    pub fn precommit(&self, genesis: &H256, block: Option<H256>) -> Vec<u8> {
        let Self { set_id, height, round } = *self;
        match block {
            Some(hash) => precommit_payload(u32::try_from(height).unwrap_or(u32::MAX), round, set_id, &hash),
            None => ("basalt/precommit", genesis, set_id, height, round, None::<H256>).encode(),
        }
    }
}

impl Contradiction {
    /// Whether the two differ: the same signed again is no offence.
    pub fn differs(&self) -> bool {
        match self {
            Self::Proposals(first, second) => first.content != second.content,
            Self::Prevotes(first, second) | Self::Precommits(first, second) => {
                first.content != second.content
            }
        }
    }

    /// The same, in the order that all who found the same two would put them in.
    #[must_use]
    pub fn ordered(self) -> Self {
        fn pair<T: Ord>(first: T, second: T) -> (T, T) {
            if second < first { (second, first) } else { (first, second) }
        }
        match self {
            Self::Proposals(first, second) => {
                let (first, second) = pair(first, second);
                Self::Proposals(first, second)
            }
            Self::Prevotes(first, second) => {
                let (first, second) = pair(first, second);
                Self::Prevotes(first, second)
            }
            Self::Precommits(first, second) => {
                let (first, second) = pair(first, second);
                Self::Precommits(first, second)
            }
        }
    }
}

impl Evidence {
    /// Whether its key signed both, on the chain that begins with this block.
    pub fn is_signed(&self, genesis: &H256) -> bool {
        let Self { place, key, contradiction } = self;
        let votes = |first: &Signed<Option<H256>>, second: &Signed<Option<H256>>, payload: Payload| {
            [first, second]
                .iter()
                .all(|one| ed25519_verify(&one.signature, &payload(place, genesis, one.content), key))
        };
        match contradiction {
            Contradiction::Proposals(first, second) => [first, second]
                .iter()
                .all(|one| ed25519_verify(&one.signature, &place.proposal(genesis, &one.content), key)),
            Contradiction::Prevotes(first, second) => votes(first, second, Place::prevote),
            Contradiction::Precommits(first, second) => votes(first, second, Place::precommit),
        }
    }
}

/// What a vote for this block signs at a place.
type Payload = fn(&Place, &H256, Option<H256>) -> Vec<u8>;
