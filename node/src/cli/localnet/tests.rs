//! What a local network is made of, without a process; with processes in `process`.

mod process;

use std::{collections::BTreeSet, path::Path, time::Duration};

use clap::Parser;
use proptest::prelude::*;

use super::{
    ctl::{self, CtlCommand, Height},
    log::{Log, prefixed},
    plan::{BASE_PORT_MAX, BASE_PORT_MIN, all_ports, node_key},
    protocol::{self, Answer, LINE_BYTES_MAX, LineError, NodeState, NodeStatus, Request},
    *,
};
use crate::cli::NodeArgs;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    localnet: LocalnetArgs,
}

/// What a child parses.
#[derive(Debug, Parser)]
struct Child {
    #[command(flatten)]
    node: NodeArgs,
}

fn parse(args: &[&str]) -> Result<LocalnetArgs, String> {
    Cli::try_parse_from([&["localnet"], args].concat()).map(|cli| cli.localnet).map_err(|e| e.to_string())
}

pub(super) fn settings(validators: usize) -> Settings {
    Settings { validators, ..parse(&[]).unwrap().settings().unwrap() }
}

fn id_of(key: &[u8; 32]) -> Option<String> {
    Some(format!("12D3{}", const_hex::encode(&key[..2])))
}

#[test]
fn the_usual_network_has_the_usual_ports() {
    let plan = Plan::new(&settings(4), Path::new("/net"), |_| None).unwrap();
    let ports: Vec<_> = plan.nodes.iter().map(|n| (n.name, n.rpc_port, n.p2p_port, n.metrics_port)).collect();
    assert_eq!(
        ports,
        [
            ("alice", 9944, 30_333, 9615),
            ("bob", 9945, 30_334, 9616),
            ("charlie", 9946, 30_335, 9617),
            ("dave", 9947, 30_336, 9618),
        ]
    );
    assert_eq!(plan.nodes[1].url(), "ws://127.0.0.1:9945");
}

#[test]
fn the_program_understands_what_its_children_are_started_with() {
    let mut settings = settings(3);
    settings.node_flags = vec!["--pruning".into(), "archive".into()];
    settings.block_time = "250ms".parse().unwrap();
    for peer_id in [id_of as plan::PeerId, |_| None] {
        let plan = Plan::new(&settings, Path::new("/net"), peer_id).unwrap();
        for (index, node) in plan.nodes.iter().enumerate() {
            let arguments = [&["basalt".into()][..], &node.arguments].concat();
            let child = Child::try_parse_from(arguments).expect("flags that a node knows").node;
            assert_eq!(child.name, NAMES[index]);
            assert_eq!(child.chain.as_deref(), Some("/net/chain.json"));
            assert_eq!(child.base_path.as_deref(), Some(Path::new("/net").join(node.name).as_path()));
            assert_eq!((child.rpc_port, child.network.p2p_port), (node.rpc_port, node.p2p_port));
            assert_eq!(child.prometheus_port, Some(node.metrics_port));
            assert_eq!(child.network.node_key.unwrap().0, node_key(index));
            let pace = child.validator.pace().unwrap();
            assert_eq!((pace.block.as_millis(), pace.empty.as_millis()), (250, 10_000));
            assert!(child.validator.validator && child.stop_with_parent);
            // Only this machine reaches it.
            assert_eq!(child.network.listen_addr, [format!("/ip4/127.0.0.1/tcp/{}", node.p2p_port)]);
            let knows = peer_id(&[0; 32]).is_some();
            assert_eq!(child.network.reserved_nodes.len(), if knows { 2 } else { 0 });
            assert!(!child.network.reserved_nodes.contains(&node.address), "a node is no peer of its own");
            assert_eq!(child.network.no_mdns, knows);
        }
    }
}

#[test]
fn node_keys_differ_and_stay() {
    let keys: BTreeSet<_> = (0..NAMES.len()).map(node_key).collect();
    assert_eq!(keys.len(), NAMES.len());
    // Fixed, so that addresses in people's scripts stay right.
    assert_eq!(const_hex::encode(&node_key(0)[..4]), FIRST_KEY_HEAD);
}

const FIRST_KEY_HEAD: &str = "4eeed76c";

proptest! {
    #[test]
    fn ports_never_meet(base in BASE_PORT_MIN..=BASE_PORT_MAX) {
        let ports: BTreeSet<u16> = (0..NAMES.len()).flat_map(|index| all_ports(base, index)).collect();
        prop_assert_eq!(ports.len(), 3 * NAMES.len());
        prop_assert!(!ports.contains(&0));
    }

    #[test]
    fn networks_ten_ports_apart_share_none(base in BASE_PORT_MIN..=BASE_PORT_MAX - 10) {
        let of = |base| (0..NAMES.len()).flat_map(move |index| all_ports(base, index)).collect::<BTreeSet<_>>();
        // Unless one kind's ports happen to be where another kind's are, hundreds of ports away.
        prop_assert!(of(base).is_disjoint(&of(base + 10)));
    }

    #[test]
    fn no_line_makes_the_reader_panic(line: Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = runtime.block_on(protocol::read::<Request>(&line[..]));
        prop_assert!(read.is_err());
    }
}

#[test]
fn a_base_port_without_room_is_refused() {
    for base_port in [0, BASE_PORT_MIN - 1, BASE_PORT_MAX + 1, u16::MAX] {
        let error =
            Plan::new(&Settings { base_port, ..settings(1) }, Path::new("/net"), |_| None).unwrap_err();
        assert!(error.to_string().contains(&format!("{BASE_PORT_MIN} to {BASE_PORT_MAX}")), "{error}");
    }
}

#[test]
fn flags_are_checked_before_anything_starts() {
    assert_eq!(parse(&[]).unwrap().validators, 4);
    for (args, hint) in [
        (&["--validators", "0"] as &[&str], "1..=6"),
        (&["--validators", "7"], "1..=6"),
        (&["--tmp", "--base-path", "x"], "cannot be used with"),
        (&["--block-time", "1"], "500ms, 2s, or 0"),
        (&["ctl"], "Usage"),
        (&["--validators", "4", "ctl", "status"], "unexpected argument 'ctl'"),
    ] {
        let why = parse(args).unwrap_err();
        assert!(why.contains(hint), "{args:?}: {why}");
    }
    let error = parse(&["--block-time", "2s", "--empty-block-time", "1s"]).unwrap().settings().unwrap_err();
    assert!(error.to_string().contains("--empty-block-time"), "{error}");
    let flags = parse(&["--", "--pruning", "archive"]).unwrap().node_flags;
    assert_eq!(flags, ["--pruning", "archive"]);
}

#[test]
fn ctl_says_what_it_wants() {
    #[derive(Debug, Parser)]
    struct Ctl {
        #[command(subcommand)]
        command: CtlCommand,
    }
    let request = |args: &[&str]| Ctl::try_parse_from([&["ctl"], args].concat()).unwrap().command.request();
    let bob = || Some("bob".to_owned());
    assert_eq!(request(&["status"]), Request::Status);
    assert_eq!(request(&["stop"]), Request::Stop { node: None });
    assert_eq!(request(&["stop", "bob"]), Request::Stop { node: bob() });
    assert_eq!(request(&["start", "bob"]), Request::Start { node: bob() });
    assert_eq!(request(&["restart", "bob"]), Request::Restart { node: bob() });
    assert_eq!(request(&["kill", "bob"]), Request::Kill { node: bob() });
}

#[tokio::test]
async fn what_is_written_is_read_back_and_anything_else_is_refused() {
    for request in [Request::Status, Request::Kill { node: None }, Request::Stop { node: Some("bob".into()) }]
    {
        let mut line = Vec::new();
        protocol::write(&mut line, &request).await.unwrap();
        assert_eq!(protocol::read::<Request>(&line[..]).await.unwrap(), request);
    }
    for wrong in ["\n", "{}\n", r#"{"command":"explode"}"#, "{\"command\":\"stop\",\"force\":true}\n"] {
        assert!(protocol::read::<Request>(wrong.as_bytes()).await.is_err(), "{wrong}");
    }
    // A client that never ends its line costs no more than the limit.
    let endless = vec![b' '; usize::try_from(LINE_BYTES_MAX).unwrap() * 2];
    match protocol::read::<Request>(&endless[..]).await {
        Err(LineError::Unfinished(bytes)) => assert_eq!(bytes as u64, LINE_BYTES_MAX),
        other => panic!("{other:?}"),
    }
}

fn status(name: &str, state: NodeState) -> NodeStatus {
    NodeStatus {
        name: name.into(),
        state,
        pid: (state == NodeState::Running).then_some(4242),
        url: "ws://127.0.0.1:9944".into(),
        metrics: String::new(),
        seconds: (state == NodeState::Running).then_some(75),
        starts: 2,
        ended: (state == NodeState::Failed).then(|| "exit status: 1".into()),
    }
}

#[test]
fn the_state_of_the_nodes_is_a_table() {
    let nodes = [status("alice", NodeState::Running), status("bob", NodeState::Failed)];
    let text = ctl::text(Path::new("/net"), &nodes, &[Some(Height { finalized: 12, peers: 3 }), None]);
    assert_eq!(
        text,
        "localnet in /net\n\
         node     state      process       for starts     final  peers  RPC\n\
         alice    running       4242      75 s      2       #12      3  ws://127.0.0.1:9944\n\
         bob      ended            -         -      2         -      -  ws://127.0.0.1:9944\n\
         bob ended by itself (exit status: 1): its last lines are in the localnet's terminal; `basalt localnet ctl start \
         bob` starts it again"
    );
}

#[test]
fn answers_survive_the_wire() {
    for answer in [
        Answer::Status(vec![status("alice", NodeState::Failed)]),
        Answer::Done("x".into()),
        Answer::Refused("y".into()),
    ] {
        let json = serde_json::to_string(&answer).unwrap();
        assert_eq!(serde_json::from_str::<Answer>(&json).unwrap(), answer, "{json}");
    }
}

#[test]
fn the_summary_names_everything_a_person_needs() {
    let plan = Plan::new(&settings(2), Path::new("/net"), id_of).unwrap();
    let text = summary::text(&plan, false);
    for part in [
        "ws://127.0.0.1:9944",
        "ws://127.0.0.1:9945",
        "http://127.0.0.1:9616/metrics",
        "/ip4/127.0.0.1/tcp/30334/p2p/12D3",
        "//Alice    5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        "/net (kept)",
        "https://polkadot.js.org/apps/?rpc=ws%3A%2F%2F127.0.0.1%3A9944#/explorer",
        "basalt localnet ctl kill bob",
        "Ctrl-C",
    ] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    assert!(!text.contains("charlie"));
}

#[test]
fn lines_carry_their_nodes_name_in_its_colour_if_at_all() {
    assert_eq!(prefixed("bob", None, "a line"), "bob      | a line\n");
    assert_eq!(prefixed("charlie", Some(35), "x"), "\x1b[35mcharlie  |\x1b[0m x\n");
}

/// A terminal that somebody has paused until this is dropped, and what was written after that.
struct Paused {
    gate: std::sync::mpsc::Receiver<()>,
    written: std::sync::mpsc::SyncSender<usize>,
    lines: usize,
}

impl std::io::Write for Paused {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // Closed: nobody pauses any more.
        let _ = self.gate.recv();
        self.lines += bytes.iter().filter(|byte| **byte == b'\n').count();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.written.send(self.lines).map_err(std::io::Error::other)
    }
}

#[test]
fn a_paused_terminal_holds_up_nobody_and_costs_bounded_memory() {
    let (go_on, gate) = std::sync::mpsc::sync_channel(1);
    let (written, count) = std::sync::mpsc::sync_channel(1);
    let mut log = Log::new(Box::new(Paused { gate, written, lines: 0 }), false).unwrap();
    for _ in 0..20_000 {
        log.node(0, "much");
    }
    drop(go_on);
    log.finish();
    let lines = count.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!((4096..10_000).contains(&lines), "{lines}");
}

#[test]
fn data_of_another_chain_are_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(4).unwrap();
    put_spec(folder.path(), &spec).unwrap();
    put_spec(folder.path(), &spec).unwrap();
    let error = put_spec(folder.path(), &ChainSpec { name: "other".into(), ..spec.clone() }).unwrap_err();
    assert!(error.to_string().contains("another chain"), "{error}");
    let read = ChainSpec::load(Plan::chain_file(folder.path()).to_str().unwrap()).unwrap();
    assert_eq!(read, spec);
}

/// A base port above `from` at which all ports are free.
pub(super) fn free_base_port(from: u16) -> u16 {
    free_base(from)
}

#[test]
fn a_taken_port_is_refused_with_its_use_and_another_base_port() {
    let base_port = free_base_port(20_000);
    let plan = Plan::new(&Settings { base_port, ..settings(2) }, Path::new("/net"), |_| None).unwrap();
    let node = &plan.nodes[1];
    for (port, what) in
        [(node.rpc_port, "the RPC"), (node.p2p_port, "the peers"), (node.metrics_port, "the metrics")]
    {
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let error = check_ports(&plan, base_port).unwrap_err().to_string();
        assert!(error.contains(&format!("port {port}, for {what} of bob, is taken")), "{error}");
        assert!(error.contains("--base-port "), "{error}");
    }
    check_ports(&plan, base_port).unwrap();
}
