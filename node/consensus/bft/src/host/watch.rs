//! Who signs twice, at this height or one of the last: also what comes after the decision, and in certificates.
//!
//! The first message of each validator, round and step is remembered, and every other one compared with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use basalt_primitives::{
    H256,
    votes::{Contradiction, Evidence, Place, Proposed, Signed},
};
use ed25519_zebra::VerificationKey;

use crate::{
    context::Address,
    keys::SlotStep,
    limits::{WATCHED_HEIGHTS, WATCHED_PER_VALIDATOR_MAX},
    members::Members,
    wire::{SignedProposal, SignedVote},
};

/// What somebody signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Proposal(Signed<Proposed>),
    Prevote(Signed<Option<H256>>),
    Precommit(Signed<Option<H256>>),
}

/// Whose it is, where, and what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statement {
    pub(super) height: u64,
    pub(super) round: u32,
    pub(super) key: [u8; 32],
    pub(super) said: Said,
}

/// What became of a statement.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is seldom one, and none is kept")]
pub(super) enum Noted {
    /// The same as before, or the first, or of a height that nobody watches, or more than anybody watches.
    Nothing,
    /// It contradicts another one.
    Twice(Evidence),
    /// It is not signed by its key.
    Forged,
    /// Its key was not in the set of that height.
    Stranger,
}

/// The keys of a set.
#[derive(Debug)]
struct Set {
    id: u64,
    keys: BTreeMap<[u8; 32], VerificationKey>,
}

#[derive(Debug)]
struct Watched {
    set: Arc<Set>,
    first: BTreeMap<(Address, u32, SlotStep), Said>,
    of_each: BTreeMap<Address, usize>,
}

/// The heights that are watched.
pub(super) struct Watch {
    genesis: H256,
    heights: BTreeMap<u64, Watched>,
    /// Who was reported, and for what: once is enough.
    reported: BTreeSet<(u64, [u8; 32], u32, SlotStep)>,
}

impl Said {
    fn step(&self) -> SlotStep {
        match self {
            Self::Proposal(_) => SlotStep::Proposal,
            Self::Prevote(_) => SlotStep::Prevote,
            Self::Precommit(_) => SlotStep::Precommit,
        }
    }

    /// Without the signature: two signatures of one content contradict nothing.
    fn says_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Proposal(one), Self::Proposal(other)) => one.content == other.content,
            (Self::Prevote(one), Self::Prevote(other)) | (Self::Precommit(one), Self::Precommit(other)) => {
                one.content == other.content
            }
            _ => false,
        }
    }

    fn against(self, other: Self) -> Option<Contradiction> {
        let contradiction = match (self, other) {
            (Self::Proposal(first), Self::Proposal(second)) => Contradiction::Proposals(first, second),
            (Self::Prevote(first), Self::Prevote(second)) => Contradiction::Prevotes(first, second),
            (Self::Precommit(first), Self::Precommit(second)) => Contradiction::Precommits(first, second),
            _ => return None,
        };
        // The same, whoever of the validators found it, and however: so that it becomes one transaction.
        contradiction.differs().then(|| contradiction.ordered())
    }

    fn is_signed(&self, place: &Place, genesis: &H256, key: &VerificationKey) -> bool {
        let (payload, signature) = match self {
            Self::Proposal(signed) => (place.proposal(genesis, &signed.content), signed.signature),
            Self::Prevote(signed) => (place.prevote(genesis, signed.content), signed.signature),
            Self::Precommit(signed) => (place.precommit(genesis, signed.content), signed.signature),
        };
        key.verify(&ed25519_zebra::Signature::from(signature), &payload).is_ok()
    }
}

impl Statement {
    pub(super) fn of_vote(vote: &SignedVote) -> Self {
        let signed = Signed { content: vote.block, signature: vote.signature };
        let said = if vote.precommit { Said::Precommit(signed) } else { Said::Prevote(signed) };
        Self { height: vote.height, round: vote.round, key: vote.voter, said }
    }

    pub(super) fn of_proposal(proposal: &SignedProposal) -> Self {
        let content = Proposed { block: proposal.header.hash(), pol_round: proposal.pol_round };
        let said = Said::Proposal(Signed { content, signature: proposal.signature });
        Self { height: proposal.height, round: proposal.round, key: proposal.proposer, said }
    }

    /// That its key signed this too, if that is a contradiction.
    pub(super) fn against(&self, other: &Self, set_id: u64) -> Option<Evidence> {
        let contradiction = self.said.against(other.said)?;
        let place = Place { set_id, height: self.height, round: self.round };
        Some(Evidence { place, key: self.key, contradiction })
    }
}

impl Watch {
    pub(super) fn new(genesis: H256) -> Self {
        Self { genesis, heights: BTreeMap::new(), reported: BTreeSet::new() }
    }

    /// From now on this height is watched too, and what is too long ago is forgotten.
    pub(super) fn begin(&mut self, height: u64, members: &Members) {
        let oldest = height.saturating_sub(WATCHED_HEIGHTS);
        self.heights = self.heights.split_off(&oldest);
        self.reported = self.reported.split_off(&(oldest, [0; 32], 0, SlotStep::Proposal));
        let known = self.heights.last_key_value().map(|(_, watched)| &watched.set);
        let set = match known.filter(|set| set.id == members.id()) {
            Some(set) => set.clone(),
            None => {
                let keys = members.all().iter().map(|member| (member.vote_key(), member.key));
                Arc::new(Set { id: members.id(), keys: keys.collect() })
            }
        };
        self.heights.entry(height).or_insert_with(|| Watched {
            set,
            first: BTreeMap::new(),
            of_each: BTreeMap::new(),
        });
    }

    pub(super) fn watches(&self, height: u64) -> bool {
        self.heights.contains_key(&height)
    }

    /// Takes note of a message whose signature was verified.
    pub(super) fn note_verified(&mut self, statement: &Statement) -> Option<Evidence> {
        match self.compare(statement) {
            Compared::Contradicts(evidence) => self.once(evidence),
            Compared::Known => None,
            Compared::New => {
                self.remember(statement);
                None
            }
            Compared::Stranger | Compared::Unwatched => None,
        }
    }

    /// Takes note of a message whose signature nobody has verified.
    pub(super) fn note(&mut self, statement: &Statement) -> Noted {
        match self.compare(statement) {
            Compared::Contradicts(evidence) => {
                if !self.is_signed(statement) {
                    return Noted::Forged;
                }
                self.once(evidence).map_or(Noted::Nothing, Noted::Twice)
            }
            Compared::New => {
                if !self.is_signed(statement) {
                    return Noted::Forged;
                }
                self.remember(statement);
                Noted::Nothing
            }
            Compared::Stranger => Noted::Stranger,
            Compared::Known | Compared::Unwatched => Noted::Nothing,
        }
    }

    /// Looks at a vote in a certificate. Only what contradicts another one is worth a verification.
    pub(super) fn look(&mut self, statement: &Statement) -> Noted {
        match self.compare(statement) {
            Compared::Contradicts(_) => self.note(statement),
            Compared::New | Compared::Known | Compared::Stranger | Compared::Unwatched => Noted::Nothing,
        }
    }

    /// Says so once: the second time for the same height, round, step and validator it is known.
    pub(super) fn once(&mut self, evidence: Evidence) -> Option<Evidence> {
        let step = match evidence.contradiction {
            Contradiction::Proposals(..) => SlotStep::Proposal,
            Contradiction::Prevotes(..) => SlotStep::Prevote,
            Contradiction::Precommits(..) => SlotStep::Precommit,
        };
        let Place { height, round, .. } = evidence.place;
        self.reported.insert((height, evidence.key, round, step)).then_some(evidence)
    }

    fn compare(&self, statement: &Statement) -> Compared {
        let Statement { height, round, key, said } = statement;
        let Some(watched) = self.heights.get(height) else { return Compared::Unwatched };
        if !watched.set.keys.contains_key(key) {
            return Compared::Stranger;
        }
        let address = Address(*key);
        match watched.first.get(&(address, *round, said.step())) {
            Some(first) if first.says_the_same(said) => Compared::Known,
            Some(first) => {
                let first = Statement { said: *first, ..*statement };
                match first.against(statement, watched.set.id) {
                    Some(evidence) => Compared::Contradicts(evidence),
                    None => Compared::Known,
                }
            }
            None if watched
                .of_each
                .get(&address)
                .is_some_and(|count| *count >= WATCHED_PER_VALIDATOR_MAX) =>
            {
                // Whoever says so much is not remembered with all of it.
                Compared::Unwatched
            }
            None => Compared::New,
        }
    }

    fn remember(&mut self, statement: &Statement) {
        let Some(watched) = self.heights.get_mut(&statement.height) else { return };
        let address = Address(statement.key);
        watched.first.insert((address, statement.round, statement.said.step()), statement.said);
        *watched.of_each.entry(address).or_default() += 1;
    }

    fn is_signed(&self, statement: &Statement) -> bool {
        let Some(watched) = self.heights.get(&statement.height) else { return false };
        let Some(key) = watched.set.keys.get(&statement.key) else { return false };
        let place = Place { set_id: watched.set.id, height: statement.height, round: statement.round };
        statement.said.is_signed(&place, &self.genesis, key)
    }

    /// What was proposed in this round of a height, if it is not this block.
    pub(super) fn other_proposal(
        &self,
        height: u64,
        round: u32,
        block: &H256,
    ) -> Option<([u8; 32], Signed<Proposed>)> {
        let watched = self.heights.get(&height)?;
        watched.first.iter().find_map(|((address, at, _), said)| match said {
            Said::Proposal(signed) if *at == round && signed.content.block != *block => {
                Some((address.0, *signed))
            }
            _ => None,
        })
    }
}

/// What a statement is beside what is known.
#[expect(clippy::large_enum_variant, reason = "there is seldom one, and none is kept")]
enum Compared {
    New,
    Known,
    Contradicts(Evidence),
    Stranger,
    Unwatched,
}
