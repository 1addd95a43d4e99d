//! What has to wait for what, as far as it is known before anything runs.

use std::sync::OnceLock;

use basalt_runtime_api::{TouchKind, Verified};
use smallvec::SmallVec;

use super::{
    cell::Slot,
    store::{CellId, Store},
    sync::{AtomicBool, AtomicU32, Mutex, Ordering},
};

/// How many transactions are planned at once: enough to judge whether they can run side by side, few enough that nobody
/// waits for it.
pub(crate) const CHUNK: usize = if cfg!(shuttle) { 4 } else { 256 };

/// A chunk runs in sequence unless its transactions outnumber its longest chain by this many eighths: beside a chain that
/// is almost as long as the chunk there is nothing to win.
const WIDTH_MIN_EIGHTHS: usize = 10;

/// The state of one transaction of a segment.
pub(crate) struct Job {
    finished: AtomicBool,
    /// For how many it waits: transactions before it, and the one who hands out jobs in order.
    waits: AtomicU32,
    links: Mutex<Links>,
    /// What is planned for it.
    plan: OnceLock<Plan>,
}

/// What is known of a transaction before it runs.
#[derive(Default)]
pub(crate) struct Plan {
    /// The cells of what it surely touches.
    pub(crate) hints: SmallVec<[CellId; 2]>,
    /// Whether it credits one of them.
    pub(crate) credits: bool,
}

/// Who waits for a transaction.
#[derive(Default)]
struct Links {
    /// Whether it has been run.
    finished: bool,
    /// Whether others see what it has credited.
    shown: bool,
    /// Those who update what it updates.
    updaters: SmallVec<[Slot; 2]>,
    /// Those who update what it credits.
    of_credits: SmallVec<[Slot; 2]>,
}

impl Job {
    pub(crate) fn new() -> Self {
        Self {
            finished: AtomicBool::new(false),
            waits: AtomicU32::new(1),
            links: Mutex::new(Links::default()),
            plan: OnceLock::new(),
        }
    }

    /// What is planned for it.
    pub(crate) fn plan(&self) -> &Plan {
        // Nothing runs before it is planned.
        self.plan.get_or_init(Plan::default)
    }

    /// Notes that one of those it waits for has finished. Says whether that was the last.
    pub(crate) fn release(&self) -> bool {
        self.waits.fetch_sub(1, Ordering::SeqCst) == 1
    }

    /// Whether it has been run ahead of its turn.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::SeqCst)
    }

    /// It has been run ahead of its turn: says who waits for that. If somebody waits for what it credits, `show` shows
    /// that; else it need not be shown before it is committed.
    pub(crate) fn ran(&self, show: impl FnOnce()) -> SmallVec<[Slot; 2]> {
        let mut links = self.links.lock();
        links.finished = true;
        let mut followers = std::mem::take(&mut links.updaters);
        if !links.of_credits.is_empty() {
            show();
            links.shown = true;
            followers.extend(std::mem::take(&mut links.of_credits));
        }
        followers
    }

    /// What came out of it is there for the committer.
    pub(crate) fn finish(&self) {
        self.finished.store(true, Ordering::SeqCst);
    }

    /// It had its turn, so that whatever it has credited is seen by all: says who waits for that.
    pub(crate) fn settle(&self) -> SmallVec<[Slot; 2]> {
        if !self.plan().credits {
            return SmallVec::new();
        }
        let mut links = self.links.lock();
        links.shown = true;
        std::mem::take(&mut links.of_credits)
    }

    /// Lets `follower` wait for it, unless there is nothing to wait for any more.
    fn precede(&self, follower: Slot, job: &Job, kind: TouchKind) {
        let mut links = self.links.lock();
        let list = match kind {
            TouchKind::Update if links.finished => return,
            TouchKind::Credit if links.shown => return,
            TouchKind::Update => &mut links.updaters,
            TouchKind::Credit => &mut links.of_credits,
        };
        list.push(follower);
        job.waits.fetch_add(1, Ordering::SeqCst);
    }
}

/// Finds out whom the transaction at `slot` has to wait for. `jobs` are those of the segment, which begins at `start`.
pub(crate) fn plan(transaction: &Verified, slot: Slot, start: Slot, jobs: &[Job], store: &Store<'_>) {
    let job = &jobs[(slot - start) as usize];
    let mut wait_for = SmallVec::<[(Slot, TouchKind); 8]>::new();
    let mut plan = Plan::default();
    for touch in &transaction.touches {
        let id = store.locate(&touch.key);
        plan.hints.push(id);
        plan.credits |= touch.kind == TouchKind::Credit;
        match touch.kind {
            TouchKind::Update => store.cell(id).plan_update(slot, &mut wait_for),
            TouchKind::Credit => store.cell(id).plan_credit(slot),
        }
    }
    // Planned once, by whoever holds the lock of the plan.
    let _ = job.plan.set(plan);
    for (before, kind) in wait_for {
        // What lies before the segment is committed; a transaction that touches a key twice does not wait for itself.
        if (start..slot).contains(&before) {
            jobs[(before - start) as usize].precede(slot, job, kind);
        }
    }
}

/// Whether it is worth while to run these side by side, as far as what they surely touch tells: a chain of transactions
/// that wait for each other is faster in sequence.
pub(crate) fn is_wide(transactions: &[Verified]) -> bool {
    /// Tables that forget: a collision makes the guess worse, and nothing else.
    const SLOTS: usize = 1024;
    let (mut updates, mut credits) = ([(0u64, 0u32); SLOTS], [(0u64, 0u32); SLOTS]);
    let known = |table: &[(u64, u32); SLOTS], tag: u64| {
        let (other, depth) = table[tag as usize % SLOTS];
        if other == tag { depth } else { 0 }
    };
    let mut longest = 0;
    for transaction in transactions {
        // A credit waits for nobody, but the next update waits for it.
        let depth = transaction
            .touches
            .iter()
            .filter(|touch| touch.kind == TouchKind::Update)
            .map(|touch| tag(&touch.key))
            .map(|tag| known(&updates, tag).max(known(&credits, tag)))
            .max()
            .unwrap_or(0)
            .saturating_add(1);
        for touch in &transaction.touches {
            let tag = tag(&touch.key);
            let table = match touch.kind {
                TouchKind::Update => &mut updates,
                TouchKind::Credit => &mut credits,
            };
            table[tag as usize % SLOTS] = (tag, depth.max(known(table, tag)));
        }
        longest = longest.max(depth as usize);
    }
    transactions.len() * 8 >= longest * WIDTH_MIN_EIGHTHS
}

/// The end of a key, where maps of accounts have the account itself.
fn tag(key: &[u8]) -> u64 {
    key.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
