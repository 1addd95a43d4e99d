//! How the rest of the node reaches the pool.

use std::{fmt, sync::Arc};

use basalt_primitives::{AccountId, BlockNumber, H256, InvalidTransaction, Nonce};
use basalt_runtime_api::{Refusal, Transaction, Verified};
use basalt_state::StateRead;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use crate::{
    error::{PoolError, PoolErrorKind},
    limits::{Limits, QUEUED_OVERHEAD_BYTES},
    pool::PoolStatus,
    status::TransactionStatus,
};

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
    pub(crate) bytes: Vec<u8>,
    pub(crate) watcher: Option<mpsc::Sender<TransactionStatus>>,
}

/// Who waits for the outcome of how many submissions.
pub(crate) enum Reply {
    One(oneshot::Sender<Result<H256, PoolError>>),
    Many(usize, oneshot::Sender<Vec<Result<H256, PoolError>>>),
}

/// What the pool's thread is asked.
pub(crate) enum Command {
    Submit {
        submissions: Vec<Submission>,
        reply: Reply,
        room: Option<OwnedSemaphorePermit>,
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
#[derive(Debug, Clone)]
pub struct PoolHandle {
    pub(crate) commands: mpsc::Sender<Command>,
    /// One permit per byte that may wait.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) ready_count: watch::Receiver<u64>,
    pub(crate) head: watch::Receiver<(H256, BlockNumber)>,
}

impl PoolHandle {
    /// Submits a transaction, given without its length prefix. Returns its hash once it is in the pool.
    ///
    /// # Errors
    ///
    /// [`PoolError`] says why it was not taken.
    pub async fn submit(&self, bytes: Vec<u8>) -> Result<H256, PoolError> {
        self.submit_one(Submission { bytes, watcher: None }).await
    }

    /// Submits many transactions, and returns as many outcomes in their order. Faster than one by one, since they
    /// reach the pool together.
    pub async fn submit_many(&self, transactions: Vec<Vec<u8>>) -> Vec<Result<H256, PoolError>> {
        let mut refused = Vec::new();
        let mut submissions = Vec::new();
        let mut room: Option<OwnedSemaphorePermit> = None;
        for (place, bytes) in transactions.into_iter().enumerate() {
            match self.make_room(&bytes) {
                Ok(more) => {
                    match &mut room {
                        Some(room) => room.merge(more),
                        None => room = Some(more),
                    }
                    submissions.push(Submission { bytes, watcher: None });
                }
                Err(error) => refused.push((place, error)),
            }
        }
        let count = submissions.len();
        let (reply, answer) = oneshot::channel();
        let sent = self.send_submissions(submissions, Reply::Many(count, reply), room);
        let mut outcomes = match sent {
            Ok(()) => answer.await.unwrap_or_else(|_| vec![Err(PoolError::stopped()); count]),
            Err(error) => vec![Err(error); count],
        };
        // In ascending order, so that each lands in its place.
        for (place, error) in refused {
            outcomes.insert(place.min(outcomes.len()), Err(error));
        }
        outcomes
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
        let hash = self.submit_one(Submission { bytes, watcher: Some(sender) }).await?;
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

    /// Hash and height of the block that the pool has settled on.
    pub fn subscribe_head(&self) -> watch::Receiver<(H256, BlockNumber)> {
        self.head.clone()
    }

    /// How much the pool holds.
    pub async fn status(&self) -> PoolStatus {
        self.ask(Command::Status).await.unwrap_or_default()
    }

    async fn submit_one(&self, submission: Submission) -> Result<H256, PoolError> {
        let room = self.make_room(&submission.bytes)?;
        let (reply, answer) = oneshot::channel();
        self.send_submissions(vec![submission], Reply::One(reply), Some(room))?;
        answer.await.unwrap_or(Err(PoolError::stopped()))
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
        reply: Reply,
        room: Option<OwnedSemaphorePermit>,
    ) -> Result<(), PoolError> {
        self.commands.try_send(Command::Submit { submissions, reply, room }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => PoolError::queue_full(),
            mpsc::error::TrySendError::Closed(_) => PoolError::stopped(),
        })
    }

    /// Asks and waits; none if the pool has stopped.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}
