//! How the rest of the node reaches the network.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    BlockId, BlockRequest, BlockResponse, Cost, Heads, Multiaddr, NetworkError, PeerId, PeerInfo,
    RequestError, SendError, Traffic, limits, requests,
    shared::{Shared, message_hash, transaction_hash},
};

/// The network, as the rest of the node uses it. Cheap to clone; sending never waits.
#[derive(Debug, Clone)]
pub struct NetworkHandle {
    pub(crate) shared: Arc<Shared>,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) listening: watch::Receiver<Vec<Multiaddr>>,
}

/// What only the swarm's task can do.
#[derive(Debug)]
pub(crate) enum Command {
    Dial(Multiaddr, oneshot::Sender<Result<(), NetworkError>>),
    Reserve(Multiaddr, oneshot::Sender<Result<PeerId, NetworkError>>),
    Unreserve(PeerId, oneshot::Sender<bool>),
    Ban(PeerId, Option<Duration>, oneshot::Sender<()>),
    Unban(PeerId, oneshot::Sender<bool>),
    Banned(oneshot::Sender<Vec<PeerId>>),
    Disconnect(PeerId, oneshot::Sender<bool>),
}

impl NetworkHandle {
    /// Who we are.
    pub fn local_peer_id(&self) -> PeerId {
        self.shared.local
    }

    /// Where we listen now, without our name at the end.
    pub fn listen_addresses(&self) -> Vec<Multiaddr> {
        self.listening.borrow().clone()
    }

    /// Waits until we listen on at least `count` addresses, and returns them; none after the network has stopped.
    pub async fn wait_listening(&self, count: usize) -> Vec<Multiaddr> {
        let mut listening = self.listening.clone();
        match listening.wait_for(|addresses| addresses.len() >= count).await {
            Ok(addresses) => addresses.clone(),
            Err(_) => Vec::new(),
        }
    }

    /// The peers whose handshake succeeded, sorted by id.
    pub fn peers(&self) -> Vec<PeerInfo> {
        self.shared.peers.read().values().map(|peer| peer.info()).collect()
    }

    /// One of them.
    pub fn peer(&self, peer: &PeerId) -> Option<PeerInfo> {
        self.shared.peer(peer).map(|peer| peer.info())
    }

    /// Bytes and messages since the start.
    pub fn traffic(&self) -> Traffic {
        self.shared.metrics.traffic()
    }

    /// Registers the metrics of the network.
    ///
    /// # Errors
    ///
    /// If the registry has metrics of these names.
    pub fn register_metrics(&self, registry: &prometheus::Registry) -> Result<(), prometheus::Error> {
        self.shared.metrics.register(registry)
    }

    /// Sends a consensus message of our own to all peers that vote or follow, and returns to how many.
    ///
    /// # Errors
    ///
    /// If it is longer than [`limits::CONSENSUS_BYTES_MAX`].
    pub fn broadcast_consensus(&self, message: Vec<u8>) -> Result<usize, SendError> {
        let message = checked(message, limits::CONSENSUS_BYTES_MAX)?;
        let hash = message_hash(&message);
        self.shared.votes.lock().relayed(hash, self.shared.now());
        Ok(self.queue_to_followers(&message, &[]))
    }

    /// Passes on a consensus message of somebody else that was found new and valid: once, and not to those it came from.
    /// Returns to how many.
    ///
    /// # Errors
    ///
    /// As [`NetworkHandle::broadcast_consensus`].
    pub fn relay_consensus(&self, message: Vec<u8>) -> Result<usize, SendError> {
        let message = checked(message, limits::CONSENSUS_BYTES_MAX)?;
        let hash = message_hash(&message);
        let Some(from) = self.shared.votes.lock().relay(hash, self.shared.now()) else { return Ok(0) };
        Ok(self.queue_to_followers(&message, &from))
    }

    /// Sends a consensus message to one peer.
    ///
    /// # Errors
    ///
    /// If the message is too long, or the peer is not connected or neither votes nor follows.
    pub fn send_consensus(&self, peer: PeerId, message: Vec<u8>) -> Result<(), SendError> {
        let message = checked(message, limits::CONSENSUS_BYTES_MAX)?;
        match self.shared.peer(&peer) {
            Some(connected) if connected.follows_consensus() && self.shared.roles.follows_consensus() => {
                self.shared.queue_consensus(&connected, message);
                Ok(())
            }
            _ => Err(SendError::NotConnected { peer }),
        }
    }

    fn queue_to_followers(&self, message: &Bytes, except: &[PeerId]) -> usize {
        if !self.shared.roles.follows_consensus() {
            return 0;
        }
        let peers: Vec<_> = self.shared.peers.read().values().cloned().collect();
        let followers = peers.iter().filter(|peer| peer.follows_consensus() && !except.contains(&peer.id));
        followers.map(|peer| self.shared.queue_consensus(peer, message.clone())).count()
    }

    /// Spreads a valid transaction, of our own or of somebody else: pushed if short, else announced; to nobody who has it.
    ///
    /// # Errors
    ///
    /// If it is longer than [`limits::TRANSACTION_BYTES_MAX`].
    pub fn announce_transaction(&self, transaction: Vec<u8>) -> Result<(), SendError> {
        let transaction = checked(transaction, limits::TRANSACTION_BYTES_MAX)?;
        self.shared.spread_transaction(transaction_hash(&transaction), transaction);
        Ok(())
    }

    /// Asks a peer for blocks. Dropping the future gives up the question.
    ///
    /// # Errors
    ///
    /// See [`RequestError`]. What the peer is to blame for has been charged already; whether the blocks are right, only the
    /// caller can see, and [`NetworkHandle::report`].
    pub async fn request_blocks(
        &self,
        peer: PeerId,
        request: BlockRequest,
    ) -> Result<BlockResponse, RequestError> {
        requests::ask_blocks(&self.shared, peer, request).await
    }

    /// Tells peers where we stand.
    pub fn set_status(&self, best: BlockId, finalized: BlockId) {
        let heads = Heads { best, finalized };
        self.shared.heads.send_if_modified(|old| std::mem::replace(old, heads) != heads);
    }

    /// Charges a peer for what it did. Enough of it disconnects and bans it, unless it is reserved.
    pub fn report(&self, peer: PeerId, cost: Cost) {
        self.shared.charge(peer, cost, 1);
    }

    /// Tries once to connect. That it was tried says nothing about success: see [`crate::PeerEvent`].
    ///
    /// # Errors
    ///
    /// If the address names a banned peer, or the network has stopped.
    pub async fn dial(&self, address: Multiaddr) -> Result<(), NetworkError> {
        self.ask(|reply| Command::Dial(address, reply)).await?
    }

    /// Makes a peer reserved: dialled until it is there, welcome beyond limits, never banned.
    ///
    /// # Errors
    ///
    /// If the address names no peer, or there are [`limits::RESERVED_MAX`], or the network has stopped.
    pub async fn reserve(&self, address: Multiaddr) -> Result<PeerId, NetworkError> {
        self.ask(|reply| Command::Reserve(address, reply)).await?
    }

    /// Makes a peer one like others. Says whether it was reserved.
    ///
    /// # Errors
    ///
    /// If the network has stopped.
    pub async fn unreserve(&self, peer: PeerId) -> Result<bool, NetworkError> {
        self.ask(|reply| Command::Unreserve(peer, reply)).await
    }

    /// Disconnects a peer and refuses it for `time`, or as long as its record demands. Reserved peers are disconnected only.
    ///
    /// # Errors
    ///
    /// If the network has stopped.
    pub async fn ban(&self, peer: PeerId, time: Option<Duration>) -> Result<(), NetworkError> {
        self.ask(|reply| Command::Ban(peer, time, reply)).await
    }

    /// Ends a ban. Says whether there was one.
    ///
    /// # Errors
    ///
    /// If the network has stopped.
    pub async fn unban(&self, peer: PeerId) -> Result<bool, NetworkError> {
        self.ask(|reply| Command::Unban(peer, reply)).await
    }

    /// Who is banned now.
    ///
    /// # Errors
    ///
    /// If the network has stopped.
    pub async fn banned(&self) -> Result<Vec<PeerId>, NetworkError> {
        self.ask(Command::Banned).await
    }

    /// Closes all connections with a peer; it may come back. Says whether there were any.
    ///
    /// # Errors
    ///
    /// If the network has stopped.
    pub async fn disconnect(&self, peer: PeerId) -> Result<bool, NetworkError> {
        self.ask(|reply| Command::Disconnect(peer, reply)).await
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, NetworkError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| NetworkError::Stopped)?;
        answer.await.map_err(|_| NetworkError::Stopped)
    }
}

fn checked(message: Vec<u8>, max: usize) -> Result<Bytes, SendError> {
    match message.len() {
        bytes if bytes > max => Err(SendError::TooLarge { bytes, max }),
        _ => Ok(Bytes::from(message)),
    }
}
