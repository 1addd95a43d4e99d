//! The way of one transaction: decode, check, charge, dispatch, settle.
//!
//! Checks come in the order of FRAME's extensions (`CheckNonZeroSender` … `CheckMetadataHash`), whose bytes and names
//! clients know. What a pool checks against a head, [`apply`] checks again in the block.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use basalt_contracts_vm::Machine;
use basalt_pallet_system::{self as system, ACCOUNT, AccountInfo, BLOCK_HASH};
use basalt_pallet_transaction_payment::Withdrawn;
use basalt_primitives::{
    AccountId, Additional, BlockNumber, DispatchClass, DispatchError, DispatchEventInfo, Era, Extra, H256,
    InvalidTransaction, MultiAddress, Nonce, Pays, Preamble, TransactionValidityError, UnknownTransaction,
    ValidTransaction, extrinsic, hashing::blake2_256,
};
use basalt_runtime_api::{
    ApplyError, BlockEnv, Head, Position, Receipt, Refusal, SignatureCheck, Signed, Touch, TouchKind,
    Transaction, ValidateError, Verified,
};
use basalt_state::{Overlay, StateError, StateRead};
use basalt_support::{Context, DispatchInfo, Failure, Origin, RuntimeCall as _, recorded};
use parity_scale_codec::{DecodeLimit, Encode};

use crate::{
    LIMITS, RuntimeCall, SPEC_VERSION, SYSTEM, TRANSACTION_PAYMENT, TRANSACTION_VERSION, TRANSACTION_WEIGHT,
    balances, offences, utility,
};

/// The most bytes of one transaction: room for the largest contract code a chain should take, far below a block.
pub const TRANSACTION_BYTES_MAX: usize = 1024 * 1024;

/// How deep calls may nest in their encoding: above what can be dispatched, far below what a stack can hold.
pub const CALL_DECODE_DEPTH_MAX: u32 = 64;

/// The most keys that a transaction is said to touch: room for batches of payments as people make them. What a longer
/// one does beyond shows when it runs.
pub const TOUCHES_MAX: usize = 16;

fn refusal(error: impl Into<TransactionValidityError>, detail: impl Into<String>) -> Refusal {
    Refusal { error: error.into(), detail: detail.into() }
}

fn invalid(error: InvalidTransaction, detail: impl Into<String>) -> Refusal {
    refusal(TransactionValidityError::Invalid(error), detail)
}

/// Decodes a call that fills `bytes` exactly.
pub(crate) fn decode_call(mut bytes: &[u8]) -> Result<RuntimeCall, String> {
    RuntimeCall::decode_all_with_depth_limit(CALL_DECODE_DEPTH_MAX, &mut bytes)
        .map_err(|error| format!("the call does not decode: {error}; check the metadata it was made with"))
}

/// Everything that needs no state.
pub(crate) fn inspect(bytes: Vec<u8>) -> Result<Transaction, Refusal> {
    if bytes.len() > TRANSACTION_BYTES_MAX {
        return Err(invalid(
            InvalidTransaction::ExhaustsResources,
            format!("the transaction has {} bytes, at most {TRANSACTION_BYTES_MAX} are allowed", bytes.len()),
        ));
    }
    let preamble =
        extrinsic::split(&bytes).map_err(|error| invalid(InvalidTransaction::Call, error.to_string()))?;
    let call_offset = preamble.call_offset();
    let call = decode_call(bytes.get(call_offset..).unwrap_or_default())
        .map_err(|detail| invalid(InvalidTransaction::Call, detail))?;
    let info = call.info();
    let (signed, touches) = match preamble {
        Preamble::Bare { .. } => (None, Vec::new()),
        Preamble::Signed { address, signature, extra, .. } => {
            let signer = signer(address)?;
            check_metadata_mode(&extra)?;
            // Its class fits into any block, however full: only authors may use it.
            if info.class == DispatchClass::Mandatory {
                return Err(invalid(
                    InvalidTransaction::MandatoryValidation,
                    "inherents are made by block authors and cannot be signed",
                ));
            }
            let touches = touches(&signer, &call);
            let signed = Signed { signer, signature, era: extra.era, nonce: extra.nonce, tip: extra.tip };
            (Some(signed), touches)
        }
    };
    let hash = H256(bytes.using_encoded(blake2_256));
    Ok(Transaction { hash, bytes, call_offset, signed, info, touches })
}

fn signer(address: MultiAddress) -> Result<AccountId, Refusal> {
    match address {
        MultiAddress::Id(account) if account.0 == [0; 32] => {
            Err(invalid(InvalidTransaction::BadSigner, "the zero account cannot sign"))
        }
        MultiAddress::Id(account) => Ok(account),
        _ => Err(refusal(
            TransactionValidityError::Unknown(UnknownTransaction::CannotLookup),
            "this chain has no account indices: sign with a 32-byte account id",
        )),
    }
}

fn check_metadata_mode(extra: &Extra) -> Result<(), Refusal> {
    if extra.metadata_hash_mode == 0 {
        return Ok(());
    }
    Err(refusal(
        TransactionValidityError::Unknown(UnknownTransaction::CannotLookup),
        "this chain does not check metadata hashes yet: sign with CheckMetadataHash mode 0 (disabled)",
    ))
}

/// What the transaction will surely do to accounts: its sender's nonce and balance change, receivers are credited.
fn touches(signer: &AccountId, call: &RuntimeCall) -> Vec<Touch> {
    // Room for a receiver: most transactions are transfers.
    let mut touches = Vec::with_capacity(2);
    touches.push(Touch { key: ACCOUNT.key(signer), kind: TouchKind::Update });
    add_credits(call, &mut touches);
    touches
}

/// Adds whom a call pays, each once, until there are [`TOUCHES_MAX`].
fn add_credits(call: &RuntimeCall, touches: &mut Vec<Touch>) {
    match call {
        RuntimeCall::Balances(
            balances::Call::transfer_keep_alive { dest: MultiAddress::Id(dest), .. }
            | balances::Call::transfer_allow_death { dest: MultiAddress::Id(dest), .. }
            | balances::Call::transfer_all { dest: MultiAddress::Id(dest), .. },
        ) if !touches.iter().any(|touch| touch.key.ends_with(&dest.0)) => {
            touches.push(Touch { key: ACCOUNT.key(dest), kind: TouchKind::Credit });
        }
        RuntimeCall::Utility(
            utility::Call::batch { calls }
            | utility::Call::batch_all { calls }
            | utility::Call::force_batch { calls },
        ) => {
            for call in calls {
                if touches.len() >= TOUCHES_MAX {
                    return;
                }
                add_credits(call, touches);
            }
        }
        _ => {}
    }
}

/// The hash of the block that a mortal transaction names as its birth.
fn birth_hash(era: Era, current: BlockNumber, head: &Head<'_>) -> Result<H256, ValidateError> {
    let birth = u32::try_from(era.birth(current.into())).unwrap_or(u32::MAX);
    if birth == head.number {
        return Ok(head.hash);
    }
    match BLOCK_HASH.get(head.state, &birth)? {
        Some(hash) if current < forgotten(birth) => Ok(hash),
        _ => Err(ValidateError::Refused(ancient(era, birth, current))),
    }
}

/// The first block that no longer knows the hash of this one.
fn forgotten(birth: BlockNumber) -> BlockNumber {
    if birth == 0 { BlockNumber::MAX } else { birth.saturating_add(system::BLOCK_HASH_COUNT + 1) }
}

fn ancient(era: Era, birth: BlockNumber, current: BlockNumber) -> Refusal {
    let kept = system::BLOCK_HASH_COUNT;
    invalid(
        InvalidTransaction::AncientBirthBlock,
        format!(
            "it was valid from block {birth} for {era:?}, the next block is {current} and the last {kept} block \
             hashes are kept; sign it again"
        ),
    )
}

/// What has to be verified for this transaction on top of `head`.
pub(crate) fn proof(
    transaction: &Transaction,
    head: &Head<'_>,
) -> Result<Option<SignatureCheck>, ValidateError> {
    let Some(signed) = &transaction.signed else { return Ok(None) };
    let current = head.number.saturating_add(1);
    let birth_hash = birth_hash(signed.era, current, head)?;
    let genesis_hash =
        if head.number == 0 { head.hash } else { BLOCK_HASH.get_or_default(head.state, &0)? };
    let extra = Extra { era: signed.era, nonce: signed.nonce, tip: signed.tip, metadata_hash_mode: 0 };
    let additional = Additional {
        spec_version: SPEC_VERSION,
        transaction_version: TRANSACTION_VERSION,
        genesis_hash,
        birth_hash,
        metadata_hash: None,
    };
    Ok(Some(SignatureCheck {
        signer: signed.signer,
        signature: signed.signature,
        message: extrinsic::signing_payload(transaction.call(), &extra, &additional),
        birth_hash,
    }))
}

/// Whether the transaction may enter the pool on top of `head`.
pub(crate) fn validate(
    transaction: &Transaction,
    head: &Head<'_>,
) -> Result<ValidTransaction, ValidateError> {
    let Some(signed) = &transaction.signed else { return validate_bare(transaction, head) };
    let current = head.number.saturating_add(1);
    birth_hash(signed.era, current, head)?;
    let account = ACCOUNT.at_known(&transaction.touches, &signed.signer).get_or_default(head.state)?;
    if signed.nonce < account.nonce {
        return Err(ValidateError::Refused(invalid(
            InvalidTransaction::Stale,
            format!("its nonce is {}, the account's next nonce is {}", signed.nonce, account.nonce),
        )));
    }
    let (weight, bytes_max) = match transaction.info.class {
        DispatchClass::Normal => (LIMITS.weight_normal_max, LIMITS.bytes_normal_max),
        _ => (LIMITS.weight_max, LIMITS.bytes_max),
    };
    let declared = transaction.info.weight.saturating_add(TRANSACTION_WEIGHT);
    if declared.any_gt(weight) || transaction.encoded_len() > bytes_max {
        return Err(ValidateError::Refused(invalid(
            InvalidTransaction::ExhaustsResources,
            format!(
                "it weighs up to {declared:?} and has {} bytes; a block holds {weight:?} and {bytes_max} bytes",
                transaction.encoded_len()
            ),
        )));
    }
    let fee =
        TRANSACTION_PAYMENT.fee(head.state, &transaction.info, transaction.encoded_len(), signed.tip)?;
    let total = fee.total();
    let spendable = crate::BALANCES.reducible(&account, true);
    if transaction.info.pays_fee == Pays::Yes && total > spendable {
        return Err(ValidateError::Refused(invalid(
            InvalidTransaction::Payment,
            format!(
                "the fee is up to {total}, tip included, and the account can spend {spendable} above the existential \
                 deposit of {}; send it funds or lower the tip",
                crate::BALANCES.existential_deposit
            ),
        )));
    }
    let tag = |nonce: Nonce| (&signed.signer, nonce).encode();
    let requires = match signed.nonce.checked_sub(1) {
        Some(previous) if signed.nonce > account.nonce => [tag(previous)].into(),
        _ => Vec::new(),
    };
    // It dies with its era, or when the hash of its birth is forgotten.
    let longevity = match signed.era {
        Era::Immortal => u64::MAX,
        era => {
            let birth = u32::try_from(era.birth(current.into())).unwrap_or(u32::MAX);
            era.death(current.into()).min(forgotten(birth).into()).saturating_sub(current.into())
        }
    };
    Ok(ValidTransaction {
        priority: priority(&transaction.info, transaction.encoded_len(), total),
        requires,
        provides: [tag(signed.nonce)].into(),
        longevity,
        propagate: true,
    })
}

/// Without a signature, only reports of offences may be sent: they prove themselves.
fn validate_bare(transaction: &Transaction, head: &Head<'_>) -> Result<ValidTransaction, ValidateError> {
    match decode_call(transaction.call()) {
        Ok(call) if offences::is_bare_report(&call) => offences::validate(&call, head),
        _ => Err(ValidateError::Refused(invalid(
            InvalidTransaction::Call,
            "inherents are made by block authors and cannot be sent",
        ))),
    }
}

/// Fee and tip per share of a block: how many of this transaction would fill a block by weight or by bytes, whichever
/// is scarcer, times what it pays. In thousandths of a million of the smallest unit, so that it does not saturate.
fn priority(info: &DispatchInfo, bytes: u32, total: u128) -> u64 {
    let weight = info.weight.saturating_add(TRANSACTION_WEIGHT).ref_time.max(1);
    let by_weight = LIMITS.weight_normal_max.ref_time / weight;
    let by_bytes = u64::from(LIMITS.bytes_normal_max) / u64::from(bytes.max(1));
    let per_block = u128::from(by_weight.min(by_bytes).max(1));
    u64::try_from((total / 1_000).saturating_mul(per_block)).unwrap_or(u64::MAX)
}

/// Runs one transaction.
pub(crate) fn apply(
    transaction: &Verified,
    position: &Position,
    env: &BlockEnv,
    state: &mut Overlay<'_>,
    machine: Option<&dyn Machine>,
) -> Result<Receipt, ApplyError> {
    let call = decode_call(transaction.call()).map_err(|_| InvalidTransaction::Call)?;
    let mut ctx = Context::at(state, env, position, &transaction.touches);
    if let Some(machine) = machine {
        ctx = ctx.with_machine(machine);
    }
    match &transaction.signed {
        None if offences::is_bare_report(&call) => apply_report(transaction, call, ctx),
        None => apply_inherent(transaction, call, ctx),
        Some(signed) => {
            check_birth(signed.era, transaction.birth_hash(), env, &ctx)?;
            let mut sender = SYSTEM.open_account(&ctx, &signed.signer)?;
            use_nonce(signed.nonce, &mut sender.info)?;
            let bytes = transaction.encoded_len();
            let withdrawn = TRANSACTION_PAYMENT
                .withdraw(&mut ctx, &mut sender, &transaction.info, bytes, signed.tip)
                .map_err(|failure| match failure {
                    Failure::Dispatch(_) => ApplyError::from(InvalidTransaction::Payment),
                    Failure::State(error) => error.into(),
                })?;
            apply_signed(transaction, signed, call, withdrawn, ctx)
        }
    }
}

fn apply_inherent(
    transaction: &Transaction,
    call: RuntimeCall,
    mut ctx: Context<'_, '_>,
) -> Result<Receipt, ApplyError> {
    if transaction.info.class != DispatchClass::Mandatory {
        return Err(InvalidTransaction::Call.into());
    }
    let (post, result) = recorded(call.dispatch(Origin::None, &mut ctx))?;
    if result.is_err() {
        return Err(InvalidTransaction::BadMandatory.into());
    }
    let info = actual_info(&transaction.info, &post);
    emit_outcome(&mut ctx, &result, info);
    Ok(Receipt { result, info, fee: 0, tip: 0, events: ctx.into_events() })
}

/// A report without a signature is in the block if it is right, or the block is not.
fn apply_report(
    transaction: &Transaction,
    call: RuntimeCall,
    mut ctx: Context<'_, '_>,
) -> Result<Receipt, ApplyError> {
    let (post, result) = recorded(call.dispatch(Origin::None, &mut ctx))?;
    if let Err(error) = &result {
        return Err(offences::failed(error).into());
    }
    let info = actual_info(&transaction.info, &post);
    emit_outcome(&mut ctx, &result, info);
    Ok(Receipt { result, info, fee: 0, tip: 0, events: ctx.into_events() })
}

fn apply_signed(
    transaction: &Transaction,
    signed: &Signed,
    call: RuntimeCall,
    withdrawn: Withdrawn,
    mut ctx: Context<'_, '_>,
) -> Result<Receipt, ApplyError> {
    let (post, result) = recorded(call.dispatch(Origin::Signed(signed.signer), &mut ctx))?;
    let info = actual_info(&transaction.info, &post);
    let settled =
        TRANSACTION_PAYMENT.settle(&mut ctx, &signed.signer, withdrawn, &transaction.info, &post)?;
    emit_outcome(&mut ctx, &result, info);
    Ok(Receipt { result, info, fee: settled.fee, tip: settled.tip, events: ctx.into_events() })
}

/// The last event of each transaction, by which clients tell how it went.
fn emit_outcome(
    ctx: &mut Context<'_, '_>,
    result: &Result<(), DispatchError>,
    dispatch_info: DispatchEventInfo,
) {
    let event = match *result {
        Ok(()) => system::Event::ExtrinsicSuccess { dispatch_info },
        Err(dispatch_error) => system::Event::ExtrinsicFailed { dispatch_error, dispatch_info },
    };
    ctx.emit(SYSTEM.index, &event);
}

/// What the call really cost: never more than declared, plus the fixed weight of a transaction.
fn actual_info(declared: &DispatchInfo, post: &basalt_support::PostInfo) -> DispatchEventInfo {
    let weight = post.actual_weight.map_or(declared.weight, |actual| actual.min(declared.weight));
    DispatchEventInfo {
        weight: weight.saturating_add(TRANSACTION_WEIGHT),
        class: declared.class,
        pays_fee: if declared.pays_fee == Pays::No { Pays::No } else { post.pays_fee },
    }
}

/// The signature was verified for one birth hash: it says nothing on a branch where that block is another one.
fn check_birth(era: Era, verified: H256, env: &BlockEnv, state: &impl StateRead) -> Result<(), ApplyError> {
    let birth = u32::try_from(era.birth(env.number.into())).unwrap_or(u32::MAX);
    let hash = if birth.checked_add(1) == Some(env.number) {
        Some(env.parent_hash)
    } else {
        BLOCK_HASH.get(state, &birth)?
    };
    match hash {
        None => Err(InvalidTransaction::AncientBirthBlock.into()),
        Some(hash) if hash != verified => Err(InvalidTransaction::BadProof.into()),
        Some(_) => Ok(()),
    }
}

fn use_nonce(nonce: Nonce, account: &mut AccountInfo) -> Result<(), ApplyError> {
    if nonce < account.nonce {
        return Err(InvalidTransaction::Stale.into());
    }
    if nonce > account.nonce {
        return Err(InvalidTransaction::Future.into());
    }
    if !account.exists() {
        return Err(InvalidTransaction::Payment.into());
    }
    account.nonce = account.nonce.checked_add(1).ok_or(InvalidTransaction::Stale)?;
    Ok(())
}

/// For runtime APIs: a failure of the state is ours, everything else belongs into the answer.
pub(crate) fn outcome(
    result: Result<Receipt, ApplyError>,
) -> Result<Result<Result<(), DispatchError>, TransactionValidityError>, StateError> {
    match result {
        Ok(receipt) => Ok(Ok(receipt.result)),
        Err(ApplyError::Invalid(error)) => Ok(Err(error)),
        Err(ApplyError::State(error)) => Err(error),
    }
}
