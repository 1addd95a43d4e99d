//! Check the code base itself, and do the chores that outgrow a line of shell.
//!
//! # Responsibility
//!
//! - `cargo run -p xtask -- tidy`: what a compiler cannot know of this repository, checked: the layers of its crates,
//!   their one-sentence descriptions, leftovers, dependencies and their licences, links. See [`mod@tidy`].
//!
//! - `cargo xtask fuzz TARGET [--seconds N] [--seed S] [--replay FILE]`: builds `tests/fuzz` and runs it.
//! - `cargo xtask sim [--seeds A..B] [--faults NAME,…] [--nodes N] [--heights H] [--trace]`: `tests/sim`, likewise.
//!
//! # Out of scope
//!
//! Installing things (`scripts/setup.sh`) and the order of the checks (`scripts/test.sh`).

use std::{
    env,
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, ensure};

mod tidy;

#[expect(clippy::print_stdout, reason = "this is a command line program, and its report goes to stdout")]
fn main() -> Result<ExitCode> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.split_first() {
        Some((task, [])) if task == "tidy" => tidy(),
        Some((task, rest)) if task == "fuzz" => program("basalt-fuzz", rest),
        Some((task, rest)) if task == "sim" => program("basalt-sim", rest),
        _ => {
            println!("usage: cargo xtask tidy | cargo xtask fuzz --help | cargo xtask sim --help");
            Ok(ExitCode::from(2))
        }
    }
}

#[expect(clippy::print_stdout, reason = "this is a command line program, and its report goes to stdout")]
fn tidy() -> Result<ExitCode> {
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

/// Not a dependency: what checks the code base should not wait for a Wasm compiler to be built.
fn program(name: &str, arguments: &[String]) -> Result<ExitCode> {
    let root = tidy::repository_root()?;
    let folder = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    // As the Makefile builds, for the reason that it gives.
    let built = Command::new("cargo")
        .args(["build", "--locked", "--workspace", "--examples", "--bin", name])
        .current_dir(&root)
        .status()
        .context("cargo cannot be run")?;
    ensure!(built.success(), "{name} could not be built");
    let program = folder.join("debug").join(name);
    let ran = Command::new(&program).args(arguments).status();
    let ran = ran.with_context(|| format!("{} cannot be run", program.display()))?;
    Ok(if ran.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
