//! What the storage items and calls of this pallet hold. Shapes and type paths are Substrate's where it has them.

use alloc::{collections::BTreeMap, vec::Vec};

use basalt_primitives::{AccountId, Balance, Moment, Perbill};
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Counts eras, which are epochs.
pub type EraIndex = u32;
/// Counts pages of an exposure.
pub type Page = u32;
/// Which slash of an era: whose, with which fraction, which page of the exposure.
pub type SlashKey = (AccountId, Perbill, Page);

/// Where rewards go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub enum RewardDestination {
    /// To the stash, and at stake at once.
    #[default]
    #[codec(index = 0)]
    Staked,
    /// To the stash.
    #[codec(index = 1)]
    Stash,
    /// Kept for clients, and cannot be chosen: there are no controllers.
    #[codec(index = 2)]
    Controller,
    /// To this account.
    #[codec(index = 3)]
    Account(AccountId),
    /// Nowhere: they are not issued.
    #[codec(index = 4)]
    None,
}

/// On which terms somebody validates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub struct ValidatorPrefs {
    /// What it keeps of its rewards before it shares them with its nominators.
    #[codec(compact)]
    pub commission: Perbill,
    /// Whether it accepts no nominations.
    pub blocked: bool,
}

/// An amount that is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub struct UnlockChunk {
    /// How much.
    #[codec(compact)]
    pub value: Balance,
    /// From which era on it can be withdrawn.
    #[codec(compact)]
    pub era: EraIndex,
}

/// What a stash has bonded.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub struct StakingLedger {
    /// Whose.
    pub stash: AccountId,
    /// All of it: `active` and what unlocks. As much is held of the account's balance.
    #[codec(compact)]
    pub total: Balance,
    /// What counts in the next election.
    #[codec(compact)]
    pub active: Balance,
    /// What is on its way out, oldest first. All of it can be slashed.
    pub unlocking: Vec<UnlockChunk>,
    /// Always empty: `ClaimedRewards` says it. Kept for clients.
    pub legacy_claimed_rewards: Vec<EraIndex>,
}

/// Whom a nominator backs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub struct Nominations {
    /// Whom.
    pub targets: Vec<AccountId>,
    /// Since which era.
    pub submitted_in: EraIndex,
    /// Always false. Kept for clients.
    pub suppressed: bool,
}

/// The era that is being rewarded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub struct ActiveEraInfo {
    /// Which.
    pub index: EraIndex,
    /// When it began; absent only before the first block has a time.
    pub start: Option<Moment>,
}

/// Who earned how many points.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub struct EraRewardPoints {
    /// The sum.
    pub total: u32,
    /// Each validator's.
    pub individual: BTreeMap<AccountId, u32>,
}

/// What stands behind a validator in an era, in brief.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "sp_staking"))]
pub struct PagedExposureMetadata {
    /// All of it.
    #[codec(compact)]
    pub total: Balance,
    /// The validator's own stake.
    #[codec(compact)]
    pub own: Balance,
    /// How many nominators there are.
    pub nominator_count: u32,
    /// On how many pages they are listed; at least one, which may be absent if there are no nominators.
    pub page_count: Page,
}

/// What a nominator has behind a validator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "sp_staking"))]
pub struct IndividualExposure {
    /// Who.
    pub who: AccountId,
    /// How much.
    #[codec(compact)]
    pub value: Balance,
}

/// Some of those who stand behind a validator in an era.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "sp_staking"))]
pub struct ExposurePage {
    /// What they have together.
    #[codec(compact)]
    pub page_total: Balance,
    /// They.
    pub others: Vec<IndividualExposure>,
}

/// A slash that waits to be applied.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub struct UnappliedSlash {
    /// Who offended.
    pub validator: AccountId,
    /// What it loses itself; only on the first page.
    pub own: Balance,
    /// What its nominators lose.
    pub others: Vec<(AccountId, Balance)>,
    /// Who told.
    pub reporters: Vec<AccountId>,
    /// What they get together, if all of the slash can be taken.
    pub payout: Balance,
}

/// Whether validators are elected.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub enum Forcing {
    /// In each epoch.
    #[default]
    #[codec(index = 0)]
    NotForcing,
    /// The same: an era is an epoch, so a new one is never far.
    #[codec(index = 1)]
    ForceNew,
    /// Not at all.
    #[codec(index = 2)]
    ForceNone,
    /// In each epoch.
    #[codec(index = 3)]
    ForceAlways,
}

/// What to do with a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub enum ConfigOp<T> {
    /// Leave it.
    #[codec(index = 0)]
    Noop,
    /// Set it.
    #[codec(index = 1)]
    Set(T),
    /// Remove it.
    #[codec(index = 2)]
    Remove,
}

/// How long stakes answer for what validators did, in eras. Each chain chooses at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub struct Durations {
    /// From `unbond` to `withdraw_unbonded`.
    pub bonding: u32,
    /// From the report of an offence to its punishment: for governance to take it back.
    pub slash_defer: u32,
}

impl Durations {
    /// For how many eras after an offence its evidence counts: reports of era `e` are punished in `e` to `e` + this.
    /// `None` if stake would be gone before it is punished.
    ///
    /// Stake that was frozen and then unbonded in era `e` counts in era `e + 2` still. What is done then, reported this much
    /// later and deferred is punished one era before the stake can be withdrawn.
    pub fn evidence_window(&self) -> Option<u32> {
        self.bonding.checked_sub(self.slash_defer)?.checked_sub(3).filter(|window| *window > 0)
    }
}
