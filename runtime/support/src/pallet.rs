//! What a runtime asks of a pallet, and what wrapping pallets ask of the runtime.

use alloc::string::String;
use core::fmt::Debug;

use basalt_primitives::Weight;
use basalt_runtime_api::{DispatchInfo, Fatal};
use basalt_state::StateRead;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::{CallResult, Context, Origin, metadata::PalletMetadata};

/// What a block used, for hooks at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSummary {
    /// Weight of all transactions of class normal.
    pub weight_normal: Weight,
    /// Weight of all transactions of class operational.
    pub weight_operational: Weight,
    /// Weight of inherents and of the block itself.
    pub weight_mandatory: Weight,
    /// The most that normal transactions may weigh in a block.
    pub weight_normal_max: Weight,
    /// Number of transactions, inherents included.
    pub transactions: u32,
    /// Bytes of all transactions.
    pub bytes: u32,
}

/// One concern of a chain: its state, its calls, its events.
///
/// A pallet is a plain value: a struct with its index in the runtime, its configuration and the pallets it uses, made
/// once as a `const` in `basalt-runtime`. Its methods are the functions other pallets call.
pub trait Pallet {
    /// Name in metadata, and storage prefix.
    const NAME: &'static str;
    /// What an account may ask of this pallet.
    type Call: Encode + Decode + TypeInfo + Clone + Debug + PartialEq;

    /// Its fixed index in calls, events and errors.
    fn index(&self) -> u8;

    /// What clients are told: derived from the same constants that the code uses.
    fn metadata(&self) -> PalletMetadata;

    /// What a call costs at most.
    fn info(&self, call: &Self::Call) -> DispatchInfo;

    /// Runs a call. It runs inside a layer: an error leaves no trace.
    fn dispatch(&self, call: Self::Call, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult;

    /// Runs before the first transaction of each block.
    fn begin_block(&self, _ctx: &mut Context<'_, '_>) -> Result<(), Fatal> {
        Ok(())
    }

    /// Runs after the last transaction of each block.
    fn end_block(&self, _ctx: &mut Context<'_, '_>, _summary: &BlockSummary) -> Result<(), Fatal> {
        Ok(())
    }

    /// Checks what must hold in every state; the error says what does not.
    fn try_state(&self, _state: &dyn StateRead) -> Result<(), String> {
        Ok(())
    }
}

/// The runtime's call of any pallet, as seen by pallets that hold calls without knowing the runtime.
pub trait RuntimeCall: Encode + Decode + TypeInfo + Clone + Debug + PartialEq + 'static {
    /// What it costs at most.
    fn info(&self) -> DispatchInfo;

    /// Runs it in a layer of its own: an error leaves no trace.
    fn dispatch(self, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult;
}

/// An [`Origin`] in the form that clients name and pallets store: the runtime's enum of whoever may call.
pub trait StoredOrigin: Encode + Decode + TypeInfo + Clone + Debug + PartialEq + 'static {
    /// What calls are dispatched with.
    fn into_origin(self) -> Origin;

    /// The form of an origin; `None` if the runtime has no name for it.
    fn of(origin: &Origin) -> Option<Self>;
}
