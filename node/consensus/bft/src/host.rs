//! Everything that a validator decides, without input or output.
//!
//! ```text
//! Listening ─► Waiting ─► Deciding ─► Committing ─► Waiting …        Advanced: from anywhere to Waiting
//!  for our      for the    rounds of    until the block
//!  own key      pace       votes        is durable
//! ```

use std::time::Duration;

use basalt_chain::{BlockId, Justification};
use basalt_primitives::{AccountId, BlockNumber, Digest, H256, Header, OpaqueExtrinsic, votes::Evidence};
use basalt_runtime_api::{Certificate, ValidatorSet};

use crate::{log::Entry, timing::Timeouts, wire::Message};

mod certificate;
mod drive;
mod effects;
mod messages;
mod status;
#[cfg(test)]
mod tests;
mod watch;

pub use drive::Host;
pub use status::{Seen, Status, Step, Turnout};

/// Names a peer to whoever carries out the actions.
pub type PeerTag = u64;

/// When heights begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From one height to the next, at least, when there are transactions. Zero: as fast as it goes.
    pub block_time: Duration,
    /// And when there are none.
    pub empty_block_time: Duration,
}

/// How a host behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// The chain's first block: signed by everything but precommits.
    pub genesis: H256,
    /// When heights begin.
    pub pace: Pace,
    /// How long to wait for others.
    pub timeouts: Timeouts,
    /// For how long to look, after the start, whether somebody else signs with our key.
    pub listen: Duration,
}

/// What a height stands on: the block below, durable, and who decides on top of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The block below.
    pub parent: BlockId,
    /// Its header.
    pub header: Header,
    /// Who decides the next block.
    pub validators: ValidatorSet,
}

/// What became of a block that was to be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It does what its header says.
    Valid,
    /// Whoever executes it finds it wrong.
    Invalid,
    /// Its body could not be had, or its time is ahead of our clock: that says nothing about it.
    Unknown,
}

/// A wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// For a proposal in this round.
    Propose(u32),
    /// For more prevotes in this round.
    Prevote(u32),
    /// For more precommits in this round.
    Precommit(u32),
    /// Until votes are sent again.
    Rebroadcast(u32),
    /// Until the next height may begin.
    Next,
    /// Until we may sign.
    Listen,
}

impl Timer {
    /// Whether [`Action::CancelSteps`] ends it.
    pub fn is_step(self) -> bool {
        !matches!(self, Self::Next | Self::Listen)
    }
}

/// What happens to a host.
#[derive(Debug, Clone)]
pub enum Event {
    /// A peer sent something.
    Message {
        /// Who.
        peer: PeerTag,
        /// What.
        message: Message,
    },
    /// The block asked for by [`Action::Build`] is ready: built and executed.
    Built {
        /// For which round.
        round: u32,
        /// Its header.
        header: Header,
    },
    /// The block of [`Action::Execute`] was executed, or could not be.
    Executed {
        /// Which.
        hash: H256,
        /// How it was.
        verdict: Verdict,
    },
    /// A wait is over.
    Elapsed(Timer),
    /// Whether transactions wait for a block.
    Ready(bool),
    /// A block is durable: the one of [`Action::Commit`], or one that came by another way.
    Durable(Ground),
}

/// What a host wants done, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Begin another log, for this height: what the old one holds is needed no more.
    Begin(BlockNumber),
    /// Add to the log.
    Append(Entry),
    /// Make durable what was appended, and then what [`Keys`](crate::Keys) remember. Nothing after it may be done before.
    Sync,
    /// Send to all validators.
    Broadcast(Message),
    /// Come back after this long. A timer that runs already begins anew.
    Schedule(Timer, Duration),
    /// Not needed any more.
    Cancel(Timer),
    /// All waits of the round are over: see [`Timer::is_step`].
    CancelSteps,
    /// Build a block, and answer with [`Event::Built`].
    Build {
        /// Its height.
        height: BlockNumber,
        /// For which round.
        round: u32,
        /// What it stands on.
        parent: H256,
        /// Who earns.
        author: AccountId,
        /// What the header says of its making.
        digest: Digest,
        /// The others wait this long for it.
        patience: Duration,
        /// Who voted for the block below, as far as that is known here; none after a restart, or if it came otherwise.
        votes: Option<Certificate>,
    },
    /// Get the body of a block, execute it, and answer with [`Event::Executed`].
    Execute {
        /// Which.
        hash: H256,
        /// Its header.
        header: Header,
        /// Its body, if it came along.
        body: Option<Vec<OpaqueExtrinsic>>,
        /// Who spoke of it, and so may have the body.
        from: PeerTag,
    },
    /// A block is decided: make it final and durable, with its proof, and answer with [`Event::Durable`].
    Commit {
        /// Which.
        block: BlockId,
        /// Its header.
        header: Header,
        /// What proves it.
        justification: Justification,
    },
    /// The validators are further than we are: catch up.
    Behind {
        /// A height that somebody speaks of.
        height: u64,
        /// Who.
        peer: PeerTag,
    },
    /// A peer did what no honest one does.
    Report {
        /// Who.
        peer: PeerTag,
        /// What.
        offence: Offence,
    },
    /// A validator signed twice.
    Punish(Evidence),
}

/// What no honest peer does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Offence {
    /// It passes on what nobody signed.
    #[error("a signature in its message is wrong")]
    BadSignature,
    /// It speaks for somebody who is no validator.
    #[error("its message is of 0x{0}, which is no validator now")]
    Stranger(String),
    /// It passes on a block that cannot be right.
    #[error("it passed on a proposal that cannot be right: {0}")]
    BadProposal(String),
}
