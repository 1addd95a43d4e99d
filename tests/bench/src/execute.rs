//! Blocks of verified transactions through the executor: one after the other against in parallel, in turns, and compared.

use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use basalt_contracts_vm::THREAD_STACK_BYTES;
use basalt_executor::{Executed, Executor, Mode, Report};
use basalt_primitives::{H256, TransactionValidityError};
use basalt_runtime_api::{BlockEnv, Runtime, Verified};
use basalt_state::StateRead;
use clap::Args;
use serde_json::json;

use crate::{
    place::Start,
    statistics::{Spread, each, load, processor_time},
    workload::{ALL, Kind, Purpose, Size, Workload, inherents, with_contracts},
};

/// How to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Which workloads, by comma: all, or names from --list
    #[arg(long, value_delimiter = ',', default_value = "all")]
    pub(crate) workload: Vec<String>,
    /// Show the names of all workloads, and end
    #[arg(long)]
    pub(crate) list: bool,
    /// Transactions in a block
    #[arg(long, default_value_t = 10_000)]
    pub(crate) transactions: u32,
    /// Accounts or keys in the state; more, if a workload needs more
    #[arg(long, default_value_t = 100_000)]
    pub(crate) accounts: u32,
    /// Blocks, each on the state after the one before
    #[arg(long, default_value_t = 1)]
    pub(crate) blocks: u32,
    /// What is drawn
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How often each block is run in each mode; the median counts
    #[arg(long, default_value_t = 5)]
    pub(crate) runs: u32,
    /// Threads of the parallel modes, by comma; by default 1 and all cores
    #[arg(long, value_delimiter = ',')]
    pub(crate) threads: Vec<NonZeroUsize>,
    /// Read the state through a chain with a database instead of from a map in memory
    #[arg(long)]
    pub(crate) db: bool,
    /// Print one JSON object per line instead of tables
    #[arg(long)]
    pub(crate) json: bool,
    /// Small blocks, one run, 1 to 3 threads, memory and database: compares results, and measures nothing
    #[arg(long)]
    pub(crate) quick: bool,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            workload: vec!["all".into()],
            list: false,
            transactions: 10_000,
            accounts: 100_000,
            blocks: 1,
            seed: 1,
            runs: 5,
            threads: Vec::new(),
            db: false,
            json: false,
            quick: false,
        }
    }
}

impl Arguments {
    fn size(&self) -> Size {
        Size {
            transactions: self.transactions.max(1),
            accounts: self.accounts,
            blocks: self.blocks.max(1),
            seed: self.seed,
        }
    }

    /// The parallel modes.
    pub(crate) fn modes(&self) -> Vec<Mode> {
        if !self.threads.is_empty() {
            return self.threads.iter().copied().map(Mode::Parallel).collect();
        }
        let mut modes = vec![Mode::Parallel(NonZeroUsize::MIN), Mode::parallel()];
        modes.dedup();
        modes
    }
}

/// What came out of one block, whichever way it was run.
#[derive(Debug, PartialEq)]
struct Outcome {
    executed: Executed,
    included: Vec<H256>,
    refused: Vec<(H256, TransactionValidityError)>,
}

/// One mode, with its threads, and what it took.
struct Contender {
    executor: Executor,
    /// Of each run over all blocks.
    times: Vec<Duration>,
    processor: Vec<Duration>,
    /// What the sequential mode took just before each run.
    baseline: Vec<Duration>,
    /// The sum over all runs and blocks.
    report: Report,
}

impl Contender {
    fn new(mode: Mode, runs: usize) -> anyhow::Result<Self> {
        let none = || vec![Duration::ZERO; runs];
        Ok(Self {
            executor: Executor::with_stacks(mode, Some(THREAD_STACK_BYTES))?,
            times: none(),
            processor: none(),
            baseline: none(),
            report: Report::default(),
        })
    }

    fn count(&mut self, run: usize, measured: &Measured, baseline: Duration) {
        self.times[run] += measured.elapsed;
        self.processor[run] += measured.processor;
        self.baseline[run] += baseline;
        let (sum, one) = (&mut self.report, &measured.report);
        sum.transactions += one.transactions;
        sum.executions += one.executions;
        sum.re_executions += one.re_executions;
        sum.sequential += one.sequential;
        sum.parked += one.parked;
        sum.times.whole += one.times.whole;
        sum.times.hooks += one.times.hooks;
        sum.times.plan += one.times.plan;
        sum.times.execute += one.times.execute;
        sum.times.commit += one.times.commit;
        sum.times.idle += one.times.idle;
        sum.times.collect += one.times.collect;
    }

    /// How many times as fast as the sequential mode it could be at most on cores that nobody else uses, by the
    /// processor time that it needs more: what is worth knowing on a busy machine.
    fn ceiling(&self, sequential: &Self) -> f64 {
        let median = |times: &[Duration]| {
            Spread::of(times.iter().map(Duration::as_secs_f64)).median.max(f64::MIN_POSITIVE)
        };
        self.executor.mode().threads() as f64 * median(&sequential.processor) / median(&self.processor)
    }

    /// How many times as fast as the sequential mode beside it.
    fn speed_up(&self) -> Spread {
        Spread::of(
            self.baseline
                .iter()
                .zip(&self.times)
                .map(|(before, time)| before.as_secs_f64() / time.as_secs_f64()),
        )
    }
}

/// What a block needs beside its transactions.
struct Task<'a> {
    purpose: Purpose,
    runtime: &'a dyn Runtime,
    state: &'a (dyn StateRead + Sync),
    env: &'a BlockEnv,
    inherents: Vec<Verified>,
    transactions: Vec<Verified>,
}

/// One run of a block.
struct Measured {
    outcome: Outcome,
    report: Report,
    elapsed: Duration,
    processor: Duration,
}

impl Task<'_> {
    /// Runs the block once. The clock covers the executor's work only.
    fn run(&self, executor: &Executor) -> anyhow::Result<Measured> {
        let block: Vec<_> = self.inherents.iter().chain(&self.transactions).cloned().collect();
        let mut candidates = self.transactions.iter().cloned();
        let before = processor_time();
        let started = Instant::now();
        let (outcome, report) = match self.purpose {
            Purpose::Execute => {
                let (executed, report) = executor.execute(self.runtime, self.state, self.env, &block)?;
                (Outcome { executed, included: Vec::new(), refused: Vec::new() }, report)
            }
            Purpose::Build => {
                let inherents = self.inherents.clone();
                let built = executor.build(
                    self.runtime,
                    self.state,
                    self.env,
                    inherents,
                    &mut candidates,
                    &|| false,
                )?;
                let included = built.included.iter().map(|transaction| transaction.hash).collect();
                (Outcome { executed: built.executed, included, refused: built.refused }, built.report)
            }
        };
        let elapsed = started.elapsed();
        Ok(Measured { outcome, report, elapsed, processor: processor_time().saturating_sub(before) })
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.list {
        for workload in ALL {
            println!("{:<20} {}", workload.id, workload.about);
        }
        return Ok(());
    }
    if arguments.quick {
        return quick(arguments);
    }
    let workloads = Workload::named(&arguments.workload)?;
    if !arguments.json {
        println!(
            "\nexecute: {} transactions per block, {} block(s), {} accounts, state {}, seed {}, {} runs, load {}",
            arguments.transactions,
            arguments.blocks,
            arguments.size().accounts(),
            if arguments.db { "of a chain with a database" } else { "in memory" },
            arguments.seed,
            arguments.runs,
            load()
        );
        println!(
            "  µs per transaction: median (least to most); speed-up: sequential / parallel, run by run in turns"
        );
    }
    let mut shared = Shared::default();
    for workload in workloads {
        if arguments.db && workload.kind != Kind::Native {
            continue;
        }
        let contenders = contest(arguments, &workload, &mut shared)?;
        if arguments.json {
            print_json(arguments, &workload, &contenders);
        } else {
            print_table(arguments, &workload, &contenders);
        }
    }
    Ok(())
}

/// All workloads, for equality only; few of them with a database, which is enough to know that its view works.
fn quick(arguments: &Arguments) -> anyhow::Result<()> {
    let small = Arguments {
        transactions: 300,
        accounts: 1_000,
        blocks: 2,
        runs: 1,
        threads: (1..=3).filter_map(NonZeroUsize::new).collect(),
        ..arguments.clone()
    };
    let workloads = Workload::named(&arguments.workload)?;
    let mut shared = Shared::default();
    for workload in &workloads {
        contest(&small, workload, &mut shared)?;
    }
    let with_database = Arguments { db: true, ..small };
    for workload in workloads.iter().filter(|workload| ["w9", "w10-build"].contains(&workload.id)) {
        contest(&with_database, workload, &mut shared)?;
    }
    println!("{} workloads gave the same results sequentially and in parallel", workloads.len());
    Ok(())
}

/// States that several workloads begin with.
#[derive(Default)]
struct Shared {
    native: Option<Start>,
    synthetic: Option<Start>,
}

/// Runs a workload in all modes, in turns; the sequential one comes first. Fails if two results differ.
fn contest(
    arguments: &Arguments,
    workload: &Workload,
    shared: &mut Shared,
) -> anyhow::Result<Vec<Contender>> {
    let size = arguments.size();
    let runtime = workload.runtime()?;
    let own;
    let mut calls = None;
    let start: &Start = if workload.kind == Kind::Contracts {
        let (start, blocks) = with_contracts(workload, &size)?;
        calls = Some(blocks);
        own = start;
        &own
    } else if arguments.db {
        // Of its own: a chain goes on from block to block.
        own = Start::database(workload.runtime()?, &size)?;
        &own
    } else {
        let slot = match workload.kind {
            Kind::Native | Kind::Contracts => &mut shared.native,
            Kind::Synthetic => &mut shared.synthetic,
        };
        if slot.is_none() {
            *slot = Some(Start::memory(workload.kind, &size)?);
        }
        slot.as_ref().context("it was just made")?
    };
    let modes = arguments.modes();
    let runs = arguments.runs as usize;
    let mut sequential = Contender::new(Mode::Sequential, runs * modes.len())?;
    let mut others: Vec<_> =
        modes.iter().map(|mode| Contender::new(*mode, runs)).collect::<Result<_, _>>()?;

    let mut place = start.place()?;
    let blocks = match calls {
        Some(calls) => calls,
        None => workload.blocks(&size, start.genesis_hash())?,
    };
    let count = blocks.len();
    for (number, transactions) in blocks.into_iter().enumerate() {
        let env = place.env();
        let task = Task {
            purpose: workload.purpose,
            runtime: runtime.as_ref(),
            state: place.state(),
            inherents: inherents(runtime.as_ref(), env.number)?,
            env: &env,
            transactions,
        };
        // Not counted: it warms the caches, and says what every other run has to give.
        let expected = task.run(&sequential.executor).with_context(|| workload.id)?.outcome;
        let failed = expected.executed.receipts.iter().find_map(|receipt| receipt.result.err());
        if let Some(failed) = failed.filter(|_| workload.kind == Kind::Contracts) {
            anyhow::bail!("a call of {} fails, which is not what is measured: {failed:?}", workload.id);
        }
        let same = |measured: &Measured, mode: Mode| {
            ensure!(
                measured.outcome == expected,
                "{}, block {}: the result of {mode} differs from the first sequential one; the executor has a bug",
                workload.id,
                env.number
            );
            Ok(())
        };
        for run in 0..runs {
            for (at, other) in others.iter_mut().enumerate() {
                let before = task.run(&sequential.executor)?;
                same(&before, Mode::Sequential)?;
                sequential.count(run * modes.len() + at, &before, before.elapsed);
                let elapsed = before.elapsed;
                drop(before);
                let measured = task.run(&other.executor)?;
                same(&measured, other.executor.mode())?;
                other.count(run, &measured, elapsed);
            }
        }
        if number + 1 < count {
            let refused: BTreeSet<_> = expected.refused.iter().map(|(hash, _)| *hash).collect();
            let mut transactions = task.transactions;
            transactions.retain(|transaction| !refused.contains(&transaction.hash));
            place.advance(&expected.executed.changes, &transactions)?;
        }
    }
    others.insert(0, sequential);
    Ok(others)
}

fn print_table(arguments: &Arguments, workload: &Workload, contenders: &[Contender]) {
    println!("\n{:<20} {}", workload.id, workload.about);
    let count = (arguments.size().transactions * arguments.size().blocks) as usize;
    for contender in contenders {
        let time = Spread::of(contender.times.iter().map(|time| each(*time, count)));
        let processor = Spread::of(contender.processor.iter().map(|time| each(*time, count)));
        let mode = contender.executor.mode();
        print!(
            "  {:<12} {:>7.2} µs ({:.2} to {:.2}), {:>6.2} µs CPU",
            mode.to_string(),
            time.median,
            time.least,
            time.most,
            processor.median
        );
        if mode == Mode::Sequential {
            println!();
            continue;
        }
        let Spread { median, least, most } = contender.speed_up();
        let report = &contender.report;
        let mean = |count: u32| count / arguments.runs.max(1);
        println!(
            "  speed-up {median:.2} ({least:.2} to {most:.2}), by CPU at most {:.2}; executions {}, again {}, sequential {}, parked {}",
            contender.ceiling(&contenders[0]),
            mean(report.executions),
            mean(report.re_executions),
            mean(report.sequential),
            mean(report.parked)
        );
        let part = |time: Duration| each(time, count * contender.times.len());
        println!(
            "               of it: hooks {:.2}, plan {:.2}, execute {:.2}, commit {:.2}, collect {:.2}, idle {:.2}",
            part(report.times.hooks),
            part(report.times.plan),
            part(report.times.execute),
            part(report.times.commit),
            part(report.times.collect),
            part(report.times.idle)
        );
    }
}

fn print_json(arguments: &Arguments, workload: &Workload, contenders: &[Contender]) {
    let count = (arguments.size().transactions * arguments.size().blocks) as usize;
    for contender in contenders {
        let time = Spread::of(contender.times.iter().map(|time| each(*time, count)));
        let processor = Spread::of(contender.processor.iter().map(|time| each(*time, count)));
        let speed_up = contender.speed_up();
        let report = &contender.report;
        let mean = |count: u32| f64::from(count) / contender.times.len().max(1) as f64;
        let part = |time: Duration| each(time, count * contender.times.len());
        println!(
            "{}",
            json!({
                "benchmark": "execute",
                "workload": workload.id,
                "mode": contender.executor.mode().to_string(),
                "threads": contender.executor.mode().threads(),
                "transactions": count,
                "accounts": arguments.size().accounts(),
                "db": arguments.db,
                "load": load(),
                "transactions_per_second": 1e6 / time.median,
                "us": { "median": time.median, "least": time.least, "most": time.most },
                "cpu_us": { "median": processor.median, "least": processor.least, "most": processor.most },
                "speed_up": { "median": speed_up.median, "least": speed_up.least, "most": speed_up.most },
                "speed_up_at_most_by_cpu": contender.ceiling(&contenders[0]),
                "executions": mean(report.executions),
                "re_executions": mean(report.re_executions),
                "sequential": mean(report.sequential),
                "parked": mean(report.parked),
                "times_us": {
                    "hooks": part(report.times.hooks),
                    "plan": part(report.times.plan),
                    "execute": part(report.times.execute),
                    "commit": part(report.times.commit),
                    "collect": part(report.times.collect),
                    "idle": part(report.times.idle),
                },
            })
        );
    }
}
