//! Sequential Phragmén: rounds that give one seat each, and the division of stake that follows.

use alloc::vec::Vec;

use basalt_primitives::{Balance, U256};

use crate::{Ballot, Share, TARGETS_MAX, at, number};

/// The load of one seat: 2^240. Loads weighted by stake sum to at most the number of seats, so sums stay below 2^250.
const SCALE: U256 = U256([0, 0, 0, 1 << 48]);
/// Scores that differ by less than about 2^-200 are equal: rounding alone makes such differences.
const NOISE_BITS: usize = 40;

/// An election under way.
pub(crate) struct Phragmen<'a> {
    ballot: &'a Ballot,
    starts: Vec<u32>,
    supporters: Vec<u32>,
    /// Own stake and that of all who name the candidate.
    approval: Vec<Balance>,
    /// What those who name the candidate carry already, weighted by their stakes.
    carried: Vec<U256>,
    /// What each voter carries per unit of its stake.
    load: Vec<U256>,
    /// In order of election.
    winners: Vec<Winner>,
    /// The place among the winners, by candidate.
    place: Vec<Option<u32>>,
}

/// Who got a seat, and with which load.
struct Winner {
    candidate: u32,
    score: U256,
}

impl<'a> Phragmen<'a> {
    pub(crate) fn new(ballot: &'a Ballot) -> Self {
        let (starts, supporters) = ballot.supporters();
        let mut approval: Vec<Balance> = (0..ballot.candidates()).map(|who| ballot.own(who)).collect();
        for voter in 0..ballot.voters() {
            for target in ballot.targets(voter) {
                // Never saturates: each candidate counts a stake once, and all of them together are a `u128`.
                let approval = &mut approval[at(*target)];
                *approval = approval.saturating_add(ballot.stake(voter));
            }
        }
        Self {
            ballot,
            starts,
            supporters,
            carried: alloc::vec![U256::zero(); approval.len()],
            place: alloc::vec![None; approval.len()],
            approval,
            load: alloc::vec![U256::zero(); at(ballot.voters())],
            winners: Vec::new(),
        }
    }

    /// Whether a candidate has a seat.
    pub(crate) fn has_seat(&self, candidate: u32) -> bool {
        self.place[at(candidate)].is_some()
    }

    /// Gives at most `seats` more seats to candidates out of `among`, the best one first.
    pub(crate) fn run(&mut self, seats: u32, among: &[u32]) {
        let mut left: Vec<u32> = among.iter().copied().filter(|who| !self.has_seat(*who)).collect();
        for _ in 0..seats {
            let best = left.iter().enumerate().map(|(place, who)| (self.score(*who), *who, place));
            let Some((score, who, place)) = best.min_by_key(|(score, who, _)| (rounded(score), *who)) else {
                return;
            };
            left.swap_remove(place);
            self.seat(who, score);
        }
    }

    /// What each who names this candidate would carry per unit of stake, had it a seat.
    fn score(&self, candidate: u32) -> U256 {
        let approval = self.approval[at(candidate)];
        if approval == 0 {
            return U256::MAX;
        }
        self.carried[at(candidate)].saturating_add(SCALE) / U256::from(approval)
    }

    fn seat(&mut self, candidate: u32, score: U256) {
        self.place[at(candidate)] = Some(number(self.winners.len()));
        self.winners.push(Winner { candidate, score });
        let bounds = at(self.starts[at(candidate)])..at(self.starts[at(candidate) + 1]);
        for voter in &self.supporters[bounds] {
            let load = &mut self.load[at(*voter)];
            let stake = self.ballot.stake(*voter);
            if score <= *load || stake == 0 {
                continue;
            }
            let more = (score - *load).saturating_mul(U256::from(stake));
            *load = score;
            for target in self.ballot.targets(*voter) {
                let carried = &mut self.carried[at(*target)];
                *carried = carried.saturating_add(more);
            }
        }
    }

    /// Who has a seat, in order of election.
    pub(crate) fn winners(&self) -> impl Iterator<Item = u32> + '_ {
        self.winners.iter().map(|winner| winner.candidate)
    }

    /// The stake of each voter, divided among its targets that have seats, in proportion to the load by each of them.
    /// By voter, then by candidate.
    pub(crate) fn shares(&self) -> Vec<Share> {
        let mut shares = Vec::new();
        let mut seats = Vec::with_capacity(at(TARGETS_MAX));
        let mut parts = Vec::with_capacity(at(TARGETS_MAX));
        for voter in 0..self.ballot.voters() {
            let stake = self.ballot.stake(voter);
            seats.clear();
            seats.extend(self.ballot.targets(voter).iter().filter_map(|target| self.place[at(*target)]));
            if stake == 0 || seats.is_empty() {
                continue;
            }
            // A seat's part of the load is by how much it raised it.
            seats.sort_unstable();
            parts.clear();
            let (whole, weight) = (self.load[at(voter)], U256::from(stake));
            let mut load = U256::zero();
            for seat in &seats {
                let winner = &self.winners[at(*seat)];
                let more = winner.score.saturating_sub(load);
                load = load.max(winner.score);
                // Below the stake, as the part is below the whole; the whole is not zero, since a seat was given.
                let amount = (more.saturating_mul(weight) / whole.max(U256::one())).low_u128();
                if amount > 0 || seats.len() == 1 {
                    parts.push((winner.candidate, amount));
                }
            }
            if parts.is_empty() {
                parts.extend(seats.iter().map(|seat| (self.winners[at(*seat)].candidate, 0)));
            }
            parts.sort_unstable();
            settle(&mut parts, stake);
            let parts = parts.iter().filter(|(_, amount)| *amount > 0);
            shares.extend(parts.map(|(candidate, amount)| Share {
                voter,
                candidate: *candidate,
                amount: *amount,
            }));
        }
        shares
    }
}

fn rounded(score: &U256) -> U256 {
    score.saturating_add(U256::one() << (NOISE_BITS - 1)) >> NOISE_BITS
}

/// Makes the parts sum to the stake. Rounding left fewer units than there are parts; they go to the smallest part until
/// it is no longer below average, then to the next (the rule of `sp-npos-elections`).
fn settle(parts: &mut [(u32, Balance)], stake: Balance) {
    let sum = parts.iter().fold(0, |sum: Balance, (_, amount)| sum.saturating_add(*amount));
    let mut left = stake.saturating_sub(sum);
    if left == 0 || parts.is_empty() {
        return;
    }
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|place| (parts[*place].1, *place));
    let average = stake / parts.len() as Balance;
    let mut next = order.iter().copied().cycle().peekable();
    while left > 0 {
        let Some(place) = next.peek() else { return };
        let amount = &mut parts[*place].1;
        *amount = amount.saturating_add(1);
        left -= 1;
        if *amount >= average {
            next.next();
        }
    }
}
