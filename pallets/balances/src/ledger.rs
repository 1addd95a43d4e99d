//! How one account's balance changes: the rules as pure functions, and the one place that writes.

use basalt_pallet_system::{AccountData, AccountInfo};
use basalt_primitives::{AccountId, ArithmeticError, Balance, TokenError};
use basalt_state::{StateError, StateRead};
use basalt_support::{Context, Failure};

use crate::{Balances, Event};

impl Balances {
    /// What the account may use, frozen or not.
    pub fn free_balance(
        &self,
        state: &(impl StateRead + ?Sized),
        who: &AccountId,
    ) -> Result<Balance, StateError> {
        Ok(self.system.account(state, who)?.data.free)
    }

    /// All that the account owns.
    pub fn total_balance(
        &self,
        state: &(impl StateRead + ?Sized),
        who: &AccountId,
    ) -> Result<Balance, StateError> {
        Ok(self.system.account(state, who)?.data.total())
    }

    /// The most that can be taken from the account now; with `keep_alive` so that it lives on.
    pub fn reducible_balance(
        &self,
        state: &(impl StateRead + ?Sized),
        who: &AccountId,
        keep_alive: bool,
    ) -> Result<Balance, StateError> {
        let info = self.system.account(state, who)?;
        let frozen = info.data.frozen.saturating_sub(info.data.reserved);
        let must_live = keep_alive || !info.can_lose_provider();
        let untouchable = if must_live { frozen.max(self.existential_deposit) } else { frozen };
        Ok(info.data.free.saturating_sub(untouchable))
    }

    /// Moves an amount between accounts. Writes both accounts and nothing else, unless the sender's rest is dust.
    ///
    /// Fails, having done nothing, with `FundsUnavailable`, `Frozen`, `NotExpendable` (with `keep_alive`),
    /// `OnlyProvider` (something relies on the sender's account) or `BelowMinimum` (for the receiver). A transfer to
    /// oneself is checked like any other, and does nothing.
    pub fn transfer(
        &self,
        ctx: &mut Context<'_, '_>,
        from: &AccountId,
        to: &AccountId,
        amount: Balance,
        keep_alive: bool,
    ) -> Result<(), Failure> {
        let sender = self.system.account(ctx, from)?;
        let sender_data = self.debited(&sender, amount, keep_alive)?;
        let receiver = if from == to { sender } else { self.system.account(ctx, to)? };
        let receiver_data = self.credited(&receiver, amount)?;
        if from == to {
            return Ok(());
        }
        self.store(ctx, from, &sender, sender_data)?;
        self.store(ctx, to, &receiver, receiver_data)?;
        ctx.emit(self.index, &Event::Transfer { from: *from, to: *to, amount });
        Ok(())
    }

    /// Takes an amount out of the account (`Withdraw`). The issuance stays: the caller keeps the amount in a pot that
    /// [`Balances::try_state_with`] is told of, until it calls [`Balances::give`] or [`Balances::burn_unowned`].
    ///
    /// Fails, having done nothing, as [`Balances::transfer`] does for the sender.
    pub fn take(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        amount: Balance,
        keep_alive: bool,
    ) -> Result<(), Failure> {
        let before = self.system.account(ctx, who)?;
        let data = self.debited(&before, amount, keep_alive)?;
        self.store(ctx, who, &before, data)?;
        if amount > 0 {
            ctx.emit(self.index, &Event::Withdraw { who: *who, amount });
        }
        Ok(())
    }

    /// Puts an amount that the caller took or issued into the account (`Deposit`), which it may create.
    ///
    /// Fails, having done nothing, with `BelowMinimum` if the account would own less than the existential deposit.
    pub fn give(&self, ctx: &mut Context<'_, '_>, who: &AccountId, amount: Balance) -> Result<(), Failure> {
        let before = self.system.account(ctx, who)?;
        let data = self.credited(&before, amount)?;
        self.store(ctx, who, &before, data)?;
        if amount > 0 {
            ctx.emit(self.index, &Event::Deposit { who: *who, amount });
        }
        Ok(())
    }

    /// The balance after taking an amount.
    pub(crate) fn debited(
        &self,
        info: &AccountInfo,
        amount: Balance,
        keep_alive: bool,
    ) -> Result<AccountData, Failure> {
        let mut data = info.data;
        if amount == 0 {
            return Ok(data);
        }
        data.free = data.free.checked_sub(amount).ok_or(TokenError::FundsUnavailable)?;
        if data.free < data.frozen.saturating_sub(data.reserved) {
            return Err(TokenError::Frozen.into());
        }
        if data.free < self.existential_deposit {
            if keep_alive {
                return Err(TokenError::NotExpendable.into());
            }
            if !info.can_lose_provider() {
                return Err(TokenError::OnlyProvider.into());
            }
        }
        Ok(data)
    }

    /// The balance after adding an amount.
    pub(crate) fn credited(&self, info: &AccountInfo, amount: Balance) -> Result<AccountData, Failure> {
        let mut data = info.data;
        if amount == 0 {
            return Ok(data);
        }
        data.free = data.free.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
        if data.free < self.existential_deposit {
            return Err(TokenError::BelowMinimum.into());
        }
        Ok(data)
    }

    /// Writes a changed balance, with what follows from it: the account is born at the existential deposit and dies
    /// below it, reserved or frozen balance relies on it, and dust is destroyed.
    ///
    /// Fails, having done nothing, if the account cannot be what the balance needs it to be.
    pub(crate) fn store(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        before: &AccountInfo,
        data: AccountData,
    ) -> Result<(), Failure> {
        let mut after = *before;
        after.data = data;
        let provides = |data: &AccountData| data.free >= self.existential_deposit;
        let consumes = |data: &AccountData| data.reserved > 0 || data.frozen > 0;
        if !provides(&before.data) && provides(&data) {
            after.add_provider();
        }
        match (consumes(&before.data), consumes(&data)) {
            (false, true) => after.add_consumer()?,
            (true, false) => after.remove_consumer(),
            _ => {}
        }
        if provides(&before.data) && !provides(&data) {
            after.remove_provider()?;
        }
        let dust = if provides(&data) || data.reserved > 0 { 0 } else { data.free };
        after.data.free -= dust;
        self.lower_issuance(ctx, dust)?;
        self.system.store_account(ctx, who, before, &after);
        if before.data == AccountData::default() && after.data.free > 0 {
            ctx.emit(self.index, &Event::Endowed { account: *who, free_balance: after.data.free });
        }
        if dust > 0 {
            ctx.emit(self.index, &Event::DustLost { account: *who, amount: dust });
        }
        Ok(())
    }
}
