//! Signed transfers from raw bytes through pool, block, root and durable commit.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use basalt_chain::{BuildRequest, Chain, ImportOptions};
use basalt_db::{Config, Db, Durability, Pruning};
use basalt_executor::{Executor, Mode};
use basalt_pool::{BlockUpdate, Head, Limits, PoolHandle};
use basalt_primitives::Digest;
use basalt_runtime::NativeRuntime;
use basalt_runtime_api::{BlockEnv, InherentData, SignatureCheck, Transaction, Verified};
use basalt_verifier::{REMEMBERED_MAX, Verifier};
use clap::Args;

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
    feed: Duration,
    whole: Duration,
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
        ("commit: one durable RocksDB batch", median.commit),
        ("feed: prune and revalidate the pool", median.feed),
        ("whole", median.whole),
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
    let started = Instant::now();
    let submitting = tasks.spawn(submit(pool.clone(), bytes));
    while included < count {
        let at = Instant::now();
        ready_count.mark_unchanged();
        let ready = tasks.block_on(pool.ready());
        if ready.is_empty() {
            tasks.block_on(ready_count.changed())?;
        }
        stages.wait += at.elapsed();
        if !ready.is_empty() {
            timestamp += 1_000;
            included += block(chain, &pool, &tasks, ready, timestamp, stages)?;
        }
    }
    stages.whole = started.elapsed();
    tasks.block_on(submitting)??;
    ensure!(included == count, "{included} of {count} transfers were included");
    drop(pool);
    service.stop();
    Ok(())
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
    pool: &PoolHandle,
    tasks: &tokio::runtime::Runtime,
    ready: Vec<Verified>,
    timestamp: u64,
    stages: &mut Stages,
) -> anyhow::Result<usize> {
    let hashes: Vec<_> = ready.iter().map(|transaction| transaction.hash).collect();
    let at = Instant::now();
    let built = chain.build(BuildRequest {
        parent: chain.best().hash,
        digest: Digest::default(),
        author: None,
        inherents: InherentData { timestamp },
        candidates: &mut ready.into_iter(),
        deadline: None,
    })?;
    stages.build += at.elapsed();
    ensure!(built.refused().is_empty(), "the corpus is valid: {:?}", built.refused().first());
    let transactions = built.transactions();
    let included = hashes[..transactions].to_vec();

    let at = Instant::now();
    let imported = chain.import_built(built, ImportOptions { finalize: true, ..ImportOptions::default() })?;
    stages.commit += at.elapsed();

    let at = Instant::now();
    tasks.block_on(async {
        let enacted = vec![(imported.id.hash, included.clone())];
        pool.on_block(BlockUpdate { head: head(chain)?, enacted: enacted.clone(), retracted: Vec::new() })
            .await;
        pool.on_finalized(enacted).await;
        anyhow::Ok(())
    })?;
    stages.feed += at.elapsed();
    stages.blocks += 1;
    Ok(transactions)
}

fn head(chain: &Chain) -> anyhow::Result<Head> {
    let best = chain.best();
    Ok(Head { hash: best.hash, number: best.number, state: Arc::new(chain.state_at(&best.hash)?) })
}
