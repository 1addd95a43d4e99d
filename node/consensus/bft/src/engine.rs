//! A host in a node: what it wants done, is done here.
//!
//! ```text
//! network ─► messages ─┐                                  ┌─► log, keys: fsync, in place
//! timers ──────────────┼─► Host ─► actions, in order ─────┼─► network
//! chain, pool ─► jobs ─┘            ▲                     └─► jobs: build, execute, commit ─► back in as events
//! sync ─► chain: another block is final ─────────┘
//! ```

use std::{path::PathBuf, sync::Arc};

use basalt_consensus_api::{Engine, EngineError, Env};
use basalt_primitives::{CLAIM, EngineId, H256, OpaqueExtrinsic, votes::Evidence};
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use crate::{
    host::{Offence, Pace, PeerTag, Status},
    keys::Keys,
    timing::Timeouts,
};

mod bodies;
mod jobs;
mod run;
#[cfg(test)]
mod tests;

pub use bodies::Bodies;

/// Messages of others that may wait: they are dropped beyond, and sent again by whoever still needs them heard.
pub const MESSAGES_MAX: usize = 4096;

/// How the engine reaches the other validators.
pub trait Link: Send + Sync + 'static {
    /// To all validators.
    fn broadcast(&self, bytes: Vec<u8>);
    /// A peer did what no honest one does.
    fn report(&self, peer: PeerTag, offence: &Offence);
    /// The body of a block whose extrinsics have this root, from the peer who spoke of it or any other. None if nobody
    /// gave it.
    fn fetch(
        &self,
        hash: H256,
        root: H256,
        from: PeerTag,
    ) -> BoxFuture<'static, Option<Vec<OpaqueExtrinsic>>>;
    /// The others are further than we are.
    fn behind(&self, peer: PeerTag, height: u64);
}

/// How the engine works.
pub struct Config {
    /// When heights begin.
    pub pace: Pace,
    /// How long to wait for others.
    pub timeouts: Timeouts,
    /// For how long to look, after the start, whether somebody else signs with our key.
    pub listen: std::time::Duration,
    /// The file of the log.
    pub log: PathBuf,
}

/// What others may see of a running engine.
#[derive(Clone)]
pub struct Monitor {
    /// Where the agreement stands; none before it begins.
    pub status: watch::Receiver<Option<Status>>,
    /// Validators that signed twice, as they are found.
    pub evidence: watch::Receiver<Vec<Evidence>>,
}

/// A message of a peer, as it came.
pub type Incoming = (PeerTag, Vec<u8>);

/// Agrees with the other validators on each block.
pub struct BftEngine {
    config: Config,
    keys: Box<dyn Keys>,
    link: Arc<dyn Link>,
    messages: mpsc::Receiver<Incoming>,
    status: watch::Sender<Option<Status>>,
    evidence: watch::Sender<Vec<Evidence>>,
    bodies: Arc<Bodies>,
}

impl BftEngine {
    /// An engine, and what can be seen of it. Messages come from `messages`, which should hold
    /// [`MESSAGES_MAX`]; bodies of proposed blocks lie in `bodies`.
    pub fn new(
        config: Config,
        keys: Box<dyn Keys>,
        link: Arc<dyn Link>,
        messages: mpsc::Receiver<Incoming>,
        bodies: Arc<Bodies>,
    ) -> (Self, Monitor) {
        let (status, status_of) = watch::channel(None);
        let (evidence, evidence_of) = watch::channel(Vec::new());
        let monitor = Monitor { status: status_of, evidence: evidence_of };
        (Self { config, keys, link, messages, status, evidence, bodies }, monitor)
    }
}

impl Engine for BftEngine {
    fn id(&self) -> EngineId {
        CLAIM
    }

    fn run(self: Box<Self>, env: Env) -> BoxFuture<'static, Result<(), EngineError>> {
        Box::pin(run::run(*self, env))
    }
}
