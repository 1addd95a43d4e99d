//! Error codes, as the reference node uses them. Clients compare numbers, so none may change.
//!
//! Those of the pool (1010 to 1021) come with its errors, and those of `engine_*` (10000 to 20000) with the engine's.

/// No such method. The message must be exactly [`METHOD_NOT_FOUND_TEXT`]: clients compare it.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// What goes with [`METHOD_NOT_FOUND`].
pub const METHOD_NOT_FOUND_TEXT: &str = "Method not found";
/// Parameters that do not decode.
pub const INVALID_PARAMS: i32 = -32602;
/// The node's own fault.
pub const INTERNAL: i32 = -32603;
/// The answer is larger than the server sends.
pub const ANSWER_TOO_BIG: i32 = -32008;

/// `author_*`: bytes that are no extrinsic.
pub const AUTHOR_BAD_FORMAT: i32 = 1001;

/// `author_*`: no such type of keys.
pub const AUTHOR_KEY_TYPE: i32 = 1017;
/// `author_*`: a key that cannot be had or kept.
pub const AUTHOR_KEY: i32 = 1040;

/// `system_*` and `payment_*`: the runtime gave no answer.
pub const RUNTIME_ERROR: i32 = 1;
/// `system_*` and `payment_*`: the extrinsic does not decode.
pub const DECODE_ERROR: i32 = 2;

/// `chain_*`: the chain could not be read.
pub const CHAIN: i32 = 3000;

/// `state_*`: more keys asked for at once than are given.
pub const STATE_BAD_COUNT: i32 = 4002;
/// `state_*`: an unknown block, a discarded state, a failed call.
pub const STATE_CLIENT: i32 = 4003;

/// `system_*`: not the address or the id of a peer.
pub const SYSTEM_BAD_PEER: i32 = 2002;
/// `system_*`: the node has no network to change.
pub const SYSTEM_NO_NETWORK: i32 = 2003;

/// `basalt_*`: there is no such block.
pub const BASALT_UNKNOWN_BLOCK: i32 = 9001;
/// `basalt_*`: the block is there, but how it was run is not remembered, or it was never run here.
pub const BASALT_NO_REPORT: i32 = 9002;
/// `basalt_*`: nobody votes on this chain: one node seals it alone.
pub const BASALT_NO_VOTES: i32 = 9003;
