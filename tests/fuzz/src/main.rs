//! The fuzzer as a program; see the library.
#![expect(clippy::print_stdout, reason = "this is a command line program, and its report goes to stdout")]

use std::{env, fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use basalt_fuzz::{Fuzzer, Seen, Summary, TARGETS, target};
use clap::Parser;

/// Search for inputs that break an invariant
#[derive(Debug, Parser)]
struct Arguments {
    /// What to fuzz: `host_interface`
    target: String,
    /// For how long
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// So many cases, instead of for some time
    #[arg(long, conflicts_with = "seconds")]
    cases: Option<u64>,
    /// Where chance begins: the same seed, cases and corpus do the same again
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Run this input only, and say what happens
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Where corpus and failures are kept [default: ~/.cache/basalt/fuzz/TARGET]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    let target = target(&arguments.target).with_context(|| {
        format!("there is no target {}; there are: {}", arguments.target, names.join(", "))
    })?;
    if let Some(file) = &arguments.replay {
        let input = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        println!("{}", (target.describe)(&input));
        // A panic is shown as it is, with its trace.
        (target.run)(&input, &mut Seen::default());
        println!("{} of {} bytes: nothing is wrong", file.display(), input.len());
        return Ok(());
    }
    let folder = match arguments.folder {
        Some(folder) => folder,
        None => PathBuf::from(env::var("HOME").context("HOME is not set: give --folder")?)
            .join(".cache/basalt/fuzz")
            .join(target.name),
    };
    let mut fuzzer = Fuzzer::new(target, arguments.seed, Some(&folder))
        .with_context(|| format!("the folder {} cannot be used", folder.display()))?;
    let summary = match arguments.cases {
        Some(cases) => fuzzer.cases(cases)?,
        None => fuzzer.seconds(arguments.seconds, say)?,
    };
    say(&summary);
    match summary.failure {
        None => Ok(()),
        Some(failure) => bail!(
            "{}\n\nagain: cargo xtask fuzz {} --replay {}",
            failure.message,
            target.name,
            failure.file.unwrap_or_default().display()
        ),
    }
}

fn say(summary: &Summary) {
    println!("{} cases, {} in the corpus, {} behaviours", summary.cases, summary.corpus, summary.behaviours);
}
