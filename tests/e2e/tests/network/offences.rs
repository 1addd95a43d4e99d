//! Whoever signs twice is reported to the chain, by anybody, over RPC; and by the validators themselves.

use std::time::Duration;

use basalt_e2e::Node;
use basalt_pallet_offences::{Call, Event, time_slot};
use basalt_primitives::{
    H256, MultiSignature, MultiSigner, extrinsic,
    hashing::twox_128,
    keys::{Pair, Scheme},
    votes::{Contradiction, Evidence, Place, Signed},
};
use basalt_runtime::{RuntimeCall, RuntimeEvent};
use jsonrpsee::{core::client::Error, rpc_params};
use parity_scale_codec::{Decode, Encode};
use tokio::time::timeout;

use basalt_e2e::{
    localnet::{PATIENCE, World},
    rpc::{Rpc, number},
};

/// Two precommits of a development validator for one round.
fn evidence(suri: &str, place: Place, genesis: H256) -> Evidence {
    let pair = Pair::from_suri(Scheme::Ed25519, suri).expect("a development key");
    let MultiSigner::Ed25519(key) = pair.public() else { panic!("another scheme") };
    let vote = |block: u8| {
        let content = Some(H256([block; 32]));
        let MultiSignature::Ed25519(signature) = pair.sign(&place.precommit(&genesis, content)) else {
            panic!("another scheme")
        };
        Signed { content, signature }
    };
    Evidence { place, key, contradiction: Contradiction::Precommits(vote(1), vote(2)) }
}

fn report(evidence: Evidence) -> Vec<u8> {
    let call = Call::report { evidence: Box::new(evidence) };
    extrinsic::encode_bare(&RuntimeCall::Offences(call).encode())
}

/// The code of a refusal and all that it says.
fn refusal(result: Result<serde_json::Value, Error>) -> (i32, String) {
    match result.expect_err("it is refused") {
        Error::Call(error) => (error.code(), format!("{} {:?}", error.message(), error.data())),
        other => panic!("{other}"),
    }
}

async fn events(rpc: &Rpc, block: H256) -> Vec<RuntimeEvent> {
    let bytes = rpc.storage("System", "Events", block).await.expect("each block has events");
    let records: Vec<basalt_pallet_system::EventRecord<RuntimeEvent>> =
        Decode::decode(&mut bytes.as_slice()).expect("events decode");
    records.into_iter().map(|record| record.event).collect()
}

#[tokio::test]
async fn a_report_over_rpc_is_on_the_chain_once() {
    let world = World::new(4, &["--block-time", "50ms", "--empty-block-time", "100ms"]);
    let net = world.start();
    let alice = Rpc::connect(&world.url(0)).await;
    timeout(PATIENCE, alice.reaches(2)).await.expect("blocks become final");
    let genesis = alice.genesis_hash;

    let status = alice.get("basalt_consensusStatus", rpc_params![]).await;
    let set_id = status["setId"].as_u64().expect("a number");
    let height = status["finalizedNumber"].as_u64().expect("a number") + 1;
    let place = Place { set_id, height, round: 3 };
    let good = evidence("//Bob", place, genesis);

    // What proves nothing, first: each has its own answer.
    let forged = Evidence { place: Place { round: 4, ..place }, ..good };
    let stranger = evidence("//Eve", place, genesis);
    let future = evidence("//Bob", Place { height: height + 1_000_000, ..place }, genesis);
    for (wrong, part) in
        [(forged, "does not verify"), (stranger, "was not in the set"), (future, "not reached yet")]
    {
        let (code, text) = refusal(alice.submit(&report(wrong)).await);
        assert!(code == 1010 && text.contains(part), "{code} {text}");
    }

    let block = timeout(PATIENCE, alice.finalize(&report(good))).await.expect("the report becomes final");
    let offence = Event::Offence { kind: *b"grandpa:equivoca", timeslot: time_slot(&place) };
    let told = events(&alice, block).await;
    assert!(told.contains(&RuntimeEvent::Offences(offence)), "{told:?}");
    assert!(told.iter().any(|event| matches!(event, RuntimeEvent::Staking(_))), "it is slashed: {told:?}");

    // A second time, also in other words, and on another node.
    let Contradiction::Precommits(first, second) = good.contradiction else { unreachable!() };
    let turned = Evidence { contradiction: Contradiction::Precommits(second, first), ..good };
    let bob = Rpc::connect(&world.url(1)).await;
    let (included, _) = alice.finalized().await;
    timeout(PATIENCE, bob.reaches(included)).await.expect("all have the block");
    let (code, text) = refusal(bob.submit(&report(turned)).await);
    assert!(code == 1010 && text.contains("already reported"), "{code} {text}");
    drop(net);
}

#[tokio::test]
async fn two_machines_with_one_key_are_found_out_by_the_others() {
    let world = World::new(4, &["--block-time", "50ms", "--empty-block-time", "50ms"]);
    let net = world.start();
    let alice = Rpc::connect(&world.url(0)).await;
    timeout(PATIENCE, alice.reaches(2)).await.expect("blocks become final");

    // As somebody who sets up a hot standby: the same keys, and no guard that remembers.
    let folder = tempfile::tempdir().unwrap();
    let keystore = folder.path().join("keystore");
    let insert = |kind: &str, suri: &str| {
        let path = keystore.to_str().expect("text");
        let exit = Node::run(&["key", "insert", "--type", kind, "--suri", suri, "--keystore-path", path]);
        assert_eq!(exit.code, Some(0), "{}", exit.output);
    };
    insert("gran", "//Dave");
    insert("bvrf", "//Dave//vrf");
    let chain = world.folder.path().join("chain.json");
    let addresses = alice.get("system_localListenAddresses", rpc_params![]).await;
    let address = addresses[0].as_str().expect("an address").to_owned();
    let flags = [
        "--chain",
        chain.to_str().expect("text"),
        "--base-path",
        folder.path().to_str().expect("text"),
        "--keystore-path",
        keystore.to_str().expect("text"),
        "--listen-addr",
        "/ip4/127.0.0.1/tcp/0",
        "--bootnodes",
        &address,
        "--validator",
        "--doppelganger-wait",
        "off",
        "--block-time",
        "50ms",
        "--empty-block-time",
        "50ms",
    ];
    let twin = Node::start(&flags).unwrap_or_else(|exit| panic!("{}", exit.output));

    let prefix = [twox_128(b"Offences"), twox_128(b"Reports")].concat();
    let prefix = const_hex::encode_prefixed(prefix);
    let found = async {
        let mut heads = alice.finalized_heads().await;
        while let Some(head) = heads.next().await {
            let height = number(&head.expect("heads decode"));
            let hash = alice.get("chain_getBlockHash", rpc_params![height]).await;
            let keys = alice.get("state_getKeysPaged", rpc_params![&prefix, 10, (), hash]).await;
            if keys.as_array().is_some_and(|keys| !keys.is_empty()) {
                return keys[0].as_str().expect("a key").to_owned();
            }
        }
        panic!("the subscription ended");
    };
    let key = timeout(Duration::from_secs(240), found).await.expect("somebody finds out and reports it");
    let (_, at) = alice.finalized().await;
    let value = alice.get("state_getStorage", rpc_params![key, format!("{at:?}")]).await;
    let value = const_hex::decode(value.as_str().expect("a value")).expect("hex");
    let details = basalt_pallet_offences::OffenceDetails::decode(&mut value.as_slice()).expect("a report");
    assert_eq!(details.offender, basalt_test_kit::Sender::dev("Dave").account());
    drop((twin, net));
}
