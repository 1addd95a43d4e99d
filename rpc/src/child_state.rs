//! `childstate_*`: what contracts store.
//!
//! Child storage is a range of the one state here: its keys begin with the child's own, see `basalt-pallet-contracts`.

use std::sync::Arc;

use basalt_primitives::{H256, hashing::blake2_256};
use basalt_rpc_api::{
    ChildStateApiServer,
    text::{Bytes, Hash},
};
use basalt_state::StateRead;
use jsonrpsee::core::{RpcResult, async_trait};

use crate::{
    error::Error,
    keys::contracts::{CHILD_ID_BYTES, CHILD_PREFIX},
    node::Node,
    state::{Budget, check_page, check_unpaged, walk},
};

/// Answers `childstate_*`.
pub(crate) struct ChildState(pub(crate) Arc<Node>);

/// The storage that a client means.
struct Child {
    /// What its keys in the state begin with; `None` if it cannot be there.
    prefix: Option<Vec<u8>>,
}

impl Child {
    /// An id of another length names no child, though there may be keys that begin with it.
    fn new(key: Bytes) -> Result<Self, Error> {
        let id = key.0.strip_prefix(CHILD_PREFIX).ok_or(Error::NoChild)?;
        Ok(Self { prefix: (id.len() == CHILD_ID_BYTES).then_some(key.0) })
    }

    /// The key in the state of a key of the child's.
    fn key(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.prefix.as_ref().map(|prefix| [prefix, key].concat())
    }

    fn value(&self, state: &impl StateRead, hash: H256, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.key(key) {
            Some(key) => state.get(&key).map_err(|error| Error::state(error, hash)),
            None => Ok(None),
        }
    }

    /// Walks over the child's keys as [`walk`] does over the state's.
    fn walk(
        &self,
        state: &dyn StateRead,
        hash: H256,
        prefix: &[u8],
        start: Option<&[u8]>,
        mut each: impl FnMut(Vec<u8>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let Some(full) = self.key(prefix) else { return Ok(()) };
        let own = full.len() - prefix.len();
        let start = start.and_then(|start| self.key(start));
        walk(state, hash, &full, start.as_deref(), |mut key| each(key.split_off(own)))
    }
}

impl ChildState {
    /// Reads one value; short enough to do at once.
    fn value(&self, child: Bytes, key: &Bytes, at: Option<Hash>) -> Result<Option<Vec<u8>>, Error> {
        let child = Child::new(child)?;
        let (hash, state) = self.0.state(at)?;
        child.value(&state, hash, &key.0)
    }
}

#[async_trait]
impl ChildStateApiServer for ChildState {
    async fn keys(&self, child: Bytes, prefix: Option<Bytes>, at: Option<Hash>) -> RpcResult<Vec<Bytes>> {
        let child = Child::new(child)?;
        let read = move |node: &Node| {
            let (hash, state) = node.state(at)?;
            let mut budget = Budget::new(node.response_bytes_max);
            let mut keys = Vec::new();
            child.walk(&state, hash, &prefix.unwrap_or_default().0, None, |key| {
                check_unpaged(keys.len())?;
                budget.take(&key)?;
                keys.push(Bytes(key));
                Ok(true)
            })?;
            Ok(keys)
        };
        Ok(self.0.work(read).await?)
    }

    async fn keys_paged(
        &self,
        child: Bytes,
        prefix: Option<Bytes>,
        count: u32,
        start_key: Option<Bytes>,
        at: Option<Hash>,
    ) -> RpcResult<Vec<Bytes>> {
        let child = Child::new(child)?;
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
            child.walk(&state, hash, &prefix.unwrap_or_default().0, start, |key| {
                budget.take(&key)?;
                keys.push(Bytes(key));
                left -= 1;
                Ok(left > 0)
            })?;
            Ok(keys)
        };
        Ok(self.0.work(read).await?)
    }

    async fn storage(&self, child: Bytes, key: Bytes, at: Option<Hash>) -> RpcResult<Option<Bytes>> {
        Ok(self.value(child, &key, at)?.map(Bytes))
    }

    async fn storage_entries(
        &self,
        child: Bytes,
        keys: Vec<Bytes>,
        at: Option<Hash>,
    ) -> RpcResult<Vec<Option<Bytes>>> {
        let child = Child::new(child)?;
        let read = move |node: &Node| {
            let (hash, state) = node.state(at)?;
            let mut budget = Budget::new(node.response_bytes_max);
            keys.iter()
                .map(|key| {
                    let value = child.value(&state, hash, &key.0)?;
                    budget.take(value.as_deref().unwrap_or_default())?;
                    Ok(value.map(Bytes))
                })
                .collect()
        };
        Ok(self.0.work(read).await?)
    }

    async fn storage_hash(&self, child: Bytes, key: Bytes, at: Option<Hash>) -> RpcResult<Option<Hash>> {
        Ok(self.value(child, &key, at)?.map(|value| Hash(H256(blake2_256(&value)))))
    }

    async fn storage_size(&self, child: Bytes, key: Bytes, at: Option<Hash>) -> RpcResult<Option<u64>> {
        // A length fits 64 bits on every machine.
        Ok(self.value(child, &key, at)?.map(|value| u64::try_from(value.len()).unwrap_or(u64::MAX)))
    }
}
