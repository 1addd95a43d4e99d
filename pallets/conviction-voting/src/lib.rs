//! Vote with locked tokens, and let others vote with them.
//!
//! # Responsibility
//!
//! - Votes of accounts in polls: one way with conviction, or split; the poll's [`Tally`] follows each of them.
//! - Delegation of an account's power in a class of polls; a vote of its own comes before it, poll by poll.
//! - The lock (`pyconvot`) that votes and delegations demand, until they no longer do.
//!
//! # How tallies stay exact
//!
//! What a poll counts is, by definition:
//!
//! ```text
//! sum of all votes in it
//!   + for each one-way vote of an account d: what those have delegated to d who have no vote of their own in it
//! ```
//!
//! So a delegator who votes takes exactly its power out of its delegate's vote, in that poll alone, and whoever removes
//! that vote puts it back. Nobody has to look through all of d's delegators for that: d's account knows the sum of what it
//! was given (`delegations`), and [`OVERRIDDEN`] knows for a poll and d how much of that votes itself. Whoever votes,
//! changes, removes, delegates or undelegates changes the two and the tally by the same amounts, with checked arithmetic.
//! Split votes carry no delegations, and delegations are not passed on. The property tests compare every tally with the
//! definition; `try_state` does so on any state.
//!
//! Substrate's classic pallet does not let an account vote while it delegates. Its newest one does, with the same outcome,
//! but keeps what is overridden in the delegate's own list of votes, where strangers can fill it up, and changes the layout
//! of `VotingFor`. Here `VotingFor` stays as wallets read it, and the rest is in two items beside it.
//!
//! # State
//!
//! | item                    | value                                             |
//! |-------------------------|---------------------------------------------------|
//! | `VotingFor`             | how an account votes in a class                   |
//! | `ClassLocksFor`         | what each class demands to be locked              |
//! | `OverridingVotes`       | own votes of accounts that delegate               |
//! | `OverriddenDelegations` | by poll and delegate: delegations that vote themselves |
//!
//! # Invariants
//!
//! - Every tally is what the definition says. The lock is the largest of the class locks, and each of those is at least
//!   what votes, delegation and earlier locks of the class demand.
//!
//! # Assumptions
//!
//! A poll that has ended never goes on; its class never changes.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod account;
mod check;
pub mod conviction;
mod delegate;
pub mod pallet;
#[cfg(test)]
mod tests;
pub mod types;
pub mod vote;
mod votes;

use alloc::{string::String, vec::Vec};

use basalt_pallet_balances::{Balances, types::Reasons};
use basalt_primitives::{
    AccountId, ArithmeticError, Balance, BlockNumber, DispatchError, MultiAddress, Weight,
};
use basalt_state::{StateError, StateRead};
use basalt_support::{
    CallResult, Context, DispatchInfo, DoubleMap, Failure, Map, Origin, Pallet, PostInfo,
    metadata::{Constant, PalletMetadata},
    module_error,
    storage::{Blake2_128Concat, Twox64Concat},
    weight,
};
use scale_info::meta_type;

use account::Account;
pub use conviction::Conviction;
pub use pallet::{Call, Error, Event};
pub use types::{Delegations, Tally};
pub use vote::{AccountVote, Vote, Voting};

/// The lock's name: as on Substrate chains.
pub const LOCK_ID: [u8; 8] = *b"pyconvot";
/// The most votes that an account may have in a class, those in ended polls counted until they are removed.
pub const VOTES_MAX: u32 = 128;

/// How an account votes in a class of polls.
pub const VOTING_FOR: DoubleMap<Twox64Concat, AccountId, Twox64Concat, u16, Voting> =
    DoubleMap::defaulted("ConvictionVoting", "VotingFor");
/// What each class demands to be locked; the lock is the largest.
pub const CLASS_LOCKS_FOR: Map<Twox64Concat, AccountId, Vec<(u16, Balance)>> =
    Map::defaulted("ConvictionVoting", "ClassLocksFor");
/// The own votes of accounts that delegate.
pub const OVERRIDING_VOTES: DoubleMap<
    Blake2_128Concat,
    AccountId,
    Twox64Concat,
    u16,
    Vec<(u32, AccountVote)>,
> = DoubleMap::defaulted("ConvictionVoting", "OverridingVotes");
/// By poll and delegate: what others have delegated and use for votes of their own.
pub const OVERRIDDEN: DoubleMap<Twox64Concat, u32, Blake2_128Concat, AccountId, Delegations> =
    DoubleMap::defaulted("ConvictionVoting", "OverriddenDelegations");

/// How it stands with a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poll {
    /// It can be voted in: its votes so far, and its class.
    Ongoing(Tally, u16),
    /// It has ended, at this block, with this outcome.
    Completed(BlockNumber, bool),
    /// There is none, or it ended without an outcome.
    None,
}

/// What can be voted in.
pub trait Polls {
    /// Whether there is such a class of polls.
    fn has_class(&self, class: u16) -> bool;

    /// How many classes there are.
    fn classes(&self) -> u32;

    /// How it stands with a poll: one read.
    fn poll(&self, state: &(impl StateRead + ?Sized), index: u32) -> Result<Poll, StateError>;

    /// Changes the votes of a poll that can be voted in.
    fn set_tally(&self, ctx: &mut Context<'_, '_>, index: u32, tally: Tally) -> Result<(), Failure>;

    /// What [`Polls::set_tally`] weighs at most, besides reading the poll.
    fn tally_weight(&self) -> Weight;
}

/// The pallet. `P` has the polls.
#[derive(Debug, Clone, Copy)]
pub struct ConvictionVoting<P> {
    /// Its index in the runtime.
    pub index: u8,
    /// The token.
    pub balances: Balances,
    /// The polls.
    pub polls: P,
    /// For how many blocks one times the least conviction locks.
    pub lock_period: fn(&dyn StateRead) -> Result<BlockNumber, StateError>,
    /// The same as clients are told, on chains that do not change it.
    pub lock_period_default: BlockNumber,
}

impl<P: Polls> ConvictionVoting<P> {
    fn error(&self, error: Error) -> Failure {
        module_error(self.index, &error)
    }

    /// The block until which a lock that begins at `from` lasts.
    fn unlock_at(
        &self,
        ctx: &Context<'_, '_>,
        from: BlockNumber,
        periods: u32,
    ) -> Result<BlockNumber, StateError> {
        Ok(from.saturating_add((self.lock_period)(ctx)?.saturating_mul(periods)))
    }

    /// Demands that this much is locked, at least.
    fn extend_lock(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        class: u16,
        amount: Balance,
    ) -> Result<(), Failure> {
        let mut locks = CLASS_LOCKS_FOR.get_or_default(ctx, who)?;
        match locks.iter_mut().find(|(of, _)| *of == class) {
            Some((_, lock)) if *lock >= amount => return Ok(()),
            Some((_, lock)) => *lock = amount,
            None if amount == 0 => return Ok(()),
            None => locks.push((class, amount)),
        }
        self.store_locks(ctx, who, &locks)
    }

    /// Demands no more than what votes, delegation and earlier locks of the class do now.
    fn update_lock(&self, ctx: &mut Context<'_, '_>, who: &AccountId, class: u16) -> Result<(), Failure> {
        let now = ctx.block_number();
        let before = Account::load(ctx, who, class)?;
        let account = Account { prior: before.prior.at(now), ..before.clone() };
        let needed = account.locked(now);
        account.store(ctx, who, class, &before);
        let mut locks = CLASS_LOCKS_FOR.get_or_default(ctx, who)?;
        locks.retain(|(of, _)| *of != class);
        if needed > 0 {
            locks.push((class, needed));
        }
        self.store_locks(ctx, who, &locks)
    }

    fn store_locks(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        locks: &Vec<(u16, Balance)>,
    ) -> Result<(), Failure> {
        let largest = locks.iter().map(|(_, amount)| *amount).max().unwrap_or(0);
        if locks.is_empty() {
            CLASS_LOCKS_FOR.remove(ctx, who);
        } else {
            CLASS_LOCKS_FOR.put(ctx, who, locks);
        }
        // Who has no account any more has no lock to remove.
        if largest == 0 && self.balances.total_balance(ctx, who)? == 0 {
            return Ok(());
        }
        self.balances.set_lock(ctx, LOCK_ID, who, largest, Reasons::All)
    }

    fn dispatch_inner(
        &self,
        call: Call,
        origin: Origin,
        ctx: &mut Context<'_, '_>,
    ) -> Result<Option<Weight>, Failure> {
        let who = origin.signed()?;
        match call {
            Call::vote { poll_index, vote } => self.vote(ctx, &who, poll_index, vote).map(|()| None),
            Call::delegate { class, to, conviction, balance } => {
                let target = lookup(&to)?;
                let votes = self.delegate(ctx, &who, class, target, conviction, balance)?;
                Ok(Some(self.delegate_weight(votes)))
            }
            Call::undelegate { class } => {
                let votes = self.undelegate(ctx, &who, class)?;
                Ok(Some(self.delegate_weight(votes)))
            }
            Call::unlock { class, target } => {
                let target = lookup(&target)?;
                if !self.polls.has_class(class) {
                    return Err(self.error(Error::BadClass));
                }
                self.update_lock(ctx, &target, class)?;
                ctx.emit(self.index, &Event::VoteUnlocked { who: target, class });
                Ok(None)
            }
            Call::remove_vote { class, index } => {
                self.remove_vote(ctx, &who, index, class, votes::Scope::Any).map(|()| None)
            }
            Call::remove_other_vote { target, class, index } => {
                let target = lookup(&target)?;
                let scope = if target == who { votes::Scope::Any } else { votes::Scope::OnlyExpired };
                self.remove_vote(ctx, &target, index, Some(class), scope).map(|()| None)
            }
        }
    }

    /// Keys that are read and written whatever happens: account, lock and class locks, freezes; both accounts' votes; the
    /// poll; what is overridden of both.
    fn vote_weight(&self) -> Weight {
        weight::operations(11, 8).saturating_add(self.polls.tally_weight())
    }

    /// With so many votes of the delegate, each of whose polls may change, and so many of the delegator.
    fn delegate_weight(&self, (of_target, own): (u32, u32)) -> Weight {
        let poll = weight::READ.saturating_add(self.polls.tally_weight());
        let overridden = weight::READ.saturating_add(weight::WRITE);
        weight::operations(9, 8)
            .saturating_add(poll.saturating_mul(of_target.into()))
            .saturating_add(overridden.saturating_mul(own.into()))
    }
}

/// The account that an address names.
fn lookup(address: &MultiAddress) -> Result<AccountId, Failure> {
    address.account_id().ok_or(Failure::Dispatch(DispatchError::CannotLookup))
}

/// For sums of votes that do not fit, which takes more tokens than there can be.
fn overflow() -> Failure {
    ArithmeticError::Overflow.into()
}

/// For differences that cannot be, as what is removed was added before.
fn underflow() -> Failure {
    ArithmeticError::Underflow.into()
}

impl<P: Polls> Pallet for ConvictionVoting<P> {
    const NAME: &'static str = "ConvictionVoting";
    type Call = Call;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [
                VOTING_FOR.entry(&["How an account votes in a class of polls."]),
                CLASS_LOCKS_FOR.entry(&["What each class demands to be locked; the lock is the largest."]),
                OVERRIDING_VOTES.entry(&["The own votes of accounts that delegate."]),
                OVERRIDDEN.entry(&["By poll and delegate: delegations whose owners vote themselves."]),
            ]
            .into(),
            calls: Some(meta_type::<Call>()),
            event: Some(meta_type::<Event>()),
            error: Some(meta_type::<Error>()),
            constants: [
                Constant::new("MaxVotes", &VOTES_MAX, &["The most votes of an account in a class."]),
                Constant::new(
                    "VoteLockingPeriod",
                    &self.lock_period_default,
                    &["For how many blocks the least conviction locks."],
                ),
            ]
            .into(),
            docs: ["Vote with locked tokens, and let others vote with them."].into(),
        }
    }

    fn info(&self, call: &Call) -> DispatchInfo {
        DispatchInfo::normal(match call {
            Call::vote { .. } | Call::remove_vote { .. } | Call::remove_other_vote { .. } => {
                self.vote_weight()
            }
            Call::delegate { .. } | Call::undelegate { .. } => self.delegate_weight((VOTES_MAX, VOTES_MAX)),
            Call::unlock { .. } => weight::operations(6, 5),
        })
    }

    fn dispatch(&self, call: Call, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        let actual_weight = self.dispatch_inner(call, origin, ctx)?;
        Ok(PostInfo { actual_weight, ..PostInfo::default() })
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        self.check(state)
    }
}
