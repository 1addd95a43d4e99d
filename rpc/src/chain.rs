//! `chain_*`.

use std::sync::Arc;

use basalt_primitives::{Block, Header};
use basalt_rpc_api::{
    ChainApiServer,
    text::{Hash, Number, OneOrMany},
    types::SignedBlock,
};
use jsonrpsee::{
    PendingSubscriptionSink,
    core::{RpcResult, SubscriptionResult, async_trait},
};

use crate::{error::Error, node::Node, subscriptions};

/// Answers `chain_*`.
pub(crate) struct ChainFamily(pub(crate) Arc<Node>);

impl ChainFamily {
    fn hash_at(&self, number: Number) -> Result<Option<Hash>, Error> {
        // No chain is that high.
        let Ok(number) = u32::try_from(number.0) else { return Ok(None) };
        Ok(self.0.chain.hash_at(number).map_err(Error::Chain)?.map(Hash))
    }
}

#[async_trait]
impl ChainApiServer for ChainFamily {
    async fn header(&self, hash: Option<Hash>) -> RpcResult<Option<Header>> {
        Ok(self.0.chain.header(&self.0.hash_or_best(hash)).map_err(Error::Chain)?)
    }

    async fn block(&self, hash: Option<Hash>) -> RpcResult<Option<SignedBlock>> {
        let read = move |node: &Node| {
            let hash = node.hash_or_best(hash);
            let header = node.chain.header(&hash).map_err(Error::Chain)?;
            let body = node.chain.body(&hash).map_err(Error::Chain)?;
            let justification = node.chain.justification(&hash).map_err(Error::Chain)?;
            Ok(header.zip(body).map(|(header, extrinsics)| SignedBlock {
                block: Block { header, extrinsics },
                justifications: justification.map(|proof| vec![(proof.engine, proof.data)]),
            }))
        };
        Ok(self.0.work(read).await?)
    }

    async fn block_hash(&self, number: Option<OneOrMany<Number>>) -> RpcResult<OneOrMany<Option<Hash>>> {
        Ok(match number {
            None => OneOrMany::One(Some(Hash(self.0.chain.best().hash))),
            Some(OneOrMany::One(number)) => OneOrMany::One(self.hash_at(number)?),
            Some(OneOrMany::Many(numbers)) => {
                let family = Self(Arc::clone(&self.0));
                let read = move |_: &Node| numbers.into_iter().map(|number| family.hash_at(number)).collect();
                OneOrMany::Many(self.0.work(read).await?)
            }
        })
    }

    async fn finalized_head(&self) -> RpcResult<Hash> {
        Ok(Hash(self.0.chain.finalized().hash))
    }

    async fn subscribe_new_heads(&self, pending: PendingSubscriptionSink) -> SubscriptionResult {
        subscriptions::new_heads(&self.0, pending).await
    }

    async fn subscribe_finalized_heads(&self, pending: PendingSubscriptionSink) -> SubscriptionResult {
        subscriptions::finalized_heads(&self.0, pending).await
    }

    async fn subscribe_all_heads(&self, pending: PendingSubscriptionSink) -> SubscriptionResult {
        subscriptions::all_heads(&self.0, pending).await
    }
}
