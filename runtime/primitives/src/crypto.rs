//! Accounts.

use alloc::string::String;
use core::{fmt, str::FromStr};

use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ss58::{self, GENERIC_PREFIX, Ss58Error};

/// Who an account is: a public key of 32 bytes, or the blake2-256 hash of a longer one.
///
/// `Display` and JSON are SS58 with the generic prefix 42; `FromStr` takes SS58 of any prefix or 64 hex digits
/// after `0x`.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
#[scale_info(replace_segment("basalt_primitives", "sp_core"))]
pub struct AccountId32(pub [u8; 32]);

impl fmt::Display for AccountId32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.ss58())
    }
}

impl fmt::Debug for AccountId32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.ss58();
        let head: String = text.chars().take(8).collect();
        write!(f, "{head}…")
    }
}

impl AccountId32 {
    fn ss58(&self) -> String {
        ss58::encode(GENERIC_PREFIX, &self.0)
    }
}

impl FromStr for AccountId32 {
    type Err = Ss58Error;

    fn from_str(text: &str) -> Result<Self, Ss58Error> {
        let bytes = match text.strip_prefix("0x") {
            Some(digits) => const_hex::decode(digits).map_err(|_| Ss58Error::NotHex)?,
            None => ss58::decode(text)?.1,
        };
        let length = bytes.len();
        bytes.try_into().map(Self).map_err(|_| Ss58Error::NotAnAccount { length })
    }
}

impl Serialize for AccountId32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccountId32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl From<[u8; 32]> for AccountId32 {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<AccountId32> for [u8; 32] {
    fn from(account: AccountId32) -> Self {
        account.0
    }
}

impl AsRef<[u8]> for AccountId32 {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8; 32]> for AccountId32 {
    fn as_ref(&self) -> &[u8; 32] {
        &self.0
    }
}
