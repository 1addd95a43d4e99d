//! `basalt why-not-final`: say whether blocks become final, and who is missing if they do not.

mod diagnosis;
#[cfg(test)]
mod tests;

use clap::Args;

use self::diagnosis::{Diagnosis, View};
use super::tx::{Node, NodeFlags, TxError, Votes};
use crate::stdout;

/// Flags of `why-not-final`.
#[derive(Debug, Args)]
pub(crate) struct WhyNotFinalArgs {
    #[command(flatten)]
    node: NodeFlags,
}

/// Why there is no diagnosis.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WhyError {
    /// The node cannot be asked.
    #[error(transparent)]
    Node(#[from] TxError),
    /// The chain has one node.
    #[error(
        "nobody votes on the chain of the node at {url}: one node seals it alone, and each of its blocks is final at \
         once; start validators with `basalt localnet`"
    )]
    NoVotes {
        /// The node.
        url: String,
    },
    /// Another program.
    #[error(
        "the node at {url} does not tell how its validators agree: it is another program or an older version; check \
         --url"
    )]
    NoStatus {
        /// The node.
        url: String,
    },
}

impl WhyNotFinalArgs {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(TxError::Runtime)?;
        let text = runtime.block_on(self.text())?;
        stdout::line(&text);
        Ok(())
    }

    async fn text(&self) -> Result<String, WhyError> {
        let url = || self.node.url.clone();
        let node = Node::connect(&self.node.url).await?;
        let report = match node.votes().await? {
            Votes::Report(report) => *report,
            Votes::OneNode => return Err(WhyError::NoVotes { url: url() }),
            Votes::Untold => return Err(WhyError::NoStatus { url: url() }),
        };
        let health = node.health().await?;
        let chain = node.chain().await?;
        let view = View { report: &report, health, ss58_prefix: chain.ss58_prefix };
        let diagnosis = Diagnosis::of(&view);
        Ok(if self.node.json { diagnosis.json(&view).to_string() } else { diagnosis.text(&view) })
    }
}
