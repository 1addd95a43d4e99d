//! Name those whom a referendum may speak for.
//!
//! # Responsibility
//!
//! - [`Origin`]: one name for each kind of decision besides root's. A referendum on a track is enacted as the track's
//!   origin, and calls check for it ([`Origins::named`]).
//!
//! # Out of scope
//!
//! What each may call: the runtime's table (`basalt_runtime::governance::MAY_CALL`), as the calls are the runtime's. How a
//! decision is made: `basalt-pallet-referenda`.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

#[cfg(test)]
mod tests;

use basalt_support::{Origin as AnyOrigin, metadata::PalletMetadata};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use scale_info::TypeInfo;

/// Whom a referendum may speak for. Names and indices are those that Polkadot has, where it has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_origins", "pallet_custom_origins"))]
pub enum Origin {
    /// Decides about validators: how many, what is slashed.
    #[codec(index = 0)]
    StakingAdmin,
    /// Spends whatever the treasury has.
    #[codec(index = 1)]
    Treasurer,
    /// Decides who is in the technical committee.
    #[codec(index = 3)]
    GeneralAdmin,
    /// Cancels referenda; their deposits are returned.
    #[codec(index = 6)]
    ReferendumCanceller,
    /// Cancels referenda; their deposits are lost.
    #[codec(index = 7)]
    ReferendumKiller,
    /// Spends a little of the treasury.
    #[codec(index = 10)]
    SmallSpender,
    /// Spends more of the treasury.
    #[codec(index = 11)]
    MediumSpender,
    /// Runs as root what the technical committee has put on the whitelist.
    #[codec(index = 13)]
    WhitelistedCaller,
    /// Sets parameters.
    #[codec(index = 20)]
    ParameterAdmin,
}

impl Origin {
    /// All of them, in the order of their indices.
    pub const ALL: [Self; 9] = [
        Self::StakingAdmin,
        Self::Treasurer,
        Self::GeneralAdmin,
        Self::ReferendumCanceller,
        Self::ReferendumKiller,
        Self::SmallSpender,
        Self::MediumSpender,
        Self::WhitelistedCaller,
        Self::ParameterAdmin,
    ];
}

/// The pallet: a name for each origin, and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Origins {
    /// Its index in the runtime.
    pub index: u8,
}

impl Origins {
    /// What calls are dispatched with.
    pub fn origin(&self, origin: Origin) -> AnyOrigin {
        AnyOrigin::Pallet { index: self.index, origin: origin.encode() }
    }

    /// Which of the origins this is, if it is one.
    pub fn named(&self, origin: &AnyOrigin) -> Option<Origin> {
        match origin {
            AnyOrigin::Pallet { index, origin } if *index == self.index => {
                Origin::decode_all(&mut origin.as_slice()).ok()
            }
            _ => None,
        }
    }

    /// What clients are told: that it exists.
    pub fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: "Origins",
            index: self.index,
            storage: [].into(),
            calls: None,
            event: None,
            error: None,
            constants: [].into(),
            docs: ["Whom a referendum may speak for."].into(),
        }
    }
}
