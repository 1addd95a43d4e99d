//! Let token holders choose the validators, and pay and punish both for what validators do.
//!
//! # Responsibility
//!
//! - Stakes: what is bonded, who validates and nominates with it, when it can be withdrawn.
//! - Eras, which are epochs: who is elected when, and who stands behind whom.
//! - Rewards: how much is issued, and who gets it.
//! - Slashes: what an offence costs, whom, and when.
//!
//! # Flow
//!
//! ```text
//! first block of epoch e, before its transactions:
//!   era e − 1 ends                    its worth is fixed; the treasury gets the remainder
//!   slashes that are due              taken, a page per block
//!   snapshot of e − 1 ─elect─► A(e+1) announced to Session, exposures of era e + 1     by randomness of epoch e + 1
//!   stakes as they are ─freeze─► snapshot of e                                         for A(e+2)
//! any block:
//!   points ──► ErasRewardPoints[e]         offence ──► UnappliedSlashes[e] ──(deferral)──► taken
//!   payout_stakers ──► rewards issued
//! ```
//!
//! Epochs 0 and 1 have the set of genesis. Whoever bonds in epoch `e` is frozen in `e + 1` and validates in `e + 3`.
//!
//! # Invariants
//!
//! - What is held of an account for staking is its ledger's total: `active` and what unlocks. So nothing bonded can be
//!   moved, and a slash can always be taken. (`try_state`)
//! - Nobody validates and nominates. Each who does either is in one order by active stake. (`try_state`)
//! - Exposures sum up; `ErasTotalStake` is their sum. (`try_state`)
//! - Whatever is issued here goes to somebody, and whatever is slashed goes to reporters, the treasury, or is burnt:
//!   balances and issuance agree. (`Balances::try_state_with`, property tests against a plain model)
//! - No call changes what a slash takes: it is computed from the exposure of its era, and taken from all that is bonded,
//!   of which nothing leaves before the deferral of the last report that counts is over. (property tests)
//!
//! # Assumptions
//!
//! - [`Staking::begin_epoch`] runs in the first block of each epoch, after the randomness was mixed; `begin_block` in
//!   every block.
//! - Who calls [`Staking::slash`] has verified the offence.
//! - While root stops elections, or they fail, a set stays with the exposures that it had: stake that leaves meanwhile
//!   leaves without answering for what its validator does afterwards.
//!
//! # Out of scope
//!
//! Who is elected from a ballot (`basalt-election`), keys and sets (`basalt-pallet-session`), what an offence is and which
//! fraction it costs (`basalt-pallet-offences`), what earns points (`basalt-pallet-authorship`).
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

mod calls;
mod eras;
mod genesis;
mod invariants;
pub mod issuance;
mod ledger;
mod metadata;
pub mod order;
pub mod pallet;
mod rewards;
mod roles;
pub mod slashing;
pub mod snapshot;
pub mod storage;
#[cfg(test)]
extern crate std;
#[cfg(test)]
mod tests;
pub mod types;
mod weights;

use alloc::{string::String, vec::Vec};

use basalt_pallet_balances::{Balances, types::Reason};
use basalt_pallet_randomness::Randomness;
use basalt_pallet_session::Session;
use basalt_pallet_timestamp::Timestamp;
use basalt_primitives::{AccountId, Balance, DispatchClass, Moment, Pays, Perbill};
use basalt_state::{StateError, StateRead};
use basalt_support::{
    BlockSummary, CallResult, Context, DispatchInfo, Fatal, Origin, Pallet, metadata::PalletMetadata,
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
/// Bytes of the points of all validators of an era.
pub(crate) const VALIDATORS_BYTES_MAX: u64 = basalt_pallet_session::VALIDATORS_MAX as u64 * 36;

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
    /// By what seats are drawn.
    pub randomness: Randomness,
    /// Gets what slashes take and stakers do not get.
    pub treasury: AccountId,
    /// How long stakes answer, unless the chain chose otherwise at its start.
    pub durations: Durations,
    /// What is issued, unless the chain chose otherwise at its start.
    pub issuance: IssuanceModel,
    /// Which share of the seats goes by stake; the others are drawn.
    pub seats_by_stake: Perbill,
    /// The most of all votes that one validator may have.
    pub power_cap: Perbill,
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

    /// The era that is being rewarded; it has the number of its epoch.
    pub fn active_era(&self, state: &(impl StateRead + ?Sized)) -> Result<Option<EraIndex>, StateError> {
        Ok(ACTIVE_ERA.get(state)?.map(|era| era.index))
    }

    /// How long stakes answer on this chain.
    pub fn durations(&self, state: &(impl StateRead + ?Sized)) -> Result<Durations, StateError> {
        Ok(DURATIONS.get(state)?.unwrap_or(self.durations))
    }

    /// For how many eras after an offence its evidence counts on this chain.
    pub fn evidence_window(&self, state: &(impl StateRead + ?Sized)) -> Result<u32, StateError> {
        Ok(self.durations(state)?.evidence_window().unwrap_or(0))
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

    fn info(&self, call: &Call) -> DispatchInfo {
        let class = match call {
            Call::force_no_eras
            | Call::force_new_era
            | Call::force_new_era_always
            | Call::cancel_deferred_slash { .. } => DispatchClass::Operational,
            _ => DispatchClass::Normal,
        };
        DispatchInfo { weight: weights::of(self, call), class, pays_fee: Pays::Yes }
    }

    fn dispatch(&self, call: Call, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        self.run(call, origin, ctx)
    }

    /// Applies slashes that are due and did not fit into the blocks before.
    fn begin_block(&self, ctx: &mut Context<'_, '_>) -> Result<(), Fatal> {
        self.apply_due_slashes(ctx).map_err(eras::fatal)
    }

    fn end_block(&self, ctx: &mut Context<'_, '_>, _summary: &BlockSummary) -> Result<(), Fatal> {
        Ok(self.note_start(ctx)?)
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        self.check(state)
    }
}
