//! How the rest of the node reaches the pool.

use std::{fmt, sync::Arc};

use basalt_primitives::{AccountId, BlockNumber, H256, InvalidTransaction, Nonce};
use basalt_runtime_api::{Refusal, Runtime, Transaction, Verified};
use basalt_state::StateRead;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot, watch};

use crate::{
    error::{PoolError, PoolErrorKind},
    limits::{Limits, QUEUED_OVERHEAD_BYTES},
    pool::PoolStatus,
    status::TransactionStatus,
};

/// How many of [`PoolHandle::submit_many`]'s transactions go together: the first are checked while the next are decoded,
/// some hundred microseconds' worth, after which other tasks have their turn.
const SUBMITTED_TOGETHER: usize = 256;

/// The block that pooled transactions would follow.
#[derive(Clone)]
pub struct Head {
    /// Hash.
    pub hash: H256,
    /// Height.
    pub number: BlockNumber,
    /// State after it.
    pub state: Arc<dyn StateRead + Send + Sync>,
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head").field("hash", &self.hash).field("number", &self.number).finish_non_exhaustive()
    }
}

/// A new head, and how the chain got there from the last one.
#[derive(Debug, Clone)]
pub struct BlockUpdate {
    /// The new head.
    pub head: Head,
    /// Blocks now on the best chain, ascending, ending with the head: hash, and the hashes of all transactions.
    pub enacted: Vec<(H256, Vec<H256>)>,
    /// Blocks no longer on the best chain: hash, and the bytes of their transactions (without length prefix), which
    /// are let in again if they still can.
    pub retracted: Vec<(H256, Vec<Vec<u8>>)>,
}

/// A transaction on its way to the pool's thread.
pub(crate) struct Submission {
    pub(crate) transaction: Transaction,
    pub(crate) watcher: Option<mpsc::Sender<TransactionStatus>>,
}

/// Who waits for the outcomes of a call's submissions.
pub(crate) type Reply = oneshot::Sender<Vec<Result<H256, PoolError>>>;

/// What a call takes up until it is answered.
#[derive(Debug)]
pub(crate) struct Room {
    _call: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

impl Room {
    pub(crate) fn new(call: OwnedSemaphorePermit, bytes: OwnedSemaphorePermit) -> Self {
        Self { _call: call, _bytes: bytes }
    }
}

type Answer = oneshot::Receiver<Vec<Result<H256, PoolError>>>;

/// Transactions of one call that go together.
struct Part {
    /// Those that were not sent, with their places.
    refused: Vec<(usize, PoolError)>,
    /// How many were.
    count: usize,
    answer: Result<Answer, PoolError>,
}

/// The answer to nothing.
fn answered() -> Answer {
    let (reply, answer) = oneshot::channel();
    let _ = reply.send(Vec::new());
    answer
}

/// What the pool's thread is asked.
pub(crate) enum Command {
    Submit {
        submissions: Vec<Submission>,
        reply: Reply,
        room: Room,
    },
    OnBlock {
        update: BlockUpdate,
        done: oneshot::Sender<()>,
    },
    OnFinalized {
        blocks: Vec<(H256, Vec<H256>)>,
        done: oneshot::Sender<()>,
    },
    Remove {
        hashes: Vec<H256>,
        done: oneshot::Sender<()>,
    },
    Pending(oneshot::Sender<Vec<Arc<Transaction>>>),
    Ready(oneshot::Sender<Vec<Verified>>),
    NextNonce {
        account: AccountId,
        reply: oneshot::Sender<Result<Nonce, PoolError>>,
    },
    Status(oneshot::Sender<PoolStatus>),
    /// Makes the thread look whether it should stop.
    Wake,
}

/// Reaches the pool. Cheap to clone; the pool's thread ends when the last one is dropped.
///
/// Submissions are refused when too much waits already; everything else waits for its turn. After the pool has
/// stopped, submissions fail, and the others answer as an empty pool does.
#[derive(Clone)]
pub struct PoolHandle {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) commands: mpsc::Sender<Command>,
    /// One permit per call that may wait.
    pub(crate) calls: Arc<Semaphore>,
    /// One permit per byte that may wait.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) ready_count: watch::Receiver<u64>,
    pub(crate) arrivals: broadcast::Sender<Arc<Transaction>>,
    pub(crate) head: watch::Receiver<(H256, BlockNumber)>,
}

impl fmt::Debug for PoolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolHandle").field("head", &*self.head.borrow()).finish_non_exhaustive()
    }
}

impl PoolHandle {
    /// Submits a transaction, given without its length prefix. Returns its hash once it is in the pool.
    ///
    /// # Errors
    ///
    /// [`PoolError`] says why it was not taken.
    pub async fn submit(&self, bytes: Vec<u8>) -> Result<H256, PoolError> {
        self.submit_one(bytes, None).await
    }

    /// Submits many transactions, and returns as many outcomes in their order. Faster than one by one, since they
    /// reach the pool together. They are decoded on the calling task, which lets others run in between.
    pub async fn submit_many(&self, transactions: Vec<Vec<u8>>) -> Vec<Result<H256, PoolError>> {
        let mut parts = Vec::with_capacity(transactions.len().div_ceil(SUBMITTED_TOGETHER));
        let mut transactions = transactions.into_iter().peekable();
        while transactions.peek().is_some() {
            if !parts.is_empty() {
                tokio::task::yield_now().await;
            }
            parts.push(self.send_part(transactions.by_ref().take(SUBMITTED_TOGETHER)));
        }
        let mut all = Vec::new();
        for Part { refused, count, answer } in parts {
            let mut outcomes = match answer {
                Ok(answer) => answer.await.unwrap_or_else(|_| vec![Err(PoolError::stopped()); count]),
                Err(error) => vec![Err(error); count],
            };
            // In ascending order, so that each lands in its place.
            for (place, error) in refused {
                outcomes.insert(place.min(outcomes.len()), Err(error));
            }
            all.append(&mut outcomes);
        }
        all
    }

    /// Sends those on their way that decode and that there is room for.
    fn send_part(&self, transactions: impl Iterator<Item = Vec<u8>>) -> Part {
        let mut refused = Vec::new();
        let mut submissions = Vec::new();
        let mut room: Option<OwnedSemaphorePermit> = None;
        for (place, bytes) in transactions.enumerate() {
            let submission = self.make_room(&bytes).and_then(|more| Ok((more, self.inspect(bytes)?)));
            match submission {
                Ok((more, transaction)) => {
                    match &mut room {
                        Some(room) => room.merge(more),
                        None => room = Some(more),
                    }
                    submissions.push(Submission { transaction, watcher: None });
                }
                Err(error) => refused.push((place, error)),
            }
        }
        let count = submissions.len();
        let answer = match room {
            Some(room) => self.send_submissions(submissions, room),
            None => Ok(answered()),
        };
        Part { refused, count, answer }
    }

    /// Submits a transaction, and tells what happens to it. The channel closes after the last status, or when its
    /// reader falls too far behind.
    ///
    /// # Errors
    ///
    /// As [`PoolHandle::submit`].
    pub async fn submit_and_watch(
        &self,
        bytes: Vec<u8>,
    ) -> Result<(H256, mpsc::Receiver<TransactionStatus>), PoolError> {
        let (sender, statuses) = mpsc::channel(self.limits.watcher_statuses_max);
        let hash = self.submit_one(bytes, Some(sender)).await?;
        Ok((hash, statuses))
    }

    /// The ready transactions, best first.
    pub async fn pending(&self) -> Vec<Arc<Transaction>> {
        self.ask(Command::Pending).await.unwrap_or_default()
    }

    /// The nonce that the account's next transaction should have: after those in state and those ready here.
    ///
    /// # Errors
    ///
    /// If the state cannot be read, or the pool has stopped.
    pub async fn next_nonce(&self, account: &AccountId) -> Result<Nonce, PoolError> {
        let account = *account;
        self.ask(|reply| Command::NextNonce { account, reply }).await.unwrap_or(Err(PoolError::stopped()))
    }

    /// What to put into the next block: the best first, each sender's in nonce order, as many as a block has bytes
    /// for. Call it when the pool has seen the block's parent.
    pub async fn ready(&self) -> Vec<Verified> {
        self.ask(Command::Ready).await.unwrap_or_default()
    }

    /// Takes out what a block maker found invalid on top of the pool's head.
    pub async fn remove(&self, hashes: Vec<H256>) {
        self.ask(|done| Command::Remove { hashes, done }).await;
    }

    /// Tells the pool that the best chain has a new head. Returns when the pool has settled on it.
    pub async fn on_block(&self, update: BlockUpdate) {
        self.ask(|done| Command::OnBlock { update, done }).await;
    }

    /// Tells watchers that these blocks (hash, hashes of all transactions) are final.
    pub async fn on_finalized(&self, blocks: Vec<(H256, Vec<H256>)>) {
        self.ask(|done| Command::OnFinalized { blocks, done }).await;
    }

    /// How many transactions became ready so far: it changes whenever a block maker has something new to look at.
    pub fn subscribe_ready(&self) -> watch::Receiver<u64> {
        self.ready_count.clone()
    }

    /// Each transaction that comes in from now on, from wherever, once: what other nodes should hear of. Who reads too
    /// slowly misses the oldest.
    pub fn subscribe_arrivals(&self) -> broadcast::Receiver<Arc<Transaction>> {
        self.arrivals.subscribe()
    }

    /// Hash and height of the block that the pool has settled on.
    pub fn subscribe_head(&self) -> watch::Receiver<(H256, BlockNumber)> {
        self.head.clone()
    }

    /// How much the pool holds.
    pub async fn status(&self) -> PoolStatus {
        self.ask(Command::Status).await.unwrap_or_default()
    }

    async fn submit_one(
        &self,
        bytes: Vec<u8>,
        watcher: Option<mpsc::Sender<TransactionStatus>>,
    ) -> Result<H256, PoolError> {
        let room = self.make_room(&bytes)?;
        let transaction = self.inspect(bytes)?;
        let answer = self.send_submissions(vec![Submission { transaction, watcher }], room)?;
        answer.await.ok().and_then(|mut outcomes| outcomes.pop()).unwrap_or(Err(PoolError::stopped()))
    }

    /// Decodes and hashes: on the caller's thread, so that the pool's does not decode for all.
    fn inspect(&self, bytes: Vec<u8>) -> Result<Transaction, PoolError> {
        self.runtime
            .inspect(bytes)
            .map_err(|refusal| PoolError { hash: None, kind: PoolErrorKind::Refused(refusal) })
    }

    /// Reserves room for a transaction that will wait for the pool's thread.
    fn make_room(&self, bytes: &[u8]) -> Result<OwnedSemaphorePermit, PoolError> {
        let max = self.limits.transaction_bytes_max;
        if bytes.len() > max {
            let detail = format!(
                "it has {} bytes, and this node takes {max} at most; split what it does among several",
                bytes.len()
            );
            let refusal = Refusal { error: InvalidTransaction::ExhaustsResources.into(), detail };
            return Err(PoolError { hash: None, kind: PoolErrorKind::Refused(refusal) });
        }
        u32::try_from(bytes.len() + QUEUED_OVERHEAD_BYTES)
            .ok()
            .and_then(|size| Arc::clone(&self.room).try_acquire_many_owned(size).ok())
            .ok_or_else(PoolError::queue_full)
    }

    fn send_submissions(
        &self,
        submissions: Vec<Submission>,
        bytes: OwnedSemaphorePermit,
    ) -> Result<Answer, PoolError> {
        let call = Arc::clone(&self.calls).try_acquire_owned().map_err(|_| PoolError::queue_full())?;
        let (reply, answer) = oneshot::channel();
        let command = Command::Submit { submissions, reply, room: Room::new(call, bytes) };
        match self.commands.try_send(command) {
            Ok(()) => Ok(answer),
            Err(mpsc::error::TrySendError::Full(_)) => Err(PoolError::queue_full()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(PoolError::stopped()),
        }
    }

    /// Asks and waits; none if the pool has stopped.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}
