//! Whether what a header says of its making is true.

use basalt_primitives::{
    AccountId, BlockNumber, Claim, Digest, DigestItem, EngineId, H256, Header, claim::seed_of_genesis,
};
use parity_scale_codec::Encode;
use schnorrkel::{
    PublicKey,
    context::{SigningTranscript, signing_context},
    vrf::{VRFPreOut, VRFProof},
};

use crate::members::Members;

/// Under this name polkadot.js looks for the author's account in headers (Moonbeam's Nimbus brought it).
const AUTHOR: EngineId = *b"nmbs";

/// What is wrong with a claim. Always the builder's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// It has none, or several, or none that decodes.
    #[error("the header must hold one author and one claim of its making, each once")]
    Missing,
    /// The round is that of somebody else.
    #[error("validator {got} claims to have built the block in round {round}, but {expected} proposes there")]
    WrongTurn {
        /// Which round.
        round: u32,
        /// Who claims it.
        got: u32,
        /// Whose turn it is.
        expected: u32,
    },
    /// The account is not the builder's.
    #[error("the header names the author {got:?}, but its builder has the account {expected:?}")]
    WrongAuthor {
        /// In the header.
        got: AccountId,
        /// Of the builder.
        expected: AccountId,
    },
    /// The randomness is not the builder's.
    #[error("the randomness in the header was not made with the key of validator {0} for this height")]
    BadRandomness(u32),
}

/// What the VRF of `height` is computed over. The round is no part of it: proposing again cannot roll again.
pub fn vrf_input(genesis: &H256, height: BlockNumber, seed: &H256) -> Vec<u8> {
    (genesis, height, seed).encode()
}

/// How `input` enters the VRF.
pub fn vrf_transcript(input: &[u8]) -> impl SigningTranscript {
    signing_context(b"basalt/vrf").bytes(input)
}

/// The seed of the height above this header: from its own randomness alone, which in turn depends on all below.
pub fn seed_after(header: &Header, genesis: &H256) -> Result<H256, ClaimError> {
    if header.number == 0 {
        return Ok(seed_of_genesis(genesis));
    }
    Ok(claim_of(header)?.seed())
}

/// The items that a builder puts into its header.
pub fn claim_digest(claim: &Claim, author: &AccountId) -> Digest {
    Digest { logs: vec![DigestItem::PreRuntime(AUTHOR, author.0.to_vec()), claim.item()] }
}

/// The claim in a header.
///
/// # Errors
///
/// [`ClaimError::Missing`].
pub fn claim_of(header: &Header) -> Result<Claim, ClaimError> {
    Claim::of(&header.digest).ok_or(ClaimError::Missing)
}

/// Whether a header was built by whom it says, in a round of his, with randomness that is his.
///
/// # Errors
///
/// [`ClaimError`] says what is wrong.
pub fn check_claim(header: &Header, members: &Members, genesis: &H256) -> Result<Claim, ClaimError> {
    let claim = claim_of(header)?;
    let mut authors = header.digest.logs.iter().filter_map(|item| match item {
        DigestItem::PreRuntime(AUTHOR, payload) => Some(payload),
        _ => None,
    });
    let (Some(author), None) = (authors.next(), authors.next()) else { return Err(ClaimError::Missing) };
    let author = <[u8; 32]>::try_from(&author[..]).map(AccountId::from).map_err(|_| ClaimError::Missing)?;
    let (place, builder) = members.proposer(claim.round);
    let expected = u32::try_from(place).unwrap_or(u32::MAX);
    if claim.validator != expected {
        return Err(ClaimError::WrongTurn { round: claim.round, got: claim.validator, expected });
    }
    if author != builder.account {
        return Err(ClaimError::WrongAuthor { got: author, expected: builder.account });
    }
    let input = vrf_input(genesis, header.number, &members.seed());
    let good = PublicKey::from_bytes(&builder.vrf_key).ok().zip(VRFProof::from_bytes(&claim.vrf_proof).ok());
    good.and_then(|(key, proof)| {
        key.vrf_verify(vrf_transcript(&input), &VRFPreOut(claim.vrf_output), &proof).ok()
    })
    .map(|_| claim)
    .ok_or(ClaimError::BadRandomness(expected))
}
