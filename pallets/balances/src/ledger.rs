//! How one account's balance changes: the rules as pure functions, and the one place that writes.

use basalt_pallet_system::{AccountData, AccountInfo, OpenAccount};
use basalt_primitives::{AccountId, ArithmeticError, Balance, TokenError};
use basalt_state::{Condition, StateError, StateRead, StateWrite};
use basalt_support::{Context, Failure};

use crate::{Balances, Event, SYSTEM_ACCOUNT};

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
        Ok(self.reducible(&self.system.account(state, who)?, keep_alive))
    }

    /// [`Balances::reducible_balance`] of an account that was read.
    pub fn reducible(&self, info: &AccountInfo, keep_alive: bool) -> Balance {
        let frozen = info.data.frozen.saturating_sub(info.data.reserved);
        let must_live = keep_alive || !info.can_lose_provider();
        let untouchable = if must_live { frozen.max(self.existential_deposit) } else { frozen };
        info.data.free.saturating_sub(untouchable)
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
        let mut sender = self.system.open_account(ctx, from)?;
        let sender_data = self.debited(&sender.info, amount, keep_alive)?;
        if from == to {
            return self.credited(&sender.info, amount).map(drop);
        }
        if self.credit(ctx, to, amount)? {
            // It does not fail: what it could refuse to an account that pays, `debited` has refused.
            self.store(ctx, &mut sender, sender_data)?;
        } else {
            let mut receiver = self.system.open_account(ctx, to)?;
            let receiver_data = self.credited(&receiver.info, amount)?;
            self.store(ctx, &mut sender, sender_data)?;
            self.store(ctx, &mut receiver, receiver_data)?;
        }
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
        let mut account = self.system.open_account(ctx, who)?;
        self.take_from(ctx, &mut account, amount, keep_alive)
    }

    /// [`Balances::take`] from an account in hand; writes what else has changed in it, too.
    pub fn take_from(
        &self,
        ctx: &mut Context<'_, '_>,
        account: &mut OpenAccount<'_>,
        amount: Balance,
        keep_alive: bool,
    ) -> Result<(), Failure> {
        let data = self.debited(&account.info, amount, keep_alive)?;
        self.store(ctx, account, data)?;
        if amount > 0 {
            ctx.emit(self.index, &Event::Withdraw { who: *account.who(), amount });
        }
        Ok(())
    }

    /// Puts an amount that the caller took or issued into the account (`Deposit`), which it may create.
    ///
    /// Fails, having done nothing, with `BelowMinimum` if the account would own less than the existential deposit.
    pub fn give(&self, ctx: &mut Context<'_, '_>, who: &AccountId, amount: Balance) -> Result<(), Failure> {
        if !self.credit(ctx, who, amount)? {
            let mut account = self.system.open_account(ctx, who)?;
            let data = self.credited(&account.info, amount)?;
            self.store(ctx, &mut account, data)?;
        }
        if amount > 0 {
            ctx.emit(self.index, &Event::Deposit { who: *who, amount });
        }
        Ok(())
    }

    /// Adds an amount to an account that owns the existential deposit already, without reading it. Returns whether it
    /// did; if not, nothing happened.
    ///
    /// Nothing but the free balance of such an account changes when it is paid: it has its provider, it stays above the
    /// existential deposit, and nobody is told that it was born. So transactions that pay one account do not conflict.
    pub(crate) fn credit(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        amount: Balance,
    ) -> Result<bool, StateError> {
        let Some(delta) = i128::try_from(amount).ok().filter(|delta| *delta > 0) else { return Ok(false) };
        let condition = Condition {
            offset: AccountInfo::FREE_OFFSET,
            least: self.existential_deposit,
            most: Balance::MAX - amount,
        };
        let account = SYSTEM_ACCOUNT.at_known(ctx.known(), who);
        ctx.add_if(account.key(), &condition, delta)
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
        account: &mut OpenAccount<'_>,
        data: AccountData,
    ) -> Result<(), Failure> {
        let before = account.info.data;
        let mut after = account.info;
        after.data = data;
        let provides = |data: &AccountData| data.free >= self.existential_deposit;
        let consumes = |data: &AccountData| data.reserved > 0 || data.frozen > 0;
        if !provides(&before) && provides(&data) {
            after.add_provider();
        }
        match (consumes(&before), consumes(&data)) {
            (false, true) => after.add_consumer()?,
            (true, false) => after.remove_consumer(),
            _ => {}
        }
        if provides(&before) && !provides(&data) {
            after.remove_provider()?;
        }
        let dust = if provides(&data) || data.reserved > 0 { 0 } else { data.free };
        after.data.free -= dust;
        self.lower_issuance(ctx, dust)?;
        account.info = after;
        self.system.store_account(ctx, account);
        if before == AccountData::default() && after.data.free > 0 {
            ctx.emit(self.index, &Event::Endowed { account: *account.who(), free_balance: after.data.free });
        }
        if dust > 0 {
            ctx.emit(self.index, &Event::DustLost { account: *account.who(), amount: dust });
        }
        Ok(())
    }
}
