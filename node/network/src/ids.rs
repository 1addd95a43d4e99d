//! The names of peers and of places where they can be reached, without the types of libp2p at the surface.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who a peer is: the hash of its public key. Text is libp2p's base58 (`12D3KooW…`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub(crate) libp2p::PeerId);

/// A place where a peer can be reached, as `/ip4/127.0.0.1/tcp/30333/p2p/12D3KooW…`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Multiaddr(pub(crate) libp2p::Multiaddr);

/// A text that is no peer id or no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a peer id.
    #[error("`{text}` is not a peer id ({detail}): expected base58 as in 12D3KooW…")]
    PeerId {
        /// What was read.
        text: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Not an address.
    #[error("`{text}` is not an address ({detail}): expected for example /ip4/127.0.0.1/tcp/30333")]
    Multiaddr {
        /// What was read.
        text: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl PeerId {
    /// The id that belongs to an ed25519 secret key of 32 bytes: what a node with this identity is called.
    pub fn of_secret(secret: &[u8; 32]) -> Option<Self> {
        let mut copy = zeroize::Zeroizing::new(*secret);
        let keypair = libp2p::identity::Keypair::ed25519_from_bytes(&mut copy[..]).ok()?;
        Some(Self(keypair.public().to_peer_id()))
    }

    /// The bytes of the id, as they stand in addresses.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }
}

impl Multiaddr {
    /// The peer that the address names at its end (`/p2p/…`), if any.
    pub fn peer(&self) -> Option<PeerId> {
        match self.0.iter().last() {
            Some(libp2p::multiaddr::Protocol::P2p(peer)) => Some(PeerId(peer)),
            _ => None,
        }
    }

    /// The address with `peer` at its end.
    #[must_use]
    pub fn with_peer(self, peer: PeerId) -> Self {
        match self.peer() {
            Some(_) => self,
            None => Self(self.0.with(libp2p::multiaddr::Protocol::P2p(peer.0))),
        }
    }

    /// The address without the peer at its end.
    #[must_use]
    pub fn without_peer(mut self) -> Self {
        if self.peer().is_some() {
            self.0.pop();
        }
        self
    }

    /// The IP address at its beginning, if it has one (a DNS name has none).
    pub fn ip(&self) -> Option<std::net::IpAddr> {
        match self.0.iter().next()? {
            libp2p::multiaddr::Protocol::Ip4(ip) => Some(ip.into()),
            libp2p::multiaddr::Protocol::Ip6(ip) => Some(ip.into()),
            _ => None,
        }
    }

    /// The TCP port, if the address has one.
    pub fn tcp_port(&self) -> Option<u16> {
        self.0.iter().find_map(|part| match part {
            libp2p::multiaddr::Protocol::Tcp(port) => Some(port),
            _ => None,
        })
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Multiaddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Multiaddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for PeerId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self).map_err(|e: libp2p::identity::ParseError| IdError::PeerId {
            text: text.to_owned(),
            detail: e.to_string(),
        })
    }
}

impl FromStr for Multiaddr {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self).map_err(|e: libp2p::multiaddr::Error| IdError::Multiaddr {
            text: text.to_owned(),
            detail: e.to_string(),
        })
    }
}

impl Serialize for PeerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PeerId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Multiaddr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Multiaddr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
