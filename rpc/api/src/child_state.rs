//! `childstate_*`: storage below a key of its own, such as a contract's.

use jsonrpsee::{core::RpcResult, proc_macros::rpc};

use crate::text::{Bytes, Hash};

/// Child storage. `child` is `:child_storage:default:` and the id of the storage, all in hex; keys are those below it. `at`
/// names a block by its hash; without it the best one is meant.
#[rpc(server, client)]
pub trait ChildStateApi {
    /// All keys with a prefix, as long as they are few.
    #[method(name = "childstate_getKeys")]
    async fn keys(&self, child: Bytes, prefix: Option<Bytes>, at: Option<Hash>) -> RpcResult<Vec<Bytes>>;

    /// The first `count` keys with a prefix that come after `start_key`, in byte order.
    #[method(name = "childstate_getKeysPaged", aliases = ["childstate_getKeysPagedAt"])]
    async fn keys_paged(
        &self,
        child: Bytes,
        prefix: Option<Bytes>,
        count: u32,
        start_key: Option<Bytes>,
        at: Option<Hash>,
    ) -> RpcResult<Vec<Bytes>>;

    /// A value.
    #[method(name = "childstate_getStorage")]
    async fn storage(&self, child: Bytes, key: Bytes, at: Option<Hash>) -> RpcResult<Option<Bytes>>;

    /// Many values, in the order of their keys in the request.
    #[method(name = "childstate_getStorageEntries")]
    async fn storage_entries(
        &self,
        child: Bytes,
        keys: Vec<Bytes>,
        at: Option<Hash>,
    ) -> RpcResult<Vec<Option<Bytes>>>;

    /// The blake2-256 hash of a value.
    #[method(name = "childstate_getStorageHash")]
    async fn storage_hash(&self, child: Bytes, key: Bytes, at: Option<Hash>) -> RpcResult<Option<Hash>>;

    /// The bytes of a value, counted.
    #[method(name = "childstate_getStorageSize")]
    async fn storage_size(&self, child: Bytes, key: Bytes, at: Option<Hash>) -> RpcResult<Option<u64>>;
}
