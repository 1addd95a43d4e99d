//! Who stands, and who stands behind whom.

use alloc::vec::Vec;

use basalt_primitives::Balance;

use crate::{CANDIDATES_MAX, TARGETS_MAX, VOTERS_MAX, at, number};

/// Candidates with their own stake, and votes. Candidates and voters are named by their place, in order of entry.
///
/// Flat arrays, because an election walks over all votes many times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot {
    own: Vec<Balance>,
    stakes: Vec<Balance>,
    /// The targets of voter `v` are `targets[starts[v]..starts[v + 1]]`, ascending, none twice.
    starts: Vec<u32>,
    targets: Vec<u32>,
    total: Balance,
}

/// Why a ballot is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BallotError {
    /// Too many candidates.
    #[error(
        "{0} candidates stand for election, at most {CANDIDATES_MAX} can; leave out those with the least stake"
    )]
    TooManyCandidates(usize),
    /// Too many voters.
    #[error(
        "there are {VOTERS_MAX} voters already, and no more can be counted; leave out those with the least stake"
    )]
    TooManyVoters,
    /// Too many targets.
    #[error("voter {voter} names {count} candidates, at most {TARGETS_MAX} are possible")]
    TooManyTargets {
        /// Its number.
        voter: u32,
        /// How many it names.
        count: usize,
    },
    /// Nobody has this number.
    #[error("voter {voter} names candidate {target}, but candidates have the numbers below {candidates}")]
    NoSuchCandidate {
        /// Its number.
        voter: u32,
        /// Whom it names.
        target: u32,
        /// How many there are.
        candidates: u32,
    },
    /// More money than there can be.
    #[error("all stakes together exceed 2^128 - 1; they are not of one currency")]
    TooMuchStake,
}

impl Ballot {
    /// Candidates by their own stake. Among equals the earlier one wins: use an order that all agree on.
    ///
    /// # Errors
    ///
    /// [`BallotError::TooManyCandidates`], [`BallotError::TooMuchStake`].
    pub fn new(own: &[Balance]) -> Result<Self, BallotError> {
        if own.len() > at(CANDIDATES_MAX) {
            return Err(BallotError::TooManyCandidates(own.len()));
        }
        let mut total: Balance = 0;
        for stake in own {
            total = total.checked_add(*stake).ok_or(BallotError::TooMuchStake)?;
        }
        Ok(Self { own: own.to_vec(), stakes: Vec::new(), starts: alloc::vec![0], targets: Vec::new(), total })
    }

    /// Adds a voter, and says its number. A target named twice counts once; a voter without targets changes nothing.
    ///
    /// # Errors
    ///
    /// [`BallotError`] if the vote is beyond a limit or names nobody; the ballot is then as before.
    pub fn vote(&mut self, stake: Balance, targets: &[u32]) -> Result<u32, BallotError> {
        let voter = self.voters();
        if voter >= VOTERS_MAX {
            return Err(BallotError::TooManyVoters);
        }
        if targets.len() > at(TARGETS_MAX) {
            return Err(BallotError::TooManyTargets { voter, count: targets.len() });
        }
        let candidates = self.candidates();
        if let Some(target) = targets.iter().copied().find(|target| *target >= candidates) {
            return Err(BallotError::NoSuchCandidate { voter, target, candidates });
        }
        self.total = self.total.checked_add(stake).ok_or(BallotError::TooMuchStake)?;
        let mut sorted = targets.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        self.targets.extend(sorted);
        self.stakes.push(stake);
        self.starts.push(number(self.targets.len()));
        Ok(voter)
    }

    /// How many stand.
    pub fn candidates(&self) -> u32 {
        number(self.own.len())
    }

    /// How many vote, candidates for themselves not counted.
    pub fn voters(&self) -> u32 {
        number(self.stakes.len())
    }

    /// The stake of all candidates and voters.
    pub fn total(&self) -> Balance {
        self.total
    }

    /// What a candidate puts behind itself; nothing if there is none of this number.
    pub fn own(&self, candidate: u32) -> Balance {
        self.own.get(at(candidate)).copied().unwrap_or(0)
    }

    /// A voter's stake; nothing if there is none of this number.
    pub fn stake(&self, voter: u32) -> Balance {
        self.stakes.get(at(voter)).copied().unwrap_or(0)
    }

    /// Whom a voter names, ascending; nobody if there is none of this number.
    pub fn targets(&self, voter: u32) -> &[u32] {
        let bounds = self.starts.get(at(voter)).zip(self.starts.get(at(voter) + 1));
        bounds.and_then(|(from, to)| self.targets.get(at(*from)..at(*to))).unwrap_or(&[])
    }

    /// For each candidate, who names it: `voters[starts[c]..starts[c + 1]]`, ascending.
    pub(crate) fn supporters(&self) -> (Vec<u32>, Vec<u32>) {
        let mut starts = alloc::vec![0u32; self.own.len() + 1];
        for target in &self.targets {
            starts[at(*target) + 1] += 1;
        }
        for candidate in 0..self.own.len() {
            starts[candidate + 1] += starts[candidate];
        }
        let mut free = starts.clone();
        let mut voters = alloc::vec![0u32; self.targets.len()];
        for voter in 0..self.voters() {
            for target in self.targets(voter) {
                voters[at(free[at(*target)])] = voter;
                free[at(*target)] += 1;
            }
        }
        (starts, voters)
    }
}
