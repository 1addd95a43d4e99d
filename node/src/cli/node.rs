//! Flags of a node, named as Substrate binaries name them.

use std::{net::IpAddr, path::PathBuf, str::FromStr, time::Duration};

use basalt_executor::Mode;
use clap::{Args, ValueEnum};

use super::{network::NetworkArgs, validator::ValidatorArgs};
use crate::logging::LogFormat;

#[cfg(test)]
mod tests;

/// Flags of a node.
#[derive(Debug, Clone, Args)]
pub(crate) struct NodeArgs {
    /// Run a development chain: one node, instant blocks, funded accounts //Alice … //Ferdie.
    ///
    /// Short for `--chain dev`, with a temporary folder unless --base-path is given.
    #[arg(long, conflicts_with = "chain")]
    pub(crate) dev: bool,

    /// Which chain to run: the preset `dev` or `local`, or the path of a chain specification file.
    #[arg(long, value_name = "PRESET|FILE", env = "BASALT_CHAIN")]
    pub(crate) chain: Option<String>,

    /// Where the node keeps its data [default: $XDG_DATA_HOME/basalt or ~/.local/share/basalt].
    #[arg(short = 'd', long, value_name = "FOLDER", env = "BASALT_BASE_PATH")]
    pub(crate) base_path: Option<PathBuf>,

    /// Keep the data in a temporary folder that is removed when the node stops.
    #[arg(long, conflicts_with = "base_path")]
    pub(crate) tmp: bool,

    /// A name for this node, shown to people.
    #[arg(long, value_name = "NAME", default_value = "basalt")]
    pub(crate) name: String,

    /// When to make blocks on a development chain: `instant`, `manual`, or `interval:<milliseconds>`.
    #[arg(long, value_name = "WHEN", default_value = "instant")]
    pub(crate) sealing: Sealing,

    /// For how many finalised blocks to keep the state: a number, or `archive` for all of them.
    #[arg(long, alias = "state-pruning", value_name = "BLOCKS|archive", default_value = "256")]
    pub(crate) pruning: PruningArg,

    /// How to run a block's transactions: `sequential`, or `parallel=N` on N threads; `parallel` takes all cores.
    ///
    /// What a block does never depends on it. `basalt bench report` shows what it brings.
    #[arg(
        long,
        value_name = "sequential|parallel[=N]",
        default_value = "parallel",
        env = "BASALT_EXECUTION"
    )]
    pub(crate) execution: Mode,

    /// How much memory the state may take, in MiB; what does not fit is read from disk.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub(crate) state_cache: usize,

    /// The port for JSON-RPC over HTTP and WebSocket; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 9944)]
    pub(crate) rpc_port: u16,

    /// The address to listen on for JSON-RPC. Anything but a loopback address lets others in.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) rpc_listen: IpAddr,

    /// Which web pages may use the RPC: `all`, or origins separated by commas
    /// [default: all on --dev, else localhost and polkadot.js.org].
    #[arg(long, value_name = "ORIGINS")]
    pub(crate) rpc_cors: Option<String>,

    /// Which methods to serve: `auto` serves unsafe ones only on a loopback address.
    #[arg(long, value_enum, default_value_t = RpcMethods::Auto)]
    pub(crate) rpc_methods: RpcMethods,

    /// The most RPC connections at once.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub(crate) rpc_max_connections: u32,

    /// The port for metrics, at http://127.0.0.1:PORT/metrics; 0 picks a free one
    /// [default: 9615, or none if that is taken].
    #[arg(long, value_name = "PORT", conflicts_with = "no_prometheus")]
    pub(crate) prometheus_port: Option<u16>,

    /// Serve metrics on all addresses of this machine, not only on 127.0.0.1. Lets others in.
    #[arg(long, conflicts_with = "no_prometheus")]
    pub(crate) prometheus_external: bool,

    /// Serve no metrics.
    #[arg(long)]
    pub(crate) no_prometheus: bool,

    /// What to log: a level (error, warn, info, debug, trace), or target=level pairs, separated by commas.
    #[arg(short = 'l', long, value_name = "FILTER", default_value = "info", env = "BASALT_LOG")]
    pub(crate) log: String,

    /// How log lines look.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    /// Stop when stdin closes: whoever started this node has gone. `basalt localnet` sets it.
    #[arg(long, hide = true)]
    pub(crate) stop_with_parent: bool,

    /// Peers.
    #[command(flatten)]
    pub(crate) network: NetworkArgs,

    /// The agreement on blocks.
    #[command(flatten)]
    pub(crate) validator: ValidatorArgs,
}

/// Which methods to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RpcMethods {
    /// Unsafe ones only on a loopback address.
    Auto,
    /// None that can harm the node or show its secrets.
    Safe,
    /// All, whoever asks.
    Unsafe,
}

/// When a development chain makes blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sealing {
    /// When a transaction arrives.
    Instant,
    /// On `engine_createBlock`.
    Manual,
    /// Again and again.
    Interval(Duration),
}

/// The longest interval between blocks that makes sense: a day.
const INTERVAL_MS_MAX: u64 = 86_400_000;

impl FromStr for Sealing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "instant" => return Ok(Self::Instant),
            "manual" => return Ok(Self::Manual),
            _ => {}
        }
        let wrong = || {
            format!(
                "'{text}' is not a way of sealing: use instant, manual or interval:<milliseconds> (1 to {INTERVAL_MS_MAX})"
            )
        };
        let milliseconds = text.strip_prefix("interval:").ok_or_else(wrong)?;
        let milliseconds: u64 = milliseconds.parse().map_err(|_| wrong())?;
        if !(1..=INTERVAL_MS_MAX).contains(&milliseconds) {
            return Err(wrong());
        }
        Ok(Self::Interval(Duration::from_millis(milliseconds)))
    }
}

/// For how many blocks to keep the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PruningArg {
    /// For all.
    Archive,
    /// For this many.
    Keep(u32),
}

/// Below this, clients that still hold a recent block would lose its state under their feet.
const PRUNING_BLOCKS_MIN: u32 = 1;

impl FromStr for PruningArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "archive" {
            return Ok(Self::Archive);
        }
        match text.parse() {
            Ok(blocks) if blocks >= PRUNING_BLOCKS_MIN => Ok(Self::Keep(blocks)),
            _ => Err(format!(
                "'{text}' is not a pruning: use archive, or a number of blocks from {PRUNING_BLOCKS_MIN}"
            )),
        }
    }
}
