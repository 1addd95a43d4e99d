//! A report that is made up, as clients read it.

use basalt_chain::{BlockId, StageTimes};
use basalt_executor::{Mode, Report, Times};
use basalt_pallet_contracts::storage::{child_prefix, hashed_variable_key};
use basalt_pallet_system::ACCOUNT;
use basalt_primitives::{
    H256,
    keys::{Pair, Scheme},
};
use basalt_runtime::NativeRuntime;
use serde_json::json;

use super::*;

/// What the contract with this storage stores under `own`.
fn stored(id: u8) -> Vec<u8> {
    [child_prefix(&[id; 32]), hashed_variable_key(b"own")].concat()
}

#[test]
fn a_report_is_written_with_names_and_microseconds() {
    let alice = Pair::from_suri(Scheme::Sr25519, "//Alice").unwrap().account_id();
    let key = ACCOUNT.key(&alice).to_vec();
    let ms = Duration::from_millis;
    let report = BlockReport {
        id: BlockId { hash: H256([7; 32]), number: 12 },
        execution: Report {
            mode: Mode::Parallel(4.try_into().unwrap()),
            transactions: 101,
            executions: 104,
            re_executions: 3,
            sequential: 1,
            parked: 20,
            conflicts: vec![
                Conflict { key: key.clone(), kind: ConflictKind::Condition, count: 2, first: 5 },
                Conflict { key: b"?".to_vec(), kind: ConflictKind::Range, count: 1, first: 9 },
                Conflict { key: stored(1), kind: ConflictKind::Value, count: 1, first: 10 },
                Conflict { key: stored(2), kind: ConflictKind::Value, count: 1, first: 11 },
            ],
            times: Times {
                whole: ms(8),
                hooks: ms(1),
                plan: ms(2),
                execute: ms(12),
                commit: ms(3),
                idle: ms(4),
                collect: ms(5),
            },
        },
        times: StageTimes {
            verify: Duration::ZERO,
            execute: ms(9),
            root: Duration::from_nanos(1_999),
            commit: ms(11),
        },
        built_here: true,
    };
    let names = KeyNames::new(&NativeRuntime::default());
    let contracts = BTreeMap::from([([1; 32], "5Contract".to_owned())]);
    let json = serde_json::to_value(written(&names, &contracts, &report)).unwrap();
    let expected = json!({
        "blockHash": format!("0x{}", "07".repeat(32)),
        "blockNumber": 12,
        "builtHere": true,
        "mode": "parallel=4",
        "transactions": 101,
        "executions": 104,
        "reExecutions": 3,
        "sequential": 1,
        "parked": 20,
        "conflicts": [
            {
                "key": const_hex::encode_prefixed(&key),
                "pallet": "System",
                "item": "Account",
                "mapKey": ["5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"],
                "kind": "condition",
                "count": 2,
                "first": 5,
            },
            { "key": "0x3f", "pallet": null, "item": null, "mapKey": [], "kind": "range", "count": 1, "first": 9 },
            {
                "key": const_hex::encode_prefixed(stored(1)),
                "pallet": "Contracts",
                "item": "Storage",
                "mapKey": ["contract 5Contract", "0x6f776e"],
                "kind": "value",
                "count": 1,
                "first": 10,
            },
            {
                "key": const_hex::encode_prefixed(stored(2)),
                "pallet": "Contracts",
                "item": "Storage",
                "mapKey": [format!("storage 0x{}", "02".repeat(32)), "0x6f776e"],
                "kind": "value",
                "count": 1,
                "first": 11,
            },
        ],
        "stageMicros": { "verify": 0, "execute": 9_000, "root": 1, "commit": 11_000 },
        "executionMicros": {
            "whole": 8_000, "hooks": 1_000, "plan": 2_000, "execute": 12_000, "commit": 3_000, "idle": 4_000,
            "collect": 5_000,
        },
    });
    assert_eq!(json, expected);
    let again: ExecutionReport = serde_json::from_value(json).unwrap();
    assert_eq!(again.conflicts[0].kind, ExecutionConflictKind::Condition);
}
