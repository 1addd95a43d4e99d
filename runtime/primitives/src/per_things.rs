//! Shares of one whole, in fixed steps.

use parity_scale_codec::{CompactAs, Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A share in billionths.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    CompactAs,
    MaxEncodedLen,
    TypeInfo,
)]
#[scale_info(replace_segment("basalt_primitives", "sp_arithmetic"))]
pub struct Perbill(u32);

/// A share in millionths.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
#[scale_info(replace_segment("basalt_primitives", "sp_arithmetic"))]
pub struct Permill(u32);

/// A share in hundredths.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
#[scale_info(replace_segment("basalt_primitives", "sp_arithmetic"))]
pub struct Percent(u8);

impl Percent {
    /// How many parts make a whole.
    pub const ACCURACY: u32 = 100;

    /// `parts` hundredths, at most the whole.
    pub const fn from_percent(parts: u8) -> Self {
        Self(if parts > 100 { 100 } else { parts })
    }

    /// The hundredths.
    pub const fn deconstruct(self) -> u8 {
        self.0
    }

    /// This share of `amount`, rounded down.
    pub fn mul_floor(self, amount: u128) -> u128 {
        share_of(amount, self.0.into(), Self::ACCURACY)
    }
}

impl Perbill {
    /// How many parts make a whole.
    pub const ACCURACY: u32 = 1_000_000_000;

    /// `parts` billionths, at most the whole.
    pub const fn from_parts(parts: u32) -> Self {
        Self(if parts > Self::ACCURACY { Self::ACCURACY } else { parts })
    }

    /// `percent` hundredths, at most the whole.
    pub const fn from_percent(percent: u32) -> Self {
        Self(at_most_100(percent) * (Self::ACCURACY / 100))
    }

    /// The billionths.
    pub const fn deconstruct(self) -> u32 {
        self.0
    }

    /// This share of `amount`, rounded down.
    pub fn mul_floor(self, amount: u128) -> u128 {
        share_of(amount, self.0, Self::ACCURACY)
    }
}

impl Permill {
    /// How many parts make a whole.
    pub const ACCURACY: u32 = 1_000_000;

    /// `parts` millionths, at most the whole.
    pub const fn from_parts(parts: u32) -> Self {
        Self(if parts > Self::ACCURACY { Self::ACCURACY } else { parts })
    }

    /// `percent` hundredths, at most the whole.
    pub const fn from_percent(percent: u32) -> Self {
        Self(at_most_100(percent) * (Self::ACCURACY / 100))
    }

    /// The millionths.
    pub const fn deconstruct(self) -> u32 {
        self.0
    }

    /// This share of `amount`, rounded down.
    pub fn mul_floor(self, amount: u128) -> u128 {
        share_of(amount, self.0, Self::ACCURACY)
    }
}

const fn at_most_100(percent: u32) -> u32 {
    if percent > 100 { 100 } else { percent }
}

/// `amount * parts / whole` rounded down. A decoded share may exceed the whole; it then counts as the whole.
fn share_of(amount: u128, parts: u32, whole: u32) -> u128 {
    let (parts, whole) = (u128::from(parts.min(whole)), u128::from(whole));
    // Split first: `rest * parts` is below whole², some 10^18, and the sum is at most `amount`.
    (amount / whole) * parts + (amount % whole) * parts / whole
}
