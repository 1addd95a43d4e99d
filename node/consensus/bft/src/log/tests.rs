use std::io::Result;

use basalt_primitives::{Digest, H256, Header, OpaqueExtrinsic};
use proptest::prelude::*;

use super::{Entry, FileStorage, Log, LogError, Recovered, Storage};
use crate::wire::SignedVote;

const GENESIS: H256 = H256([1; 32]);

/// Keeps bytes.
#[derive(Clone, Default)]
struct Memory(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Storage for Memory {
    fn read(&mut self) -> Result<Vec<u8>> {
        Ok(self.0.lock().unwrap().clone())
    }
    fn reset(&mut self, bytes: &[u8]) -> Result<()> {
        *self.0.lock().unwrap() = bytes.to_vec();
        Ok(())
    }
    fn truncate(&mut self, length: u64) -> Result<()> {
        self.0.lock().unwrap().truncate(usize::try_from(length).unwrap());
        Ok(())
    }
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.lock().unwrap().extend(bytes);
        Ok(())
    }
    fn sync(&mut self) -> Result<()> {
        Ok(())
    }
}

fn entry() -> impl Strategy<Value = Entry> {
    let vote = (any::<bool>(), 0u64..9, any::<u32>(), any::<Option<[u8; 32]>>(), any::<[u8; 32]>()).prop_map(
        |(precommit, height, round, block, voter)| {
            Entry::Vote(SignedVote {
                precommit,
                height,
                round,
                block: block.map(H256),
                voter,
                signature: [3; 64],
            })
        },
    );
    let executed = (any::<u32>(), any::<bool>()).prop_map(|(round, valid)| Entry::Executed {
        header: Header {
            parent_hash: GENESIS,
            number: 4,
            state_root: GENESIS,
            extrinsics_root: GENESIS,
            digest: Digest::default(),
        },
        round,
        pol_round: None,
        proposer: [2; 32],
        valid,
    });
    let body = proptest::collection::vec(any::<u8>(), 0..99)
        .prop_map(|bytes| Entry::Body(GENESIS, vec![OpaqueExtrinsic(bytes)]));
    prop_oneof![
        vote,
        executed,
        body,
        (0u8..4, any::<u32>()).prop_map(|(step, round)| Entry::Elapsed { step, round })
    ]
}

proptest! {
    #[test]
    fn of_a_log_cut_anywhere_the_whole_entries_are_found_and_it_goes_on(
        height in 1u32..9,
        entries in proptest::collection::vec(entry(), 0..9),
        more in entry(),
        cut in any::<prop::sample::Index>(),
        garbage in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let memory = Memory::default();
        let (mut log, found) = Log::open(memory.clone(), GENESIS).unwrap();
        prop_assert_eq!(found, None);
        log.begin(height).unwrap();
        let mut ends = vec![memory.0.lock().unwrap().len()];
        for entry in &entries {
            log.append(entry).unwrap();
            ends.push(memory.0.lock().unwrap().len());
        }
        let cut = ends[0] + cut.index(ends[ends.len() - 1] - ends[0] + 1);
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        {
            let mut bytes = memory.0.lock().unwrap();
            bytes.truncate(cut);
            bytes.extend(&garbage);
        }
        let torn = cut != ends[whole] || !garbage.is_empty();
        let (mut log, found) = Log::open(memory.clone(), GENESIS).unwrap();
        let mut kept = entries[..whole].to_vec();
        prop_assert_eq!(found, Some(Recovered { height, entries: kept.clone(), torn }));
        log.append(&more).unwrap();
        kept.push(more);
        let (_, found) = Log::open(memory, GENESIS).unwrap();
        prop_assert_eq!(found, Some(Recovered { height, entries: kept, torn: false }));
    }

    #[test]
    fn what_is_left_of_another_height_never_counts(
        old in proptest::collection::vec(entry(), 1..9),
        new in proptest::collection::vec(entry(), 0..3),
    ) {
        // A disk may show the old bytes behind the new ones.
        let memory = Memory::default();
        let (mut log, _) = Log::open(memory.clone(), GENESIS).unwrap();
        log.begin(3).unwrap();
        for entry in &old {
            log.append(entry).unwrap();
        }
        let before = memory.0.lock().unwrap().clone();
        log.begin(4).unwrap();
        for entry in &new {
            log.append(entry).unwrap();
        }
        {
            let mut bytes = memory.0.lock().unwrap();
            let length = bytes.len();
            bytes.extend(before.get(length..).unwrap_or_default());
        }
        let (_, found) = Log::open(memory, GENESIS).unwrap();
        let found = found.unwrap();
        prop_assert_eq!((found.height, found.entries), (4, new));
    }

    #[test]
    fn any_bytes_are_opened_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let memory = Memory::default();
        *memory.0.lock().unwrap() = bytes;
        let _ = Log::open(memory, GENESIS);
    }
}

#[test]
fn a_log_of_another_chain_or_format_is_left_alone() {
    let memory = Memory::default();
    let (mut log, _) = Log::open(memory.clone(), H256([2; 32])).unwrap();
    log.begin(1).unwrap();
    let before = memory.0.lock().unwrap().clone();
    assert!(matches!(Log::open(memory.clone(), GENESIS), Err(LogError::OtherChain(H256([2, ..])))));
    memory.0.lock().unwrap()[7] = b'9';
    assert!(matches!(Log::open(memory.clone(), GENESIS), Err(LogError::OtherFormat(_))));
    memory.0.lock().unwrap()[7] = b'1';
    assert_eq!(*memory.0.lock().unwrap(), before);
}

#[test]
fn a_file_keeps_what_was_synced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("consensus.log");
    let entry = Entry::Elapsed { step: 1, round: 2 };
    let (mut log, found) = Log::open(FileStorage::open(&path).unwrap(), GENESIS).unwrap();
    assert_eq!(found, None);
    log.begin(8).unwrap();
    log.append(&entry).unwrap();
    log.sync().unwrap();
    drop(log);
    let (mut log, found) = Log::open(FileStorage::open(&path).unwrap(), GENESIS).unwrap();
    assert_eq!(found, Some(Recovered { height: 8, entries: vec![entry.clone()], torn: false }));
    log.append(&entry).unwrap();
    drop(log);
    let (_, found) = Log::open(FileStorage::open(&path).unwrap(), GENESIS).unwrap();
    assert_eq!(found.unwrap().entries.len(), 2);
}

/// A torn log is cut, never written anew: its whole entries are durable, and votes rest on them that others have.
#[test]
fn opening_a_torn_log_risks_none_of_its_whole_entries() {
    struct Cautious(Memory);
    impl Storage for Cautious {
        fn read(&mut self) -> Result<Vec<u8>> {
            self.0.read()
        }
        fn reset(&mut self, _: &[u8]) -> Result<()> {
            panic!("a crash before the next sync would lose everything")
        }
        fn truncate(&mut self, length: u64) -> Result<()> {
            self.0.truncate(length)
        }
        fn append(&mut self, bytes: &[u8]) -> Result<()> {
            self.0.append(bytes)
        }
        fn sync(&mut self) -> Result<()> {
            self.0.sync()
        }
    }
    let memory = Memory::default();
    let (mut log, _) = Log::open(memory.clone(), GENESIS).unwrap();
    let entry = |round| Entry::Elapsed { step: 1, round };
    log.begin(2).unwrap();
    log.append(&entry(0)).unwrap();
    log.append(&entry(1)).unwrap();
    memory.0.lock().unwrap().pop();
    let (mut log, found) = Log::open(Cautious(memory.clone()), GENESIS).unwrap();
    assert_eq!(found, Some(Recovered { height: 2, entries: vec![entry(0)], torn: true }));
    log.append(&entry(7)).unwrap();
    let (_, found) = Log::open(memory, GENESIS).unwrap();
    assert_eq!(found, Some(Recovered { height: 2, entries: vec![entry(0), entry(7)], torn: false }));
}

/// The first write of a height may be cut off anywhere, with zeros or rubbish behind: the validator must start again.
#[test]
fn what_a_crash_leaves_of_a_new_log_is_no_other_format() {
    let memory = Memory::default();
    let (mut log, _) = Log::open(memory.clone(), GENESIS).unwrap();
    log.begin(1).unwrap();
    let whole = memory.0.lock().unwrap().clone();
    for cut in 0..whole.len() {
        for rest in [0, 0x5a] {
            let mut torn = whole.clone();
            torn[cut..].iter_mut().for_each(|byte| *byte &= rest);
            *memory.0.lock().unwrap() = torn;
            let (_, found) = Log::open(memory.clone(), GENESIS).unwrap();
            assert!(found.is_none_or(|found| found.entries.is_empty()), "cut at {cut}");
        }
    }
}
