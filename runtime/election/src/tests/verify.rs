//! Each flaw is found.

use alloc::vec::Vec;

use basalt_primitives::{H256, Perbill};

use crate::{Ballot, By, Flaw, Outcome, Rules, Seat, Share, elect, verify};

fn case() -> (Ballot, Rules, Outcome) {
    let mut ballot = Ballot::new(&[5, 0, 7, 1]).unwrap();
    ballot.vote(100, &[0, 1]).unwrap();
    ballot.vote(50, &[1, 2]).unwrap();
    ballot.vote(9, &[3]).unwrap();
    let rules = Rules { seats: 3, by_stake: Perbill::from_percent(60), seed: H256::zero() };
    let outcome = elect(&ballot, &rules);
    assert_eq!(verify(&ballot, &rules, &outcome), Ok(()));
    (ballot, rules, outcome)
}

/// What is found after a change.
fn after(change: impl FnOnce(&mut Outcome)) -> Flaw {
    let (ballot, rules, mut outcome) = case();
    change(&mut outcome);
    verify(&ballot, &rules, &outcome).unwrap_err()
}

#[test]
fn wrong_seats() {
    assert_eq!(after(|it| it.seats.truncate(1)), Flaw::Seats(1, 3));
    let extra = Seat { candidate: 3, backing: 10, by: By::Lot };
    assert_eq!(after(|it| it.seats.extend([extra.clone(), extra])), Flaw::Seats(5, 3));
    assert_eq!(after(|it| it.seats[0].by = By::Lot), Flaw::Way(0, 2));
    assert_eq!(after(|it| it.seats[1].candidate = 4), Flaw::NoCandidate(1, 4));
    assert!(matches!(after(|it| it.seats[1] = it.seats[0].clone()), Flaw::Twice(_)));
    assert!(matches!(after(|it| it.seats[0].backing += 1), Flaw::Backing { .. }));
}

#[test]
fn wrong_shares() {
    let (_, _, outcome) = case();
    let shares: Vec<(u32, u32)> = outcome.shares.iter().map(|share| (share.voter, share.candidate)).collect();
    assert_eq!(shares[..2], [(0, 0), (0, 1)], "the cases below count on that");

    assert_eq!(after(|it| it.shares.swap(0, 1)), Flaw::Order(1));
    assert_eq!(after(|it| it.shares.insert(0, it.shares[0].clone())), Flaw::Order(1));
    let nobody = Share { voter: 3, candidate: 0, amount: 1 };
    let last = outcome.shares.len() as u32;
    assert_eq!(after(|it| it.shares.push(nobody)), Flaw::Order(last));
    assert_eq!(after(|it| it.shares[0].amount = 0), Flaw::Nothing(0));
    assert_eq!(after(|it| it.shares[1].candidate = 2), Flaw::Stranger { voter: 0, candidate: 2 });
    assert_eq!(after(|it| it.shares[1].candidate = 77), Flaw::Stranger { voter: 0, candidate: 77 });
    let (first, second) = (outcome.shares[0].amount, outcome.shares[1].amount);
    assert_eq!(first + second, 100);
    let less = Flaw::Sum { voter: 0, stake: 100, sum: 99 };
    assert_eq!(after(|it| it.shares[0].amount -= 1), less);
    let missing = Flaw::Sum { voter: 0, stake: 100, sum: second };
    assert_eq!(after(|it| it.shares = it.shares.split_off(1)), missing);
    // Sums that are right together, but not for each seat.
    let moved = after(|it| {
        it.shares[0].amount -= 1;
        it.shares[1].amount += 1;
    });
    assert!(matches!(moved, Flaw::Backing { .. }), "{moved:?}");
}

/// A voter none of whose candidates has a seat gives nothing.
#[test]
fn a_share_in_somebody_without_a_seat() {
    let mut ballot = Ballot::new(&[9, 1]).unwrap();
    ballot.vote(3, &[1]).unwrap();
    let rules = super::by_stake(1);
    let mut outcome = elect(&ballot, &rules);
    assert_eq!(outcome.shares, []);
    outcome.shares.push(Share { voter: 0, candidate: 1, amount: 3 });
    assert_eq!(verify(&ballot, &rules, &outcome), Err(Flaw::Stranger { voter: 0, candidate: 1 }));
}
