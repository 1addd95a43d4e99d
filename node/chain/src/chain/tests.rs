use std::sync::Arc;

use basalt_db::{Commit, Config, Db, Durability, Finalize, NewBlock, Pruning};
use basalt_primitives::Header;
use basalt_runtime_api::InherentData;
use basalt_state::ChangeSet;
use basalt_verifier::Verifier;
use tempfile::TempDir;

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
            inherents: InherentData::at(timestamp),
            candidates: &mut std::iter::empty(),
            deadline: None,
        })
        .unwrap()
}

fn open(dir: &TempDir) -> Arc<Chain> {
    let config = Config { pruning: Pruning::Archive, cache_bytes: 1 << 20, durability: Durability::Off };
    let db = Db::open(dir.path(), config).unwrap();
    Chain::open(db, Arc::new(toy::Toy), b"genesis", Default::default(), Arc::new(Verifier::new(16))).unwrap()
}

/// Leads the database elsewhere behind the chain's back, so that it refuses the chain's next commit.
fn lead_astray(chain: &Chain) {
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
}

#[test]
fn after_a_failed_commit_nothing_is_written_and_everybody_is_told_why() {
    let dir = tempfile::tempdir().unwrap();
    let chain = open(&dir);
    let fatal = chain.fatal();
    let mut events = chain.subscribe();
    let first = build(&chain, 1);
    let second = build(&chain, 2);

    lead_astray(&chain);

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

#[test]
fn what_is_queued_behind_a_failed_commit_is_not_written_either() {
    let dir = tempfile::tempdir().unwrap();
    let chain = open(&dir);
    let mut events = chain.subscribe();
    let before = (chain.best(), chain.finalized());
    let blocks = [build(&chain, 1), build(&chain, 2), build(&chain, 3)];
    let ids: Vec<_> = blocks.iter().map(BuiltBlock::id).collect();
    lead_astray(&chain);
    // Whether a block is refused at once or when its turn comes depends on how fast the first one fails.
    let finalize = ImportOptions { finalize: true, ..Default::default() };
    let results: Vec<_> = blocks
        .into_iter()
        .zip([finalize, ImportOptions::default(), ImportOptions::default()])
        .map(|(built, options)| chain.commit_later(built, options))
        .collect();
    let mut errors = results.into_iter().map(|result| result.and_then(crate::Pending::wait).unwrap_err());
    assert!(matches!(errors.next(), Some(ChainError::Db(_))));
    for error in errors {
        // The others lost against the first, which was to become final, or came too late.
        assert!(matches!(error, ChainError::Stopped(_) | ChainError::Import(_)), "{error}");
    }
    assert_eq!((chain.best(), chain.finalized()), before);
    assert!(events.try_recv().is_err());
    for id in ids {
        assert!(chain.contents(&id.hash).unwrap().is_none());
        assert!(chain.report(&id.hash).is_none());
        assert!(chain.parent(&id.hash).unwrap().is_none(), "nothing can be built on it");
    }
}
