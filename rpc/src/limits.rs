//! How much of everything a client gets.

use std::time::Duration;

/// Open connections. As the reference node: enough for a wallet backend, and 100 × [`MESSAGES_BUFFERED_MAX`] bounds
/// what slow readers keep in memory.
pub const CONNECTIONS_MAX: u32 = 100;

/// Subscriptions of one connection. As the reference node; an explorer page holds about a hundred.
pub const SUBSCRIPTIONS_PER_CONNECTION_MAX: u32 = 1024;

/// Bytes of a request. As the reference node: room for an uploaded contract in hex several times over.
pub const REQUEST_BYTES_MAX: u32 = 15 * 1024 * 1024;

/// Bytes of an answer. As the reference node: several times the metadata of a large runtime in hex.
pub const RESPONSE_BYTES_MAX: u32 = 15 * 1024 * 1024;

/// Calls in one batch. Clients batch pages of a map, some hundreds; without a limit one request could ask for the
/// answer to 300,000 calls.
pub const BATCH_REQUESTS_MAX: u32 = 4096;

/// Messages that wait for one connection to read them; further ones wait with their sender. As the reference node.
pub const MESSAGES_BUFFERED_MAX: u32 = 64;

/// How often a silent connection is pinged. One client drops a socket that is silent for 40 s.
pub const PING_INTERVAL: Duration = Duration::from_secs(30);

/// After how long without a pong a ping counts as missed: two pings.
pub const PONG_WAIT: Duration = Duration::from_secs(60);

/// How many pings in a row may be missed before the connection is closed.
pub const PINGS_MISSED_MAX: usize = 3;

/// How long a notification waits for room in a connection's buffer before its subscription is dropped. Long enough
/// for a browser tab in the background, which runs its timers once a minute at worst but still reads its sockets.
pub const SLOW_SUBSCRIBER_WAIT: Duration = Duration::from_secs(30);

/// Keys in one answer of `state_getKeysPaged`. As the reference node: clients ask for exactly this many.
pub const KEYS_PER_PAGE_MAX: u32 = 1000;

/// Keys in an answer of the unpaged `state_getKeys` and `state_getPairs`, which have no way to go on.
pub const KEYS_UNPAGED_MAX: usize = 10_000;

/// Keys of one `state_subscribeStorage`. Each is read at every block; wallets watch tens, explorers hundreds.
pub const KEYS_SUBSCRIBED_MAX: usize = 1024;

/// Keys of one `state_getReadProof`. A proof has about 1 kB in a state of a million keys.
pub const KEYS_PROVED_MAX: usize = 1000;

/// How far below the finalised block a state may be proved: an old root is reached by undoing every block since, while
/// new roots wait; the database keeps what this many blocks undo in memory.
pub const PROOF_DEPTH_MAX: u32 = 32;

/// Blocks that a subscriber's task remembers to find where a fork left the chain it told about. A reorganisation
/// deeper than this is told from here on; engines finalise within a few blocks.
pub const BLOCKS_REMEMBERED_MAX: usize = 4096;

/// Long calls at work at a time, for each core: one computes while one reads.
pub const WORKERS_PER_CORE: usize = 2;

/// Contracts that are looked at to find whose storage a key in a report belongs to: some ten milliseconds. What is not found
/// keeps the id of its storage for a name.
pub const CONTRACTS_SEARCHED_MAX: usize = 10_000;
