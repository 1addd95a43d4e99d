//! What holds for every method.

use basalt_db::Pruning;
use basalt_rpc::{Cors, RpcError, UnsafeMethods};
use serde_json::{Value, json};

use crate::{
    engine::manual_engine,
    kit::{Kit, Ws, hex, http, post},
};

#[tokio::test]
async fn websocket_and_http_are_served_on_one_port_and_ids_come_back_as_they_were() {
    let kit = Kit::new().await;
    let genesis = json!(hex(kit.chain.genesis_hash()));
    let mut ws = kit.ws().await;
    for id in [json!(1), json!("1-7"), json!("ä"), json!(0)] {
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "chain_getBlockHash", "params": [0]});
        let expected = json!({"jsonrpc": "2.0", "id": id, "result": genesis});
        ws.send(&call.to_string()).await;
        assert_eq!(ws.receive().await, expected);
        assert_eq!(post(kit.address(), &call).await, expected);
    }
}

#[tokio::test]
async fn parameters_may_be_absent_or_null_or_empty_and_optional_ones_left_out() {
    let kit = Kit::new().await;
    let genesis = json!(hex(kit.chain.genesis_hash()));
    let without = json!({"jsonrpc": "2.0", "id": 1, "method": "chain_getBlockHash"});
    assert_eq!(post(kit.address(), &without).await["result"], genesis);
    let mut ws = kit.ws().await;
    for params in [json!(null), json!([]), json!([null])] {
        assert_eq!(ws.call("chain_getBlockHash", params.clone()).await, genesis);
        assert_eq!(ws.call("chain_getFinalizedHead", params.clone()).await, genesis);
        assert_eq!(ws.call("state_getMetadata", params).await, json!("0x6d6574610e746f79"));
    }
    for params in [json!(["0x67", 2]), json!(["0x67", 2, null]), json!(["0x67", 2, null, null])] {
        assert_eq!(ws.call("state_getKeysPaged", params).await, json!(["0x6700", "0x6701"]));
    }
}

#[tokio::test]
async fn a_null_answer_is_written_out() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    let answer = ws.answer("state_getStorage", json!(["0xdead"])).await;
    assert_eq!(answer.get("result"), Some(&Value::Null));
    assert!(answer.get("error").is_none());
}

#[tokio::test]
async fn hex_may_lack_its_prefix() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    assert_eq!(ws.call("state_call", json!(["Toy_echo", "0102"])).await, json!("0x0102"));
    assert_eq!(ws.call("state_call", json!(["Toy_echo", ""])).await, json!("0x"));
    assert_eq!(ws.call("state_getStorage", json!(["6702"])).await, json!("0x0202"));
    let bare = hex(kit.chain.genesis_hash()).split_off(2);
    assert_eq!(ws.call("chain_getHeader", json!([bare])).await["number"], "0x0");
}

#[tokio::test]
async fn batches_are_answered_by_arrays_up_to_the_limit() {
    let kit = Kit::configured(|config| config.batch_requests_max = 3).await;
    let call = |id: u32| json!({"jsonrpc": "2.0", "id": id, "method": "system_name", "params": null});
    let batch = json!([call(1), call(2), {"jsonrpc": "2.0", "id": "x", "method": "nonsense"}]);
    let mut ws = kit.ws().await;
    ws.send(&batch.to_string()).await;
    for answers in [ws.receive().await, post(kit.address(), &batch).await] {
        let answers = answers.as_array().expect("an array");
        assert_eq!(answers.len(), 3);
        assert_eq!(answers[1], json!({"jsonrpc": "2.0", "id": 2, "result": "Basalt"}));
        assert_eq!(answers[2]["id"], "x");
        assert_eq!(answers[2]["error"]["code"], -32601);
    }
    let long = json!([call(1), call(2), call(3), call(4)]);
    ws.send(&long.to_string()).await;
    let refused = ws.receive().await;
    assert!(refused["error"]["code"].is_i64(), "{refused}");
    ws.send("[]").await;
    assert_eq!(ws.receive().await["error"]["code"], -32600);
}

#[tokio::test]
async fn what_is_no_call_gets_the_standard_codes() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    // One client compares this message word for word.
    let unknown = ws.answer("state_nonsense", json!([])).await;
    assert_eq!(unknown["error"], json!({"code": -32601, "message": "Method not found"}));
    assert_eq!(ws.fail("state_getStorage", json!([])).await["code"], -32602);
    assert_eq!(ws.fail("state_getStorage", json!(["0xzz"])).await["code"], -32602);
    assert_eq!(ws.fail("chain_getHeader", json!(["0x12"])).await["code"], -32602);
    ws.send("{nonsense").await;
    assert_eq!(ws.receive().await["error"]["code"], -32700);
    ws.send(r#"{"id": 5, "method": "system_name"}"#).await;
    assert_eq!(ws.receive().await["error"]["code"], -32600);
}

#[tokio::test]
async fn an_oversize_request_is_refused_and_the_connection_lives_on() {
    let kit = Kit::configured(|config| config.request_bytes_max = 1000).await;
    let call = |bytes: usize| json!({"jsonrpc": "2.0", "id": 1, "method": "state_call", "params": ["Toy_echo", "00".repeat(bytes)]});
    let mut ws = kit.ws().await;
    ws.send(&call(600).to_string()).await;
    let refused = ws.receive().await;
    assert_eq!(refused["error"]["code"], -32007, "{refused}");
    ws.send(&call(100).to_string()).await;
    assert_eq!(ws.receive().await["result"], hex([0; 100]));
    let head = "POST / HTTP/1.1\r\ncontent-type: application/json";
    let (status, ..) = http(kit.address(), head, &call(600).to_string()).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn an_answer_over_the_limit_is_an_error_of_its_own() {
    let kit = Kit::configured(|config| config.response_bytes_max = 500).await;
    let mut ws = kit.ws().await;
    let echo = ws.fail("state_call", json!(["Toy_echo", "00".repeat(400)])).await;
    assert_eq!(echo["code"], -32008);
    let many = vec!["0x6704"; 100];
    assert_eq!(ws.fail("state_queryStorageAt", json!([many])).await["code"], -32008);
}

#[tokio::test]
async fn get_health_answers_without_json_rpc_around_it() {
    let kit = Kit::new().await;
    let (status, _, body) = http(kit.address(), "GET /health HTTP/1.1", "").await;
    assert_eq!(status, 200);
    let health: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(health, json!({"peers": 0, "isSyncing": false, "shouldHavePeers": false}));
}

#[tokio::test]
async fn a_preflight_allows_json_from_pages_of_this_machine_and_listed_ones() {
    let kit = Kit::new().await;
    let preflight = |origin: &str| {
        format!(
            "OPTIONS / HTTP/1.1\r\norigin: {origin}\r\naccess-control-request-method: POST\r\n\
             access-control-request-headers: content-type"
        )
    };
    for origin in ["http://localhost:3000", "https://polkadot.js.org"] {
        let (status, head, _) = http(kit.address(), &preflight(origin), "").await;
        assert_eq!(status, 200);
        assert!(head.contains(&format!("access-control-allow-origin: {origin}")), "{head}");
        assert!(head.contains("access-control-allow-headers: content-type"), "{head}");
        assert!(head.contains("access-control-allow-methods:") && head.contains("post"), "{head}");
    }
    let (status, _, body) = http(kit.address(), &preflight("https://evil.example"), "").await;
    assert_eq!(status, 403);
    assert!(body.contains("--rpc-cors https://evil.example"), "{body}");

    let open = kit.again(|config| config.cors = Cors::All).await.expect("a free port");
    let (status, head, _) = http(open.local_addr, &preflight("https://any.example"), "").await;
    assert_eq!(status, 200);
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
}

#[tokio::test]
async fn a_foreign_page_cannot_use_a_websocket_or_post_either() {
    let kit = Kit::new().await;
    let refused = Ws::connect(kit.address(), Some("https://evil.example")).await;
    assert!(refused.is_err_and(|error| error.contains("403")));
    // A page that rebound its own name to this machine: host and origin agree.
    let rebound = format!("http://evil.example:{}", kit.address().port());
    let head = format!("POST / HTTP/1.1\r\ncontent-type: application/json\r\norigin: {rebound}");
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "system_name"});
    assert_eq!(http(kit.address(), &head, &call.to_string()).await.0, 403);

    let local = format!("http://{}", kit.address());
    let mut ws = Ws::connect(kit.address(), Some(&local)).await.expect("a page of this machine");
    assert_eq!(ws.call("system_name", json!([])).await, "Basalt");
}

#[tokio::test]
async fn a_taken_port_is_explained_in_a_sentence() {
    let kit = Kit::new().await;
    let taken = kit.address();
    let error = kit.again(|config| config.listen = taken).await.expect_err("the port is taken");
    assert!(matches!(error, RpcError::PortTaken { address } if address == taken));
    assert!(error.to_string().contains("--rpc-port"), "{error}");
}

#[tokio::test]
async fn stopping_ends_connections_with_open_subscriptions() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    ws.call("chain_subscribeNewHeads", json!([])).await;
    let address = kit.address();
    let Kit { running, .. } = kit;
    tokio::time::timeout(std::time::Duration::from_secs(60), running.stop()).await.expect("an end in time");
    assert!(ws.ends().await);
    assert!(Ws::connect(address, None).await.is_err());
}

#[tokio::test]
async fn connections_beyond_the_limit_are_refused_until_one_closes() {
    let kit = Kit::configured(|config| config.connections_max = 2).await;
    let _first = kit.ws().await;
    let mut second = kit.ws().await;
    assert!(Ws::connect(kit.address(), None).await.is_err_and(|error| error.contains("429")));
    assert_eq!(second.call("system_name", json!([])).await, "Basalt");
}

/// Everything, in both spellings. Half a family of the new specification would mislead clients, so none is here.
const METHODS: &[&str] = &[
    "account_nextIndex",
    "author_hasKey",
    "author_hasSessionKeys",
    "author_insertKey",
    "author_pendingExtrinsics",
    "author_rotateKeys",
    "author_rotateKeysWithOwner",
    "author_submitAndWatchExtrinsic",
    "author_submitExtrinsic",
    "author_unwatchExtrinsic",
    "basalt_consensusStatus",
    "basalt_executionReport",
    "chain_getBlock",
    "chain_getBlockHash",
    "chain_getFinalisedHead",
    "chain_getFinalizedHead",
    "chain_getHead",
    "chain_getHeader",
    "chain_getRuntimeVersion",
    "chain_subscribeAllHeads",
    "chain_subscribeFinalisedHeads",
    "chain_subscribeFinalizedHeads",
    "chain_subscribeNewHead",
    "chain_subscribeNewHeads",
    "chain_subscribeRuntimeVersion",
    "chain_unsubscribeAllHeads",
    "chain_unsubscribeFinalisedHeads",
    "chain_unsubscribeFinalizedHeads",
    "chain_unsubscribeNewHead",
    "chain_unsubscribeNewHeads",
    "chain_unsubscribeRuntimeVersion",
    "childstate_getKeys",
    "childstate_getKeysPaged",
    "childstate_getKeysPagedAt",
    "childstate_getStorage",
    "childstate_getStorageEntries",
    "childstate_getStorageHash",
    "childstate_getStorageSize",
    "grandpa_subscribeJustifications",
    "grandpa_unsubscribeJustifications",
    "payment_queryFeeDetails",
    "payment_queryInfo",
    "rpc_methods",
    "state_call",
    "state_callAt",
    "state_getKeys",
    "state_getKeysPaged",
    "state_getKeysPagedAt",
    "state_getMetadata",
    "state_getPairs",
    "state_getReadProof",
    "state_getRuntimeVersion",
    "state_getStorage",
    "state_getStorageAt",
    "state_getStorageHash",
    "state_getStorageHashAt",
    "state_getStorageSize",
    "state_getStorageSizeAt",
    "state_queryStorageAt",
    "state_subscribeRuntimeVersion",
    "state_subscribeStorage",
    "state_unsubscribeRuntimeVersion",
    "state_unsubscribeStorage",
    "subscribe_newHead",
    "system_accountNextIndex",
    "system_addReservedPeer",
    "system_chain",
    "system_chainType",
    "system_dryRun",
    "system_dryRunAt",
    "system_health",
    "system_localListenAddresses",
    "system_localPeerId",
    "system_name",
    "system_nodeRoles",
    "system_peers",
    "system_properties",
    "system_removeReservedPeer",
    "system_reservedPeers",
    "system_syncState",
    "system_version",
    "unsubscribe_newHead",
];

#[tokio::test]
async fn rpc_methods_lists_exactly_what_is_served() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    assert_eq!(ws.call("rpc_methods", json!([])).await, json!({"methods": METHODS}));
    for method in METHODS {
        // Whatever it says to a call without parameters: it is there.
        let answer = ws.answer(method, json!([])).await;
        assert_ne!(answer["error"]["code"], -32601, "{method}: {answer}");
    }
}

#[tokio::test]
async fn engine_methods_are_there_when_an_engine_makes_blocks_on_request() {
    let kit = Kit::with(|_| (), Pruning::Archive, Some(manual_engine)).await;
    let methods = kit.ws().await.call("rpc_methods", json!([])).await;
    for method in ["engine_createBlock", "engine_finalizeBlock"] {
        assert!(methods["methods"].as_array().expect("a list").contains(&json!(method)), "{method}");
    }
}

#[tokio::test]
async fn unsafe_methods_are_neither_listed_nor_served_where_they_are_denied() {
    let kit = Kit::with(
        |config| config.unsafe_methods = UnsafeMethods::Deny,
        Pruning::Archive,
        Some(manual_engine),
    )
    .await;
    let before = kit.chain.best();
    let mut ws = kit.ws().await;
    let methods = ws.call("rpc_methods", json!([])).await;
    for method in basalt_rpc_api::UNSAFE_METHODS {
        assert!(!methods["methods"].as_array().expect("a list").contains(&json!(method)), "{method}");
        let error = ws.fail(method, json!([true, true])).await;
        assert_eq!(error["code"], -32601, "{method}");
        assert!(error["data"].as_str().is_some_and(|data| data.contains("--rpc-methods unsafe")), "{error}");
    }
    assert_eq!(kit.chain.best(), before);
}
