//! `system_*`: the node, its chain, its peers.

use basalt_primitives::{AccountId, Nonce};
use jsonrpsee::{core::RpcResult, proc_macros::rpc};
use serde_json::{Map, Value};

use crate::{
    text::{Bytes, Hash},
    types::{ChainType, Health, NodeRole, PeerInfo, SyncState},
};

/// The node, its chain, its peers.
#[rpc(server, client)]
pub trait SystemApi {
    /// The name of the program.
    #[method(name = "system_name")]
    async fn name(&self) -> RpcResult<String>;

    /// The version of the program.
    #[method(name = "system_version")]
    async fn version(&self) -> RpcResult<String>;

    /// The name of the chain.
    #[method(name = "system_chain")]
    async fn chain(&self) -> RpcResult<String>;

    /// The kind of chain.
    #[method(name = "system_chainType")]
    async fn chain_type(&self) -> RpcResult<ChainType>;

    /// What wallets show: `ss58Format`, `tokenDecimals`, `tokenSymbol`.
    #[method(name = "system_properties")]
    async fn properties(&self) -> RpcResult<Map<String, Value>>;

    /// How the node is doing.
    #[method(name = "system_health")]
    async fn health(&self) -> RpcResult<Health>;

    /// The node's id in its network.
    #[method(name = "system_localPeerId")]
    async fn local_peer_id(&self) -> RpcResult<String>;

    /// The addresses at which peers reach the node.
    #[method(name = "system_localListenAddresses")]
    async fn local_listen_addresses(&self) -> RpcResult<Vec<String>>;

    /// The connected peers. Unsafe.
    #[method(name = "system_peers")]
    async fn peers(&self) -> RpcResult<Vec<PeerInfo>>;

    /// Connects to this peer and stays so, whatever its score: `/ip4/…/tcp/…/p2p/PEER_ID`. Unsafe.
    #[method(name = "system_addReservedPeer")]
    async fn add_reserved_peer(&self, peer: String) -> RpcResult<()>;

    /// Treats a reserved peer as any other again, by its id. Unsafe.
    #[method(name = "system_removeReservedPeer")]
    async fn remove_reserved_peer(&self, peer_id: String) -> RpcResult<()>;

    /// The ids of the reserved peers. Unsafe.
    #[method(name = "system_reservedPeers")]
    async fn reserved_peers(&self) -> RpcResult<Vec<String>>;

    /// What the node does.
    #[method(name = "system_nodeRoles")]
    async fn node_roles(&self) -> RpcResult<Vec<NodeRole>>;

    /// How far the node has come.
    #[method(name = "system_syncState")]
    async fn sync_state(&self) -> RpcResult<SyncState>;

    /// The nonce for an account's next transaction, counting those that wait in the pool.
    #[method(name = "system_accountNextIndex", aliases = ["account_nextIndex"])]
    async fn account_next_index(&self, account: AccountId) -> RpcResult<Nonce>;

    /// Runs an extrinsic without keeping its effects: SCALE of the result. Unsafe.
    #[method(name = "system_dryRun", aliases = ["system_dryRunAt"])]
    async fn dry_run(&self, extrinsic: Bytes, at: Option<Hash>) -> RpcResult<Bytes>;
}
