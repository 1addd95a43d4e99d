//! Measure whole paths, with the ratios that matter, in one run.
//!
//! # Responsibility
//!
//! - `pipeline`: signed `transfer_keep_alive` from raw bytes through pool, block, root and durable commit, next to what
//!   schnorrkel's batch verification alone reaches in the same run on the same cores; which stage binds, and how well the
//!   stages alone predict the whole.
//! - `block`: the same transfers as one block in memory, from raw bytes to the root, for comparison with peers
//!   (`tests/peers`).
//! - `execute`: workloads from distinct pairs to hostile ones, sequentially against in parallel, in turns, with equal
//!   results; `execute --quick` only compares, and is run by the tests.
//! - `import`: blocks of another node, imported one by one and in a pipeline.
//! - `project`: what the parallel executor would do on up to 32 cores, simulated from one recorded pass, and held against
//!   what is measured on one and two.
//!
//! # Assumptions
//!
//! Machines are noisy: read ratios of one run, not absolute figures. Corpora are signed before the clock starts.
//!
//! # Out of scope
//!
//! Tests: nothing here fails because something was slow.
#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

mod block;
mod contracts;
mod corpus;
mod execute;
mod import;
mod pipeline;
mod place;
mod project;
mod random;
mod roomy;
mod signatures;
mod simulate;
mod statistics;
mod synthetic;
mod workload;

use clap::{Parser, Subcommand};

/// The allocator of the node.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measure whole paths, with the ratios that matter, in one run
///
/// Without a command: the pipeline with 10,000 and with 1,000,000 accounts, and the essential workloads of `execute`.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

/// The workloads that are run where nobody asks for others.
const ESSENTIAL: [&str; 8] = ["w1", "w2", "w3-1.0", "w4-sender", "w9", "batches", "s5-undeclared", "w10-key"];

#[derive(Debug, Subcommand)]
enum Command {
    /// Signed transfers from raw bytes to durable commit
    Pipeline(pipeline::Arguments),
    /// Signed transfers from raw bytes to a state root, as one block in memory: what peers do as well
    Block(block::Arguments),
    /// Blocks of verified transactions: one after the other against in parallel
    Execute(execute::Arguments),
    /// Blocks of another node, one by one and in a pipeline
    Import(import::Arguments),
    /// What the parallel executor would do on more cores: simulated from one recorded pass
    Project(project::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Some(Command::Pipeline(arguments)) => pipeline::run(&arguments),
        Some(Command::Block(arguments)) => block::run(&arguments),
        Some(Command::Execute(arguments)) => execute::run(&arguments),
        Some(Command::Import(arguments)) => import::run(&arguments),
        Some(Command::Project(arguments)) => project::run(&arguments),
        None => {
            for accounts in [10_000, 1_000_000] {
                let mut arguments = pipeline::Arguments::default();
                arguments.transfers.accounts = accounts;
                pipeline::run(&arguments)?;
            }
            let workload = ESSENTIAL.iter().map(|id| id.to_string()).collect();
            execute::run(&execute::Arguments { workload, ..execute::Arguments::default() })
        }
    }
}
