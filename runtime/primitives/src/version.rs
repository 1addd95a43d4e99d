//! Which runtime a chain runs.

use alloc::{string::String, vec::Vec};

use parity_scale_codec::{Decode, Encode};
use scale_info::{Type, TypeInfo, build::Fields};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{hashing::blake2_64, type_info::path};

/// The id under which a runtime API is listed: blake2-64 of its name.
pub fn api_id(name: &str) -> [u8; 8] {
    blake2_64(name.as_bytes())
}

/// Name and versions of a runtime, and the runtime APIs that it answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct RuntimeVersion {
    /// The chain's logic by name, such as `basalt`.
    pub spec_name: String,
    /// The implementation by name.
    pub impl_name: String,
    /// The version of block authoring.
    pub authoring_version: u32,
    /// The version of the logic: changes with every change that clients or consensus can see.
    pub spec_version: u32,
    /// The version of the implementation of one specification.
    pub impl_version: u32,
    /// Each runtime API's [`api_id`] and version.
    pub apis: Vec<([u8; 8], u32)>,
    /// The version of the extrinsic format: changes when signed bytes or call indexes do.
    pub transaction_version: u32,
    /// The version of state and extrinsics roots.
    pub system_version: u8,
}

impl RuntimeVersion {
    /// The version in which this runtime answers the API with this id, if it does.
    pub fn api_version(&self, id: &[u8; 8]) -> Option<u32> {
        self.apis.iter().find(|(known, _)| known == id).map(|(_, version)| *version)
    }
}

/// The JSON of `state_getRuntimeVersion`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    spec_name: String,
    impl_name: String,
    authoring_version: u32,
    spec_version: u32,
    impl_version: u32,
    apis: Vec<(String, u32)>,
    transaction_version: u32,
    #[serde(default)]
    system_version: Option<u8>,
    // The older name of the same number; some clients read this one.
    #[serde(default)]
    state_version: Option<u8>,
}

impl Serialize for RuntimeVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Json {
            spec_name: self.spec_name.clone(),
            impl_name: self.impl_name.clone(),
            authoring_version: self.authoring_version,
            spec_version: self.spec_version,
            impl_version: self.impl_version,
            apis: self.apis.iter().map(|(id, version)| (const_hex::encode_prefixed(id), *version)).collect(),
            transaction_version: self.transaction_version,
            system_version: Some(self.system_version),
            state_version: Some(self.system_version),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RuntimeVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        let api = |(id, version): (String, u32)| {
            let id = const_hex::decode_to_array(&id).map_err(|e| {
                D::Error::custom(format_args!("the API id {id} is not 8 bytes of hexadecimal text: {e}"))
            })?;
            Ok((id, version))
        };
        Ok(Self {
            spec_name: json.spec_name,
            impl_name: json.impl_name,
            authoring_version: json.authoring_version,
            spec_version: json.spec_version,
            impl_version: json.impl_version,
            apis: json.apis.into_iter().map(api).collect::<Result<_, D::Error>>()?,
            transaction_version: json.transaction_version,
            system_version: json.system_version.or(json.state_version).unwrap_or(0),
        })
    }
}

impl TypeInfo for RuntimeVersion {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder().path(path(["sp_version", "RuntimeVersion"])).composite(
            Fields::named()
                .field(|f| f.ty::<String>().name("spec_name").type_name("Cow<'static, str>"))
                .field(|f| f.ty::<String>().name("impl_name").type_name("Cow<'static, str>"))
                .field(|f| f.ty::<u32>().name("authoring_version").type_name("u32"))
                .field(|f| f.ty::<u32>().name("spec_version").type_name("u32"))
                .field(|f| f.ty::<u32>().name("impl_version").type_name("u32"))
                .field(|f| f.ty::<Vec<([u8; 8], u32)>>().name("apis").type_name("ApisVec"))
                .field(|f| f.ty::<u32>().name("transaction_version").type_name("u32"))
                .field(|f| f.ty::<u8>().name("system_version").type_name("u8")),
        )
    }
}
