//! What the storage items of this pallet hold. Shapes and type paths are Substrate's.

use basalt_primitives::Balance;
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use scale_info::{
    Path, Type, TypeInfo, TypeParameter,
    build::{Fields, Variants},
    meta_type,
};

pub use basalt_pallet_system::types::{AccountData, ExtraFlags};

/// What a lock forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_balances", "pallet_balances"))]
pub enum Reasons {
    /// To pay fees with the amount.
    #[codec(index = 0)]
    Fee,
    /// To do anything but pay fees with it.
    #[codec(index = 1)]
    Misc,
    /// Both.
    #[codec(index = 2)]
    All,
}

/// An amount of an account that must stay, and which other locks overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_balances", "pallet_balances"))]
pub struct BalanceLock {
    /// Which lock; each pallet has its own.
    pub id: [u8; 8],
    /// How much.
    pub amount: Balance,
    /// What it forbids. Kept for clients: every lock here forbids everything, as in Substrate today.
    pub reasons: Reasons,
}

/// A named part of an account's reserved balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_balances", "pallet_balances"))]
pub struct ReserveData {
    /// Its name.
    pub id: [u8; 8],
    /// How much.
    pub amount: Balance,
}

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_balances", "pallet_balances"))]
pub enum AdjustmentDirection {
    /// Up.
    #[codec(index = 0)]
    Increase,
    /// Down.
    #[codec(index = 1)]
    Decrease,
}

/// Why an amount is held or frozen: a pallet, and one of its reasons. Two bytes, as Substrate's `RuntimeHoldReason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_balances", "pallet_balances"))]
pub struct Reason {
    /// Index of the pallet.
    pub pallet: u8,
    /// One of its reasons.
    pub reason: u8,
}

/// An amount with what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub struct IdAmount<R = Reason> {
    /// What it is for.
    pub id: R,
    /// How much.
    pub amount: Balance,
}

/// As what reserved balance arrives elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub enum BalanceStatus {
    /// Usable.
    #[codec(index = 0)]
    Free,
    /// Still reserved.
    #[codec(index = 1)]
    Reserved,
}

fn tokens_path(name: &'static str) -> Path {
    Path::from_segments(["frame_support", "traits", "tokens", "misc", name])
        .expect("all segments are identifiers; tests call both callers")
}

impl<R: TypeInfo + 'static> TypeInfo for IdAmount<R> {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(tokens_path("IdAmount"))
            .type_params([
                TypeParameter::new("Id", Some(meta_type::<R>())),
                TypeParameter::new("Balance", Some(meta_type::<Balance>())),
            ])
            .composite(
                Fields::named()
                    .field(|f| f.ty::<R>().name("id").type_name("Id"))
                    .field(|f| f.ty::<Balance>().name("amount").type_name("Balance")),
            )
    }
}

impl TypeInfo for BalanceStatus {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(tokens_path("BalanceStatus"))
            .variant(Variants::new().variant_unit("Free", 0).variant_unit("Reserved", 1))
    }
}
