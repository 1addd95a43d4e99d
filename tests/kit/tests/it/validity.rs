//! Which transactions are valid where: nonces, eras, branches, payment.

use std::sync::Arc;

use basalt_primitives::{AccountId, Era, H256, InvalidTransaction, TransactionValidityError};
use basalt_runtime::{MILLIUNIT, RuntimeCall, UNIT};
use basalt_runtime_api::{Runtime as _, ValidateError, Verified};
use basalt_test_kit::Sender;
use parity_scale_codec::Encode;
use system::BLOCK_HASH_COUNT;

use crate::world::{START, World, reason, remark, system, transfer};

/// Bob's first transaction with this era, signed for this birth hash and verified for it.
fn mortal(world: &World, era: Era, birth_hash: H256) -> Verified {
    let bytes = world.bob.sign_with(world.ledger.genesis_hash, &remark(1), 0, 0, era, birth_hash);
    Verified::assume(Arc::new(world.ledger.runtime.inspect(bytes).unwrap()), birth_hash)
}

/// What a block with this transaction says, and what the pool says of it.
fn judged(
    world: &mut World,
    transaction: &Verified,
) -> (Result<(), InvalidTransaction>, Result<(), InvalidTransaction>) {
    let pool = match world.ledger.runtime.validate(transaction, &world.ledger.head()) {
        Ok(_) => Ok(()),
        Err(ValidateError::Refused(refusal)) => match refusal.error {
            TransactionValidityError::Invalid(error) => Err(error),
            other @ TransactionValidityError::Unknown(_) => panic!("{other}"),
        },
        Err(ValidateError::State(error)) => panic!("{error}"),
    };
    let mut transactions = world.ledger.transactions(vec![]);
    transactions.push(transaction.clone());
    let env = world.ledger.env();
    let block = basalt_test_kit::check_block(&world.ledger.runtime, &world.ledger.state, &env, &transactions);
    let block = match block {
        Ok(_) => Ok(()),
        Err(error) => Err(reason(Err(error)).1),
    };
    (block, pool)
}

#[test]
fn a_nonce_is_used_once_and_in_order() {
    let mut world = World::new();
    let (genesis, bob) = (world.ledger.genesis_hash, world.bob.account());
    let with_nonce =
        |nonce| Sender::dev("Bob").sign_with(genesis, &remark(1), nonce, 0, Era::Immortal, genesis);
    assert_eq!(world.refused(vec![with_nonce(1)]), (0, InvalidTransaction::Future));
    assert_eq!(world.refused(vec![with_nonce(0), with_nonce(0)]), (1, InvalidTransaction::Stale));
    assert_eq!(world.refused(vec![with_nonce(0), with_nonce(2)]), (1, InvalidTransaction::Future));
    world.run(vec![with_nonce(0), with_nonce(1)]);
    assert_eq!(world.account(bob).nonce, 2);
    assert_eq!(world.refused(vec![with_nonce(1)]), (0, InvalidTransaction::Stale));
    world.run(vec![with_nonce(2)]);

    let judge = |nonce| {
        let transaction = world.ledger.verify(with_nonce(nonce)).unwrap();
        world.ledger.runtime.validate(&transaction, &world.ledger.head())
    };
    let tag = |nonce: u32| (bob, nonce).encode();
    assert!(matches!(judge(2), Err(ValidateError::Refused(refusal))
        if refusal.error == InvalidTransaction::Stale.into() && refusal.detail.contains("next nonce is 3")));
    let ready = judge(3).unwrap();
    assert_eq!((ready.requires, ready.provides), (vec![], vec![tag(3)]));
    let future = judge(5).unwrap();
    assert_eq!((future.requires, future.provides), (vec![tag(4)], vec![tag(5)]));
    assert_eq!((ready.longevity, ready.propagate), (u64::MAX, true));
}

#[test]
fn a_mortal_transaction_lives_as_long_as_its_era() {
    let mut world = World::new();
    for _ in 0..6 {
        world.run(vec![]);
    }
    // Block 6 is the parent of the one that follows.
    let (parent, era) = (world.ledger.hash, Era::mortal(4, 6));
    let transaction = mortal(&world, era, parent);
    let longevity = world.ledger.runtime.validate(&transaction, &world.ledger.head()).unwrap().longevity;
    assert_eq!(longevity, 3, "it was born at 6, block 7 is next, and 10 is no more");
    for next in 7..10 {
        assert_eq!(judged(&mut world, &transaction).0, Ok(()), "block {next}");
        world.run(vec![]);
    }
    let ancient = Err(InvalidTransaction::AncientBirthBlock);
    assert_eq!(
        judged(&mut world, &transaction),
        (ancient, ancient),
        "the next era begins with block 10 itself"
    );
    world.run(vec![]);
    assert_eq!(
        judged(&mut world, &transaction).0,
        Err(InvalidTransaction::BadProof),
        "and has another birth"
    );
}

#[test]
fn an_era_may_begin_at_genesis_or_at_the_parent_but_not_in_the_future() {
    let mut world = World::new();
    let genesis = world.ledger.genesis_hash;
    let from_genesis = mortal(&world, Era::mortal(64, 0), genesis);
    assert_eq!(judged(&mut world, &from_genesis), (Ok(()), Ok(())), "genesis is the parent");
    world.run(vec![]);
    assert_eq!(judged(&mut world, &from_genesis), (Ok(()), Ok(())));
    let immortal = mortal(&world, Era::Immortal, genesis);
    assert_eq!(judged(&mut world, &immortal), (Ok(()), Ok(())));
    let from_parent = mortal(&world, Era::mortal(64, 1), world.ledger.hash);
    assert_eq!(judged(&mut world, &from_parent), (Ok(()), Ok(())));
    let ancient = Err(InvalidTransaction::AncientBirthBlock);
    for birth in [2, 3, 40] {
        let future = mortal(&world, Era::mortal(64, birth), genesis);
        assert_eq!(judged(&mut world, &future), (ancient, ancient), "born at {birth}, and block 2 is next");
    }
}

#[test]
fn a_signature_says_nothing_on_a_branch_with_another_birth_block() {
    let mut world = World::new();
    world.run(vec![]);
    let era = Era::mortal(64, 1);
    let elsewhere = mortal(&world, era, H256([9; 32]));
    assert_eq!(judged(&mut world, &elsewhere), (Err(InvalidTransaction::BadProof), Ok(())));
    let immortal = mortal(&world, Era::Immortal, H256([9; 32]));
    assert_eq!(judged(&mut world, &immortal).0, Err(InvalidTransaction::BadProof));
}

#[test]
fn what_the_pool_says_of_old_births_is_what_a_block_says() {
    let mut world = World::new();
    world.run(vec![]);
    let (first, hash) = (1, world.ledger.hash);
    let transaction = mortal(&world, Era::mortal(1 << 16, first), hash);
    // A period this long has phases in steps of 16, so the era is written by hand.
    assert_eq!(transaction.signed.as_ref().unwrap().era.birth(2), 0);
    while world.ledger.number < 16 {
        world.run(vec![]);
    }
    let transaction = mortal(&world, Era::mortal(1 << 16, 16), world.ledger.hash);
    assert_eq!(judged(&mut world, &transaction), (Ok(()), Ok(())));
    let next_at_the_edge = 16 + BLOCK_HASH_COUNT;
    while world.ledger.number + 1 < next_at_the_edge {
        world.run(vec![]);
    }
    assert_eq!(judged(&mut world, &transaction), (Ok(()), Ok(())));
    let longevity = world.ledger.runtime.validate(&transaction, &world.ledger.head()).unwrap().longevity;
    assert_eq!(longevity, 1, "the hash of its birth is about to be forgotten");
    world.run(vec![]);
    let ancient = Err(InvalidTransaction::AncientBirthBlock);
    assert_eq!(judged(&mut world, &transaction), (ancient, ancient));
}

#[test]
fn who_cannot_pay_is_refused_by_pool_and_block_alike() {
    let mut world = World::new();
    let mut poor = Sender::dev("Dave");
    let genesis = world.ledger.genesis_hash;
    let call = transfer(world.bob.account(), 0);
    let bytes = poor.sign(genesis, &call);
    let fee = world.query_info(&bytes).partial_fee;
    let transaction = world.ledger.verify(bytes).unwrap();
    let payment = Err(InvalidTransaction::Payment);
    assert_eq!(judged(&mut world, &transaction), (payment, payment), "an account that is not");
    for (owned, expected) in [(MILLIUNIT + fee - 1, payment), (MILLIUNIT + fee, Ok(()))] {
        let mut world = World::new();
        let funding = world.by_alice(&transfer(poor.account(), owned));
        world.run(vec![funding]);
        assert_eq!(judged(&mut world, &transaction), (expected, expected), "owning {owned}");
    }
    let greedy = world.bob.sign_with(genesis, &call, 0, u128::MAX, Era::Immortal, genesis);
    let transaction = world.ledger.verify(greedy).unwrap();
    assert_eq!(judged(&mut world, &transaction), (payment, payment), "a tip beyond everything");
    let most = world.bob.sign_with(genesis, &call, 0, START - MILLIUNIT - fee - UNIT, Era::Immortal, genesis);
    let transaction = world.ledger.verify(most).unwrap();
    assert_eq!(judged(&mut world, &transaction), (Ok(()), Ok(())));
}

#[test]
fn senders_that_are_none_and_transactions_that_are_too_long_are_refused_on_sight() {
    let world = World::new();
    let sample = world.bob.sign_with(
        world.ledger.genesis_hash,
        &remark(1),
        0,
        0,
        Era::Immortal,
        world.ledger.genesis_hash,
    );
    let error = |bytes: Vec<u8>| world.ledger.runtime.inspect(bytes).unwrap_err().error;
    let mut nobody = sample.clone();
    nobody[2..34].copy_from_slice(&[0; 32]);
    assert_eq!(error(nobody), InvalidTransaction::BadSigner.into());
    let mut digest = sample.clone();
    let call_bytes = remark(1).encoded_size();
    let mode_at = digest.len() - call_bytes - 1;
    digest[mode_at] = 1;
    assert!(matches!(error(digest), TransactionValidityError::Unknown(_)));
    assert_eq!(error([sample.as_slice(), &[0]].concat()), InvalidTransaction::Call.into(), "trailing bytes");
    assert_eq!(error(vec![]), InvalidTransaction::Call.into());
    for end in 0..sample.len() {
        assert_eq!(error(sample[..end].to_vec()), InvalidTransaction::Call.into(), "cut at {end}");
    }
    assert_eq!(error(vec![0; 1024 * 1024 + 1]), InvalidTransaction::ExhaustsResources.into());
}

#[test]
fn a_chain_whose_accounts_are_gone_still_makes_blocks() {
    let mut world = World::new();
    world.ledger.author = Some(AccountId::from([1; 32]));
    let all = basalt_runtime::TREASURY_ACCOUNT;
    let leave = |to| {
        RuntimeCall::Balances(basalt_pallet_balances::Call::transfer_all {
            dest: AccountId::into(to),
            keep_alive: false,
        })
    };
    let block = vec![world.by_alice(&leave(all)), world.by_bob(&leave(all)), world.by_charlie(&leave(all))];
    world.run(block);
    world.run(vec![]);
    assert_eq!(world.account(world.alice.account()), Default::default());
}
