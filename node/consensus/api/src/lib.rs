//! Define what an engine decides and what it may ask of the node.
//!
//! # Responsibility
//!
//! - [`Engine`]: whoever decides which block comes next, and when. It owns the control flow; the node only starts it.
//! - [`Env`]: all that an engine may touch, so that a simulator can stand in for the world: chain, pool, [`Clock`],
//!   requests ([`Command`]), and the wish to stop ([`Shutdown`]).
//! - [`feed_pool`]: tells the pool what the chain decided, for every engine alike.
//!
//! # Flow
//!
//! ```text
//! RPC ─EngineHandle─► Command ─┐                          ┌─► Chain ─events─► feed_pool ─► Pool ─► watchers
//! Pool ─ready───────────────── ├─► Engine ─build, import─┘                                  │
//! Clock ─────────────────────  ┘      └───────────── waits until the pool has settled ◄─────┘
//! ```
//!
//! # Invariants
//!
//! - A watcher of a transaction hears of a block only after the block can be read: the feed starts from events, which
//!   the chain sends after its commit. Tested in `basalt-consensus-instant`.
//! - The feed needs no event in particular: it compares what it told the pool with what the chain says, so a slow
//!   reader that lost events loses nothing else.
//!
//! # Assumptions
//!
//! - The node runs [`feed_pool`] beside the engine. Without it the pool never settles, and engines wait for that.
//!
//! # Usage
//!
//! ```
//! use std::sync::Arc;
//! use basalt_chain::Chain;
//! use basalt_consensus_api::{Engine, EngineError, EngineHandle, Env, Shutdown, SystemClock, feed_pool};
//! use basalt_pool::PoolHandle;
//!
//! async fn run(engine: Box<dyn Engine>, chain: Arc<Chain>, pool: PoolHandle) -> Result<(), EngineError> {
//!     let (handle, commands) = EngineHandle::new();
//!     let (stop, shutdown) = Shutdown::new();
//!     let env = Env { chain: chain.clone(), pool: pool.clone(), clock: Arc::new(SystemClock), commands, shutdown };
//!     let ask = async {
//!         let block = handle.create_block(true, true, None).await?;
//!         stop.stop();
//!         Ok::<_, EngineError>(block)
//!     };
//!     tokio::select! {
//!         result = async { tokio::join!(engine.run(env), ask).0 } => result,
//!         result = feed_pool(chain, pool) => result,
//!     }
//! }
//! ```
//!
//! # Out of scope
//!
//! The engines themselves (`basalt-consensus-instant`, …); checking and keeping blocks (`basalt-chain`).
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod clock;
mod command;
mod digest;
mod error;
mod feed;
mod shutdown;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use basalt_chain::Chain;
use basalt_pool::PoolHandle;
use basalt_primitives::EngineId;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

pub use clock::{Clock, SystemClock};
pub use command::{COMMANDS_MAX, Command, Created, EngineHandle};
pub use digest::{INSTANT, NIMBUS, author_item, author_of};
pub use error::EngineError;
pub use feed::feed_pool;
pub use shutdown::{Shutdown, Stop};

/// Decides which block comes next.
pub trait Engine: Send {
    /// Marks its items in headers, and its justifications.
    fn id(&self) -> EngineId;

    /// Runs until [`Env::shutdown`] asks it to stop, which is no error.
    ///
    /// # Errors
    ///
    /// Only what is this node's own trouble, after which it should not go on: the node stops and says why.
    fn run(self: Box<Self>, env: Env) -> BoxFuture<'static, Result<(), EngineError>>;
}

/// All that an engine may touch.
pub struct Env {
    /// Blocks and states.
    pub chain: Arc<Chain>,
    /// Transactions that wait.
    pub pool: PoolHandle,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Requests of others; an engine answers each, if only that it does not do that.
    pub commands: mpsc::Receiver<Command>,
    /// When to stop.
    pub shutdown: Shutdown,
}
