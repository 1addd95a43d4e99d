//! Answer JSON-RPC requests over HTTP and WebSocket.
//!
//! # Responsibility
//!
//! - Serve the methods that `basalt-rpc-api` names on one port: WebSocket, HTTP `POST`, and `GET /health`.
//! - Follow the chain for subscribers, and keep every client within its limits ([`limits`]).
//! - Name the pallet, item and entry behind a raw storage key ([`KeyNames`]).
//! - Say what went wrong in the reference node's codes and words: one table, in `error.rs`.
//!
//! # Flow
//!
//! ```text
//! socket ─► origin check, CORS ─► jsonrpsee ─► family (chain, state, author, …) ─► chain, pool, engine, network
//!                                                 └─ long work ─► workers (a bounded share of the blocking threads)
//! chain events ─► wake up ─► walk the chain from what was sent last ─► subscriber
//! ```
//!
//! # Invariants
//!
//! - A subscriber gets each head once and in order, however late its task wakes up: events only wake it, what to send
//!   is read from the chain. Tested on random trees in `follow/tests.rs` and over sockets in `tests/it`.
//! - The answer to a subscribe call leaves before its first notification. Tested in `tests/it`.
//! - `rpc_methods` lists exactly what is served, in every spelling. Tested in `tests/it`.
//! - No lock is held across an await; whatever may take long runs on a blocking thread.
//!
//! # Assumptions
//!
//! - A chain event is sent after its block can be read.
//! - Whoever reaches a loopback address may use the unsafe methods, unless a browser sent them from a foreign page.
//!
//! # Usage
//!
//! ```no_run
//! # async fn example(services: basalt_rpc::Services) -> Result<(), basalt_rpc::RpcError> {
//! let running = basalt_rpc::Server::start(basalt_rpc::Config::default(), services).await?;
//! println!("ws://{}", running.local_addr);
//! running.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Out of scope
//!
//! Names and shapes of methods: `basalt-rpc-api`. TLS: a reverse proxy's task.

mod author;
mod basalt;
mod chain;
mod child_state;
mod config;
mod engine;
mod error;
mod follow;
mod grandpa;
mod keys;
mod keystore;
pub mod limits;
mod node;
mod origin;
mod payment;
mod peers;
mod server;
mod state;
mod subscriptions;
mod system;

pub use config::{Config, Cors, PORT, UnsafeMethods};
pub use error::RpcError;
pub use keys::{ItemName, KeyNames, contracts::ChildId};
pub use node::{ChainInfo, Services};
pub use peers::{ConsensusStatus, NetworkError, NetworkStatus, NoNetwork};
pub use server::{Running, Server};
