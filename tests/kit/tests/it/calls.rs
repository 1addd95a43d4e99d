//! Calls that hold calls, and what is left of those that fail.

use basalt_primitives::{
    DispatchError, InvalidTransaction, MultiAddress, Pays, TokenError, TransactionalError,
};
use basalt_runtime::{CALL_DECODE_DEPTH_MAX, LIMITS, RuntimeCall, RuntimeEvent, TRANSACTION_PAYMENT, UNIT};
use basalt_runtime_api::{Runtime as _, ValidateError};
use basalt_support::{CALL_DEPTH_MAX, RuntimeCall as _, weight};
use basalt_test_kit::Sender;
use parity_scale_codec::Encode;
use utility::{Event, derivative_account};

use crate::world::{
    START, World, as_derivative, as_root, balances, batch, batch_all, decoded, force_batch, inner_events,
    module, moved, remark, remarked, set_balance, sudo, system, timestamp, told_by_utility, told_remark,
    transfer, transfer_all, utility,
};

const TOO_POOR: DispatchError = DispatchError::Token(TokenError::FundsUnavailable);
const TOO_DEEP: DispatchError = DispatchError::Transactional(TransactionalError::LimitReached);

#[test]
fn a_failed_call_keeps_the_fee_and_the_nonce_and_drops_all_other_writes_and_events() {
    let mut world = World::new();
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let failing =
        batch_all(vec![told_remark("gone"), transfer(bob, 1), transfer(bob, 2 * START), transfer(bob, 1)]);
    let transaction = world.by_alice(&failing);
    let most = world.query_info(&transaction).partial_fee;
    let receipt = world.run_one(transaction);

    let unused =
        TRANSACTION_PAYMENT.weight_to_fee(weight::CALL.saturating_add(transfer(bob, 1).info().weight));
    assert_eq!((receipt.result, receipt.fee), (Err(TOO_POOR), most - unused));
    assert_eq!(
        inner_events(&receipt),
        [RuntimeEvent::Balances(balances::pallet::Event::Deposit { who: alice, amount: unused })],
        "only the refund is told"
    );
    let last = decoded(&receipt.events).pop();
    assert_eq!(
        last,
        Some(RuntimeEvent::System(system::Event::ExtrinsicFailed {
            dispatch_error: TOO_POOR,
            dispatch_info: receipt.info
        }))
    );
    assert_eq!((world.free(alice), world.account(alice).nonce), (START - receipt.fee, 1));
    assert_eq!((world.free(bob), world.account(bob).nonce), (START, 0));
}

#[test]
fn a_batch_stops_at_the_first_failure_and_keeps_what_was_done() {
    let mut world = World::new();
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let call = batch(vec![transfer(bob, 5), transfer(bob, 2 * START), told_remark("never")]);
    let transaction = world.by_alice(&call);
    let receipt = world.run_one(transaction);
    assert_eq!(receipt.result, Ok(()));
    assert_eq!(
        inner_events(&receipt)[..3],
        [
            moved(alice, bob, 5),
            told_by_utility(Event::ItemCompleted),
            told_by_utility(Event::BatchInterrupted { index: 1, error: TOO_POOR }),
        ]
    );
    assert_eq!(world.free(bob), START + 5);
}

#[test]
fn a_forced_batch_goes_on_and_nested_batches_keep_their_own_rules() {
    let mut world = World::new();
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let call = force_batch(vec![
        batch(vec![told_remark("one"), transfer(bob, 2 * START), told_remark("never")]),
        batch_all(vec![told_remark("dropped"), transfer(bob, 3), transfer(bob, 2 * START)]),
        as_root(remark(0)),
        batch_all(vec![told_remark("two"), transfer(bob, 4)]),
    ]);
    let transaction = world.by_bob(&force_batch(vec![]));
    assert_eq!(inner_events(&world.run_one(transaction)), [told_by_utility(Event::BatchCompleted)]);
    let transaction = world.by_alice(&call);
    let receipt = world.run_one(transaction);
    let completed = || told_by_utility(Event::ItemCompleted);
    assert_eq!(
        inner_events(&receipt)[..14],
        [
            remarked(alice, "one"),
            completed(),
            told_by_utility(Event::BatchInterrupted { index: 1, error: TOO_POOR }),
            completed(),
            told_by_utility(Event::ItemFailed { error: TOO_POOR }),
            RuntimeEvent::Sudo(sudo::Event::Sudid { sudo_result: Ok(()) }),
            completed(),
            remarked(alice, "two"),
            completed(),
            moved(alice, bob, 4),
            completed(),
            told_by_utility(Event::BatchCompleted),
            completed(),
            told_by_utility(Event::BatchCompletedWithErrors),
        ]
    );
    assert_eq!(receipt.info.pays_fee, Pays::Yes, "a batch pays, whatever is in it");
}

#[test]
fn a_call_runs_as_the_derived_account_and_its_failure_is_the_callers() {
    let mut world = World::new();
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let derived = derivative_account(&alice, 7);
    let poor = world.by_alice(&as_derivative(7, transfer(bob, UNIT)));
    assert_eq!(world.run_one(poor).result, Err(TOO_POOR));
    let call = batch_all(vec![
        transfer(derived, 3 * UNIT),
        as_derivative(7, transfer(bob, UNIT)),
        as_derivative(7, as_derivative(1, transfer(bob, 0))),
        as_derivative(7, as_root(remark(0))),
    ]);
    let transaction = world.by_alice(&call);
    assert_eq!(world.run_one(transaction).result, Err(module(5, 0)), "the derived account is not root");
    let call = batch_all(vec![transfer(derived, 3 * UNIT), as_derivative(7, transfer(bob, UNIT))]);
    let transaction = world.by_alice(&call);
    let receipt = world.run_one(transaction);
    assert_eq!(receipt.result, Ok(()));
    assert!(decoded(&receipt.events).contains(&moved(derived, bob, UNIT)));
    assert_eq!((world.free(derived), world.free(bob)), (2 * UNIT, START + UNIT));
}

#[test]
fn root_pays_no_fee_and_others_are_no_root() {
    let mut world = World::new();
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let block = vec![
        world.by_alice(&as_root(set_balance(bob, 7 * UNIT))),
        world.by_alice(&as_root(transfer(bob, 1))),
        world.by_charlie(&as_root(set_balance(bob, UNIT))),
        world.by_charlie(&set_balance(bob, UNIT)),
    ];
    let receipts = world.run(block);
    assert_eq!(receipts[0].info.pays_fee, Pays::No);
    assert_eq!((receipts[0].fee, receipts[1].fee), (0, 0));
    assert!(
        decoded(&receipts[0].events).contains(&RuntimeEvent::Balances(balances::pallet::Event::BalanceSet {
            who: bob,
            free: 7 * UNIT
        }))
    );
    assert_eq!(receipts[1].result, Ok(()), "that the call failed is in the event");
    assert!(
        decoded(&receipts[1].events)
            .contains(&RuntimeEvent::Sudo(sudo::Event::Sudid { sudo_result: Err(DispatchError::BadOrigin) }))
    );
    assert_eq!((receipts[2].result, receipts[3].result), (Err(module(5, 0)), Err(DispatchError::BadOrigin)));
    assert!(receipts[2].fee > 0 && receipts[3].fee > 0);
    assert_eq!((world.free(alice), world.free(bob)), (START, 7 * UNIT));
}

#[test]
fn the_key_of_root_can_be_handed_on_used_as_others_and_given_up() {
    let mut world = World::new();
    let (alice, bob, charlie) = (world.alice.account(), world.bob.account(), world.charlie.account());
    let sudo_as =
        RuntimeCall::Sudo(sudo::Call::sudo_as { who: charlie.into(), call: Box::new(transfer(bob, UNIT)) });
    let set_key = |new: MultiAddress| RuntimeCall::Sudo(sudo::Call::set_key { new });
    let remove_key = RuntimeCall::Sudo(sudo::Call::remove_key);
    let block = vec![
        world.by_alice(&sudo_as),
        world.by_alice(&set_key(MultiAddress::Index)),
        world.by_alice(&set_key(bob.into())),
        world.by_alice(&sudo_as),
        world.by_bob(&remove_key),
        world.by_bob(&remove_key),
    ];
    let results: Vec<_> = world.run(block).into_iter().map(|receipt| receipt.result).collect();
    let no_root = Err(module(5, 0));
    assert_eq!(results, [Ok(()), Err(DispatchError::CannotLookup), Ok(()), no_root, Ok(()), no_root]);
    assert_eq!(world.free(charlie), START - UNIT);
    assert!(world.free(alice) < START);
}

#[test]
fn a_refund_does_not_raise_the_dead() {
    // The sender dies in the batch, which then stops early: the refund would be enough for a new account, whose nonce
    // would be zero again, so that its old transactions could be replayed.
    let mut world = World::new();
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let mut calls = vec![transfer_all(alice, false), transfer(alice, UNIT)];
    calls.extend((0..100).map(|_| transfer(alice, 1)));
    let transaction = world.by_bob(&batch(calls));
    let most = world.query_info(&transaction).partial_fee;
    let receipt = world.run_one(transaction);
    assert!(
        decoded(&receipt.events)
            .contains(&RuntimeEvent::System(system::Event::KilledAccount { account: bob }))
    );
    assert_eq!(world.account(bob), Default::default());
    assert_eq!(receipt.fee, most, "what cannot be given back is collected");
}

/// `depth` batches in each other around a call.
fn nested(depth: u32, innermost: RuntimeCall) -> RuntimeCall {
    (0..depth).fold(innermost, |call, _| batch(vec![call]))
}

#[test]
fn calls_nest_as_deep_as_allowed_and_fail_beyond() {
    let mut world = World::new();
    let alice = world.alice.account();
    let deepest = world.by_alice(&nested(CALL_DEPTH_MAX - 1, told_remark("deep")));
    let events = inner_events(&world.run_one(deepest));
    assert_eq!(events[0], remarked(alice, "deep"));
    let too_deep = world.by_alice(&nested(CALL_DEPTH_MAX, told_remark("deep")));
    let receipt = world.run_one(too_deep);
    let events = inner_events(&receipt);
    assert_eq!(receipt.result, Ok(()), "each batch reports the failure inside it as its own success");
    assert_eq!(events[0], told_by_utility(Event::BatchInterrupted { index: 0, error: TOO_DEEP }));
    let all_or_nothing = (0..CALL_DEPTH_MAX).fold(told_remark("deep"), |call, _| batch_all(vec![call]));
    let transaction = world.by_alice(&all_or_nothing);
    assert_eq!(world.run_one(transaction).result, Err(TOO_DEEP));
    let deeper = world.by_alice(&(0..50).fold(remark(0), |call, _| as_root(call)));
    assert_eq!(world.run_one(deeper).result, Ok(()));
}

#[test]
fn an_encoding_that_nests_too_deeply_is_refused_before_it_costs_a_stack() {
    let world = World::new();
    let signed = |call: &[u8]| {
        let sample = world.bob.sign_with(
            world.ledger.genesis_hash,
            &remark(0),
            0,
            0,
            Default::default(),
            world.ledger.genesis_hash,
        );
        [&sample[..sample.len() - remark(0).encoded_size()], call].concat()
    };
    let by_hand = |wrapper: &[u8], depth: usize| [wrapper.repeat(depth), remark(0).encode()].concat();
    let batch_of_one: &[u8] = &[4, 0, 1 << 2];
    let sudo: &[u8] = &[5, 0];
    assert_eq!(by_hand(batch_of_one, 3), nested(3, remark(0)).encode());
    for wrapper in [batch_of_one, sudo] {
        world.ledger.runtime.inspect(signed(&by_hand(wrapper, CALL_DECODE_DEPTH_MAX as usize - 1))).unwrap();
        for depth in [CALL_DECODE_DEPTH_MAX as usize + 1, 10_000, 300_000] {
            let refusal = world.ledger.runtime.inspect(signed(&by_hand(wrapper, depth))).unwrap_err();
            assert_eq!(refusal.error, InvalidTransaction::Call.into(), "{depth}");
        }
    }
}

#[test]
fn a_batch_of_more_calls_than_allowed_fails_and_a_batch_of_many_empty_ones_is_priced() {
    let mut world = World::new();
    let too_many = utility::BATCHED_CALLS_MAX as usize + 1;
    let transaction = world.by_alice(&batch(vec![remark(0); too_many]));
    assert_eq!(world.run_one(transaction).result, Err(module(4, 0)));
    // The most calls that a transaction can hold nearly fill a block by weight, and cost accordingly.
    let bomb = world.by_alice(&batch(vec![batch(vec![]); 340_000]));
    let query = world.query_info(&bomb);
    assert!(query.weight.ref_time > LIMITS.weight_normal_max.ref_time / 10 * 9);
    assert_eq!(world.run_one(bomb).fee, query.partial_fee);
}

#[test]
fn nobody_can_send_what_only_authors_put_into_blocks() {
    let mut world = World::new();
    let set = RuntimeCall::Timestamp(timestamp::Call::set { now: 5_000 });
    // Signed, it would be of the class that always fits into a block.
    let signed = world.by_alice(&set);
    let refusal = world.ledger.runtime.inspect(signed).unwrap_err();
    assert_eq!(refusal.error, InvalidTransaction::MandatoryValidation.into());
    world.alice.nonce = 0;
    for call in [as_root(set.clone()), batch(vec![set.clone()]), as_derivative(0, set.clone())] {
        let signed = world.by_alice(&call);
        let transaction = world.ledger.runtime.inspect(signed.clone()).unwrap();
        assert_eq!(transaction.info.class, basalt_primitives::DispatchClass::Normal);
        let before = timestamp::NOW.get(&world.ledger.state).unwrap();
        world.run_one(signed);
        assert_eq!(
            timestamp::NOW.get(&world.ledger.state).unwrap(),
            before.map_or(Some(2_000), |now| Some(now + 1_000))
        );
    }
    let unsigned = |call: &RuntimeCall| basalt_primitives::extrinsic::encode_bare(&call.encode());
    let (alice, eve) = (world.alice.account(), Sender::dev("Eve").account());
    for (call, error) in [
        (transfer(eve, UNIT), InvalidTransaction::Call),
        (as_root(set_balance(alice, 0)), InvalidTransaction::Call),
        (set, InvalidTransaction::BadMandatory),
    ] {
        assert_eq!(world.refused(vec![unsigned(&call)]), (0, error), "{call:?}");
        let bare = world.ledger.verify(unsigned(&call)).unwrap();
        assert!(matches!(
            world.ledger.runtime.validate(&bare, &world.ledger.head()),
            Err(ValidateError::Refused(_))
        ));
    }
}
