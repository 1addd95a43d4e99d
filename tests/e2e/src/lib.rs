//! Run whole nodes as processes, over real RPC and real sockets.
//!
//! # Responsibility
//!
//! - [`Node`]: starts the real binary on a free port, waits until it is ready, stops or kills it by its own pid, and
//!   never leaves it behind.
//! - [`localnet`]: the same for a whole network.
//! - [`rpc`]: a client of theirs.
//! - [`Proxy`]: a stretch of a network that can be cut and mended.
//! - [`process`]: what a process costs, as the system counts it.
//!
//! The tests are in `tests/it`, and of networks in `tests/network`. They need the binary: `cargo build -p basalt-node`, or `BASALT_BIN`.
//!
//! # Out of scope
//!
//! Other people's client libraries: `tests/clients`.

pub mod localnet;
mod node;
pub mod process;
mod proxy;
pub mod rpc;

pub use node::{Exit, Node, binary};
pub use proxy::Proxy;
