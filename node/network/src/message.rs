//! What peers say to each other: the types that cross the wire, in SCALE.

use basalt_primitives::{BlockNumber, H256, Header, OpaqueExtrinsic};
use parity_scale_codec::{Decode, Encode, Error, Input, MemTrackingInput};

use crate::limits;

/// Decodes all of `bytes`, and takes less than `memory_max` bytes of memory for it: a list of empty parts is short here and
/// large there.
pub(crate) fn decode_within<T: Decode>(bytes: &[u8], memory_max: usize) -> Result<T, Error> {
    let mut rest = bytes;
    let value = T::decode(&mut MemTrackingInput::new(&mut rest, memory_max))?;
    match rest.remaining_len()? {
        Some(0) | None => Ok(value),
        Some(_) => Err("more bytes follow".into()),
    }
}

/// What a node does, one bit each; a peer may say what it likes here, nothing is proved by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Roles(pub u8);

impl Roles {
    /// Keeps blocks and state.
    pub const FULL: Self = Self(1);
    /// Votes.
    pub const AUTHORITY: Self = Self(4);
    /// Does not vote, but wants the messages of those who do, and passes them on.
    pub const FOLLOWER: Self = Self(8);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether consensus messages are sent to such a node.
    pub const fn follows_consensus(self) -> bool {
        self.0 & (Self::AUTHORITY.0 | Self::FOLLOWER.0) != 0
    }
}

/// Which block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Encode, Decode)]
pub struct BlockId {
    /// The hash of its header.
    pub hash: H256,
    /// Its height; genesis is 0.
    pub number: BlockNumber,
}

/// Who a node is and where it stands: the first thing each side of a connection says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Status {
    /// [`limits::VERSION`] of the sender.
    pub version: u32,
    /// The hash of its genesis block: which chain it is on.
    pub genesis: H256,
    /// What it does.
    pub roles: Roles,
    /// The block it builds on.
    pub best: BlockId,
    /// The newest block that it holds for final.
    pub finalized: BlockId,
}

/// Why a node does not want a connection.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, thiserror::Error)]
pub enum Refusal {
    /// It is on another chain.
    #[error(
        "other genesis: theirs is {theirs:?}, ours is {ours:?}; check that both use the same chain specification"
    )]
    Genesis {
        /// Of the one who refuses.
        ours: H256,
        /// Of the one who is refused.
        theirs: H256,
    },
    /// It speaks another version of the protocols.
    #[error("other version: theirs is {theirs}, ours is {ours}; update the older of the two nodes")]
    Version {
        /// Of the one who refuses.
        ours: u32,
        /// Of the one who is refused.
        theirs: u32,
    },
    /// No slot is free.
    #[error("too many peers: all {max} places are taken; try later, or be reserved")]
    TooManyPeers {
        /// How many there may be.
        max: u32,
    },
    /// Only reserved peers are welcome.
    #[error("only reserved peers are welcome; add the peer to the reserved ones of that node")]
    NotReserved,
}

/// The answer to a [`Status`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Verdict {
    Welcome,
    Refused(Refusal),
}

/// A new head or a newer final block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Heads {
    /// The block the sender builds on.
    pub best: BlockId,
    /// The newest block that it holds for final.
    pub finalized: BlockId,
}

/// Where a request for blocks begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Start {
    /// At this block, of whatever fork.
    Hash(H256),
    /// At this height of the chain that the answering node holds for the best.
    Number(BlockNumber),
}

/// Which parts of blocks are asked for, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Fields(pub u8);

impl Fields {
    /// The header.
    pub const HEADER: Self = Self(1);
    /// The extrinsics.
    pub const BODY: Self = Self(2);
    /// Why the block is final.
    pub const JUSTIFICATION: Self = Self(4);
    /// Everything.
    pub const ALL: Self = Self(7);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A question for consecutive blocks, from `start` upwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct BlockRequest {
    /// The first.
    pub start: Start,
    /// How many at most: 1 to [`limits::BLOCKS_PER_REQUEST_MAX`].
    pub count: u32,
    /// Which parts.
    pub fields: Fields,
}

/// One block of an answer, with the parts that were asked for and are there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct BlockData {
    /// The hash of its header. Says nothing until it is compared with the header's.
    pub hash: H256,
    /// The header.
    pub header: Option<Header>,
    /// The extrinsics.
    pub body: Option<Vec<OpaqueExtrinsic>>,
    /// Why it is final.
    pub justification: Option<Justification>,
}

/// Why a block is final, in the words of a consensus engine. Same encoding as the database's.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Justification {
    /// Which engine.
    pub engine: [u8; 4],
    /// Its proof.
    pub data: Vec<u8>,
}

/// An answer: fewer blocks than asked for, when it would be too large or the chain ends; none, when the first is
/// not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct BlockResponse {
    /// In the order of their heights.
    pub blocks: Vec<BlockData>,
}

impl BlockResponse {
    /// Drops blocks from the end until at most `bytes_max` bytes remain. Where the first block alone is larger, nothing
    /// remains: then ask for fewer of its parts.
    pub fn truncate_to(&mut self, bytes_max: usize) {
        // The compact length before the blocks takes at most 5 bytes.
        let mut bytes = 5;
        let fits = self.blocks.iter().take_while(|block| {
            bytes += block.encoded_size();
            bytes <= bytes_max
        });
        let count = fits.count();
        self.blocks.truncate(count);
    }
}

/// What stands on the stream of an answer to a [`BlockRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum BlockReply {
    Blocks(BlockResponse),
    /// Too many questions at this moment; no fault of anybody.
    Busy,
}

/// What stands on the stream of transactions.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum TransactionMessage {
    /// Whole ones, each at most [`limits::TRANSACTION_PUSH_BYTES_MAX`] long.
    Push(Vec<Vec<u8>>),
    /// Hashes of those that may be asked for.
    Announce(Vec<H256>),
}

/// A question for transactions that were announced.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct PullRequest {
    /// Which; at most [`limits::TRANSACTIONS_PER_PULL_MAX`].
    pub(crate) hashes: Vec<H256>,
}

/// The answer: those that are still there.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct PullResponse {
    pub(crate) transactions: Vec<Vec<u8>>,
}

impl BlockRequest {
    /// Whether the numbers are within the limits.
    pub fn is_valid(&self) -> bool {
        (1..=limits::BLOCKS_PER_REQUEST_MAX).contains(&self.count)
            && self.fields.0 != 0
            && Fields::ALL.contains(self.fields)
    }
}
