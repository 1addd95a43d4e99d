//! What the executor learned while it ran a block: for people who want to know why it was not faster.

use std::time::Duration;

use basalt_state::Key;

use crate::Mode;

/// How many conflicting keys a report names: the most frequent ones.
pub const CONFLICTS_MAX: usize = 32;

/// How a block was run. It depends on the machine and on timing; what the block did does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How transactions were run.
    pub mode: Mode,
    /// Transactions in the block, inherents included.
    pub transactions: u32,
    /// How often a transaction was run, in all. Without speculation this is [`Self::transactions`].
    pub executions: u32,
    /// Transactions that were run again at their turn, because something they had read ahead was changed.
    pub re_executions: u32,
    /// Transactions of the block that were not run ahead at all, because speculation would have wasted work.
    pub sequential: u32,
    /// Transactions that waited for one before them which is known to touch the same key.
    pub parked: u32,
    /// The keys that caused re-executions, the most frequent first, [`CONFLICTS_MAX`] at most.
    pub conflicts: Vec<Conflict>,
    /// Where the time went.
    pub times: Times,
}

/// A key over which transactions conflicted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The key.
    pub key: Key,
    /// How it was read.
    pub kind: ConflictKind,
    /// How many re-executions it caused.
    pub count: u32,
    /// The first transaction that was run again because of it, by its place in the block.
    pub first: u32,
}

/// How a transaction that had to run again had read the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConflictKind {
    /// Its value.
    Value,
    /// Whether a condition holds for it.
    Condition,
    /// Which key comes after it.
    Range,
}

/// Where the time of one block went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// From start to end, on the clock.
    pub whole: Duration,
    /// The block's opening and closing, on one thread.
    pub hooks: Duration,
    /// Finding out what has to wait for what; over all threads.
    pub plan: Duration,
    /// Running transactions; over all threads.
    pub execute: Duration,
    /// Checking what was read and taking over what was written, re-executions included; one thread at a time.
    pub commit: Duration,
    /// Threads with nothing to do; over all threads.
    pub idle: Duration,
    /// Forming the change set.
    pub collect: Duration,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            mode: Mode::Sequential,
            transactions: 0,
            executions: 0,
            re_executions: 0,
            sequential: 0,
            parked: 0,
            conflicts: Vec::new(),
            times: Times::default(),
        }
    }
}
