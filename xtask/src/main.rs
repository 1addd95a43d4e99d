//! Check the code base itself, and do the chores that outgrow a line of shell.
//!
//! # Responsibility
//!
//! - `cargo run -p xtask -- tidy`: what a compiler cannot know of this repository, checked: the layers of its crates,
//!   their one-sentence descriptions, leftovers, dependencies and their licences, links. See [`tidy`].
//!
//! # Out of scope
//!
//! Installing things (`scripts/setup.sh`) and the order of the checks (`scripts/test.sh`).

use std::process::ExitCode;

mod tidy;

#[expect(clippy::print_stdout, reason = "this is a command line program, and its report goes to stdout")]
fn main() -> anyhow::Result<ExitCode> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !matches!(args.as_slice(), [task] if task == "tidy") {
        println!("usage: cargo run -p xtask -- tidy");
        return Ok(ExitCode::from(2));
    }
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
