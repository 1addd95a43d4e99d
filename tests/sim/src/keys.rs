//! Keys made from a number, and messages signed with them that no host would send.

use basalt_consensus_bft::{Keys, Message, Refusal, Slot, SlotStep, vrf_transcript};
use basalt_primitives::{AccountId, H256, Header, hashing::blake2_256};
use basalt_runtime_api::Validator;
use ed25519_zebra::SigningKey;
use merlin::Transcript;
use parity_scale_codec::Encode;
use rand_core_06::{CryptoRng, Error, RngCore};
use schnorrkel::{ExpansionMode, Keypair, MiniSecretKey, context::attach_rng};

use crate::disk::Disk;

/// A validator's secrets.
#[derive(Clone)]
pub struct Signer {
    vote: SigningKey,
    vrf: Keypair,
    account: AccountId,
}

/// What a signature is for.
#[derive(Debug, Clone, Copy)]
pub struct Purpose {
    /// The chain's first block.
    pub genesis: H256,
    /// Counts validator sets.
    pub set: u64,
}

impl Signer {
    /// Always the same for one number.
    pub fn new(number: u8) -> Self {
        let seed = blake2_256(&(b"sim", number).encode());
        let mini = MiniSecretKey::from_bytes(&seed).expect("32 bytes");
        Self {
            vote: SigningKey::from(seed),
            vrf: mini.expand_to_keypair(ExpansionMode::Ed25519),
            account: AccountId::from([number; 32]),
        }
    }

    /// Names the validator.
    pub fn vote_key(&self) -> [u8; 32] {
        self.vote.verification_key().into()
    }

    /// As it stands in a set.
    pub fn validator(&self, power: u64) -> Validator {
        Validator {
            account: self.account,
            vote_key: self.vote_key(),
            vrf_key: self.vrf.public.to_bytes(),
            power,
        }
    }

    /// A vote with a good signature. What is signed is written down here once more, so that a change of it is noticed.
    pub fn vote(&self, of: &Purpose, mut vote: basalt_consensus_bft::SignedVote) -> Message {
        let payload = match (vote.precommit, vote.block) {
            (true, Some(hash)) => self.precommit(of, vote.height, vote.round, hash),
            (true, None) => {
                ("basalt/precommit", of.genesis, of.set, vote.height, vote.round, None::<H256>).encode()
            }
            (false, block) => ("basalt/prevote", of.genesis, of.set, vote.height, vote.round, block).encode(),
        };
        vote.voter = self.vote_key();
        vote.signature = self.vote.sign(&payload).into();
        Message::Vote(vote)
    }

    fn precommit(&self, of: &Purpose, height: u64, round: u32, hash: H256) -> Vec<u8> {
        let number = u32::try_from(height).unwrap_or(u32::MAX);
        (1u8, hash, number, (height << 32) | u64::from(round), of.set).encode()
    }

    /// A signature that a justification holds.
    pub fn sign_precommit(&self, of: &Purpose, height: u64, round: u32, hash: H256) -> [u8; 64] {
        self.vote.sign(&self.precommit(of, height, round, hash)).into()
    }

    /// A proposal with a good signature.
    pub fn proposal(&self, of: &Purpose, round: u32, pol_round: Option<u32>, header: Header) -> Message {
        let height = u64::from(header.number);
        let hash = header.hash();
        let payload = ("basalt/proposal", of.genesis, of.set, height, round, pol_round, hash).encode();
        let proposal = basalt_consensus_bft::SignedProposal {
            height,
            round,
            pol_round,
            header,
            proposer: self.vote_key(),
            signature: self.vote.sign(&payload).into(),
        };
        Message::Proposal(proposal, None)
    }
}

/// The keys of a node, with their record on its disk.
pub struct DiskKeys {
    /// The secrets.
    pub signer: Signer,
    /// Where what was signed is remembered.
    pub disk: Disk,
    /// Whether anything is refused.
    pub honest: bool,
}

impl Keys for DiskKeys {
    fn vote_key(&self) -> [u8; 32] {
        self.signer.vote_key()
    }

    fn sign(&mut self, slot: Slot, digest: H256, payload: &[u8]) -> Result<[u8; 64], Refusal> {
        match self.disk.signed() {
            Some((last, of)) if self.honest && (last > slot || (last == slot && of != digest)) => {
                return Err(Refusal(format!("{last:?} was signed before {slot:?}")));
            }
            _ => self.disk.remember(slot, digest),
        }
        Ok(self.signer.vote.sign(payload).into())
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.disk.sync_keys();
        Ok(())
    }

    fn last_height(&self) -> Option<u64> {
        self.disk.signed().map(|(slot, _)| slot.height)
    }

    fn vrf_sign(&self, input: &[u8]) -> ([u8; 32], [u8; 64]) {
        // Proofs hold randomness, and headers hold proofs: with real one no run would be like another.
        let extra = attach_rng(Transcript::new(b"VRF"), Zeros);
        let (output, proof, _) = self.signer.vrf.vrf_sign_extra(vrf_transcript(input), extra);
        (output.to_preout().to_bytes(), proof.to_bytes())
    }
}

/// No randomness at all: the nonces are made from the secret key and the input then, as in Ed25519.
struct Zeros;

impl RngCore for Zeros {
    fn next_u32(&mut self) -> u32 {
        0
    }

    fn next_u64(&mut self) -> u64 {
        0
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        bytes.fill(0);
        Ok(())
    }
}

impl CryptoRng for Zeros {}

/// Where somebody signs once, whose key, and what was signed there.
pub(crate) type Published = (([u8; 32], u64, u32, SlotStep), (Option<H256>, Option<u32>));

/// What a message says, if it is somebody's.
pub(crate) fn published(message: &Message) -> Option<Published> {
    match message {
        Message::Vote(vote) => {
            let step = if vote.precommit { SlotStep::Precommit } else { SlotStep::Prevote };
            Some(((vote.voter, vote.height, vote.round, step), (vote.block, None)))
        }
        Message::Proposal(proposal, _) => {
            let slot = (proposal.proposer, proposal.height, proposal.round, SlotStep::Proposal);
            Some((slot, (Some(proposal.header.hash()), proposal.pol_round)))
        }
        Message::Polka(_) | Message::Round(_) => None,
    }
}
