mod fold;
mod journal;

use basalt_primitives::Header;
use basalt_state::ChangeSet;
use proptest::prelude::*;

use super::*;
use crate::schema::{
    HISTORY, history_after, history_key, history_number, put_history_value, split_history_key,
    split_history_value,
};

/// Keys with many zeros and common beginnings: where escaping can go wrong.
fn key() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(255), any::<u8>()], 0..6)
}

proptest! {
    #[test]
    fn history_keys_sort_as_key_then_number_and_come_apart_again(
        a in (key(), any::<u32>()),
        b in (key(), any::<u32>()),
    ) {
        let (x, y) = (history_key(&a.0, a.1), history_key(&b.0, b.1));
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        prop_assert_eq!(history_number(&x), Some(a.1));
        prop_assert_eq!(split_history_key(&x).unwrap(), a.clone());
        // The mark after a key lies above its entries and below those of all later keys.
        let after = history_after(&a.0);
        prop_assert!(x < after);
        if b.0 > a.0 {
            prop_assert!(after < y);
        }
    }

    #[test]
    fn no_bytes_make_a_history_entry_panic(bytes in proptest::collection::vec(0u8..3, 0..12)) {
        if let Ok((key, number)) = split_history_key(&bytes) {
            prop_assert_eq!(history_key(&key, number), bytes.clone());
        }
        if let Ok(value) = split_history_value(&bytes) {
            let mut again = Vec::new();
            put_history_value(value, &mut again);
            prop_assert_eq!(again, bytes);
        }
    }
}

/// Commits block `number`, which sets one key to its number.
fn commit_block(db: &Db, number: u32) -> Result<(), DbError> {
    let parent_hash = db.finalized().map_or_else(H256::zero, |id| id.hash);
    let header = Header { parent_hash, number, ..Header::default() };
    let id = BlockId { hash: header.hash(), number };
    let changes = ChangeSet::from_iter([(b"key".to_vec(), Some(number.to_le_bytes().to_vec()))]);
    db.commit(Commit {
        insert: vec![NewBlock { hash: id.hash, header: &header, body: &[], changes: &changes }],
        finalize: vec![Finalize { id, changes: &changes, justification: None }],
        drop: vec![],
        best: id,
    })
}

fn history_entries(db: &Db) -> usize {
    let snapshot = db.store.snapshot();
    let mut options = rocksdb::ReadOptions::default();
    options.set_total_order_seek(true);
    let mut entries = snapshot.raw_iterator_cf_opt(db.store.family(HISTORY), options);
    entries.seek_to_first();
    let mut count = 0;
    while entries.valid() {
        count += 1;
        entries.next();
    }
    count
}

#[test]
fn after_a_failed_commit_nothing_is_written_and_old_reads_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let db = Db::open(directory.path(), Config::default()).unwrap();
    commit_block(&db, 0).unwrap();
    db.writer.lock().poisoned = Some("no space left on device".into());
    let error = commit_block(&db, 1).unwrap_err();
    assert!(matches!(error, DbError::Poisoned { .. }));
    assert!(error.to_string().contains("no space left on device"));
    assert_eq!(db.finalized().unwrap().number, 0);
    assert_eq!(db.get_at(0, b"key").unwrap(), Some(vec![0; 4]));
}

#[test]
fn pruned_history_leaves_the_disk_and_kept_history_stays() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { pruning: Pruning::Keep(3), durability: Durability::Block, cache_bytes: 0 };
    let db = Db::open(directory.path(), config).unwrap();
    for number in 0..10 {
        commit_block(&db, number).unwrap();
        if number == 4 {
            db.folder.all().unwrap();
        }
    }
    // Undoing 2, 3 and 4 was needed when they were folded; 1 and genesis were not.
    assert_eq!(history_entries(&db), 3);
    db.compact().unwrap();
    // Blocks 7, 8 and 9 can be undone; 6 is the oldest state.
    assert_eq!(db.oldest_state(), 6);
    assert_eq!(history_entries(&db), 3);
    for number in 6..10u32 {
        assert_eq!(db.get_at(number, b"key").unwrap(), Some(number.to_le_bytes().to_vec()));
    }
}

#[test]
fn without_fsync_history_stays_on_disk_until_a_commit_was_synced() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { pruning: Pruning::Keep(3), durability: Durability::Off, cache_bytes: 0 };
    let db = Db::open(directory.path(), config).unwrap();
    // Genesis is synced, and then every 64th; a fold syncs what is there.
    for number in 0..10 {
        commit_block(&db, number).unwrap();
    }
    db.folder.all().unwrap();
    for number in 10..64 {
        commit_block(&db, number).unwrap();
    }
    db.store.compact().unwrap();
    assert_eq!(history_entries(&db), 3, "the bound could still be lost with the power");
    commit_block(&db, 64).unwrap();
    db.store.compact().unwrap();
    assert_eq!(history_entries(&db), 0);
}
