//! What the server asks of the network and of the engine that agrees with others.
//!
//! Traits, because the crates that know are built beside this one, and so that tests answer with what they please.

use basalt_rpc_api::types::{ConsensusReport, PeerInfo};
use futures::future::BoxFuture;

/// What a node knows of its network.
pub trait NetworkStatus: Send + Sync {
    /// The node's id; empty if it has no network.
    fn local_peer_id(&self) -> String;

    /// Where peers reach the node, as multiaddresses that end with its id.
    fn listen_addresses(&self) -> BoxFuture<'_, Vec<String>>;

    /// The connected peers.
    fn peers(&self) -> BoxFuture<'_, Vec<PeerInfo>>;

    /// Whether the node is meant to have peers.
    fn should_have_peers(&self) -> bool;

    /// Whether the node is catching up.
    fn is_syncing(&self) -> bool;

    /// The greatest height that a peer has told of.
    fn highest_block(&self) -> Option<u32>;

    /// The ids of the reserved peers.
    fn reserved_peers(&self) -> BoxFuture<'_, Vec<String>>;

    /// Connects to the peer at this multiaddress, which ends with its id, and stays so.
    fn add_reserved_peer(&self, address: String) -> BoxFuture<'_, Result<(), NetworkError>>;

    /// Treats the peer with this id as any other again.
    fn remove_reserved_peer(&self, peer_id: String) -> BoxFuture<'_, Result<(), NetworkError>>;
}

/// How the engine stands with the other validators.
pub trait ConsensusStatus: Send + Sync {
    /// As it is now.
    fn report(&self) -> BoxFuture<'_, ConsensusReport>;
}

/// Why the network was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// There is nothing to change.
    #[error("this node has no network: it was started with --dev; peers need a chain with validators")]
    NoNetwork,
    /// Not the address of a peer, or not an id.
    #[error("'{given}' is not {expected}: {why}")]
    BadPeer {
        /// What was given.
        given: String,
        /// What was expected, with an example.
        expected: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The node is on its way down.
    #[error("the node is shutting down")]
    Stopping,
}

/// A node without peers, as `--dev` runs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoNetwork;

impl NetworkStatus for NoNetwork {
    fn local_peer_id(&self) -> String {
        String::new()
    }

    fn listen_addresses(&self) -> BoxFuture<'_, Vec<String>> {
        Box::pin(async { Vec::new() })
    }

    fn peers(&self) -> BoxFuture<'_, Vec<PeerInfo>> {
        Box::pin(async { Vec::new() })
    }

    fn should_have_peers(&self) -> bool {
        false
    }

    fn is_syncing(&self) -> bool {
        false
    }

    fn highest_block(&self) -> Option<u32> {
        None
    }

    fn reserved_peers(&self) -> BoxFuture<'_, Vec<String>> {
        Box::pin(async { Vec::new() })
    }

    fn add_reserved_peer(&self, _address: String) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async { Err(NetworkError::NoNetwork) })
    }

    fn remove_reserved_peer(&self, _peer_id: String) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async { Err(NetworkError::NoNetwork) })
    }
}
