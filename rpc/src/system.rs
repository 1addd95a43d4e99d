//! `system_*`.

use std::sync::Arc;

use basalt_primitives::{AccountId, Nonce};
use basalt_rpc_api::{
    SystemApiServer,
    text::{Bytes, Hash},
    types::{ChainType, Health, NodeRole, PeerInfo, SyncState},
};
use jsonrpsee::core::{RpcResult, async_trait};
use serde_json::{Map, Value};

use crate::{author::without_length, error::Error, node::Node};

/// Answers `system_*`. There is no network yet, so there are no peers.
pub(crate) struct System(pub(crate) Arc<Node>);

#[async_trait]
impl SystemApiServer for System {
    async fn name(&self) -> RpcResult<String> {
        Ok(self.0.info.node_name.clone())
    }

    async fn version(&self) -> RpcResult<String> {
        Ok(self.0.info.node_version.clone())
    }

    async fn chain(&self) -> RpcResult<String> {
        Ok(self.0.info.name.clone())
    }

    async fn chain_type(&self) -> RpcResult<ChainType> {
        Ok(self.0.info.chain_type.clone())
    }

    async fn properties(&self) -> RpcResult<Map<String, Value>> {
        Ok(self.0.info.properties.clone())
    }

    async fn health(&self) -> RpcResult<Health> {
        Ok(Health { peers: 0, is_syncing: false, should_have_peers: false })
    }

    async fn local_peer_id(&self) -> RpcResult<String> {
        Ok(self.0.info.peer_id.clone())
    }

    async fn local_listen_addresses(&self) -> RpcResult<Vec<String>> {
        Ok(Vec::new())
    }

    async fn peers(&self) -> RpcResult<Vec<PeerInfo>> {
        Ok(Vec::new())
    }

    async fn node_roles(&self) -> RpcResult<Vec<NodeRole>> {
        Ok(vec![if self.0.info.authority { NodeRole::Authority } else { NodeRole::Full }])
    }

    async fn sync_state(&self) -> RpcResult<SyncState> {
        let current_block = self.0.chain.best().number;
        Ok(SyncState { starting_block: self.0.starting_block, current_block, highest_block: current_block })
    }

    async fn account_next_index(&self, account: AccountId) -> RpcResult<Nonce> {
        Ok(self.0.pool.next_nonce(&account).await.map_err(Error::Pool)?)
    }

    async fn dry_run(&self, extrinsic: Bytes, at: Option<Hash>) -> RpcResult<Bytes> {
        without_length(&extrinsic)?;
        let run = move |node: &Node| {
            node.call("BlockBuilder_apply_extrinsic", &extrinsic.0, at)
                .map_err(|e| Error::DryRun(Box::new(e)))
        };
        Ok(Bytes(self.0.work(run).await?))
    }
}
