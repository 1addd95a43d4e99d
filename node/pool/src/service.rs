//! The one thread that owns the pool.

use std::{
    collections::{BTreeSet, HashSet},
    io, mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use basalt_primitives::{AccountId, H256, Nonce};
use basalt_runtime_api::{Head as RuntimeHead, Refusal, Runtime, Transaction, ValidateError, Verified};
use basalt_state::StateError;
use basalt_verifier::Verifier;
use rayon::prelude::*;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use crate::{
    error::{Full, PoolError, PoolErrorKind},
    handle::{BlockUpdate, Command, Head, PoolHandle, Reply, Submission},
    limits::Limits,
    pool::{Candidate, Pool},
    status::{Effects, TransactionStatus},
    watchers::Watchers,
};

/// Below this many transactions the way to other cores costs more than the work on this one.
const TRANSACTIONS_PER_JOB: usize = 16;

/// The running pool. Dropping this stops it, as [`PoolService::stop`] does: its thread holds a view of the database, and
/// must not outlive whoever closes that.
#[derive(Debug)]
pub struct PoolService {
    /// `None` once it was waited for.
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    /// Weak, so that the pool ends when all handles are gone.
    commands: mpsc::WeakSender<Command>,
}

impl PoolService {
    /// Ends the pool after the batch at hand, and waits for that: some milliseconds. Whoever still waits for an answer
    /// is told that the pool has stopped.
    pub fn stop(self) {
        drop(self);
    }

    /// Waits until the pool has ended because the last handle was dropped.
    pub fn wait(mut self) {
        self.join();
    }

    fn join(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if thread.join().is_err() {
            tracing::error!(
                "the transaction pool ended with a panic; please report it with the log before this line"
            );
        }
    }
}

impl Drop for PoolService {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(commands) = self.commands.upgrade() {
            // If the channel is full, the thread is not idle, and will see the flag without being woken.
            let _ = commands.try_send(Command::Wake);
        }
        self.join();
    }
}

/// Starts a pool at `head`, on a thread of its own.
///
/// # Errors
///
/// If the operating system gives no thread.
pub fn start(
    runtime: Arc<dyn Runtime>,
    verifier: Arc<Verifier>,
    head: Head,
    limits: Limits,
) -> io::Result<(PoolHandle, PoolService)> {
    let (commands, received) = mpsc::channel(limits.queue_commands_max);
    let (ready_count_sender, ready_count) = watch::channel(0);
    let (head_sender, head_receiver) = watch::channel((head.hash, head.number));
    let stop = Arc::new(AtomicBool::new(false));
    let owner = Owner {
        pool: Pool::new(limits.clone(), head.number),
        runtime,
        verifier,
        head,
        head_sender,
        limits: limits.clone(),
        watchers: Watchers::default(),
        ready_count: ready_count_sender,
        stop: Arc::clone(&stop),
    };
    let thread = thread::Builder::new().name("pool".into()).spawn(move || owner.run(received))?;
    let service = PoolService { thread: Some(thread), stop, commands: commands.downgrade() };
    let room = Arc::new(Semaphore::new(limits.queue_bytes_max.min(Semaphore::MAX_PERMITS)));
    let handle = PoolHandle { commands, room, limits: Arc::new(limits), ready_count, head: head_receiver };
    Ok((handle, service))
}

/// All that the thread owns.
struct Owner {
    pool: Pool,
    runtime: Arc<dyn Runtime>,
    verifier: Arc<Verifier>,
    head: Head,
    head_sender: watch::Sender<(H256, u32)>,
    limits: Limits,
    watchers: Watchers,
    ready_count: watch::Sender<u64>,
    stop: Arc<AtomicBool>,
}

/// Submissions that are served together.
#[derive(Default)]
struct Gathered {
    submissions: Vec<Submission>,
    replies: Vec<Reply>,
    /// Given back when all this is done.
    room: Option<OwnedSemaphorePermit>,
}

impl Gathered {
    fn add(&mut self, submissions: Vec<Submission>, reply: Reply, room: Option<OwnedSemaphorePermit>) {
        self.submissions.extend(submissions);
        self.replies.push(reply);
        match (&mut self.room, room) {
            (Some(room), Some(more)) => room.merge(more),
            (none, more) => *none = more,
        }
    }
}

impl Owner {
    fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut gathered = Gathered::default();
        while let Some(command) = commands.blocking_recv() {
            let mut next = Some(command);
            while let Some(command) = next.take() {
                if self.stop.load(Ordering::Acquire) {
                    return;
                }
                match command {
                    Command::Submit { submissions, reply, room } => gathered.add(submissions, reply, room),
                    other => {
                        // Whoever asks sees the effects of what was submitted before.
                        self.submit(mem::take(&mut gathered));
                        self.serve(other);
                    }
                }
                if gathered.submissions.len() < self.limits.batch_max {
                    next = commands.try_recv().ok();
                }
            }
            self.submit(mem::take(&mut gathered));
        }
    }

    fn serve(&mut self, command: Command) {
        // A caller that no longer waits for its answer is no error.
        match command {
            Command::Submit { .. } | Command::Wake => {}
            Command::OnBlock { update, done } => {
                self.on_block(update);
                let _ = done.send(());
            }
            Command::OnFinalized { blocks, done } => {
                self.on_finalized(&blocks);
                let _ = done.send(());
            }
            Command::Remove { hashes, done } => {
                let mut effects = Effects::new();
                self.pool.remove_invalid(&hashes, &mut effects);
                self.tell(effects);
                let _ = done.send(());
            }
            Command::Pending(reply) => {
                let transactions = self.pool.ready().map(|verified| Arc::clone(verified.transaction()));
                let _ = reply.send(transactions.collect());
            }
            Command::Ready(reply) => {
                let _ = reply.send(self.ready());
            }
            Command::NextNonce { account, reply } => {
                let _ = reply.send(self.next_nonce(&account));
            }
            Command::Status(reply) => {
                let _ = reply.send(self.pool.status());
            }
        }
    }

    // ---- New transactions -----------------------------------------------------------------------------------------

    fn submit(&mut self, gathered: Gathered) {
        let Gathered { submissions, replies, room } = gathered;
        let mut outcomes = Vec::with_capacity(submissions.len());
        let mut submissions = submissions.into_iter().peekable();
        while submissions.peek().is_some() {
            let batch: Vec<_> = submissions.by_ref().take(self.limits.batch_max.max(1)).collect();
            outcomes.extend(self.submit_batch(batch));
        }
        // Before the replies: whoever hears back may count on the room.
        drop(room);
        let mut outcomes = outcomes.into_iter();
        for reply in replies {
            match reply {
                Reply::One(reply) => {
                    let _ = reply.send(outcomes.next().unwrap_or(Err(PoolError::stopped())));
                }
                Reply::Many(count, reply) => {
                    let _ = reply.send(outcomes.by_ref().take(count).collect());
                }
            }
        }
    }

    /// Takes transactions in that are verified together. One outcome for each, in their order.
    fn submit_batch(&mut self, batch: Vec<Submission>) -> Vec<Result<H256, PoolError>> {
        let (bytes, watchers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|submission| (submission.bytes, submission.watcher)).unzip();
        let mut watchers: Vec<_> = watchers.into_iter().map(|watcher| (watcher, None)).collect();
        let inspected = self.inspect(bytes);

        // Whoever is refused here costs no signature check.
        let mut seen = HashSet::new();
        let mut transactions = Vec::with_capacity(inspected.len());
        let mut outcomes: Vec<Option<Result<H256, PoolError>>> = Vec::with_capacity(inspected.len());
        for (inspected, (watcher, watched)) in inspected.into_iter().zip(&mut watchers) {
            let admitted = inspected.and_then(|transaction| {
                let hash = transaction.hash;
                self.pool.admits(&hash)?;
                if watcher.is_some() && !self.may_watch(&hash) {
                    return Err(PoolError::new(hash, PoolErrorKind::Full(Full::Watchers)));
                }
                if !seen.insert(hash) {
                    return Err(PoolError::new(hash, PoolErrorKind::AlreadyImported));
                }
                Ok(transaction)
            });
            match admitted {
                Ok(transaction) => {
                    if let Some(watcher) = watcher.take() {
                        self.watchers.add(transaction.hash, watcher);
                        *watched = Some(transaction.hash);
                    }
                    transactions.push(Arc::new(transaction));
                    outcomes.push(None);
                }
                Err(error) => outcomes.push(Some(Err(error))),
            }
        }

        let mut checked = self.check(transactions).into_iter();
        outcomes
            .into_iter()
            .zip(watchers)
            .map(|(outcome, (_, watched))| {
                let outcome = outcome
                    .or_else(|| checked.next().map(|checked| self.insert(checked)))
                    .unwrap_or(Err(PoolError::stopped()));
                if let (Err(_), Some(hash)) = (&outcome, watched) {
                    self.watchers.forget(&hash);
                }
                outcome
            })
            .collect()
    }

    fn may_watch(&mut self, hash: &H256) -> bool {
        if self.watchers.len() >= self.limits.watchers_max {
            self.watchers.forget_closed();
        }
        self.watchers.is_watched(hash) || self.watchers.len() < self.limits.watchers_max
    }

    fn inspect(&self, bytes: Vec<Vec<u8>>) -> Vec<Result<Transaction, PoolError>> {
        bytes
            .into_par_iter()
            .with_min_len(TRANSACTIONS_PER_JOB)
            .map(|bytes| {
                self.runtime
                    .inspect(bytes)
                    .map_err(|refusal| PoolError { hash: None, kind: PoolErrorKind::Refused(refusal) })
            })
            .collect()
    }

    /// Verifies signatures, then validates against the head.
    fn check(&self, transactions: Vec<Arc<Transaction>>) -> Vec<Result<Candidate, PoolError>> {
        let hashes: Vec<H256> = transactions.iter().map(|transaction| transaction.hash).collect();
        let Head { number, hash, state } = &self.head;
        self.verifier
            .verify(&*self.runtime, *number, *hash, &**state, transactions, false)
            .into_par_iter()
            .zip(hashes)
            .with_min_len(TRANSACTIONS_PER_JOB)
            .map(|(verified, hash)| {
                verified
                    .and_then(|verified| self.validate(verified))
                    .map_err(|error| PoolError::of_validation(hash, error))
            })
            .collect()
    }

    fn validate(&self, verified: Verified) -> Result<Candidate, ValidateError> {
        let Head { number, hash, state } = &self.head;
        let head = RuntimeHead { number: *number, hash: *hash, state: &**state };
        let validity = self.runtime.validate(&verified, &head)?;
        let nonce = match &verified.signed {
            Some(signed) => self.runtime.nonce(&signed.signer, &**state)?,
            None => 0,
        };
        Ok(Candidate { verified, validity, nonce })
    }

    fn insert(&mut self, checked: Result<Candidate, PoolError>) -> Result<H256, PoolError> {
        let outcome = checked.and_then(|candidate| {
            let hash = candidate.verified.hash;
            let mut effects = Effects::new();
            let inserted = self.pool.insert(candidate, &mut effects);
            self.tell(effects);
            inserted.map(|_| hash)
        });
        if let Err(PoolError { hash: Some(hash), .. }) = &outcome
            && outcome.as_ref().is_err_and(PoolError::is_bad_transaction)
        {
            self.pool.ban(*hash);
        }
        outcome
    }

    // ---- New blocks -----------------------------------------------------------------------------------------------

    fn on_block(&mut self, update: BlockUpdate) {
        let BlockUpdate { head, enacted, retracted } = update;
        let number = head.number;
        self.head = head;
        let mut effects = Effects::new();
        let again = self.retract(retracted, &enacted, &mut effects);
        let touched = self.pool.on_block(number, &enacted, &mut effects);
        self.tell(effects);
        self.resubmit(again);
        self.revalidate(touched);
        self.watchers.time_out(number, self.limits.finality_blocks_max);
        self.head_sender.send_replace((self.head.hash, number));
    }

    /// Tells that blocks are gone, and returns those of their transactions that the new blocks do not include.
    fn retract(
        &mut self,
        retracted: Vec<(H256, Vec<Vec<u8>>)>,
        enacted: &[(H256, Vec<H256>)],
        effects: &mut Effects,
    ) -> Vec<Transaction> {
        let included: HashSet<H256> = enacted.iter().flat_map(|(_, hashes)| hashes).copied().collect();
        let mut again = Vec::new();
        for (block, bytes) in retracted {
            for transaction in self.inspect(bytes).into_iter().flatten() {
                if self.watchers.block_of(&transaction.hash) == Some(block) {
                    effects.push((transaction.hash, TransactionStatus::Retracted(block)));
                }
                if transaction.signed.is_some() && !included.contains(&transaction.hash) {
                    again.push(transaction);
                }
            }
        }
        self.pool.on_retracted(&again.iter().map(|transaction| transaction.hash).collect::<Vec<_>>());
        again
    }

    fn resubmit(&mut self, transactions: Vec<Transaction>) {
        let mut transactions = transactions.into_iter().map(Arc::new).peekable();
        while transactions.peek().is_some() {
            let batch: Vec<_> = transactions.by_ref().take(self.limits.batch_max.max(1)).collect();
            for checked in self.check(batch) {
                let Err(error) = self.insert(checked) else { continue };
                let (Some(hash), false) = (error.hash, error.kind == PoolErrorKind::AlreadyImported) else {
                    continue;
                };
                let status = match error.kind {
                    PoolErrorKind::Full(_) | PoolErrorKind::PriorityTooLow { .. } => {
                        TransactionStatus::Dropped
                    }
                    _ => TransactionStatus::Invalid,
                };
                self.tell(vec![(hash, status)]);
            }
        }
    }

    /// Looks again at the senders that the block touched, and at some others.
    fn revalidate(&mut self, mut touched: BTreeSet<AccountId>) {
        self.refresh_nonces(&touched);
        let chosen = self.pool.revalidation(&touched);
        let senders = chosen.iter().filter_map(|verified| Some(verified.signed.as_ref()?.signer));
        let others: BTreeSet<AccountId> = senders.filter(|sender| touched.insert(*sender)).collect();
        self.refresh_nonces(&others);

        let chosen: Vec<_> =
            chosen.into_iter().filter(|verified| self.pool.contains(&verified.hash)).collect();
        let results: Vec<_> = chosen
            .into_par_iter()
            .with_min_len(TRANSACTIONS_PER_JOB)
            .map(|verified| (verified.hash, self.validate(verified)))
            .collect();
        let mut invalid = Vec::new();
        for (hash, result) in results {
            match result {
                Ok(candidate) => self.pool.revalidated(&hash, &candidate.validity),
                Err(ValidateError::Refused(Refusal { error, detail })) => {
                    tracing::debug!(?hash, %error, detail, "transaction became invalid");
                    invalid.push(hash);
                }
                Err(ValidateError::State(error)) => report(&error),
            }
        }
        let mut effects = Effects::new();
        self.pool.remove_invalid(&invalid, &mut effects);
        self.tell(effects);
    }

    fn refresh_nonces(&mut self, accounts: &BTreeSet<AccountId>) {
        let mut effects = Effects::new();
        for account in accounts {
            match self.runtime.nonce(account, &*self.head.state) {
                Ok(nonce) => self.pool.set_nonce(account, nonce, &mut effects),
                Err(error) => report(&error),
            }
        }
        self.tell(effects);
    }

    fn on_finalized(&mut self, blocks: &[(H256, Vec<H256>)]) {
        for (block, hashes) in blocks {
            for hash in hashes {
                self.watchers.tell(*hash, TransactionStatus::Finalized(*block), self.head.number);
            }
        }
    }

    // ---- Questions ------------------------------------------------------------------------------------------------

    fn ready(&self) -> Vec<Verified> {
        let bytes_max = match self.runtime.limits(&*self.head.state) {
            Ok(limits) => u64::from(limits.bytes_max),
            Err(error) => {
                report(&error);
                return Vec::new();
            }
        };
        let mut bytes: u64 = 0;
        self.pool
            .ready()
            .take_while(|verified| {
                let room = bytes < bytes_max;
                bytes += u64::from(verified.encoded_len());
                room
            })
            .cloned()
            .collect()
    }

    fn next_nonce(&self, account: &AccountId) -> Result<Nonce, PoolError> {
        match self.pool.next_nonce(account) {
            Some(nonce) => Ok(nonce),
            None => self
                .runtime
                .nonce(account, &*self.head.state)
                .map_err(|error| PoolError { hash: None, kind: PoolErrorKind::State(error) }),
        }
    }

    /// Passes effects on to watchers, and counts what became ready.
    fn tell(&mut self, effects: Effects) {
        let mut ready: u64 = 0;
        for (hash, status) in effects {
            ready += u64::from(status == TransactionStatus::Ready);
            self.watchers.tell(hash, status, self.head.number);
        }
        if ready > 0 {
            self.ready_count.send_modify(|count| *count += ready);
        }
    }
}

/// The state failed, which says nothing about any transaction: they stay.
fn report(error: &StateError) {
    tracing::warn!(%error, "the transaction pool could not read the state; what it concerns stays unchecked");
}
