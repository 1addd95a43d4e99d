//! The bytes of the journal, and looking into it.

use std::{collections::BTreeMap, hash::BuildHasher, sync::Arc};

use basalt_state::{Key, Value};
use hashbrown::DefaultHashBuilder;
use proptest::prelude::*;

use super::key;
use crate::{
    ChangeSet,
    journal::{Entry, Journal, Look, Record, Walk},
};

/// Key → old and new value, of one block.
type Block = BTreeMap<Key, (Option<Value>, Option<Value>)>;

fn block() -> impl Strategy<Value = Block> {
    let value = || proptest::option::of(proptest::collection::vec(any::<u8>(), 0..3));
    proptest::collection::btree_map(key(), (value(), value()), 0..8)
}

fn record(number: u32, block: &Block, hashing: &DefaultHashBuilder) -> Record {
    let mut record = Record::builder(number, &ChangeSet::default());
    for (key, (old, new)) in block {
        record.push(Entry { key, old: old.as_deref(), new: new.as_deref() }).unwrap();
    }
    record.finish(hashing)
}

proptest! {
    #[test]
    fn a_record_is_read_as_it_was_written_and_any_other_bytes_never_panic(
        block in block(),
        cut in any::<proptest::sample::Index>(),
        other in proptest::collection::vec(0u8..4, 0..60),
    ) {
        let hashing = DefaultHashBuilder::default();
        let written = record(7, &block, &hashing);
        let read = Record::parse(7, written.bytes().to_vec(), &hashing).unwrap();
        prop_assert!(written.iter().eq(read.iter()));
        prop_assert_eq!(read.iter().len(), block.len());
        for (entry, (key, (old, new))) in read.iter().zip(&block) {
            prop_assert_eq!(entry, Entry { key, old: old.as_deref(), new: new.as_deref() });
        }
        let cut = cut.index(written.bytes().len() + 1);
        if let Ok(part) = Record::parse(7, written.bytes()[..cut].to_vec(), &hashing) {
            prop_assert!(part.iter().zip(written.iter()).all(|(part, whole)| part == whole));
        }
        if let Ok(read) = Record::parse(7, other.clone(), &hashing) {
            let mut again = Record::builder(7, &ChangeSet::default());
            read.iter().for_each(|entry| again.push(entry).unwrap());
            let again = again.finish(&hashing);
            prop_assert_eq!(again.bytes(), &other);
        }
    }

    #[test]
    fn looks_and_walks_equal_those_of_a_list(
        blocks in proptest::collection::vec(block(), 1..6),
        folded in 0u32..6,
        oldest in 0u32..6,
        after in proptest::option::of(key()),
    ) {
        let hashing = DefaultHashBuilder::default();
        let mut journal = Journal::new(0);
        for (number, block) in (0..).zip(&blocks) {
            journal.push(Arc::new(record(number, block, &hashing)));
        }
        let end = blocks.len() as u32;
        journal.set_folded(folded.min(end));
        let forgotten = journal.trim(oldest).len() as u32;
        prop_assert_eq!(forgotten, folded.min(end).min(oldest + 1), "only what is folded and not needed");

        for key in blocks.iter().flat_map(BTreeMap::keys).chain([&b"none".to_vec()]) {
            for at in 0..end {
                let block = |number: u32| blocks[number as usize].get(key);
                let next = (at + 1..end).find_map(block).map(|(old, _)| old);
                let last = (forgotten..at + 1).rev().find_map(block).map(|(_, new)| new);
                let expected = match (next, last) {
                    _ if at + 1 < forgotten => Look::Forgotten,
                    (Some(old), _) => Look::Changed(old.as_deref()),
                    (None, Some(new)) => Look::Set(new.as_deref()),
                    (None, None) => Look::Untouched,
                };
                prop_assert_eq!(journal.look(at, hashing.hash_one(key.as_slice()), key), expected);
            }
        }

        let mut all: Vec<(&Key, u32)> = (forgotten..end)
            .flat_map(|number| blocks[number as usize].keys().map(move |key| (key, number)))
            .filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after))
            .collect();
        all.sort();
        let records = journal.range(0, end);
        let mut walk = Walk::new(&records, after.as_deref());
        for (key, number) in all {
            prop_assert_eq!(walk.key(), Some(key.as_slice()));
            let (block, entry) = walk.next_entry().unwrap();
            prop_assert_eq!((block, entry.key), (number, key.as_slice()));
        }
        prop_assert!(walk.next_entry().is_none());
    }
}
