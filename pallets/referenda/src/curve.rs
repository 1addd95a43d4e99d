//! How much agreement a referendum needs, as time goes by.

use basalt_primitives::Perbill;
use parity_scale_codec::{Decode, Encode};
use scale_info::{Path, Type, TypeInfo, build::Fields};

const ONE: u32 = Perbill::ACCURACY;

/// A number with nine decimals: the inner integer is the number times 10^9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct FixedI64(pub i64);

impl TypeInfo for FixedI64 {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(Path::from_segments_unchecked(["sp_arithmetic", "fixed_point", "FixedI64"]))
            .composite(Fields::unnamed().field(|f| f.ty::<i64>().type_name("i64")))
    }
}

/// What share is needed (`y`) when which share of the decision period is over (`x`). Curves never rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_referenda", "pallet_referenda"))]
#[scale_info(replace_segment("curve", "types"))]
pub enum Curve {
    /// From `ceil` down in a straight line to `floor` at `length`, and level from there.
    #[codec(index = 0)]
    LinearDecreasing {
        /// Where the floor is reached.
        length: Perbill,
        /// The least.
        floor: Perbill,
        /// The most.
        ceil: Perbill,
    },
    /// From `begin` down by `step` after each `period`, to `end`.
    #[codec(index = 1)]
    SteppedDecreasing {
        /// The most.
        begin: Perbill,
        /// The least.
        end: Perbill,
        /// How far each step goes.
        step: Perbill,
        /// How long each step lasts.
        period: Perbill,
    },
    /// `factor / (x + x_offset) + y_offset`, between nothing and the whole: steep at first, flat later.
    #[codec(index = 2)]
    Reciprocal {
        /// How far it falls.
        factor: FixedI64,
        /// How steep it begins.
        x_offset: FixedI64,
        /// How deep it lies.
        y_offset: FixedI64,
    },
}

impl Curve {
    /// The share that is needed at `x`.
    pub fn threshold(&self, x: Perbill) -> Perbill {
        let x = x.deconstruct().min(ONE);
        match *self {
            Self::LinearDecreasing { length, floor, ceil } => {
                let (length, floor, ceil) = (length.deconstruct(), floor.deconstruct(), ceil.deconstruct());
                let fall = u64::from(ceil.saturating_sub(floor)) * u64::from(x.min(length));
                // A fall that takes no time is over at once.
                let fallen = fall.checked_div(length.into()).map_or(ceil.saturating_sub(floor), |fallen| {
                    // At most `ceil - floor`, as `x.min(length)` is at most `length`.
                    u32::try_from(fallen).unwrap_or(u32::MAX)
                });
                Perbill::from_parts(ceil.saturating_sub(fallen))
            }
            Self::SteppedDecreasing { begin, end, step, period } => {
                let steps = x.checked_div(period.deconstruct()).unwrap_or(u32::MAX);
                let fallen = u64::from(step.deconstruct()).saturating_mul(steps.into());
                let fallen = u32::try_from(fallen).unwrap_or(u32::MAX);
                let left = begin.deconstruct().saturating_sub(fallen);
                Perbill::from_parts(left.max(end.deconstruct()))
            }
            Self::Reciprocal { factor, x_offset, y_offset } => {
                let divisor = i128::from(x) + i128::from(x_offset.0);
                let product = i128::from(factor.0) * i128::from(ONE);
                let Some(height) = product.checked_div_euclid(divisor).filter(|_| divisor > 0) else {
                    return Perbill::from_parts(ONE);
                };
                let y = (height + i128::from(y_offset.0)).clamp(0, ONE.into());
                Perbill::from_parts(u32::try_from(y).unwrap_or(ONE))
            }
        }
    }

    /// Whether a share is enough at `x`.
    pub fn passing(&self, x: Perbill, y: Perbill) -> bool {
        y >= self.threshold(x)
    }

    /// The first `x` at which a share is enough; the whole if there is none. Found by halving, which is exact because curves
    /// never rise.
    pub fn delay(&self, y: Perbill) -> Perbill {
        let (mut low, mut high) = (0, ONE);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.passing(Perbill::from_parts(middle), y) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Perbill::from_parts(low)
    }
}
