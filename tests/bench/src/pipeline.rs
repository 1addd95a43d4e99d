//! Signed transfers from raw bytes through pool, block, root and durable commit.

use std::{
    collections::HashSet,
    path::Path,
    sync::{
        Arc,
        mpsc::{self, SyncSender},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use basalt_chain::{BuildRequest, BuiltBlock, Chain, ImportOptions, Pending};
use basalt_db::{Config, Db, Durability, Pruning};
use basalt_executor::{Executor, Mode};
use basalt_pool::{BlockUpdate, Head, Limits, PoolHandle};
use basalt_primitives::{Digest, H256};
use basalt_runtime::NativeRuntime;
use basalt_runtime_api::{BlockEnv, InherentData, SignatureCheck, Transaction, Verified};
use basalt_verifier::{REMEMBERED_MAX, Verifier};
use clap::Args;
use futures::StreamExt as _;
use serde_json::json;
use tokio::sync::mpsc::Receiver;

use crate::{
    corpus::{self, Transfers},
    signatures,
    statistics::{Spread, each, load, processor_time},
};

/// How to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) transfers: Transfers,
    /// Transfers with which the parts are measured alone
    #[arg(long, default_value_t = 10_000)]
    pub(crate) parts: usize,
    /// How often to measure; the median counts
    #[arg(long, default_value_t = 3)]
    pub(crate) runs: u32,
    /// How blocks are executed: sequential, parallel or parallel=N
    #[arg(long, default_value_t)]
    pub(crate) execution: Mode,
    /// Print one JSON object per line instead of tables, and measure nothing but the whole
    #[arg(long)]
    pub(crate) json: bool,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            transfers: Transfers { accounts: 10_000, senders: 5_000, rounds: 12, pairs: false },
            parts: 10_000,
            runs: 3,
            execution: Mode::default(),
            json: false,
        }
    }
}

/// What a stage took: on the clock, and of the processors.
#[derive(Debug, Default, Clone, Copy)]
struct Stage {
    time: Duration,
    processor: Duration,
}

impl Stage {
    fn measure<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (started, processor) = (Instant::now(), processor_time());
        let result = work();
        self.time += started.elapsed();
        self.processor += processor_time().saturating_sub(processor);
        result
    }
}

/// The stages of a block maker's work, and the pool's.
#[derive(Debug, Default, Clone)]
struct Stages {
    wait: Stage,
    pool: Stage,
    build: Stage,
    commit: Stage,
    feed: Stage,
    tail: Stage,
    whole: Stage,
    blocks: u32,
}

/// Each part alone, on the first transactions.
#[derive(Debug, Default, Clone)]
struct Parts {
    ceiling: Duration,
    inspect: Duration,
    verify: Duration,
    validate: Duration,
    sequential: Duration,
    execute: Duration,
    count: usize,
}

/// One run.
struct Run {
    parts: Parts,
    /// All stages at the same time, as in a node.
    whole: Stages,
    /// One stage after the other.
    alone: Stages,
}

/// What the stages alone say about all of them together.
struct Prediction {
    /// Microseconds per transfer.
    each: f64,
    binding: String,
}

impl Prediction {
    /// The pool's thread and the block maker work side by side, so the slower one decides, unless both together need more
    /// than all cores have.
    fn new(alone: &Stages, count: usize, cores: usize) -> Self {
        let stages = [("build", alone.build), ("commit", alone.commit), ("feed", alone.feed)];
        let maker: f64 = stages.iter().map(|(_, stage)| each(stage.time, count)).sum();
        let pool = each(alone.pool.time, count);
        let processor = |stage: &Stage| each(stage.processor, count);
        let cores_busy = (stages.iter().map(|(_, stage)| processor(stage)).sum::<f64>()
            + processor(&alone.pool))
            / cores as f64;
        let longest = |by: fn(&Stage) -> Duration, more: Option<(&'static str, Stage)>| {
            let all = stages.into_iter().chain(more);
            all.max_by_key(|(_, stage)| by(stage)).map_or("", |(name, _)| name)
        };
        if cores_busy >= maker.max(pool) {
            let first = longest(|stage| stage.processor, Some(("pool", alone.pool)));
            Self { each: cores_busy, binding: format!("all {cores} cores; most of them goes to: {first}") }
        } else if maker >= pool {
            let first = longest(|stage| stage.time, None);
            Self { each: maker, binding: format!("the block maker; most of it is: {first}") }
        } else {
            Self { each: pool, binding: "the pool".to_owned() }
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let count = arguments.transfers.count() as usize;
    let cores = rayon::current_num_threads();
    if !arguments.json {
        println!(
            "\npipeline: {count} signed transfer_keep_alive, {} accounts, execution {}, fsync per block, {cores} cores, \
             load {}",
            arguments.transfers.accounts,
            arguments.execution,
            load()
        );
    }
    let rate = |time: Duration| count as f64 / time.as_secs_f64();
    let mut runs = Vec::new();
    for number in 0..arguments.runs.max(1) {
        let run = measure(arguments).with_context(|| format!("run {number}"))?;
        if !arguments.json {
            println!(
                "  run {}: ceiling {:>7.0} signatures/s, whole {:>7.0} transfers/s, ratio {:>5.1} %",
                number + 1,
                rate(run.parts.ceiling),
                rate(run.whole.whole.time),
                100.0 * run.parts.ceiling.as_secs_f64() / run.whole.whole.time.as_secs_f64()
            );
        }
        runs.push(run);
    }
    runs.sort_by_key(|run| run.whole.whole.time);
    let Run { parts, whole, alone } = &runs[runs.len() / 2];
    if arguments.json {
        let time = Spread::of(runs.iter().map(|run| each(run.whole.whole.time, count)));
        let processor = Spread::of(runs.iter().map(|run| each(run.whole.whole.processor, count)));
        println!(
            "{}",
            json!({
                "benchmark": "pipeline",
                "transactions": count,
                "accounts": arguments.transfers.accounts,
                "mode": arguments.execution.to_string(),
                "load": load(),
                "us": { "median": time.median, "least": time.least, "most": time.most },
                "cpu_us": { "median": processor.median, "least": processor.least, "most": processor.most },
                "transactions_per_second": 1e6 / time.median,
            })
        );
        return Ok(());
    }
    println!("  median run, µs per transfer ({} blocks):", whole.blocks);
    println!("    {:<42} {:>9} {:>9} {:>9}", "stage", "together", "alone", "alone CPU");
    for (name, together, alone) in [
        ("waiting for the pool's thread", Some(whole.wait), None),
        ("pool: inspect, verify, validate, insert", None, Some(alone.pool)),
        ("build: execute, root, header", Some(whole.build), Some(alone.build)),
        ("commit: one durable RocksDB batch", None, Some(alone.commit)),
        ("waiting for room: commits lag behind", Some(whole.commit), None),
        ("waiting for the last commits", Some(whole.tail), None),
        ("beside: prune and revalidate the pool", Some(whole.feed), Some(alone.feed)),
        ("whole", Some(whole.whole), None),
    ] {
        let show = |time: Option<Duration>| {
            time.map_or_else(|| format!("{:>9}", "-"), |time| format!("{:>9.2}", each(time, count)))
        };
        println!(
            "    {name:<42} {} {} {}",
            show(together.map(|stage| stage.time)),
            show(alone.map(|stage| stage.time)),
            show(alone.map(|stage| stage.processor))
        );
    }
    println!("    processor time of all threads              {:>9.2}", each(whole.whole.processor, count));
    println!("    schnorrkel verify_batch alone, all cores   {:>9.2}", each(parts.ceiling, count));
    let Prediction { each: predicted, binding } = Prediction::new(alone, count, cores);
    let measured = each(whole.whole.time, count);
    println!("  binding: {binding}");
    println!(
        "  predicted from the stages alone: {:.0} transfers/s; measured {:.0}: {:+.1} %",
        1e6 / predicted,
        1e6 / measured,
        100.0 * (predicted / measured - 1.0)
    );
    println!("  parts alone, µs per transfer on {} transfers:", parts.count);
    for (name, time) in [
        ("inspect (one core)", parts.inspect),
        ("verify in batches (all cores)", parts.verify),
        ("validate (one core)", parts.validate),
        ("execute, sequential", parts.sequential),
        ("execute, as given", parts.execute),
    ] {
        println!("    {name:<42} {:>9.2}", each(time, parts.count));
    }
    Ok(())
}

/// A new chain in a folder of its own.
fn chain(arguments: &Arguments, folder: &Path) -> anyhow::Result<(Arc<Chain>, Arc<Verifier>)> {
    let config = Config {
        pruning: Pruning::Keep(256),
        cache_bytes: 2 * 1024 * 1024 * 1024,
        durability: Durability::Block,
    };
    let Transfers { accounts, senders, .. } = arguments.transfers;
    let genesis = serde_json::to_vec(&corpus::genesis(accounts, senders)?)?;
    let verifier = Arc::new(Verifier::new(REMEMBERED_MAX));
    let chain = Chain::open(
        Db::open(&folder.join("db"), config)?,
        Arc::new(NativeRuntime::default()),
        &genesis,
        Executor::new(arguments.execution)?,
        Arc::clone(&verifier),
    )?;
    Ok((chain, verifier))
}

fn measure(arguments: &Arguments) -> anyhow::Result<Run> {
    let folder = tempfile::tempdir()?;
    let (first, verifier) = chain(arguments, folder.path())?;
    let bytes = corpus::transfers(first.genesis_hash(), &arguments.transfers)?;
    if arguments.json {
        let whole = all(&first, verifier, bytes, Feeding::Beside)?;
        return Ok(Run { parts: Parts::default(), whole, alone: Stages::default() });
    }
    let (mut parts, checks) = parts(&first, &bytes, arguments)?;
    parts.ceiling = signatures::verify_all(&checks)?;
    drop(checks);
    let whole = all(&first, verifier, bytes.clone(), Feeding::Beside)?;
    drop(first);

    let folder = tempfile::tempdir()?;
    let (second, verifier) = chain(arguments, folder.path())?;
    let alone = all(&second, verifier, bytes, Feeding::First)?;
    Ok(Run { parts, whole, alone })
}

/// The parts alone; hands out what the ceiling is measured with.
fn parts(
    chain: &Chain,
    bytes: &[Vec<u8>],
    arguments: &Arguments,
) -> anyhow::Result<(Parts, Vec<SignatureCheck>)> {
    let runtime = chain.runtime().as_ref();
    let best = chain.best();
    let state = chain.state_at(&best.hash)?;
    let head = basalt_runtime_api::Head { number: best.number, hash: best.hash, state: &state };
    let inspect = |bytes: &Vec<u8>| {
        runtime.inspect(bytes.clone()).map(Arc::new).map_err(|refusal| anyhow::anyhow!(refusal.detail))
    };
    let proof =
        |transaction: &Arc<Transaction>| runtime.proof(transaction, &head)?.context("the corpus is signed");

    let first = &bytes[..arguments.parts.min(bytes.len())];
    let mut parts = Parts { count: first.len(), ..Parts::default() };
    let started = Instant::now();
    let transactions = first.iter().map(inspect).collect::<anyhow::Result<Vec<_>>>()?;
    parts.inspect = started.elapsed();

    let fresh = Verifier::new(REMEMBERED_MAX);
    let started = Instant::now();
    let verified: Vec<Verified> = fresh
        .verify(runtime, best.number, best.hash, &state, transactions, false)
        .into_iter()
        .collect::<Result<_, _>>()?;
    parts.verify = started.elapsed();

    let started = Instant::now();
    for transaction in &verified {
        runtime.validate(transaction, &head)?;
    }
    parts.validate = started.elapsed();

    let env = BlockEnv { number: 1, parent_hash: best.hash, digest: Digest::default(), author: None };
    let inherents: Vec<_> = runtime
        .inherents(&InherentData::at(1))
        .into_iter()
        .map(|bytes| inspect(&bytes).map(|inherent| Verified::assume(inherent, Default::default())))
        .collect::<anyhow::Result<_>>()?;
    let execute = |mode: Mode| {
        let executor = Executor::new(mode)?;
        let (inherents, mut candidates) = (inherents.clone(), verified.iter().cloned());
        let started = Instant::now();
        let built = executor.build(runtime, &state, &env, inherents, &mut candidates, &|| false)?;
        let elapsed = started.elapsed();
        ensure!(built.refused.is_empty(), "the corpus is valid: {:?}", built.refused.first());
        Ok(elapsed)
    };
    parts.sequential = execute(Mode::Sequential)?;
    parts.execute = execute(arguments.execution)?;

    let checks = bytes.iter().map(|bytes| proof(&inspect(bytes)?)).collect::<anyhow::Result<_>>()?;
    Ok((parts, checks))
}

/// When the pool takes transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Feeding {
    /// On its own thread, while blocks are made of those that are ready: as in a node.
    Beside,
    /// All of them before the first block, so that each stage has the machine for itself.
    First,
}

/// From raw bytes to durable commit.
fn all(
    chain: &Arc<Chain>,
    verifier: Arc<Verifier>,
    bytes: Vec<Vec<u8>>,
    feeding: Feeding,
) -> anyhow::Result<Stages> {
    let count = bytes.len();
    let mut stages = Stages::default();
    let tasks = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    let (pool, service) = basalt_pool::start(
        Arc::clone(chain.runtime()),
        verifier,
        head(chain)?,
        Limits { transactions_max: count + 1, sender_transactions_max: count + 1, ..Limits::production() },
    )?;
    let mut ready_count = pool.subscribe_ready();
    let mut included = 0;
    let mut timestamp = 1;
    let (started, processor) = (Instant::now(), processor_time());
    if feeding == Feeding::Beside {
        beside(chain, &pool, &tasks, bytes, &mut stages)?;
        stages.whole.time = started.elapsed();
        stages.whole.processor = processor_time().saturating_sub(processor);
        drop(pool);
        service.stop();
        return Ok(stages);
    }
    stages.pool.measure(|| tasks.block_on(submit(pool.clone(), bytes)))?;
    while included < count {
        let at = Instant::now();
        ready_count.mark_unchanged();
        let ready = tasks.block_on(pool.ready());
        if ready.is_empty() {
            tasks.block_on(ready_count.changed())?;
        }
        stages.wait.time += at.elapsed();
        if !ready.is_empty() {
            timestamp += 1_000;
            included += block(chain, &pool, &tasks, ready, timestamp, &mut stages)?;
        }
    }
    stages.whole.time = started.elapsed();
    stages.whole.processor = processor_time().saturating_sub(processor);
    ensure!(included == count, "{included} of {count} transfers were included");
    drop(pool);
    service.stop();
    Ok(stages)
}

/// As in a node: transactions come in while blocks are made, a block is begun while the one before is written, and the
/// pool is told of blocks by somebody else than the block maker.
fn beside(
    chain: &Arc<Chain>,
    pool: &PoolHandle,
    tasks: &tokio::runtime::Runtime,
    bytes: Vec<Vec<u8>>,
    stages: &mut Stages,
) -> anyhow::Result<()> {
    let count = bytes.len();
    let mut ready_count = pool.subscribe_ready();
    let (blocks, mut told, follower) = follow(chain, pool, tasks.handle());
    // What is in blocks that the pool was not told of yet: it still offers that.
    let mut in_flight = HashSet::new();
    let mut parent = chain.best().hash;
    let (mut included, mut last, mut timestamp) = (0, 0, 1);
    let submitting = tasks.spawn(submit(pool.clone(), bytes));
    while included < count {
        let at = Instant::now();
        // Before the pool is asked, so that nothing is taken twice.
        while let Ok(hashes) = told.try_recv() {
            for hash in hashes {
                in_flight.remove(&hash);
            }
        }
        // All that ever became ready is in a block, or waits.
        let waiting = usize::try_from(*ready_count.borrow_and_update())?.saturating_sub(included);
        // Each block costs the pool a look at all that waits, so nothing is won by running ahead with small ones.
        let worthwhile =
            in_flight.is_empty() || waiting >= last.max(AHEAD_MIN) || included + waiting == count;
        if waiting == 0 || !worthwhile {
            tasks.block_on(async {
                tokio::select! {
                    changed = ready_count.changed() => changed.context("the pool has ended"),
                    hashes = told.recv() => {
                        for hash in hashes.context("the follower has ended")? {
                            in_flight.remove(&hash);
                        }
                        Ok(())
                    }
                }
            })?;
            stages.wait.time += at.elapsed();
            continue;
        }
        let mut ready = tasks.block_on(pool.ready());
        ready.retain(|transaction| !in_flight.contains(&transaction.hash));
        stages.wait.time += at.elapsed();
        timestamp += 1_000;
        let (built, hashes) = build(chain, parent, ready, timestamp, stages)?;
        let options = ImportOptions { finalize: true, ..ImportOptions::default() };
        let at = Instant::now();
        let pending = chain.commit_later(built, options)?;
        parent = pending.imported().id.hash;
        last = hashes.len();
        included += last;
        in_flight.extend(hashes.iter().copied());
        blocks.send((pending, hashes)).map_err(|_| anyhow::anyhow!("the follower has ended"))?;
        stages.commit.time += at.elapsed();
        stages.blocks += 1;
    }
    let at = Instant::now();
    drop(blocks);
    stages.feed.time = follower.join().map_err(|_| anyhow::anyhow!("the follower has panicked"))??;
    stages.tail.time = at.elapsed();
    tasks.block_on(submitting)??;
    ensure!(included == count, "{included} of {count} transfers were included");
    ensure!(chain.finalized().hash == parent, "all blocks are durable and final");
    Ok(())
}

/// Transactions for which it is worth to begin a block while the pool was not told of the one before.
const AHEAD_MIN: usize = 4_096;

/// Answers of the follower that may wait: more than blocks that can be on their way, so that it never waits for the maker.
const TOLD_MAX: usize = 8;

/// A block on its way, and what is in it.
type Sent = (Pending, Vec<H256>);
/// Where blocks go, where the hashes come back of which the pool was told, and the thread, which says how long it took
/// to tell.
type Follower = (SyncSender<Sent>, Receiver<Vec<H256>>, JoinHandle<anyhow::Result<Duration>>);

/// Tells the pool of each block when it is durable.
fn follow(chain: &Arc<Chain>, pool: &PoolHandle, tasks: &tokio::runtime::Handle) -> Follower {
    let (blocks, received) = mpsc::sync_channel::<Sent>(1);
    let (tell, told) = tokio::sync::mpsc::channel(TOLD_MAX);
    let (chain, pool, tasks) = (Arc::clone(chain), pool.clone(), tasks.clone());
    let thread = std::thread::spawn(move || {
        let mut feed = Duration::ZERO;
        for (pending, hashes) in received {
            let imported = pending.wait()?;
            let at = Instant::now();
            tasks.block_on(tell_pool(&chain, &pool, imported.id.hash, hashes.clone()))?;
            feed += at.elapsed();
            // The block maker may be done already.
            let _ = tell.blocking_send(hashes);
        }
        Ok(feed)
    });
    (blocks, told, thread)
}

async fn tell_pool(chain: &Chain, pool: &PoolHandle, block: H256, hashes: Vec<H256>) -> anyhow::Result<()> {
    let enacted = vec![(block, hashes)];
    pool.on_block(BlockUpdate { head: head(chain)?, enacted: enacted.clone(), retracted: Vec::new() }).await;
    pool.on_finalized(enacted).await;
    Ok(())
}

/// Transactions per call of the pool: as many as it verifies in one batch.
const SUBMITTED_AT_ONCE: usize = 1024;

/// Clients that send at the same time: each waits for the answer to one call before it makes the next.
const CLIENTS: usize = 4;

async fn submit(pool: PoolHandle, bytes: Vec<Vec<u8>>) -> anyhow::Result<()> {
    let mut waiting = bytes.into_iter();
    let calls = std::iter::from_fn(|| {
        let offered: Vec<Vec<u8>> = waiting.by_ref().take(SUBMITTED_AT_ONCE).collect();
        (!offered.is_empty()).then_some(offered)
    });
    let mut answers =
        futures::stream::iter(calls).map(|offered| pool.submit_many(offered)).buffer_unordered(CLIENTS);
    while let Some(results) = answers.next().await {
        for result in results {
            result?;
        }
    }
    Ok(())
}

fn block(
    chain: &Arc<Chain>,
    pool: &PoolHandle,
    tasks: &tokio::runtime::Runtime,
    ready: Vec<Verified>,
    timestamp: u64,
    stages: &mut Stages,
) -> anyhow::Result<usize> {
    let (built, hashes) = build(chain, chain.best().hash, ready, timestamp, stages)?;
    let included = hashes.len();
    let options = ImportOptions { finalize: true, ..ImportOptions::default() };
    let imported = stages.commit.measure(|| chain.import_built(built, options))?;
    stages.feed.measure(|| tasks.block_on(tell_pool(chain, pool, imported.id.hash, hashes)))?;
    stages.blocks += 1;
    Ok(included)
}

fn build(
    chain: &Arc<Chain>,
    parent: H256,
    ready: Vec<Verified>,
    timestamp: u64,
    stages: &mut Stages,
) -> anyhow::Result<(BuiltBlock, Vec<H256>)> {
    let mut hashes: Vec<_> = ready.iter().map(|transaction| transaction.hash).collect();
    let built = stages.build.measure(|| {
        chain.build(BuildRequest {
            parent,
            digest: Digest::default(),
            author: None,
            inherents: InherentData::at(timestamp),
            candidates: &mut ready.into_iter(),
            deadline: None,
        })
    })?;
    ensure!(built.refused().is_empty(), "the corpus is valid: {:?}", built.refused().first());
    hashes.truncate(built.transactions());
    Ok((built, hashes))
}

fn head(chain: &Chain) -> anyhow::Result<Head> {
    let best = chain.best();
    Ok(Head { hash: best.hash, number: best.number, state: Arc::new(chain.state_at(&best.hash)?) })
}
