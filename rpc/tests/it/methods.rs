//! Each method, against a chain that holds what it should answer.

use basalt_db::Pruning;
use basalt_primitives::{Header, hashing::blake2_256};
use basalt_rpc_api::{
    ChainApiClient, StateApiClient, SystemApiClient,
    text::{Bytes, Hash, Number, OneOrMany},
};
use jsonrpsee::{
    client_transport::ws::{Url, WsTransportClientBuilder},
    core::client::ClientBuilder,
};
use serde_json::json;

use crate::{
    engine::manual_engine,
    kit::{Kit, hex, post},
    toy::{ALICE, METADATA, put, transaction_hash, wire},
};

#[tokio::test]
async fn a_header_has_the_members_and_the_hash_that_clients_recompute() {
    let kit = Kit::new().await;
    let id = kit.next(&[]);
    let mut ws = kit.ws().await;
    let json = ws.call("chain_getHeader", json!([hex(id.hash)])).await;
    let known = kit.chain.header(&id.hash).unwrap().unwrap();
    assert_eq!(
        json,
        json!({
            "parentHash": hex(kit.chain.genesis_hash()),
            "number": "0x1",
            "stateRoot": hex(known.state_root),
            "extrinsicsRoot": hex(known.extrinsics_root),
            "digest": {"logs": ["0x06746573740400"]},
        })
    );
    assert_eq!(serde_json::from_value::<Header>(json).unwrap().hash(), id.hash);
    assert_eq!(ws.call("chain_getHeader", json!([])).await["number"], "0x1");
    let unknown = hex([9; 32]);
    assert_eq!(ws.call("chain_getHeader", json!([unknown])).await, json!(null));
    assert_eq!(ws.call("chain_getBlock", json!([unknown])).await, json!(null));
}

#[tokio::test]
async fn a_block_has_its_extrinsics_with_their_lengths_and_its_justification_as_numbers() {
    let kit = Kit::new().await;
    let transaction = put(0, b"key", Some(b"value"));
    let id = kit.next(std::slice::from_ref(&transaction));
    let mut ws = kit.ws().await;
    let block = ws.call("chain_getBlock", json!([hex(id.hash)])).await;
    assert_eq!(block["justifications"], json!(null));
    assert_eq!(block["block"]["header"]["number"], "0x1");
    // The block maker's time, and ours.
    assert_eq!(block["block"]["extrinsics"].as_array().map(Vec::len), Some(2));
    assert_eq!(block["block"]["extrinsics"][1], wire(&transaction));

    let proof = basalt_chain::Justification { engine: *b"test", data: vec![1, 255] };
    kit.chain.finalize(&id.hash, Some(proof)).unwrap();
    let block = ws.call("chain_getBlock", json!([])).await;
    assert_eq!(block["justifications"], json!([[[116, 101, 115, 116], [1, 255]]]));
}

#[tokio::test]
async fn block_hashes_are_found_by_number_by_hex_and_by_list() {
    let kit = Kit::new().await;
    let genesis = hex(kit.chain.genesis_hash());
    let first = hex(kit.next_final(&[]).hash);
    let best = hex(kit.next(&[]).hash);
    let mut ws = kit.ws().await;
    for method in ["chain_getBlockHash", "chain_getHead"] {
        for (params, expected) in [
            (json!([]), json!(best)),
            (json!([0]), json!(genesis)),
            (json!([1]), json!(first)),
            (json!(["0x2"]), json!(best)),
            (json!([3]), json!(null)),
            (json!([u64::MAX]), json!(null)),
            (json!([[0, "0x1", 2, 7]]), json!([genesis, first, best, null])),
            (json!([[]]), json!([])),
        ] {
            assert_eq!(ws.call(method, params.clone()).await, expected, "{method} {params}");
        }
        assert_eq!(ws.fail(method, json!([-1])).await["code"], -32602);
    }
    for method in ["chain_getFinalizedHead", "chain_getFinalisedHead"] {
        assert_eq!(ws.call(method, json!([])).await, json!(first));
    }
}

#[tokio::test]
async fn single_values_are_read_at_any_block() {
    let kit = Kit::new().await;
    let old = kit.next(&[put(0, b"key", Some(b"old"))]).hash;
    kit.next(&[put(1, b"key", Some(b"new"))]);
    let mut ws = kit.ws().await;
    let (key, at) = (hex(b"key"), hex(old));
    for suffix in ["", "At"] {
        let method = |name: &str| format!("{name}{suffix}");
        assert_eq!(ws.call(&method("state_getStorage"), json!([key])).await, hex(b"new"));
        assert_eq!(ws.call(&method("state_getStorage"), json!([key, at])).await, hex(b"old"));
        let hash = hex(blake2_256(b"old"));
        assert_eq!(ws.call(&method("state_getStorageHash"), json!([key, at])).await, hash);
        assert_eq!(ws.call(&method("state_getStorageSize"), json!([key, at])).await, 3);
        for name in ["state_getStorage", "state_getStorageHash", "state_getStorageSize"] {
            assert_eq!(ws.call(&method(name), json!(["0xff", at])).await, json!(null));
        }
    }
    // There is a value, and it is empty.
    assert_eq!(ws.call("state_getStorage", json!(["0x6700"])).await, "0x");
    assert_eq!(ws.call("state_getStorageSize", json!(["0x6700"])).await, 0);
}

#[tokio::test]
async fn keys_come_in_pages_and_in_byte_order() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    let page = json!(["0x6700", "0x6701"]);
    assert_eq!(ws.call("state_getKeysPaged", json!(["0x67", 2])).await, page);
    // The start may be the prefix itself.
    assert_eq!(ws.call("state_getKeysPaged", json!(["0x67", 2, "0x67"])).await, page);
    let rest = json!(["0x6702", "0x6703", "0x6704"]);
    assert_eq!(ws.call("state_getKeysPaged", json!(["0x67", 1000, "0x6701"])).await, rest);
    assert_eq!(ws.call("state_getKeysPaged", json!(["0x67", 2, "0x6704"])).await, json!([]));
    assert_eq!(ws.call("state_getKeysPaged", json!(["0x67", 0])).await, json!([]));
    let error = ws.fail("state_getKeysPaged", json!(["0x67", 1001])).await;
    assert_eq!(error["code"], 4002);
    assert_eq!(error["message"], "count exceeds maximum value. value: 1001, max: 1000");
    assert_eq!(ws.call("state_getKeys", json!(["0x67"])).await.as_array().map(Vec::len), Some(5));
    let pairs = json!([["0x6703", "0x030303"]]);
    assert_eq!(ws.call("state_getPairs", json!(["0x6703"])).await, pairs);
}

#[tokio::test]
async fn many_values_come_as_one_change_set_in_the_order_asked_for() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    let expected = json!([{
        "block": hex(kit.chain.genesis_hash()),
        "changes": [["0x6701", "0x01"], ["0xff", null], ["0x6700", "0x"]],
    }]);
    assert_eq!(ws.call("state_queryStorageAt", json!([["0x6701", "0xFF", "6700"]])).await, expected);
    let at = hex(kit.chain.genesis_hash());
    kit.next(&[]);
    assert_eq!(ws.call("state_queryStorageAt", json!([["0x6701", "0xff", "0x6700"], at])).await, expected);
}

#[tokio::test]
async fn a_runtime_call_runs_on_the_state_of_its_block_and_leaves_no_trace() {
    let kit = Kit::new().await;
    let at = hex(kit.next(&[]).hash);
    kit.next(&[]);
    let mut ws = kit.ws().await;
    assert_eq!(ws.call("state_call", json!(["Toy_number", "0x", at])).await, "0x01000000");
    assert_eq!(ws.call("state_call", json!(["Toy_number", "0x"])).await, "0x02000000");
    assert_eq!(ws.call("state_call", json!(["Toy_write", "0x07"])).await, "0x07");
    assert_eq!(ws.call("state_getStorage", json!([hex(b"scratch")])).await, json!(null));
}

#[tokio::test]
async fn errors_of_state_methods_have_the_words_that_clients_compare() {
    let kit = Kit::with(|_| (), Pruning::Keep(2), None).await;
    let genesis = hex(kit.chain.genesis_hash());
    for _ in 0..8 {
        kit.next_final(&[]);
    }
    let mut ws = kit.ws().await;
    let unknown = ws.fail("state_call", json!(["Metadata_metadata_at_version", "0x0f000000"])).await;
    let text =
        "Client error: Execution failed: Other: Exported method Metadata_metadata_at_version is not found";
    assert_eq!(unknown, json!({"code": 4003, "message": text}));

    let pruned =
        format!("Client error: Api called for an unknown Block: State already discarded for {genesis}");
    for (method, params) in [
        ("state_call", json!(["Toy_echo", "0x", genesis])),
        ("state_getStorage", json!(["0x00", genesis])),
        ("state_queryStorageAt", json!([["0x00"], genesis])),
        ("state_getKeysPaged", json!(["0x00", 10, null, genesis])),
        ("state_getReadProof", json!([["0x00"], genesis])),
    ] {
        assert_eq!(ws.fail(method, params).await, json!({"code": 4003, "message": pruned}), "{method}");
    }
    // What needs no state is answered for blocks of any age.
    assert_eq!(ws.call("chain_getHeader", json!([genesis])).await["number"], "0x0");
    assert_eq!(ws.call("state_getRuntimeVersion", json!([genesis])).await["specVersion"], 7);

    let nowhere = hex([9; 32]);
    for (method, params) in [
        ("state_getStorage", json!(["0x00", nowhere])),
        ("state_getRuntimeVersion", json!([nowhere])),
        ("state_getMetadata", json!([nowhere])),
    ] {
        let error = ws.fail(method, params).await;
        assert_eq!(error["code"], 4003);
        assert!(error["message"].as_str().is_some_and(|text| text.contains(&nowhere)), "{error}");
    }
}

#[tokio::test]
async fn a_runtime_that_panics_costs_one_answer_and_no_more() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    assert_eq!(ws.fail("state_call", json!(["Toy_panic", "0x"])).await["code"], -32603);
    assert_eq!(ws.call("state_call", json!(["Toy_echo", "0x01"])).await, "0x01");
}

#[tokio::test]
async fn versions_and_metadata_are_the_runtimes() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    let version = json!({
        "specName": "toy", "implName": "toy", "authoringVersion": 0, "specVersion": 7, "implVersion": 0,
        "apis": [["0xdf6acb689907609b", 5]], "transactionVersion": 3, "systemVersion": 1, "stateVersion": 1,
    });
    for method in ["state_getRuntimeVersion", "chain_getRuntimeVersion"] {
        assert_eq!(ws.call(method, json!([])).await, version);
    }
    assert_eq!(ws.call("state_getMetadata", json!([])).await, hex(METADATA));
}

#[tokio::test]
async fn a_read_proof_names_its_block_and_has_one_entry_per_key() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    let proof = ws.call("state_getReadProof", json!([["0x6701", "0xff"]])).await;
    assert_eq!(proof["at"], hex(kit.chain.genesis_hash()));
    let entries = proof["proof"].as_array().expect("a list");
    assert_eq!(entries.len(), 2);
    // SCALE: the key with its length, then the value.
    assert!(entries[0].as_str().is_some_and(|entry| entry.starts_with("0x086701010401")), "{proof}");
    assert!(entries[1].as_str().is_some_and(|entry| entry.starts_with("0x04ff00")), "{proof}");
}

#[tokio::test]
async fn the_node_says_what_it_is() {
    let kit = Kit::new().await;
    kit.next(&[]);
    let mut ws = kit.ws().await;
    for (method, expected) in [
        ("system_name", json!("Basalt")),
        ("system_version", json!("0.1.0")),
        ("system_chain", json!("Toy chain")),
        ("system_chainType", json!("Development")),
        ("system_properties", json!({"ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "UNIT"})),
        ("system_health", json!({"peers": 0, "isSyncing": false, "shouldHavePeers": false})),
        ("system_localPeerId", json!("")),
        ("system_localListenAddresses", json!([])),
        ("system_peers", json!([])),
        ("system_nodeRoles", json!(["Authority"])),
        ("system_syncState", json!({"startingBlock": 0, "currentBlock": 1, "highestBlock": 1})),
    ] {
        assert_eq!(ws.call(method, json!([])).await, expected, "{method}");
    }
}

#[tokio::test]
async fn the_next_nonce_counts_what_waits_in_the_pool() {
    let kit = Kit::new().await;
    let alice = ALICE.account_id();
    let mut ws = kit.ws().await;
    for method in ["system_accountNextIndex", "account_nextIndex"] {
        assert_eq!(ws.call(method, json!([alice.to_string()])).await, 0);
    }
    ws.call("author_submitExtrinsic", json!([wire(&put(0, b"a", None))])).await;
    ws.call("author_submitExtrinsic", json!([wire(&put(1, b"a", None))])).await;
    assert_eq!(ws.call("system_accountNextIndex", json!([alice.to_string()])).await, 2);
    assert_eq!(ws.call("account_nextIndex", json!([hex(alice)])).await, 2);
    assert_eq!(ws.fail("account_nextIndex", json!(["5Grwva"])).await["code"], -32602);
}

#[tokio::test]
async fn a_submitted_extrinsic_gets_its_hash_and_waits_in_the_pool() {
    let kit = Kit::new().await;
    let transaction = put(0, b"a", Some(b"b"));
    let mut ws = kit.ws().await;
    let hash = ws.call("author_submitExtrinsic", json!([wire(&transaction)])).await;
    assert_eq!(hash, hex(transaction_hash(&transaction)));
    assert_eq!(ws.call("author_pendingExtrinsics", json!([])).await, json!([wire(&transaction)]));
}

#[tokio::test]
async fn a_refused_extrinsic_gets_the_code_and_the_words_that_wallets_know() {
    let kit = Kit::new().await;
    let used = put(0, b"a", None);
    kit.next(std::slice::from_ref(&used));
    kit.settled().await;
    let mut ws = kit.ws().await;
    for method in ["author_submitExtrinsic", "author_submitAndWatchExtrinsic"] {
        // Others for each method, since the pool bans what it has refused.
        let stale = put(0, method.as_bytes(), None);
        let mut forged = put(1, method.as_bytes(), None);
        let last = forged.len() - 1;
        forged[last] ^= 1;
        // No length, a wrong length, nothing.
        for bytes in [hex(&stale), "0x0801".into(), "0x".into()] {
            let error = ws.fail(method, json!([bytes])).await;
            assert_eq!(error["code"], 1001, "{error}");
            let message = error["message"].as_str().unwrap_or_default();
            assert!(message.starts_with("Extrinsic has invalid format: "), "{error}");
        }
        for (transaction, text) in
            [(&stale, "Transaction is outdated"), (&forged, "Transaction has a bad signature")]
        {
            let error = ws.fail(method, json!([wire(transaction)])).await;
            assert_eq!(error["message"], "Invalid Transaction", "{error}");
            assert_eq!(error["code"], 1010);
            assert!(error["data"].as_str().is_some_and(|data| data.starts_with(text)), "{error}");
        }
    }
    let twice = wire(&put(1, b"b", None));
    ws.call("author_submitExtrinsic", json!([twice])).await;
    assert_eq!(ws.fail("author_submitExtrinsic", json!([twice])).await["code"], 1013);
}

#[tokio::test]
async fn fees_are_decimal_text_and_their_parts_are_hex() {
    let kit = Kit::new().await;
    let transaction = wire(&put(0, b"a", None));
    let bytes = (transaction.len() - 2) / 2;
    let mut ws = kit.ws().await;
    assert_eq!(
        ws.call("payment_queryInfo", json!([transaction])).await,
        json!({
            "weight": {"ref_time": bytes, "proof_size": 2},
            "class": "operational",
            "partialFee": u128::MAX.to_string(),
        })
    );
    let at = hex(kit.chain.genesis_hash());
    assert_eq!(
        ws.call("payment_queryFeeDetails", json!([transaction, at])).await,
        json!({"inclusionFee": {"baseFee": "0x1", "lenFee": format!("{bytes:#x}"), "adjustedWeightFee": "0xff"}})
    );
    // An inherent pays nothing.
    let inherent = wire(&[0, 1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(ws.call("payment_queryFeeDetails", json!([inherent])).await, json!({"inclusionFee": null}));
    let error = ws.fail("payment_queryInfo", json!(["0x0801"])).await;
    assert_eq!((&error["code"], &error["message"]), (&json!(2), &json!("Unable to query dispatch info.")));
    let error = ws.fail("payment_queryInfo", json!(["0x0401"])).await;
    assert_eq!(error["code"], 1);
    assert!(error["data"].as_str().is_some_and(|data| data.contains("no transaction")), "{error}");
}

#[tokio::test]
async fn a_dry_run_answers_the_result_in_scale() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    let transaction = wire(&put(0, b"a", None));
    for method in ["system_dryRun", "system_dryRunAt"] {
        assert_eq!(ws.call(method, json!([transaction])).await, "0x0000");
    }
    assert_eq!(ws.fail("system_dryRun", json!(["0x0801"])).await["code"], 1001);
}

#[tokio::test]
async fn blocks_are_made_and_finalised_on_request() {
    let kit = Kit::with(|_| (), Pruning::Archive, Some(manual_engine)).await;
    let mut ws = kit.ws().await;
    let made = ws.call("engine_createBlock", json!([true, false])).await;
    let best = kit.chain.best();
    assert_eq!(best.number, 1);
    assert_eq!(
        made,
        json!({
            "hash": hex(best.hash),
            "aux": {
                "header_only": false,
                "clear_justification_requests": false,
                "needs_justification": false,
                "bad_justification": false,
                "is_new_best": true,
            },
            "proof_size": 0,
        })
    );
    assert_eq!(kit.chain.finalized().number, 0);
    assert_eq!(ws.call("engine_finalizeBlock", json!([hex(best.hash), null])).await, true);
    assert_eq!(kit.chain.finalized(), best);
    ws.call("engine_createBlock", json!([true, true, null])).await;
    assert_eq!(kit.chain.finalized().number, 2);
    assert_eq!(ws.fail("engine_finalizeBlock", json!([hex([9; 32])])).await["code"], 13000);
    assert_eq!(ws.fail("engine_createBlock", json!([false, false])).await["code"], 12000);
}

#[tokio::test]
async fn keys_are_put_in_made_and_found() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    let alice = "0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee";
    assert_eq!(ws.call("author_hasKey", json!([alice, "gran"])).await, false);
    assert_eq!(ws.call("author_insertKey", json!(["gran", "//Alice", alice])).await, json!(null));
    assert_eq!(ws.call("author_hasKey", json!([alice, "gran"])).await, true);
    assert_eq!(ws.call("author_hasKey", json!([alice, "bvrf"])).await, false);

    let keys = ws.call("author_rotateKeys", json!([])).await;
    assert_eq!(keys.as_str().map(str::len), Some(2 + 128));
    assert_eq!(ws.call("author_hasSessionKeys", json!([keys])).await, true);
    assert_ne!(ws.call("author_rotateKeys", json!([])).await, keys);
    assert_eq!(ws.call("author_hasSessionKeys", json!([format!("0x{}", "01".repeat(64))])).await, false);

    for (method, params, code) in [
        ("author_insertKey", json!(["gran", "//Bob", alice]), 1040),
        ("author_insertKey", json!(["gran", "no secret", alice]), 1040),
        ("author_insertKey", json!(["babe", "//Alice", alice]), 1017),
        ("author_insertKey", json!(["gran", "//Alice", "0x88dc"]), -32602),
        ("author_hasKey", json!([alice, "grandpa"]), 1017),
        ("author_hasSessionKeys", json!([alice]), -32602),
    ] {
        let error = ws.fail(method, params).await;
        assert_eq!(error["code"], code, "{error}");
        assert!(!error.to_string().contains("no secret"), "{error}");
    }
}

#[tokio::test]
async fn the_generated_clients_fit_the_server() {
    let kit = Kit::new().await;
    let url = Url::parse(&format!("ws://{}", kit.address())).unwrap();
    let (sender, receiver) = WsTransportClientBuilder::default().build(url).await.unwrap();
    let client = ClientBuilder::default().build_with_tokio(sender, receiver);
    let genesis = Hash(kit.chain.genesis_hash());
    assert_eq!(client.finalized_head().await.unwrap(), genesis);
    let zero = Some(OneOrMany::One(Number(0)));
    assert_eq!(client.block_hash(zero).await.unwrap(), OneOrMany::One(Some(genesis)));
    assert_eq!(
        StateApiClient::storage(&client, Bytes(vec![b'g', 1]), None).await.unwrap(),
        Some(Bytes(vec![1]))
    );
    assert_eq!(SystemApiClient::name(&client).await.unwrap(), "Basalt");
    let mut heads = client.subscribe_new_heads().await.unwrap();
    let head = heads.next().await.unwrap().unwrap();
    assert_eq!(head.hash(), genesis.0);
    let id = kit.next(&[]);
    assert_eq!(heads.next().await.unwrap().unwrap().hash(), id.hash);
    heads.unsubscribe().await.unwrap();
}

#[tokio::test]
async fn subscriptions_need_a_connection_that_stays() {
    let kit = Kit::new().await;
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "chain_subscribeNewHeads", "params": []});
    assert!(post(kit.address(), &call).await["error"]["code"].is_i64());
}
