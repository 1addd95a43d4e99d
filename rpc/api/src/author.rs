//! `author_*`: submit transactions and watch them.

use jsonrpsee::{
    core::{RpcResult, SubscriptionResult},
    proc_macros::rpc,
};

use crate::{
    text::{Bytes, Hash},
    types::TransactionStatus,
};

/// Submit transactions and watch them. Extrinsics carry their length prefix.
#[rpc(server, client)]
pub trait AuthorApi {
    /// Gives a transaction to the pool; answers its hash.
    #[method(name = "author_submitExtrinsic")]
    async fn submit_extrinsic(&self, extrinsic: Bytes) -> RpcResult<Hash>;

    /// What waits in the pool.
    #[method(name = "author_pendingExtrinsics")]
    async fn pending_extrinsics(&self) -> RpcResult<Vec<Bytes>>;

    /// Gives a transaction to the pool and tells what becomes of it.
    #[subscription(
        name = "author_submitAndWatchExtrinsic" => "author_extrinsicUpdate",
        unsubscribe = "author_unwatchExtrinsic",
        item = TransactionStatus
    )]
    async fn submit_and_watch_extrinsic(&self, extrinsic: Bytes) -> SubscriptionResult;
}
