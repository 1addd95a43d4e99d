use alloc::{boxed::Box, vec, vec::Vec};

use basalt_primitives::{AccountId32, Digest, H256, ModuleError};
use basalt_state::{Memory, Overlay, StateError, StateRead};
use basalt_support::{BlockEnv, CallFailure};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use scale_info::TypeInfo;

use super::*;

const ALICE: AccountId = AccountId32([1; 32]);
const BOB: AccountId = AccountId32([2; 32]);
const SUDO: Sudo<Toy> = Sudo::new(5);

/// A runtime of this pallet and three calls.
#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
enum Toy {
    /// Writes who called: nothing for root.
    #[codec(index = 0)]
    Write(DispatchClass),
    /// Writes and fails.
    #[codec(index = 1)]
    Fail,
    /// Cannot read the state.
    #[codec(index = 2)]
    Broken,
    #[codec(index = 5)]
    Sudo(Call<Toy>),
}

impl RuntimeCall for Toy {
    fn info(&self) -> DispatchInfo {
        let class = match self {
            Self::Sudo(call) => return SUDO.info(call),
            Self::Write(class) => *class,
            Self::Fail | Self::Broken => DispatchClass::Normal,
        };
        DispatchInfo { weight: Weight::new(1_000, 0), class, pays_fee: Pays::Yes }
    }

    fn dispatch(self, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        ctx.layered(|ctx| match self {
            Self::Write(_) => {
                let caller = match origin {
                    Origin::Root => vec![],
                    other => other.signed()?.0.to_vec(),
                };
                ctx.put(b"written", caller);
                Ok(PostInfo::default())
            }
            Self::Fail => {
                ctx.put(b"written", vec![9]);
                Err(DispatchError::Exhausted.into())
            }
            Self::Broken => Err(Failure::State(StateError::Interrupted).into()),
            Self::Sudo(call) => SUDO.dispatch(call, origin, ctx),
        })
    }
}

fn write() -> Box<Toy> {
    Box::new(Toy::Write(DispatchClass::Normal))
}

struct Outcome {
    result: CallResult,
    told: Vec<Event>,
    written: Option<Vec<u8>>,
    key: Option<AccountId>,
}

/// Runs a call on a state in which Alice has the key.
fn run(origin: Origin, call: Call<Toy>) -> Outcome {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    SUDO.genesis(&mut state, Some(&ALICE));
    let env = BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    let mut ctx = Context::new(&mut state, &env, Some(0));
    let result = Toy::Sudo(call).dispatch(origin, &mut ctx);
    let told = ctx
        .events()
        .iter()
        .map(|event| {
            assert_eq!(event.bytes[0], SUDO.index);
            Event::decode_all(&mut &event.bytes[1..]).unwrap()
        })
        .collect();
    Outcome { result, told, written: state.get(b"written").unwrap(), key: KEY.get(&state).unwrap() }
}

fn by_alice(call: Call<Toy>) -> Outcome {
    run(Origin::Signed(ALICE), call)
}

fn every_call() -> [Call<Toy>; 5] {
    [
        Call::sudo { call: write() },
        Call::sudo_unchecked_weight { call: write(), weight: Weight::new(5, 6) },
        Call::set_key { new: BOB.into() },
        Call::sudo_as { who: BOB.into(), call: write() },
        Call::remove_key,
    ]
}

const FREE: PostInfo = PostInfo { actual_weight: None, pays_fee: Pays::No };

#[test]
fn nobody_but_the_keys_owner_gets_anything() {
    let require_sudo = Failure::Dispatch(DispatchError::Module(ModuleError { index: 5, error: [0; 4] }));
    for call in every_call() {
        for (origin, expected) in [
            (Origin::Signed(BOB), require_sudo.clone()),
            (Origin::Root, DispatchError::BadOrigin.into()),
            (Origin::None, DispatchError::BadOrigin.into()),
            (Origin::Pallet { index: 1, origin: vec![] }, DispatchError::BadOrigin.into()),
        ] {
            let outcome = run(origin, call.clone());
            assert_eq!(
                outcome.result,
                Err(CallFailure { failure: expected, post: PostInfo::default() }),
                "and pays for it"
            );
            assert_eq!((outcome.told, outcome.written, outcome.key), (vec![], None, Some(ALICE)));
        }
    }
}

#[test]
fn the_owner_acts_as_root_for_free() {
    for call in
        [Call::sudo { call: write() }, Call::sudo_unchecked_weight { call: write(), weight: Weight::zero() }]
    {
        let outcome = by_alice(call);
        assert_eq!((outcome.result, outcome.written), (Ok(FREE), Some(vec![])));
        assert_eq!(outcome.told, [Event::Sudid { sudo_result: Ok(()) }]);
    }
}

#[test]
fn what_fails_inside_is_told_and_leaves_no_trace() {
    let sudo_result = Err(DispatchError::Exhausted);
    let outcome = by_alice(Call::sudo { call: Box::new(Toy::Fail) });
    assert_eq!((outcome.result, outcome.written), (Ok(FREE), None));
    assert_eq!(outcome.told, [Event::Sudid { sudo_result }]);
    let outcome = by_alice(Call::sudo_as { who: BOB.into(), call: Box::new(Toy::Fail) });
    assert_eq!((outcome.result, outcome.written), (Ok(FREE), None));
    assert_eq!(outcome.told, [Event::SudoAsDone { sudo_result }]);
}

#[test]
fn a_state_that_cannot_be_read_is_no_result_of_a_call() {
    let broken = || Box::new(Toy::Broken);
    for call in [
        Call::sudo { call: broken() },
        Call::sudo_unchecked_weight { call: broken(), weight: Weight::zero() },
        Call::sudo_as { who: BOB.into(), call: broken() },
        Call::sudo_as { who: ALICE.into(), call: Box::new(Toy::Sudo(Call::sudo { call: broken() })) },
    ] {
        assert_eq!(by_alice(call).result.unwrap_err().failure, Failure::State(StateError::Interrupted));
    }
}

#[test]
fn the_owner_acts_as_anybody() {
    let outcome = by_alice(Call::sudo_as { who: BOB.into(), call: write() });
    assert_eq!((outcome.result, outcome.written), (Ok(FREE), Some(vec![2; 32])));
    assert_eq!(outcome.told, [Event::SudoAsDone { sudo_result: Ok(()) }]);
    let nobody = by_alice(Call::sudo_as { who: MultiAddress::Index, call: write() });
    assert_eq!(nobody.result.unwrap_err().failure, DispatchError::CannotLookup.into());
    // Root is not the owner: a call of this pallet inside is refused.
    let nested = by_alice(Call::sudo { call: Box::new(Toy::Sudo(Call::remove_key)) });
    assert_eq!(nested.told, [Event::Sudid { sudo_result: Err(DispatchError::BadOrigin) }]);
    assert_eq!(nested.key, Some(ALICE));
}

#[test]
fn the_key_can_be_handed_on_or_given_up() {
    let handed_on = by_alice(Call::set_key { new: BOB.into() });
    assert_eq!((handed_on.result, handed_on.key), (Ok(FREE), Some(BOB)));
    assert_eq!(handed_on.told, [Event::KeyChanged { old: Some(ALICE), new: BOB }]);
    let to_nobody = by_alice(Call::set_key { new: MultiAddress::Address20([1; 20]) });
    assert_eq!(to_nobody.result.unwrap_err().failure, DispatchError::CannotLookup.into());
    assert_eq!(to_nobody.key, Some(ALICE));
    let given_up = by_alice(Call::remove_key);
    assert_eq!((given_up.result, given_up.key), (Ok(FREE), None));
    assert_eq!(given_up.told, [Event::KeyRemoved]);
}

#[test]
fn without_a_key_nobody_is_root() {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    SUDO.genesis(&mut state, None);
    assert!(state.changes().is_empty());
    let env = BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    let mut ctx = Context::new(&mut state, &env, Some(0));
    for who in [ALICE, AccountId32([0; 32])] {
        assert!(SUDO.dispatch(Call::sudo { call: write() }, Origin::Signed(who), &mut ctx).is_err());
    }
}

#[test]
fn a_call_weighs_what_is_in_it_and_never_has_the_class_of_inherents() {
    use DispatchClass::{Mandatory, Normal, Operational};
    let info = |call: Call<Toy>| SUDO.info(&call);
    for (inner, outer) in [(Normal, Normal), (Operational, Operational), (Mandatory, Normal)] {
        for call in [
            Call::sudo { call: Box::new(Toy::Write(inner)) },
            Call::sudo_as { who: BOB.into(), call: Box::new(Toy::Write(inner)) },
        ] {
            let info = info(call);
            assert_eq!(info.weight, weight::operations(1, 0).saturating_add(Weight::new(1_000, 0)));
            assert_eq!((info.class, info.pays_fee), (outer, Pays::Yes));
        }
    }
    let stated = info(Call::sudo_unchecked_weight { call: write(), weight: Weight::new(5, 6) });
    assert_eq!((stated.weight, stated.class), (Weight::new(5, 6), Normal));
}

#[test]
fn bytes_and_names_are_those_that_clients_know() {
    let bytes = every_call().map(|call| call.encode());
    let bob = [&[0][..], &[2; 32]].concat();
    assert_eq!(bytes[0], [0, 0, 0]);
    assert_eq!(bytes[1], [1, 0, 0, 5 << 2, 6 << 2]);
    assert_eq!(bytes[2], [&[2], bob.as_slice()].concat());
    assert_eq!(bytes[3], [&[3], bob.as_slice(), &[0, 0]].concat());
    assert_eq!(bytes[4], [4]);
    assert_eq!(Event::Sudid { sudo_result: Ok(()) }.encode(), [0, 0]);
    assert_eq!(Event::Sudid { sudo_result: Err(DispatchError::BadOrigin) }.encode(), [0, 1, 2]);
    let changed = Event::KeyChanged { old: Some(ALICE), new: BOB };
    assert_eq!(changed.encode(), [&[1, 1][..], &[1; 32], &[2; 32]].concat());
    assert_eq!(Event::KeyRemoved.encode(), [2]);
    assert_eq!(Event::SudoAsDone { sudo_result: Ok(()) }.encode(), [3, 0]);
    assert_eq!(Error::RequireSudo.encode(), [0]);
    let path = |ty: scale_info::Type| ty.path.segments.join("::");
    assert_eq!(path(Call::<Toy>::type_info()), "pallet_sudo::pallet::Call");
    assert_eq!(path(Event::type_info()), "pallet_sudo::pallet::Event");
    assert_eq!(path(Error::type_info()), "pallet_sudo::pallet::Error");
    let key: alloc::string::String = KEY.key().iter().map(|byte| alloc::format!("{byte:02x}")).collect();
    assert_eq!(key, "5c0d1176a568c1f92944340dbfed9e9c530ebca703c85910e7164cb7d1c9e47b", "as in Substrate");
}
