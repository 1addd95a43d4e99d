//! The balance part of an account. It is stored with the account, and named as if it were the balances pallet's own,
//! because that is where clients look for it.

use basalt_primitives::Balance;
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// What an account owns, in the smallest unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_system", "pallet_balances"))]
pub struct AccountData {
    /// What it may use, as far as it is not frozen.
    pub free: Balance,
    /// What it owns but may not use: reserves and holds.
    pub reserved: Balance,
    /// How much of `free + reserved` must stay: the largest of all locks and freezes. `reserved` counts first.
    pub frozen: Balance,
    /// Which rules the account follows.
    pub flags: ExtraFlags,
}

impl AccountData {
    /// Free and reserved together; saturating, though no account can own more than the issuance.
    pub const fn total(&self) -> Balance {
        self.free.saturating_add(self.reserved)
    }
}

/// Which rules an account follows. All accounts here follow the new ones, by the highest bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_system", "pallet_balances"))]
pub struct ExtraFlags(pub u128);

impl ExtraFlags {
    /// Reserved and frozen balances count as one consumer reference.
    pub const NEW_LOGIC: Self = Self(1 << 127);
}

impl Default for ExtraFlags {
    fn default() -> Self {
        Self::NEW_LOGIC
    }
}
