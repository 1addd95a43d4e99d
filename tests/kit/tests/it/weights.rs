//! Every call of every pallet does no more than it declares, in the worst state for it.

use std::collections::BTreeSet;

use basalt_pallet_authorship as authorship;
use basalt_pallet_session::{self as session, SessionKeys};
use basalt_primitives::{
    AccountId, MultiSignature, MultiSigner, Weight,
    keys::{Pair, Scheme},
    signature,
};
use basalt_runtime::{RuntimeCall, UNIT};
use basalt_runtime_api::{Position, Runtime as _};
use basalt_support::Origin;
use basalt_test_kit::{Measured, Sender, measure};
use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeDef;

use crate::contracts as in_contracts;
use crate::staking::weights as in_staking;
use crate::world::{
    START, World, as_derivative, as_root, balances, batch, batch_all, contracts, force_batch, remark,
    set_balance, sudo, system, timestamp, transfer, transfer_all, utility,
};

fn worst_cases(world: &World) -> Vec<(Origin, RuntimeCall)> {
    use basalt_pallet_balances::{Call, types::AdjustmentDirection};
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let new: AccountId = Sender::dev("Eve").account();
    let signed = || Origin::Signed(bob);
    let by_alice = || Origin::Signed(alice);
    let own = RuntimeCall::Balances;
    let of_system = RuntimeCall::System;
    let keys = |count: u8| (0..count).map(|i| vec![i; 40]).collect::<Vec<_>>();
    // Kills the sender, leaves dust (which lowers the issuance) and makes an account.
    let dusty = START - 1;
    let worst = || transfer(new, dusty);
    let mut cases = vec![
        (signed(), of_system(system::Call::remark { remark: vec![0; 1_000] })),
        (signed(), of_system(system::Call::remark_with_event { remark: vec![0; 1_000] })),
        (Origin::Root, of_system(system::Call::set_code { code: vec![0; 1_000] })),
        (
            Origin::Root,
            of_system(system::Call::set_storage {
                items: keys(50).into_iter().map(|key| (key, vec![0; 100])).collect(),
            }),
        ),
        (Origin::Root, of_system(system::Call::kill_storage { keys: keys(50) })),
        (Origin::None, RuntimeCall::Timestamp(timestamp::Call::set { now: u64::MAX })),
        // More is in `votes.rs`, on a chain that has some.
        (
            Origin::None,
            RuntimeCall::Authorship(authorship::Call::note_votes {
                votes: authorship::Votes { round: 0, voters: vec![1], signatures: vec![[0; 64]] },
            }),
        ),
        (signed(), worst()),
        (Origin::Root, own(Call::force_transfer { source: bob.into(), dest: new.into(), value: dusty })),
        (signed(), own(Call::transfer_keep_alive { dest: new.into(), value: UNIT })),
        (signed(), transfer_all(new, false)),
        (signed(), transfer_all(new, true)),
        (Origin::Root, own(Call::force_unreserve { who: bob.into(), amount: 1 })),
        (signed(), own(Call::upgrade_accounts { who: vec![bob; 50] })),
        (Origin::Root, set_balance(new, START)),
        (Origin::Root, set_balance(bob, 0)),
        (Origin::Root, set_balance(bob, 2 * START)),
        (
            Origin::Root,
            own(Call::force_adjust_total_issuance { direction: AdjustmentDirection::Increase, delta: 5 }),
        ),
        (
            Origin::Root,
            own(Call::force_adjust_total_issuance { direction: AdjustmentDirection::Decrease, delta: 3 }),
        ),
        (signed(), own(Call::burn { value: dusty, keep_alive: false })),
        (signed(), batch(vec![])),
        (signed(), batch(vec![worst(), remark(1), remark(1)])),
        (signed(), batch_all(vec![worst(), remark(1)])),
        (signed(), force_batch(vec![transfer(new, 2 * START), worst(), batch(vec![])])),
        (by_alice(), as_derivative(3, transfer_all(new, false))),
        (by_alice(), as_root(set_balance(new, UNIT))),
        (by_alice(), RuntimeCall::Sudo(sudo::Call::sudo_as { who: bob.into(), call: Box::new(worst()) })),
        (by_alice(), RuntimeCall::Sudo(sudo::Call::set_key { new: bob.into() })),
        (by_alice(), RuntimeCall::Sudo(sudo::Call::remove_key)),
    ];
    cases.extend(contract_cases(world));
    cases.extend(session_cases(world));
    // What only some may call must be cheap enough for everybody to be refused.
    let refused: Vec<_> = cases.iter().map(|(_, call)| (signed(), call.clone())).collect();
    cases.extend(refused);
    cases
}

/// Calls of Contracts, with all that their contracts do: what they declare is what they keep of their gas.
fn contract_cases(world: &World) -> Vec<(Origin, RuntimeCall)> {
    use contracts::Call;
    let (alice, bob) = (world.alice.account(), world.bob.account());
    let signed = || Origin::Signed(bob);
    let own = RuntimeCall::Contracts;
    let contract = in_contracts::address(&alice, &in_contracts::puppet(), &[]);
    let fresh = |last| in_contracts::another_puppet(last);
    let (value, gas, storage_deposit_limit) = (UNIT, in_contracts::GAS.ref_time, None);
    let code_hash = in_contracts::hash(&in_contracts::puppet());
    let (data, salt) = (vec![0; 100], vec![1; 100]);
    let unused = in_contracts::hash(&fresh(0));
    vec![
        (signed(), in_contracts::call(contract, &[0])),
        (signed(), in_contracts::call(contract, &[1])),
        (signed(), in_contracts::call(contract, &[2])),
        (signed(), in_contracts::call(contract, &[3])),
        (signed(), in_contracts::call(contract, &[&[4][..], &[9; 32]].concat())),
        (signed(), in_contracts::call(contract, &[5, 20, 0])),
        (signed(), in_contracts::call(alice, &[0])),
        (Origin::Root, in_contracts::call(contract, &[0])),
        (
            signed(),
            own(Call::call_old_weight {
                dest: contract.into(),
                value,
                gas_limit: gas,
                storage_deposit_limit,
                data: vec![0],
            }),
        ),
        (signed(), in_contracts::instantiate_with_code(&fresh(1), UNIT, &[1; 100])),
        (
            signed(),
            own(Call::instantiate_with_code_old_weight {
                value,
                gas_limit: gas,
                storage_deposit_limit,
                code: fresh(2),
                data: data.clone(),
                salt: salt.clone(),
            }),
        ),
        (signed(), in_contracts::instantiate(code_hash, &[1; 100])),
        (
            signed(),
            own(Call::instantiate_old_weight {
                value,
                gas_limit: gas,
                storage_deposit_limit,
                code_hash,
                data,
                salt,
            }),
        ),
        (
            signed(),
            own(Call::upload_code {
                code: fresh(3),
                storage_deposit_limit,
                determinism: contracts::Determinism::Enforced,
            }),
        ),
        (Origin::Signed(world.charlie.account()), own(Call::remove_code { code_hash: unused })),
        (Origin::Root, own(Call::set_code { dest: contract.into(), code_hash: unused })),
        (signed(), own(Call::migrate { weight_limit: Weight::zero() })),
    ]
}

/// Keys of a validator with this number, registered by whom it says.
fn set_keys(number: u8, owner: AccountId) -> RuntimeCall {
    let statement = signature::possession_statement(&owner);
    let made = |scheme| {
        let pair = Pair::from_seed(scheme, &[number; 32]).unwrap();
        match (pair.public(), pair.sign(&statement)) {
            (MultiSigner::Ed25519(key), MultiSignature::Ed25519(signature))
            | (MultiSigner::Sr25519(key), MultiSignature::Sr25519(signature)) => (key, signature),
            other => panic!("{other:?}"),
        }
    };
    let ((grandpa, by_vote), (vrf, by_vrf)) = (made(Scheme::Ed25519), made(Scheme::Sr25519));
    let keys = SessionKeys { grandpa, vrf };
    RuntimeCall::Session(session::Call::set_keys { keys, proof: [by_vote, by_vrf].concat() })
}

/// Calls of Session: Charlie has keys. Bob must be able to die.
fn session_cases(world: &World) -> Vec<(Origin, RuntimeCall)> {
    let [bob, charlie] = [&world.bob, &world.charlie].map(Sender::account);
    let purge = RuntimeCall::Session(session::Call::purge_keys);
    vec![
        (Origin::Signed(bob), set_keys(2, bob)),
        (Origin::Signed(charlie), set_keys(3, charlie)),
        (Origin::Signed(bob), purge.clone()),
        (Origin::Signed(charlie), purge),
    ]
}

fn world() -> World {
    let mut world = World::new();
    let keys = set_keys(1, world.charlie.account());
    let derived = utility::derivative_account(&world.alice.account(), 3);
    let raise = RuntimeCall::Balances(balances::Call::force_adjust_total_issuance {
        direction: balances::types::AdjustmentDirection::Increase,
        delta: 10,
    });
    let made = in_contracts::instantiate_with_code(&in_contracts::puppet(), UNIT, &[]);
    let unused = RuntimeCall::Contracts(contracts::Call::upload_code {
        code: in_contracts::another_puppet(0),
        storage_deposit_limit: None,
        determinism: contracts::Determinism::Enforced,
    });
    let block = vec![
        world.by_alice(&transfer(derived, UNIT)),
        world.by_alice(&as_root(raise)),
        world.by_alice(&made),
        world.by_charlie(&unused),
        world.by_charlie(&keys),
    ];
    assert!(world.run(block).iter().all(|receipt| receipt.result.is_ok()));
    world
}

fn measured(world: &World, origin: Origin, call: RuntimeCall) -> Measured {
    measure(&world.ledger.state, &world.ledger.env(), origin, call)
}

#[test]
fn no_call_reads_or_writes_more_than_it_declares() {
    let world = world();
    for (origin, call) in worst_cases(&world) {
        let done = measured(&world, origin.clone(), call.clone());
        assert!(done.is_honest(), "{origin:?} {call:?}: {done:?}");
    }
}

#[test]
fn the_worst_cases_cover_every_call_that_the_metadata_names() {
    let bytes = world().ledger.runtime.metadata(14).unwrap();
    let metadata = RuntimeMetadataPrefixed::decode(&mut bytes.as_slice()).unwrap().1;
    let RuntimeMetadata::V14(v14) = metadata else { panic!("not version 14") };
    let mut named = BTreeSet::new();
    for pallet in &v14.pallets {
        let Some(calls) = &pallet.calls else { continue };
        let TypeDef::Variant(variants) = &v14.types.resolve(calls.ty.id).unwrap().type_def else {
            panic!("calls are an enum")
        };
        named.extend(variants.variants.iter().map(|variant| [pallet.index, variant.index]));
    }
    let measured: BTreeSet<[u8; 2]> = worst_cases(&world())
        .into_iter()
        .map(|(_, call)| call)
        .chain(in_staking::covered())
        .map(|call| {
            let bytes = call.encode();
            [bytes[0], bytes[1]]
        })
        // Its weight is what root says.
        .chain([[5, 1]])
        .collect();
    assert_eq!(named, measured);
}

#[test]
fn the_worst_cases_are_as_bad_as_they_are_meant_to_be() {
    let world = world();
    let bob = world.bob.account();
    let new = Sender::dev("Eve").account();
    let done = measured(&world, Origin::Signed(bob), transfer(new, START - 1));
    assert_eq!((done.result.is_ok(), done.reads, done.writes), (true, 2, 3), "dust and a birth");
    assert!(done.ref_time == done.declared, "the declaration is exact: {done:?}");
    let failed = measured(&world, Origin::Signed(bob), transfer(new, 2 * START));
    assert_eq!((failed.result.is_ok(), failed.writes), (false, 0));
}

#[test]
fn the_fixed_weight_of_a_transaction_covers_what_every_transaction_does() {
    // All but the call: a remark neither reads nor writes.
    let mut world = world();
    let transaction = world.by_alice(&remark(0));
    let transactions = world.ledger.transactions(vec![transaction]);
    let env = world.ledger.env();
    let runtime = &world.ledger.runtime;
    let mut overlay = basalt_state::Overlay::new(&world.ledger.state);
    runtime.begin_block(&env, &mut overlay).unwrap();
    let before = overlay.changes();
    runtime.apply(&transactions[1], &Position::new(1), &env, &mut overlay).unwrap();
    let written = overlay.changes().iter().filter(|(key, change)| before.get(*key) != Some(*change)).count();
    assert_eq!(written, 2, "the sender and the fee");
    let declared = basalt_support::weight::operations(3, written as u64);
    assert!(declared.all_lte(basalt_runtime::TRANSACTION_WEIGHT.saturating_add(Weight::new(0, u64::MAX))));
}
