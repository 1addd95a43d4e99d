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

/// Answers `system_*`.
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
        let network = &self.0.network;
        let peers = u32::try_from(network.peers().await.len()).unwrap_or(u32::MAX);
        Ok(Health { peers, is_syncing: network.is_syncing(), should_have_peers: network.should_have_peers() })
    }

    async fn local_peer_id(&self) -> RpcResult<String> {
        Ok(self.0.network.local_peer_id())
    }

    async fn local_listen_addresses(&self) -> RpcResult<Vec<String>> {
        Ok(self.0.network.listen_addresses().await)
    }

    async fn peers(&self) -> RpcResult<Vec<PeerInfo>> {
        Ok(self.0.network.peers().await)
    }

    async fn add_reserved_peer(&self, peer: String) -> RpcResult<()> {
        Ok(self.0.network.add_reserved_peer(peer).await.map_err(Error::Network)?)
    }

    async fn remove_reserved_peer(&self, peer_id: String) -> RpcResult<()> {
        Ok(self.0.network.remove_reserved_peer(peer_id).await.map_err(Error::Network)?)
    }

    async fn reserved_peers(&self) -> RpcResult<Vec<String>> {
        Ok(self.0.network.reserved_peers().await)
    }

    async fn node_roles(&self) -> RpcResult<Vec<NodeRole>> {
        Ok(vec![if self.0.info.authority { NodeRole::Authority } else { NodeRole::Full }])
    }

    async fn sync_state(&self) -> RpcResult<SyncState> {
        let current_block = self.0.chain.best().number;
        // A peer's word may be old: no node is above itself.
        let highest_block = self.0.network.highest_block().unwrap_or(0).max(current_block);
        Ok(SyncState { starting_block: self.0.starting_block, current_block, highest_block })
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
