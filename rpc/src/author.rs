//! `author_*`.

use std::sync::Arc;

use basalt_primitives::OpaqueExtrinsic;
use basalt_rpc_api::{
    AuthorApiServer,
    text::{Bytes, Hash},
};
use jsonrpsee::{
    PendingSubscriptionSink,
    core::{RpcResult, SubscriptionResult, async_trait},
};
use parity_scale_codec::Encode;

use crate::{error::Error, node::Node, subscriptions};

/// Answers `author_*`.
pub(crate) struct Author(pub(crate) Arc<Node>);

/// An extrinsic without its length, from one that must have it.
pub(crate) fn without_length(extrinsic: &Bytes) -> Result<Vec<u8>, Error> {
    OpaqueExtrinsic::from_encoded(&extrinsic.0).map(|extrinsic| extrinsic.0).map_err(Error::Extrinsic)
}

#[async_trait]
impl AuthorApiServer for Author {
    async fn submit_extrinsic(&self, extrinsic: Bytes) -> RpcResult<Hash> {
        let bytes = without_length(&extrinsic)?;
        Ok(self.0.pool.submit(bytes).await.map(Hash).map_err(Error::Pool)?)
    }

    async fn pending_extrinsics(&self) -> RpcResult<Vec<Bytes>> {
        Ok(self.0.pool.pending().await.iter().map(|transaction| Bytes(transaction.bytes.encode())).collect())
    }

    async fn submit_and_watch_extrinsic(
        &self,
        pending: PendingSubscriptionSink,
        extrinsic: Bytes,
    ) -> SubscriptionResult {
        subscriptions::submit_and_watch(&self.0, pending, &extrinsic).await
    }
}
