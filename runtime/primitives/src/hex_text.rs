//! Hexadecimal text in JSON, as JSON-RPC clients write it.

use alloc::{string::String, vec::Vec};
use core::fmt::Display;

use serde::{Deserialize, Deserializer, Serializer};

/// Bytes as lower-case hex with the prefix `0x`.
pub(crate) mod bytes {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&const_hex::encode_prefixed(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        const_hex::decode(&text).map_err(|e| not_hex(&e))
    }
}

/// A block number as hex without padding: `0x0`, `0x1a`.
pub(crate) mod number {
    use super::*;

    /// Clients write a number either as such or as hex text.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum NumberOrText {
        Number(u32),
        Text(String),
    }

    pub(crate) fn serialize<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{number:#x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(number) => Ok(number),
            NumberOrText::Text(text) => {
                let digits = text.strip_prefix("0x").unwrap_or(&text);
                u32::from_str_radix(digits, 16).map_err(|e| not_hex(&e))
            }
        }
    }
}

/// The complaint about text that should have been hex.
pub(crate) fn not_hex<E: serde::de::Error>(why: &dyn Display) -> E {
    E::custom(format_args!("expected hexadecimal text with the prefix 0x: {why}"))
}
