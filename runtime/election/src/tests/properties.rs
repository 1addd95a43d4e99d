//! What holds for any ballot.

use alloc::{collections::BTreeMap, vec::Vec};

use basalt_primitives::{Balance, H256, Perbill};
use proptest::prelude::*;

use super::winners;
use crate::{
    Ballot, BallotError, By, CANDIDATES_MAX, Rules, TARGETS_MAX, VOTERS_MAX, elect, number,
    phragmen::Phragmen, verify,
};

/// A stake of any size: small ones, for ties, and large ones, for rounding.
fn stake() -> impl Strategy<Value = Balance> {
    prop_oneof![0u128..5, 0u128..1_000, 0u128..1 << 64, 0u128..1 << 100]
}

/// Own stakes and votes.
type Raw = (Vec<Balance>, Vec<(Balance, Vec<u32>)>);

fn raw() -> impl Strategy<Value = Raw> {
    prop::collection::vec(stake(), 1..40).prop_flat_map(|own| {
        let targets = prop::collection::vec(0..number(own.len()), 0..=16);
        (Just(own), prop::collection::vec((stake(), targets), 0..60))
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    (0u32..45, 0..=Perbill::ACCURACY, any::<[u8; 32]>()).prop_map(|(seats, share, seed)| Rules {
        seats,
        by_stake: Perbill::from_parts(share),
        seed: H256(seed),
    })
}

fn ballot((own, votes): &Raw) -> Ballot {
    let mut ballot = Ballot::new(own).unwrap();
    for (stake, targets) in votes {
        ballot.vote(*stake, targets).unwrap();
    }
    ballot
}

proptest! {
    #[test]
    fn an_outcome_keeps_the_rules(raw in raw(), rules in rules()) {
        let ballot = ballot(&raw);
        let outcome = elect(&ballot, &rules);
        prop_assert_eq!(verify(&ballot, &rules, &outcome), Ok(()));

        let by_stake = outcome.seats.iter().filter(|seat| seat.by == By::Stake).count() as u128;
        let seats = u128::from(rules.seats.min(ballot.candidates()));
        // At least the share goes by stake, and less than one seat more, or all if there are seats for all.
        let parts = u128::from(rules.by_stake.deconstruct());
        if ballot.candidates() <= rules.seats {
            prop_assert_eq!(by_stake, seats);
        } else {
            prop_assert_eq!(by_stake, (seats * parts).div_ceil(1_000_000_000));
        }
        // A seat stays free only if nobody with a vote is left.
        if (outcome.seats.len() as u128) < seats {
            let chosen = winners(&outcome);
            for who in (0..ballot.candidates()).filter(|who| !chosen.contains(who)) {
                prop_assert_eq!(ballot.own(who), 0);
            }
        }
        // Nothing is lost or made: all backing is stake of somebody.
        let backed: u128 = outcome.seats.iter().map(|seat| seat.backing).sum();
        prop_assert!(backed <= ballot.total());
        let backers = outcome.backers();
        for (seat, backers) in outcome.seats.iter().zip(&backers) {
            let shares: u128 = backers.iter().map(|(_, amount)| amount).sum();
            prop_assert_eq!(seat.backing, ballot.own(seat.candidate) + shares);
        }
        prop_assert_eq!(backers.iter().map(Vec::len).sum::<usize>(), outcome.shares.len());
    }

    #[test]
    fn the_order_of_votes_and_targets_does_not_matter(
        (raw, turned) in raw().prop_flat_map(|raw| {
            let order: Vec<usize> = (0..raw.1.len()).collect();
            (Just(raw), Just(order).prop_shuffle())
        }),
        rules in rules(),
    ) {
        let first = elect(&ballot(&raw), &rules);
        let mut other = (raw.0.clone(), Vec::new());
        for place in &turned {
            let (stake, mut targets) = raw.1[*place].clone();
            targets.reverse();
            other.1.push((stake, targets));
        }
        let second = elect(&ballot(&other), &rules);
        prop_assert_eq!(&first.seats, &second.seats);
        let named = |outcome: &crate::Outcome, name: &dyn Fn(u32) -> usize| -> BTreeMap<(usize, u32), Balance> {
            outcome.shares.iter().map(|share| ((name(share.voter), share.candidate), share.amount)).collect()
        };
        prop_assert_eq!(named(&first, &|voter| voter as usize), named(&second, &|voter| turned[voter as usize]));
    }

    /// Who is best of all is best of some: so the stake is divided as if only the chosen had stood.
    #[test]
    fn stake_is_divided_as_if_only_the_chosen_had_stood(raw in raw(), rules in rules()) {
        let ballot = ballot(&raw);
        let outcome = elect(&ballot, &rules);
        let mut alone = Phragmen::new(&ballot);
        alone.run(number(outcome.seats.len()), &winners(&outcome));
        prop_assert_eq!(alone.shares(), outcome.shares);
    }

    /// More own stake never costs a seat by stake.
    #[test]
    fn more_own_stake_does_not_cost_the_seat(raw in raw(), seats in 1u32..20, more in 1u128..1 << 90) {
        let rules = super::by_stake(seats);
        let before = winners(&elect(&ballot(&raw), &rules));
        for lucky in before.iter().take(3) {
            let mut richer = raw.clone();
            richer.0[*lucky as usize] += more;
            let after = winners(&elect(&ballot(&richer), &rules));
            prop_assert!(after.contains(lucky), "{lucky} had a seat, and lost it with more own stake");
        }
    }

    /// Voters with one mind and the stake of `l` seats in `n` have `l` seats, if so many stand (proportionality, in the
    /// form of D'Hondt without rounding: own stakes none, so that the blocks are all the stake).
    #[test]
    fn blocks_of_stake_have_their_share_of_seats(
        blocks in prop::collection::vec(1u128..1_000, 1..4),
        seats in 1u32..16,
    ) {
        // Each block has 16 candidates of its own.
        let mut ballot = Ballot::new(&[0; 16 * 4]).unwrap();
        for (block, stake) in (0u32..).zip(&blocks) {
            ballot.vote(*stake, &(block * 16..block * 16 + 16).collect::<Vec<_>>()).unwrap();
        }
        let chosen = winners(&elect(&ballot, &super::by_stake(seats)));
        let total: u128 = blocks.iter().sum();
        for (block, stake) in (0u32..).zip(&blocks) {
            let has = chosen.iter().filter(|who| **who / 16 == block).count() as u128;
            prop_assert!(has >= u128::from(seats) * stake / total, "{has} of {seats} seats for {stake} of {total}");
        }
    }
}

#[test]
fn ballots_beyond_the_limits_are_refused() {
    assert_eq!(Ballot::new(&[0; 1_001]), Err(BallotError::TooManyCandidates(1_001)));
    assert_eq!(Ballot::new(&[u128::MAX, 1]), Err(BallotError::TooMuchStake));
    let mut ballot = Ballot::new(&[0; CANDIDATES_MAX as usize]).unwrap();
    let many: Vec<u32> = (0..=TARGETS_MAX).collect();
    assert_eq!(ballot.vote(1, &many), Err(BallotError::TooManyTargets { voter: 0, count: 17 }));
    let nobody = BallotError::NoSuchCandidate { voter: 0, target: 1_000, candidates: 1_000 };
    assert_eq!(ballot.vote(1, &[3, 1_000]), Err(nobody));
    assert_eq!(ballot.vote(u128::MAX, &[3]), Ok(0));
    let before = ballot.clone();
    assert_eq!(ballot.vote(1, &[3]), Err(BallotError::TooMuchStake));
    assert_eq!(ballot, before);
    for _ in 1..VOTERS_MAX {
        ballot.vote(0, &[]).unwrap();
    }
    assert_eq!(ballot.vote(0, &[]), Err(BallotError::TooManyVoters));
    assert_eq!((ballot.stake(VOTERS_MAX), ballot.targets(VOTERS_MAX), ballot.own(2_000)), (0, &[][..], 0));
}

#[test]
fn nobody_and_no_seats() {
    let nobody = Ballot::new(&[]).unwrap();
    assert_eq!(elect(&nobody, &super::by_stake(5)), crate::Outcome::default());
    let mut one = Ballot::new(&[7]).unwrap();
    one.vote(3, &[0]).unwrap();
    assert_eq!(elect(&one, &super::by_stake(0)), crate::Outcome::default());
}

/// Loads of the most seats with the most stake: nothing saturates, so all stake is given.
#[test]
fn the_largest_numbers_are_divided_exactly() {
    let mut ballot = Ballot::new(&[1; CANDIDATES_MAX as usize]).unwrap();
    let heavy = u128::MAX / 64;
    for voter in 0..63u32 {
        ballot
            .vote(heavy, &(0..16).map(|turn| (voter * 16 + turn) % CANDIDATES_MAX).collect::<Vec<_>>())
            .unwrap();
    }
    let rules = super::by_stake(CANDIDATES_MAX);
    let outcome = elect(&ballot, &rules);
    assert_eq!(verify(&ballot, &rules, &outcome), Ok(()));
    let backed: u128 = outcome.seats.iter().map(|seat| seat.backing).sum();
    assert_eq!(backed, ballot.total());
    // Sixteen equal candidates each: the parts are equal but for the order of election and rounding.
    for share in outcome.shares.iter().filter(|share| (1..60).contains(&share.voter)) {
        let apart = share.amount.abs_diff(heavy / 16);
        assert!(apart <= 16, "voter {}: {} instead of {}", share.voter, share.amount, heavy / 16);
    }
}
