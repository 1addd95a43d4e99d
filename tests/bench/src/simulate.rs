//! What the parallel executor would do with recorded transactions on any number of cores: its hand-out, its waiting, its
//! commits in order and its mistrust, without its threads.
//!
//! The rules here are those of `basalt-executor`'s `parallel` module. What a step costs is measured ([`Costs`]); what it
//! leads to is simulated. Times are nanoseconds.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
};

use basalt_runtime_api::TouchKind;

/// As in the executor: transactions planned at once, a segment's length, and what it takes to run in sequence.
const CHUNK: usize = 256;
const SEGMENT_MIN: usize = 8;
const SEGMENT_MAX: usize = 4096;
const STRETCH: usize = 256;
const DISTRUST_MAX: u32 = 6;
const WIDTH_MIN_EIGHTHS: usize = 10;
const WATCHED: u32 = 64;
const AGAIN_MAX: u32 = 48;

/// One recorded transaction. Keys are numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traced {
    /// What it took in a sequential pass.
    pub(crate) time: u64,
    /// Keys whose value it read.
    pub(crate) reads: Vec<u32>,
    /// Keys that it set or removed.
    pub(crate) puts: Vec<u32>,
    /// Keys to which it added without reading them.
    pub(crate) additions: Vec<u32>,
    /// Keys that it declared.
    pub(crate) touches: Vec<(u32, TouchKind)>,
    /// Reads, conditions and writes in all: what bookkeeping costs by.
    pub(crate) accesses: u64,
    /// Others open a block, in sequence.
    pub(crate) signed: bool,
}

/// What the executor's own work costs: measured.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Costs {
    /// Opening and closing of the block, and forming the change set.
    pub(crate) fixed: u64,
    /// Planning, for each touch.
    pub(crate) plan: f64,
    /// Running ahead of the turn, for each access.
    pub(crate) access: f64,
    /// Committing, for each access.
    pub(crate) commit: f64,
    /// How much slower a core is while its neighbours work too.
    pub(crate) contention: f64,
}

/// What a simulated run took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Simulated {
    pub(crate) time: u64,
    pub(crate) again: u32,
    pub(crate) parked: u32,
    pub(crate) serial: u32,
}

/// A recorded block, with what follows from it.
pub(crate) struct Block {
    transactions: Vec<Traced>,
    /// Of each transaction, those whose writes it sees, and whether they show them before they commit.
    needs: Vec<Vec<(usize, bool)>>,
    /// Of each transaction, those it is known to wait for.
    waits: Vec<Vec<usize>>,
}

impl Block {
    pub(crate) fn new(transactions: Vec<Traced>) -> Self {
        let mut needs = Vec::with_capacity(transactions.len());
        let mut waits = Vec::with_capacity(transactions.len());
        let mut written = BTreeMap::<u32, Vec<(usize, bool)>>::new();
        let mut touched = BTreeMap::<u32, Vec<usize>>::new();
        for (at, one) in transactions.iter().enumerate() {
            let mut mine: Vec<_> =
                one.reads.iter().filter_map(|key| written.get(key)).flatten().copied().collect();
            mine.sort_unstable();
            mine.dedup();
            needs.push(mine);
            let hinted = |key: u32| one.touches.iter().any(|(touched, _)| *touched == key);
            for key in &one.puts {
                written.insert(*key, vec![(at, true)]);
            }
            for key in &one.additions {
                written.entry(*key).or_default().push((at, hinted(*key)));
            }
            let mut before = Vec::new();
            for (key, kind) in &one.touches {
                let earlier = touched.entry(*key).or_default();
                if *kind == TouchKind::Update {
                    before.append(earlier);
                }
                earlier.push(at);
            }
            before.retain(|other| *other != at);
            waits.push(before);
        }
        Self { transactions, needs, waits }
    }

    /// All transactions, one after the other.
    pub(crate) fn sequential(&self) -> u64 {
        self.transactions.iter().map(|one| one.time).sum()
    }

    /// The longest chain in which each needs what the one before it wrote.
    pub(crate) fn critical_path(&self) -> u64 {
        let mut ends = Vec::with_capacity(self.transactions.len());
        for (one, needs) in self.transactions.iter().zip(&self.needs) {
            let start = needs.iter().filter_map(|(other, _)| ends.get(*other)).max().copied().unwrap_or(0);
            ends.push(start + one.time);
        }
        ends.into_iter().max().unwrap_or(0)
    }

    pub(crate) fn touches(&self) -> usize {
        self.transactions.iter().map(|one| one.touches.len()).sum()
    }

    pub(crate) fn accesses(&self) -> u64 {
        self.transactions.iter().map(|one| one.accesses).sum()
    }

    /// What the executor would take on so many cores. It keeps its mistrust from block to block, so the second of two
    /// equal blocks counts.
    pub(crate) fn simulate(&self, cores: usize, costs: &Costs) -> Simulated {
        let mut distrust = 0;
        self.once(cores, costs, &mut distrust);
        self.once(cores, costs, &mut distrust)
    }

    fn once(&self, cores: usize, costs: &Costs, distrust: &mut u32) -> Simulated {
        let mut sum = Simulated { time: costs.fixed, ..Simulated::default() };
        *distrust = distrust.saturating_sub(1);
        let mut wasted = false;
        let mut at = 0;
        while at < self.transactions.len() {
            let serial = self.serial_stretch(at, *distrust, wasted, sum.serial);
            if serial > 0 {
                let time: u64 = self.transactions[at..at + serial].iter().map(|one| one.time).sum();
                sum.time += time;
                sum.serial += u32::try_from(serial).unwrap_or(u32::MAX);
                at += serial;
                wasted = false;
                continue;
            }
            let end = self.transactions.len().min(at + SEGMENT_MAX);
            let mut segment = Segment::new(self, costs, cores, at, end);
            segment.run();
            sum.time += segment.now;
            sum.again += segment.again;
            sum.parked += segment.parked;
            at = segment.head;
            wasted = segment.wasteful;
            *distrust = if wasted { (*distrust + 1).min(DISTRUST_MAX) } else { 0 };
        }
        sum
    }

    /// How many from here on run in sequence.
    fn serial_stretch(&self, at: usize, distrust: u32, wasted: bool, serial: u32) -> usize {
        let rest = &self.transactions[at..];
        let unsigned = rest.iter().take_while(|one| !one.signed).count();
        if unsigned > 0 {
            unsigned
        } else if rest.len() < SEGMENT_MIN {
            rest.len()
        } else if distrust > 0 && (serial == 0 || wasted) {
            rest.len().min(STRETCH << distrust)
        } else if self.is_wide(at, rest.len().min(CHUNK)) {
            0
        } else {
            rest.len().min(CHUNK)
        }
    }

    fn is_wide(&self, at: usize, count: usize) -> bool {
        let mut depths = BTreeMap::<u32, usize>::new();
        let mut longest = 0;
        for one in &self.transactions[at..at + count] {
            let updates = one.touches.iter().filter(|(_, kind)| *kind == TouchKind::Update);
            let depth = 1 + updates.filter_map(|(key, _)| depths.get(key)).max().copied().unwrap_or(0);
            for (key, _) in &one.touches {
                let known = depths.entry(*key).or_default();
                *known = depth.max(*known);
            }
            longest = longest.max(depth);
        }
        count * 8 >= longest * WIDTH_MIN_EIGHTHS
    }
}

/// What a core does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// Looks for a transaction to run.
    Seek,
    /// Has run this one.
    Finish(usize),
    /// Looks whose turn it is.
    Turn,
    /// Has given a transaction its turn.
    Taken,
}

/// A segment in progress. Transactions are counted in the block.
struct Segment<'a> {
    block: &'a Block,
    costs: &'a Costs,
    start: usize,
    limit: usize,
    scale: f64,
    now: u64,
    events: BinaryHeap<Reverse<(u64, usize, Step)>>,
    next: usize,
    planned: usize,
    planning_until: u64,
    waiting: Vec<usize>,
    followers: Vec<Vec<usize>>,
    mine: Vec<Vec<usize>>,
    ready: BinaryHeap<Reverse<usize>>,
    asleep: VecDeque<usize>,
    started: Vec<u64>,
    finished: Vec<Option<u64>>,
    committed: Vec<Option<u64>>,
    repeated: Vec<bool>,
    head: usize,
    committing: bool,
    recent: u64,
    turns: u32,
    again: u32,
    parked: u32,
    wasteful: bool,
}

impl<'a> Segment<'a> {
    fn new(block: &'a Block, costs: &'a Costs, cores: usize, start: usize, limit: usize) -> Self {
        let count = limit - start;
        Self {
            block,
            costs,
            start,
            limit,
            scale: if cores > 1 { costs.contention } else { 1.0 },
            now: 0,
            events: (0..cores).map(|core| Reverse((0, core, Step::Seek))).collect(),
            next: start,
            planned: start,
            planning_until: 0,
            // One for whoever hands out in order.
            waiting: vec![1; count],
            followers: vec![Vec::new(); count],
            mine: vec![Vec::new(); cores],
            ready: BinaryHeap::new(),
            asleep: VecDeque::new(),
            started: vec![0; count],
            finished: vec![None; count],
            committed: vec![None; count],
            repeated: vec![false; count],
            head: start,
            committing: false,
            recent: 0,
            turns: 0,
            again: 0,
            parked: 0,
            wasteful: false,
        }
    }

    fn run(&mut self) {
        while self.head < self.limit && !self.wasteful {
            let Some(Reverse((time, core, step))) = self.events.pop() else { break };
            self.now = time;
            match step {
                Step::Seek => self.seek(core),
                Step::Finish(at) => self.finish(core, at),
                Step::Turn if self.committing => self.after(core, 0, Step::Seek),
                Step::Turn => self.turn(core),
                Step::Taken => {
                    self.committed[self.head - self.start] = Some(self.now);
                    self.head += 1;
                    self.committing = false;
                    if self.turns >= WATCHED && self.recent.count_ones() > AGAIN_MAX {
                        self.wasteful = true;
                    }
                    self.turn(core);
                }
            }
        }
    }

    fn after(&mut self, core: usize, time: u64, step: Step) {
        self.events.push(Reverse((self.now + time, core, step)));
    }

    fn cost(&self, exact: f64) -> u64 {
        (exact * self.scale) as u64
    }

    fn run_cost(&self, at: usize) -> u64 {
        let one = &self.block.transactions[at];
        self.cost(one.time as f64 + self.costs.access * one.accesses as f64)
    }

    fn seek(&mut self, core: usize) {
        let found = self.mine[core].pop().or_else(|| self.ready.pop().map(|Reverse(at)| at));
        if let Some(at) = found {
            return self.begin(core, at);
        }
        while self.next < self.limit {
            if self.now < self.planning_until {
                return self.after(core, self.planning_until - self.now, Step::Seek);
            }
            if self.next >= self.planned {
                if !self.plan() {
                    break;
                }
                return self.after(core, self.planning_until - self.now, Step::Seek);
            }
            let at = self.next;
            self.next += 1;
            if self.release(at) {
                return self.begin(core, at);
            }
            self.parked += 1;
        }
        self.asleep.push_back(core);
    }

    /// Plans a chunk; `false` if the segment ends before it.
    fn plan(&mut self) -> bool {
        let (from, to) = (self.next, self.limit.min(self.next + CHUNK));
        if from > self.start && !self.block.is_wide(from, to - from) {
            self.limit = from;
            return false;
        }
        let mut touches = 0;
        for at in from..to {
            touches += self.block.transactions[at].touches.len();
            for before in &self.block.waits[at] {
                if *before >= self.start && self.finished[before - self.start].is_none() {
                    self.followers[before - self.start].push(at);
                    self.waiting[at - self.start] += 1;
                }
            }
        }
        self.planned = to;
        self.planning_until = self.now + self.cost(self.costs.plan * touches as f64);
        true
    }

    fn release(&mut self, at: usize) -> bool {
        let waiting = &mut self.waiting[at - self.start];
        *waiting -= 1;
        *waiting == 0
    }

    fn begin(&mut self, core: usize, at: usize) {
        self.started[at - self.start] = self.now;
        let cost = self.run_cost(at);
        self.after(core, cost, Step::Finish(at));
    }

    fn finish(&mut self, core: usize, at: usize) {
        self.finished[at - self.start] = Some(self.now);
        for follower in std::mem::take(&mut self.followers[at - self.start]) {
            if !self.release(follower) {
                continue;
            }
            if self.mine[core].is_empty() {
                self.mine[core].push(follower);
            } else {
                self.ready.push(Reverse(follower));
                if let Some(sleeper) = self.asleep.pop_front() {
                    self.after(sleeper, 0, Step::Seek);
                }
            }
        }
        self.after(core, 0, Step::Turn);
    }

    fn turn(&mut self, core: usize) {
        let at = self.head;
        if at >= self.limit || self.finished[at - self.start].is_none() {
            return self.after(core, 0, Step::Seek);
        }
        self.committing = true;
        self.turns += 1;
        let again = self.is_stale(at);
        self.recent = (self.recent << 1) | u64::from(again);
        let commit = self.cost(self.costs.commit * self.block.transactions[at].accesses as f64);
        let repeat = if again { self.run_cost(at) } else { 0 };
        self.again += u32::from(again);
        self.repeated[at - self.start] = again;
        self.after(core, commit + repeat, Step::Taken);
    }

    /// Whether it has not seen what those before it have written in the end.
    fn is_stale(&self, at: usize) -> bool {
        let started = self.started[at - self.start];
        self.block.needs[at].iter().filter(|(other, _)| *other >= self.start).any(|(other, shown)| {
            let other = other - self.start;
            let committed = self.committed[other].is_some_and(|time| time <= started);
            let ahead =
                *shown && !self.repeated[other] && self.finished[other].is_some_and(|time| time <= started);
            !committed && !ahead
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSTS: Costs = Costs { fixed: 0, plan: 0.0, access: 0.0, commit: 0.0, contention: 1.0 };

    fn block(count: u32, key: impl Fn(u32) -> u32, declared: bool) -> Block {
        let one = |number| {
            let key = key(number);
            let touches = if declared { vec![(key, TouchKind::Update)] } else { Vec::new() };
            Traced {
                time: 1_000,
                reads: vec![key],
                puts: vec![key],
                touches,
                signed: true,
                ..Traced::default()
            }
        };
        Block::new((0..count).map(one).collect())
    }

    #[test]
    fn independent_transactions_share_the_cores() {
        let block = block(4_000, |number| number, true);
        assert_eq!(block.simulate(1, &COSTS).time, 4_000_000);
        assert_eq!(block.simulate(4, &COSTS).time, 1_000_000);
        assert_eq!(block.critical_path(), 1_000);
    }

    #[test]
    fn a_declared_chain_runs_in_sequence() {
        let run = block(1_000, |_| 0, true).simulate(4, &COSTS);
        assert_eq!((run.time, run.serial, run.again), (1_000_000, 1_000, 0));
    }

    #[test]
    fn a_hidden_chain_is_run_again_until_the_executor_gives_up() {
        let block = block(4_000, |_| 0, false);
        assert_eq!(block.critical_path(), 4_000_000);
        let run = block.simulate(2, &COSTS);
        assert!(run.again > 0 && run.serial > 2_000, "{run:?}");
    }

    #[test]
    fn declared_waiting_avoids_all_repetitions() {
        let run = block(4_000, |number| number % 7, true).simulate(4, &COSTS);
        assert_eq!(run.again, 0);
        assert!(run.parked > 0);
    }
}
