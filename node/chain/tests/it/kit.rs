//! A chain of the toy runtime in a directory that goes away.

use std::sync::Arc;

use basalt_chain::{BlockId, BuildRequest, BuiltBlock, Chain, ChainError};
use basalt_db::{Config, Db, Durability, Pruning};
use basalt_primitives::{AccountId, Digest, DigestItem, H256};
use basalt_runtime_api::InherentData;
use basalt_verifier::Verifier;
use tempfile::TempDir;

use crate::toy::{Toy, verified};

pub(crate) struct Kit {
    pub(crate) chain: Arc<Chain>,
    pub(crate) dir: TempDir,
    pub(crate) config: Config,
}

pub(crate) const GENESIS: &[u8] = b"kit";

impl Kit {
    pub(crate) fn new() -> Self {
        Self::keeping(Pruning::Archive)
    }

    pub(crate) fn keeping(pruning: Pruning) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let config = Config { pruning, cache_bytes: 1 << 20, durability: Durability::Off };
        let chain = open(&dir, config, GENESIS).expect("an empty database");
        Self { chain, dir, config }
    }

    /// The same after a restart.
    pub(crate) fn reopen(self) -> Self {
        let Self { chain, dir, config } = self;
        drop(chain);
        let chain = open(&dir, config, GENESIS).expect("the same database");
        Self { chain, dir, config }
    }

    pub(crate) fn build(&self, parent: &H256, transactions: Vec<Vec<u8>>) -> BuiltBlock {
        build(&self.chain, parent, transactions).expect("a block")
    }
}

pub(crate) fn open(dir: &TempDir, config: Config, genesis: &[u8]) -> Result<Arc<Chain>, ChainError> {
    let db = Db::open(dir.path(), config)?;
    Chain::open(db, Arc::new(Toy), genesis, Default::default(), Arc::new(Verifier::new(1024)))
}

/// A block whose time is a thousand times its height, plus one to tell siblings apart by what they hold only.
pub(crate) fn build(
    chain: &Chain,
    parent: &H256,
    transactions: Vec<Vec<u8>>,
) -> Result<BuiltBlock, ChainError> {
    let number = chain.header(parent)?.ok_or(ChainError::UnknownBlock(*parent))?.number + 1;
    chain.build(BuildRequest {
        parent: *parent,
        digest: Digest { logs: vec![DigestItem::PreRuntime(*b"test", vec![1, 2, 3])] },
        author: Some(author()),
        inherents: InherentData::at(u64::from(number) * 1000),
        candidates: &mut transactions.into_iter().map(verified),
        deadline: None,
    })
}

pub(crate) fn author() -> AccountId {
    AccountId::from([9; 32])
}

pub(crate) fn genesis(chain: &Chain) -> BlockId {
    BlockId { hash: chain.genesis_hash(), number: 0 }
}
