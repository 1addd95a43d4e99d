//! A node with peers that votes, over sockets; both are made up.

use std::sync::{Arc, Mutex};

use basalt_chain::Justification;
use basalt_primitives::{AccountId, H256};
use basalt_rpc::{ConsensusStatus, NetworkError, NetworkStatus, Running, UnsafeMethods};
use basalt_rpc_api::{
    text::{Bytes, Hash},
    types::{ConsensusReport, ConsensusStep, PeerInfo, ValidatorReport, VoteReport},
};
use futures::future::BoxFuture;
use serde_json::json;

use crate::kit::{Kit, Ws, hex, start};

const ADDRESS: &str = "/ip4/127.0.0.1/tcp/30333/p2p/12D3KooWA";

/// A network of one peer, with a list of reserved ones.
#[derive(Default)]
struct Fake {
    highest: Option<u32>,
    reserved: Mutex<Vec<String>>,
}

impl NetworkStatus for Fake {
    fn local_peer_id(&self) -> String {
        "12D3KooWMe".into()
    }

    fn listen_addresses(&self) -> BoxFuture<'_, Vec<String>> {
        Box::pin(async { vec![ADDRESS.into()] })
    }

    fn peers(&self) -> BoxFuture<'_, Vec<PeerInfo>> {
        let peer = PeerInfo {
            peer_id: "12D3KooWA".into(),
            roles: "AUTHORITY".into(),
            best_hash: Hash(H256([7; 32])),
            best_number: 9,
        };
        Box::pin(async { vec![peer] })
    }

    fn should_have_peers(&self) -> bool {
        true
    }

    fn is_syncing(&self) -> bool {
        self.highest.is_some_and(|highest| highest > 1)
    }

    fn highest_block(&self) -> Option<u32> {
        self.highest
    }

    fn reserved_peers(&self) -> BoxFuture<'_, Vec<String>> {
        Box::pin(async { self.reserved.lock().unwrap().clone() })
    }

    fn add_reserved_peer(&self, address: String) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async {
            let Some((_, id)) = address.rsplit_once("/p2p/") else {
                let why = "it does not end with /p2p/ and an id".into();
                return Err(NetworkError::BadPeer { given: address, expected: "a peer's address", why });
            };
            self.reserved.lock().unwrap().push(id.to_owned());
            Ok(())
        })
    }

    fn remove_reserved_peer(&self, peer_id: String) -> BoxFuture<'_, Result<(), NetworkError>> {
        Box::pin(async move {
            self.reserved.lock().unwrap().retain(|id| *id != peer_id);
            Ok(())
        })
    }
}

struct Votes(ConsensusReport);

impl ConsensusStatus for Votes {
    fn report(&self) -> BoxFuture<'_, ConsensusReport> {
        Box::pin(async { self.0.clone() })
    }
}

async fn with_network(kit: &Kit, highest: Option<u32>) -> (Running, Ws) {
    let fake = Fake { highest, ..Fake::default() };
    let services = basalt_rpc::Services { network: Arc::new(fake), ..kit.services() };
    let running = start(services, |_| ()).await.expect("a free port");
    let ws = Ws::connect(running.local_addr, None).await.expect("a connection");
    (running, ws)
}

#[tokio::test]
async fn peers_are_told_as_the_reference_node_tells_them() {
    let kit = Kit::new().await;
    kit.next_final(&[]);
    let (_running, mut ws) = with_network(&kit, Some(9)).await;
    for (method, expected) in [
        ("system_health", json!({"peers": 1, "isSyncing": true, "shouldHavePeers": true})),
        ("system_localPeerId", json!("12D3KooWMe")),
        ("system_localListenAddresses", json!([ADDRESS])),
        ("system_syncState", json!({"startingBlock": 1, "currentBlock": 1, "highestBlock": 9})),
        (
            "system_peers",
            json!([{"peerId": "12D3KooWA", "roles": "AUTHORITY", "bestHash": hex([7; 32]), "bestNumber": 9}]),
        ),
    ] {
        assert_eq!(ws.call(method, json!([])).await, expected, "{method}");
    }
}

#[tokio::test]
async fn the_highest_block_is_never_below_the_nodes_own() {
    let kit = Kit::new().await;
    kit.next_final(&[]);
    for highest in [None, Some(0)] {
        let (_running, mut ws) = with_network(&kit, highest).await;
        assert_eq!(ws.call("system_syncState", json!([])).await["highestBlock"], 1, "{highest:?}");
    }
}

#[tokio::test]
async fn reserved_peers_are_added_listed_and_removed_by_the_operator_only() {
    let kit = Kit::new().await;
    let (_running, mut ws) = with_network(&kit, None).await;
    assert_eq!(ws.call("system_addReservedPeer", json!([ADDRESS])).await, json!(null));
    assert_eq!(ws.call("system_reservedPeers", json!([])).await, json!(["12D3KooWA"]));
    let error = ws.fail("system_addReservedPeer", json!(["nonsense"])).await;
    assert_eq!(error["code"], 2002);
    assert!(error["message"].as_str().unwrap().contains("'nonsense' is not a peer's address"), "{error}");
    assert_eq!(ws.call("system_removeReservedPeer", json!(["12D3KooWA"])).await, json!(null));
    assert_eq!(ws.call("system_reservedPeers", json!([])).await, json!([]));

    let services = basalt_rpc::Services { network: Arc::new(Fake::default()), ..kit.services() };
    let denied = start(services, |config| config.unsafe_methods = UnsafeMethods::Deny).await.unwrap();
    let mut ws = Ws::connect(denied.local_addr, None).await.unwrap();
    assert_eq!(ws.fail("system_addReservedPeer", json!([ADDRESS])).await["code"], -32601);
}

#[tokio::test]
async fn a_node_without_network_says_so_when_it_is_to_have_a_peer() {
    let kit = Kit::new().await;
    let mut ws = kit.ws().await;
    for (method, peer) in [("system_addReservedPeer", ADDRESS), ("system_removeReservedPeer", "12D3KooWA")] {
        let error = ws.fail(method, json!([peer])).await;
        assert_eq!(error["code"], 2003, "{method}");
        assert!(error["message"].as_str().unwrap().contains("no network"), "{error}");
    }
}

#[tokio::test]
async fn who_has_voted_is_told_and_large_powers_are_text() {
    let kit = Kit::new().await;
    let account = AccountId::from([1; 32]);
    let report = ConsensusReport {
        height: 12,
        round: 3,
        step: ConsensusStep::Prevote,
        proposer: Some(account),
        finalized_number: 11,
        finalized_hash: Hash(H256([2; 32])),
        finalized_millis_ago: Some(8000),
        height_millis: 7000,
        empty_block_millis: 10_000,
        set_id: 0,
        local: None,
        total_power: u64::MAX,
        needed_power: 5,
        validators: vec![ValidatorReport {
            account,
            vote_key: Bytes(vec![9; 32]),
            power: 1 << 60,
            prevote: Some(VoteReport::Nil),
            precommit: None,
            last_signed: Some(12),
            votes_seen: 97,
            certificates_seen: 100,
            connected: Some(true),
        }],
    };
    let consensus: Arc<dyn ConsensusStatus> = Arc::new(Votes(report.clone()));
    let services = basalt_rpc::Services { consensus: Some(consensus), ..kit.services() };
    let running = start(services, |_| ()).await.unwrap();
    let mut ws = Ws::connect(running.local_addr, None).await.unwrap();
    let json = ws.call("basalt_consensusStatus", json!([])).await;
    assert_eq!(
        json,
        json!({
            "height": 12,
            "round": 3,
            "step": "prevote",
            "proposer": account,
            "finalizedNumber": 11,
            "finalizedHash": hex([2; 32]),
            "finalizedMillisAgo": 8000,
            "heightMillis": 7000,
            "emptyBlockMillis": 10_000,
            "setId": 0,
            "local": null,
            "totalPower": "18446744073709551615",
            "neededPower": "5",
            "validators": [{
                "account": account,
                "voteKey": hex([9; 32]),
                "power": "1152921504606846976",
                "prevote": "nil",
                "precommit": null,
                "lastSigned": 12,
                "votesSeen": 97,
                "certificatesSeen": 100,
                "connected": true,
            }],
        })
    );
    assert_eq!(serde_json::from_value::<ConsensusReport>(json).unwrap(), report);
}

#[tokio::test]
async fn where_nobody_votes_that_is_said() {
    let kit = Kit::new().await;
    let error = kit.ws().await.fail("basalt_consensusStatus", json!([])).await;
    assert_eq!(error["code"], 9003);
    assert!(error["message"].as_str().unwrap().contains("one node seals it alone"), "{error}");
}

#[tokio::test]
async fn justifications_of_final_blocks_are_told_once_and_in_order() {
    let kit = Kit::new().await;
    kit.next_final(&[]);
    let mut ws = kit.ws().await;
    let id = ws.call("grandpa_subscribeJustifications", json!([])).await;
    let proof = |data: u8| Some(Justification { engine: *b"FRNK", data: vec![data] });
    for (number, justification) in [
        (2, proof(2)),
        (3, None),
        // Of an engine that makes other proofs.
        (4, Some(Justification { engine: *b"test", data: vec![4] })),
        (5, proof(5)),
    ] {
        let block = kit.next(&[]);
        assert_eq!(block.number, number);
        kit.chain.finalize(&block.hash, justification).unwrap();
    }
    assert_eq!(ws.item("grandpa_justifications", &id).await, "0x02");
    assert_eq!(ws.item("grandpa_justifications", &id).await, "0x05");
    assert_eq!(ws.call("grandpa_unsubscribeJustifications", json!([id])).await, true);
}
