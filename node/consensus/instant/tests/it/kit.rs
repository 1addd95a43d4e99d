//! A node of one: chain, pool, feed and engine.

use std::{sync::Arc, time::Duration};

use basalt_chain::{BlockId, Chain, ChainEvent};
use basalt_consensus_api::{Clock, Engine, EngineError, EngineHandle, Env, Shutdown, Stop, feed_pool};
use basalt_consensus_instant::{Config, InstantEngine};
use basalt_db::{Db, Durability, Pruning};
use basalt_pool::{Head, Limits, PoolHandle, PoolService, start};
use basalt_primitives::H256;
use basalt_state::StateRead;
use basalt_verifier::Verifier;
use futures::future::BoxFuture;
use parity_scale_codec::Decode;
use tempfile::TempDir;
use tokio::{
    sync::{broadcast, watch},
    task::JoinHandle,
};

use crate::toy::Toy;

/// Where the clock begins.
pub(crate) const START: u64 = 1_000_000;

/// Stands still until it is turned.
pub(crate) struct Hands {
    now: watch::Sender<u64>,
    /// How many sleep.
    sleepers: Arc<watch::Sender<usize>>,
}

struct Sleeper(Arc<watch::Sender<usize>>);

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Hands {
    fn new() -> Self {
        Self { now: watch::Sender::new(START), sleepers: Arc::new(watch::Sender::new(0)) }
    }

    /// Turns on, while the engine may be doing anything.
    pub(crate) fn turn(&self, ms: u64) {
        self.now.send_modify(|now| *now += ms);
    }

    /// Turns on once the engine sleeps, so that it sleeps from the old time.
    pub(crate) async fn turn_on_sleepers(&self, ms: u64) {
        self.sleepers.subscribe().wait_for(|count| *count > 0).await.expect("the sender is here");
        self.turn(ms);
    }
}

impl Clock for Hands {
    fn now_ms(&self) -> u64 {
        *self.now.borrow()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let due = self.now_ms() + duration.as_millis() as u64;
        let mut now = self.now.subscribe();
        self.sleepers.send_modify(|count| *count += 1);
        let sleeper = Sleeper(self.sleepers.clone());
        Box::pin(async move {
            let _sleeper = sleeper;
            if now.wait_for(|now| *now >= due).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// Chain and pool, which nothing connects yet.
pub(crate) struct Parts {
    pub(crate) chain: Arc<Chain>,
    pub(crate) pool: PoolHandle,
    service: PoolService,
    dir: TempDir,
}

impl Parts {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let config = basalt_db::Config {
            pruning: Pruning::Archive,
            cache_bytes: 1 << 20,
            durability: Durability::Off,
        };
        let db = Db::open(dir.path(), config).expect("an empty database");
        let verifier = Arc::new(Verifier::new(1024));
        let chain = Chain::open(db, Arc::new(Toy), b"instant", Default::default(), verifier.clone())
            .expect("an empty database");
        let BlockId { hash, number } = chain.best();
        let head = Head { hash, number, state: Arc::new(chain.state_at(&hash).expect("genesis")) };
        let (pool, service) =
            start(Arc::new(Toy), verifier, head, Limits::production()).expect("a thread for the pool");
        Self { chain, pool, service, dir }
    }

    pub(crate) fn run(self, config: Config) -> Kit {
        let Self { chain, pool, service, dir } = self;
        let feed = tokio::spawn(feed_pool(chain.clone(), pool.clone()));
        let clock = Arc::new(Hands::new());
        let (handle, commands) = EngineHandle::new();
        let (stop, shutdown) = Shutdown::new();
        let events = chain.subscribe();
        let env = Env { chain: chain.clone(), pool: pool.clone(), clock: clock.clone(), commands, shutdown };
        let engine = tokio::spawn(Box::new(InstantEngine::new(config)).run(env));
        Kit { chain, pool, clock, handle, events, engine, stop, feed, _service: service, _dir: dir }
    }
}

pub(crate) struct Kit {
    pub(crate) chain: Arc<Chain>,
    pub(crate) pool: PoolHandle,
    pub(crate) clock: Arc<Hands>,
    pub(crate) handle: EngineHandle,
    pub(crate) events: broadcast::Receiver<ChainEvent>,
    engine: JoinHandle<Result<(), EngineError>>,
    stop: Stop,
    feed: JoinHandle<Result<(), EngineError>>,
    _service: PoolService,
    _dir: TempDir,
}

impl Kit {
    pub(crate) fn new(config: Config) -> Self {
        Parts::new().run(config)
    }

    /// Waits for the next block of the chain.
    pub(crate) async fn next_block(&mut self) -> BlockId {
        loop {
            if let ChainEvent::Imported { id, .. } = self.events.recv().await.expect("the chain lives") {
                return id;
            }
        }
    }

    /// Waits until the next block is final.
    pub(crate) async fn next_final(&mut self) -> BlockId {
        loop {
            if let ChainEvent::Finalized { ids, .. } = self.events.recv().await.expect("the chain lives") {
                return *ids.last().expect("an event of something");
            }
        }
    }

    /// How many transactions a block holds besides its inherent.
    pub(crate) fn transactions(&self, block: &H256) -> usize {
        self.chain.body(block).expect("a readable database").expect("a known block").len() - 1
    }

    /// The time that a block says.
    pub(crate) fn time(&self, block: &H256) -> u64 {
        let state = self.chain.state_at(block).expect("a known block");
        let now = state.get(b"now").expect("a readable state").expect("a block has a time");
        u64::decode(&mut &now[..]).expect("eight bytes")
    }

    /// Waits until the pool knows the head.
    pub(crate) async fn settle(&self) {
        let chain = &self.chain;
        let mut head = self.pool.subscribe_head();
        head.wait_for(|(hash, _)| *hash == chain.best().hash).await.expect("the pool lives");
    }

    pub(crate) async fn stop(self) {
        self.stop.stop();
        self.engine.await.expect("no panic").expect("no error");
        self.feed.abort();
    }
}
