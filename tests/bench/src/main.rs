//! Measure whole paths, with the ratios that matter, in one run.
//!
//! # Responsibility
//!
//! - `pipeline`: signed `transfer_keep_alive` from raw bytes through pool, block, root and durable commit, next to what
//!   schnorrkel's batch verification alone reaches in the same run on the same cores.
//!
//! # Assumptions
//!
//! Machines are noisy: read ratios of one run, not absolute figures. Corpora are signed before the clock starts.
//!
//! # Out of scope
//!
//! Tests: nothing here fails because something was slow.
#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

mod corpus;
mod execute;
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
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Signed transfers from raw bytes to durable commit
    Pipeline(pipeline::Arguments),
    /// Blocks of verified transactions: one after the other against in parallel
    Execute(execute::Arguments),
    /// What the parallel executor would do on more cores: simulated from one recorded pass
    Project(project::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Some(Command::Pipeline(arguments)) => pipeline::run(&arguments),
        Some(Command::Execute(arguments)) => execute::run(&arguments),
        Some(Command::Project(arguments)) => project::run(&arguments),
        None => {
            for accounts in [10_000, 1_000_000] {
                pipeline::run(&pipeline::Arguments { accounts, ..pipeline::Arguments::default() })?;
            }
            Ok(())
        }
    }
}
