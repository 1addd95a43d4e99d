//! Folds that are cut short, fail, or never end.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use basalt_state::{Key, Memory, Value};
use basalt_tree::Tree;

use rocksdb::WriteBatch;

use super::*;
use crate::{fold::Step, schema::JOURNAL};

const CONFIG: Config = Config { pruning: Pruning::Archive, cache_bytes: 0, durability: Durability::Off };
/// Only when asked.
const NEVER: FoldLimits = FoldLimits { bytes: usize::MAX, blocks: u32::MAX / 4 };

/// A chain, and the state after each block.
#[derive(Clone, Default)]
struct Chain {
    blocks: Vec<(BlockId, Header)>,
    states: Vec<Memory>,
}

impl Chain {
    fn commit(&mut self, db: &Db, changes: Vec<(&str, Option<&str>)>) {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let changes: ChangeSet =
            changes.into_iter().map(|(key, value)| (bytes(key), value.map(bytes))).collect();
        let number = self.blocks.len() as u32;
        let parent_hash = self.blocks.last().map_or_else(H256::zero, |(id, _)| id.hash);
        let header = Header { parent_hash, number, ..Header::default() };
        let id = BlockId { hash: header.hash(), number };
        let mut state = self.states.last().cloned().unwrap_or_default();
        state.apply(&changes);
        db.commit(Commit {
            insert: vec![NewBlock { hash: id.hash, header: &header, body: &[], changes: &changes }],
            finalize: vec![Finalize { id, changes: &changes, justification: None }],
            drop: vec![],
            best: id,
        })
        .unwrap();
        self.blocks.push((id, header));
        self.states.push(state);
    }

    /// To go on with what somebody else began: without its states.
    fn at(db: &Db) -> Self {
        let number = db.finalized().unwrap().number;
        let blocks = (0..=number).map(|number| {
            let hash = db.hash_at(number).unwrap().unwrap();
            (BlockId { hash, number }, db.header(&hash).unwrap().unwrap())
        });
        Self { blocks: blocks.collect(), states: Vec::new() }
    }

    /// Everything can be read as it was, at every block.
    fn check(&self, db: &Db) {
        assert_eq!(db.finalized(), self.blocks.last().map(|(id, _)| *id));
        let head = &self.states[self.states.len() - 1];
        let every: Vec<&Key> = self.states.iter().flat_map(|state| state.0.keys()).collect();
        for (number, state) in (0..).zip(&self.states) {
            for key in &every {
                let value: Option<&Value> = state.0.get(*key);
                assert_eq!(db.get_at(number, key).unwrap().as_ref(), value, "{key:?} at {number}");
            }
            assert!(db.keys_at(number, b"", 100).unwrap().iter().eq(state.0.keys()), "keys at {number}");
            let mut undone = head.clone();
            undone.apply(&db.undo_to(number).unwrap());
            assert_eq!(undone.0, state.0, "undone to {number}");
        }
        let tree = Tree::build(head.0.iter().map(|(key, value)| (key_hash(key), value_hash(value))));
        assert_eq!(db.load_tree().unwrap().root(), tree.root());
    }
}

/// What kill -9 at this moment would leave.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Blocks 0 to 2 folded, 3 to 5 not: keys that are made, changed, removed and made again, on both sides of the border.
fn half_folded(db: &Db) -> Chain {
    let mut chain = Chain::default();
    chain.commit(db, vec![("a", Some("0")), ("b", Some("0")), ("c", Some("0")), ("d", Some("0"))]);
    chain.commit(db, vec![("a", Some("1")), ("e", Some("1")), ("f", Some("1"))]);
    chain.commit(db, vec![("b", None), ("f", None)]);
    // Nothing may be going on in the background when files are copied.
    db.compact().unwrap();
    chain.commit(db, vec![("a", None), ("c", Some("3")), ("g", Some("3")), ("h", Some("3"))]);
    chain.commit(db, vec![("a", Some("4")), ("f", Some("4")), ("h", None)]);
    chain.commit(db, vec![("c", Some("5")), ("d", None), ("i", Some("5"))]);
    chain.check(db);
    chain
}

/// What a half fold left must not shine through: it made c, f, g, i; it removed d.
fn go_on(chain: &mut Chain, db: &Db) {
    chain.commit(db, vec![("f", None), ("g", None), ("c", None), ("d", Some("6"))]);
    chain.check(db);
    chain.commit(db, vec![("i", None), ("e", Some("7")), ("h", Some("7"))]);
    chain.check(db);
}

#[test]
fn a_process_killed_at_any_step_of_a_fold_loses_nothing_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let original = directory.path().join("original");
    let db = Db::open_with(&original, CONFIG, NEVER).unwrap();
    let chain = half_folded(&db);
    let steps = Arc::new(Mutex::new(Vec::new()));
    let (seen, from, to) = (Arc::clone(&steps), original.clone(), directory.path().to_path_buf());
    // A file that goes while others are copied would make a copy that no moment has left.
    db.store.keep_files(true);
    *db.folder.hook.lock() = Some(Box::new(move |step| {
        copy(&from, &to.join(format!("{step:?}")));
        seen.lock().unwrap().push(step);
    }));
    db.folder.all().unwrap();
    *db.folder.hook.lock() = None;
    db.store.keep_files(false);
    chain.check(&db);
    let steps = steps.lock().unwrap().clone();
    assert_eq!(steps, [Step::Written, Step::HistoryIngested, Step::StateIngested, Step::Noted]);

    for step in steps {
        let path = directory.path().join(format!("{step:?}"));
        let left = fs::read_dir(path.join("fold")).unwrap().count();
        assert_eq!(left > 0, step < Step::StateIngested, "{left} files at {step:?}");
        let mut chain = chain.clone();
        {
            let db = Db::open_with(&path, CONFIG, NEVER).unwrap();
            assert_eq!(fs::read_dir(path.join("fold")).unwrap().count(), 0);
            chain.check(&db);
            go_on(&mut chain, &db);
        }
        // And once more without a fold, and then with.
        let db = Db::open_with(&path, CONFIG, NEVER).unwrap();
        chain.check(&db);
        db.folder.all().unwrap();
        chain.check(&db);
        drop(db);
        chain.check(&Db::open_with(&path, CONFIG, NEVER).unwrap());
    }
}

#[test]
fn a_log_cut_after_a_fold_opens_at_the_folded_block_or_later() {
    let directory = tempfile::tempdir().unwrap();
    let original = directory.path().join("original");
    let db = Db::open_with(&original, CONFIG, NEVER).unwrap();
    let mut chain = half_folded(&db);
    // Before this, the log was synced; after it, the power may take what came.
    db.folder.all().unwrap();
    db.store.compact().unwrap();
    let logs = || {
        let files = fs::read_dir(original.join("rocks")).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|extension| extension == "log")).max().unwrap()
    };
    let log = logs();
    let synced = fs::metadata(&log).unwrap().len();
    go_on(&mut chain, &db);
    assert_eq!(logs(), log);
    let end = fs::metadata(&log).unwrap().len();
    let mut seen = std::collections::BTreeSet::new();
    db.store.keep_files(true);
    for length in (synced..end).step_by(9).chain([end]) {
        let path = directory.path().join(length.to_string());
        copy(&original, &path);
        let cut = path.join("rocks").join(log.file_name().unwrap());
        fs::File::options().write(true).open(cut).unwrap().set_len(length).unwrap();
        let db = Db::open_with(&path, CONFIG, NEVER).unwrap();
        let head = db.finalized().unwrap().number;
        let mut chain = chain.clone();
        chain.blocks.truncate(head as usize + 1);
        chain.states.truncate(head as usize + 1);
        chain.check(&db);
        seen.insert(head);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [5, 6, 7]);
}

#[test]
fn many_small_blocks_leave_a_short_journal() {
    let directory = tempfile::tempdir().unwrap();
    let limits = FoldLimits { blocks: 2, ..FoldLimits::default() };
    let db = Db::open_with(directory.path(), CONFIG, limits).unwrap();
    for number in 0..60 {
        commit_block(&db, number).unwrap();
        let published = db.published.read();
        let unfolded = published.final_end() - published.journal.folded();
        assert!(unfolded <= 4, "{unfolded} blocks after block {number}");
    }
    let entries = |db: &Db| {
        let snapshot = db.store.snapshot();
        let mut entries = snapshot.raw_iterator_cf(db.store.family(JOURNAL));
        entries.seek_to_first();
        std::iter::from_fn(|| entries.valid().then(|| entries.next())).count()
    };
    assert!(entries(&db) <= 4);
    // The last ones are folded whoever asks, even if no other block comes.
    while db.published.read().journal.folded() < 59 {
        std::thread::yield_now();
    }
    db.folder.all().unwrap();
    assert_eq!(entries(&db), 0);
}

#[test]
fn when_folding_fails_reads_go_on_commits_end_and_nothing_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let db = Db::open_with(directory.path(), CONFIG, NEVER).unwrap();
    let mut chain = half_folded(&db);
    fs::remove_dir(directory.path().join("fold")).unwrap();
    let error = db.folder.all().unwrap_err();
    assert!(matches!(error, DbError::Poisoned { .. }), "{error}");
    chain.check(&db);
    assert!(matches!(commit_block(&db, 6), Err(DbError::Poisoned { .. })));
    chain.check(&db);
    drop(db);
    let db = Db::open_with(directory.path(), CONFIG, NEVER).unwrap();
    go_on(&mut chain, &db);
    db.folder.all().unwrap();
    chain.check(&db);
}

#[test]
fn a_journal_with_a_gap_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let db = Db::open_with(directory.path(), CONFIG, NEVER).unwrap();
    half_folded(&db);
    let mut batch = WriteBatch::default();
    batch.delete_cf(db.store.family(JOURNAL), number_key(4));
    db.store.write(batch, true).unwrap();
    drop(db);
    let error = Db::open_with(directory.path(), CONFIG, NEVER).err().unwrap();
    assert!(error.to_string().contains("the journal of block 4 is missing"), "{error}");
}

#[test]
fn readers_that_sleep_through_commits_and_folds_see_their_block() {
    // What happens at a pause: `g` and `c` change, `j` comes; folded or not; and then so many blocks that memory forgets.
    let busy = |folds: bool, blocks: u32| -> Meanwhile {
        Box::new(move |db| {
            let mut chain = Chain::at(db);
            chain.commit(db, vec![("c", Some("later")), ("g", None), ("j", Some("later")), ("e", None)]);
            for _ in 0..blocks {
                chain.commit(db, vec![("filler", Some(&chain.blocks.len().to_string()))]);
            }
            if folds {
                db.folder.all().unwrap();
            }
        })
    };
    let quiet = || -> Meanwhile { Box::new(|_| {}) };
    let directory = tempfile::tempdir().unwrap();
    let keys = ["a", "c", "e", "j"];
    for folded_before in [false, true] {
        let template = directory.path().join(format!("template {folded_before}"));
        let db = Db::open_with(&template, CONFIG, NEVER).unwrap();
        let chain = half_folded(&db);
        if folded_before {
            db.folder.all().unwrap();
        }
        drop(db);
        let at = 5;
        let state = &chain.states[at as usize];
        let reads = keys.iter().map(Some).chain([None]);
        for (index, read) in reads.enumerate() {
            // The first pause or the second; then the world folds or not, and moves on a little or far.
            for case in [0, 1, 2, 4, 5, 6] {
                let path = directory.path().join(format!("{folded_before} {index} {case}"));
                copy(&template, &path);
                let db = Db::open_with(&path, CONFIG, NEVER).unwrap();
                let busy = busy(case & 1 == 0, if case & 2 == 0 { 0 } else { 33 });
                let meanwhile = if case & 4 == 0 { vec![busy] } else { vec![quiet(), busy] };
                *db.meanwhile.lock() = meanwhile.into();
                match read {
                    Some(key) => {
                        let value = db.get_at(at, key.as_bytes()).unwrap();
                        assert_eq!(value.as_ref(), state.0.get(key.as_bytes()), "{key}, case {case}");
                    }
                    None => {
                        assert!(db.keys_at(at, b"", 100).unwrap().iter().eq(state.0.keys()), "case {case}")
                    }
                }
            }
        }
    }
}
