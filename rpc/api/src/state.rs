//! `state_*`: storage, runtime calls, versions, metadata.

use basalt_primitives::RuntimeVersion;
use jsonrpsee::{
    core::{RpcResult, SubscriptionResult},
    proc_macros::rpc,
};

use crate::{
    text::{Bytes, Hash},
    types::{ReadProof, StorageChangeSet},
};

/// Storage, runtime calls, versions, metadata. `at` names a block by its hash; without it the best one is meant.
#[rpc(server, client)]
pub trait StateApi {
    /// Calls a runtime API by name with SCALE arguments.
    #[method(name = "state_call", aliases = ["state_callAt"])]
    async fn call(&self, function: String, arguments: Bytes, at: Option<Hash>) -> RpcResult<Bytes>;

    /// All keys with a prefix, as long as they are few.
    #[method(name = "state_getKeys")]
    async fn keys(&self, prefix: Option<Bytes>, at: Option<Hash>) -> RpcResult<Vec<Bytes>>;

    /// All keys with a prefix and their values, as long as they are few.
    #[method(name = "state_getPairs")]
    async fn pairs(&self, prefix: Option<Bytes>, at: Option<Hash>) -> RpcResult<Vec<(Bytes, Bytes)>>;

    /// The first `count` keys with a prefix that come after `start_key`, in byte order.
    #[method(name = "state_getKeysPaged", aliases = ["state_getKeysPagedAt"])]
    async fn keys_paged(
        &self,
        prefix: Option<Bytes>,
        count: u32,
        start_key: Option<Bytes>,
        at: Option<Hash>,
    ) -> RpcResult<Vec<Bytes>>;

    /// A value.
    #[method(name = "state_getStorage", aliases = ["state_getStorageAt"])]
    async fn storage(&self, key: Bytes, at: Option<Hash>) -> RpcResult<Option<Bytes>>;

    /// The blake2-256 hash of a value.
    #[method(name = "state_getStorageHash", aliases = ["state_getStorageHashAt"])]
    async fn storage_hash(&self, key: Bytes, at: Option<Hash>) -> RpcResult<Option<Hash>>;

    /// The bytes of a value, counted. With a prefix of many keys: of them all.
    #[method(name = "state_getStorageSize", aliases = ["state_getStorageSizeAt"])]
    async fn storage_size(&self, key: Bytes, at: Option<Hash>) -> RpcResult<Option<u64>>;

    /// Many values: a list of one change set.
    #[method(name = "state_queryStorageAt")]
    async fn query_storage_at(&self, keys: Vec<Bytes>, at: Option<Hash>) -> RpcResult<Vec<StorageChangeSet>>;

    /// Proofs for some keys.
    #[method(name = "state_getReadProof")]
    async fn read_proof(&self, keys: Vec<Bytes>, at: Option<Hash>) -> RpcResult<ReadProof>;

    /// The metadata, version 14.
    #[method(name = "state_getMetadata")]
    async fn metadata(&self, at: Option<Hash>) -> RpcResult<Bytes>;

    /// The runtime's names and versions.
    #[method(name = "state_getRuntimeVersion", aliases = ["chain_getRuntimeVersion"])]
    async fn runtime_version(&self, at: Option<Hash>) -> RpcResult<RuntimeVersion>;

    /// The runtime's names and versions, now and whenever the specification version changes.
    #[subscription(
        name = "state_subscribeRuntimeVersion" => "state_runtimeVersion",
        aliases = ["chain_subscribeRuntimeVersion"],
        unsubscribe = "state_unsubscribeRuntimeVersion",
        unsubscribe_aliases = ["chain_unsubscribeRuntimeVersion"],
        item = RuntimeVersion
    )]
    async fn subscribe_runtime_version(&self) -> SubscriptionResult;

    /// What the keys hold now, and then at each new best block those that changed.
    #[subscription(
        name = "state_subscribeStorage" => "state_storage",
        unsubscribe = "state_unsubscribeStorage",
        item = StorageChangeSet
    )]
    async fn subscribe_storage(&self, keys: Option<Vec<Bytes>>) -> SubscriptionResult;
}
