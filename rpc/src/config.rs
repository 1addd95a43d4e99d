//! What an operator decides about the server.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use crate::limits;

/// The port that clients try first.
pub const PORT: u16 = 9944;

/// What an operator decides about the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// See [`limits::CONNECTIONS_MAX`].
    pub connections_max: u32,
    /// See [`limits::SUBSCRIPTIONS_PER_CONNECTION_MAX`].
    pub subscriptions_per_connection_max: u32,
    /// See [`limits::REQUEST_BYTES_MAX`].
    pub request_bytes_max: u32,
    /// See [`limits::RESPONSE_BYTES_MAX`].
    pub response_bytes_max: u32,
    /// See [`limits::BATCH_REQUESTS_MAX`].
    pub batch_requests_max: u32,
    /// Which web pages may use the node.
    pub cors: Cors,
    /// Who may use the unsafe methods.
    pub unsafe_methods: UnsafeMethods,
    /// See [`limits::PING_INTERVAL`].
    pub ping_interval: Duration,
}

/// Which web pages may use the node, by the `Origin` that browsers send. Programs send none and always may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cors {
    /// All.
    All,
    /// Pages from this machine, and these: `https://host`, with the port if it is not the usual one.
    LocalAnd(Vec<String>),
}

/// Who may use methods that can harm the node; see [`basalt_rpc_api::UNSAFE_METHODS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnsafeMethods {
    /// Everybody, if only this machine can connect at all.
    #[default]
    Loopback,
    /// Everybody.
    Allow,
    /// Nobody.
    Deny,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT),
            connections_max: limits::CONNECTIONS_MAX,
            subscriptions_per_connection_max: limits::SUBSCRIPTIONS_PER_CONNECTION_MAX,
            request_bytes_max: limits::REQUEST_BYTES_MAX,
            response_bytes_max: limits::RESPONSE_BYTES_MAX,
            batch_requests_max: limits::BATCH_REQUESTS_MAX,
            cors: Cors::default(),
            unsafe_methods: UnsafeMethods::default(),
            ping_interval: limits::PING_INTERVAL,
        }
    }
}

impl Default for Cors {
    /// Pages from this machine, and the wallet that most people use.
    fn default() -> Self {
        Self::LocalAnd(vec!["https://polkadot.js.org".into()])
    }
}

impl Cors {
    /// Whether a page from `origin` may use the node.
    pub(crate) fn allows(&self, origin: &str) -> bool {
        match self {
            Self::All => true,
            Self::LocalAnd(others) => is_local(origin) || others.iter().any(|other| other == origin),
        }
    }
}

/// Whether an origin such as `http://localhost:3000` is on this machine.
fn is_local(origin: &str) -> bool {
    let Some(authority) = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) else {
        return false;
    };
    ["localhost", "127.0.0.1", "[::1]"].into_iter().any(|host| match authority.strip_prefix(host) {
        Some("") => true,
        // A host such as `localhost.example` must not pass.
        Some(rest) => rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()),
        None => false,
    })
}

impl UnsafeMethods {
    /// Whether a server at this address offers them.
    pub(crate) fn allowed_at(self, address: SocketAddr) -> bool {
        match self {
            Self::Loopback => address.ip().is_loopback(),
            Self::Allow => true,
            Self::Deny => false,
        }
    }
}

#[cfg(test)]
mod tests;
