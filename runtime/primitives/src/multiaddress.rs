//! How an extrinsic names an account.

use alloc::vec::Vec;

use parity_scale_codec::{Decode, Encode};
use scale_info::{Type, TypeInfo, TypeParameter, build::Fields, build::Variants, meta_type};

use crate::{AccountId, type_info::path};

/// An account, in one of the ways that clients may name it. Chains of ours resolve [`MultiAddress::Id`] only.
///
/// Byte for byte `sp_runtime::MultiAddress<AccountId32, ()>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum MultiAddress {
    /// The account id itself.
    #[codec(index = 0)]
    Id(AccountId),
    /// An account index. Its type is `()`, so nothing follows the variant byte.
    #[codec(index = 1)]
    Index,
    /// Bytes that the chain would have to interpret.
    #[codec(index = 2)]
    Raw(Vec<u8>),
    /// 32 bytes that need not be an account id.
    #[codec(index = 3)]
    Address32([u8; 32]),
    /// 20 bytes, as Ethereum has them.
    #[codec(index = 4)]
    Address20([u8; 20]),
}

impl MultiAddress {
    /// The account, if it is named by its id.
    pub fn account_id(&self) -> Option<AccountId> {
        match self {
            Self::Id(account) => Some(*account),
            Self::Index | Self::Raw(_) | Self::Address32(_) | Self::Address20(_) => None,
        }
    }
}

impl From<AccountId> for MultiAddress {
    fn from(account: AccountId) -> Self {
        Self::Id(account)
    }
}

impl TypeInfo for MultiAddress {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(path(["sp_runtime", "multiaddress", "MultiAddress"]))
            .type_params([
                TypeParameter::new("AccountId", Some(meta_type::<AccountId>())),
                TypeParameter::new("AccountIndex", Some(meta_type::<()>())),
            ])
            .variant(
                Variants::new()
                    .variant("Id", |v| {
                        v.index(0)
                            .fields(Fields::unnamed().field(|f| f.ty::<AccountId>().type_name("AccountId")))
                    })
                    .variant("Index", |v| {
                        v.index(1)
                            .fields(Fields::unnamed().field(|f| f.compact::<()>().type_name("AccountIndex")))
                    })
                    .variant("Raw", |v| {
                        v.index(2).fields(Fields::unnamed().field(|f| f.ty::<Vec<u8>>().type_name("Vec<u8>")))
                    })
                    .variant("Address32", |v| {
                        v.index(3)
                            .fields(Fields::unnamed().field(|f| f.ty::<[u8; 32]>().type_name("[u8; 32]")))
                    })
                    .variant("Address20", |v| {
                        v.index(4)
                            .fields(Fields::unnamed().field(|f| f.ty::<[u8; 20]>().type_name("[u8; 20]")))
                    }),
            )
    }
}
