//! Whether an outcome keeps the rules of its ballot.

use alloc::vec::Vec;

use basalt_primitives::Balance;

use crate::{Ballot, By, Outcome, Rules, at, number, seats::seats_by_stake};

/// What is wrong with an outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// More or fewer seats than the rules give.
    #[error("{0} seats are given, the rules allow {1}")]
    Seats(u32, u32),
    /// A seat by lot that goes by stake, or the other way round.
    #[error("seat {0} is given the wrong way: the first {1} go by stake, the others by lot")]
    Way(u32, u32),
    /// A seat for somebody who does not stand.
    #[error("seat {0} goes to candidate {1}, who does not stand")]
    NoCandidate(u32, u32),
    /// Two seats for one.
    #[error("candidate {0} has two seats")]
    Twice(u32),
    /// Shares in the wrong order, or one twice, or by nobody.
    #[error("share {0} is not above the one before it by voter and candidate, or its voter does not exist")]
    Order(u32),
    /// A share of nothing.
    #[error("share {0} has the amount 0")]
    Nothing(u32),
    /// A share in somebody without a seat, or whom the voter did not name.
    #[error("voter {voter} backs candidate {candidate}, whom it did not name or who has no seat")]
    Stranger {
        /// Who.
        voter: u32,
        /// Whom.
        candidate: u32,
    },
    /// A voter's shares do not sum to its stake, though somebody it named has a seat.
    #[error("voter {voter} has the stake {stake}, but its shares sum to {sum}")]
    Sum {
        /// Who.
        voter: u32,
        /// What it has.
        stake: Balance,
        /// What it gives.
        sum: Balance,
    },
    /// Own stake and shares do not sum to the backing.
    #[error("candidate {candidate} is said to be backed by {claimed}, but it is {backing}")]
    Backing {
        /// Who.
        candidate: u32,
        /// What the outcome says.
        claimed: Balance,
        /// What it is.
        backing: Balance,
    },
}

/// Checks everything about an outcome but that the right candidates were chosen, in time linear in the votes: seats are
/// of candidates and as many as they may be, shares are of what voters named, and all sums are exact.
///
/// # Errors
///
/// The first [`Flaw`].
pub fn verify(ballot: &Ballot, rules: &Rules, outcome: &Outcome) -> Result<(), Flaw> {
    let mut seated = seats(ballot, rules, outcome)?;
    let mut rest = outcome.shares.iter().zip(0u32..).peekable();
    for voter in 0..ballot.voters() {
        let targets = ballot.targets(voter);
        let stake = ballot.stake(voter);
        let (mut sum, mut before): (Balance, Option<u32>) = (0, None);
        while let Some((share, place)) = rest.next_if(|(share, _)| share.voter == voter) {
            if before.is_some_and(|before| before >= share.candidate) {
                return Err(Flaw::Order(place));
            }
            before = Some(share.candidate);
            if share.amount == 0 {
                return Err(Flaw::Nothing(place));
            }
            let stranger = Flaw::Stranger { voter, candidate: share.candidate };
            if targets.binary_search(&share.candidate).is_err() {
                return Err(stranger);
            }
            let backing = seated.get_mut(at(share.candidate)).and_then(Option::as_mut).ok_or(stranger)?;
            *backing = backing.saturating_add(share.amount);
            sum = sum.saturating_add(share.amount);
        }
        let may = targets.iter().any(|target| seated[at(*target)].is_some());
        if sum != if may { stake } else { 0 } {
            return Err(Flaw::Sum { voter, stake, sum });
        }
    }
    if let Some((_, place)) = rest.next() {
        return Err(Flaw::Order(place));
    }
    for seat in &outcome.seats {
        let backing = seated[at(seat.candidate)].unwrap_or(0);
        if backing != seat.backing {
            return Err(Flaw::Backing { candidate: seat.candidate, claimed: seat.backing, backing });
        }
    }
    Ok(())
}

/// Checks the seats, and says by candidate who has one, with its own stake.
fn seats(ballot: &Ballot, rules: &Rules, outcome: &Outcome) -> Result<Vec<Option<Balance>>, Flaw> {
    let (given, most) = (number(outcome.seats.len()), rules.seats.min(ballot.candidates()));
    let by_stake = seats_by_stake(ballot.candidates(), rules);
    // Fewer are drawn than may be where the others have no stake.
    if given > most || given < by_stake {
        return Err(Flaw::Seats(given, most));
    }
    let mut seated = alloc::vec![None; at(ballot.candidates())];
    for (seat, place) in outcome.seats.iter().zip(0u32..) {
        let way = if place < by_stake { By::Stake } else { By::Lot };
        if seat.by != way {
            return Err(Flaw::Way(place, by_stake));
        }
        let Some(entry) = seated.get_mut(at(seat.candidate)) else {
            return Err(Flaw::NoCandidate(place, seat.candidate));
        };
        if entry.replace(ballot.own(seat.candidate)).is_some() {
            return Err(Flaw::Twice(seat.candidate));
        }
    }
    Ok(seated)
}
