//! A node among others: flags to configuration, transactions to and fro, and what the RPC tells of peers.

use std::{path::Path, str::FromStr};

use basalt_network::{
    Config, Cost, Discovery as Ways, Identity, Multiaddr, NetworkHandle, PeerId, Roles, TransactionReceiver,
};
use basalt_pool::PoolHandle;
use basalt_primitives::H256;
use basalt_rpc::{NetworkError, NetworkStatus};
use basalt_rpc_api::types::PeerInfo;
use basalt_sync::SyncStatus;
use futures::future::BoxFuture;
use tokio::sync::{broadcast::error::RecvError, watch};

use crate::{
    chain_spec::{ChainSpec, ChainType},
    cli::{Discovery, NetworkArgs},
    error::NodeError,
};

/// Where the network keeps its key and the peers it knows, in a chain's folder.
const FOLDER: &str = "network";

/// What the flags ask for.
///
/// # Errors
///
/// If an address is none, or the folder cannot be made.
pub(crate) fn config(
    arguments: &NetworkArgs,
    spec: &ChainSpec,
    genesis: H256,
    folder: &Path,
    is_validator: bool,
) -> Result<Config, NodeError> {
    let is_local = matches!(spec.chain_type, ChainType::Development | ChainType::Local);
    let roles = if is_validator { Roles::FULL.with(Roles::AUTHORITY) } else { Roles::FULL };
    let mut config = if is_local { Config::local(genesis, roles) } else { Config::new(genesis, roles) };
    let folder = folder.join(FOLDER);
    std::fs::create_dir_all(&folder).map_err(|error| NodeError::Folder { path: folder.clone(), error })?;
    config.identity = match (&arguments.node_key, &arguments.node_key_file) {
        (Some(key), _) => Identity::Secret(key.0.into()),
        (None, Some(file)) => Identity::Secret(read_key(file)?.into()),
        (None, None) => Identity::Folder(folder.clone()),
    };
    config.folder = Some(folder);
    config.listen = match &arguments.listen_addr[..] {
        [] => vec![
            address(&format!("/ip4/0.0.0.0/tcp/{}", arguments.p2p_port))?,
            address(&format!("/ip6/::/tcp/{}", arguments.p2p_port))?,
        ],
        given => addresses(given)?,
    };
    config.external = addresses(&arguments.public_addr)?;
    config.bootnodes = addresses(spec.boot_nodes.iter().chain(&arguments.bootnodes))?;
    config.reserved = addresses(&arguments.reserved_nodes)?;
    config.reserved_only = arguments.reserved_only;
    config.connections.inbound_max = usize::try_from(arguments.max_peers).unwrap_or(usize::MAX);
    let ways = arguments.ways(is_local);
    let has = |way| ways.contains(&way);
    config.discovery = Ways {
        kademlia: has(Discovery::Kad),
        mdns: has(Discovery::Mdns),
        private_addresses: arguments.private_addresses(is_local),
    };
    config.reach.autonat = has(Discovery::Autonat);
    config.reach.upnp = has(Discovery::Upnp);
    config.reach.relay_client = has(Discovery::Relay);
    config.reach.dcutr = has(Discovery::Dcutr);
    Ok(config)
}

fn addresses<'a>(texts: impl IntoIterator<Item = &'a String>) -> Result<Vec<Multiaddr>, NodeError> {
    texts.into_iter().map(|text| address(text)).collect()
}

fn address(text: &str) -> Result<Multiaddr, NodeError> {
    Multiaddr::from_str(text)
        .map_err(|error| NodeError::Address { address: text.to_owned(), why: error.to_string() })
}

/// 64 hex digits, or 32 bytes.
fn read_key(file: &Path) -> Result<[u8; 32], NodeError> {
    let wrong = |why: String| NodeError::NodeKey { path: file.to_owned(), why };
    let bytes = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    if let Ok(key) = <[u8; 32]>::try_from(&bytes[..]) {
        return Ok(key);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("it holds neither 32 bytes nor text".into()))?;
    const_hex::decode_to_array(text.trim()).map_err(|_| wrong("it does not hold 64 hex digits".into()))
}

/// Passes transactions on: ours and others', once each.
pub(crate) fn carry_transactions(
    network: NetworkHandle,
    pool: PoolHandle,
    mut received: TransactionReceiver,
) {
    let mut arrivals = pool.subscribe_arrivals();
    let to_others = network.clone();
    // Both end with the network or the pool.
    tokio::spawn(async move {
        loop {
            match arrivals.recv().await {
                Ok(transaction) => {
                    if let Err(error) = to_others.announce_transaction(transaction.bytes.clone()) {
                        tracing::debug!(%error, hash = ?transaction.hash, "a transaction was not passed on");
                    }
                }
                // Whoever lacks them gets them in a block.
                Err(RecvError::Lagged(missed)) => {
                    tracing::debug!(missed, "too many transactions came at once to pass all on");
                }
                Err(RecvError::Closed) => return,
            }
        }
    });
    tokio::spawn(async move {
        while let Some((peer, bytes)) = received.recv().await {
            // What waits for the batch goes on while others come in; the pool bounds how many may wait.
            let (pool, network) = (pool.clone(), network.clone());
            tokio::spawn(async move {
                if let Err(error) = pool.submit(bytes).await
                    && error.is_bad_transaction()
                {
                    network.report(peer, Cost::BadTransaction);
                }
            });
        }
    });
}

/// What the RPC tells of peers.
pub(crate) struct Peers {
    pub(crate) network: NetworkHandle,
    pub(crate) progress: watch::Receiver<SyncStatus>,
}

impl NetworkStatus for Peers {
    fn local_peer_id(&self) -> String {
        self.network.local_peer_id().to_string()
    }

    fn listen_addresses(&self) -> BoxFuture<'_, Vec<String>> {
        let id = self.network.local_peer_id();
        let all = self.network.listen_addresses();
        Box::pin(async move { all.into_iter().map(|address| address.with_peer(id).to_string()).collect() })
    }

    fn peers(&self) -> BoxFuture<'_, Vec<PeerInfo>> {
        let peers = self.network.peers();
        Box::pin(async move {
            let one = |peer: basalt_network::PeerInfo| PeerInfo {
                peer_id: peer.id.to_string(),
                roles: if peer.roles.contains(Roles::AUTHORITY) { "AUTHORITY".into() } else { "FULL".into() },
                best_hash: peer.best.hash.into(),
                best_number: peer.best.number,
            };
            peers.into_iter().map(one).collect()
        })
    }

    fn should_have_peers(&self) -> bool {
        true
    }

    fn is_syncing(&self) -> bool {
        self.progress.borrow().syncing
    }

    fn highest_block(&self) -> Option<u32> {
        Some(self.progress.borrow().highest)
    }

    fn reserved_peers(&self) -> BoxFuture<'_, Vec<String>> {
        let peers = self.network.peers();
        Box::pin(async move {
            peers.into_iter().filter(|peer| peer.reserved).map(|peer| peer.id.to_string()).collect()
        })
    }

    fn add_reserved_peer(&self, address: String) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async move {
            let expected = "the address of a peer, such as /ip4/127.0.0.1/tcp/30333/p2p/12D3KooW…";
            let bad = |why: String| NetworkError::BadPeer { given: address.clone(), expected, why };
            let parsed = Multiaddr::from_str(&address).map_err(|error| bad(error.to_string()))?;
            match self.network.reserve(parsed).await {
                Ok(_) => Ok(()),
                Err(basalt_network::NetworkError::Stopped) => Err(NetworkError::Stopping),
                Err(error) => Err(bad(error.to_string())),
            }
        })
    }

    fn remove_reserved_peer(&self, peer_id: String) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async move {
            let expected = "the id of a peer, such as 12D3KooW…";
            let bad = |why: String| NetworkError::BadPeer { given: peer_id.clone(), expected, why };
            let peer = PeerId::from_str(&peer_id).map_err(|error| bad(error.to_string()))?;
            match self.network.unreserve(peer).await {
                Ok(true) => Ok(()),
                Ok(false) => Err(bad("it is not reserved".into())),
                Err(_) => Err(NetworkError::Stopping),
            }
        })
    }
}

/// The id of a node by its secret key.
pub(crate) fn peer_id(secret: &[u8; 32]) -> Option<String> {
    PeerId::of_secret(secret).map(|id| id.to_string())
}

#[cfg(test)]
mod tests {
    use basalt_network::limits::BLOCK_RESPONSE_BYTES_MAX;
    use basalt_runtime::LIMITS;

    #[test]
    fn the_largest_block_can_be_fetched() {
        // Four bytes for the length of each extrinsic, of which none is shorter than 64 but the one inherent.
        let body = LIMITS.bytes_max as usize + LIMITS.bytes_max as usize / 64 * 4;
        let header = 1024 + basalt_chain::limits::DIGEST_BYTES_MAX;
        // Block, key and signature of each validator.
        let justification = 1024 + basalt_consensus_bft::limits::VALIDATORS_MAX * (36 + 32 + 64);
        let whole = body + header + justification;
        assert!(whole * 5 / 4 < BLOCK_RESPONSE_BYTES_MAX, "{whole} of {BLOCK_RESPONSE_BYTES_MAX} bytes");
    }
}
