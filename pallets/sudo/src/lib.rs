//! Let one key act as root, on development chains.
//!
//! # State
//!
//! | item  | value       | changed by                                  |
//! |-------|-------------|---------------------------------------------|
//! | `Key` | `AccountId` | [`Call::set_key`], [`Call::remove_key`]     |
//!
//! # Invariants
//!
//! - Nobody but the key's owner gets anything but [`Error::RequireSudo`].
//! - The owner pays no fee for what succeeds in being dispatched, as in Substrate; the dispatched call's own outcome
//!   is in the event.
//!
//! # Out of scope
//!
//! Production: governance takes its place. The presets for public networks leave the key empty.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

pub mod pallet;
#[cfg(test)]
mod tests;

use core::marker::PhantomData;

use basalt_primitives::{AccountId, DispatchClass, DispatchError, MultiAddress, Pays, Weight};
use basalt_state::StateWrite;
use basalt_support::{
    CallResult, Context, DispatchInfo, Failure, Origin, Pallet, PostInfo, RuntimeCall, Value,
    metadata::PalletMetadata, module_error, recorded, weight,
};
use scale_info::meta_type;

pub use pallet::{Call, Error, Event};

/// Whose calls become root's.
pub const KEY: Value<AccountId> = Value::optional("Sudo", "Key");

/// The pallet. `C` is the runtime's call.
#[derive(Debug)]
pub struct Sudo<C> {
    /// Its index in the runtime.
    pub index: u8,
    /// The runtime's call.
    pub calls: PhantomData<fn() -> C>,
}

impl<C> Sudo<C> {
    /// The pallet at this index.
    pub const fn new(index: u8) -> Self {
        Self { index, calls: PhantomData }
    }

    /// Sets the key at genesis.
    pub fn genesis(&self, state: &mut impl StateWrite, key: Option<&AccountId>) {
        if let Some(key) = key {
            KEY.put(state, key);
        }
    }

    fn ensure_sudo(&self, origin: Origin, ctx: &Context<'_, '_>) -> Result<AccountId, Failure> {
        let who = origin.signed()?;
        if KEY.get(ctx)? == Some(who) { Ok(who) } else { Err(module_error(self.index, &Error::RequireSudo)) }
    }
}

/// Sudo's own share of a call: reading the key.
const OVERHEAD: Weight = weight::operations(1, 0);

impl<C: RuntimeCall> Pallet for Sudo<C> {
    const NAME: &'static str = "Sudo";
    type Call = Call<C>;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [KEY.entry(&["Whose calls become root's; nobody's if empty."])].into(),
            calls: Some(meta_type::<Call<C>>()),
            event: Some(meta_type::<Event>()),
            error: Some(meta_type::<Error>()),
            constants: [].into(),
            docs: ["Let one key act as root, on development chains."].into(),
        }
    }

    fn info(&self, call: &Call<C>) -> DispatchInfo {
        let (weight, class) = match call {
            Call::sudo { call } | Call::sudo_as { call, .. } => {
                let inner = call.info();
                // Inherents' class would let any sender skip the block limits.
                let class = match inner.class {
                    DispatchClass::Operational => DispatchClass::Operational,
                    _ => DispatchClass::Normal,
                };
                (OVERHEAD.saturating_add(inner.weight), class)
            }
            Call::sudo_unchecked_weight { weight, .. } => (*weight, DispatchClass::Normal),
            Call::set_key { .. } | Call::remove_key => (weight::operations(1, 1), DispatchClass::Normal),
        };
        DispatchInfo { weight, class, pays_fee: Pays::Yes }
    }

    fn dispatch(&self, call: Call<C>, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        let who = self.ensure_sudo(origin, ctx)?;
        match call {
            Call::sudo { call } => {
                let (_, sudo_result) = recorded(call.dispatch(Origin::Root, ctx))?;
                ctx.emit(self.index, &Event::Sudid { sudo_result });
            }
            Call::sudo_unchecked_weight { call, .. } => {
                let (_, sudo_result) = recorded(call.dispatch(Origin::Root, ctx))?;
                ctx.emit(self.index, &Event::Sudid { sudo_result });
            }
            Call::set_key { new } => {
                let MultiAddress::Id(new) = new else {
                    return Err(DispatchError::CannotLookup.into());
                };
                KEY.put(ctx, &new);
                ctx.emit(self.index, &Event::KeyChanged { old: Some(who), new });
            }
            Call::sudo_as { who, call } => {
                let MultiAddress::Id(who) = who else {
                    return Err(DispatchError::CannotLookup.into());
                };
                let (_, sudo_result) = recorded(call.dispatch(Origin::Signed(who), ctx))?;
                ctx.emit(self.index, &Event::SudoAsDone { sudo_result });
            }
            Call::remove_key => {
                KEY.remove(ctx);
                ctx.emit(self.index, &Event::KeyRemoved);
            }
        }
        Ok(PostInfo { actual_weight: None, pays_fee: Pays::No })
    }
}
