//! What clients see of this pallet: names, indices and fields are Substrate's.

use alloc::boxed::Box;

use basalt_primitives::{AccountId, DispatchError, MultiAddress, Weight};
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// What an account may ask of this pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_sudo", "pallet_sudo"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call<C> {
    /// Dispatches a call as root.
    #[codec(index = 0)]
    sudo {
        /// The call.
        call: Box<C>,
    },
    /// Dispatches a call as root, with a weight that the caller states.
    #[codec(index = 1)]
    sudo_unchecked_weight {
        /// The call.
        call: Box<C>,
        /// What it shall count as.
        weight: Weight,
    },
    /// Hands the key on.
    #[codec(index = 2)]
    set_key {
        /// The new owner.
        new: MultiAddress,
    },
    /// Dispatches a call as if another account had signed it.
    #[codec(index = 3)]
    sudo_as {
        /// That account.
        who: MultiAddress,
        /// The call.
        call: Box<C>,
    },
    /// Gives the key up for good.
    #[codec(index = 4)]
    remove_key,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_sudo", "pallet_sudo"))]
pub enum Event {
    /// A call was dispatched as root.
    #[codec(index = 0)]
    Sudid {
        /// How it went.
        sudo_result: Result<(), DispatchError>,
    },
    /// The key has a new owner.
    #[codec(index = 1)]
    KeyChanged {
        /// The owner before.
        old: Option<AccountId>,
        /// The owner now.
        new: AccountId,
    },
    /// The key was given up.
    #[codec(index = 2)]
    KeyRemoved,
    /// A call was dispatched as another account.
    #[codec(index = 3)]
    SudoAsDone {
        /// How it went.
        sudo_result: Result<(), DispatchError>,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_sudo", "pallet_sudo"))]
pub enum Error {
    /// The sender does not own the sudo key.
    #[codec(index = 0)]
    RequireSudo,
}
