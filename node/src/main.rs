//! Wire the parts into one binary: configuration, command line, tasks and shutdown.
//!
//! # Responsibility
//!
//! - The only place with concrete types of everything: which runtime, which engine, which database.
//! - Flags, chain specifications, logs, clean shutdown.
//!
//! # Invariants
//!
//! - Results go to stdout, logs and errors to stderr.
//! - Every way to stop (Ctrl-C, SIGTERM, a failure of the database) ends all tasks and closes the database.
//!
//! # Out of scope
//!
//! Everything that can be tested without a process is in the crates that this one wires.

mod agreement;
mod chain_spec;
mod cli;
mod error;
mod folder;
mod logging;
mod maker;
mod metrics;
mod network;
mod offences;
mod parent;
mod run;
mod stderr;
mod stdout;
mod turnout;
mod validator;

use std::process::ExitCode;

use clap::Parser;

/// Several threads allocate small keys and values all the time; the system's allocator makes them wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let result = match cli.command {
        Some(command) => command.run(),
        None => run::run(&cli.node).map_err(Into::into),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One sentence, with its causes: what is wrong, and what to do.
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
