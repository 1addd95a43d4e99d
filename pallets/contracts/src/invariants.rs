//! What must hold in every state.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    vec::Vec,
};

use basalt_primitives::{H256, hashing::blake2_256};
use basalt_state::{StateError, StateRead};

use crate::{
    CHILD_STORAGE_PREFIX, CODE_INFO_OF, CONTRACT_INFO_OF, DELETION_QUEUE, DELETION_QUEUE_COUNTER,
    MIGRATION_IN_PROGRESS, PRISTINE_CODE, types::ContractInfo,
};

/// Checks code and who uses it, contracts and what they store, and the deletion queue.
pub(crate) fn check(state: &dyn StateRead) -> Result<(), String> {
    let mut users: BTreeMap<H256, u64> = BTreeMap::new();
    let mut tries = BTreeSet::new();
    for entry in CONTRACT_INFO_OF.iter(state) {
        let (account, info) = entry.map_err(broken)?;
        check_contract(state, &info).map_err(|what| format!("the contract {account} {what}"))?;
        for used in info.delegate_dependencies.0.keys().chain([&info.code_hash]) {
            let count = users.entry(*used).or_default();
            *count = count.saturating_add(1);
        }
        if !tries.insert(info.trie_id.0) {
            return Err(format!("the contract {account} shares its storage with another one"));
        }
    }
    check_code(state, users)?;
    check_queue(state, &mut tries)?;
    check_storage(state, &tries)
}

fn check_contract(state: &dyn StateRead, info: &ContractInfo) -> Result<(), String> {
    let prefix = crate::storage::child_prefix(&info.trie_id.0);
    let (mut items, mut bytes) = (0_u32, 0_usize);
    let mut cursor = prefix.clone();
    while let Some(key) = state.next_key(&cursor).map_err(broken)?.filter(|key| key.starts_with(&prefix)) {
        items = items.saturating_add(1);
        bytes = bytes.saturating_add(state.get(&key).map_err(broken)?.map_or(0, |value| value.len()));
        cursor = key;
    }
    if (info.storage_items, info.storage_bytes as usize) != (items, bytes) {
        return Err(format!(
            "stores {items} values of {bytes} bytes, its record says {} and {}",
            info.storage_items, info.storage_bytes
        ));
    }
    Ok(())
}

fn check_code(state: &dyn StateRead, mut users: BTreeMap<H256, u64>) -> Result<(), String> {
    for entry in CODE_INFO_OF.iter(state) {
        let (hash, info) = entry.map_err(broken)?;
        let code = PRISTINE_CODE.get(state, &hash).map_err(broken)?.unwrap_or_default().0;
        if H256(blake2_256(&code)) != hash || code.len() != info.code_len as usize {
            return Err(format!("the code {hash:?} is not what was uploaded"));
        }
        let used = users.remove(&hash).unwrap_or_default();
        if used != info.refcount {
            return Err(format!("the code {hash:?} has {used} users, its count says {}", info.refcount));
        }
    }
    for entry in PRISTINE_CODE.iter(state) {
        let (hash, _) = entry.map_err(broken)?;
        if !CODE_INFO_OF.contains(state, &hash).map_err(broken)? {
            return Err(format!("nothing is known of the code {hash:?}"));
        }
    }
    match users.first_key_value() {
        Some((hash, _)) => Err(format!("a contract uses the code {hash:?}, which is not there")),
        None => Ok(()),
    }
}

/// Adds what is queued to `tries`.
fn check_queue(state: &dyn StateRead, tries: &mut BTreeSet<Vec<u8>>) -> Result<(), String> {
    let queue = DELETION_QUEUE_COUNTER.get_or_default(state).map_err(broken)?;
    let length = queue.insert_counter.wrapping_sub(queue.delete_counter);
    let mut found = 0_u32;
    for entry in DELETION_QUEUE.iter(state) {
        let (place, trie_id) = entry.map_err(broken)?;
        if place.wrapping_sub(queue.delete_counter) >= length {
            return Err(format!("place {place} of the deletion queue is outside of {queue:?}"));
        }
        found = found.saturating_add(1);
        if !tries.insert(trie_id.0) {
            return Err(format!("place {place} of the deletion queue is storage of a living contract"));
        }
    }
    if found != length {
        return Err(format!("the deletion queue has {found} entries, its counters say {length}"));
    }
    if MIGRATION_IN_PROGRESS.exists(state).map_err(broken)? {
        return Err("a migration is in progress, and there is none".to_string());
    }
    Ok(())
}

/// All storage of contracts belongs to one of these.
fn check_storage(state: &dyn StateRead, tries: &BTreeSet<Vec<u8>>) -> Result<(), String> {
    let mut cursor = CHILD_STORAGE_PREFIX.to_vec();
    while let Some(key) = state.next_key(&cursor).map_err(broken)? {
        let Some(rest) = key.strip_prefix(CHILD_STORAGE_PREFIX) else { break };
        if !rest.get(..TRIE_ID_BYTES).is_some_and(|trie_id| tries.contains(trie_id)) {
            return Err("there is storage of no contract".to_string());
        }
        cursor = key;
    }
    Ok(())
}

/// Bytes of the id of a contract's storage.
const TRIE_ID_BYTES: usize = 32;

fn broken(error: StateError) -> String {
    error.to_string()
}
