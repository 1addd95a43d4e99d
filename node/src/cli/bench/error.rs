//! Why there is nothing to show.

use basalt_primitives::{BlockNumber, H256};

use crate::cli::tx::TxError;

/// Why there is nothing to show, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// The node cannot be asked.
    #[error(transparent)]
    Node(#[from] TxError),
    /// The node knows no reports.
    #[error(
        "the node at {url} does not tell how it runs blocks: it is another program or an older version; check --url"
    )]
    NoReports {
        /// The node.
        url: String,
    },
    /// The chain is not that high.
    #[error("there is no block #{number}: the best one is #{best}")]
    TooHigh {
        /// What was asked for.
        number: BlockNumber,
        /// The height of the chain.
        best: BlockNumber,
    },
    /// Nobody has heard of it.
    #[error("the node knows no block {hash:#x}; check the hash, and that the node follows its chain")]
    UnknownBlock {
        /// What was asked for.
        hash: H256,
    },
    /// It was run too long ago, or before the node was started.
    #[error("{0}; without --block the last ones are shown")]
    Forgotten(String),
    /// The node has just been started.
    #[error(
        "the node has run no block since it started; let it run one, for instance with `basalt tx transfer --from \
         //Alice --to //Bob --amount 1`"
    )]
    NothingYet,
}
