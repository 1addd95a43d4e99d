//! What can go wrong, and whose fault it is.

use std::sync::Arc;

use basalt_db::DbError;
use basalt_executor::ExecuteError;
use basalt_primitives::{BlockNumber, Digest, H256, TransactionValidityError};
use basalt_runtime_api::{GenesisError, InherentError};
use basalt_state::StateError;
use basalt_tree::TreeError;

use crate::limits::{BLOCK_BYTES_MAX, DIGEST_BYTES_MAX, UNFINALIZED_MAX};

/// Why the chain did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The block cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// There is no such block, or it lost against another that is final.
    #[error("block {0:?} is not known here; it was never imported, or lost against a finalised block")]
    UnknownBlock(H256),
    /// The state of this block is no longer kept. Clients look for this text.
    #[error("State already discarded for {0:?}")]
    Pruned(H256),
    /// The database holds another chain.
    #[error(
        "the database belongs to the chain with genesis {database:?}, but the chain specification makes genesis \
         {specification:?}; start with that chain's specification, or with another --base-path"
    )]
    OtherGenesis {
        /// Of the chain in the database.
        database: H256,
        /// Of the chain that was asked for.
        specification: H256,
    },
    /// The chain specification makes no genesis block.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// What the database holds does not fit together.
    #[error("the database is damaged: {0}; run `basalt db check`, or sync again with an empty --base-path")]
    Damaged(String),
    /// A new block cannot be made this way: a mistake of the engine that asks.
    #[error("the block cannot be made: {0}")]
    BadRequest(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The state could not be read.
    #[error(transparent)]
    State(StateError),
    /// Execution failed on our side.
    #[error(transparent)]
    Execute(ExecuteError),
    /// The Merkle tree does not fit the blocks: a mistake in this program.
    #[error("the state tree does not fit the blocks above it: {0}; this is a defect, please report it")]
    Tree(#[from] TreeError),
    /// The thread that commits could not be started.
    #[error("the operating system gives no thread for commits: {0}; raise its limit of threads")]
    Thread(std::io::Error),
    /// An earlier commit failed, so nobody knows what is on disk.
    #[error("the chain takes no more blocks since a commit failed: {0}; free the cause and restart the node")]
    Stopped(Arc<str>),
}

impl ChainError {
    /// Whether the block was bad, whoever looks at it: whoever sent it did wrong.
    pub fn is_peer_fault(&self) -> bool {
        matches!(self, Self::Import(error) if error.is_peer_fault())
    }

    /// Whether the cause is on this node. It says nothing about any block, so nobody is punished, and nothing is
    /// refused for good.
    pub fn is_internal(&self) -> bool {
        match self {
            Self::Import(_) | Self::UnknownBlock(_) | Self::Pruned(_) => false,
            Self::OtherGenesis { .. }
            | Self::Genesis(_)
            | Self::Damaged(_)
            | Self::BadRequest(_)
            | Self::Db(_)
            | Self::State(_)
            | Self::Execute(_)
            | Self::Tree(_)
            | Self::Thread(_)
            | Self::Stopped(_) => true,
        }
    }
}

/// Why a block cannot be imported. Kept apart from [`ChainError`], since only these say something about the block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Too long to look into.
    #[error("the block has {bytes} bytes, more than the {BLOCK_BYTES_MAX} that any chain allows")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The header carries too much.
    #[error("the header's digest has {bytes} bytes, more than {DIGEST_BYTES_MAX}")]
    DigestTooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Not the encoding of a block.
    #[error("the bytes are no block: {0}")]
    Undecodable(String),
    /// The block below is missing. Not the sender's fault: ask for it first.
    #[error("block {number} stands on {parent:?}, which is not known here; import that one first")]
    UnknownParent {
        /// Height of the block.
        number: BlockNumber,
        /// The block below.
        parent: H256,
    },
    /// It would fork the chain below the finalised block. Not a fault by itself: the sender may not know yet.
    #[error(
        "block {number} would stand below the finalised block {finalized}, so it can never be part of the chain"
    )]
    BelowFinalized {
        /// Height of the block.
        number: BlockNumber,
        /// Height of the finalised block.
        finalized: BlockNumber,
    },
    /// Too many blocks wait for finality.
    #[error("{UNFINALIZED_MAX} blocks wait for finality already; finalise some of them first")]
    TooManyUnfinalized,
    /// The height is not that of the parent plus one.
    #[error("the header says number {got}, but its parent has {}: expected {expected}", .expected.saturating_sub(1))]
    WrongNumber {
        /// In the header.
        got: BlockNumber,
        /// By the parent.
        expected: BlockNumber,
    },
    /// The body is not the one that the header commits to.
    #[error("the extrinsics have the root {expected:?}, but the header says {got:?}")]
    WrongExtrinsicsRoot {
        /// In the header.
        got: H256,
        /// Of the body.
        expected: H256,
    },
    /// A transaction is unreadable, badly signed, expired, or cannot be applied at its place.
    #[error("transaction {index} of the block (hash {hash:?}) is invalid there: {error}{}{detail}", if detail.is_empty() { "" } else { ": " })]
    BadTransaction {
        /// Its place in the block.
        index: u32,
        /// Its hash.
        hash: H256,
        /// The reference error.
        error: TransactionValidityError,
        /// What is wrong, for people; may be empty.
        detail: String,
    },
    /// A transaction no longer fits: by weight or by bytes.
    #[error("transaction {index} of the block (hash {hash:?}) exceeds the block's limit of weight or length")]
    OverLimit {
        /// Its place in the block.
        index: u32,
        /// Its hash.
        hash: H256,
    },
    /// An inherent stands behind other transactions.
    #[error(
        "transaction {index} of the block (hash {hash:?}) is an inherent, which may stand at the front of the block only"
    )]
    LateInherent {
        /// Its place in the block.
        index: u32,
        /// Its hash.
        hash: H256,
    },
    /// The inherents are not as they must be.
    #[error(transparent)]
    Inherents(#[from] InherentError),
    /// Execution adds other digest items than the header has.
    #[error("the header's digest is {got:?}, but execution leads to {expected:?}")]
    WrongDigest {
        /// In the header, without seals.
        got: Digest,
        /// By execution.
        expected: Digest,
    },
    /// Execution leads to another state.
    #[error("the header says state root {got:?}, but execution leads to {expected:?}")]
    WrongStateRoot {
        /// In the header.
        got: H256,
        /// By execution.
        expected: H256,
    },
}

impl ImportError {
    /// Whether the block is bad, whoever looks at it and whenever.
    pub fn is_peer_fault(&self) -> bool {
        match self {
            // What this node lacks, or what time heals.
            Self::UnknownParent { .. }
            | Self::BelowFinalized { .. }
            | Self::TooManyUnfinalized
            | Self::Inherents(InherentError::TooFarAhead { .. }) => false,
            Self::TooLarge { .. }
            | Self::DigestTooLarge { .. }
            | Self::Undecodable(_)
            | Self::WrongNumber { .. }
            | Self::WrongExtrinsicsRoot { .. }
            | Self::BadTransaction { .. }
            | Self::OverLimit { .. }
            | Self::LateInherent { .. }
            | Self::Inherents(_)
            | Self::WrongDigest { .. }
            | Self::WrongStateRoot { .. } => true,
        }
    }
}

/// The fault of a block that does not execute, or ours.
pub(crate) fn executed(error: ExecuteError) -> ChainError {
    match error {
        ExecuteError::Invalid { index, hash, error } if error.exhausted_resources() => {
            ImportError::OverLimit { index, hash }.into()
        }
        ExecuteError::Invalid { index, hash, error } => {
            ImportError::BadTransaction { index, hash, error, detail: String::new() }.into()
        }
        internal @ (ExecuteError::Internal(_) | ExecuteError::Panicked { .. }) => {
            ChainError::Execute(internal)
        }
    }
}
