//! Who gets the seats.

use alloc::vec::Vec;

use basalt_primitives::{Balance, H256, Perbill};

use crate::{Ballot, at, lottery::draw, number, phragmen::Phragmen};

/// Keeps the draw of seats apart from other draws.
const DOMAIN: &[u8] = b"basalt/seats";

/// How the seats are given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How many there are. Everybody gets one if there are no more candidates.
    pub seats: u32,
    /// Which share of them goes by stake, rounded up to whole seats; the others are drawn.
    pub by_stake: Perbill,
    /// What they are drawn by.
    pub seed: H256,
}

/// How a candidate came to its seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The stake behind it.
    Stake,
    /// A lot.
    Lot,
}

/// A candidate that is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Its number on the ballot.
    pub candidate: u32,
    /// Its own stake, and all shares in it.
    pub backing: Balance,
    /// How it came to its seat.
    pub by: By,
}

/// What a voter puts behind a candidate. Never nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its number on the ballot.
    pub voter: u32,
    /// Whom it backs.
    pub candidate: u32,
    /// With how much.
    pub amount: Balance,
}

/// The result of an election.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// First those by stake, then those by lot, in order of election.
    pub seats: Vec<Seat>,
    /// By voter, then by candidate.
    pub shares: Vec<Share>,
}

impl Outcome {
    /// For each seat, in order, who stands behind it with how much: (voter, amount) by voter.
    pub fn backers(&self) -> Vec<Vec<(u32, Balance)>> {
        let highest = self.seats.iter().map(|seat| at(seat.candidate) + 1).max().unwrap_or(0);
        let mut places = alloc::vec![usize::MAX; highest];
        for (place, seat) in self.seats.iter().enumerate() {
            places[at(seat.candidate)] = place;
        }
        let mut backers = alloc::vec![Vec::new(); self.seats.len()];
        for share in &self.shares {
            let place = places.get(at(share.candidate)).copied().unwrap_or(usize::MAX);
            if let Some(backers) = backers.get_mut(place) {
                backers.push((share.voter, share.amount));
            }
        }
        backers
    }
}

/// Chooses by the rules.
///
/// Candidates without any stake get seats by stake last, in their order, and none by lot.
pub fn elect(ballot: &Ballot, rules: &Rules) -> Outcome {
    let all: Vec<u32> = (0..ballot.candidates()).collect();
    let seats = rules.seats.min(ballot.candidates());
    let by_stake = seats_by_stake(ballot.candidates(), rules);

    let mut election = Phragmen::new(ballot);
    election.run(by_stake, &all);
    let left: Vec<u32> = all.into_iter().filter(|who| !election.has_seat(*who)).collect();
    let drawn = draw_seats(ballot, rules, &left, seats - by_stake);
    election.run(number(drawn.len()), &drawn);

    let shares = election.shares();
    let mut backing: Vec<Balance> = (0..ballot.candidates()).map(|who| ballot.own(who)).collect();
    for share in &shares {
        let backing = &mut backing[at(share.candidate)];
        *backing = backing.saturating_add(share.amount);
    }
    let seat = |(place, candidate): (usize, u32)| Seat {
        candidate,
        backing: backing[at(candidate)],
        by: if place < at(by_stake) { By::Stake } else { By::Lot },
    };
    Outcome { seats: election.winners().enumerate().map(seat).collect(), shares }
}

/// How many seats go by stake.
pub(crate) fn seats_by_stake(candidates: u32, rules: &Rules) -> u32 {
    if candidates <= rules.seats {
        return candidates;
    }
    let by_lot = Perbill::from_parts(Perbill::ACCURACY - rules.by_stake.deconstruct().min(Perbill::ACCURACY));
    rules.seats - u32::try_from(by_lot.mul_floor(u128::from(rules.seats))).unwrap_or(0)
}

/// Draws among those that are left, weighted by own stake and an equal part of each vote.
fn draw_seats(ballot: &Ballot, rules: &Rules, left: &[u32], seats: u32) -> Vec<u32> {
    if seats == 0 {
        return Vec::new();
    }
    let mut weights: Vec<Balance> = (0..ballot.candidates()).map(|who| ballot.own(who)).collect();
    for voter in 0..ballot.voters() {
        let targets = ballot.targets(voter);
        let part = ballot.stake(voter) / (targets.len() as Balance).max(1);
        for target in targets {
            let weight = &mut weights[at(*target)];
            *weight = weight.saturating_add(part);
        }
    }
    let weights: Vec<Balance> = left.iter().map(|who| weights[at(*who)]).collect();
    draw(DOMAIN, &rules.seed, &weights, at(seats)).into_iter().map(|place| left[place]).collect()
}
