//! Batch calls, and dispatch them from derived accounts.
//!
//! # State
//!
//! None: what a batch does is what its calls do.
//!
//! # Invariants
//!
//! - A call inside a batch runs in a layer of its own: if it fails, exactly its own writes and events are gone.
//! - `batch_all` is atomic: it does all of its calls or nothing.
//! - A batch costs the sum of its calls; what they give back, it gives back.
//!
//! # Out of scope
//!
//! Batches of several senders (multisig), calls at a later time (scheduler).
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

pub mod pallet;
#[cfg(test)]
mod tests;

use core::marker::PhantomData;

use basalt_primitives::{AccountId, DispatchClass, Pays, Weight, hashing::blake2_256};
use basalt_support::{
    CallFailure, CallResult, Context, DispatchInfo, Origin, Pallet, PostInfo, RuntimeCall,
    metadata::{Constant, PalletMetadata},
    module_error, recorded, weight,
};
use parity_scale_codec::Encode;
use scale_info::meta_type;

pub use pallet::{Call, Error, Event};

/// The most calls in one batch: what fits in a block many times over, and bounds decoding.
pub const BATCHED_CALLS_MAX: u32 = 10_922;

/// The pallet. `C` is the runtime's call.
#[derive(Debug)]
pub struct Utility<C> {
    /// Its index in the runtime.
    pub index: u8,
    /// The runtime's call.
    pub calls: PhantomData<fn() -> C>,
}

impl<C> Utility<C> {
    /// The pallet at this index.
    pub const fn new(index: u8) -> Self {
        Self { index, calls: PhantomData }
    }
}

/// What to do when a call of a batch fails.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnFailure {
    Stop,
    Revert,
    GoOn,
}

impl<C: RuntimeCall> Pallet for Utility<C> {
    const NAME: &'static str = "Utility";
    type Call = Call<C>;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [].into(),
            calls: Some(meta_type::<Call<C>>()),
            event: Some(meta_type::<Event>()),
            error: Some(meta_type::<Error>()),
            constants: [Constant::new(
                "batched_calls_limit",
                &BATCHED_CALLS_MAX,
                &["The most calls in one batch."],
            )]
            .into(),
            docs: ["Batch calls, and dispatch them from derived accounts."].into(),
        }
    }

    fn info(&self, call: &Call<C>) -> DispatchInfo {
        match call {
            Call::batch { calls } | Call::batch_all { calls } | Call::force_batch { calls } => {
                let mut info = DispatchInfo {
                    weight: weight::CALL,
                    class: if calls.is_empty() { DispatchClass::Normal } else { DispatchClass::Operational },
                    pays_fee: Pays::Yes,
                };
                for inner in calls.iter().map(C::info) {
                    info.weight = info.weight.saturating_add(weight::CALL).saturating_add(inner.weight);
                    if inner.class != DispatchClass::Operational {
                        info.class = DispatchClass::Normal;
                    }
                }
                info
            }
            Call::as_derivative { call, .. } => {
                let inner = call.info();
                DispatchInfo {
                    weight: weight::CALL.saturating_add(inner.weight),
                    // A derived account may not borrow a class that only inherents have.
                    class: match inner.class {
                        DispatchClass::Operational => DispatchClass::Operational,
                        _ => DispatchClass::Normal,
                    },
                    pays_fee: Pays::Yes,
                }
            }
        }
    }

    fn dispatch(&self, call: Call<C>, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        match call {
            Call::batch { calls } => self.batch(calls, origin, ctx, OnFailure::Stop),
            Call::batch_all { calls } => self.batch(calls, origin, ctx, OnFailure::Revert),
            Call::force_batch { calls } => self.batch(calls, origin, ctx, OnFailure::GoOn),
            Call::as_derivative { index, call } => {
                let account = derivative_account(&origin.signed()?, index);
                let declared = call.info().weight;
                let (post, result) = recorded(call.dispatch(Origin::Signed(account), ctx))?;
                let post = PostInfo {
                    actual_weight: Some(weight::CALL.saturating_add(post.actual_weight.unwrap_or(declared))),
                    pays_fee: post.pays_fee,
                };
                match result {
                    Ok(()) => Ok(post),
                    Err(error) => Err(CallFailure { failure: error.into(), post }),
                }
            }
        }
    }
}

impl<C: RuntimeCall> Utility<C> {
    fn batch(
        &self,
        calls: alloc::vec::Vec<C>,
        origin: Origin,
        ctx: &mut Context<'_, '_>,
        on_failure: OnFailure,
    ) -> CallResult {
        if !matches!(origin, Origin::Signed(_) | Origin::Root) {
            return Err(basalt_primitives::DispatchError::BadOrigin.into());
        }
        if calls.len() > BATCHED_CALLS_MAX as usize {
            return Err(module_error(self.index, &Error::TooManyCalls).into());
        }
        let mut used: Weight = weight::CALL;
        let mut failed = false;
        // `zip` with a u32 range cannot run out: the number of calls was just checked.
        for (index, call) in (0u32..).zip(calls) {
            let declared = call.info().weight;
            let (post, result) = recorded(call.dispatch(origin.clone(), ctx))?;
            used = used.saturating_add(weight::CALL).saturating_add(post.actual_weight.unwrap_or(declared));
            let post = PostInfo { actual_weight: Some(used), pays_fee: Pays::Yes };
            match (result, on_failure) {
                (Ok(()), _) => ctx.emit(self.index, &Event::ItemCompleted),
                (Err(error), OnFailure::Stop) => {
                    ctx.emit(self.index, &Event::BatchInterrupted { index, error });
                    return Ok(post);
                }
                (Err(error), OnFailure::Revert) => {
                    return Err(CallFailure { failure: error.into(), post });
                }
                (Err(error), OnFailure::GoOn) => {
                    failed = true;
                    ctx.emit(self.index, &Event::ItemFailed { error });
                }
            }
        }
        if failed {
            ctx.emit(self.index, &Event::BatchCompletedWithErrors);
        } else {
            ctx.emit(self.index, &Event::BatchCompleted);
        }
        Ok(PostInfo { actual_weight: Some(used), pays_fee: Pays::Yes })
    }
}

/// The account with this number that `who` controls through `as_derivative`: the same one as on Substrate chains.
pub fn derivative_account(who: &AccountId, index: u16) -> AccountId {
    AccountId::from((b"modlpy/utilisuba", who, index).using_encoded(blake2_256))
}
