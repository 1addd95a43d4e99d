//! Certificates as GRANDPA justifications: to store, to send to others, and to check.

use std::collections::BTreeSet;

use basalt_chain::{BlockId, Justification};
use basalt_primitives::{BlockNumber, EngineId, H256, Header};
use basalt_runtime_api::{Certificate, ValidatorSet};
use ed25519_zebra::{Signature, VerificationKey};
use parity_scale_codec::{Decode, DecodeAll, Encode};

use crate::{limits::VALIDATORS_MAX, payload};

#[cfg(test)]
mod tests;

/// GRANDPA's name in justifications, so that its tools read ours.
pub const FRNK: EngineId = *b"FRNK";

/// A vote for a block to be final, as GRANDPA encodes it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignedPrecommit {
    /// Which block.
    pub target_hash: H256,
    /// Its height.
    pub target_number: BlockNumber,
    /// Ed25519.
    pub signature: [u8; 64],
    /// By this vote key.
    pub id: [u8; 32],
}

/// What proves that a block is final, as GRANDPA encodes it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct GrandpaJustification {
    /// Height and round: `height << 32 | round`.
    pub round: u64,
    /// Which block.
    pub target_hash: H256,
    /// Its height.
    pub target_number: BlockNumber,
    /// Of more than two thirds, in the order of their keys.
    pub precommits: Vec<SignedPrecommit>,
    /// Always empty here: all vote for the same block.
    pub votes_ancestries: Vec<Header>,
}

/// Why a justification proves nothing. The fault of whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JustificationError {
    /// Another engine's.
    #[error("the justification is of the engine {0:?}, not of FRNK")]
    OtherEngine(EngineId),
    /// Not the encoding of one.
    #[error("the {0} bytes of the justification do not decode")]
    Undecodable(usize),
    /// For another block.
    #[error("the justification is for block {got} ({got_hash:?}), not for {expected} ({expected_hash:?})")]
    OtherBlock {
        /// In the justification.
        got: BlockNumber,
        /// In the justification.
        got_hash: H256,
        /// Asked for.
        expected: BlockNumber,
        /// Asked for.
        expected_hash: H256,
    },
    /// Its parts contradict each other.
    #[error("the justification of block {0} contradicts itself: {1}")]
    Malformed(BlockNumber, &'static str),
    /// Somebody signed who is not a validator, or signed badly.
    #[error("the justification of block {number} has a bad signature of 0x{key}")]
    BadSignature {
        /// Of which block.
        number: BlockNumber,
        /// Whose.
        key: String,
    },
    /// Too few.
    #[error(
        "the justification of block {number} has the power {signed} of {total}, which is not more than two thirds"
    )]
    NotEnough {
        /// Of which block.
        number: BlockNumber,
        /// Who signed.
        signed: u64,
        /// All.
        total: u64,
    },
}

/// A certificate as a justification.
pub(crate) fn encode(block: BlockId, round: u32, mut signatures: Vec<([u8; 32], [u8; 64])>) -> Justification {
    signatures.sort_unstable();
    let precommits = signatures.into_iter().map(|(id, signature)| SignedPrecommit {
        target_hash: block.hash,
        target_number: block.number,
        signature,
        id,
    });
    let justification = GrandpaJustification {
        round: payload::grandpa_round(u64::from(block.number), round),
        target_hash: block.hash,
        target_number: block.number,
        precommits: precommits.collect(),
        votes_ancestries: Vec::new(),
    };
    Justification { engine: FRNK, data: justification.encode() }
}

/// Reads a justification. What it claims is not checked.
///
/// # Errors
///
/// [`JustificationError::OtherEngine`], [`JustificationError::Undecodable`].
pub fn decode(justification: &Justification) -> Result<GrandpaJustification, JustificationError> {
    if justification.engine != FRNK {
        return Err(JustificationError::OtherEngine(justification.engine));
    }
    GrandpaJustification::decode_all(&mut &justification.data[..])
        .map_err(|_| JustificationError::Undecodable(justification.data.len()))
}

/// The votes in a justification. What it claims is not checked.
///
/// # Errors
///
/// As [`decode`].
pub fn votes(justification: &Justification) -> Result<Certificate, JustificationError> {
    let GrandpaJustification { round, precommits, .. } = decode(justification)?;
    Ok(Certificate {
        // The lower half: see `grandpa_round`.
        round: u32::try_from(round & u64::from(u32::MAX)).unwrap_or(u32::MAX),
        signatures: precommits.into_iter().map(|vote| (vote.id, vote.signature)).collect(),
    })
}

/// Whether more than two thirds of the power of `set` decided for `block`.
///
/// # Errors
///
/// [`JustificationError`] says why it is not proved.
pub fn verify_justification(
    set: &ValidatorSet,
    justification: &Justification,
    block: &BlockId,
) -> Result<(), JustificationError> {
    let GrandpaJustification { round, target_hash, target_number, precommits, votes_ancestries } =
        decode(justification)?;
    if (target_hash, target_number) != (block.hash, block.number) {
        return Err(JustificationError::OtherBlock {
            got: target_number,
            got_hash: target_hash,
            expected: block.number,
            expected_hash: block.hash,
        });
    }
    let malformed = |why| JustificationError::Malformed(block.number, why);
    if round >> 32 != u64::from(block.number) {
        return Err(malformed("its round is of another height"));
    }
    if !votes_ancestries.is_empty() {
        return Err(malformed("it brings headers, which none needs"));
    }
    if precommits.len() > VALIDATORS_MAX {
        return Err(malformed("it has more signatures than there can be validators"));
    }
    let at = u32::try_from(round & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    let payload = payload::precommit(u64::from(block.number), at, set.id, &block.hash);
    let total = set.validators.iter().fold(0u64, |sum, validator| sum.saturating_add(validator.power));
    let mut signed = 0u64;
    let mut seen = BTreeSet::new();
    for vote in &precommits {
        if (vote.target_hash, vote.target_number) != (block.hash, block.number) {
            return Err(malformed("a vote in it is for another block"));
        }
        if !seen.insert(vote.id) {
            return Err(malformed("a validator signed it twice"));
        }
        let power = set
            .validators
            .iter()
            .find(|validator| validator.vote_key == vote.id)
            .filter(|_| {
                VerificationKey::try_from(vote.id)
                    .is_ok_and(|key| key.verify(&Signature::from(vote.signature), &payload).is_ok())
            })
            .map(|validator| validator.power);
        let Some(power) = power else {
            let key = vote.id.iter().map(|byte| format!("{byte:02x}")).collect();
            return Err(JustificationError::BadSignature { number: block.number, key });
        };
        signed = signed.saturating_add(power);
    }
    if u128::from(signed) * 3 > u128::from(total) * 2 {
        Ok(())
    } else {
        Err(JustificationError::NotEnough { number: block.number, signed, total })
    }
}
