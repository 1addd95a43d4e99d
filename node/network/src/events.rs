//! What the node hears of the network: one queue for each plane, each bounded in its own way.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use tokio::sync::{mpsc, oneshot};

use crate::{BlockRequest, BlockResponse, Heads, PeerId, Status, limits, mailbox::Mailbox, queue::FairQueue};

#[cfg(test)]
mod tests;

/// All queues; each is read by one task.
#[derive(Debug)]
pub struct Receivers {
    /// Votes and proposals.
    pub consensus: ConsensusReceiver,
    /// Transactions.
    pub transactions: TransactionReceiver,
    /// Questions for blocks.
    pub block_requests: BlockRequestReceiver,
    /// Who comes, goes, and where they stand.
    pub peers: PeerEventReceiver,
}

/// Consensus messages: in order for each peer, the peers in turn. Of a peer that sends faster than this is read, the oldest
/// are dropped.
#[derive(Debug)]
pub struct ConsensusReceiver(pub(crate) Arc<Mailbox<FairQueue<Vec<u8>>>>);

/// Transactions, each once, as the consensus messages in order and in turn.
#[derive(Debug)]
pub struct TransactionReceiver(pub(crate) Arc<Mailbox<FairQueue<Vec<u8>>>>);

/// Questions for blocks. While it is full, peers are told to ask later.
#[derive(Debug)]
pub struct BlockRequestReceiver(pub(crate) mpsc::Receiver<IncomingBlockRequest>);

/// Changes among the connected peers. Who reads late sees the newest state only: a status takes the place of an unread one, and
/// a peer that came and went unread is never heard of.
#[derive(Debug)]
pub struct PeerEventReceiver(pub(crate) Arc<Mailbox<PeerEvents>>);

/// A question of a peer.
#[derive(Debug)]
pub struct IncomingBlockRequest {
    /// Who asks.
    pub peer: PeerId,
    /// For what. Within the limits.
    pub request: BlockRequest,
    /// Takes the answer.
    pub responder: Responder,
}

/// Takes the answer to one question. Dropped without one, the peer is told that we are busy.
#[derive(Debug)]
pub struct Responder(pub(crate) oneshot::Sender<BlockResponse>);

impl Responder {
    /// Sends `response`, without the last of its blocks if it is too long.
    pub fn respond(self, mut response: BlockResponse) {
        response.truncate_to(limits::BLOCK_RESPONSE_BYTES_MAX);
        // The peer may have gone, and nobody else waits for this.
        let _ = self.0.send(response);
    }
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerEvent {
    /// The handshake succeeded.
    Connected(PeerId, Status),
    /// The peer has a new head or a newer final block.
    StatusChanged(PeerId, Heads),
    /// No connection is left.
    Disconnected(PeerId),
}

impl ConsensusReceiver {
    /// The next message; `None` after the network has stopped.
    pub async fn recv(&mut self) -> Option<(PeerId, Vec<u8>)> {
        self.0.take(FairQueue::pop).await
    }

    /// The next message, if one is there.
    pub fn try_recv(&mut self) -> Option<(PeerId, Vec<u8>)> {
        self.0.try_take(FairQueue::pop)
    }
}

impl TransactionReceiver {
    /// The next transaction; `None` after the network has stopped.
    pub async fn recv(&mut self) -> Option<(PeerId, Vec<u8>)> {
        self.0.take(FairQueue::pop).await
    }

    /// The next transaction, if one is there.
    pub fn try_recv(&mut self) -> Option<(PeerId, Vec<u8>)> {
        self.0.try_take(FairQueue::pop)
    }
}

impl BlockRequestReceiver {
    /// The next question; `None` after the network has stopped.
    pub async fn recv(&mut self) -> Option<IncomingBlockRequest> {
        self.0.recv().await
    }
}

impl PeerEventReceiver {
    /// The next change; `None` after the network has stopped.
    pub async fn recv(&mut self) -> Option<PeerEvent> {
        self.0.take(PeerEvents::pop).await
    }

    /// The next change, if there is one.
    pub fn try_recv(&mut self) -> Option<PeerEvent> {
        self.0.try_take(PeerEvents::pop)
    }
}

/// Unread changes, at most three of a peer: it went, it came, it has a new head. Pure.
#[derive(Debug, Default)]
pub(crate) struct PeerEvents {
    unread: BTreeMap<PeerId, Unread>,
    turn: VecDeque<PeerId>,
}

#[derive(Debug, Default)]
struct Unread {
    disconnected: bool,
    connected: Option<Status>,
    heads: Option<Heads>,
}

impl PeerEvents {
    fn of(&mut self, peer: PeerId) -> &mut Unread {
        let turn = &mut self.turn;
        self.unread.entry(peer).or_insert_with(|| {
            turn.push_back(peer);
            Unread::default()
        })
    }

    pub(crate) fn connected(&mut self, peer: PeerId, status: Status) {
        self.of(peer).connected = Some(status);
    }

    pub(crate) fn heads(&mut self, peer: PeerId, heads: Heads) {
        self.of(peer).heads = Some(heads);
    }

    pub(crate) fn disconnected(&mut self, peer: PeerId) {
        let unread = self.of(peer);
        unread.heads = None;
        if unread.connected.take().is_none() {
            unread.disconnected = true;
        } else if !unread.disconnected {
            // Came and went unread.
            self.unread.remove(&peer);
            self.turn.retain(|other| *other != peer);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<PeerEvent> {
        let peer = *self.turn.front()?;
        let unread = self.unread.get_mut(&peer)?;
        let event = if std::mem::take(&mut unread.disconnected) {
            PeerEvent::Disconnected(peer)
        } else if let Some(status) = unread.connected.take() {
            PeerEvent::Connected(peer, status)
        } else if let Some(heads) = unread.heads.take() {
            PeerEvent::StatusChanged(peer, heads)
        } else {
            // Unreachable: entries without anything unread are removed below.
            self.unread.remove(&peer);
            self.turn.pop_front();
            return None;
        };
        if !unread.disconnected && unread.connected.is_none() && unread.heads.is_none() {
            self.unread.remove(&peer);
            self.turn.pop_front();
        }
        Some(event)
    }
}
