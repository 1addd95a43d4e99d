//! The threads that check transactions, beside the one that owns the pool.
//!
//! Signatures are nearly all of the work. Done here, they keep neither block maker nor clients waiting for the pool, and
//! the pool files one batch while others are checked. Threads of their own and not rayon's: who executes a block on
//! those would wait behind whole batches.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

use basalt_primitives::BlockNumber;
use basalt_runtime_api::{Head as RuntimeHead, Runtime, Transaction, ValidateError, Verified};
use basalt_verifier::Verifier;
use parking_lot::Mutex;
use rayon::prelude::*;
use tokio::sync::mpsc::Sender;

use crate::{error::PoolError, handle::Head, memo::Memo, pool::Candidate};

/// Below this many transactions the way to other cores costs more than the work on this one.
const TRANSACTIONS_PER_JOB: usize = 16;

/// Jobs that may be begun and not done: one for each thread, and one in line, so that whoever ends one finds another.
pub(crate) const fn in_flight_max(threads: usize) -> usize {
    threads + 1
}

/// What a transaction is checked with.
#[derive(Clone)]
pub(crate) struct Checker {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) verifier: Arc<Verifier>,
}

impl Checker {
    /// Verifies signatures, then validates against the head, on the calling thread. One outcome for each.
    fn check_alone(
        &self,
        head: &Head,
        transactions: Vec<Arc<Transaction>>,
    ) -> Vec<Result<Candidate, PoolError>> {
        let hashes: Vec<_> = transactions.iter().map(|transaction| transaction.hash).collect();
        let memo = Memo::new(&*head.state);
        let head = runtime_head(head, &memo);
        self.verifier
            .verify_alone(&*self.runtime, &head, transactions)
            .into_iter()
            .zip(hashes)
            .map(|(verified, hash)| {
                verified
                    .and_then(|verified| self.validate_at(&head, verified))
                    .map_err(|error| PoolError::of_validation(hash, error))
            })
            .collect()
    }

    /// The same on all of rayon's threads.
    pub(crate) fn check(
        &self,
        head: &Head,
        transactions: Vec<Arc<Transaction>>,
    ) -> Vec<Result<Candidate, PoolError>> {
        let hashes: Vec<_> = transactions.iter().map(|transaction| transaction.hash).collect();
        self.verifier
            .verify(&*self.runtime, head.number, head.hash, &*head.state, transactions, true)
            .into_par_iter()
            .zip(hashes)
            .with_min_len(TRANSACTIONS_PER_JOB)
            .map(|(verified, hash)| {
                verified
                    .and_then(|verified| self.validate(head, verified))
                    .map_err(|error| PoolError::of_validation(hash, error))
            })
            .collect()
    }

    /// Decodes on all of rayon's threads; without what does not decode.
    pub(crate) fn inspect(&self, bytes: Vec<Vec<u8>>) -> Vec<Transaction> {
        bytes
            .into_par_iter()
            .with_min_len(TRANSACTIONS_PER_JOB)
            .filter_map(|bytes| self.runtime.inspect(bytes).ok())
            .collect()
    }

    pub(crate) fn validate(&self, head: &Head, verified: Verified) -> Result<Candidate, ValidateError> {
        self.validate_at(&runtime_head(head, &Memo::new(&*head.state)), verified)
    }

    fn validate_at(&self, head: &RuntimeHead<'_>, verified: Verified) -> Result<Candidate, ValidateError> {
        let mut validity = self.runtime.validate(&verified, head)?;
        // Readiness follows from nonces; freed here, they are freed where they were made, and not on the pool's thread.
        validity.requires = Vec::new();
        let nonce = match &verified.signed {
            Some(signed) => {
                validity.provides = Vec::new();
                self.runtime.nonce(&signed.signer, head.state)?
            }
            // What it provides is all that tells it from others.
            None => 0,
        };
        Ok(Candidate { verified, validity, nonce })
    }
}

fn runtime_head<'a>(head: &Head, state: &'a Memo<'a>) -> RuntimeHead<'a> {
    RuntimeHead { number: head.number, hash: head.hash, state }
}

/// Transactions to check together.
pub(crate) struct Job {
    /// Given back with the outcome.
    pub(crate) number: u64,
    pub(crate) head: Head,
    pub(crate) transactions: Vec<Arc<Transaction>>,
}

/// What became of a [`Job`].
pub(crate) struct Done {
    pub(crate) number: u64,
    /// The height that the transactions were judged at.
    pub(crate) height: BlockNumber,
    /// One for each transaction, in order; or what a panic said.
    pub(crate) outcomes: Result<Vec<Result<Candidate, PoolError>>, Box<dyn Any + Send>>,
}

/// The running threads. Dropping this ends them after the job that each is at, and waits for that.
pub(crate) struct Checkers {
    /// `None` when they have to end.
    jobs: Option<mpsc::SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

impl Checkers {
    /// Starts `count` threads, which send to `done`.
    ///
    /// # Errors
    ///
    /// If the operating system gives no thread.
    pub(crate) fn start(count: usize, checker: &Checker, done: &Sender<Done>) -> std::io::Result<Self> {
        let (jobs, received) = mpsc::sync_channel(in_flight_max(count));
        let received = Arc::new(Mutex::new(received));
        let mut checkers = Self { jobs: Some(jobs), threads: Vec::new(), stop: Arc::default() };
        for number in 0..count {
            let (received, checker, done) = (Arc::clone(&received), checker.clone(), done.clone());
            let stop = Arc::clone(&checkers.stop);
            let thread = thread::Builder::new()
                .name(format!("pool-check-{number}"))
                .spawn(move || work(&received, &checker, &done, &stop))?;
            checkers.threads.push(thread);
        }
        Ok(checkers)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.threads.len()
    }

    /// Has a job done by whoever is free. Does not wait while there are no more than [`in_flight_max`].
    pub(crate) fn begin(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // They end when `self` does.
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Checkers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // Panics of jobs were passed on, and nothing else can.
            let _ = thread.join();
        }
    }
}

fn work(jobs: &Mutex<mpsc::Receiver<Job>>, checker: &Checker, done: &Sender<Done>, stop: &AtomicBool) {
    loop {
        // One waits for the next job, the others for its lock.
        let Ok(Job { number, head, transactions }) = jobs.lock().recv() else { return };
        if stop.load(Ordering::Acquire) {
            return;
        }
        let height = head.number;
        // Nothing that a panic leaves half done is looked at again: the pool ends with it.
        let outcomes = catch_unwind(AssertUnwindSafe(|| checker.check_alone(&head, transactions)));
        // Whoever hears of the outcome may close the database.
        drop(head);
        if done.blocking_send(Done { number, height, outcomes }).is_err() {
            return;
        }
    }
}
