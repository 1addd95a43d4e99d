//! Run whole nodes as processes, over real RPC and real sockets.
//!
//! # Responsibility
//!
//! - [`Node`]: starts the real binary on a free port, waits until it is ready, stops or kills it by its own pid, and
//!   never leaves it behind.
//!
//! The tests are in `tests/it`. They need the binary: `cargo build -p basalt-node`, or `BASALT_BIN`.
//!
//! # Out of scope
//!
//! Other people's client libraries: `tests/clients`.

mod node;

pub use node::{Exit, Node, binary};
