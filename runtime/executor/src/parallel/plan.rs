//! What has to wait for what, as far as it is known before anything runs.

use basalt_runtime_api::{TouchKind, Verified};
use smallvec::SmallVec;

use super::{
    cell::Slot,
    store::{CellId, Store},
    sync::{AtomicU8, AtomicU32, Mutex, Ordering},
};

/// How many transactions are planned at once: enough to judge whether they can run side by side, few enough that nobody
/// waits for it.
pub(crate) const CHUNK: usize = if cfg!(shuttle) { 4 } else { 256 };

/// A chunk runs in sequence unless its transactions outnumber its longest chain by this many eighths: beside a chain that
/// is almost as long as the chunk there is nothing to win.
const WIDTH_MIN_EIGHTHS: usize = 10;

/// The state of one transaction of a segment.
pub(crate) struct Job {
    /// One of `WAITING`, `FINISHED`.
    state: AtomicU8,
    /// For how many it waits: transactions before it, and the one who hands out jobs in order.
    waits: AtomicU32,
    links: Mutex<Links>,
    /// The cells of what it surely touches.
    pub(crate) hints: std::sync::OnceLock<SmallVec<[CellId; 2]>>,
}

#[derive(Default)]
struct Links {
    finished: bool,
    /// Who waits for it.
    followers: SmallVec<[Slot; 2]>,
}

const WAITING: u8 = 0;
const FINISHED: u8 = 1;

impl Job {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU8::new(WAITING),
            waits: AtomicU32::new(1),
            links: Mutex::new(Links::default()),
            hints: std::sync::OnceLock::new(),
        }
    }

    /// Notes that one of those it waits for has finished. Says whether that was the last.
    pub(crate) fn release(&self) -> bool {
        self.waits.fetch_sub(1, Ordering::SeqCst) == 1
    }

    /// Whether it has been run ahead of its turn.
    pub(crate) fn is_finished(&self) -> bool {
        self.state.load(Ordering::SeqCst) == FINISHED
    }

    /// It has been run ahead of its turn: says who waits for that.
    pub(crate) fn finish(&self) -> SmallVec<[Slot; 2]> {
        let followers = {
            let mut links = self.links.lock();
            links.finished = true;
            std::mem::take(&mut links.followers)
        };
        self.state.store(FINISHED, Ordering::SeqCst);
        followers
    }

    /// Lets `follower` wait for it, unless it has finished.
    fn precede(&self, follower: Slot, job: &Job) {
        let mut links = self.links.lock();
        if !links.finished {
            links.followers.push(follower);
            job.waits.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Finds out whom the transaction at `slot` has to wait for. `jobs` are those of the segment, which begins at `start`.
pub(crate) fn plan(transaction: &Verified, slot: Slot, start: Slot, jobs: &[Job], store: &Store<'_>) {
    let job = &jobs[(slot - start) as usize];
    let mut wait_for = SmallVec::<[Slot; 8]>::new();
    let mut hints = SmallVec::new();
    for touch in &transaction.touches {
        let id = store.locate(&touch.key);
        hints.push(id);
        match touch.kind {
            TouchKind::Update => store.cell(id).plan_update(slot, &mut wait_for),
            TouchKind::Credit => store.cell(id).plan_credit(slot),
        }
    }
    // Planned once, by whoever holds the lock of the plan.
    let _ = job.hints.set(hints);
    for before in wait_for {
        // What lies before the segment is committed; a transaction that touches a key twice does not wait for itself.
        if (start..slot).contains(&before) {
            jobs[(before - start) as usize].precede(slot, job);
        }
    }
}

/// Whether it is worth while to run these side by side, as far as what they surely touch tells: a chain of transactions
/// that wait for each other is faster in sequence.
pub(crate) fn is_wide(transactions: &[Verified]) -> bool {
    /// A table that forgets: a collision makes the guess worse, and nothing else.
    const SLOTS: usize = 1024;
    let mut depths = [(0u64, 0u32); SLOTS];
    let mut longest = 0;
    for transaction in transactions {
        let mut depth = 0;
        for touch in &transaction.touches {
            let tag = tag(&touch.key);
            let (other, known) = depths[tag as usize % SLOTS];
            if touch.kind == TouchKind::Update && other == tag {
                depth = depth.max(known);
            }
        }
        depth += 1;
        for touch in &transaction.touches {
            let tag = tag(&touch.key);
            let slot = &mut depths[tag as usize % SLOTS];
            // A credit waits for nobody, but the next update waits for it.
            let known = if slot.0 == tag { slot.1 } else { 0 };
            *slot = (tag, known.max(depth));
        }
        longest = longest.max(depth as usize);
    }
    transactions.len() * 8 >= longest * WIDTH_MIN_EIGHTHS
}

/// The end of a key, where maps of accounts have the account itself.
fn tag(key: &[u8]) -> u64 {
    key.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
