//! Run a block's transactions, one by one or in parallel, as if in order.
//!
//! # Responsibility
//!
//! - [`Executor::execute`] runs a whole block that somebody else made; [`Executor::build`] picks transactions for a
//!   new one while it runs them. Both give the same [`Executed`] for the same transactions.
//! - The limits of a block ([`Meter`]) are kept here, in one place for both.
//!
//! # Flow
//!
//! ```text
//! begin_block ─► for each transaction: fits? ─► layer ─► apply ─► keep or drop ─► end_block ─► change set
//!                (in parallel: apply ahead ─► at its turn: fits? still so? ─► keep, drop or apply again)
//! ```
//!
//! # Invariants
//!
//! - Receipts, events, change set, digest and weight depend on the block and its parent's state only: not on
//!   [`Mode`], number of threads or timing. `basalt-test-kit` compares modes on every block that tests make.
//! - A builder never makes a block that an importer refuses: both cut by the same meter, which counts declared weight
//!   before a transaction and actual weight after it.
//!
//! # Assumptions
//!
//! Transactions are [`Verified`]; the executor never looks at a signature.
//!
//! # Out of scope
//!
//! Roots and storage of results (`basalt-chain`); which transactions are worth offering (`basalt-pool`).

mod line;
mod meter;
mod mode;
mod parallel;
mod report;
mod sequential;
mod serial;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU32},
};

use basalt_primitives::{Digest, H256, TransactionValidityError, Weight};
use basalt_runtime_api::{BlockEnv, Fatal, Receipt, Runtime, Verified};
use basalt_state::{ChangeSet, StateError, StateRead};

use line::Ended;
use parallel::{Crew, Source};
use rayon::{ThreadPool, ThreadPoolBuilder};

pub use meter::Meter;
pub use mode::{Mode, ModeError, THREADS_MAX};
pub use report::{CONFLICTS_MAX, Conflict, ConflictKind, Report, Times};

/// After this many transactions in a row that no longer fit, a builder calls the block full instead of trying the
/// rest of the pool: enough to find a small one behind large ones, cheap when there is none.
pub const MISFITS_MAX: u32 = 32;

/// Runs blocks. Its threads live as long as it does; clones share them.
#[derive(Clone)]
pub struct Executor {
    mode: Mode,
    /// Threads besides the caller's.
    pool: Option<Arc<ThreadPool>>,
    /// How often in a row speculation was in vain: where to begin with the next block. It decides how blocks are run, not
    /// what they do.
    distrust: Arc<AtomicU32>,
    #[cfg(test)]
    fault: Fault,
}

/// A mistake that tests plant, to see that it is found.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fault {
    /// None.
    #[default]
    None,
    /// The committer does not check the first thing that a transaction has looked at.
    SkipFirstRead,
    /// It does not check whether conditions still hold.
    SkipConditions,
    /// It does not check which keys come after which.
    SkipRanges,
    /// It does not check whether the index was guessed well.
    SkipIndex,
    /// What a transaction wrote ahead of its turn stays visible when it is run again.
    LeaveWrites,
    /// Who sleeps is not told that the segment is over.
    #[cfg(shuttle)]
    SilentEnd,
}

/// What a block did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// One receipt per transaction, in order.
    pub receipts: Vec<Receipt>,
    /// What it changes, final.
    pub changes: ChangeSet,
    /// Digest items that execution adds to the header.
    pub digest: Digest,
    /// What all transactions and the block itself weighed.
    pub weight: Weight,
    /// Bytes of all transactions.
    pub bytes: u32,
}

/// A new block's content.
#[derive(Debug, Clone)]
pub struct Built {
    /// What it did.
    pub executed: Executed,
    /// How it was run.
    pub report: Report,
    /// Its transactions, inherents first.
    pub included: Vec<Verified>,
    /// Candidates that turned out invalid on top of what came before, with the reason.
    pub refused: Vec<(H256, TransactionValidityError)>,
    /// Whether candidates were left out because the block was full or `stop` said so.
    pub full: bool,
}

/// Why a block cannot be executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// The block's fault: nobody can execute it.
    #[error("transaction {index} (hash {hash:?}) makes the block invalid: {error}")]
    Invalid {
        /// Its place in the block.
        index: u32,
        /// Its hash.
        hash: H256,
        /// Why it cannot be there.
        error: TransactionValidityError,
    },
    /// Ours: the runtime panicked, which it never should, whatever a transaction holds.
    #[error("the runtime panicked in transaction {index} (hash {hash:?}): {what}; please report this")]
    Panicked {
        /// Its place in the block.
        index: u32,
        /// Its hash.
        hash: H256,
        /// What the panic says.
        what: String,
    },
    /// Ours: says nothing about the block.
    #[error("the block could not be executed here: {0}")]
    Internal(#[from] Fatal),
}

impl From<StateError> for ExecuteError {
    fn from(error: StateError) -> Self {
        Self::Internal(error.into())
    }
}

impl Default for Executor {
    /// A sequential one: it needs no threads.
    fn default() -> Self {
        Self {
            mode: Mode::Sequential,
            pool: None,
            distrust: Arc::default(),
            #[cfg(test)]
            fault: Fault::None,
        }
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl Executor {
    /// An executor of this mode, with its threads.
    ///
    /// # Errors
    ///
    /// If the operating system gives no threads.
    pub fn new(mode: Mode) -> Result<Self, ModeError> {
        Self::with_stacks(mode, None)
    }

    /// An executor of this mode whose threads have stacks of so many bytes: for runtimes that nest deeply. The thread that
    /// asks for a block works on it as well, and has the stack that it has.
    ///
    /// # Errors
    ///
    /// If the operating system gives no threads.
    pub fn with_stacks(mode: Mode, bytes: Option<usize>) -> Result<Self, ModeError> {
        // The thread that asks for a block works on it as well.
        let others = mode.threads() - 1;
        let pool = (others > 0).then(|| {
            let builder = ThreadPoolBuilder::new()
                .num_threads(others)
                .thread_name(|number| format!("execute-{}", number + 1));
            match bytes {
                Some(bytes) => builder.stack_size(bytes),
                None => builder,
            }
            .build()
        });
        let pool = pool
            .transpose()
            .map_err(|error| ModeError::Threads { threads: others, why: error.to_string() })?;
        Ok(Self { mode, pool: pool.map(Arc::new), ..Self::default() })
    }

    /// How it runs transactions.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Runs a block that somebody made. The report says how it was run, which is not part of what it did.
    ///
    /// # Errors
    ///
    /// [`ExecuteError::Invalid`] is the block's fault, everything else this node's.
    pub fn execute(
        &self,
        runtime: &dyn Runtime,
        parent: &(dyn StateRead + Sync),
        env: &BlockEnv,
        transactions: &[Verified],
    ) -> Result<(Executed, Report), ExecuteError> {
        let (executed, _, report) =
            self.run(runtime, parent, env, Vec::new(), Source::Block(transactions))?;
        Ok((executed, report))
    }

    /// Makes a block: `inherents` first, then as many candidates as fit, until `stop` says so.
    ///
    /// `stop` is asked before each candidate goes in, in order, and once when none is left. It may look at a clock: it
    /// decides only where this builder cuts, never what a block does. More candidates may be taken from the iterator than
    /// are asked for, or go in.
    ///
    /// # Errors
    ///
    /// [`ExecuteError::Invalid`] if an inherent is, everything else is this node's fault.
    pub fn build(
        &self,
        runtime: &dyn Runtime,
        parent: &(dyn StateRead + Sync),
        env: &BlockEnv,
        inherents: Vec<Verified>,
        candidates: &mut dyn Iterator<Item = Verified>,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Built, ExecuteError> {
        let (executed, ended, report) =
            self.run(runtime, parent, env, inherents, Source::Candidates(candidates, stop))?;
        Ok(Built { executed, report, included: ended.included, refused: ended.refused, full: ended.full })
    }

    fn run(
        &self,
        runtime: &dyn Runtime,
        parent: &(dyn StateRead + Sync),
        env: &BlockEnv,
        inherents: Vec<Verified>,
        source: Source<'_>,
    ) -> Result<(Executed, Ended, Report), ExecuteError> {
        match self.mode {
            Mode::Sequential => sequential::run(runtime, parent, env, inherents, source),
            Mode::Parallel(threads) => {
                let crew = Crew {
                    pool: self.pool.as_deref(),
                    threads: threads.get(),
                    distrust: &self.distrust,
                    #[cfg(test)]
                    fault: self.fault,
                };
                parallel::run(&crew, runtime, parent, env, inherents, source)
            }
        }
    }
}
