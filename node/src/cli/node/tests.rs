//! What the flags of a node mean, and what is said about wrong ones.

use std::time::Duration;

use clap::Parser;

use super::*;
use crate::cli::{
    network::{Discovery, NodeKey},
    validator::{BlockTime, DoppelgangerWait, Pace, pace},
};

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    node: NodeArgs,
}

const PEER: &str = "/ip4/127.0.0.1/tcp/30333/p2p/12D3KooWA";

fn parse(args: &[&str]) -> Result<NodeArgs, String> {
    Cli::try_parse_from([&["basalt"], args].concat()).map(|cli| cli.node).map_err(|e| e.to_string())
}

#[test]
fn flags_of_a_validator_are_read_and_have_defaults() {
    let node = parse(&["--chain", "local"]).unwrap();
    assert!(!node.validator.validator && !node.network.no_mdns && node.network.discover.is_none());
    assert_eq!((node.network.p2p_port, node.network.max_peers), (30_333, 50));
    let pace = node.validator.pace().unwrap();
    assert_eq!(pace, Pace { block: Duration::from_secs(1), empty: Duration::from_secs(10) });

    let key = "01".repeat(32);
    let node = parse(&[
        "--validator",
        "--port",
        "0",
        "--bootnodes",
        PEER,
        PEER,
        "--reserved-nodes",
        PEER,
        "--reserved-only",
        "--listen-addr",
        "/ip4/0.0.0.0/tcp/1",
        "--listen-addr",
        "/ip4/0.0.0.0/tcp/2/ws",
        "--node-key",
        &key,
        "--block-time",
        "0",
        "--doppelganger-wait",
        "off",
        "--discover",
        "kad,relay",
        "--in-peers",
        "7",
    ])
    .unwrap();
    assert!(node.validator.validator && node.network.reserved_only);
    assert_eq!((node.network.p2p_port, node.network.max_peers), (0, 7));
    assert_eq!((node.network.bootnodes.len(), node.network.listen_addr.len()), (2, 2));
    assert_eq!(node.network.node_key, Some(NodeKey([1; 32])));
    assert_eq!(node.validator.doppelganger_wait, DoppelgangerWait::Off);
    assert_eq!(node.network.ways(true), [Discovery::Kad, Discovery::Relay]);
}

#[test]
fn mdns_is_for_local_chains_unless_the_operator_decides() {
    let ways = |args: &[&str], local| parse(args).unwrap().network.ways(local);
    assert_eq!(ways(&[], true), [Discovery::Kad, Discovery::Mdns]);
    assert_eq!(ways(&[], false), [Discovery::Kad]);
    assert_eq!(ways(&["--no-mdns"], true), [Discovery::Kad]);
    assert_eq!(ways(&["--discover", "mdns"], false), [Discovery::Mdns]);
    assert_eq!(ways(&["--discover", "mdns", "--no-mdns"], true), []);
}

#[test]
fn times_between_blocks_have_a_unit() {
    for (text, millis) in [("0", 0), ("500ms", 500), ("2s", 2000), ("0s", 0), ("86400s", 86_400_000)] {
        let time: BlockTime = text.parse().unwrap();
        assert_eq!(time.0, Duration::from_millis(millis), "{text}");
        assert_eq!(time.to_string().parse(), Ok(time), "{text}");
    }
    for wrong in ["", "1", "s", "ms", "-1s", "1.5s", "1m", "86401s", "99999999999999999999s", "+1s "] {
        let why = wrong.parse::<BlockTime>().unwrap_err();
        assert!(why.contains("500ms, 2s, or 0"), "{wrong}: {why}");
    }
}

#[test]
fn empty_blocks_never_come_faster() {
    let time = |text: &str| text.parse::<BlockTime>().unwrap();
    assert_eq!(pace(time("20s"), None).unwrap().empty, Duration::from_secs(20));
    assert_eq!(pace(time("2s"), Some(time("2s"))).unwrap().empty, Duration::from_secs(2));
    let why = pace(time("2s"), Some(time("1900ms"))).unwrap_err().to_string();
    assert!(why.contains("--empty-block-time 1900ms is less than --block-time 2s"), "{why}");
}

#[test]
fn wrong_addresses_and_keys_are_answered_with_what_to_write() {
    for (args, hint) in [
        (&["--bootnodes", "127.0.0.1:30333"] as &[&str], "/ip4/127.0.0.1/tcp/30333"),
        (&["--bootnodes", "/ip4/127.0.0.1/tcp/30333"], "/p2p/"),
        (&["--reserved-nodes", "/"], "no multiaddress"),
        (&["--node-key", "0x12"], "64 hex digits"),
        (&["--node-key", "00", "--node-key-file", "x"], "64 hex digits"),
        (&["--discover", "gossip"], "possible values"),
        (&["--doppelganger-wait", "never"], "or off"),
        (&["--dev", "--validator"], "cannot be used with"),
    ] {
        let why = parse(args).unwrap_err();
        assert!(why.contains(hint), "{args:?}: {why}");
    }
}

#[test]
fn a_node_key_does_not_show_in_logs() {
    let node = parse(&["--node-key", &"ab".repeat(32)]).unwrap();
    assert!(!format!("{node:?}").contains("171"), "a byte of the key shows");
}
