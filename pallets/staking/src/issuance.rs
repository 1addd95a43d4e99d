//! How much is issued for an era: pure functions of supply, stake and time, behind one trait.

use basalt_primitives::{Balance, Moment, Perbill, multiply_divide};
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Milliseconds of a year of 365.25 days.
pub const YEAR_MS: Moment = 31_557_600_000;

/// After this many halvings nothing is left of any amount.
const HALVINGS_MAX: u64 = 127;

/// What an era was like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EraFacts {
    /// All there is at its end.
    pub supply: Balance,
    /// What stands behind its validators.
    pub staked: Balance,
    /// How long it took, as far as that is paid for.
    pub duration_ms: Moment,
    /// How old the chain was when it began.
    pub age_ms: Moment,
}

/// What an era is worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EraPayout {
    /// For validators and nominators.
    pub stakers: Balance,
    /// For the treasury.
    pub remainder: Balance,
}

/// How much is issued for an era.
pub trait Issuance {
    /// What the era is worth. Deterministic, and never panics.
    fn payout(&self, facts: &EraFacts) -> EraPayout;
}

/// What a chain may choose at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub enum IssuanceModel {
    /// A share of the supply per year that depends on how much is at stake.
    #[codec(index = 0)]
    Curve(Curve),
    /// The same amount each year.
    #[codec(index = 1)]
    Fixed(Fixed),
    /// An amount per year that halves again and again.
    #[codec(index = 2)]
    Halving(Halving),
}

impl Issuance for IssuanceModel {
    fn payout(&self, facts: &EraFacts) -> EraPayout {
        match self {
            Self::Curve(curve) => curve.payout(facts),
            Self::Fixed(fixed) => fixed.payout(facts),
            Self::Halving(halving) => halving.payout(facts),
        }
    }
}

/// As much as [`Curve::max`] of the supply is issued per year. Stakers get all of it if exactly the ideal share of the supply
/// is at stake, less with less stake (in proportion, down to [`Curve::min`]), and less with more stake: there their rate
/// above the minimum halves with each [`Curve::falloff`], in straight lines between the halvings. The rest is the remainder.
///
/// The shape is that of Polkadot's first years ("Token economics", Web3 Foundation); there the right branch is the
/// exponential itself, and here its values are exact at each halving and at most 6.2 % above it between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub struct Curve {
    /// Stakers' rate with nothing at stake, in billionths per year.
    pub min: u32,
    /// Stakers' rate with the ideal stake, and what is issued in any case, in billionths per year.
    pub max: u32,
    /// The ideal stake, in billionths of the supply.
    pub ideal_stake: u32,
    /// After how much more stake the rate above the minimum halves, in billionths of the supply.
    pub falloff: u32,
}

impl Curve {
    /// Stakers' rate in billionths per year, with `staked` billionths of the supply at stake.
    pub fn rate(&self, staked: u32) -> u32 {
        let min = self.min.min(self.max);
        let range = u64::from(self.max - min);
        let (staked, ideal) = (u64::from(staked), u64::from(self.ideal_stake));
        let above_min = if staked <= ideal {
            // With an ideal of zero nothing is ever below it.
            (range * staked).checked_div(ideal).unwrap_or(range)
        } else {
            let falloff = u64::from(self.falloff.max(1));
            let (halvings, rest) = ((staked - ideal) / falloff, (staked - ideal) % falloff);
            if halvings >= 63 {
                0
            } else {
                // Between two halvings: a straight line from `range / 2^h` to half of that.
                (range * (2 * falloff - rest) / (2 * falloff)) >> halvings
            }
        };
        // At most `range`, so it fits.
        min + u32::try_from(above_min).unwrap_or(0)
    }
}

impl Issuance for Curve {
    fn payout(&self, facts: &EraFacts) -> EraPayout {
        let billion = u128::from(Perbill::ACCURACY);
        let staked =
            multiply_divide(facts.staked, billion, facts.supply.max(1)).unwrap_or(billion).min(billion);
        let rate = self.rate(u32::try_from(staked).unwrap_or(Perbill::ACCURACY));
        let year = |rate: u32| multiply_divide(facts.supply, rate.into(), billion).unwrap_or(0);
        let stakers = part_of_year(year(rate), facts.duration_ms);
        let all = part_of_year(year(self.max), facts.duration_ms);
        EraPayout { stakers, remainder: all.saturating_sub(stakers) }
    }
}

/// The same amount each year, all for stakers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub struct Fixed {
    /// How much per year, in the smallest unit.
    pub per_year: u128,
}

impl Issuance for Fixed {
    fn payout(&self, facts: &EraFacts) -> EraPayout {
        EraPayout { stakers: part_of_year(self.per_year, facts.duration_ms), remainder: 0 }
    }
}

/// An amount per year that halves again and again, all for stakers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub struct Halving {
    /// How much in the first year, if no halving fell into it, in the smallest unit.
    pub per_year: u128,
    /// After how many milliseconds it halves. An era is paid for by the rate with which it began.
    pub interval_ms: u64,
}

impl Issuance for Halving {
    fn payout(&self, facts: &EraFacts) -> EraPayout {
        let halvings = facts.age_ms.checked_div(self.interval_ms).unwrap_or(0).min(HALVINGS_MAX);
        EraPayout { stakers: part_of_year(self.per_year >> halvings, facts.duration_ms), remainder: 0 }
    }
}

/// What a yearly amount is for this time, rounded down.
fn part_of_year(yearly: Balance, duration_ms: Moment) -> Balance {
    multiply_divide(yearly, duration_ms.into(), YEAR_MS.into()).unwrap_or(0)
}
