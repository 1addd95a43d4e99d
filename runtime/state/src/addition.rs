//! Numbers inside values: adding to them, and asking no more about them than one needs to know.

use alloc::vec::Vec;
use core::ops::Range;

use crate::{StateError, Value, hex};

/// Bytes of the SCALE encoding of a `u128`.
const NUMBER_BYTES: usize = 16;

/// Adds to the `u128` that stands at a fixed place of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addition {
    /// Where in the value's bytes the number begins.
    pub offset: u32,
    /// What is added.
    pub delta: i128,
}

/// What somebody wants to know of the `u128` that stands at a fixed place of a value: that the value is there, and that
/// the number lies between two bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// Where in the value's bytes the number begins.
    pub offset: u32,
    /// The least it may be.
    pub least: u128,
    /// The most it may be.
    pub most: u128,
}

impl Addition {
    /// An addition to a value that is nothing but a number.
    pub const fn whole(delta: i128) -> Self {
        Self { offset: 0, delta }
    }

    /// Both additions in one, if they are to the same number and an `i128` can say it.
    pub fn and(self, other: Self) -> Option<Self> {
        let delta = self.delta.checked_add(other.delta)?;
        (self.offset == other.offset).then_some(Self { delta, ..self })
    }

    /// The value after the addition. An absent value counts as a zero if it is nothing but the number.
    ///
    /// # Errors
    ///
    /// [`StateError::Corrupt`] if there is no number at the place, [`StateError::DeltaOutOfRange`] if the sum is no
    /// `u128`.
    pub fn apply(&self, key: &[u8], before: Option<Value>) -> Result<Value, StateError> {
        let mut value = match before {
            None if self.offset == 0 => Vec::from([0; NUMBER_BYTES]),
            None => Vec::new(),
            Some(value) => value,
        };
        let number = value
            .get_mut(range(self.offset))
            .and_then(|bytes| <&mut [u8; NUMBER_BYTES]>::try_from(bytes).ok())
            .ok_or_else(|| StateError::Corrupt { key: hex(key), expected: "u128" })?;
        let old = u128::from_le_bytes(*number);
        let sum = old.checked_add_signed(self.delta).ok_or_else(|| StateError::DeltaOutOfRange {
            key: hex(key),
            value: old,
            delta: self.delta,
        })?;
        *number = sum.to_le_bytes();
        Ok(value)
    }
}

impl Condition {
    /// Whether a value meets it.
    pub fn met_by(&self, value: Option<&[u8]>) -> bool {
        let number = value
            .and_then(|value| value.get(range(self.offset)))
            .and_then(|bytes| <[u8; NUMBER_BYTES]>::try_from(bytes).ok())
            .map(u128::from_le_bytes);
        number.is_some_and(|number| (self.least..=self.most).contains(&number))
    }

    /// What must hold before an addition to the same number for this to hold after it. `None` if nothing does, or if the
    /// addition is to another number.
    pub fn before(&self, addition: &Addition) -> Option<Self> {
        if self.offset != addition.offset {
            return None;
        }
        let amount = addition.delta.unsigned_abs();
        let (least, most) = if addition.delta >= 0 {
            (self.least.saturating_sub(amount), self.most.checked_sub(amount)?)
        } else {
            // No number is above the largest, so a bound beyond it bounds nothing.
            (self.least.checked_add(amount)?, self.most.saturating_add(amount))
        };
        (least <= most).then_some(Self { offset: self.offset, least, most })
    }
}

fn range(offset: u32) -> Range<usize> {
    // Offsets are constants of pallets, far below any platform's address space.
    let start = offset as usize;
    start..start.saturating_add(NUMBER_BYTES)
}
