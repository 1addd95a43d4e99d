//! Column families, and the bytes of their keys and values.

use parity_scale_codec::{DecodeAll, Encode};

use crate::DbError;

/// Block hash → header, SCALE.
pub(crate) const HEADERS: &str = "headers";
/// Block hash → extrinsics, SCALE.
pub(crate) const BODIES: &str = "bodies";
/// Block hash → [`Justification`](crate::Justification), SCALE.
pub(crate) const JUSTIFICATIONS: &str = "justifications";
/// Number, big endian → block hash. Finalised blocks only.
pub(crate) const CANONICAL: &str = "canonical";
/// Number, big endian → what that block changed, as `Record` has it. Finalised blocks only, until they are folded.
pub(crate) const JOURNAL: &str = "journal";
/// Storage key → value, as of the last block that is folded. Both raw.
pub(crate) const STATE: &str = "state";
/// [`history_key`] → [`put_history_value`].
pub(crate) const HISTORY: &str = "history";
/// Hash of an unfinalised block → what it changes, SCALE.
pub(crate) const PENDING: &str = "pending";
/// The keys below.
pub(crate) const META: &str = "meta";

/// All of them.
pub(crate) const FAMILIES: [&str; 9] =
    [HEADERS, BODIES, JUSTIFICATIONS, CANONICAL, JOURNAL, STATE, HISTORY, PENDING, META];

/// In [`META`]: the genesis hash. Absent: the database is empty, and so are the others.
pub(crate) const META_GENESIS: &[u8] = b"genesis";
/// In [`META`]: the finalised [`BlockId`](crate::BlockId).
pub(crate) const META_FINALIZED: &[u8] = b"finalized";
/// In [`META`]: the best [`BlockId`](crate::BlockId).
pub(crate) const META_BEST: &[u8] = b"best";
/// In [`META`]: the number of the oldest block whose state is kept.
pub(crate) const META_OLDEST: &[u8] = b"oldest";
/// In [`META`]: the number of the first block that is not folded. Absent: none is.
pub(crate) const META_FOLDED: &[u8] = b"folded";

/// Ends the key inside a history key. Zeros in the key itself become `00 ff`, so the order of keys is kept:
/// of two keys the one that ends first comes first, and no entry of one key lies between those of another.
const END: [u8; 2] = [0, 0];
const ESCAPED_ZERO: [u8; 2] = [0, 0xff];
/// Follows every entry of a key, and comes before those of the next.
const AFTER_END: [u8; 2] = [0, 1];

/// Where the value lies that `key` had before block `number` changed it.
pub(crate) fn history_key(key: &[u8], number: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len() + 16);
    put_history_key(key, number, &mut bytes);
    bytes
}

/// The same at the end of `bytes`: for those who write many and need not keep them.
pub(crate) fn put_history_key(key: &[u8], number: u32, bytes: &mut Vec<u8>) {
    put_escaped(key, bytes);
    bytes.extend(END);
    bytes.extend(number.to_be_bytes());
}

/// Where to seek for the first history entry of any key after `key`.
pub(crate) fn history_after(key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len() + 16);
    put_escaped(key, &mut bytes);
    bytes.extend(AFTER_END);
    bytes
}

/// The number in a history key.
pub(crate) fn history_number(bytes: &[u8]) -> Option<u32> {
    bytes.last_chunk().map(|number| u32::from_be_bytes(*number))
}

/// What the history keys of one storage key have in common, and no other.
pub(crate) fn history_prefix(bytes: &[u8]) -> &[u8] {
    bytes.get(..bytes.len().saturating_sub(4)).unwrap_or_default()
}

/// Takes a history key apart: key and number.
pub(crate) fn split_history_key(bytes: &[u8]) -> Result<(Vec<u8>, u32), DbError> {
    let broken = || DbError::Corrupt("a key in the history has no end mark".into());
    let number = history_number(bytes).ok_or_else(broken)?;
    let mut rest = bytes[..bytes.len() - 4].strip_suffix(&END).ok_or_else(broken)?;
    let mut key = Vec::with_capacity(rest.len());
    while let Some(zero) = rest.iter().position(|byte| *byte == 0) {
        key.extend(&rest[..=zero]);
        rest = rest[zero..].strip_prefix(&ESCAPED_ZERO).ok_or_else(broken)?;
    }
    key.extend(rest);
    Ok((key, number))
}

fn put_escaped(key: &[u8], bytes: &mut Vec<u8>) {
    let mut rest = key;
    while let Some(zero) = rest.iter().position(|byte| *byte == 0) {
        bytes.extend(&rest[..zero]);
        bytes.extend(ESCAPED_ZERO);
        rest = &rest[zero + 1..];
    }
    bytes.extend(rest);
}

/// An old value at the end of `bytes`: `00` for none, `01` and the value otherwise.
pub(crate) fn put_history_value(old: Option<&[u8]>, bytes: &mut Vec<u8>) {
    match old {
        None => bytes.push(0),
        Some(value) => {
            bytes.push(1);
            bytes.extend(value);
        }
    }
}

/// The old value in a history entry.
pub(crate) fn split_history_value(bytes: &[u8]) -> Result<Option<&[u8]>, DbError> {
    match bytes.split_first() {
        Some((0, [])) => Ok(None),
        Some((1, value)) => Ok(Some(value)),
        _ => Err(DbError::Corrupt("a value in the history has no mark".into())),
    }
}

/// Decodes the whole of `bytes`, or says which `thing` does not decode.
pub(crate) fn decode<T: DecodeAll>(thing: &str, key: &[u8], bytes: &[u8]) -> Result<T, DbError> {
    T::decode_all(&mut &bytes[..]).map_err(|error| {
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        DbError::Corrupt(format!("the entry 0x{key} of {thing} does not decode ({error})"))
    })
}

/// A number as a key: big endian, so that order by key is order by number.
pub(crate) fn number_key(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

/// SCALE bytes, for what goes into [`META`].
pub(crate) fn encode(value: &impl Encode) -> Vec<u8> {
    value.encode()
}
