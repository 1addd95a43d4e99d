//! What contracts share with their chain, as clients read it from the metadata.

use core::marker::PhantomData;

use basalt_primitives::{AccountId, Balance, BlockNumber, H256, Moment};
use parity_scale_codec::{Decode, Encode};
use scale_info::{Type, TypeInfo, TypeParameter, build::Fields, meta_type};

use super::path;

/// A type that contracts share with their chain: clients compare the parameter with what the contract was built for.
pub struct EnvironmentType<T>(PhantomData<fn() -> T>);

/// Blake2b-256 as contracts see it.
pub struct BlakeTwo256;

/// The types that contracts share with their chain. Nothing is encoded: it is there for clients to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Environment;

/// Version of the set of host functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct ApiVersion(pub u16);

impl<T: TypeInfo + 'static> TypeInfo for EnvironmentType<T> {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(path(["pallet_contracts", "EnvironmentType"]))
            .type_params([TypeParameter::new("T", Some(meta_type::<T>()))])
            .composite(Fields::unit())
    }
}

impl TypeInfo for BlakeTwo256 {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder().path(path(["sp_runtime", "traits", "BlakeTwo256"])).composite(Fields::unit())
    }
}

impl TypeInfo for Environment {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder().path(path(["pallet_contracts", "Environment"])).composite(
            Fields::named()
                .field(|f| f.ty::<EnvironmentType<AccountId>>().name("account_id"))
                .field(|f| f.ty::<EnvironmentType<Balance>>().name("balance"))
                .field(|f| f.ty::<EnvironmentType<H256>>().name("hash"))
                .field(|f| f.ty::<EnvironmentType<BlakeTwo256>>().name("hasher"))
                .field(|f| f.ty::<EnvironmentType<Moment>>().name("timestamp"))
                .field(|f| f.ty::<EnvironmentType<BlockNumber>>().name("block_number")),
        )
    }
}

impl TypeInfo for ApiVersion {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(path(["pallet_contracts", "ApiVersion"]))
            .composite(Fields::unnamed().field(|f| f.ty::<u16>().type_name("u16")))
    }
}
