//! What subscribers are told, and when.
//!
//! Each subscription is one task that ends when the client unsubscribes, hangs up, or does not read for
//! [`SLOW_SUBSCRIBER_WAIT`]. Chain events wake it; what it sends it reads from the chain ([`crate::follow`]).

use std::sync::Arc;

use basalt_chain::{BlockId, Chain, ChainError, ChainEvent};
use basalt_pool::TransactionStatus;
use basalt_primitives::{EngineId, H256, RuntimeVersion, hashing::blake2_256};
use basalt_rpc_api::{
    text::{Bytes, Hash},
    types::{self, StorageChangeSet},
};
use basalt_state::StateRead;
use jsonrpsee::{
    PendingSubscriptionSink, SubscriptionSink,
    core::{SubscriptionError, SubscriptionResult},
};
use serde::Serialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{
    author::without_length,
    error::Error,
    follow::{Forks, Line},
    limits::{BLOCKS_REMEMBERED_MAX, KEYS_SUBSCRIBED_MAX, SLOW_SUBSCRIBER_WAIT},
    node::Node,
};

/// The engine whose justifications `grandpa_*` is about.
const GRANDPA: EngineId = *b"FRNK";

/// An accepted subscription that hears of chain events.
struct Subscriber {
    node: Arc<Node>,
    sink: SubscriptionSink,
    events: Receiver<ChainEvent>,
}

/// Why a subscriber's task woke up.
enum Wake {
    /// Something happened.
    Event(ChainEvent),
    /// So much happened that some of it was not kept.
    Lagged,
}

/// Why a subscription ends without a word to the client: it has gone, or the node stops.
struct Over;

impl Subscriber {
    /// Answers the subscribe call. Listens first, so that nothing falls between what is read afterwards and the first
    /// event.
    async fn accept(node: &Arc<Node>, pending: PendingSubscriptionSink) -> Result<Self, Over> {
        let events = node.chain.subscribe();
        let sink = pending.accept().await.map_err(|_| Over)?;
        Ok(Self { node: Arc::clone(node), sink, events })
    }

    fn chain(&self) -> &Chain {
        &self.node.chain
    }

    /// The next event.
    async fn wake(&mut self) -> Result<Wake, Over> {
        tokio::select! {
            biased;
            () = self.sink.closed() => Err(Over),
            event = self.events.recv() => match event {
                Ok(event) => Ok(Wake::Event(event)),
                Err(RecvError::Lagged(_)) => Ok(Wake::Lagged),
                Err(RecvError::Closed) => Err(Over),
            },
        }
    }

    async fn send<T: Serialize>(&self, item: &T) -> Result<(), Failed> {
        send(&self.sink, item).await
    }

    /// Sends the header of a block, if it was not dropped meanwhile.
    async fn send_header(&self, hash: &H256) -> Result<(), Failed> {
        match self.chain().header(hash)? {
            Some(header) => self.send(&header).await,
            None => Ok(()),
        }
    }
}

/// Why a subscription cannot go on.
enum Failed {
    /// Nobody is there to be told.
    Over,
    /// The chain cannot be read: the client is told.
    Chain(ChainError),
}

impl From<Over> for Failed {
    fn from(Over: Over) -> Self {
        Self::Over
    }
}

impl From<ChainError> for Failed {
    fn from(error: ChainError) -> Self {
        Self::Chain(error)
    }
}

/// Sends one notification, and waits a while for a slow client.
async fn send<T: Serialize>(sink: &SubscriptionSink, item: &T) -> Result<(), Failed> {
    let json = serde_json::value::to_raw_value(item).map_err(|e| {
        Failed::Chain(ChainError::Damaged(format!("a notification cannot be written as JSON: {e}")))
    })?;
    sink.send_timeout(json, SLOW_SUBSCRIBER_WAIT).await.map_err(|e| {
        tracing::debug!(method = sink.method_name(), "dropped a subscription: {e}");
        Failed::Over
    })
}

/// What the client gets to hear at the end: nothing, or an error notification.
fn end(result: Result<(), Failed>) -> SubscriptionResult {
    match result {
        Ok(()) | Err(Failed::Over) => Ok(()),
        Err(Failed::Chain(error)) => {
            tracing::warn!("a subscription ended: {error}");
            Err(SubscriptionError::from(error.to_string()))
        }
    }
}

/// `chain_subscribeNewHeads`.
pub(crate) async fn new_heads(node: &Arc<Node>, pending: PendingSubscriptionSink) -> SubscriptionResult {
    let Ok(mut to) = Subscriber::accept(node, pending).await else { return Ok(()) };
    let follow = async {
        let mut line = line(node)?;
        if let Some(head) = line.head() {
            to.send_header(&head.hash).await?;
        }
        loop {
            // Events that came before the line was made find nothing new.
            for block in advance(node, &mut line)? {
                to.send_header(&block.hash).await?;
            }
            to.wake().await?;
        }
    };
    end(follow.await)
}

/// `chain_subscribeFinalizedHeads`.
pub(crate) async fn finalized_heads(
    node: &Arc<Node>,
    pending: PendingSubscriptionSink,
) -> SubscriptionResult {
    let Ok(mut to) = Subscriber::accept(node, pending).await else { return Ok(()) };
    let follow = async {
        let first = node.chain.finalized();
        to.send_header(&first.hash).await?;
        let mut told = first.number;
        loop {
            let finalized = node.chain.finalized().number;
            while told < finalized {
                told += 1;
                if let Some(hash) = node.chain.hash_at(told)? {
                    to.send_header(&hash).await?;
                }
            }
            to.wake().await?;
        }
    };
    end(follow.await)
}

/// `grandpa_subscribeJustifications`.
pub(crate) async fn justifications(node: &Arc<Node>, pending: PendingSubscriptionSink) -> SubscriptionResult {
    let Ok(mut to) = Subscriber::accept(node, pending).await else { return Ok(()) };
    let follow = async {
        let mut told = node.chain.finalized().number;
        loop {
            let finalized = node.chain.finalized().number;
            while told < finalized {
                told += 1;
                let Some(hash) = node.chain.hash_at(told)? else { continue };
                match node.chain.justification(&hash)? {
                    Some(proof) if proof.engine == GRANDPA => to.send(&Bytes(proof.data)).await?,
                    // Final through a block above it, or proved by an engine of another kind.
                    _ => {}
                }
            }
            to.wake().await?;
        }
    };
    end(follow.await)
}

/// `chain_subscribeAllHeads`.
pub(crate) async fn all_heads(node: &Arc<Node>, pending: PendingSubscriptionSink) -> SubscriptionResult {
    let Ok(mut to) = Subscriber::accept(node, pending).await else { return Ok(()) };
    let follow = async {
        let finalized = node.chain.finalized().number;
        let line = line(node)?;
        let mut forks = Forks::new(finalized, line.blocks(), BLOCKS_REMEMBERED_MAX);
        if let Some(head) = line.head() {
            to.send_header(&head.hash).await?;
        }
        loop {
            let (head, finalized) = match to.wake().await? {
                Wake::Event(ChainEvent::Imported { id, .. }) => (id, None),
                Wake::Event(ChainEvent::NewBest { id, .. }) => (id, None),
                Wake::Event(ChainEvent::Finalized { ids, .. }) => match ids.last() {
                    Some(last) => (*last, Some(last.number)),
                    None => continue,
                },
                // The forks among the lost events are told with their next block; the best chain right now.
                Wake::Lagged => (node.chain.best(), None),
            };
            for block in forks.advance(head, |block| node.parent(block))? {
                to.send_header(&block.hash).await?;
            }
            if let Some(finalized) = finalized {
                forks.finalized(finalized);
            }
        }
    };
    end(follow.await)
}

/// `state_subscribeRuntimeVersion`.
pub(crate) async fn runtime_version(
    node: &Arc<Node>,
    pending: PendingSubscriptionSink,
) -> SubscriptionResult {
    let Ok(mut to) = Subscriber::accept(node, pending).await else { return Ok(()) };
    let follow = async {
        let mut told: Option<RuntimeVersion> = None;
        loop {
            let version = node.chain.runtime().version();
            if told.as_ref().is_none_or(|told| told.spec_version != version.spec_version) {
                to.send(&version).await?;
                told = Some(version);
            }
            to.wake().await?;
        }
    };
    end(follow.await)
}

/// `state_subscribeStorage`.
pub(crate) async fn storage(
    node: &Arc<Node>,
    pending: PendingSubscriptionSink,
    keys: Option<Vec<Bytes>>,
) -> SubscriptionResult {
    let keys = match keys {
        Some(keys) if keys.is_empty() => None,
        keys => keys,
    };
    let Some(keys) = keys else {
        pending.reject(Error::Params("name the storage keys to watch, as a list of hex texts")).await;
        return Ok(());
    };
    if keys.len() > KEYS_SUBSCRIBED_MAX {
        let remedy = "spread the keys over several subscriptions";
        pending.reject(Error::TooMany { value: keys.len(), max: KEYS_SUBSCRIBED_MAX, remedy }).await;
        return Ok(());
    }
    let Ok(mut to) = Subscriber::accept(node, pending).await else { return Ok(()) };
    let follow = async {
        let mut line = line(node)?;
        let mut watched = Watched::new(keys);
        let mut head = line.head();
        watched.tell(&to, head).await?;
        loop {
            let new = advance(node, &mut line)?;
            // The head may also have gone back to a block told before: what that changed is told, too.
            let new = if new.is_empty() && line.head() != head { Vec::from_iter(line.head()) } else { new };
            for block in new {
                watched.tell(&to, Some(block)).await?;
            }
            head = line.head();
            to.wake().await?;
        }
    };
    end(follow.await)
}

/// Storage keys with what the client was told about them.
struct Watched {
    /// Each key with the hash of its last value, to save memory; `None` before the first time.
    keys: Arc<Vec<Bytes>>,
    told: Vec<Option<Option<[u8; 32]>>>,
}

impl Watched {
    fn new(keys: Vec<Bytes>) -> Self {
        Self { told: vec![None; keys.len()], keys: Arc::new(keys) }
    }

    /// Tells which of the keys changed with `block`. A block whose state is gone is skipped: a later one tells.
    async fn tell(&mut self, to: &Subscriber, block: Option<BlockId>) -> Result<(), Failed> {
        let Some(block) = block else { return Ok(()) };
        let keys = Arc::clone(&self.keys);
        let read = to.node.work(move |node| {
            let (hash, state) = node.state(Some(Hash(block.hash)))?;
            let value = |key: &Bytes| state.get(&key.0).map_err(|e| Error::state(e, hash));
            keys.iter().map(value).collect::<Result<Vec<_>, _>>()
        });
        let values = match read.await {
            Ok(values) => values,
            Err(Error::Pruned(_) | Error::UnknownBlock(_)) => return Ok(()),
            Err(Error::Stopping) => return Err(Failed::Over),
            Err(error) => return Err(Failed::Chain(ChainError::Damaged(error.to_string()))),
        };
        let mut changes = Vec::new();
        for ((key, told), value) in self.keys.iter().zip(&mut self.told).zip(values) {
            let hash = Some(value.as_deref().map(blake2_256));
            if *told != hash {
                *told = hash;
                changes.push((key.clone(), value.map(Bytes)));
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        to.send(&StorageChangeSet { block: Hash(block.hash), changes }).await
    }
}

/// `author_submitAndWatchExtrinsic`.
pub(crate) async fn submit_and_watch(
    node: &Arc<Node>,
    pending: PendingSubscriptionSink,
    extrinsic: &Bytes,
) -> SubscriptionResult {
    let submitted = match without_length(extrinsic) {
        Ok(bytes) => node.pool.submit_and_watch(bytes).await.map_err(Error::Pool),
        Err(error) => Err(error),
    };
    let mut statuses = match submitted {
        Ok((_, statuses)) => statuses,
        Err(error) => {
            pending.reject(error).await;
            return Ok(());
        }
    };
    let Ok(sink) = pending.accept().await else { return Ok(()) };
    loop {
        let status = tokio::select! {
            biased;
            () = sink.closed() => return Ok(()),
            status = statuses.recv() => status,
        };
        let Some(status) = status else {
            return Err(
                "the pool stopped watching: this connection reads too slowly, or the node stops".into()
            );
        };
        let last = status.is_last();
        if let Err(failed) = send(&sink, &status_json(status)).await {
            return end(Err(failed));
        }
        if last {
            return Ok(());
        }
    }
}

/// A status as clients read it.
fn status_json(status: TransactionStatus) -> types::TransactionStatus {
    use types::TransactionStatus as Json;
    match status {
        TransactionStatus::Future => Json::Future,
        TransactionStatus::Ready => Json::Ready,
        TransactionStatus::Broadcast(peers) => Json::Broadcast(peers),
        TransactionStatus::InBlock(hash) => Json::InBlock(Hash(hash)),
        TransactionStatus::Retracted(hash) => Json::Retracted(Hash(hash)),
        TransactionStatus::FinalityTimeout(hash) => Json::FinalityTimeout(Hash(hash)),
        TransactionStatus::Finalized(hash) => Json::Finalized(Hash(hash)),
        TransactionStatus::Usurped(hash) => Json::Usurped(Hash(hash)),
        TransactionStatus::Dropped => Json::Dropped,
        TransactionStatus::Invalid => Json::Invalid,
    }
}

/// The best chain as it is now.
fn line(node: &Node) -> Result<Line, ChainError> {
    // In this order: the best block read afterwards stands on this final one.
    let finalized = node.chain.finalized().number;
    Line::new(node.chain.best(), finalized, BLOCKS_REMEMBERED_MAX, |block| node.parent(block))
}

/// What joined the best chain since. Empty if the head was dropped this very moment: its successor's event comes.
fn advance(node: &Node, line: &mut Line) -> Result<Vec<BlockId>, ChainError> {
    // In this order, as above.
    let finalized = node.chain.finalized().number;
    let head = node.chain.best();
    Ok(line.advance(head, finalized, |block| node.parent(block))?.unwrap_or_default())
}
