//! Who validates, and who nominates whom.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, DispatchError, MultiAddress, Perbill};
use basalt_state::StateRead;
use basalt_support::{Context, Failure, Value};

use crate::{
    CHILL_THRESHOLD, COUNTER_FOR_NOMINATORS, COUNTER_FOR_VALIDATORS, CURRENT_ERA, Error, Event, LEDGER,
    MAX_NOMINATIONS, MAX_NOMINATORS_COUNT, MAX_VALIDATORS_COUNT, MIN_COMMISSION, MIN_NOMINATOR_BOND,
    MIN_VALIDATOR_BOND, NOMINATORS, NOMINATORS_BY_STAKE, Staking, VALIDATORS, VALIDATORS_BY_STAKE,
    ledger::count,
    order::Rank,
    types::{Nominations, StakingLedger, ValidatorPrefs},
};

impl Staking {
    pub(crate) fn validate(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        prefs: ValidatorPrefs,
    ) -> Result<(), Failure> {
        let ledger = self.ledger(ctx, who)?;
        if ledger.active < MIN_VALIDATOR_BOND.get_or_default(ctx)? {
            return Err(self.error(Error::InsufficientBond));
        }
        // What was decoded may exceed the whole, and then means the whole.
        let commission = Perbill::from_parts(prefs.commission.deconstruct());
        let prefs = ValidatorPrefs { commission, ..prefs };
        if commission < MIN_COMMISSION.get_or_default(ctx)? {
            return Err(self.error(Error::CommissionTooLow));
        }
        if !VALIDATORS.contains(ctx, who)? {
            if full(ctx, &MAX_VALIDATORS_COUNT, &COUNTER_FOR_VALIDATORS)? {
                return Err(self.error(Error::TooManyValidators));
            }
            self.stop_nominating(ctx, &ledger)?;
            count(&COUNTER_FOR_VALIDATORS, ctx, true)?;
            VALIDATORS_BY_STAKE.put(ctx, &Rank::new(*who, ledger.active), &());
        }
        VALIDATORS.put(ctx, who, &prefs);
        ctx.emit(self.index, &Event::ValidatorPrefsSet { stash: *who, prefs });
        Ok(())
    }

    pub(crate) fn nominate(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        targets: &[MultiAddress],
    ) -> Result<(), Failure> {
        let ledger = self.ledger(ctx, who)?;
        if ledger.active < MIN_NOMINATOR_BOND.get_or_default(ctx)? {
            return Err(self.error(Error::InsufficientBond));
        }
        if targets.is_empty() {
            return Err(self.error(Error::EmptyTargets));
        }
        if targets.len() > MAX_NOMINATIONS as usize {
            return Err(self.error(Error::TooManyTargets));
        }
        let before = NOMINATORS.get(ctx, who)?;
        if before.is_none() && full(ctx, &MAX_NOMINATORS_COUNT, &COUNTER_FOR_NOMINATORS)? {
            return Err(self.error(Error::TooManyNominators));
        }
        let known = before.as_ref().map_or(&[][..], |nominations| &nominations.targets);
        let targets = self.targets(ctx, targets, known)?;
        if before.is_none() {
            self.stop_validating(ctx, &ledger)?;
            count(&COUNTER_FOR_NOMINATORS, ctx, true)?;
            NOMINATORS_BY_STAKE.put(ctx, &Rank::new(*who, ledger.active), &());
        }
        let submitted_in = CURRENT_ERA.get_or_default(ctx)?;
        NOMINATORS.put(ctx, who, &Nominations { targets, submitted_in, suppressed: false });
        Ok(())
    }

    /// The accounts that may be nominated: each once, validators that let themselves be nominated, or `known` ones.
    fn targets(
        &self,
        ctx: &Context<'_, '_>,
        targets: &[MultiAddress],
        known: &[AccountId],
    ) -> Result<Vec<AccountId>, Failure> {
        let mut accounts = Vec::with_capacity(targets.len());
        for target in targets {
            let target = lookup(target)?;
            if accounts.contains(&target) {
                return Err(self.error(Error::DuplicateIndex));
            }
            let open = VALIDATORS.get(ctx, &target)?.is_some_and(|prefs| !prefs.blocked);
            if !open && !known.contains(&target) {
                return Err(self.error(Error::BadTarget));
            }
            accounts.push(target);
        }
        Ok(accounts)
    }

    /// Ends validating and nominating.
    pub(crate) fn chill_stash(
        &self,
        ctx: &mut Context<'_, '_>,
        ledger: &StakingLedger,
    ) -> Result<(), Failure> {
        let validated = self.stop_validating(ctx, ledger)?;
        if validated || self.stop_nominating(ctx, ledger)? {
            ctx.emit(self.index, &Event::Chilled { stash: ledger.stash });
        }
        Ok(())
    }

    fn stop_validating(&self, ctx: &mut Context<'_, '_>, ledger: &StakingLedger) -> Result<bool, Failure> {
        let validates = VALIDATORS.take(ctx, &ledger.stash)?.is_some();
        if validates {
            VALIDATORS_BY_STAKE.remove(ctx, &Rank::new(ledger.stash, ledger.active));
            count(&COUNTER_FOR_VALIDATORS, ctx, false)?;
        }
        Ok(validates)
    }

    fn stop_nominating(&self, ctx: &mut Context<'_, '_>, ledger: &StakingLedger) -> Result<bool, Failure> {
        let nominates = NOMINATORS.take(ctx, &ledger.stash)?.is_some();
        if nominates {
            NOMINATORS_BY_STAKE.remove(ctx, &Rank::new(ledger.stash, ledger.active));
            count(&COUNTER_FOR_NOMINATORS, ctx, false)?;
        }
        Ok(nominates)
    }

    /// The least that the account may have at stake as long as it does what it does.
    pub(crate) fn least_active(&self, ctx: &Context<'_, '_>, who: &AccountId) -> Result<u128, Failure> {
        if NOMINATORS.contains(ctx, who)? {
            Ok(MIN_NOMINATOR_BOND.get_or_default(ctx)?)
        } else if VALIDATORS.contains(ctx, who)? {
            Ok(MIN_VALIDATOR_BOND.get_or_default(ctx)?)
        } else {
            Ok(0)
        }
    }

    pub(crate) fn chill_other(
        &self,
        ctx: &mut Context<'_, '_>,
        caller: &AccountId,
        stash: &AccountId,
    ) -> Result<(), Failure> {
        let ledger = self.ledger(ctx, stash)?;
        if caller != stash {
            let cannot = || self.error(Error::CannotChillOther);
            let (limit, counter, least) = if NOMINATORS.contains(ctx, stash)? {
                (MAX_NOMINATORS_COUNT, COUNTER_FOR_NOMINATORS, MIN_NOMINATOR_BOND)
            } else if VALIDATORS.contains(ctx, stash)? {
                (MAX_VALIDATORS_COUNT, COUNTER_FOR_VALIDATORS, MIN_VALIDATOR_BOND)
            } else {
                return Err(cannot());
            };
            let threshold = CHILL_THRESHOLD.get(ctx)?.ok_or_else(cannot)?;
            let limit = limit.get(ctx)?.ok_or_else(cannot)?;
            let crowded = threshold.mul_floor(limit.into()) < u128::from(counter.get_or_default(ctx)?);
            if !crowded || ledger.active >= least.get_or_default(ctx)? {
                return Err(cannot());
            }
        }
        self.chill_stash(ctx, &ledger)
    }

    pub(crate) fn kick(
        &self,
        ctx: &mut Context<'_, '_>,
        validator: &AccountId,
        who: &[MultiAddress],
    ) -> Result<(), Failure> {
        self.ledger(ctx, validator)?;
        for nominator in who {
            let nominator = lookup(nominator)?;
            let Some(mut nominations) = NOMINATORS.get(ctx, &nominator)? else { continue };
            let before = nominations.targets.len();
            nominations.targets.retain(|target| target != validator);
            if nominations.targets.len() < before {
                NOMINATORS.put(ctx, &nominator, &nominations);
                ctx.emit(self.index, &Event::Kicked { nominator, stash: *validator });
            }
        }
        Ok(())
    }

    pub(crate) fn apply_min_commission(
        &self,
        ctx: &mut Context<'_, '_>,
        validator: &AccountId,
    ) -> Result<(), Failure> {
        let least = MIN_COMMISSION.get_or_default(ctx)?;
        let mut prefs = VALIDATORS.get(ctx, validator)?.ok_or_else(|| self.error(Error::NotStash))?;
        if prefs.commission < least {
            prefs.commission = least;
            VALIDATORS.put(ctx, validator, &prefs);
        }
        Ok(())
    }

    /// Chills whoever is this stash, if it is one.
    pub(crate) fn chill_if_bonded(&self, ctx: &mut Context<'_, '_>, who: &AccountId) -> Result<(), Failure> {
        match LEDGER.get(ctx, who)? {
            Some(ledger) => self.chill_stash(ctx, &ledger),
            None => Ok(()),
        }
    }
}

/// Whether there are as many as there may be.
fn full(state: &impl StateRead, limit: &Value<u32>, counter: &Value<u32>) -> Result<bool, Failure> {
    match limit.get(state)? {
        Some(limit) => Ok(counter.get_or_default(state)? >= limit),
        None => Ok(false),
    }
}

/// The account that an address names.
pub(crate) fn lookup(address: &MultiAddress) -> Result<AccountId, Failure> {
    address.account_id().ok_or(Failure::Dispatch(DispatchError::CannotLookup))
}
