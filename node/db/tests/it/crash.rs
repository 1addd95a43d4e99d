//! What a killed process leaves opens at a complete block.

use std::{fs, path::Path};

use basalt_db::{Db, Pruning};
use basalt_state::{Memory, StateRead};
use basalt_tree::{Tree, key_hash, value_hash};

use crate::chain::{TestBlock, commit_final, config};

/// Copies a database as it is on the disk, open or not: what kill -9 at this moment would leave.
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

/// The log of RocksDB: the largest, if there are several.
fn log(path: &Path) -> std::path::PathBuf {
    let files = fs::read_dir(path.join("rocks")).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|extension| extension == "log"))
        .max_by_key(|file| fs::metadata(file).unwrap().len())
        .unwrap()
}

fn blocks(count: u32) -> Vec<TestBlock> {
    let mut blocks: Vec<TestBlock> = Vec::new();
    for number in 0..count {
        let changes = (0..20u8)
            .filter(|index| (number as u8 + index).is_multiple_of(4))
            .map(|index| (vec![index], (index % 8 != 0).then(|| vec![number as u8; 30])))
            .chain([(b"number".to_vec(), Some(number.to_le_bytes().to_vec()))]);
        blocks.push(TestBlock::new(blocks.last().map(|block| block.id), 0, changes.collect()));
    }
    blocks
}

fn states(blocks: &[TestBlock]) -> Vec<Memory> {
    let mut state = Memory::default();
    blocks
        .iter()
        .map(|block| {
            state.apply(&block.changes);
            state.clone()
        })
        .collect()
}

/// Opens a copy, says at which block, and checks that everything there is of that block.
fn check_copy(path: &Path, blocks: &[TestBlock], states: &[Memory]) -> Option<u32> {
    let db = Db::open(path, config(Pruning::Archive, 1 << 20)).unwrap();
    let Some(head) = db.finalized() else {
        assert_eq!((db.genesis_hash(), db.best()), (None, None));
        assert!(db.load_tree().unwrap().is_empty());
        assert_eq!(db.hash_at(0).unwrap(), None);
        return None;
    };
    let last = head.number as usize;
    assert_eq!(head, blocks[last].id);
    assert_eq!(db.best(), Some(head));
    for (number, (block, state)) in (0..).zip(blocks.iter().zip(states)).take(last + 1) {
        assert_eq!(db.hash_at(number).unwrap(), Some(block.id.hash));
        assert_eq!(db.body(&block.id.hash).unwrap().as_ref(), Some(&block.body));
        for key in state.0.keys() {
            assert_eq!(db.get_at(number, key).unwrap(), state.get(key).unwrap());
        }
        assert_eq!(db.keys_at(number, b"", usize::MAX).unwrap(), state.0.keys().cloned().collect::<Vec<_>>());
    }
    if let Some(next) = blocks.get(last + 1) {
        assert_eq!(db.hash_at(head.number + 1).unwrap(), None);
        assert_eq!(db.header(&next.id.hash).unwrap(), None);
        // And it goes on from there.
        commit_final(&db, std::slice::from_ref(next)).unwrap();
    }
    let tree = Tree::build(
        states[blocks.len().min(last + 2) - 1]
            .0
            .iter()
            .map(|(key, value)| (key_hash(key), value_hash(value))),
    );
    assert_eq!(db.load_tree().unwrap().root(), tree.root());
    Some(head.number)
}

#[test]
fn a_log_cut_anywhere_opens_at_a_complete_block() {
    let directory = tempfile::tempdir().unwrap();
    let original = directory.path().join("original");
    let db = Db::open(&original, config(Pruning::Archive, 1 << 20)).unwrap();
    let blocks = blocks(12);
    let states = states(&blocks);
    commit_final(&db, &blocks[..1]).unwrap();
    let genesis_bytes = fs::metadata(log(&original)).unwrap().len();
    for block in &blocks[1..] {
        commit_final(&db, std::slice::from_ref(block)).unwrap();
    }
    let bytes = fs::metadata(log(&original)).unwrap().len();
    let mut seen = std::collections::BTreeSet::new();
    let cuts = 40;
    for cut in 0..=cuts {
        let path = directory.path().join(format!("cut {cut}"));
        copy(&original, &path);
        // The odd factor makes cuts fall into the middle of records, of their heads, and between them.
        let length = if cut == cuts { bytes } else { bytes * cut / cuts + cut % 7 };
        let length = length.min(bytes);
        fs::File::options().write(true).open(log(&path)).unwrap().set_len(length).unwrap();
        if length < genesis_bytes {
            // Genesis is synced before this note is written.
            fs::remove_file(path.join("GENESIS")).unwrap();
        }
        seen.insert(check_copy(&path, &blocks, &states));
        fs::remove_dir_all(&path).unwrap();
    }
    assert_eq!(seen.last(), Some(&Some(11)), "nothing is lost when nothing is cut");
    assert!(seen.contains(&None));
    assert!(seen.len() > 8, "cuts fell into {} different blocks", seen.len());
}

#[test]
fn a_process_killed_between_commits_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let original = directory.path().join("original");
    let db = Db::open(&original, config(Pruning::Archive, 1 << 20)).unwrap();
    let blocks = blocks(6);
    let states = states(&blocks);
    for (number, block) in (0..).zip(&blocks) {
        commit_final(&db, std::slice::from_ref(block)).unwrap();
        if number == 3 {
            // From here on part of it is in files, part in the log.
            db.compact().unwrap();
        }
        let path = directory.path().join(format!("copy {number}"));
        copy(&original, &path);
        assert_eq!(check_copy(&path, &blocks, &states), Some(number));
    }
}
