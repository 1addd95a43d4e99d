//! An account's votes in one class, as one value: what the state keeps in two items.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, Balance, BlockNumber};
use basalt_state::{StateError, StateRead};
use basalt_support::Context;

use crate::{
    Conviction, Delegations, OVERRIDING_VOTES, VOTING_FOR,
    vote::{AccountVote, Casting, Delegating, PriorLock, Voting},
};

/// Who votes for an account, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delegation {
    pub(crate) target: AccountId,
    pub(crate) conviction: Conviction,
    pub(crate) balance: Balance,
}

/// How an account votes in one class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Its own votes, by poll. They come before its delegation.
    pub(crate) votes: Vec<(u32, AccountVote)>,
    pub(crate) delegation: Option<Delegation>,
    /// What others delegate to it.
    pub(crate) delegations: Delegations,
    pub(crate) prior: PriorLock,
}

impl Account {
    pub(crate) fn load(
        state: &(impl StateRead + ?Sized),
        who: &AccountId,
        class: u16,
    ) -> Result<Self, StateError> {
        Ok(match VOTING_FOR.get_or_default(state, who, &class)? {
            Voting::Casting(Casting { votes, delegations, prior }) => {
                Self { votes, delegation: None, delegations, prior }
            }
            Voting::Delegating(Delegating { balance, target, conviction, delegations, prior }) => Self {
                votes: OVERRIDING_VOTES.get_or_default(state, who, &class)?,
                delegation: Some(Delegation { target, conviction, balance }),
                delegations,
                prior,
            },
        })
    }

    /// Writes it; `before` is what was loaded.
    pub(crate) fn store(self, ctx: &mut Context<'_, '_>, who: &AccountId, class: u16, before: &Self) {
        if before.delegation.is_some() && !before.votes.is_empty() && self.delegation.is_none() {
            OVERRIDING_VOTES.remove(ctx, who, &class);
        }
        let Some(Delegation { target, conviction, balance }) = self.delegation else {
            let casting = Casting { votes: self.votes, delegations: self.delegations, prior: self.prior };
            if casting == Casting::default() {
                VOTING_FOR.remove(ctx, who, &class);
            } else {
                VOTING_FOR.put(ctx, who, &class, &Voting::Casting(casting));
            }
            return;
        };
        let delegating =
            Delegating { balance, target, conviction, delegations: self.delegations, prior: self.prior };
        VOTING_FOR.put(ctx, who, &class, &Voting::Delegating(delegating));
        let stored = if before.delegation.is_some() { before.votes.as_slice() } else { &[] };
        match (self.votes.is_empty(), stored.is_empty()) {
            (true, true) => {}
            (true, false) => OVERRIDING_VOTES.remove(ctx, who, &class),
            (false, _) if stored == self.votes => {}
            (false, _) => OVERRIDING_VOTES.put(ctx, who, &class, &self.votes),
        }
    }

    /// Where a poll's vote is, or belongs.
    pub(crate) fn place(&self, poll: u32) -> Result<usize, usize> {
        self.votes.binary_search_by_key(&poll, |(poll, _)| *poll)
    }

    /// Its own vote in a poll.
    pub(crate) fn vote(&self, poll: u32) -> Option<&AccountVote> {
        self.votes.get(self.place(poll).ok()?).map(|(_, vote)| vote)
    }

    /// What has to stay locked at this block.
    pub(crate) fn locked(&self, now: BlockNumber) -> Balance {
        let votes = self.votes.iter().filter_map(|(_, vote)| vote.balance());
        let delegated = self.delegation.map(|delegation| delegation.balance);
        votes.chain(delegated).fold(self.prior.at(now).1, Balance::max)
    }
}
