use alloc::{boxed::Box, vec, vec::Vec};

use basalt_primitives::{AccountId32, Digest, DispatchError, H256, ModuleError, TransactionalError};
use basalt_state::{Memory, Overlay, StateError, StateRead, StateWrite};
use basalt_support::{BlockEnv, CALL_DEPTH_MAX, Failure};
use parity_scale_codec::{Decode, DecodeAll};
use scale_info::TypeInfo;

use super::*;

const ALICE: AccountId = AccountId32([1; 32]);
const UTILITY: Utility<Toy> = Utility::new(4);
const DECLARED: u64 = 1_000;

/// A runtime of this pallet and four calls.
#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
enum Toy {
    /// Writes its number and the caller.
    #[codec(index = 0)]
    Write(u8),
    /// Writes its number and fails, having used a tenth of its weight.
    #[codec(index = 1)]
    Fail(u8),
    /// Cannot read the state.
    #[codec(index = 2)]
    Broken,
    /// Keeps the chain running.
    #[codec(index = 3)]
    Operational,
    /// What only authors send.
    #[codec(index = 5)]
    Mandatory,
    #[codec(index = 4)]
    Utility(Call<Toy>),
}

impl RuntimeCall for Toy {
    fn info(&self) -> DispatchInfo {
        let class = match self {
            Self::Utility(call) => return UTILITY.info(call),
            Self::Operational => DispatchClass::Operational,
            Self::Mandatory => DispatchClass::Mandatory,
            _ => DispatchClass::Normal,
        };
        DispatchInfo { weight: Weight::new(DECLARED, 0), class, pays_fee: Pays::Yes }
    }

    fn dispatch(self, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        ctx.layered(|ctx| match self {
            Self::Write(number) => {
                let who = origin.signed().map_or([0; 32], |who| who.0);
                ctx.put(&[number], who.to_vec());
                ctx.emit(9, &number);
                Ok(PostInfo::default())
            }
            Self::Fail(number) => {
                ctx.put(&[number], vec![]);
                ctx.emit(9, &number);
                let post =
                    PostInfo { actual_weight: Some(Weight::new(DECLARED / 10, 0)), pays_fee: Pays::No };
                Err(CallFailure { failure: DispatchError::Exhausted.into(), post })
            }
            Self::Broken => Err(broken().into()),
            Self::Operational | Self::Mandatory => Ok(PostInfo::default()),
            Self::Utility(call) => UTILITY.dispatch(call, origin, ctx),
        })
    }
}

fn broken() -> Failure {
    Failure::State(StateError::Interrupted)
}

#[derive(Debug, PartialEq)]
enum Told {
    Toy(u8),
    Utility(Event),
}

struct Outcome {
    result: CallResult,
    told: Vec<Told>,
    /// Which numbers were written, and by whom.
    written: Vec<(u8, Vec<u8>)>,
}

impl Outcome {
    fn weight(&self) -> u64 {
        let post = match &self.result {
            Ok(post) => post,
            Err(failure) => &failure.post,
        };
        post.actual_weight.expect("a batch knows what it used").ref_time
    }
}

/// Runs a call as the runtime does: in a layer.
fn run(origin: Origin, call: Call<Toy>) -> Outcome {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    let env = BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    let mut ctx = Context::new(&mut state, &env, Some(0));
    let result = Toy::Utility(call).dispatch(origin, &mut ctx);
    let told = ctx
        .events()
        .iter()
        .map(|event| match event.bytes[0] {
            9 => Told::Toy(event.bytes[1]),
            4 => Told::Utility(Event::decode_all(&mut &event.bytes[1..]).unwrap()),
            other => panic!("event of pallet {other}"),
        })
        .collect();
    let written = (0..=u8::MAX).filter_map(|number| Some((number, state.get(&[number]).unwrap()?))).collect();
    Outcome { result, told, written }
}

fn signed(call: Call<Toy>) -> Outcome {
    run(Origin::Signed(ALICE), call)
}

fn numbers(outcome: &Outcome) -> Vec<u8> {
    outcome.written.iter().map(|(number, _)| *number).collect()
}

const ITEM: u64 = weight::CALL.ref_time;

#[test]
fn a_batch_that_succeeds_runs_all_calls_as_the_sender() {
    let calls = vec![Toy::Write(1), Toy::Write(2)];
    for call in [
        Call::batch { calls: calls.clone() },
        Call::batch_all { calls: calls.clone() },
        Call::force_batch { calls },
    ] {
        let declared = UTILITY.info(&call).weight.ref_time;
        let outcome = signed(call);
        assert_eq!(
            outcome.told,
            [
                Told::Toy(1),
                Told::Utility(Event::ItemCompleted),
                Told::Toy(2),
                Told::Utility(Event::ItemCompleted),
                Told::Utility(Event::BatchCompleted),
            ]
        );
        assert_eq!(outcome.written, [(1, vec![1; 32]), (2, vec![1; 32])]);
        assert_eq!((outcome.weight(), declared), (3 * ITEM + 2 * DECLARED, 3 * ITEM + 2 * DECLARED));
    }
}

#[test]
fn each_batch_has_its_own_way_with_a_failure() {
    let calls = || vec![Toy::Write(1), Toy::Fail(2), Toy::Write(3)];
    let error = DispatchError::Exhausted;

    let stopped = signed(Call::batch { calls: calls() });
    assert_eq!(numbers(&stopped), [1]);
    assert_eq!(stopped.told[2..], [Told::Utility(Event::BatchInterrupted { index: 1, error })]);
    assert_eq!(stopped.weight(), 3 * ITEM + DECLARED + DECLARED / 10);
    assert!(stopped.result.is_ok());

    let reverted = signed(Call::batch_all { calls: calls() });
    assert_eq!((numbers(&reverted), reverted.told.len()), (vec![], 0));
    assert_eq!(reverted.weight(), stopped.weight(), "what was done in vain is paid for");
    assert_eq!(reverted.result.unwrap_err().failure, error.into());

    let went_on = signed(Call::force_batch { calls: calls() });
    assert_eq!(numbers(&went_on), [1, 3]);
    assert_eq!(
        went_on.told[2..],
        [
            Told::Utility(Event::ItemFailed { error }),
            Told::Toy(3),
            Told::Utility(Event::ItemCompleted),
            Told::Utility(Event::BatchCompletedWithErrors),
        ]
    );
    assert_eq!(went_on.weight(), 4 * ITEM + 2 * DECLARED + DECLARED / 10);
}

#[test]
fn a_batch_pays_though_a_call_in_it_is_free() {
    let outcome = signed(Call::batch { calls: vec![Toy::Fail(1)] });
    assert_eq!(outcome.result.unwrap().pays_fee, Pays::Yes);
}

#[test]
fn a_state_that_cannot_be_read_ends_everything() {
    let inner = || vec![Toy::Write(1), Toy::Broken, Toy::Write(2)];
    for call in [
        Call::batch { calls: inner() },
        Call::batch_all { calls: inner() },
        Call::force_batch { calls: inner() },
        Call::as_derivative { index: 0, call: Box::new(Toy::Broken) },
        Call::force_batch { calls: vec![Toy::Utility(Call::batch { calls: inner() })] },
    ] {
        assert_eq!(signed(call).result.unwrap_err().failure, broken());
    }
}

#[test]
fn only_accounts_and_root_may_batch() {
    let call = || Call::batch { calls: vec![Toy::Write(1)] };
    assert!(run(Origin::Root, call()).result.is_ok());
    for origin in [Origin::None, Origin::Pallet { index: 7, origin: vec![] }] {
        let failure = run(origin, call()).result.unwrap_err();
        assert_eq!(failure.failure, DispatchError::BadOrigin.into());
    }
    let derived = Call::as_derivative { index: 0, call: Box::new(Toy::Write(1)) };
    assert_eq!(run(Origin::Root, derived).result.unwrap_err().failure, DispatchError::BadOrigin.into());
}

#[test]
fn a_batch_has_a_limit() {
    let outcome = |count: u32| signed(Call::batch { calls: vec![Toy::Operational; count as usize] });
    // The limit of the depth does not count calls beside each other.
    let most = outcome(BATCHED_CALLS_MAX);
    assert_eq!(most.told.last(), Some(&Told::Utility(Event::BatchCompleted)));
    let too_many = DispatchError::Module(ModuleError { index: 4, error: [0; 4] });
    let refused = outcome(BATCHED_CALLS_MAX + 1).result.unwrap_err();
    assert_eq!((refused.failure, refused.post), (too_many.into(), PostInfo::default()));
}

#[test]
fn calls_nest_up_to_the_limit() {
    let nested = |depth: u32| {
        (1..depth).fold(Toy::Write(1), |call, _| Toy::Utility(Call::batch_all { calls: vec![call] }))
    };
    let dispatch = |call: Toy| {
        let Toy::Utility(call) = call else { panic!("at least one batch") };
        signed(call).result
    };
    assert!(dispatch(nested(CALL_DEPTH_MAX)).is_ok());
    let limit = DispatchError::Transactional(TransactionalError::LimitReached);
    assert_eq!(dispatch(nested(CALL_DEPTH_MAX + 1)).unwrap_err().failure, limit.into());
}

#[test]
fn a_derived_account_is_the_one_that_substrate_derives() {
    let mut preimage = b"modlpy/utilisuba".to_vec();
    preimage.extend([1; 32]);
    preimage.extend([0x34, 0x12]);
    let expected = AccountId32(blake2_256(&preimage));
    assert_eq!(derivative_account(&ALICE, 0x1234), expected);
    let call = Call::as_derivative { index: 0x1234, call: Box::new(Toy::Write(1)) };
    let outcome = signed(call);
    assert_eq!(outcome.written, [(1, expected.0.to_vec())]);
    assert_eq!(outcome.weight(), ITEM + DECLARED);
    let failing = signed(Call::as_derivative { index: 0, call: Box::new(Toy::Fail(1)) });
    assert_eq!(failing.weight(), ITEM + DECLARED / 10);
    let failure = failing.result.unwrap_err();
    assert_eq!((failure.failure, failure.post.pays_fee), (DispatchError::Exhausted.into(), Pays::No));
}

#[test]
fn a_wrapper_has_the_class_of_what_is_in_it_but_never_that_of_inherents() {
    use DispatchClass::{Normal, Operational};
    let class = |calls: Vec<Toy>| UTILITY.info(&Call::batch { calls }).class;
    assert_eq!(class(vec![]), Normal);
    assert_eq!(class(vec![Toy::Operational, Toy::Operational]), Operational);
    assert_eq!(class(vec![Toy::Operational, Toy::Write(1)]), Normal);
    assert_eq!(class(vec![Toy::Mandatory]), Normal);
    assert_eq!(class(vec![Toy::Operational, Toy::Mandatory]), Normal);
    let derived = |call| UTILITY.info(&Call::as_derivative { index: 0, call: Box::new(call) }).class;
    assert_eq!((derived(Toy::Operational), derived(Toy::Mandatory)), (Operational, Normal));
}

#[test]
fn bytes_and_names_are_those_that_clients_know() {
    let call = || Toy::Write(7);
    let encoded = |call: Call<Toy>| call.encode();
    assert_eq!(encoded(Call::batch { calls: vec![call()] }), [0, 4, 0, 7]);
    assert_eq!(encoded(Call::as_derivative { index: 258, call: Box::new(call()) }), [1, 2, 1, 0, 7]);
    assert_eq!(encoded(Call::batch_all { calls: vec![] }), [2, 0]);
    assert_eq!(encoded(Call::force_batch { calls: vec![call(), call()] }), [4, 8, 0, 7, 0, 7]);
    let error = DispatchError::BadOrigin;
    assert_eq!(Event::BatchInterrupted { index: 1, error }.encode(), [0, 1, 0, 0, 0, 2]);
    assert_eq!(Event::BatchCompleted.encode(), [1]);
    assert_eq!(Event::BatchCompletedWithErrors.encode(), [2]);
    assert_eq!(Event::ItemCompleted.encode(), [3]);
    assert_eq!(Event::ItemFailed { error }.encode(), [4, 2]);
    assert_eq!(Error::TooManyCalls.encode(), [0]);
    let path = |ty: scale_info::Type| ty.path.segments.join("::");
    assert_eq!(path(Call::<Toy>::type_info()), "pallet_utility::pallet::Call");
    assert_eq!(path(Event::type_info()), "pallet_utility::pallet::Event");
    assert_eq!(path(Error::type_info()), "pallet_utility::pallet::Error");
}
