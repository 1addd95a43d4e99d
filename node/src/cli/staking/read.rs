//! What the commands want to know of a state. Pure: any state will do.

use basalt_pallet_session::{CURRENT_SET, Epoch, NEXT_KEYS, SessionKeys};
use basalt_pallet_staking::{
    ACTIVE_ERA, CURRENT_ERA, ERAS_STAKERS_OVERVIEW, FORCE_ERA, LEDGER, MIN_COMMISSION, MIN_NOMINATOR_BOND,
    MIN_VALIDATOR_BOND, NOMINATORS, PAYEE, VALIDATOR_COUNT, VALIDATORS,
    types::{EraIndex, Forcing, PagedExposureMetadata, RewardDestination, StakingLedger, ValidatorPrefs},
};
use basalt_pallet_system::{ACCOUNT, AccountInfo};
use basalt_primitives::{AccountId, Balance, Perbill};
use basalt_runtime::{SESSION, STAKING};
use basalt_state::{StateError, StateRead};

/// The rules of staking on this chain, as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    /// The epoch of the next block.
    pub(super) epoch: Epoch,
    /// The era that is being rewarded.
    pub(super) active_era: Option<EraIndex>,
    /// The newest era whose validators are known; by it unbonding is counted.
    pub(super) current_era: EraIndex,
    /// How many validators are elected; zero if none are.
    pub(super) seats: u32,
    /// From unbonding to withdrawing, in eras.
    pub(super) bonding: u32,
    /// The least stake of a validator.
    pub(super) least_validator: Balance,
    /// The least stake of a nominator.
    pub(super) least_nominator: Balance,
    /// The least commission.
    pub(super) least_commission: Perbill,
}

impl Terms {
    pub(super) fn read(state: &impl StateRead) -> Result<Self, StateError> {
        let elects = FORCE_ERA.get_or_default(state)? != Forcing::ForceNone;
        Ok(Self {
            epoch: SESSION.epoch(state)?,
            active_era: ACTIVE_ERA.get(state)?.map(|era| era.index),
            current_era: CURRENT_ERA.get_or_default(state)?,
            seats: if elects { VALIDATOR_COUNT.get_or_default(state)? } else { 0 },
            bonding: STAKING.durations(state)?.bonding,
            least_validator: MIN_VALIDATOR_BOND.get_or_default(state)?,
            least_nominator: MIN_NOMINATOR_BOND.get_or_default(state)?,
            least_commission: MIN_COMMISSION.get_or_default(state)?,
        })
    }

    /// The epoch from which on what unbonds until an era can be withdrawn.
    pub(super) fn free_from(&self, era: EraIndex) -> u32 {
        self.epoch.index.saturating_add(era.saturating_sub(self.current_era))
    }

    /// Why no change of stakes will ever change the validators, if so.
    pub(super) fn fixed(&self) -> Option<&'static str> {
        if self.epoch.length == 0 {
            return Some(
                "the epochs of this chain never end (session.epochLength), so its validators stay as they are",
            );
        }
        (self.seats == 0).then_some("this chain elects no validators now, so they stay as they are")
    }
}

/// What an account does with its stake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// It offers to validate.
    Validator(ValidatorPrefs),
    /// It nominates these.
    Nominator(Vec<AccountId>),
    /// Nothing.
    Idle,
}

/// An account as a staker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Staker {
    /// Its balance.
    pub(super) info: AccountInfo,
    /// What it has bonded.
    pub(super) ledger: Option<StakingLedger>,
    /// Where its rewards go.
    pub(super) payee: RewardDestination,
    /// What it does.
    pub(super) role: Role,
    /// The keys that it has registered.
    pub(super) keys: Option<SessionKeys>,
    /// The weight of its votes, if it validates now.
    pub(super) power: Option<u64>,
    /// What stands behind it in the next epoch, if it was elected for that.
    pub(super) next: Option<PagedExposureMetadata>,
}

impl Staker {
    pub(super) fn read(state: &impl StateRead, who: &AccountId) -> Result<Self, StateError> {
        let role = if VALIDATORS.contains(state, who)? {
            Role::Validator(VALIDATORS.get_or_default(state, who)?)
        } else {
            NOMINATORS.get(state, who)?.map_or(Role::Idle, |found| Role::Nominator(found.targets))
        };
        let set = CURRENT_SET.get_or_default(state)?;
        let next = match ACTIVE_ERA.get(state)? {
            Some(active) => ERAS_STAKERS_OVERVIEW.get(state, &active.index.saturating_add(1), who)?,
            None => None,
        };
        Ok(Self {
            info: ACCOUNT.get_or_default(state, who)?,
            ledger: LEDGER.get(state, who)?,
            payee: PAYEE.get(state, who)?.unwrap_or_default(),
            role,
            keys: NEXT_KEYS.get(state, who)?,
            power: set.validators.iter().find(|one| one.account == *who).map(|one| one.power),
            next,
        })
    }

    /// What counts in elections.
    pub(super) fn active(&self) -> Balance {
        self.ledger.as_ref().map_or(0, |ledger| ledger.active)
    }

    /// What is free to withdraw, when this era is the current one.
    pub(super) fn free_in(&self, era: EraIndex) -> Balance {
        let chunks = self.ledger.iter().flat_map(|ledger| &ledger.unlocking);
        chunks.filter(|chunk| chunk.era <= era).fold(0, |sum: Balance, chunk| sum.saturating_add(chunk.value))
    }
}
