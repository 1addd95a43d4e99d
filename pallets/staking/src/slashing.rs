//! Offences: what they cost, when, and whom.
//!
//! # Scheme
//!
//! A report names an offender, an epoch and a fraction. For each offender and epoch the largest fraction so far counts: a report
//! with a larger one costs the difference, any other one nothing. What it costs is a fraction of the exposure of that era, of
//! the offender's own part and of each nominator's, each rounded down; amounts of different eras add up. They wait for the
//! deferral, page by page as the exposure was, and are then taken from all that the stash has bonded
//! (`StakingLedger::slash`).
//!
//! Substrate's spans are not needed: they keep several offences between two validations from adding up across eras, which
//! here does not happen within one epoch, and is deserved across epochs.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, Balance, Perbill, Weight};
use basalt_state::{StateError, StateRead};
use basalt_support::{Context, Failure, weight};

use crate::{
    BONDED_ERAS, ERAS_STAKERS_OVERVIEW, ERAS_STAKERS_PAGED, Event, INVULNERABLES, LEDGER,
    MAX_EXPOSURE_PAGE_SIZE, NEXT_SLASHES, SLASH_REWARD_FRACTION, Staking, UNAPPLIED_SLASHES, VALIDATOR_COUNT,
    VALIDATOR_SLASH_IN_ERA,
    snapshot::VOTERS_MAX,
    types::{EraIndex, PagedExposureMetadata, SlashKey, UnappliedSlash},
};

/// After this many stashes a block slashes no more: 512 of about 60 µs each.
pub const SLASHES_PER_BLOCK: u32 = MAX_EXPOSURE_PAGE_SIZE;
/// The most pages of one exposure.
pub const PAGES_MAX: u32 = VOTERS_MAX.div_ceil(MAX_EXPOSURE_PAGE_SIZE);

/// Bytes of a slash at most: a page of amounts by account, and what else there is.
pub(crate) const SLASH_BYTES_MAX: u64 = MAX_EXPOSURE_PAGE_SIZE as u64 * 48 + 256;

/// By how much the punishment for an offence grows.
#[derive(Debug, Clone, Copy)]
struct Raise {
    from: Perbill,
    to: Perbill,
}

impl Raise {
    /// What it costs of this stake. Several raises in a row cost exactly what one from the first to the last does.
    fn of(self, stake: Balance) -> Balance {
        self.to.mul_floor(stake).saturating_sub(self.from.mul_floor(stake))
    }
}

impl Staking {
    /// Punishes an offence of an epoch: of the offender's stake in that epoch, and of its nominators' behind it, `fraction` is
    /// slashed once the deferral is over. Of several offences of one epoch only the largest fraction counts. The offender is
    /// chilled, disabled, and left out of the sets that were frozen before.
    ///
    /// A report that comes too late ([`Staking::evidence_window`]), of nobody whose stake is known, or of somebody
    /// invulnerable, changes no stake and is no error. On a chain without elections nobody has a stake, and nothing happens.
    pub fn slash(
        &self,
        ctx: &mut Context<'_, '_>,
        offender: &AccountId,
        epoch: u32,
        fraction: Perbill,
        reporters: &[AccountId],
    ) -> Result<(), Failure> {
        let fraction = Perbill::from_parts(fraction.deconstruct());
        let Some(active) = self.active_era(ctx)? else { return Ok(()) };
        if epoch.saturating_add(self.evidence_window(ctx)?) < active {
            ctx.emit(self.index, &Event::OldSlashingReportDiscarded { session_index: epoch });
            return Ok(());
        }
        if INVULNERABLES.get_or_default(ctx)?.contains(offender) {
            return Ok(());
        }
        let Some(exposure) = ERAS_STAKERS_OVERVIEW.get(ctx, &epoch, offender)? else { return Ok(()) };
        let before = VALIDATOR_SLASH_IN_ERA.get(ctx, &epoch, offender)?.unwrap_or_default().0;
        if fraction <= before {
            return Ok(());
        }
        VALIDATOR_SLASH_IN_ERA.put(ctx, &epoch, offender, &(fraction, fraction.mul_floor(exposure.own)));
        ctx.emit(self.index, &Event::SlashReported { validator: *offender, fraction, slash_era: epoch });
        self.defer(ctx, offender, epoch, &exposure, Raise { from: before, to: fraction }, reporters)?;
        self.dismiss(ctx, offender)
    }

    /// What one [`Staking::slash`] weighs at most: the worst exposure, and taking the offender out.
    pub fn slash_weight(&self) -> Weight {
        let pages = u64::from(PAGES_MAX);
        // Each page is read, then one that may wait under the same key, and one is written.
        weight::operations(24 + 2 * pages, 12 + pages)
            .saturating_add(weight::bytes(3 * SLASH_BYTES_MAX * pages))
    }

    /// Chills and disables a validator that was absent too much. It loses nothing.
    pub fn chill_absent(&self, ctx: &mut Context<'_, '_>, validator: &AccountId) -> Result<(), Failure> {
        if VALIDATOR_COUNT.get_or_default(ctx)? == 0 {
            // Nobody could ever be elected in its place.
            return Ok(());
        }
        ctx.emit(self.index, &Event::AbsentChilled { stash: *validator });
        self.dismiss(ctx, validator)
    }

    /// Takes a validator out: of the next elections until it offers itself again, and of the sets frozen already.
    fn dismiss(&self, ctx: &mut Context<'_, '_>, validator: &AccountId) -> Result<(), Failure> {
        self.chill_if_bonded(ctx, validator)?;
        self.session.disable(ctx, validator)
    }

    /// Computes what a raise costs everybody behind the offender, and puts it off.
    fn defer(
        &self,
        ctx: &mut Context<'_, '_>,
        offender: &AccountId,
        epoch: EraIndex,
        exposure: &PagedExposureMetadata,
        raise: Raise,
        reporters: &[AccountId],
    ) -> Result<(), Failure> {
        let reported = self.active_era(ctx)?.unwrap_or(epoch);
        let share = SLASH_REWARD_FRACTION.get_or_default(ctx)?;
        for page in 0..exposure.page_count.max(1) {
            let own = if page == 0 { raise.of(exposure.own) } else { 0 };
            let listed = ERAS_STAKERS_PAGED.get(ctx, &epoch, offender, &page)?.unwrap_or_default().others;
            let others = listed.into_iter().map(|one| (one.who, raise.of(one.value)));
            let others: Vec<_> = others.filter(|(_, amount)| *amount > 0).collect();
            if own == 0 && others.is_empty() {
                continue;
            }
            let sum = others.iter().fold(own, |sum, (_, amount)| sum.saturating_add(*amount));
            let mut slash = UnappliedSlash {
                validator: *offender,
                own,
                others,
                reporters: reporters.to_vec(),
                payout: share.mul_floor(sum),
            };
            let key = (*offender, raise.to, page);
            // The same fraction for another epoch was reported in the same era.
            if let Some(waiting) = UNAPPLIED_SLASHES.get(ctx, &reported, &key)? {
                slash = merged(waiting, slash);
            }
            UNAPPLIED_SLASHES.put(ctx, &reported, &key, &slash);
        }
        Ok(())
    }

    /// Applies slashes that are due, oldest first, until a block's share is done.
    pub(crate) fn apply_due_slashes(&self, ctx: &mut Context<'_, '_>) -> Result<(), Failure> {
        let Some(active) = self.active_era(ctx)? else { return Ok(()) };
        let defer = self.durations(ctx)?.slash_defer;
        let first = NEXT_SLASHES.get_or_default(ctx)?;
        let mut next = first;
        let mut done = 0;
        while done < SLASHES_PER_BLOCK && next.saturating_add(defer) <= active {
            match self.first_slash(ctx, next)? {
                Some((key, slash)) => {
                    done += u32::try_from(slash.others.len()).unwrap_or(u32::MAX).saturating_add(1);
                    UNAPPLIED_SLASHES.remove(ctx, &next, &key);
                    self.apply(ctx, &slash)?;
                }
                // More can still be reported in the active era.
                None if next >= active => break,
                None => next += 1,
            }
        }
        if next != first {
            NEXT_SLASHES.put(ctx, &next);
        }
        Ok(())
    }

    /// Whether slashes wait that are due: nothing may be withdrawn before they are applied.
    pub(crate) fn slashes_lag(&self, state: &impl StateRead) -> Result<bool, StateError> {
        let Some(active) = self.active_era(state)? else { return Ok(false) };
        let next = NEXT_SLASHES.get_or_default(state)?;
        let due = next.saturating_add(self.durations(state)?.slash_defer) <= active;
        Ok(due && (next < active || self.first_slash(state, next)?.is_some()))
    }

    fn first_slash(
        &self,
        state: &impl StateRead,
        era: EraIndex,
    ) -> Result<Option<(SlashKey, UnappliedSlash)>, StateError> {
        UNAPPLIED_SLASHES.iter_prefix(state, &era).next().transpose()
    }

    /// Takes what a slash says, and shares it out: to those who told, and the rest to the treasury.
    fn apply(&self, ctx: &mut Context<'_, '_>, slash: &UnappliedSlash) -> Result<(), Failure> {
        let own = [(slash.validator, slash.own)];
        let mut taken: Balance = 0;
        for (who, amount) in own.iter().chain(&slash.others) {
            taken = taken.saturating_add(self.take(ctx, who, *amount)?);
        }
        let mut rest = taken;
        let reward = slash.payout.min(taken).checked_div(slash.reporters.len() as Balance).unwrap_or(0);
        for reporter in &slash.reporters {
            // A reward that is too little to open an account stays with the rest.
            if reward > 0 && self.give(ctx, reporter, reward)? {
                rest = rest.saturating_sub(reward);
            }
        }
        if rest > 0 && !self.give(ctx, &self.treasury, rest)? {
            self.balances.burn_unowned(ctx, rest)?;
        }
        Ok(())
    }

    /// Takes up to an amount of what a stash has bonded. Returns how much.
    fn take(&self, ctx: &mut Context<'_, '_>, who: &AccountId, amount: Balance) -> Result<Balance, Failure> {
        if amount == 0 {
            return Ok(0);
        }
        let Some(mut ledger) = LEDGER.get(ctx, who)? else { return Ok(0) };
        let before = ledger.active;
        let taken = ledger.slash(amount);
        if taken > 0 {
            self.balances.take_held(ctx, self.hold_reason(), who, taken)?;
            self.store(ctx, before, &ledger)?;
            ctx.emit(self.index, &Event::Slashed { staker: *who, amount: taken });
        }
        Ok(taken)
    }

    /// Gives what was taken. Returns whether the account could have it.
    pub(crate) fn give(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        amount: Balance,
    ) -> Result<bool, Failure> {
        match self.balances.give(ctx, who, amount) {
            Ok(()) => Ok(true),
            Err(Failure::Dispatch(_)) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Notes that an era's offences are punished from now on, and forgets those that are not any more.
    pub(crate) fn bond_era(&self, ctx: &mut Context<'_, '_>, era: EraIndex) -> Result<(), Failure> {
        let window = self.evidence_window(ctx)?;
        let mut eras = BONDED_ERAS.get_or_default(ctx)?;
        let (keep, old): (Vec<_>, Vec<_>) =
            eras.drain(..).partition(|(bonded, _)| bonded.saturating_add(window) >= era);
        for (era, _) in old {
            let offenders: Vec<AccountId> = VALIDATOR_SLASH_IN_ERA
                .iter_prefix(ctx, &era)
                .map(|entry| entry.map(|(who, _)| who))
                .collect::<Result<_, _>>()?;
            for offender in offenders {
                VALIDATOR_SLASH_IN_ERA.remove(ctx, &era, &offender);
            }
        }
        eras = keep;
        eras.push((era, era));
        BONDED_ERAS.put(ctx, &eras);
        Ok(())
    }
}

/// Two slashes as one.
fn merged(mut one: UnappliedSlash, other: UnappliedSlash) -> UnappliedSlash {
    one.own = one.own.saturating_add(other.own);
    one.others.extend(other.others);
    one.payout = one.payout.saturating_add(other.payout);
    for reporter in other.reporters {
        if !one.reporters.contains(&reporter) {
            one.reporters.push(reporter);
        }
    }
    one
}
