//! One-way streams that stay open: votes, transactions, heads.

use std::{sync::Arc, time::Duration};

use basalt_primitives::H256;
use bytes::Bytes;
use futures::{AsyncWriteExt, io::BufReader};
use libp2p::Stream;
use parity_scale_codec::{DecodeAll, Encode};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::{
    Cost, Heads, Plane,
    bucket::Bucket,
    frame::{self, FrameError, PREFIX_BYTES},
    limits,
    message::TransactionMessage,
    metrics::Direction,
    opener::OpenError,
    queue::DropOldest,
    shared::{Outgoing, Peer, Shared},
};

#[cfg(test)]
mod tests;

/// How much a peer may still send, for each plane; one for all its connections and streams.
pub(crate) type Buckets = Arc<[Mutex<Bucket>; Plane::ALL.len()]>;

/// Full ones.
pub(crate) fn buckets(now: basalt_primitives::Moment) -> Buckets {
    Arc::new(Plane::ALL.map(|plane| Mutex::new(Bucket::new(plane.rate(), now))))
}

/// Reads a stream of the peer until it ends or breaks the rules.
pub(crate) async fn receive(
    shared: Arc<Shared>,
    peer: Arc<Peer>,
    plane: Plane,
    stream: Stream,
    buckets: Buckets,
    _place: OwnedSemaphorePermit,
    patience: Duration,
) {
    if plane == Plane::Consensus && !(shared.roles.follows_consensus() && peer.follows_consensus()) {
        return shared.charge(peer.id, Cost::TooManyStreams, 1);
    }
    let mut stream = BufReader::with_capacity(8 * 1024, stream);
    let mut excess = 0;
    let ended = loop {
        let length = match frame::read_length(&mut stream, patience).await {
            Ok(Some(length)) => length as usize,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        let max = plane.message_bytes_max();
        if length > max {
            break Err(FrameError::TooLong { length: length as u64, max });
        }
        let whole = length + PREFIX_BYTES;
        if !buckets[plane.index()].lock().take(whole as u64, shared.now()) {
            shared.metrics.dropped(plane, 1);
            excess += 1;
            if excess >= limits::EXCESS_REPORTED_AT {
                shared.charge(peer.id, Cost::Flood, std::mem::take(&mut excess));
            }
            match frame::within(patience, frame::skip(&mut stream, length)).await {
                Ok(()) => continue,
                Err(error) => break Err(error),
            }
        }
        let message = match frame::within(patience, frame::read_bytes(&mut stream, length)).await {
            Ok(message) => message,
            Err(error) => break Err(error),
        };
        shared.metrics.message(plane, Direction::In, whole);
        if !handle(&shared, &peer, plane, message) {
            shared.charge(peer.id, Cost::Malformed, 1);
            break Ok(());
        }
    };
    if excess > 0 {
        shared.charge(peer.id, Cost::Flood, excess);
    }
    match ended {
        Ok(()) | Err(FrameError::Io(_)) => {}
        Err(FrameError::TooLong { length, max }) => {
            tracing::debug!(peer = %peer.id, plane = plane.name(), length, max, "message too long");
            shared.charge(peer.id, Cost::Oversize, 1);
        }
        Err(FrameError::TooSlow(_)) => shared.charge(peer.id, Cost::Slow, 1),
    }
}

/// Takes one message. Says whether it was one.
fn handle(shared: &Shared, peer: &Peer, plane: Plane, message: Vec<u8>) -> bool {
    match plane {
        Plane::Consensus => {
            let is_message = !message.is_empty();
            if is_message {
                shared.consensus_received(peer.id, message);
            }
            is_message
        }
        Plane::Status => match Heads::decode_all(&mut &message[..]) {
            Ok(heads) => {
                peer.details.lock().heads = heads;
                shared.peer_events.update(|events| events.heads(peer.id, heads));
                true
            }
            Err(_) => false,
        },
        Plane::Transactions => match TransactionMessage::decode_all(&mut &message[..]) {
            Ok(message) => handle_transactions(shared, peer, message),
            Err(_) => false,
        },
        Plane::Handshake | Plane::Blocks | Plane::Pull => false,
    }
}

fn handle_transactions(shared: &Shared, peer: &Peer, message: TransactionMessage) -> bool {
    match message {
        TransactionMessage::Push(transactions) => {
            let allowed = 1..=limits::TRANSACTION_PUSH_BYTES_MAX;
            if transactions.is_empty() || transactions.iter().any(|bytes| !allowed.contains(&bytes.len())) {
                return false;
            }
            for bytes in transactions {
                shared.transaction_received(peer.id, bytes);
            }
        }
        TransactionMessage::Announce(hashes) => {
            if hashes.is_empty() || hashes.len() > limits::TRANSACTIONS_PER_ANNOUNCE_MAX {
                return false;
            }
            for hash in hashes {
                if shared.gossip.lock().announced(peer.id, hash) {
                    peer.wanted.update(|queue| queue.push(hash, 0));
                }
            }
        }
    }
    true
}

/// Keeps a stream towards the peer open and writes what is queued for it, until it is aborted, the network stops, or the peer
/// does not take the protocol. Who does not read is reported through `stuck`.
pub(crate) async fn send(
    shared: Arc<Shared>,
    peer: Arc<Peer>,
    plane: Plane,
    patience: Duration,
    stuck: impl FnOnce() + Send,
) {
    let mut source = Source::new(&shared, &peer, plane);
    let mut bucket = Bucket::new(plane.rate().of_sender(), shared.now());
    let mut pause = limits::REOPEN_PAUSE_FIRST;
    // Written anew on the next stream if this one broke under it.
    let mut unsent: Option<Bytes> = None;
    loop {
        let opener = peer.opener.borrow().clone();
        let mut stream = match opener.open(plane).await {
            Ok(stream) => stream,
            // The connection's end aborts this task.
            Err(OpenError::Closed) => return,
            // Its loss: what it does not want to hear, it need not.
            Err(OpenError::Unsupported) => return,
            Err(OpenError::Failed(_)) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(limits::REOPEN_PAUSE_MAX);
                continue;
            }
        };
        loop {
            let message = match unsent.take() {
                Some(message) => message,
                None => match source.next().await {
                    Some(message) => message,
                    None => {
                        let _ = stream.close().await;
                        return;
                    }
                },
            };
            let whole = message.len() + PREFIX_BYTES;
            loop {
                let wait_ms = bucket.wait_ms(whole as u64, shared.now());
                if wait_ms == 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            }
            bucket.take(whole as u64, shared.now());
            match frame::write(&mut stream, &message, patience).await {
                Ok(()) => {
                    shared.metrics.message(plane, Direction::Out, whole);
                    pause = limits::REOPEN_PAUSE_FIRST;
                }
                Err(FrameError::TooSlow(_)) => {
                    shared.charge(peer.id, Cost::Slow, 1);
                    return stuck();
                }
                Err(_) => {
                    unsent = Some(message);
                    break;
                }
            }
            if plane == Plane::Status {
                tokio::time::sleep(limits::STATUS_PAUSE).await;
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(limits::REOPEN_PAUSE_MAX);
    }
}

/// Where the messages of one stream come from.
enum Source {
    Consensus(Arc<Peer>),
    Transactions(Arc<Peer>),
    Status(watch::Receiver<Heads>),
}

impl Source {
    fn new(shared: &Shared, peer: &Arc<Peer>, plane: Plane) -> Self {
        match plane {
            Plane::Consensus => Self::Consensus(Arc::clone(peer)),
            Plane::Transactions => Self::Transactions(Arc::clone(peer)),
            _ => {
                let mut heads = shared.heads.subscribe();
                // We may have moved on since the handshake.
                heads.mark_changed();
                Self::Status(heads)
            }
        }
    }

    async fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Consensus(peer) => peer.consensus.take(DropOldest::pop).await,
            Self::Transactions(peer) => peer.transactions.take(next_transactions).await,
            Self::Status(heads) => {
                heads.changed().await.ok()?;
                Some(heads.borrow_and_update().encode().into())
            }
        }
    }
}

/// As many of the queued ones as fit into one message, all of the first one's kind.
fn next_transactions(queue: &mut DropOldest<Outgoing>) -> Option<Bytes> {
    // Five bytes more for the length of each, and of all.
    const LENGTH_BYTES: usize = 5;
    let message = match queue.pop()? {
        Outgoing::Push(first) => {
            let mut bytes = 1 + LENGTH_BYTES + LENGTH_BYTES + first.len();
            let mut pushed = vec![first.to_vec()];
            while let Some(Outgoing::Push(next)) = queue.peek() {
                bytes += LENGTH_BYTES + next.len();
                if bytes > limits::TRANSACTIONS_MESSAGE_BYTES_MAX {
                    break;
                }
                pushed.push(next.to_vec());
                queue.pop();
            }
            TransactionMessage::Push(pushed)
        }
        Outgoing::Announce(first) => {
            let mut hashes: Vec<H256> = vec![first];
            while let Some(Outgoing::Announce(next)) = queue.peek() {
                if hashes.len() >= limits::TRANSACTIONS_PER_ANNOUNCE_MAX {
                    break;
                }
                hashes.push(*next);
                queue.pop();
            }
            TransactionMessage::Announce(hashes)
        }
    };
    Some(message.encode().into())
}
