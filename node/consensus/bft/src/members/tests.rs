use basalt_primitives::{AccountId, H256, hashing::blake2_256};
use basalt_runtime_api::{Validator, ValidatorSet};
use ed25519_zebra::SigningKey;
use parity_scale_codec::Encode;
use proptest::prelude::*;

use super::{Members, MembersError, POWER_MAX};

fn set(powers: &[u64]) -> ValidatorSet {
    let validators = (0u8..).zip(powers).map(|(index, power)| Validator {
        account: AccountId::from([index; 32]),
        vote_key: SigningKey::from([index + 1; 32]).verification_key().into(),
        vrf_key: [index; 32],
        power: *power,
    });
    ValidatorSet { id: 1, validators: validators.collect() }
}

#[test]
fn sets_that_could_not_decide_are_refused_with_the_validator() {
    let new = |set: &ValidatorSet| Members::new(set, H256([0; 32]));
    assert_eq!(new(&set(&[])), Err(MembersError::Empty));
    assert_eq!(new(&set(&[1, 0])), Err(MembersError::Power(1, 0)));
    assert_eq!(new(&set(&[1, POWER_MAX - 1])), Err(MembersError::Power(1, POWER_MAX - 1)));
    assert!(new(&set(&[1, POWER_MAX - 2])).is_ok());
    let mut twice = set(&[1, 2]);
    twice.validators[1].vote_key = twice.validators[0].vote_key;
    assert_eq!(new(&twice), Err(MembersError::Twice(1)));
    let mut bad = set(&[1, 2]);
    bad.validators[0].vote_key = [2; 32];
    assert_eq!(new(&bad), Err(MembersError::BadKey(0)));
}

#[test]
fn the_order_of_proposers_is_pinned() {
    // A change would split the network: every node must draw the same.
    let members = Members::new(&set(&[10, 20, 30, 40, 50]), H256([42; 32])).unwrap();
    let order: Vec<_> = (0..7).map(|round| members.proposer(round).0).collect();
    assert_eq!(order[..2], order[5..], "it begins anew");
    assert_eq!(order[..5], PINNED);
}

const PINNED: [usize; 5] = [2, 0, 4, 3, 1];

#[test]
fn the_first_turn_is_drawn_by_power() {
    // 1 : 3. Over 4,000 seeds the share of the second is 3/4, with a deviation of 27: five of them are never seen.
    let set = set(&[1, 3]);
    let mut second = 0;
    for seed in 0u32..4000 {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&seed.to_le_bytes());
        second += Members::new(&set, H256(bytes)).unwrap().proposer(0).0;
    }
    assert!((2865..3135).contains(&second), "{second}");
}

/// The seed of the next height after one that this validator proposed: as `seed_after` has it, with a hash for its VRF's
/// output, which nobody chooses either.
fn next_seed(seed: H256, proposer: usize) -> H256 {
    H256(blake2_256(&(b"basalt/seed", blake2_256(&(seed, proposer as u64).encode())).encode()))
}

#[test]
fn over_thousands_of_heights_blocks_are_authored_in_proportion_to_power() {
    // From a hundredth to a third of the power.
    let powers = [1u64, 2, 3, 5, 8, 10, 14, 17, 33, 7];
    let total: u64 = powers.iter().sum();
    let set = set(&powers);
    let heights = 8_000u64;
    let mut seed = H256([21; 32]);
    let mut authored = [0u64; 10];
    for _ in 0..heights {
        let (place, _) = Members::new(&set, seed).unwrap().proposer(0);
        authored[place] += 1;
        seed = next_seed(seed, place);
    }
    // Pearson's test. In millionths: the sum of (seen - expected)² / expected.
    let chi_square: u128 = (authored.iter().zip(powers))
        .map(|(seen, power)| {
            let expected = u128::from(heights * power);
            let difference = u128::from(*seen * total).abs_diff(expected);
            difference * difference * 1_000_000 / (expected * u128::from(total))
        })
        .sum();
    // Nine degrees of freedom: a fair draw exceeds 21.67 once in a hundred seeds, and one that ignores power always.
    assert!(chi_square < 21_670_000, "{chi_square} of {authored:?}");
    // And it would see that.
    let even = heights / 10;
    let unfair: u128 = powers
        .iter()
        .map(|power| {
            let expected = u128::from(heights * power);
            let difference = u128::from(even * total).abs_diff(expected);
            difference * difference * 1_000_000 / (expected * u128::from(total))
        })
        .sum();
    assert!(unfair > 1_000_000_000, "equal shares are told apart: {unfair}");
}

#[test]
fn those_with_a_third_of_the_power_propose_no_half_of_an_epoch() {
    // They could leave out anybody's votes in half of the blocks otherwise, and have him chilled for absence.
    let powers = [33u64, 20, 20, 20, 7];
    let set = set(&powers);
    let mut seed = H256([5; 32]);
    for epoch in 0..40 {
        let mut theirs = 0;
        for _ in 0..200 {
            let (place, _) = Members::new(&set, seed).unwrap().proposer(0);
            theirs += u32::from(place == 0);
            seed = next_seed(seed, place);
        }
        assert!(theirs < 100, "{theirs} of 200 in epoch {epoch}");
    }
}

proptest! {
    #[test]
    fn everyone_has_a_turn_before_anyone_has_two(
        powers in proptest::collection::vec(1u64..1 << 40, 1..20),
        seed: [u8; 32],
    ) {
        let members = Members::new(&set(&powers), H256(seed)).unwrap();
        let mut turns: Vec<_> = (0..powers.len()).map(|round| members.proposer(round as u32).0).collect();
        turns.sort_unstable();
        prop_assert_eq!(turns, (0..powers.len()).collect::<Vec<_>>());
        for (place, member) in members.all().iter().enumerate() {
            prop_assert_eq!(members.by_key(&member.vote_key()).unwrap().0, place);
        }
    }

    #[test]
    fn a_quorum_is_more_than_two_thirds(total in 1u64..1 << 60, signed in 0u64..1 << 60) {
        let members = Members::new(&set(&[total]), H256([0; 32])).unwrap();
        let exact = u128::from(signed) * 3 > u128::from(total) * 2;
        prop_assert_eq!(members.is_quorum(signed), exact);
    }
}
