//! What reports of offences need from the other pallets, and reports as transactions without a signature.

use alloc::{boxed::Box, vec::Vec};

use basalt_pallet_offences::{self as offences, Deciders, Error, Rejection, grandpa};
use basalt_pallet_session::HISTORY_SETS;
use basalt_pallet_system::BLOCK_HASH;
use basalt_primitives::{
    AccountId, BlockNumber, DispatchError, InvalidTransaction, ModuleError, Perbill, ValidTransaction,
    extrinsic, votes::Evidence,
};
use basalt_runtime_api::{Head, Refusal, ValidateError};
use basalt_state::{StateError, StateRead};
use basalt_support::{Context, Failure, metadata::PalletMetadata};
use parity_scale_codec::{Decode, Encode};
use scale_info::meta_type;

use crate::{GRANDPA, OFFENCES, RuntimeCall, SESSION, STAKING};

/// For how many blocks a report waits in a pool. It goes before all others, so one block is the rule.
const LONGEVITY: u64 = 256;

/// For how many epochs after an offence it may be reported: as long as stakes answer for it, and the set of that time is known.
pub(crate) fn window(state: &dyn StateRead) -> Result<u32, StateError> {
    Ok(STAKING.evidence_window(state)?.min(HISTORY_SETS - 1))
}

/// The epoch now.
pub(crate) fn epoch(state: &dyn StateRead) -> Result<u32, StateError> {
    Ok(SESSION.epoch(state)?.index)
}

/// Whether the set of this id decides this height. Its votes sign the id, and the epochs of the sets say where one ends and
/// the next begins.
pub(crate) fn deciders(
    state: &dyn StateRead,
    set_id: u64,
    height: BlockNumber,
) -> Result<Deciders, StateError> {
    let epoch = SESSION.epoch_of(state, height)?;
    let Some((began, set)) = SESSION.set_by_id(state, set_id)? else {
        let current = GRANDPA.current_set_id(state)?;
        return Ok(if set_id < current { Deciders::Forgotten } else { Deciders::Others });
    };
    let ended = match set_id.checked_add(1) {
        Some(next) => SESSION.set_by_id(state, next)?.map(|(began, _)| began),
        None => None,
    };
    let is_of_it = began <= epoch && ended.is_none_or(|ended| epoch < ended);
    Ok(if is_of_it { Deciders::Of { epoch, set } } else { Deciders::Others })
}

/// Punishes an offender of an epoch.
pub(crate) fn slash(
    ctx: &mut Context<'_, '_>,
    offender: &AccountId,
    epoch: u32,
    share: Perbill,
    reporters: &[AccountId],
) -> Result<(), Failure> {
    STAKING.slash(ctx, offender, epoch, share, reporters)
}

/// A report by whoever sees the evidence, without length prefix.
pub(crate) fn transaction(evidence: &Evidence) -> Vec<u8> {
    let call = offences::Call::report { evidence: Box::new(*evidence) };
    extrinsic::encode_bare(&RuntimeCall::Offences(call).encode())
}

/// Whether a call is a report that needs no signature.
pub(crate) fn is_bare_report(call: &RuntimeCall) -> bool {
    matches!(
        call,
        RuntimeCall::Offences(offences::Call::report { .. })
            | RuntimeCall::Grandpa(grandpa::Call::report_equivocation_unsigned { .. })
    )
}

/// What a report holds; none if it cannot be right.
fn evidence(call: &RuntimeCall) -> Option<Evidence> {
    match call {
        RuntimeCall::Offences(offences::Call::report { evidence }) => Some(**evidence),
        RuntimeCall::Grandpa(call) => call.evidence(),
        _ => None,
    }
}

/// Whether a report without a signature may enter the pool on top of `head`.
pub(crate) fn validate(call: &RuntimeCall, head: &Head<'_>) -> Result<ValidTransaction, ValidateError> {
    let Some(evidence) = evidence(call) else {
        let detail = "it reports votes that nobody signs on this chain, or holds more than the votes".into();
        return Err(ValidateError::Refused(Refusal { error: InvalidTransaction::BadProof.into(), detail }));
    };
    let genesis = if head.number == 0 { head.hash } else { BLOCK_HASH.get_or_default(head.state, &0)? };
    let number = head.number.saturating_add(1);
    match OFFENCES.check(head.state, number, &genesis, &evidence) {
        Ok(offence) => Ok(ValidTransaction {
            priority: u64::MAX,
            requires: Vec::new(),
            provides: [(b"offence", offence.id()).encode()].into(),
            longevity: LONGEVITY,
            propagate: true,
        }),
        Err(Rejection::Error(error)) => {
            let detail = error.sentence().into();
            Err(ValidateError::Refused(Refusal { error: validity(error).into(), detail }))
        }
        Err(Rejection::State(error)) => Err(error.into()),
    }
}

/// Whose fault it is that a report is refused. Nodes stand at different heights: what another one may see otherwise is
/// nobody's fault.
fn validity(error: Error) -> InvalidTransaction {
    match error {
        Error::NoContradiction | Error::BadSignature | Error::WrongSet | Error::NotAValidator => {
            InvalidTransaction::BadProof
        }
        Error::TooEarly => InvalidTransaction::Future,
        Error::TooOld | Error::AlreadyReported | Error::EnoughReports => InvalidTransaction::Stale,
    }
}

/// Why a block cannot hold a report that failed with this: bare ones are there if they are right, or not at all.
pub(crate) fn failed(error: &DispatchError) -> InvalidTransaction {
    let DispatchError::Module(ModuleError { index, error }) = error else {
        return InvalidTransaction::BadProof;
    };
    if *index == GRANDPA.index {
        return match grandpa::Error::decode(&mut &error[..]) {
            Ok(grandpa::Error::DuplicateOffenceReport) => InvalidTransaction::Stale,
            _ => InvalidTransaction::BadProof,
        };
    }
    Error::decode(&mut &error[..]).map_or(InvalidTransaction::BadProof, validity)
}

/// Grandpa with its calls: the session pallet knows its state, and Offences what may be reported.
pub(crate) fn grandpa_metadata() -> PalletMetadata {
    let calls = Some(meta_type::<grandpa::Call>());
    PalletMetadata { calls, error: Some(meta_type::<grandpa::Error>()), ..GRANDPA.metadata() }
}

/// Where a vote key belongs, as GRANDPA's tools ask for it before they report somebody.
pub(crate) fn key_ownership_proof(
    state: &dyn StateRead,
    set_id: u64,
    vote_key: &[u8; 32],
) -> Result<Option<Vec<u8>>, StateError> {
    let Some((session, set)) = SESSION.set_by_id(state, set_id)? else { return Ok(None) };
    if !set.validators.iter().any(|validator| validator.vote_key == *vote_key) {
        return Ok(None);
    }
    let validator_count = u32::try_from(set.validators.len()).unwrap_or(u32::MAX);
    let proof = grandpa::MembershipProof { session, trie_nodes: Vec::new(), validator_count };
    Ok(Some(proof.encode()))
}
