//! What a node may choose about its network.

use std::{fmt, path::PathBuf, time::Duration};

use basalt_primitives::H256;
use zeroize::Zeroizing;

use crate::{Multiaddr, Roles};

/// Where the name of this node comes from.
#[derive(Clone)]
pub enum Identity {
    /// The file `network-secret` in this folder, 32 bytes that only the owner may read. Made when it is not there.
    Folder(PathBuf),
    /// This ed25519 secret key. For tests, and for who keeps keys elsewhere.
    Secret(Zeroizing<[u8; 32]>),
    /// A new one each time.
    Random,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => f.debug_tuple("Folder").field(folder).finish(),
            Self::Secret(_) => f.write_str("Secret(…)"),
            Self::Random => f.write_str("Random"),
        }
    }
}

/// How many connections, and how fast lost ones are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Peers that dialled us; reserved ones come on top.
    pub inbound_max: usize,
    /// Peers that we dialled, and how many we look for; reserved ones come on top.
    pub outbound_max: usize,
    /// Connections with one IP address, those before the handshake included.
    pub per_ip_max: usize,
    /// Whether the limit by address does not hold for loopback addresses, where all nodes of a local network live.
    pub loopback_exempt: bool,
    /// A connection without any use is closed after this.
    pub idle_timeout: Duration,
    /// How long a new connection may take from its encryption to the end of the handshake.
    pub handshake_timeout: Duration,
    /// How long one message may take on its way into or out of a stream: who is slower is disconnected.
    pub message_timeout: Duration,
    /// The first pause after a dial failed. It doubles each time, and each is longer or shorter by up to a quarter.
    pub redial_first: Duration,
    /// The longest pause.
    pub redial_max: Duration,
    /// The longest pause for reserved peers: validators that come back should be found soon.
    pub redial_reserved_max: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            inbound_max: 32,
            outbound_max: 16,
            per_ip_max: 8,
            loopback_exempt: false,
            idle_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            message_timeout: Duration::from_secs(20),
            redial_first: Duration::from_secs(1),
            redial_max: Duration::from_secs(300),
            redial_reserved_max: Duration::from_secs(10),
        }
    }
}

/// How peers are found, beside boot nodes and the peer store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discovery {
    /// Ask peers for peers.
    pub kademlia: bool,
    /// Ask the local network.
    pub mdns: bool,
    /// Believe peers that give loopback, private or link-local addresses. Else only addresses of the public net are taken
    /// from others.
    pub private_addresses: bool,
}

impl Default for Discovery {
    fn default() -> Self {
        Self { kademlia: true, mdns: false, private_addresses: false }
    }
}

/// Helps for nodes behind address translation. All off by default: a node with a public address needs none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// Let others test whether we can be reached, and test others.
    pub autonat: bool,
    /// Reach others, and be reached, through relays.
    pub relay_client: bool,
    /// Be a relay for others.
    pub relay_server: bool,
    /// Turn relayed connections into direct ones. Needs `relay_client`.
    pub dcutr: bool,
    /// Ask the router to open a port. Needs the feature `upnp`.
    pub upnp: bool,
}

/// Everything.
#[derive(Debug, Clone)]
pub struct Config {
    /// The hash of the genesis block: which chain.
    pub genesis: H256,
    /// What the node does.
    pub roles: Roles,
    /// Where the name of the node comes from.
    pub identity: Identity,
    /// Where known peers are kept (`peers.json`); without a folder they are forgotten with the process.
    pub folder: Option<PathBuf>,
    /// Where to listen. Port 0 takes a free one.
    pub listen: Vec<Multiaddr>,
    /// Where others reach us, if that is known and other than where we listen.
    pub external: Vec<Multiaddr>,
    /// Peers that know others; each with `/p2p/…`.
    pub bootnodes: Vec<Multiaddr>,
    /// Peers that are always dialled, welcome beyond all limits, and never banned; each with `/p2p/…`.
    pub reserved: Vec<Multiaddr>,
    /// Whether nobody else is welcome.
    pub reserved_only: bool,
    /// How many connections.
    pub connections: ConnectionLimits,
    /// How peers are found.
    pub discovery: Discovery,
    /// Helps behind address translation.
    pub reach: Reach,
    /// What the node calls itself towards others: name and version.
    pub agent: String,
}

impl Config {
    /// A node that listens nowhere yet and knows nobody.
    pub fn new(genesis: H256, roles: Roles) -> Self {
        Self {
            genesis,
            roles,
            identity: Identity::Random,
            folder: None,
            listen: Vec::new(),
            external: Vec::new(),
            bootnodes: Vec::new(),
            reserved: Vec::new(),
            reserved_only: false,
            connections: ConnectionLimits::default(),
            discovery: Discovery::default(),
            reach: Reach::default(),
            agent: concat!("basalt/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// A node of a network on this machine: a free port of 127.0.0.1, no limit by address, private addresses believed, lost
    /// peers tried again at once.
    pub fn local(genesis: H256, roles: Roles) -> Self {
        let loopback =
            libp2p::Multiaddr::from(std::net::Ipv4Addr::LOCALHOST).with(libp2p::multiaddr::Protocol::Tcp(0));
        let mut config = Self::new(genesis, roles);
        config.listen = vec![Multiaddr(loopback)];
        config.connections.loopback_exempt = true;
        config.connections.redial_first = Duration::from_millis(200);
        config.connections.redial_max = Duration::from_secs(5);
        config.connections.redial_reserved_max = Duration::from_secs(2);
        config.discovery.private_addresses = true;
        config
    }
}
