//! What a run has read of its contract's storage last, so that the state is not asked twice, and no key hashed twice: contracts
//! read a value, change it and write it back, and writing says what was there.
//!
//! It holds only as long as nobody but the run itself changes that storage, so it is the run's own, and emptied by each host
//! call that lets others act ([`keeps`]).

use alloc::vec::Vec;

use basalt_contracts_vm::HostFunction as F;
use basalt_state::{Key, StateError, StateRead, Value};

use super::storage::KeyKind;

/// Values that are remembered: a transfer of tokens has three at hand.
const VALUES_MAX: usize = 4;

/// A value that was read.
struct Entry {
    /// Its raw key; empty if there is nothing here any more.
    raw: Key,
    kind: KeyKind,
    value: Option<Value>,
}

/// The last values read.
#[derive(Default)]
pub(super) struct Recent {
    values: Vec<Entry>,
    /// Which one is replaced next.
    next: usize,
}

impl Recent {
    /// The end of the raw key that begins with `prefix`, the contract's, and stands for `key`, one of any length: a hash, and
    /// the key itself.
    pub(super) fn hashed(&self, prefix: &[u8], key: &[u8]) -> Option<&[u8]> {
        // A fixed key is not in its raw one, whose end somebody may choose as another key.
        self.values.iter().filter(|entry| entry.kind == KeyKind::Variable).find_map(|entry| {
            let end = entry.raw.strip_prefix(prefix)?;
            (end.get(16..)? == key).then_some(end)
        })
    }

    /// The value of a raw key, of this kind.
    pub(super) fn read(
        &mut self,
        state: &impl StateRead,
        kind: KeyKind,
        raw: &[u8],
    ) -> Result<Option<&Value>, StateError> {
        let known = self.values.iter().position(|entry| entry.raw == raw);
        let at = known.unwrap_or(self.next);
        if known.is_none() {
            let entry = Entry { raw: raw.to_vec(), kind, value: state.get(raw)? };
            match self.values.get_mut(at) {
                Some(place) => *place = entry,
                None => self.values.push(entry),
            }
            self.next = (at + 1) % VALUES_MAX;
        }
        Ok(self.values.get(at).and_then(|entry| entry.value.as_ref()))
    }

    /// The value of a raw key that is about to change.
    pub(super) fn take(&mut self, state: &impl StateRead, raw: &[u8]) -> Result<Option<Value>, StateError> {
        match self.values.iter_mut().find(|entry| entry.raw == raw) {
            Some(entry) => {
                entry.raw.clear();
                Ok(entry.value.take())
            }
            None => state.get(raw),
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.next = 0;
    }
}

/// Whether all that a function changes of the contract's storage goes through [`Recent::take`].
pub(super) const fn keeps(function: F) -> bool {
    matches!(
        function,
        F::Input
            | F::Return
            | F::Caller
            | F::CallerIsOrigin
            | F::CallerIsRoot
            | F::Address
            | F::OwnCodeHash
            | F::Balance
            | F::ValueTransferred
            | F::MinimumBalance
            | F::Now
            | F::BlockNumber
            | F::GasLeft
            | F::GasLeftV1
            | F::SetStorage
            | F::SetStorageV1
            | F::SetStorageV2
            | F::ClearStorage
            | F::ClearStorageV1
            | F::GetStorage
            | F::GetStorageV1
            | F::ContainsStorage
            | F::ContainsStorageV1
            | F::TakeStorage
            | F::DepositEvent
            | F::HashSha2256
            | F::HashKeccak256
            | F::HashBlake2256
            | F::HashBlake2128
            | F::DebugMessage
    )
}

#[cfg(test)]
mod tests;
