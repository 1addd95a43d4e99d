use alloc::{boxed::Box, vec, vec::Vec};
use core::marker::PhantomData;

use basalt_pallet_system::System;
use basalt_primitives::{AccountId32, Digest, DispatchError, H256, ModuleError, RuntimeVersion};
use basalt_state::{Memory, Overlay, StateRead, StateWrite};
use basalt_support::{BlockEnv, BlockLimits};
use parity_scale_codec::{Decode, DecodeAll};
use proptest::{collection::vec as many, prelude::*, sample::select};
use scale_info::TypeInfo;

use super::*;

const fn account(byte: u8) -> AccountId {
    AccountId32([byte; 32])
}

const ALICE: AccountId = account(1);
const BOB: AccountId = account(2);
const CHARLIE: AccountId = account(3);
const START: Balance = 1_000;

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

const MULTISIG: Multisigs<Toy> = Multisigs {
    index: 30,
    balances: BALANCES,
    deposit_base: 5,
    deposit_factor: 3,
    signatories_max: 4,
    calls: PhantomData,
};

/// A runtime of this pallet and two calls.
#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
enum Toy {
    /// Writes who called.
    #[codec(index = 0)]
    Write(u8),
    /// Writes and fails, having used a tenth of its weight.
    #[codec(index = 1)]
    Fail(u8),
    #[codec(index = 30)]
    Multisig(Call<Toy>),
}

const DECLARED: Weight = Weight::new(1_000, 0);

impl RuntimeCall for Toy {
    fn info(&self) -> DispatchInfo {
        match self {
            Self::Multisig(call) => MULTISIG.info(call),
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
                let post = PostInfo { actual_weight: Some(Weight::new(100, 0)), pays_fee: Pays::Yes };
                Err(CallFailure { failure: DispatchError::Exhausted.into(), post })
            }
            Self::Multisig(call) => MULTISIG.dispatch(call, origin, ctx),
        })
    }
}

/// A chain with three accounts, on which calls are made one after the other.
struct World {
    state: Memory,
    block: BlockNumber,
    index: u32,
}

impl World {
    fn new() -> Self {
        let base = Memory::default();
        let mut state = Overlay::new(&base);
        let accounts = [(ALICE, START), (BOB, START), (CHARLIE, START)];
        BALANCES.genesis(&mut state, &accounts).unwrap();
        let mut memory = Memory::default();
        memory.apply(&state.into_change_set().unwrap());
        Self { state: memory, block: 7, index: 0 }
    }

    fn now(&self) -> Timepoint<BlockNumber> {
        Timepoint { height: self.block, index: self.index }
    }

    /// Makes a call, and answers how it ended and what this pallet told.
    fn run(&mut self, who: AccountId, call: Call<Toy>) -> (CallResult, Vec<Event>) {
        let env = BlockEnv {
            number: self.block,
            parent_hash: H256::zero(),
            digest: Digest::default(),
            author: None,
        };
        let mut state = Overlay::new(&self.state);
        let mut ctx = Context::new(&mut state, &env, Some(self.index));
        let declared = MULTISIG.info(&call).weight;
        let result = Toy::Multisig(call).dispatch(Origin::Signed(who), &mut ctx);
        if let Ok(PostInfo { actual_weight: Some(used), .. }) = &result {
            assert!(!used.any_gt(declared), "{used:?} of {declared:?}");
        }
        let told = ctx
            .events()
            .iter()
            .filter(|event| event.bytes[0] == 30)
            .map(|event| Event::decode_all(&mut &event.bytes[1..]).unwrap())
            .collect();
        let changes = state.into_change_set().unwrap();
        self.state.apply(&changes);
        self.index += 1;
        BALANCES.try_state_with(&self.state, 0).unwrap();
        (result, told)
    }

    /// How a call ends that is refused.
    fn refused(&mut self, who: AccountId, call: Call<Toy>) -> Error {
        let (result, told) = self.run(who, call);
        assert_eq!(told, []);
        let Err(CallFailure { failure: Failure::Dispatch(DispatchError::Module(error)), .. }) = result else {
            panic!("{result:?}")
        };
        let ModuleError { index: 30, error } = error else { panic!("{error:?}") };
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

fn others(who: AccountId) -> Vec<AccountId> {
    [ALICE, BOB, CHARLIE].into_iter().filter(|other| *other != who).collect()
}

fn send(who: AccountId, when: Option<Timepoint<BlockNumber>>, call: &Toy) -> Call<Toy> {
    Call::as_multi {
        threshold: 2,
        other_signatories: others(who),
        maybe_timepoint: when,
        call: Box::new(call.clone()),
        max_weight: DECLARED,
    }
}

fn approve(who: AccountId, when: Option<Timepoint<BlockNumber>>, call: &Toy, threshold: u16) -> Call<Toy> {
    Call::approve_as_multi {
        threshold,
        other_signatories: others(who),
        maybe_timepoint: when,
        call_hash: call.using_encoded(blake2_256),
        max_weight: Weight::zero(),
    }
}

fn cancel(who: AccountId, when: Timepoint<BlockNumber>, call: &Toy) -> Call<Toy> {
    Call::cancel_as_multi {
        threshold: 2,
        other_signatories: others(who),
        timepoint: when,
        call_hash: call.using_encoded(blake2_256),
    }
}

fn of_all(threshold: u16) -> AccountId {
    multi_account_id(&[ALICE, BOB, CHARLIE], threshold)
}

#[test]
fn two_of_three_make_a_call_from_their_common_account() {
    let mut world = World::new();
    let (call, opened) = (Toy::Write(9), world.now());
    let hash = call.using_encoded(blake2_256);
    let (result, told) = world.run(BOB, send(BOB, None, &call));
    assert!(result.is_ok());
    assert_eq!(told, [Event::NewMultisig { approving: BOB, multisig: of_all(2), call_hash: hash }]);
    assert_eq!((world.written(9), world.reserved(BOB)), (None, 5 + 2 * 3));
    world.block += 3;
    let (result, told) = world.run(ALICE, send(ALICE, Some(opened), &call));
    assert!(result.is_ok());
    let executed = Event::MultisigExecuted {
        approving: ALICE,
        timepoint: opened,
        multisig: of_all(2),
        call_hash: hash,
        result: Ok(()),
    };
    assert_eq!(told, [executed]);
    assert_eq!((world.written(9), world.reserved(BOB)), (Some(of_all(2)), 0));
    assert_eq!(MULTISIGS.get(&world.state, &of_all(2), &hash), Ok(None));
}

#[test]
fn approvals_by_hash_count_and_never_make_the_call() {
    let mut world = World::new();
    let (call, opened) = (Toy::Write(9), world.now());
    assert!(world.run(ALICE, approve(ALICE, None, &call, 3)).0.is_ok());
    assert!(world.run(BOB, approve(BOB, Some(opened), &call, 3)).0.is_ok());
    assert!(world.run(CHARLIE, approve(CHARLIE, Some(opened), &call, 3)).0.is_ok());
    assert_eq!(world.written(9), None);
    assert_eq!(
        world.refused(CHARLIE, approve(CHARLIE, Some(opened), &call, 3)),
        Error::NoApprovalsNeeded,
        "all approved"
    );
    let last = Call::as_multi {
        threshold: 3,
        other_signatories: others(BOB),
        maybe_timepoint: Some(opened),
        call: Box::new(call),
        max_weight: DECLARED,
    };
    assert!(world.run(BOB, last).0.is_ok(), "whoever approved already may send the call itself");
    assert_eq!((world.written(9), world.reserved(ALICE)), (Some(of_all(3)), 0));
}

#[test]
fn a_call_that_fails_leaves_no_trace_but_ends_the_operation() {
    let mut world = World::new();
    let (call, opened) = (Toy::Fail(9), world.now());
    world.run(ALICE, send(ALICE, None, &call)).0.unwrap();
    let (result, told) = world.run(BOB, send(BOB, Some(opened), &call));
    assert!(result.is_ok(), "the approval itself did its work");
    assert!(
        matches!(told[..], [Event::MultisigExecuted { result: Err(DispatchError::Exhausted), .. }]),
        "{told:?}"
    );
    assert_eq!((world.written(9), world.reserved(ALICE)), (None, 0));
}

#[test]
fn only_who_opened_an_operation_ends_it() {
    let mut world = World::new();
    let (call, opened) = (Toy::Write(9), world.now());
    assert_eq!(world.refused(ALICE, cancel(ALICE, opened, &call)), Error::NotFound);
    let opened = world.now();
    world.run(ALICE, send(ALICE, None, &call)).0.unwrap();
    assert_eq!(world.refused(BOB, cancel(BOB, opened, &call)), Error::NotOwner);
    let other = Timepoint { height: 7, index: 99 };
    assert_eq!(world.refused(ALICE, cancel(ALICE, other, &call)), Error::WrongTimepoint);
    let (result, told) = world.run(ALICE, cancel(ALICE, opened, &call));
    assert!(result.is_ok() && matches!(told[..], [Event::MultisigCancelled { cancelling: ALICE, .. }]));
    assert_eq!(world.reserved(ALICE), 0);
}

#[test]
fn one_of_several_acts_at_once() {
    let mut world = World::new();
    let call =
        |other_signatories| Call::as_multi_threshold_1 { other_signatories, call: Box::new(Toy::Write(9)) };
    assert_eq!(world.refused(ALICE, call(vec![])), Error::TooFewSignatories);
    assert_eq!(world.refused(ALICE, call(vec![ALICE, BOB])), Error::SenderInSignatories);
    assert!(world.run(BOB, call(others(BOB))).0.is_ok());
    assert_eq!(world.written(9), Some(of_all(1)));
}

#[test]
fn every_wrong_call_has_its_own_error() {
    let mut world = World::new();
    let call = Toy::Write(9);
    let with = |threshold, other_signatories: Vec<AccountId>, maybe_timepoint, max_weight| Call::as_multi {
        threshold,
        other_signatories,
        maybe_timepoint,
        call: Box::new(call.clone()),
        max_weight,
    };
    let good = || others(ALICE);
    let late = Some(Timepoint { height: 7, index: 99 });
    for (wrong, expected) in [
        (with(0, good(), None, DECLARED), Error::MinimumThreshold),
        (with(1, good(), None, DECLARED), Error::MinimumThreshold),
        (with(2, vec![], None, DECLARED), Error::TooFewSignatories),
        (with(4, good(), None, DECLARED), Error::TooFewSignatories),
        (with(2, (2..=5).map(account).collect(), None, DECLARED), Error::TooManySignatories),
        (with(2, vec![CHARLIE, BOB], None, DECLARED), Error::SignatoriesOutOfOrder),
        (with(2, vec![BOB, BOB], None, DECLARED), Error::SignatoriesOutOfOrder),
        (with(2, vec![ALICE, BOB], None, DECLARED), Error::SenderInSignatories),
        (with(2, good(), late, DECLARED), Error::UnexpectedTimepoint),
    ] {
        assert_eq!(world.refused(ALICE, wrong), expected);
    }
    let opened = Some(world.now());
    world.run(ALICE, with(2, good(), None, DECLARED)).0.unwrap();
    assert_eq!(world.refused(BOB, send(BOB, None, &call)), Error::NoTimepoint);
    assert_eq!(world.refused(BOB, send(BOB, late, &call)), Error::WrongTimepoint);
    assert_eq!(world.refused(ALICE, send(ALICE, opened, &call)), Error::AlreadyApproved);
    assert_eq!(world.refused(ALICE, approve(ALICE, opened, &call, 2)), Error::AlreadyApproved);
    assert_eq!(world.refused(BOB, with(2, others(BOB), opened, Weight::new(999, 0))), Error::MaxWeightTooLow);
    assert_eq!(world.written(9), None);
    let (result, _) = world.run(
        account(9),
        Call::as_multi_threshold_1 {
            other_signatories: vec![ALICE],
            call: Box::new(Toy::Multisig(send(ALICE, None, &call))),
        },
    );
    assert!(result.is_err(), "a common account without funds cannot reserve a deposit");
}

#[test]
fn the_common_account_is_the_one_of_substrate() {
    // `createKeyMulti` of @polkadot/util-crypto for these three public keys and threshold 2.
    const EXPECTED: [u8; 32] = [
        0x3f, 0xfd, 0x20, 0xeb, 0x97, 0xba, 0xfd, 0x6f, 0x5a, 0xf8, 0xd0, 0x26, 0xcd, 0x11, 0x10, 0x1f, 0x15,
        0x53, 0xfa, 0x9c, 0xb4, 0xb8, 0xa3, 0x7d, 0x17, 0x21, 0x31, 0x4f, 0xbb, 0xb4, 0x8f, 0xc5,
    ];
    assert_eq!(of_all(2), AccountId::from(EXPECTED));
    assert_ne!(of_all(2), of_all(3));
    assert_ne!(of_all(2), multi_account_id(&[ALICE, BOB], 2));
}

#[test]
fn names_and_indices_are_substrates() {
    let call = approve(ALICE, None, &Toy::Write(9), 2).encode();
    assert_eq!((call[0], &call[1..3]), (2, &[2, 0][..]));
    assert_eq!(cancel(ALICE, Timepoint { height: 1, index: 2 }, &Toy::Write(9)).encode()[0], 3);
    assert_eq!(Error::AlreadyStored.encode(), [13]);
    assert_eq!(MULTISIGS.key(&ALICE, &[0; 32]).len(), 32 + 8 + 32 + 16 + 32);
}

proptest! {
    /// However owners open, approve, send and end operations: a call is made only by as many distinct owners as it
    /// takes, and what is reserved is exactly the deposits of the open operations.
    #[test]
    fn no_call_without_enough_owners(steps in many((select(&[ALICE, BOB, CHARLIE][..]), 0..3u8, 0..4u8, any::<bool>()), 1..40)) {
        let mut world = World::new();
        for (who, call, action, known) in steps {
            let call = Toy::Write(call);
            let hash = call.using_encoded(blake2_256);
            let open = MULTISIGS.get(&world.state, &of_all(2), &hash).unwrap();
            let when = open.as_ref().filter(|_| known).map(|operation| operation.when);
            let before = open.as_ref().map_or(vec![], |operation| operation.approvals.clone());
            let sent = match action {
                0 | 1 => send(who, when, &call),
                2 => approve(who, when, &call, 2),
                _ => cancel(who, when.unwrap_or_default(), &call),
            };
            let (_, told) = world.run(who, sent);
            if told.iter().any(|event| matches!(event, Event::MultisigExecuted { .. })) {
                let mut owners = before;
                owners.push(who);
                owners.sort_unstable();
                owners.dedup();
                prop_assert!(owners.len() >= 2, "{owners:?}");
            }
            for owner in [ALICE, BOB, CHARLIE] {
                let open = (0..3).filter_map(|number| {
                    let hash = Toy::Write(number).using_encoded(blake2_256);
                    MULTISIGS.get(&world.state, &of_all(2), &hash).unwrap()
                });
                let deposits: Balance =
                    open.filter(|operation| operation.depositor == owner).map(|operation| operation.deposit).sum();
                prop_assert_eq!(world.reserved(owner), deposits);
            }
        }
    }
}
