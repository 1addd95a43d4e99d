//! What happens at the beginning and the end of each block, and its inherents.

use alloc::vec::Vec;

use basalt_pallet_authorship::{self as authorship, Votes};
use basalt_pallet_timestamp as timestamp;
use basalt_primitives::{Digest, DispatchClass, Moment, Weight, extrinsic};
use basalt_runtime_api::{
    BlockEnv, BlockRecord, Certificate, Events, Fatal, InherentData, InherentError, Verified,
};
use basalt_state::{Overlay, StateError, StateRead};
use basalt_support::{BlockSummary, Context, Pallet};
use parity_scale_codec::{DecodeAll, Encode};

use crate::{
    AUTHORSHIP, BALANCES, CONTRACTS, LIMITS, OFFENCES, RANDOMNESS, RuntimeCall, SESSION, STAKING, SYSTEM,
    TIMESTAMP, TRANSACTION_PAYMENT, offences, transaction,
};

/// How far a block's time may be ahead of the importer's clock: as in Substrate.
pub(crate) const TIMESTAMP_DRIFT_MAX_MS: Moment = 30_000;

pub(crate) fn begin(env: &BlockEnv, state: &mut Overlay<'_>) -> Result<Events, Fatal> {
    let mut ctx = Context::new(state, env, None);
    SYSTEM.begin_block(&mut ctx)?;
    TIMESTAMP.begin_block(&mut ctx)?;
    BALANCES.begin_block(&mut ctx)?;
    TRANSACTION_PAYMENT.begin_block(&mut ctx)?;
    CONTRACTS.begin_block(&mut ctx)?;
    // Before all that draw by it.
    RANDOMNESS.begin_block(&mut ctx)?;
    if let Some(epoch) = SESSION.starts(&ctx)? {
        // Points of the epoch that is over go to its era, which ends next.
        AUTHORSHIP.end_epoch(&mut ctx)?;
        STAKING.begin_epoch(&mut ctx, epoch)?;
    }
    STAKING.begin_block(&mut ctx)?;
    OFFENCES.begin_block(&mut ctx)?;
    AUTHORSHIP.begin_block(&mut ctx)?;
    Ok(ctx.into_events())
}

pub(crate) fn end(
    env: &BlockEnv,
    record: &BlockRecord<'_>,
    state: &mut Overlay<'_>,
) -> Result<Digest, Fatal> {
    let summary = summary(record);
    let mut ctx = Context::new(state, env, None);
    TIMESTAMP.end_block(&mut ctx, &summary)?;
    BALANCES.end_block(&mut ctx, &summary)?;
    TRANSACTION_PAYMENT.end_block(&mut ctx, &summary)?;
    CONTRACTS.end_block(&mut ctx, &summary)?;
    AUTHORSHIP.end_block(&mut ctx, &summary)?;
    STAKING.end_block(&mut ctx, &summary)?;
    // After all that may still see who misbehaved in this epoch.
    SESSION.end_block(&mut ctx, &summary)?;
    // Last, because it stores the events of all others.
    let finalization = ctx.into_events();
    let mut ctx = Context::new(state, env, None);
    SYSTEM.finish_block(&mut ctx, record, &finalization, &summary)?;
    Ok(Digest::default())
}

fn summary(record: &BlockRecord<'_>) -> BlockSummary {
    let mut summary = BlockSummary {
        weight_normal: Weight::zero(),
        weight_operational: Weight::zero(),
        weight_mandatory: LIMITS.weight_base,
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

/// The bare transactions that open a block: the time, and the votes for the block below.
pub(crate) fn inherents(data: &InherentData) -> Vec<Vec<u8>> {
    let time = RuntimeCall::Timestamp(timestamp::Call::set { now: data.timestamp });
    let mut inherents = Vec::from([extrinsic::encode_bare(&time.encode())]);
    // Whoever asked for them gave them back unchanged.
    if let Some(votes) = data.votes.as_ref().and_then(|votes| Votes::decode_all(&mut &votes[..]).ok()) {
        let call = RuntimeCall::Authorship(authorship::Call::note_votes { votes });
        inherents.push(extrinsic::encode_bare(&call.encode()));
    }
    inherents
}

/// How the block on this state holds the votes of a certificate.
pub(crate) fn votes(certificate: &Certificate, state: &dyn StateRead) -> Result<Option<Vec<u8>>, StateError> {
    Ok(AUTHORSHIP.votes(state, certificate)?.map(|votes| votes.encode()))
}

/// The call of a bare transaction.
fn bare(transaction: Option<&Verified>) -> Option<RuntimeCall> {
    let transaction = transaction.filter(|transaction| transaction.signed.is_none())?;
    transaction::decode_call(transaction.call()).ok()
}

fn has_votes(transactions: &[Verified]) -> bool {
    matches!(bare(transactions.get(1)), Some(RuntimeCall::Authorship(authorship::Call::note_votes { .. })))
}

pub(crate) fn check_inherents(transactions: &[Verified], data: &InherentData) -> Result<(), InherentError> {
    let Some(RuntimeCall::Timestamp(timestamp::Call::set { now })) = bare(transactions.first()) else {
        return Err(InherentError::Missing("timestamp.set"));
    };
    if now > data.timestamp.saturating_add(TIMESTAMP_DRIFT_MAX_MS) {
        return Err(InherentError::TooFarAhead {
            block_ms: now,
            now_ms: data.timestamp,
            drift_max_ms: TIMESTAMP_DRIFT_MAX_MS,
        });
    }
    let is_misplaced = |transaction: &Verified| {
        // Reports of offences are the only others without a signature, wherever they stand.
        let is_report =
            || transaction::decode_call(transaction.call()).is_ok_and(|call| offences::is_bare_report(&call));
        transaction.signed.is_none() && !is_report()
    };
    let inherents = if has_votes(transactions) { 2 } else { 1 };
    match (0..).zip(transactions).skip(inherents).find(|(_, transaction)| is_misplaced(transaction)) {
        Some((index, _)) => Err(InherentError::Misplaced { index }),
        None => Ok(()),
    }
}

/// Whether a block has the votes for the block below, if that one was decided by votes.
pub(crate) fn check_inherents_on(
    transactions: &[Verified],
    state: &dyn StateRead,
) -> Result<Result<(), InherentError>, StateError> {
    let lacks = !has_votes(transactions) && AUTHORSHIP.wanted(state)?;
    Ok(if lacks { Err(InherentError::Missing("authorship.note_votes")) } else { Ok(()) })
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
    checked("Randomness", RANDOMNESS.try_state(state))?;
    checked("Contracts", CONTRACTS.try_state(state))?;
    checked("Authorship", AUTHORSHIP.try_state(state))?;
    checked("Staking", STAKING.try_state(state))?;
    checked("Offences", OFFENCES.try_state(state))
}
