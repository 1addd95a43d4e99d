//! A contract on a real node, as its clients see it: uploaded, called, read, and there after a restart.

use basalt_e2e::Node;
use basalt_pallet_contracts::{
    CONTRACT_INFO_OF, Call, contract_address,
    storage::{child_prefix, hashed_variable_key},
    types::{ContractInfo, ContractResult, ExecReturnValue, ReturnFlags},
};
use basalt_pallet_system::EventRecord;
use basalt_primitives::{AccountId, Balance, DispatchError, H256, Weight, hashing::blake2_256};
use basalt_runtime::{RuntimeCall, RuntimeEvent};
use basalt_test_kit::Sender;
use jsonrpsee::rpc_params;
use parity_scale_codec::{Decode, Encode};
use serde_json::json;

use crate::rpc::Rpc;

type Answer = ContractResult<Result<ExecReturnValue, DispatchError>, EventRecord<RuntimeEvent>>;

const KEY: [u8; 4] = [0; 4];

/// Keeps a byte under [`KEY`]: 7 at first, one more after each call with input, and returns it.
fn counter() -> Vec<u8> {
    wat::parse_str(
        r#"(module
            (import "seal0" "input" (func $input (param i32 i32)))
            (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
            (import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))
            (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
            (import "env" "memory" (memory 1 16))
            (data (i32.const 0x20) "\07\00\00\00\01\00\00\00\00\01\00\00")
            (func $write (drop (call $set (i32.const 0x10) (i32.const 4) (i32.const 0x20) (i32.const 1))))
            (func (export "deploy") (call $write))
            (func (export "call")
                (call $input (i32.const 0x100) (i32.const 0x28))
                (drop (call $get (i32.const 0x10) (i32.const 4) (i32.const 0x20) (i32.const 0x24)))
                (if (i32.load (i32.const 0x28)) (then
                    (i32.store8 (i32.const 0x20) (i32.add (i32.load8_u (i32.const 0x20)) (i32.const 1)))
                    (call $write)))
                (call $return (i32.const 0) (i32.const 0x20) (i32.const 1))))"#,
    )
    .expect("the module is one")
}

fn hex(bytes: &[u8]) -> String {
    const_hex::encode_prefixed(bytes)
}

/// What a query returns, asked as polkadot.js does.
async fn query(rpc: &Rpc, origin: AccountId, contract: AccountId) -> Answer {
    let gas = Some(Weight::new(4_999_999_999_999, 0));
    let limit: Option<Balance> = None;
    let arguments = (origin, contract, 0 as Balance, gas, limit, Vec::<u8>::new()).encode();
    let answer = rpc.get("state_call", rpc_params!["ContractsApi_call", hex(&arguments)]).await;
    let bytes = const_hex::decode(answer.as_str().expect("bytes are hex")).expect("bytes are hex");
    Answer::decode(&mut bytes.as_slice()).expect("the answer is what the metadata says")
}

#[tokio::test]
async fn a_contract_is_made_called_read_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().to_str().unwrap();
    let arguments = ["--dev", "--base-path", base];
    let node = Node::start(&arguments).unwrap();
    let rpc = Rpc::connect(&node.url).await;
    let mut alice = Sender::dev("Alice");
    let owner = alice.account();
    let contract = contract_address(&owner, &H256(blake2_256(&counter())), &[], &[]);

    let gas_limit = Weight::new(1_000_000_000, 0);
    let made = RuntimeCall::Contracts(Call::instantiate_with_code {
        value: 0,
        gas_limit,
        storage_deposit_limit: None,
        code: counter(),
        data: vec![],
        salt: vec![],
    });
    rpc.finalize(&alice.sign(rpc.genesis_hash, &made)).await;
    let called = RuntimeCall::Contracts(Call::call {
        dest: contract.into(),
        value: 0,
        gas_limit,
        storage_deposit_limit: None,
        data: vec![1],
    });
    rpc.finalize(&alice.sign(rpc.genesis_hash, &called)).await;
    let answer = query(&rpc, owner, contract).await;
    assert_eq!(answer.result, Ok(ExecReturnValue { flags: ReturnFlags(0), data: vec![8] }));

    // As cargo-contract reads storage: the record, the child's keys, the child's values.
    let record = rpc.get("state_getStorage", rpc_params![hex(&CONTRACT_INFO_OF.key(&contract))]).await;
    let record = const_hex::decode(record.as_str().expect("there is a record")).unwrap();
    let record = ContractInfo::decode(&mut record.as_slice()).unwrap();
    let child = hex(&child_prefix(&record.trie_id.0));
    let keys = rpc.get("childstate_getKeysPaged", rpc_params![&child, json!(null), 1000]).await;
    assert_eq!(keys, json!([hex(&hashed_variable_key(&KEY))]));
    let value = rpc.get("childstate_getStorage", rpc_params![&child, &keys[0]]).await;
    assert_eq!(value, json!("0x08"));
    let values = rpc.get("childstate_getStorageEntries", rpc_params![&child, &keys]).await;
    assert_eq!(values, json!(["0x08"]));

    assert_eq!(node.stop().code, Some(0));
    let node = Node::start(&arguments).unwrap();
    let rpc = Rpc::connect(&node.url).await;
    rpc.finalize(&alice.sign(rpc.genesis_hash, &called)).await;
    let answer = query(&rpc, owner, contract).await;
    assert_eq!(answer.result, Ok(ExecReturnValue { flags: ReturnFlags(0), data: vec![9] }));
    assert_eq!(node.stop().code, Some(0));
}
