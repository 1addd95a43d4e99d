//! What the nodes agree on.

use std::sync::Arc;

use basalt_chain::{BlockId, Justification};
use basalt_consensus_bft::Ground;
use basalt_primitives::{AccountId, Digest, DigestItem, H256, Header, OpaqueExtrinsic, hashing::blake2_256};
use basalt_runtime_api::{Certificate, ValidatorSet};
use parity_scale_codec::{Decode, Encode};

use crate::scenario::set_of;

mod elected;
mod full;

pub use full::{Full, Shared};

/// The extrinsics of a block.
pub type Body = Vec<OpaqueExtrinsic>;

/// A final block with its proof.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Decided {
    /// The header.
    pub header: Header,
    /// The extrinsics.
    pub body: Body,
    /// The engine and bytes of what proves it.
    pub proof: ([u8; 4], Vec<u8>),
}

impl Decided {
    /// Its hash and number.
    pub fn id(&self) -> BlockId {
        BlockId { hash: self.header.hash(), number: self.header.number }
    }

    /// What proves it.
    pub fn justification(&self) -> Justification {
        Justification { engine: self.proof.0, data: self.proof.1.clone() }
    }
}

/// A block to build.
#[derive(Debug, Clone)]
pub struct Order {
    /// On what.
    pub parent: H256,
    /// What the engine has to say.
    pub digest: Digest,
    /// Who earns.
    pub author: AccountId,
    /// Now, in milliseconds.
    pub time: u64,
    /// Makes blocks differ.
    pub salt: u64,
    /// Who voted for the block below, as far as the host knows.
    pub votes: Option<Certificate>,
}

/// The chain of a node. What is committed is durable.
pub trait App: Send {
    /// What the next height stands on.
    fn ground(&self) -> Ground;
    /// A block on top of the last final one.
    ///
    /// # Errors
    ///
    /// What a chain may fail with.
    fn build(&mut self, order: Order) -> anyhow::Result<(Header, Body)>;
    /// Whether a block on top of the last final one does what its header says.
    ///
    /// # Errors
    ///
    /// What a chain may fail with.
    fn execute(&mut self, header: &Header, body: &Body) -> anyhow::Result<bool>;
    /// Makes a block on top of the last final one final.
    ///
    /// # Errors
    ///
    /// What a chain may fail with.
    fn commit(&mut self, block: Decided) -> anyhow::Result<()>;
    /// The final block of this height.
    fn block(&self, height: u32) -> Option<Decided>;
    /// After a crash.
    ///
    /// # Errors
    ///
    /// What a chain may fail with.
    fn reopen(&mut self) -> anyhow::Result<()>;
    /// When a block was made, by its body, in milliseconds.
    fn time(&self, body: &Body) -> u64;
}

/// The account that a header names.
pub(crate) fn author(header: &Header) -> Option<AccountId> {
    header.digest.logs.iter().find_map(|item| match item {
        DigestItem::PreRuntime([b'n', b'm', b'b', b's'], payload) => {
            <[u8; 32]>::try_from(&payload[..]).ok().map(AccountId::from)
        }
        _ => None,
    })
}

/// Headers whose state is the hash of all bodies before.
pub struct Light {
    sets: Arc<Vec<ValidatorSet>>,
    blocks: Vec<Decided>,
}

impl Light {
    /// The first block.
    pub fn genesis() -> Header {
        Header {
            parent_hash: H256([0; 32]),
            number: 0,
            state_root: H256([1; 32]),
            extrinsics_root: basalt_chain::extrinsics_root(&[]),
            digest: Digest::default(),
        }
    }

    /// A chain of the first block.
    pub fn new(sets: Arc<Vec<ValidatorSet>>) -> Self {
        let proof = ([0; 4], Vec::new());
        let genesis = Decided { header: Self::genesis(), body: Vec::new(), proof };
        Self { sets, blocks: vec![genesis] }
    }

    fn tip(&self) -> &Header {
        &self.blocks[self.blocks.len() - 1].header
    }

    fn state_after(&self, body: &Body) -> H256 {
        H256(blake2_256(&(self.tip().state_root, body).encode()))
    }
}

impl App for Light {
    fn ground(&self) -> Ground {
        let header = self.tip().clone();
        let parent = BlockId { hash: header.hash(), number: header.number };
        let validators = set_of(&self.sets, header.number + 1).clone();
        Ground { parent, header, validators }
    }

    fn build(&mut self, order: Order) -> anyhow::Result<(Header, Body)> {
        let Order { parent, digest, time, salt, .. } = order;
        let body = vec![OpaqueExtrinsic((time, salt).encode())];
        let header = Header {
            parent_hash: parent,
            number: self.tip().number + 1,
            state_root: self.state_after(&body),
            extrinsics_root: basalt_chain::extrinsics_root(&body),
            digest,
        };
        Ok((header, body))
    }

    fn execute(&mut self, header: &Header, body: &Body) -> anyhow::Result<bool> {
        Ok(header.parent_hash == self.tip().hash() && header.state_root == self.state_after(body))
    }

    fn commit(&mut self, block: Decided) -> anyhow::Result<()> {
        anyhow::ensure!(self.execute(&block.header, &block.body)?, "the decided block is invalid");
        self.blocks.push(block);
        Ok(())
    }

    fn block(&self, height: u32) -> Option<Decided> {
        self.blocks.get(usize::try_from(height).ok()?).cloned()
    }

    fn reopen(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    fn time(&self, body: &Body) -> u64 {
        body.first().and_then(|one| u64::decode(&mut &one.0[..]).ok()).unwrap_or(0)
    }
}
