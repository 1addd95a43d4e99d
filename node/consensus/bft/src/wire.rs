//! What validators send each other, and what the log holds, in SCALE.

use arc_malachitebft_core_consensus::{LivenessMsg, SignedConsensusMsg};
use arc_malachitebft_core_types::{
    CommitCertificate, NilOrVal, PolkaCertificate, PolkaSignature, Round, RoundCertificate,
    RoundCertificateType, RoundSignature, SignedMessage, VoteType,
};
use basalt_primitives::{H256, Header, OpaqueExtrinsic};
use parity_scale_codec::{Decode, Encode, MemTrackingInput};

use crate::{
    context::{Address, Candidate, Context, Height, Id, Proposal, Signature, Vote},
    limits::{
        HEADER_BYTES_MAX, INLINE_BODY_BYTES_MAX, MESSAGE_BYTES_MAX, MESSAGE_MEMORY_BYTES_MAX, VALIDATORS_MAX,
    },
};

#[cfg(test)]
mod tests;

/// A message between validators.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Message {
    /// A block for a round, and its body if that is small.
    Proposal(SignedProposal, Option<Vec<OpaqueExtrinsic>>),
    /// A vote.
    Vote(SignedVote),
    /// Two thirds of the prevotes of a round for one block.
    Polka(Polka),
    /// Why a round was left.
    Round(RoundChange),
}

/// Why bytes are no message. The sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Too long to look into.
    #[error("a message has {0} bytes, at most {MESSAGE_BYTES_MAX} are read")]
    TooLong(usize),
    /// Not the encoding of a message.
    #[error("{0} bytes are no message between validators")]
    Undecodable(usize),
    /// Fields that no honest validator would send.
    #[error("a message between validators is not as it must be: {0}")]
    Malformed(&'static str),
}

/// A signed proposal.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignedProposal {
    /// For which height.
    pub height: u64,
    /// For which round.
    pub round: u32,
    /// The round in which the block had two thirds of the prevotes already.
    pub pol_round: Option<u32>,
    /// The block.
    pub header: Header,
    /// Whose it is: a vote key.
    pub proposer: [u8; 32],
    /// By that key.
    pub signature: [u8; 64],
}

/// A signed vote.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignedVote {
    /// Whether it is a second vote, for deciding.
    pub precommit: bool,
    /// For which height.
    pub height: u64,
    /// For which round.
    pub round: u32,
    /// For which block; for none: the round should be left.
    pub block: Option<H256>,
    /// Whose it is: a vote key.
    pub voter: [u8; 32],
    /// By that key.
    pub signature: [u8; 64],
}

/// Prevotes of more than two thirds for one block in one round.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Polka {
    /// For which height.
    pub height: u64,
    /// In which round.
    pub round: u32,
    /// For which block.
    pub block: H256,
    /// Whose, and the signatures.
    pub prevotes: Vec<([u8; 32], [u8; 64])>,
}

/// Whether a precommit, for which block, whose, and the signature.
pub type RoundVote = (bool, Option<H256>, [u8; 32], [u8; 64]);

/// Who signed, by vote key, and how.
pub(crate) type Signatures = Vec<([u8; 32], [u8; 64])>;

/// Votes that justify leaving a round.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RoundChange {
    /// For which height.
    pub height: u64,
    /// Which round the votes are of.
    pub round: u32,
    /// Whether more than a third were in a later round already; else two thirds precommitted without agreeing.
    pub skip: bool,
    /// The votes.
    pub votes: Vec<RoundVote>,
}

type CoreProposal = arc_malachitebft_core_types::SignedProposal<Context>;
type CoreVote = arc_malachitebft_core_types::SignedVote<Context>;

impl Message {
    /// Reads a message. Its length is checked before anything is decoded, and all that can be checked without knowing
    /// the chain after it.
    ///
    /// # Errors
    ///
    /// [`WireError`]: the sender's fault.
    pub fn read(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(WireError::TooLong(bytes.len()));
        }
        let undecodable = || WireError::Undecodable(bytes.len());
        let mut rest = bytes;
        // Lists of empty parts take much more memory than bytes.
        let mut bounded = MemTrackingInput::new(&mut rest, MESSAGE_MEMORY_BYTES_MAX);
        let message = Self::decode(&mut bounded).map_err(|_| undecodable())?;
        if !rest.is_empty() {
            return Err(undecodable());
        }
        match &message {
            Self::Proposal(proposal, body) => {
                proposal.well_formed()?;
                if body.as_ref().is_some_and(|body| inline_bytes(body) > INLINE_BODY_BYTES_MAX) {
                    return Err(WireError::Malformed("its body is too large to come with a proposal"));
                }
            }
            Self::Vote(_) => {}
            Self::Polka(polka) => few(polka.prevotes.len())?,
            Self::Round(change) => few(change.votes.len())?,
        }
        Ok(message)
    }

    /// Which height it is about.
    pub fn height(&self) -> u64 {
        match self {
            Self::Proposal(proposal, _) => proposal.height,
            Self::Vote(vote) => vote.height,
            Self::Polka(polka) => polka.height,
            Self::Round(change) => change.height,
        }
    }

    pub(crate) fn of(message: &SignedConsensusMsg<Context>) -> Self {
        match message {
            SignedConsensusMsg::Vote(vote) => Self::Vote(SignedVote::of(vote)),
            SignedConsensusMsg::Proposal(proposal) => Self::Proposal(SignedProposal::of(proposal), None),
        }
    }

    pub(crate) fn of_liveness(message: &LivenessMsg<Context>) -> Self {
        match message {
            LivenessMsg::Vote(vote) => Self::Vote(SignedVote::of(vote)),
            LivenessMsg::PolkaCertificate(polka) => Self::Polka(Polka::of(polka)),
            LivenessMsg::SkipRoundCertificate(change) => Self::Round(RoundChange::of(change)),
        }
    }
}

/// What counts for [`INLINE_BODY_BYTES_MAX`]: the extrinsics, and at most four bytes for the length of each.
pub(crate) fn inline_bytes(body: &[OpaqueExtrinsic]) -> usize {
    body.iter().map(|extrinsic| extrinsic.0.len() + 4).sum()
}

fn few(signatures: usize) -> Result<(), WireError> {
    if signatures <= VALIDATORS_MAX {
        Ok(())
    } else {
        Err(WireError::Malformed("it has too many signatures"))
    }
}

pub(crate) fn round(round: Round) -> u32 {
    round.as_u32().unwrap_or(0)
}

fn value(block: Option<H256>) -> NilOrVal<Id> {
    block.map_or(NilOrVal::Nil, |hash| NilOrVal::Val(Id(hash)))
}

fn block(value: &NilOrVal<Id>) -> Option<H256> {
    match value {
        NilOrVal::Nil => None,
        NilOrVal::Val(id) => Some(id.0),
    }
}

fn kind(precommit: bool) -> VoteType {
    if precommit { VoteType::Precommit } else { VoteType::Prevote }
}

impl SignedProposal {
    fn well_formed(&self) -> Result<(), WireError> {
        if u64::from(self.header.number) != self.height {
            return Err(WireError::Malformed("it proposes a block of another height"));
        }
        if self.pol_round.is_some_and(|pol| pol >= self.round) {
            return Err(WireError::Malformed("it refers to prevotes of a later round"));
        }
        if self.header.encoded_size() > HEADER_BYTES_MAX {
            return Err(WireError::Malformed("its header is too large"));
        }
        Ok(())
    }

    pub(crate) fn of(signed: &CoreProposal) -> Self {
        let Proposal { height, round: at, value, pol_round, proposer } = &signed.message;
        Self {
            height: height.0,
            round: round(*at),
            pol_round: pol_round.as_u32(),
            header: (*value.header).clone(),
            proposer: proposer.0,
            signature: signed.signature.0,
        }
    }

    pub(crate) fn into_core(self) -> CoreProposal {
        let proposal = Proposal {
            height: Height(self.height),
            round: Round::new(self.round),
            value: Candidate::new(self.header),
            pol_round: Round::from(self.pol_round),
            proposer: Address(self.proposer),
        };
        SignedMessage::new(proposal, Signature(self.signature))
    }
}

impl SignedVote {
    pub(crate) fn of(signed: &CoreVote) -> Self {
        let Vote { kind, height, round: at, value, voter } = &signed.message;
        Self {
            precommit: *kind == VoteType::Precommit,
            height: height.0,
            round: round(*at),
            block: block(value),
            voter: voter.0,
            signature: signed.signature.0,
        }
    }

    pub(crate) fn into_core(self) -> CoreVote {
        let vote = Vote {
            kind: kind(self.precommit),
            height: Height(self.height),
            round: Round::new(self.round),
            value: value(self.block),
            voter: Address(self.voter),
        };
        SignedMessage::new(vote, Signature(self.signature))
    }
}

impl Polka {
    /// The votes in it.
    pub(crate) fn votes(&self) -> impl Iterator<Item = SignedVote> {
        let (height, round, block) = (self.height, self.round, Some(self.block));
        let one = move |(voter, signature): &([u8; 32], [u8; 64])| SignedVote {
            precommit: false,
            height,
            round,
            block,
            voter: *voter,
            signature: *signature,
        };
        self.prevotes.iter().map(one)
    }

    pub(crate) fn of(polka: &PolkaCertificate<Context>) -> Self {
        let prevotes = polka.polka_signatures.iter().map(|one| (one.address.0, one.signature.0)).collect();
        Self { height: polka.height.0, round: round(polka.round), block: polka.value_id.0, prevotes }
    }

    pub(crate) fn into_core(self) -> PolkaCertificate<Context> {
        let one = |(voter, signature)| PolkaSignature::new(Address(voter), Signature(signature));
        PolkaCertificate {
            height: Height(self.height),
            round: Round::new(self.round),
            value_id: Id(self.block),
            polka_signatures: self.prevotes.into_iter().map(one).collect(),
        }
    }
}

impl RoundChange {
    /// The votes in it.
    pub(crate) fn votes(&self) -> impl Iterator<Item = SignedVote> {
        let (height, round) = (self.height, self.round);
        let one = move |(precommit, block, voter, signature): &RoundVote| SignedVote {
            precommit: *precommit,
            height,
            round,
            block: *block,
            voter: *voter,
            signature: *signature,
        };
        self.votes.iter().map(one)
    }

    pub(crate) fn of(change: &RoundCertificate<Context>) -> Self {
        let one = |vote: &RoundSignature<Context>| {
            let precommit = vote.vote_type == VoteType::Precommit;
            (precommit, block(&vote.value_id), vote.address.0, vote.signature.0)
        };
        Self {
            height: change.height.0,
            round: round(change.round),
            skip: change.cert_type == RoundCertificateType::Skip,
            votes: change.round_signatures.iter().map(one).collect(),
        }
    }

    pub(crate) fn into_core(self) -> RoundCertificate<Context> {
        let one = |(precommit, block, voter, signature)| {
            RoundSignature::new(kind(precommit), value(block), Address(voter), Signature(signature))
        };
        RoundCertificate {
            height: Height(self.height),
            round: Round::new(self.round),
            cert_type: if self.skip { RoundCertificateType::Skip } else { RoundCertificateType::Precommit },
            round_signatures: self.votes.into_iter().map(one).collect(),
        }
    }
}

/// The round, whose, and the signatures of a decision.
pub(crate) fn decision(certificate: &CommitCertificate<Context>) -> (u32, Signatures) {
    let one = |signed: &arc_malachitebft_core_types::CommitSignature<Context>| {
        (signed.address.0, signed.signature.0)
    };
    (round(certificate.round), certificate.commit_signatures.iter().map(one).collect())
}
