use alloc::{boxed::Box, vec, vec::Vec};
use core::marker::PhantomData;

use basalt_pallet_system::System;
use basalt_primitives::{AccountId32, Digest, RuntimeVersion};
use basalt_state::{Memory, Overlay, StateRead, StateWrite};
use basalt_support::{BlockEnv, BlockLimits, CallFailure};
use parity_scale_codec::DecodeAll;
use proptest::{collection::vec as many, prelude::*, sample::select};

use super::*;

const fn account(byte: u8) -> AccountId {
    AccountId32([byte; 32])
}

const ALICE: AccountId = account(1);
const BOB: AccountId = account(2);
const CHARLIE: AccountId = account(3);
const START: Balance = 1_000;
const DECLARED: Weight = Weight::new(1_000, 0);

const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::MAX,
    weight_normal_max: Weight::MAX,
    weight_base: Weight::zero(),
    weight_base_transaction: Weight::zero(),
    bytes_max: u32::MAX,
    bytes_normal_max: u32::MAX,
};

const BALANCES: Balances = Balances {
    index: 2,
    system: System { index: 0, limits: LIMITS, ss58_prefix: 42, version: RuntimeVersion::default },
    existential_deposit: 10,
};

const PROXY: Proxy<Toy, Kind> = Proxy {
    index: 31,
    balances: BALANCES,
    deposit_base: 5,
    deposit_factor: 3,
    announcement_deposit_base: 7,
    announcement_deposit_factor: 2,
    proxies_max: 3,
    pending_max: 2,
    types: PhantomData,
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, TypeInfo)]
enum Kind {
    #[default]
    Any,
    /// Only writes.
    Writes,
}

impl Permission<Toy> for Kind {
    fn covers(&self, call: &Toy) -> bool {
        match (self, call) {
            (Self::Any, _) | (Self::Writes, Toy::Write(_)) => true,
            (Self::Writes, _) => false,
        }
    }
}

/// A runtime of this pallet and two calls.
#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
enum Toy {
    /// Writes who called.
    #[codec(index = 0)]
    Write(u8),
    /// Writes and fails.
    #[codec(index = 1)]
    Fail(u8),
    #[codec(index = 31)]
    Proxy(Call<Toy, Kind>),
}

impl RuntimeCall for Toy {
    fn info(&self) -> DispatchInfo {
        match self {
            Self::Proxy(call) => PROXY.info(call),
            _ => DispatchInfo::normal(DECLARED),
        }
    }

    fn dispatch(self, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        ctx.layered(|ctx| match self {
            Self::Write(number) => {
                ctx.put(&[number], origin.signed()?.0.to_vec());
                Ok(PostInfo::default())
            }
            Self::Fail(number) => {
                ctx.put(&[number], vec![]);
                Err(DispatchError::Exhausted.into())
            }
            Self::Proxy(call) => PROXY.dispatch(call, origin, ctx),
        })
    }
}

struct World {
    state: Memory,
    block: BlockNumber,
}

impl World {
    fn new() -> Self {
        let base = Memory::default();
        let mut state = Overlay::new(&base);
        let accounts = [(ALICE, START), (BOB, START), (CHARLIE, START)];
        BALANCES.genesis(&mut state, &accounts).unwrap();
        let mut memory = Memory::default();
        memory.apply(&state.into_change_set().unwrap());
        Self { state: memory, block: 10 }
    }

    /// Makes a call, and answers how it ended and what this pallet told.
    fn run(&mut self, who: AccountId, call: Call<Toy, Kind>) -> (CallResult, Vec<Event<Kind>>) {
        let env = BlockEnv {
            number: self.block,
            parent_hash: H256::zero(),
            digest: Digest::default(),
            author: None,
        };
        let mut state = Overlay::new(&self.state);
        let mut ctx = Context::new(&mut state, &env, Some(4));
        let declared = PROXY.info(&call).weight;
        let result = Toy::Proxy(call).dispatch(Origin::Signed(who), &mut ctx);
        if let Ok(PostInfo { actual_weight: Some(used), .. }) = &result {
            assert!(!used.any_gt(declared), "{used:?} of {declared:?}");
        }
        let told = ctx
            .events()
            .iter()
            .filter(|event| event.bytes[0] == 31)
            .map(|event| Event::decode_all(&mut &event.bytes[1..]).unwrap())
            .collect();
        let changes = state.into_change_set().unwrap();
        self.state.apply(&changes);
        BALANCES.try_state_with(&self.state, 0).unwrap();
        (result, told)
    }

    fn done(&mut self, who: AccountId, call: Call<Toy, Kind>) -> Vec<Event<Kind>> {
        let (result, told) = self.run(who, call);
        assert!(result.is_ok(), "{result:?}");
        told
    }

    fn refused(&mut self, who: AccountId, call: Call<Toy, Kind>) -> Error {
        let (result, told) = self.run(who, call);
        assert_eq!(told, []);
        let Err(CallFailure { failure: Failure::Dispatch(DispatchError::Module(error)), .. }) = result else {
            panic!("{result:?}")
        };
        let ModuleError { index: 31, error } = error else { panic!("{error:?}") };
        Error::decode(&mut &error[..1]).unwrap()
    }

    fn written(&self, number: u8) -> Option<AccountId> {
        let bytes = self.state.get(&[number]).unwrap()?;
        Some(AccountId::from(<[u8; 32]>::try_from(&bytes[..]).unwrap()))
    }

    fn reserved(&self, who: AccountId) -> Balance {
        BALANCES.system.account(&self.state, &who).unwrap().data.reserved
    }
}

fn add(delegate: AccountId, proxy_type: Kind, delay: BlockNumber) -> Call<Toy, Kind> {
    Call::add_proxy { delegate: delegate.into(), proxy_type, delay }
}

fn remove(delegate: AccountId, proxy_type: Kind, delay: BlockNumber) -> Call<Toy, Kind> {
    Call::remove_proxy { delegate: delegate.into(), proxy_type, delay }
}

fn act(real: AccountId, call: Toy) -> Call<Toy, Kind> {
    Call::proxy { real: real.into(), force_proxy_type: None, call: Box::new(call) }
}

fn announce(real: AccountId, call: &Toy) -> Call<Toy, Kind> {
    Call::announce { real: real.into(), call_hash: call_hash(call) }
}

fn announced(delegate: AccountId, real: AccountId, call: &Toy) -> Call<Toy, Kind> {
    Call::proxy_announced {
        delegate: delegate.into(),
        real: real.into(),
        force_proxy_type: None,
        call: Box::new(call.clone()),
    }
}

fn executed(told: &[Event<Kind>]) -> Result<(), DispatchError> {
    match told {
        [Event::ProxyExecuted { result }] => *result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_delegate_acts_for_an_account_as_far_as_it_may() {
    let mut world = World::new();
    assert_eq!(world.refused(BOB, act(ALICE, Toy::Write(9))), Error::NotProxy);
    let told = world.done(ALICE, add(BOB, Kind::Writes, 0));
    assert_eq!(
        told,
        [Event::ProxyAdded { delegator: ALICE, delegatee: BOB, proxy_type: Kind::Writes, delay: 0 }]
    );
    assert_eq!(world.reserved(ALICE), 5 + 3);
    assert_eq!(executed(&world.done(BOB, act(ALICE, Toy::Write(9)))), Ok(()));
    assert_eq!(world.written(9), Some(ALICE));
    let filtered = DispatchError::Module(ModuleError { index: 0, error: [5, 0, 0, 0] });
    assert_eq!(executed(&world.done(BOB, act(ALICE, Toy::Fail(8)))), Err(filtered));
    let more = Toy::Proxy(add(CHARLIE, Kind::Any, 0));
    assert_eq!(executed(&world.done(BOB, act(ALICE, more))), Err(filtered), "not what it may not do itself");
    let wrong =
        Call::proxy { real: ALICE.into(), force_proxy_type: Some(Kind::Any), call: Box::new(Toy::Write(7)) };
    assert_eq!(world.refused(BOB, wrong), Error::NotProxy);
    world.done(ALICE, remove(BOB, Kind::Writes, 0));
    assert_eq!(world.refused(BOB, act(ALICE, Toy::Write(6))), Error::NotProxy);
    assert_eq!((world.reserved(ALICE), world.written(6)), (0, None));
}

#[test]
fn a_call_that_fails_is_told_and_leaves_nothing() {
    let mut world = World::new();
    world.done(ALICE, add(BOB, Kind::Any, 0));
    assert_eq!(executed(&world.done(BOB, act(ALICE, Toy::Fail(9)))), Err(DispatchError::Exhausted));
    assert_eq!(world.state.get(&[9]).unwrap(), None);
}

#[test]
fn a_delegate_with_a_delay_announces_and_can_be_refused() {
    let mut world = World::new();
    let call = Toy::Write(9);
    assert_eq!(world.refused(BOB, announce(ALICE, &call)), Error::NotProxy);
    world.done(ALICE, add(BOB, Kind::Any, 5));
    assert_eq!(world.refused(BOB, act(ALICE, call.clone())), Error::Unannounced);
    assert_eq!(world.refused(CHARLIE, announced(BOB, ALICE, &call)), Error::Unannounced);
    world.done(BOB, announce(ALICE, &call));
    assert_eq!(world.reserved(BOB), 7 + 2);
    world.block += 4;
    assert_eq!(world.refused(CHARLIE, announced(BOB, ALICE, &call)), Error::Unannounced);
    world.block += 1;
    assert_eq!(executed(&world.done(CHARLIE, announced(BOB, ALICE, &call))), Ok(()));
    assert_eq!((world.written(9), world.reserved(BOB)), (Some(ALICE), 0));
    assert_eq!(world.refused(CHARLIE, announced(BOB, ALICE, &call)), Error::Unannounced, "it counts once");

    let other = Toy::Write(8);
    let reject = |call| Call::reject_announcement { delegate: BOB.into(), call_hash: call_hash(call) };
    world.done(BOB, announce(ALICE, &other));
    assert_eq!(world.refused(CHARLIE, reject(&other)), Error::NotFound, "only who is concerned");
    world.done(ALICE, reject(&other));
    world.block += 9;
    assert_eq!(world.refused(BOB, announced(BOB, ALICE, &other)), Error::Unannounced);

    world.done(BOB, announce(ALICE, &other));
    let take_back = Call::remove_announcement { real: ALICE.into(), call_hash: call_hash(&other) };
    world.done(BOB, take_back.clone());
    assert_eq!((world.refused(BOB, take_back), world.reserved(BOB)), (Error::NotFound, 0));
}

#[test]
fn a_pure_account_is_its_makers_until_it_ends_it() {
    let mut world = World::new();
    let make = || Call::create_pure { proxy_type: Kind::Any, delay: 0, index: 2 };
    let pure = pure_account(&ALICE, &Kind::Any, 2, 10, 4);
    let told = world.done(ALICE, make());
    let created = Event::PureCreated { pure, who: ALICE, proxy_type: Kind::Any, disambiguation_index: 2 };
    assert_eq!((told, world.reserved(ALICE)), (vec![created], 5 + 3));
    assert_eq!(world.refused(ALICE, make()), Error::Duplicate);
    assert_eq!(executed(&world.done(ALICE, act(pure, Toy::Write(9)))), Ok(()));
    assert_eq!(world.written(9), Some(pure));
    let kill =
        Call::kill_pure { spawner: ALICE.into(), proxy_type: Kind::Any, index: 2, height: 10, ext_index: 4 };
    assert_eq!(world.refused(ALICE, kill.clone()), Error::NoPermission);
    assert_eq!(executed(&world.done(ALICE, act(pure, Toy::Proxy(kill)))), Ok(()));
    assert_eq!(world.refused(ALICE, act(pure, Toy::Write(8))), Error::NotProxy);
    assert_eq!(world.reserved(ALICE), 0);
}

#[test]
fn every_wrong_call_has_its_own_error() {
    let mut world = World::new();
    assert_eq!(world.refused(ALICE, add(ALICE, Kind::Any, 0)), Error::NoSelfProxy);
    assert_eq!(world.refused(ALICE, remove(BOB, Kind::Any, 0)), Error::NotFound);
    for delegate in 2..5 {
        world.done(ALICE, add(account(delegate), Kind::Any, 0));
    }
    assert_eq!(world.refused(ALICE, add(BOB, Kind::Any, 0)), Error::Duplicate);
    assert_eq!(world.refused(ALICE, add(BOB, Kind::Any, 1)), Error::TooMany);
    world.done(BOB, announce(ALICE, &Toy::Write(1)));
    world.done(BOB, announce(ALICE, &Toy::Write(2)));
    assert_eq!(world.refused(BOB, announce(ALICE, &Toy::Write(3))), Error::TooMany);
    world.done(ALICE, Call::remove_proxies);
    assert_eq!(world.reserved(ALICE), 0);
    let (result, _) = world.run(account(9), add(ALICE, Kind::Any, 0));
    assert!(result.is_err(), "without funds there is no deposit");
    let nowhere = Call::add_proxy { delegate: MultiAddress::Raw(vec![1]), proxy_type: Kind::Any, delay: 0 };
    let (result, _) = world.run(ALICE, nowhere);
    assert_eq!(result, Err(CallFailure::from(DispatchError::CannotLookup)));
}

proptest! {
    /// Whatever is added, taken back and announced: deposits are what the lists say, and only who is a proxy acts.
    #[test]
    fn deposits_follow_the_lists(steps in many((select(&[ALICE, BOB, CHARLIE][..]), select(&[ALICE, BOB, CHARLIE][..]), 0..6u8, 0..2u32), 1..40)) {
        let mut world = World::new();
        for (number, (who, other, action, delay)) in (0u8..).zip(steps) {
            let (list, _) = proxies::<Kind>().get_or_default(&world.state, &other).unwrap();
            let may = list.iter().find(|entry| entry.delegate == who).is_some_and(|entry| entry.delay == 0);
            let call = match action {
                0 => add(other, Kind::Any, delay),
                1 => remove(other, Kind::Any, delay),
                2 => Call::remove_proxies,
                3 => announce(other, &Toy::Write(number)),
                4 => Call::remove_announcement { real: other.into(), call_hash: call_hash(&Toy::Write(number.wrapping_sub(1))) },
                _ => act(other, Toy::Write(number)),
            };
            let _ = world.run(who, call);
            prop_assert_eq!(world.written(number).is_some(), action == 5 && may);
            world.block += 1;
            for who in [ALICE, BOB, CHARLIE] {
                let (list, deposit) = proxies::<Kind>().get_or_default(&world.state, &who).unwrap();
                let (pending, for_pending) = ANNOUNCEMENTS.get_or_default(&world.state, &who).unwrap();
                prop_assert_eq!(deposit, due(5, 3, list.len()).unwrap());
                prop_assert_eq!(for_pending, due(7, 2, pending.len()).unwrap());
                prop_assert_eq!(world.reserved(who), deposit + for_pending);
            }
        }
    }
}
