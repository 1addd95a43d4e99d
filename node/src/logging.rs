//! Logs: readable by people, JSON on request.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, fmt};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line, for machines.
    Json,
}

/// Parts that tell of each message, or of each peer that went away, as if it were news.
const QUIET: &str = "arc_malachitebft_core_consensus=warn,informalsystems_malachitebft=warn,libp2p=warn";

/// Starts logging to stderr, so that stdout stays free for results.
pub(crate) fn start(filter: &str, format: LogFormat) -> Result<(), LogError> {
    // What others say comes before what the operator says, so that he may ask for more of them.
    let filter = EnvFilter::try_new(format!("{QUIET},{filter}"))
        .map_err(|error| LogError::Filter { filter: filter.to_owned(), why: error.to_string() })?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => {
            builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).init();
        }
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// The filter is not one.
    #[error(
        "the log filter '{filter}' is not valid: {why}; use a level (error, warn, info, debug, trace) or target=level \
         pairs, separated by commas"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong.
        why: String,
    },
}
