//! What the last blocks hold, in memory: whoever follows the chain asks for it right after.

use std::{collections::VecDeque, sync::Arc};

use basalt_primitives::{Block, H256, OpaqueExtrinsic};
use parking_lot::Mutex;

use crate::limits::{RECENT_BLOCKS, RECENT_BYTES};

/// What a block holds. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Contents {
    block: Arc<Block>,
    hashes: Arc<[H256]>,
}

impl Contents {
    /// `hashes` are those of the block's extrinsics.
    pub(crate) fn new(block: Arc<Block>, hashes: Arc<[H256]>) -> Self {
        debug_assert_eq!(block.extrinsics.len(), hashes.len());
        Self { block, hashes }
    }

    /// Header and body.
    pub fn block(&self) -> &Arc<Block> {
        &self.block
    }

    /// Its extrinsics, in order.
    pub fn extrinsics(&self) -> &[OpaqueExtrinsic] {
        &self.block.extrinsics
    }

    /// Their hashes, in the same order.
    pub fn hashes(&self) -> &[H256] {
        &self.hashes
    }

    /// Bytes of the extrinsics.
    pub fn bytes(&self) -> usize {
        self.block.extrinsics.iter().map(|extrinsic| extrinsic.0.len()).sum()
    }
}

/// The last blocks that came in, [`RECENT_BLOCKS`] and [`RECENT_BYTES`] at most.
#[derive(Default)]
pub(crate) struct Recent {
    /// Locked for moments only.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Oldest first, each with its bytes.
    blocks: VecDeque<(H256, usize, Contents)>,
    bytes: usize,
}

impl Recent {
    pub(crate) fn keep(&self, hash: H256, contents: Contents) {
        let bytes = contents.bytes();
        let mut forgotten = Vec::new();
        let mut kept = self.kept.lock();
        kept.bytes += bytes;
        kept.blocks.push_back((hash, bytes, contents));
        while kept.blocks.len() > RECENT_BLOCKS || kept.bytes > RECENT_BYTES {
            let Some(oldest) = kept.blocks.pop_front() else { break };
            kept.bytes -= oldest.1;
            forgotten.push(oldest);
        }
        // Giving back a large block's memory takes longer than others should wait.
        drop(kept);
        drop(forgotten);
    }

    pub(crate) fn get(&self, hash: &H256) -> Option<Contents> {
        let kept = self.kept.lock();
        kept.blocks.iter().rev().find(|(other, ..)| other == hash).map(|(.., contents)| contents.clone())
    }

    /// Forgets a block that lost.
    pub(crate) fn forget(&self, hash: &H256) {
        let mut kept = self.kept.lock();
        if let Some(place) = kept.blocks.iter().position(|(other, ..)| other == hash)
            && let Some((_, bytes, _)) = kept.blocks.remove(place)
        {
            kept.bytes -= bytes;
        }
    }
}
