//! Many transactions at a time, with the result of one after the other.
//!
//! ```text
//! plan ─► hand out ─► run ahead (View over Store) ─► publish ─► commit in order: check reads ─► take in, or run again
//!           ▲ parked ◄── waits for a transaction that is known to touch the same key
//! ```
//!
//! - Workers run transactions ahead of their turn. Each sees what those before it have written so far, and remembers what
//!   it has looked at ([`view`]).
//! - One worker at a time is the committer ([`segment`]). It takes transactions in strictly in order: if all that one has
//!   looked at is still so, what it did is kept, else it is run again, now that nothing before it can change. So whatever
//!   is committed has been run on exactly the state that sequential execution would have given it.
//! - What surely waits for what is known from [`Transaction::touches`](basalt_runtime_api::Transaction::touches)
//!   ([`plan`]): those transactions are parked, and handed on by the one they wait for.
//! - Where speculation is in vain (chains of one sender, everybody writing one key), stretches of the block are run in
//!   sequence, exactly as the sequential mode does it.

mod cell;
mod plan;
mod segment;
mod store;
mod sync;
#[cfg(test)]
mod tests;
mod view;

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Instant,
};

use basalt_primitives::DispatchClass;
use basalt_runtime_api::{BlockEnv, Runtime, Verified};
use basalt_state::{Overlay, StateRead};
use rayon::ThreadPool;

use self::{
    cell::Slot,
    plan::CHUNK,
    segment::{End, Segment, Tally},
    store::{Committed, Store},
};
use crate::{
    CONFLICTS_MAX, Conflict, ExecuteError, Executed, Report, Times,
    line::{Ended, Line, Purpose, Turn},
    sequential::{close, open},
    serial::Block,
};

/// Fewer transactions than this are done before another thread is awake.
const SEGMENT_MIN: usize = if cfg!(shuttle) { 2 } else { 8 };

/// A segment ends after so many: its bookkeeping then fits into a cache, and a builder does not run ahead further than
/// this into candidates that may not fit.
const SEGMENT_MAX: usize = 2048;

/// For how many keys per transaction there is room from the beginning: a transfer's two, and some.
const CELLS_PER_TRANSACTION: usize = 3;

/// How long the first stretch in sequence is after speculation was in vain; each further one is twice as long.
const STRETCH: usize = 256;

/// How often that doubles.
const DISTRUST_MAX: u32 = 6;

/// Where transactions come from.
pub(crate) enum Source<'a> {
    /// A block that somebody made.
    Block(&'a [Verified]),
    /// Candidates for a new one, in the order in which they are to be tried, and who says when to stop.
    Candidates(&'a mut dyn Iterator<Item = Verified>, &'a (dyn Fn() -> bool + Sync)),
}

impl Source<'_> {
    /// About how many there are.
    pub(crate) fn expected(&self) -> usize {
        match self {
            Self::Block(transactions) => transactions.len(),
            Self::Candidates(candidates, _) => candidates.size_hint().0,
        }
    }
}

/// How the next stretch is run.
#[derive(Clone, Copy)]
enum Stretch {
    /// This many in sequence.
    Serial(usize),
    Parallel,
}

/// A block in the making.
struct Work<'a, 'l> {
    block: Block<'a>,
    #[cfg_attr(shuttle, expect(dead_code, reason = "Shuttle has its own threads"))]
    pool: Option<&'a ThreadPool>,
    threads: usize,
    store: &'a Store<'a>,
    line: Line<'l>,
    distrust: &'a AtomicU32,
    slot: Slot,
    tally: Tally,
    /// How many transactions ran in sequence, inherents included.
    serial: u32,
    /// Whether trust has had its say about how this block begins.
    begun: bool,
    #[cfg(test)]
    fault: crate::Fault,
}

/// What the executor keeps from block to block.
pub(crate) struct Crew<'a> {
    /// Threads besides the caller's.
    pub(crate) pool: Option<&'a ThreadPool>,
    /// How many threads, the caller's included.
    pub(crate) threads: usize,
    /// How often in a row speculation was in vain.
    pub(crate) distrust: &'a AtomicU32,
    #[cfg(test)]
    pub(crate) fault: crate::Fault,
}

/// Runs a block, or makes one.
pub(crate) fn run(
    crew: &Crew<'_>,
    runtime: &dyn Runtime,
    parent: &(dyn StateRead + Sync),
    env: &BlockEnv,
    inherents: Vec<Verified>,
    source: Source<'_>,
) -> Result<(Executed, Ended, Report), ExecuteError> {
    let started = Instant::now();
    let expected = source.expected();
    let store = Store::new(parent, expected.min(SEGMENT_MAX).saturating_mul(CELLS_PER_TRANSACTION));
    let committed = Committed(&store);
    let mut overlay = Overlay::new(&committed);
    let block = Block { runtime, env };
    let (initialization, mut line) = open(block, parent, &mut overlay, inherents, expected)?;
    // A step back towards trust with each block.
    let _ = crew.distrust.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |level| level.checked_sub(1));
    let purpose = match &source {
        Source::Block(_) => Purpose::Execute,
        Source::Candidates(_, stop) => Purpose::Build { stop: *stop },
    };
    line.open(purpose);
    let mut hooks = started.elapsed();
    let inherents = line.len();
    let mut work = Work {
        block,
        pool: crew.pool,
        threads: crew.threads,
        store: &store,
        line,
        distrust: crew.distrust,
        slot: 0,
        tally: Tally::default(),
        serial: inherents,
        begun: false,
        #[cfg(test)]
        fault: crew.fault,
    };
    match source {
        Source::Block(transactions) => {
            work.all(transactions, &mut overlay, &committed)?;
        }
        Source::Candidates(candidates, _) => {
            // Not asked again after it has said that there are no more.
            let mut candidates = candidates.fuse();
            loop {
                let batch: Vec<Verified> = candidates.by_ref().take(SEGMENT_MAX).collect();
                if batch.is_empty() {
                    work.line.stops();
                    break;
                }
                if work.all(&batch, &mut overlay, &committed)? == Turn::End {
                    break;
                }
            }
        }
    }
    let Work { line, tally, serial, .. } = work;
    let mut ended = line.end();
    let closing = Instant::now();
    let digest = close(block, &initialization, &ended, &mut overlay)?;
    hooks += closing.elapsed();
    let collecting = Instant::now();
    let tail = overlay.into_changes();
    let changes = if store.is_empty() {
        tail.resolve(parent)?
    } else {
        store.commit(tail.0);
        store.into_change_set()?
    };
    let collect = collecting.elapsed();
    let transactions = u32::try_from(ended.receipts.len()).unwrap_or(u32::MAX);
    let executed = ended.executed(changes, digest);
    let mut conflicts: Vec<Conflict> = tally
        .conflicts
        .into_iter()
        .map(|((key, kind), (count, first))| Conflict { key, kind, count, first })
        .collect();
    conflicts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    conflicts.truncate(CONFLICTS_MAX);
    let report = Report {
        mode: crate::Mode::of(crew.threads),
        transactions,
        executions: tally.executions.saturating_add(tally.again).saturating_add(serial),
        re_executions: tally.again,
        sequential: serial,
        parked: tally.parked,
        conflicts,
        times: Times {
            whole: started.elapsed(),
            hooks,
            plan: tally.plan,
            execute: tally.run,
            commit: tally.commit,
            idle: tally.idle,
            collect,
        },
    };
    Ok((executed, ended, report))
}

impl Work<'_, '_> {
    /// Gives all of these their turn, or as many as go in.
    fn all<'o>(
        &mut self,
        transactions: &[Verified],
        overlay: &mut Overlay<'o>,
        committed: &'o Committed<'_>,
    ) -> Result<Turn, ExecuteError> {
        let mut rest = transactions;
        while !rest.is_empty() {
            let (done, turn) = match self.judge(rest) {
                Stretch::Serial(count) => self.in_sequence(&rest[..count], overlay)?,
                Stretch::Parallel => {
                    // What ran in sequence becomes part of what others see.
                    let settled = std::mem::replace(overlay, Overlay::new(committed)).into_changes();
                    self.store.commit(settled.0);
                    self.side_by_side(&rest[..rest.len().min(SEGMENT_MAX)])?
                }
            };
            if turn == Turn::End {
                return Ok(Turn::End);
            }
            rest = &rest[done..];
        }
        Ok(Turn::Run)
    }

    /// How to run what comes next.
    fn judge(&mut self, rest: &[Verified]) -> Stretch {
        let inherents = rest.iter().take_while(|one| one.info.class == DispatchClass::Mandatory).count();
        if inherents > 0 {
            return Stretch::Serial(inherents);
        }
        if rest.len() < SEGMENT_MIN {
            return Stretch::Serial(rest.len());
        }
        match self.distrust.load(Ordering::Relaxed) {
            0 => {}
            level if !self.begun || self.tally.wasted => {
                self.begun = true;
                return Stretch::Serial(rest.len().min(STRETCH << level.min(DISTRUST_MAX)));
            }
            _ => {}
        }
        let chunk = &rest[..rest.len().min(CHUNK)];
        if plan::is_wide(chunk) { Stretch::Parallel } else { Stretch::Serial(chunk.len()) }
    }

    fn in_sequence(
        &mut self,
        transactions: &[Verified],
        overlay: &mut Overlay<'_>,
    ) -> Result<(usize, Turn), ExecuteError> {
        self.tally.wasted = false;
        let started = Instant::now();
        for transaction in transactions {
            match self.block.step(&mut self.line, transaction, overlay)? {
                Turn::Run => self.serial = self.serial.saturating_add(1),
                Turn::Skip => {}
                Turn::End => return Ok((0, Turn::End)),
            }
        }
        self.tally.run += started.elapsed();
        self.slot = self.slot.saturating_add(u32::try_from(transactions.len()).unwrap_or(u32::MAX));
        Ok((transactions.len(), Turn::Run))
    }

    fn side_by_side(&mut self, transactions: &[Verified]) -> Result<(usize, Turn), ExecuteError> {
        #[cfg_attr(not(test), expect(unused_mut, reason = "tests plant a fault"))]
        let mut segment = Segment::new(self.block, self.store, &mut self.line, transactions, self.slot);
        #[cfg(test)]
        {
            segment.fault = self.fault;
        }
        #[cfg(shuttle)]
        shuttle::thread::scope(|scope| {
            // This one only waits: Shuttle wakes it when the others have ended, even if it sleeps on something else.
            for _ in 0..self.threads {
                scope.spawn(|| segment.work());
            }
        });
        #[cfg(not(shuttle))]
        match self.pool {
            Some(pool) => pool.in_place_scope(|scope| {
                for _ in 1..self.threads {
                    scope.spawn(|_| segment.work());
                }
                segment.work();
            }),
            None => segment.work(),
        }
        let (end, tally) = segment.end();
        let turns = tally.turns;
        self.tally.add(tally);
        self.slot = self.slot.saturating_add(u32::try_from(turns).unwrap_or(u32::MAX));
        match end? {
            End::Reached => {
                self.distrust.store(0, Ordering::Relaxed);
                Ok((turns, Turn::Run))
            }
            End::Wasteful => {
                self.tally.wasted = true;
                let _ = self.distrust.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |level| {
                    Some((level + 1).min(DISTRUST_MAX))
                });
                Ok((turns, Turn::Run))
            }
            End::Full => Ok((turns, Turn::End)),
        }
    }
}
