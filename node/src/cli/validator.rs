//! Flags about taking part in the agreement on blocks.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::Args;

/// Between blocks while no transaction waits, unless blocks are slower than that anyway.
const EMPTY_BLOCK_TIME: Duration = Duration::from_secs(10);

/// The longest time between blocks that makes sense: a day.
const BLOCK_TIME_MAX: Duration = Duration::from_secs(86_400);

/// Flags about taking part in the agreement on blocks.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Validators")]
pub(crate) struct ValidatorArgs {
    /// Vote on blocks and make them, with the keys in the keystore.
    #[arg(long, conflicts_with = "dev")]
    pub(crate) validator: bool,

    /// The time between blocks on a chain with validators: 500ms, 2s; 0 for as fast as it goes.
    #[arg(long, value_name = "TIME", default_value = "1s")]
    pub(crate) block_time: BlockTime,

    /// The time between blocks while no transaction waits [default: 10s, or the block time if that is longer].
    #[arg(long, value_name = "TIME")]
    pub(crate) empty_block_time: Option<BlockTime>,

    /// Where the validator's keys are [default: `keystore` in the data folder].
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keystore_path: Option<PathBuf>,

    /// For how many block times to listen, before voting, for votes that another process signs with the same keys;
    /// `off` votes at once.
    #[arg(long, value_name = "BLOCKS|off", default_value = "2")]
    pub(crate) doppelganger_wait: DoppelgangerWait,
}

/// A time between blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BlockTime(pub(crate) Duration);

/// For how long to listen before voting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DoppelgangerWait {
    /// Not at all.
    Off,
    /// For this many block times.
    Blocks(u32),
}

/// How fast blocks come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// While transactions wait.
    pub(crate) block: Duration,
    /// While none does; never less.
    pub(crate) empty: Duration,
}

/// Two times between blocks that do not fit together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "--empty-block-time {empty} is less than --block-time {block}: blocks without transactions cannot come faster than \
     those with some; raise it, or leave it out"
)]
pub(crate) struct PaceError {
    block: BlockTime,
    empty: BlockTime,
}

impl ValidatorArgs {
    /// How fast blocks are to come.
    pub(crate) fn pace(&self) -> Result<Pace, PaceError> {
        pace(self.block_time, self.empty_block_time)
    }
}

/// How fast blocks are to come, by two flags.
pub(crate) fn pace(block: BlockTime, empty: Option<BlockTime>) -> Result<Pace, PaceError> {
    match empty {
        Some(empty) if empty < block => Err(PaceError { block, empty }),
        Some(empty) => Ok(Pace { block: block.0, empty: empty.0 }),
        None => Ok(Pace { block: block.0, empty: EMPTY_BLOCK_TIME.max(block.0) }),
    }
}

impl std::fmt::Display for BlockTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let millis = self.0.as_millis();
        match (millis, millis % 1000) {
            (0, _) => f.write_str("0"),
            (_, 0) => write!(f, "{}s", millis / 1000),
            _ => write!(f, "{millis}ms"),
        }
    }
}

impl FromStr for BlockTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is no time between blocks: write 500ms, 2s, or 0 (at most {}s)",
                BLOCK_TIME_MAX.as_secs()
            )
        };
        let number = |digits: &str| digits.parse::<u64>().map_err(|_| wrong());
        let time = match (text, text.strip_suffix("ms"), text.strip_suffix('s')) {
            ("0", _, _) => Duration::ZERO,
            (_, Some(digits), _) => Duration::from_millis(number(digits)?),
            (_, None, Some(digits)) => Duration::from_secs(number(digits)?),
            _ => return Err(wrong()),
        };
        if time > BLOCK_TIME_MAX { Err(wrong()) } else { Ok(Self(time)) }
    }
}

impl FromStr for DoppelgangerWait {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            _ => text
                .parse()
                .map(Self::Blocks)
                .map_err(|_| format!("'{text}' is no number of blocks: write a number such as 2, or off")),
        }
    }
}
