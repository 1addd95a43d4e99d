//! What others are told.

use std::sync::Arc;

use basalt_db::BlockId;
use basalt_primitives::H256;

/// A change of the chain. Sent, in order, after it is durable and readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainEvent {
    /// There is a new block, on whichever branch.
    Imported {
        /// The block.
        id: BlockId,
        /// The block below.
        parent: H256,
    },
    /// The head is another block now.
    NewBest {
        /// The head.
        id: BlockId,
        /// Blocks that left the head's branch, ascending.
        retracted: Arc<[BlockId]>,
        /// Blocks that joined the head's branch, ascending; the last one is `id`, unless the head went back to a block
        /// below the old one.
        enacted: Arc<[BlockId]>,
    },
    /// Blocks became final.
    Finalized {
        /// The blocks, ascending.
        ids: Arc<[BlockId]>,
        /// Blocks of losing branches, which are gone.
        dropped: Arc<[H256]>,
    },
}
