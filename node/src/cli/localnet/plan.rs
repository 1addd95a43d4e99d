//! Which nodes a local network has, where they listen and what they are started with. Pure: nothing is touched.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use basalt_primitives::hashing::blake2_256;

use super::error::LocalnetError;
use crate::cli::{network::P2P_PORT, validator::BlockTime};

/// Names of the nodes, as those of the accounts that they validate with.
pub(super) const NAMES: [&str; 6] = ["alice", "bob", "charlie", "dave", "eve", "ferdie"];

/// The RPC port of the first node, as of every node.
pub(super) const BASE_PORT: u16 = basalt_rpc::PORT;

/// The metrics port of the first node, as of every node.
const METRICS_PORT: u16 = 9_615;

/// The least and the greatest `--base-port` with which all ports of six nodes exist.
pub(super) const BASE_PORT_MIN: u16 = BASE_PORT - METRICS_PORT + 1;
/// See [`BASE_PORT_MIN`].
pub(super) const BASE_PORT_MAX: u16 = u16::MAX - (P2P_PORT - BASE_PORT) - 5;

/// Memory for the states of all nodes together, in MiB: as much as one node takes by itself.
const STATE_CACHE_MIB: usize = 1024;

/// What a person decides about a local network.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// How many nodes, 1 to 6.
    pub(super) validators: usize,
    /// See [`BASE_PORT`].
    pub(super) base_port: u16,
    pub(super) block_time: BlockTime,
    pub(super) empty_block_time: Duration,
    /// What the nodes log.
    pub(super) log: String,
    /// Further flags for each node.
    pub(super) node_flags: Vec<OsString>,
}

/// Finds the id that belongs to a node's secret key, if this program knows how.
pub(super) type PeerId = fn(&[u8; 32]) -> Option<String>;

/// A local network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// Where its data are.
    pub(super) folder: PathBuf,
    /// Its nodes, in the order in which they start.
    pub(super) nodes: Vec<NodePlan>,
}

/// A node of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodePlan {
    pub(super) name: &'static str,
    pub(super) rpc_port: u16,
    pub(super) p2p_port: u16,
    pub(super) metrics_port: u16,
    /// Where peers reach it, with its id at the end if that is known.
    pub(super) address: String,
    /// What its program is started with.
    pub(super) arguments: Vec<OsString>,
}

/// What a port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// JSON-RPC.
    Rpc,
    /// Peers.
    P2p,
    /// Figures for Prometheus.
    Metrics,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rpc => "the RPC",
            Self::P2p => "the peers",
            Self::Metrics => "the metrics",
        })
    }
}

impl Plan {
    /// The network that `settings` ask for, with its data in `folder`.
    pub(super) fn new(settings: &Settings, folder: &Path, peer_id: PeerId) -> Result<Self, LocalnetError> {
        if !(BASE_PORT_MIN..=BASE_PORT_MAX).contains(&settings.base_port) {
            return Err(LocalnetError::BasePort(settings.base_port));
        }
        let ports: Vec<Ports> = (0..NAMES.len())
            .take(settings.validators)
            .map(|index| ports(settings.base_port, index))
            .collect();
        let addresses: Vec<Address> =
            ports.iter().enumerate().map(|(index, ports)| Address::new(index, ports.p2p, peer_id)).collect();
        let nodes = NAMES.iter().zip(&ports).enumerate().map(|(index, (name, ports))| NodePlan {
            name,
            rpc_port: ports.rpc,
            p2p_port: ports.p2p,
            metrics_port: ports.metrics,
            address: addresses[index].text.clone(),
            arguments: arguments(settings, folder, index, ports, &addresses),
        });
        Ok(Self { folder: folder.to_owned(), nodes: nodes.collect() })
    }

    /// Where the chain specification is.
    pub(super) fn chain_file(folder: &Path) -> PathBuf {
        folder.join("chain.json")
    }

    /// All ports that must be free.
    pub(super) fn ports(&self) -> impl Iterator<Item = (u16, Use, &'static str)> {
        self.nodes.iter().flat_map(|node| {
            [
                (node.rpc_port, Use::Rpc, node.name),
                (node.p2p_port, Use::P2p, node.name),
                (node.metrics_port, Use::Metrics, node.name),
            ]
        })
    }
}

impl NodePlan {
    /// Where clients reach it.
    pub(super) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.rpc_port)
    }
}

/// The ports of one node.
struct Ports {
    rpc: u16,
    p2p: u16,
    metrics: u16,
}

/// All three kinds move with the base port, so that two networks whose base ports are far enough apart share none. The
/// base port was checked: nothing overflows.
fn ports(base: u16, index: usize) -> Ports {
    let index = u16::try_from(index).unwrap_or(u16::MAX);
    let rpc = base + index;
    Ports { rpc, p2p: rpc + (P2P_PORT - BASE_PORT), metrics: rpc - (BASE_PORT - METRICS_PORT) }
}

/// All ports of the node with this index. The base port must be one that leaves room for them.
pub(super) fn all_ports(base: u16, index: usize) -> [u16; 3] {
    let Ports { rpc, p2p, metrics } = ports(base, index);
    [rpc, p2p, metrics]
}

/// Where the peers of one node reach it.
struct Address {
    text: String,
    /// Whether it ends with the node's id, without which nobody can be told to connect there.
    has_id: bool,
}

impl Address {
    fn new(index: usize, port: u16, peer_id: PeerId) -> Self {
        let place = place(port);
        match peer_id(&node_key(index)) {
            Some(id) => Self { text: format!("{place}/p2p/{id}"), has_id: true },
            None => Self { text: place, has_id: false },
        }
    }
}

fn place(port: u16) -> String {
    format!("/ip4/127.0.0.1/tcp/{port}")
}

/// A node's secret key, the same in each network, so that ids are known before anything runs. Everybody knows it: the
/// nodes listen on 127.0.0.1 only.
pub(super) fn node_key(index: usize) -> [u8; 32] {
    blake2_256(format!("basalt/localnet/{index}").as_bytes())
}

fn arguments(
    settings: &Settings,
    folder: &Path,
    index: usize,
    ports: &Ports,
    addresses: &[Address],
) -> Vec<OsString> {
    let name = NAMES[index];
    let mut arguments: Vec<OsString> = Vec::new();
    let mut flag = |flag: &str, value: &dyn AsRef<std::ffi::OsStr>| {
        arguments.extend([OsString::from(flag), value.as_ref().to_owned()]);
    };
    flag("--chain", &Plan::chain_file(folder));
    flag("--name", &name);
    flag("--base-path", &folder.join(name));
    flag("--rpc-port", &ports.rpc.to_string());
    flag("--prometheus-port", &ports.metrics.to_string());
    flag("--p2p-port", &ports.p2p.to_string());
    flag("--listen-addr", &place(ports.p2p));
    flag("--node-key", &const_hex::encode(node_key(index)));
    flag("--block-time", &settings.block_time.to_string());
    flag("--empty-block-time", &BlockTime(settings.empty_block_time).to_string());
    // One supervisor starts each node once: nobody else signs with its keys.
    flag("--doppelganger-wait", &"off");
    flag("--state-cache", &(STATE_CACHE_MIB / settings.validators.max(1)).to_string());
    flag("--log", &settings.log);
    for (other, address) in addresses.iter().enumerate() {
        if other != index && address.has_id {
            flag("--reserved-nodes", &address.text);
        }
    }
    arguments.extend(["--validator", "--stop-with-parent"].map(OsString::from));
    // With ids the nodes know each other; without, they find each other, perhaps along with others.
    if addresses.iter().all(|address| address.has_id) {
        arguments.push("--no-mdns".into());
    }
    arguments.extend(settings.node_flags.iter().cloned());
    arguments
}
