//! Let a few say which calls may be decided quickly.
//!
//! # Responsibility
//!
//! - The hashes of calls on the whitelist: one origin puts them there, another one may run them as root.
//!
//! # State
//!
//! | item              | value                     | changed by                                      |
//! |-------------------|---------------------------|-------------------------------------------------|
//! | `WhitelistedCall` | hashes of calls           | whitelisting, removing, dispatching             |
//!
//! # Invariants
//!
//! - Each entry holds one request of the call's preimage.
//! - A call is run once: dispatching it takes it off the whitelist, whether it succeeds or not.
//!
//! # Out of scope
//!
//! Who the two origins are: the runtime says so.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod pallet;
#[cfg(test)]
mod tests;

use alloc::{
    format,
    string::{String, ToString},
};
use core::marker::PhantomData;

use basalt_pallet_preimage::{Preimages, REQUEST_STATUS_FOR, RequestStatus};
use basalt_primitives::{DispatchError, H256, Weight, hashing::blake2_256};
use basalt_state::{StateError, StateRead};
use basalt_support::{
    CALL_DECODE_DEPTH_MAX, CallResult, Context, DispatchInfo, Failure, Map, Origin, Pallet, PostInfo,
    RuntimeCall, metadata::PalletMetadata, module_error, recorded, storage::Twox64Concat, weight,
};
use parity_scale_codec::{DecodeLimit, Encode};
use scale_info::meta_type;

pub use pallet::{Call, DispatchErrorWithPostInfo, Error, Event, PostDispatchInfo};

/// The hashes of the calls that may be run.
pub const WHITELISTED_CALL: Map<Twox64Concat, H256, ()> = Map::optional("Whitelist", "WhitelistedCall");

/// The pallet. `C` is the runtime's call.
#[derive(Debug)]
pub struct Whitelist<C> {
    /// Its index in the runtime.
    pub index: u8,
    /// Where the calls are.
    pub preimages: Preimages,
    /// Who may put calls on the whitelist, and take them off it.
    pub chooser: fn(&Origin) -> bool,
    /// Who may run them.
    pub dispatcher: fn(&Origin) -> bool,
    /// The runtime's call.
    pub calls: PhantomData<fn() -> C>,
}

impl<C: RuntimeCall> Whitelist<C> {
    fn error(&self, error: Error) -> Failure {
        module_error(self.index, &error)
    }

    fn add(&self, ctx: &mut Context<'_, '_>, hash: H256) -> Result<(), Failure> {
        if WHITELISTED_CALL.contains(ctx, &hash)? {
            return Err(self.error(Error::CallAlreadyWhitelisted));
        }
        WHITELISTED_CALL.put(ctx, &hash, &());
        self.preimages.request(ctx, &hash)?;
        ctx.emit(self.index, &Event::CallWhitelisted { call_hash: hash });
        Ok(())
    }

    fn remove(&self, ctx: &mut Context<'_, '_>, hash: &H256) -> Result<(), Failure> {
        WHITELISTED_CALL.take(ctx, hash)?.ok_or_else(|| self.error(Error::CallIsNotWhitelisted))?;
        self.preimages.unrequest(ctx, hash)
    }

    /// The call of a preimage on the whitelist, if it weighs no more than was said.
    fn fetch(&self, ctx: &Context<'_, '_>, hash: &H256, length: u32, witness: Weight) -> Result<C, Failure> {
        if !WHITELISTED_CALL.contains(ctx, hash)? {
            return Err(self.error(Error::CallIsNotWhitelisted));
        }
        let bytes = self.preimages.fetch(ctx, hash, Some(length))?;
        let bytes = bytes.ok_or_else(|| self.error(Error::UnavailablePreImage))?;
        let call = C::decode_all_with_depth_limit(CALL_DECODE_DEPTH_MAX, &mut bytes.as_slice())
            .map_err(|_| self.error(Error::UndecodableCall))?;
        if call.info().weight.all_lte(witness) {
            Ok(call)
        } else {
            Err(self.error(Error::InvalidCallWeightWitness))
        }
    }

    fn run(&self, ctx: &mut Context<'_, '_>, hash: H256, call: C, own: Weight) -> CallResult {
        self.remove(ctx, &hash)?;
        let declared = call.info().weight;
        let (post, result) = recorded(call.dispatch(Origin::Root, ctx))?;
        let post_info = PostDispatchInfo { actual_weight: post.actual_weight, pays_fee: post.pays_fee };
        let result = match result {
            Ok(()) => Ok(post_info),
            Err(error) => Err(DispatchErrorWithPostInfo { post_info, error }),
        };
        ctx.emit(self.index, &Event::WhitelistedCallDispatched { call_hash: hash, result });
        let used = post.actual_weight.map_or(declared, |actual| actual.min(declared));
        Ok(PostInfo { actual_weight: Some(own.saturating_add(used)), ..PostInfo::default() })
    }

    fn check(&self, state: &dyn StateRead) -> Result<Result<(), String>, StateError> {
        for entry in WHITELISTED_CALL.iter(state) {
            let (hash, ()) = entry?;
            if !matches!(REQUEST_STATUS_FOR.get(state, &hash)?, Some(RequestStatus::Requested { .. })) {
                return Ok(Err(format!("{hash:?} is on the whitelist and not requested")));
            }
        }
        Ok(Ok(()))
    }
}

/// What running a call weighs besides it: the whitelist's entry, the preimage with its status, and its bytes.
const fn own_weight(bytes: u64) -> Weight {
    weight::operations(3, 3).saturating_add(weight::bytes(2 * bytes))
}

impl<C: RuntimeCall> Pallet for Whitelist<C> {
    const NAME: &'static str = "Whitelist";
    type Call = Call<C>;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [WHITELISTED_CALL.entry(&["The hashes of the calls that may be run."])].into(),
            calls: Some(meta_type::<Call<C>>()),
            event: Some(meta_type::<Event>()),
            error: Some(meta_type::<Error>()),
            constants: [].into(),
            docs: ["Let a few say which calls may be decided quickly."].into(),
        }
    }

    fn info(&self, call: &Call<C>) -> DispatchInfo {
        DispatchInfo::normal(match call {
            Call::whitelist_call { .. } => weight::operations(2, 2),
            Call::remove_whitelisted_call { .. } => weight::operations(2, 3),
            Call::dispatch_whitelisted_call { call_encoded_len, call_weight_witness, .. } => {
                own_weight((*call_encoded_len).into()).saturating_add(*call_weight_witness)
            }
            Call::dispatch_whitelisted_call_with_preimage { call } => {
                own_weight(call.encoded_size() as u64).saturating_add(call.info().weight)
            }
        })
    }

    fn dispatch(&self, call: Call<C>, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        let allowed = match &call {
            Call::whitelist_call { .. } | Call::remove_whitelisted_call { .. } => (self.chooser)(&origin),
            Call::dispatch_whitelisted_call { .. } | Call::dispatch_whitelisted_call_with_preimage { .. } => {
                (self.dispatcher)(&origin)
            }
        };
        if !allowed {
            return Err(DispatchError::BadOrigin.into());
        }
        match call {
            Call::whitelist_call { call_hash } => self.add(ctx, call_hash)?,
            Call::remove_whitelisted_call { call_hash } => {
                self.remove(ctx, &call_hash)?;
                ctx.emit(self.index, &Event::WhitelistedCallRemoved { call_hash });
            }
            Call::dispatch_whitelisted_call { call_hash, call_encoded_len, call_weight_witness } => {
                let call = self.fetch(ctx, &call_hash, call_encoded_len, call_weight_witness)?;
                return self.run(ctx, call_hash, call, own_weight(call_encoded_len.into()));
            }
            Call::dispatch_whitelisted_call_with_preimage { call } => {
                let bytes = call.encode();
                let own = own_weight(bytes.len() as u64);
                return self.run(ctx, H256(blake2_256(&bytes)), *call, own);
            }
        }
        Ok(PostInfo::default())
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        self.check(state).map_err(|error| error.to_string())?
    }
}
