//! Balance that an account owns and may not use: locks and freezes, which overlap, and holds and reserves, which add.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, ArithmeticError, Balance, TokenError};
use basalt_state::{StateError, StateRead};
use basalt_support::{Context, Failure, module_error};

use crate::{
    Balances, Error, Event, FREEZES, FREEZES_MAX, HOLDS, HOLDS_MAX, LOCKS, LOCKS_MAX,
    types::{BalanceLock, IdAmount, Reason, Reasons},
};

impl Balances {
    /// Sets a lock: `amount` of what the account owns must stay, whatever other locks say. Zero removes the lock.
    ///
    /// Fails with `NoProviders` if there is no account, with `TooManyFreezes` above `MaxLocks`.
    pub fn set_lock(
        &self,
        ctx: &mut Context<'_, '_>,
        id: [u8; 8],
        who: &AccountId,
        amount: Balance,
        reasons: Reasons,
    ) -> Result<(), Failure> {
        let mut locks = LOCKS.get_or_default(ctx, who)?;
        let lock = BalanceLock { id, amount, reasons };
        match locks.iter().position(|lock| lock.id == id) {
            _ if amount == 0 => locks.retain(|lock| lock.id != id),
            Some(at) => locks[at] = lock,
            None if locks.len() >= LOCKS_MAX as usize => {
                return Err(module_error(self.index, &Error::TooManyFreezes));
            }
            None => locks.push(lock),
        }
        let freezes = FREEZES.get_or_default(ctx, who)?;
        let (old, new) = self.refreeze(ctx, who, &locks, &freezes)?;
        store_or_remove(&LOCKS, ctx, who, &locks);
        self.tell(ctx, old, new, |amount, more| {
            if more { Event::Locked { who: *who, amount } } else { Event::Unlocked { who: *who, amount } }
        });
        Ok(())
    }

    /// Removes a lock; nothing happens if there is none.
    pub fn remove_lock(
        &self,
        ctx: &mut Context<'_, '_>,
        id: [u8; 8],
        who: &AccountId,
    ) -> Result<(), Failure> {
        self.set_lock(ctx, id, who, 0, Reasons::All)
    }

    /// Freezes: `amount` of what the account owns must stay, whatever other freezes say. Zero thaws.
    ///
    /// Fails with `NoProviders` if there is no account, with `TooManyFreezes` above `MaxFreezes`.
    pub fn set_freeze(
        &self,
        ctx: &mut Context<'_, '_>,
        reason: Reason,
        who: &AccountId,
        amount: Balance,
    ) -> Result<(), Failure> {
        let locks = LOCKS.get_or_default(ctx, who)?;
        let mut freezes = FREEZES.get_or_default(ctx, who)?;
        set_amount(&mut freezes, reason, amount, FREEZES_MAX)
            .map_err(|Full| module_error(self.index, &Error::TooManyFreezes))?;
        let (old, new) = self.refreeze(ctx, who, &locks, &freezes)?;
        store_or_remove(&FREEZES, ctx, who, &freezes);
        self.tell(ctx, old, new, |amount, more| {
            if more { Event::Frozen { who: *who, amount } } else { Event::Thawed { who: *who, amount } }
        });
        Ok(())
    }

    /// Ends a freeze; nothing happens if there is none.
    pub fn thaw(&self, ctx: &mut Context<'_, '_>, reason: Reason, who: &AccountId) -> Result<(), Failure> {
        self.set_freeze(ctx, reason, who, 0)
    }

    /// What is held for this reason.
    pub fn balance_on_hold(
        &self,
        state: &(impl StateRead + ?Sized),
        reason: Reason,
        who: &AccountId,
    ) -> Result<Balance, StateError> {
        Ok(amount_for(&HOLDS.get_or_default(state, who)?, reason))
    }

    /// Holds an amount of the account's free balance, frozen or not (`Held`). The existential deposit stays free.
    ///
    /// Fails with `FundsUnavailable`, or with `TooManyHolds`.
    pub fn hold(
        &self,
        ctx: &mut Context<'_, '_>,
        reason: Reason,
        who: &AccountId,
        amount: Balance,
    ) -> Result<(), Failure> {
        if amount == 0 {
            return Ok(());
        }
        let holds = self.raised(HOLDS.get_or_default(ctx, who)?, reason, amount)?;
        self.put_aside(ctx, who, amount, TokenError::FundsUnavailable.into())?;
        store_or_remove(&HOLDS, ctx, who, &holds);
        ctx.emit(self.index, &Event::Held { reason, who: *who, amount });
        Ok(())
    }

    /// Frees an amount that was held (`Released`). Fails with `FundsUnavailable` if less is held.
    pub fn release(
        &self,
        ctx: &mut Context<'_, '_>,
        reason: Reason,
        who: &AccountId,
        amount: Balance,
    ) -> Result<(), Failure> {
        if amount == 0 {
            return Ok(());
        }
        let holds = lowered(HOLDS.get_or_default(ctx, who)?, reason, amount)?;
        let mut account = self.system.open_account(ctx, who)?;
        let mut data = account.info.data;
        data.reserved = data.reserved.checked_sub(amount).ok_or(TokenError::FundsUnavailable)?;
        data.free = data.free.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
        self.store(ctx, &mut account, data)?;
        store_or_remove(&HOLDS, ctx, who, &holds);
        ctx.emit(self.index, &Event::Released { reason, who: *who, amount });
        Ok(())
    }

    /// Moves an amount from one account's free balance to another, where it is held (`TransferAndHold`). The payer's account
    /// lives on; the other exists already.
    ///
    /// Fails, having done nothing, as [`Balances::transfer`] does for the sender, with `TooManyHolds`, or with
    /// `NoProviders` or `TooManyConsumers` if nothing may be held of the receiver.
    pub fn transfer_and_hold(
        &self,
        ctx: &mut Context<'_, '_>,
        reason: Reason,
        from: &AccountId,
        to: &AccountId,
        amount: Balance,
    ) -> Result<(), Failure> {
        if amount == 0 {
            return Ok(());
        }
        if from == to {
            return self.hold(ctx, reason, to, amount);
        }
        let mut sender = self.system.open_account(ctx, from)?;
        let sender_data = self.debited(&sender.info, amount, true)?;
        let holds = self.raised(HOLDS.get_or_default(ctx, to)?, reason, amount)?;
        let mut receiver = self.system.open_account(ctx, to)?;
        let mut data = receiver.info.data;
        data.reserved = data.reserved.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
        // First the receiver: it may be refused, and who pays and lives on is not.
        self.store(ctx, &mut receiver, data)?;
        self.store(ctx, &mut sender, sender_data)?;
        store_or_remove(&HOLDS, ctx, to, &holds);
        ctx.emit(
            self.index,
            &Event::TransferAndHold { reason, source: *from, dest: *to, transferred: amount },
        );
        Ok(())
    }

    /// Moves an amount that is held of one account to another's free balance (`TransferOnHold`).
    ///
    /// Fails, having done nothing, with `FundsUnavailable` if less is held, or with `BelowMinimum` if the receiver would own
    /// less than the existential deposit.
    pub fn transfer_on_hold(
        &self,
        ctx: &mut Context<'_, '_>,
        reason: Reason,
        from: &AccountId,
        to: &AccountId,
        amount: Balance,
    ) -> Result<(), Failure> {
        if amount == 0 {
            return Ok(());
        }
        if from == to {
            return self.release(ctx, reason, from, amount);
        }
        let holds = lowered(HOLDS.get_or_default(ctx, from)?, reason, amount)?;
        let mut holder = self.system.open_account(ctx, from)?;
        let mut data = holder.info.data;
        data.reserved = data.reserved.checked_sub(amount).ok_or(TokenError::FundsUnavailable)?;
        if !self.credit(ctx, to, amount)? {
            let mut receiver = self.system.open_account(ctx, to)?;
            let receiver_data = self.credited(&receiver.info, amount)?;
            self.store(ctx, &mut receiver, receiver_data)?;
        }
        self.store(ctx, &mut holder, data)?;
        store_or_remove(&HOLDS, ctx, from, &holds);
        ctx.emit(self.index, &Event::TransferOnHold { reason, source: *from, dest: *to, amount });
        Ok(())
    }

    /// Takes an amount that was held out of the account (`Slashed`). The issuance stays, as with
    /// [`Balances::take`]. Fails with `FundsUnavailable` if less is held.
    pub fn take_held(
        &self,
        ctx: &mut Context<'_, '_>,
        reason: Reason,
        who: &AccountId,
        amount: Balance,
    ) -> Result<(), Failure> {
        if amount == 0 {
            return Ok(());
        }
        let holds = lowered(HOLDS.get_or_default(ctx, who)?, reason, amount)?;
        let mut account = self.system.open_account(ctx, who)?;
        let mut data = account.info.data;
        data.reserved = data.reserved.checked_sub(amount).ok_or(TokenError::FundsUnavailable)?;
        self.store(ctx, &mut account, data)?;
        store_or_remove(&HOLDS, ctx, who, &holds);
        ctx.emit(self.index, &Event::Slashed { who: *who, amount });
        Ok(())
    }

    /// Reserves an amount of the account's free balance, as far as it is not frozen (`Reserved`).
    ///
    /// Fails with `InsufficientBalance` or `LiquidityRestrictions`.
    pub fn reserve(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        amount: Balance,
    ) -> Result<(), Failure> {
        if amount == 0 {
            return Ok(());
        }
        let data = self.system.account(ctx, who)?.data;
        let insufficient = module_error(self.index, &Error::InsufficientBalance);
        match data.free.checked_sub(amount) {
            None => return Err(insufficient),
            Some(left) if left < data.frozen => {
                return Err(module_error(self.index, &Error::LiquidityRestrictions));
            }
            Some(_) => {}
        }
        self.put_aside(ctx, who, amount, insufficient)?;
        ctx.emit(self.index, &Event::Reserved { who: *who, amount });
        Ok(())
    }

    /// Frees up to `amount` of what is reserved but not held (`Unreserved`). Returns how much was freed.
    pub fn unreserve(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        amount: Balance,
    ) -> Result<Balance, Failure> {
        let mut account = self.system.open_account(ctx, who)?;
        let held = HOLDS.get_or_default(ctx, who)?;
        let held = held.iter().fold(0, |sum: Balance, hold| sum.saturating_add(hold.amount));
        let amount = amount.min(account.info.data.reserved.saturating_sub(held));
        if amount == 0 {
            return Ok(0);
        }
        let mut data = account.info.data;
        data.reserved = data.reserved.saturating_sub(amount);
        data.free = data.free.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
        self.store(ctx, &mut account, data)?;
        ctx.emit(self.index, &Event::Unreserved { who: *who, amount });
        Ok(amount)
    }

    /// Moves free balance to reserved, down to the existential deposit.
    fn put_aside(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        amount: Balance,
        too_little: Failure,
    ) -> Result<(), Failure> {
        let mut account = self.system.open_account(ctx, who)?;
        let mut data = account.info.data;
        match data.free.checked_sub(amount) {
            Some(left) if left >= self.existential_deposit => data.free = left,
            _ => return Err(too_little),
        }
        data.reserved = data.reserved.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
        self.store(ctx, &mut account, data)
    }

    /// The holds after adding an amount to the one for this reason.
    fn raised(
        &self,
        mut holds: Vec<IdAmount>,
        reason: Reason,
        amount: Balance,
    ) -> Result<Vec<IdAmount>, Failure> {
        let held = amount_for(&holds, reason).checked_add(amount).ok_or(ArithmeticError::Overflow)?;
        set_amount(&mut holds, reason, held, HOLDS_MAX)
            .map_err(|Full| module_error(self.index, &Error::TooManyHolds))?;
        Ok(holds)
    }

    /// Writes what locks and freezes together demand; returns what they demanded before and now.
    fn refreeze(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        locks: &[BalanceLock],
        freezes: &[IdAmount],
    ) -> Result<(Balance, Balance), Failure> {
        let mut account = self.system.open_account(ctx, who)?;
        let before = account.info.data.frozen;
        let mut data = account.info.data;
        data.frozen = frozen(locks, freezes);
        self.store(ctx, &mut account, data)?;
        Ok((before, data.frozen))
    }

    fn tell(
        &self,
        ctx: &mut Context<'_, '_>,
        old: Balance,
        new: Balance,
        event: impl Fn(Balance, bool) -> Event,
    ) {
        if old != new {
            ctx.emit(self.index, &event(old.abs_diff(new), new > old));
        }
    }
}

/// What locks and freezes demand together: the largest, because they overlap.
pub(crate) fn frozen(locks: &[BalanceLock], freezes: &[IdAmount]) -> Balance {
    let locked = locks.iter().map(|lock| lock.amount);
    locked.chain(freezes.iter().map(|freeze| freeze.amount)).max().unwrap_or(0)
}

/// No more entries fit.
struct Full;

/// The amount for this reason; zero if there is none.
fn amount_for(amounts: &[IdAmount], reason: Reason) -> Balance {
    amounts.iter().find(|entry| entry.id == reason).map_or(0, |entry| entry.amount)
}

/// Sets the amount for this reason; zero removes the entry.
fn set_amount(
    amounts: &mut Vec<IdAmount>,
    reason: Reason,
    amount: Balance,
    entries_max: u32,
) -> Result<(), Full> {
    match amounts.iter().position(|entry| entry.id == reason) {
        _ if amount == 0 => amounts.retain(|entry| entry.id != reason),
        Some(at) => amounts[at].amount = amount,
        None if amounts.len() >= entries_max as usize => return Err(Full),
        None => amounts.push(IdAmount { id: reason, amount }),
    }
    Ok(())
}

/// The holds after taking an amount from the one for this reason.
fn lowered(mut holds: Vec<IdAmount>, reason: Reason, amount: Balance) -> Result<Vec<IdAmount>, Failure> {
    let held = amount_for(&holds, reason).checked_sub(amount).ok_or(TokenError::FundsUnavailable)?;
    // The entry exists, or the subtraction had failed, so the list cannot be full for it.
    let _ = set_amount(&mut holds, reason, held, HOLDS_MAX);
    Ok(holds)
}

/// An empty list is no entry.
fn store_or_remove<T: parity_scale_codec::Encode + parity_scale_codec::Decode>(
    map: &crate::AccountMap<Vec<T>>,
    ctx: &mut Context<'_, '_>,
    who: &AccountId,
    list: &Vec<T>,
) {
    if list.is_empty() {
        map.remove(ctx, who);
    } else {
        map.put(ctx, who, list);
    }
}
