//! Contracts on the composed runtime: Wasm in, events, deposits and fees out, in every execution mode.

mod dry_runs;
mod out_of_gas;
mod randomness;
mod uploads;

use std::sync::LazyLock;

use basalt_primitives::{AccountId, Balance, DispatchError, H256, Pays, Weight, hashing::blake2_256};
use basalt_runtime::{CONTRACTS, MILLIUNIT, RuntimeCall, RuntimeEvent, RuntimeHoldReason, UNIT};
use basalt_runtime_api::Receipt;
use basalt_state::StateRead;
use basalt_test_kit::Sender;
use contracts::{
    CONTRACT_INFO_OF, Call, DELETION_QUEUE_COUNTER, Error, Event, HoldReason, contract_address,
    storage::child_prefix, types::Origin,
};
use proptest::prelude::*;

use crate::world::{
    World, balances, batch, config, contracts, decoded, inner_events, module, system, tell_compared, transfer,
};

/// A contract that does what its input says.
static PUPPET: LazyLock<Vec<u8>> = LazyLock::new(|| wasm(include_str!("puppet.wat")));

/// Enough for anything here.
pub(crate) const GAS: Weight = Weight::new(10_000_000_000, 0);

const FLIP: &[u8] = &[0];
const GET: &[u8] = &[1];
const REVERT: &[u8] = &[2, 77];
const TRAP: &[u8] = &[3];
const FOR_EVER: &[u8] = &[6];

/// Terminates in favour of this account.
fn terminate(beneficiary: AccountId) -> Vec<u8> {
    [&[4], &beneficiary.0[..]].concat()
}

/// Stores so many values.
fn fill(values: u8) -> Vec<u8> {
    vec![5, values, 0]
}

/// Removes so many values.
fn empty(values: u8) -> Vec<u8> {
    vec![5, values, 1]
}

pub(crate) fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's module is one")
}

pub(crate) fn puppet() -> Vec<u8> {
    PUPPET.clone()
}

/// The same with other bytes at its end, and so another code.
pub(crate) fn another_puppet(last: u8) -> Vec<u8> {
    // A custom section without a name, which holds this byte.
    [&puppet()[..], &[0, 2, 0, last]].concat()
}

pub(crate) fn hash(code: &[u8]) -> H256 {
    H256(blake2_256(code))
}

pub(crate) fn instantiate_with_code(code: &[u8], value: Balance, salt: &[u8]) -> RuntimeCall {
    RuntimeCall::Contracts(Call::instantiate_with_code {
        value,
        gas_limit: GAS,
        storage_deposit_limit: None,
        code: code.to_vec(),
        data: vec![],
        salt: salt.to_vec(),
    })
}

pub(crate) fn instantiate(code_hash: H256, salt: &[u8]) -> RuntimeCall {
    RuntimeCall::Contracts(Call::instantiate {
        value: 0,
        gas_limit: GAS,
        storage_deposit_limit: None,
        code_hash,
        data: vec![],
        salt: salt.to_vec(),
    })
}

pub(crate) fn call(dest: AccountId, data: &[u8]) -> RuntimeCall {
    call_within(dest, data, GAS)
}

fn call_within(dest: AccountId, data: &[u8], gas_limit: Weight) -> RuntimeCall {
    RuntimeCall::Contracts(Call::call {
        dest: dest.into(),
        value: 0,
        gas_limit,
        storage_deposit_limit: None,
        data: data.to_vec(),
    })
}

pub(crate) fn failed(error: Error) -> Result<(), DispatchError> {
    Err(module(CONTRACTS.index, error as u8))
}

/// Where the contract is that `deployer` makes of this code with this salt.
pub(crate) fn address(deployer: &AccountId, code: &[u8], salt: &[u8]) -> AccountId {
    contract_address(deployer, &hash(code), &[], salt)
}

/// A chain on which Alice has made a puppet, and its address.
pub(crate) fn world_with_puppet() -> (World, AccountId) {
    let mut world = World::new();
    let made = world.by_alice(&instantiate_with_code(&puppet(), UNIT, &[]));
    assert_eq!(world.run_one(made).result, Ok(()));
    let contract = address(&world.alice.account(), &puppet(), &[]);
    (world, contract)
}

fn told(receipt: &Receipt) -> Vec<Event> {
    inner_events(receipt)
        .into_iter()
        .filter_map(|event| match event {
            RuntimeEvent::Contracts(event) => Some(event),
            _ => None,
        })
        .collect()
}

/// What the contract stores, switch and all.
fn stored(world: &World, trie_id: &[u8]) -> usize {
    let prefix = child_prefix(trie_id);
    let mut cursor = prefix.clone();
    let mut count = 0;
    while let Some(key) = world.ledger.state.next_key(&cursor).unwrap().filter(|key| key.starts_with(&prefix))
    {
        count += 1;
        cursor = key;
    }
    count
}

const STORAGE: RuntimeHoldReason = RuntimeHoldReason::Contracts(HoldReason::StorageDepositReserve);

#[test]
fn an_instantiation_tells_what_it_does_in_substrates_order() {
    let mut world = World::new();
    let (alice, code_hash) = (world.alice.account(), hash(&puppet()));
    let contract = address(&alice, &puppet(), &[]);
    let made = world.by_alice(&instantiate_with_code(&puppet(), UNIT, &[]));
    let receipt = world.run_one(made);
    assert_eq!(receipt.result, Ok(()));
    let [per_item, per_byte] = [CONTRACTS.deposits.per_item, CONTRACTS.deposits.per_byte];
    let upload = (puppet().len() as Balance + 61) * per_byte + 2 * per_item;
    let (base, storage) = (122 * per_byte + per_item, per_byte + per_item);
    let held = |amount| {
        [
            RuntimeEvent::Balances(balances::pallet::Event::TransferAndHold {
                reason: STORAGE,
                source: alice,
                dest: contract,
                transferred: amount,
            }),
            RuntimeEvent::Contracts(Event::StorageDepositTransferredAndHeld {
                from: alice,
                to: contract,
                amount,
            }),
        ]
    };
    let reason = RuntimeHoldReason::Contracts(HoldReason::CodeUploadDepositReserve);
    let ed = MILLIUNIT;
    let mut expected = vec![
        RuntimeEvent::Balances(balances::pallet::Event::Held { reason, who: alice, amount: upload }),
        RuntimeEvent::Contracts(Event::CodeStored { code_hash, deposit_held: upload, uploader: alice }),
        RuntimeEvent::System(system::Event::NewAccount { account: contract }),
        RuntimeEvent::Balances(balances::pallet::Event::Endowed { account: contract, free_balance: ed }),
        RuntimeEvent::Balances(balances::pallet::Event::Transfer { from: alice, to: contract, amount: ed }),
        RuntimeEvent::Balances(balances::pallet::Event::Transfer { from: alice, to: contract, amount: UNIT }),
        RuntimeEvent::Contracts(Event::Instantiated { deployer: alice, contract }),
    ];
    expected.extend(held(base));
    expected.extend(held(storage));
    // Between the fee's withdrawal, what it gives back of the gas, and the fee.
    let events = inner_events(&receipt);
    assert_eq!(events[..expected.len()], expected, "{events:#?}");
    let info = CONTRACT_INFO_OF.get(&world.ledger.state, &contract).unwrap().unwrap();
    assert_eq!((info.storage_items, info.storage_bytes, info.storage_base_deposit), (1, 1, base));
    assert_eq!(world.account(contract).data.reserved, base + storage);
    assert_eq!(world.free(contract), UNIT + ed);
}

#[test]
fn a_call_changes_storage_tells_of_it_and_is_paid_by_what_it_used() {
    let (mut world, contract) = world_with_puppet();
    let bob = world.bob.account();
    let before = world.free(bob);
    let flip = world.by_bob(&call(contract, FLIP));
    let receipt = world.run_one(flip);
    assert_eq!(receipt.result, Ok(()));
    assert_eq!(
        told(&receipt),
        [
            Event::ContractEmitted { contract, data: vec![1] },
            Event::Called { caller: Origin::Signed(bob), contract },
        ]
    );
    assert!(receipt.info.weight.ref_time < GAS.ref_time / 10, "{:?}", receipt.info.weight);
    assert_eq!(before - world.free(bob), receipt.fee);
    // A value of the same length costs no deposit.
    assert_eq!(CONTRACT_INFO_OF.get(&world.ledger.state, &contract).unwrap().unwrap().storage_items, 1);
}

#[test]
fn each_way_to_fail_has_its_error_and_costs_what_it_used() {
    let (mut world, contract) = world_with_puppet();
    let (alice, little) = (world.alice.account(), Weight::new(40_000_000, 0));
    let cases = [
        (call(contract, TRAP), Error::ContractTrapped),
        (call(contract, REVERT), Error::ContractReverted),
        (call_within(contract, FOR_EVER, little), Error::OutOfGas),
        (call(alice, FLIP), Error::ContractNotFound),
        (instantiate(hash(b"none"), &[]), Error::CodeNotFound),
        (instantiate(hash(&puppet()), &[]), Error::DuplicateContract),
        (instantiate_with_code(b"no module", 0, &[]), Error::CodeRejected),
        (RuntimeCall::Contracts(Call::remove_code { code_hash: hash(&puppet()) }), Error::CodeInUse),
        (RuntimeCall::Contracts(Call::migrate { weight_limit: GAS }), Error::NoMigrationPerformed),
    ];
    let signed: Vec<_> = cases.iter().map(|(call, _)| world.by_alice(call)).collect();
    let receipts = world.run(signed);
    for ((call, error), receipt) in cases.iter().zip(receipts) {
        assert_eq!(receipt.result, failed(*error), "{call:?}");
        assert_eq!(told(&receipt), [], "{call:?}");
        assert!(receipt.info.weight.ref_time < 5_000_000_000, "{error:?} paid for {:?}", receipt.info.weight);
    }
    // As much as there was, and what was not there.
    let looped = world.by_alice(&call_within(contract, FOR_EVER, little));
    let used = world.run_one(looped).info.weight;
    let flipped = world.by_alice(&call(contract, FLIP));
    assert!(used.ref_time > world.run_one(flipped).info.weight.ref_time);
}

#[test]
fn what_a_contract_stored_is_removed_after_its_end_in_the_blocks_that_follow() {
    let (mut world, contract) = world_with_puppet();
    let (alice, bob, charlie) = (world.alice.account(), world.bob.account(), world.charlie.account());
    let trie = CONTRACT_INFO_OF.get(&world.ledger.state, &contract).unwrap().unwrap().trie_id.0;
    let filled = world.by_bob(&call(contract, &fill(50)));
    let removed = world.by_bob(&call(contract, &empty(20)));
    assert!(world.run(vec![filled, removed]).iter().all(|receipt| receipt.result.is_ok()));
    assert_eq!(stored(&world, &trie), 31);
    let owned = world.account(contract).data;
    let per_value = CONTRACTS.deposits.per_item + 100 * CONTRACTS.deposits.per_byte;
    assert!(owned.reserved >= 30 * per_value, "{owned:?}");
    let (before, beneficiary) = (world.free(alice), world.free(charlie));
    let ended = world.by_alice(&call(contract, &terminate(charlie)));
    let again = world.by_bob(&call(contract, FLIP));
    let receipts = world.run(vec![ended, again]);
    assert_eq!(receipts[0].result, Ok(()), "{:#?}", decoded(&receipts[0].events));
    assert_eq!(receipts[1].result, failed(Error::ContractNotFound));
    let events = told(&receipts[0]);
    assert_eq!(events[0], Event::Terminated { contract, beneficiary: charlie });
    assert_eq!(events[1], Event::Called { caller: Origin::Signed(alice), contract });
    // Who ends it gets the deposits, the beneficiary the rest.
    assert_eq!(world.free(alice), before + owned.reserved - receipts[0].fee);
    assert_eq!(world.free(charlie), beneficiary + owned.free);
    assert_eq!(world.account(contract), system::AccountInfo::default());
    // The block of the termination had time enough to remove all of it.
    assert_eq!(stored(&world, &trie), 0);
    let queue = DELETION_QUEUE_COUNTER.get_or_default(&world.ledger.state).unwrap();
    assert_eq!((queue.insert_counter, queue.delete_counter), (1, 1));
    // Nobody uses the code any more.
    let remove = world.by_alice(&RuntimeCall::Contracts(Call::remove_code { code_hash: hash(&puppet()) }));
    let receipt = world.run_one(remove);
    assert_eq!((receipt.result, receipt.info.pays_fee, receipt.fee), (Ok(()), Pays::No, 0));
    assert!(world.bob.account() == bob);
}

#[test]
fn root_calls_without_value_and_changes_code() {
    let (mut world, contract) = world_with_puppet();
    let other = wasm(
        r#"(module (import "env" "memory" (memory 1 1)) (func (export "deploy")) (func (export "call")))"#,
    );
    let upload = world.by_alice(&RuntimeCall::Contracts(Call::upload_code {
        code: other.clone(),
        storage_deposit_limit: None,
        determinism: contracts::Determinism::Enforced,
    }));
    let set = RuntimeCall::Contracts(Call::set_code { dest: contract.into(), code_hash: hash(&other) });
    let by_bob = world.by_bob(&set);
    let flip = world.by_alice(&crate::world::as_root(call(contract, FLIP)));
    let by_root = world.by_alice(&crate::world::as_root(set));
    let trap = world.by_alice(&call(contract, TRAP));
    let receipts = world.run(vec![by_bob, upload, flip, by_root, trap]);
    assert_eq!(receipts[0].result, Err(DispatchError::BadOrigin));
    assert!(told(&receipts[2]).contains(&Event::Called { caller: Origin::Root, contract }));
    // It has code now that never traps.
    assert!(receipts[1..].iter().all(|receipt| receipt.result.is_ok()), "{receipts:#?}");
}

/// What happens in a random block.
#[derive(Debug, Clone)]
enum Step {
    Make { salt: u8 },
    Call { contract: u8, data: Vec<u8> },
    Pay { contract: u8 },
    Twice { contract: u8 },
}

fn steps() -> impl Strategy<Value = Vec<(u8, Step)>> {
    let data = prop_oneof![
        4 => Just(FLIP.to_vec()),
        1 => Just(GET.to_vec()),
        1 => Just(REVERT.to_vec()),
        1 => Just(TRAP.to_vec()),
        1 => (0u8..3).prop_map(|who| terminate(Sender::dev(["Alice", "Bob", "Eve"][usize::from(who)]).account())),
        2 => (0u8..6).prop_map(fill),
        2 => (0u8..6).prop_map(empty),
    ];
    let step = prop_oneof![
        1 => (0u8..4).prop_map(|salt| Step::Make { salt }),
        6 => (0u8..4, data).prop_map(|(contract, data)| Step::Call { contract, data }),
        1 => (0u8..4).prop_map(|contract| Step::Pay { contract }),
        1 => (0u8..4).prop_map(|contract| Step::Twice { contract }),
    ];
    prop::collection::vec((0u8..3, step), 0..40)
}

proptest! {
    #![proptest_config(config(12))]

    /// Whatever contracts do and however they conflict: all modes make the same of a block, and every invariant holds.
    #[test]
    fn blocks_of_contract_calls_are_the_same_in_every_mode(blocks in prop::collection::vec(steps(), 1..4)) {
        let (mut world, first) = world_with_puppet();
        let alice = world.alice.account();
        let contract = |salt: u8| match salt {
            0 => first,
            salt => address(&alice, &puppet(), &[salt]),
        };
        for steps in blocks {
            let mut signed = Vec::new();
            for (who, step) in steps {
                // Only Alice makes contracts, so that others know where they will be.
                let (who, call) = match step {
                    Step::Make { salt } => (0, instantiate(hash(&puppet()), &[salt])),
                    Step::Call { contract: salt, data } => (who, call(contract(salt), &data)),
                    Step::Pay { contract: salt } => (who, transfer(contract(salt), UNIT)),
                    Step::Twice { contract: salt } => {
                        (who, batch(vec![call(contract(salt), FLIP), call(contract(salt), FLIP)]))
                    }
                };
                signed.push(match who {
                    0 => world.by_alice(&call),
                    1 => world.by_bob(&call),
                    _ => world.by_charlie(&call),
                });
            }
            world.run(signed);
            tell_compared();
        }
    }
}
