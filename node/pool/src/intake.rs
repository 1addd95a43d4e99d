//! What was submitted and is not answered yet: pure, without threads.
//!
//! ```text
//! call ─► waiting ─next─► jobs, oldest first ─done─► finished, in the order of submission ─► answered per call
//! ```

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use basalt_primitives::H256;
use basalt_runtime_api::Transaction;

use crate::{
    checks::Done,
    error::PoolError,
    handle::{Reply, Room},
};

/// Up to here a batch is not divided among idle threads: each would spend more per signature, and together more than
/// the one (measured with `examples/verifier_speed.rs`: 15 % more for 64 than for 256).
const BATCH_MIN: usize = 128;

/// A transaction on its way into the pool.
pub(crate) struct Item {
    pub(crate) transaction: Arc<Transaction>,
    /// Whether a watcher was added for it.
    pub(crate) watched: bool,
    call: u64,
    place: usize,
}

/// Who waits for which outcomes.
struct Call {
    reply: Reply,
    outcomes: Vec<Option<Result<H256, PoolError>>>,
    left: usize,
    room: Room,
}

/// Transactions that are checked together, and what came of it when they are done.
struct Batch {
    items: Vec<Item>,
    done: Option<Done>,
}

/// All that is submitted and not answered.
#[derive(Default)]
pub(crate) struct Intake {
    calls: HashMap<u64, Call>,
    calls_begun: u64,
    waiting: VecDeque<Item>,
    /// Oldest first; the first is batch number `finished`.
    batches: VecDeque<Batch>,
    finished: u64,
    /// How many of `batches` are not done.
    running: usize,
    /// Hashes of all that wait or are checked.
    hashes: HashSet<H256>,
}

impl Intake {
    /// Takes note of a call for so many transactions; each then is settled or waits.
    pub(crate) fn begin_call(&mut self, count: usize, reply: Reply, room: Room) -> u64 {
        self.calls_begun += 1;
        if count == 0 {
            // Nobody waits for this long.
            drop(room);
            let _ = reply.send(Vec::new());
        } else {
            let outcomes = vec![None; count];
            self.calls.insert(self.calls_begun, Call { reply, outcomes, left: count, room });
        }
        self.calls_begun
    }

    /// Whether a transaction of this hash is on its way.
    pub(crate) fn contains(&self, hash: &H256) -> bool {
        self.hashes.contains(hash)
    }

    /// Has a transaction wait to be checked.
    pub(crate) fn wait(&mut self, call: u64, place: usize, transaction: Transaction, watched: bool) {
        self.hashes.insert(transaction.hash);
        self.waiting.push_back(Item { transaction: Arc::new(transaction), watched, call, place });
    }

    /// The next to check together, with their batch's number, if one of `threads` is idle or has nothing in line.
    pub(crate) fn next(&mut self, threads: usize, batch_max: usize) -> Option<(u64, Vec<Arc<Transaction>>)> {
        // One more than there are threads, so that whoever ends a batch finds another.
        if self.waiting.is_empty() || self.running > threads {
            return None;
        }
        let idle = threads.saturating_sub(self.running).max(1);
        let share = self.waiting.len().div_ceil(idle).max(BATCH_MIN).min(batch_max.max(1));
        let items: Vec<Item> = self.waiting.drain(..share.min(self.waiting.len())).collect();
        let transactions = items.iter().map(|item| Arc::clone(&item.transaction)).collect();
        let number = self.finished + self.batches.len() as u64;
        self.batches.push_back(Batch { items, done: None });
        self.running += 1;
        Some((number, transactions))
    }

    /// The last batch that was given out and is not finished.
    pub(crate) fn last_begun(&self) -> Option<u64> {
        let last = self.batches.len().checked_sub(1)?;
        Some(self.finished + last as u64)
    }

    /// Takes note of what was found.
    pub(crate) fn done(&mut self, done: Done) {
        let place = done.number.checked_sub(self.finished).and_then(|place| usize::try_from(place).ok());
        if let Some(batch) = place.and_then(|place| self.batches.get_mut(place)) {
            self.running -= usize::from(batch.done.is_none());
            batch.done = Some(done);
        }
    }

    /// The oldest batch if it is done: transactions enter the pool in the order in which they were submitted.
    pub(crate) fn finish(&mut self) -> Option<(Vec<Item>, Done)> {
        self.batches.front()?.done.as_ref()?;
        let Batch { items, done } = self.batches.pop_front()?;
        self.finished += 1;
        for item in &items {
            self.hashes.remove(&item.transaction.hash);
        }
        Some((items, done?))
    }

    /// Settles the transaction at a place of a call. With the last one, the call is answered.
    pub(crate) fn settle(&mut self, call: u64, place: usize, outcome: Result<H256, PoolError>) {
        let Some(waiting) = self.calls.get_mut(&call) else { return };
        let Some(settled) = waiting.outcomes.get_mut(place) else { return };
        waiting.left -= usize::from(settled.is_none());
        *settled = Some(outcome);
        if waiting.left == 0
            && let Some(Call { reply, outcomes, room, .. }) = self.calls.remove(&call)
        {
            // Before the reply: whoever hears back may count on the room.
            drop(room);
            // A caller that no longer waits for its answer is no error.
            let _ = reply.send(outcomes.into_iter().flatten().collect());
        }
    }

    /// As [`Intake::settle`] for an item.
    pub(crate) fn settle_item(&mut self, item: &Item, outcome: Result<H256, PoolError>) {
        self.settle(item.call, item.place, outcome);
    }
}
