//! kill -9 under load: a node reopens at a complete block, and no final block is lost.

use basalt_e2e::Node;
use basalt_test_kit::Sender;
use jsonrpsee::rpc_params;
use parity_scale_codec::Decode;

use crate::rpc::{MILLIUNIT, Rpc, number};

/// How often the node is killed.
const KILLS: u32 = 20;
/// Transactions that wait in the pool when it happens.
const LOAD: u32 = 60;

#[tokio::test]
async fn kill_9_under_load_loses_no_final_block_and_leaves_no_half_one() {
    let folder = tempfile::tempdir().unwrap();
    // An interval, so that blocks are being made, with transactions in them, at any moment.
    let arguments = ["--dev", "--base-path", folder.path().to_str().unwrap(), "--sealing", "interval:20"];
    let (mut alice, bob) = (Sender::dev("Alice"), Sender::dev("Bob"));
    let mut seen = (0, None);

    for round in 0..=KILLS {
        let node = Node::start(&arguments).unwrap_or_else(|exit| panic!("round {round}: {}", exit.output));
        let rpc = Rpc::connect(&node.url).await;

        // What was announced as final before the kill is still there, under the same hash.
        let (height, head) = rpc.finalized().await;
        assert!(height >= seen.0, "round {round}: block {} was final, now {height} is", seen.0);
        if let (at, Some(hash)) = &seen {
            let kept = rpc.get("chain_getBlockHash", rpc_params![at]).await;
            assert_eq!(kept, *hash, "round {round}: block {at} changed");
        }
        // The head is complete: its body, its state and its events are of one block. (The node itself compares the
        // root of the whole state with the header when it opens.)
        if height > 0 {
            let block = rpc.get("chain_getBlock", rpc_params![format!("{head:?}")]).await;
            assert_eq!(number(&block["block"]["header"]), height);
            let stored = rpc.storage("System", "Number", head).await.expect("the state knows its height");
            assert_eq!(u32::decode(&mut stored.as_slice()).unwrap(), height);
            let events = rpc.storage("System", "EventCount", head).await.expect("each block has events");
            let transactions = block["block"]["extrinsics"].as_array().expect("a body is a list").len();
            assert!(u32::decode(&mut events.as_slice()).unwrap() as usize >= transactions);
        }
        if round == KILLS {
            // The load was real: blocks with transfers in them were made between all those kills.
            assert!(height >= KILLS && rpc.nonce(&alice).await >= KILLS, "block {height}");
            break;
        }

        alice.nonce = rpc.nonce(&alice).await;
        for _ in 0..LOAD {
            let transfer = rpc.transfer(&mut alice, &bob, MILLIUNIT);
            rpc.submit(&transfer).await.expect("the transfer is accepted");
        }
        // Kill after a few blocks, another number each round, without waiting for a quiet moment.
        let mut heads = rpc.finalized_heads().await;
        for _ in 0..=(round % 4) {
            let header = heads.next().await.expect("heads go on").expect("heads decode");
            let hash = rpc.get("chain_getBlockHash", rpc_params![number(&header)]).await;
            seen = (number(&header), Some(hash));
        }
        node.kill();
    }
}
