//! Letting another account vote, and no longer.

use basalt_primitives::{AccountId, Balance};
use basalt_support::{Context, Failure};

use crate::{
    Conviction, ConvictionVoting, Delegations, Error, Event, Poll, Polls,
    account::{Account, Delegation},
    overflow, underflow,
};

/// Whether power comes to a delegate or goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Comes,
    Goes,
}

impl<P: Polls> ConvictionVoting<P> {
    /// Returns how many votes the delegate and the delegator have.
    pub(crate) fn delegate(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        class: u16,
        target: AccountId,
        conviction: Conviction,
        balance: Balance,
    ) -> Result<(u32, u32), Failure> {
        if *who == target {
            return Err(self.error(Error::Nonsense));
        }
        if !self.polls.has_class(class) {
            return Err(self.error(Error::BadClass));
        }
        if balance > self.balances.total_balance(ctx, who)? {
            return Err(self.error(Error::InsufficientFunds));
        }
        let before = Account::load(ctx, who, class)?;
        if before.delegation.is_some() {
            return Err(self.error(Error::AlreadyDelegating));
        }
        let power = conviction.votes(balance).ok_or_else(overflow)?;
        let votes = self.move_power(ctx, class, &before, &target, power, Flow::Comes)?;
        let delegation = Some(Delegation { target, conviction, balance });
        Account { delegation, ..before.clone() }.store(ctx, who, class, &before);
        self.extend_lock(ctx, who, class, balance)?;
        ctx.emit(self.index, &Event::Delegated(*who, target, class));
        Ok(votes)
    }

    /// Returns how many votes the delegate and the delegator have.
    pub(crate) fn undelegate(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        class: u16,
    ) -> Result<(u32, u32), Failure> {
        let before = Account::load(ctx, who, class)?;
        let Some(Delegation { target, conviction, balance }) = before.delegation else {
            return Err(self.error(Error::NotDelegating));
        };
        let power = conviction.votes(balance).ok_or_else(overflow)?;
        let votes = self.move_power(ctx, class, &before, &target, power, Flow::Goes)?;
        let now = ctx.block_number();
        let until = self.unlock_at(ctx, now, conviction.lock_periods())?;
        let prior = before.prior.at(now);
        let prior = if until > now { prior.accumulated(until, balance) } else { prior };
        Account { delegation: None, prior, ..before.clone() }.store(ctx, who, class, &before);
        ctx.emit(self.index, &Event::Undelegated(*who, class));
        Ok(votes)
    }

    /// Adds a delegator's power to its delegate, or takes it away: in the sum of what the delegate was given, in the polls
    /// where the delegate votes and the delegator does not, and among what is overridden where the delegator votes.
    fn move_power(
        &self,
        ctx: &mut Context<'_, '_>,
        class: u16,
        delegator: &Account,
        target: &AccountId,
        power: Delegations,
        flow: Flow,
    ) -> Result<(u32, u32), Failure> {
        let before = Account::load(ctx, target, class)?;
        for (poll, vote) in &before.votes {
            let Some(aye) = vote.as_standard() else { continue };
            if delegator.vote(*poll).is_some() {
                continue;
            }
            if let Poll::Ongoing(tally, _) = self.polls.poll(ctx, *poll)? {
                let tally = match flow {
                    Flow::Comes => tally.increased(aye, power).ok_or_else(overflow)?,
                    Flow::Goes => tally.reduced(aye, power).ok_or_else(underflow)?,
                };
                self.polls.set_tally(ctx, *poll, tally)?;
            }
        }
        for (poll, _) in &delegator.votes {
            match flow {
                Flow::Comes => self.add_overridden(ctx, *poll, target, power)?,
                Flow::Goes => self.remove_overridden(ctx, *poll, target, power)?,
            }
        }
        let delegations = match flow {
            Flow::Comes => before.delegations.checked_add(power).ok_or_else(overflow)?,
            Flow::Goes => before.delegations.checked_sub(power).ok_or_else(underflow)?,
        };
        let count = |account: &Account| u32::try_from(account.votes.len()).unwrap_or(u32::MAX);
        let votes = (count(&before), count(delegator));
        Account { delegations, ..before.clone() }.store(ctx, target, class, &before);
        Ok(votes)
    }
}
