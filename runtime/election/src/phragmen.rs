//! Sequential Phragmén: rounds that give one seat each, and the division of stake that follows.

use alloc::vec::Vec;

use basalt_primitives::{Balance, U256};

use crate::{Ballot, Share, TARGETS_MAX, at, number};

/// The load of one seat: 2^240. Loads weighted by stake sum to at most the number of seats, so sums stay below 2^250.
const SCALE: U256 = U256([0, 0, 0, 1 << 48]);
/// Bits that comparing two scores leaves out, if all stakes sum to less than 2^67: what is left are 128 bits after the
/// point, as `sp-npos-elections` has. One bit less for each bit more, so that it is always as exact in proportion.
const COARSE_BITS: u32 = 112;
/// Bits of a sum of stakes up to which scores are compared with 128 bits after the point.
const STAKE_BITS: u32 = 67;
/// A score that is less than 2^-200 below a multiple of what is compared was meant to be it: sums are rounded down.
const NOISE: U256 = U256([1 << 40, 0, 0, 0]);
/// An amount that is less than 2^-16 below a whole number is that number. All parts of a stake then still sum to no more
/// than the stake: it is a whole number, and they exceed it by at most 16 times 2^-16.
const EXACT_BITS: usize = 16;

/// An election under way.
pub(crate) struct Phragmen<'a> {
    ballot: &'a Ballot,
    coarse_bits: u32,
    starts: Vec<u32>,
    supporters: Vec<u32>,
    /// Own stake and that of all who name the candidate.
    approval: Vec<Balance>,
    /// What those who name the candidate carry already, weighted by their stakes.
    carried: Vec<U256>,
    /// The score of each candidate when it was last needed. Scores only rise, so it is a lower bound.
    known: Vec<U256>,
    /// Whether what its voters carry has changed since.
    stale: Vec<bool>,
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
        let more_bits = (Balance::BITS - ballot.total().leading_zeros()).saturating_sub(STAKE_BITS);
        Self {
            ballot,
            coarse_bits: COARSE_BITS.saturating_sub(more_bits),
            starts,
            supporters,
            carried: alloc::vec![U256::zero(); approval.len()],
            known: alloc::vec![U256::zero(); approval.len()],
            stale: alloc::vec![true; approval.len()],
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
            let Some(place) = self.best(&left) else { return };
            self.seat(left.swap_remove(place));
        }
    }

    /// The place of the candidate with the lowest score; among equals, of the first one on the ballot.
    ///
    /// Works out the scores of those only that may be it: a division for each would be most of an election's time.
    fn best(&mut self, left: &[u32]) -> Option<usize> {
        let mut best: Option<(U256, u32, usize)> = None;
        for (place, who) in left.iter().enumerate() {
            let worse = |score: &U256| {
                best.as_ref().is_some_and(|(lowest, first, _)| {
                    above(score, lowest) || (score == lowest && who > first)
                })
            };
            if worse(&self.coarse(&self.known[at(*who)])) {
                continue;
            }
            if self.stale[at(*who)] {
                self.known[at(*who)] = self.score(*who);
                self.stale[at(*who)] = false;
            }
            let score = self.coarse(&self.known[at(*who)]);
            if !worse(&score) {
                best = Some((score, *who, place));
            }
        }
        best.map(|(_, _, place)| place)
    }

    /// What each who names this candidate would carry per unit of stake, had it a seat.
    fn score(&self, candidate: u32) -> U256 {
        let approval = self.approval[at(candidate)];
        if approval == 0 {
            return U256::MAX;
        }
        self.carried[at(candidate)].saturating_add(SCALE) / U256::from(approval)
    }

    /// What of a score is compared.
    fn coarse(&self, score: &U256) -> U256 {
        score.saturating_add(NOISE) >> self.coarse_bits
    }

    fn seat(&mut self, candidate: u32) {
        let score = self.known[at(candidate)];
        self.place[at(candidate)] = Some(number(self.winners.len()));
        self.winners.push(Winner { candidate, score });
        let bounds = at(self.starts[at(candidate)])..at(self.starts[at(candidate) + 1]);
        for voter in &self.supporters[bounds] {
            let load = &mut self.load[at(*voter)];
            let stake = self.ballot.stake(*voter);
            if stake == 0 || !above(&score, load) {
                continue;
            }
            let more = (score - *load).saturating_mul(U256::from(stake));
            *load = score;
            for target in self.ballot.targets(*voter) {
                add(&mut self.carried[at(*target)], &more);
                self.stale[at(*target)] = true;
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
            let noise = whole >> EXACT_BITS;
            let mut load = U256::zero();
            for seat in &seats {
                let winner = &self.winners[at(*seat)];
                let more = winner.score.saturating_sub(load);
                load = load.max(winner.score);
                // At most the stake, as the part is at most the whole. The whole is not zero, since a seat was given.
                let amount =
                    (more.saturating_mul(weight).saturating_add(noise) / whole.max(U256::one())).low_u128();
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

/// Adds what cannot overflow (see [`SCALE`]). Nearly all of an election's time goes by here, and the sums of `U256` are
/// not inlined.
fn add(sum: &mut U256, more: &U256) {
    let mut carry = false;
    for (limb, more) in sum.0.iter_mut().zip(more.0) {
        (*limb, carry) = limb.carrying_add(more, carry);
    }
}

/// Whether `a` is above `b`, from the highest limb on.
fn above(a: &U256, b: &U256) -> bool {
    a.0.iter().rev().gt(b.0.iter().rev())
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
