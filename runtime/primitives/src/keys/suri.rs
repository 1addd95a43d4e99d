//! The grammar of secret URIs.

use std::vec::Vec;

use parity_scale_codec::Encode;
use zeroize::Zeroizing;

use super::{DEV_PHRASE, KeyError, Seed};
use crate::hashing::blake2_256;

/// A secret URI, taken apart.
pub(super) struct SecretUri<'a> {
    pub(super) root: Root<'a>,
    pub(super) junctions: Vec<Junction>,
    /// Only for phrases; empty without one.
    pub(super) password: &'a str,
}

/// Where derivation starts.
pub(super) enum Root<'a> {
    Phrase(&'a str),
    Seed(Seed),
}

/// One step of derivation, with its chain code.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Junction {
    Soft([u8; 32]),
    Hard([u8; 32]),
}

impl<'a> SecretUri<'a> {
    pub(super) fn parse(uri: &'a str) -> Result<Self, KeyError> {
        if uri.is_empty() {
            return Err(KeyError::Empty);
        }
        // A junction has one or two slashes, so the first three in a row begin the password, whatever is in it.
        let (secret, password) = uri.split_once("///").unwrap_or((uri, ""));
        let (root, path) = secret.split_at(secret.find('/').unwrap_or(secret.len()));
        let root = match root.strip_prefix("0x") {
            Some(digits) => {
                let mut seed = Zeroizing::new([0; 32]);
                // Without the check a second prefix `0x` would pass.
                if digits.len() != 64 || const_hex::decode_to_slice(digits, &mut seed[..]).is_err() {
                    return Err(KeyError::BadSeed);
                }
                Root::Seed(seed)
            }
            None if root.is_empty() => Root::Phrase(DEV_PHRASE),
            None => Root::Phrase(root),
        };
        Ok(Self { root, junctions: junctions(path)?, password })
    }
}

fn junctions(mut path: &str) -> Result<Vec<Junction>, KeyError> {
    let mut junctions = Vec::new();
    while let Some(after_slash) = path.strip_prefix('/') {
        let (rest, is_hard) = match after_slash.strip_prefix('/') {
            Some(rest) => (rest, true),
            None => (after_slash, false),
        };
        let (name, next) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if name.is_empty() {
            return Err(KeyError::EmptyJunction(junctions.len().saturating_add(1)));
        }
        let code = chain_code(name);
        junctions.push(if is_hard { Junction::Hard(code) } else { Junction::Soft(code) });
        path = next;
    }
    Ok(junctions)
}

/// The SCALE encoding of the name, as a 64-bit number if it is one, padded with zeros or hashed to 32 bytes.
fn chain_code(name: &str) -> [u8; 32] {
    let encoded = match name.parse::<u64>() {
        Ok(number) => number.encode(),
        Err(_) => name.encode(),
    };
    if encoded.len() > 32 {
        return blake2_256(&encoded);
    }
    let mut code = [0; 32];
    code[..encoded.len()].copy_from_slice(&encoded);
    code
}
