//! What each call weighs, and what it does.

use alloc::{string::String, vec::Vec};

use basalt_primitives::{AccountId, Balance, DispatchClass, DispatchError, H256, MultiAddress, Pays, Weight};
use basalt_state::StateRead;
use basalt_support::{
    BlockSummary, CallFailure, CallResult, Context, DispatchInfo, Failure, Fatal, Origin, Pallet, PostInfo,
    RuntimeCall, metadata::PalletMetadata, weight,
};

use crate::{
    CODE_BYTES_MAX, Call, Contracts, Error, deletion,
    exec::{Caller, Outcome, Terms},
    metadata,
    types::{Determinism, ExecReturnValue},
};

/// Checking, metering and storing one byte of code.
const CODE_BYTE: Weight = Weight::new(60_000, 0);

/// What a call weighs on top of the gas that its contracts use.
///
/// A call reads and writes the sender's account and the contract's with its holds, and the contract's record; it reads what
/// is known of the code, the code, and the time. An instantiation counts users of the code and contracts, too. What calls
/// inside of the call read and write is paid from gas.
fn base_weight(call: &Call) -> Weight {
    let arguments = |data: &Vec<u8>, salt: &Vec<u8>| {
        weight::bytes(data.len() as u64).saturating_add(weight::bytes(salt.len() as u64))
    };
    let code_weight = |code: &Vec<u8>| CODE_BYTE.saturating_mul(code.len() as u64);
    match call {
        Call::call_old_weight { data, .. } | Call::call { data, .. } => {
            weight::operations(7, 4).saturating_add(weight::bytes(data.len() as u64))
        }
        Call::instantiate_old_weight { data, salt, .. } | Call::instantiate { data, salt, .. } => {
            weight::operations(8, 6).saturating_add(arguments(data, salt))
        }
        Call::instantiate_with_code_old_weight { code, data, salt, .. }
        | Call::instantiate_with_code { code, data, salt, .. } => {
            weight::operations(9, 8).saturating_add(arguments(data, salt)).saturating_add(code_weight(code))
        }
        Call::upload_code { code, .. } => weight::operations(3, 4).saturating_add(code_weight(code)),
        Call::remove_code { .. } => weight::operations(3, 4),
        Call::set_code { .. } => weight::operations(3, 3),
        Call::migrate { .. } => weight::operations(0, 0),
    }
}

/// What its contracts may use.
fn gas_limit(call: &Call) -> Weight {
    match call {
        Call::call_old_weight { gas_limit, .. }
        | Call::instantiate_old_weight { gas_limit, .. }
        | Call::instantiate_with_code_old_weight { gas_limit, .. } => old_weight(*gas_limit),
        Call::call { gas_limit, .. }
        | Call::instantiate { gas_limit, .. }
        | Call::instantiate_with_code { gas_limit, .. } => *gas_limit,
        Call::upload_code { .. }
        | Call::remove_code { .. }
        | Call::set_code { .. }
        | Call::migrate { .. } => Weight::zero(),
    }
}

/// A weight of which the client knows one part only: the other one is what Substrate takes it for.
fn old_weight(ref_time: u64) -> Weight {
    Weight::new(ref_time, 2 * CODE_BYTES_MAX as u64)
}

/// The account that an address names.
fn lookup(address: &MultiAddress) -> Result<AccountId, Failure> {
    address.account_id().ok_or(Failure::Dispatch(DispatchError::CannotLookup))
}

/// What a call or an instantiation gets, whichever way it was asked for.
struct Request {
    /// What the call weighs without gas.
    base: Weight,
    gas_limit: Weight,
    value: Balance,
    limit: Option<Balance>,
    data: Vec<u8>,
}

impl Request {
    fn terms(&self, limit: Option<Balance>) -> Terms {
        Terms {
            gas_limit: self.gas_limit,
            storage_deposit_limit: limit,
            debug: false,
            determinism: Determinism::Enforced,
        }
    }
}

impl<C: RuntimeCall> Contracts<C> {
    fn call(
        &self,
        ctx: &mut Context<'_, '_>,
        origin: Origin,
        dest: &MultiAddress,
        request: Request,
    ) -> CallResult {
        let caller = match origin {
            Origin::Root => Caller::Root,
            other => Caller::Signed(other.signed()?),
        };
        let dest = lookup(dest)?;
        let terms = request.terms(request.limit);
        let outcome = self.bare_call(ctx, caller, dest, request.value, terms, request.data);
        self.settled(request.base, outcome, |returned| returned)
    }

    fn instantiate(
        &self,
        ctx: &mut Context<'_, '_>,
        origin: Origin,
        code_hash: H256,
        salt: Vec<u8>,
        request: Request,
    ) -> CallResult {
        let sender = origin.signed()?;
        let terms = request.terms(request.limit);
        let outcome = self.bare_instantiate(ctx, sender, code_hash, request.value, terms, request.data, salt);
        self.settled(request.base, outcome, |(_, returned)| returned)
    }

    fn instantiate_with_code(
        &self,
        ctx: &mut Context<'_, '_>,
        origin: Origin,
        code: Vec<u8>,
        salt: Vec<u8>,
        request: Request,
    ) -> CallResult {
        let sender = origin.signed()?;
        let uploaded = self
            .upload(ctx, &sender, code, request.limit, Determinism::Enforced)
            .map_err(|refused| CallFailure { failure: refused.failure, post: used(request.base) })?;
        let terms = request.terms(request.limit.map(|limit| limit.saturating_sub(uploaded.deposit)));
        let outcome =
            self.bare_instantiate(ctx, sender, uploaded.code_hash, request.value, terms, request.data, salt);
        self.settled(request.base, outcome, |(_, returned)| returned)
    }

    /// How an extrinsic ends after this outcome: a revert is a failure, and what was not used is not paid.
    fn settled<T>(
        &self,
        base: Weight,
        outcome: Outcome<T>,
        returned: impl FnOnce(T) -> ExecReturnValue,
    ) -> CallResult {
        let post = used(base.saturating_add(outcome.gas_consumed));
        let failure = match outcome.result.map(returned) {
            Ok(returned) if returned.did_revert() => self.error(Error::ContractReverted).into(),
            Ok(_) => return Ok(post),
            Err(failure) => failure,
        };
        Err(CallFailure { failure, post })
    }
}

fn used(weight: Weight) -> PostInfo {
    PostInfo { actual_weight: Some(weight), pays_fee: Pays::Yes }
}

impl<C: RuntimeCall> Pallet for Contracts<C> {
    const NAME: &'static str = "Contracts";
    type Call = Call;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        metadata::of(self)
    }

    fn info(&self, call: &Call) -> DispatchInfo {
        DispatchInfo {
            weight: base_weight(call).saturating_add(gas_limit(call)),
            class: DispatchClass::Normal,
            pays_fee: Pays::Yes,
        }
    }

    fn dispatch(&self, call: Call, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        let base = base_weight(&call);
        let gas_limit = gas_limit(&call);
        let request = |value, limit: Option<parity_scale_codec::Compact<Balance>>, data| Request {
            base,
            gas_limit,
            value,
            limit: limit.map(|limit| limit.0),
            data,
        };
        match call {
            Call::call_old_weight { dest, value, storage_deposit_limit, data, .. }
            | Call::call { dest, value, storage_deposit_limit, data, .. } => {
                let request = request(value, storage_deposit_limit, data);
                self.call(ctx, origin, &dest, request)
            }
            Call::instantiate_old_weight { value, storage_deposit_limit, code_hash, data, salt, .. }
            | Call::instantiate { value, storage_deposit_limit, code_hash, data, salt, .. } => {
                let request = request(value, storage_deposit_limit, data);
                self.instantiate(ctx, origin, code_hash, salt, request)
            }
            Call::instantiate_with_code_old_weight {
                value, storage_deposit_limit, code, data, salt, ..
            }
            | Call::instantiate_with_code { value, storage_deposit_limit, code, data, salt, .. } => {
                let request = request(value, storage_deposit_limit, data);
                self.instantiate_with_code(ctx, origin, code, salt, request)
            }
            Call::upload_code { code, storage_deposit_limit, determinism } => {
                let limit = storage_deposit_limit.map(|limit| limit.0);
                self.upload(ctx, &origin.signed()?, code, limit, determinism)
                    .map_err(|refused| refused.failure)?;
                Ok(PostInfo::default())
            }
            Call::remove_code { code_hash } => {
                self.remove_code(ctx, &origin.signed()?, code_hash)?;
                Ok(PostInfo { actual_weight: None, pays_fee: Pays::No })
            }
            Call::set_code { dest, code_hash } => {
                origin.root()?;
                self.replace_code(ctx, &lookup(&dest)?, code_hash)?;
                Ok(PostInfo::default())
            }
            Call::migrate { .. } => {
                origin.signed()?;
                Err(self.error(Error::NoMigrationPerformed).into())
            }
        }
    }

    fn end_block(&self, ctx: &mut Context<'_, '_>, summary: &BlockSummary) -> Result<(), Fatal> {
        Ok(deletion::work(ctx, summary)?)
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        crate::invariants::check(state)
    }
}

impl<C> core::fmt::Debug for Contracts<C> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Contracts").field("index", &self.index).finish_non_exhaustive()
    }
}
