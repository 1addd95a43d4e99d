//! The runtime APIs that clients call, on a state that has something in it.

use basalt_primitives::{
    AccountId, DispatchError, Era, H256, Header, InvalidTransaction, OpaqueExtrinsic, TransactionSource,
    TransactionValidityError, UnknownTransaction, ValidTransaction,
};
use basalt_runtime::UNIT;
use basalt_runtime_api::{CallError, Runtime as _};
use basalt_state::Overlay;
use basalt_test_kit::Sender;
use parity_scale_codec::{DecodeAll, Encode};
use payment::RuntimeDispatchInfo;

use crate::world::{World, payment, remark, set_balance, timestamp, transfer};

type Validity = Result<ValidTransaction, TransactionValidityError>;
type Applied = Result<Result<(), DispatchError>, TransactionValidityError>;

fn validity(world: &World, bytes: Vec<u8>) -> Validity {
    let arguments = (TransactionSource::External, OpaqueExtrinsic(bytes), H256([0; 32]));
    world.api("TaggedTransactionQueue_validate_transaction", &arguments)
}

fn applied(world: &World, bytes: Vec<u8>) -> Applied {
    world.api("BlockBuilder_apply_extrinsic", &OpaqueExtrinsic(bytes))
}

fn invalid<T>(error: InvalidTransaction) -> Result<T, TransactionValidityError> {
    Err(error.into())
}

/// A chain with one block on which Alice has sent one transaction.
fn used() -> World {
    let mut world = World::new();
    let transaction = world.by_alice(&remark(1));
    world.run(vec![transaction]);
    world
}

#[test]
fn nonces_are_those_of_the_state() {
    let world = used();
    let nonce = |who: AccountId| world.api::<u32>("AccountNonceApi_account_nonce", &who);
    assert_eq!((nonce(world.alice.account()), nonce(world.bob.account()), nonce([8; 32].into())), (1, 0, 0));
    assert_eq!(world.ledger.runtime.nonce(&world.alice.account(), &world.ledger.state), Ok(1));
}

#[test]
fn fees_can_be_asked_for_with_a_signature_that_is_none() {
    let world = used();
    let genesis = world.ledger.genesis_hash;
    let call = transfer(world.bob.account(), UNIT);
    let signed = world.alice.sign_with(genesis, &call, 1, 0, Era::Immortal, genesis);
    let expected = world.query_info(&signed);
    for fake in [0x00, 0x01, 0xff] {
        let mut faked = signed.clone();
        // Version 1, address 33, kind of the signature 1, and the signature.
        faked[35..35 + 64].fill(fake);
        assert_eq!(world.query_info(&faked), expected);
        assert_eq!(validity(&world, faked.clone()), invalid(InvalidTransaction::BadProof));
        assert_eq!(applied(&world, faked), invalid(InvalidTransaction::BadProof));
    }
    let bare = world.ledger.runtime.inherents(&basalt_runtime_api::InherentData::at(1)).remove(0);
    assert!(world.query_info(&bare).weight.ref_time > 0);
}

#[test]
fn validity_is_told_with_tags_or_with_the_reason() {
    let world = used();
    let genesis = world.ledger.genesis_hash;
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let with = |nonce, era, hash| world.alice.sign_with(genesis, &transfer(bob, 1), nonce, 0, era, hash);
    let valid = validity(&world, with(1, Era::Immortal, genesis)).unwrap();
    assert_eq!((valid.requires, valid.provides), (vec![], vec![(alice, 1u32).encode()]));
    assert!(valid.priority > 0 && valid.propagate);
    let future = validity(&world, with(3, Era::Immortal, genesis)).unwrap();
    assert_eq!(
        (future.requires, future.provides),
        (vec![(alice, 2u32).encode()], vec![(alice, 3u32).encode()])
    );
    assert_eq!(validity(&world, with(0, Era::Immortal, genesis)), invalid(InvalidTransaction::Stale));
    assert_eq!(
        validity(&world, with(1, Era::mortal(64, 9), genesis)),
        invalid(InvalidTransaction::AncientBirthBlock)
    );
    // Signed for another chain.
    assert_eq!(
        validity(&world, world.alice.sign_with(H256([1; 32]), &remark(1), 1, 0, Era::Immortal, genesis)),
        invalid(InvalidTransaction::BadProof)
    );
    let poor = Sender::dev("Eve").sign(genesis, &remark(1));
    assert_eq!(validity(&world, poor), invalid(InvalidTransaction::Payment));
    assert_eq!(validity(&world, vec![1, 2, 3]), invalid(InvalidTransaction::Call));
    let inherent = world.ledger.runtime.inherents(&basalt_runtime_api::InherentData::at(1)).remove(0);
    assert_eq!(validity(&world, inherent), invalid(InvalidTransaction::Call));
    let mut by_index = with(1, Era::Immortal, genesis);
    // An address that is an account index: one byte instead of 33.
    by_index.splice(1..34, [1]);
    let unknown = TransactionValidityError::Unknown(UnknownTransaction::CannotLookup);
    assert_eq!(validity(&world, by_index), Err(unknown));
}

#[test]
fn a_tip_raises_the_priority_and_length_lowers_it() {
    let world = used();
    let genesis = world.ledger.genesis_hash;
    let priority = |bytes, tip| {
        let signed = world.alice.sign_with(genesis, &remark(bytes), 1, tip, Era::Immortal, genesis);
        validity(&world, signed).unwrap().priority
    };
    assert!(priority(1, UNIT) > priority(1, 0));
    assert!(priority(1, UNIT) > priority(100_000, UNIT));
}

#[test]
fn a_dry_run_says_what_would_happen_and_changes_nothing() {
    let world = used();
    let genesis = world.ledger.genesis_hash;
    let bob = world.bob.account();
    let signed = |nonce, call| world.alice.sign_with(genesis, &call, nonce, 0, Era::Immortal, genesis);
    let before = world.ledger.state.clone();
    assert_eq!(applied(&world, signed(1, transfer(bob, 1))), Ok(Ok(())));
    assert_eq!(applied(&world, signed(1, set_balance(bob, 1))), Ok(Err(DispatchError::BadOrigin)));
    assert_eq!(applied(&world, signed(0, remark(1))), invalid(InvalidTransaction::Stale));
    assert_eq!(applied(&world, signed(2, remark(1))), invalid(InvalidTransaction::Future));
    assert_eq!(applied(&world, vec![]), invalid(InvalidTransaction::Call));
    let inherents = |timestamp| {
        world.ledger.runtime.inherents(&basalt_runtime_api::InherentData::at(timestamp)).remove(0)
    };
    let now = timestamp::NOW.get_or_default(&world.ledger.state).unwrap();
    assert_eq!(applied(&world, inherents(now + 1)), Ok(Ok(())));
    assert_eq!(applied(&world, inherents(now)), invalid(InvalidTransaction::BadMandatory));
    assert_eq!(world.ledger.state, before);

    // The header's hash is what a transaction born in the head has to be signed for.
    let header = Header { number: 1, ..Header::default() };
    let mortal = world.alice.sign_with(genesis, &remark(1), 1, 0, Era::mortal(64, 1), header.hash());
    assert_eq!(applied(&world, mortal.clone()), Ok(Ok(())));
    assert!(validity(&world, mortal).is_ok());
}

#[test]
fn arguments_that_do_not_decode_are_the_callers_fault() {
    let world = used();
    let call = |function: &str, arguments: &[u8]| {
        let mut state = Overlay::new(&world.ledger.state);
        world.ledger.runtime.call(function, arguments, &Header::default(), &mut state)
    };
    let deep = [[5u8, 0].repeat(200_000), 0u32.encode()].concat();
    for (function, arguments) in [
        ("AccountNonceApi_account_nonce", vec![]),
        ("AccountNonceApi_account_nonce", vec![0; 31]),
        ("AccountNonceApi_account_nonce", vec![0; 33]),
        ("Core_version", vec![0]),
        ("TransactionPaymentApi_query_info", vec![4, 1]),
        ("TransactionPaymentCallApi_query_call_info", deep),
        ("TransactionPaymentApi_query_weight_to_fee", vec![3]),
        ("BlockBuilder_apply_extrinsic", vec![255, 255, 255, 255]),
        ("TaggedTransactionQueue_validate_transaction", vec![7]),
    ] {
        let answer = call(function, &arguments);
        assert!(matches!(answer, Err(CallError::Arguments { .. })), "{function}: {answer:?}");
    }
    assert_eq!(call("Core_nothing", &[]), Err(CallError::Unknown("Core_nothing".to_string())));
    let version = call("Core_version", &[]).unwrap();
    assert_eq!(
        basalt_primitives::RuntimeVersion::decode_all(&mut version.as_slice()),
        Ok(world.ledger.runtime.version())
    );
    let info = call("TransactionPaymentCallApi_query_call_info", &(remark(0), 10u32).encode()).unwrap();
    assert!(RuntimeDispatchInfo::decode_all(&mut info.as_slice()).unwrap().partial_fee > 0);
}
