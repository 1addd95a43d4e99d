//! Measure whole paths, with the ratios that matter, in one run.
//!
//! # Responsibility
//!
//! - `pipeline`: signed `transfer_keep_alive` from raw bytes through pool, block, root and durable commit, next to what
//!   schnorrkel's batch verification alone reaches in the same run on the same cores.
//! - `import`: blocks of another node, imported one by one and in a pipeline.
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
mod import;
mod pipeline;
mod signatures;

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
    /// Blocks of another node, one by one and in a pipeline
    Import(import::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Some(Command::Pipeline(arguments)) => pipeline::run(&arguments),
        Some(Command::Import(arguments)) => import::run(&arguments),
        None => {
            for accounts in [10_000, 1_000_000] {
                pipeline::run(&pipeline::Arguments { accounts, ..pipeline::Arguments::default() })?;
            }
            Ok(())
        }
    }
}
