//! Blocks of another node, imported one by one and in a pipeline.

use std::{sync::Arc, time::Instant};

use anyhow::ensure;
use basalt_chain::{BuildRequest, Chain, ImportOptions};
use basalt_db::{Config, Db, Durability, Pruning};
use basalt_executor::{Executor, Mode};
use basalt_primitives::{Block, Digest};
use basalt_runtime::NativeRuntime;
use basalt_runtime_api::{InherentData, Verified};
use basalt_verifier::{REMEMBERED_MAX, Verifier};
use clap::Args;
use tempfile::TempDir;

use crate::corpus;

/// How to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Blocks to import.
    #[arg(long, default_value_t = 200)]
    blocks: u32,
    /// Transfers in each.
    #[arg(long, default_value_t = 250)]
    transfers: u32,
    /// Accounts in the state.
    #[arg(long, default_value_t = 10_000)]
    accounts: u32,
    /// How often to measure.
    #[arg(long, default_value_t = 3)]
    runs: u32,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { blocks, transfers, accounts, runs } = *arguments;
    println!(
        "\nimport: {blocks} blocks of {transfers} signed transfer_keep_alive, {accounts} accounts, fsync per block, {} \
         cores",
        rayon::current_num_threads()
    );
    let genesis = serde_json::to_vec(&corpus::genesis(accounts, transfers)?)?;
    let offered = make(&genesis, arguments)?;
    for number in 1..=runs {
        let single = {
            let (chain, _folder) = open(&genesis, Durability::Block)?;
            let offered = offered.clone();
            let started = Instant::now();
            for block in offered {
                chain.import(block, options())?;
            }
            started.elapsed()
        };
        let many = {
            let (chain, _folder) = open(&genesis, Durability::Block)?;
            let offered = offered.clone();
            let tip = offered.last().map(Block::hash);
            let started = Instant::now();
            let done = chain.import_many(offered.into_iter().map(|block| (block, options())));
            let time = started.elapsed();
            done.error.map_or(Ok(()), Err)?;
            ensure!(Some(chain.finalized().hash) == tip, "all blocks are final");
            time
        };
        let each = |time: std::time::Duration| time.as_secs_f64() * 1e6 / f64::from(blocks * transfers);
        println!(
            "  run {number}: one by one {:>6.2}, pipelined {:>6.2} µs per transfer, {:.2} times as fast",
            each(single),
            each(many),
            single.as_secs_f64() / many.as_secs_f64()
        );
    }
    Ok(())
}

fn options() -> ImportOptions {
    ImportOptions { finalize: true, ..ImportOptions::default() }
}

/// A chain whose verifier has seen nothing.
fn open(genesis: &[u8], durability: Durability) -> anyhow::Result<(Arc<Chain>, TempDir)> {
    let folder = tempfile::tempdir()?;
    let config = Config { pruning: Pruning::Keep(256), cache_bytes: 1 << 30, durability };
    let chain = Chain::open(
        Db::open(&folder.path().join("db"), config)?,
        Arc::new(NativeRuntime::default()),
        genesis,
        Executor::new(Mode::Sequential)?,
        Arc::new(Verifier::new(REMEMBERED_MAX)),
    )?;
    Ok((chain, folder))
}

/// The blocks: each sender once in every one.
fn make(genesis: &[u8], arguments: &Arguments) -> anyhow::Result<Vec<Block>> {
    let Arguments { blocks, transfers, accounts, .. } = *arguments;
    let (chain, _folder) = open(genesis, Durability::Off)?;
    let asked = corpus::Transfers { accounts, senders: transfers, rounds: blocks, pairs: false };
    let corpus = corpus::transfers(chain.genesis_hash(), &asked)?;
    let mut parent = chain.genesis_hash();
    let mut made = Vec::new();
    for (number, bytes) in (1..).zip(corpus.chunks(usize::try_from(transfers)?)) {
        let candidates = bytes
            .iter()
            .map(|bytes| match chain.runtime().inspect(bytes.clone()) {
                Ok(transaction) => Ok(Verified::assume(Arc::new(transaction), chain.genesis_hash())),
                Err(refusal) => Err(anyhow::anyhow!(refusal.detail)),
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let built = chain.build(BuildRequest {
            parent,
            digest: Digest::default(),
            author: None,
            inherents: InherentData::at(number * 1_000),
            candidates: &mut candidates.into_iter(),
            deadline: None,
        })?;
        ensure!(built.refused().is_empty(), "the corpus is valid: {:?}", built.refused().first());
        made.push(built.block().clone());
        parent = chain.commit_later(built, options())?.wait()?.id.hash;
    }
    Ok(made)
}
