//! From stake to the weight of votes.

use alloc::vec::Vec;

use basalt_primitives::{Balance, Perbill};

/// Powers sum to less than this, so that three times their sum is a `u64`.
pub const POWER_TOTAL_MAX: u64 = 1 << 61;
/// The whole issuance is worth about this much power.
const ISSUANCE_POWER: u128 = 1 << 60;

/// The power of each stake: in proportion, at least 1, together below [`POWER_TOTAL_MAX`], and none above the share `cap`
/// of all powers, or above an equal share where `cap` is less than that; but the cap takes at most a quarter of all
/// power away.
///
/// One unit of power is `issuance / 2^60` of stake, rounded up, so powers of different sets compare while the issuance
/// stays. Those above the cap are lowered to one level, which is rounded down; nothing else is rounded.
///
/// What is taken from the heavy raises the share of all others. Without the bound of a quarter, a crowd of validators with
/// next to no stake would have most votes of a young chain with two or three operators. With it, who has less than a
/// quarter of the stake never has a third of the votes (but for the unit that everybody has at least). `cap` 100 % turns
/// lowering off.
pub fn powers(stakes: &[Balance], issuance: Balance, cap: Perbill) -> Vec<u64> {
    let staked = stakes.iter().fold(0, |sum: Balance, stake| sum.saturating_add(*stake));
    // Rounded up: below 2^60 for all stakes together, and the 1 that each has at least cannot lift that to 2^61.
    let unit = issuance.max(staked).div_ceil(ISSUANCE_POWER).max(1);
    let mut powers: Vec<u64> =
        stakes.iter().map(|stake| u64::try_from(stake / unit).unwrap_or(POWER_TOTAL_MAX).max(1)).collect();
    let level = level(&powers, cap).max(least_level(&powers));
    for power in &mut powers {
        *power = (*power).min(level);
    }
    powers
}

/// The highest power `l` that is at most the share `s` of all, if all are lowered to `l` at most.
///
/// With the `k` heaviest lowered and the rest worth `r`, that is `l = s (k l + r)`, so `l = s r / (1 - s k)`. The right
/// `k` is the least for which the next power needs no lowering. It exists because `s` is at least one n-th.
fn level(powers: &[u64], cap: Perbill) -> u64 {
    let count = powers.len() as u128;
    let (parts, whole) = (u128::from(cap.deconstruct()), u128::from(Perbill::ACCURACY));
    let (share, of) = if parts.saturating_mul(count) < whole { (1, count) } else { (parts, whole) };
    let mut sorted = powers.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let mut rest: u128 = powers.iter().map(|power| u128::from(*power)).sum();
    for (lowered, power) in (0u128..).zip(&sorted) {
        let Some(divisor) = of.checked_sub(share * lowered).filter(|divisor| *divisor > 0) else { break };
        // Powers are below 2^61 and shares below 2^30, so the products are below 2^92.
        if u128::from(*power) * divisor <= share * rest {
            return if lowered == 0 {
                u64::MAX
            } else {
                u64::try_from(share * rest / divisor).unwrap_or(*power)
            };
        }
        rest -= u128::from(*power);
    }
    u64::MAX
}

/// The least level that leaves three quarters of all power, if all above it are lowered to it.
///
/// With the `k` heaviest lowered and the rest worth `r` of `t`, that is `k l + r >= 3 t / 4`. The right `k` is the least
/// for which the next power needs no lowering.
fn least_level(powers: &[u64]) -> u64 {
    let mut sorted = powers.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let total: u128 = powers.iter().map(|power| u128::from(*power)).sum();
    let mut rest = total;
    for (lowered, power) in (1u128..).zip(&sorted) {
        rest -= u128::from(*power);
        let next = sorted.get(usize::try_from(lowered).unwrap_or(usize::MAX)).copied().unwrap_or(0);
        // Powers sum to less than 2^61, so the products are far below 2^128.
        let level = (3 * total).saturating_sub(4 * rest).div_ceil(4 * lowered);
        if level >= u128::from(next) {
            return u64::try_from(level).unwrap_or(u64::MAX);
        }
    }
    0
}
