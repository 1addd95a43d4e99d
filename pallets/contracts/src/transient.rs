//! Storage that lives for one top-level call and costs no deposit.

#[cfg(test)]
mod tests;

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{Error, TRANSIENT_STORAGE_BYTES_MAX};

/// What a value counts beside its own bytes and its key's: a record to take it back by, as it is on Substrate chains,
/// where the runtime runs in 32 bits.
const JOURNAL_RECORD_BYTES: u32 = 24;
/// What a new key counts beside its own bytes.
const VEC_HEADER_BYTES: u32 = 12;

/// All transient values, by account and hashed key.
#[derive(Debug, Default)]
pub(crate) struct Transient {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What each write replaced, the last one last.
    journal: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// A frame's share: from where its writes are taken back, and how much it may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TransientFrame {
    begin: usize,
    used: u32,
    limit: u32,
}

impl Transient {
    /// A share for a frame: all of it for the first one, else what the frame below has left but a sixteenth.
    pub(crate) fn begin(&self, below: Option<&TransientFrame>) -> TransientFrame {
        let limit = below.map_or(TRANSIENT_STORAGE_BYTES_MAX, |below| {
            let left = below.limit.saturating_sub(below.used);
            left - left / 16
        });
        TransientFrame { begin: self.journal.len(), used: 0, limit }
    }

    /// Takes back what a frame wrote, and what was called from it.
    pub(crate) fn roll_back(&mut self, frame: &TransientFrame) {
        while self.journal.len() > frame.begin
            && let Some((key, before)) = self.journal.pop()
        {
            match before {
                Some(value) => self.values.insert(key, value),
                None => self.values.remove(&key),
            };
        }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Vec<u8>> {
        self.values.get(key)
    }

    /// Sets or removes a value, and returns the one before. Nothing happens, and nothing is counted, if it stays the same.
    pub(crate) fn set(
        &mut self,
        frame: &mut TransientFrame,
        key: &[u8],
        value: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let before = self.values.get(key).cloned();
        if before == value {
            return Ok(before);
        }
        if let Some(value) = &value {
            let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let mut bytes = length(value).saturating_add(length(key)).saturating_add(JOURNAL_RECORD_BYTES);
            if before.is_none() {
                bytes = bytes.saturating_add(length(key)).saturating_add(VEC_HEADER_BYTES);
            }
            let used = frame.used.saturating_add(bytes);
            if used > frame.limit {
                return Err(Error::OutOfTransientStorage);
            }
            frame.used = used;
        }
        match value {
            Some(value) => self.values.insert(key.to_vec(), value),
            None => self.values.remove(key),
        };
        self.journal.push((key.to_vec(), before.clone()));
        Ok(before)
    }
}

impl TransientFrame {
    /// Takes over what a frame above used, once it has ended well.
    pub(crate) fn absorb(&mut self, above: &Self) {
        self.used = self.used.saturating_add(above.used);
    }
}
