//! `basalt bench`: see how fast a node is, and what keeps it from being faster.

mod error;
mod report;
#[cfg(test)]
mod tests;

use clap::Subcommand;

use self::{error::BenchError, report::ReportArgs};
use super::tx::TxError;
use crate::stdout;

/// See how fast a node is, and what keeps it from being faster.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Show how a running node ran its last blocks
    ///
    /// One line per block: how many transactions there were, how often they were run, and where the time went. Below,
    /// the storage keys that made transactions run again, by pallet and item, with what to do about each.
    ///
    /// A node in parallel mode runs transactions ahead, on all cores, and commits them in order. A transaction that
    /// had read what one before it then changed is run again. Few of those are cheap; many mean that the block's
    /// transactions share a value, and more cores will not help before that is changed.
    ///
    /// The last ten blocks:            basalt bench report
    /// One block:                      basalt bench report --block 42
    /// For scripts, and in full:       basalt bench report --json
    /// What parallel execution brings: run the node with --execution sequential, and compare execute
    #[command(verbatim_doc_comment)]
    Report(ReportArgs),
}

impl BenchCommand {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(TxError::Runtime)?;
        let text = runtime.block_on(self.text())?;
        stdout::line(&text);
        Ok(())
    }

    async fn text(&self) -> Result<String, BenchError> {
        match self {
            Self::Report(args) => args.run().await,
        }
    }
}
