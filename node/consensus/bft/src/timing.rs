//! How long to wait for the others. Timeouts follow what is measured: a network that answers in a millisecond notices a
//! dead proposer soon, one across the world does not lose rounds.

use std::time::Duration;

#[cfg(test)]
mod tests;

/// Bounds of the waits of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// At least this for a proposal, executed.
    pub propose_min: Duration,
    /// At least this for votes.
    pub vote_min: Duration,
    /// At most this for anything.
    pub max: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            propose_min: Duration::from_millis(500),
            vote_min: Duration::from_millis(250),
            max: Duration::from_secs(30),
        }
    }
}

/// The share of a new measurement in the average: an eighth.
const SMOOTHING: u32 = 8;

/// Beyond the average, so many times it are waited: what is slow now and then costs no round.
const PATIENCE: u32 = 4;

/// What is measured.
#[derive(Debug, Clone)]
pub(crate) struct Timing {
    bounds: Timeouts,
    /// From the start of a round to an executed proposal.
    propose: Duration,
    /// From an executed proposal to two thirds of the votes.
    vote: Duration,
}

impl Timing {
    pub(crate) fn new(bounds: Timeouts) -> Self {
        Self { bounds, propose: bounds.propose_min / PATIENCE, vote: bounds.vote_min / PATIENCE }
    }

    // What took longer than anybody waits says nothing about the network: somebody was away.

    pub(crate) fn saw_proposal(&mut self, after: Duration) {
        self.propose = blend(self.propose, after.min(self.propose(0)));
    }

    pub(crate) fn saw_votes(&mut self, after: Duration) {
        self.vote = blend(self.vote, after.min(self.vote(0)));
    }

    /// For a proposal. Each round waits longer by a half, so that all meet in one at last.
    pub(crate) fn propose(&self, round: u32) -> Duration {
        self.grown(self.propose, self.bounds.propose_min, round)
    }

    /// For votes, once two thirds have voted for anything.
    pub(crate) fn vote(&self, round: u32) -> Duration {
        self.grown(self.vote, self.bounds.vote_min, round)
    }

    /// Until our own votes are sent again, in case they were lost.
    pub(crate) fn rebroadcast(&self, round: u32) -> Duration {
        (self.propose(round) + self.vote(round) * 2).min(self.bounds.max)
    }

    fn grown(&self, measured: Duration, least: Duration, round: u32) -> Duration {
        let base = (measured * PATIENCE).clamp(least, self.bounds.max);
        base.saturating_add((base / 2).saturating_mul(round)).min(self.bounds.max)
    }
}

fn blend(old: Duration, new: Duration) -> Duration {
    // It learns at once that things take longer, and slowly that they do not.
    if new > old { (old + new) / 2 } else { old - (old - new) / SMOOTHING }
}
