//! The validators as GRANDPA's authorities: finality is proved by votes of its shape, so that tools which know GRANDPA read
//! it unmodified. They find here whose votes to expect.

use alloc::vec::Vec;

use basalt_runtime_api::ValidatorSet;
use basalt_state::{StateError, StateRead};
use basalt_support::{
    Value,
    metadata::{Constant, PalletMetadata},
};
use parity_scale_codec::{Decode, Encode};
use scale_info::{Path, Type, TypeInfo, build::Fields};

use crate::VALIDATORS_MAX;

/// The id of the current set.
pub const CURRENT_SET_ID: Value<u64> = Value::defaulted("Grandpa", "CurrentSetId");
/// Vote keys and powers of the current set.
pub const AUTHORITIES: Value<Vec<(AuthorityId, u64)>> = Value::defaulted("Grandpa", "Authorities");

/// An Ed25519 public key that signs votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct AuthorityId(pub [u8; 32]);

impl TypeInfo for AuthorityId {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(Path::from_segments_unchecked(["sp_consensus_grandpa", "app", "Public"]))
            .composite(Fields::unnamed().field(|field| field.ty::<[u8; 32]>()))
    }
}

/// Whose votes prove finality, by the names of `pallet-grandpa`. Reads only: [`Session`](crate::Session) writes.
#[derive(Debug, Clone, Copy)]
pub struct Grandpa {
    /// Its index in the runtime.
    pub index: u8,
}

impl Grandpa {
    /// Who votes, with which weight.
    pub fn authorities(
        &self,
        state: &(impl StateRead + ?Sized),
    ) -> Result<Vec<(AuthorityId, u64)>, StateError> {
        AUTHORITIES.get_or_default(state)
    }

    /// The id that their votes sign.
    pub fn current_set_id(&self, state: &(impl StateRead + ?Sized)) -> Result<u64, StateError> {
        CURRENT_SET_ID.get_or_default(state)
    }

    /// What clients are told.
    pub fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: "Grandpa",
            index: self.index,
            storage: [
                CURRENT_SET_ID.entry(&["How many sets of authorities there were before this one."]),
                AUTHORITIES.entry(&["Who votes, with which weight."]),
            ]
            .into(),
            calls: None,
            event: None,
            error: None,
            constants: [Constant::new(
                "MaxAuthorities",
                &VALIDATORS_MAX,
                &["The most authorities of a set."],
            )]
            .into(),
            docs: ["Whose votes prove finality."].into(),
        }
    }
}

/// What the validators of a set are called here.
pub(crate) fn authorities(set: &ValidatorSet) -> Vec<(AuthorityId, u64)> {
    set.validators.iter().map(|validator| (AuthorityId(validator.vote_key), validator.power)).collect()
}
