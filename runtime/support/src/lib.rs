//! Provide what a pallet is made of: context, storage, calls, origins, events, errors, weight, metadata.
//!
//! # Responsibility
//!
//! - [`Context`] is the only way a pallet touches the world: state, block, events. Nothing is global.
//! - [`Value`], [`Map`], [`DoubleMap`], [`TripleMap`] are storage items as typed constants, in Substrate's key layout; the metadata
//!   is derived from the same constants.
//! - [`Pallet`] is what a runtime asks of each of its pallets; [`RuntimeCall`] what pallets that wrap calls
//!   (batch, sudo) ask of the runtime.
//! - [`Origin`], [`Failure`], [`CallResult`], [`weight`], [`metadata`].
//!
//! # Invariants
//!
//! - A call that fails leaves nothing behind: whoever dispatches it opens a layer first ([`Context::layered`]), which
//!   drops its writes and its events. So an early `return Err(…)` is always safe in a pallet.
//! - A node's own failure ([`Failure::State`]) never becomes a dispatch error: it would differ between nodes.
//!
//! # Usage
//!
//! `docs/add-a-pallet.md` builds a whole pallet; `pallets/timestamp` is the shortest real one.
//!
//! # Out of scope
//!
//! The order and indices of pallets, the outer enums, transaction extensions: that is `basalt-runtime`.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

mod context;
mod dispatch;
pub mod metadata;
mod pallet;
pub mod storage;
#[cfg(test)]
mod tests;
pub mod weight;

pub use basalt_runtime_api::{
    BlockEnv, BlockLimits, BlockRecord, DispatchInfo, Event, EventRef, Events, Fatal, Receipt,
};
pub use context::{CALL_DECODE_DEPTH_MAX, CALL_DEPTH_MAX, Context};
pub use dispatch::{CallFailure, CallResult, Failure, Origin, PostInfo, module_error, recorded};
pub use pallet::{BlockSummary, Pallet, RuntimeCall, StoredOrigin};
pub use storage::{DoubleMap, Map, TripleMap, Value};
