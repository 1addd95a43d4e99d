//! Where things are stored: the pallet's items, and each contract's own storage.
//!
//! A contract's storage is a child trie on Substrate chains. Here it is a range of the one state, under the key that
//! Substrate gives the trie's root, so that transactions conflict by single values and clients' `childstate_*` find it:
//!
//! ```text
//! :child_storage:default: ++ trie id ++ blake2_128(key) ++ key      a key of any length
//!                                    ++ blake2_256(key)             a fixed key of 32 bytes
//! ```

use alloc::vec::Vec;

use basalt_primitives::{
    AccountId, H256,
    hashing::{blake2_128, blake2_256},
};
use basalt_state::Key;
use basalt_support::{
    Map, Value,
    storage::{Identity, Twox64Concat},
};
use parity_scale_codec::Encode;

use crate::types::{BoundedBytes, CodeInfo, ContractInfo, DeletionQueueManager};

/// Code as it was uploaded, by its hash.
pub const PRISTINE_CODE: Map<Identity, H256, BoundedBytes> = Map::optional("Contracts", "PristineCode");
/// What is known of code, by its hash.
pub const CODE_INFO_OF: Map<Identity, H256, CodeInfo> = Map::optional("Contracts", "CodeInfoOf");
/// How many contracts were created, ever.
pub const NONCE: Value<u64> = Value::defaulted("Contracts", "Nonce");
/// The contracts.
pub const CONTRACT_INFO_OF: Map<Twox64Concat, AccountId, ContractInfo> =
    Map::optional("Contracts", "ContractInfoOf");
/// Storage of contracts that are no more, to be removed.
pub const DELETION_QUEUE: Map<Twox64Concat, u32, BoundedBytes> = Map::optional("Contracts", "DeletionQueue");
/// Which part of the queue is in use.
pub const DELETION_QUEUE_COUNTER: Value<DeletionQueueManager> =
    Value::defaulted("Contracts", "DeletionQueueCounter");
/// Always absent: there is nothing to migrate.
pub const MIGRATION_IN_PROGRESS: Value<BoundedBytes> = Value::optional("Contracts", "MigrationInProgress");

/// What all keys of contracts' storage begin with: Substrate's prefix for default child tries.
pub const CHILD_STORAGE_PREFIX: &[u8] = b":child_storage:default:";

/// What all raw keys of the storage with this id begin with.
pub fn child_prefix(trie_id: &[u8]) -> Key {
    [CHILD_STORAGE_PREFIX, trie_id].concat()
}

/// The id of the storage of the contract at `account`, created as number `nonce`.
pub fn trie_id(account: &AccountId, nonce: u64) -> BoundedBytes {
    BoundedBytes(blake2_256(&(account, nonce).encode()).to_vec())
}

/// How a key of any length appears in a contract's storage.
pub fn hashed_variable_key(key: &[u8]) -> Vec<u8> {
    let mut hashed = Vec::with_capacity(16 + key.len());
    hashed.extend_from_slice(&blake2_128(key));
    hashed.extend_from_slice(key);
    hashed
}

/// How a fixed key appears in a contract's storage.
pub fn hashed_fixed_key(key: &[u8; 32]) -> Vec<u8> {
    blake2_256(key).to_vec()
}
