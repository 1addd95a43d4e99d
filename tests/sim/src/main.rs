//! Runs simulations: see `cargo xtask sim --help`.
#![expect(clippy::print_stdout, reason = "this is a command line program, and its report goes to stdout")]

use std::{
    ops::Range,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use basalt_sim::{Fault, Kind, NODES_MAX, Request, measure, run, run_all};
use clap::{Parser, ValueEnum};

/// Validators in one thread, with a network and disks that fail by a seed.
#[derive(Debug, Parser)]
#[command(name = "basalt-sim")]
struct Arguments {
    /// Seeds to run, the last one not among them
    #[arg(long, value_parser = seeds, default_value = "0..200")]
    seeds: Range<u64>,
    /// Kinds of trouble that may happen, with commas between them; `none` for none [default: all]
    #[arg(long, value_delimiter = ',')]
    faults: Option<Vec<String>>,
    /// Nodes [default: four to seven, by the seed]
    #[arg(long)]
    nodes: Option<usize>,
    /// Heights after which nothing goes wrong any more
    #[arg(long, default_value_t = 10)]
    heights: u32,
    /// What the nodes agree on
    #[arg(long, value_enum, default_value = "light")]
    app: Kind,
    /// Seeds that run at a time
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Print all that happens, for a single seed
    #[arg(long)]
    trace: bool,
    /// End at the first failure
    #[arg(long)]
    first: bool,
    /// Measure instead of looking for mistakes
    #[arg(long, value_enum)]
    report: Option<Report>,
    /// One-way delays for the report, in milliseconds
    #[arg(long, value_delimiter = ',', default_values_t = [1, 5, 25, 50, 100])]
    delays: Vec<u64>,
    /// What a sync of the disk takes at most in the report, in microseconds; at least half of it
    #[arg(long, default_value_t = 4_000)]
    disk: u64,
    /// What building or executing a block takes at most in the report, in microseconds
    #[arg(long, default_value_t = 2_000)]
    execution: u64,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Report {
    /// From the begin of a height to its decision
    Latency,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let wrong = |_| format!("`{text}` is no range of seeds: write 0..100, or one number");
    match text.split_once("..") {
        Some((from, to)) => Ok(from.parse().map_err(wrong)?..to.parse().map_err(wrong)?),
        None => text.parse().map(|seed: u64| seed..seed.saturating_add(1)).map_err(wrong),
    }
}

fn faults(names: Option<&[String]>) -> anyhow::Result<Vec<Fault>> {
    let Some(names) = names else { return Ok(Fault::value_variants().to_vec()) };
    if names == ["none"] {
        return Ok(Vec::new());
    }
    let known = || Fault::value_variants().iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ");
    names
        .iter()
        .map(|name| {
            Fault::from_str(name, true)
                .map_err(|_| anyhow::anyhow!("no fault `{name}`; there are: {}", known()))
        })
        .collect()
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(Report::Latency) = arguments.report {
        return report(&arguments);
    }
    anyhow::ensure!(
        arguments.nodes.is_none_or(|nodes| (1..=NODES_MAX).contains(&nodes)),
        "between 1 and {NODES_MAX} nodes are possible"
    );
    let request = Request {
        seed: arguments.seeds.start,
        faults: faults(arguments.faults.as_deref())?,
        nodes: arguments.nodes,
        heights: arguments.heights,
        kind: arguments.app,
    };
    if arguments.trace {
        return trace(&request);
    }
    let began = Instant::now();
    let step = (arguments.seeds.end.saturating_sub(arguments.seeds.start) / 20).max(1);
    let summary = run_all(arguments.seeds.clone(), arguments.threads, &request, &|summary| {
        if summary.runs.is_multiple_of(step) {
            let (runs, failures) = (summary.runs, summary.failures.len());
            println!(
                "{runs} runs, {} heights, {failures} failures, {:.1?}",
                summary.heights,
                began.elapsed()
            );
        }
        !arguments.first || summary.failures.is_empty()
    })?;
    for failure in &summary.failures {
        println!("seed {} FAILED; again: {}", failure.seed, failure.command);
        for violation in &failure.violations {
            println!("    {violation}");
        }
    }
    println!(
        "{} runs, {} heights, {} crashes, {} equivocations found, {} failures, in {:.1?}",
        summary.runs,
        summary.heights,
        summary.crashes,
        summary.caught,
        summary.failures.len(),
        began.elapsed()
    );
    Ok(if summary.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn trace(request: &Request) -> anyhow::Result<ExitCode> {
    let outcome = run(request, true)?;
    for line in &outcome.trace {
        println!("{line}");
    }
    println!(
        "seed {}: {} heights, {} crashes, virtual time {:?}, trace hash {:016x}",
        request.seed, outcome.heights, outcome.crashes, outcome.time, outcome.trace_hash
    );
    for violation in &outcome.violations {
        println!("VIOLATED: {violation}");
    }
    Ok(if outcome.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let nodes = arguments.nodes.unwrap_or(4);
    let (disk, execution) =
        (Duration::from_micros(arguments.disk), Duration::from_micros(arguments.execution));
    println!("{nodes} nodes; sync at most {disk:?}, execution at most {execution:?}");
    println!("| delay, one way | block to finality: p50 | p99 | height to finality: p50 | p99 | decisions |");
    println!("|---|---|---|---|---|---|");
    for delay in &arguments.delays {
        let latency = measure(nodes, Duration::from_millis(*delay), disk, execution)
            .with_context(|| format!("with a delay of {delay} ms"))?;
        let (block, height) = (latency.block, latency.height);
        println!(
            "| {delay} ms | {:.1?} | {:.1?} | {:.1?} | {:.1?} | {} |",
            block.p50, block.p99, height.p50, height.p99, latency.decisions
        );
    }
    Ok(ExitCode::SUCCESS)
}
