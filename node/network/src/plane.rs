//! The kinds of streams that two peers have with each other.

use basalt_primitives::H256;

use crate::limits::{self, Rate};

/// One protocol of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plane {
    /// Who are you? Before everything else.
    Handshake,
    /// Votes and proposals: one-way, stays open.
    Consensus,
    /// Transactions and announcements of them: one-way, stays open.
    Transactions,
    /// Heads: one-way, stays open.
    Status,
    /// Questions for blocks, a stream each.
    Blocks,
    /// Questions for announced transactions, a stream each.
    Pull,
}

impl Plane {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Handshake, Self::Consensus, Self::Transactions, Self::Status, Self::Blocks, Self::Pull];

    /// What metrics and protocol names call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Consensus => "consensus",
            Self::Transactions => "transactions",
            Self::Status => "status",
            Self::Blocks => "blocks",
            Self::Pull => "pull",
        }
    }

    /// Its place in [`Plane::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// The name that peers agree on.
    pub fn protocol(self, genesis: H256) -> String {
        match self {
            Self::Handshake => limits::HANDSHAKE_PROTOCOL.to_owned(),
            _ => chain_protocol(genesis, self.name()),
        }
    }

    /// How much one peer may send.
    pub(crate) const fn rate(self) -> Rate {
        match self {
            Self::Consensus => limits::CONSENSUS_RATE,
            Self::Transactions => limits::TRANSACTIONS_RATE,
            Self::Status => limits::STATUS_RATE,
            Self::Handshake | Self::Blocks | Self::Pull => limits::REQUESTS_RATE,
        }
    }

    /// The longest message that a peer may send us on a stream that it opened.
    pub(crate) const fn message_bytes_max(self) -> usize {
        match self {
            Self::Handshake => limits::HANDSHAKE_BYTES_MAX,
            Self::Consensus => limits::CONSENSUS_BYTES_MAX,
            Self::Transactions => limits::TRANSACTIONS_MESSAGE_BYTES_MAX,
            Self::Status => limits::STATUS_BYTES_MAX,
            Self::Blocks | Self::Pull => limits::REQUEST_BYTES_MAX,
        }
    }

    /// How many streams of a connection the other side may have open.
    pub(crate) const fn inbound_streams_max(self) -> usize {
        match self {
            Self::Handshake => 1,
            Self::Consensus | Self::Transactions | Self::Status => limits::PUSH_STREAMS_MAX,
            Self::Blocks | Self::Pull => limits::REQUESTS_SERVED_PER_PEER_MAX,
        }
    }
}

/// The name of a protocol that only nodes of one chain have in common.
pub(crate) fn chain_protocol(genesis: H256, name: &str) -> String {
    let digits = format!("{genesis:x}");
    format!("/basalt/{}/{name}/{}", &digits[..limits::GENESIS_DIGITS], limits::VERSION)
}
