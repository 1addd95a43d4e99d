//! `basalt tx`: send transactions and see what became of them.

mod amount;
mod client;
mod error;
mod outcome;
mod prepare;
mod sender;
mod status;
mod submit;
#[cfg(test)]
mod tests;
mod transfer;

use clap::{Args, Subcommand};

#[cfg(test)]
pub(super) use self::amount::Token;
pub(super) use self::{
    amount::AmountError,
    client::{Chain, Node, Told, Votes, decode_all, decode_head},
    error::TxError,
    outcome::{Included, Outcome, describe},
    prepare::{Shortfall, Spending},
    sender::{Address, DEVELOPMENT_SENDER, SenderFlags},
    submit::{Ready, SendFlags},
};
use self::{status::StatusArgs, transfer::TransferArgs};
use crate::{stderr, stdout};

/// Send transactions and see what became of them.
#[derive(Debug, Subcommand)]
pub(crate) enum TxCommand {
    /// Send tokens, wait until that is final, and say what it cost
    Transfer(TransferArgs),
    /// Say whether a transaction waits, is in a block, is final, and how it went
    ///
    /// Ends with an error if the transaction is not found.
    Status(StatusArgs),
}

/// Flags that all commands share which ask a node.
#[derive(Debug, Clone, Args)]
pub(super) struct NodeFlags {
    /// The node to ask: its WebSocket address.
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:9944", env = "BASALT_URL")]
    pub(super) url: String,

    /// Print the result as JSON, and nothing else.
    #[arg(long)]
    pub(super) json: bool,
}

impl NodeFlags {
    /// Tells a person what goes on. Not on stdout, which is for the result.
    pub(super) fn note(&self, text: &str) {
        if !self.json {
            stderr::line(text);
        }
    }
}

/// What a command found out.
#[derive(Debug)]
struct Report {
    /// For stdout; none if the failure says it all.
    text: Option<String>,
    /// Makes the program end with an error.
    failure: Option<TxError>,
}

impl TxCommand {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(TxError::Runtime)?;
        let report = runtime.block_on(self.report())?;
        if let Some(text) = report.text {
            stdout::line(&text);
        }
        report.failure.map_or(Ok(()), |failure| Err(failure.into()))
    }

    async fn report(&self) -> Result<Report, TxError> {
        match self {
            Self::Transfer(args) => args.run().await,
            Self::Status(args) => args.run().await,
        }
    }
}
