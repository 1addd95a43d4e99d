//! Names and contents of key files, as Substrate's nodes have them.

use basalt_primitives::MultiSigner;
use basalt_primitives::keys::{KeyError, Pair};
use zeroize::Zeroizing;

use crate::KeyType;

/// The most bytes of a key file: 24 words, a long path and a long password fit.
pub(crate) const FILE_BYTES_MAX: u64 = 4 * 1024;

/// The name of a key's file.
pub(crate) fn name(kind: KeyType, public: &[u8; 32]) -> String {
    const_hex::encode([&kind.id()[..], public].concat())
}

/// Which key a file name means; none if it means none of ours. Other files may lie there: keys of other types, guards.
pub(crate) fn parse_name(name: &str) -> Option<(KeyType, [u8; 32])> {
    // Names are written in lower case: another spelling would be a second file for one key.
    if name.len() != 72 || name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; 36];
    const_hex::decode_to_slice(name, &mut bytes).ok()?;
    let (id, public) = bytes.split_first_chunk::<4>()?;
    let kind = KeyType::ALL.into_iter().find(|kind| kind.id() == *id)?;
    Some((kind, public.try_into().ok()?))
}

/// What a file holds for this secret.
pub(crate) fn content(secret: &str) -> Zeroizing<Vec<u8>> {
    // Room for the worst escaping, so that no piece stays behind when the buffer grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(secret.len().saturating_mul(6).saturating_add(2)));
    serde_json::to_writer(&mut *bytes, secret).expect("a string always serialises");
    bytes
}

/// The secret in a file.
pub(crate) fn parse_content(bytes: &[u8]) -> Option<Zeroizing<String>> {
    // The reason is left out: it may repeat what stands there.
    serde_json::from_slice::<String>(bytes).ok().map(Zeroizing::new)
}

/// The pair of a secret, and its public key.
pub(crate) fn pair(kind: KeyType, secret: &str) -> Result<(Pair, [u8; 32]), KeyError> {
    let pair = Pair::from_suri(kind.scheme(), secret)?;
    match pair.public() {
        MultiSigner::Ed25519(public) | MultiSigner::Sr25519(public) => Ok((pair, public)),
        MultiSigner::Ecdsa(_) => unreachable!("no key type has this scheme"),
    }
}
