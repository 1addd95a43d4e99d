//! What transactions pay, and how the price moves.

use basalt_primitives::{Era, FixedU128, OpaqueExtrinsic, Pays};
use basalt_runtime::{RuntimeCall, RuntimeEvent, TREASURY_ACCOUNT, UNIT};
use basalt_support::{RuntimeCall as _, weight};
use parity_scale_codec::Encode;
use payment::{FeeDetails, NEXT_FEE_MULTIPLIER, RuntimeDispatchInfo};

use crate::world::{
    START, World, as_root, balances, batch, decoded, heavy, inner_events, payment, remark, transfer,
};

fn multiplier(world: &World) -> FixedU128 {
    payment::multiplier(&world.ledger.state).unwrap()
}

#[test]
fn full_blocks_raise_the_fee_and_quiet_ones_lower_it_again() {
    let mut world = World::new();
    let call = transfer(world.bob.account(), 1);
    let fee_before = {
        let probe =
            world.charlie.sign_with(Default::default(), &call, 0, 0, Era::Immortal, Default::default());
        world.query_info(&probe).partial_fee
    };
    assert_eq!(multiplier(&world), FixedU128::one());
    let mut last = multiplier(&world);
    for _ in 0..20 {
        let block = (0..3).map(|_| world.by_alice(&heavy(450_000))).collect();
        world.run(block);
        assert!(multiplier(&world) > last, "a full block raises it");
        last = multiplier(&world);
    }
    // 90 % full is 65 points above the target: 20 blocks of 0.75 ‰ × 0.65 each.
    assert!(last > FixedU128::from_rational(10_095, 10_000), "{last}");
    assert!(last < FixedU128::from_rational(10_100, 10_000), "{last}");
    let probe = world.charlie.sign_with(Default::default(), &call, 0, 0, Era::Immortal, Default::default());
    let raised = world.query_info(&probe).partial_fee;
    assert!(raised > fee_before, "{raised} {fee_before}");
    let transaction = world.by_charlie(&call);
    assert_eq!(world.run_one(transaction).fee, raised, "the block charges what was queried on its parent");
    let mut blocks = 0;
    while multiplier(&world) > FixedU128::one() {
        let before = multiplier(&world);
        world.run(vec![]);
        assert!(multiplier(&world) < before, "a quiet block lowers it");
        blocks += 1;
        assert!(blocks < 100);
    }
    world.run(vec![]);
    assert_eq!(multiplier(&world), FixedU128::one(), "never below one");
}

#[test]
fn an_ordinary_block_does_not_even_write_the_multiplier() {
    let mut world = World::new();
    let transaction = world.by_alice(&transfer(world.bob.account(), 1));
    let transactions = world.ledger.transactions(vec![transaction]);
    let executed = world.ledger.block_of(&transactions).unwrap();
    assert_eq!(executed.changes.get(&NEXT_FEE_MULTIPLIER.key()), None);
}

#[test]
fn a_batch_that_stops_early_gets_the_rest_back() {
    let mut world = World::new();
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let rest: Vec<_> = (0..20).map(|_| transfer(bob, 1)).collect();
    let unused = rest.iter().fold(Default::default(), |sum: basalt_primitives::Weight, call| {
        sum.saturating_add(weight::CALL).saturating_add(call.info().weight)
    });
    let calls = [vec![transfer(bob, 2 * START)], rest].concat();
    let transaction = world.by_alice(&batch(calls));
    let query = world.query_info(&transaction);
    let receipt = world.run_one(transaction);
    let refund = basalt_runtime::TRANSACTION_PAYMENT.weight_to_fee(unused);
    assert!(refund > 0);
    assert_eq!(receipt.fee, query.partial_fee - refund);
    assert_eq!(receipt.info.weight, query.weight.saturating_sub(unused));
    assert_eq!(
        inner_events(&receipt).last(),
        Some(&RuntimeEvent::Balances(balances::pallet::Event::Deposit { who: alice, amount: refund }))
    );
    assert_eq!(world.free(alice), START - receipt.fee);
}

#[test]
fn the_whole_tip_is_the_authors() {
    let mut world = World::new();
    let (genesis, alice, bob) = (world.ledger.genesis_hash, world.alice.account(), world.bob.account());
    let author = world.ledger.author.unwrap();
    let tip = 3 * UNIT;
    let bytes = world.alice.sign_with(genesis, &transfer(bob, 1), 0, tip, Era::Immortal, genesis);
    let fee = world.query_info(&bytes).partial_fee;
    let receipt = world.run_one(bytes);
    assert_eq!((receipt.fee, receipt.tip), (fee, tip));
    let paid = payment::Event::TransactionFeePaid { who: alice, actual_fee: fee + tip, tip };
    assert!(decoded(&receipt.events).contains(&RuntimeEvent::TransactionPayment(paid)));
    assert_eq!(world.free(author), START + fee * 80 / 100 + tip);
    assert_eq!(world.free(TREASURY_ACCOUNT), UNIT + fee * 20 / 100);
    assert_eq!(world.free(alice), START - 1 - fee - tip);
}

#[test]
fn root_gets_the_fee_back_but_not_the_tip() {
    let mut world = World::new();
    let (genesis, alice) = (world.ledger.genesis_hash, world.alice.account());
    let bytes = world.alice.sign_with(genesis, &as_root(remark(0)), 0, 5, Era::Immortal, genesis);
    let receipt = world.run_one(bytes);
    assert_eq!((receipt.fee, receipt.tip, receipt.info.pays_fee), (0, 5, Pays::No));
    assert_eq!(world.free(alice), START - 5);
}

#[test]
fn queries_by_call_and_by_transaction_agree_with_each_other_and_with_their_parts() {
    let world = World::new();
    let call = transfer(world.bob.account(), UNIT);
    let bytes = world.alice.sign_with(Default::default(), &call, 9, 77, Era::Immortal, Default::default());
    let length = bytes.encoded_size() as u32;
    let uxt = (OpaqueExtrinsic(bytes), length);
    let by_call = (call.clone(), length);
    let info: RuntimeDispatchInfo = world.api("TransactionPaymentApi_query_info", &uxt);
    assert_eq!(world.api::<RuntimeDispatchInfo>("TransactionPaymentCallApi_query_call_info", &by_call), info);
    let details: FeeDetails = world.api("TransactionPaymentApi_query_fee_details", &uxt);
    let untipped: FeeDetails = world.api("TransactionPaymentCallApi_query_call_fee_details", &by_call);
    assert_eq!((details.tip, untipped.tip), (77, 0));
    assert_eq!(details.inclusion_fee, untipped.inclusion_fee);
    assert_eq!(untipped.total(), info.partial_fee);
    let parts = details.inclusion_fee.unwrap();
    let of_length: u128 = world.api("TransactionPaymentApi_query_length_to_fee", &length);
    let of_weight: u128 = world.api("TransactionPaymentCallApi_query_weight_to_fee", &call.info().weight);
    assert_eq!((parts.len_fee, parts.adjusted_weight_fee), (of_length, of_weight));
    let longer: RuntimeDispatchInfo =
        world.api("TransactionPaymentCallApi_query_call_info", &(call, length + 1));
    assert_eq!(longer.partial_fee - info.partial_fee, basalt_runtime::TRANSACTION_PAYMENT.fee_per_byte);
}

#[test]
fn a_transfer_costs_about_what_the_configuration_says() {
    let world = World::new();
    let call: RuntimeCall = transfer(world.bob.account(), UNIT);
    let bytes =
        world.alice.sign_with(Default::default(), &call, 0, 0, Era::mortal(64, 1), Default::default());
    let fee = world.query_info(&bytes).partial_fee;
    assert!((UNIT / 2_000..UNIT / 500).contains(&fee), "{fee}");
}
