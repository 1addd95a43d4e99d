//! Put the time into each block.
//!
//! # State
//!
//! | item        | value                     | changed by                            |
//! |-------------|---------------------------|---------------------------------------|
//! | `Now`       | milliseconds since 1970   | [`Call::set`], once per block         |
//! | `DidUpdate` | whether this block has it | [`Call::set`]; absent between blocks  |
//!
//! # Invariants
//!
//! - Each block after block 0 sets the time exactly once, and it grows by [`Timestamp::minimum_period_ms`] at least.
//! - `DidUpdate` is absent after each block. Checked by `try_state`.
//!
//! # Assumptions
//!
//! The inherents of a block are checked before it runs: a block without its time ends in a [`Fatal`], which stops the
//! node.
//!
//! # Out of scope
//!
//! Whether the time is believable: the node compares it with its clock (`check_inherents` in `basalt-runtime`).
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

pub mod pallet;
#[cfg(test)]
mod tests;

use alloc::string::{String, ToString};

use basalt_primitives::{DispatchClass, DispatchError, Moment, Pays};
use basalt_state::{StateError, StateRead, StateWrite};
use basalt_support::{
    BlockSummary, CallResult, Context, DispatchInfo, Fatal, Origin, Pallet, PostInfo, Value,
    metadata::{Constant, PalletMetadata},
    weight,
};
use scale_info::meta_type;

pub use pallet::Call;

/// The time of the block, in milliseconds since 1970.
pub const NOW: Value<Moment> = Value::defaulted("Timestamp", "Now");
/// Whether this block has set its time. Absent between blocks.
pub const DID_UPDATE: Value<bool> = Value::defaulted("Timestamp", "DidUpdate");

/// The pallet.
#[derive(Debug, Clone, Copy)]
pub struct Timestamp {
    /// Its index in the runtime.
    pub index: u8,
    /// The least time between two blocks, in milliseconds. Clients take twice this for the expected block time.
    pub minimum_period_ms: Moment,
}

impl Timestamp {
    /// The time of the block, in milliseconds since 1970; 0 before block 1 has set it.
    pub fn now(&self, state: &(impl StateRead + ?Sized)) -> Result<Moment, StateError> {
        NOW.get_or_default(state)
    }

    /// The earliest time that the block after `state` may have.
    pub fn earliest(&self, state: &(impl StateRead + ?Sized)) -> Result<Moment, StateError> {
        Ok(match self.now(state)? {
            0 => 0,
            last => last.saturating_add(self.minimum_period_ms),
        })
    }
}

impl Pallet for Timestamp {
    const NAME: &'static str = "Timestamp";
    type Call = Call;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [
                NOW.entry(&["The time of the block, in milliseconds since 1970."]),
                DID_UPDATE.entry(&["Whether this block has set its time. Absent between blocks."]),
            ]
            .into(),
            calls: Some(meta_type::<Call>()),
            event: None,
            error: None,
            constants: [Constant::new(
                "MinimumPeriod",
                &self.minimum_period_ms,
                &["The least time between two blocks, in milliseconds; half of what clients expect."],
            )]
            .into(),
            docs: ["The time of each block."].into(),
        }
    }

    fn info(&self, call: &Call) -> DispatchInfo {
        let Call::set { .. } = call;
        DispatchInfo {
            // The end of the block reads and removes `DidUpdate`.
            weight: weight::operations(3, 3),
            class: DispatchClass::Mandatory,
            pays_fee: Pays::Yes,
        }
    }

    fn dispatch(&self, call: Call, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        let Call::set { now } = call;
        origin.none()?;
        if DID_UPDATE.exists(ctx)? {
            return Err(DispatchError::Other("the time of a block can be set only once").into());
        }
        if now < self.earliest(ctx)? {
            return Err(
                DispatchError::Other("the time must grow by MinimumPeriod from block to block").into()
            );
        }
        NOW.put(ctx, &now);
        DID_UPDATE.put(ctx, &true);
        Ok(PostInfo::default())
    }

    fn end_block(&self, ctx: &mut Context<'_, '_>, _summary: &BlockSummary) -> Result<(), Fatal> {
        if !DID_UPDATE.exists(ctx)? {
            return Err(Fatal::Broken {
                pallet: Self::NAME,
                what: "the block has no time; its inherents must be checked before it is executed"
                    .to_string(),
            });
        }
        ctx.remove(&DID_UPDATE.key());
        Ok(())
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        match DID_UPDATE.exists(state) {
            Ok(false) => Ok(()),
            Ok(true) => Err("DidUpdate is set between blocks".to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}
