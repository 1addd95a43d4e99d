//! `ContractsApi`: what a dry run promises, a call keeps.

use basalt_primitives::{AccountId, Balance, DispatchError, Weight};
use basalt_runtime::{CONTRACTS, LIMITS, MILLIUNIT, RuntimeEvent, UNIT};
use contracts::{
    Error, Event,
    types::{
        Code, CodeUploadReturnValue, ContractAccessError, ContractResult, Determinism, ExecReturnValue,
        InstantiateReturnValue, ReturnFlags, StorageDeposit,
    },
};

use super::{
    FLIP, FOR_EVER, GET, REVERT, TRAP, address, call_within, failed, fill, hash, puppet, world_with_puppet,
};
use crate::world::{World, contracts, system};

type DryRun<T> = ContractResult<Result<T, DispatchError>, system::EventRecord<RuntimeEvent>>;

fn dry_call(world: &World, dest: AccountId, data: &[u8], gas: Option<Weight>) -> DryRun<ExecReturnValue> {
    let limit: Option<Balance> = None;
    let arguments = (world.bob.account(), dest, 0 as Balance, gas, (limit, data.to_vec()));
    world.api("ContractsApi_call", &arguments)
}

fn dry_instantiate(
    world: &World,
    code: Code,
    limit: Option<Balance>,
    data: &[u8],
) -> DryRun<InstantiateReturnValue> {
    let gas: Option<Weight> = None;
    let salt: Vec<u8> = vec![];
    let arguments = (world.bob.account(), UNIT, gas, limit, (code, data.to_vec(), salt));
    world.api("ContractsApi_instantiate", &arguments)
}

#[test]
fn a_dry_run_answers_and_leaves_nothing() {
    let (world, contract) = world_with_puppet();
    let before = world.ledger.state.clone();
    let answer = dry_call(&world, contract, FLIP, None);
    assert_eq!(answer.result, Ok(ExecReturnValue { flags: ReturnFlags(0), data: vec![] }));
    assert_eq!(answer.storage_deposit, StorageDeposit::Charge(0));
    let events: Vec<_> = answer.events.unwrap().into_iter().map(|record| record.event).collect();
    assert_eq!(events[0], RuntimeEvent::Contracts(Event::ContractEmitted { contract, data: vec![1] }));
    assert_eq!(events.len(), 2);
    // It was not switched.
    let answer = dry_call(&world, contract, GET, None);
    assert_eq!(answer.result, Ok(ExecReturnValue { flags: ReturnFlags(0), data: vec![0] }));
    assert_eq!(world.ledger.state, before);
}

#[test]
fn what_a_dry_run_requires_is_enough_and_a_little_less_is_not() {
    for data in [FLIP.to_vec(), fill(10), fill(0)] {
        let (mut world, contract) = world_with_puppet();
        let required = dry_call(&world, contract, &data, None).gas_required;
        let signed = world.by_bob(&call_within(contract, &data, required));
        assert_eq!(world.run_one(signed).result, Ok(()), "{data:?}");
        let (mut world, contract) = world_with_puppet();
        let less = Weight::new(required.ref_time - 1_000_000, required.proof_size);
        let signed = world.by_bob(&call_within(contract, &data, less));
        assert_eq!(world.run_one(signed).result, failed(Error::OutOfGas), "{data:?}");
    }
}

#[test]
fn a_query_that_allows_no_proof_runs_and_one_that_allows_years_ends() {
    let (world, contract) = world_with_puppet();
    // What polkadot.js sends for a query without options.
    let usual = Some(Weight::new(4_999_999_999_999, 0));
    let answer = dry_call(&world, contract, GET, usual);
    assert_eq!(answer.result, Ok(ExecReturnValue { flags: ReturnFlags(0), data: vec![0] }));
    assert_eq!((answer.gas_consumed.proof_size, answer.gas_required.proof_size), (0, 0));
    assert!(answer.gas_required.ref_time >= answer.gas_consumed.ref_time);
    let short = Weight::new(50_000_000_000, 0);
    let answer = dry_call(&world, contract, FOR_EVER, Some(short));
    assert_eq!(answer.result.map(drop), failed(Error::OutOfGas));
    assert!(answer.gas_required.ref_time <= short.ref_time);
    const { assert!(CONTRACTS.gas_max.ref_time <= LIMITS.weight_normal_max.ref_time) };
}

#[test]
fn a_revert_is_an_answer_and_a_failure_is_an_error() {
    let (world, contract) = world_with_puppet();
    let answer = dry_call(&world, contract, REVERT, None);
    assert_eq!(answer.result, Ok(ExecReturnValue { flags: ReturnFlags::REVERT, data: REVERT.to_vec() }));
    assert_eq!((answer.events, answer.storage_deposit), (Some(vec![]), StorageDeposit::Charge(0)));
    let answer = dry_call(&world, contract, TRAP, None);
    assert_eq!(answer.result.map(drop), failed(Error::ContractTrapped));
    assert_eq!(answer.events, Some(vec![]));
    assert!(answer.gas_consumed.ref_time > 0);
    let answer = dry_call(&world, world.alice.account(), FLIP, None);
    assert_eq!(answer.result.map(drop), failed(Error::ContractNotFound));
}

#[test]
fn a_dry_instantiation_counts_what_the_upload_costs() {
    let world = World::new();
    let [per_item, per_byte] = [CONTRACTS.deposits.per_item, CONTRACTS.deposits.per_byte];
    let upload = (puppet().len() as Balance + 61) * per_byte + 2 * per_item;
    let own = MILLIUNIT + 122 * per_byte + per_item + per_byte + per_item;
    let answer = dry_instantiate(&world, Code::Upload(puppet()), None, &[]);
    let made = answer.result.unwrap();
    assert_eq!(made.account_id, address(&world.bob.account(), &puppet(), &[]));
    assert_eq!(answer.storage_deposit, StorageDeposit::Charge(upload + own));
    for (limit, error) in [
        (upload - 1, Error::StorageDepositLimitExhausted),
        (upload + own - 1, Error::StorageDepositLimitExhausted),
    ] {
        let answer = dry_instantiate(&world, Code::Upload(puppet()), Some(limit), &[]);
        assert_eq!(answer.result.map(drop), failed(error));
    }
    assert!(dry_instantiate(&world, Code::Upload(puppet()), Some(upload + own), &[]).result.is_ok());
    let (world, _) = world_with_puppet();
    for code in [Code::Existing(hash(&puppet())), Code::Upload(puppet())] {
        let answer = dry_instantiate(&world, code, None, &[]);
        assert_eq!(answer.storage_deposit, StorageDeposit::Charge(own));
    }
    let answer = dry_instantiate(&world, Code::Existing(hash(b"none")), None, &[]);
    assert_eq!(answer.result.map(drop), failed(Error::CodeNotFound));
}

#[test]
fn a_dry_upload_names_hash_and_deposit() {
    let world = World::new();
    let limit: Option<Balance> = None;
    type Answer = Result<CodeUploadReturnValue, DispatchError>;
    let ask = |code: Vec<u8>| -> Answer {
        world.api("ContractsApi_upload_code", &(world.bob.account(), code, limit, Determinism::Enforced))
    };
    let done = ask(puppet()).unwrap();
    assert_eq!(done.code_hash, hash(&puppet()));
    assert!(done.deposit > 0);
    assert_eq!(ask(b"garbage".to_vec()).map(drop), failed(Error::CodeRejected));
}

#[test]
fn stored_values_are_read_by_the_contracts_own_key() {
    let (world, contract) = world_with_puppet();
    type Answer = Result<Option<Vec<u8>>, ContractAccessError>;
    let ask = |who: AccountId, key: Vec<u8>| -> Answer { world.api("ContractsApi_get_storage", &(who, key)) };
    assert_eq!(ask(contract, vec![0; 4]), Ok(Some(vec![0])));
    assert_eq!(ask(contract, vec![0; 128]), Ok(None));
    assert_eq!(ask(contract, vec![0; 129]), Err(ContractAccessError::KeyDecodingFailed));
    assert_eq!(ask(world.alice.account(), vec![0; 4]), Err(ContractAccessError::DoesntExist));
}
