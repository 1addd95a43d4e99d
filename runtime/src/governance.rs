//! Who may decide what: the origins of this chain's referenda, what each may call, and the tracks that decide for them.

mod tracks;

use basalt_pallet_balances::{INACTIVE_ISSUANCE, TOTAL_ISSUANCE};
use basalt_pallet_origins::Origin as TrackOrigin;
use basalt_pallet_parameters::ParameterSet as _;
use basalt_pallet_referenda::{Refusal, TrackId};
use basalt_primitives::{AccountId, Balance, BlockNumber};
use basalt_state::{StateError, StateRead};
use basalt_support::{Origin, StoredOrigin};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::{
    ORIGINS, OriginCaller, RuntimeCall, TECHNICAL_COMMITTEE, collective, parameters, referenda, treasury,
    utility, whitelist,
};

pub use tracks::TRACKS;

/// An hour, in blocks: what is said in hours and days holds for blocks of one second.
pub const HOURS: BlockNumber = 60 * 60;
/// A day, in blocks.
pub const DAYS: BlockNumber = 24 * HOURS;

/// An origin that every chain has.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_runtime", "frame_support"))]
#[scale_info(replace_segment("governance", "dispatch"))]
pub enum RawOrigin {
    /// The chain itself.
    #[codec(index = 0)]
    Root,
    /// An account.
    #[codec(index = 1)]
    Signed(AccountId),
    /// Nobody.
    #[codec(index = 2)]
    None,
}

impl StoredOrigin for OriginCaller {
    fn into_origin(self) -> Origin {
        match self {
            Self::system(RawOrigin::Root) => Origin::Root,
            Self::system(RawOrigin::Signed(who)) => Origin::Signed(who),
            Self::system(RawOrigin::None) => Origin::None,
            Self::Origins(origin) => ORIGINS.origin(origin),
            Self::TechnicalCommittee(origin) => TECHNICAL_COMMITTEE.origin(origin),
        }
    }

    fn of(origin: &Origin) -> Option<Self> {
        match origin {
            Origin::Root => Some(Self::system(RawOrigin::Root)),
            Origin::Signed(who) => Some(Self::system(RawOrigin::Signed(*who))),
            Origin::None => Some(Self::system(RawOrigin::None)),
            Origin::Pallet { .. } => ORIGINS
                .named(origin)
                .map(Self::Origins)
                .or_else(|| TECHNICAL_COMMITTEE.named(origin).map(Self::TechnicalCommittee)),
        }
    }
}

// ---- What origins may do ---------------------------------------------------------------------------------------

/// A call that an origin may make: its name, and how to know it.
pub type Permission = (&'static str, fn(&RuntimeCall) -> bool);

/// Who may call what besides root, who may call everything that does not want an account. `docs/govern.md` shows this table,
/// and a test compares it with what calls do.
pub const MAY_CALL: &[(TrackOrigin, &[Permission])] = &[
    // Its calls come with the staking pallet.
    (TrackOrigin::StakingAdmin, &[]),
    (TrackOrigin::Treasurer, &[SPEND_LOCAL, SPEND, REMOVE_APPROVAL, VOID_SPEND]),
    (TrackOrigin::GeneralAdmin, &[SET_MEMBERS]),
    (TrackOrigin::ReferendumCanceller, &[CANCEL]),
    (TrackOrigin::ReferendumKiller, &[KILL]),
    (TrackOrigin::SmallSpender, &[SPEND_LOCAL, SPEND]),
    (TrackOrigin::MediumSpender, &[SPEND_LOCAL, SPEND]),
    (TrackOrigin::WhitelistedCaller, &[DISPATCH, DISPATCH_WITH_PREIMAGE]),
    (TrackOrigin::ParameterAdmin, &[SET_PARAMETER]),
];

const SPEND_LOCAL: Permission = ("Treasury.spend_local", |call| {
    matches!(call, RuntimeCall::Treasury(treasury::Call::spend_local { .. }))
});
const SPEND: Permission =
    ("Treasury.spend", |call| matches!(call, RuntimeCall::Treasury(treasury::Call::spend { .. })));
const REMOVE_APPROVAL: Permission = ("Treasury.remove_approval", |call| {
    matches!(call, RuntimeCall::Treasury(treasury::Call::remove_approval { .. }))
});
const VOID_SPEND: Permission =
    ("Treasury.void_spend", |call| matches!(call, RuntimeCall::Treasury(treasury::Call::void_spend { .. })));
const SET_MEMBERS: Permission = ("TechnicalCommittee.set_members", |call| {
    matches!(call, RuntimeCall::TechnicalCommittee(collective::Call::set_members { .. }))
});
const CANCEL: Permission =
    ("Referenda.cancel", |call| matches!(call, RuntimeCall::Referenda(referenda::Call::cancel { .. })));
const KILL: Permission =
    ("Referenda.kill", |call| matches!(call, RuntimeCall::Referenda(referenda::Call::kill { .. })));
const DISPATCH: Permission = ("Whitelist.dispatch_whitelisted_call", |call| {
    matches!(call, RuntimeCall::Whitelist(whitelist::Call::dispatch_whitelisted_call { .. }))
});
const DISPATCH_WITH_PREIMAGE: Permission = ("Whitelist.dispatch_whitelisted_call_with_preimage", |call| {
    matches!(call, RuntimeCall::Whitelist(whitelist::Call::dispatch_whitelisted_call_with_preimage { .. }))
});
const SET_PARAMETER: Permission = ("Parameters.set_parameter", |call| {
    matches!(call, RuntimeCall::Parameters(crate::pallet_parameters::Call::set_parameter { .. }))
});

/// Whether an origin of a track may make a call, by the table.
pub fn may_call(origin: TrackOrigin, call: &RuntimeCall) -> bool {
    let row = MAY_CALL.iter().find(|(of, _)| *of == origin);
    row.is_some_and(|(_, permissions)| permissions.iter().any(|(_, fits)| fits(call)))
}

fn is_one_of(origin: &Origin, any: &[TrackOrigin]) -> bool {
    *origin == Origin::Root || ORIGINS.named(origin).is_some_and(|origin| any.contains(&origin))
}

pub(crate) fn canceller(origin: &Origin) -> bool {
    is_one_of(origin, &[TrackOrigin::ReferendumCanceller])
}

pub(crate) fn killer(origin: &Origin) -> bool {
    is_one_of(origin, &[TrackOrigin::ReferendumKiller])
}

pub(crate) fn parameter_admin(origin: &Origin) -> bool {
    is_one_of(origin, &[TrackOrigin::ParameterAdmin])
}

pub(crate) fn committee_chooser(origin: &Origin) -> bool {
    is_one_of(origin, &[TrackOrigin::GeneralAdmin])
}

pub(crate) fn spend_rejecter(origin: &Origin) -> bool {
    is_one_of(origin, &[TrackOrigin::Treasurer])
}

pub(crate) fn spend_limit(state: &dyn StateRead, origin: &Origin) -> Result<Option<Balance>, StateError> {
    Ok(match (origin, ORIGINS.named(origin)) {
        (Origin::Root, _) | (_, Some(TrackOrigin::Treasurer)) => Some(Balance::MAX),
        (_, Some(TrackOrigin::SmallSpender)) => Some(parameters::of_treasury::SmallSpend::get(state)?),
        (_, Some(TrackOrigin::MediumSpender)) => Some(parameters::of_treasury::MediumSpend::get(state)?),
        _ => None,
    })
}

/// Two thirds of the technical committee, or root.
pub(crate) fn whitelister(origin: &Origin) -> bool {
    *origin == Origin::Root || TECHNICAL_COMMITTEE.is_proportion(origin, 2, 3)
}

pub(crate) fn whitelisted_caller(origin: &Origin) -> bool {
    is_one_of(origin, &[TrackOrigin::WhitelistedCaller])
}

// ---- Referenda -------------------------------------------------------------------------------------------------

/// Which track decides for an origin.
pub(crate) fn track_for(origin: &OriginCaller) -> Option<TrackId> {
    match origin {
        OriginCaller::system(RawOrigin::Root) => Some(0),
        OriginCaller::system(_) | OriginCaller::TechnicalCommittee(_) => None,
        OriginCaller::Origins(origin) => Some(match origin {
            TrackOrigin::WhitelistedCaller => 1,
            TrackOrigin::StakingAdmin => 10,
            TrackOrigin::Treasurer => 11,
            TrackOrigin::ParameterAdmin => 12,
            TrackOrigin::GeneralAdmin => 14,
            TrackOrigin::ReferendumCanceller => 20,
            TrackOrigin::ReferendumKiller => 21,
            TrackOrigin::SmallSpender => 32,
            TrackOrigin::MediumSpender => 33,
        }),
    }
}

/// What can be known of a proposal before it is voted on.
pub(crate) fn review(origin: &OriginCaller, call: &RuntimeCall) -> Result<(), Refusal> {
    match origin {
        OriginCaller::Origins(origin) if !may_call(*origin, call) => return Err(Refusal::Forbidden),
        _ => {}
    }
    if sets_only_what_can_be(call) { Ok(()) } else { Err(Refusal::OutOfBounds) }
}

/// Whether all parameters that a call sets would be in their bounds, those in batches included.
fn sets_only_what_can_be(call: &RuntimeCall) -> bool {
    match call {
        RuntimeCall::Parameters(crate::pallet_parameters::Call::set_parameter { key_value }) => {
            key_value.is_in_bounds()
        }
        RuntimeCall::Utility(
            utility::Call::batch { calls }
            | utility::Call::batch_all { calls }
            | utility::Call::force_batch { calls },
        ) => calls.iter().all(sets_only_what_can_be),
        _ => true,
    }
}

/// How many tokens could support a referendum: all but those of the treasury.
pub(crate) fn electorate(state: &dyn StateRead) -> Result<Balance, StateError> {
    let inactive = INACTIVE_ISSUANCE.get_or_default(state)?;
    Ok(TOTAL_ISSUANCE.get_or_default(state)?.saturating_sub(inactive))
}
