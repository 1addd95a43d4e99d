//! Four validators as processes, two on each side of a network that breaks in the middle and is mended.

use std::time::Duration;

use basalt_e2e::{
    Node, Proxy,
    localnet::PATIENCE,
    rpc::{MILLIUNIT, Rpc},
};
use basalt_test_kit::Sender;
use jsonrpsee::rpc_params;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

const NAMES: [&str; 4] = ["Alice", "Bob", "Charlie", "Dave"];

/// Looks again and again until `condition` holds.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !condition().await {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

/// One of the validators that the chain `local` names.
struct Validator {
    node: Node,
    rpc: Rpc,
    port: u16,
    id: String,
    _folder: TempDir,
}

impl Validator {
    /// Starts one that knows nobody and believes no address that it is told.
    async fn start(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().to_str().expect("text");
        for (kind, suri) in [("gran", format!("//{name}")), ("bvrf", format!("//{name}//vrf"))] {
            let place = ["--chain", "local", "--base-path", path];
            let exit =
                Node::run(&[&["key", "insert", "--type", kind, "--suri", &suri][..], &place[..]].concat());
            assert_eq!(exit.code, Some(0), "{}", exit.output);
        }
        let flags = [
            ["--chain", "local"],
            ["--base-path", path],
            ["--name", name],
            ["--listen-addr", "/ip4/127.0.0.1/tcp/0"],
            ["--block-time", "50ms"],
            ["--empty-block-time", "100ms"],
            ["--doppelganger-wait", "off"],
            ["--state-cache", "64"],
        ];
        let lone = ["--validator", "--reserved-only", "--no-mdns", "--no-private-ip"];
        let node = Node::start(&[flags.as_flattened(), &lone[..]].concat())
            .unwrap_or_else(|exit| panic!("{}", exit.output));
        let rpc = Rpc::connect(&node.url).await;
        let addresses = || rpc.get("system_localListenAddresses", rpc_params![]);
        // RPC answers first.
        until("an address", async || addresses().await[0].is_string()).await;
        let addresses = addresses().await;
        let address = addresses[0].as_str().expect("it has one").to_owned();
        let parts: Vec<&str> = address.split('/').collect();
        let ["", "ip4", "127.0.0.1", "tcp", port, "p2p", id] = parts[..] else { panic!("{address}") };
        let (port, id) = (port.parse().expect("a port"), id.to_owned());
        Self { node, rpc, port, id, _folder: folder }
    }

    async fn reserve(&self, other: &Self, port: u16) {
        let address = format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", other.id);
        self.rpc.get("system_addReservedPeer", rpc_params![address]).await;
    }

    async fn peers(&self) -> u64 {
        self.rpc.get("system_health", rpc_params![]).await["peers"].as_u64().expect("a number")
    }

    /// What `basalt why-not-final` says to scripts.
    fn why_not_final(&self) -> Value {
        let exit = Node::run(&["why-not-final", "--json", "--url", &self.node.url]);
        assert_eq!(exit.code, Some(0), "{}", exit.output);
        serde_json::from_str(&exit.output).expect("JSON")
    }

    async fn hash(&self, height: u32) -> Value {
        self.rpc.get("chain_getBlockHash", rpc_params![height]).await
    }
}

#[tokio::test]
async fn a_network_that_breaks_in_the_middle_stops_and_goes_on_as_one_chain_when_it_is_mended() {
    let mut validators = Vec::new();
    for name in NAMES {
        validators.push(Validator::start(name).await);
    }
    let mut middle = Vec::new();
    for validator in &validators {
        middle.push(Proxy::start(validator.port).await.expect("a free port"));
    }
    let half = |index: usize| index / 2;
    for (from, one) in validators.iter().enumerate() {
        for (to, other) in validators.iter().enumerate().filter(|(to, _)| *to != from) {
            let port = if half(from) == half(to) { other.port } else { middle[to].port() };
            one.reserve(other, port).await;
        }
    }
    let all_have = async |count: u64| {
        for validator in &validators {
            until(&format!("{count} peers"), async || validator.peers().await == count).await;
        }
    };
    all_have(3).await;
    let (left, right) = (&validators[0], &validators[2]);
    let [mut alice, mut bob, charlie, dave] = NAMES.map(Sender::dev);
    let transfer = left.rpc.transfer(&mut alice, &charlie, MILLIUNIT);
    left.rpc.finalize(&transfer).await;

    // It breaks: nothing becomes final on either side, and each names the other.
    middle.iter().for_each(Proxy::cut);
    all_have(1).await;
    for (validator, there) in [(left, &NAMES[2..]), (right, &NAMES[..2])] {
        let said = || {
            let why = validator.why_not_final();
            let missing = why["silent"].as_array().expect("an array").iter();
            let mut names: Vec<&str> = missing.filter_map(|silent| silent["name"].as_str()).collect();
            names.sort_unstable();
            (why["final"] == false && why["reason"] == "tooFewVotes" && names == *there, why)
        };
        until("an explanation", async || said().0).await;
        let (_, why) = said();
        for silent in why["silent"].as_array().expect("an array") {
            assert_eq!(silent["connected"], json!(false), "{why}");
        }
    }
    let mut stuck = Vec::new();
    for validator in &validators {
        stuck.push(validator.rpc.finalized().await);
    }

    // Both sides take transactions.
    let here = left.rpc.transfer(&mut alice, &dave, MILLIUNIT);
    let there = right.rpc.transfer(&mut bob, &dave, MILLIUNIT);
    left.rpc.submit(&here).await.expect("it is taken");
    right.rpc.submit(&there).await.expect("it is taken");
    for validator in &validators {
        until("the transaction on its side", async || {
            let pending = validator.rpc.get("author_pendingExtrinsics", rpc_params![]).await;
            pending.as_array().expect("an array").len() == 1
        })
        .await;
    }
    // Whoever had found a way around the middle would be there by now: lost peers are dialled every two seconds.
    for (validator, stuck) in validators.iter().zip(&stuck) {
        assert_eq!((validator.peers().await, validator.rpc.finalized().await), (1, *stuck));
    }

    // It is mended: both transactions are in one chain, which all have.
    middle.iter().for_each(Proxy::mend);
    until("both transactions", async || {
        left.rpc.nonce(&alice).await == 2 && right.rpc.nonce(&bob).await == 1 && {
            let pending = left.rpc.get("author_pendingExtrinsics", rpc_params![]).await;
            pending.as_array().is_some_and(Vec::is_empty)
        }
    })
    .await;
    all_have(3).await;
    let (height, _) = right.rpc.finalized().await;
    let height = height + 3;
    for validator in &validators {
        timeout(PATIENCE, validator.rpc.reaches(height)).await.expect("finality goes on");
        assert_eq!((validator.rpc.nonce(&alice).await, validator.rpc.nonce(&bob).await), (2, 1));
    }
    for number in 0..=height {
        let expected = left.hash(number).await;
        assert!(expected.is_string(), "block {number} is missing");
        for (validator, name) in validators.iter().zip(NAMES) {
            assert_eq!(validator.hash(number).await, expected, "{name} has another block {number}");
        }
    }
    // One hash is one header, so one state root; that it is there is another matter.
    for validator in &validators {
        let header = validator.rpc.get("chain_getHeader", rpc_params![left.hash(height).await]).await;
        assert!(header["stateRoot"].is_string(), "{header}");
    }
    for validator in validators {
        assert_eq!(validator.node.stop().code, Some(0));
    }
}
