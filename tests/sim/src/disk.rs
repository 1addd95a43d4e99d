//! A disk that keeps what was synced, and of the rest what chance leaves.

use std::{
    io::Result,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use basalt_consensus_bft::{Slot, Storage};
use basalt_primitives::H256;

use crate::dice::Dice;

/// A write that nobody made durable.
#[derive(Debug, Clone)]
enum Write {
    Reset(Vec<u8>),
    Append(Vec<u8>),
    Truncate(usize),
}

/// Where something was signed last, and what.
type Signed = Option<(Slot, H256)>;

#[derive(Debug, Default)]
struct Inner {
    durable: Vec<u8>,
    current: Vec<u8>,
    pending: Vec<Write>,
    /// The last signature that the keys remember: durable, and in memory.
    signed: (Signed, Signed),
}

/// The disk of a node: a consensus log and a record of what was signed. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<Inner>>);

/// What a crash in the middle of a sync has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reached {
    /// Nothing.
    Nothing,
    /// The log is durable, and what the keys remember is not.
    Log,
    /// Both are.
    Keys,
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The power fails, and comes back.
    ///
    /// Of the writes since the last sync the first few are there, and the next one is in part: cut off, followed by
    /// zeros or by rubbish, or, where a file was to be replaced, on top of what was there before.
    pub fn crash(&self, dice: &mut Dice, syncing: bool) {
        let mut inner = self.lock();
        let reached = match dice.below(3) {
            _ if !syncing => Reached::Nothing,
            0 => Reached::Nothing,
            1 => Reached::Log,
            _ => Reached::Keys,
        };
        inner.reach(reached);
        let whole = dice.place(inner.pending.len() + 1);
        let pending = std::mem::take(&mut inner.pending);
        let mut content = std::mem::take(&mut inner.durable);
        for write in &pending[..whole] {
            write.apply(&mut content);
        }
        if let Some(torn) = pending.get(whole) {
            torn.tear(&mut content, dice);
        }
        inner.current.clone_from(&content);
        inner.durable = content;
        inner.signed.1 = inner.signed.0;
    }

    /// As [`Disk::crash`], but nothing more is there than a sync has reached.
    pub fn lose(&self, reached: Reached) {
        let mut inner = self.lock();
        inner.reach(reached);
        inner.pending.clear();
        inner.current = inner.durable.clone();
        inner.signed.1 = inner.signed.0;
    }

    /// The last signature that is remembered durably.
    pub fn durably_signed(&self) -> Option<Slot> {
        self.lock().signed.0.map(|(slot, _)| slot)
    }

    pub(crate) fn signed(&self) -> Option<(Slot, H256)> {
        self.lock().signed.1
    }

    pub(crate) fn remember(&self, slot: Slot, digest: H256) {
        self.lock().signed.1 = Some((slot, digest));
    }

    pub(crate) fn sync_keys(&self) {
        let mut inner = self.lock();
        inner.signed.0 = inner.signed.1;
    }

    /// Whether all of the log is durable.
    pub fn is_synced(&self) -> bool {
        self.lock().pending.is_empty()
    }
}

impl Inner {
    fn reach(&mut self, reached: Reached) {
        if reached != Reached::Nothing {
            self.sync_log();
        }
        if reached == Reached::Keys {
            self.signed.0 = self.signed.1;
        }
    }

    fn sync_log(&mut self) {
        self.pending.clear();
        self.durable.clone_from(&self.current);
    }

    fn write(&mut self, write: Write) {
        write.apply(&mut self.current);
        self.pending.push(write);
    }
}

impl Write {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Reset(bytes) => content.clone_from(bytes),
            Self::Append(bytes) => content.extend(bytes),
            Self::Truncate(length) => content.truncate(*length),
        }
    }

    fn tear(&self, content: &mut Vec<u8>, dice: &mut Dice) {
        let (bytes, over) = match self {
            Self::Reset(bytes) => (bytes, dice.chance(300)),
            Self::Append(bytes) => (bytes, false),
            Self::Truncate(_) => return,
        };
        let cut = dice.place(bytes.len() + 1);
        let (there, lost) = bytes.split_at(cut);
        if over {
            let old = content.split_off(cut.min(content.len()));
            content.clear();
            content.extend(there);
            content.extend(old);
            return;
        }
        if matches!(self, Self::Reset(_)) {
            content.clear();
        }
        content.extend(there);
        match dice.below(3) {
            0 => {}
            // The length is durable before what it holds.
            1 => content.extend(lost.iter().map(|_| 0)),
            _ => content.extend(lost.iter().map(|byte| byte ^ 0x5a)),
        }
    }
}

/// The log's file.
#[derive(Debug)]
pub struct File(pub Disk);

impl Storage for File {
    fn read(&mut self) -> Result<Vec<u8>> {
        Ok(self.0.lock().current.clone())
    }

    fn reset(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.lock().write(Write::Reset(bytes.to_vec()));
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> Result<()> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.0.lock().write(Write::Truncate(length));
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.lock().write(Write::Append(bytes.to_vec()));
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        self.0.lock().sync_log();
        Ok(())
    }
}
