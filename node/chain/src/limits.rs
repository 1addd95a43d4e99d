//! How much is too much.

/// The most blocks above the finalised one. Each is a layer that reads pass through and about half a kilobyte per
/// changed key in RAM; engines that finalise never come near, and a developer who seals by hand is told to finalise.
pub const UNFINALIZED_MAX: usize = 1024;

/// The most bytes of an encoded block, checked before it is decoded. A runtime's own limit (5 MiB by default)
/// counts only what transactions fill; this one leaves room for the header, inherents and larger runtimes.
pub const BLOCK_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most bytes of a header's digest: a certificate or VRF proof fits many times, a burden for every light client
/// does not.
pub const DIGEST_BYTES_MAX: usize = 64 * 1024;

/// Events kept for a subscriber that is slow. One that falls further behind is told so by its channel, and reads the
/// chain itself.
pub const EVENTS_KEPT: usize = 1024;

/// Reports kept of how blocks were run, the latest: about a kilobyte each, four if many keys conflicted.
pub const REPORTS_KEPT: usize = 256;

/// Blocks that may be accepted and not yet durable. Two: one that is being written, and the next one, which was
/// executed meanwhile. More would only be further ahead of the disk, and each holds its changes in memory. A state that
/// one of them is executed on reaches this many blocks back into the history, so a database that keeps less history
/// writes each block before the next one is accepted.
pub const IN_FLIGHT_MAX: usize = 2;

/// How far [`Chain::import_many`](crate::Chain::import_many) runs ahead of what is accepted: a block whose root is
/// computed, one that waits for that, one that is executed, one that waits for that, and one whose signatures are
/// verified.
pub const IMPORT_AHEAD: usize = 5;

/// The most blocks whose contents are kept in memory for those who follow the chain. Nobody is further behind than
/// that, unless blocks are tiny.
pub const RECENT_BLOCKS: usize = 64;

/// The most bytes that their extrinsics may have: eight blocks at the usual limit.
pub const RECENT_BYTES: usize = 40 * 1024 * 1024;
