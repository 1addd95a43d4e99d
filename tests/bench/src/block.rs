//! Signed transfers as one block in memory: decode, verify, execute, state root. What a peer without pool and disk does.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{anyhow, ensure};
use basalt_executor::{Executor, Mode};
use basalt_primitives::H256;
use basalt_runtime_api::{BlockEnv, Runtime, Verified};
use basalt_state::{ChangeSet, Memory};
use basalt_tree::{Tree, hash_changes, key_hash, value_hash};
use basalt_verifier::{REMEMBERED_MAX, Verifier};
use clap::Args;
use serde_json::json;

use crate::{
    corpus::{self, Transfers},
    place::GENESIS,
    roomy::Roomy,
    statistics::{Spread, each, load, processor_time},
    workload::inherents,
};

/// How to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    transfers: Transfers,
    /// How often to measure; the median counts
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// How the block is executed: sequential, parallel or parallel=N. RAYON_NUM_THREADS says how many threads verify
    #[arg(long, default_value_t)]
    execution: Mode,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// What each step took.
#[derive(Debug, Clone, Copy, Default)]
struct Steps {
    inspect: Duration,
    verify: Duration,
    execute: Duration,
    root: Duration,
    processor: Duration,
}

impl Steps {
    fn whole(&self) -> Duration {
        self.inspect + self.verify + self.execute + self.root
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Transfers { accounts, senders, .. } = arguments.transfers;
    let count = arguments.transfers.count() as usize;
    let genesis = serde_json::to_vec(&corpus::genesis(accounts, senders)?)?;
    let mut state = Memory::default();
    state.apply(&Roomy::default().genesis(&genesis)?);
    let tree = Tree::build(state.0.iter().map(|(key, value)| (key_hash(key), value_hash(value))));
    let bytes = corpus::transfers(GENESIS, &arguments.transfers)?;
    let executor = Executor::new(arguments.execution)?;

    let mut runs = Vec::new();
    for _ in 0..arguments.runs.max(1) {
        runs.push(once(&state, &tree, &bytes, &executor)?);
    }
    let median = |step: fn(&Steps) -> Duration| Spread::of(runs.iter().map(|steps| each(step(steps), count)));
    let whole = median(Steps::whole);
    let processor = median(|steps| steps.processor);
    if arguments.json {
        println!(
            "{}",
            json!({
                "benchmark": "block",
                "transactions": count,
                "accounts": accounts,
                "mode": arguments.execution.to_string(),
                "load": load(),
                "us": { "median": whole.median, "least": whole.least, "most": whole.most },
                "cpu_us": { "median": processor.median, "least": processor.least, "most": processor.most },
                "transactions_per_second": 1e6 / whole.median,
            })
        );
        return Ok(());
    }
    println!(
        "\nblock: {count} signed transfer_keep_alive in memory, {accounts} accounts, execution {}, verification on {} \
         threads, load {}",
        arguments.execution,
        rayon::current_num_threads(),
        load()
    );
    println!("  µs per transfer: median (least to most)");
    for (name, step) in [
        ("inspect", median(|steps| steps.inspect)),
        ("verify", median(|steps| steps.verify)),
        ("execute", median(|steps| steps.execute)),
        ("root", median(|steps| steps.root)),
        ("whole", whole),
        ("its CPU", processor),
    ] {
        println!("    {name:<10} {:>7.2} ({:.2} to {:.2})", step.median, step.least, step.most);
    }
    Ok(())
}

fn once(state: &Memory, tree: &Tree, bytes: &[Vec<u8>], executor: &Executor) -> anyhow::Result<Steps> {
    let bytes = bytes.to_vec();
    let verifier = Verifier::new(REMEMBERED_MAX);
    let env = BlockEnv { number: 1, parent_hash: GENESIS, digest: Default::default(), author: None };
    let mut block = inherents(&Roomy::default(), env.number)?;
    let mut steps = Steps::default();
    let processor = processor_time();

    let started = Instant::now();
    let transactions = bytes
        .into_iter()
        .map(|bytes| Roomy::default().inspect(bytes).map(Arc::new).map_err(|refusal| anyhow!(refusal.detail)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    steps.inspect = started.elapsed();

    let started = Instant::now();
    let verified: Vec<Verified> = verifier
        .verify(&Roomy::default(), 0, GENESIS, state, transactions, false)
        .into_iter()
        .collect::<Result<_, _>>()?;
    steps.verify = started.elapsed();

    let started = Instant::now();
    block.extend(verified);
    let (executed, _) = executor.execute(&Roomy::default(), state, &env, &block)?;
    steps.execute = started.elapsed();
    let failed = executed.receipts.iter().filter(|receipt| receipt.result.is_err()).count();
    ensure!(failed == 0, "{failed} transfers fail");

    let started = Instant::now();
    let root = root(tree, &executed.changes)?;
    steps.root = started.elapsed();
    steps.processor = processor_time().saturating_sub(processor);
    ensure!(root.0 != tree.root(), "the block changes nothing");
    Ok(steps)
}

fn root(tree: &Tree, changes: &ChangeSet) -> anyhow::Result<H256> {
    let changes: Vec<_> = changes.iter().collect();
    Ok(H256(tree.view(&[])?.update(hash_changes(&changes)).root()))
}
