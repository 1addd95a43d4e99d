//! What holds for any election, and what others published.

mod lottery;
mod oracle;
mod powers;
mod properties;
mod vectors;
mod verify;

use alloc::vec::Vec;

use basalt_primitives::{Balance, H256, Perbill};

use crate::{Ballot, Outcome, Rules, elect};

/// A ballot out of candidates by name and own stake, and voters by stake and the names they vote for.
struct Named {
    names: Vec<u64>,
    ballot: Ballot,
}

/// Voter, whom it backs, with how much.
type Part = (u32, u64, Balance);

impl Named {
    fn new(candidates: &[(u64, Balance)], voters: &[(Balance, &[u64])]) -> Self {
        let names: Vec<u64> = candidates.iter().map(|(name, _)| *name).collect();
        let own: Vec<Balance> = candidates.iter().map(|(_, own)| *own).collect();
        let mut ballot = Ballot::new(&own).unwrap();
        for (stake, targets) in voters {
            // Votes for others than candidates do not count.
            let place = |name: &u64| names.iter().position(|other| other == name).map(crate::number);
            ballot.vote(*stake, &targets.iter().filter_map(place).collect::<Vec<_>>()).unwrap();
        }
        Self { names, ballot }
    }

    /// Winners with backing, in order, and the voters' parts by (voter, candidate).
    fn phragmen(&self, seats: u32) -> (Vec<(u64, Balance)>, Vec<Part>) {
        let rules = by_stake(seats);
        let outcome = elect(&self.ballot, &rules);
        crate::verify(&self.ballot, &rules, &outcome).unwrap();
        let name = |candidate: u32| self.names[crate::at(candidate)];
        (
            outcome.seats.iter().map(|seat| (name(seat.candidate), seat.backing)).collect(),
            outcome.shares.iter().map(|share| (share.voter, name(share.candidate), share.amount)).collect(),
        )
    }
}

fn by_stake(seats: u32) -> Rules {
    Rules { seats, by_stake: Perbill::from_percent(100), seed: H256::zero() }
}

fn winners(outcome: &Outcome) -> Vec<u32> {
    outcome.seats.iter().map(|seat| seat.candidate).collect()
}
