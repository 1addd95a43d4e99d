mod locks;
mod properties;
mod wire;

use alloc::{vec, vec::Vec};

use basalt_pallet_balances::LOCKS;
use basalt_pallet_system::{NUMBER, System};
use basalt_primitives::{AccountId32, Digest, H256, ModuleError, RuntimeVersion};
use basalt_state::{Memory, Overlay};
use basalt_support::{BlockEnv, BlockLimits, CallFailure};
use parity_scale_codec::{Decode, DecodeAll, Encode};

use super::*;

const ALICE: AccountId = AccountId32([1; 32]);
const BOB: AccountId = AccountId32([2; 32]);
const CHARLIE: AccountId = AccountId32([3; 32]);
const START: Balance = 1_000;
const PERIOD: BlockNumber = 10;
const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::MAX,
    weight_normal_max: Weight::MAX,
    weight_base: Weight::zero(),
    weight_base_transaction: Weight::zero(),
    bytes_max: u32::MAX,
    bytes_normal_max: u32::MAX,
};
const SYSTEM: System = System { index: 0, limits: LIMITS, ss58_prefix: 42, version: RuntimeVersion::default };
const BALANCES: Balances = Balances { index: 2, system: SYSTEM, existential_deposit: 10 };
const VOTING: ConvictionVoting<Toy> = ConvictionVoting {
    index: 23,
    balances: BALANCES,
    polls: Toy,
    lock_period: |_| Ok(PERIOD),
    lock_period_default: PERIOD,
};

/// Polls as entries of a map.
#[derive(Debug, Clone, Copy)]
struct Toy;

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
enum Entry {
    Ongoing(Tally, u16),
    Completed(BlockNumber, bool),
    Cancelled,
}

const POLLS: Map<Twox64Concat, u32, Entry> = Map::optional("Toy", "Polls");

impl Polls for Toy {
    fn has_class(&self, class: u16) -> bool {
        class < self.classes() as u16
    }

    fn classes(&self) -> u32 {
        2
    }

    fn poll(&self, state: &(impl StateRead + ?Sized), index: u32) -> Result<Poll, StateError> {
        Ok(match POLLS.get(state, &index)? {
            Some(Entry::Ongoing(tally, class)) => Poll::Ongoing(tally, class),
            Some(Entry::Completed(end, approved)) => Poll::Completed(end, approved),
            Some(Entry::Cancelled) | None => Poll::None,
        })
    }

    fn set_tally(&self, ctx: &mut Context<'_, '_>, index: u32, tally: Tally) -> Result<(), Failure> {
        let Some(Entry::Ongoing(_, class)) = POLLS.get(ctx, &index)? else {
            panic!("poll {index} has ended")
        };
        POLLS.put(ctx, &index, &Entry::Ongoing(tally, class));
        Ok(())
    }

    fn tally_weight(&self) -> Weight {
        weight::WRITE
    }
}

/// A chain with polls 0 to 3 of class 0 and 4, 5 of class 1.
struct Chain {
    state: Memory,
    number: BlockNumber,
}

impl Chain {
    fn new() -> Self {
        let mut chain = Self { state: Memory::default(), number: 0 };
        let accounts: Vec<_> = (1..=6).map(|who| (AccountId32([who; 32]), START)).collect();
        let base = Memory::default();
        let mut state = Overlay::new(&base);
        BALANCES.genesis(&mut state, &accounts).unwrap();
        for poll in 0..6 {
            POLLS.put(&mut state, &poll, &Entry::Ongoing(Tally::default(), u16::from(poll >= 4)));
        }
        chain.state.apply(&state.into_change_set().unwrap());
        chain.at(1);
        chain
    }

    fn run<R>(&mut self, body: impl FnOnce(&mut Context<'_, '_>) -> R) -> R {
        let env = BlockEnv {
            number: self.number,
            parent_hash: H256::zero(),
            digest: Digest::default(),
            author: None,
        };
        let mut state = Overlay::new(&self.state);
        let result = body(&mut Context::new(&mut state, &env, Some(0)));
        let changes = state.into_change_set().unwrap();
        self.state.apply(&changes);
        assert_eq!(VOTING.try_state(&self.state), Ok(()));
        assert_eq!(BALANCES.try_state_with(&self.state, 0), Ok(()));
        result
    }

    fn at(&mut self, number: BlockNumber) {
        self.number = number;
        self.run(|ctx| NUMBER.put(ctx, &number));
    }

    fn call(&mut self, who: AccountId, call: Call) -> Result<(), DispatchError> {
        self.run(|ctx| match ctx.layered(|ctx| VOTING.dispatch(call, Origin::Signed(who), ctx)) {
            Ok(_) => Ok(()),
            Err(CallFailure { failure: Failure::Dispatch(error), .. }) => Err(error),
            Err(other) => panic!("{other:?}"),
        })
    }

    fn vote(&mut self, who: AccountId, poll: u32, vote: AccountVote) -> Result<(), DispatchError> {
        self.call(who, Call::vote { poll_index: poll, vote })
    }

    fn delegate(&mut self, who: AccountId, to: AccountId, balance: Balance) -> Result<(), DispatchError> {
        let conviction = Conviction::Locked2x;
        self.call(who, Call::delegate { class: 0, to: to.into(), conviction, balance })
    }

    fn end(&mut self, poll: u32, approved: bool) {
        let entry = Entry::Completed(self.number, approved);
        self.run(|ctx| POLLS.put(ctx, &poll, &entry));
    }

    fn tally(&self, poll: u32) -> (Balance, Balance, Balance) {
        let Poll::Ongoing(tally, _) = Toy.poll(&self.state, poll).unwrap() else { panic!("it has ended") };
        (tally.ayes, tally.nays, tally.support)
    }

    fn locked(&self, who: AccountId) -> Balance {
        let locks = LOCKS.get_or_default(&self.state, &who).unwrap();
        locks.iter().find(|lock| lock.id == LOCK_ID).map_or(0, |lock| lock.amount)
    }

    fn unlock(&mut self, who: AccountId) {
        self.call(ALICE, Call::unlock { class: 0, target: who.into() }).unwrap();
    }
}

fn aye(conviction: Conviction, balance: Balance) -> AccountVote {
    AccountVote::Standard { vote: Vote { aye: true, conviction }, balance }
}

fn nay(conviction: Conviction, balance: Balance) -> AccountVote {
    AccountVote::Standard { vote: Vote { aye: false, conviction }, balance }
}

fn error(error: Error) -> DispatchError {
    DispatchError::Module(ModuleError { index: 23, error: [error as u8, 0, 0, 0] })
}

use Conviction::{Locked1x, Locked2x, Locked3x, None as Unlocked};

#[test]
fn votes_count_by_their_conviction_and_can_be_changed_and_taken_back() {
    let mut chain = Chain::new();
    chain.vote(ALICE, 0, aye(Unlocked, 100)).unwrap();
    assert_eq!(chain.tally(0), (10, 0, 100));
    chain.vote(BOB, 0, nay(Locked3x, 100)).unwrap();
    assert_eq!(chain.tally(0), (10, 300, 100));
    chain.vote(CHARLIE, 0, AccountVote::Split { aye: 50, nay: 30 }).unwrap();
    assert_eq!(chain.tally(0), (15, 303, 150));
    chain.vote(CHARLIE, 0, AccountVote::SplitAbstain { aye: 10, nay: 10, abstain: 500 }).unwrap();
    assert_eq!(chain.tally(0), (11, 301, 610));
    chain.vote(BOB, 0, aye(Locked1x, 7)).unwrap();
    assert_eq!(chain.tally(0), (18, 1, 617));
    chain.call(CHARLIE, Call::remove_vote { class: None, index: 0 }).unwrap();
    chain.call(BOB, Call::remove_vote { class: Some(0), index: 0 }).unwrap();
    assert_eq!(chain.tally(0), (10, 0, 100));
}

#[test]
fn a_delegate_votes_with_what_it_was_given_and_an_own_vote_comes_before_it() {
    let mut chain = Chain::new();
    chain.vote(BOB, 0, aye(Locked1x, 100)).unwrap();
    chain.delegate(ALICE, BOB, 200).unwrap();
    assert_eq!(chain.tally(0), (500, 0, 300), "two times 200 go with Bob's vote");
    chain.vote(BOB, 1, nay(Locked1x, 100)).unwrap();
    assert_eq!(chain.tally(1), (0, 500, 0));

    // Alice disagrees in poll 0 only.
    chain.vote(ALICE, 0, nay(Locked1x, 50)).unwrap();
    assert_eq!(chain.tally(0), (100, 50, 100));
    assert_eq!(chain.tally(1), (0, 500, 0));
    // Bob changes his mind, with and without a direction; Alice's vote stays hers.
    chain.vote(BOB, 0, nay(Locked1x, 100)).unwrap();
    assert_eq!(chain.tally(0), (0, 150, 0));
    chain.vote(BOB, 0, AccountVote::Split { aye: 100, nay: 0 }).unwrap();
    assert_eq!(chain.tally(0), (10, 50, 100));
    chain.vote(BOB, 0, aye(Locked1x, 100)).unwrap();
    // Without her vote her power is Bob's again.
    chain.call(ALICE, Call::remove_vote { class: None, index: 0 }).unwrap();
    assert_eq!(chain.tally(0), (500, 0, 300));

    // She votes where he does not yet: what he says later does not count for her.
    chain.vote(ALICE, 2, nay(Locked1x, 10)).unwrap();
    chain.vote(BOB, 2, aye(Locked1x, 100)).unwrap();
    assert_eq!(chain.tally(2), (100, 10, 100));
    // And her votes stay when she takes her power back.
    chain.call(ALICE, Call::undelegate { class: 0 }).unwrap();
    assert_eq!((chain.tally(0), chain.tally(2)), ((100, 0, 100), (100, 10, 100)));
    // Who votes may delegate: votes that are there come first, too.
    chain.delegate(ALICE, BOB, 200).unwrap();
    assert_eq!((chain.tally(0), chain.tally(2)), ((500, 0, 300), (100, 10, 100)));
}

#[test]
fn delegations_are_not_passed_on_but_follow_an_own_vote() {
    let mut chain = Chain::new();
    chain.delegate(ALICE, BOB, 100).unwrap();
    chain.delegate(BOB, CHARLIE, 100).unwrap();
    chain.vote(CHARLIE, 0, aye(Locked1x, 100)).unwrap();
    assert_eq!(chain.tally(0), (300, 0, 200), "Bob's power, not Alice's");
    chain.vote(BOB, 0, nay(Locked1x, 100)).unwrap();
    assert_eq!(chain.tally(0), (100, 300, 100), "Alice's goes with what Bob says himself");
}

#[test]
fn wrong_calls_have_errors_of_their_own() {
    let mut chain = Chain::new();
    assert_eq!(chain.vote(ALICE, 9, aye(Unlocked, 1)), Err(error(Error::NotOngoing)));
    assert_eq!(chain.vote(ALICE, 0, aye(Unlocked, START + 1)), Err(error(Error::InsufficientFunds)));
    let endless = AccountVote::Split { aye: Balance::MAX, nay: 1 };
    assert_eq!(chain.vote(ALICE, 0, endless), Err(ArithmeticError::Overflow.into()));
    assert_eq!(chain.delegate(ALICE, ALICE, 1), Err(error(Error::Nonsense)));
    assert_eq!(chain.delegate(ALICE, BOB, START + 1), Err(error(Error::InsufficientFunds)));
    let elsewhere = Call::delegate { class: 9, to: BOB.into(), conviction: Unlocked, balance: 1 };
    assert_eq!(chain.call(ALICE, elsewhere), Err(error(Error::BadClass)));
    let unlock = Call::unlock { class: 9, target: BOB.into() };
    assert_eq!(chain.call(ALICE, unlock), Err(error(Error::BadClass)));
    assert_eq!(chain.call(ALICE, Call::undelegate { class: 0 }), Err(error(Error::NotDelegating)));
    chain.delegate(ALICE, BOB, 1).unwrap();
    assert_eq!(chain.delegate(ALICE, CHARLIE, 1), Err(error(Error::AlreadyDelegating)));
    let remove = |class| Call::remove_vote { class, index: 0 };
    assert_eq!(chain.call(BOB, remove(None)), Err(error(Error::NotVoter)));
    chain.vote(BOB, 0, aye(Locked1x, 1)).unwrap();
    let other = || Call::remove_other_vote { target: BOB.into(), class: 0, index: 0 };
    assert_eq!(chain.call(ALICE, other()), Err(error(Error::NoPermission)));
    chain.end(0, true);
    assert_eq!(chain.call(BOB, remove(None)), Err(error(Error::ClassNeeded)));
    assert_eq!(chain.call(BOB, remove(Some(1))), Err(error(Error::NotVoter)));
    assert_eq!(chain.call(ALICE, other()), Err(error(Error::NoPermissionYet)));
    let nobody = chain.run(|ctx| VOTING.dispatch(remove(None), Origin::Root, ctx)).unwrap_err();
    assert_eq!(nobody.failure, DispatchError::BadOrigin.into());
}

#[test]
fn an_account_has_so_many_votes_and_others_take_none_of_them() {
    let mut chain = Chain::new();
    chain.run(|ctx| {
        for poll in 10..=10 + VOTES_MAX {
            POLLS.put(ctx, &poll, &Entry::Ongoing(Tally::default(), 0));
        }
    });
    chain.delegate(ALICE, BOB, 10).unwrap();
    for poll in 10..10 + VOTES_MAX {
        chain.vote(BOB, poll, aye(Locked1x, 1)).unwrap();
    }
    let last = 10 + VOTES_MAX;
    assert_eq!(chain.vote(BOB, last, aye(Locked1x, 1)), Err(error(Error::MaxVotesReached)));
    chain.vote(ALICE, last, aye(Locked1x, 1)).unwrap();
    chain.call(BOB, Call::remove_vote { class: None, index: 10 }).unwrap();
    chain.vote(BOB, last, aye(Locked1x, 1)).unwrap();
}
