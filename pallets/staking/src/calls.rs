//! What accounts and root ask for.

use alloc::{collections::BTreeSet, vec::Vec};

use basalt_pallet_session::VALIDATORS_MAX;
use basalt_primitives::{AccountId, Balance, DispatchError, Perbill, Percent};
use basalt_support::{CallResult, Context, Failure, Origin, PostInfo, Value};
use parity_scale_codec::{Decode, Encode};

use crate::{
    ACTIVE_ERA, BONDED, CANCELED_SLASH_PAYOUT, CHILL_THRESHOLD, CURRENT_ERA, Call, ERAS_STAKERS_OVERVIEW,
    Error, Event, FORCE_ERA, INVULNERABLES, INVULNERABLES_MAX, LEDGER, MAX_NOMINATORS_COUNT,
    MAX_STAKED_REWARDS, MAX_UNLOCKING_CHUNKS, MAX_VALIDATORS_COUNT, MIN_COMMISSION, MIN_NOMINATOR_BOND,
    MIN_VALIDATOR_BOND, PAYEE, Staking, UNAPPLIED_SLASHES, VALIDATOR_COUNT,
    types::{ConfigOp, EraIndex, Forcing, RewardDestination, SlashKey, StakingLedger},
};

impl Staking {
    pub(crate) fn run(&self, call: Call, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        // Those that give weight back.
        match call {
            Call::payout_stakers { validator_stash, era } => {
                origin.signed()?;
                return self.payout(ctx, &validator_stash, era, None);
            }
            Call::payout_stakers_by_page { validator_stash, era, page } => {
                origin.signed()?;
                return self.payout(ctx, &validator_stash, era, Some(page));
            }
            _ => {}
        }
        match call {
            Call::bond { .. }
            | Call::bond_extra { .. }
            | Call::unbond { .. }
            | Call::withdraw_unbonded { .. }
            | Call::rebond { .. }
            | Call::set_payee { .. }
            | Call::reap_stash { .. } => self.run_ledger(call, &origin.signed()?, ctx)?,
            Call::validate { .. }
            | Call::nominate { .. }
            | Call::chill
            | Call::kick { .. }
            | Call::chill_other { .. }
            | Call::force_apply_min_commission { .. } => self.run_roles(call, &origin.signed()?, ctx)?,
            call => {
                origin.root()?;
                self.run_root(call, ctx)?;
            }
        }
        Ok(PostInfo::default())
    }

    fn run_ledger(&self, call: Call, who: &AccountId, ctx: &mut Context<'_, '_>) -> Result<(), Failure> {
        match call {
            Call::bond { value, payee } => self.bond(ctx, who, value, payee),
            Call::bond_extra { max_additional } => self.bond_extra(ctx, who, max_additional),
            Call::unbond { value } => self.unbond(ctx, who, value),
            Call::withdraw_unbonded { .. } => {
                let ledger = self.ledger(ctx, who)?;
                if self.slashes_lag(ctx)? {
                    return Err(self.error(Error::UnappliedSlashesInPreviousEra));
                }
                let era = CURRENT_ERA.get_or_default(ctx)?;
                self.withdraw(ctx, ledger, era)
            }
            Call::rebond { value } => self.rebond(ctx, who, value),
            Call::set_payee { payee } => {
                self.ledger(ctx, who)?;
                self.check_payee(payee)?;
                PAYEE.put(ctx, who, &payee);
                Ok(())
            }
            Call::reap_stash { stash, .. } => {
                let ledger = LEDGER.get(ctx, &stash)?.ok_or_else(|| self.error(Error::NotStash))?;
                // With less than the existential deposit there may still be something that a slash is waiting for.
                if ledger.total > 0 {
                    return Err(self.error(Error::FundedTarget));
                }
                self.forget(ctx, &ledger)?;
                ctx.emit(self.index, &Event::StakerRemoved { stash });
                Ok(())
            }
            _ => Err(DispatchError::BadOrigin.into()),
        }
    }

    fn run_roles(&self, call: Call, who: &AccountId, ctx: &mut Context<'_, '_>) -> Result<(), Failure> {
        match call {
            Call::validate { prefs } => self.validate(ctx, who, prefs),
            Call::nominate { targets } => self.nominate(ctx, who, &targets),
            Call::chill => {
                let ledger = self.ledger(ctx, who)?;
                self.chill_stash(ctx, &ledger)
            }
            Call::kick { who: nominators } => self.kick(ctx, who, &nominators),
            Call::chill_other { stash } => self.chill_other(ctx, who, &stash),
            Call::force_apply_min_commission { validator_stash } => {
                self.apply_min_commission(ctx, &validator_stash)
            }
            _ => Err(DispatchError::BadOrigin.into()),
        }
    }

    fn run_root(&self, call: Call, ctx: &mut Context<'_, '_>) -> Result<(), Failure> {
        match call {
            Call::set_validator_count { new } => self.set_validator_count(ctx, new.into()),
            Call::increase_validator_count { additional } => {
                let count = VALIDATOR_COUNT.get_or_default(ctx)?;
                self.set_validator_count(ctx, u128::from(count) + u128::from(additional))
            }
            Call::scale_validator_count { factor } => {
                let count = u128::from(VALIDATOR_COUNT.get_or_default(ctx)?);
                self.set_validator_count(ctx, count + factor.mul_floor(count))
            }
            Call::force_no_eras => self.set_forcing(ctx, Forcing::ForceNone),
            Call::force_new_era => self.set_forcing(ctx, Forcing::ForceNew),
            Call::force_new_era_always => self.set_forcing(ctx, Forcing::ForceAlways),
            Call::set_invulnerables { invulnerables } => self.set_invulnerables(ctx, invulnerables),
            Call::force_unstake { stash, .. } => {
                let ledger = LEDGER.get(ctx, &stash)?.ok_or_else(|| self.error(Error::NotStash))?;
                self.forget(ctx, &ledger)?;
                self.balances.release(ctx, self.hold_reason(), &stash, ledger.total)?;
                ctx.emit(self.index, &Event::StakerRemoved { stash });
                Ok(())
            }
            Call::cancel_deferred_slash { era, slash_keys } => self.cancel_slashes(ctx, era, &slash_keys),
            Call::set_staking_configs { .. } => self.set_configs(ctx, call),
            Call::set_min_commission { new } => {
                MIN_COMMISSION.put(ctx, &Perbill::from_parts(new.deconstruct()));
                Ok(())
            }
            Call::manual_slash { validator_stash, era, slash_fraction } => {
                if ACTIVE_ERA.get(ctx)?.is_none_or(|active| era > active.index) {
                    return Err(self.error(Error::EraNotStarted));
                }
                if ERAS_STAKERS_OVERVIEW.get(ctx, &era, &validator_stash)?.is_none() {
                    return Err(self.error(Error::NotStash));
                }
                self.slash(ctx, &validator_stash, era, slash_fraction, &[])
            }
            _ => Err(DispatchError::BadOrigin.into()),
        }
    }

    pub(crate) fn bond(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        value: Balance,
        payee: RewardDestination,
    ) -> Result<(), Failure> {
        if LEDGER.contains(ctx, who)? {
            return Err(self.error(Error::AlreadyBonded));
        }
        self.check_payee(payee)?;
        let value = value.min(self.bondable(ctx, who)?);
        if value < self.balances.existential_deposit {
            return Err(self.error(Error::InsufficientBond));
        }
        BONDED.put(ctx, who, who);
        PAYEE.put(ctx, who, &payee);
        self.bond_more(ctx, StakingLedger::new(*who, 0), value)?;
        ctx.emit(self.index, &Event::Bonded { stash: *who, amount: value });
        Ok(())
    }

    fn check_payee(&self, payee: RewardDestination) -> Result<(), Failure> {
        match payee {
            RewardDestination::Controller => Err(self.error(Error::ControllerDeprecated)),
            _ => Ok(()),
        }
    }

    fn bond_extra(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        max_additional: Balance,
    ) -> Result<(), Failure> {
        let ledger = LEDGER.get(ctx, who)?.ok_or_else(|| self.error(Error::NotStash))?;
        let amount = max_additional.min(self.bondable(ctx, who)?);
        if amount == 0 {
            return Err(self.error(Error::NotEnoughFunds));
        }
        if ledger.active.saturating_add(amount) < self.balances.existential_deposit {
            return Err(self.error(Error::InsufficientBond));
        }
        self.bond_more(ctx, ledger, amount)?;
        ctx.emit(self.index, &Event::Bonded { stash: *who, amount });
        Ok(())
    }

    fn unbond(&self, ctx: &mut Context<'_, '_>, who: &AccountId, value: Balance) -> Result<(), Failure> {
        let mut ledger = self.ledger(ctx, who)?;
        let current = CURRENT_ERA.get_or_default(ctx)?;
        if ledger.unlocking.len() >= MAX_UNLOCKING_CHUNKS as usize && !self.slashes_lag(ctx)? {
            self.withdraw(ctx, ledger, current)?;
            // Something is at stake, or on its way out with fewer chunks than there were: it is not gone. If all was due, it is.
            ledger = self.ledger(ctx, who)?;
        }
        let before = ledger.active;
        let era = current.saturating_add(self.durations(ctx)?.bonding);
        let amount = ledger
            .unbond(value, self.balances.existential_deposit, era)
            .map_err(|crate::ledger::Full| self.error(Error::NoMoreChunks))?;
        if ledger.active < self.least_active(ctx, who)? {
            return Err(self.error(Error::InsufficientBond));
        }
        if amount > 0 {
            self.store(ctx, before, &ledger)?;
            ctx.emit(self.index, &Event::Unbonded { stash: *who, amount });
        }
        Ok(())
    }

    fn rebond(&self, ctx: &mut Context<'_, '_>, who: &AccountId, value: Balance) -> Result<(), Failure> {
        let mut ledger = self.ledger(ctx, who)?;
        if ledger.unlocking.is_empty() {
            return Err(self.error(Error::NoUnlockChunk));
        }
        let before = ledger.active;
        let amount = ledger.rebond(value);
        if ledger.active < self.balances.existential_deposit {
            return Err(self.error(Error::InsufficientBond));
        }
        self.store(ctx, before, &ledger)?;
        ctx.emit(self.index, &Event::Bonded { stash: *who, amount });
        Ok(())
    }

    fn set_validator_count(&self, ctx: &mut Context<'_, '_>, new: u128) -> Result<(), Failure> {
        let new = u32::try_from(new).ok().filter(|new| *new <= VALIDATORS_MAX);
        VALIDATOR_COUNT.put(ctx, &new.ok_or_else(|| self.error(Error::TooManyValidators))?);
        Ok(())
    }

    fn set_forcing(&self, ctx: &mut Context<'_, '_>, mode: Forcing) -> Result<(), Failure> {
        FORCE_ERA.put(ctx, &mode);
        ctx.emit(self.index, &Event::ForceEra { mode });
        Ok(())
    }

    fn set_invulnerables(&self, ctx: &mut Context<'_, '_>, list: Vec<AccountId>) -> Result<(), Failure> {
        if list.len() > INVULNERABLES_MAX as usize {
            return Err(self.error(Error::BoundNotMet));
        }
        INVULNERABLES.put(ctx, &list);
        Ok(())
    }

    fn cancel_slashes(
        &self,
        ctx: &mut Context<'_, '_>,
        era: EraIndex,
        keys: &[SlashKey],
    ) -> Result<(), Failure> {
        if keys.is_empty() {
            return Err(self.error(Error::EmptyTargets));
        }
        if keys.iter().collect::<BTreeSet<_>>().len() < keys.len() {
            return Err(self.error(Error::DuplicateIndex));
        }
        for key in keys {
            let slash = UNAPPLIED_SLASHES.get(ctx, &era, key)?;
            let slash = slash.ok_or_else(|| self.error(Error::InvalidSlashRecord))?;
            UNAPPLIED_SLASHES.remove(ctx, &era, key);
            CANCELED_SLASH_PAYOUT.mutate(ctx, |sum| *sum = sum.saturating_add(slash.payout))?;
            ctx.emit(
                self.index,
                &Event::SlashCancelled { slash_era: era, slash_key: *key, payout: slash.payout },
            );
        }
        Ok(())
    }

    fn set_configs(&self, ctx: &mut Context<'_, '_>, call: Call) -> Result<(), Failure> {
        let Call::set_staking_configs {
            min_nominator_bond,
            min_validator_bond,
            max_nominator_count,
            max_validator_count,
            chill_threshold,
            min_commission,
            max_staked_rewards,
        } = call
        else {
            return Ok(());
        };
        let whole = |percent: ConfigOp<Percent>| match percent {
            ConfigOp::Set(share) => ConfigOp::Set(Percent::from_percent(share.deconstruct())),
            other => other,
        };
        let min_commission = match min_commission {
            ConfigOp::Set(share) => ConfigOp::Set(Perbill::from_parts(share.deconstruct())),
            other => other,
        };
        set(ctx, &MIN_NOMINATOR_BOND, min_nominator_bond);
        set(ctx, &MIN_VALIDATOR_BOND, min_validator_bond);
        set(ctx, &MAX_NOMINATORS_COUNT, max_nominator_count);
        set(ctx, &MAX_VALIDATORS_COUNT, max_validator_count);
        set(ctx, &CHILL_THRESHOLD, whole(chill_threshold));
        set(ctx, &MIN_COMMISSION, min_commission);
        set(ctx, &MAX_STAKED_REWARDS, whole(max_staked_rewards));
        Ok(())
    }
}

fn set<T: Encode + Decode>(ctx: &mut Context<'_, '_>, item: &Value<T>, op: ConfigOp<T>) {
    match op {
        ConfigOp::Noop => {}
        ConfigOp::Set(value) => item.put(ctx, &value),
        ConfigOp::Remove => item.remove(ctx),
    }
}
