//! Whether draws are fair.

use alloc::{vec, vec::Vec};

use basalt_primitives::{H256, Perbill, hashing::blake2_256};
use proptest::prelude::*;

use super::winners;
use crate::{Ballot, By, Rules, draw, elect};

fn seed(number: u32) -> H256 {
    H256(blake2_256(&number.to_le_bytes()))
}

/// Sum of (seen - expected)^2 / expected, in thousandths.
fn chi_square(seen: &[u64], expected: &[u64]) -> u64 {
    let term = |(seen, expected): (&u64, &u64)| 1_000 * seen.abs_diff(*expected).pow(2) / expected;
    seen.iter().zip(expected).map(term).sum()
}

#[test]
fn the_first_draw_goes_by_weight() {
    let weights = [1u128 << 100, 2 << 100, 3 << 100, 0, 4 << 100, 10 << 100];
    let mut seen = [0u64; 6];
    for number in 0..20_000 {
        seen[draw(b"test", &seed(number), &weights, 1)[0]] += 1;
    }
    assert_eq!(seen[3], 0, "what has no weight is never drawn");
    let seen = [seen[0], seen[1], seen[2], seen[4], seen[5]];
    // Four degrees of freedom: above 18.47 once in a thousand fair experiments.
    let chi = chi_square(&seen, &[1_000, 2_000, 3_000, 4_000, 10_000]);
    assert!(chi < 18_470, "{seen:?} is not fair: chi-square {chi} thousandths");
}

/// All orders of three, against their probabilities: 1/6 * 2/5, and so on.
#[test]
fn later_draws_go_by_what_is_left() {
    let orders: [(&[usize], u64); 6] = [
        (&[0, 1, 2], 12_000 * 2 / (6 * 5)),
        (&[0, 2, 1], 12_000 * 3 / (6 * 5)),
        (&[1, 0, 2], 12_000 * 2 / (6 * 4)),
        (&[1, 2, 0], 12_000 * 2 * 3 / (6 * 4)),
        (&[2, 0, 1], 12_000 * 3 / (6 * 3)),
        (&[2, 1, 0], 12_000 * 3 * 2 / (6 * 3)),
    ];
    let mut seen = [0u64; 6];
    for number in 0..12_000 {
        let drawn = draw(b"order", &seed(number), &[1, 2, 3], 3);
        seen[orders.iter().position(|(order, _)| *order == drawn).unwrap()] += 1;
    }
    let chi = chi_square(&seen, &orders.map(|(_, expected)| expected));
    // Five degrees of freedom: above 20.52 once in a thousand fair experiments.
    assert!(chi < 20_520, "{seen:?} is not fair: chi-square {chi} thousandths");
}

/// Two thirds of 2^128: a plain modulo would draw the first half of it twice as often as the second.
#[test]
fn weights_near_the_end_of_the_range_are_fair() {
    let third = u128::MAX / 3;
    let mut seen = [0u64; 2];
    for number in 0..10_000 {
        seen[draw(b"range", &seed(number), &[third, third], 1)[0]] += 1;
    }
    let chi = chi_square(&seen, &[5_000, 5_000]);
    assert!(chi < 10_830, "{seen:?} is not fair: chi-square {chi} thousandths");
}

/// Seats by lot, through an election: own stake, and votes split evenly.
#[test]
fn seats_by_lot_go_by_stake() {
    // Candidate 0 has the seat by stake; the others weigh 100, 200 (100 + 300/3), 300 (200 + 300/3), 400 (300 + 300/3).
    let mut ballot = Ballot::new(&[1_000_000, 100, 100, 200, 300]).unwrap();
    ballot.vote(300, &[2, 3, 4]).unwrap();
    let mut seen = [0u64; 4];
    for number in 0..10_000 {
        let rules = Rules { seats: 2, by_stake: Perbill::from_percent(50), seed: seed(number) };
        let outcome = elect(&ballot, &rules);
        assert_eq!((winners(&outcome)[0], outcome.seats[0].by, outcome.seats[1].by), (0, By::Stake, By::Lot));
        seen[winners(&outcome)[1] as usize - 1] += 1;
    }
    let chi = chi_square(&seen, &[1_000, 2_000, 3_000, 4_000]);
    // Three degrees of freedom: above 16.27 once in a thousand fair experiments.
    assert!(chi < 16_270, "{seen:?} is not fair: chi-square {chi} thousandths");
}

/// What a seed draws is part of the rules of the chain.
#[test]
fn a_seed_draws_the_same_for_ever() {
    let weights = [5, 1, 1, 1, 8, 0, 2];
    assert_eq!(draw(b"basalt/seats", &H256::repeat_byte(1), &weights, 6), FIRST);
    assert_ne!(draw(b"basalt/other", &H256::repeat_byte(1), &weights, 6), FIRST);
}

/// `basalt-consensus-bft` pins the same order: proposers are drawn by this function.
#[test]
fn proposers_are_drawn_as_ever() {
    let powers = [10, 20, 30, 40, 50];
    assert_eq!(draw(b"basalt/proposer", &H256::repeat_byte(42), &powers, 5), [2, 0, 4, 3, 1]);
}

const FIRST: [usize; 6] = [4, 0, 3, 2, 1, 6];

proptest! {
    #[test]
    fn a_draw_is_of_those_with_weight_and_of_nobody_twice(
        weights in prop::collection::vec(prop_oneof![Just(0u128), 1u128..10, any::<u128>()], 0..20),
        bytes in any::<[u8; 32]>(),
        count in 0usize..25,
    ) {
        let drawn = draw(b"any", &H256(bytes), &weights, count);
        let mut sorted = drawn.clone();
        sorted.sort_unstable();
        sorted.dedup();
        prop_assert_eq!(sorted.len(), drawn.len());
        // Beyond 2^128 weights are cut; below it, nobody with a weight is left out.
        let sum = weights.iter().try_fold(0u128, |sum, weight| sum.checked_add(*weight));
        let able: Vec<usize> = (0..weights.len()).filter(|place| weights[*place] > 0).collect();
        prop_assert!(drawn.iter().all(|place| able.contains(place)));
        if sum.is_some() {
            prop_assert_eq!(drawn.len(), count.min(able.len()));
        }
        // The draws of fewer are the first of those of more.
        let fewer = draw(b"any", &H256(bytes), &weights, count / 2);
        prop_assert_eq!(&fewer[..], &drawn[..fewer.len()]);
    }
}

#[test]
fn nothing_to_draw_from() {
    assert_eq!(draw(b"none", &H256::zero(), &[], 3), vec![0usize; 0]);
    assert_eq!(draw(b"none", &H256::zero(), &[0, 0], 3), vec![0usize; 0]);
}
