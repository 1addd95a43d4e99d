//! The worst cases of governance's calls, and the state that they are worst in.

use basalt_pallet_preimage as preimage;
use basalt_pallet_scheduler as scheduler;
use basalt_primitives::{H256, hashing::blake2_256};
use basalt_runtime::RuntimeCall;
use basalt_support::Origin;

use crate::world::{World, as_root, remark};

/// A preimage that Bob pays for, and one that is requested as well.
const NOTED: &[u8] = &[7; 1_000];
const REQUESTED: &[u8] = &[8; 1_000];

fn hash(bytes: &[u8]) -> H256 {
    H256(blake2_256(bytes))
}

fn note(bytes: &[u8]) -> RuntimeCall {
    RuntimeCall::Preimage(preimage::Call::note_preimage { bytes: bytes.to_vec() })
}

fn request(bytes: &[u8]) -> RuntimeCall {
    RuntimeCall::Preimage(preimage::Call::request_preimage { hash: hash(bytes) })
}

/// A call that is too long to be stored whole.
fn long(last: u8) -> RuntimeCall {
    let mut bytes = vec![0; 1_000];
    bytes.push(last);
    RuntimeCall::System(basalt_pallet_system::Call::remark { remark: bytes })
}

fn scheduled(id: u8, when: u32) -> RuntimeCall {
    RuntimeCall::Scheduler(scheduler::Call::schedule_named {
        id: [id; 32],
        when,
        maybe_periodic: Some((5, 5)),
        priority: 1,
        call: Box::new(long(id)),
    })
}

/// Makes the state in which the calls of [`worst_cases`] do the most.
pub(crate) fn prepare(world: &mut World) {
    let block = vec![
        world.by_bob(&note(NOTED)),
        world.by_bob(&note(REQUESTED)),
        world.by_alice(&as_root(request(REQUESTED))),
        world.by_alice(&as_root(scheduled(1, 1_000))),
        world.by_alice(&as_root(RuntimeCall::Scheduler(scheduler::Call::set_retry_named {
            id: [1; 32],
            retries: 3,
            period: 1,
        }))),
        world.by_alice(&as_root(RuntimeCall::Scheduler(scheduler::Call::schedule {
            when: 1_000,
            maybe_periodic: None,
            priority: 1,
            call: Box::new(long(2)),
        }))),
        world.by_alice(&as_root(RuntimeCall::Scheduler(scheduler::Call::set_retry {
            task: (1_000, 1),
            retries: 3,
            period: 1,
        }))),
    ];
    let receipts = world.run(block);
    assert!(receipts.iter().all(|receipt| receipt.result.is_ok()), "{receipts:?}");
}

pub(crate) fn worst_cases(world: &World) -> Vec<(Origin, RuntimeCall)> {
    [preimage_cases(world), scheduler_cases()].concat()
}

fn preimage_cases(world: &World) -> Vec<(Origin, RuntimeCall)> {
    use preimage::Call::*;
    let by_bob = || Origin::Signed(world.bob.account());
    let own = RuntimeCall::Preimage;
    vec![
        (by_bob(), note(&[9; 1_000])),
        (Origin::Root, note(NOTED)),
        (by_bob(), own(unnote_preimage { hash: hash(NOTED) })),
        (by_bob(), own(unnote_preimage { hash: hash(REQUESTED) })),
        (Origin::Root, request(NOTED)),
        (Origin::Root, request(&[1])),
        (Origin::Root, own(unrequest_preimage { hash: hash(REQUESTED) })),
        (by_bob(), own(ensure_updated { hashes: vec![H256::zero(); 100] })),
    ]
}

fn scheduler_cases() -> Vec<(Origin, RuntimeCall)> {
    use scheduler::Call::*;
    let call = |last| Box::new(long(last));
    let (maybe_periodic, priority) = (Some((7, 7)), 0);
    [
        schedule { when: 1_000, maybe_periodic, priority, call: call(5) },
        schedule { when: 9, maybe_periodic, priority, call: Box::new(remark(5)) },
        cancel { when: 1_000, index: 1 },
        schedule_named { id: [9; 32], when: 1_000, maybe_periodic, priority, call: call(6) },
        cancel_named { id: [1; 32] },
        schedule_after { after: 7, maybe_periodic, priority, call: call(7) },
        schedule_named_after { id: [9; 32], after: 7, maybe_periodic, priority, call: call(8) },
        set_retry { task: (1_000, 1), retries: 1, period: 1 },
        set_retry_named { id: [1; 32], retries: 1, period: 1 },
        cancel_retry { task: (1_000, 1) },
        cancel_retry_named { id: [1; 32] },
    ]
    .map(|call| (Origin::Root, RuntimeCall::Scheduler(call)))
    .into()
}
