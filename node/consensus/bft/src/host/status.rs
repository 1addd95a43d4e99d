//! What a host can tell about the agreement.

use std::fmt;

use basalt_primitives::{BlockNumber, H256};

use super::{Host, PeerTag, drive::Phase};

/// What was last heard of a validator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// The height of its last vote; zero: none since this node started.
    pub height: u64,
    /// The last round in which it prevoted there, and whether for a block.
    pub prevote: Option<(u32, bool)>,
    /// The last round in which it precommitted there, and whether for a block.
    pub precommit: Option<(u32, bool)>,
    /// The peer that brought its last vote: since nobody passes votes on, most likely itself.
    pub from: Option<PeerTag>,
    /// How often it voted of late, as the next blocks tell it.
    pub turnout: Turnout,
}

/// How often a validator was among those who voted for a decided block, or did so before the next one was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turnout {
    /// Of so many certificates, the last ones that were collected here.
    pub certificates: u32,
    /// In so many.
    pub votes: u32,
}

impl Seen {
    pub(super) fn note(&mut self, height: u64, round: u32, precommit: bool, block: bool) {
        if height < self.height {
            return;
        }
        if height > self.height {
            *self = Self { height, from: self.from, ..Self::default() };
        }
        let vote = if precommit { &mut self.precommit } else { &mut self.prevote };
        if vote.is_none_or(|(last, _)| last <= round) {
            *vote = Some((round, block));
        }
    }
}

/// Where the agreement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It has not begun to sign: does somebody else sign with our key?
    Listen,
    /// The next height is not due.
    Wait,
    /// For a proposal.
    Propose,
    /// First votes.
    Prevote,
    /// Second votes.
    Precommit,
    /// Decided, and being made durable.
    Commit,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Listen => "listen",
            Self::Wait => "wait",
            Self::Propose => "propose",
            Self::Prevote => "prevote",
            Self::Precommit => "precommit",
            Self::Commit => "commit",
        })
    }
}

/// A host, as seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The height that is decided, or comes next.
    pub height: BlockNumber,
    /// Its round.
    pub round: u32,
    /// Where the round stands.
    pub step: Step,
    /// Counts validator sets.
    pub set: u64,
    /// The vote key of the one whose turn it is.
    pub proposer: [u8; 32],
    /// Our vote key.
    pub own: [u8; 32],
    /// Whether we only watch this height, and why people should look into it.
    pub muted: bool,
    /// The blocks proposed so far.
    pub proposed: Vec<H256>,
    /// Each validator: vote key, power, what was heard.
    pub validators: Vec<([u8; 32], u64, Seen)>,
}

impl Host {
    /// Where the agreement stands.
    pub fn status(&self) -> Status {
        let round = self.state.round().as_u32().unwrap_or(0);
        let driver = &self.state.driver;
        let step = match self.phase {
            Phase::Listening => Step::Listen,
            Phase::Waiting => Step::Wait,
            Phase::Committing => Step::Commit,
            Phase::Deciding if driver.step_is_precommit() => Step::Precommit,
            Phase::Deciding if driver.step_is_prevote() => Step::Prevote,
            Phase::Deciding => Step::Propose,
        };
        let validators = self.members.all().iter().map(|member| {
            let seen = self.seen().get(&member.address).copied().unwrap_or_default();
            let turnout = self.turnouts.of(&member.address);
            (member.vote_key(), member.power, Seen { turnout, ..seen })
        });
        Status {
            height: self.height(),
            round,
            step,
            set: self.members.id(),
            proposer: self.members.proposer(round).1.vote_key(),
            own: self.hands.address.0,
            muted: self.hands.muted,
            proposed: self.verdicts.keys().copied().collect(),
            validators: validators.collect(),
        }
    }
}
