//! What happens when an epoch begins. An era is an epoch.

use alloc::{format, string::String, vec::Vec};

use basalt_election::{Ballot, BallotError, Outcome, Rules, elect, powers};
use basalt_primitives::{AccountId, Balance, H256};
use basalt_runtime_api::Validator;
use basalt_state::{StateError, StateRead, StateWrite};
use basalt_support::{Context, Failure, Fatal, Pallet};

use crate::{
    ACTIVE_ERA, CLAIMED_REWARDS, CURRENT_ERA, ERAS_REWARD_POINTS, ERAS_STAKERS_OVERVIEW, ERAS_STAKERS_PAGED,
    ERAS_START_SESSION_INDEX, ERAS_TOTAL_STAKE, ERAS_VALIDATOR_PREFS, ERAS_VALIDATOR_REWARD, EraAccountMap,
    Event, FIRST_ERA_START, FORCE_ERA, HISTORY_DEPTH, MAX_EXPOSURE_PAGE_SIZE, MINIMUM_VALIDATOR_COUNT,
    Staking, VALIDATOR_COUNT,
    snapshot::Snapshot,
    types::{
        ActiveEraInfo, EraIndex, ExposurePage, Forcing, IndividualExposure, Page, PagedExposureMetadata,
        ValidatorPrefs,
    },
};

/// One who was elected, with all who stand behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Elected {
    pub(crate) validator: Validator,
    pub(crate) prefs: ValidatorPrefs,
    pub(crate) own: Balance,
    pub(crate) others: Vec<IndividualExposure>,
}

impl Staking {
    /// Runs in the first block of each epoch, before its transactions: ends the era before, announces the validators of the
    /// next epoch, and freezes the candidates of the one after.
    ///
    /// # Errors
    ///
    /// Only what stops the node.
    pub fn begin_epoch(&self, ctx: &mut Context<'_, '_>, epoch: u32) -> Result<(), Fatal> {
        self.turn(ctx, epoch).map_err(fatal)
    }

    fn turn(&self, ctx: &mut Context<'_, '_>, epoch: EraIndex) -> Result<(), Failure> {
        if let Some(previous) = ACTIVE_ERA.get(ctx)?.filter(|previous| previous.index < epoch) {
            self.close_era(ctx, previous.index, previous.start)?;
            // The time of the last block of the era before: no time between eras is unpaid, and none is paid twice.
            let start = Some(self.timestamp.now(ctx)?);
            ACTIVE_ERA.put(ctx, &ActiveEraInfo { index: epoch, start });
        }
        self.bond_era(ctx, epoch)?;
        self.apply_due_slashes(ctx)?;
        self.plan(ctx, epoch)?;
        self.freeze(ctx, epoch)?;
        self.prune(ctx, epoch)
    }

    /// Notes when era 0 began: only then the first block has its time.
    pub(crate) fn note_start(&self, ctx: &mut Context<'_, '_>) -> Result<(), StateError> {
        let Some(era) = ACTIVE_ERA.get(ctx)?.filter(|era| era.start.is_none()) else { return Ok(()) };
        let now = self.timestamp.now(ctx)?;
        ACTIVE_ERA.put(ctx, &ActiveEraInfo { start: Some(now), ..era });
        FIRST_ERA_START.put(ctx, &now);
        Ok(())
    }

    /// Decides who validates in the epoch after `active`.
    fn plan(&self, ctx: &mut Context<'_, '_>, active: EraIndex) -> Result<(), Failure> {
        let era = active.saturating_add(1);
        let frozen = match active.checked_sub(1) {
            Some(before) => self.thaw(ctx, before)?,
            None => None,
        };
        let elections =
            VALIDATOR_COUNT.get_or_default(ctx)? > 0 && FORCE_ERA.get_or_default(ctx)? != Forcing::ForceNone;
        let elected = match frozen.filter(|_| elections) {
            Some(snapshot) => {
                let seed = self.randomness.of_epoch(ctx, era)?;
                self.installed(ctx, era, &snapshot, seed)?
            }
            None => false,
        };
        if !elected {
            self.keep_set(ctx, active)?;
        }
        ERAS_START_SESSION_INDEX.put(ctx, &era, &era);
        CURRENT_ERA.put(ctx, &era);
        Ok(())
    }

    /// Elects for an era and announces the result. Returns whether that was possible.
    fn installed(
        &self,
        ctx: &mut Context<'_, '_>,
        era: EraIndex,
        snapshot: &Snapshot,
        seed: H256,
    ) -> Result<bool, Failure> {
        let elected = self.elected(ctx, snapshot, seed)?;
        let least = MINIMUM_VALIDATOR_COUNT.get_or_default(ctx)?.max(1);
        let enough = elected.as_ref().is_ok_and(|elected| elected.len() >= least as usize);
        let (Ok(elected), true) = (elected, enough) else {
            ctx.emit(self.index, &Event::StakingElectionFailed);
            return Ok(false);
        };
        let validators = elected.iter().map(|one| one.validator.clone()).collect();
        if self.session.announce(ctx, validators).is_err() {
            ctx.emit(self.index, &Event::StakingElectionFailed);
            return Ok(false);
        }
        self.expose(ctx, era, &elected);
        ctx.emit(self.index, &Event::StakersElected);
        Ok(true)
    }

    /// Who gets the seats. Those without any stake behind them get none.
    pub(crate) fn elected(
        &self,
        state: &impl StateRead,
        snapshot: &Snapshot,
        seed: H256,
    ) -> Result<Result<Vec<Elected>, BallotError>, Failure> {
        let ballot = match ballot(snapshot) {
            Ok(ballot) => ballot,
            Err(error) => return Ok(Err(error)),
        };
        let seats = VALIDATOR_COUNT.get_or_default(state)?;
        let outcome = elect(&ballot, &Rules { seats, by_stake: self.seats_by_stake, seed });
        let backings: Vec<Balance> = outcome.seats.iter().map(|seat| seat.backing).collect();
        let powers = powers(&backings, self.balances.total_issuance(state)?, self.power_cap);
        Ok(Ok(exposures(snapshot, &outcome, &powers)))
    }

    /// Writes who stands behind whom.
    pub(crate) fn expose(&self, state: &mut impl StateWrite, era: EraIndex, elected: &[Elected]) {
        let mut all: Balance = 0;
        for one in elected {
            let who = one.validator.account;
            let mut total = one.own;
            let mut pages: Page = 0;
            for others in one.others.chunks(MAX_EXPOSURE_PAGE_SIZE as usize) {
                let page_total = others.iter().fold(0, |sum: Balance, other| sum.saturating_add(other.value));
                let page = ExposurePage { page_total, others: others.to_vec() };
                ERAS_STAKERS_PAGED.put(state, &era, &who, &pages, &page);
                total = total.saturating_add(page_total);
                pages = pages.saturating_add(1);
            }
            let overview = PagedExposureMetadata {
                total,
                own: one.own,
                nominator_count: u32::try_from(one.others.len()).unwrap_or(u32::MAX),
                page_count: pages.max(1),
            };
            ERAS_STAKERS_OVERVIEW.put(state, &era, &who, &overview);
            ERAS_VALIDATOR_PREFS.put(state, &era, &who, &one.prefs);
            all = all.saturating_add(total);
        }
        ERAS_TOTAL_STAKE.put(state, &era, &all);
    }

    /// The validators stay: what stands behind them does, too.
    fn keep_set(&self, ctx: &mut Context<'_, '_>, active: EraIndex) -> Result<(), Failure> {
        let era = active.saturating_add(1);
        for (who, overview) in entries(ctx, &ERAS_STAKERS_OVERVIEW, active)? {
            for page in 0..overview.page_count {
                if let Some(exposure) = ERAS_STAKERS_PAGED.get(ctx, &active, &who, &page)? {
                    ERAS_STAKERS_PAGED.put(ctx, &era, &who, &page, &exposure);
                }
            }
            let prefs = ERAS_VALIDATOR_PREFS.get_or_default(ctx, &active, &who)?;
            ERAS_STAKERS_OVERVIEW.put(ctx, &era, &who, &overview);
            ERAS_VALIDATOR_PREFS.put(ctx, &era, &who, &prefs);
        }
        let total = ERAS_TOTAL_STAKE.get_or_default(ctx, &active)?;
        ERAS_TOTAL_STAKE.put(ctx, &era, &total);
        Ok(())
    }

    /// Forgets the era whose rewards can be paid no more.
    fn prune(&self, ctx: &mut Context<'_, '_>, active: EraIndex) -> Result<(), Failure> {
        let Some(era) = active.checked_sub(HISTORY_DEPTH + 1) else { return Ok(()) };
        for (who, overview) in entries(ctx, &ERAS_STAKERS_OVERVIEW, era)? {
            for page in 0..overview.page_count {
                ctx.remove(&ERAS_STAKERS_PAGED.key(&era, &who, &page));
            }
            ERAS_STAKERS_OVERVIEW.remove(ctx, &era, &who);
            ERAS_VALIDATOR_PREFS.remove(ctx, &era, &who);
            CLAIMED_REWARDS.remove(ctx, &era, &who);
        }
        ERAS_VALIDATOR_REWARD.remove(ctx, &era);
        ERAS_REWARD_POINTS.remove(ctx, &era);
        ERAS_TOTAL_STAKE.remove(ctx, &era);
        ERAS_START_SESSION_INDEX.remove(ctx, &era);
        Ok(())
    }
}

/// What was frozen, as an election takes it.
fn ballot(snapshot: &Snapshot) -> Result<Ballot, BallotError> {
    let own: Vec<Balance> = snapshot.candidates.iter().map(|candidate| candidate.stake).collect();
    let mut ballot = Ballot::new(&own)?;
    for voter in &snapshot.voters {
        let targets: Vec<u32> = voter.targets.iter().map(|target| u32::from(*target)).collect();
        ballot.vote(voter.stake, &targets)?;
    }
    Ok(ballot)
}

/// What an election means for those who are elected.
fn exposures(snapshot: &Snapshot, outcome: &Outcome, powers: &[u64]) -> Vec<Elected> {
    let backers = outcome.backers();
    let seats = outcome.seats.iter().zip(powers).zip(backers);
    let seats = seats.filter(|((seat, _), _)| seat.backing > 0);
    seats
        .filter_map(|((seat, power), backers)| {
            let candidate = snapshot.candidates.get(usize::try_from(seat.candidate).ok()?)?;
            let others = backers.into_iter().filter_map(|(voter, value)| {
                let voter = snapshot.voters.get(usize::try_from(voter).ok()?)?;
                Some(IndividualExposure { who: voter.who, value })
            });
            Some(Elected {
                validator: Validator {
                    account: candidate.who,
                    vote_key: candidate.vote_key,
                    vrf_key: candidate.vrf_key,
                    power: *power,
                },
                prefs: candidate.prefs,
                own: candidate.stake,
                others: others.collect(),
            })
        })
        .collect()
}

/// All entries of an era, in hand: what they are about is changed while they are looked at.
pub(crate) fn entries<V: parity_scale_codec::Encode + parity_scale_codec::Decode>(
    state: &impl StateRead,
    map: &EraAccountMap<V>,
    era: EraIndex,
) -> Result<Vec<(AccountId, V)>, StateError> {
    map.iter_prefix(state, &era).collect()
}

/// Nothing that an epoch begins with is somebody's fault: if it fails, the state is not what it must be.
pub(crate) fn fatal(failure: Failure) -> Fatal {
    match failure {
        Failure::State(error) => Fatal::State(error),
        Failure::Dispatch(error) => {
            let what: String = format!("an epoch cannot begin: {error}");
            Fatal::Broken { pallet: Staking::NAME, what }
        }
    }
}
