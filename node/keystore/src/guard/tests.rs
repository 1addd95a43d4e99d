//! The rule, the bytes, and what is left after a crash at any point of a write.

use std::{cell::RefCell, collections::BTreeMap, fs, io, rc::Rc};

use proptest::prelude::*;

use super::{
    file::{Device, Journal, Refusal},
    slots::{self, Entry, FILE_BYTES, SLOT_BYTES, Slot},
    *,
};
use crate::{KeyType, Keystore};

const KEY: [u8; 32] = [7; 32];

fn turn(height: u64, round: u32, step: Step) -> Turn {
    Turn { height, round, step }
}

fn record(height: u64, round: u32, step: Step, hash: u8) -> Record {
    Record { turn: turn(height, round, step), hash: [hash; 32] }
}

fn any_record() -> impl Strategy<Value = Record> {
    let step = prop_oneof![Just(Step::Proposal), Just(Step::Prevote), Just(Step::Precommit)];
    // Few values, so that turns meet.
    (0..4u64, 0..3u32, step, 0..2u8).prop_map(|(height, round, step, hash)| record(height, round, step, hash))
}

#[test]
fn turns_are_ordered_by_height_then_round_then_step() {
    let last = record(5, 2, Step::Prevote, 1);
    let guard = Guard { last: Some(last) };
    for later in
        [record(5, 2, Step::Precommit, 9), record(5, 3, Step::Proposal, 9), record(6, 0, Step::Proposal, 9)]
    {
        assert_eq!(guard.check(&later), Verdict::Allowed, "{}", later.turn);
    }
    assert_eq!(guard.check(&last), Verdict::SameAgain);
    for refused in [
        record(5, 2, Step::Prevote, 2),
        record(5, 2, Step::Proposal, 1),
        record(5, 1, Step::Precommit, 1),
        record(4, 9, Step::Precommit, 1),
    ] {
        assert_eq!(guard.check(&refused), Verdict::Refused { last }, "{}", refused.turn);
    }
    assert_eq!(Guard::default().check(&record(0, 0, Step::Proposal, 0)), Verdict::Allowed);
}

#[test]
fn the_layout_of_a_slot_is_pinned() {
    let guard = Guard { last: Some(record(0x0102_0304, 5, Step::Precommit, 9)) };
    let slot = Entry { sequence: 3, vote_key: KEY, guard }.encode();
    let expected = [
        &b"bsltgrd1"[..],
        &[3, 0, 0, 0, 0, 0, 0, 0],
        &[7; 32],
        &[1, 4, 3, 2, 1, 0, 0, 0, 0, 5, 0, 0, 0, 2],
        &[9; 32],
    ]
    .concat();
    assert_eq!(slot[..expected.len()], expected);
    assert!(slot[expected.len()..SLOT_BYTES - 4].iter().all(|byte| *byte == 0));
    assert_eq!(slot[SLOT_BYTES - 4..], crc32fast::hash(&slot[..SLOT_BYTES - 4]).to_le_bytes());
}

#[test]
fn a_slot_in_the_place_of_the_other_does_not_count() {
    let entry = |sequence| Entry { sequence, vote_key: KEY, guard: Guard::default() };
    let swapped = [entry(3).encode(), entry(2).encode()].concat();
    assert_eq!(slots::newest(&swapped), None);
    let right = [entry(2).encode(), entry(3).encode()].concat();
    assert_eq!(slots::newest(&right), Some(entry(3)));
}

/// How a write ends.
#[derive(Debug, Clone)]
enum Fate {
    /// It arrives.
    Whole,
    /// The machine dies: these of its 512-byte sectors arrived, and of the next one so many bytes.
    Torn { sectors: u8, bytes: usize },
    /// All of it arrived, and the machine dies before it says so.
    Unsaid,
}

/// A disk that dies as it is told.
#[derive(Clone)]
struct Disk {
    image: Rc<RefCell<Vec<u8>>>,
    fate: Rc<RefCell<Fate>>,
}

const SECTOR: usize = 512;

impl Device for Disk {
    fn write(&mut self, place: usize, slot: &Slot) -> io::Result<()> {
        let mut image = self.image.borrow_mut();
        let target = &mut image[place * SLOT_BYTES..(place + 1) * SLOT_BYTES];
        match *self.fate.borrow() {
            Fate::Whole => {
                target.copy_from_slice(slot);
                return Ok(());
            }
            Fate::Unsaid => target.copy_from_slice(slot),
            Fate::Torn { sectors, bytes } => {
                // Sectors arrive in any order.
                for sector in (0..SLOT_BYTES / SECTOR).filter(|sector| sectors >> sector & 1 == 1) {
                    let range = sector * SECTOR..(sector + 1) * SECTOR;
                    target[range.clone()].copy_from_slice(&slot[range]);
                }
                target[..bytes].copy_from_slice(&slot[..bytes]);
            }
        }
        Err(io::Error::other("the machine died"))
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Whole),
        2 => (any::<u8>(), 0..SLOT_BYTES).prop_map(|(sectors, bytes)| Fate::Torn { sectors, bytes }),
        1 => Just(Fate::Unsaid),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(sequence: u64, key: [u8; 32], last in prop::option::of(any_record())) {
        let entry = Entry { sequence, vote_key: key, guard: Guard { last } };
        let mut file = vec![0; FILE_BYTES];
        file[entry.place() * SLOT_BYTES..][..SLOT_BYTES].copy_from_slice(&entry.encode());
        prop_assert_eq!(slots::newest(&file), Some(entry));
    }

    #[test]
    fn a_damaged_slot_does_not_count(last in any_record(), at in 0..SLOT_BYTES, bit in 0..8u32) {
        let mut slot = Entry { sequence: 0, vote_key: KEY, guard: Guard { last: Some(last) } }.encode();
        slot[at] ^= 1 << bit;
        prop_assert_eq!(slots::newest(&slot), None);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0..SLOT_BYTES) {
        let mut file = vec![0; FILE_BYTES];
        let end = (at + bytes.len()).min(FILE_BYTES);
        file[at..end].copy_from_slice(&bytes[..end - at]);
        prop_assert_eq!(slots::newest(&file), None);
        prop_assert_eq!(slots::newest(&bytes), None);
    }

    /// Whatever a validator tries to sign and wherever its machine dies: no turn has two messages, and after each death the
    /// guard remembers all that it ever allowed.
    #[test]
    fn no_turn_is_signed_twice_across_torn_writes(steps in prop::collection::vec((any_record(), fate()), 1..60)) {
        let genesis = Entry { sequence: 1, vote_key: KEY, guard: Guard::default() };
        let mut image = vec![0; FILE_BYTES];
        image[SLOT_BYTES..].copy_from_slice(&genesis.encode());
        let disk = Disk { image: Rc::new(RefCell::new(image)), fate: Rc::new(RefCell::new(Fate::Whole)) };
        let mut journal = Journal::new(disk.clone(), genesis);
        let mut signed: BTreeMap<Turn, [u8; 32]> = BTreeMap::new();
        for (next, fate) in steps {
            disk.fate.replace(fate);
            match journal.admit(next) {
                Ok(()) => {
                    let before = signed.insert(next.turn, next.hash);
                    prop_assert!(before.is_none_or(|hash| hash == next.hash), "{} twice", next.turn);
                }
                Err(Refusal::Verdict { last }) => prop_assert!(last.turn >= next.turn),
                Err(Refusal::Write(_)) => {
                    prop_assert!(matches!(journal.admit(next), Err(Refusal::Failed)), "signing goes on after a failure");
                    // The machine starts again.
                    let newest = slots::newest(&disk.image.borrow());
                    prop_assert!(newest.is_some(), "one slot is always whole");
                    journal = Journal::new(disk.clone(), newest.unwrap());
                }
                Err(Refusal::Failed) => prop_assert!(false, "failed without a failure"),
            }
            let latest = signed.keys().next_back().copied();
            prop_assert!(journal.guard().last.map(|last| last.turn) >= latest, "forgot {latest:?}");
        }
    }
}

// ---- Real files --------------------------------------------------------------------------------------------------

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn path(folder: &tempfile::TempDir) -> std::path::PathBuf {
    folder.path().join(format!("{}.guard", const_hex::encode(KEY)))
}

#[test]
fn a_guard_remembers_when_it_is_opened_again() {
    let folder = folder();
    let mut last = None;
    for height in 1..6 {
        let mut guard = GuardFile::open(folder.path(), &KEY).unwrap();
        assert_eq!(guard.last(), last);
        guard.admit(record(height, 0, Step::Prevote, 1)).unwrap();
        guard.admit(record(height, 0, Step::Precommit, 1)).unwrap();
        guard.admit(record(height, 0, Step::Precommit, 1)).unwrap();
        let refused = guard.admit(record(height, 0, Step::Precommit, 2)).unwrap_err();
        assert!(matches!(refused, GuardError::Refused { .. }));
        let text = refused.to_string();
        assert!(
            text.contains(&format!("precommit of height {height}, round 0, of another message")),
            "{text}"
        );
        last = guard.last();
        assert_eq!(last, Some(record(height, 0, Step::Precommit, 1)));
    }
    assert_eq!(fs::metadata(path(&folder)).unwrap().len(), FILE_BYTES as u64);
}

#[test]
fn only_one_can_hold_a_guard() {
    let folder = folder();
    let first = GuardFile::open(folder.path(), &KEY).unwrap();
    let error = GuardFile::open(folder.path(), &KEY).unwrap_err();
    assert!(matches!(error, GuardError::InUse(_)));
    assert!(error.to_string().contains("another process"), "{error}");
    GuardFile::open(folder.path(), &[8; 32]).expect("another key has its own guard");
    drop(first);
    GuardFile::open(folder.path(), &KEY).unwrap();
}

#[test]
fn a_guard_that_was_never_finished_is_made_again_and_one_that_was_cut_is_not() {
    let folder = folder();
    let path = path(&folder);
    let empty = Entry { sequence: 0, vote_key: KEY, guard: Guard::default() }.encode();
    // Every length that a crash while making it can leave.
    for unfinished in
        [vec![], vec![0; 100], empty[..100].to_vec(), empty.to_vec(), [&empty[..], &[0; 50]].concat()]
    {
        fs::write(&path, unfinished).unwrap();
        let mut guard = GuardFile::open(folder.path(), &KEY).unwrap();
        assert_eq!(guard.last(), None);
        guard.admit(record(1, 0, Step::Prevote, 1)).unwrap();
    }
    // Sequence 2, in the first slot.
    let whole = fs::read(&path).unwrap();
    for damaged in [
        whole[..SLOT_BYTES].to_vec(),
        whole[..FILE_BYTES - 1].to_vec(),
        [&whole[..], &[0]].concat(),
        vec![0; FILE_BYTES],
    ] {
        fs::write(&path, damaged).unwrap();
        let error = GuardFile::open(folder.path(), &KEY).unwrap_err();
        assert!(matches!(error, GuardError::Damaged(_)), "{error}");
    }
    fs::write(&path, &whole).unwrap();
    assert!(GuardFile::open(folder.path(), &KEY).unwrap().last().is_some());
}

#[test]
fn a_torn_slot_is_written_over_and_the_whole_one_is_not() {
    let folder = folder();
    let mut guard = GuardFile::open(folder.path(), &KEY).unwrap();
    for height in 1..=4 {
        guard.admit(record(height, 0, Step::Prevote, 1)).unwrap();
    }
    drop(guard);
    // Sequences 0 and 1 came with the file, so height 4 has sequence 5 and lies in the second slot.
    let mut bytes = fs::read(path(&folder)).unwrap();
    bytes[SLOT_BYTES + 60] ^= 1;
    fs::write(path(&folder), bytes).unwrap();
    let mut guard = GuardFile::open(folder.path(), &KEY).unwrap();
    assert_eq!(guard.last(), Some(record(3, 0, Step::Prevote, 1)));
    guard.admit(record(5, 0, Step::Prevote, 1)).unwrap();
    drop(guard);
    let bytes = fs::read(path(&folder)).unwrap();
    assert_eq!(slots::newest(&bytes[..SLOT_BYTES]).unwrap().guard.last, Some(record(3, 0, Step::Prevote, 1)));
    assert_eq!(slots::newest(&bytes).unwrap().guard.last, Some(record(5, 0, Step::Prevote, 1)));
}

#[test]
fn a_guard_under_another_name_is_refused() {
    let folder = folder();
    drop(GuardFile::open(folder.path(), &[8; 32]).unwrap());
    fs::rename(folder.path().join(format!("{}.guard", const_hex::encode([8; 32]))), path(&folder)).unwrap();
    let error = GuardFile::open(folder.path(), &KEY).unwrap_err();
    assert!(matches!(error, GuardError::OtherKey { found, .. } if found == [8; 32]));
}

#[test]
fn a_signer_signs_one_message_per_turn_across_restarts() {
    let folder = folder();
    let keystore = Keystore::open(folder.path()).unwrap();
    let public = keystore.insert(KeyType::Vote, "//Alice").unwrap();
    assert!(VoteSigner::open(&keystore, &[1; 32]).unwrap().is_none());
    let at = turn(1, 0, Step::Precommit);
    let mut signer = VoteSigner::open(&keystore, &public).unwrap().unwrap();
    let signature = signer.sign(at, b"block A").unwrap();
    assert!(basalt_primitives::signature::ed25519_verify(&signature, b"block A", &public));
    assert!(matches!(VoteSigner::open(&keystore, &public), Err(SignerError::Guard(GuardError::InUse(_)))));
    drop(signer);
    let mut signer = VoteSigner::open(&keystore, &public).unwrap().unwrap();
    assert_eq!(signer.last().unwrap().turn, at);
    assert_eq!(signer.sign(at, b"block A").unwrap(), signature);
    assert!(matches!(signer.sign(at, b"block B"), Err(GuardError::Refused { .. })));
    assert!(matches!(signer.sign(turn(1, 0, Step::Prevote), b"block A"), Err(GuardError::Refused { .. })));
    signer.sign(turn(1, 1, Step::Prevote), b"block B").unwrap();
}
