//! Blocks on request, a head that is not final, states that are no longer kept.

use basalt_e2e::Node;
use basalt_test_kit::Sender;
use jsonrpsee::{core::client::Error, rpc_params};

use crate::rpc::{MILLIUNIT, Rpc, hash, number};

#[tokio::test]
async fn blocks_are_made_and_finalised_on_request_and_a_head_that_is_not_final_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--dev", "--sealing", "manual", "--base-path", folder.path().to_str().unwrap()];
    let (mut alice, bob) = (Sender::dev("Alice"), Sender::dev("Bob"));
    let node = Node::start(&arguments).unwrap();
    let rpc = Rpc::connect(&node.url).await;
    let transfer = rpc.transfer(&mut alice, &bob, MILLIUNIT);
    rpc.submit(&transfer).await.expect("the transfer is accepted");

    let made = rpc.get("engine_createBlock", rpc_params![false, false]).await;
    let made = hash(made["hash"].as_str().expect("the new block has a hash"));
    let head = rpc.get("chain_getHeader", rpc_params![]).await;
    assert_eq!(number(&head), 1);
    assert_eq!(rpc.finalized().await.0, 0, "nobody asked for finality yet");
    let empty = rpc.call("engine_createBlock", rpc_params![false, false]).await;
    assert!(matches!(empty, Err(Error::Call(_))), "there is nothing to put into a block: {empty:?}");
    node.stop();

    let node = Node::start(&arguments).unwrap();
    let rpc = Rpc::connect(&node.url).await;
    assert_eq!(rpc.get("chain_getHeader", rpc_params![]).await, head);
    assert_eq!(rpc.nonce(&alice).await, 1);
    let done = rpc.get("engine_finalizeBlock", rpc_params![format!("{made:?}")]).await;
    assert_eq!(done, true);
    assert_eq!(rpc.finalized().await, (1, made));
}

#[tokio::test]
async fn a_state_that_is_no_longer_kept_is_a_clear_error_and_the_kept_ones_are_exact() {
    let node = Node::start(&["--dev", "--tmp", "--pruning", "2"]).unwrap();
    let rpc = Rpc::connect(&node.url).await;
    let (mut alice, bob) = (Sender::dev("Alice"), Sender::dev("Bob"));
    let mut blocks = Vec::new();
    for _ in 0..6 {
        let transfer = rpc.transfer(&mut alice, &bob, MILLIUNIT);
        blocks.push(rpc.finalize(&transfer).await);
    }
    for (height, block) in (1u32..).zip(&blocks).skip(3) {
        let stored = rpc.storage("System", "Number", *block).await.expect("the state is kept");
        assert_eq!(stored, height.to_le_bytes());
    }
    let pruned = rpc.call("state_getStorage", rpc_params!["0x00", format!("{:?}", blocks[0])]).await;
    let Err(Error::Call(error)) = pruned else { panic!("the state of block 1 is gone: {pruned:?}") };
    assert!(error.message().contains("State already discarded for 0x"), "{error:?}");
    // Headers and bodies stay.
    let block = rpc.get("chain_getBlock", rpc_params![format!("{:?}", blocks[0])]).await;
    assert_eq!(number(&block["block"]["header"]), 1);
}
