//! How blocks were run, over sockets.

use basalt_chain::{ForkChoice, ImportOptions, limits::REPORTS_KEPT};
use serde_json::{Value, json};

use crate::{
    kit::{Kit, hex, post},
    toy::put,
};

const METHOD: &str = "basalt_executionReport";

/// The members of an object, which are what clients rely on.
fn members(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_block_has_a_report_of_its_transactions() {
    let kit = Kit::new().await;
    let block = kit.next(&[put(0, b"a", Some(b"1")), put(1, b"b", Some(b"2"))]);
    let empty = kit.next(&[]);
    let mut ws = kit.ws().await;

    let report = ws.call(METHOD, json!([hex(block.hash)])).await;
    assert_eq!(report["blockHash"], hex(block.hash));
    assert_eq!(report["blockNumber"], 1);
    assert_eq!(report["builtHere"], true);
    assert_eq!(report["mode"], "sequential");
    assert_eq!(report["transactions"], 3, "two and the inherent");
    assert_eq!(report["executions"], 3);
    assert_eq!(report["reExecutions"], 0);
    assert_eq!(report["conflicts"], json!([]));
    assert_eq!(members(&report["stageMicros"]), ["commit", "execute", "root", "verify"]);
    assert!(report["stageMicros"]["commit"].is_u64(), "{report}");
    assert_eq!(
        members(&report["executionMicros"]),
        ["collect", "commit", "execute", "hooks", "idle", "plan", "whole"]
    );
    assert_eq!(
        members(&report),
        [
            "blockHash",
            "blockNumber",
            "builtHere",
            "conflicts",
            "executionMicros",
            "executions",
            "mode",
            "parked",
            "reExecutions",
            "sequential",
            "stageMicros",
            "transactions",
        ]
    );

    let best = ws.call(METHOD, json!([])).await;
    assert_eq!(best["blockHash"], hex(empty.hash));
    assert_eq!(ws.call(METHOD, json!([null])).await, best);
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": METHOD, "params": {"hash": hex(empty.hash)}});
    assert_eq!(post(kit.address(), &request).await["result"], best);
}

#[tokio::test]
async fn a_block_on_a_losing_branch_has_a_report_too() {
    let kit = Kit::new().await;
    let genesis = kit.chain.best().hash;
    let lost = kit.next(&[put(0, b"a", Some(b"1"))]);
    let won = kit.fork(genesis, 1, &[]);
    let mut ws = kit.ws().await;
    assert_eq!(ws.call(METHOD, json!([hex(lost.hash)])).await["transactions"], 2);
    assert_eq!(ws.call(METHOD, json!([])).await["blockHash"], hex(won.hash));
}

#[tokio::test]
async fn unknown_blocks_and_forgotten_reports_are_told_apart() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    let nowhere = format!("0x{}", "ab".repeat(32));
    let error = ws.fail(METHOD, json!([nowhere])).await;
    assert_eq!(error["code"], 9001);
    assert!(error["message"].as_str().unwrap().contains(&nowhere), "{error}");
    assert_eq!(ws.fail(METHOD, json!(["0x12"])).await["code"], -32602);

    let genesis = ws.fail(METHOD, json!([])).await;
    assert_eq!(genesis["code"], 9002, "block 0 was never run: {genesis}");

    let first = kit.next_final(&[]);
    assert_eq!(ws.call(METHOD, json!([hex(first.hash)])).await["blockNumber"], 1);
    for _ in 0..REPORTS_KEPT {
        let options =
            ImportOptions { fork_choice: ForkChoice::Best, finalize: true, ..ImportOptions::default() };
        kit.block(kit.chain.best().hash, 0, &[], options);
    }
    let error = ws.fail(METHOD, json!([hex(first.hash)])).await;
    assert_eq!(error["code"], 9002);
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("#1") && message.contains(&REPORTS_KEPT.to_string()), "{message}");
}
