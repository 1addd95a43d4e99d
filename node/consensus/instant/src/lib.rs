//! Seal blocks for development: when a transaction arrives, at an interval, or on request.
//!
//! # Responsibility
//!
//! - [`InstantEngine`] makes every block of a chain of one node, at the times that [`Seal`] names, and makes it final
//!   at once unless it is told otherwise.
//! - In every mode it makes and finalises blocks on request too (`engine_createBlock`, `engine_finalizeBlock`), on any
//!   parent: so forks and reorganisations can be played through.
//!
//! # Flow
//!
//! ```text
//! wait: stop? request? ready transaction (Instant)? time (Interval)?
//!   └─► the pool has settled on the head ─► its ready transactions ─► build ─► import ─► drop what was refused ─► wait
//! ```
//!
//! # Invariants
//!
//! - A block's time is after that of the block before it, whatever the clock does.
//! - Whatever is ready goes into one block, up to its limits; what remains goes into the next one, without waiting for
//!   another transaction.
//! - Without a transaction there is no block, but for an interval with `create_empty`, or on request.
//! - What the builder found invalid leaves the pool, unless it may become valid: too early by nonce, or no room left.
//!
//! # Assumptions
//!
//! - This engine is the only one that makes blocks here, and `basalt_consensus_api::feed_pool` runs.
//!
//! # Usage
//!
//! ```
//! use basalt_consensus_instant::{Config, InstantEngine, Seal};
//! use std::time::Duration;
//! let engine = InstantEngine::new(Config { seal: Seal::Interval(Duration::from_secs(2)), ..Config::default() });
//! # let _ = engine;
//! ```
//!
//! # Out of scope
//!
//! Agreement with other nodes: there is none, so this is for development only.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod sealer;

use std::time::Duration;

use basalt_consensus_api::{Engine, EngineError, Env, INSTANT};
use basalt_primitives::{AccountId, EngineId};
use futures::future::BoxFuture;

use sealer::Sealer;

/// When a block is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Seal {
    /// As soon as a transaction is ready.
    #[default]
    Instant,
    /// Each time that this much has passed; at least a millisecond.
    Interval(Duration),
    /// On request only.
    Manual,
}

/// How blocks are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// When.
    pub seal: Seal,
    /// Who earns the author's share of fees. The header names it.
    pub author: Option<AccountId>,
    /// Whether blocks made without a request are final at once.
    pub finalize: bool,
    /// Whether [`Seal::Interval`] makes blocks without transactions.
    pub create_empty: bool,
}

impl Default for Config {
    /// A final block for each burst of transactions.
    fn default() -> Self {
        Self { seal: Seal::Instant, author: None, finalize: true, create_empty: true }
    }
}

/// The development engine.
#[derive(Debug, Clone)]
pub struct InstantEngine {
    config: Config,
}

impl InstantEngine {
    /// An engine that makes blocks this way.
    pub fn new(config: Config) -> Self {
        Self { config }
    }
}

impl Engine for InstantEngine {
    fn id(&self) -> EngineId {
        INSTANT
    }

    fn run(self: Box<Self>, env: Env) -> BoxFuture<'static, Result<(), EngineError>> {
        Box::pin(Sealer::new(self.config, env).run())
    }
}
