//! How much is too much, and how long too long.

use std::time::Duration;

use basalt_network::limits::{BLOCK_RESPONSE_BYTES_MAX, BLOCKS_PER_REQUEST_MAX};

/// The most blocks that are asked for at once, and that one set of validators is believed for without being read again.
pub const BATCH_BLOCKS_MAX: u32 = BLOCKS_PER_REQUEST_MAX;

/// The most extrinsics and digest items of one answer. A signed extrinsic has more than 100 bytes and each of them costs
/// some 50 more in memory, so an answer full of honest ones is well below, and one of millions of empty ones is not taken.
pub const BATCH_PARTS_MAX: usize = BLOCK_RESPONSE_BYTES_MAX / 64;

/// Answers that are under way, or wait to be imported, or are being imported: eight of 8 MiB. Enough blocks ahead that
/// an import, which takes milliseconds, never waits for an answer, which takes a hundred.
pub const RANGES_MAX: usize = 8;

/// Questions that are open with one peer.
pub const REQUESTS_PER_PEER_MAX: usize = 2;

/// How long a peer may take for an answer: 8 MiB at 10 Mbit/s. Who is slower is asked for less.
pub const RANGE_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a peer that did wrong is not asked. It doubles each time, [`COOL_OFF_DOUBLINGS_MAX`] times at most, until
/// blocks of it were imported.
pub const COOL_OFF: Duration = Duration::from_secs(10);

/// See [`COOL_OFF`]: about 10 minutes at most.
pub const COOL_OFF_DOUBLINGS_MAX: u32 = 6;

/// How long a peer is not asked that had no time. It doubles each time, [`BUSY_DOUBLINGS_MAX`] times at most.
pub const BUSY_PAUSE: Duration = Duration::from_millis(200);

/// See [`BUSY_PAUSE`]: 3.2 seconds at most.
pub const BUSY_DOUBLINGS_MAX: u32 = 4;

/// Peers that are gone and whose wrongs are remembered, so that coming back does not clear them.
pub const ABSENT_MAX: usize = 128;

/// Who is so many blocks behind does not wait for the agreement to bring them.
pub const FAR_BEHIND: u32 = 8;

/// Who is more blocks behind than this says that it is syncing.
pub const SYNCING_ABOVE: u32 = 5;

/// How long nothing is imported after this node had trouble of its own.
pub const TROUBLE_PAUSE: Duration = Duration::from_secs(10);

/// How long to wait when the chain has moved under an import.
pub const OVERTAKEN_PAUSE: Duration = Duration::from_millis(50);

/// Questions of peers that are read from the disk at the same time: whoever votes needs the processor, too.
pub const SERVED_AT_ONCE: usize = 2;

/// Questions of peers that may wait for that. The network lets no more through.
pub const SERVED_WAITING_MAX: usize = basalt_network::limits::REQUESTS_SERVED_MAX * 2;

/// How long all of [`fetch_body`](crate::fetch_body) may take.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// After so long without an answer the next peer is asked, too.
pub const FETCH_STAGGER: Duration = Duration::from_millis(150);

/// How long a peer is left alone that had no time, or not the body yet.
pub const FETCH_PAUSE: Duration = Duration::from_millis(100);

/// Peers that are asked for one body.
pub const FETCH_PEERS_MAX: usize = 8;
