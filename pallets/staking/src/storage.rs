//! Where everything is. Names, hashers and value types are Substrate's where it has the item.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, Balance, Moment, Perbill, Percent};
use basalt_support::{
    DoubleMap, Map, TripleMap, Value,
    storage::{Blake2_128Concat, Identity, Twox64Concat},
};

use crate::{
    issuance::IssuanceModel,
    order::Rank,
    snapshot::{Frozen, FrozenNominator},
    types::{
        ActiveEraInfo, Durations, EraIndex, EraRewardPoints, ExposurePage, Forcing, Nominations, Page,
        PagedExposureMetadata, RewardDestination, SlashKey, StakingLedger, UnappliedSlash, ValidatorPrefs,
    },
};

const PALLET: &str = "Staking";

/// A map from accounts, which nobody can choose freely: they are hashes of keys.
pub type AccountMap<V> = Map<Twox64Concat, AccountId, V>;
/// A map from eras.
pub type EraMap<V> = Map<Twox64Concat, EraIndex, V>;
/// A map from eras and validators.
pub type EraAccountMap<V> = DoubleMap<Twox64Concat, EraIndex, Twox64Concat, AccountId, V>;

/// How many validators are elected. Zero: none, the set stays as it is.
pub const VALIDATOR_COUNT: Value<u32> = Value::defaulted(PALLET, "ValidatorCount");
/// With fewer than these an election counts as failed.
pub const MINIMUM_VALIDATOR_COUNT: Value<u32> = Value::defaulted(PALLET, "MinimumValidatorCount");
/// Whom no slash reaches.
pub const INVULNERABLES: Value<Vec<AccountId>> = Value::defaulted(PALLET, "Invulnerables");
/// The controller of each stash: the stash itself. Kept for clients.
pub const BONDED: AccountMap<AccountId> = Map::optional(PALLET, "Bonded");
/// The least active stake of a nominator.
pub const MIN_NOMINATOR_BOND: Value<Balance> = Value::defaulted(PALLET, "MinNominatorBond");
/// The least active stake of a validator.
pub const MIN_VALIDATOR_BOND: Value<Balance> = Value::defaulted(PALLET, "MinValidatorBond");
/// The least active stake of a nominator in the last election.
pub const MINIMUM_ACTIVE_STAKE: Value<Balance> = Value::defaulted(PALLET, "MinimumActiveStake");
/// The least commission.
pub const MIN_COMMISSION: Value<Perbill> = Value::defaulted(PALLET, "MinCommission");
/// What each stash has bonded.
pub const LEDGER: Map<Blake2_128Concat, AccountId, StakingLedger> = Map::optional(PALLET, "Ledger");
/// Where each stash's rewards go.
pub const PAYEE: AccountMap<RewardDestination> = Map::optional(PALLET, "Payee");
/// Who offers to validate.
pub const VALIDATORS: AccountMap<ValidatorPrefs> = Map::defaulted(PALLET, "Validators");
/// How many those are.
pub const COUNTER_FOR_VALIDATORS: Value<u32> = Value::defaulted(PALLET, "CounterForValidators");
/// The most that may offer to validate, if there is a limit.
pub const MAX_VALIDATORS_COUNT: Value<u32> = Value::optional(PALLET, "MaxValidatorsCount");
/// Who nominates whom.
pub const NOMINATORS: AccountMap<Nominations> = Map::optional(PALLET, "Nominators");
/// How many those are.
pub const COUNTER_FOR_NOMINATORS: Value<u32> = Value::defaulted(PALLET, "CounterForNominators");
/// The most nominators, if there is a limit.
pub const MAX_NOMINATORS_COUNT: Value<u32> = Value::optional(PALLET, "MaxNominatorsCount");
/// Validators by active stake, largest first.
pub const VALIDATORS_BY_STAKE: Map<Identity, Rank, ()> = Map::optional(PALLET, "ValidatorsByStake");
/// Nominators by active stake, largest first.
pub const NOMINATORS_BY_STAKE: Map<Identity, Rank, ()> = Map::optional(PALLET, "NominatorsByStake");

/// The newest era whose validators are known: the one after the active one.
pub const CURRENT_ERA: Value<EraIndex> = Value::optional(PALLET, "CurrentEra");
/// The era that is being rewarded.
pub const ACTIVE_ERA: Value<ActiveEraInfo> = Value::optional(PALLET, "ActiveEra");
/// When era 0 began: from then on halvings count.
pub const FIRST_ERA_START: Value<Moment> = Value::optional(PALLET, "FirstEraStart");
/// The session with which each era began: the same number.
pub const ERAS_START_SESSION_INDEX: EraMap<u32> = Map::optional(PALLET, "ErasStartSessionIndex");
/// What stands behind each validator, in brief.
pub const ERAS_STAKERS_OVERVIEW: EraAccountMap<PagedExposureMetadata> =
    DoubleMap::optional(PALLET, "ErasStakersOverview");
/// Who stands behind each validator.
pub const ERAS_STAKERS_PAGED: TripleMap<Twox64Concat, EraIndex, AccountId, Page, ExposurePage> =
    TripleMap::optional(PALLET, "ErasStakersPaged");
/// Which pages are paid.
pub const CLAIMED_REWARDS: EraAccountMap<Vec<Page>> = DoubleMap::defaulted(PALLET, "ClaimedRewards");
/// The terms on which each validator was elected.
pub const ERAS_VALIDATOR_PREFS: EraAccountMap<ValidatorPrefs> =
    DoubleMap::defaulted(PALLET, "ErasValidatorPrefs");
/// What each era is worth, once it is over.
pub const ERAS_VALIDATOR_REWARD: EraMap<Balance> = Map::optional(PALLET, "ErasValidatorReward");
/// Who earned how much of it.
pub const ERAS_REWARD_POINTS: EraMap<EraRewardPoints> = Map::defaulted(PALLET, "ErasRewardPoints");
/// What stands behind all validators of each era.
pub const ERAS_TOTAL_STAKE: EraMap<Balance> = Map::defaulted(PALLET, "ErasTotalStake");
/// Whether validators are elected.
pub const FORCE_ERA: Value<Forcing> = Value::defaulted(PALLET, "ForceEra");
/// The largest share of what is issued that stakers get.
pub const MAX_STAKED_REWARDS: Value<Percent> = Value::optional(PALLET, "MaxStakedRewards");
/// What is issued; the runtime's if absent.
pub const ISSUANCE_MODEL: Value<IssuanceModel> = Value::optional(PALLET, "IssuanceModel");

/// What of a slash its reporters get.
pub const SLASH_REWARD_FRACTION: Value<Perbill> = Value::defaulted(PALLET, "SlashRewardFraction");
/// What reporters did not get because a slash was taken back.
pub const CANCELED_SLASH_PAYOUT: Value<Balance> = Value::defaulted(PALLET, "CanceledSlashPayout");
/// Slashes by the era in which they were reported.
pub const UNAPPLIED_SLASHES: DoubleMap<Twox64Concat, EraIndex, Twox64Concat, SlashKey, UnappliedSlash> =
    DoubleMap::optional(PALLET, "UnappliedSlashes");
/// The oldest era of reports of which slashes may still be unapplied.
pub const NEXT_SLASHES: Value<EraIndex> = Value::defaulted(PALLET, "NextSlashes");
/// The eras of which offences are punished, with the session each began with.
pub const BONDED_ERAS: Value<Vec<(EraIndex, u32)>> = Value::defaulted(PALLET, "BondedEras");
/// The largest fraction by which each offender was slashed for an era, and what that was of its own stake.
pub const VALIDATOR_SLASH_IN_ERA: EraAccountMap<(Perbill, Balance)> =
    DoubleMap::optional(PALLET, "ValidatorSlashInEra");
/// From which share of the limits on anybody may chill those below the least stake.
pub const CHILL_THRESHOLD: Value<Percent> = Value::optional(PALLET, "ChillThreshold");
/// How long stakes answer for what validators did; the runtime's if absent.
pub const DURATIONS: Value<Durations> = Value::optional(PALLET, "Durations");

/// Frozen candidates, by the era in which they were frozen.
pub const SNAPSHOTS: EraMap<Frozen> = Map::optional(PALLET, "Snapshots");
/// Frozen nominators, by era and page.
pub const SNAPSHOT_VOTERS: DoubleMap<Twox64Concat, EraIndex, Twox64Concat, Page, Vec<FrozenNominator>> =
    DoubleMap::optional(PALLET, "SnapshotVoters");
