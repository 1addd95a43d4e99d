//! What can go wrong in an engine, or in what is asked of it.

use basalt_chain::ChainError;
use basalt_primitives::H256;

/// Why an engine stopped, or did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// This engine decides for itself when a block is made.
    #[error(
        "the {engine} engine does not make or finalise blocks on request; start the node with --sealing manual"
    )]
    Unsupported {
        /// Its name.
        engine: &'static str,
    },
    /// Nothing to put into a block.
    #[error(
        "no transaction is ready, and an empty block was not asked for; submit one, or pass createEmpty = true"
    )]
    EmptyPool,
    /// The block to build on or to finalise.
    #[error(
        "block {0:?} is not known here, or stands below the finalised block; ask for the head, and try that"
    )]
    UnknownBlock(H256),
    /// The chain refused.
    #[error(transparent)]
    Chain(ChainError),
    /// Nobody answers: the node is stopping.
    #[error("the engine has stopped; the node is shutting down, or says in its log why the engine failed")]
    Stopped,
    /// The pool has ended before the engine.
    #[error("the transaction pool has stopped, so no block can be made; the log says why")]
    PoolStopped,
    /// The engine itself must not go on.
    #[error("{0}")]
    Halted(String),
    /// A defect of this program.
    #[error("making a block ended in a panic: {0}; this is a defect, please report it")]
    Panicked(String),
}

impl EngineError {
    /// The JSON-RPC code that clients of `engine_createBlock` know.
    pub fn code(&self) -> i32 {
        match self {
            Self::Stopped | Self::PoolStopped => 10_000,
            Self::Chain(_) => 11_000,
            Self::EmptyPool => 12_000,
            Self::UnknownBlock(_) => 13_000,
            Self::Unsupported { .. } => 14_000,
            Self::Halted(_) | Self::Panicked(_) => 20_000,
        }
    }

    /// Whether the engine must stop because of it. The others concern one request, or pass.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Chain(error) => error.is_internal(),
            Self::PoolStopped | Self::Halted(_) | Self::Panicked(_) => true,
            Self::Unsupported { .. } | Self::EmptyPool | Self::UnknownBlock(_) | Self::Stopped => false,
        }
    }
}

impl From<ChainError> for EngineError {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::UnknownBlock(hash) => Self::UnknownBlock(hash),
            other => Self::Chain(other),
        }
    }
}
