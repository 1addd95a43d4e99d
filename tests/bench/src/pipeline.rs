//! Signed transfers from raw bytes through pool, block, root and durable commit.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        mpsc::{self, SyncSender},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use basalt_chain::{BuildRequest, Chain, ImportOptions, Pending};
use basalt_db::{Config, Db, Durability, Pruning};
use basalt_executor::{Executor, Mode};
use basalt_pool::{BlockUpdate, Head, Limits, PoolHandle};
use basalt_primitives::{Digest, H256};
use basalt_runtime::NativeRuntime;
use basalt_runtime_api::{BlockEnv, InherentData, SignatureCheck, Transaction, Verified};
use basalt_verifier::{REMEMBERED_MAX, Verifier};
use clap::Args;
use tokio::sync::mpsc::Receiver;

use crate::{corpus, signatures};

/// How to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Accounts in the state.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) accounts: u32,
    /// How many of them send.
    #[arg(long, default_value_t = 5_000)]
    pub(crate) senders: u32,
    /// Transfers of each sender.
    #[arg(long, default_value_t = 12)]
    pub(crate) rounds: u32,
    /// Transfers with which the parts are measured alone.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) parts: usize,
    /// How often to measure; the median counts.
    #[arg(long, default_value_t = 3)]
    pub(crate) runs: u32,
}

impl Default for Arguments {
    fn default() -> Self {
        Self { accounts: 10_000, senders: 5_000, rounds: 12, parts: 10_000, runs: 3 }
    }
}

/// Time per stage of one run.
#[derive(Debug, Default, Clone)]
struct Stages {
    ceiling: Duration,
    wait: Duration,
    build: Duration,
    commit: Duration,
    tail: Duration,
    feed: Duration,
    whole: Duration,
    cpu: Duration,
    blocks: u32,
    // Each part of the above alone, on the first block's transactions.
    inspect: Duration,
    verify: Duration,
    validate: Duration,
    execute: Duration,
    parts: u32,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let transfers = arguments.senders * arguments.rounds;
    println!(
        "\npipeline: {transfers} signed transfer_keep_alive, {} accounts, fsync per block, {} cores",
        arguments.accounts,
        rayon::current_num_threads()
    );
    let mut runs = Vec::new();
    for number in 0..arguments.runs {
        let stages = measure(arguments).with_context(|| format!("run {number}"))?;
        let rate = |time: Duration| f64::from(transfers) / time.as_secs_f64();
        println!(
            "  run {}: ceiling {:>7.0} signatures/s, whole {:>7.0} transfers/s, ratio {:>5.1} %",
            number + 1,
            rate(stages.ceiling),
            rate(stages.whole),
            100.0 * stages.ceiling.as_secs_f64() / stages.whole.as_secs_f64()
        );
        runs.push(stages);
    }
    runs.sort_by_key(|stages| stages.whole);
    let median = &runs[runs.len() / 2];
    let each = |time: Duration, count: u32| time.as_secs_f64() * 1e6 / f64::from(count.max(1));
    println!(
        "  median run, µs of wall time of the block maker per transfer ({} blocks; the pool runs beside it):",
        median.blocks
    );
    for (name, time) in [
        ("waiting for the pool's thread", median.wait),
        ("build: execute, root, header", median.build),
        ("waiting for room: commits lag behind", median.commit),
        ("waiting for the last commits", median.tail),
        ("whole", median.whole),
        ("CPU time of all threads", median.cpu),
        ("beside it: prune and revalidate the pool", median.feed),
        ("schnorrkel verify_batch alone, all cores", median.ceiling),
    ] {
        println!("    {name:<42} {:>7.2}", each(time, transfers));
    }
    println!("  parts alone, µs per transfer on {} transfers:", median.parts);
    for (name, time) in [
        ("inspect (one core)", median.inspect),
        ("verify in batches (all cores)", median.verify),
        ("validate (one core)", median.validate),
        ("execute (one core)", median.execute),
    ] {
        println!("    {name:<42} {:>7.2}", each(time, median.parts));
    }
    Ok(())
}

fn measure(arguments: &Arguments) -> anyhow::Result<Stages> {
    let folder = tempfile::tempdir()?;
    let config = Config {
        pruning: Pruning::Keep(256),
        cache_bytes: 2 * 1024 * 1024 * 1024,
        durability: Durability::Block,
    };
    let genesis = serde_json::to_vec(&corpus::genesis(arguments.accounts, arguments.senders)?)?;
    let verifier = Arc::new(Verifier::new(REMEMBERED_MAX));
    let chain = Chain::open(
        Db::open(&folder.path().join("db"), config)?,
        Arc::new(NativeRuntime),
        &genesis,
        Executor::new(Mode::Sequential)?,
        Arc::clone(&verifier),
    )?;
    let bytes =
        corpus::transfers(chain.genesis_hash(), arguments.accounts, arguments.senders, arguments.rounds)?;
    let mut stages = Stages::default();
    let checks = parts(&chain, &bytes, arguments.parts, &mut stages)?;
    stages.ceiling = signatures::verify_all(&checks)?;
    drop(checks);
    whole(&chain, verifier, bytes, &mut stages)?;
    Ok(stages)
}

/// The parts alone; hands out what the ceiling is measured with.
fn parts(
    chain: &Chain,
    bytes: &[Vec<u8>],
    per_block: usize,
    stages: &mut Stages,
) -> anyhow::Result<Vec<SignatureCheck>> {
    let runtime = chain.runtime().as_ref();
    let best = chain.best();
    let state = chain.state_at(&best.hash)?;
    let head = basalt_runtime_api::Head { number: best.number, hash: best.hash, state: &state };
    let inspect = |bytes: &Vec<u8>| {
        runtime.inspect(bytes.clone()).map(Arc::new).map_err(|refusal| anyhow::anyhow!(refusal.detail))
    };
    let proof =
        |transaction: &Arc<Transaction>| runtime.proof(transaction, &head)?.context("the corpus is signed");

    let first = &bytes[..per_block.min(bytes.len())];
    stages.parts = u32::try_from(first.len())?;
    let started = Instant::now();
    let transactions = first.iter().map(inspect).collect::<anyhow::Result<Vec<_>>>()?;
    stages.inspect = started.elapsed();

    let fresh = Verifier::new(REMEMBERED_MAX);
    let started = Instant::now();
    let verified: Vec<Verified> = fresh
        .verify(runtime, best.number, best.hash, &state, transactions, false)
        .into_iter()
        .collect::<Result<_, _>>()?;
    stages.verify = started.elapsed();

    let started = Instant::now();
    for transaction in &verified {
        runtime.validate(transaction, &head)?;
    }
    stages.validate = started.elapsed();

    let env = BlockEnv { number: 1, parent_hash: best.hash, digest: Digest::default(), author: None };
    let inherents = runtime
        .inherents(&InherentData { timestamp: 1 })
        .into_iter()
        .map(|bytes| inspect(&bytes).map(|inherent| Verified::assume(inherent, Default::default())))
        .collect::<anyhow::Result<_>>()?;
    let started = Instant::now();
    let built = Executor::new(Mode::Sequential)?.build(
        runtime,
        &state,
        &env,
        inherents,
        &mut verified.into_iter(),
        &|| false,
    )?;
    stages.execute = started.elapsed();
    ensure!(built.refused.is_empty(), "the corpus is valid: {:?}", built.refused.first());

    bytes.iter().map(|bytes| proof(&inspect(bytes)?)).collect()
}

/// From raw bytes to durable commit. As in a node, the pool takes transactions on its own thread while blocks are made of
/// those that are ready.
fn whole(
    chain: &Arc<Chain>,
    verifier: Arc<Verifier>,
    bytes: Vec<Vec<u8>>,
    stages: &mut Stages,
) -> anyhow::Result<()> {
    let count = bytes.len();
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
    let (blocks, mut told, follower) = follow(chain, &pool, tasks.handle());
    // What is in blocks that the pool was not told of yet: it still offers that.
    let mut in_flight = HashSet::new();
    let mut parent = chain.best().hash;
    let mut last = 0;
    let cpu = process_cpu();
    let started = Instant::now();
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
            stages.wait += at.elapsed();
            continue;
        }
        let mut ready = tasks.block_on(pool.ready());
        ready.retain(|transaction| !in_flight.contains(&transaction.hash));
        stages.wait += at.elapsed();
        timestamp += 1_000;
        let (pending, hashes) = block(chain, parent, ready, timestamp, stages)?;
        parent = pending.imported().id.hash;
        last = hashes.len();
        included += last;
        in_flight.extend(hashes.iter().copied());
        let at = Instant::now();
        blocks.send((pending, hashes)).map_err(|_| anyhow::anyhow!("the follower has ended"))?;
        stages.commit += at.elapsed();
    }
    let at = Instant::now();
    drop(blocks);
    stages.feed = follower.join().map_err(|_| anyhow::anyhow!("the follower has panicked"))??;
    stages.tail = at.elapsed();
    stages.whole = started.elapsed();
    stages.cpu = process_cpu().saturating_sub(cpu);
    tasks.block_on(submitting)??;
    ensure!(included == count, "{included} of {count} transfers were included");
    ensure!(chain.finalized().hash == parent, "all blocks are durable and final");
    drop(pool);
    service.stop();
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

/// As in a node, the pool is told of a block by somebody else than the block maker, when the block is durable.
fn follow(chain: &Arc<Chain>, pool: &PoolHandle, tasks: &tokio::runtime::Handle) -> Follower {
    let (blocks, received) = mpsc::sync_channel::<Sent>(1);
    let (tell, told) = tokio::sync::mpsc::channel(TOLD_MAX);
    let (chain, pool, tasks) = (Arc::clone(chain), pool.clone(), tasks.clone());
    let thread = std::thread::spawn(move || {
        let mut feed = Duration::ZERO;
        for (pending, hashes) in received {
            let imported = pending.wait()?;
            let at = Instant::now();
            let enacted = vec![(imported.id.hash, hashes.clone())];
            let head = head(&chain)?;
            tasks.block_on(async {
                pool.on_block(BlockUpdate { head, enacted: enacted.clone(), retracted: Vec::new() }).await;
                pool.on_finalized(enacted).await;
            });
            feed += at.elapsed();
            // The block maker may be done already.
            let _ = tell.blocking_send(hashes);
        }
        Ok(feed)
    });
    (blocks, told, thread)
}

/// Transactions per call of the pool: as many as it verifies in one batch.
const SUBMITTED_AT_ONCE: usize = 1024;

async fn submit(pool: PoolHandle, bytes: Vec<Vec<u8>>) -> anyhow::Result<()> {
    let mut waiting = bytes.into_iter();
    loop {
        let offered: Vec<Vec<u8>> = waiting.by_ref().take(SUBMITTED_AT_ONCE).collect();
        if offered.is_empty() {
            return Ok(());
        }
        for result in pool.submit_many(offered).await {
            result?;
        }
    }
}

fn block(
    chain: &Arc<Chain>,
    parent: H256,
    ready: Vec<Verified>,
    timestamp: u64,
    stages: &mut Stages,
) -> anyhow::Result<Sent> {
    let mut hashes: Vec<_> = ready.iter().map(|transaction| transaction.hash).collect();
    let at = Instant::now();
    let built = chain.build(BuildRequest {
        parent,
        digest: Digest::default(),
        author: None,
        inherents: InherentData { timestamp },
        candidates: &mut ready.into_iter(),
        deadline: None,
    })?;
    stages.build += at.elapsed();
    ensure!(built.refused().is_empty(), "the corpus is valid: {:?}", built.refused().first());
    hashes.truncate(built.transactions());

    let at = Instant::now();
    let pending = chain.commit_later(built, ImportOptions { finalize: true, ..ImportOptions::default() })?;
    stages.commit += at.elapsed();
    stages.blocks += 1;
    Ok((pending, hashes))
}

/// What all threads of this process had of the cores: Linux counts it in hundredths of a second; elsewhere it is shown as
/// zero. On a busy machine it says more than the clock.
fn process_cpu() -> Duration {
    const TICKS_PER_SECOND: u64 = 100;
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which is in brackets: user and system time are the 12th and 13th field.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND)
}

fn head(chain: &Chain) -> anyhow::Result<Head> {
    let best = chain.best();
    Ok(Head { hash: best.hash, number: best.number, state: Arc::new(chain.state_at(&best.hash)?) })
}
