//! What subscribers get: every item once, in order, under the right name, after the answer.

use serde_json::{Value, json};

use crate::{
    kit::{Kit, Ws, hex},
    toy::{put, wire},
};

/// Subscribes, and checks that the very next message is the answer and the one after it the first notification.
async fn subscribe(ws: &mut Ws, method: &str, params: Value) -> Value {
    let call = json!({"jsonrpc": "2.0", "id": "s", "method": method, "params": params});
    ws.send(&call.to_string()).await;
    let answer = ws.receive().await;
    assert_eq!(answer["id"], "s", "the answer comes first: {answer}");
    let id = answer["result"].clone();
    assert_eq!(id.as_str().map(str::len), Some(16), "{answer}");
    id
}

async fn number(ws: &mut Ws, method: &str, id: &Value) -> String {
    let header = ws.item(method, id).await;
    header["number"].as_str().unwrap_or_else(|| panic!("no header: {header}")).to_owned()
}

#[tokio::test]
async fn head_subscriptions_begin_with_the_present_head_under_every_name() {
    let kit = Kit::new().await;
    kit.next_final(&[]);
    kit.next(&[]);
    let mut ws = kit.ws().await;
    for (subscribe_method, item, unsubscribe, first) in [
        ("chain_subscribeNewHeads", "chain_newHead", "chain_unsubscribeNewHeads", "0x2"),
        ("chain_subscribeNewHead", "chain_newHead", "chain_unsubscribeNewHead", "0x2"),
        ("subscribe_newHead", "chain_newHead", "unsubscribe_newHead", "0x2"),
        ("chain_subscribeAllHeads", "chain_allHead", "chain_unsubscribeAllHeads", "0x2"),
        ("chain_subscribeFinalizedHeads", "chain_finalizedHead", "chain_unsubscribeFinalizedHeads", "0x1"),
        ("chain_subscribeFinalisedHeads", "chain_finalizedHead", "chain_unsubscribeFinalisedHeads", "0x1"),
    ] {
        for params in [json!([]), json!(null)] {
            let id = subscribe(&mut ws, subscribe_method, params).await;
            assert_eq!(number(&mut ws, item, &id).await, first, "{subscribe_method}");
            assert_eq!(ws.call(unsubscribe, json!([id])).await, true, "{unsubscribe}");
        }
    }
}

#[tokio::test]
async fn every_new_head_is_told_once_and_in_order() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    let id = subscribe(&mut ws, "chain_subscribeNewHeads", json!([])).await;
    let finalized = ws.call("chain_subscribeFinalizedHeads", json!([])).await;
    for _ in 0..20 {
        kit.next_final(&[]);
    }
    let (mut heads, mut finals) = (Vec::new(), Vec::new());
    while heads.len() + finals.len() < 42 {
        let message = ws.notification().await;
        let list = if message["params"]["subscription"] == id { &mut heads } else { &mut finals };
        list.push(message["params"]["result"]["number"].clone());
    }
    let expected: Vec<Value> = (0..=20).map(|number| json!(format!("{number:#x}"))).collect();
    assert_eq!(heads, expected);
    assert_eq!(finals, expected);
    assert_ne!(id, finalized);
}

#[tokio::test]
async fn a_reorganisation_is_told_from_where_the_new_branch_left() {
    let kit = Kit::new().await;
    let genesis = kit.chain.genesis_hash();
    let mut ws = kit.ws().await;
    let best = subscribe(&mut ws, "chain_subscribeNewHeads", json!([])).await;
    let mut hashes = vec![genesis];
    let a1 = kit.fork(genesis, 1, &[]);
    let a2 = kit.fork(a1.hash, 1, &[]);
    hashes.extend([a1.hash, a2.hash]);
    for hash in &hashes {
        let header = ws.item("chain_newHead", &best).await;
        assert_eq!(header, serde_json::to_value(kit.chain.header(hash).unwrap().unwrap()).unwrap());
    }
    // Two blocks of another branch, of which only the second becomes the head.
    let options =
        basalt_chain::ImportOptions { fork_choice: basalt_chain::ForkChoice::Keep, ..Default::default() };
    let b1 = kit.block(genesis, 2, &[], options);
    let b2 = kit.fork(b1.hash, 2, &[]);
    for block in [b1, b2] {
        let header = ws.item("chain_newHead", &best).await;
        assert_eq!(header, serde_json::to_value(kit.chain.header(&block.hash).unwrap().unwrap()).unwrap());
    }
}

#[tokio::test]
async fn all_heads_include_those_that_never_become_best() {
    let kit = Kit::new().await;
    let genesis = kit.chain.genesis_hash();
    let mut ws = kit.ws().await;
    let all = subscribe(&mut ws, "chain_subscribeAllHeads", json!([])).await;
    assert_eq!(number(&mut ws, "chain_allHead", &all).await, "0x0");
    // Siblings, of which the first is the head.
    for salt in 1..4 {
        let block = kit.block(genesis, salt, &[], Default::default());
        let header = ws.item("chain_allHead", &all).await;
        assert_eq!(header, serde_json::to_value(kit.chain.header(&block.hash).unwrap().unwrap()).unwrap());
    }
    kit.next_final(&[]);
    assert_eq!(number(&mut ws, "chain_allHead", &all).await, "0x2");
    kit.next(&[]);
    assert_eq!(number(&mut ws, "chain_allHead", &all).await, "0x3");
}

#[tokio::test]
async fn a_subscriber_who_slept_through_more_events_than_are_kept_misses_nothing() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    let id = subscribe(&mut ws, "chain_subscribeNewHeads", json!([])).await;
    assert_eq!(number(&mut ws, "chain_newHead", &id).await, "0x0");
    // One thread serves the tests: while it makes blocks, no subscriber's task runs. Each block is three events.
    let count = basalt_chain::limits::EVENTS_KEPT / 2;
    for _ in 0..count {
        kit.next_final(&[]);
    }
    for expected in 1..=count {
        assert_eq!(number(&mut ws, "chain_newHead", &id).await, format!("{expected:#x}"));
    }
}

#[tokio::test]
async fn the_runtime_version_comes_at_once() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    for (subscribe_method, unsubscribe) in [
        ("state_subscribeRuntimeVersion", "state_unsubscribeRuntimeVersion"),
        ("chain_subscribeRuntimeVersion", "chain_unsubscribeRuntimeVersion"),
    ] {
        let id = subscribe(&mut ws, subscribe_method, json!([])).await;
        assert_eq!(ws.item("state_runtimeVersion", &id).await["specVersion"], 7);
        // Blocks do not change it.
        kit.next(&[]);
        assert_eq!(ws.call(unsubscribe, json!([id])).await, true);
    }
    let heads = subscribe(&mut ws, "chain_subscribeNewHeads", json!([])).await;
    assert_eq!(number(&mut ws, "chain_newHead", &heads).await, "0x2");
}

#[tokio::test]
async fn storage_comes_whole_at_first_and_then_as_it_changes() {
    let kit = Kit::new().await;
    let genesis = kit.chain.genesis_hash();
    let (a, b, g) = (hex(b"a"), hex(b"b"), "0x6701");
    let mut ws = kit.ws().await;
    let id = subscribe(&mut ws, "state_subscribeStorage", json!([[a, b, g]])).await;
    let first = json!({"block": hex(genesis), "changes": [[a, null], [b, null], [g, "0x01"]]});
    assert_eq!(ws.item("state_storage", &id).await, first);

    let one = kit.next(&[put(0, b"a", Some(b"1"))]);
    assert_eq!(
        ws.item("state_storage", &id).await,
        json!({"block": hex(one.hash), "changes": [[a, "0x31"]]})
    );
    // Nothing of interest, and a value set to what it was: no notification.
    kit.next(&[put(1, b"c", Some(b"1"))]);
    kit.next(&[put(2, b"a", Some(b"1"))]);
    let four = kit.next(&[put(3, b"a", None), put(4, b"b", Some(b"2"))]);
    let both = json!({"block": hex(four.hash), "changes": [[a, null], [b, "0x32"]]});
    assert_eq!(ws.item("state_storage", &id).await, both);
    // Back to before all of this: what differs is told.
    let other = kit.fork(one.hash, 9, &[]);
    let back = json!({"block": hex(other.hash), "changes": [[a, "0x31"], [b, null]]});
    assert_eq!(ws.item("state_storage", &id).await, back);
    // The head goes back without any new block.
    kit.chain.set_best(&four.hash).unwrap();
    let forth = ws.item("state_storage", &id).await;
    assert_eq!(forth["changes"], json!([[a, null], [b, "0x32"]]));
    assert_eq!(ws.call("state_unsubscribeStorage", json!([id])).await, true);
}

#[tokio::test]
async fn storage_subscriptions_must_name_some_keys_but_not_too_many() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    for params in [json!([]), json!([null]), json!([[]])] {
        assert_eq!(ws.fail("state_subscribeStorage", params).await["code"], -32602);
    }
    let many = vec!["0x00"; basalt_rpc::limits::KEYS_SUBSCRIBED_MAX + 1];
    assert_eq!(ws.fail("state_subscribeStorage", json!([many])).await["code"], 4002);
}

#[tokio::test]
async fn a_watched_transaction_goes_from_ready_to_final() {
    let kit = Kit::new().await;
    let (first, second) = (put(0, b"a", None), put(1, b"a", None));
    let mut ws = kit.ws().await;
    let later = subscribe(&mut ws, "author_submitAndWatchExtrinsic", json!([wire(&second)])).await;
    assert_eq!(ws.item("author_extrinsicUpdate", &later).await, "future");
    ws.call("author_submitExtrinsic", json!([wire(&first)])).await;
    assert_eq!(ws.item("author_extrinsicUpdate", &later).await, "ready");
    let transactions = [first, second];
    let block = kit.next(&transactions);
    assert_eq!(ws.item("author_extrinsicUpdate", &later).await, json!({"inBlock": hex(block.hash)}));
    kit.chain.finalize(&block.hash, None).unwrap();
    assert_eq!(ws.item("author_extrinsicUpdate", &later).await, json!({"finalized": hex(block.hash)}));
    // The stream is over: unwatching what has ended does no harm.
    assert!(ws.call("author_unwatchExtrinsic", json!([later])).await.is_boolean());
}

#[tokio::test]
async fn after_unwatching_nothing_more_is_told() {
    let kit = Kit::new().await;
    let transaction = put(0, b"a", None);
    let mut ws = kit.ws().await;
    let id = subscribe(&mut ws, "author_submitAndWatchExtrinsic", json!([wire(&transaction)])).await;
    assert_eq!(ws.item("author_extrinsicUpdate", &id).await, "ready");
    assert_eq!(ws.call("author_unwatchExtrinsic", json!([id])).await, true);
    let transactions = [transaction];
    kit.next(&transactions);
    kit.settled().await;
    let heads = subscribe(&mut ws, "chain_subscribeNewHeads", json!([])).await;
    // Were anything told, it would come before this.
    assert_eq!(number(&mut ws, "chain_newHead", &heads).await, "0x1");
}

#[tokio::test]
async fn subscriptions_of_one_connection_are_limited() {
    let kit = Kit::configured(|config| config.subscriptions_per_connection_max = 2).await;
    let mut ws = kit.ws().await;
    subscribe(&mut ws, "state_subscribeRuntimeVersion", json!([])).await;
    ws.notification().await;
    let second = subscribe(&mut ws, "state_subscribeRuntimeVersion", json!([])).await;
    ws.notification().await;
    assert!(ws.fail("state_subscribeRuntimeVersion", json!([])).await["code"].is_i64());
    assert_eq!(ws.call("state_unsubscribeRuntimeVersion", json!([second])).await, true);
    assert_eq!(ws.fail("state_getStorage", json!([])).await["code"], -32602);
}
