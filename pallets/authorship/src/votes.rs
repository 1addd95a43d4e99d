//! The votes for a block, as the next one carries them.

use alloc::{vec, vec::Vec};

use basalt_primitives::{BlockNumber, H256, signature::ed25519_verify, votes::precommit_payload};
use basalt_runtime_api::{Certificate, ValidatorSet};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::Error;

/// The votes of a set of validators for one block. 64 bytes each, and a bit for each member.
///
/// There is one way to write them, so nobody can change a block by writing them otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_authorship", "pallet_authorship"))]
pub struct Votes {
    /// The round in which the block was decided.
    #[codec(compact)]
    pub round: u32,
    /// Who voted: bit `i % 8` of byte `i / 8` stands for member `i` of the set. As many bytes as the set needs, and no bit
    /// beyond it.
    pub voters: Vec<u8>,
    /// Their Ed25519 signatures of GRANDPA's precommit, in the order of the set.
    pub signatures: Vec<[u8; 64]>,
}

impl Votes {
    /// The votes in a certificate of this set. Who is no member is left out.
    pub fn of(certificate: &Certificate, set: &ValidatorSet) -> Self {
        let mut voters = vec![0u8; set.validators.len().div_ceil(8)];
        let mut signatures = Vec::new();
        for (place, member) in set.validators.iter().enumerate() {
            let vote = certificate.signatures.iter().find(|(key, _)| *key == member.vote_key);
            if let (Some((_, signature)), Some(byte)) = (vote, voters.get_mut(place / 8)) {
                *byte |= 1 << (place % 8);
                signatures.push(*signature);
            }
        }
        Self { round: certificate.round, voters, signatures }
    }

    /// Whether the member at this place voted.
    pub fn has(&self, place: usize) -> bool {
        self.voters.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1)
    }

    /// Whether more than two thirds of the power voted.
    pub fn decide(&self, set: &ValidatorSet) -> bool {
        let (mut total, mut voted) = (0u128, 0u128);
        for (place, member) in set.validators.iter().enumerate() {
            total += u128::from(member.power);
            if self.has(place) {
                voted += u128::from(member.power);
            }
        }
        voted * 3 > total * 2
    }

    /// Checks that these are votes of the set for this block, and that they decided it. What is cheap comes first: at most
    /// as many signatures are verified as the set has members.
    ///
    /// # Errors
    ///
    /// [`Error`], always the fault of whoever made the block.
    pub fn check(&self, set: &ValidatorSet, number: BlockNumber, hash: &H256) -> Result<(), Error> {
        let members = set.validators.len();
        let bits: usize = self.voters.iter().map(|byte| byte.count_ones() as usize).sum();
        let named = (0..members).filter(|place| self.has(*place)).count();
        if self.voters.len() != members.div_ceil(8) || bits != named || named != self.signatures.len() {
            return Err(Error::WrongVoters);
        }
        if !self.decide(set) {
            return Err(Error::TooFew);
        }
        let payload = precommit_payload(number, self.round, set.id, hash);
        let voters = set.validators.iter().enumerate().filter(|(place, _)| self.has(*place));
        let good = voters
            .zip(&self.signatures)
            .all(|((_, member), signature)| ed25519_verify(signature, &payload, &member.vote_key));
        if good { Ok(()) } else { Err(Error::BadSignature) }
    }
}
