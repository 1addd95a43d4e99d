//! Decimal fractions that are the same on every machine.

use core::fmt;

use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use primitive_types::U256;
use scale_info::TypeInfo;

/// An unsigned number with 18 decimals: the inner integer is the number times 10^18.
///
/// Products and quotients are computed with 256 bits and rounded down.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
#[scale_info(replace_segment("basalt_primitives", "sp_arithmetic"))]
pub struct FixedU128(u128);

impl FixedU128 {
    /// What the inner integer of 1 is.
    pub const DIV: u128 = 1_000_000_000_000_000_000;
    /// The largest number, about 3.4 × 10^20.
    pub const MAX: Self = Self(u128::MAX);

    /// 0.
    pub const fn zero() -> Self {
        Self(0)
    }

    /// 1.
    pub const fn one() -> Self {
        Self(Self::DIV)
    }

    /// The number whose inner integer is `inner`.
    pub const fn from_inner(inner: u128) -> Self {
        Self(inner)
    }

    /// The number times 10^18.
    pub const fn into_inner(self) -> u128 {
        self.0
    }

    /// An integer, or [`Self::MAX`].
    pub const fn saturating_from_integer(integer: u128) -> Self {
        Self(integer.saturating_mul(Self::DIV))
    }

    /// `numerator / denominator` rounded down, or [`Self::MAX`] if that does not fit or `denominator` is 0.
    pub fn from_rational(numerator: u128, denominator: u128) -> Self {
        Self::checked_from_rational(numerator, denominator).unwrap_or(Self::MAX)
    }

    /// `numerator / denominator` rounded down, or `None` if that does not fit or `denominator` is 0.
    pub fn checked_from_rational(numerator: u128, denominator: u128) -> Option<Self> {
        multiply_divide(numerator, Self::DIV, denominator).map(Self)
    }

    /// The sum, or `None` if it does not fit.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(inner) => Some(Self(inner)),
            None => None,
        }
    }

    /// The difference, or `None` if `other` is larger.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(inner) => Some(Self(inner)),
            None => None,
        }
    }

    /// The product, or `None` if it does not fit.
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        multiply_divide(self.0, other.0, Self::DIV).map(Self)
    }

    /// The quotient, or `None` if it does not fit or `other` is 0.
    pub fn checked_div(self, other: Self) -> Option<Self> {
        multiply_divide(self.0, Self::DIV, other.0).map(Self)
    }

    /// The integer part of the product with an integer, or `None` if it does not fit.
    pub fn checked_mul_int(self, integer: u128) -> Option<u128> {
        multiply_divide(self.0, integer, Self::DIV)
    }

    /// The sum, or [`Self::MAX`].
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or 0.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The product, or [`Self::MAX`].
    pub fn saturating_mul(self, other: Self) -> Self {
        self.checked_mul(other).unwrap_or(Self::MAX)
    }

    /// The integer part of the product with an integer, or `u128::MAX`.
    pub fn saturating_mul_int(self, integer: u128) -> u128 {
        self.checked_mul_int(integer).unwrap_or(u128::MAX)
    }
}

/// `a * b / divisor` rounded down; `None` if that exceeds 128 bits or `divisor` is 0.
pub fn multiply_divide(a: u128, b: u128, divisor: u128) -> Option<u128> {
    // Most products of fees fit 128 bits, where the division is a machine's; 256 bits hold all others.
    if let Some(product) = a.checked_mul(b) {
        return product.checked_div(divisor);
    }
    let product = U256::from(a).checked_mul(U256::from(b))?;
    u128::try_from(product.checked_div(U256::from(divisor))?).ok()
}

impl fmt::Display for FixedU128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:018}", self.0 / Self::DIV, self.0 % Self::DIV)
    }
}

impl fmt::Debug for FixedU128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
