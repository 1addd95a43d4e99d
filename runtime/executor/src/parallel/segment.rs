//! Running a stretch of transactions side by side, and committing them in order.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use basalt_primitives::TransactionValidityError;
use basalt_runtime_api::{ApplyError, Position, Receipt, Verified};
use basalt_state::{Addition, Change, Key, Overlay, StateError};
use smallvec::SmallVec;

use super::{
    cell::{Slot, Version},
    plan::{self, CHUNK, Job},
    store::{CellId, Store},
    sync::{AtomicBool, AtomicU32, AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, fence, wait},
    view::{Reads, View},
};
use crate::{
    ConflictKind, ExecuteError,
    line::{Line, Turn},
    serial::{Block, message},
};

/// Of so many turns in a row at most [`AGAIN_MAX`] may have to be run again, or the segment ends.
const WATCHED: u32 = if cfg!(shuttle) { 8 } else { 64 };
/// Beyond this share of [`WATCHED`] the committer does all the work again, and the others work in vain.
const AGAIN_MAX: u32 = if cfg!(shuttle) { 4 } else { 48 };
/// A stretch of a block's transactions.
pub(crate) struct Segment<'a, 'l> {
    block: Block<'a>,
    store: &'a Store<'a>,
    transactions: &'a [Verified],
    /// The slot of the first one.
    start: Slot,
    jobs: Vec<Job>,
    /// What came out of those that were run ahead of their turn. Filled in and used up in place: an outcome is large.
    outcomes: Vec<Mutex<Outcome>>,
    /// How many of the transactions are planned.
    planned: Mutex<usize>,
    /// The same, for those who only look.
    plannable: AtomicUsize,
    /// The next one to be handed out.
    next: AtomicUsize,
    /// Where the segment ends: after the last one, or where a chunk begins that is better run in sequence.
    limit: AtomicUsize,
    /// Whose turn it is.
    head: AtomicUsize,
    /// What to add to a transaction's place in the segment to guess its index in the block.
    index_offset: AtomicU32,
    committer: Mutex<Committer<'a, 'l>>,
    /// Nothing more is to be run.
    over: AtomicBool,
    /// Transactions that wait for nobody any more, and that nobody has taken on.
    ready: Mutex<BinaryHeap<Reverse<usize>>>,
    ready_count: AtomicUsize,
    sleepers: AtomicUsize,
    bed: Mutex<()>,
    alarm: Condvar,
    tally: Mutex<Tally>,
    #[cfg(test)]
    pub(crate) fault: crate::Fault,
}

impl Shift {
    /// How many transactions to take on at once.
    fn batch_size(&self) -> usize {
        match self.taken {
            // Not known yet: one shows how long they take.
            None => 1,
            Some((since, count)) => {
                let each = since.elapsed().as_nanos() / count.max(1) as u128;
                let fit = BATCH_TIME_MAX.as_nanos() / each.max(1);
                usize::try_from(fit).unwrap_or(usize::MAX).clamp(1, BATCH_MAX)
            }
        }
    }
}

/// What came out of a transaction that was run ahead of its turn; by default nothing of use.
#[derive(Default)]
struct Outcome {
    result: Ran,
    reads: Reads,
    /// Cells in which it has published something.
    published: SmallVec<[CellId; 4]>,
    /// What nobody sees until it is committed.
    additions: SmallVec<[(CellId, Addition); 2]>,
    /// The index it was told, if it asked.
    index: Option<u32>,
}

#[derive(Default)]
enum Ran {
    Applied(Receipt),
    Invalid(TransactionValidityError),
    /// It panicked, or the state failed: perhaps only because it was run too early.
    #[default]
    Failed,
}

/// Who takes transactions in, in order.
struct Committer<'a, 'l> {
    line: &'a mut Line<'l>,
    end: Option<Result<End, ExecuteError>>,
    /// The last turns, one bit each: whether the transaction was run again.
    recent: u64,
    turns: u32,
    again: u32,
    conflicts: BTreeMap<(Key, ConflictKind), (u32, u32)>,
    time: Duration,
}

/// Why a segment is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// All of its transactions had their turn, up to here: what follows is better run in sequence, or nothing follows.
    Reached,
    /// Too much had to be run again.
    Wasteful,
    /// The block is full.
    Full,
}

/// What a segment did.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How many transactions had their turn.
    pub(crate) turns: usize,
    pub(crate) executions: u32,
    pub(crate) again: u32,
    pub(crate) parked: u32,
    pub(crate) conflicts: BTreeMap<(Key, ConflictKind), (u32, u32)>,
    pub(crate) plan: Duration,
    pub(crate) run: Duration,
    pub(crate) commit: Duration,
    pub(crate) idle: Duration,
    /// Whether the last segment ended since too much had to be run again.
    pub(crate) wasted: bool,
}

impl Tally {
    /// Adds what another segment did.
    pub(crate) fn add(&mut self, other: Self) {
        self.turns += other.turns;
        self.executions += other.executions;
        self.again += other.again;
        self.parked += other.parked;
        for (conflict, (count, first)) in other.conflicts {
            self.conflicts.entry(conflict).or_insert((0, first)).0 += count;
        }
        self.plan += other.plan;
        self.run += other.run;
        self.commit += other.commit;
        self.idle += other.idle;
    }
}

/// A thread takes on so many transactions at once at most: neighbours then share its cache, and are committed together.
const BATCH_MAX: usize = if cfg!(shuttle) { 2 } else { 16 };

/// But no more than it takes so long to run, as far as the last ones tell: what it has taken on nobody else runs.
const BATCH_TIME_MAX: Duration = Duration::from_micros(100);

/// What one thread does.
#[derive(Default)]
struct Shift {
    executions: u32,
    parked: u32,
    plan: Duration,
    idle: Duration,
    /// Transactions that became ready when one finished that was run here.
    mine: Vec<usize>,
    /// Transactions that it has taken on, in order.
    batch: Range<usize>,
    /// When it took them on, and how many.
    taken: Option<(Instant, usize)>,
}

impl<'a, 'l> Segment<'a, 'l> {
    pub(crate) fn new(
        block: Block<'a>,
        store: &'a Store<'a>,
        line: &'a mut Line<'l>,
        transactions: &'a [Verified],
        start: Slot,
    ) -> Self {
        let index = line.len();
        let committer = Committer {
            line,
            end: None,
            recent: 0,
            turns: 0,
            again: 0,
            conflicts: BTreeMap::new(),
            time: Duration::ZERO,
        };
        Self {
            block,
            store,
            transactions,
            start,
            jobs: transactions.iter().map(|_| Job::new()).collect(),
            outcomes: transactions.iter().map(|_| Mutex::default()).collect(),
            planned: Mutex::new(0),
            plannable: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            limit: AtomicUsize::new(transactions.len()),
            head: AtomicUsize::new(0),
            index_offset: AtomicU32::new(index),
            committer: Mutex::new(committer),
            over: AtomicBool::new(transactions.is_empty()),
            ready: Mutex::new(BinaryHeap::new()),
            ready_count: AtomicUsize::new(0),
            sleepers: AtomicUsize::new(0),
            bed: Mutex::new(()),
            alarm: Condvar::new(),
            tally: Mutex::new(Tally::default()),
            #[cfg(test)]
            fault: crate::Fault::None,
        }
    }

    /// Works until the segment is over. Called once by each thread.
    pub(crate) fn work(&self) {
        let started = Instant::now();
        let mut shift = Shift::default();
        let bell = Bell(self);
        let view = View::new(self.store, 0, Some(&self.over));
        let mut overlay = Overlay::new(&view);
        while !self.over.load(Ordering::SeqCst) {
            let next = shift
                .mine
                .pop()
                .or_else(|| self.next_in_batch(&mut shift))
                .or_else(|| self.take_ready())
                .or_else(|| self.claim(&mut shift));
            match next {
                Some(place) => self.run_ahead(place, &mut shift, &view, &mut overlay),
                None => self.sleep(&mut shift),
            }
            if shift.batch.is_empty() {
                self.commit(&mut shift);
            }
        }
        std::mem::forget(bell);
        let mut tally = self.tally.lock();
        tally.executions += shift.executions;
        tally.parked += shift.parked;
        tally.plan += shift.plan;
        tally.idle += shift.idle;
        tally.run += started.elapsed().saturating_sub(shift.plan).saturating_sub(shift.idle);
    }

    /// After all threads have ended: what happened. Nothing stays pending.
    pub(crate) fn end(self) -> (Result<End, ExecuteError>, Tally) {
        let committer = self.committer.into_inner();
        let head = self.head.load(Ordering::SeqCst);
        for (place, outcome) in self.outcomes.into_iter().enumerate() {
            // What had its turn has nothing left to take back.
            if place >= head {
                withdraw(self.store, &outcome.into_inner(), slot(self.start, place));
            }
        }
        let mut tally = self.tally.into_inner();
        tally.turns = head;
        tally.again = committer.again;
        tally.conflicts = committer.conflicts;
        tally.commit = committer.time;
        tally.run = tally.run.saturating_sub(committer.time);
        (committer.end.unwrap_or(Ok(End::Reached)), tally)
    }

    // ---- Handing out ------------------------------------------------------------------------------------------

    fn take_ready(&self) -> Option<usize> {
        if self.ready_count.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let mut ready = self.ready.lock();
        let Reverse(place) = ready.pop()?;
        // Under the lock: who finds the heap empty may sleep then, and need not look again and again.
        self.ready_count.fetch_sub(1, Ordering::SeqCst);
        Some(place)
    }

    /// The next transaction in order that waits for nobody. Those that wait are left to whom they wait for.
    fn claim(&self, shift: &mut Shift) -> Option<usize> {
        loop {
            let place = self.next.load(Ordering::SeqCst);
            if place >= self.limit.load(Ordering::SeqCst) {
                return None;
            }
            let plannable = self.plannable.load(Ordering::SeqCst);
            if place >= plannable {
                let started = Instant::now();
                self.plan_from(self.planned.lock(), plannable);
                shift.plan += started.elapsed();
                continue;
            }
            // While the others have something to run, one plans what they will run next.
            if plannable - place < CHUNK
                && plannable < self.limit.load(Ordering::SeqCst)
                && let Some(planned) = self.planned.try_lock()
            {
                let started = Instant::now();
                self.plan_from(planned, plannable);
                shift.plan += started.elapsed();
            }
            let end = place.saturating_add(shift.batch_size()).min(self.plannable.load(Ordering::SeqCst));
            if self.next.compare_exchange(place, end, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                continue;
            }
            shift.taken = Some((Instant::now(), end - place));
            shift.batch = place..end;
            if let Some(place) = self.next_in_batch(shift) {
                return Some(place);
            }
        }
    }

    /// The next one of those taken on that waits for nobody.
    fn next_in_batch(&self, shift: &mut Shift) -> Option<usize> {
        loop {
            let place = shift.batch.next()?;
            if self.jobs[place].release() {
                return Some(place);
            }
            shift.parked += 1;
        }
    }

    /// Plans the chunk that begins at `place`, unless somebody else has done so meanwhile.
    fn plan_from(&self, mut planned: MutexGuard<'_, usize>, place: usize) {
        if *planned > place || place >= self.limit.load(Ordering::SeqCst) {
            return;
        }
        let end = place.saturating_add(CHUNK).min(self.transactions.len());
        let chunk = &self.transactions[place..end];
        // The first chunk was judged by whoever made the segment.
        if place > 0 && !plan::is_wide(chunk) {
            self.limit.store(place, Ordering::SeqCst);
            self.check_over();
            return;
        }
        for (place, transaction) in (place..).zip(chunk) {
            plan::plan(transaction, slot(self.start, place), self.start, &self.jobs, self.store);
        }
        *planned = end;
        self.plannable.store(end, Ordering::SeqCst);
    }

    /// Sleeps until there may be something to do: whoever makes something ready, or ends the segment, rings.
    fn sleep(&self, shift: &mut Shift) {
        let started = Instant::now();
        let mut bed = self.bed.lock();
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let nothing = !self.over.load(Ordering::SeqCst)
            && self.ready_count.load(Ordering::SeqCst) == 0
            && self.next.load(Ordering::SeqCst) >= self.limit.load(Ordering::SeqCst);
        if nothing {
            wait(&self.alarm, &mut bed);
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        drop(bed);
        shift.idle += started.elapsed();
    }

    fn ring(&self, all: bool) {
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            // Who is about to sleep holds the lock until it does, so that it hears the bell.
            let _bed = self.bed.lock();
            if all {
                self.alarm.notify_all();
            } else {
                self.alarm.notify_one();
            }
        }
    }

    fn check_over(&self) {
        if self.head.load(Ordering::SeqCst) >= self.limit.load(Ordering::SeqCst) {
            self.finish();
        }
    }

    fn finish(&self) {
        self.over.store(true, Ordering::SeqCst);
        #[cfg(all(test, shuttle))]
        if self.fault == crate::Fault::SilentEnd {
            return;
        }
        self.ring(true);
    }

    // ---- Running ----------------------------------------------------------------------------------------------

    /// Runs a transaction ahead of its turn, shows to others what it wrote, and hands on those that waited for it.
    fn run_ahead<'s>(&'s self, place: usize, shift: &mut Shift, view: &View<'s>, overlay: &mut Overlay<'_>) {
        shift.executions += 1;
        // Nobody else wants it before the job has finished.
        let mut lock = self.outcomes[place].lock();
        let outcome = &mut *lock;
        self.run(place, view, overlay, outcome);
        let job = &self.jobs[place];
        let followers = job.ran(|| {
            let hints = &job.plan().hints;
            outcome.additions.retain(|(id, addition)| {
                let credit = hints.contains(id);
                if credit {
                    self.store.cell(*id).publish(slot(self.start, place), Change::Add(*addition));
                    outcome.published.push(*id);
                }
                !credit
            });
        });
        drop(lock);
        job.finish();
        self.hand_on(followers, shift);
    }

    /// One less to wait for, for each of these. Who waits for nobody any more is run next, here or elsewhere.
    fn hand_on(&self, followers: SmallVec<[Slot; 2]>, shift: &mut Shift) {
        let mut others = false;
        for follower in followers {
            let follower = (follower - self.start) as usize;
            if !self.jobs[follower].release() {
                continue;
            }
            if shift.mine.is_empty() {
                shift.mine.push(follower);
            } else {
                let mut ready = self.ready.lock();
                ready.push(Reverse(follower));
                self.ready_count.fetch_add(1, Ordering::SeqCst);
                others = true;
            }
        }
        if others {
            self.ring(false);
        }
    }

    fn run<'s>(&'s self, place: usize, view: &View<'s>, overlay: &mut Overlay<'_>, outcome: &mut Outcome) {
        let slot = slot(self.start, place);
        let hints = self.jobs[place].plan().hints.as_slice();
        view.turn_to(slot, hints);
        let guess = self.index_offset.load(Ordering::Relaxed).wrapping_add(slot - self.start);
        let position = Position::new(guess);
        let transaction = &self.transactions[place];
        let ran = catch_unwind(AssertUnwindSafe(|| {
            self.block.runtime.apply(transaction, &position, self.block.env, overlay)
        }));
        outcome.index = position.is_observed().then_some(guess);
        match ran {
            Ok(Ok(receipt)) => {
                outcome.result = Ran::Applied(receipt);
                for (key, change) in overlay.take_changes() {
                    let id = view.locate(&key);
                    match change {
                        // Shown to nobody before its turn, unless somebody is known to wait for it.
                        Change::Add(addition) => outcome.additions.push((id, addition)),
                        change => {
                            self.store.cell(id).publish(slot, change);
                            outcome.published.push(id);
                        }
                    }
                }
            }
            Ok(Err(ApplyError::Invalid(error))) => outcome.result = Ran::Invalid(error),
            Ok(Err(ApplyError::State(_))) | Err(_) => {}
        }
        // What failed leaves nothing for the next one.
        drop(overlay.take_changes());
        view.take_reads(&mut outcome.reads);
    }

    // ---- Committing -------------------------------------------------------------------------------------------

    /// Gives those their turn that have been run, in order, unless somebody else is at it.
    fn commit(&self, shift: &mut Shift) {
        loop {
            // Whoever finds the committer busy leaves the transaction that it has just finished to it. So that must be
            // visible to the committer before this looks, and the committer's lock must be open before it looks again;
            // a lock alone orders neither.
            fence(Ordering::SeqCst);
            if !self.jobs.get(self.head.load(Ordering::SeqCst)).is_some_and(Job::is_finished) {
                // Whoever finishes it commits it.
                return;
            }
            let Some(mut committer) = self.committer.try_lock() else { return };
            let mut head = self.head.load(Ordering::SeqCst);
            let started = Instant::now();
            while !self.over.load(Ordering::SeqCst) && self.jobs.get(head).is_some_and(Job::is_finished) {
                match self.turn(&mut committer, head) {
                    Ok(None) => {
                        self.hand_on(self.jobs[head].settle(), shift);
                        head += 1;
                        self.head.store(head, Ordering::SeqCst);
                        self.check_over();
                    }
                    Ok(Some(end)) => {
                        // The one whose turn ended the segment was not taken in, unless its turn was a waste of time.
                        if end == End::Wasteful {
                            self.head.store(head + 1, Ordering::SeqCst);
                        }
                        committer.end = Some(Ok(end));
                        self.finish();
                    }
                    Err(error) => {
                        committer.end = Some(Err(error));
                        self.finish();
                    }
                }
            }
            committer.time += started.elapsed();
            drop(committer);
            fence(Ordering::SeqCst);
            // Somebody may have finished the next one and found the committer busy.
            if self.over.load(Ordering::SeqCst) || !self.jobs.get(head).is_some_and(Job::is_finished) {
                return;
            }
        }
    }

    /// One transaction's turn. `Some` ends the segment.
    fn turn(&self, committer: &mut Committer<'_, '_>, place: usize) -> Result<Option<End>, ExecuteError> {
        let transaction = &self.transactions[place];
        let mut outcome = self.outcomes[place].lock();
        let outcome = &mut *outcome;
        #[cfg(test)]
        outcome.plant(self.fault);
        let slot = slot(self.start, place);
        committer.turns = committer.turns.wrapping_add(1);
        match committer.line.turn(transaction)? {
            Turn::Run => {}
            other => {
                withdraw(self.store, outcome, slot);
                return Ok(self.left_out(other));
            }
        }
        let (turn, again) = if self.is_current(committer, outcome, slot)? {
            (self.take_in(committer, transaction, outcome, slot)?, false)
        } else {
            #[cfg(test)]
            if self.fault == crate::Fault::LeaveWrites {
                outcome.published.clear();
            }
            withdraw(self.store, outcome, slot);
            (self.run_again(committer, transaction, slot)?, true)
        };
        committer.recent = (committer.recent << 1) | u64::from(again);
        committer.again += u32::from(again);
        match self.left_out(turn) {
            None if committer.turns >= WATCHED && committer.recent.count_ones() > AGAIN_MAX => {
                Ok(Some(End::Wasteful))
            }
            end => Ok(end),
        }
    }

    fn left_out(&self, turn: Turn) -> Option<End> {
        match turn {
            Turn::Run => None,
            Turn::Skip => {
                self.index_offset.fetch_sub(1, Ordering::Relaxed);
                None
            }
            Turn::End => Some(End::Full),
        }
    }

    /// Whether a transaction would do the same again, now that everything before it is committed.
    fn is_current(
        &self,
        committer: &mut Committer<'_, '_>,
        outcome: &Outcome,
        slot: Slot,
    ) -> Result<bool, StateError> {
        if matches!(outcome.result, Ran::Failed)
            || outcome.index.is_some_and(|index| index != committer.line.len())
        {
            return Ok(false);
        }
        for read in &outcome.reads {
            if !read.is_current(self.store, slot)? {
                let first = committer.line.len();
                committer.conflicts.entry(read.conflict(self.store)).or_insert((0, first)).0 += 1;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Keeps what a transaction did ahead of its turn.
    fn take_in(
        &self,
        committer: &mut Committer<'_, '_>,
        transaction: &Verified,
        outcome: &mut Outcome,
        slot: Slot,
    ) -> Result<Turn, ExecuteError> {
        match std::mem::take(&mut outcome.result) {
            Ran::Applied(receipt) => {
                for id in &outcome.published {
                    self.store.cell(*id).settle(slot);
                }
                for (id, addition) in &outcome.additions {
                    self.store.cell(*id).commit(Change::Add(*addition), Version::first(slot));
                }
                committer.line.applied(transaction, receipt);
                Ok(Turn::Run)
            }
            Ran::Invalid(error) => committer.line.invalid(transaction, error),
            // Never current.
            Ran::Failed => Ok(Turn::Skip),
        }
    }

    /// Runs a transaction at its turn: whatever happens now is what happens.
    fn run_again(
        &self,
        committer: &mut Committer<'_, '_>,
        transaction: &Verified,
        slot: Slot,
    ) -> Result<Turn, ExecuteError> {
        let view = View::new(self.store, slot, None);
        let position = Position::new(committer.line.len());
        let mut overlay = Overlay::new(&view);
        let ran = catch_unwind(AssertUnwindSafe(|| {
            self.block.runtime.apply(transaction, &position, self.block.env, &mut overlay)
        }));
        match ran {
            Ok(Ok(receipt)) => {
                for (key, change) in overlay.into_changes().0 {
                    self.store.cell(self.store.locate(&key)).commit(change, Version::again(slot));
                }
                committer.line.applied(transaction, receipt);
                Ok(Turn::Run)
            }
            Ok(Err(ApplyError::Invalid(error))) => committer.line.invalid(transaction, error),
            Ok(Err(ApplyError::State(error))) => Err(error.into()),
            Err(panic) => committer.line.panicked(transaction, message(panic.as_ref())),
        }
    }
}

/// What tests break.
#[cfg(test)]
impl Outcome {
    fn plant(&mut self, fault: crate::Fault) {
        use super::view::Read;
        use crate::Fault;
        match fault {
            Fault::SkipFirstRead if !self.reads.is_empty() => drop(self.reads.remove(0)),
            Fault::SkipConditions => self.reads.retain(|read| !matches!(read, Read::Condition(..))),
            Fault::SkipRanges => self.reads.retain(|read| !matches!(read, Read::Range(..))),
            Fault::SkipIndex => self.index = None,
            _ => {}
        }
    }
}

/// Ends the segment if its thread panics where nobody catches it: the others would wait for ever for what it had taken on.
struct Bell<'s, 'a, 'l>(&'s Segment<'a, 'l>);

impl Drop for Bell<'_, '_, '_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

fn withdraw(store: &Store<'_>, outcome: &Outcome, slot: Slot) {
    for id in &outcome.published {
        store.cell(*id).withdraw(slot);
    }
}

fn slot(start: Slot, place: usize) -> Slot {
    // Blocks and batches of candidates are far smaller than u32.
    start.saturating_add(u32::try_from(place).unwrap_or(u32::MAX))
}
