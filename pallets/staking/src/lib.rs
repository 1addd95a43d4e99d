//! Let token holders choose the validators, and pay and punish both for what validators do.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

pub mod issuance;
mod metadata;
pub mod order;
pub mod pallet;
pub mod snapshot;
pub mod storage;
pub mod types;

use alloc::{string::String, vec::Vec};

use basalt_pallet_balances::{Balances, types::Reason};
use basalt_pallet_session::Session;
use basalt_pallet_timestamp::Timestamp;
use basalt_primitives::{AccountId, Balance, Moment, Perbill, Weight};
use basalt_state::{StateError, StateRead};
use basalt_support::{
    CallResult, Context, DispatchInfo, Failure, Fatal, Origin, Pallet, PostInfo, metadata::PalletMetadata,
    weight,
};
use issuance::IssuanceModel;
pub use pallet::{Call, Error, Event, HoldReason};
pub use storage::*;
use types::{Durations, EraIndex, Forcing, Page};

/// For how many eras rewards can be paid, and exposures are kept.
pub const HISTORY_DEPTH: u32 = 84;
/// An era is an epoch, which is a session.
pub const SESSIONS_PER_ERA: u32 = 1;
/// The most validators that one account nominates.
pub const MAX_NOMINATIONS: u32 = 16;
/// The most amounts of one stash on their way out.
pub const MAX_UNLOCKING_CHUNKS: u32 = 32;
/// The most nominators on a page of an exposure: what one payout pays, and one block slashes.
pub const MAX_EXPOSURE_PAGE_SIZE: u32 = 512;
/// The most that no slash reaches.
pub const INVULNERABLES_MAX: u32 = 20;

/// The pallet.
#[derive(Debug, Clone, Copy)]
pub struct Staking {
    /// Its index in the runtime.
    pub index: u8,
    /// The token.
    pub balances: Balances,
    /// The time.
    pub timestamp: Timestamp,
    /// Who validates.
    pub session: Session,
    /// Gets what slashes take and stakers do not get.
    pub treasury: AccountId,
    /// How long stakes answer, unless the chain chose otherwise at its start.
    pub durations: Durations,
    /// What is issued, unless the chain chose otherwise at its start.
    pub issuance: IssuanceModel,
    /// For how long an era is paid at most: a clock that jumps must not issue a fortune.
    pub era_duration_max_ms: Moment,
}

/// What staking starts with. Without stakers there are no elections, and the validators stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StakingGenesis {
    /// Who has how much at stake, and what for.
    pub stakers: Vec<(AccountId, Balance, StakerStatus)>,
    /// How many are elected; as many as there are validators among the stakers if absent.
    pub validator_count: Option<u32>,
    /// With fewer than these an election counts as failed.
    pub minimum_validator_count: u32,
    /// Whom no slash reaches.
    pub invulnerables: Vec<AccountId>,
    /// Whether validators are elected.
    pub force_era: Forcing,
    /// What of a slash its reporters get.
    pub slash_reward_fraction: Perbill,
    /// The least active stake of a nominator.
    pub min_nominator_bond: Balance,
    /// The least active stake of a validator.
    pub min_validator_bond: Balance,
    /// The least commission.
    pub min_commission: Perbill,
    /// How long stakes answer; the runtime's if absent.
    pub durations: Option<Durations>,
    /// What is issued; the runtime's if absent.
    pub issuance: Option<IssuanceModel>,
}

/// What a staker does from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StakerStatus {
    /// It validates, without commission. It needs session keys.
    Validator,
    /// It nominates these.
    Nominator(Vec<AccountId>),
    /// Nothing.
    Idle,
}

impl Staking {
    /// Why amounts are held.
    pub const fn hold_reason(&self) -> Reason {
        Reason { pallet: self.index, reason: 0 }
    }

    /// Runs in the first block of each epoch, before its transactions: ends the era before, announces the validators of the
    /// next epoch, and freezes the candidates of the one after.
    ///
    /// # Errors
    ///
    /// Only what stops the node.
    pub fn begin_epoch(&self, _ctx: &mut Context<'_, '_>, _epoch: u32) -> Result<(), Fatal> {
        Ok(())
    }

    /// Adds points in the active era. Points of accounts that do not validate in it are dropped.
    pub fn reward_by_ids(
        &self,
        _ctx: &mut Context<'_, '_>,
        _points: &[(AccountId, u32)],
    ) -> Result<(), Failure> {
        Ok(())
    }

    /// Punishes an offence of an epoch: of the offender's stake in that epoch, and of its nominators' behind it, `fraction` is
    /// slashed once the deferral is over. Of several offences of one epoch only the largest fraction counts. The offender is
    /// chilled, disabled, and not elected from what was frozen until now.
    ///
    /// A report that comes too late ([`Staking::evidence_window`]), or of somebody invulnerable, changes nothing and is no
    /// error.
    pub fn slash(
        &self,
        _ctx: &mut Context<'_, '_>,
        _offender: &AccountId,
        _epoch: u32,
        _fraction: Perbill,
        _reporters: &[AccountId],
    ) -> Result<(), Failure> {
        Ok(())
    }

    /// What one [`Staking::slash`] weighs at most.
    pub fn slash_weight(&self) -> Weight {
        weight::operations(64, 64)
    }

    /// Chills and disables a validator that was absent too much. It loses nothing.
    pub fn chill_absent(&self, _ctx: &mut Context<'_, '_>, _validator: &AccountId) -> Result<(), Failure> {
        Ok(())
    }

    /// The era that is being rewarded; it has the number of its epoch.
    pub fn active_era(&self, state: &(impl StateRead + ?Sized)) -> Result<Option<EraIndex>, StateError> {
        Ok(ACTIVE_ERA.get(state)?.map(|era| era.index))
    }

    /// How long stakes answer on this chain.
    pub fn durations(&self, state: &(impl StateRead + ?Sized)) -> Result<Durations, StateError> {
        Ok(DURATIONS.get(state)?.unwrap_or(self.durations))
    }

    /// For how many eras after an offence its evidence counts: reports of era `e` are punished in `e` to `e` + this.
    ///
    /// Stake that was frozen and then unbonded in era `e` still counts in era `e + 2`; what is done then and reported this
    /// much later is punished before the stake can be withdrawn.
    pub fn evidence_window(&self, state: &(impl StateRead + ?Sized)) -> Result<u32, StateError> {
        let Durations { bonding, slash_defer } = self.durations(state)?;
        Ok(bonding.saturating_sub(slash_defer).saturating_sub(3))
    }

    /// How many an account may nominate: for the runtime API.
    pub fn nominations_quota(&self, _balance: Balance) -> u32 {
        MAX_NOMINATIONS
    }

    /// How many pages the exposure of a validator has: for the runtime API.
    pub fn eras_stakers_page_count(
        &self,
        state: &(impl StateRead + ?Sized),
        era: EraIndex,
        account: &AccountId,
    ) -> Result<Page, StateError> {
        Ok(ERAS_STAKERS_OVERVIEW.get(state, &era, account)?.map_or(0, |overview| overview.page_count.max(1)))
    }

    /// Whether pages of a validator's rewards of an era are to be paid: for the runtime API.
    pub fn pending_rewards(
        &self,
        state: &(impl StateRead + ?Sized),
        era: EraIndex,
        account: &AccountId,
    ) -> Result<bool, StateError> {
        let pages = self.eras_stakers_page_count(state, era, account)?;
        let claimed = CLAIMED_REWARDS.get_or_default(state, &era, account)?;
        Ok((0..pages).any(|page| !claimed.contains(&page)))
    }
}

impl Pallet for Staking {
    const NAME: &'static str = "Staking";
    type Call = Call;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        metadata::of(self)
    }

    fn info(&self, _call: &Call) -> DispatchInfo {
        DispatchInfo::normal(weight::operations(16, 16))
    }

    fn dispatch(&self, _call: Call, _origin: Origin, _ctx: &mut Context<'_, '_>) -> CallResult {
        Ok(PostInfo::default())
    }

    fn try_state(&self, _state: &dyn StateRead) -> Result<(), String> {
        Ok(())
    }
}
