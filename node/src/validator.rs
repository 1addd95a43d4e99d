//! A node that agrees with others: its keys, and its way to them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use basalt_consensus_bft::{Incoming, Link, MESSAGES_MAX, Offence, PeerTag};
use basalt_network::{ConsensusReceiver, Cost, NetworkHandle, PeerId};
use basalt_primitives::{H256, OpaqueExtrinsic};
use basalt_sync::SyncHandle;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

mod keys;

pub(crate) use keys::ValidatorKeys;

/// Peers whose tags are remembered; the oldest are forgotten beyond, and get others when they speak again.
const PEERS_MAX: usize = 4096;

/// Numbers for peers.
#[derive(Default)]
struct Tags {
    of_peer: HashMap<PeerId, PeerTag>,
    peers: HashMap<PeerTag, PeerId>,
    next: PeerTag,
}

impl Tags {
    fn tag(&mut self, peer: PeerId) -> PeerTag {
        if let Some(tag) = self.of_peer.get(&peer) {
            return *tag;
        }
        if self.peers.len() >= PEERS_MAX {
            self.of_peer.clear();
            self.peers.clear();
        }
        let tag = self.next;
        self.next += 1;
        self.of_peer.insert(peer, tag);
        self.peers.insert(tag, peer);
        tag
    }
}

/// Gets the body of a block from the network: by hash, root of its extrinsics, and who spoke of it.
pub(crate) type FetchBody =
    Arc<dyn Fn(H256, H256, Option<PeerId>) -> BoxFuture<'static, Option<Vec<OpaqueExtrinsic>>> + Send + Sync>;

/// The engine's way to the other validators.
pub(crate) struct NetworkLink {
    network: NetworkHandle,
    tags: Arc<Mutex<Tags>>,
    fetch: FetchBody,
    sync: SyncHandle,
}

impl NetworkLink {
    /// A way through this network, and the messages that come by it.
    pub(crate) fn new(
        network: NetworkHandle,
        mut received: ConsensusReceiver,
        fetch: FetchBody,
        sync: SyncHandle,
    ) -> (Self, mpsc::Receiver<Incoming>) {
        let tags: Arc<Mutex<Tags>> = Arc::default();
        let (sender, messages) = mpsc::channel(MESSAGES_MAX);
        let of_peers = tags.clone();
        // Ends with the network.
        tokio::spawn(async move {
            while let Some((peer, bytes)) = received.recv().await {
                let tag = of_peers.lock().unwrap_or_else(PoisonError::into_inner).tag(peer);
                // What finds no room is sent again by whoever still needs it heard.
                let _ = sender.try_send((tag, bytes));
            }
        });
        (Self { network, tags, fetch, sync }, messages)
    }

    /// Which peers the engine's numbers stand for.
    pub(crate) fn tagged(&self) -> Tagged {
        Tagged(self.tags.clone())
    }

    fn peer(&self, tag: PeerTag) -> Option<PeerId> {
        self.tagged().peer(tag)
    }
}

/// Which peers the engine's numbers stand for.
#[derive(Clone)]
pub(crate) struct Tagged(Arc<Mutex<Tags>>);

impl Tagged {
    pub(crate) fn peer(&self, tag: PeerTag) -> Option<PeerId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).peers.get(&tag).copied()
    }
}

impl Link for NetworkLink {
    fn broadcast(&self, bytes: Vec<u8>) {
        if let Err(error) = self.network.broadcast_consensus(bytes) {
            tracing::warn!(%error, "a message to the other validators was not sent");
        }
    }

    fn report(&self, peer: PeerTag, offence: &Offence) {
        let Some(peer) = self.peer(peer) else { return };
        tracing::debug!(%peer, %offence, "a peer misbehaves");
        let cost = match offence {
            Offence::BadSignature | Offence::Stranger(_) | Offence::BadProposal(_) => {
                Cost::BadConsensusMessage
            }
        };
        self.network.report(peer, cost);
    }

    fn fetch(
        &self,
        hash: H256,
        root: H256,
        from: PeerTag,
    ) -> BoxFuture<'static, Option<Vec<OpaqueExtrinsic>>> {
        (self.fetch)(hash, root, self.peer(from))
    }

    fn behind(&self, _: PeerTag, _: u64) {
        self.sync.hurry();
    }
}
