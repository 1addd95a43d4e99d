//! Ledgers, ranks and curves: what needs no chain.

use issuance::{Curve, EraFacts, Halving, Issuance, YEAR_MS};
use order::Rank;
use parity_scale_codec::Encode;
use proptest::prelude::*;

use super::*;

fn facts(supply: Balance, staked: Balance, duration_ms: Moment, age_ms: Moment) -> EraFacts {
    EraFacts { supply, staked, duration_ms, age_ms }
}

const CURVE: Curve =
    Curve { min: 25_000_000, max: 100_000_000, ideal_stake: 500_000_000, falloff: 50_000_000 };

#[test]
fn the_curve_has_the_values_that_are_written_about_it() {
    for (staked, rate) in [
        (0, 25_000_000),
        (250_000_000, 62_500_000),
        (500_000_000, 100_000_000),
        // Each 5 % more halve what is above the minimum.
        (525_000_000, 81_250_000),
        (550_000_000, 62_500_000),
        (600_000_000, 43_750_000),
        (1_000_000_000, 25_073_242),
    ] {
        assert_eq!(CURVE.rate(staked), rate, "{staked}");
    }
    // A year in which exactly the ideal share was at stake: all for stakers.
    let payout = CURVE.payout(&facts(1_000_000, 500_000, YEAR_MS, 0));
    assert_eq!((payout.stakers, payout.remainder), (100_000, 0));
    let payout = CURVE.payout(&facts(1_000_000, 250_000, YEAR_MS / 2, 0));
    assert_eq!((payout.stakers, payout.remainder), (31_250, 18_750));
    // Shapes that make no sense do not panic.
    let flat = Curve { min: 5, max: 1, ideal_stake: 0, falloff: 0 };
    assert_eq!((flat.rate(0), flat.rate(1), flat.rate(u32::MAX)), (1, 1, 1));
}

#[test]
fn fixed_and_halving_amounts() {
    let fixed = Fixed { per_year: 1_000 }.payout(&facts(7, 1, YEAR_MS / 4, 0));
    assert_eq!((fixed.stakers, fixed.remainder), (250, 0));
    let halving = Halving { per_year: 1_000, interval_ms: 100 };
    for (age, paid) in [(0, 1_000), (99, 1_000), (100, 500), (350, 125), (1_000, 0), (u64::MAX, 0)] {
        assert_eq!(halving.payout(&facts(7, 1, YEAR_MS, age)).stakers, paid, "{age}");
    }
    let never = Halving { per_year: 1_000, interval_ms: 0 };
    assert_eq!(never.payout(&facts(7, 1, YEAR_MS, u64::MAX)).stakers, 1_000);
}

#[test]
fn durations_leave_time_to_punish() {
    let window = |bonding, slash_defer| Durations { bonding, slash_defer }.evidence_window();
    assert_eq!(window(28, 7), Some(18));
    assert_eq!(window(4, 0), Some(1));
    assert_eq!(window(3, 0), None);
    assert_eq!(window(5, 9), None);
}

proptest! {
    #[test]
    fn ranks_sort_by_stake_and_then_by_account(a: u128, b: u128, x: [u8; 32], y: [u8; 32]) {
        let (one, other) = (Rank::new(AccountId32(x), a), Rank::new(AccountId32(y), b));
        let expected = b.cmp(&a).then(x.cmp(&y));
        prop_assert_eq!(one.encode().cmp(&other.encode()), expected);
        prop_assert_eq!((one.stake(), one.who()), (a, AccountId32(x)));
    }

    #[test]
    fn the_curve_rises_to_the_ideal_and_falls_after_it(a in 0..=1_000_000_000u32, b in 0..=1_000_000_000u32) {
        let (low, high) = (a.min(b), a.max(b));
        if high <= CURVE.ideal_stake {
            prop_assert!(CURVE.rate(low) <= CURVE.rate(high));
        } else if low >= CURVE.ideal_stake {
            prop_assert!(CURVE.rate(low) >= CURVE.rate(high));
        }
        prop_assert!((CURVE.min..=CURVE.max).contains(&CURVE.rate(a)));
    }

    /// Nothing appears or vanishes in a ledger, whatever happens to it, and a slash takes all that it can.
    #[test]
    fn ledgers_add_up(steps in prop::collection::vec((0..4u8, 0..300u128, 0..12u32), 0..40)) {
        let mut ledger = StakingLedger::new(account(1), 1_000);
        let (mut gone, mut era) = (0, 0);
        for (kind, value, wait) in steps {
            let before = ledger.clone();
            match kind {
                0 => { let _ = ledger.unbond(value, ED, era + 7); }
                1 => { ledger.rebond(value); }
                2 => {
                    let taken = ledger.slash(value);
                    prop_assert_eq!(taken, value.min(before.total));
                    gone += taken;
                }
                _ => { era += wait; gone += ledger.consolidate(era); }
            }
            let unlocking: Balance = ledger.unlocking.iter().map(|chunk| chunk.value).sum();
            prop_assert_eq!(ledger.total, ledger.active + unlocking);
            prop_assert_eq!(ledger.total + gone, 1_000);
            prop_assert!(ledger.unlocking.len() <= MAX_UNLOCKING_CHUNKS as usize);
            prop_assert!(kind == 3 || ledger.unlocking.iter().all(|chunk| chunk.value > 0));
        }
    }
}
