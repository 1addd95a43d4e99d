//! Names for what contracts store.
//!
//! A contract's storage is a range of the one state (see `basalt-pallet-contracts`): its keys name the contract only by the id
//! of its storage, which no one can turn back into an account. The accounts are found where contracts are listed.

use std::collections::{BTreeMap, BTreeSet};

use basalt_primitives::hashing::{blake2_128, twox_128};
use basalt_state::{StateError, StateRead};
use parity_scale_codec::Decode;

use super::{ItemName, KeyNames, PREFIX_BYTES};

/// What keys of contracts' storage begin with.
pub(crate) const CHILD_PREFIX: &[u8] = b":child_storage:default:";

/// Bytes of the id of a contract's storage.
pub(crate) const CHILD_ID_BYTES: usize = 32;

/// Bytes of the hash that a key of any length follows.
const KEY_HASH_BYTES: usize = 16;

/// The id of a contract's storage.
pub type ChildId = [u8; CHILD_ID_BYTES];

/// What is known of every key of contracts' storage. No item of the metadata has this name.
pub(super) const NAME: ItemName<'static> = ItemName { pallet: "Contracts", item: "Storage" };

/// A key of a contract's storage: the id of the storage, and the hashed key.
pub(super) fn split(key: &[u8]) -> Option<(ChildId, &[u8])> {
    let (id, hashed) = key.strip_prefix(CHILD_PREFIX)?.split_first_chunk()?;
    Some((*id, hashed))
}

/// Storage and key as text.
pub(super) fn parts(id: &ChildId, hashed: &[u8]) -> Vec<String> {
    let mut parts = vec![format!("storage {}", const_hex::encode_prefixed(id))];
    if !hashed.is_empty() {
        parts.push(own_key(hashed));
    }
    parts
}

/// A contract's key behind its hash, or the hash that is left of a fixed key.
fn own_key(hashed: &[u8]) -> String {
    match hashed.split_first_chunk::<KEY_HASH_BYTES>() {
        Some((hash, key)) if blake2_128(key) == *hash => const_hex::encode_prefixed(key),
        _ => format!("hash {}", const_hex::encode_prefixed(hashed)),
    }
}

impl KeyNames {
    /// The id of the storage that a key belongs to, if it is a contract's.
    pub fn child_id(&self, key: &[u8]) -> Option<ChildId> {
        split(key).map(|(id, _)| id)
    }

    /// The contracts whose storage has these ids, as addresses: those among the first `most` contracts of the state.
    ///
    /// # Errors
    ///
    /// [`StateError`] if the state cannot be read.
    pub fn contracts(
        &self,
        state: &dyn StateRead,
        ids: &BTreeSet<ChildId>,
        most: usize,
    ) -> Result<BTreeMap<ChildId, String>, StateError> {
        let mut found = BTreeMap::new();
        let mut prefix = [0; PREFIX_BYTES];
        let (of_pallet, of_item) = prefix.split_at_mut(PREFIX_BYTES / 2);
        of_pallet.copy_from_slice(&twox_128(b"Contracts"));
        of_item.copy_from_slice(&twox_128(b"ContractInfoOf"));
        let mut cursor = prefix.to_vec();
        for _ in 0..most {
            if found.len() == ids.len() {
                break;
            }
            let Some(key) = state.next_key(&cursor)?.filter(|key| key.starts_with(&prefix)) else { break };
            // A contract's record begins with the id of its storage.
            let id = state.get(&key)?.and_then(|value| Vec::<u8>::decode(&mut value.as_slice()).ok());
            if let Some(id) = id.and_then(|id| ChildId::try_from(id).ok()).filter(|id| ids.contains(id)) {
                found.extend(self.map_key(&key).pop().map(|address| (id, address)));
            }
            cursor = key;
        }
        Ok(found)
    }
}
