//! What contracts keep until the call has ended.

use alloc::vec::Vec;

use basalt_support::RuntimeCall;

use super::{End, HostCall, SENTINEL, SUCCESS, code, length_of, memory, storage::KeyKind};
use crate::{Error, PAYLOAD_BYTES_MAX, costs};

impl<C: RuntimeCall> HostCall<'_, '_, '_, '_, C> {
    /// The account of the contract that runs, and the key at the first argument as it would be stored.
    fn transient_key(&mut self) -> Result<Vec<u8>, End> {
        let mut key = Vec::with_capacity(32 + 16 + self.word(1).min(128) as usize);
        key.extend_from_slice(&self.stack.top().account.0);
        KeyKind::Variable.append(self, &mut key)?;
        Ok(key)
    }

    /// Sets or removes the value; returns the old one.
    fn write_transient(&mut self, value: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, End> {
        let key = self.transient_key()?;
        let new_length = value.as_deref().map_or(0, length_of);
        let charged = costs::set_transient(new_length, PAYLOAD_BYTES_MAX);
        // The frame's share is a few numbers: it is taken out and put back, so that both can be changed.
        let mut share = self.stack.top().transient;
        let old = self.stack.transient.set(&mut share, &key, value)?;
        let frame = self.stack.top();
        frame.transient = share;
        let old_length = old.as_deref().map_or(0, length_of);
        frame.gas.adjust(charged, costs::set_transient(new_length, old_length));
        Ok(old)
    }

    pub(super) fn set_transient(&mut self) -> Result<u32, End> {
        let length = self.word(3);
        self.charge(costs::set_transient(length, PAYLOAD_BYTES_MAX))?;
        if length > PAYLOAD_BYTES_MAX {
            return Err(Error::ValueTooLarge.into());
        }
        let value = self.bytes(2, 3)?.to_vec();
        let old = self.write_transient(Some(value))?;
        Ok(old.as_deref().map_or(SENTINEL, length_of))
    }

    pub(super) fn clear_transient(&mut self) -> Result<u32, End> {
        self.charge(costs::set_transient(0, PAYLOAD_BYTES_MAX))?;
        let old = self.write_transient(None)?;
        Ok(old.as_deref().map_or(SENTINEL, length_of))
    }

    pub(super) fn get_transient(&mut self) -> Result<u32, End> {
        let charged = costs::get_transient(PAYLOAD_BYTES_MAX);
        self.charge(charged)?;
        let key = self.transient_key()?;
        let (out, capacity) = (self.word(2), self.word(3));
        let value = self.stack.transient.get(&key);
        let length = value.map_or(0, |value| length_of(value));
        let code = match value {
            Some(value) => memory::answer(self.memory, out, capacity, value).map(|()| SUCCESS),
            None => Ok(code::KEY_NOT_FOUND),
        };
        self.stack.top().gas.adjust(charged, costs::get_transient(length));
        Ok(code?)
    }

    pub(super) fn contains_transient(&mut self) -> Result<u32, End> {
        let charged = costs::get_transient(PAYLOAD_BYTES_MAX);
        self.charge(charged)?;
        let key = self.transient_key()?;
        let length = self.stack.transient.get(&key).map(|value| length_of(value));
        self.stack.top().gas.adjust(charged, costs::get_transient(length.unwrap_or(0)));
        Ok(length.unwrap_or(SENTINEL))
    }

    pub(super) fn take_transient(&mut self) -> Result<u32, End> {
        self.charge(costs::set_transient(0, PAYLOAD_BYTES_MAX))?;
        match self.write_transient(None)? {
            Some(value) => self.answer(2, basalt_primitives::Weight::zero(), &value),
            None => Ok(code::KEY_NOT_FOUND),
        }
    }
}
