//! Small blocks by hand.

use basalt_db::{BlockId, Commit, Config, Db, DbError, Durability, Finalize, FoldLimits, NewBlock, Pruning};
use basalt_primitives::{H256, Header, OpaqueExtrinsic};
use basalt_state::{ChangeSet, Key, Value};

/// A block, and what it changes.
#[derive(Debug, Clone)]
pub(crate) struct TestBlock {
    pub(crate) id: BlockId,
    pub(crate) header: Header,
    pub(crate) body: Vec<OpaqueExtrinsic>,
    pub(crate) changes: ChangeSet,
}

impl TestBlock {
    /// A child of `parent`; `salt` tells it from its siblings.
    pub(crate) fn new(parent: Option<BlockId>, salt: u64, changes: Vec<(Key, Option<Value>)>) -> Self {
        let mut root = [0; 32];
        root[..8].copy_from_slice(&salt.to_le_bytes());
        let header = Header {
            parent_hash: parent.map_or_else(H256::zero, |id| id.hash),
            number: parent.map_or(0, |id| id.number + 1),
            extrinsics_root: H256(root),
            ..Header::default()
        };
        let id = BlockId { hash: header.hash(), number: header.number };
        let body = vec![OpaqueExtrinsic(salt.to_le_bytes().to_vec())];
        Self { id, header, body, changes: changes.into_iter().collect() }
    }

    pub(crate) fn insert(&self) -> NewBlock<'_> {
        NewBlock { hash: self.id.hash, header: &self.header, body: &self.body, changes: &self.changes }
    }

    pub(crate) fn finalize(&self) -> Finalize<'_> {
        Finalize { id: self.id, changes: &self.changes, justification: None }
    }
}

/// Stores blocks and makes them final, in one commit.
pub(crate) fn commit_final(db: &Db, blocks: &[TestBlock]) -> Result<(), DbError> {
    db.commit(Commit {
        insert: blocks.iter().map(TestBlock::insert).collect(),
        finalize: blocks.iter().map(TestBlock::finalize).collect(),
        drop: vec![],
        best: blocks.last().expect("a commit of some blocks").id,
    })
}

/// Quick and forgetful, for tests that do not lose power.
pub(crate) fn config(pruning: Pruning, cache_bytes: usize) -> Config {
    Config { pruning, cache_bytes, durability: Durability::Off }
}

/// Folds all the time.
pub(crate) fn limits(blocks: u32) -> FoldLimits {
    FoldLimits { blocks, ..FoldLimits::default() }
}
