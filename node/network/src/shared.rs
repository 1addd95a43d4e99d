//! What the handle, the swarm's task and the tasks of streams have in common.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use basalt_primitives::{H256, Moment};
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Semaphore, mpsc, watch};

use crate::{
    Cost, Heads, Multiaddr, PeerId, Roles, Status,
    clock::Clock,
    events::{IncomingBlockRequest, PeerEvents},
    gossip::{Gossip, Votes},
    limits,
    mailbox::Mailbox,
    metrics::Metrics,
    opener::Opener,
    queue::{DropOldest, FairQueue},
};

/// Everything that more than one task reaches.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) local: PeerId,
    pub(crate) roles: Roles,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    /// Those whose handshake succeeded. Written by the swarm's task only, and held for look-ups.
    pub(crate) peers: RwLock<BTreeMap<PeerId, Arc<Peer>>>,
    /// Where we stand; streams of status announcements wait for it.
    pub(crate) heads: watch::Sender<Heads>,
    /// Where we listen.
    pub(crate) listening: watch::Sender<Vec<Multiaddr>>,
    /// Charges that the swarm's task has not seen.
    pub(crate) charges: Mailbox<Charges>,
    /// Which consensus messages went where. Held for look-ups.
    pub(crate) votes: Mutex<Votes>,
    /// Which transactions went where. Held for look-ups.
    pub(crate) gossip: Mutex<Gossip>,
    pub(crate) consensus_inbox: Arc<Mailbox<FairQueue<Vec<u8>>>>,
    pub(crate) transactions_inbox: Arc<Mailbox<FairQueue<Vec<u8>>>>,
    pub(crate) peer_events: Arc<Mailbox<PeerEvents>>,
    pub(crate) block_requests: mpsc::Sender<IncomingBlockRequest>,
    /// Places for questions that we answer.
    pub(crate) serving: Arc<Semaphore>,
    /// Places for questions for blocks that we ask.
    pub(crate) asking: Arc<Semaphore>,
    /// Places for questions for transactions that we ask.
    pub(crate) pulling: Arc<Semaphore>,
}

/// A connected peer.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) status: Status,
    pub(crate) address: Multiaddr,
    pub(crate) inbound: bool,
    pub(crate) since: Moment,
    pub(crate) reserved: AtomicBool,
    pub(crate) details: Mutex<Details>,
    /// Opens streams on the newest connection.
    pub(crate) opener: watch::Sender<Opener>,
    /// Consensus messages to be sent.
    pub(crate) consensus: Mailbox<DropOldest<Bytes>>,
    /// Transactions to be sent.
    pub(crate) transactions: Mailbox<DropOldest<Outgoing>>,
    /// Announced transactions to be asked for.
    pub(crate) wanted: Mailbox<DropOldest<H256>>,
    /// Places for questions for blocks.
    pub(crate) asking: Arc<Semaphore>,
}

/// What changes about a peer while it is connected.
#[derive(Debug, Clone, Default)]
pub(crate) struct Details {
    pub(crate) heads: Heads,
    pub(crate) score: i32,
    pub(crate) agent: Option<String>,
    pub(crate) ping_ms: Option<u64>,
}

/// What waits on the stream of transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outgoing {
    Push(Bytes),
    Announce(H256),
}

/// A peer as others of the node see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerInfo {
    /// Who it is.
    pub id: PeerId,
    /// Where the newest connection goes.
    pub address: Multiaddr,
    /// What it says it does.
    pub roles: Roles,
    /// What it says it builds on.
    pub best: crate::BlockId,
    /// What it says is final.
    pub finalized: crate::BlockId,
    /// Whether it dialled us.
    pub inbound: bool,
    /// Whether it is a reserved one.
    pub reserved: bool,
    /// What is held against it: 0 or less.
    pub score: i32,
    /// What it calls itself.
    pub agent: Option<String>,
    /// How long the last ping took.
    pub ping_ms: Option<u64>,
    /// Since when it is connected, in milliseconds since 1970.
    pub connected_since: Moment,
}

/// Costs to be charged, summed up until the swarm's task comes round. Bounded: for peers that are or were connected, and each
/// kind once.
#[derive(Debug, Default)]
pub(crate) struct Charges(BTreeMap<(PeerId, Cost), u32>);

/// More kinds of charges than all connected peers can cause in a moment; what comes beyond is forgotten.
const CHARGES_MAX: usize = 4_096;

impl Charges {
    pub(crate) fn add(&mut self, peer: PeerId, cost: Cost, times: u32) {
        if self.0.len() >= CHARGES_MAX && !self.0.contains_key(&(peer, cost)) {
            return;
        }
        let sum = self.0.entry((peer, cost)).or_default();
        *sum = sum.saturating_add(times);
    }

    pub(crate) fn pop(&mut self) -> Option<(PeerId, Cost, u32)> {
        self.0.pop_first().map(|((peer, cost), times)| (peer, cost, times))
    }
}

impl Peer {
    pub(crate) fn info(&self) -> PeerInfo {
        let details = self.details.lock().clone();
        PeerInfo {
            id: self.id,
            address: self.address.clone(),
            roles: self.status.roles,
            best: details.heads.best,
            finalized: details.heads.finalized,
            inbound: self.inbound,
            reserved: self.reserved.load(Ordering::Relaxed),
            score: details.score,
            agent: details.agent,
            ping_ms: details.ping_ms,
            connected_since: self.since,
        }
    }

    pub(crate) fn follows_consensus(&self) -> bool {
        self.status.roles.follows_consensus()
    }
}

impl Shared {
    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    pub(crate) fn peer(&self, id: &PeerId) -> Option<Arc<Peer>> {
        self.peers.read().get(id).cloned()
    }

    pub(crate) fn charge(&self, peer: PeerId, cost: Cost, times: u32) {
        self.charges.update(|charges| charges.add(peer, cost, times));
    }

    /// Puts a consensus message into the queue towards `peer`.
    pub(crate) fn queue_consensus(&self, peer: &Peer, message: Bytes) {
        let length = message.len();
        let dropped = peer.consensus.update(|queue| queue.push(message, length)).len();
        self.metrics.dropped(crate::Plane::Consensus, dropped);
    }

    /// Puts a transaction, or the announcement of one, into the queues towards those who do not know it.
    pub(crate) fn spread_transaction(&self, hash: H256, bytes: Bytes) {
        let peers: Vec<Arc<Peer>> = self.peers.read().values().cloned().collect();
        let ids: Vec<PeerId> = peers.iter().map(|peer| peer.id).collect();
        let plan = self.gossip.lock().spread(hash, &bytes, &ids);
        for (peer, push) in peers.iter().zip(plan) {
            let Some(push) = push else { continue };
            let (item, length) = match push {
                true => (Outgoing::Push(bytes.clone()), bytes.len()),
                false => (Outgoing::Announce(hash), size_of::<H256>()),
            };
            let dropped = peer.transactions.update(|queue| queue.push(item, length)).len();
            self.metrics.dropped(crate::Plane::Transactions, dropped);
        }
    }

    /// Hands a transaction to the node, unless it was seen.
    pub(crate) fn transaction_received(&self, peer: PeerId, bytes: Vec<u8>) {
        let hash = transaction_hash(&bytes);
        match self.gossip.lock().received(peer, hash) {
            crate::gossip::Received::New => {}
            crate::gossip::Received::Seen => return,
            crate::gossip::Received::Repeated => return self.charge(peer, Cost::Repetition, 1),
        }
        let length = bytes.len();
        let dropped = self.transactions_inbox.update(|queue| queue.push(peer, bytes, length));
        self.forget_transactions(&dropped);
    }

    /// The node has not looked at these, and will not: they are welcome another time.
    pub(crate) fn forget_transactions(&self, unread: &[Vec<u8>]) {
        if unread.is_empty() {
            return;
        }
        let mut gossip = self.gossip.lock();
        for bytes in unread {
            gossip.forget(&transaction_hash(bytes));
        }
        self.metrics.dropped(crate::Plane::Transactions, unread.len());
    }

    /// Hands a consensus message to the node, unless it came a moment ago.
    pub(crate) fn consensus_received(&self, peer: PeerId, bytes: Vec<u8>) {
        let hash = message_hash(&bytes);
        match self.votes.lock().received(peer, hash, self.now()) {
            crate::gossip::Received::New => {}
            crate::gossip::Received::Seen => return,
            crate::gossip::Received::Repeated => return self.charge(peer, Cost::Repetition, 1),
        }
        let length = bytes.len();
        let dropped = self.consensus_inbox.update(|queue| queue.push(peer, bytes, length)).len();
        self.metrics.dropped(crate::Plane::Consensus, dropped);
    }
}

/// The hash by which a transaction is announced.
pub(crate) fn transaction_hash(bytes: &[u8]) -> H256 {
    message_hash(bytes)
}

/// The hash by which messages are told apart.
pub(crate) fn message_hash(bytes: &[u8]) -> H256 {
    H256(basalt_primitives::hashing::blake2_256(bytes))
}

/// Queues of a new peer.
pub(crate) struct Queues;

impl Queues {
    pub(crate) fn consensus() -> Mailbox<DropOldest<Bytes>> {
        Mailbox::new(DropOldest::new(limits::CONSENSUS_QUEUE))
    }

    pub(crate) fn transactions() -> Mailbox<DropOldest<Outgoing>> {
        Mailbox::new(DropOldest::new(limits::TRANSACTIONS_QUEUE))
    }

    pub(crate) fn wanted() -> Mailbox<DropOldest<H256>> {
        let messages_max = limits::PULLS_WAITING_PER_PEER_MAX;
        Mailbox::new(DropOldest::new(limits::QueueLimits { messages_max, bytes_max: usize::MAX / 2 }))
    }
}
