//! What was final stays.

use basalt_e2e::Node;
use basalt_test_kit::Sender;
use jsonrpsee::rpc_params;

use crate::rpc::{MILLIUNIT, Rpc};

#[tokio::test]
async fn a_node_continues_at_the_same_head_and_root_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let arguments = ["--dev", "--base-path", path];
    let (mut alice, bob) = (Sender::dev("Alice"), Sender::dev("Bob"));

    let node = Node::start(&arguments).unwrap();
    let rpc = Rpc::connect(&node.url).await;
    for _ in 0..3 {
        let transfer = rpc.transfer(&mut alice, &bob, MILLIUNIT);
        rpc.finalize(&transfer).await;
    }
    let (height, head) = rpc.finalized().await;
    let header = rpc.get("chain_getHeader", rpc_params![format!("{head:?}")]).await;
    assert_eq!(height, 3);
    let exit = node.stop();
    assert_eq!(exit.code, Some(0), "a node that is asked to stop ends well:\n{}", exit.output);

    let node = Node::start(&arguments).unwrap();
    let rpc = Rpc::connect(&node.url).await;
    assert_eq!(rpc.finalized().await, (height, head));
    assert_eq!(rpc.get("chain_getHeader", rpc_params![]).await, header);
    assert_eq!(rpc.nonce(&alice).await, 3);
    let transfer = rpc.transfer(&mut alice, &bob, MILLIUNIT);
    let block = rpc.finalize(&transfer).await;
    assert_eq!(rpc.finalized().await, (4, block));
}

#[tokio::test]
async fn a_second_node_on_the_same_database_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--dev", "--base-path", folder.path().to_str().unwrap()];
    let first = Node::start(&arguments).unwrap();
    let Err(second) = Node::start(&arguments) else { panic!("two nodes share a database") };
    assert_eq!(second.code, Some(1));
    assert!(second.output.contains("in use by another process"), "{}", second.output);
    // The first one is unharmed.
    assert_eq!(Rpc::connect(&first.url).await.finalized().await.0, 0);
}

#[tokio::test]
async fn a_database_of_another_chain_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let node = Node::start(&["--dev", "--base-path", path]).unwrap();
    let genesis = Rpc::connect(&node.url).await.genesis_hash;
    node.stop();

    // Same id, hence the same folder, but another genesis.
    let spec =
        Node::run(&["chain-spec", "build"]).output.replacen("1000000000000000000", "2000000000000000000", 1);
    let file = folder.path().join("other.json");
    std::fs::write(&file, spec).unwrap();
    let Err(exit) = Node::start(&["--chain", file.to_str().unwrap(), "--base-path", path]) else {
        panic!("a node runs one chain on the database of another")
    };
    assert_eq!(exit.code, Some(1));
    assert!(exit.output.contains("genesis"), "{}", exit.output);

    let node = Node::start(&["--dev", "--base-path", path]).unwrap();
    assert_eq!(Rpc::connect(&node.url).await.genesis_hash, genesis);
}
