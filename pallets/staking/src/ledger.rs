//! What one stash has bonded: how it changes, as pure functions, and the one place that writes it.

use basalt_primitives::{AccountId, ArithmeticError, Balance};
use basalt_state::StateWrite;
use basalt_support::{Context, Failure, module_error};

use crate::{
    BONDED, Error, Event, LEDGER, MAX_UNLOCKING_CHUNKS, NOMINATORS, NOMINATORS_BY_STAKE, PAYEE, Staking,
    VALIDATORS, VALIDATORS_BY_STAKE,
    order::Rank,
    types::{EraIndex, StakingLedger, UnlockChunk},
};

/// No more amounts fit on their way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl StakingLedger {
    /// A stash with this much at stake.
    pub fn new(stash: AccountId, value: Balance) -> Self {
        Self {
            stash,
            total: value,
            active: value,
            unlocking: Default::default(),
            legacy_claimed_rewards: Default::default(),
        }
    }

    /// Starts to take up to `value` out of the stake; withdrawable from `era` on. What would be left of it below `minimum`
    /// goes, too. Returns how much that is.
    pub fn unbond(&mut self, value: Balance, minimum: Balance, era: EraIndex) -> Result<Balance, Full> {
        let left = self.active.saturating_sub(value);
        let left = if left < minimum { 0 } else { left };
        let value = self.active.saturating_sub(left);
        if value == 0 {
            return Ok(0);
        }
        let full = self.unlocking.len() >= MAX_UNLOCKING_CHUNKS as usize;
        match self.unlocking.last_mut() {
            Some(chunk) if chunk.era == era => chunk.value = chunk.value.saturating_add(value),
            _ if full => return Err(Full),
            _ => self.unlocking.push(UnlockChunk { value, era }),
        }
        self.active = left;
        Ok(value)
    }

    /// Puts up to `value` of what is on its way out at stake again, newest first. Returns how much.
    pub fn rebond(&mut self, value: Balance) -> Balance {
        let taken = self.take_unlocking(value);
        self.active = self.active.saturating_add(taken);
        taken
    }

    /// Lets go what may be withdrawn in this era. Returns how much.
    pub fn consolidate(&mut self, era: EraIndex) -> Balance {
        let mut free: Balance = 0;
        self.unlocking.retain(|chunk| {
            let due = chunk.era <= era;
            if due {
                free = free.saturating_add(chunk.value);
            }
            !due
        });
        self.total = self.total.saturating_sub(free);
        free
    }

    /// Takes up to `amount`: first of what is at stake, then of what is on its way out, newest first. Returns how much.
    ///
    /// All that is bonded answers, whatever it was bonded for: what was at stake when the offence happened is still here in
    /// one form or the other, and nothing that a stash does in between changes how much it loses.
    pub fn slash(&mut self, amount: Balance) -> Balance {
        let from_active = self.active.min(amount);
        self.active = self.active.saturating_sub(from_active);
        let taken = from_active.saturating_add(self.take_unlocking(amount.saturating_sub(from_active)));
        self.total = self.total.saturating_sub(taken);
        taken
    }

    /// Takes up to `value` of what is on its way out, newest first.
    fn take_unlocking(&mut self, value: Balance) -> Balance {
        let mut wanted = value;
        while wanted > 0
            && let Some(chunk) = self.unlocking.last_mut()
        {
            let part = chunk.value.min(wanted);
            wanted = wanted.saturating_sub(part);
            chunk.value = chunk.value.saturating_sub(part);
            if chunk.value == 0 {
                self.unlocking.pop();
            }
        }
        value.saturating_sub(wanted)
    }
}

impl Staking {
    /// What the account has bonded. `NotController` if nothing.
    pub(crate) fn ledger(&self, ctx: &Context<'_, '_>, who: &AccountId) -> Result<StakingLedger, Failure> {
        LEDGER.get(ctx, who)?.ok_or_else(|| self.error(Error::NotController))
    }

    /// The most that the account could bond now: what it may use above the existential deposit. What is frozen for other
    /// reasons may be bonded, too.
    pub(crate) fn bondable(&self, ctx: &Context<'_, '_>, who: &AccountId) -> Result<Balance, Failure> {
        Ok(self.balances.free_balance(ctx, who)?.saturating_sub(self.balances.existential_deposit))
    }

    /// Bonds this much more of the account's free balance.
    pub(crate) fn bond_more(
        &self,
        ctx: &mut Context<'_, '_>,
        mut ledger: StakingLedger,
        amount: Balance,
    ) -> Result<(), Failure> {
        let before = ledger.active;
        ledger.total = ledger.total.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
        ledger.active = ledger.active.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
        self.balances.hold(ctx, self.hold_reason(), &ledger.stash, amount)?;
        self.store(ctx, before, &ledger)
    }

    /// Writes a ledger whose active stake was `before`; the order by stake follows.
    pub(crate) fn store(
        &self,
        ctx: &mut Context<'_, '_>,
        before: Balance,
        ledger: &StakingLedger,
    ) -> Result<(), Failure> {
        LEDGER.put(ctx, &ledger.stash, ledger);
        if before == ledger.active {
            return Ok(());
        }
        let (old, new) = (Rank::new(ledger.stash, before), Rank::new(ledger.stash, ledger.active));
        let order = if VALIDATORS.contains(ctx, &ledger.stash)? {
            VALIDATORS_BY_STAKE
        } else if NOMINATORS.contains(ctx, &ledger.stash)? {
            NOMINATORS_BY_STAKE
        } else {
            return Ok(());
        };
        order.remove(ctx, &old);
        order.put(ctx, &new, &());
        Ok(())
    }

    /// Lets go what may be withdrawn, and the whole stash if nothing is left.
    pub(crate) fn withdraw(
        &self,
        ctx: &mut Context<'_, '_>,
        mut ledger: StakingLedger,
        era: EraIndex,
    ) -> Result<(), Failure> {
        let amount = ledger.consolidate(era);
        if amount == 0 {
            return Ok(());
        }
        if ledger.total == 0 {
            self.forget(ctx, &ledger)?;
        } else {
            LEDGER.put(ctx, &ledger.stash, &ledger);
        }
        self.balances.release(ctx, self.hold_reason(), &ledger.stash, amount)?;
        ctx.emit(self.index, &Event::Withdrawn { stash: ledger.stash, amount });
        if ledger.total == 0 {
            ctx.emit(self.index, &Event::StakerRemoved { stash: ledger.stash });
        }
        Ok(())
    }

    /// Removes all that is known of a stash. What is held of it is the caller's to release.
    pub(crate) fn forget(&self, ctx: &mut Context<'_, '_>, ledger: &StakingLedger) -> Result<(), Failure> {
        self.chill_stash(ctx, ledger)?;
        BONDED.remove(ctx, &ledger.stash);
        LEDGER.remove(ctx, &ledger.stash);
        PAYEE.remove(ctx, &ledger.stash);
        Ok(())
    }

    pub(crate) fn error(&self, error: Error) -> Failure {
        module_error(self.index, &error)
    }
}

/// Adds to a counter, or takes from it.
pub(crate) fn count(
    counter: &basalt_support::Value<u32>,
    state: &mut impl StateWrite,
    more: bool,
) -> Result<(), Failure> {
    let now = counter.get_or_default(state)?;
    let next = if more { now.checked_add(1) } else { now.checked_sub(1) };
    counter.put(state, &next.ok_or(ArithmeticError::Overflow)?);
    Ok(())
}
