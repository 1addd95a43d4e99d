//! Run other executors on the work that basalt-bench measures, in turns with it.
//!
//! # Responsibility
//!
//! - FRAME (`frame-executive`, native, one thread): signed `transfer_keep_alive` from bytes to a header with its state
//!   root, signatures checked one by one as its extrinsics do.
//! - `pallet-contracts` (native, one thread): calls of a token's `transfer`, with the same `.wasm` as ours, without signatures.
//! - revm: plain transfers, one after the other, without signatures.
//! - Ours: `basalt-bench`, as a process of its own, on the same number of transfers, between the peers' runs.
//!
//! # Assumptions
//!
//! The peers are built as polkadot-sdk builds releases. basalt-bench is whatever binary it is given, by default the
//! development profile, with overflow checks and assertions in our own code: ratios are lower bounds.
//!
//! # Out of scope
//!
//! Networks and disks of peers; anything that fails because it is slow.

mod contracts;
mod evm;
mod frame;

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::{Parser, ValueEnum};
use parity_scale_codec::Encode;
use serde_json::Value;

/// The allocator that ours has too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measure other executors beside basalt-bench, in turns, and print ratios
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// The basalt-bench binary that runs our side
    #[arg(long)]
    bench: PathBuf,
    /// Transfers per run, as one block
    #[arg(long, default_value_t = 10_000)]
    transfers: u32,
    /// Accounts in the state; distinct pairs need two for each transfer
    #[arg(long, default_value_t = 20_000)]
    accounts: u32,
    /// How often each side runs; the median counts
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// Which peers, by comma; contracts need --token
    #[arg(long, value_delimiter = ',', default_value = "frame,revm")]
    peers: Vec<Peer>,
    /// Which workloads, by comma
    #[arg(long, value_delimiter = ',', default_value = "w1,w2")]
    workload: Vec<Workload>,
    /// The token that contract calls transfer, as `make contracts` builds it
    #[arg(long)]
    token: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Peer {
    Frame,
    Revm,
    Contracts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Workload {
    /// Distinct pairs
    W1,
    /// Senders in rounds, receivers random
    W2,
    /// Calls of a token, holders in rounds, receivers random
    #[value(skip)]
    W5,
}

/// Where FRAME keeps its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backend {
    /// A map; the root is computed over all of it.
    Basic,
    /// A trie in memory, read through its nodes; the root is computed from what changed.
    Trie,
}

/// What is transferred: the same as in `basalt-bench block`.
#[derive(Debug, Clone, Copy)]
struct Transfers {
    workload: Workload,
    count: u32,
    accounts: u32,
}

/// Transfers of each sender where senders are not distinct.
const ROUNDS: u32 = 4;

impl Transfers {
    fn rounds(&self) -> u32 {
        match self.workload {
            Workload::W1 => 1,
            Workload::W2 => ROUNDS,
            // Its senders are its holders: see `contracts`.
            Workload::W5 => 1,
        }
    }

    fn senders(&self) -> u32 {
        self.count / self.rounds()
    }

    fn accounts(&self) -> u32 {
        self.accounts.max(2 * self.senders())
    }

    /// The receiver, among `others`.
    fn to(&self, from: u32, nonce: u32, others: u32) -> u32 {
        match self.workload {
            Workload::W1 => from,
            // Below a u32.
            Workload::W2 | Workload::W5 => (draw(from, nonce) % u64::from(others)) as u32,
        }
    }
}

/// As in basalt-bench's corpus.
fn draw(from: u32, nonce: u32) -> u64 {
    u64::from_le_bytes((from, nonce).using_encoded(sp_io::hashing::twox_64))
}

/// How ours is run.
#[derive(Debug, Clone, Copy)]
struct Ours {
    name: &'static str,
    arguments: &'static [&'static str],
    one_thread: bool,
    /// Which of the JSON lines it prints, by its mode.
    mode: Option<&'static str>,
}

const WITH_SIGNATURES: &[Ours] = &[
    Ours {
        name: "ours, from bytes to root, 1 thread",
        arguments: &["block", "--execution", "sequential"],
        one_thread: true,
        mode: None,
    },
    Ours {
        name: "ours, from bytes to root, all cores",
        arguments: &["block"],
        one_thread: false,
        mode: None,
    },
    Ours {
        name: "ours, whole pipeline: pool, root, fsync",
        arguments: &["pipeline", "--runs", "1"],
        one_thread: false,
        mode: None,
    },
];

const EXECUTION_ONLY: &[Ours] = &[
    Ours {
        name: "ours, execution only, sequential",
        arguments: &["execute", "--runs", "1"],
        one_thread: false,
        mode: Some("sequential"),
    },
    Ours {
        name: "ours, execution only, all cores",
        arguments: &["execute", "--runs", "1"],
        one_thread: false,
        mode: Some("parallel"),
    },
];

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if !cli.bench.is_file() {
        bail!("there is no {}; build it with `make build` or give another path", cli.bench.display());
    }
    for workload in &cli.workload {
        let transfers = Transfers { workload: *workload, count: cli.transfers, accounts: cli.accounts };
        println!(
            "\n{workload:?}: {} transfers as one block, {} accounts, {} runs in turns, load {}",
            transfers.senders() * transfers.rounds(),
            transfers.accounts(),
            cli.runs,
            load()
        );
        for peer in &cli.peers {
            match peer {
                Peer::Frame => {
                    let corpus = frame::Corpus::new(&transfers)?;
                    for backend in [Backend::Basic, Backend::Trie] {
                        let name = format!("FRAME native, 1 thread, {backend:?} backend");
                        contest(&cli, &transfers, &name, WITH_SIGNATURES, || corpus.run(backend))?;
                    }
                }
                // Not a matter of who pays whom.
                Peer::Contracts => {}
                Peer::Revm => {
                    let corpus = evm::Corpus::new(&transfers)?;
                    contest(&cli, &transfers, "revm, 1 thread, no signatures", EXECUTION_ONLY, || {
                        corpus.run()
                    })?;
                }
            }
        }
    }
    if cli.peers.contains(&Peer::Contracts) {
        contracts(&cli)?;
    }
    Ok(())
}

/// Calls of one token's `transfer` among its holders, `transfers` of them.
fn contracts(cli: &Cli) -> anyhow::Result<()> {
    let token =
        cli.token.as_ref().context("contract calls need --token, the token.wasm of `make contracts`")?;
    let holders = cli.accounts.min(cli.transfers).max(2);
    println!(
        "\nW5: {} calls of one token's transfer, {holders} holders, {} runs in turns, load {}",
        cli.transfers,
        cli.runs,
        load()
    );
    let corpus = contracts::Corpus::new(token, holders, cli.transfers)?;
    let transfers = Transfers { workload: Workload::W5, count: cli.transfers, accounts: holders };
    for backend in [Backend::Basic, Backend::Trie] {
        let name = format!("pallet-contracts native, 1 thread, {backend:?}");
        contest(cli, &transfers, &name, EXECUTION_ONLY, || corpus.run(backend))?;
    }
    Ok(())
}

/// Peer, ours, peer, ours …; then medians and ratios, run by run.
fn contest(
    cli: &Cli,
    transfers: &Transfers,
    name: &str,
    ours: &[Ours],
    peer: impl Fn() -> anyhow::Result<Measured>,
) -> anyhow::Result<()> {
    let count = f64::from(transfers.senders() * transfers.rounds());
    let mut peers = Vec::new();
    let mut pairs = vec![Vec::new(); ours.len()];
    // Not counted: caches and code pages.
    peer()?;
    for _ in 0..cli.runs.max(1) {
        for (ours, pairs) in ours.iter().zip(&mut pairs) {
            let Measured { time, processor } = peer()?;
            let theirs = [time, processor].map(|time| time.as_secs_f64() * 1e6 / count);
            peers.push(theirs);
            pairs.push((theirs, run_ours(cli, transfers, ours)?));
        }
    }
    println!("  {name:<44} {}", figures(&peers));
    for (ours, pairs) in ours.iter().zip(&pairs) {
        let ratio = |by: usize| spread(pairs.iter().map(|(theirs, mine)| theirs[by] / mine[by]));
        let ((low, middle, high), (_, by_processor, _)) = (ratio(0), ratio(1));
        let mine: Vec<_> = pairs.iter().map(|(_, mine)| *mine).collect();
        println!(
            "  {:<44} {}; {middle:.2} times as fast ({low:.2} to {high:.2}), {by_processor:.2} by CPU",
            ours.name,
            figures(&mine)
        );
    }
    Ok(())
}

/// Microseconds per transfer: on the clock, and of the processors.
fn run_ours(cli: &Cli, transfers: &Transfers, ours: &Ours) -> anyhow::Result<[f64; 2]> {
    let mut command = Command::new(&cli.bench);
    command.args(ours.arguments).arg("--json");
    let (senders, rounds) = (transfers.senders().to_string(), transfers.rounds().to_string());
    let accounts = transfers.accounts().to_string();
    let count = (transfers.senders() * transfers.rounds()).to_string();
    let workload = match transfers.workload {
        Workload::W1 => "w1",
        Workload::W2 => "w2",
        Workload::W5 => "w5-random",
    };
    match ours.arguments.first() {
        Some(&"execute") => {
            command.args(["--workload", workload, "--transactions", &count, "--accounts", &accounts]);
        }
        _ => {
            command.args(["--accounts", &accounts, "--senders", &senders, "--rounds", &rounds]);
            if transfers.workload == Workload::W1 {
                command.arg("--pairs");
            }
        }
    }
    if let Some(folder) = cli.token.as_ref().and_then(|token| token.parent()) {
        command.env("CONTRACTS_OUT", folder);
    }
    if ours.one_thread {
        command.env("RAYON_NUM_THREADS", "1");
    }
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    let mut last = None;
    for line in text.lines().filter(|line| line.starts_with('{')) {
        let line: Value = serde_json::from_str(line)?;
        let mode = line.get("mode").and_then(Value::as_str).unwrap_or_default();
        if ours.mode.is_none_or(|wanted| mode.starts_with(wanted)) {
            let figure = |path| line.pointer(path).and_then(Value::as_f64);
            last = figure("/us/median").zip(figure("/cpu_us/median"));
        }
    }
    let (time, processor) = last.with_context(|| format!("{command:?} printed no figure"))?;
    Ok([time, processor])
}

/// Least, median and most.
fn spread(figures: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
    (at(0), at(figures.len() / 2), at(figures.len().saturating_sub(1)))
}

fn figures(times: &[[f64; 2]]) -> String {
    let (low, middle, high) = spread(times.iter().map(|[time, _]| *time));
    let (_, processor, _) = spread(times.iter().map(|[_, processor]| *processor));
    format!(
        "{middle:>8.2} µs each ({low:.2} to {high:.2}), {processor:>7.2} µs CPU, {:>8.0} per second",
        1e6 / middle
    )
}

/// What one run of a peer took. Peers have one thread.
#[derive(Debug, Clone, Copy)]
struct Measured {
    time: Duration,
    processor: Duration,
}

impl Measured {
    /// Measures `work`.
    fn of<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Self)> {
        let (started, before) = (Instant::now(), processor_time());
        let result = work()?;
        let time = started.elapsed();
        Ok((result, Self { time, processor: processor_time().saturating_sub(before) }))
    }
}

/// Processor time of this thread, as the kernel last noted it; zero where it does not say.
fn processor_time() -> Duration {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .map(Duration::from_nanos)
        .unwrap_or_default()
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| text.split_whitespace().next().map(str::to_owned))
        .unwrap_or_else(|| "unknown".to_owned())
}
