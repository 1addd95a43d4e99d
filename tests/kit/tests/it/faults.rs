//! A state that cannot be read, at every point of a block.

use basalt_executor::{ExecuteError, Mode};
use basalt_primitives::{Era, H256, Header, OpaqueExtrinsic, TransactionSource};
use basalt_runtime::{RuntimeCall, UNIT};
use basalt_runtime_api::{CallError, Fatal, Head, Runtime as _, ValidateError};
use basalt_state::{Overlay, StateError};
use basalt_test_kit::{Failing, Sender, check_block, executors};
use parity_scale_codec::Encode;

use crate::world::{
    START, World, as_derivative, as_root, balances, batch, batch_all, force_batch, heavy, remark,
    set_balance, sudo, told_remark, transfer, transfer_all, utility,
};

fn is_ours(error: &StateError) -> bool {
    matches!(error, StateError::Backend(what) if what.starts_with("injected"))
}

/// A block that uses every pallet, succeeds and fails.
fn eventful(world: &mut World) -> Vec<Vec<u8>> {
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let eve = Sender::dev("Eve").account();
    let derived = utility::derivative_account(&alice, 1);
    let burn = RuntimeCall::Balances(balances::Call::burn { value: UNIT, keep_alive: true });
    let issue = RuntimeCall::Balances(balances::Call::force_adjust_total_issuance {
        direction: balances::types::AdjustmentDirection::Increase,
        delta: 5,
    });
    vec![
        world.by_alice(&transfer(bob, UNIT)),
        world.by_alice(&transfer(eve, UNIT)),
        world.by_alice(&batch(vec![
            transfer(derived, UNIT),
            as_derivative(1, transfer(bob, 1)),
            transfer(bob, 2 * START),
        ])),
        world.by_alice(&batch_all(vec![told_remark("gone"), transfer(bob, 1), transfer(bob, 2 * START)])),
        world.by_alice(&force_batch(vec![
            transfer(eve, 2 * START),
            burn.clone(),
            batch(vec![transfer(eve, 1)]),
        ])),
        world.by_alice(&as_root(set_balance(eve, 9 * UNIT))),
        world.by_alice(&as_root(issue)),
        world.by_alice(&as_root(as_root(remark(1)))),
        world.by_alice(&RuntimeCall::Sudo(sudo::Call::sudo_as { who: eve.into(), call: Box::new(burn) })),
        world.by_bob(&as_root(remark(1))),
        world.by_bob(&transfer_all(alice, false)),
        world.by_charlie(&heavy(800_000)),
    ]
}

#[test]
fn a_failed_read_is_never_the_blocks_fault_wherever_it_happens() {
    let mut world = World::new();
    let warm_up = eventful(&mut world);
    world.run(warm_up);
    world.bob.nonce = 0;
    let funding = world.by_alice(&transfer(world.bob.account(), 50 * UNIT));
    world.run(vec![funding]);

    let signed = eventful(&mut world);
    let transactions = world.ledger.transactions(signed);
    let env = world.ledger.env();
    let state = &world.ledger.state;
    let reference =
        check_block(&world.ledger.runtime, state, &env, &transactions).expect("the block is valid");
    for executor in executors() {
        let mode = executor.mode();
        let mut points = 0;
        for at in 0.. {
            let failing = Failing::new(state, at);
            let run = || {
                let run = executor.execute(&world.ledger.runtime, &failing, &env, &transactions);
                run.map(|(executed, _)| executed)
            };
            let executed = run();
            if !failing.has_failed() {
                assert_eq!(executed.as_ref(), Ok(&reference));
                break;
            }
            points += 1;
            match executed {
                Err(ExecuteError::Internal(Fatal::State(error))) => assert!(is_ours(&error), "{error}"),
                // What was read ahead in vain may have failed in vain.
                Ok(executed) if mode != Mode::Sequential => assert_eq!(executed, reference),
                other => panic!("{mode:?}, failing at read {at}: {other:?}"),
            }
            assert_eq!(run().as_ref(), Ok(&reference));
        }
        // Run in parallel, a block reads each key once.
        let least = if mode == Mode::Sequential { 40 } else { 15 };
        assert!(points > least, "the block reads a lot: {points}");
    }
}

#[test]
fn a_builder_fails_rather_than_leave_out_what_it_could_not_judge() {
    let mut world = World::new();
    let signed = eventful(&mut world);
    let mut transactions = world.ledger.transactions(signed);
    let candidates = transactions.split_off(1);
    let env = world.ledger.env();
    for executor in executors() {
        let mode = executor.mode();
        for at in 0.. {
            let failing = Failing::new(&world.ledger.state, at);
            let mut offered = candidates.iter().cloned();
            let built = executor.build(
                &world.ledger.runtime,
                &failing,
                &env,
                transactions.clone(),
                &mut offered,
                &|| false,
            );
            if !failing.has_failed() {
                assert_eq!(built.unwrap().included.len(), 1 + candidates.len());
                break;
            }
            match built {
                Err(ExecuteError::Internal(Fatal::State(error))) => assert!(is_ours(&error), "{error}"),
                Ok(built) if mode != Mode::Sequential => assert_eq!(built.refused, []),
                other => panic!("{mode:?}, failing at read {at}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_failed_read_is_never_the_transactions_fault() {
    let mut world = World::new();
    world.run(vec![]);
    let genesis = world.ledger.genesis_hash;
    let header = Header { number: 1, ..Header::default() };
    let call = transfer(world.bob.account(), UNIT);
    let signed = world.alice.sign_with(genesis, &call, 0, 0, Era::mortal(64, 0), genesis);
    let transaction = world.ledger.verify(signed.clone()).unwrap();
    let opaque = OpaqueExtrinsic(signed);
    let validate = (TransactionSource::External, opaque.clone(), H256([0; 32])).encode();
    let with_length = (opaque.clone(), 150u32).encode();
    let questions: [(&str, Vec<u8>); 6] = [
        ("AccountNonceApi_account_nonce", world.alice.account().encode()),
        ("BlockBuilder_apply_extrinsic", opaque.encode()),
        ("TaggedTransactionQueue_validate_transaction", validate),
        ("TransactionPaymentApi_query_info", with_length.clone()),
        ("TransactionPaymentApi_query_fee_details", with_length),
        ("TransactionPaymentCallApi_query_call_info", (call, 150u32).encode()),
    ];
    for (function, arguments) in &questions {
        for at in 0.. {
            let failing = Failing::new(&world.ledger.state, at);
            let mut overlay = Overlay::new(&failing);
            let answer = world.ledger.runtime.call(function, arguments, &header, &mut overlay);
            if !failing.has_failed() {
                assert!(at > 0 && answer.is_ok(), "{function} reads something and answers");
                break;
            }
            assert!(
                matches!(&answer, Err(CallError::State(error)) if is_ours(error)),
                "{function}, failing at read {at}: {answer:?}"
            );
        }
    }
    for at in 0.. {
        let failing = Failing::new(&world.ledger.state, at);
        let head = Head { state: &failing, ..world.ledger.head() };
        let judged = world
            .ledger
            .runtime
            .proof(&transaction, &head)
            .and_then(|_| world.ledger.runtime.validate(&transaction, &head));
        if !failing.has_failed() {
            assert!(at > 2 && judged.is_ok());
            break;
        }
        assert!(matches!(&judged, Err(ValidateError::State(error)) if is_ours(error)), "{at}: {judged:?}");
    }
}
