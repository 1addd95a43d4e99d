//! What fits into a block: builders stop there, and importers refuse what is beyond.

use std::sync::atomic::{AtomicU32, Ordering};

use basalt_executor::{ExecuteError, MISFITS_MAX};
use basalt_primitives::{Era, InvalidTransaction, TransactionValidityError};
use basalt_runtime::{LIMITS, RuntimeCall, UNIT};
use basalt_runtime_api::{Fatal, InherentData, InherentError, Runtime as _, Verified};
use basalt_test_kit::{Sender, check_block};

use crate::world::{World, batch, heavy, reason, remark, timestamp, transfer};

const EXHAUSTED: TransactionValidityError =
    TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources);

fn never() -> bool {
    false
}

/// First transactions of this many senders.
fn from_each(world: &World, senders: &[Sender], call: &RuntimeCall) -> Vec<Verified> {
    let genesis = world.ledger.genesis_hash;
    senders
        .iter()
        .map(|sender| sender.sign_with(genesis, call, sender.nonce, 0, Era::Immortal, genesis))
        .map(|bytes| world.ledger.verify(bytes).unwrap())
        .collect()
}

fn crowd(count: usize) -> (World, Vec<Sender>) {
    let senders: Vec<Sender> = (0..count).map(|i| Sender::from_suri(&format!("//crowd/{i}"))).collect();
    let world = World::with(&senders.iter().map(Sender::account).collect::<Vec<_>>());
    (world, senders)
}

#[test]
fn a_builder_stops_at_the_weight_limit_and_small_ones_still_get_in() {
    let (mut world, senders) = crowd(12);
    // Each takes 400 of the 1,500 ms that normal transactions may take: three fit.
    let mut candidates = from_each(&world, &senders[..10], &heavy(400_000));
    candidates.extend(from_each(&world, &senders[10..], &transfer(world.bob.account(), UNIT)));
    let built = world.ledger.build(&candidates, &never);
    let hashes = |transactions: &[Verified]| transactions.iter().map(|tx| tx.hash).collect::<Vec<_>>();
    let expected = [&candidates[..3], &candidates[10..]].concat();
    assert_eq!(hashes(&built.included[1..]), hashes(&expected));
    assert!(built.full);
    assert_eq!(built.refused, [], "what does not fit now may fit into the next block");
    assert!(built.executed.weight.all_lte(LIMITS.weight_max));
}

#[test]
fn a_builder_stops_at_the_byte_limit() {
    let (mut world, senders) = crowd(6);
    let candidates = from_each(&world, &senders, &remark(900 * 1024));
    let built = world.ledger.build(&candidates, &never);
    assert_eq!((built.included.len(), built.full), (1 + 4, true), "four times 900 KiB are below 3.75 MiB");
    assert!(built.executed.bytes <= LIMITS.bytes_normal_max + 100);
}

#[test]
fn a_builder_gives_up_after_enough_misfits() {
    let count = MISFITS_MAX as usize;
    let (mut world, senders) = crowd(3 + count + 1);
    let mut candidates = from_each(&world, &senders[..3 + count], &heavy(400_000));
    candidates.extend(from_each(&world, &senders[3 + count..], &transfer(world.bob.account(), UNIT)));
    let built = world.ledger.build(&candidates, &never);
    assert_eq!((built.included.len(), built.full), (1 + 3, true), "the small one comes too late");
}

#[test]
fn a_senders_later_transactions_wait_for_the_one_that_did_not_fit() {
    let (mut world, senders) = crowd(4);
    let genesis = world.ledger.genesis_hash;
    let mut candidates = from_each(&world, &senders[..3], &heavy(400_000));
    let own = |nonce, call: &RuntimeCall| {
        world.ledger.verify(senders[3].sign_with(genesis, call, nonce, 0, Era::Immortal, genesis)).unwrap()
    };
    candidates.extend([own(0, &heavy(400_000)), own(1, &remark(1)), own(2, &remark(1))]);
    let built = world.ledger.build(&candidates, &never);
    assert_eq!(built.included.len(), 1 + 3);
    assert_eq!(built.refused, [], "they are not invalid: the next block takes them");
    assert!(built.full);
    let next = world.ledger.build(&candidates[3..], &never);
    assert_eq!((next.included.len(), next.full), (1 + 3, false));
}

#[test]
fn a_block_beyond_the_limits_is_refused_at_the_transaction_that_does_not_fit() {
    let (mut world, senders) = crowd(6);
    for (call, fitting) in [(heavy(400_000), 3), (remark(900 * 1024), 4)] {
        let mut block = world.ledger.transactions(vec![]);
        block.extend(from_each(&world, &senders, &call).into_iter().take(fitting + 1));
        let refused = world.ledger.block_of(&block);
        assert_eq!(
            refused,
            Err(ExecuteError::Invalid {
                index: fitting as u32 + 1,
                hash: block[fitting + 1].hash,
                error: EXHAUSTED
            })
        );
        block.pop();
        check_block(&world.ledger.runtime, &world.ledger.state, &world.ledger.env(), &block).unwrap();
    }
}

#[test]
fn what_a_batch_did_not_use_is_there_for_others() {
    let (mut world, senders) = crowd(8);
    // Declared at more than 400 ms each, but the batch stops at its first call, which only root may make.
    let stopping = batch(vec![
        RuntimeCall::Balances(basalt_pallet_balances::Call::force_unreserve {
            who: world.bob.account().into(),
            amount: 1,
        }),
        heavy(400_000),
    ]);
    let candidates = from_each(&world, &senders, &stopping);
    let built = world.ledger.build(&candidates, &never);
    assert_eq!((built.included.len(), built.full), (1 + 8, false));
}

#[test]
fn operational_calls_may_use_what_normal_ones_may_not() {
    let (mut world, senders) = crowd(6);
    let mut candidates = from_each(&world, &senders[..3], &heavy(490_000));
    // Over 100 ms of hashing and copying; only root may do it, but that is found out in the block.
    let operational =
        RuntimeCall::System(basalt_pallet_system::Call::kill_storage { keys: vec![vec![]; 15_000] });
    candidates.extend(from_each(&world, &senders[3..], &operational));
    assert_eq!(candidates[3].info.class, basalt_primitives::DispatchClass::Operational);
    let built = world.ledger.build(&candidates, &never);
    assert_eq!((built.included.len(), built.full), (1 + 6, false));
    assert!(built.executed.weight.any_gt(LIMITS.weight_normal_max));
}

#[test]
fn a_builder_leaves_out_what_is_invalid_and_says_why() {
    let mut world = World::new();
    let (genesis, bob) = (world.ledger.genesis_hash, world.bob.account());
    let alice = |nonce| world.alice.sign_with(genesis, &transfer(bob, 1), nonce, 0, Era::Immortal, genesis);
    let poor = Sender::dev("Eve").sign(genesis, &transfer(bob, 1));
    let candidates: Vec<Verified> = [alice(0), alice(0), alice(2), poor, alice(1)]
        .into_iter()
        .map(|bytes| world.ledger.verify(bytes).unwrap())
        .collect();
    let built = world.ledger.build(&candidates, &never);
    assert_eq!((built.included.len(), built.full), (1 + 2, false));
    assert_eq!(
        built.refused,
        [
            (candidates[1].hash, InvalidTransaction::Stale.into()),
            (candidates[2].hash, InvalidTransaction::Future.into()),
            (candidates[3].hash, InvalidTransaction::Payment.into()),
        ]
    );
}

#[test]
fn a_builder_stops_when_it_is_told_to() {
    let (mut world, senders) = crowd(5);
    let candidates = from_each(&world, &senders, &transfer(world.bob.account(), 1));
    // Asked before each candidate, in each mode anew.
    let asked = AtomicU32::new(0);
    let built = world.ledger.build(&candidates, &|| asked.fetch_add(1, Ordering::Relaxed) % 4 == 3);
    assert_eq!((built.included.len(), built.full), (1 + 3, true));
    let built = world.ledger.build(&[], &|| true);
    assert_eq!((built.included.len(), built.full), (1, true));
}

#[test]
fn a_block_without_its_time_is_no_block() {
    let mut world = World::new();
    let now = InherentData::at(2_000);
    let runtime = world.ledger.runtime.clone();
    let signed = world.by_alice(&transfer(world.bob.account(), 1));
    let with_time = world.ledger.transactions(vec![signed]);
    assert_eq!(runtime.check_inherents(&with_time, &now), Ok(()));
    let missing = Err(InherentError::Missing("timestamp.set"));
    assert_eq!(runtime.check_inherents(&[], &now), missing);
    assert_eq!(runtime.check_inherents(&with_time[1..], &now), missing);
    let twice = [with_time.clone(), vec![with_time[0].clone()]].concat();
    assert_eq!(runtime.check_inherents(&twice, &now), Err(InherentError::Misplaced { index: 2 }));
    let late = InherentData::at(1_000);
    assert_eq!(runtime.check_inherents(&with_time, &late), Ok(()), "a second ahead is within the tolerance");
    let far = runtime.inherents(&InherentData::at(32_001)).remove(0);
    let far = [world.ledger.verify(far).unwrap()];
    assert_eq!(
        runtime.check_inherents(&far, &now),
        Err(InherentError::TooFarAhead { block_ms: 32_001, now_ms: 2_000, drift_max_ms: 30_000 })
    );
    // Executed all the same, it is our fault: whoever imports has to check first.
    assert!(matches!(
        world.ledger.block_of(&with_time[1..]),
        Err(ExecuteError::Internal(Fatal::Broken { pallet: "Timestamp", .. }))
    ));
    assert_eq!(reason(world.ledger.block_of(&twice)), (1, InvalidTransaction::BadMandatory));
}

#[test]
fn a_signed_call_in_the_place_of_the_time_is_no_time() {
    let mut world = World::new();
    let call = RuntimeCall::Timestamp(timestamp::Call::set { now: 2_000 });
    let signed = world.by_alice(&call);
    let bare = world.ledger.transactions(vec![]).remove(0);
    // A runtime that lets such a transaction through its first check must still not take it for the inherent.
    let mut forged = basalt_runtime_api::Transaction::clone(bare.transaction());
    let sample = world.bob.sign_with(Default::default(), &remark(0), 0, 0, Era::Immortal, Default::default());
    forged.signed = world.ledger.runtime.inspect(sample).unwrap().signed;
    let forged = Verified::assume(std::sync::Arc::new(forged), Default::default());
    let now = InherentData::at(2_000);
    assert_eq!(
        world.ledger.runtime.check_inherents(&[forged], &now),
        Err(InherentError::Missing("timestamp.set"))
    );
    assert!(world.ledger.runtime.inspect(signed).is_err());
}

#[test]
fn time_goes_forward_only() {
    let mut world = World::new();
    world.run(vec![]);
    let at = |world: &World, timestamp| {
        let bytes = world.ledger.runtime.inherents(&InherentData::at(timestamp)).remove(0);
        vec![world.ledger.verify(bytes).unwrap()]
    };
    for past in [0, 1_999, 2_000] {
        let block = at(&world, past);
        let result = world.ledger.block_of(&block);
        assert!(
            matches!(result, Err(ExecuteError::Invalid { index: 0, error, .. })
                if error == InvalidTransaction::BadMandatory.into()),
            "{past}: {result:?}"
        );
    }
    let block = at(&world, 2_001);
    world.ledger.block_of(&block).unwrap();
}
