//! How much the pool holds and does.

use basalt_primitives::BlockNumber;

/// The bounds of a pool. None is part of consensus: nodes may differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Transactions, ready and future.
    pub transactions_max: usize,
    /// Bytes of all transactions as they count in a block.
    pub bytes_max: u64,
    /// Transactions of one sender.
    pub sender_transactions_max: usize,
    /// Bytes of one sender's transactions.
    pub sender_bytes_max: u64,
    /// Transactions without a sender. They pay nothing, so little room is theirs, and what they prove is rare.
    pub bare_max: usize,
    /// Bytes of one transaction. The runtime has its own limit; this one spares decoding.
    pub transaction_bytes_max: usize,
    /// Transactions that one newcomer may push out; if that is not enough, it stays out.
    pub evictions_max: usize,
    /// Hashes that are refused for a while.
    pub bans_max: usize,
    /// For how many blocks they are refused.
    pub ban_blocks: BlockNumber,
    /// Transactions that are validated again after each block.
    pub revalidated_max: usize,
    /// Calls that submit and are not answered yet: they wait, or are being checked. As many other commands.
    pub queue_commands_max: usize,
    /// Bytes of submitted transactions that wait or are being checked, with [`QUEUED_OVERHEAD_BYTES`] for each.
    pub queue_bytes_max: usize,
    /// Transactions that are verified together.
    pub batch_max: usize,
    /// Transactions that are watched.
    pub watchers_max: usize,
    /// Statuses that a watcher may leave unread; then it is dropped.
    pub watcher_statuses_max: usize,
    /// After how many blocks a watcher of an included transaction is told that it was not finalized in time.
    pub finality_blocks_max: BlockNumber,
}

/// What a queued transaction costs beside its bytes: its command, its reply, its decoded form.
pub const QUEUED_OVERHEAD_BYTES: usize = 512;

impl Limits {
    /// For real nodes. A full pool takes some 150 MiB.
    pub fn production() -> Self {
        Self {
            // Several blocks at full speed.
            transactions_max: 65_536,
            // A dozen blocks at the limit of 5 MiB.
            bytes_max: 64 << 20,
            // So that sixteen senders are needed to fill the pool.
            sender_transactions_max: 4096,
            // The longest transaction that fits a block, and a little.
            sender_bytes_max: 4 << 20,
            // A few hundred bytes each. One for each validator of a large set.
            bare_max: 512,
            transaction_bytes_max: 4 << 20,
            // Enough for a transaction of 64 KiB among small ones.
            evictions_max: 512,
            // What some blocks at full speed include.
            bans_max: 65_536,
            ban_blocks: 64,
            // A millisecond of one core, a small part of a short block. A full pool has its round in 256 blocks at most.
            revalidated_max: 512,
            queue_commands_max: 16_384,
            queue_bytes_max: 64 << 20,
            // One batch equation; more adds latency, and saves nearly nothing.
            batch_max: 512,
            watchers_max: 16_384,
            // A transaction has four statuses in its life, and a few more for each reorganisation.
            watcher_statuses_max: 16,
            finality_blocks_max: 512,
        }
    }

    /// For tests: every limit is met within a few transactions.
    pub fn tiny() -> Self {
        Self {
            transactions_max: 8,
            bytes_max: 2000,
            sender_transactions_max: 4,
            sender_bytes_max: 1000,
            bare_max: 2,
            transaction_bytes_max: 1000,
            evictions_max: 3,
            bans_max: 4,
            ban_blocks: 2,
            revalidated_max: 4,
            // One that is being checked, and two that wait.
            queue_commands_max: 3,
            queue_bytes_max: 4096,
            batch_max: 4,
            watchers_max: 2,
            watcher_statuses_max: 4,
            finality_blocks_max: 4,
        }
    }
}
