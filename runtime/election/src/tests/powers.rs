//! From stake to power.

use alloc::vec::Vec;

use basalt_primitives::Perbill;
use proptest::prelude::*;

use crate::{POWER_TOTAL_MAX, powers};

const CAP: Perbill = Perbill::from_percent(20);
const NO_CAP: Perbill = Perbill::from_percent(100);

#[test]
fn small_currencies_keep_each_unit() {
    assert_eq!(powers(&[10, 20, 0], 1_000, NO_CAP), [10, 20, 1]);
}

#[test]
fn large_currencies_are_scaled_to_the_issuance() {
    let issuance = 1u128 << 90;
    assert_eq!(powers(&[issuance / 2, issuance / 4, 1], issuance, NO_CAP), [1 << 59, 1 << 58, 1]);
}

#[test]
fn heavy_ones_are_lowered_to_the_cap() {
    // 20 % of 20 + 4 * 15 would be 16; of 15 + 4 * 15 it is 15.
    assert_eq!(powers(&[20, 15, 15, 15, 15], 1_000, CAP), [15, 15, 15, 15, 15]);
    // One above the cap: 20 % of 20 + 8 * 10 is 20.
    let mut stakes = [10u128; 9];
    stakes[4] = 30;
    assert_eq!(powers(&stakes, 10_000, CAP), [10, 10, 10, 10, 20, 10, 10, 10, 10]);
    // Exactly at the cap.
    assert_eq!(powers(&[20, 20, 20, 20, 20], 1_000, CAP), [20; 5]);
    // Fewer than five cannot be below 20 % each: an equal share is the least that the cap may be.
    assert_eq!(powers(&[12, 12, 12, 10], 1_000, CAP), [10; 4]);
    assert_eq!(powers(&[7], 1_000, CAP), [7]);
    assert_eq!(powers(&[], 1_000, CAP), []);
}

/// A young chain: two operators hold nearly all, and somebody brings ten validators with next to nothing.
#[test]
fn a_crowd_without_stake_gets_no_say() {
    let mut stakes = [1u128; 12];
    (stakes[0], stakes[1]) = (1_000, 1_000);
    let all = powers(&stakes, 10_000, CAP);
    // Three quarters of 2,010 are left, ten of them the crowd's.
    assert_eq!((all[0], all[1], all[2]), (749, 749, 1));
    assert_eq!(powers(&[60, 15, 15, 15, 15], 1_000, CAP), [30, 15, 15, 15, 15]);
}

proptest! {
    /// Who has less than a quarter of the stake has less than a third of the votes.
    #[test]
    fn a_quarter_of_the_stake_decides_nothing(
        stakes in prop::collection::vec(1u128..1 << 20, 2..40),
        few in 1usize..40,
        parts in 0..=Perbill::ACCURACY,
    ) {
        let all = powers(&stakes, 1 << 40, Perbill::from_parts(parts));
        let few = few.min(stakes.len());
        let (stake, of): (u128, u128) = (stakes[..few].iter().sum(), stakes.iter().sum());
        let power: u128 = all[..few].iter().map(|power| u128::from(*power)).sum();
        let total: u128 = all.iter().map(|power| u128::from(*power)).sum();
        if stake * 4 < of {
            prop_assert!(power * 3 < total, "{stake} of {of} have {power} of {total}");
        }
    }

    #[test]
    fn powers_keep_their_bounds(
        stakes in prop::collection::vec(
            prop_oneof![Just(0u128), 0u128..100, 0u128..1 << 64, 0u128..1 << 110],
            1..60,
        ),
        parts in 0..=Perbill::ACCURACY,
        more in prop_oneof![Just(0u128), 0u128..1 << 61, 0u128..1 << 115],
    ) {
        let issuance = stakes.iter().sum::<u128>() + more;
        let cap = Perbill::from_parts(parts);
        let all = powers(&stakes, issuance, cap);
        let free = powers(&stakes, issuance, NO_CAP);
        let total: u128 = all.iter().map(|power| u128::from(*power)).sum();
        prop_assert!(total < u128::from(POWER_TOTAL_MAX));
        prop_assert!(free.iter().map(|power| u128::from(*power)).sum::<u128>() < u128::from(POWER_TOTAL_MAX));
        let highest = u128::from(*all.iter().max().unwrap());
        let count = all.len() as u128;
        for (power, free) in all.iter().zip(&free) {
            prop_assert!(*power >= 1 && power <= free);
            // Only those at the level are lowered, so the order stays.
            prop_assert!(power == free || u128::from(*power) == highest);
        }
        let uncapped: u128 = free.iter().map(|power| u128::from(*power)).sum();
        let lowered = all.iter().zip(&free).filter(|(power, free)| power < free).count() as u128;
        prop_assert!(total * 4 >= uncapped * 3, "at most a quarter is cut: {total} of {uncapped}");
        // One less for each that was lowered would cut too much: then the cap need not hold.
        let at_bound = (total - lowered) * 4 < uncapped * 3;
        let feasible = u128::from(parts) * count >= 1_000_000_000;
        if feasible {
            prop_assert!(at_bound || highest * 1_000_000_000 <= total * u128::from(parts), "{highest} of {total}");
        } else {
            prop_assert!(at_bound || highest * count == total);
        }
        // The level is the highest possible: one more for each that was lowered breaks the cap.
        if lowered > 0 && feasible {
            prop_assert!((highest + 1) * 1_000_000_000 > (total + lowered) * u128::from(parts));
        }
    }

    #[test]
    fn more_stake_is_no_less_power(
        stakes in prop::collection::vec(0u128..1 << 70, 2..30),
    ) {
        let all: Vec<u64> = powers(&stakes, 1 << 80, CAP);
        for (stake, power) in stakes.iter().zip(&all) {
            for (other, others) in stakes.iter().zip(&all) {
                prop_assert!(stake < other || power >= others);
            }
        }
    }
}

/// Each is at least 1, though all stake is one's: the sum stays below the bound.
#[test]
fn the_least_power_does_not_break_the_sum() {
    let issuance = (1u128 << 61) - 1;
    let mut stakes = [0u128; 400];
    stakes[0] = issuance;
    assert!(powers(&stakes, issuance, NO_CAP).iter().sum::<u64>() < POWER_TOTAL_MAX);
    // Stakes beyond the issuance, which cannot be, are not believed either.
    assert!(powers(&[u128::MAX, u128::MAX], 1, NO_CAP).iter().sum::<u64>() < POWER_TOTAL_MAX);
}
