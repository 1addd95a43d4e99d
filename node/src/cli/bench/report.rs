//! `basalt bench report`.

use std::{collections::BTreeMap, fmt::Write, str::FromStr};

use basalt_chain::limits::REPORTS_KEPT;
use basalt_primitives::{BlockNumber, H256};
use basalt_rpc_api::types::{ExecutionConflict, ExecutionConflictKind, ExecutionReport};
use clap::Args;

use super::error::BenchError;
use crate::cli::tx::{Node, NodeFlags, Told};

/// Keys that are shown: those that cost the most. `--json` has all that the node names.
const KEYS_SHOWN: usize = 10;

/// Flags of `bench report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Which block to show: its hash, or its height on the best chain.
    #[arg(long, value_name = "HASH|NUMBER", conflicts_with = "last")]
    block: Option<Which>,

    /// How many blocks to show, the best one and those below it. The node remembers 256.
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 10,
        value_parser = clap::value_parser!(u16).range(1..=i64::try_from(REPORTS_KEPT).unwrap_or(i64::MAX)),
    )]
    last: u16,

    #[command(flatten)]
    node: NodeFlags,
}

/// A block as people name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Hash(H256),
    Number(BlockNumber),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(number) = text.parse() {
            return Ok(Self::Number(number));
        }
        let hash = const_hex::decode_to_array(text);
        hash.map(|hash| Self::Hash(H256(hash))).map_err(|_| {
            format!("'{text}' is no block: use its height, such as 42, or its hash, 0x and 64 hex digits")
        })
    }
}

impl ReportArgs {
    pub(super) async fn run(&self) -> Result<String, BenchError> {
        let node = Node::connect(&self.node.url).await?;
        let reports = match self.block {
            Some(which) => vec![self.one(&node, which).await?],
            None => self.last(&node).await?,
        };
        Ok(if self.node.json { serde_json::json!(reports).to_string() } else { text(&reports) })
    }

    async fn one(&self, node: &Node, which: Which) -> Result<ExecutionReport, BenchError> {
        let hash = match which {
            Which::Hash(hash) => hash,
            Which::Number(number) => match node.hash_at(number).await? {
                Some(hash) => hash,
                None => {
                    let best = node.best_hash().await?;
                    let best = node.header(best).await?.map_or(0, |header| header.number);
                    return Err(BenchError::TooHigh { number, best });
                }
            },
        };
        match node.execution_report(hash).await? {
            Told::Report(report) => Ok(*report),
            Told::Forgotten(why) => Err(BenchError::Forgotten(why)),
            Told::UnknownBlock => Err(BenchError::UnknownBlock { hash }),
            Told::NoReports => Err(BenchError::NoReports { url: self.node.url.clone() }),
        }
    }

    /// The best block and those below it, oldest first.
    async fn last(&self, node: &Node) -> Result<Vec<ExecutionReport>, BenchError> {
        let mut reports = Vec::new();
        let mut hash = node.best_hash().await?;
        while reports.len() < usize::from(self.last) {
            match node.execution_report(hash).await? {
                Told::Report(report) => reports.push(*report),
                Told::Forgotten(_) | Told::UnknownBlock => break,
                Told::NoReports => return Err(BenchError::NoReports { url: self.node.url.clone() }),
            }
            let Some(header) = node.header(hash).await? else { break };
            hash = header.parent_hash;
        }
        if reports.is_empty() {
            return Err(BenchError::NothingYet);
        }
        reports.reverse();
        Ok(reports)
    }
}

/// What a row of the table adds up.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    transactions: u64,
    executions: u64,
    re_executions: u64,
    sequential: u64,
    parked: u64,
    verify: u64,
    execute: u64,
    root: u64,
    commit: u64,
}

impl Sums {
    fn add(&mut self, report: &ExecutionReport) {
        let stages = &report.stage_micros;
        for (sum, more) in [
            (&mut self.transactions, u64::from(report.transactions)),
            (&mut self.executions, report.executions.into()),
            (&mut self.re_executions, report.re_executions.into()),
            (&mut self.sequential, report.sequential.into()),
            (&mut self.parked, report.parked.into()),
            (&mut self.verify, stages.verify),
            (&mut self.execute, stages.execute),
            (&mut self.root, stages.root),
            (&mut self.commit, stages.commit),
        ] {
            *sum = sum.saturating_add(more);
        }
    }

    /// Time on the clock, all stages.
    fn micros(&self) -> u64 {
        [self.verify, self.execute, self.root, self.commit].into_iter().fold(0, u64::saturating_add)
    }
}

/// The last line of the table, and the width of its first columns.
const ALL: &str = "all";

/// Everything for a person.
pub(super) fn text(reports: &[ExecutionReport]) -> String {
    let mut text = String::new();
    if let Some(last) = reports.last() {
        let _ = writeln!(text, "{}\n", heading(reports, last));
    }
    text += "     block  from       tx    runs   again       %   alone  parked |  verify execute    root  commit |   µs/tx\n";
    let mut all = Sums::default();
    for report in reports {
        let mut sums = Sums::default();
        sums.add(report);
        all.add(report);
        let from = if report.built_here { "here" } else { "peer" };
        text += &row(&format!("#{}", report.block_number), from, &sums);
    }
    if reports.len() > 1 {
        text += &row(ALL, "", &all);
    }
    text += LEGEND;
    text += &conflicts(reports, &all);
    text.truncate(text.trim_end().len());
    text
}

/// What the columns mean.
const LEGEND: &str = "
tx: transactions. runs: how often they were run; again: those that had to be run again at their turn, % of tx.
alone: not run ahead. parked: waited for one before them. Then µs on the clock for each stage of the block, and for
all stages per transaction. verify is empty for blocks from here: the pool checks signatures before.
";

fn heading(reports: &[ExecutionReport], last: &ExecutionReport) -> String {
    let blocks = match reports {
        [one] => format!("Block #{} {:#x}", one.block_number, one.block_hash.0),
        [first, ..] => format!("Blocks #{} to #{}", first.block_number, last.block_number),
        [] => String::new(),
    };
    format!("{blocks}, execution: {}", last.mode)
}

fn row(block: &str, from: &str, sums: &Sums) -> String {
    let Sums { transactions, executions, re_executions, sequential, parked, .. } = sums;
    let Sums { verify, execute, root, commit, .. } = sums;
    let percent = tenths(re_executions.saturating_mul(100), *transactions);
    let each = tenths(sums.micros(), *transactions);
    format!(
        "{block:>10}  {from:4} {transactions:>8} {executions:>7} {re_executions:>7} {percent:>7} {sequential:>7} \
         {parked:>7} | {verify:>7} {execute:>7} {root:>7} {commit:>7} | {each:>7}\n"
    )
}

/// A ratio with one digit behind the point.
fn tenths(over: u64, under: u64) -> String {
    if under == 0 {
        return "–".to_owned();
    }
    let tenths = u128::from(over).saturating_mul(10) / u128::from(under);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// One key in all blocks.
struct Conflict<'a> {
    /// As the node described it.
    described: &'a ExecutionConflict,
    /// How many re-executions it caused in all blocks.
    count: u64,
    /// In how many blocks.
    blocks: u64,
    /// The first of them.
    first_block: BlockNumber,
}

fn conflicts(reports: &[ExecutionReport], all: &Sums) -> String {
    let mut by_key: BTreeMap<_, Conflict<'_>> = BTreeMap::new();
    for report in reports {
        for described in &report.conflicts {
            let found = by_key.entry((&described.key, described.kind)).or_insert(Conflict {
                described,
                count: 0,
                blocks: 0,
                first_block: report.block_number,
            });
            found.count = found.count.saturating_add(described.count.into());
            found.blocks = found.blocks.saturating_add(1);
        }
    }
    let mut found: Vec<_> = by_key.into_values().collect();
    found.sort_by(|a, b| b.count.cmp(&a.count));
    if found.is_empty() {
        let sequential = reports.iter().all(|report| report.mode == "sequential");
        return match (sequential, all.re_executions) {
            (true, _) => {
                "\nThe node runs transactions one after the other, so none runs again. Start it with \
                          --execution parallel to\nsee what they conflict over.\n"
                    .to_owned()
            }
            (false, 0) => "\nNo transaction had to run again.\n".to_owned(),
            (false, _) => "\nThe node names no keys for the transactions that ran again.\n".to_owned(),
        };
    }
    let mut text = String::from("\nKeys that made transactions run again:\n");
    for (place, conflict) in (1..).zip(found.iter().take(KEYS_SHOWN)) {
        let Conflict { described, count, blocks, first_block } = conflict;
        let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
        let place_in_block = format!("first transaction {} of block #{first_block}", described.first);
        let spread = if *blocks > 1 { format!(", in {blocks} blocks") } else { String::new() };
        let _ = writeln!(text, "{place:>3}. {}: {times}{spread}; {place_in_block}", name(described));
        let _ = writeln!(text, "     {}", advice(described));
    }
    if found.len() > KEYS_SHOWN {
        let _ = writeln!(text, "     … and {} more: see --json", found.len() - KEYS_SHOWN);
    }
    text
}

/// `System.Account(5Grw…)`, or the key in hex.
fn name(conflict: &ExecutionConflict) -> String {
    match (&conflict.pallet, &conflict.item) {
        (Some(pallet), Some(item)) if conflict.map_key.is_empty() => format!("{pallet}.{item}"),
        (Some(pallet), Some(item)) => format!("{pallet}.{item}({})", conflict.map_key.join(", ")),
        _ => const_hex::encode_prefixed(&conflict.key.0),
    }
}

/// What to do about it.
pub(super) fn advice(conflict: &ExecutionConflict) -> &'static str {
    let is_account =
        conflict.pallet.as_deref() == Some("System") && conflict.item.as_deref() == Some("Account");
    match conflict.kind {
        ExecutionConflictKind::Condition => {
            "Others changed it across a limit that these had checked: with more in it, or fewer of them in one block, \
             none waits."
        }
        ExecutionConflictKind::Range => {
            "These walk over keys that others insert or remove: keep what they look for in a value of its own."
        }
        ExecutionConflictKind::Value if conflict.pallet.is_none() => {
            "No pallet of the runtime owns this key: look for code that writes raw storage."
        }
        ExecutionConflictKind::Value if is_account => {
            "All of these read one account's balance or nonce while others change it: spread the load over more \
             accounts."
        }
        ExecutionConflictKind::Value if conflict.map_key.is_empty() => {
            "All of these read and write one value: if they only add to it, use add_delta; else split it, for \
             instance by account."
        }
        ExecutionConflictKind::Value => {
            "All of these read and write one entry: if they only add to it, use add_delta; other entries do not wait."
        }
    }
}
