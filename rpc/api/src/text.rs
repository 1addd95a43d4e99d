//! Bytes, hashes and numbers as clients write them.

use std::fmt;

use basalt_primitives::H256;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, de::Visitor};

/// Bytes as hex. Read with or without `0x`, since some clients leave it out; written with it.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

/// A hash of 32 bytes as hex. Read with or without `0x`; written with it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub H256);

/// A block number: read as a number or as hex text, written as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(pub u64);

/// One value, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// A list. Tried first, so that a list never passes for one value.
    Many(Vec<T>),
    /// One value.
    One(T),
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&const_hex::encode_prefixed(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<H256> for Hash {
    fn from(hash: H256) -> Self {
        Self(hash)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&const_hex::encode_prefixed(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // `const_hex::decode` takes the text with and without prefix.
        deserializer.deserialize_str(Text("bytes in hex", |text| const_hex::decode(text).ok().map(Self)))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&const_hex::encode_prefixed(self.0))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parse = |text: &str| const_hex::decode_to_array(text).ok().map(|hash| Self(H256(hash)));
        deserializer.deserialize_str(Text("a hash of 32 bytes in hex", parse))
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum NumberOrText {
            Number(u64),
            Text(String),
        }
        let wrong = || D::Error::custom("expected a block number: an integer, or hex text such as 0x1a");
        match NumberOrText::deserialize(deserializer).map_err(|_| wrong())? {
            NumberOrText::Number(number) => Ok(Self(number)),
            NumberOrText::Text(text) => {
                let digits = text.strip_prefix("0x").unwrap_or(&text);
                // `from_str_radix` alone would take a sign.
                if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(wrong());
                }
                u64::from_str_radix(digits, 16).map(Self).map_err(|_| wrong())
            }
        }
    }
}

/// A number as decimal text, for those that may exceed what JavaScript holds in a number. Read as a number, too.
pub mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    /// Writes the number as text.
    ///
    /// # Errors
    ///
    /// Those of the format.
    pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    /// Reads text, or a number.
    ///
    /// # Errors
    ///
    /// If it is neither, or more than 64 bits hold.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum NumberOrText {
            Number(u64),
            Text(String),
        }
        let wrong = || D::Error::custom("expected a number as decimal text, such as \"250\"");
        match NumberOrText::deserialize(deserializer).map_err(|_| wrong())? {
            NumberOrText::Number(number) => Ok(number),
            // `parse` alone would take a sign.
            NumberOrText::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().map_err(|_| wrong())
            }
            NumberOrText::Text(_) => Err(wrong()),
        }
    }
}

/// Reads text without copying it first: extrinsics and calls can be megabytes.
struct Text<T>(&'static str, fn(&str) -> Option<T>);

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        let expected = self.0;
        (self.1)(text).ok_or_else(|| {
            // The text may be huge and is the client's own: a short head is enough to find it.
            let head: String = text.chars().take(20).collect();
            E::custom(format_args!("expected {expected}, got {} characters: {head}", text.len()))
        })
    }
}
