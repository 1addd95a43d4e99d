//! Who voted for the block decided last. A certificate is stored as soon as it proves the block, and most other votes come a
//! little later: they prove nothing more, but they show who is there, so the next block tells of them.

use std::collections::{BTreeMap, VecDeque};

use basalt_chain::BlockId;
use basalt_primitives::H256;
use basalt_runtime_api::Certificate;
use ed25519_zebra::Signature;

use super::status::Turnout;
use crate::{
    context::Address,
    limits::TURNOUT_CERTIFICATES,
    members::{Member, Members},
    payload,
    wire::{Signatures, SignedVote},
};

/// What is known of the votes for a decided block: at most one of each member, each verified.
pub(super) struct Decided {
    pub(super) block: BlockId,
    pub(super) round: u32,
    members: Members,
    votes: BTreeMap<[u8; 32], [u8; 64]>,
}

impl Decided {
    /// The votes by which a block was decided.
    pub(super) fn new(block: BlockId, round: u32, members: Members, signatures: Signatures) -> Self {
        Self { block, round, members, votes: signatures.into_iter().collect() }
    }

    /// Whether this is a vote for this block in the round that decided it, and a new one. Others say nothing.
    pub(super) fn lacks(&self, vote: &SignedVote) -> bool {
        vote.precommit
            && vote.height == u64::from(self.block.number)
            && vote.round == self.round
            && vote.block == Some(self.block.hash)
            && !self.votes.contains_key(&vote.voter)
    }

    /// What a vote for this block signs.
    pub(super) fn payload(&self) -> Vec<u8> {
        payload::precommit(u64::from(self.block.number), self.round, self.members.id(), &self.block.hash)
    }

    /// The member with this key, if it is one and did not vote.
    pub(super) fn missing(&self, key: &[u8; 32]) -> Option<&Member> {
        self.members.by_key(key).map(|(_, member)| member).filter(|_| !self.votes.contains_key(key))
    }

    /// Adds a vote that [`Decided::lacks`], of a member. Says whether its signature is good.
    pub(super) fn add(&mut self, vote: &SignedVote) -> bool {
        let payload = self.payload();
        let good = self
            .missing(&vote.voter)
            .is_some_and(|member| member.key.verify(&Signature::from(vote.signature), &payload).is_ok());
        if good {
            self.votes.insert(vote.voter, vote.signature);
        }
        good
    }

    /// Adds our own.
    pub(super) fn add_own(&mut self, key: [u8; 32], signature: [u8; 64]) {
        self.votes.insert(key, signature);
    }

    /// All that is known, in the order of the keys.
    pub(super) fn certificate(&self) -> Certificate {
        Certificate {
            round: self.round,
            signatures: self.votes.iter().map(|(key, vote)| (*key, *vote)).collect(),
        }
    }

    pub(super) fn is_of(&self, parent: H256) -> bool {
        self.block.hash == parent
    }
}

/// How often validators were among those who voted, over the last certificates.
#[derive(Default)]
pub(super) struct Turnouts {
    window: VecDeque<Decided>,
    of: BTreeMap<Address, Turnout>,
}

impl Turnouts {
    /// A certificate to which nothing will be added any more.
    pub(super) fn push(&mut self, decided: Decided) {
        for member in decided.members.all() {
            let turnout = self.of.entry(member.address).or_default();
            turnout.certificates += 1;
            turnout.votes += u32::from(decided.votes.contains_key(&member.address.0));
        }
        self.window.push_back(decided);
        if self.window.len() <= TURNOUT_CERTIFICATES {
            return;
        }
        let Some(oldest) = self.window.pop_front() else { return };
        for member in oldest.members.all() {
            let Some(turnout) = self.of.get_mut(&member.address) else { continue };
            turnout.certificates = turnout.certificates.saturating_sub(1);
            turnout.votes -= u32::from(oldest.votes.contains_key(&member.address.0)).min(turnout.votes);
            if turnout.certificates == 0 {
                self.of.remove(&member.address);
            }
        }
    }

    pub(super) fn of(&self, address: &Address) -> Turnout {
        self.of.get(address).copied().unwrap_or_default()
    }
}
