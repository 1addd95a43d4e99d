//! What clients are told of this pallet.

use basalt_support::{
    Pallet as _,
    metadata::{Constant, PalletMetadata},
};
use scale_info::meta_type;

use crate::{
    Call, Error, Event, HISTORY_DEPTH, INVULNERABLES_MAX, MAX_EXPOSURE_PAGE_SIZE, MAX_NOMINATIONS,
    MAX_UNLOCKING_CHUNKS, SESSIONS_PER_ERA, Staking,
    snapshot::{CANDIDATES_MAX, VOTERS_MAX},
    storage::*,
};

/// What clients are told.
pub(crate) fn of(staking: &Staking) -> PalletMetadata {
    PalletMetadata {
        name: Staking::NAME,
        index: staking.index,
        storage: [
            VALIDATOR_COUNT.entry(&["How many validators are elected; zero: none, the set stays."]),
            MINIMUM_VALIDATOR_COUNT.entry(&["With fewer than these an election counts as failed."]),
            INVULNERABLES.entry(&["Whom no slash reaches."]),
            BONDED.entry(&["The controller of each stash: the stash itself."]),
            MIN_NOMINATOR_BOND.entry(&["The least active stake of a nominator."]),
            MIN_VALIDATOR_BOND.entry(&["The least active stake of a validator."]),
            MINIMUM_ACTIVE_STAKE.entry(&["The least active stake of a nominator in the last election."]),
            MIN_COMMISSION.entry(&["The least commission."]),
            LEDGER.entry(&["What each stash has bonded."]),
            PAYEE.entry(&["Where each stash's rewards go."]),
            VALIDATORS.entry(&["Who offers to validate."]),
            COUNTER_FOR_VALIDATORS.entry(&["How many those are."]),
            MAX_VALIDATORS_COUNT.entry(&["The most that may offer to validate, if there is a limit."]),
            NOMINATORS.entry(&["Who nominates whom."]),
            COUNTER_FOR_NOMINATORS.entry(&["How many those are."]),
            MAX_NOMINATORS_COUNT.entry(&["The most nominators, if there is a limit."]),
            VALIDATORS_BY_STAKE.entry(&["Validators by active stake, largest first."]),
            NOMINATORS_BY_STAKE.entry(&["Nominators by active stake, largest first."]),
            CURRENT_ERA.entry(&["The newest era whose validators are known."]),
            ACTIVE_ERA.entry(&["The era that is being rewarded."]),
            FIRST_ERA_START.entry(&["When era 0 began."]),
            ERAS_START_SESSION_INDEX.entry(&["The session with which each era began."]),
            ERAS_STAKERS_OVERVIEW.entry(&["What stands behind each validator, in brief."]),
            ERAS_STAKERS_PAGED.entry(&["Who stands behind each validator."]),
            CLAIMED_REWARDS.entry(&["Which pages of rewards are paid."]),
            ERAS_VALIDATOR_PREFS.entry(&["The terms on which each validator was elected."]),
            ERAS_VALIDATOR_REWARD.entry(&["What each era is worth, once it is over."]),
            ERAS_REWARD_POINTS.entry(&["Who earned how much of it."]),
            ERAS_TOTAL_STAKE.entry(&["What stands behind all validators of each era."]),
            FORCE_ERA.entry(&["Whether validators are elected."]),
            MAX_STAKED_REWARDS.entry(&["The largest share of what is issued that stakers get."]),
            ISSUANCE_MODEL.entry(&["What is issued; the runtime's if absent."]),
            SLASH_REWARD_FRACTION.entry(&["What of a slash its reporters get."]),
            CANCELED_SLASH_PAYOUT.entry(&["What reporters did not get because slashes were taken back."]),
            UNAPPLIED_SLASHES.entry(&["Slashes by the era in which they were reported."]),
            NEXT_SLASHES.entry(&["The oldest era of reports of which slashes may be unapplied."]),
            BONDED_ERAS.entry(&["The eras of which offences are punished."]),
            VALIDATOR_SLASH_IN_ERA.entry(&["The largest fraction by which each was slashed for an era."]),
            CHILL_THRESHOLD.entry(&["From which share of the limits on anybody may chill small stakes."]),
            DURATIONS.entry(&["How long stakes answer, in eras; the constants if absent."]),
            SNAPSHOTS.entry(&["Frozen candidates, by the era in which they were frozen."]),
            SNAPSHOT_VOTERS.entry(&["Frozen nominators, by era and page."]),
        ]
        .into(),
        calls: Some(meta_type::<Call>()),
        event: Some(meta_type::<Event>()),
        error: Some(meta_type::<Error>()),
        constants: [
            Constant::new("HistoryDepth", &HISTORY_DEPTH, &["For how many eras rewards can be paid."]),
            Constant::new("SessionsPerEra", &SESSIONS_PER_ERA, &["An era is an epoch, which is a session."]),
            Constant::new(
                "BondingDuration",
                &staking.durations.bonding,
                &["Eras from unbonding to withdrawing, unless `Durations` says otherwise."],
            ),
            Constant::new(
                "SlashDeferDuration",
                &staking.durations.slash_defer,
                &["Eras from an offence's report to its punishment, unless `Durations` says otherwise."],
            ),
            Constant::new(
                "MaxExposurePageSize",
                &MAX_EXPOSURE_PAGE_SIZE,
                &["The most nominators on a page of an exposure."],
            ),
            Constant::new(
                "MaxNominations",
                &MAX_NOMINATIONS,
                &["The most validators that one account nominates."],
            ),
            Constant::new(
                "MaxUnlockingChunks",
                &MAX_UNLOCKING_CHUNKS,
                &["The most amounts on their way out."],
            ),
            Constant::new("MaxInvulnerables", &INVULNERABLES_MAX, &["The most that no slash reaches."]),
            Constant::new("MaxCandidates", &CANDIDATES_MAX, &["The most candidates of an election."]),
            Constant::new("MaxVoters", &VOTERS_MAX, &["The most nominators of an election."]),
        ]
        .into(),
        docs: ["Holders choose the validators, and are paid and punished for what those do."].into(),
    }
}
