//! Check the code base itself, and do the chores that outgrow a line of shell.
//!
//! # Responsibility
//!
//! - `cargo run -p xtask -- tidy`: what a compiler cannot know of this repository, checked: the layers of its crates,
//!   their one-sentence descriptions, leftovers, dependencies and their licences, links. See [`tidy`].
//! - `cargo xtask sim …`: builds and runs `tests/sim` with these arguments.
//!
//! # Out of scope
//!
//! Installing things (`scripts/setup.sh`) and the order of the checks (`scripts/test.sh`).

use std::process::{Command, ExitCode};

use anyhow::Context;

mod tidy;

#[expect(clippy::print_stdout, reason = "this is a command line program, and its report goes to stdout")]
fn main() -> anyhow::Result<ExitCode> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        Some((task, [])) if task == "tidy" => tidy(),
        Some((task, rest)) if task == "sim" => sim(rest),
        _ => {
            println!(
                "usage: cargo xtask tidy\n       cargo xtask sim [--seeds A..B] [--faults NAME,…] [--nodes N] [--help]"
            );
            Ok(ExitCode::from(2))
        }
    }
}

/// Builds as `make` does, so that RocksDB is not compiled with other features once more, and runs.
fn sim(args: &[String]) -> anyhow::Result<ExitCode> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = ["build", "-q", "--locked", "--workspace", "--examples", "--bin", "basalt-sim"];
    let built = Command::new(cargo).args(build).status().context("cargo cannot be started")?;
    anyhow::ensure!(built.success(), "basalt-sim cannot be built");
    let metadata = cargo_metadata::MetadataCommand::new().no_deps().exec()?;
    let binary = metadata.target_directory.join("debug/basalt-sim");
    let status =
        Command::new(&binary).args(args).status().with_context(|| format!("{binary} cannot be started"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::print_stdout, reason = "this is a command line program, and its report goes to stdout")]
fn tidy() -> anyhow::Result<ExitCode> {
    let report = tidy::check(&tidy::repository_root()?)?;
    for note in &report.notes {
        println!("note: {note}");
    }
    for problem in &report.problems {
        println!("problem: {problem}");
    }
    if report.problems.is_empty() {
        println!("tidy");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} problems", report.problems.len());
    Ok(ExitCode::FAILURE)
}
