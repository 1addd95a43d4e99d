use alloc::{boxed::Box, vec};

use basalt_primitives::{AccountId32, Digest, ModuleError};
use basalt_state::{Memory, Overlay};
use basalt_support::{BlockEnv, CallFailure};
use parity_scale_codec::Decode;
use scale_info::TypeInfo;

use super::*;

const COMMITTEE: Collective<Toy> = Collective {
    index: 28,
    motion_duration: |_| Ok(10),
    weight_max: Weight::new(5_000, 0),
    chooser: |origin| *origin == Origin::Root,
    calls: PhantomData,
};

/// Writes its number with the origin, and weighs as much.
#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
struct Toy(u16);

impl RuntimeCall for Toy {
    fn info(&self) -> DispatchInfo {
        DispatchInfo::normal(Weight::new(self.0.into(), 0))
    }

    fn dispatch(self, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        ctx.layered(|ctx| {
            let named = COMMITTEE.named(&origin).ok_or(DispatchError::BadOrigin)?;
            ctx.put(&self.0.to_le_bytes(), named.encode());
            Ok(PostInfo::default())
        })
    }
}

fn account(who: u8) -> AccountId {
    AccountId32([who; 32])
}

struct Chain(Memory, BlockNumber);

impl Chain {
    fn new() -> Self {
        let base = Memory::default();
        let mut state = Overlay::new(&base);
        COMMITTEE.genesis(&mut state, (1..=5).map(account).collect()).unwrap();
        let mut memory = Memory::default();
        memory.apply(&state.into_change_set().unwrap());
        Self(memory, 1)
    }

    fn call_as(&mut self, origin: Origin, call: Call<Toy>) -> Result<Pays, DispatchError> {
        let env =
            BlockEnv { number: self.1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
        let mut state = Overlay::new(&self.0);
        let mut ctx = Context::new(&mut state, &env, Some(0));
        let result = match ctx.layered(|ctx| COMMITTEE.dispatch(call, origin, ctx)) {
            Ok(post) => Ok(post.pays_fee),
            Err(CallFailure { failure: Failure::Dispatch(error), .. }) => Err(error),
            Err(other) => panic!("{other:?}"),
        };
        let changes = state.into_change_set().unwrap();
        self.0.apply(&changes);
        assert_eq!(COMMITTEE.try_state(&self.0), Ok(()));
        result
    }

    fn call(&mut self, who: u8, call: Call<Toy>) -> Result<Pays, DispatchError> {
        self.call_as(Origin::Signed(account(who)), call)
    }

    fn propose(&mut self, threshold: u32, toy: u16) -> Result<Pays, DispatchError> {
        self.call(1, Call::propose { threshold, proposal: Box::new(Toy(toy)), length_bound: 2 })
    }

    fn vote(&mut self, who: u8, index: u32, toy: u16, approve: bool) -> Result<Pays, DispatchError> {
        self.call(who, Call::vote { proposal: hash_of(&Toy(toy)).0, index, approve })
    }

    fn close(&mut self, index: u32, toy: u16) -> Result<Pays, DispatchError> {
        self.call(9, close(index, toy, 5_000, 2))
    }

    fn ran_as(&self, toy: u16) -> Option<RawOrigin> {
        let bytes = self.0.get(&toy.to_le_bytes()).unwrap()?;
        Some(RawOrigin::decode_all(&mut bytes.as_slice()).unwrap())
    }
}

fn close(index: u32, toy: u16, weight: u64, length_bound: u32) -> Call<Toy> {
    let proposal_weight_bound = Weight::new(weight, 0);
    Call::close { proposal_hash: hash_of(&Toy(toy)).0, index, proposal_weight_bound, length_bound }
}

fn error(error: Error) -> DispatchError {
    DispatchError::Module(ModuleError { index: 28, error: [error as u8, 0, 0, 0] })
}

#[test]
fn what_enough_members_want_is_run_with_their_number() {
    let mut chain = Chain::new();
    chain.propose(3, 7).unwrap();
    for who in 1..=2 {
        assert_eq!(chain.vote(who, 0, 7, true), Ok(Pays::No), "the first vote is free");
    }
    assert_eq!(chain.vote(3, 0, 7, false), Ok(Pays::No));
    assert_eq!(chain.close(0, 7), Err(error(Error::TooEarly)));
    assert_eq!(chain.vote(3, 0, 7, true), Ok(Pays::Yes));
    assert_eq!(chain.call(9, close(0, 7, 6, 2)), Err(error(Error::WrongProposalWeight)));
    assert_eq!(chain.call(9, close(0, 7, 7, 1)), Err(error(Error::WrongProposalLength)));
    assert_eq!(chain.close(0, 7), Ok(Pays::Yes));
    assert_eq!(chain.ran_as(7), Some(RawOrigin::Members(3, 5)));
    assert_eq!(chain.close(0, 7), Err(error(Error::ProposalMissing)));
    let enough = |yes, all| COMMITTEE.is_proportion(&COMMITTEE.origin(RawOrigin::Members(yes, all)), 2, 3);
    assert_eq!((enough(2, 3), enough(3, 5), enough(4, 5), enough(0, 0)), (true, false, true, false));
}

#[test]
fn what_too_few_want_is_not_run_and_the_silent_follow_the_prime() {
    let mut chain = Chain::new();
    chain.propose(3, 7).unwrap();
    for who in 1..=3 {
        chain.vote(who, 0, 7, false).unwrap();
    }
    assert_eq!(chain.close(0, 7), Ok(Pays::No), "nobody can save it");
    for (prime, ran) in [(None, None), (Some(account(1)), Some(RawOrigin::Members(5, 5)))] {
        let mut chain = Chain::new();
        let new_members = (1..=5).map(account).collect();
        chain.call_as(Origin::Root, Call::set_members { new_members, prime, old_count: 5 }).unwrap();
        chain.propose(3, 7).unwrap();
        chain.vote(1, 0, 7, true).unwrap();
        chain.1 = 11;
        chain.close(0, 7).unwrap();
        assert_eq!(chain.ran_as(7), ran);
    }
}

#[test]
fn who_leaves_takes_the_votes_along() {
    let mut chain = Chain::new();
    chain.propose(2, 7).unwrap();
    chain.vote(1, 0, 7, true).unwrap();
    chain.vote(2, 0, 7, true).unwrap();
    let new_members = vec![account(2), account(3), account(2)];
    chain.call_as(Origin::Root, Call::set_members { new_members, prime: None, old_count: 5 }).unwrap();
    assert_eq!(MEMBERS.get(&chain.0), Ok(Some(vec![account(2), account(3)])));
    assert_eq!(chain.vote(1, 0, 7, true), Err(error(Error::NotMember)));
    assert_eq!(chain.close(0, 7), Err(error(Error::TooEarly)));
    chain.call_as(Origin::Root, Call::kill { proposal_hash: hash_of(&Toy(7)).0 }).unwrap();
    assert_eq!(chain.close(0, 7), Err(error(Error::ProposalMissing)));
}

#[test]
fn one_member_runs_what_one_may() {
    let mut chain = Chain::new();
    let execute = || Call::execute { proposal: Box::new(Toy(3)), length_bound: 2 };
    assert_eq!(chain.call(9, execute()), Err(error(Error::NotMember)));
    chain.call(2, execute()).unwrap();
    assert_eq!(chain.ran_as(3), Some(RawOrigin::Member(account(2))));
    chain.propose(1, 4).unwrap();
    assert_eq!(chain.ran_as(4), Some(RawOrigin::Members(1, 5)));
}

#[test]
fn wrong_calls_have_errors_of_their_own() {
    let mut chain = Chain::new();
    assert_eq!(chain.propose(2, 6_000), Err(error(Error::WrongProposalWeight)));
    let short = Call::propose { threshold: 2, proposal: Box::new(Toy(1)), length_bound: 1 };
    assert_eq!(chain.call(1, short), Err(error(Error::WrongProposalLength)));
    chain.propose(2, 1).unwrap();
    assert_eq!(chain.propose(2, 1), Err(error(Error::DuplicateProposal)));
    assert_eq!(chain.propose(1, 1), Err(error(Error::DuplicateProposal)));
    assert_eq!(chain.vote(1, 1, 1, true), Err(error(Error::WrongIndex)));
    assert_eq!(chain.vote(1, 0, 2, true), Err(error(Error::ProposalMissing)));
    chain.vote(1, 0, 1, true).unwrap();
    assert_eq!(chain.vote(1, 0, 1, true), Err(error(Error::DuplicateVote)));
    for toy in 2..=PROPOSALS_MAX as u16 {
        chain.propose(2, toy).unwrap();
    }
    assert_eq!(chain.propose(2, 99), Err(error(Error::TooManyProposals)));
    let set = |new_members, prime| Call::set_members { new_members, prime, old_count: 0 };
    assert_eq!(chain.call(1, set(vec![], None)), Err(DispatchError::BadOrigin));
    let stranger = set(vec![account(1)], Some(account(2)));
    assert_eq!(chain.call_as(Origin::Root, stranger), Err(error(Error::PrimeAccountNotMember)));
    let many = (0..=MEMBERS_MAX as u8).map(account).collect();
    assert_eq!(chain.call_as(Origin::Root, set(many, None)), Err(error(Error::TooManyMembers)));
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    assert!(COMMITTEE.genesis(&mut state, vec![account(1), account(1)]).is_err());
}

#[test]
fn bytes_and_names_are_those_that_clients_know() {
    let bytes = Call::propose { threshold: 2, proposal: Box::new(Toy(1)), length_bound: 3 }.encode();
    assert_eq!(bytes, [2, 8, 1, 0, 12]);
    assert_eq!(RawOrigin::Members(2, 3).encode(), [0, 2, 0, 0, 0, 3, 0, 0, 0]);
    let path = |ty: scale_info::Type| ty.path.segments.join("::");
    assert_eq!(path(Call::<Toy>::type_info()), "pallet_collective::pallet::Call");
}
