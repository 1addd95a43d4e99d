//! Names, versions and every number that bounds what peers can make a node do.
//!
//! A limit on what is *received* is part of the protocol: senders keep it, so who exceeds it is not one of us and pays.

use std::time::Duration;

/// The version of all protocols of this crate together. Another version is refused.
pub const VERSION: u32 = 1;

/// The one protocol whose name carries no genesis: else nodes of different chains would have nothing in common, and
/// neither could tell the other why.
pub const HANDSHAKE_PROTOCOL: &str = "/basalt/handshake/1";
/// What `identify` says the node speaks.
pub const IDENTIFY_PROTOCOL: &str = "/basalt/identify/1";
/// How many hex digits of the genesis hash stand in protocol names.
pub const GENESIS_DIGITS: usize = 16;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

// ---- messages ----

/// The longest consensus message.
pub const CONSENSUS_BYTES_MAX: usize = 64 * KIB;
/// The longest transaction: a quarter of what a pool takes, as much as the runtime does.
pub const TRANSACTION_BYTES_MAX: usize = MIB;
/// The longest transaction that is sent without being asked for.
pub const TRANSACTION_PUSH_BYTES_MAX: usize = 4 * KIB;
/// The longest message on the stream of transactions: 16 of the longest that are pushed.
pub const TRANSACTIONS_MESSAGE_BYTES_MAX: usize = 64 * KIB + 64;
/// How many hashes one announcement holds.
pub const TRANSACTIONS_PER_ANNOUNCE_MAX: usize = 1024;
/// How many transactions may be asked for at once.
pub const TRANSACTIONS_PER_PULL_MAX: usize = 16;
/// The longest answer to such a question.
pub const PULL_RESPONSE_BYTES_MAX: usize = 2 * MIB;
/// How many blocks may be asked for at once.
pub const BLOCKS_PER_REQUEST_MAX: u32 = 64;
/// The longest answer to a question for blocks.
pub const BLOCK_RESPONSE_BYTES_MAX: usize = 8 * MIB;
/// The most memory that an answer takes once it is decoded, as a multiple of its greatest length. Of honest ones even one
/// full of the shortest signed transactions takes less; of one full of empty parts eight times as much would be needed.
pub const RESPONSE_MEMORY_FACTOR: usize = 2;
/// The longest question of any kind: 16 hashes and their count.
pub const REQUEST_BYTES_MAX: usize = KIB;
/// The longest message of the handshake. A status has 109 bytes.
pub const HANDSHAKE_BYTES_MAX: usize = 256;
/// The longest status announcement: 72 bytes today.
pub const STATUS_BYTES_MAX: usize = 256;

/// How much one peer may send on one kind of stream, before anything is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Messages each second, in the long run.
    pub messages_per_s: u64,
    /// Messages at once, after silence.
    pub messages_burst: u64,
    /// Bytes each second, in the long run.
    pub bytes_per_s: u64,
    /// Bytes at once, after silence.
    pub bytes_burst: u64,
}

impl Rate {
    /// What a sender keeps to: three quarters, and half of the burst. What the net gathers up for a while and delivers
    /// at once must not make an honest sender pay.
    #[must_use]
    pub const fn of_sender(self) -> Self {
        Self {
            messages_per_s: self.messages_per_s / 4 * 3,
            messages_burst: self.messages_burst / 2,
            bytes_per_s: self.bytes_per_s / 4 * 3,
            bytes_burst: self.bytes_burst / 2,
        }
    }
}

/// Votes and proposals: two votes of each of 150 validators, passed on by everybody, thrice a second, and then twice that.
pub const CONSENSUS_RATE: Rate = Rate {
    messages_per_s: 2_000,
    messages_burst: 4_000,
    bytes_per_s: 4 * MIB as u64,
    bytes_burst: 8 * MIB as u64,
};
/// Transactions: messages hold many each, so bytes bound this.
pub const TRANSACTIONS_RATE: Rate = Rate {
    messages_per_s: 2_000,
    messages_burst: 4_000,
    bytes_per_s: 8 * MIB as u64,
    bytes_burst: 16 * MIB as u64,
};
/// Status announcements; a sender tells the newest only.
pub const STATUS_RATE: Rate = Rate {
    messages_per_s: 40,
    messages_burst: 100,
    bytes_per_s: 8 * KIB as u64,
    bytes_burst: 16 * KIB as u64,
};
/// Questions for blocks or transactions, and streams that are opened for nothing.
pub const REQUESTS_RATE: Rate = Rate {
    messages_per_s: 40,
    messages_burst: 80,
    bytes_per_s: 16 * KIB as u64,
    bytes_burst: 64 * KIB as u64,
};
/// Streams of any kind that a peer opens on one connection. Those beyond are closed at once.
pub const STREAMS_RATE: Rate =
    Rate { messages_per_s: 100, messages_burst: 200, bytes_per_s: u64::MAX, bytes_burst: u64::MAX };
/// Connections of one peer that got through the encryption. Those beyond are closed at once.
pub const CONNECTIONS_RATE: Rate =
    Rate { messages_per_s: 1, messages_burst: 30, bytes_per_s: u64::MAX, bytes_burst: u64::MAX };
/// Messages of Kademlia, of which only the number is seen.
pub const KADEMLIA_RATE: Rate =
    Rate { messages_per_s: 20, messages_burst: 200, bytes_per_s: u64::MAX, bytes_burst: u64::MAX };
/// What a peer says of itself with identify; honest ones do so every five minutes, and when an address changes.
pub const IDENTIFY_RATE: Rate =
    Rate { messages_per_s: 1, messages_burst: 30, bytes_per_s: u64::MAX, bytes_burst: u64::MAX };
/// The shortest time between two status announcements to a peer. What comes meanwhile is told afterwards, once.
pub const STATUS_PAUSE: Duration = Duration::from_millis(50);
/// How many messages over the limit are counted before the peer is charged for them.
pub const EXCESS_REPORTED_AT: u32 = 32;

// ---- queues ----

/// A bound on a queue: the oldest go when either is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// Messages.
    pub messages_max: usize,
    /// Bytes of the messages.
    pub bytes_max: usize,
}

/// Consensus messages that wait to be sent to a peer, and likewise those of a peer that wait to be read here.
pub const CONSENSUS_QUEUE: QueueLimits = QueueLimits { messages_max: 512, bytes_max: MIB };
/// Transactions and announcements that wait to be sent to a peer.
pub const TRANSACTIONS_QUEUE: QueueLimits = QueueLimits { messages_max: 8_192, bytes_max: 2 * MIB };
/// Transactions of one peer that wait to be read by the node.
pub const TRANSACTIONS_INBOX: QueueLimits = QueueLimits { messages_max: 4_096, bytes_max: 2 * MIB };
/// Questions of peers that wait for the node.
pub const BLOCK_REQUESTS_QUEUE: usize = 16;
/// Commands of the node that wait for the network.
pub const COMMANDS_QUEUE: usize = 256;

// ---- memory of what was seen ----

/// How many transactions are remembered, by hash, so that each is handed on once.
pub const TRANSACTIONS_SEEN_MAX: usize = 65_536;
/// How many transactions are remembered of what one peer has, by half of a hash.
pub const TRANSACTIONS_KNOWN_MAX: usize = 16_384;
/// How many bytes of announced transactions are kept to be asked for.
pub const TRANSACTIONS_KEPT_BYTES_MAX: usize = 32 * MIB;
/// How many consensus messages are remembered, by hash, so that each is passed on once.
pub const CONSENSUS_SEEN_MAX: usize = 16_384;
/// The same consensus message is not handed to the node twice within this time. Short: engines repeat themselves on
/// purpose, for those who were not ready the first time.
pub const CONSENSUS_REPEAT: Duration = Duration::from_millis(300);
/// Transactions are pushed to the square root of all peers, and at least to so many; to the others they are announced.
pub const TRANSACTION_PUSH_PEERS_MIN: usize = 8;

// ---- streams and requests ----

/// Streams that one connection may have open in each direction, all protocols together, libp2p's own included.
pub const STREAMS_PER_CONNECTION_MAX: usize = 64;
/// Streams of a connection that may be agreeing on their protocol.
pub const STREAMS_NEGOTIATING_MAX: usize = 16;
/// Open one-way streams of each kind that a peer may have towards us: one, and one that takes its place.
pub const PUSH_STREAMS_MAX: usize = 2;
/// Questions of a peer that are answered at the same time, of each kind.
pub const REQUESTS_SERVED_PER_PEER_MAX: usize = 4;
/// Questions of all peers that are answered at the same time: 8 answers of 8 MiB.
pub const REQUESTS_SERVED_MAX: usize = 8;
/// Questions for blocks that we have open with one peer. Fewer than it serves: it hears later than we that one has ended.
pub const REQUESTS_OPEN_PER_PEER_MAX: usize = 2;
/// Questions for blocks that we have open altogether.
pub const REQUESTS_OPEN_MAX: usize = 16;
/// Questions for transactions that we have open altogether; with each peer there is one.
pub const PULLS_OPEN_MAX: usize = 8;
/// Announced transactions of a peer that wait to be asked for.
pub const PULLS_WAITING_PER_PEER_MAX: usize = 256;

// ---- times ----

/// Until a connection is encrypted and multiplexed.
pub const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a refused connection stays open, so that the reason arrives.
pub const REFUSAL_LINGER: Duration = Duration::from_millis(500);
/// From a question to the whole answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the node may think about a question of a peer.
pub const SERVE_TIMEOUT: Duration = Duration::from_secs(10);
/// The first pause before a one-way stream that broke is opened anew; it doubles up to [`REOPEN_PAUSE_MAX`].
pub const REOPEN_PAUSE_FIRST: Duration = Duration::from_millis(100);
/// See [`REOPEN_PAUSE_FIRST`].
pub const REOPEN_PAUSE_MAX: Duration = Duration::from_secs(5);
/// How often peers are dialled and scores looked at.
pub const TICK: Duration = Duration::from_millis(500);
/// How often the peer store is written, if it changed.
pub const STORE_PERIOD: Duration = Duration::from_secs(30);
/// How soon Kademlia is asked for peers after a new one came.
pub const DISCOVERY_FIRST: Duration = Duration::from_secs(1);
/// How often it is asked in the long run, while we look for peers; the pause doubles up to this.
pub const DISCOVERY_PERIOD: Duration = Duration::from_secs(30);
/// How often peers are pinged.
pub const PING_PERIOD: Duration = Duration::from_secs(10);
/// After so long without an answer to a ping, the connection is closed.
pub const PING_TIMEOUT: Duration = Duration::from_secs(15);

// ---- connections ----

/// Established connections with one peer. Two: both may have dialled at the same moment.
pub const CONNECTIONS_PER_PEER_MAX: usize = 2;
/// Incoming connections that are not yet through the handshake.
pub const CONNECTIONS_PENDING_MAX: usize = 64;
/// Dials under way.
pub const DIALS_MAX: usize = 16;

// ---- peer store ----

/// Peers that are remembered.
pub const PEERS_STORED_MAX: usize = 1_024;
/// Addresses that are remembered of a peer.
pub const ADDRESSES_PER_PEER_MAX: usize = 8;
/// The largest file of peers that is read: 1,024 peers with 8 addresses of 256 bytes, twice.
pub const PEER_FILE_BYTES_MAX: u64 = 4 * MIB as u64;
/// The longest address that is remembered, as text.
pub const ADDRESS_BYTES_MAX: usize = 256;
/// Reserved peers and boot nodes together.
pub const RESERVED_MAX: usize = 256;
