//! Random sequences: tallies are recounted and locks compared with a model after each step.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Vote(u8, u32, AccountVote),
    Remove(u8, u32),
    RemoveOther(u8, u8, u32),
    Delegate(u8, u8, u16, Conviction, Balance),
    Undelegate(u8, u16),
    Unlock(u8, u16),
    Transfer(u8, u8, Balance),
    End(u32, Option<bool>),
    Later(u32),
}

fn conviction() -> impl Strategy<Value = Conviction> {
    proptest::sample::select(Conviction::ALL.to_vec())
}

fn any_vote() -> impl Strategy<Value = AccountVote> {
    let balance = || 0..START + 50;
    prop_oneof![
        4 => (any::<bool>(), conviction(), balance()).prop_map(|(aye, conviction, balance)| {
            AccountVote::Standard { vote: Vote { aye, conviction }, balance }
        }),
        1 => (0..START / 2, 0..START / 2).prop_map(|(aye, nay)| AccountVote::Split { aye, nay }),
        1 => (0..300u128, 0..300u128, 0..300u128)
            .prop_map(|(aye, nay, abstain)| AccountVote::SplitAbstain { aye, nay, abstain }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 1u8..7;
    prop_oneof![
        8 => (who(), 0u32..6, any_vote()).prop_map(|(who, poll, vote)| Step::Vote(who, poll, vote)),
        3 => (who(), 0u32..6).prop_map(|(who, poll)| Step::Remove(who, poll)),
        2 => (who(), who(), 0u32..6).prop_map(|(who, target, poll)| Step::RemoveOther(who, target, poll)),
        4 => (who(), who(), 0u16..2, conviction(), 0..START + 50)
            .prop_map(|(who, to, class, conviction, balance)| Step::Delegate(who, to, class, conviction, balance)),
        3 => (who(), 0u16..2).prop_map(|(who, class)| Step::Undelegate(who, class)),
        3 => (who(), 0u16..2).prop_map(|(who, class)| Step::Unlock(who, class)),
        2 => (who(), who(), 1..START).prop_map(|(from, to, amount)| Step::Transfer(from, to, amount)),
        1 => (0u32..6, any::<Option<bool>>()).prop_map(|(poll, how)| Step::End(poll, how)),
        2 => (1u32..40).prop_map(Step::Later),
    ]
}

fn account(who: u8) -> AccountId {
    AccountId32([who; 32])
}

fn class_of(poll: u32) -> u16 {
    u16::from(poll >= 4)
}

/// What an account has promised to keep, told from the steps that succeeded and from nothing in the state.
#[derive(Default)]
struct Promises {
    /// By voter and poll.
    votes: BTreeMap<(u8, u32), AccountVote>,
    /// By delegator and class.
    delegations: BTreeMap<(u8, u16), (u8, Conviction, Balance)>,
    ended: BTreeMap<u32, (BlockNumber, Option<bool>)>,
    /// Whose, until when, how much: what goes on after a vote or a delegation is gone.
    old: Vec<(u8, BlockNumber, Balance)>,
}

impl Promises {
    fn end_vote(&mut self, who: u8, poll: u32) {
        let Some(vote) = self.votes.remove(&(who, poll)) else { return };
        let Some((end, Some(approved))) = self.ended.get(&poll) else { return };
        if let Some((periods, balance)) = vote.locked_if(*approved) {
            self.old.push((who, end + periods * PERIOD, balance));
        }
    }

    /// What has to be locked of an account, at least.
    fn locked(&self, who: u8, now: BlockNumber) -> Balance {
        // A vote in a poll that ended needs no lock if it lost, or if its time is over.
        let votes = self.votes.iter().filter(|((of, _), _)| *of == who).filter_map(|((_, poll), vote)| {
            match self.ended.get(poll) {
                None => vote.balance(),
                Some((end, how)) => {
                    let (periods, balance) = vote.locked_if((*how)?)?;
                    (now < end + periods * PERIOD).then_some(balance)
                }
            }
        });
        let delegations =
            self.delegations.iter().filter(|((of, _), _)| *of == who).map(|(_, (_, _, balance))| *balance);
        let old = self.old.iter().filter(|(of, until, _)| *of == who && now < *until).map(|old| old.2);
        votes.chain(delegations).chain(old).max().unwrap_or(0)
    }

    /// What a poll counts, by the definition.
    fn tally(&self, poll: u32) -> Tally {
        let mut tally = Tally::default();
        for ((who, of), vote) in &self.votes {
            if *of != poll {
                continue;
            }
            tally = tally.added(vote).unwrap();
            let Some(aye) = vote.as_standard() else { continue };
            for ((delegator, class), (target, conviction, balance)) in &self.delegations {
                let votes_itself = self.votes.contains_key(&(*delegator, poll));
                if target == who && *class == class_of(poll) && !votes_itself {
                    tally = tally.increased(aye, conviction.votes(*balance).unwrap()).unwrap();
                }
            }
        }
        tally
    }
}

fn take(chain: &mut Chain, promises: &mut Promises, step: Step) {
    match step {
        Step::Vote(who, poll, vote) => {
            if chain.vote(account(who), poll, vote).is_ok() {
                promises.votes.insert((who, poll), vote);
            }
        }
        Step::Remove(who, poll) => {
            let class = Some(class_of(poll));
            if chain.call(account(who), Call::remove_vote { class, index: poll }).is_ok() {
                promises.end_vote(who, poll);
            }
        }
        Step::RemoveOther(who, target, poll) => {
            let call = Call::remove_other_vote {
                target: account(target).into(),
                class: class_of(poll),
                index: poll,
            };
            if chain.call(account(who), call).is_ok() {
                promises.end_vote(target, poll);
            }
        }
        Step::Delegate(who, to, class, conviction, balance) => {
            let call = Call::delegate { class, to: account(to).into(), conviction, balance };
            if chain.call(account(who), call).is_ok() {
                promises.delegations.insert((who, class), (to, conviction, balance));
            }
        }
        Step::Undelegate(who, class) => {
            if chain.call(account(who), Call::undelegate { class }).is_ok() {
                let (_, conviction, balance) = promises.delegations.remove(&(who, class)).unwrap();
                let until = chain.number + conviction.lock_periods() * PERIOD;
                promises.old.push((who, until, balance));
            }
        }
        Step::Unlock(who, class) => {
            chain.call(account(1), Call::unlock { class, target: account(who).into() }).unwrap();
        }
        Step::Transfer(from, to, amount) => {
            let _ = chain.run(|ctx| BALANCES.transfer(ctx, &account(from), &account(to), amount, false));
        }
        Step::End(poll, how) => {
            if promises.ended.insert(poll, (chain.number, how)).is_some() {
                return;
            }
            let entry = how.map_or(Entry::Cancelled, |approved| Entry::Completed(chain.number, approved));
            chain.run(|ctx| POLLS.put(ctx, &poll, &entry));
        }
        Step::Later(blocks) => {
            let later = chain.number + blocks;
            chain.at(later);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn tallies_are_recounts_and_no_lock_ends_early(steps in proptest::collection::vec(step(), 1..60)) {
        let mut chain = Chain::new();
        let mut promises = Promises::default();
        for step in steps {
            // `Chain` checks the pallet's own invariants after each step.
            take(&mut chain, &mut promises, step);
            for poll in (0..6).filter(|poll| !promises.ended.contains_key(poll)) {
                let Poll::Ongoing(tally, _) = Toy.poll(&chain.state, poll).unwrap() else { panic!() };
                prop_assert_eq!(tally, promises.tally(poll), "poll {}", poll);
            }
            for who in 1..7 {
                let (locked, needed) = (chain.locked(account(who)), promises.locked(who, chain.number));
                prop_assert!(locked >= needed, "{} has {} locked and promised {}", who, locked, needed);
                let owned = BALANCES.total_balance(&chain.state, &account(who)).unwrap();
                prop_assert!(owned >= needed, "{} owns {} and promised {}", who, owned, needed);
            }
        }
        // In the end everything can be had back.
        for who in 1..7 {
            for class in 0..2 {
                let _ = chain.call(account(who), Call::undelegate { class });
            }
            for poll in 0..6 {
                let class = Some(class_of(poll));
                let _ = chain.call(account(who), Call::remove_vote { class, index: poll });
            }
        }
        let end = chain.number + 32 * PERIOD;
        chain.at(end);
        for who in 1..7 {
            for class in 0..2 {
                chain.call(account(who), Call::unlock { class, target: account(who).into() }).unwrap();
            }
            prop_assert_eq!(chain.locked(account(who)), 0);
        }
        prop_assert_eq!(VOTING_FOR.iter(&chain.state).count(), 0);
        prop_assert_eq!(CLASS_LOCKS_FOR.iter(&chain.state).count(), 0);
        prop_assert_eq!(OVERRIDDEN.iter(&chain.state).count(), 0);
        prop_assert_eq!(OVERRIDING_VOTES.iter(&chain.state).count(), 0);
    }
}
