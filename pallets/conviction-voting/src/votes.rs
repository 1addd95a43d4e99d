//! Voting, and taking a vote back.

use basalt_primitives::AccountId;
use basalt_support::{Context, Failure};

use crate::{
    ConvictionVoting, Delegations, Error, Event, OVERRIDDEN, Poll, Polls, Tally, VOTES_MAX, account::Account,
    overflow, underflow, vote::AccountVote,
};

/// On whose wish a vote is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The voter's.
    Any,
    /// Anybody's: only what costs the voter nothing.
    OnlyExpired,
}

impl<P: Polls> ConvictionVoting<P> {
    pub(crate) fn vote(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        poll: u32,
        vote: AccountVote,
    ) -> Result<(), Failure> {
        let balance = vote.balance().filter(|balance| *balance <= u128::MAX / 6).ok_or_else(overflow)?;
        if balance > self.balances.total_balance(ctx, who)? {
            return Err(self.error(Error::InsufficientFunds));
        }
        let Poll::Ongoing(mut tally, class) = self.polls.poll(ctx, poll)? else {
            return Err(self.error(Error::NotOngoing));
        };
        let before = Account::load(ctx, who, class)?;
        let mut account = before.clone();
        match account.place(poll) {
            Ok(at) => {
                if let Some((_, old)) = account.votes.get_mut(at) {
                    tally = self.without(ctx, tally, poll, who, &before, old)?;
                    *old = vote;
                }
            }
            Err(_) if account.votes.len() >= VOTES_MAX as usize => {
                return Err(self.error(Error::MaxVotesReached));
            }
            Err(at) => {
                account.votes.insert(at, (poll, vote));
                tally = self.override_delegation(ctx, tally, poll, class, &before)?;
            }
        }
        tally = tally.added(&vote).ok_or_else(overflow)?;
        if let Some(aye) = vote.as_standard() {
            let carried = self.carried(ctx, poll, who, &account)?;
            tally = tally.increased(aye, carried).ok_or_else(overflow)?;
        }
        account.store(ctx, who, class, &before);
        self.polls.set_tally(ctx, poll, tally)?;
        self.extend_lock(ctx, who, class, balance)?;
        ctx.emit(self.index, &Event::Voted { who: *who, vote, poll_index: poll });
        Ok(())
    }

    pub(crate) fn remove_vote(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        poll: u32,
        class: Option<u16>,
        scope: Scope,
    ) -> Result<(), Failure> {
        let status = self.polls.poll(ctx, poll)?;
        let class = match (class, status) {
            (Some(class), _) | (None, Poll::Ongoing(_, class)) => class,
            (None, _) => return Err(self.error(Error::ClassNeeded)),
        };
        let before = Account::load(ctx, who, class)?;
        let place = before.place(poll).map_err(|_| self.error(Error::NotVoter))?;
        let mut account = before.clone();
        let (_, vote) = account.votes.remove(place);
        match status {
            Poll::Ongoing(tally, _) => {
                if scope == Scope::OnlyExpired {
                    return Err(self.error(Error::NoPermission));
                }
                let tally = self.without(ctx, tally, poll, who, &before, &vote)?;
                let tally = self.restore_delegation(ctx, Some(tally), poll, class, &before)?;
                if let Some(tally) = tally {
                    self.polls.set_tally(ctx, poll, tally)?;
                }
                ctx.emit(self.index, &Event::VoteRemoved { who: *who, vote, poll_index: poll });
            }
            Poll::Completed(end, approved) => {
                if let Some((periods, balance)) = vote.locked_if(approved) {
                    let until = self.unlock_at(ctx, end, periods)?;
                    if ctx.block_number() < until {
                        if scope == Scope::OnlyExpired {
                            return Err(self.error(Error::NoPermissionYet));
                        }
                        account.prior = account.prior.at(ctx.block_number()).accumulated(until, balance);
                    }
                }
                self.restore_delegation(ctx, None, poll, class, &before)?;
            }
            Poll::None => {
                self.restore_delegation(ctx, None, poll, class, &before)?;
            }
        }
        account.store(ctx, who, class, &before);
        Ok(())
    }

    /// The tally without an account's own vote, and without what that carries for others.
    fn without(
        &self,
        ctx: &Context<'_, '_>,
        tally: Tally,
        poll: u32,
        who: &AccountId,
        account: &Account,
        vote: &AccountVote,
    ) -> Result<Tally, Failure> {
        let tally = tally.removed(vote).ok_or_else(underflow)?;
        let Some(aye) = vote.as_standard() else { return Ok(tally) };
        tally.reduced(aye, self.carried(ctx, poll, who, account)?).ok_or_else(underflow)
    }

    /// What a one-way vote of this account carries for others in a poll: those who have delegated to it and do not vote
    /// there themselves.
    pub(crate) fn carried(
        &self,
        ctx: &Context<'_, '_>,
        poll: u32,
        who: &AccountId,
        account: &Account,
    ) -> Result<Delegations, Failure> {
        let overridden = OVERRIDDEN.get_or_default(ctx, &poll, who)?;
        account.delegations.checked_sub(overridden).ok_or_else(underflow)
    }

    /// Takes what an account has delegated out of its delegate's vote in a poll.
    fn override_delegation(
        &self,
        ctx: &mut Context<'_, '_>,
        tally: Tally,
        poll: u32,
        class: u16,
        account: &Account,
    ) -> Result<Tally, Failure> {
        let Some(delegation) = account.delegation else { return Ok(tally) };
        let power = delegation.conviction.votes(delegation.balance).ok_or_else(overflow)?;
        self.add_overridden(ctx, poll, &delegation.target, power)?;
        let target = Account::load(ctx, &delegation.target, class)?;
        match target.vote(poll).and_then(AccountVote::as_standard) {
            Some(aye) => tally.reduced(aye, power).ok_or_else(underflow),
            None => Ok(tally),
        }
    }

    /// Gives what an account has delegated back to its delegate's vote in a poll; without a tally if the poll has ended.
    fn restore_delegation(
        &self,
        ctx: &mut Context<'_, '_>,
        tally: Option<Tally>,
        poll: u32,
        class: u16,
        account: &Account,
    ) -> Result<Option<Tally>, Failure> {
        let Some(delegation) = account.delegation else { return Ok(tally) };
        let power = delegation.conviction.votes(delegation.balance).ok_or_else(overflow)?;
        self.remove_overridden(ctx, poll, &delegation.target, power)?;
        let Some(tally) = tally else { return Ok(None) };
        let target = Account::load(ctx, &delegation.target, class)?;
        match target.vote(poll).and_then(AccountVote::as_standard) {
            Some(aye) => tally.increased(aye, power).map(Some).ok_or_else(overflow),
            None => Ok(Some(tally)),
        }
    }

    pub(crate) fn add_overridden(
        &self,
        ctx: &mut Context<'_, '_>,
        poll: u32,
        target: &AccountId,
        power: Delegations,
    ) -> Result<(), Failure> {
        let overridden = OVERRIDDEN.get_or_default(ctx, &poll, target)?;
        let overridden = overridden.checked_add(power).ok_or_else(overflow)?;
        if overridden != Delegations::default() {
            OVERRIDDEN.put(ctx, &poll, target, &overridden);
        }
        Ok(())
    }

    pub(crate) fn remove_overridden(
        &self,
        ctx: &mut Context<'_, '_>,
        poll: u32,
        target: &AccountId,
        power: Delegations,
    ) -> Result<(), Failure> {
        let overridden = OVERRIDDEN.get_or_default(ctx, &poll, target)?;
        let overridden = overridden.checked_sub(power).ok_or_else(underflow)?;
        if overridden == Delegations::default() {
            OVERRIDDEN.remove(ctx, &poll, target);
        } else {
            OVERRIDDEN.put(ctx, &poll, target, &overridden);
        }
        Ok(())
    }
}
