//! What a call costs to run.

use parity_scale_codec::{Compact, Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What a call costs: time on the reference machine, and bytes of state proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[scale_info(replace_segment("basalt_primitives", "sp_weights"))]
pub struct Weight {
    /// Picoseconds of one core of the reference machine.
    #[codec(compact)]
    pub ref_time: u64,
    /// Bytes of storage proof.
    #[codec(compact)]
    pub proof_size: u64,
}

impl Weight {
    /// The largest weight.
    pub const MAX: Self = Self { ref_time: u64::MAX, proof_size: u64::MAX };

    /// A weight of both parts: picoseconds and proof bytes.
    pub const fn new(ref_time: u64, proof_size: u64) -> Self {
        Self { ref_time, proof_size }
    }

    /// No weight.
    pub const fn zero() -> Self {
        Self::new(0, 0)
    }

    /// The sum, or `None` when a part overflows.
    pub const fn checked_add(&self, other: &Self) -> Option<Self> {
        match (self.ref_time.checked_add(other.ref_time), self.proof_size.checked_add(other.proof_size)) {
            (Some(ref_time), Some(proof_size)) => Some(Self::new(ref_time, proof_size)),
            _ => None,
        }
    }

    /// The difference, or `None` when a part of `other` is larger.
    pub const fn checked_sub(&self, other: &Self) -> Option<Self> {
        match (self.ref_time.checked_sub(other.ref_time), self.proof_size.checked_sub(other.proof_size)) {
            (Some(ref_time), Some(proof_size)) => Some(Self::new(ref_time, proof_size)),
            _ => None,
        }
    }

    /// `factor` times both parts, or `None` when one overflows.
    pub const fn checked_mul(&self, factor: u64) -> Option<Self> {
        match (self.ref_time.checked_mul(factor), self.proof_size.checked_mul(factor)) {
            (Some(ref_time), Some(proof_size)) => Some(Self::new(ref_time, proof_size)),
            _ => None,
        }
    }

    /// The sum, each part at most `u64::MAX`.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self::new(
            self.ref_time.saturating_add(other.ref_time),
            self.proof_size.saturating_add(other.proof_size),
        )
    }

    /// The difference, each part at least 0.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self::new(
            self.ref_time.saturating_sub(other.ref_time),
            self.proof_size.saturating_sub(other.proof_size),
        )
    }

    /// `factor` times both parts, each at most `u64::MAX`.
    pub const fn saturating_mul(self, factor: u64) -> Self {
        Self::new(self.ref_time.saturating_mul(factor), self.proof_size.saturating_mul(factor))
    }

    /// The larger of each part.
    pub const fn max(self, other: Self) -> Self {
        Self::new(
            if self.ref_time > other.ref_time { self.ref_time } else { other.ref_time },
            if self.proof_size > other.proof_size { self.proof_size } else { other.proof_size },
        )
    }

    /// The smaller of each part.
    pub const fn min(self, other: Self) -> Self {
        Self::new(
            if self.ref_time < other.ref_time { self.ref_time } else { other.ref_time },
            if self.proof_size < other.proof_size { self.proof_size } else { other.proof_size },
        )
    }

    /// Whether a part is larger than the same part of `other`.
    pub const fn any_gt(self, other: Self) -> bool {
        self.ref_time > other.ref_time || self.proof_size > other.proof_size
    }

    /// Whether no part is larger than the same part of `other`.
    pub const fn all_lte(self, other: Self) -> bool {
        !self.any_gt(other)
    }
}

/// By hand, since the derive counts 8 bytes for a compact field that takes up to 9.
impl MaxEncodedLen for Weight {
    fn max_encoded_len() -> usize {
        2 * Compact::<u64>::max_encoded_len()
    }
}
