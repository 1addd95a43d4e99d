//! How much there is. Only deltas change it, so that transactions do not conflict over it.

use basalt_primitives::{AccountId, ArithmeticError, Balance, DispatchError};
use basalt_state::{StateError, StateRead, StateWrite};
use basalt_support::{Context, Failure, module_error};

use crate::{
    Balances, Error, Event, FORCED_ISSUANCE, INACTIVE_ISSUANCE, TOTAL_ISSUANCE, types::AdjustmentDirection,
};

/// The most that can ever be issued: what a delta can express, so that no sum of changes leaves its range.
pub const TOTAL_ISSUANCE_MAX: Balance = i128::MAX as Balance;

impl Balances {
    /// How much there is, in accounts and pots.
    pub fn total_issuance(&self, state: &(impl StateRead + ?Sized)) -> Result<Balance, StateError> {
        TOTAL_ISSUANCE.get_or_default(state)
    }

    /// Issues an amount to an account (`Minted`), which it may create.
    ///
    /// Fails, having done nothing, with `BelowMinimum`, or with `Overflow` above [`TOTAL_ISSUANCE_MAX`]. It reads
    /// the issuance: transactions that mint wait for each other.
    pub fn mint_into(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        amount: Balance,
    ) -> Result<(), Failure> {
        let mut account = self.system.open_account(ctx, who)?;
        let data = self.credited(&account.info, amount)?;
        self.check_issuance(ctx, amount)?;
        self.store(ctx, &mut account, data)?;
        self.raise_issuance(ctx, amount)?;
        ctx.emit(self.index, &Event::Minted { who: *who, amount });
        Ok(())
    }

    /// Destroys an amount of an account (`Burned`). Fails, having done nothing, as [`Balances::take`] does.
    pub fn burn_from(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        amount: Balance,
        keep_alive: bool,
    ) -> Result<(), Failure> {
        let mut account = self.system.open_account(ctx, who)?;
        let data = self.debited(&account.info, amount, keep_alive)?;
        self.store(ctx, &mut account, data)?;
        self.lower_issuance(ctx, amount)?;
        ctx.emit(self.index, &Event::Burned { who: *who, amount });
        Ok(())
    }

    /// Issues an amount that no account owns yet (`Issued`): the caller puts it into a pot, or [`gives`](Self::give)
    /// it. Fails, having done nothing, with `Overflow` above [`TOTAL_ISSUANCE_MAX`].
    pub fn issue_unowned(&self, ctx: &mut Context<'_, '_>, amount: Balance) -> Result<(), Failure> {
        if amount == 0 {
            return Ok(());
        }
        self.check_issuance(ctx, amount)?;
        self.raise_issuance(ctx, amount)?;
        ctx.emit(self.index, &Event::Issued { amount });
        Ok(())
    }

    /// Destroys an amount that the caller holds in a pot (`Rescinded`).
    pub fn burn_unowned(&self, ctx: &mut Context<'_, '_>, amount: Balance) -> Result<(), StateError> {
        if amount == 0 {
            return Ok(());
        }
        self.lower_issuance(ctx, amount)?;
        ctx.emit(self.index, &Event::Rescinded { amount });
        Ok(())
    }

    /// Fails if this much more would be too much.
    fn check_issuance(&self, state: &impl StateRead, amount: Balance) -> Result<(), Failure> {
        match self.total_issuance(state)?.checked_add(amount) {
            Some(total) if total <= TOTAL_ISSUANCE_MAX => Ok(()),
            _ => Err(Failure::Dispatch(DispatchError::Arithmetic(ArithmeticError::Overflow))),
        }
    }

    /// Adds to the issuance what [`Self::check_issuance`] allowed.
    fn raise_issuance(&self, state: &mut impl StateWrite, amount: Balance) -> Result<(), StateError> {
        match i128::try_from(amount) {
            Ok(0) => Ok(()),
            Ok(delta) => TOTAL_ISSUANCE.add(state, delta),
            Err(_) => Err(too_much(amount)),
        }
    }

    /// Takes from the issuance what some account or pot owned, which is never more than there is.
    pub(crate) fn lower_issuance(
        &self,
        state: &mut impl StateWrite,
        amount: Balance,
    ) -> Result<(), StateError> {
        match i128::try_from(amount) {
            Ok(0) => Ok(()),
            Ok(delta) => TOTAL_ISSUANCE.add(state, -delta),
            Err(_) => Err(too_much(amount)),
        }
    }

    /// Sets the free balance of an account; the issuance follows.
    pub(crate) fn set_balance(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        new_free: Balance,
    ) -> Result<(), Failure> {
        let free = if new_free < self.existential_deposit { 0 } else { new_free };
        let mut account = self.system.open_account(ctx, who)?;
        let before = account.info.data.free;
        let mut data = account.info.data;
        data.free = free;
        if let Some(raise) = free.checked_sub(before) {
            self.check_issuance(ctx, raise)?;
            self.store(ctx, &mut account, data)?;
            self.raise_issuance(ctx, raise)?;
        } else {
            self.store(ctx, &mut account, data)?;
            self.lower_issuance(ctx, before.saturating_sub(free))?;
        }
        ctx.emit(self.index, &Event::BalanceSet { who: *who, free });
        Ok(())
    }

    /// Changes the issuance but no balance. What was raised so is remembered, and only that can be lowered: else a
    /// later burn could find less issuance than there are balances, and every node would stop.
    pub(crate) fn adjust_issuance(
        &self,
        ctx: &mut Context<'_, '_>,
        direction: AdjustmentDirection,
        delta: Balance,
    ) -> Result<(), Failure> {
        if delta == 0 {
            return Err(module_error(self.index, &Error::DeltaZero));
        }
        let old = self.total_issuance(ctx)?;
        let forced = FORCED_ISSUANCE.get_or_default(ctx)?;
        let (forced, new) = match direction {
            AdjustmentDirection::Increase => {
                self.check_issuance(ctx, delta)?;
                self.raise_issuance(ctx, delta)?;
                // Both are at most the issuance, which was just checked.
                (forced.saturating_add(delta), old.saturating_add(delta))
            }
            AdjustmentDirection::Decrease => {
                let forced = forced.checked_sub(delta).ok_or(ArithmeticError::Underflow)?;
                let new = old.checked_sub(delta).ok_or(ArithmeticError::Underflow)?;
                if INACTIVE_ISSUANCE.get_or_default(ctx)? > new {
                    return Err(module_error(self.index, &Error::IssuanceDeactivated));
                }
                self.lower_issuance(ctx, delta)?;
                (forced, new)
            }
        };
        FORCED_ISSUANCE.put(ctx, &forced);
        ctx.emit(self.index, &Event::TotalIssuanceForced { old, new });
        Ok(())
    }
}

/// The issuance is at most [`TOTAL_ISSUANCE_MAX`], and an amount is a part of it: this says that the state is not.
fn too_much(amount: Balance) -> StateError {
    StateError::DeltaOutOfRange { key: "TotalIssuance".into(), value: amount, delta: i128::MAX }
}
