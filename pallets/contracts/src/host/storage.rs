//! What a contract keeps.

use basalt_primitives::hashing::{blake2_128, blake2_256};
use basalt_state::StateWrite;
use basalt_support::{Context, RuntimeCall};

use super::{End, HostCall, SENTINEL, SUCCESS, code, length_of, memory};
use crate::{
    CHILD_STORAGE_PREFIX, Error, PAYLOAD_BYTES_MAX, STORAGE_KEY_BYTES_MAX, costs,
    exec::{Fault, Stack},
};

/// How a key is given: 32 bytes at the first argument, or as many as the second says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyKind {
    Fixed,
    Variable,
}

impl KeyKind {
    /// Appends the key at the first argument in the form in which it is stored to the prefix of its contract.
    pub(super) fn append<C>(
        self,
        call: &HostCall<'_, '_, '_, '_, C>,
        to: &mut alloc::vec::Vec<u8>,
    ) -> Result<(), Error>
    where
        C: RuntimeCall,
    {
        match self {
            Self::Fixed => {
                to.extend_from_slice(&blake2_256(&memory::array::<32>(call.memory, call.word(0))?))
            }
            Self::Variable if call.word(1) > STORAGE_KEY_BYTES_MAX => return Err(Error::DecodingFailed),
            Self::Variable => {
                let key = call.bytes(0, 1)?;
                if let Some(hashed) = call.recent.hashed(to, key) {
                    to.extend_from_slice(hashed);
                } else {
                    to.extend_from_slice(&blake2_128(key));
                    to.extend_from_slice(key);
                }
            }
        }
        Ok(())
    }
}

impl<C> Stack<'_, C> {
    /// What all raw keys of the contract that runs begin with.
    fn write_prefix(&mut self, ctx: &Context<'_, '_>, key: &mut alloc::vec::Vec<u8>) -> Result<(), Fault> {
        key.clear();
        key.extend_from_slice(CHILD_STORAGE_PREFIX);
        key.extend_from_slice(&self.record(ctx)?.trie_id.0);
        Ok(())
    }
}

impl<C: RuntimeCall> HostCall<'_, '_, '_, '_, C> {
    /// Runs `body` with the raw key that the arguments say.
    fn with_key<R>(
        &mut self,
        kind: KeyKind,
        body: impl FnOnce(&mut Self, &[u8]) -> Result<R, End>,
    ) -> Result<R, End> {
        // The room for it is the stack's: a nested call would need its own, but none happens in `body`.
        let mut key = core::mem::take(&mut self.stack.key);
        let prefix = self.stack.write_prefix(self.ctx, &mut key).map_err(End::from);
        let full = prefix.and_then(|()| kind.append(self, &mut key).map_err(End::from));
        let result = full.and_then(|()| body(self, &key));
        self.stack.key = key;
        result
    }

    /// Counts a value that changes its length, and gives back what was charged for a larger old one.
    fn count(&mut self, old: Option<u32>, new: Option<u32>, charged: basalt_primitives::Weight) {
        let frame = self.stack.top();
        let actual = match new {
            Some(new) => costs::set_storage(new, old.unwrap_or(0)),
            None => costs::clear_storage(old.unwrap_or(0)),
        };
        frame.gas.adjust(charged, actual);
        if let Some(diff) = frame.deposit.diff() {
            diff.count(old, new);
        }
    }

    /// The value's pointer is argument `value`, its length the one behind.
    pub(super) fn set_storage(&mut self, kind: KeyKind, value: usize) -> Result<u32, End> {
        let length = self.word(value + 1);
        let charged = costs::set_storage(length, PAYLOAD_BYTES_MAX);
        self.charge(charged)?;
        if length > PAYLOAD_BYTES_MAX {
            return Err(Error::ValueTooLarge.into());
        }
        self.with_key(kind, |call, key| {
            let new = memory::read(call.memory, call.word(value), length)?;
            let old = call.recent.take(call.ctx, key)?;
            // Contracts write back what they did not change: whoever reads it need not wait for them.
            if old.as_deref() != Some(new) {
                call.ctx.put(key, new.to_vec());
            }
            let old = old.as_deref().map(length_of);
            call.count(old, Some(length), charged);
            Ok(old.unwrap_or(SENTINEL))
        })
    }

    pub(super) fn clear_storage(&mut self, kind: KeyKind) -> Result<u32, End> {
        let charged = costs::clear_storage(PAYLOAD_BYTES_MAX);
        self.charge(charged)?;
        self.with_key(kind, |call, key| {
            let old = call.recent.take(call.ctx, key)?.as_deref().map(length_of);
            if old.is_some() {
                call.ctx.remove(key);
            }
            call.count(old, None, charged);
            Ok(old.unwrap_or(SENTINEL))
        })
    }

    /// The answer goes to the buffer at argument `out`.
    pub(super) fn get_storage(&mut self, kind: KeyKind, out: usize) -> Result<u32, End> {
        let charged = costs::get_storage(PAYLOAD_BYTES_MAX);
        self.charge(charged)?;
        self.with_key(kind, |call, key| {
            let (at, length_at) = (call.word(out), call.word(out + 1));
            let value = call.recent.read(call.ctx, kind, key)?;
            let length = value.map_or(0, |value| length_of(value));
            call.stack.top().gas.adjust(charged, costs::get_storage(length));
            match value {
                Some(value) => {
                    memory::answer(call.memory, at, length_at, value)?;
                    Ok(SUCCESS)
                }
                None => Ok(code::KEY_NOT_FOUND),
            }
        })
    }

    pub(super) fn contains_storage(&mut self, kind: KeyKind) -> Result<u32, End> {
        let charged = costs::get_storage(PAYLOAD_BYTES_MAX);
        self.charge(charged)?;
        let length = self.with_key(kind, |call, key| {
            Ok(call.recent.read(call.ctx, kind, key)?.map(|value| length_of(value)))
        })?;
        self.stack.top().gas.adjust(charged, costs::get_storage(length.unwrap_or(0)));
        Ok(length.unwrap_or(SENTINEL))
    }

    pub(super) fn take_storage(&mut self) -> Result<u32, End> {
        let charged = costs::clear_storage(PAYLOAD_BYTES_MAX);
        self.charge(charged)?;
        let value = self.with_key(KeyKind::Variable, |call, key| {
            let value = call.recent.take(call.ctx, key)?;
            if value.is_some() {
                call.ctx.remove(key);
            }
            call.count(value.as_deref().map(length_of), None, charged);
            Ok(value)
        })?;
        match value {
            Some(value) => {
                memory::answer(self.memory, self.word(2), self.word(3), &value)?;
                Ok(SUCCESS)
            }
            None => Ok(code::KEY_NOT_FOUND),
        }
    }
}
