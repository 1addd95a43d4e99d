//! Our types as Malachite's core wants them. It calls a block to decide on a value; ours is the header, and its id the
//! block's hash. The body travels apart.

use std::{cmp::Ordering, fmt, sync::Arc};

use arc_malachitebft_core_types as core;
use basalt_primitives::{H256, Header};
use bytes::Bytes;
use core::{NilOrVal, Round, SignedExtension, SigningScheme, VoteType};
use ed25519_zebra::VerificationKey;
use parity_scale_codec::{Decode, Encode};

use crate::members::{Member, Members};

/// A validator's vote key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Address(pub [u8; 32]);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::Address for Address {}

/// A block number, as wide as the core has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Height(pub u64);

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, by: u64) -> Self {
        Self(self.0.saturating_add(by))
    }

    fn decrement_by(&self, by: u64) -> Option<Self> {
        self.0.checked_sub(by).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

/// A block's hash, as the core shows it in its log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub H256);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A header with its hash.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub(crate) header: Arc<Header>,
    pub(crate) hash: H256,
}

impl Candidate {
    pub(crate) fn new(header: Header) -> Self {
        let hash = header.hash();
        Self { header: Arc::new(header), hash }
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.hash.cmp(&other.hash)
    }
}

impl core::Value for Candidate {
    type Id = Id;

    fn id(&self) -> Id {
        Id(self.hash)
    }
}

/// A block is proposed for a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub(crate) height: Height,
    pub(crate) round: Round,
    pub(crate) value: Candidate,
    /// The round in which it had two thirds of the prevotes already.
    pub(crate) pol_round: Round,
    pub(crate) proposer: Address,
}

impl core::Proposal<Context> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Candidate {
        &self.value
    }

    fn take_value(self) -> Candidate {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Address {
        &self.proposer
    }
}

/// A vote for a block, or for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    pub(crate) kind: VoteType,
    pub(crate) height: Height,
    pub(crate) round: Round,
    pub(crate) value: NilOrVal<Id>,
    pub(crate) voter: Address,
}

impl core::Vote<Context> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<Id> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<Id> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.voter
    }

    // Votes carry no extensions: randomness built from subsets of votes could be chosen (`facts/consensus.md` §6.3).
    fn extension(&self) -> Option<&SignedExtension<Context>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Context>> {
        None
    }

    fn extend(self, _: SignedExtension<Context>) -> Self {
        self
    }
}

/// Bodies do not travel through the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part;

impl core::ProposalPart<Context> for Part {
    fn is_first(&self) -> bool {
        true
    }

    fn is_last(&self) -> bool {
        true
    }
}

impl core::Validator<Context> for Member {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &VerificationKey {
        &self.key
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

impl core::ValidatorSet<Context> for Members {
    fn count(&self) -> usize {
        self.all().len()
    }

    fn total_voting_power(&self) -> u64 {
        self.total()
    }

    fn get_by_address(&self, address: &Address) -> Option<&Member> {
        self.by_key(&address.0).map(|(_, member)| member)
    }

    fn get_by_index(&self, index: usize) -> Option<&Member> {
        self.all().get(index)
    }
}

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Ed25519 by the rules of ZIP-215, so that nodes and light clients never disagree on a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ed25519;

impl SigningScheme for Ed25519 {
    type DecodingError = &'static str;
    type Signature = Signature;
    type PublicKey = VerificationKey;
    // Keys stay with `Keys`.
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<Signature, &'static str> {
        bytes.try_into().map(Signature).map_err(|_| "a signature has 64 bytes")
    }

    fn encode_signature(signature: &Signature) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<VerificationKey, &'static str> {
        VerificationKey::try_from(bytes).map_err(|_| "this is no Ed25519 public key")
    }

    fn encode_public_key(key: &VerificationKey) -> Vec<u8> {
        key.as_ref().to_vec()
    }
}

/// Ties the types together.
#[derive(Clone, Copy, Debug)]
pub struct Context;

impl core::Context for Context {
    type Address = Address;
    type Height = Height;
    type ProposalPart = Part;
    type Proposal = Proposal;
    type Validator = Member;
    type ValidatorSet = Members;
    // Not asked: the host has its own, which adapt.
    type Timeouts = core::LinearTimeouts;
    type Value = Candidate;
    type Vote = Vote;
    type Extension = Bytes;
    type SigningScheme = Ed25519;

    fn select_proposer<'a>(&self, members: &'a Members, _: Height, round: Round) -> &'a Member {
        members.proposer(round.as_u32().unwrap_or(0)).1
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: Candidate,
        pol_round: Round,
        proposer: Address,
    ) -> Proposal {
        Proposal { height, round, value, pol_round, proposer }
    }

    fn new_prevote(&self, height: Height, round: Round, value: NilOrVal<Id>, voter: Address) -> Vote {
        Vote { kind: VoteType::Prevote, height, round, value, voter }
    }

    fn new_precommit(&self, height: Height, round: Round, value: NilOrVal<Id>, voter: Address) -> Vote {
        Vote { kind: VoteType::Precommit, height, round, value, voter }
    }
}
