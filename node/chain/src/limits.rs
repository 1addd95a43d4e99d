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
