//! How much is too much.

/// The most validators of a set. Each header is voted on by all of them, twice, and a certificate of all of them fits
/// into a message.
pub const VALIDATORS_MAX: usize = 400;

/// The most bytes of a message between validators: as many as the network carries.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// The most memory of a message that was read. What honest validators send takes less than twice its bytes, but for
/// bodies of very short extrinsics.
pub const MESSAGE_MEMORY_BYTES_MAX: usize = 4 * MESSAGE_BYTES_MAX;

/// The most bytes of a header in a proposal.
pub const HEADER_BYTES_MAX: usize = 32 * 1024;

/// Bodies up to this size travel with the proposal; larger ones are asked for.
pub const INLINE_BODY_BYTES_MAX: usize = 24 * 1024;

/// Bodies of blocks of the current height that are kept for others to ask for, besides those in the log.
pub const BODIES_MAX: usize = 32;

/// How often a body is asked for before its block counts as unknown: the round goes on without it then.
pub const FETCHES_MAX: u32 = 20;

/// Heights before the current one that are still watched for who signs twice.
pub const WATCHED_HEIGHTS: u64 = 64;

/// Messages of one validator and height that others are compared with: those of four rounds. With the most validators and
/// two rounds at each height this takes some 20 MB.
pub const WATCHED_PER_VALIDATOR_MAX: usize = 12;

/// Evidence that waits for somebody to look at it: the newest.
pub const EVIDENCE_MAX: usize = 256;

/// Messages for the next height that are kept until it begins, of all peers.
pub const EARLY_MAX: usize = 4096;

/// And of one peer, so that none pushes out what others say. More of an honest one comes again.
pub const EARLY_PER_PEER_MAX: usize = 64;

/// Over how many certificates it is counted who voted. With the most validators, each certificate takes 40 KB.
pub const TURNOUT_CERTIFICATES: usize = 100;

/// Signatures of one height that are remembered as good.
pub const VERIFIED_MAX: usize = 1 << 16;

/// Different blocks of one height that are executed for their proposals: two per round by the core, and an honest
/// network needs one.
pub const CANDIDATES_MAX: usize = 32;

/// The largest log of one height: entries beyond it are refused, and the validator stops signing.
pub const LOG_BYTES_MAX: u64 = 256 * 1024 * 1024;
