//! From one recorded sequential pass to what the parallel executor would do on more cores than this machine has.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    num::NonZeroUsize,
    thread,
    time::{Duration, Instant},
};

use anyhow::ensure;
use basalt_executor::{Executor, Mode, Report};
use basalt_primitives::DispatchClass;
use basalt_runtime_api::{BlockEnv, Position, Runtime, Verified};
use basalt_state::{Change, Condition, Key, Overlay, StateError, StateRead, Value};
use clap::Args;
use serde_json::json;

use crate::{
    place::{Place, Start},
    simulate::{Block, Costs, Traced},
    statistics::{Spread, load},
    workload::{Purpose, Size, Workload, inherents},
};

/// The cores that are simulated.
const CORES: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// A projection counts only if what was measured lies this near to what was predicted.
const TOLERANCE: f64 = 0.10;
/// Sequential passes, of which each transaction's median counts.
const PASSES: usize = 3;

/// How to project.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Which workloads, by comma: all, or names from `execute --list`
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "w2,w3-1.0,w4-sender,w9,batches,s5-undeclared,s5-zipf"
    )]
    workload: Vec<String>,
    /// Transactions in the block
    #[arg(long, default_value_t = 10_000)]
    transactions: u32,
    /// Accounts or keys in the state
    #[arg(long, default_value_t = 100_000)]
    accounts: u32,
    /// What is drawn; costs are measured on another block, drawn with the next seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often each measurement is repeated; the median counts
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Print one JSON object per line instead of tables
    #[arg(long)]
    json: bool,
}

/// One block, ready to be run.
struct Prepared {
    place: Place,
    env: BlockEnv,
    transactions: Vec<Verified>,
}

impl Prepared {
    fn new(workload: &Workload, runtime: &dyn Runtime, start: &Start, size: &Size) -> anyhow::Result<Self> {
        let place = start.place()?;
        let env = place.env();
        let mut transactions = inherents(runtime, env.number)?;
        let blocks = workload.blocks(&Size { blocks: 1, ..*size }, start.genesis_hash())?;
        transactions.extend(blocks.into_iter().flatten());
        Ok(Self { place, env, transactions })
    }

    fn execute(&self, runtime: &dyn Runtime, executor: &Executor) -> anyhow::Result<(Duration, Report)> {
        let started = Instant::now();
        let (executed, report) =
            executor.execute(runtime, self.place.state(), &self.env, &self.transactions)?;
        let elapsed = started.elapsed();
        drop(executed);
        Ok((elapsed, report))
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let size = Size {
        transactions: arguments.transactions.max(1),
        accounts: arguments.accounts,
        blocks: 1,
        seed: arguments.seed,
    };
    ensure!(arguments.runs > 0, "--runs must be at least 1");
    if !arguments.json {
        println!(
            "\nproject (simulated, except where it says measured): {} transactions, {} accounts, load {}",
            size.transactions,
            size.accounts(),
            load()
        );
    }
    for workload in Workload::named(&arguments.workload)? {
        if workload.purpose == Purpose::Execute {
            project(arguments, &workload, &size)?;
        }
    }
    Ok(())
}

fn project(arguments: &Arguments, workload: &Workload, size: &Size) -> anyhow::Result<()> {
    let runtime = workload.runtime()?;
    let runtime = runtime.as_ref();
    let start = Start::memory(workload.kind, size)?;
    let prepared = Prepared::new(workload, runtime, &start, size)?;
    let other = Size { seed: size.seed.wrapping_add(1), ..*size };
    let calibration = Prepared::new(workload, runtime, &start, &other)?;

    let one = Executor::new(Mode::Parallel(NonZeroUsize::MIN))?;
    let two = Executor::new(Mode::Parallel(NonZeroUsize::MIN.saturating_add(1)))?;
    let sequential = Executor::new(Mode::Sequential)?;

    // In turns, so that all see the same machine.
    let (mut calibrated, mut unhurried) = (Vec::new(), Vec::new());
    let (mut alone, mut by_one, mut by_two, mut contention) = (vec![], vec![], vec![], vec![]);
    let mut repeated = Vec::new();
    for _ in 0..arguments.runs {
        unhurried.push(calibration.execute(runtime, &sequential)?.0.as_nanos() as f64);
        calibrated.push(calibration.execute(runtime, &one)?.1);
        let before = prepared.execute(runtime, &sequential)?.0;
        by_one.push(prepared.execute(runtime, &one)?.0.as_nanos() as f64);
        let (elapsed, report) = prepared.execute(runtime, &two)?;
        by_two.push(elapsed.as_nanos() as f64);
        repeated.push(f64::from(report.re_executions));
        contention.push(side_by_side(&prepared, runtime)?.as_secs_f64() / before.as_secs_f64());
        alone.push(before.as_nanos() as f64);
    }
    let fixed = fixed(&calibrated);
    let recorded = scaled(trace(&calibration, runtime)?, Spread::of(unhurried).median - fixed);
    let mut costs = costs(&calibrated, fixed, &Block::new(recorded));
    costs.contention = Spread::of(contention).median.max(1.0);

    let measured = [Spread::of(by_one).median, Spread::of(by_two).median];
    let sequential = Spread::of(alone).median;
    let block = Block::new(scaled(trace(&prepared, runtime)?, sequential - fixed));
    let runs: Vec<_> = CORES.iter().map(|cores| (*cores, block.simulate(*cores, &costs))).collect();
    let errors: Vec<f64> =
        measured.iter().zip(&runs).map(|(measured, (_, run))| run.time as f64 / measured - 1.0).collect();
    let valid = errors.iter().all(|error| error.abs() <= TOLERANCE);

    if arguments.json {
        println!(
            "{}",
            json!({
                "benchmark": "project",
                "workload": workload.id,
                "simulated": true,
                "valid": valid,
                "transactions": size.transactions,
                "load": load(),
                "sequential_ns": sequential,
                "one_after_the_other_ns": block.sequential(),
                "critical_path_ns": block.critical_path(),
                "contention": costs.contention,
                "measured_ns": { "1": measured[0], "2": measured[1] },
                "simulated_ns": runs.iter().map(|(cores, run)| (cores.to_string(), run.time.into())).collect::<serde_json::Map<_, _>>(),
            })
        );
        return Ok(());
    }
    let each = |time: f64| time / 1e3 / f64::from(size.transactions);
    println!("\n{:<20} {}", workload.id, workload.about);
    println!(
        "  one after the other {:.2} µs each (measured {:.2} with hooks and change set), critical path {:.1} % of it",
        each(block.sequential() as f64),
        each(sequential),
        100.0 * block.critical_path() as f64 / block.sequential().max(1) as f64
    );
    println!(
        "  costs, from another block on one core: fixed {:.2} µs each; plan {:.0} ns per touch; run {:.0} ns and commit \
         {:.0} ns per access; two at a time are {:.2} times as slow as one",
        each(costs.fixed as f64),
        costs.plan,
        costs.access,
        costs.commit,
        costs.contention
    );
    for (at, (cores, run)) in runs.iter().enumerate() {
        print!(
            "  {cores:>2} cores, simulated: {:>7.2} µs each, speed-up {:>5.2}, again {}, parked {}, sequential {}",
            each(run.time as f64),
            sequential / run.time as f64,
            run.again,
            run.parked,
            run.serial
        );
        match (measured.get(at), errors.get(at)) {
            (Some(measured), Some(error)) => {
                println!("; measured {:.2} µs, off by {:+.1} %", each(*measured), 100.0 * error);
            }
            _ => println!(),
        }
    }
    println!("  measured on 2 cores: again {:.0}", Spread::of(repeated).median);
    if valid {
        println!(
            "  valid: simulated, and within {:.0} % of what was measured on 1 and 2 cores",
            100.0 * TOLERANCE
        );
    } else {
        println!(
            "  NOT PUBLISHED: what was measured on 1 or 2 cores is more than {:.0} % off, so the rest means nothing",
            100.0 * TOLERANCE
        );
    }
    Ok(())
}

/// The same block in sequence on two threads at once: what they take from each other of caches, memory and, on most
/// virtual machines, of one physical core.
fn side_by_side(prepared: &Prepared, runtime: &dyn Runtime) -> anyhow::Result<Duration> {
    let once = || prepared.execute(runtime, &Executor::default()).map(|(elapsed, _)| elapsed);
    thread::scope(|scope| {
        let beside = scope.spawn(once);
        let here = once()?;
        let there = beside.join().map_err(|_| anyhow::anyhow!("the thread beside panicked"))??;
        Ok((here + there) / 2)
    })
}

/// The median of a part of the executor's time, in nanoseconds.
fn median(reports: &[Report], part: fn(&Report) -> Duration) -> f64 {
    Spread::of(reports.iter().map(|report| part(report).as_nanos() as f64)).median
}

/// What a block costs beside its transactions.
fn fixed(reports: &[Report]) -> f64 {
    median(reports, |report| report.times.hooks) + median(reports, |report| report.times.collect)
}

/// Recorded times tell how transactions compare; their sum is what a whole sequential run takes without its `fixed` part,
/// the loop around them included.
fn scaled(mut traced: Vec<Traced>, whole: f64) -> Vec<Traced> {
    let sum: u64 = traced.iter().map(|one| one.time).sum();
    let scale = whole.max(0.0) / sum.max(1) as f64;
    for one in &mut traced {
        one.time = (one.time as f64 * scale) as u64;
    }
    traced
}

/// What the executor's own work costs, by its reports of a block on one core.
fn costs(reports: &[Report], fixed: f64, block: &Block) -> Costs {
    let per = |time: f64, count: f64| if count > 0.0 { (time / count).max(0.0) } else { 0.0 };
    // What ran in sequence is not among the executor's times of what ran ahead.
    let ahead = Spread::of(reports.iter().map(|report| {
        f64::from(report.transactions.saturating_sub(report.sequential))
            / f64::from(report.transactions.max(1))
    }))
    .median;
    let accesses = block.accesses() as f64 * ahead;
    let overhead = median(reports, |report| report.times.execute) - block.sequential() as f64 * ahead;
    Costs {
        fixed: fixed as u64,
        plan: per(median(reports, |report| report.times.plan), block.touches() as f64 * ahead),
        access: per(overhead, accesses),
        commit: per(median(reports, |report| report.times.commit), accesses),
        contention: 1.0,
    }
}

/// Runs a block one by one, as the sequential mode does: times in some passes, then what is read and written in another.
fn trace(prepared: &Prepared, runtime: &dyn Runtime) -> anyhow::Result<Vec<Traced>> {
    let count = prepared.transactions.len();
    let mut times = vec![Vec::with_capacity(PASSES); count];
    for _ in 0..PASSES {
        let state = prepared.place.state();
        let mut overlay = Overlay::new(&state);
        runtime.begin_block(&prepared.env, &mut overlay)?;
        for (index, (transaction, times)) in (0..).zip(prepared.transactions.iter().zip(&mut times)) {
            let started = Instant::now();
            overlay.push_layer();
            let receipt = runtime.apply(transaction, &Position::new(index), &prepared.env, &mut overlay)?;
            overlay.commit_layer();
            times.push(started.elapsed().as_nanos() as f64);
            drop(receipt);
        }
    }

    let state = prepared.place.state();
    let mut settled = Overlay::new(&state);
    runtime.begin_block(&prepared.env, &mut settled)?;
    let mut numbers = BTreeMap::new();
    let mut number = |key: &Key| {
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        *numbers.entry(key.clone()).or_insert(next)
    };
    let mut traced = Vec::with_capacity(count);
    for (index, (transaction, times)) in (0..).zip(prepared.transactions.iter().zip(times)) {
        let recorder = Recorder { below: &settled, reads: RefCell::default(), conditions: Cell::new(0) };
        let mut overlay = Overlay::new(&recorder);
        runtime.apply(transaction, &Position::new(index), &prepared.env, &mut overlay)?;
        let changes = overlay.into_changes();
        let reads = recorder.reads.take();
        let accesses = reads.len() + recorder.conditions.get() + changes.0.len();
        let mut one = Traced {
            time: Spread::of(times).median as u64,
            accesses: accesses as u64,
            inherent: transaction.info.class == DispatchClass::Mandatory,
            touches: transaction.touches.iter().map(|touch| (number(&touch.key), touch.kind)).collect(),
            reads: reads.iter().map(&mut number).collect(),
            ..Traced::default()
        };
        for (key, change) in &changes.0 {
            match change {
                Change::Add(_) => one.additions.push(number(key)),
                Change::Put(_) | Change::Remove => one.puts.push(number(key)),
            }
        }
        settled.merge(changes)?;
        traced.push(one);
    }
    Ok(traced)
}

/// A view that remembers which values were read through it.
struct Recorder<'a> {
    below: &'a dyn StateRead,
    reads: RefCell<Vec<Key>>,
    /// How often it was asked for no more than whether a condition holds: that hardly ever makes anybody wait.
    conditions: Cell<usize>,
}

impl StateRead for Recorder<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.reads.borrow_mut().push(key.to_vec());
        self.below.get(key)
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        self.conditions.set(self.conditions.get() + 1);
        self.below.next_key(key)
    }

    fn holds(&self, key: &[u8], condition: &Condition) -> Result<bool, StateError> {
        self.conditions.set(self.conditions.get() + 1);
        self.below.holds(key, condition)
    }
}
