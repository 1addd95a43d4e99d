//! Take evidence of validators that signed twice, and have them punished.
//!
//! # State
//!
//! | item                     | value                                                | changed by             |
//! |--------------------------|------------------------------------------------------|------------------------|
//! | `Reports`                | who did what, by report id                           | a report; forgotten after the window |
//! | `ConcurrentReportsIndex` | ids of the reports of one kind, set and round        | with `Reports`         |
//! | `Offenders`              | of each epoch: who offended, and by which reports    | with `Reports`         |
//! | `OldestEpoch`            | the first epoch whose offenders are kept             | the beginning of a block |
//!
//! # Flow
//!
//! ```text
//! evidence ─► check: in time? new? by a validator of that set? two, and different? both signed? ─► Reports, event
//!                                                                                                │
//!            epoch's offenders, k of n ─► share = min(1, (3k/n)²) ─► slash: the new one, and the earlier ones again
//! ```
//!
//! A report comes bare, from whatever node saw both signatures, and its block's author is the reporter; or signed by the
//! reporter, who pays nothing if it is right.
//!
//! # Invariants
//!
//! - One offender, height, round and kind is reported once: for as long as evidence of an epoch is accepted, its reports are
//!   kept. Tested by `a_second_report_is_refused_as_long_as_the_first_would_be_accepted`.
//! - A bare report that [`Offences::check`] refuses is never part of a block: who makes up evidence costs nobody anything.
//! - No offender has more than [`REPORTS_PER_OFFENDER_MAX`] reports of one epoch, so even a validator that signs without end
//!   fills no block and no state.
//! - Each offender in `Offenders` has its reports in `Reports`, and there are no others. Checked by `try_state`.
//!
//! # Assumptions
//!
//! [`Offences::slash`] keeps, for one offender and epoch, the largest share it was told.
//!
//! # Out of scope
//!
//! What a share is a share of, and when it is taken: who slashes. Downtime, which is no offence. What is signed:
//! [`basalt_primitives::votes`].
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

pub mod grandpa;
pub mod pallet;
#[cfg(test)]
mod tests;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use basalt_pallet_session::VALIDATORS_MAX;
use basalt_pallet_system::BLOCK_HASH;
use basalt_primitives::{
    AccountId, BlockNumber, DispatchClass, H256, Pays, Perbill, Weight,
    hashing::blake2_256,
    votes::{Contradiction, Evidence, Place, grandpa_round},
};
use basalt_runtime_api::ValidatorSet;
use basalt_state::{StateError, StateRead, StateWrite};
use basalt_support::{
    CallResult, Context, DispatchInfo, DoubleMap, Failure, Fatal, Map, Origin, Pallet, PostInfo, Value,
    metadata::{Constant, PalletMetadata},
    module_error,
    storage::Twox64Concat,
    weight::{self, MICROSECOND},
};
use parity_scale_codec::{Decode, Encode};
use scale_info::{TypeInfo, meta_type};

pub use pallet::{Call, Error, Event, Kind, OffenceDetails, OpaqueTimeSlot};

/// Two blocks, or two sets of terms, proposed in one round.
pub const KIND_PROPOSALS: Kind = *b"basalt:proposals";
/// Two prevotes in one round.
pub const KIND_PREVOTES: Kind = *b"basalt:prevoting";
/// Two precommits in one round. The name is GRANDPA's, whose votes precommits for blocks are.
pub const KIND_PRECOMMITS: Kind = *b"grandpa:equivoca";

/// Reports of one offender in one epoch that are accepted. One is punished as much as many, so the others are for the record.
pub const REPORTS_PER_OFFENDER_MAX: u32 = 4;

/// Offenders of past epochs that one block forgets, with all their reports.
pub const FORGOTTEN_PER_BLOCK_MAX: usize = 8;

/// At how many offenders of `n` the share is the whole: from there on, earlier ones cannot be raised.
const RAISED_MAX: u64 = (VALIDATORS_MAX as u64).div_ceil(3);

/// Two signatures on one core, and the search in a set of validators.
const PROOF: Weight = Weight::new(250 * MICROSECOND, 0);

/// Who did what, by [`Offence::id`].
pub const REPORTS: Map<Twox64Concat, H256, OffenceDetails> = Map::optional("Offences", "Reports");
/// Ids of the reports of one kind and time slot.
pub const CONCURRENT_REPORTS: DoubleMap<Twox64Concat, Kind, Twox64Concat, OpaqueTimeSlot, Vec<H256>> =
    DoubleMap::defaulted("Offences", "ConcurrentReportsIndex");
/// Who offended in an epoch.
pub const OFFENDERS: DoubleMap<Twox64Concat, u32, Twox64Concat, AccountId, Offender> =
    DoubleMap::optional("Offences", "Offenders");
/// The first epoch whose offenders are kept.
pub const OLDEST_EPOCH: Value<u32> = Value::defaulted("Offences", "OldestEpoch");

/// What is known of an offender of an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Offender {
    /// Who is rewarded.
    pub reporters: Vec<AccountId>,
    /// Of which kind, and when.
    pub reports: Vec<(Kind, OpaqueTimeSlot)>,
}

/// Who decided a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deciders {
    /// This set.
    Of {
        /// In which epoch.
        epoch: u32,
        /// With which keys.
        set: ValidatorSet,
    },
    /// Another set than the one asked about.
    Others,
    /// That is not known any more.
    Forgotten,
}

/// The pallet.
#[derive(Debug, Clone, Copy)]
pub struct Offences {
    /// Its index in the runtime.
    pub index: u8,
    /// For how many epochs evidence is accepted after the offence: less than bonds are kept after they are let go.
    pub window: fn(&dyn StateRead) -> Result<u32, StateError>,
    /// The epoch now.
    pub epoch: fn(&dyn StateRead) -> Result<u32, StateError>,
    /// Whether the set of this id decides this height, which is at most the next one.
    pub deciders: fn(&dyn StateRead, u64, BlockNumber) -> Result<Deciders, StateError>,
    /// Punishes an offender of an epoch by a share, and rewards the reporters of it. Told several shares, the largest counts.
    pub slash: Slash,
    /// What one call of `slash` weighs at most.
    pub slash_weight: fn() -> Weight,
}

/// Punishes an account for an epoch by a share, and rewards reporters.
pub type Slash = fn(&mut Context<'_, '_>, &AccountId, u32, Perbill, &[AccountId]) -> Result<(), Failure>;

/// What evidence proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offence {
    /// Who.
    pub offender: AccountId,
    /// In which epoch.
    pub epoch: u32,
    /// Of how many validators.
    pub validators: u32,
    /// What.
    pub kind: Kind,
    /// When.
    pub time_slot: OpaqueTimeSlot,
}

impl Offence {
    /// Names the report: nobody is reported twice for the same.
    pub fn id(&self) -> H256 {
        H256(blake2_256(&(self.kind, &self.time_slot, &self.offender).encode()))
    }
}

/// Why evidence is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// What is wrong with it.
    Error(Error),
    /// This node's own failure.
    State(StateError),
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<StateError> for Rejection {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl Offences {
    /// Whether this proves an offence that a block of height `number` may report, on the chain that begins with `genesis`.
    ///
    /// What is cheap comes first, and the signatures last: made up evidence costs some reads.
    ///
    /// # Errors
    ///
    /// [`Rejection::Error`] says what is wrong with the evidence.
    pub fn check(
        &self,
        state: &dyn StateRead,
        number: BlockNumber,
        genesis: &H256,
        evidence: &Evidence,
    ) -> Result<Offence, Rejection> {
        let Evidence { place, key, contradiction } = evidence;
        if !contradiction.differs() {
            return Err(Error::NoContradiction.into());
        }
        let height = BlockNumber::try_from(place.height).ok().filter(|height| *height <= number);
        let height = height.ok_or(Error::TooEarly)?;
        let (epoch, set) = match (self.deciders)(state, place.set_id, height)? {
            Deciders::Of { epoch, set } => (epoch, set),
            Deciders::Others => return Err(Error::WrongSet.into()),
            Deciders::Forgotten => return Err(Error::TooOld.into()),
        };
        if epoch < self.kept_from(state)? {
            return Err(Error::TooOld.into());
        }
        let validator = set.validators.iter().find(|validator| validator.vote_key == *key);
        let offender = validator.ok_or(Error::NotAValidator)?.account;
        let validators = u32::try_from(set.validators.len()).unwrap_or(u32::MAX);
        let kind = kind(contradiction);
        let offence = Offence { offender, epoch, validators, kind, time_slot: time_slot(place) };
        if REPORTS.contains(state, &offence.id())? {
            return Err(Error::AlreadyReported.into());
        }
        let known = OFFENDERS.get(state, &epoch, &offender)?.map_or(0, |known| known.reports.len());
        if known >= REPORTS_PER_OFFENDER_MAX as usize {
            return Err(Error::EnoughReports.into());
        }
        if evidence.is_signed(genesis) { Ok(offence) } else { Err(Error::BadSignature.into()) }
    }

    /// Takes a report: has the offender punished, and the earlier ones of its epoch more than before.
    ///
    /// # Errors
    ///
    /// Those of [`Offences::check`], and of whoever slashes.
    pub fn report(
        &self,
        ctx: &mut Context<'_, '_>,
        evidence: &Evidence,
        reporter: Option<AccountId>,
    ) -> Result<PostInfo, ReportFailure> {
        let genesis = BLOCK_HASH.get_or_default(ctx, &0)?;
        let number = ctx.block_number();
        let offence = self.check(ctx, number, &genesis, evidence).map_err(ReportFailure::Rejected)?;
        let reporters: Vec<AccountId> = reporter.into_iter().collect();
        let slashed = self.punish(ctx, &offence, &reporters).map_err(ReportFailure::Failed)?;
        self.record(ctx, &offence, reporters)?;
        let Offence { kind, time_slot, .. } = offence;
        ctx.emit(self.index, &Event::Offence { kind, timeslot: time_slot });
        Ok(PostInfo { actual_weight: Some(self.weight(slashed)), pays_fee: Pays::No })
    }

    /// Says how many were slashed.
    fn punish(
        &self,
        ctx: &mut Context<'_, '_>,
        offence: &Offence,
        reporters: &[AccountId],
    ) -> Result<u64, Failure> {
        let Offence { offender, epoch, validators, .. } = offence;
        let mut known = Vec::new();
        for entry in OFFENDERS.iter_prefix(ctx, epoch) {
            known.push(entry?);
        }
        // Whoever offends again is one offender all the same.
        if known.iter().any(|(account, _)| account == offender) {
            return Ok(0);
        }
        let before = u32::try_from(known.len()).unwrap_or(u32::MAX);
        let share = share(before.saturating_add(1), *validators);
        (self.slash)(ctx, offender, *epoch, share, reporters)?;
        if before == 0 || share == self::share(before, *validators) {
            return Ok(1);
        }
        for (account, Offender { reporters, .. }) in &known {
            (self.slash)(ctx, account, *epoch, share, reporters)?;
        }
        Ok(u64::from(before) + 1)
    }

    fn record(
        &self,
        ctx: &mut Context<'_, '_>,
        offence: &Offence,
        reporters: Vec<AccountId>,
    ) -> Result<(), StateError> {
        let Offence { offender, epoch, kind, time_slot, .. } = offence;
        let id = offence.id();
        let known = OFFENDERS.get(ctx, epoch, offender)?;
        let mut known =
            known.unwrap_or_else(|| Offender { reporters: reporters.clone(), reports: Vec::new() });
        known.reports.push((*kind, time_slot.clone()));
        OFFENDERS.put(ctx, epoch, offender, &known);
        REPORTS.put(ctx, &id, &OffenceDetails { offender: *offender, reporters });
        let mut concurrent = CONCURRENT_REPORTS.get_or_default(ctx, kind, time_slot)?;
        concurrent.push(id);
        CONCURRENT_REPORTS.put(ctx, kind, time_slot, &concurrent);
        Ok(())
    }

    /// The first epoch whose offences may be reported.
    fn kept_from(&self, state: &dyn StateRead) -> Result<u32, StateError> {
        let window = (self.epoch)(state)?.saturating_sub((self.window)(state)?);
        // What is forgotten stays so, if the window grows: it could be reported again otherwise.
        Ok(window.max(OLDEST_EPOCH.get_or_default(state)?))
    }

    /// Forgets reports that can never come again.
    fn forget(&self, ctx: &mut Context<'_, '_>) -> Result<(), StateError> {
        let before = OLDEST_EPOCH.get_or_default(ctx)?;
        let kept_from = self.kept_from(ctx)?;
        let mut oldest = before;
        let mut left = FORGOTTEN_PER_BLOCK_MAX;
        while oldest < kept_from && left > 0 {
            let mut offenders = Vec::new();
            for entry in OFFENDERS.iter_prefix(ctx, &oldest).take(left) {
                offenders.push(entry?);
            }
            if offenders.is_empty() {
                oldest += 1;
            }
            // An epoch without any is looked at, too.
            left = left.saturating_sub(offenders.len().max(1));
            for (account, Offender { reports, .. }) in offenders {
                OFFENDERS.remove(ctx, &oldest, &account);
                for (kind, time_slot) in reports {
                    self.forget_report(ctx, account, kind, time_slot)?;
                }
            }
        }
        if oldest != before {
            OLDEST_EPOCH.put(ctx, &oldest);
        }
        Ok(())
    }

    fn forget_report(
        &self,
        state: &mut impl StateWrite,
        offender: AccountId,
        kind: Kind,
        time_slot: OpaqueTimeSlot,
    ) -> Result<(), StateError> {
        let id = H256(blake2_256(&(kind, &time_slot, &offender).encode()));
        REPORTS.remove(state, &id);
        let mut concurrent = CONCURRENT_REPORTS.get_or_default(state, &kind, &time_slot)?;
        concurrent.retain(|other| *other != id);
        if concurrent.is_empty() {
            CONCURRENT_REPORTS.remove(state, &kind, &time_slot);
        } else {
            CONCURRENT_REPORTS.put(state, &kind, &time_slot, &concurrent);
        }
        Ok(())
    }

    /// What a report weighs that has so many slashed.
    fn weight(&self, slashed: u64) -> Weight {
        // Besides those slashed: the first block's hash, the set with its epoch and the one after it, the window, what is kept,
        // the three records.
        weight::operations(14 + slashed, 3)
            .saturating_add(PROOF)
            .saturating_add((self.slash_weight)().saturating_mul(slashed))
    }

    /// What a report costs at most.
    pub fn report_info(&self) -> DispatchInfo {
        // Among the normal ones: the pool offers it before all others, so a full block does not hold it up.
        DispatchInfo {
            weight: self.weight(RAISED_MAX + 1),
            class: DispatchClass::Normal,
            pays_fee: Pays::Yes,
        }
    }
}

/// Why a report failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportFailure {
    /// The evidence is not accepted.
    Rejected(Rejection),
    /// It is, and the punishment failed.
    Failed(Failure),
}

impl From<StateError> for ReportFailure {
    fn from(error: StateError) -> Self {
        Self::Failed(error.into())
    }
}

impl ReportFailure {
    /// As a call of this pallet fails; `name` gives the errors of the pallet that was called.
    pub fn into_failure<E: Encode>(self, index: u8, name: impl FnOnce(Error) -> E) -> Failure {
        match self {
            Self::Rejected(Rejection::Error(error)) => module_error(index, &name(error)),
            Self::Rejected(Rejection::State(error)) => Failure::State(error),
            Self::Failed(failure) => failure,
        }
    }
}

/// The share that `offenders` of `validators` lose, each: `min(1, (3k/n)²)`, rounded down. Alone among many it is next to
/// nothing, and everything for a third of all.
pub fn share(offenders: u32, validators: u32) -> Perbill {
    let (k, n) = (u128::from(offenders) * 3, u128::from(validators));
    if k >= n {
        return Perbill::from_parts(Perbill::ACCURACY);
    }
    // Less than 2^64 * 2^30; and `n` is above `k`, so it is not 0.
    let parts = k * k * u128::from(Perbill::ACCURACY) / (n * n);
    Perbill::from_parts(u32::try_from(parts).unwrap_or(Perbill::ACCURACY))
}

/// What an offence is called.
pub const fn kind(contradiction: &Contradiction) -> Kind {
    match contradiction {
        Contradiction::Proposals(..) => KIND_PROPOSALS,
        Contradiction::Prevotes(..) => KIND_PREVOTES,
        Contradiction::Precommits(..) => KIND_PRECOMMITS,
    }
}

/// Set and round as GRANDPA's time slots are encoded; the round holds the height.
pub fn time_slot(place: &Place) -> OpaqueTimeSlot {
    (place.set_id, grandpa_round(place.height, place.round)).encode()
}

impl Pallet for Offences {
    const NAME: &'static str = "Offences";
    type Call = Call;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [
                REPORTS.entry(&["Who did what, by the id of the report."]),
                CONCURRENT_REPORTS.entry(&["Ids of the reports of one kind and time slot."]),
                OFFENDERS.entry(&["Who offended in an epoch, and by which reports."]),
                OLDEST_EPOCH.entry(&["The first epoch whose offenders are kept."]),
            ]
            .into(),
            calls: Some(meta_type::<Call>()),
            event: Some(meta_type::<Event>()),
            error: Some(meta_type::<Error>()),
            constants: [Constant::new(
                "MaxReportsPerOffender",
                &REPORTS_PER_OFFENDER_MAX,
                &["Reports of one offender that are accepted of one epoch."],
            )]
            .into(),
            docs: ["Validators that signed twice, and their punishment."].into(),
        }
    }

    fn info(&self, call: &Call) -> DispatchInfo {
        let Call::report { .. } = call;
        self.report_info()
    }

    fn dispatch(&self, call: Call, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        let Call::report { evidence } = call;
        let reporter = reporter(origin, ctx)?;
        let post = self
            .report(ctx, &evidence, reporter)
            .map_err(|failure| failure.into_failure(self.index, |error| error))?;
        Ok(post)
    }

    fn begin_block(&self, ctx: &mut Context<'_, '_>) -> Result<(), Fatal> {
        Ok(self.forget(ctx)?)
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        let told = |error: StateError| error.to_string();
        let oldest = OLDEST_EPOCH.get_or_default(state).map_err(told)?;
        let now = (self.epoch)(state).map_err(told)?;
        let mut reports = 0usize;
        for epoch in oldest..=now {
            for entry in OFFENDERS.iter_prefix(state, &epoch) {
                let (account, offender) = entry.map_err(told)?;
                if offender.reports.is_empty() || offender.reports.len() > REPORTS_PER_OFFENDER_MAX as usize {
                    return Err(format!("{account} has {} reports of epoch {epoch}", offender.reports.len()));
                }
                for (kind, time_slot) in offender.reports {
                    reports += 1;
                    let id = H256(blake2_256(&(kind, &time_slot, &account).encode()));
                    let report = REPORTS.get(state, &id).map_err(told)?;
                    if report.map(|report| report.offender) != Some(account) {
                        return Err(format!(
                            "the report {id:?} of {account} in epoch {epoch} is not in Reports"
                        ));
                    }
                    let concurrent =
                        CONCURRENT_REPORTS.get_or_default(state, &kind, &time_slot).map_err(told)?;
                    if !concurrent.contains(&id) {
                        return Err(format!("the report {id:?} is not in ConcurrentReportsIndex"));
                    }
                }
            }
        }
        let mut all = 0usize;
        for entry in REPORTS.iter(state) {
            entry.map_err(told)?;
            all += 1;
        }
        if all == reports { Ok(()) } else { Err(format!("Reports holds {all} reports, Offenders {reports}")) }
    }
}

/// Who is rewarded for a report: its signer, or the author of its block.
pub(crate) fn reporter(origin: Origin, ctx: &Context<'_, '_>) -> Result<Option<AccountId>, Failure> {
    match origin {
        Origin::None => Ok(ctx.env().author),
        signed => signed.signed().map(Some),
    }
}
