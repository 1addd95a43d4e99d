//! Keep the numbers that the chain may change without new code.
//!
//! # Responsibility
//!
//! - Values of parameters by their keys: typed, with bounds; a value outside of them is refused wherever it comes from.
//!
//! # State
//!
//! | item         | value                              | changed by              |
//! |--------------|------------------------------------|-------------------------|
//! | `Parameters` | those that differ from the default | [`Call::set_parameter`] |
//!
//! # Invariants
//!
//! - Every stored value is within its bounds: checked when it is set, and by `try_state`.
//!
//! # Out of scope
//!
//! Which parameters there are, and who reads them: the runtime's. That a referendum which would set one out of bounds is
//! refused when it is submitted: `basalt-pallet-referenda`, by the same check.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

#[cfg(test)]
mod tests;

use alloc::{
    format,
    string::{String, ToString},
};
use core::{fmt::Debug, marker::PhantomData};

use basalt_primitives::DispatchError;
use basalt_state::{StateError, StateRead};
use basalt_support::{
    CallResult, Context, DispatchInfo, Map, Origin, Pallet, PostInfo, metadata::PalletMetadata, module_error,
    storage::Blake2_128Concat, weight,
};
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::{TypeInfo, meta_type};

/// What types of parameters have in common.
pub trait Part: Encode + Decode + TypeInfo + Clone + Debug + PartialEq + 'static {}

impl<T: Encode + Decode + TypeInfo + Clone + Debug + PartialEq + 'static> Part for T {}

/// A parameter with its new value: the runtime's enum of all there are.
pub trait ParameterSet: Part {
    /// Which parameter.
    type Key: Part;
    /// Its value.
    type Value: Part;

    /// Key and value; no value means the default.
    fn into_parts(self) -> (Self::Key, Option<Self::Value>);

    /// Whether the value is one that the parameter may have.
    fn is_in_bounds(&self) -> bool;

    /// The parameter with this value; `None` if the two do not belong together.
    fn of_parts(key: Self::Key, value: Self::Value) -> Option<Self>;
}

/// What the pallet is asked.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_parameters", "pallet_parameters"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call<P> {
    /// Sets a parameter, or gives it its default.
    #[codec(index = 0)]
    set_parameter {
        /// Which, and the value.
        key_value: P,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_parameters", "pallet_parameters"))]
pub enum Event<K, V> {
    /// A parameter was set.
    #[codec(index = 0)]
    Updated {
        /// Which.
        key: K,
        /// What it was; `None` for the default.
        old_value: Option<V>,
        /// What it is; `None` for the default.
        new_value: Option<V>,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_parameters", "pallet_parameters"))]
pub enum Error {
    /// The parameter cannot have this value.
    #[codec(index = 0)]
    OutOfBounds,
}

/// The pallet. `P` is the runtime's set of parameters.
#[derive(Debug)]
pub struct Parameters<P> {
    /// Its index in the runtime.
    pub index: u8,
    /// Who may set parameters.
    pub admin: fn(&Origin) -> bool,
    /// The runtime's parameters.
    pub set: PhantomData<fn() -> P>,
}

impl<P: ParameterSet> Parameters<P> {
    /// The values that differ from the default.
    pub const VALUES: Map<Blake2_128Concat, P::Key, P::Value> = Map::optional("Parameters", "Parameters");

    /// The value of a parameter, if it is not the default.
    pub fn get(
        &self,
        state: &(impl StateRead + ?Sized),
        key: &P::Key,
    ) -> Result<Option<P::Value>, StateError> {
        Self::VALUES.get(state, key)
    }

    fn check(&self, state: &dyn StateRead) -> Result<Result<(), String>, StateError> {
        for entry in Self::VALUES.iter(state) {
            let (key, value) = entry?;
            match P::of_parts(key.clone(), value.clone()) {
                Some(parameter) if parameter.is_in_bounds() => {}
                _ => return Ok(Err(format!("{key:?} is {value:?}, which it cannot be"))),
            }
        }
        Ok(Ok(()))
    }
}

impl<P: ParameterSet> Pallet for Parameters<P> {
    const NAME: &'static str = "Parameters";
    type Call = Call<P>;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [Self::VALUES.entry(&["The values that differ from the default."])].into(),
            calls: Some(meta_type::<Call<P>>()),
            event: Some(meta_type::<Event<P::Key, P::Value>>()),
            error: Some(meta_type::<Error>()),
            constants: [].into(),
            docs: ["Keep the numbers that the chain may change without new code."].into(),
        }
    }

    fn info(&self, _: &Call<P>) -> DispatchInfo {
        DispatchInfo::normal(weight::operations(1, 1))
    }

    fn dispatch(&self, call: Call<P>, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        if !(self.admin)(&origin) {
            return Err(DispatchError::BadOrigin.into());
        }
        let Call::set_parameter { key_value } = call;
        if !key_value.is_in_bounds() {
            return Err(module_error(self.index, &Error::OutOfBounds).into());
        }
        let (key, new_value) = key_value.into_parts();
        let old_value = Self::VALUES.get(ctx, &key)?;
        match &new_value {
            Some(value) => Self::VALUES.put(ctx, &key, value),
            None => Self::VALUES.remove(ctx, &key),
        }
        ctx.emit(self.index, &Event::Updated { key, old_value, new_value });
        Ok(PostInfo::default())
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        self.check(state).map_err(|error| error.to_string())?
    }
}
