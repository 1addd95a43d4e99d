//! What contracts are told of the chain's randomness.

use basalt_primitives::{AccountId, Balance, DispatchError, H256, Weight};
use basalt_runtime::{RANDOMNESS, RuntimeEvent};
use contracts::{
    Error,
    types::{ContractResult, ExecReturnValue},
};
use parity_scale_codec::{DecodeAll, Encode};

use super::{address, failed, instantiate_with_code, wasm};
use crate::world::{World, contracts, system};

/// Passes its input on to the function that the first word names, and returns what that answers.
const ASKS: &str = r#"(module
    (import "seal0" "input" (func $input (param i32 i32)))
    (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
    (import "seal0" "call_chain_extension" (func $ask (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "memory" (memory 1 16))
    (data (i32.const 0) "\00\04\00\00")
    (data (i32.const 4) "\00\04\00\00")
    (func (export "deploy"))
    (func (export "call")
        (call $input (i32.const 256) (i32.const 0))
        (drop (call $ask
            (i32.load (i32.const 256))
            (i32.const 260) (i32.sub (i32.load (i32.const 0)) (i32.const 4))
            (i32.const 1280) (i32.const 4)))
        (call $return (i32.const 0) (i32.const 1280) (i32.load (i32.const 4)))))"#;

type DryRun = ContractResult<Result<ExecReturnValue, DispatchError>, system::EventRecord<RuntimeEvent>>;

fn ask(world: &World, contract: AccountId, function: u16, input: &[u8]) -> Result<Vec<u8>, DispatchError> {
    let none: (Option<Weight>, Option<Balance>) = (None, None);
    let word = u32::from(RANDOMNESS.index) << 16 | u32::from(function);
    let data = [&word.to_le_bytes()[..], input].concat();
    let answer: DryRun =
        world.api("ContractsApi_call", &(world.bob.account(), contract, 0 as Balance, none, data));
    answer.result.map(|value| value.data)
}

#[test]
fn contracts_are_told_seeds_and_epochs_and_that_these_are_weak_here() {
    let mut world = World::new();
    let made = world.by_alice(&instantiate_with_code(&wasm(ASKS), 0, &[]));
    assert_eq!(world.run_one(made).result, Ok(()));
    let contract = address(&world.alice.account(), &wasm(ASKS), &[]);
    let first = world.ledger.number;
    let before = RANDOMNESS.seed(&world.ledger.state).unwrap();
    world.run(vec![]);
    let now = RANDOMNESS.seed(&world.ledger.state).unwrap();
    assert_ne!(before, now);

    let told = |function, input: &[u8]| ask(&world, contract, function, input).unwrap();
    assert_eq!(told(0, &[]), (now, world.ledger.number, true).encode());
    assert_eq!(told(1, &first.encode()), Some(before).encode());
    assert_eq!(told(1, &(world.ledger.number + 1).encode()), None::<H256>.encode());
    let epoch = Option::<H256>::decode_all(&mut &told(2, &1u32.encode())[..]).unwrap();
    assert_eq!(epoch, Some(RANDOMNESS.of_epoch(&world.ledger.state, 1).unwrap()));
    assert_eq!(told(2, &2u32.encode()), None::<H256>.encode());
    assert_eq!(told(3, &[]), (0u32, 1u32, 0u32).encode());

    let wrong = |function, input: &[u8]| ask(&world, contract, function, input).map(drop);
    assert_eq!(wrong(1, &[1, 2]), failed(Error::DecodingFailed));
    assert_eq!(wrong(9, &[]), failed(Error::NoChainExtension));
}
