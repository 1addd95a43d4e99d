//! The one thread that owns the pool.

use std::{
    collections::{BTreeSet, HashSet},
    io,
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use basalt_primitives::{AccountId, DispatchClass, H256, Nonce};
use basalt_runtime_api::{Refusal, Runtime, Transaction, ValidateError, Verified};
use basalt_state::StateError;
use basalt_verifier::Verifier;
use rayon::prelude::*;
use tokio::sync::{Semaphore, broadcast, mpsc, watch};

use crate::{
    checks::{Checker, Checkers, Done, Job, in_flight_max},
    error::{Full, PoolError, PoolErrorKind},
    handle::{BlockUpdate, Command, Head, PoolHandle, Reply, Room, Submission},
    intake::{Intake, Item},
    limits::Limits,
    pool::{Candidate, Pool},
    status::{Effects, TransactionStatus},
    watchers::Watchers,
};

/// Below this many transactions the way to other cores costs more than validating them on this one.
const VALIDATIONS_PER_JOB: usize = 64;

/// New transactions that a listener may be behind by, before it misses some.
const ARRIVALS_KEPT: usize = 8192;

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
    /// Ends the pool after the batches at hand, and waits for that: some milliseconds. Whoever still waits for an answer
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

/// Starts a pool at `head`, on a thread of its own, with as many to check transactions as rayon has.
///
/// # Errors
///
/// If the operating system gives no threads.
pub fn start(
    runtime: Arc<dyn Runtime>,
    verifier: Arc<Verifier>,
    head: Head,
    limits: Limits,
) -> io::Result<(PoolHandle, PoolService)> {
    let (commands, received) = mpsc::channel(limits.queue_commands_max);
    let threads = rayon::current_num_threads();
    let (done_sender, done) = mpsc::channel(in_flight_max(threads));
    let (ready_count_sender, ready_count) = watch::channel(0);
    let (head_sender, head_receiver) = watch::channel((head.hash, head.number));
    let (arrivals, _) = broadcast::channel(ARRIVALS_KEPT);
    let stop = Arc::new(AtomicBool::new(false));
    let checker = Checker { runtime: Arc::clone(&runtime), verifier };
    let owner = Owner {
        pool: Pool::new(limits.clone(), head.number),
        checkers: Checkers::start(threads, &checker, &done_sender)?,
        checker,
        intake: Intake::default(),
        head,
        head_sender,
        retracted: None,
        limits: limits.clone(),
        watchers: Watchers::default(),
        ready_count: ready_count_sender,
        arrivals: arrivals.clone(),
        stop: Arc::clone(&stop),
    };
    // Only to wait for two channels at once.
    let waiting = tokio::runtime::Builder::new_current_thread().build()?;
    let thread = thread::Builder::new()
        .name("pool".into())
        .spawn(move || waiting.block_on(owner.run(received, done)))?;
    let service = PoolService { thread: Some(thread), stop, commands: commands.downgrade() };
    let handle = PoolHandle {
        runtime,
        commands,
        calls: Arc::new(Semaphore::new(limits.queue_commands_max.min(Semaphore::MAX_PERMITS))),
        room: Arc::new(Semaphore::new(limits.queue_bytes_max.min(Semaphore::MAX_PERMITS))),
        limits: Arc::new(limits),
        ready_count,
        arrivals,
        head: head_receiver,
    };
    Ok((handle, service))
}

/// All that the thread owns.
struct Owner {
    pool: Pool,
    checker: Checker,
    checkers: Checkers,
    intake: Intake,
    head: Head,
    head_sender: watch::Sender<(H256, u32)>,
    /// The last batch that was begun when blocks were retracted: up to it, all were judged on another branch.
    retracted: Option<u64>,
    limits: Limits,
    watchers: Watchers,
    ready_count: watch::Sender<u64>,
    arrivals: broadcast::Sender<Arc<Transaction>>,
    stop: Arc<AtomicBool>,
}

impl Owner {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>, mut done: mpsc::Receiver<Done>) {
        loop {
            tokio::select! {
                biased;
                // There is a job for each, so this does not keep commands waiting for long.
                Some(done) = done.recv() => self.intake.done(done),
                command = commands.recv() => match command {
                    Some(_) if self.stop.load(Ordering::Acquire) => return,
                    Some(command) => self.serve(command),
                    None => return,
                },
            }
            self.begin_jobs();
            while let Some((items, done)) = self.intake.finish() {
                self.insert_all(items, done);
            }
        }
    }

    fn serve(&mut self, command: Command) {
        // A caller that no longer waits for its answer is no error.
        match command {
            Command::Submit { submissions, reply, room } => self.submit(submissions, reply, room),
            Command::Wake => {}
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

    /// Has those wait for a check that are not refused without one.
    fn submit(&mut self, submissions: Vec<Submission>, reply: Reply, room: Room) {
        let call = self.intake.begin_call(submissions.len(), reply, room);
        for (place, Submission { transaction, watcher }) in submissions.into_iter().enumerate() {
            match self.admit(&transaction.hash, watcher.is_some()) {
                Ok(()) => {
                    let watched = watcher.is_some();
                    if let Some(watcher) = watcher {
                        self.watchers.add(transaction.hash, watcher);
                    }
                    self.intake.wait(call, place, transaction, watched);
                }
                Err(error) => self.intake.settle(call, place, Err(error)),
            }
        }
    }

    fn admit(&mut self, hash: &H256, watch: bool) -> Result<(), PoolError> {
        self.pool.admits(hash)?;
        if watch && !self.may_watch(hash) {
            return Err(PoolError::new(*hash, PoolErrorKind::Full(Full::Watchers)));
        }
        if self.intake.contains(hash) {
            return Err(PoolError::new(*hash, PoolErrorKind::AlreadyImported));
        }
        Ok(())
    }

    fn may_watch(&mut self, hash: &H256) -> bool {
        if self.watchers.len() >= self.limits.watchers_max {
            self.watchers.forget_closed();
        }
        self.watchers.is_watched(hash) || self.watchers.len() < self.limits.watchers_max
    }

    fn begin_jobs(&mut self) {
        while let Some((number, transactions)) =
            self.intake.next(self.checkers.count(), self.limits.batch_max)
        {
            self.checkers.begin(Job { number, head: self.head.clone(), transactions });
        }
    }

    /// Takes in what was checked.
    fn insert_all(&mut self, items: Vec<Item>, done: Done) {
        let Done { number, height, outcomes } = done;
        let outcomes = match outcomes {
            // On this branch all is different: signatures name blocks, nonces and funds are others.
            Ok(_) if self.retracted.is_some_and(|last| number <= last) => {
                let transactions = items.iter().map(|item| Arc::clone(&item.transaction)).collect();
                self.checker.check(&self.head, transactions)
            }
            Ok(outcomes) if height != self.head.number => {
                outcomes.into_iter().map(|outcome| self.bring_up_to_date(outcome?)).collect()
            }
            Ok(outcomes) => outcomes,
            // Somebody's programming error, and the state of things is unknown.
            Err(panic) => resume_unwind(panic),
        };
        let mut effects = Effects::with_capacity(items.len());
        let outcomes: Vec<_> =
            outcomes.into_iter().map(|outcome| self.insert(outcome, &mut effects)).collect();
        for (item, outcome) in items.iter().zip(&outcomes) {
            if item.watched && outcome.is_err() {
                self.watchers.forget(&item.transaction.hash);
            }
        }
        // Before the replies: whoever hears back may count on the rest.
        self.tell(effects);
        for (item, outcome) in items.iter().zip(outcomes) {
            if outcome.is_ok() {
                // An error says that nobody listens.
                let _ = self.arrivals.send(Arc::clone(&item.transaction));
            }
            self.intake.settle_item(item, outcome);
        }
    }

    /// Judges by the head what was judged by a block before it, as far as blocks in between may have changed it: the
    /// sender sent something, or the era goes on. Who was robbed of the fee meanwhile is found like all such.
    fn bring_up_to_date(&self, candidate: Candidate) -> Result<Candidate, PoolError> {
        let Some(signed) = &candidate.verified.signed else { return Ok(candidate) };
        let hash = candidate.verified.hash;
        let state = |error: StateError| PoolError::of_validation(hash, error.into());
        let nonce = self.checker.runtime.nonce(&signed.signer, &*self.head.state).map_err(state)?;
        if nonce == candidate.nonce && candidate.validity.longevity == u64::MAX {
            return Ok(candidate);
        }
        self.checker
            .validate(&self.head, candidate.verified)
            .map_err(|error| PoolError::of_validation(hash, error))
    }

    fn insert(
        &mut self,
        checked: Result<Candidate, PoolError>,
        effects: &mut Effects,
    ) -> Result<H256, PoolError> {
        let outcome = checked.and_then(|candidate| {
            let hash = candidate.verified.hash;
            self.pool.insert(candidate, effects).map(|_| hash)
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
        let reorganised = !retracted.is_empty();
        let mut effects = Effects::new();
        let again = if retracted.is_empty() {
            Vec::new()
        } else {
            self.retracted = self.intake.last_begun();
            self.retract(retracted, &enacted, &mut effects)
        };
        let touched = self.pool.on_block(number, &enacted, &mut effects);
        self.tell(effects);
        self.resubmit(again);
        if reorganised {
            // Nonces may have gone down, which no included transaction tells.
            self.refresh_nonces(&touched);
        }
        self.revalidate(&touched);
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
            for transaction in self.checker.inspect(bytes) {
                if self.watchers.block_of(&transaction.hash) == Some(block) {
                    effects.push((transaction.hash, TransactionStatus::Retracted(block)));
                }
                // Inherents are made anew for each block.
                let is_inherent = transaction.info.class == DispatchClass::Mandatory;
                if !is_inherent && !included.contains(&transaction.hash) {
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
            for checked in self.checker.check(&self.head, batch) {
                let mut effects = Effects::new();
                let inserted = self.insert(checked, &mut effects);
                self.tell(effects);
                let Err(error) = inserted else { continue };
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

    /// Looks again at some transactions: of senders that the block touched, and of others in turn. What was included
    /// told most nonces already; what was included from elsewhere is found here, in its turn.
    fn revalidate(&mut self, touched: &BTreeSet<AccountId>) {
        let chosen = self.pool.revalidation(touched);
        let results: Vec<_> = chosen
            .into_par_iter()
            .with_min_len(VALIDATIONS_PER_JOB)
            .map(|verified| (verified.hash, self.checker.validate(&self.head, verified)))
            .collect();
        let mut invalid = Vec::new();
        let mut effects = Effects::new();
        for (hash, result) in results {
            match result {
                Ok(Candidate { verified, validity, nonce }) => {
                    self.pool.revalidated(&hash, &validity);
                    if let Some(signed) = &verified.signed {
                        self.pool.set_nonce(&signed.signer, nonce, &mut effects);
                    }
                }
                Err(ValidateError::Refused(Refusal { error, detail })) => {
                    tracing::debug!(?hash, %error, detail, "transaction became invalid");
                    invalid.push(hash);
                }
                Err(ValidateError::State(error)) => report(&error),
            }
        }
        self.pool.remove_invalid(&invalid, &mut effects);
        self.tell(effects);
    }

    fn refresh_nonces(&mut self, accounts: &BTreeSet<AccountId>) {
        let mut effects = Effects::new();
        for account in accounts {
            match self.checker.runtime.nonce(account, &*self.head.state) {
                Ok(nonce) => self.pool.set_nonce(account, nonce, &mut effects),
                Err(error) => report(&error),
            }
        }
        self.tell(effects);
    }

    fn on_finalized(&mut self, blocks: &[(H256, Vec<H256>)]) {
        if self.watchers.len() == 0 {
            return;
        }
        for (block, hashes) in blocks {
            for hash in hashes {
                self.watchers.tell(*hash, TransactionStatus::Finalized(*block), self.head.number);
            }
        }
    }

    // ---- Questions ------------------------------------------------------------------------------------------------

    fn ready(&self) -> Vec<Verified> {
        let bytes_max = match self.checker.runtime.limits(&*self.head.state) {
            Ok(limits) => u64::from(limits.bytes_max),
            Err(error) => {
                report(&error);
                return Vec::new();
            }
        };
        let mut bytes: u64 = 0;
        let mut ready = self.pool.ready();
        let mut offered = Vec::with_capacity(self.pool.status().ready);
        while bytes < bytes_max
            && let Some(entry) = ready.next_entry()
        {
            bytes += u64::from(entry.bytes);
            offered.push(entry.verified.clone());
        }
        offered
    }

    fn next_nonce(&self, account: &AccountId) -> Result<Nonce, PoolError> {
        match self.pool.next_nonce(account) {
            Some(nonce) => Ok(nonce),
            None => self
                .checker
                .runtime
                .nonce(account, &*self.head.state)
                .map_err(|error| PoolError { hash: None, kind: PoolErrorKind::State(error) }),
        }
    }

    /// Passes effects on to watchers, and counts what became ready.
    fn tell(&mut self, effects: Effects) {
        let mut ready: u64 = 0;
        let unwatched = self.watchers.len() == 0;
        for (hash, status) in effects {
            ready += u64::from(status == TransactionStatus::Ready);
            if !unwatched {
                self.watchers.tell(hash, status, self.head.number);
            }
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
