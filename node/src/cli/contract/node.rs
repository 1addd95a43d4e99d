//! What the contract commands ask a node.

use std::collections::BTreeMap;

use basalt_pallet_contracts::{
    CODE_INFO_OF, CONTRACT_INFO_OF,
    storage::child_prefix,
    types::{CodeInfo, ContractInfo},
};
use basalt_primitives::{AccountId, H256};

use super::error::ContractError;
use crate::cli::tx::{Chain, Node, TxError, decode_all};

/// Keys of a contract's storage begin with a hash of as many bytes of what follows.
const KEY_HASH_BYTES: usize = 16;
/// How many keys are asked for at once. Nodes give no more than 1000.
const PAGE_KEYS: u32 = 512;

/// The record of a contract.
pub(super) async fn contract(
    node: &Node,
    chain: &Chain,
    account: &AccountId,
) -> Result<ContractInfo, ContractError> {
    let what = "the record of a contract";
    match node.stored(what, CONTRACT_INFO_OF.key(account).to_vec()).await? {
        Some(bytes) => Ok(decode_all(what, &bytes)?),
        None => Err(ContractError::NoContract { address: chain.address(account) }),
    }
}

/// What is known of code, if it is there.
pub(super) async fn code_info(node: &Node, code_hash: &H256) -> Result<Option<CodeInfo>, TxError> {
    let what = "the record of code";
    let bytes = node.stored(what, CODE_INFO_OF.key(code_hash).to_vec()).await?;
    bytes.map(|bytes| decode_all(what, &bytes)).transpose()
}

/// The keys that the contract chose, and what is under them, at most `limit`.
///
/// Keys of a fixed length, which older contracts use, are known by their hash only and come as such.
pub(super) async fn storage(
    node: &Node,
    info: &ContractInfo,
    limit: u32,
) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, ContractError> {
    let prefix = child_prefix(&info.trie_id.0);
    let at = node.best_hash().await?;
    let mut pairs = BTreeMap::new();
    let mut after = None;
    loop {
        let keys = node.keys_after(&prefix, PAGE_KEYS, after.clone(), at).await?;
        let is_last = keys.len() < PAGE_KEYS as usize;
        after = keys.last().cloned();
        for (key, value) in node.values(keys, at).await? {
            let own = key.get(prefix.len() + KEY_HASH_BYTES..).unwrap_or_default().to_vec();
            if let Some(value) = value {
                pairs.insert(own, value);
            }
        }
        if pairs.len() > limit as usize {
            return Err(ContractError::TooMuchStored(limit));
        }
        if is_last {
            return Ok(pairs);
        }
    }
}
