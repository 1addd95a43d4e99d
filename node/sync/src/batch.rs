//! An answer whose parts fit together.

use basalt_chain::{BlockId, Justification, extrinsics_root, limits::DIGEST_BYTES_MAX};
use basalt_network::{BlockData, BlockResponse};
use basalt_primitives::{Block, BlockNumber, H256};
use parity_scale_codec::Encode;

use crate::limits::{BATCH_BLOCKS_MAX, BATCH_PARTS_MAX};

#[cfg(test)]
mod tests;

/// A block with what shall prove that it is final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Hash and height of `block`, computed here.
    pub id: BlockId,
    /// Header and the body that the header commits to.
    pub block: Block,
    /// Not checked yet.
    pub justification: Justification,
}

/// Consecutive blocks, each on the one before, with bodies that belong to the headers. Whether they are final is not
/// known. At least one, until they are taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch(Vec<Offered>);

/// What is wrong with an answer, whoever looks at it: the fault of the one who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// More blocks than were asked for.
    #[error("{got} blocks where {asked} were asked for")]
    TooMany {
        /// In the answer.
        got: usize,
        /// In the question.
        asked: u32,
    },
    /// More parts than honest blocks of this length have.
    #[error("more than {BATCH_PARTS_MAX} extrinsics and digest items in one answer")]
    TooManyParts,
    /// A digest that no chain takes.
    #[error("the digest of block {number} has {bytes} bytes, more than {DIGEST_BYTES_MAX}")]
    DigestTooLarge {
        /// Of which block.
        number: BlockNumber,
        /// Its length.
        bytes: usize,
    },
    /// A part that was asked for is not there.
    #[error("block {number} comes without its {part}")]
    Missing {
        /// Of which block.
        number: BlockNumber,
        /// What is missing.
        part: &'static str,
    },
    /// Another height than the one that comes next.
    #[error("a header says number {got} where {expected} comes next")]
    WrongNumber {
        /// In the header.
        got: BlockNumber,
        /// By its place.
        expected: BlockNumber,
    },
    /// The header is not that of the hash.
    #[error("block {number} is called {said:?}, but its header has the hash {hash:?}")]
    WrongHash {
        /// Which block.
        number: BlockNumber,
        /// By the peer.
        said: H256,
        /// Of the header.
        hash: H256,
    },
    /// It does not stand on the block before it.
    #[error("block {number} stands on {got:?}, but the block before it is {expected:?}")]
    BrokenLink {
        /// Which block.
        number: BlockNumber,
        /// In its header.
        got: H256,
        /// The block before.
        expected: H256,
    },
    /// The body is not the header's.
    #[error("the extrinsics of block {number} are not those that its header commits to")]
    WrongBody {
        /// Of which block.
        number: BlockNumber,
    },
    /// Nothing proves that the block is final.
    #[error("block {number} is not proved final: {why}")]
    NotProved {
        /// Which block.
        number: BlockNumber,
        /// Said by who knows certificates.
        why: String,
    },
}

impl Batch {
    /// Reads the answer to a question for `count` blocks from `first` on. None if it holds no block.
    ///
    /// Hashes every byte: not for a thread that others wait for.
    ///
    /// # Errors
    ///
    /// [`Fault`] says what is wrong with it.
    pub fn check(first: BlockNumber, count: u32, response: BlockResponse) -> Result<Option<Self>, Fault> {
        let got = response.blocks.len();
        if got > count.min(BATCH_BLOCKS_MAX) as usize {
            return Err(Fault::TooMany { got, asked: count });
        }
        let parts = response.blocks.iter().map(parts).fold(0usize, usize::saturating_add);
        if parts > BATCH_PARTS_MAX {
            return Err(Fault::TooManyParts);
        }
        let mut blocks: Vec<Offered> = Vec::with_capacity(got);
        for (expected, data) in (first..=BlockNumber::MAX).zip(response.blocks) {
            let offered = check_block(expected, data)?;
            if let Some(before) = blocks.last() {
                link(before.id, &offered)?;
            }
            blocks.push(offered);
        }
        Ok((!blocks.is_empty()).then_some(Self(blocks)))
    }

    /// How many blocks.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> u32 {
        // At most `BATCH_BLOCKS_MAX`.
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The blocks, ascending.
    pub fn blocks(&self) -> &[Offered] {
        &self.0
    }

    /// The blocks, ascending.
    pub fn into_blocks(self) -> Vec<Offered> {
        self.0
    }

    /// The blocks above `base`, if there are any and the first of them stands on it.
    ///
    /// # Errors
    ///
    /// [`Fault::BrokenLink`] if it does not.
    pub(crate) fn above(mut self, base: BlockId) -> Result<Option<Self>, Fault> {
        self.0.retain(|offered| offered.id.number > base.number);
        match self.0.first() {
            Some(first) => link(base, first)?,
            None => return Ok(None),
        }
        Ok(Some(self))
    }
}

/// What takes memory beside its bytes.
fn parts(data: &BlockData) -> usize {
    let extrinsics = data.body.as_ref().map_or(0, Vec::len);
    extrinsics.saturating_add(data.header.as_ref().map_or(0, |header| header.digest.logs.len()))
}

fn check_block(expected: BlockNumber, data: BlockData) -> Result<Offered, Fault> {
    let missing = |part| Fault::Missing { number: expected, part };
    let header = data.header.ok_or(missing("header"))?;
    let number = header.number;
    if number != expected {
        return Err(Fault::WrongNumber { got: number, expected });
    }
    let bytes = header.digest.encoded_size();
    if bytes > DIGEST_BYTES_MAX {
        return Err(Fault::DigestTooLarge { number, bytes });
    }
    let hash = header.hash();
    if hash != data.hash {
        return Err(Fault::WrongHash { number, said: data.hash, hash });
    }
    let extrinsics = data.body.ok_or(missing("body"))?;
    if extrinsics_root(&extrinsics) != header.extrinsics_root {
        return Err(Fault::WrongBody { number });
    }
    let basalt_network::Justification { engine, data } =
        data.justification.ok_or(missing("justification"))?;
    Ok(Offered {
        id: BlockId { hash, number },
        block: Block { header, extrinsics },
        justification: Justification { engine, data },
    })
}

/// That `block` stands on `below`.
fn link(below: BlockId, block: &Offered) -> Result<(), Fault> {
    let (number, got) = (block.id.number, block.block.header.parent_hash);
    if got != below.hash {
        return Err(Fault::BrokenLink { number, got, expected: below.hash });
    }
    let expected = below.number.saturating_add(1);
    if number != expected {
        return Err(Fault::WrongNumber { got: number, expected });
    }
    Ok(())
}
