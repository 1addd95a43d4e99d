//! Questions and answers, a stream each: blocks, and transactions that were announced.

use std::{sync::Arc, time::Duration};

use basalt_primitives::H256;
use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::Stream;
use parity_scale_codec::{DecodeAll, Encode};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{
    BlockRequest, BlockResponse, Cost, PeerId, Plane, RequestError,
    events::{IncomingBlockRequest, Responder},
    frame::{self, FrameError, PREFIX_BYTES},
    limits,
    message::{BlockReply, PullRequest, PullResponse, decode_within},
    metrics::Direction,
    opener::OpenError,
    push::Buckets,
    queue::DropOldest,
    shared::{Peer, Shared, transaction_hash},
};

/// Room for what stands around an answer: its kind and its length.
const ENVELOPE_BYTES: usize = 16;

/// Asks for blocks.
pub(crate) async fn ask_blocks(
    shared: &Arc<Shared>,
    id: PeerId,
    request: BlockRequest,
) -> Result<BlockResponse, RequestError> {
    if !request.is_valid() {
        let BlockRequest { count, fields, .. } = request;
        return Err(RequestError::Invalid { count, fields: fields.0, max: limits::BLOCKS_PER_REQUEST_MAX });
    }
    let peer = shared.peer(&id).ok_or(RequestError::NotConnected { peer: id })?;
    let full = |open| move |_| RequestError::TooManyOpen { open };
    let _with_peer =
        Arc::clone(&peer.asking).try_acquire_owned().map_err(full(limits::REQUESTS_OPEN_PER_PEER_MAX))?;
    let _of_all = Arc::clone(&shared.asking).try_acquire_owned().map_err(full(limits::REQUESTS_OPEN_MAX))?;
    let max = limits::BLOCK_RESPONSE_BYTES_MAX + ENVELOPE_BYTES;
    let answer = ask(shared, &peer, Plane::Blocks, &request.encode(), max).await?;
    let wrong = |cost, detail: String| {
        shared.charge(id, cost, 1);
        RequestError::BadAnswer { peer: id, detail }
    };
    let reply = decode_within(&answer, limits::RESPONSE_MEMORY_FACTOR * max)
        .map_err(|e| wrong(Cost::Malformed, e.to_string()))?;
    match reply {
        BlockReply::Busy => Err(RequestError::Busy { peer: id }),
        BlockReply::Blocks(response) if response.blocks.len() > request.count as usize => {
            let detail = format!("{} blocks instead of at most {}", response.blocks.len(), request.count);
            Err(wrong(Cost::WrongAnswer, detail))
        }
        BlockReply::Blocks(response) => Ok(response),
    }
}

/// Sends one question and waits for the one answer.
async fn ask(
    shared: &Shared,
    peer: &Peer,
    plane: Plane,
    request: &[u8],
    answer_max: usize,
) -> Result<Vec<u8>, RequestError> {
    let id = peer.id;
    let work = async {
        let opener = peer.opener.borrow().clone();
        let mut stream = opener.open(plane).await.map_err(|error| match error {
            OpenError::Closed => RequestError::NotConnected { peer: id },
            other => RequestError::Closed { peer: id, detail: other.to_string() },
        })?;
        let broken = |error: FrameError| match error {
            FrameError::TooLong { .. } => {
                shared.charge(id, Cost::Oversize, 1);
                RequestError::BadAnswer { peer: id, detail: error.to_string() }
            }
            FrameError::TooSlow(after) => RequestError::Timeout { peer: id, seconds: after.as_secs() },
            FrameError::Io(error) => RequestError::Closed { peer: id, detail: error.to_string() },
        };
        frame::write(&mut stream, request, limits::REQUEST_TIMEOUT).await.map_err(broken)?;
        shared.metrics.message(plane, Direction::Out, request.len() + PREFIX_BYTES);
        let answer = frame::read(&mut stream, answer_max, limits::REQUEST_TIMEOUT).await.map_err(broken)?;
        shared.metrics.message(plane, Direction::In, answer.len() + PREFIX_BYTES);
        // Else the other side would count the stream as one that is still open.
        let _ = stream.close().await;
        Ok(answer)
    };
    match tokio::time::timeout(limits::REQUEST_TIMEOUT, work).await {
        Ok(answer) => answer,
        Err(_) => {
            shared.charge(id, Cost::Slow, 1);
            Err(RequestError::Timeout { peer: id, seconds: limits::REQUEST_TIMEOUT.as_secs() })
        }
    }
}

/// Answers one question of a peer.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    peer: Arc<Peer>,
    plane: Plane,
    mut stream: Stream,
    buckets: Buckets,
    _place: OwnedSemaphorePermit,
    patience: Duration,
) {
    let request = match frame::read(&mut stream, plane.message_bytes_max(), patience).await {
        Ok(request) => request,
        Err(FrameError::TooLong { .. }) => return shared.charge(peer.id, Cost::Oversize, 1),
        Err(FrameError::TooSlow(_)) => return shared.charge(peer.id, Cost::Slow, 1),
        // The peer has changed its mind.
        Err(FrameError::Io(_)) => return,
    };
    let whole = request.len() + PREFIX_BYTES;
    if !buckets[plane.index()].lock().take(whole as u64, shared.now()) {
        shared.metrics.dropped(plane, 1);
        return shared.charge(peer.id, Cost::Flood, 8);
    }
    shared.metrics.message(plane, Direction::In, whole);
    let answer = match plane {
        Plane::Blocks => answer_blocks(&shared, peer.id, &request).await,
        Plane::Pull => answer_pull(&shared, &request),
        _ => None,
    };
    let Some((answer, serving)) = answer else { return shared.charge(peer.id, Cost::Malformed, 1) };
    match frame::write(&mut stream, &answer, limits::REQUEST_TIMEOUT).await {
        Ok(()) => shared.metrics.message(plane, Direction::Out, answer.len() + PREFIX_BYTES),
        Err(FrameError::TooSlow(_)) => shared.charge(peer.id, Cost::Slow, 1),
        Err(_) => return,
    }
    let _ = stream.close().await;
    drop((answer, serving));
    // The peer's own place is free when it has read the answer.
    let _ = frame::within(patience, stream.read(&mut [0; 1])).await;
}

/// The answer, and the place that it takes until it is sent. `None` if the question does not decode.
type Answer = Option<(Vec<u8>, Option<OwnedSemaphorePermit>)>;

async fn answer_blocks(shared: &Shared, peer: PeerId, request: &[u8]) -> Answer {
    let request = BlockRequest::decode_all(&mut &request[..]).ok().filter(BlockRequest::is_valid)?;
    let busy = || Some((BlockReply::Busy.encode(), None));
    let Ok(serving) = Arc::clone(&shared.serving).try_acquire_owned() else { return busy() };
    let (reply, response) = oneshot::channel();
    let question = IncomingBlockRequest { peer, request, responder: Responder(reply) };
    if shared.block_requests.try_send(question).is_err() {
        return busy();
    }
    match tokio::time::timeout(limits::SERVE_TIMEOUT, response).await {
        Ok(Ok(response)) => Some((BlockReply::Blocks(response).encode(), Some(serving))),
        _ => busy(),
    }
}

fn answer_pull(shared: &Shared, request: &[u8]) -> Answer {
    let PullRequest { hashes } = PullRequest::decode_all(&mut &request[..]).ok()?;
    if hashes.is_empty() || hashes.len() > limits::TRANSACTIONS_PER_PULL_MAX {
        return None;
    }
    let Ok(serving) = Arc::clone(&shared.serving).try_acquire_owned() else {
        return Some((PullResponse { transactions: Vec::new() }.encode(), None));
    };
    let gossip = shared.gossip.lock();
    let mut transactions = Vec::new();
    let mut bytes = 0;
    for kept in hashes.iter().filter_map(|hash| gossip.kept(hash)) {
        bytes += kept.len() + 5;
        if bytes > limits::PULL_RESPONSE_BYTES_MAX {
            break;
        }
        transactions.push(kept.to_vec());
    }
    Some((PullResponse { transactions }.encode(), Some(serving)))
}

/// Asks the peer for what it announced, until it is aborted or the network stops.
pub(crate) async fn pull(shared: Arc<Shared>, peer: Arc<Peer>) {
    while let Some(first) = peer.wanted.take(DropOldest::pop).await {
        let Ok(_place) = Arc::clone(&shared.pulling).acquire_owned().await else { return };
        let mut asking = Asking { shared: &shared, hashes: Vec::new() };
        let mut next = Some(first);
        while let Some(hash) = next {
            if shared.gossip.lock().ask(hash) {
                asking.hashes.push(hash);
            }
            next = match asking.hashes.len() < limits::TRANSACTIONS_PER_PULL_MAX {
                true => peer.wanted.try_take(DropOldest::pop),
                false => None,
            };
        }
        if asking.hashes.is_empty() {
            continue;
        }
        let request = PullRequest { hashes: asking.hashes.clone() };
        let max = limits::PULL_RESPONSE_BYTES_MAX + ENVELOPE_BYTES;
        match ask(&shared, &peer, Plane::Pull, &request.encode(), max).await {
            Ok(answer) => take_pulled(&shared, &peer, &asking.hashes, &answer),
            Err(error) => tracing::debug!(peer = %peer.id, %error, "announced transactions did not come"),
        }
    }
}

fn take_pulled(shared: &Shared, peer: &Peer, asked: &[H256], answer: &[u8]) {
    let memory_max = limits::RESPONSE_MEMORY_FACTOR * (limits::PULL_RESPONSE_BYTES_MAX + ENVELOPE_BYTES);
    let Ok(PullResponse { transactions }) = decode_within(answer, memory_max) else {
        return shared.charge(peer.id, Cost::Malformed, 1);
    };
    if transactions.is_empty() {
        // It may have been busy, or have forgotten them: a little, since both is rare.
        return shared.charge(peer.id, Cost::EmptyAnswer, 1);
    }
    if transactions.len() > asked.len() {
        return shared.charge(peer.id, Cost::WrongAnswer, 1);
    }
    let mut missing = asked.to_vec();
    for bytes in transactions {
        let hash = transaction_hash(&bytes);
        if bytes.len() > limits::TRANSACTION_BYTES_MAX || !missing.contains(&hash) {
            return shared.charge(peer.id, Cost::WrongAnswer, 1);
        }
        missing.retain(|other| *other != hash);
        shared.transaction_received(peer.id, bytes);
    }
    // Not all fit into one answer: the others in the next. Each round brings at least one, so this ends.
    for hash in missing {
        peer.wanted.update(|queue| queue.push(hash, 0));
    }
}

/// Transactions that are being asked for. However that ends, others are asked for what did not come.
struct Asking<'a> {
    shared: &'a Shared,
    hashes: Vec<H256>,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        for hash in &self.hashes {
            let next = self.shared.gossip.lock().asked(hash);
            if let Some(other) = next.and_then(|id| self.shared.peer(&id)) {
                other.wanted.update(|queue| queue.push(*hash, 0));
            }
        }
    }
}
