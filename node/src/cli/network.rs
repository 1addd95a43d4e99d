//! Flags about peers, named as Substrate binaries name them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The port for peers if nobody says otherwise, as with Substrate's nodes.
pub(crate) const P2P_PORT: u16 = 30_333;

/// Flags about peers.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Peers")]
pub(crate) struct NetworkArgs {
    /// The port for peers, over TCP; 0 picks a free one.
    #[arg(long, alias = "port", value_name = "PORT", default_value_t = P2P_PORT)]
    pub(crate) p2p_port: u16,

    /// Where to listen for peers, any number of times: /ip4/0.0.0.0/tcp/30333, /ip4/0.0.0.0/tcp/30334/ws
    /// [default: all addresses of this machine, on --p2p-port].
    #[arg(long, value_name = "MULTIADDR", value_parser = multiaddr)]
    pub(crate) listen_addr: Vec<String>,

    /// Where peers reach this node from outside, if that is another address: /dns/node.example/tcp/30333.
    #[arg(long, value_name = "MULTIADDR", value_parser = multiaddr)]
    pub(crate) public_addr: Vec<String>,

    /// Peers to find the network by, besides those of the chain specification: /ip4/…/tcp/…/p2p/ID.
    #[arg(long, value_name = "MULTIADDR", num_args = 1.., value_parser = peer)]
    pub(crate) bootnodes: Vec<String>,

    /// Peers to stay connected to, whatever they do: /ip4/…/tcp/…/p2p/ID.
    #[arg(long, value_name = "MULTIADDR", num_args = 1.., value_parser = peer)]
    pub(crate) reserved_nodes: Vec<String>,

    /// Have no peers but the reserved ones.
    #[arg(long)]
    pub(crate) reserved_only: bool,

    /// The most peers that may connect to this node; those it connects to itself come on top.
    #[arg(long, alias = "in-peers", value_name = "COUNT", default_value_t = 50)]
    pub(crate) max_peers: u32,

    /// The secret key that makes the node's id, 64 hex digits. Shows up in the list of processes: for tests only.
    #[arg(long, value_name = "HEX", conflicts_with = "node_key_file", hide_env_values = true)]
    pub(crate) node_key: Option<NodeKey>,

    /// The file with that key, as 64 hex digits or 32 bytes [default: made in the data folder on the first start].
    #[arg(long, value_name = "FILE")]
    pub(crate) node_key_file: Option<PathBuf>,

    /// How to find peers and to be found, separated by commas
    /// [default: kad, and mdns on development and local chains].
    #[arg(long, value_name = "WAYS", value_enum, value_delimiter = ',')]
    pub(crate) discover: Option<Vec<Discovery>>,

    /// Do not look for peers on the local network.
    #[arg(long)]
    pub(crate) no_mdns: bool,

    /// Never dial a private or loopback address that a peer told; those given by flags are dialled [default: on other
    /// chains than development and local ones].
    #[arg(long, alias = "no-private-ipv4", conflicts_with = "allow_private_ip")]
    pub(crate) no_private_ip: bool,

    /// Dial private and loopback addresses that peers tell [default: on development and local chains].
    #[arg(long, alias = "allow-private-ipv4")]
    pub(crate) allow_private_ip: bool,
}

/// A way of finding peers, or of being found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Discovery {
    /// Ask peers for further ones (Kademlia).
    Kad,
    /// Ask the local network.
    Mdns,
    /// Open a port of the router (only in programs built with `--features upnp`).
    Upnp,
    /// Let peers tell whether this node can be reached.
    Autonat,
    /// Be reached through another node.
    Relay,
    /// Turn a relayed connection into a direct one.
    Dcutr,
}

impl NetworkArgs {
    /// The ways that the flags choose, on a chain of one machine or site or on another one.
    pub(crate) fn ways(&self, is_local: bool) -> Vec<Discovery> {
        let chosen = self.discover.clone().unwrap_or_else(|| match is_local {
            true => vec![Discovery::Kad, Discovery::Mdns],
            false => vec![Discovery::Kad],
        });
        chosen.into_iter().filter(|way| !(self.no_mdns && *way == Discovery::Mdns)).collect()
    }

    /// Whether to dial private addresses that peers tell.
    pub(crate) fn private_addresses(&self, is_local: bool) -> bool {
        !self.no_private_ip && (self.allow_private_ip || is_local)
    }
}

/// A node's secret key. It never shows in a log.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NodeKey(pub(crate) [u8; 32]);

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeKey(hidden)")
    }
}

impl std::str::FromStr for NodeKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const_hex::decode_to_array(text).map(Self).map_err(|_| "a node key is 64 hex digits")
    }
}

/// An early look at an address, for a sentence instead of a parser's complaint; the network reads it in full.
fn multiaddr(text: &str) -> Result<String, String> {
    if text.starts_with('/') && text.len() > 1 {
        return Ok(text.to_owned());
    }
    Err(format!("'{text}' is no multiaddress: write it as /ip4/127.0.0.1/tcp/{P2P_PORT}"))
}

fn peer(text: &str) -> Result<String, String> {
    let address = multiaddr(text)?;
    if address.contains("/p2p/") {
        return Ok(address);
    }
    Err(format!("'{text}' does not say which peer is there: end it with /p2p/ and the peer's id"))
}
