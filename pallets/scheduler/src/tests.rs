use alloc::{boxed::Box, vec, vec::Vec};

use basalt_pallet_balances::Balances;
use basalt_pallet_system::System;
use basalt_primitives::{AccountId32, Digest, H256, ModuleError, RuntimeVersion};
use basalt_state::{Memory, Overlay, StateWrite};
use basalt_support::{
    BlockEnv, BlockLimits, CallFailure, CallResult, DispatchInfo, Origin, Pallet, PostInfo, weight,
};
use parity_scale_codec::DecodeAll;
use proptest::prelude::*;

use super::*;
use crate::service::{AGENDA_WEIGHT, AGENDAS_WEIGHT, task_weight};

const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::MAX,
    weight_normal_max: Weight::MAX,
    weight_base: Weight::zero(),
    weight_base_transaction: Weight::zero(),
    bytes_max: u32::MAX,
    bytes_normal_max: u32::MAX,
};
const SYSTEM: System = System { index: 0, limits: LIMITS, ss58_prefix: 42, version: RuntimeVersion::default };
const PREIMAGES: Preimages = Preimages {
    index: 20,
    balances: Balances { index: 2, system: SYSTEM, existential_deposit: 10 },
    deposit_base: 100,
    deposit_per_byte: 2,
};
/// One unit of what the toy calls weigh.
const UNIT: u64 = 1_000_000_000;
/// Room for ten of them, and for a few tasks' own weight.
const SCHEDULER: Scheduler<Toy, Who> = Scheduler {
    index: 21,
    preimages: PREIMAGES,
    weight_max: Weight::new(12 * UNIT, u64::MAX),
    types: PhantomData,
};

#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
enum Who {
    Root,
    Signed([u8; 32]),
}

impl StoredOrigin for Who {
    fn into_origin(self) -> Origin {
        match self {
            Self::Root => Origin::Root,
            Self::Signed(who) => Origin::Signed(AccountId32(who)),
        }
    }

    fn of(origin: &Origin) -> Option<Self> {
        match origin {
            Origin::Root => Some(Self::Root),
            Origin::Signed(who) => Some(Self::Signed(who.0)),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
enum Toy {
    /// Writes its number, weighs so many units, and uses half of them.
    #[codec(index = 0)]
    Write(u8, u8),
    /// Writes and fails.
    #[codec(index = 1)]
    Fail(u8),
    /// Has many bytes.
    #[codec(index = 2)]
    Long(Vec<u8>),
    #[codec(index = 21)]
    Scheduler(Call<Toy>),
}

impl RuntimeCall for Toy {
    fn info(&self) -> DispatchInfo {
        match self {
            Self::Write(_, weight) => DispatchInfo::normal(Weight::new(u64::from(*weight) * UNIT, 0)),
            Self::Scheduler(call) => SCHEDULER.info(call),
            _ => DispatchInfo::normal(Weight::new(UNIT, 0)),
        }
    }

    fn dispatch(self, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        ctx.layered(|ctx| match self {
            Self::Write(number, weight) => {
                ctx.put(&[number], vec![u8::from(origin == Origin::Root)]);
                let half = Weight::new(u64::from(weight) * UNIT / 2, 0);
                Ok(PostInfo { actual_weight: Some(half), ..PostInfo::default() })
            }
            Self::Fail(number) => {
                ctx.put(&[number], vec![]);
                ctx.emit(9, &number);
                Err(DispatchError::Exhausted.into())
            }
            Self::Long(_) => Ok(PostInfo::default()),
            Self::Scheduler(call) => SCHEDULER.dispatch(call, origin, ctx),
        })
    }
}

/// A chain of blocks on a map.
#[derive(Default)]
struct Chain {
    state: Memory,
    number: BlockNumber,
}

impl Chain {
    fn at<R>(&mut self, number: BlockNumber, body: impl FnOnce(&mut Context<'_, '_>) -> R) -> R {
        let env = BlockEnv { number, parent_hash: H256::zero(), digest: Digest::default(), author: None };
        let mut state = Overlay::new(&self.state);
        let result = body(&mut Context::new(&mut state, &env, None));
        assert_eq!(SCHEDULER.try_state(&state), Ok(()));
        assert_eq!(PREIMAGES.try_state(&state), Ok(()));
        let changes = state.into_change_set().unwrap();
        self.state.apply(&changes);
        self.number = number;
        result
    }

    /// Makes calls as root in the present block.
    fn call(&mut self, call: Call<Toy>) -> Result<(), DispatchError> {
        self.call_as(Origin::Root, call)
    }

    fn call_as(&mut self, origin: Origin, call: Call<Toy>) -> Result<(), DispatchError> {
        self.at(self.number, |ctx| match Toy::Scheduler(call).dispatch(origin, ctx) {
            Ok(_) => Ok(()),
            Err(CallFailure { failure: Failure::Dispatch(error), .. }) => Err(error),
            Err(other) => panic!("{other:?}"),
        })
    }

    /// The next block: what its tasks weighed, and what was told.
    fn block(&mut self) -> (Weight, Vec<Event>) {
        self.at(self.number + 1, |ctx| {
            let weight = SCHEDULER.service(ctx).unwrap();
            assert!(weight.all_lte(SCHEDULER.weight_max), "{weight:?}");
            let told = ctx.events().iter().filter(|event| event.bytes[0] == 21);
            (weight, told.map(|event| Event::decode_all(&mut &event.bytes[1..]).unwrap()).collect())
        })
    }

    fn wrote(&self, number: u8) -> bool {
        self.state.get(&[number]).unwrap().is_some()
    }
}

fn later(after: BlockNumber, priority: u8, call: Toy) -> Call<Toy> {
    Call::schedule_after { after, maybe_periodic: None, priority, call: Box::new(call) }
}

fn error(error: Error) -> DispatchError {
    DispatchError::Module(ModuleError { index: 21, error: [error as u8, 0, 0, 0] })
}

fn done(task: TaskAddress) -> Event {
    Event::Dispatched { task, id: None, result: Ok(()) }
}

#[test]
fn tasks_run_at_their_block_by_priority_with_their_origin() {
    let mut chain = Chain::default();
    chain.call(later(1, 5, Toy::Write(1, 1))).unwrap();
    chain.call(later(1, 3, Toy::Write(2, 1))).unwrap();
    let at = Call::schedule { when: 3, maybe_periodic: None, priority: 0, call: Box::new(Toy::Write(3, 2)) };
    chain.call(at).unwrap();
    assert_eq!(
        chain.block(),
        (chain.at(1, |_| AGENDAS_WEIGHT.saturating_add(weight::operations(1, 0))), vec![])
    );
    let (weight, told) = chain.block();
    assert_eq!(told, [done((2, 1)), done((2, 0))]);
    assert!(chain.wrote(1) && chain.wrote(2) && !chain.wrote(3));
    // Each used half of its unit.
    let own = AGENDAS_WEIGHT.saturating_add(AGENDA_WEIGHT).saturating_add(task_weight(0).saturating_mul(2));
    assert_eq!(weight.ref_time, own.ref_time + UNIT);
    assert_eq!(chain.block().1, [done((3, 0))]);
    assert_eq!(chain.state.get(&[3]).unwrap(), Some(vec![1]), "root called");
    assert_eq!(chain.state.0.len(), 3, "nothing is left but what the tasks wrote");
}

#[test]
fn a_task_that_fails_changes_nothing_else() {
    let mut chain = Chain::default();
    chain.call(later(0, 0, Toy::Fail(1))).unwrap();
    chain.call(later(0, 1, Toy::Write(2, 1))).unwrap();
    let failed = Event::Dispatched { task: (1, 0), id: None, result: Err(DispatchError::Exhausted) };
    assert_eq!(chain.block().1, [failed, done((1, 1))]);
    assert!(!chain.wrote(1) && chain.wrote(2));
}

#[test]
fn what_does_not_fit_waits_and_smaller_ones_go_before_it() {
    let mut chain = Chain::default();
    for (number, weight) in [(1, 8), (2, 10), (3, 2)] {
        chain.call(later(0, number, Toy::Write(number, weight))).unwrap();
    }
    chain.call(later(1, 0, Toy::Write(4, 9))).unwrap();
    assert_eq!(chain.block().1, [done((1, 0)), done((1, 2)), Event::AgendaIncomplete { when: 1 }]);
    assert_eq!(INCOMPLETE_SINCE.get(&chain.state), Ok(Some(1)));
    // The one that waited goes first in the next block, and that block's own, though more urgent, does not fit now.
    assert_eq!(chain.block().1, [done((1, 1)), Event::AgendaIncomplete { when: 2 }]);
    assert_eq!(chain.block().1, [done((2, 0))]);
    assert_eq!(INCOMPLETE_SINCE.get(&chain.state), Ok(None));
}

#[test]
fn what_can_never_fit_is_refused_and_if_that_could_not_be_known_dropped() {
    let mut chain = Chain::default();
    assert_eq!(chain.call(later(0, 0, Toy::Write(1, 12))), Err(error(Error::Overweight)));
    // Its bytes come later than the task.
    let call = Toy::Long(vec![12; 200]);
    let bytes = Toy::Write(1, 12).encode();
    let hash = H256(basalt_primitives::hashing::blake2_256(&bytes));
    chain.at(0, |ctx| {
        let call = Bounded::Lookup { hash, len: bytes.len() as u32 };
        PREIMAGES.request_call(ctx, &call).unwrap();
        let id = Some([7; 32]);
        let task = Scheduled { maybe_id: id, priority: 0, call, maybe_periodic: None, origin: Who::Root };
        SCHEDULER.schedule(ctx, DispatchTime::At(1), task).unwrap();
        let note = basalt_pallet_preimage::Call::note_preimage { bytes };
        PREIMAGES.dispatch(note, Origin::Root, ctx).unwrap();
    });
    chain.call(later(0, 1, Toy::Write(2, 1))).unwrap();
    chain.call(later(0, 2, call)).unwrap();
    let id = Some([7; 32]);
    let dropped = Event::PermanentlyOverweight { task: (1, 0), id };
    assert_eq!(chain.block().1, [dropped, done((1, 1)), done((1, 2))]);
    assert!(!chain.wrote(1));
}

#[test]
fn a_call_that_is_not_there_ends_its_task() {
    let mut chain = Chain::default();
    let hash = H256([5; 32]);
    chain.at(0, |ctx| {
        let call = Bounded::Lookup { hash, len: 300 };
        PREIMAGES.request_call(ctx, &call).unwrap();
        let task = Scheduled { maybe_id: None, priority: 0, call, maybe_periodic: None, origin: Who::Root };
        SCHEDULER.schedule(ctx, DispatchTime::At(1), task).unwrap();
    });
    assert_eq!(chain.block().1, [Event::CallUnavailable { task: (1, 0), id: None }]);
    assert_eq!(chain.state.0.len(), 0, "neither task nor request is left");
}

#[test]
fn periodic_tasks_come_back_as_often_as_was_said() {
    let mut chain = Chain::default();
    let call = Box::new(Toy::Long(vec![0; 200]));
    let id = [1; 32];
    let named = Call::schedule_named_after { id, after: 0, maybe_periodic: Some((2, 3)), priority: 0, call };
    chain.call(named).unwrap();
    let ran = |chain: &mut Chain| {
        let told = chain.block().1;
        told.iter().filter(|event| matches!(event, Event::Dispatched { id: Some(_), .. })).count()
    };
    assert_eq!((0..8).map(|_| ran(&mut chain)).collect::<Vec<_>>(), [1, 0, 1, 0, 1, 0, 0, 0]);
    assert_eq!(chain.state.0.len(), 0);
}

#[test]
fn failing_tasks_are_tried_again() {
    let mut chain = Chain::default();
    chain.call(later(0, 0, Toy::Fail(1))).unwrap();
    chain.call(Call::set_retry { task: (1, 0), retries: 2, period: 3 }).unwrap();
    let fails = |chain: &mut Chain| {
        chain.block().1.iter().filter(|event| matches!(event, Event::Dispatched { .. })).count()
    };
    assert_eq!((0..10).map(|_| fails(&mut chain)).collect::<Vec<_>>(), [1, 0, 0, 1, 0, 0, 1, 0, 0, 0]);
    assert_eq!(chain.state.0.len(), 0);
    chain.call(later(0, 0, Toy::Fail(1))).unwrap();
    let task = (11, 0);
    chain.call(Call::set_retry { task, retries: 2, period: 3 }).unwrap();
    chain.call(Call::cancel_retry { task }).unwrap();
    assert_eq!((0..5).map(|_| fails(&mut chain)).sum::<usize>(), 1);
}

#[test]
fn tasks_can_be_cancelled_by_root_and_by_nobody_else() {
    let mut chain = Chain::default();
    let long = || Box::new(Toy::Long(vec![0; 200]));
    let id = [1; 32];
    let named = || Call::schedule_named { id, when: 5, maybe_periodic: None, priority: 0, call: long() };
    chain.call(named()).unwrap();
    assert_eq!(chain.call(named()), Err(error(Error::FailedToSchedule)), "the name is taken");
    chain.call(later(4, 0, Toy::Write(1, 1))).unwrap();
    assert_eq!(chain.call(Call::set_retry { task: (5, 0), retries: 1, period: 1 }), Err(error(Error::Named)));
    chain.call(Call::set_retry_named { id, retries: 1, period: 1 }).unwrap();
    chain.call(Call::cancel_retry_named { id }).unwrap();
    let stranger = Origin::Signed(AccountId32([3; 32]));
    assert_eq!(chain.call_as(stranger, Call::cancel_named { id }), Err(DispatchError::BadOrigin));
    chain.call(Call::cancel_named { id }).unwrap();
    assert_eq!(chain.call(Call::cancel_named { id }), Err(error(Error::NotFound)));
    assert_eq!(chain.call(Call::cancel { when: 5, index: 0 }), Err(error(Error::NotFound)));
    assert_eq!(chain.call(Call::cancel { when: 5, index: 9 }), Err(error(Error::NotFound)));
    chain.call(Call::cancel { when: 5, index: 1 }).unwrap();
    assert_eq!(chain.state.0.len(), 0);
    chain.at(3, |_| ());
    let past = Call::schedule { when: 3, maybe_periodic: None, priority: 0, call: long() };
    assert_eq!(chain.call(past), Err(error(Error::TargetBlockNumberInPast)));
}

#[test]
fn a_task_cannot_cancel_one_that_is_being_run_with_it() {
    let mut chain = Chain::default();
    let cancel = Toy::Scheduler(Call::cancel { when: 1, index: 1 });
    chain.call(later(0, 0, cancel)).unwrap();
    chain.call(later(0, 1, Toy::Write(1, 1))).unwrap();
    let refused = Event::Dispatched { task: (1, 0), id: None, result: Err(error(Error::NotFound)) };
    assert_eq!(chain.block().1, [refused, done((1, 1))]);
}

#[test]
fn an_agenda_is_bounded() {
    let mut chain = Chain::default();
    for _ in 0..AGENDA_MAX {
        chain.call(later(3, 0, Toy::Fail(0))).unwrap();
    }
    assert_eq!(chain.call(later(3, 0, Toy::Fail(0))), Err(error(Error::FailedToSchedule)));
    chain.call(Call::cancel { when: 4, index: 7 }).unwrap();
    chain.call(later(3, 0, Toy::Fail(0))).unwrap();
}

#[test]
fn bytes_and_names_are_those_that_clients_know() {
    let call = || Box::new(Toy::Fail(7));
    assert_eq!(later(2, 9, Toy::Fail(7)).encode(), [4, 2, 0, 0, 0, 0, 9, 1, 7]);
    let periodic =
        Call::schedule { when: 1, maybe_periodic: Some((2, 3)), priority: 4, call: call() }.encode();
    assert_eq!(periodic, [0, 1, 0, 0, 0, 1, 2, 0, 0, 0, 3, 0, 0, 0, 4, 1, 7]);
    let event = Event::Dispatched { task: (1, 2), id: None, result: Ok(()) };
    assert_eq!(event.encode(), [2, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0]);
    let path = |ty: Type| ty.path.segments.join("::");
    assert_eq!(path(Scheduled::<Who>::type_info()), "pallet_scheduler::Scheduled");
    assert_eq!(path(RetryConfig::type_info()), "pallet_scheduler::RetryConfig");
    assert_eq!(path(DispatchTime::type_info()), "frame_support::traits::schedule::DispatchTime");
    assert_eq!(path(Call::<Toy>::type_info()), "pallet_scheduler::pallet::Call");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() })]

    /// Every task that is not cancelled runs, once, not before its block; no block does more than its share.
    #[test]
    fn every_task_runs_once(tasks in proptest::collection::vec((0u32..6, 0u8..4, 1u8..10), 1..40)) {
        let mut chain = Chain::default();
        for (number, (after, priority, weight)) in (0u8..).zip(&tasks) {
            chain.call(later(*after, *priority, Toy::Write(number, *weight))).unwrap();
        }
        let mut run = Vec::new();
        for _ in 0..tasks.len() + 8 {
            for event in chain.block().1 {
                if let Event::Dispatched { task, .. } = event {
                    prop_assert!(task.0 <= chain.number);
                    prop_assert!(!run.contains(&task));
                    run.push(task);
                }
            }
        }
        prop_assert_eq!(run.len(), tasks.len());
        prop_assert_eq!(chain.state.0.len(), tasks.len(), "nothing is left but what the tasks wrote");
    }
}
