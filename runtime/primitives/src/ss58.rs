//! SS58: account addresses as text with a network prefix and a checksum.
//!
//! Base58 of `prefix (1 or 2 bytes) ++ payload ++ checksum`, where the checksum is the head of
//! `blake2_512("SS58PRE" ++ prefix ++ payload)`: 2 bytes for payloads of 32 and 33 bytes, else 1.

use alloc::{string::String, vec::Vec};

use crate::hashing::blake2_512;

#[cfg(test)]
mod tests;

/// The prefix of addresses that belong to no network in particular.
pub const GENERIC_PREFIX: u16 = 42;
/// The largest prefix: 14 bits.
pub const PREFIX_MAX: u16 = 0x3fff;
/// Longer texts are refused unread, since base58 takes quadratic time. A 33-byte key has at most 53 characters.
const TEXT_BYTES_MAX: usize = 64;
const CHECKSUM_DOMAIN: &[u8] = b"SS58PRE";

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ss58Error {
    /// A character outside the base58 alphabet.
    #[error("the address has a character that base58 does not use; base58 leaves out 0, O, I and l")]
    NotBase58,
    /// Text after `0x` that is not hex.
    #[error("the account after 0x is not hexadecimal; give 64 hex digits or an SS58 address")]
    NotHex,
    /// A payload length that SS58 does not know.
    #[error("the address holds {length} bytes, which no SS58 format has; it may be cut short")]
    BadLength {
        /// Bytes found, prefix and checksum included.
        length: usize,
    },
    /// A first byte above 127, or two bytes for a prefix that fits one.
    #[error("the address begins with byte {first}, which encodes no network prefix")]
    BadPrefix {
        /// The first byte.
        first: u8,
    },
    /// The checksum differs.
    #[error("the checksum of the address does not match; it was probably mistyped")]
    BadChecksum,
    /// A valid address of something that is not 32 bytes.
    #[error("the address holds {length} bytes where an account has 32")]
    NotAnAccount {
        /// Bytes of payload.
        length: usize,
    },
}

/// The address of `payload` on the network `prefix`, of which only the lower 14 bits count.
///
/// Payloads of 1, 2, 4, 8, 32 and 33 bytes can be decoded again.
pub fn encode(prefix: u16, payload: &[u8]) -> String {
    let prefix = prefix & PREFIX_MAX;
    let mut body = Vec::with_capacity(payload.len() + 4);
    if prefix < 64 {
        body.push(prefix.to_le_bytes()[0]);
    } else {
        // The middle 6 bits behind the marker 01, then the lowest 2 bits above the highest 6.
        let [low, high] = prefix.to_le_bytes();
        body.push(0x40 | (low >> 2));
        body.push((low << 6) | high);
    }
    body.extend_from_slice(payload);
    let checksum = checksum(&body);
    body.extend_from_slice(&checksum[..checksum_bytes(payload.len())]);
    bs58::encode(body).into_string()
}

/// The network prefix and the payload of an address.
///
/// # Errors
///
/// See [`Ss58Error`]; any prefix is accepted, so the caller compares it with the chain's.
pub fn decode(text: &str) -> Result<(u16, Vec<u8>), Ss58Error> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Ss58Error::BadLength { length: text.len() });
    }
    let bytes = bs58::decode(text).into_vec().map_err(|_| Ss58Error::NotBase58)?;
    let bad_length = Ss58Error::BadLength { length: bytes.len() };
    let (prefix, prefix_bytes) = match *bytes.as_slice() {
        [first @ 0..=63, ..] => (u16::from(first), 1),
        [first @ 64..=127, second, ..] => {
            let prefix = u16::from_le_bytes([(first << 2) | (second >> 6), second & 0x3f]);
            if prefix < 64 {
                return Err(Ss58Error::BadPrefix { first });
            }
            (prefix, 2)
        }
        [first @ 128..=255, ..] => return Err(Ss58Error::BadPrefix { first }),
        [] | [_] => return Err(bad_length),
    };
    let payload_bytes = match bytes.len() - prefix_bytes {
        n @ (2 | 3 | 5 | 9) => n - 1,
        n @ (34 | 35) => n - 2,
        _ => return Err(bad_length),
    };
    let (body, found) = bytes.split_at(prefix_bytes + payload_bytes);
    if !checksum(body).starts_with(found) {
        return Err(Ss58Error::BadChecksum);
    }
    Ok((prefix, body[prefix_bytes..].to_vec()))
}

fn checksum_bytes(payload_bytes: usize) -> usize {
    if matches!(payload_bytes, 32 | 33) { 2 } else { 1 }
}

fn checksum(body: &[u8]) -> [u8; 64] {
    blake2_512(&[CHECKSUM_DOMAIN, body].concat())
}
