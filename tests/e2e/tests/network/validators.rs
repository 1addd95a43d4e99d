//! Four validators as processes: finality, its loss and return, and nodes that join.

use std::time::{Duration, Instant};

use basalt_e2e::{
    Node,
    localnet::{PATIENCE, World},
    rpc::{MILLIUNIT, Rpc, number},
};
use basalt_test_kit::Sender;
use jsonrpsee::rpc_params;
use serde_json::Value;
use tokio::time::timeout;

const NAMES: [&str; 4] = ["alice", "bob", "charlie", "dave"];

/// How long the chain is when a node joins that has nothing of it.
const JOINED_AT: u32 = 2_000;

/// Waits until this node's final height is at least `height`: finality wakes, so nothing is asked again and again.
async fn reaches(rpc: &Rpc, height: u32) {
    timeout(PATIENCE, rpc.reaches(height)).await.unwrap_or_else(|_| panic!("height {height} is not reached"));
}

async fn root(rpc: &Rpc, height: u32) -> Value {
    let hash = rpc.get("chain_getBlockHash", rpc_params![height]).await;
    rpc.get("chain_getHeader", rpc_params![hash]).await["stateRoot"].clone()
}

#[tokio::test]
async fn finality_survives_one_of_four_names_who_is_missing_and_returns_with_them() {
    let world = World::new(4, &["--block-time", "50ms", "--empty-block-time", "100ms"]);
    let net = world.start();
    let ctl = |arguments: &[&str]| {
        let exit = world.run(&[&["localnet", "ctl"], arguments].concat());
        assert_eq!(exit.code, Some(0), "{arguments:?}: {}", exit.output);
    };
    let alice = Rpc::connect(&world.url(0)).await;
    let (mut sender, receiver) = (Sender::dev("Alice"), Sender::dev("Bob"));

    // A transaction that one node gets is in a block that all have.
    let transfer = alice.transfer(&mut sender, &receiver, MILLIUNIT);
    let block = alice.finalize(&transfer).await;
    let (height, _) = alice.finalized().await;
    for node in 1..4 {
        let rpc = Rpc::connect(&world.url(node)).await;
        reaches(&rpc, height).await;
        let header = rpc.get("chain_getHeader", rpc_params![format!("{block:?}")]).await;
        assert!(header.is_object(), "node {node} lacks the block");
        assert_eq!(rpc.nonce(&sender).await, 1);
        let health = rpc.get("system_health", rpc_params![]).await;
        assert_eq!((&health["peers"], &health["shouldHavePeers"]), (&3.into(), &true.into()));
    }

    // Without one, transactions become final.
    ctl(&["kill", "dave"]);
    for _ in 0..3 {
        let transfer = alice.transfer(&mut sender, &receiver, MILLIUNIT);
        alice.finalize(&transfer).await;
    }

    // Without two, nothing does, and both are named with what they hold.
    ctl(&["kill", "charlie"]);
    let said = |part: &str| {
        let exit = world.run(&["why-not-final", "--url", &world.url(0)]);
        assert_eq!(exit.code, Some(0), "{}", exit.output);
        (exit.output.contains(part), exit.output)
    };
    let begin = Instant::now();
    let report = loop {
        let (found, output) = said("is not final");
        if found && output.contains("50.0 % of the stake") {
            break output;
        }
        assert!(begin.elapsed() < PATIENCE, "{output}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(report.contains("Charlie") && report.contains("Dave") && report.contains("25.0 %"), "{report}");
    assert!(!report.contains("Bob  "), "{report}");
    let (stuck, _) = alice.finalized().await;

    // They return: it goes on, and all have the same state.
    ctl(&["start", "charlie"]);
    reaches(&alice, stuck + 2).await;
    ctl(&["start", "dave"]);
    let dave = Rpc::connect(&world.url(3)).await;
    reaches(&dave, stuck + 4).await;
    let transfer = dave.transfer(&mut sender, &receiver, MILLIUNIT);
    dave.finalize(&transfer).await;
    let (height, _) = dave.finalized().await;
    let expected = root(&dave, height).await;
    for (node, name) in (0..).zip(NAMES) {
        let rpc = Rpc::connect(&world.url(node)).await;
        reaches(&rpc, height).await;
        assert_eq!(root(&rpc, height).await, expected, "{name} has another state");
    }

    // Each block has a proof, which every node can show.
    let hash = alice.get("chain_getBlockHash", rpc_params![height]).await;
    let block = alice.get("chain_getBlock", rpc_params![hash]).await;
    assert!(block["justifications"][0][1].as_array().is_some_and(|proof| proof.len() > 200), "{block}");
    drop(net);
}

#[tokio::test]
async fn a_node_that_joins_late_catches_up_and_serves_the_same_chain() {
    let world = World::new(4, &["--block-time", "0", "--empty-block-time", "0"]);
    let net = world.start();
    let alice = Rpc::connect(&world.url(0)).await;
    let (mut early, receiver) = (Sender::dev("Charlie"), Sender::dev("Bob"));
    for _ in 0..10 {
        let transfer = alice.transfer(&mut early, &receiver, MILLIUNIT);
        alice.finalize(&transfer).await;
    }
    reaches(&alice, JOINED_AT).await;

    let address = alice.get("system_localListenAddresses", rpc_params![]).await;
    let address = address[0].as_str().expect("an address").to_owned();
    let chain = world.folder.path().join("chain.json");
    let folder = tempfile::tempdir().unwrap();
    let flags = [
        "--chain",
        chain.to_str().expect("text"),
        "--base-path",
        folder.path().to_str().expect("text"),
        "--listen-addr",
        "/ip4/127.0.0.1/tcp/0",
        "--no-mdns",
        "--bootnodes",
        &address,
    ];
    let node = Node::start(&flags).unwrap_or_else(|exit| panic!("{}", exit.output));
    let late = Rpc::connect(&node.url).await;
    reaches(&late, JOINED_AT).await;
    assert_eq!(root(&late, JOINED_AT).await, root(&alice, JOINED_AT).await);
    assert_eq!(late.nonce(&early).await, 10);

    // It passes on what its users send, and sees it become final.
    let mut sender = Sender::dev("Alice");
    let transfer = late.transfer(&mut sender, &receiver, MILLIUNIT);
    let block = late.finalize(&transfer).await;
    let here = late.get("chain_getHeader", rpc_params![format!("{block:?}")]).await;
    // A validator may commit it a moment later.
    reaches(&alice, number(&here)).await;
    assert_eq!(alice.get("chain_getHeader", rpc_params![format!("{block:?}")]).await, here);
    let roles = late.get("system_nodeRoles", rpc_params![]).await;
    assert_eq!(roles, serde_json::json!(["Full"]));
    assert_eq!(node.stop().code, Some(0));
    drop(net);
}

#[tokio::test]
async fn a_validator_without_keys_and_a_chain_without_validators_are_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let refusal = |flags: &[&str]| match Node::start(flags) {
        Ok(_) => panic!("{flags:?} starts"),
        Err(exit) => {
            assert_eq!(exit.code, Some(1), "{}", exit.output);
            exit.output
        }
    };
    let said = refusal(&["--chain", "local", "--validator", "--base-path", path]);
    assert!(said.contains("holds no keys of a validator") && said.contains("basalt key"), "{said}");
    let said = refusal(&["--chain", "dev", "--validator", "--tmp"]);
    assert!(said.contains("names no validators") && said.contains("--chain local"), "{said}");
    let bad = ["--chain", "local", "--tmp", "--listen-addr", "/ip4/300.0.0.1/tcp/1"];
    let said = refusal(&bad);
    assert!(said.contains("/ip4/300.0.0.1/tcp/1") && said.contains("is no address"), "{said}");
}
