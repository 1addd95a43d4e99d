//! What must hold in every state, counted anew from every account's votes.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
};

use basalt_pallet_balances::LOCKS;
use basalt_pallet_system::NUMBER;
use basalt_primitives::AccountId;
use basalt_state::{StateError, StateRead};

use crate::{
    CLASS_LOCKS_FOR, ConvictionVoting, Delegations, LOCK_ID, OVERRIDDEN, OVERRIDING_VOTES, Poll, Polls,
    Tally, VOTING_FOR, account::Account, vote::Voting,
};

type Accounts = BTreeMap<(u16, AccountId), Account>;

/// What each poll with votes counts, by the definition.
fn recount(accounts: &Accounts) -> Option<BTreeMap<u32, (u16, Tally)>> {
    let mut tallies: BTreeMap<u32, (u16, Tally)> = BTreeMap::new();
    for ((class, _), account) in accounts {
        for (poll, vote) in &account.votes {
            let (_, tally) = tallies.entry(*poll).or_insert((*class, Tally::default()));
            *tally = tally.added(vote)?;
        }
        let Some(delegation) = account.delegation else { continue };
        let power = delegation.conviction.votes(delegation.balance)?;
        let Some(target) = accounts.get(&(*class, delegation.target)) else { continue };
        for (poll, vote) in &target.votes {
            if account.vote(*poll).is_some() {
                continue;
            }
            if let Some(aye) = vote.as_standard() {
                let (_, tally) = tallies.entry(*poll).or_insert((*class, Tally::default()));
                *tally = tally.increased(aye, power)?;
            }
        }
    }
    Some(tallies)
}

impl<P: Polls> ConvictionVoting<P> {
    pub(crate) fn check(&self, state: &dyn StateRead) -> Result<(), String> {
        self.checked(state).map_err(|error| error.to_string())?
    }

    fn checked(&self, state: &dyn StateRead) -> Result<Result<(), String>, StateError> {
        let mut accounts = Accounts::new();
        let mut overriding = 0u32;
        for entry in VOTING_FOR.iter(state) {
            let (who, class, voting) = entry?;
            let account = Account::load(state, &who, class)?;
            if matches!(voting, Voting::Delegating(_)) && !account.votes.is_empty() {
                overriding += 1;
            }
            if !account.votes.is_sorted_by(|(one, _), (other, _)| one < other) {
                return Ok(Err(format!("the votes of {who} in class {class} are not in order")));
            }
            accounts.insert((class, who), account);
        }
        let stored = OVERRIDING_VOTES.iter(state).try_fold(0u32, |count, entry| entry.map(|_| count + 1))?;
        if stored != overriding {
            return Ok(Err(format!(
                "{stored} lists of overriding votes, {overriding} of accounts that delegate"
            )));
        }
        let Some(tallies) = recount(&accounts) else {
            return Ok(Err("the votes are too many to add".into()));
        };
        for (poll, (class, counted)) in tallies {
            if let Poll::Ongoing(tally, of) = self.polls.poll(state, poll)?
                && (tally, of) != (counted, class)
            {
                return Ok(Err(format!(
                    "the tally of poll {poll} (class {of}) is {tally:?}, its votes (class {class}) are {counted:?}"
                )));
            }
        }
        if let Err(what) = self.check_delegations(state, &accounts)? {
            return Ok(Err(what));
        }
        self.check_locks(state, &accounts)
    }

    fn check_delegations(
        &self,
        state: &dyn StateRead,
        accounts: &Accounts,
    ) -> Result<Result<(), String>, StateError> {
        let mut given: BTreeMap<(u16, AccountId), Delegations> = BTreeMap::new();
        let mut overridden: BTreeMap<(u32, AccountId), Delegations> = BTreeMap::new();
        for ((class, who), account) in accounts {
            let Some(delegation) = account.delegation else { continue };
            let power = delegation.conviction.votes(delegation.balance);
            let sum = |sum: &mut Delegations| match power.and_then(|power| sum.checked_add(power)) {
                Some(more) => {
                    *sum = more;
                    Ok(())
                }
                None => Err(format!("the delegation of {who} is too large")),
            };
            if let Err(what) = sum(given.entry((*class, delegation.target)).or_default()) {
                return Ok(Err(what));
            }
            for (poll, _) in &account.votes {
                if let Err(what) = sum(overridden.entry((*poll, delegation.target)).or_default()) {
                    return Ok(Err(what));
                }
            }
        }
        for ((class, who), account) in accounts {
            let sum = given.remove(&(*class, *who)).unwrap_or_default();
            if sum != account.delegations {
                return Ok(Err(format!("{who} has {:?} in class {class}, not {sum:?}", account.delegations)));
            }
        }
        given.retain(|_, sum| *sum != Delegations::default());
        if let Some(((class, who), _)) = given.first_key_value() {
            return Ok(Err(format!("{who} does not know of its delegations in class {class}")));
        }
        for entry in OVERRIDDEN.iter(state) {
            let (poll, who, stored) = entry?;
            let sum = overridden.remove(&(poll, who)).unwrap_or_default();
            if sum != stored {
                return Ok(Err(format!("{stored:?} of {who} is overridden in poll {poll}, not {sum:?}")));
            }
        }
        overridden.retain(|_, sum| *sum != Delegations::default());
        Ok(match overridden.first_key_value() {
            Some(((poll, who), _)) => Err(format!("what is overridden of {who} in poll {poll} is missing")),
            None => Ok(()),
        })
    }

    fn check_locks(
        &self,
        state: &dyn StateRead,
        accounts: &Accounts,
    ) -> Result<Result<(), String>, StateError> {
        let now = NUMBER.get_or_default(state)?;
        for ((class, who), account) in accounts {
            let locks = CLASS_LOCKS_FOR.get_or_default(state, who)?;
            let of_class = locks.iter().find(|(of, _)| of == class).map_or(0, |(_, amount)| *amount);
            let needed = account.locked(now);
            if of_class < needed {
                return Ok(Err(format!(
                    "{who} has {of_class} locked for class {class}, {needed} are needed"
                )));
            }
        }
        for entry in CLASS_LOCKS_FOR.iter(state) {
            let (who, locks) = entry?;
            let largest = locks.iter().map(|(_, amount)| *amount).max().unwrap_or(0);
            let all = LOCKS.get_or_default(state, &who)?;
            let locked = all.iter().find(|lock| lock.id == LOCK_ID).map_or(0, |lock| lock.amount);
            if locked != largest {
                return Ok(Err(format!("{who} has {locked} locked for its votes, not {largest}")));
            }
        }
        Ok(Ok(()))
    }
}
