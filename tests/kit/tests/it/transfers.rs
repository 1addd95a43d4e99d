//! Moving the token: exact balances, fees and events.

use basalt_primitives::{AccountId, DispatchClass, InvalidTransaction, Pays};
use basalt_runtime::{MILLIUNIT, RuntimeEvent, TREASURY_ACCOUNT, UNIT};
use basalt_test_kit::Sender;

use crate::world::{
    START, World, balances, decoded, inner_events, moved, payment, system, transfer, transfer_all,
};

#[test]
fn a_transfer_moves_the_amount_costs_what_was_queried_and_tells_it_in_the_order_that_clients_know() {
    let mut world = World::new();
    let (alice, eve) = (world.alice.account(), Sender::dev("Eve").account());
    let author = world.ledger.author.expect("the chain has an author");
    let issuance = world.issuance();
    let transaction = world.by_alice(&transfer(eve, 5 * UNIT));
    let query = world.query_info(&transaction);
    let fee = query.partial_fee;
    let receipt = world.run_one(transaction);

    assert_eq!((receipt.result, receipt.fee, receipt.tip), (Ok(()), fee, 0));
    assert_eq!(receipt.info.weight, query.weight);
    assert_eq!(
        decoded(&receipt.events),
        [
            RuntimeEvent::Balances(balances::pallet::Event::Withdraw { who: alice, amount: fee }),
            RuntimeEvent::System(system::Event::NewAccount { account: eve }),
            RuntimeEvent::Balances(balances::pallet::Event::Endowed { account: eve, free_balance: 5 * UNIT }),
            moved(alice, eve, 5 * UNIT),
            RuntimeEvent::TransactionPayment(payment::Event::TransactionFeePaid {
                who: alice,
                actual_fee: fee,
                tip: 0
            }),
            RuntimeEvent::System(system::Event::ExtrinsicSuccess { dispatch_info: receipt.info }),
        ]
    );
    assert_eq!((receipt.info.class, receipt.info.pays_fee), (DispatchClass::Normal, Pays::Yes));
    assert_eq!((world.free(alice), world.free(eve)), (START - 5 * UNIT - fee, 5 * UNIT));
    assert_eq!((world.account(alice).nonce, world.account(eve).nonce), (1, 0));

    let (to_author, to_treasury) = (fee * 80 / 100, fee * 20 / 100);
    let burnt = fee - to_author - to_treasury;
    assert!(burnt <= 1, "only what rounding leaves is burnt");
    assert_eq!(world.free(author), START + to_author);
    assert_eq!(world.free(TREASURY_ACCOUNT), UNIT + to_treasury);
    assert_eq!(world.issuance(), issuance - burnt);
    let mut last = vec![
        RuntimeEvent::Balances(balances::pallet::Event::Deposit { who: author, amount: to_author }),
        RuntimeEvent::Balances(balances::pallet::Event::Deposit {
            who: TREASURY_ACCOUNT,
            amount: to_treasury,
        }),
    ];
    if burnt > 0 {
        last.push(RuntimeEvent::Balances(balances::pallet::Event::Rescinded { amount: burnt }));
    }
    assert_eq!(world.final_events(), last);
}

#[test]
fn a_transfer_to_an_account_that_is_there_tells_of_no_birth() {
    let mut world = World::new();
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let transaction = world.by_alice(&transfer(bob, 7));
    let receipt = world.run_one(transaction);
    assert_eq!(inner_events(&receipt), [moved(alice, bob, 7)]);
    assert_eq!(world.free(bob), START + 7);
}

#[test]
fn the_treasury_gets_the_authors_share_if_nobody_knows_the_author() {
    let mut world = World::new();
    world.ledger.author = None;
    let transaction = world.by_alice(&transfer(world.bob.account(), 7));
    let fee = world.run_one(transaction).fee;
    assert_eq!(world.free(TREASURY_ACCOUNT), UNIT + fee * 80 / 100 + fee * 20 / 100);
}

#[test]
fn a_share_that_cannot_open_an_account_is_burnt() {
    let mut world = World::new();
    let nobody = AccountId::from([7; 32]);
    world.ledger.author = Some(nobody);
    let issuance = world.issuance();
    let transaction = world.by_alice(&transfer(world.bob.account(), 7));
    let fee = world.run_one(transaction).fee;
    assert!(fee * 80 / 100 < MILLIUNIT, "the share of one transfer is below the existential deposit");
    assert_eq!(world.free(nobody), 0);
    assert_eq!(world.issuance(), issuance - (fee - fee * 20 / 100));
}

#[test]
fn an_account_that_gives_all_away_is_gone_with_its_nonce_and_cannot_send_in_the_same_block() {
    let mut world = World::new();
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let leaving = world.by_bob(&transfer_all(alice, false));
    let fee = world.query_info(&leaving).partial_fee;
    let next = world.by_bob(&transfer(alice, 0));
    assert_eq!(world.refused(vec![leaving.clone(), next]), (1, InvalidTransaction::Future));
    let again = world.bob.sign_with(
        world.ledger.genesis_hash,
        &transfer(alice, 1),
        0,
        0,
        Default::default(),
        world.ledger.genesis_hash,
    );
    assert_eq!(world.refused(vec![leaving.clone(), again]), (1, InvalidTransaction::Payment));

    let receipt = world.run_one(leaving);
    assert_eq!(
        inner_events(&receipt),
        [RuntimeEvent::System(system::Event::KilledAccount { account: bob }), moved(bob, alice, START - fee)]
    );
    assert_eq!(world.account(bob), Default::default());
    assert_eq!(world.free(alice), 2 * START - fee);
}

#[test]
fn what_is_left_below_the_existential_deposit_is_burnt() {
    let mut world = World::new();
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let issuance = world.issuance();
    let probe = world.query_info(&world.bob.sign_with(
        world.ledger.genesis_hash,
        &transfer(alice, START - UNIT),
        0,
        0,
        Default::default(),
        world.ledger.genesis_hash,
    ));
    let dust = MILLIUNIT - 1;
    let transaction = world.by_bob(&transfer(alice, START - probe.partial_fee - dust));
    let receipt = world.run_one(transaction);
    assert_eq!(receipt.fee, probe.partial_fee, "both amounts have the same length");
    assert!(
        decoded(&receipt.events).contains(&RuntimeEvent::Balances(balances::pallet::Event::DustLost {
            account: bob,
            amount: dust
        }))
    );
    let rounding = receipt.fee - receipt.fee * 80 / 100 - receipt.fee * 20 / 100;
    assert_eq!(world.issuance(), issuance - dust - rounding);
}

#[test]
fn an_account_can_be_born_and_die_and_be_born_again_in_one_block() {
    let mut world = World::new();
    let (alice, mut eve) = (world.alice.account(), Sender::dev("Eve"));
    let block = vec![
        world.by_alice(&transfer(eve.account(), UNIT)),
        eve.sign(world.ledger.genesis_hash, &transfer_all(alice, false)),
        world.by_alice(&transfer(eve.account(), 2 * UNIT)),
    ];
    let receipts = world.run(block);
    assert!(receipts.iter().all(|receipt| receipt.result.is_ok()));
    assert_eq!((world.free(eve.account()), world.account(eve.account()).nonce), (2 * UNIT, 0));
}

#[test]
fn many_can_pay_one_and_one_can_pay_many_in_one_block() {
    let mut senders: Vec<Sender> = (0..30).map(|i| Sender::from_suri(&format!("//many/{i}"))).collect();
    let accounts: Vec<AccountId> = senders.iter().map(Sender::account).collect();
    let mut world = World::with(&accounts);
    let (genesis, hub) = (world.ledger.genesis_hash, world.alice.account());
    let to_one = senders.iter_mut().map(|sender| sender.sign(genesis, &transfer(hub, 3 * UNIT))).collect();
    let receipts = world.run(to_one);
    assert_eq!(world.free(hub), START + 30 * 3 * UNIT);
    let to_many = accounts.iter().map(|to| world.by_alice(&transfer(*to, 2 * UNIT))).collect();
    let fees: u128 = world.run(to_many).iter().map(|receipt| receipt.fee).sum();
    assert_eq!(world.free(hub), START + 30 * UNIT - fees);
    for (account, receipt) in accounts.iter().zip(&receipts) {
        assert_eq!(world.free(*account), START - UNIT - receipt.fee);
    }
}

#[test]
fn money_can_go_through_many_hands_in_one_block() {
    let mut hands: Vec<Sender> = (0..10).map(|i| Sender::from_suri(&format!("//hand/{i}"))).collect();
    let mut world = World::new();
    let genesis = world.ledger.genesis_hash;
    let accounts: Vec<AccountId> = hands.iter().map(Sender::account).collect();
    let mut block = vec![world.by_alice(&transfer(accounts[0], 100 * UNIT))];
    for (hand, next) in hands.iter_mut().zip(&accounts[1..]) {
        block.push(hand.sign(genesis, &transfer_all(*next, false)));
    }
    let receipts = world.run(block);
    let fees: u128 = receipts[1..].iter().map(|receipt| receipt.fee).sum();
    assert_eq!(world.free(accounts[9]), 100 * UNIT - fees);
    assert!(accounts[..9].iter().all(|account| world.account(*account) == Default::default()));
}

#[test]
fn one_sender_can_send_many_in_one_block() {
    let mut world = World::new();
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let block = (0..50).map(|_| world.by_alice(&transfer(bob, UNIT))).collect();
    let fees: u128 = world.run(block).iter().map(|receipt| receipt.fee).sum();
    assert_eq!((world.free(alice), world.free(bob)), (START - 50 * UNIT - fees, START + 50 * UNIT));
    assert_eq!(world.account(alice).nonce, 50);
}
