//! What contracts may ask of this chain, and how clients ask them without a transaction.

mod randomness;

use alloc::{format, vec::Vec};

use basalt_contracts_vm::Machine;
use basalt_pallet_balances as balances;
use basalt_pallet_contracts::{
    api::{Answer, DryRun},
    types::{Code, ContractResult, Determinism},
};
use basalt_pallet_system::{EventRecord, Phase};
use basalt_primitives::{AccountId, Balance, Header, Weight};
use basalt_runtime_api::{BlockEnv, CallError};
use basalt_state::Overlay;
use basalt_support::Context;
use parity_scale_codec::{DecodeAll, Encode};

use crate::{CONTRACTS, RuntimeCall, RuntimeEvent, TRANSACTION_PAYMENT, apis::Arguments};

pub use randomness::ContractRandomness;

/// The answer to a dry run, with its events.
pub(crate) type DryRunResult<T> =
    ContractResult<Result<T, basalt_primitives::DispatchError>, EventRecord<RuntimeEvent>>;

/// The fee for a weight.
pub(crate) fn weight_to_fee(weight: Weight) -> Balance {
    TRANSACTION_PAYMENT.weight_to_fee(weight)
}

/// Which calls contracts may make: to pay somebody. Anything else that a contract could do as an account would be a surprise
/// to whoever reads its code, and none of it is needed by the contracts that we know.
pub(crate) fn callable(call: &RuntimeCall) -> bool {
    matches!(
        call,
        RuntimeCall::Balances(
            balances::Call::transfer_allow_death { .. }
                | balances::Call::transfer_keep_alive { .. }
                | balances::Call::transfer_all { .. }
        )
    )
}

/// Answers a call of `ContractsApi`: in the block of `header`, after its transactions.
pub(crate) fn call(
    method: &str,
    arguments: &mut Arguments<'_>,
    header: &Header,
    state: &mut Overlay<'_>,
    machine: Option<&dyn Machine>,
) -> Result<Vec<u8>, CallError> {
    let env = BlockEnv::of(header, None);
    let mut ctx = Context::new(state, &env, None);
    if let Some(machine) = machine {
        ctx = ctx.with_machine(machine);
    }
    Ok(match method {
        "call" => {
            let origin: AccountId = arguments.next()?;
            let dest: AccountId = arguments.next()?;
            let run = dry_run(origin, arguments)?;
            let data: Vec<u8> = arguments.next()?;
            let answer = CONTRACTS.dry_call(&mut ctx, run, dest, data)?;
            with_events(answer, ctx)?.encode()
        }
        "instantiate" => {
            let origin: AccountId = arguments.next()?;
            let run = dry_run(origin, arguments)?;
            let code: Code = arguments.next()?;
            let data: Vec<u8> = arguments.next()?;
            let salt: Vec<u8> = arguments.next()?;
            let answer = CONTRACTS.dry_instantiate(&mut ctx, run, code, data, salt)?;
            with_events(answer, ctx)?.encode()
        }
        "upload_code" => {
            let origin: AccountId = arguments.next()?;
            let code: Vec<u8> = arguments.next()?;
            let limit: Option<Balance> = arguments.next()?;
            let determinism: Determinism = arguments.next()?;
            CONTRACTS.dry_upload(&mut ctx, &origin, code, limit, determinism)?.encode()
        }
        "get_storage" => {
            let contract: AccountId = arguments.next()?;
            let key: Vec<u8> = arguments.next()?;
            CONTRACTS.stored_value(&ctx, &contract, &key)?.encode()
        }
        _ => return Err(CallError::Unknown(arguments.function().into())),
    })
}

/// What a dry run may use: the arguments that calls and instantiations have in common.
fn dry_run(origin: AccountId, arguments: &mut Arguments<'_>) -> Result<DryRun, CallError> {
    Ok(DryRun {
        origin,
        value: arguments.next()?,
        gas_limit: arguments.next()?,
        storage_deposit_limit: arguments.next()?,
    })
}

/// The events of a dry run belong to no transaction: they have the phase that Substrate gives them.
fn with_events<T>(answer: Answer<T>, ctx: Context<'_, '_>) -> Result<DryRunResult<T>, CallError> {
    let events = ctx.into_events();
    let records = events.iter().map(|event| {
        let mut bytes = event.bytes;
        let decoded = RuntimeEvent::decode_all(&mut bytes).map_err(|error| {
            CallError::Failed(format!("an event of the dry run does not decode: {error}"))
        })?;
        Ok(EventRecord { phase: Phase::Initialization, event: decoded, topics: event.topics.to_vec() })
    });
    Ok(ContractResult {
        gas_consumed: answer.gas_consumed,
        gas_required: answer.gas_required,
        storage_deposit: answer.storage_deposit,
        debug_message: answer.debug_message,
        result: answer.result,
        events: Some(records.collect::<Result<_, CallError>>()?),
    })
}
