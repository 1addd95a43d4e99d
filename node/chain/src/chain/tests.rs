use std::sync::Arc;

use basalt_db::{Commit, Config, Db, Durability, Finalize, NewBlock, Pruning};
use basalt_primitives::Header;
use basalt_runtime_api::InherentData;
use basalt_state::ChangeSet;
use basalt_verifier::Verifier;

use super::Chain;
use crate::{BlockId, BuildRequest, BuiltBlock, ChainError, ImportOptions};

#[path = "../../tests/it/toy.rs"]
#[expect(dead_code, reason = "shared with the integration tests, which use more of it")]
mod toy;

fn build(chain: &Chain, timestamp: u64) -> BuiltBlock {
    chain
        .build(BuildRequest {
            parent: chain.best().hash,
            digest: Default::default(),
            author: None,
            inherents: InherentData { timestamp },
            candidates: &mut std::iter::empty(),
            deadline: None,
        })
        .unwrap()
}

/// The database is led elsewhere behind the chain's back, so that it refuses the chain's next commit.
#[test]
fn after_a_failed_commit_nothing_is_written_and_everybody_is_told_why() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { pruning: Pruning::Archive, cache_bytes: 1 << 20, durability: Durability::Off };
    let db = Db::open(dir.path(), config).unwrap();
    let chain =
        Chain::open(db, Arc::new(toy::Toy), b"genesis", Default::default(), Arc::new(Verifier::new(16)))
            .unwrap();
    let fatal = chain.fatal();
    let mut events = chain.subscribe();
    let first = build(&chain, 1);
    let second = build(&chain, 2);

    let header = Header { parent_hash: chain.genesis_hash(), number: 1, ..Header::default() };
    let id = BlockId { hash: header.hash(), number: 1 };
    let changes = ChangeSet::default();
    chain
        .shared
        .db
        .commit(Commit {
            insert: vec![NewBlock { hash: id.hash, header: &header, body: &[], changes: &changes }],
            finalize: vec![Finalize { id, changes: &changes, justification: None }],
            drop: Vec::new(),
            best: id,
        })
        .unwrap();

    let before = (chain.best(), chain.finalized());
    let finalize = ImportOptions { finalize: true, ..Default::default() };
    let error = chain.import_built(first, finalize.clone()).unwrap_err();
    assert!(matches!(error, ChainError::Db(_)) && error.is_internal() && !error.is_peer_fault(), "{error}");
    let why = fatal.borrow().clone().expect("the node is told");

    let error = chain.import_built(second, finalize).unwrap_err();
    assert!(matches!(&error, ChainError::Stopped(reason) if *reason == why), "{error}");
    assert!(matches!(chain.finalize(&before.0.hash, None), Err(ChainError::Stopped(_))));
    assert!(matches!(chain.set_best(&before.0.hash), Err(ChainError::Stopped(_))));
    assert_eq!((chain.best(), chain.finalized()), before);
    assert!(events.try_recv().is_err());
}
