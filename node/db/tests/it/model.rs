//! The database against a list of whole copies.

use std::collections::BTreeMap;

use basalt_db::{Commit, Db, DbError, FoldLimits, Justification, PendingBlock, Pruning};
use basalt_primitives::H256;
use basalt_state::{Key, Memory, StateError, Value};
use basalt_tree::{Tree, key_hash, value_hash};
use proptest::{prelude::*, sample::Index};
use tempfile::TempDir;

use crate::chain::{TestBlock, config, limits};

#[derive(Debug, Clone)]
enum Step {
    /// A new block on the finalised one or on one of the pending.
    Extend {
        on: Index,
        changes: Vec<(u8, Option<Value>)>,
    },
    /// A pending block and all below it become final, and whatever does not stand on it is dropped.
    Finalize {
        upto: Index,
    },
    /// New blocks on the finalised one, stored and final in the same commit; all pending ones are dropped.
    Seal {
        blocks: Vec<Vec<(u8, Option<Value>)>>,
    },
    /// A commit that contradicts the database.
    Nonsense {
        which: u8,
    },
    Reopen,
    Compact,
}

/// Few keys, so that they change often; zeros and common beginnings, where keys of the history can go wrong.
fn key(index: u8) -> Key {
    let keys: [&[u8]; 10] =
        [b"\0", b"\0\0", b"\0\x01", b"\0\xff", b"a", b"a\0", b"a\0\0b", b"a\x01", b"ab", b"\xff\xff"];
    keys[index as usize % keys.len()].to_vec()
}

fn changes() -> impl Strategy<Value = Vec<(u8, Option<Value>)>> {
    proptest::collection::vec((0u8..10, proptest::option::of(proptest::collection::vec(0u8..3, 0..3))), 0..6)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<Index>(), changes()).prop_map(|(on, changes)| Step::Extend { on, changes }),
        5 => any::<Index>().prop_map(|upto| Step::Finalize { upto }),
        5 => proptest::collection::vec(changes(), 1..4).prop_map(|blocks| Step::Seal { blocks }),
        2 => (0u8..5).prop_map(|which| Step::Nonsense { which }),
        2 => Just(Step::Reopen),
        1 => Just(Step::Compact),
    ]
}

fn settings() -> impl Strategy<Value = (Pruning, usize, FoldLimits)> {
    let pruning = prop_oneof![
        Just(Pruning::Archive),
        Just(Pruning::Keep(0)),
        Just(Pruning::Keep(3)),
        Just(Pruning::Keep(3))
    ];
    // Never, after some blocks, after each, and after each with no room for another before.
    let limits = prop_oneof![
        4 => Just(limits(64)),
        2 => Just(limits(3)),
        1 => Just(limits(1)),
        1 => Just(FoldLimits { bytes: 0, blocks: 64 })
    ];
    (pruning, prop_oneof![Just(0usize), Just(600), Just(1 << 20)], limits)
}

/// The naive reference.
struct Model {
    /// Final blocks with the state after each.
    finals: Vec<(TestBlock, BTreeMap<Key, Value>)>,
    pending: Vec<TestBlock>,
    dropped: Vec<TestBlock>,
    oldest: u32,
    pruning: Pruning,
    salt: u64,
}

impl Model {
    fn head(&self) -> &TestBlock {
        &self.finals.last().expect("genesis is final").0
    }

    fn child(&mut self, parent: &TestBlock, changes: Vec<(u8, Option<Value>)>) -> TestBlock {
        self.salt += 1;
        let changes = changes.into_iter().map(|(index, value)| (key(index), value)).collect();
        TestBlock::new(Some(parent.id), self.salt, changes)
    }

    fn make_final(&mut self, blocks: &[TestBlock], dropped: Vec<TestBlock>) {
        for block in blocks {
            let mut state = Memory(self.finals.last().map(|(_, state)| state.clone()).unwrap_or_default());
            state.apply(&block.changes);
            self.finals.push((block.clone(), state.0));
        }
        let gone = |id| blocks.iter().chain(&dropped).any(|block| block.id == id);
        self.pending.retain(|block| !gone(block.id));
        self.dropped.extend(dropped);
        if let Pruning::Keep(blocks) = self.pruning {
            self.oldest = self.oldest.max(self.head().id.number.saturating_sub(blocks));
        }
    }

    /// `block` and its pending ancestors, oldest first.
    fn path(&self, block: &TestBlock) -> Vec<TestBlock> {
        let mut path = vec![block.clone()];
        while let Some(parent) =
            self.pending.iter().find(|other| other.id.hash == path[path.len() - 1].header.parent_hash)
        {
            path.push(parent.clone());
        }
        path.reverse();
        path
    }
}

fn run(model: &mut Model, db: &mut Option<Db>, open_again: impl Fn() -> Db, step: Step) {
    let open = db.as_ref().expect("open between the steps");
    match step {
        Step::Extend { on, changes } => {
            let parent = on.get(&[&[model.head().clone()][..], &model.pending].concat()).clone();
            let block = model.child(&parent, changes);
            open.commit(Commit {
                insert: vec![block.insert()],
                finalize: vec![],
                drop: vec![],
                best: block.id,
            })
            .unwrap();
            model.pending.push(block);
        }
        Step::Finalize { upto } => {
            if model.pending.is_empty() {
                return;
            }
            let target = upto.get(&model.pending).clone();
            let path = model.path(&target);
            let stays = |block: &TestBlock| model.path(block).iter().any(|other| other.id == target.id);
            let on_path = |block: &TestBlock| path.iter().any(|other| other.id == block.id);
            let dropped: Vec<TestBlock> =
                model.pending.iter().filter(|block| !stays(block) && !on_path(block)).cloned().collect();
            let justification =
                Justification { engine: *b"TEST", data: target.id.number.to_le_bytes().to_vec() };
            let mut finalize: Vec<_> = path.iter().map(TestBlock::finalize).collect();
            finalize.last_mut().unwrap().justification = Some(&justification);
            open.commit(Commit {
                insert: vec![],
                finalize,
                drop: dropped.iter().map(|block| block.id).collect(),
                best: target.id,
            })
            .unwrap();
            assert_eq!(open.justification(&target.id.hash).unwrap(), Some(justification));
            model.make_final(&path, dropped);
        }
        Step::Seal { blocks } => {
            let mut path: Vec<TestBlock> = Vec::new();
            for changes in blocks {
                let parent = path.last().unwrap_or(model.head()).clone();
                let block = model.child(&parent, changes);
                path.push(block);
            }
            let dropped = model.pending.clone();
            open.commit(Commit {
                insert: path.iter().map(TestBlock::insert).collect(),
                finalize: path.iter().map(TestBlock::finalize).collect(),
                drop: dropped.iter().map(|block| block.id).collect(),
                best: path[path.len() - 1].id,
            })
            .unwrap();
            model.make_final(&path, dropped);
        }
        Step::Nonsense { which } => {
            let head = model.head().clone();
            let child = model.child(&head, vec![(0, Some(vec![9])), (1, None)]);
            let grandchild = model.child(&child, vec![(0, Some(vec![8]))]);
            let stranger = TestBlock::new(None, u64::MAX, vec![]);
            let mut commit = Commit {
                insert: vec![child.insert(), grandchild.insert()],
                finalize: vec![child.finalize(), grandchild.finalize()],
                drop: vec![],
                best: grandchild.id,
            };
            match which {
                0 => drop(commit.finalize.remove(0)),
                1 => commit.finalize.reverse(),
                2 => drop(commit.insert.remove(1)),
                3 => commit.best = stranger.id,
                _ => commit.drop.push(head.id),
            }
            let error = open.commit(commit).unwrap_err();
            assert!(matches!(error, DbError::Refused(_)), "{error}");
            assert_eq!(open.header(&child.id.hash).unwrap(), None);
        }
        Step::Reopen => {
            drop(db.take());
            *db = Some(open_again());
        }
        Step::Compact => open.compact().unwrap(),
    }
}

fn check(model: &Model, db: &Db) {
    let head = model.head().id;
    assert_eq!(db.genesis_hash(), Some(model.finals[0].0.id.hash));
    assert_eq!(db.finalized(), Some(head));
    assert_eq!(db.oldest_state(), model.oldest);
    for (number, (block, state)) in (0u32..).zip(&model.finals) {
        assert_eq!(db.hash_at(number).unwrap(), Some(block.id.hash));
        check_block(block, db);
        if number < model.oldest {
            assert!(matches!(db.get_at(number, b"a"), Err(StateError::Pruned(_))));
            assert!(matches!(db.next_key_at(number, b"a"), Err(StateError::Pruned(_))));
            assert!(matches!(db.undo_to(number), Err(StateError::Pruned(_))));
            continue;
        }
        let all: Vec<Key> = state.keys().cloned().collect();
        assert_eq!(db.keys_at(number, b"", usize::MAX).unwrap(), all, "keys at block {number}");
        for index in 0..10 {
            let key = key(index);
            assert_eq!(
                db.get_at(number, &key).unwrap().as_ref(),
                state.get(&key),
                "key {key:?} at block {number}"
            );
            let next = state.keys().find(|other| **other > key);
            assert_eq!(db.next_key_at(number, &key).unwrap().as_ref(), next);
        }
        // Exactly the difference, but for keys that changed and changed back.
        let undo = db.undo_to(number).unwrap();
        let mut undone = Memory(model.finals[head.number as usize].1.clone());
        undone.apply(&undo);
        assert_eq!(&undone.0, state, "undone to block {number}");
        for (key, _) in undo.iter() {
            let later = &model.finals[number as usize + 1..];
            assert!(later.iter().any(|(block, _)| block.changes.get(key).is_some()));
        }
    }
    assert_eq!(db.hash_at(head.number + 1).unwrap(), None);
    assert!(matches!(db.get_at(head.number + 1, b"a"), Err(StateError::Backend(_))));
    model.pending.iter().for_each(|block| check_block(block, db));
    for block in &model.dropped {
        assert_eq!(db.header(&block.id.hash).unwrap(), None);
        assert_eq!(db.body(&block.id.hash).unwrap(), None);
    }
    let mut expected: Vec<PendingBlock> = model
        .pending
        .iter()
        .map(|block| PendingBlock {
            hash: block.id.hash,
            header: block.header.clone(),
            changes: block.changes.clone(),
        })
        .collect();
    expected.sort_by_key(|block| (block.header.number, block.hash));
    assert_eq!(db.unfinalized().unwrap(), expected);
}

fn check_block(block: &TestBlock, db: &Db) {
    assert_eq!(db.header(&block.id.hash).unwrap().as_ref(), Some(&block.header));
    assert_eq!(db.body(&block.id.hash).unwrap().as_ref(), Some(&block.body));
}

fn check_tree(state: &BTreeMap<Key, Value>, db: &Db) {
    let expected = Tree::build(state.iter().map(|(key, value)| (key_hash(key), value_hash(value))));
    assert_eq!(db.load_tree().unwrap().root(), expected.root());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_read_equals_that_of_a_list_of_whole_copies(
        (pruning, cache, limits) in settings(),
        genesis in changes(),
        steps in proptest::collection::vec(step(), 1..30),
    ) {
        let directory = TempDir::new().unwrap();
        let open = || Db::open_with(directory.path(), config(pruning, cache), limits).unwrap();
        let mut db = Some(open());
        let genesis = genesis.into_iter().map(|(index, value)| (key(index), value)).collect();
        let genesis = TestBlock::new(None, 0, genesis);
        let mut model = Model {
            finals: vec![], pending: vec![], dropped: vec![], oldest: 0, pruning, salt: 0,
        };
        crate::chain::commit_final(db.as_ref().unwrap(), std::slice::from_ref(&genesis)).unwrap();
        model.make_final(&[genesis], vec![]);
        for step in steps {
            run(&mut model, &mut db, open, step);
            check(&model, db.as_ref().unwrap());
        }
        check_tree(&model.finals.last().unwrap().1, db.as_ref().unwrap());
        // The cache is warm now.
        check(&model, db.as_ref().unwrap());
    }
}

#[test]
fn old_states_stay_exact_after_memory_has_forgotten_their_undos() {
    let directory = TempDir::new().unwrap();
    let db = Db::open_with(directory.path(), config(Pruning::Archive, 1 << 20), limits(8)).unwrap();
    let mut model = Model {
        finals: vec![],
        pending: vec![],
        dropped: vec![],
        oldest: 0,
        pruning: Pruning::Archive,
        salt: 0,
    };
    let mut parent = None;
    for number in 0..80u32 {
        let changes = (0..10u8)
            .filter(|index| (number + u32::from(*index) * 7) % 5 == 0)
            .map(|index| {
                (key(index), (!(number + u32::from(index)).is_multiple_of(3)).then(|| vec![number as u8]))
            })
            .collect();
        let block = TestBlock::new(parent, number.into(), changes);
        crate::chain::commit_final(&db, std::slice::from_ref(&block)).unwrap();
        parent = Some(block.id);
        model.make_final(&[block], vec![]);
    }
    check(&model, &db);
}

#[test]
fn an_empty_database_takes_only_genesis() {
    let directory = TempDir::new().unwrap();
    let db = Db::open(directory.path(), config(Pruning::Archive, 0)).unwrap();
    assert_eq!((db.genesis_hash(), db.finalized(), db.best()), (None, None, None));
    assert!(db.get_at(0, b"a").is_err());
    assert!(db.load_tree().unwrap().is_empty());
    assert_eq!(db.header(&H256::zero()).unwrap(), None);
    let genesis = TestBlock::new(None, 0, vec![]);
    let first = TestBlock::new(Some(genesis.id), 1, vec![]);
    let refused = [
        crate::chain::commit_final(&db, std::slice::from_ref(&first)),
        db.commit(Commit {
            insert: vec![genesis.insert()],
            finalize: vec![],
            drop: vec![],
            best: genesis.id,
        }),
    ];
    for result in refused {
        assert!(matches!(result, Err(DbError::Refused(_))));
    }
    crate::chain::commit_final(&db, &[genesis, first.clone()]).unwrap();
    assert_eq!(db.finalized(), Some(first.id));
}
