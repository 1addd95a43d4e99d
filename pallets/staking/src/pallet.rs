//! What clients see of this pallet: names, indices and fields are those of Substrate's `pallet-staking`.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, Balance, MultiAddress, Perbill, Percent};
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::types::{ConfigOp, EraIndex, Forcing, Page, RewardDestination, SlashKey, ValidatorPrefs};

/// What may be asked of this pallet. Missing numbers are calls of Substrate that have no meaning here: there are no
/// controllers (8, 27, 28), no ledgers to repair (29) or to move from locks to holds (30), and slashes and old eras are worked off
/// by the chain itself (31, 32).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call {
    /// Puts a part of the sender's balance at stake, for the first time. At most what it has above the existential
    /// deposit.
    #[codec(index = 0)]
    bond {
        /// How much; at least the existential deposit.
        #[codec(compact)]
        value: Balance,
        /// Where rewards go.
        payee: RewardDestination,
    },
    /// Puts more of the sender's balance at stake.
    #[codec(index = 1)]
    bond_extra {
        /// How much at most.
        #[codec(compact)]
        max_additional: Balance,
    },
    /// Takes an amount out of the stake. It stays bonded, and can be slashed, until the bonding duration is over.
    #[codec(index = 2)]
    unbond {
        /// How much at most.
        #[codec(compact)]
        value: Balance,
    },
    /// Frees what was unbonded long enough ago.
    #[codec(index = 3)]
    withdraw_unbonded {
        /// Means nothing here: slashes leave no spans behind.
        num_slashing_spans: u32,
    },
    /// Offers to validate, from the election after the next on.
    #[codec(index = 4)]
    validate {
        /// What it keeps for itself, and whether others may nominate it.
        prefs: ValidatorPrefs,
    },
    /// Backs validators with the sender's stake.
    #[codec(index = 5)]
    nominate {
        /// Which: 16 at most.
        targets: Vec<MultiAddress>,
    },
    /// Ends validating and nominating, from the election after the next on.
    #[codec(index = 6)]
    chill,
    /// Says where rewards go.
    #[codec(index = 7)]
    set_payee {
        /// Where.
        payee: RewardDestination,
    },
    /// Root: sets how many validators are elected. Zero stops elections.
    #[codec(index = 9)]
    set_validator_count {
        /// How many.
        #[codec(compact)]
        new: u32,
    },
    /// Root: raises how many validators are elected.
    #[codec(index = 10)]
    increase_validator_count {
        /// By how many.
        #[codec(compact)]
        additional: u32,
    },
    /// Root: raises how many validators are elected.
    #[codec(index = 11)]
    scale_validator_count {
        /// By which share of what it is.
        factor: Percent,
    },
    /// Root: keeps the validators as they are until further notice. Eras go on: they are epochs.
    #[codec(index = 12)]
    force_no_eras,
    /// Root: elects validators again.
    #[codec(index = 13)]
    force_new_era,
    /// Root: sets whom no slash reaches.
    #[codec(index = 14)]
    set_invulnerables {
        /// Whom.
        invulnerables: Vec<AccountId>,
    },
    /// Root: frees all of a stash at once.
    #[codec(index = 15)]
    force_unstake {
        /// Whose.
        stash: AccountId,
        /// Means nothing here.
        num_slashing_spans: u32,
    },
    /// Root: elects validators again.
    #[codec(index = 16)]
    force_new_era_always,
    /// Root: takes back slashes that are not applied yet.
    #[codec(index = 17)]
    cancel_deferred_slash {
        /// The era in which they were reported.
        era: EraIndex,
        /// Which: keys of `UnappliedSlashes`.
        slash_keys: Vec<SlashKey>,
    },
    /// Pays the next page of a validator's rewards of an era. Anybody may ask for it.
    #[codec(index = 18)]
    payout_stakers {
        /// The validator.
        validator_stash: AccountId,
        /// The era.
        era: EraIndex,
    },
    /// Puts what was unbonded last at stake again.
    #[codec(index = 19)]
    rebond {
        /// How much at most.
        #[codec(compact)]
        value: Balance,
    },
    /// Removes a stash that has less at stake than the existential deposit. Anybody may ask for it.
    #[codec(index = 20)]
    reap_stash {
        /// Whose.
        stash: AccountId,
        /// Means nothing here.
        num_slashing_spans: u32,
    },
    /// Ends that these accounts nominate the sender.
    #[codec(index = 21)]
    kick {
        /// Whose nominations.
        who: Vec<MultiAddress>,
    },
    /// Root: sets limits.
    #[codec(index = 22)]
    set_staking_configs {
        /// The least stake of a nominator.
        min_nominator_bond: ConfigOp<Balance>,
        /// The least stake of a validator.
        min_validator_bond: ConfigOp<Balance>,
        /// The most nominators.
        max_nominator_count: ConfigOp<u32>,
        /// The most validators that offer themselves.
        max_validator_count: ConfigOp<u32>,
        /// From which share of these limits on anybody may chill those below the least stake.
        chill_threshold: ConfigOp<Percent>,
        /// The least commission.
        min_commission: ConfigOp<Perbill>,
        /// The largest share of what is issued that stakers get.
        max_staked_rewards: ConfigOp<Percent>,
    },
    /// Chills somebody who has less at stake than the least, if the chain is full. Anybody may ask for it.
    #[codec(index = 23)]
    chill_other {
        /// Whom.
        stash: AccountId,
    },
    /// Raises a validator's commission to the least. Anybody may ask for it.
    #[codec(index = 24)]
    force_apply_min_commission {
        /// Whose.
        validator_stash: AccountId,
    },
    /// Root: sets the least commission.
    #[codec(index = 25)]
    set_min_commission {
        /// Which.
        new: Perbill,
    },
    /// Pays one page of a validator's rewards of an era. Anybody may ask for it.
    #[codec(index = 26)]
    payout_stakers_by_page {
        /// The validator.
        validator_stash: AccountId,
        /// The era.
        era: EraIndex,
        /// Which page.
        page: Page,
    },
    /// Root: slashes as if an offence had been reported.
    #[codec(index = 33)]
    manual_slash {
        /// Whom.
        validator_stash: AccountId,
        /// The era of the offence.
        era: EraIndex,
        /// Which share of the stake.
        slash_fraction: Perbill,
    },
}

/// What this pallet tells of.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub enum Event {
    /// An era is over, and this is what it is worth.
    #[codec(index = 0)]
    EraPaid {
        /// Which.
        era_index: EraIndex,
        /// For validators and nominators, paid when asked for.
        validator_payout: Balance,
        /// For the treasury, paid at once.
        remainder: Balance,
    },
    /// Somebody was paid.
    #[codec(index = 1)]
    Rewarded {
        /// Who.
        stash: AccountId,
        /// Where to.
        dest: RewardDestination,
        /// How much.
        amount: Balance,
    },
    /// Somebody was slashed.
    #[codec(index = 2)]
    Slashed {
        /// Who.
        staker: AccountId,
        /// By how much.
        amount: Balance,
    },
    /// An offence was reported.
    #[codec(index = 3)]
    SlashReported {
        /// Whose.
        validator: AccountId,
        /// Which share of the stake it costs.
        fraction: Perbill,
        /// The era of the offence.
        slash_era: EraIndex,
    },
    /// A report came when the stake may be gone already.
    #[codec(index = 4)]
    OldSlashingReportDiscarded {
        /// The epoch of the offence.
        session_index: u32,
    },
    /// Validators were elected.
    #[codec(index = 5)]
    StakersElected,
    /// An amount was put at stake.
    #[codec(index = 6)]
    Bonded {
        /// Whose.
        stash: AccountId,
        /// How much.
        amount: Balance,
    },
    /// An amount was taken out of the stake.
    #[codec(index = 7)]
    Unbonded {
        /// Whose.
        stash: AccountId,
        /// How much.
        amount: Balance,
    },
    /// An amount is free again.
    #[codec(index = 8)]
    Withdrawn {
        /// Whose.
        stash: AccountId,
        /// How much.
        amount: Balance,
    },
    /// A validator ended a nomination.
    #[codec(index = 9)]
    Kicked {
        /// Whose.
        nominator: AccountId,
        /// Of whom.
        stash: AccountId,
    },
    /// Too few could be elected: the validators stay as they are.
    #[codec(index = 10)]
    StakingElectionFailed,
    /// Somebody neither validates nor nominates any more.
    #[codec(index = 11)]
    Chilled {
        /// Who.
        stash: AccountId,
    },
    /// A page of rewards is paid; the events that follow say to whom.
    #[codec(index = 12)]
    PayoutStarted {
        /// Of which era.
        era_index: EraIndex,
        /// Of which validator.
        validator_stash: AccountId,
        /// Which page.
        page: Page,
        /// The page that is to be paid next, if there is one.
        next: Option<Page>,
    },
    /// Somebody offers to validate.
    #[codec(index = 13)]
    ValidatorPrefsSet {
        /// Who.
        stash: AccountId,
        /// On which terms.
        prefs: ValidatorPrefs,
    },
    /// More nominate than an election can take: those with least at stake were left out.
    #[codec(index = 14)]
    SnapshotVotersSizeExceeded {
        /// How many were taken.
        size: u32,
    },
    /// More offer to validate than an election can take: those with least at stake were left out.
    #[codec(index = 15)]
    SnapshotTargetsSizeExceeded {
        /// How many were taken.
        size: u32,
    },
    /// Root said whether to elect.
    #[codec(index = 16)]
    ForceEra {
        /// What.
        mode: Forcing,
    },
    /// A stash has nothing left at stake.
    #[codec(index = 19)]
    StakerRemoved {
        /// Whose.
        stash: AccountId,
    },
    /// Root took a slash back.
    #[codec(index = 20)]
    SlashCancelled {
        /// The era in which it was reported.
        slash_era: EraIndex,
        /// Which.
        slash_key: SlashKey,
        /// What its reporters would have got.
        payout: Balance,
    },
    /// A validator was absent too much: it is no longer elected until it offers itself again.
    #[codec(index = 21)]
    AbsentChilled {
        /// Who.
        stash: AccountId,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub enum Error {
    /// The account has nothing bonded.
    #[codec(index = 0)]
    NotController,
    /// The account has nothing bonded.
    #[codec(index = 1)]
    NotStash,
    /// The account has something bonded already: use `bond_extra`.
    #[codec(index = 2)]
    AlreadyBonded,
    /// Never: there are no controllers.
    #[codec(index = 3)]
    AlreadyPaired,
    /// One nominates at least one.
    #[codec(index = 4)]
    EmptyTargets,
    /// Something is named twice.
    #[codec(index = 5)]
    DuplicateIndex,
    /// There is no such slash.
    #[codec(index = 6)]
    InvalidSlashRecord,
    /// Too little is at stake for what the account does: chill first to take out more.
    #[codec(index = 7)]
    InsufficientBond,
    /// Too much is unbonding at once: withdraw or rebond first.
    #[codec(index = 8)]
    NoMoreChunks,
    /// Nothing is unbonding.
    #[codec(index = 9)]
    NoUnlockChunk,
    /// The stash has enough at stake to stay.
    #[codec(index = 10)]
    FundedTarget,
    /// The era is not over, too old, or the validator had no part in it.
    #[codec(index = 11)]
    InvalidEraToReward,
    /// Never: `TooManyTargets` says it.
    #[codec(index = 12)]
    InvalidNumberOfNominations,
    /// These rewards were paid.
    #[codec(index = 13)]
    AlreadyClaimed,
    /// The validator has no such page in this era.
    #[codec(index = 14)]
    InvalidPage,
    /// Never: the depth is fixed.
    #[codec(index = 15)]
    IncorrectHistoryDepth,
    /// Never: there are no slashing spans.
    #[codec(index = 16)]
    IncorrectSlashingSpans,
    /// The state is not what it must be.
    #[codec(index = 17)]
    BadState,
    /// One nominates at most `MaxNominations`.
    #[codec(index = 18)]
    TooManyTargets,
    /// The target does not validate, or lets nobody nominate it.
    #[codec(index = 19)]
    BadTarget,
    /// The account has enough at stake, or the chain is not full: only it itself can chill.
    #[codec(index = 20)]
    CannotChillOther,
    /// There are as many nominators as there may be.
    #[codec(index = 21)]
    TooManyNominators,
    /// There are as many validators as there may be.
    #[codec(index = 22)]
    TooManyValidators,
    /// The commission is below the least.
    #[codec(index = 23)]
    CommissionTooLow,
    /// A list is longer than it may be.
    #[codec(index = 24)]
    BoundNotMet,
    /// There are no controllers: the payee `Controller` cannot be chosen.
    #[codec(index = 25)]
    ControllerDeprecated,
    /// Never: ledgers do not break.
    #[codec(index = 26)]
    CannotRestoreLedger,
    /// Never: every destination is allowed.
    #[codec(index = 27)]
    RewardDestinationRestricted,
    /// The account has nothing that could be bonded.
    #[codec(index = 28)]
    NotEnoughFunds,
    /// Never: there are no virtual stakers.
    #[codec(index = 29)]
    VirtualStakerNotAllowed,
    /// Never.
    #[codec(index = 30)]
    CannotReapStash,
    /// Never: there is nothing to migrate.
    #[codec(index = 31)]
    AlreadyMigrated,
    /// The era has not begun.
    #[codec(index = 32)]
    EraNotStarted,
    /// Never: nobody is kept out.
    #[codec(index = 33)]
    Restricted,
    /// Slashes that are due are being applied: try again in a few blocks.
    #[codec(index = 34)]
    UnappliedSlashesInPreviousEra,
}

/// What an amount of an account is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_staking", "pallet_staking"))]
pub enum HoldReason {
    /// It is at stake, or was until a while ago.
    #[codec(index = 0)]
    Staking,
}
