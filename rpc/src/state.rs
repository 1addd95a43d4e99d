//! `state_*`.

use std::sync::Arc;

use basalt_primitives::{H256, RuntimeVersion, hashing::blake2_256};
use basalt_rpc_api::{
    StateApiServer,
    text::{Bytes, Hash},
    types::{ReadProof, StorageChangeSet},
};
use basalt_state::StateRead;
use jsonrpsee::{
    PendingSubscriptionSink,
    core::{RpcResult, SubscriptionResult, async_trait},
};
use parity_scale_codec::Encode;

use crate::{
    error::Error,
    limits::{KEYS_PER_PAGE_MAX, KEYS_PROVED_MAX, KEYS_UNPAGED_MAX, PROOF_DEPTH_MAX},
    node::Node,
    subscriptions,
};

/// The metadata that `state_getMetadata` answers: the last version whose clients ask this way.
const METADATA_VERSION: u32 = 14;

/// Answers `state_*`.
pub(crate) struct State(pub(crate) Arc<Node>);

/// Bytes that an answer may still have.
pub(crate) struct Budget {
    left: usize,
    max: usize,
}

impl Budget {
    pub(crate) fn new(max: usize) -> Self {
        Self { left: max, max }
    }

    /// Takes what these bytes need as hex text with quotes and a comma.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let needed = bytes.len().saturating_mul(2).saturating_add(5);
        self.left = self.left.checked_sub(needed).ok_or(Error::AnswerTooBig { max: self.max })?;
        Ok(())
    }
}

/// Walks over the keys with `prefix`, ascending: those after `start`, or all. Stops when `each` answers false.
pub(crate) fn walk(
    state: &dyn StateRead,
    hash: H256,
    prefix: &[u8],
    start: Option<&[u8]>,
    mut each: impl FnMut(Vec<u8>) -> Result<bool, Error>,
) -> Result<(), Error> {
    let failed = |e| Error::state(e, hash);
    // A start below the prefix excludes nothing.
    let start = start.filter(|start| *start >= prefix);
    if start.is_none() && state.get(prefix).map_err(failed)?.is_some() && !each(prefix.to_vec())? {
        return Ok(());
    }
    let mut key = start.unwrap_or(prefix).to_vec();
    while let Some(next) = state.next_key(&key).map_err(failed)?.filter(|next| next.starts_with(prefix)) {
        if !each(next.clone())? {
            return Ok(());
        }
        key = next;
    }
    Ok(())
}

/// Complains when more keys come than an unpaged answer has.
pub(crate) fn check_unpaged(count: usize) -> Result<(), Error> {
    if count < KEYS_UNPAGED_MAX {
        return Ok(());
    }
    let remedy = "ask for a longer prefix, or page by page with `…_getKeysPaged`";
    Err(Error::TooMany { value: count + 1, max: KEYS_UNPAGED_MAX, remedy })
}

/// Complains when a page is to have more keys than one has.
pub(crate) fn check_page(count: u32) -> Result<(), Error> {
    if count <= KEYS_PER_PAGE_MAX {
        return Ok(());
    }
    let remedy = "ask for fewer keys, then again with the last one as start key";
    let [value, max] = [count, KEYS_PER_PAGE_MAX].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    Err(Error::TooMany { value, max, remedy })
}

impl State {
    /// Reads one value; short enough to do at once.
    fn value(&self, key: &Bytes, at: Option<Hash>) -> Result<Option<Vec<u8>>, Error> {
        let (hash, state) = self.0.state(at)?;
        state.get(&key.0).map_err(|e| Error::state(e, hash))
    }
}

#[async_trait]
impl StateApiServer for State {
    async fn call(&self, function: String, arguments: Bytes, at: Option<Hash>) -> RpcResult<Bytes> {
        let call = move |node: &Node| node.call(&function, &arguments.0, at);
        Ok(Bytes(self.0.work(call).await?))
    }

    async fn keys(&self, prefix: Option<Bytes>, at: Option<Hash>) -> RpcResult<Vec<Bytes>> {
        let read = move |node: &Node| {
            let (hash, state) = node.state(at)?;
            let mut budget = Budget::new(node.response_bytes_max);
            let mut keys = Vec::new();
            walk(&state, hash, &prefix.unwrap_or_default().0, None, |key| {
                check_unpaged(keys.len())?;
                budget.take(&key)?;
                keys.push(Bytes(key));
                Ok(true)
            })?;
            Ok(keys)
        };
        Ok(self.0.work(read).await?)
    }

    async fn pairs(&self, prefix: Option<Bytes>, at: Option<Hash>) -> RpcResult<Vec<(Bytes, Bytes)>> {
        let read = move |node: &Node| {
            let (hash, state) = node.state(at)?;
            let mut budget = Budget::new(node.response_bytes_max);
            let mut pairs = Vec::new();
            walk(&state, hash, &prefix.unwrap_or_default().0, None, |key| {
                check_unpaged(pairs.len())?;
                let value = state.get(&key).map_err(|e| Error::state(e, hash))?.unwrap_or_default();
                budget.take(&key)?;
                budget.take(&value)?;
                pairs.push((Bytes(key), Bytes(value)));
                Ok(true)
            })?;
            Ok(pairs)
        };
        Ok(self.0.work(read).await?)
    }

    async fn keys_paged(
        &self,
        prefix: Option<Bytes>,
        count: u32,
        start_key: Option<Bytes>,
        at: Option<Hash>,
    ) -> RpcResult<Vec<Bytes>> {
        check_page(count)?;
        let read = move |node: &Node| {
            let (hash, state) = node.state(at)?;
            let mut budget = Budget::new(node.response_bytes_max);
            let mut keys = Vec::new();
            let mut left = count;
            if left == 0 {
                return Ok(keys);
            }
            let start = start_key.as_ref().map(|key| key.0.as_slice());
            walk(&state, hash, &prefix.unwrap_or_default().0, start, |key| {
                budget.take(&key)?;
                keys.push(Bytes(key));
                left -= 1;
                Ok(left > 0)
            })?;
            Ok(keys)
        };
        Ok(self.0.work(read).await?)
    }

    async fn storage(&self, key: Bytes, at: Option<Hash>) -> RpcResult<Option<Bytes>> {
        Ok(self.value(&key, at)?.map(Bytes))
    }

    async fn storage_hash(&self, key: Bytes, at: Option<Hash>) -> RpcResult<Option<Hash>> {
        Ok(self.value(&key, at)?.map(|value| Hash(H256(blake2_256(&value)))))
    }

    async fn storage_size(&self, key: Bytes, at: Option<Hash>) -> RpcResult<Option<u64>> {
        // A length fits 64 bits on every machine.
        Ok(self.value(&key, at)?.map(|value| u64::try_from(value.len()).unwrap_or(u64::MAX)))
    }

    async fn query_storage_at(&self, keys: Vec<Bytes>, at: Option<Hash>) -> RpcResult<Vec<StorageChangeSet>> {
        let read = move |node: &Node| {
            let (hash, state) = node.state(at)?;
            let mut budget = Budget::new(node.response_bytes_max);
            let mut changes = Vec::with_capacity(keys.len());
            for key in keys {
                let value = state.get(&key.0).map_err(|e| Error::state(e, hash))?;
                budget.take(&key.0)?;
                budget.take(value.as_deref().unwrap_or_default())?;
                changes.push((key, value.map(Bytes)));
            }
            Ok(vec![StorageChangeSet { block: Hash(hash), changes }])
        };
        Ok(self.0.work(read).await?)
    }

    async fn read_proof(&self, keys: Vec<Bytes>, at: Option<Hash>) -> RpcResult<ReadProof> {
        if keys.len() > KEYS_PROVED_MAX {
            let remedy = "ask for proofs of fewer keys at a time";
            return Err(Error::TooMany { value: keys.len(), max: KEYS_PROVED_MAX, remedy }.into());
        }
        let prove = move |node: &Node| {
            let (hash, header) = node.header(at)?;
            let depth = node.chain.finalized().number.saturating_sub(header.number);
            if depth > PROOF_DEPTH_MAX {
                let remedy = "ask for a proof at a more recent block";
                // Both fit: they are block numbers.
                return Err(Error::TooMany { value: depth as usize, max: PROOF_DEPTH_MAX as usize, remedy });
            }
            let keys: Vec<Vec<u8>> = keys.into_iter().map(|key| key.0).collect();
            let proofs = node.chain.prove(&hash, &keys).map_err(|e| Error::client(e, hash))?;
            Ok(ReadProof {
                at: Hash(hash),
                proof: proofs.iter().map(|proof| Bytes(proof.encode())).collect(),
            })
        };
        Ok(self.0.work(prove).await?)
    }

    async fn metadata(&self, at: Option<Hash>) -> RpcResult<Bytes> {
        let make = move |node: &Node| {
            node.header(at)?;
            let metadata = node.chain.runtime().metadata(METADATA_VERSION);
            metadata
                .map(Bytes)
                .ok_or_else(|| Error::Internal(format!("the runtime has no metadata V{METADATA_VERSION}")))
        };
        Ok(self.0.work(make).await?)
    }

    async fn runtime_version(&self, at: Option<Hash>) -> RpcResult<RuntimeVersion> {
        self.0.header(at)?;
        Ok(self.0.chain.runtime().version())
    }

    async fn subscribe_runtime_version(&self, pending: PendingSubscriptionSink) -> SubscriptionResult {
        subscriptions::runtime_version(&self.0, pending).await
    }

    async fn subscribe_storage(
        &self,
        pending: PendingSubscriptionSink,
        keys: Option<Vec<Bytes>>,
    ) -> SubscriptionResult {
        subscriptions::storage(&self.0, pending, keys).await
    }
}

#[cfg(test)]
mod tests;
