//! A guard on disk.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::{
    Guard, Record, Turn, Verdict,
    slots::{self, Entry, FILE_BYTES, SLOT_BYTES, Slot},
};

/// Why nothing may be signed.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// It would be a second message for a turn, or one for a turn that is over.
    #[error(
        "refused to sign the {next}: the last signature with this key is the {}{}; \
         this protects the stake, do not delete the guard to get around it", .last.turn,
        if .last.turn == *.next { ", of another message" } else { "" }
    )]
    Refused {
        /// What was to be signed.
        next: Turn,
        /// What was signed last.
        last: Record,
    },
    /// Another process has it.
    #[error(
        "the guard {0} is in use by another process: two nodes with one keystore would sign the same turns; stop the other \
         one, or give this one its own --base-path and keys"
    )]
    InUse(PathBuf),
    /// It cannot be opened or read.
    #[error("the guard {path} cannot be read: {error}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It cannot be written.
    #[error(
        "the guard {path} cannot be written: {error}; nothing more is signed until the node is started again"
    )]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A write has failed before.
    #[error("the guard {0} could not be written before; nothing is signed until the node is started again")]
    Failed(PathBuf),
    /// It says nothing any more.
    #[error(
        "the guard {0} is damaged, so nobody knows what was signed last: make sure that no other node uses this key, wait \
         until the network is well beyond the last height at which this validator voted, and then move the file away"
    )]
    Damaged(PathBuf),
    /// It belongs to another key.
    #[error("the guard {path} is that of the vote key 0x{}; was it renamed?", const_hex::encode(.found))]
    OtherKey {
        /// Which.
        path: PathBuf,
        /// Whose it is.
        found: [u8; 32],
    },
}

/// Where slots are written, durably.
pub(super) trait Device {
    /// Writes one slot. When this returns `Ok`, no crash undoes it.
    fn write(&mut self, place: usize, slot: &Slot) -> io::Result<()>;
}

/// What a guard does, on any device.
#[derive(Debug)]
pub(super) struct Journal<D> {
    device: D,
    newest: Entry,
    failed: bool,
}

/// Whether something may be signed, or why not.
pub(super) enum Refusal {
    Verdict { last: Record },
    Write(io::Error),
    Failed,
}

impl<D: Device> Journal<D> {
    pub(super) fn new(device: D, newest: Entry) -> Self {
        Self { device, newest, failed: false }
    }

    pub(super) fn guard(&self) -> Guard {
        self.newest.guard
    }

    pub(super) fn admit(&mut self, next: Record) -> Result<(), Refusal> {
        if self.failed {
            return Err(Refusal::Failed);
        }
        match self.newest.guard.check(&next) {
            Verdict::SameAgain => return Ok(()),
            Verdict::Refused { last } => return Err(Refusal::Verdict { last }),
            Verdict::Allowed => {}
        }
        // A write a second for as long as the universe exists would not get there.
        let sequence = self.newest.sequence.saturating_add(1);
        let entry = Entry { sequence, guard: Guard { last: Some(next) }, ..self.newest };
        if let Err(error) = self.device.write(entry.place(), &entry.encode()) {
            // After a failed fdatasync nobody knows what is on the disk, and trying again may claim success wrongly.
            self.failed = true;
            return Err(Refusal::Write(error));
        }
        self.newest = entry;
        Ok(())
    }
}

impl Device for File {
    fn write(&mut self, place: usize, slot: &Slot) -> io::Result<()> {
        self.write_all_at(slot, (place * SLOT_BYTES) as u64)?;
        self.sync_data()
    }
}

/// What was signed last with one vote key, on disk. While this lives, no other process can open it.
#[derive(Debug)]
pub struct GuardFile {
    path: PathBuf,
    journal: Journal<File>,
}

impl GuardFile {
    /// Opens the guard of a vote key in this folder, or makes it.
    ///
    /// # Errors
    ///
    /// If another process has it, or if it is damaged: then nobody knows what was signed.
    pub fn open(folder: &Path, vote_key: &[u8; 32]) -> Result<Self, GuardError> {
        let path = folder.join(format!("{}.guard", const_hex::encode(vote_key)));
        let unreadable = |error| GuardError::Read { path: path.clone(), error };
        let unwritable = |error| GuardError::Write { path: path.clone(), error };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(unreadable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(GuardError::InUse(path)),
            Err(TryLockError::Error(error)) => return Err(unreadable(error)),
        }
        let mut bytes = Vec::with_capacity(FILE_BYTES + 1);
        (&file).take(FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let newest = match (slots::newest(&bytes), bytes.len()) {
            (Some(newest), _) if newest.vote_key != *vote_key => {
                return Err(GuardError::OtherKey { path, found: newest.vote_key });
            }
            (Some(newest), FILE_BYTES) => newest,
            // A guard gets its full length last: a shorter one was never finished, and nothing was signed with it.
            (None | Some(Entry { guard: Guard { last: None }, .. }), ..FILE_BYTES) => {
                create(&mut file, folder, vote_key).map_err(unwritable)?
            }
            _ => return Err(GuardError::Damaged(path)),
        };
        Ok(Self { path, journal: Journal::new(file, newest) })
    }

    /// What was signed last.
    pub fn last(&self) -> Option<Record> {
        self.journal.guard().last
    }

    /// Records what is to be signed. Sign only after this returned `Ok`: then no crash makes the guard forget it.
    ///
    /// # Errors
    ///
    /// [`GuardError::Refused`] if it would be a second message for a turn or an older turn; else if the disk fails.
    pub fn admit(&mut self, next: Record) -> Result<(), GuardError> {
        self.journal.admit(next).map_err(|refusal| match refusal {
            Refusal::Verdict { last } => GuardError::Refused { next: next.turn, last },
            Refusal::Write(error) => GuardError::Write { path: self.path.clone(), error },
            Refusal::Failed => GuardError::Failed(self.path.clone()),
        })
    }
}

/// Writes a guard that knows of nothing. The second slot, which gives the file its length, comes when the first is surely
/// there: so a file of full length always has a whole slot.
fn create(file: &mut File, folder: &Path, vote_key: &[u8; 32]) -> io::Result<Entry> {
    let entry = |sequence| Entry { sequence, vote_key: *vote_key, guard: Guard::default() };
    for entry in [entry(0), entry(1)] {
        file.write_all_at(&entry.encode(), (entry.place() * SLOT_BYTES) as u64)?;
        file.sync_all()?;
    }
    File::open(folder)?.sync_all()?;
    Ok(entry(1))
}
