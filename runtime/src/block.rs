//! What happens at the beginning and the end of each block, and its inherents.

use alloc::vec::Vec;

use basalt_contracts_vm::Machine;
use basalt_pallet_system::{BLOCK_WEIGHT, dispatch::PerDispatchClass};
use basalt_pallet_timestamp as timestamp;
use basalt_primitives::{Digest, DispatchClass, Moment, Weight, extrinsic};
use basalt_runtime_api::{BlockEnv, BlockRecord, Events, Fatal, InherentData, InherentError, Verified};
use basalt_state::{Overlay, StateError, StateRead};
use basalt_support::{BlockSummary, Context, Pallet};
use parity_scale_codec::Encode;

use crate::{
    BALANCES, CONTRACTS, CONVICTION_VOTING, LIMITS, PARAMETERS, PREIMAGES, REFERENDA, RuntimeCall, SCHEDULER,
    SESSION, SYSTEM, TECHNICAL_COMMITTEE, TIMESTAMP, TRANSACTION_PAYMENT, TREASURY, WHITELIST, transaction,
};

/// How far a block's time may be ahead of the importer's clock: as in Substrate.
pub(crate) const TIMESTAMP_DRIFT_MAX_MS: Moment = 30_000;

pub(crate) fn begin(
    env: &BlockEnv,
    state: &mut Overlay<'_>,
    machine: Option<&dyn Machine>,
) -> Result<Events, Fatal> {
    let mut ctx = Context::new(state, env, None);
    // A task may call a contract.
    if let Some(machine) = machine {
        ctx = ctx.with_machine(machine);
    }
    let mut weight = LIMITS.weight_base;
    SYSTEM.begin_block(&mut ctx)?;
    TIMESTAMP.begin_block(&mut ctx)?;
    BALANCES.begin_block(&mut ctx)?;
    TRANSACTION_PAYMENT.begin_block(&mut ctx)?;
    CONTRACTS.begin_block(&mut ctx)?;
    weight = weight.saturating_add(REFERENDA.service(&mut ctx)?);
    weight = weight.saturating_add(SCHEDULER.service(&mut ctx)?);
    weight = weight.saturating_add(TREASURY.service(&mut ctx)?);
    let opened = PerDispatchClass { mandatory: weight, ..PerDispatchClass::default() };
    BLOCK_WEIGHT.put(&mut ctx, &opened);
    Ok(ctx.into_events())
}

/// What the hooks of [`begin`] weighed beyond the fixed weight of a block.
pub(crate) fn opening_weight(opened: &(impl StateRead + ?Sized)) -> Result<Weight, StateError> {
    Ok(BLOCK_WEIGHT.get_or_default(opened)?.mandatory.saturating_sub(LIMITS.weight_base))
}

pub(crate) fn end(
    env: &BlockEnv,
    record: &BlockRecord<'_>,
    state: &mut Overlay<'_>,
) -> Result<Digest, Fatal> {
    let summary = summary(record, opening_weight(state)?);
    let mut ctx = Context::new(state, env, None);
    TIMESTAMP.end_block(&mut ctx, &summary)?;
    BALANCES.end_block(&mut ctx, &summary)?;
    TRANSACTION_PAYMENT.end_block(&mut ctx, &summary)?;
    CONTRACTS.end_block(&mut ctx, &summary)?;
    // Last, because it stores the events of all others.
    let finalization = ctx.into_events();
    let mut ctx = Context::new(state, env, None);
    SYSTEM.finish_block(&mut ctx, record, &finalization, &summary)?;
    Ok(Digest::default())
}

fn summary(record: &BlockRecord<'_>, opening: Weight) -> BlockSummary {
    let mut summary = BlockSummary {
        weight_normal: Weight::zero(),
        weight_operational: Weight::zero(),
        weight_mandatory: LIMITS.weight_base.saturating_add(opening),
        weight_normal_max: LIMITS.weight_normal_max,
        transactions: u32::try_from(record.receipts.len()).unwrap_or(u32::MAX),
        bytes: record.bytes,
    };
    for receipt in record.receipts {
        let sum = match receipt.info.class {
            DispatchClass::Normal => &mut summary.weight_normal,
            DispatchClass::Operational => &mut summary.weight_operational,
            DispatchClass::Mandatory => &mut summary.weight_mandatory,
        };
        *sum = sum.saturating_add(receipt.info.weight);
    }
    summary
}

/// The bare transactions that open a block.
pub(crate) fn inherents(data: &InherentData) -> Vec<Vec<u8>> {
    let call = RuntimeCall::Timestamp(timestamp::Call::set { now: data.timestamp });
    [extrinsic::encode_bare(&call.encode())].into()
}

pub(crate) fn check_inherents(transactions: &[Verified], data: &InherentData) -> Result<(), InherentError> {
    let first = transactions.first().filter(|first| first.signed.is_none());
    let call = first.and_then(|first| transaction::decode_call(first.call()).ok());
    let Some(RuntimeCall::Timestamp(timestamp::Call::set { now })) = call else {
        return Err(InherentError::Missing("timestamp.set"));
    };
    if now > data.timestamp.saturating_add(TIMESTAMP_DRIFT_MAX_MS) {
        return Err(InherentError::TooFarAhead {
            block_ms: now,
            now_ms: data.timestamp,
            drift_max_ms: TIMESTAMP_DRIFT_MAX_MS,
        });
    }
    match (0..).zip(transactions).skip(1).find(|(_, transaction)| transaction.signed.is_none()) {
        Some((index, _)) => Err(InherentError::Misplaced { index }),
        None => Ok(()),
    }
}

/// What must hold in every state, pallet by pallet.
pub(crate) fn try_state(state: &dyn StateRead) -> Result<(), Fatal> {
    let checked = |pallet, result: Result<(), alloc::string::String>| {
        result.map_err(|what| Fatal::Broken { pallet, what })
    };
    checked("System", SYSTEM.try_state(state))?;
    checked("Timestamp", TIMESTAMP.try_state(state))?;
    let pots = TRANSACTION_PAYMENT.pots(state)?;
    checked("Balances", BALANCES.try_state_with(state, pots))?;
    checked("TransactionPayment", TRANSACTION_PAYMENT.try_state(state))?;
    checked("Session", SESSION.try_state(state))?;
    checked("Contracts", CONTRACTS.try_state(state))?;
    checked("Preimage", PREIMAGES.try_state(state))?;
    checked("Scheduler", SCHEDULER.try_state(state))?;
    checked("Referenda", REFERENDA.try_state(state))?;
    checked("ConvictionVoting", CONVICTION_VOTING.try_state(state))?;
    checked("Whitelist", WHITELIST.try_state(state))?;
    checked("Treasury", TREASURY.try_state(state))?;
    checked("Parameters", PARAMETERS.try_state(state))?;
    checked("TechnicalCommittee", TECHNICAL_COMMITTEE.try_state(state))
}
