//! The loop.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use basalt_chain::{BlockId, BuiltBlock, Chain};
use basalt_consensus_api::{EngineError, Env};
use basalt_primitives::{AccountId, H256, Header, OpaqueExtrinsic, votes::Evidence};
use tokio::{
    sync::{broadcast::error::RecvError, mpsc, watch},
    time::Instant,
};

use super::{
    BftEngine, Link,
    jobs::{Done, Jobs, Order, Work, ground},
};
use crate::{
    claim::claim_of,
    host::{Action, Config as HostConfig, Event, Ground, Host, Offence, Status, Timer},
    limits::{EVIDENCE_MAX, INLINE_BODY_BYTES_MAX},
    log::{Entry, FileStorage, Log, LogError},
    wire::{Message, inline_bytes},
};

/// Answers of jobs that may wait: more than jobs can run at once.
const JOBS_MAX: usize = 256;

/// What wakes the loop.
enum Wake {
    Stop,
    Message(super::Incoming),
    Done(Done),
    Timer(Timer),
    Chain,
    Ready,
    PoolStopped,
    Asked(basalt_consensus_api::Command),
}

struct Loop {
    host: Host,
    log: Log<FileStorage>,
    chain: Arc<Chain>,
    link: Arc<dyn Link>,
    jobs: Jobs,
    height: watch::Sender<u32>,
    bodies: Arc<super::Bodies>,
    status: watch::Sender<Option<Status>>,
    evidence: watch::Sender<Vec<Evidence>>,
    timers: BTreeMap<Timer, Instant>,
    /// Blocks of this height that were executed here.
    built: HashMap<H256, Box<BuiltBlock>>,
    /// Bodies that the log of before the start holds.
    logged: HashMap<H256, Vec<OpaqueExtrinsic>>,
    began: Instant,
}

pub(super) async fn run(engine: BftEngine, env: Env) -> Result<(), EngineError> {
    let BftEngine { config, keys, link, mut messages, status, evidence, bodies } = engine;
    let Env { chain, pool, clock, mut commands, mut shutdown } = env;
    let (log, recovered) = blocking_here(|| {
        let storage =
            FileStorage::open(&config.log).map_err(|error| LogError::Io { what: "opened", error })?;
        Log::open(storage, chain.genesis_hash())
    })
    .map_err(halted)?;
    let mut logged = HashMap::new();
    for entry in recovered.iter().flat_map(|found| &found.entries) {
        if let Entry::Body(hash, body) = entry {
            bodies.insert(*hash, body);
            logged.insert(*hash, body.clone());
        }
    }
    let ground = ground(&chain, chain.finalized())?;
    let host_config = HostConfig {
        genesis: chain.genesis_hash(),
        pace: config.pace,
        timeouts: config.timeouts,
        listen: config.listen,
    };
    // From here on, so that no event is missed between this look and the first one.
    let mut events = chain.subscribe();
    let mut ready = pool.subscribe_ready();
    ready.mark_changed();
    let began = Instant::now();
    let (host, actions) = Host::new(host_config, keys, ground, recovered, Duration::ZERO).map_err(halted)?;
    let (done, mut results) = mpsc::channel(JOBS_MAX);
    let (height, at) = watch::channel(host.height());
    let jobs = Jobs { chain: chain.clone(), pool, clock, link: link.clone(), done, height: at };
    let mut state = Loop {
        host,
        log,
        chain,
        link,
        jobs,
        height,
        bodies,
        status,
        evidence,
        timers: BTreeMap::new(),
        built: HashMap::new(),
        logged,
        began,
    };
    state.carry_out(actions)?;
    let mut commands_open = true;
    let mut messages_open = true;
    loop {
        let next = state.timers.iter().min_by_key(|(_, due)| **due).map(|(timer, due)| (*timer, *due));
        let timer = async {
            match next {
                Some((timer, due)) => {
                    tokio::time::sleep_until(due).await;
                    timer
                }
                None => std::future::pending().await,
            }
        };
        // Messages before timers: what has come in time shall count, however busy the machine is.
        let wake = tokio::select! {
            biased;
            () = shutdown.requested() => Wake::Stop,
            command = commands.recv(), if commands_open => match command {
                Some(command) => Wake::Asked(command),
                None => {
                    commands_open = false;
                    continue;
                }
            },
            Some(done) = results.recv() => Wake::Done(done),
            message = messages.recv(), if messages_open => match message {
                Some(message) => Wake::Message(message),
                None => {
                    messages_open = false;
                    continue;
                }
            },
            event = events.recv() => match event {
                Ok(_) | Err(RecvError::Lagged(_)) => Wake::Chain,
                Err(RecvError::Closed) => Wake::Stop,
            },
            changed = ready.changed() => match changed {
                Ok(()) => Wake::Ready,
                Err(_) => Wake::PoolStopped,
            },
            timer = timer => Wake::Timer(timer),
        };
        match wake {
            Wake::Stop => return Ok(()),
            Wake::PoolStopped => return Err(EngineError::PoolStopped),
            Wake::Asked(command) => command.refuse("bft"),
            Wake::Message((peer, bytes)) => match Event::read(peer, &bytes) {
                Ok(event) => state.handle(event)?,
                Err(error) => {
                    let offence = Offence::BadProposal(error.to_string());
                    state.link.report(peer, &offence);
                }
            },
            Wake::Done(done) => state.on_done(done)?,
            Wake::Timer(timer) => {
                state.timers.remove(&timer);
                state.handle(Event::Elapsed(timer))?;
            }
            Wake::Chain => state.on_chain()?,
            Wake::Ready => state.jobs.look(state.chain.best().hash),
        }
    }
}

impl Loop {
    fn handle(&mut self, event: Event) -> Result<(), EngineError> {
        let now = self.began.elapsed();
        let actions = self.host.handle(now, event).map_err(halted)?;
        self.carry_out(actions)
    }

    fn on_done(&mut self, done: Done) -> Result<(), EngineError> {
        match done {
            Done::Built { round, built } => {
                let header = built.block().header.clone();
                if header.number != self.host.height() {
                    return Ok(());
                }
                self.keep(built)?;
                self.handle(Event::Built { round, header })
            }
            Done::Executed { hash, built, verdict } => {
                if let Some(built) = built.filter(|built| built.id().number == self.host.height()) {
                    self.keep(built)?;
                }
                self.handle(Event::Executed { hash, verdict })
            }
            Done::Committed { ground, transactions } => {
                let BlockId { hash, number } = ground.parent;
                // Empty blocks, which never end, would hide everything else.
                if transactions > 0 {
                    tracing::info!(number, transactions, ?hash, "block final");
                } else {
                    tracing::debug!(number, ?hash, "empty block final");
                }
                self.advance(*ground)
            }
            Done::Ready { at, ready } => {
                if at == self.chain.best().hash {
                    self.handle(Event::Ready(ready))
                } else {
                    Ok(())
                }
            }
            Done::Failed(error) if error.is_fatal() => Err(error),
            Done::Failed(error) => {
                tracing::warn!(%error, "no block was made");
                Ok(())
            }
        }
    }

    /// Keeps a block that was executed here, and its body where it survives a crash of all.
    fn keep(&mut self, built: Box<BuiltBlock>) -> Result<(), EngineError> {
        let hash = built.id().hash;
        let body = &built.block().extrinsics;
        self.bodies.insert(hash, body);
        if !self.logged.contains_key(&hash) && self.log.height() == self.host.height() {
            let entry = Entry::Body(hash, body.clone());
            blocking_here(|| self.log.append(&entry)).map_err(halted)?;
            // Only that it was: the body itself is in `built`.
            self.logged.insert(hash, Vec::new());
        }
        self.built.insert(hash, built);
        Ok(())
    }

    /// Whether another way brought a final block.
    fn on_chain(&mut self) -> Result<(), EngineError> {
        let finalized = self.chain.finalized();
        if finalized.number < self.host.height() {
            return Ok(());
        }
        let ground = ground(&self.chain, finalized)?;
        self.advance(ground)
    }

    fn advance(&mut self, ground: Ground) -> Result<(), EngineError> {
        if ground.parent.number < self.host.height() {
            return Ok(());
        }
        let hash = ground.parent.hash;
        self.built.clear();
        self.logged.clear();
        self.height.send_replace(ground.parent.number.saturating_add(1));
        // What is ready now is what was not in that block; until the pool has said so, nothing counts as ready.
        self.handle(Event::Ready(false))?;
        self.handle(Event::Durable(ground))?;
        self.jobs.look(hash);
        Ok(())
    }

    fn carry_out(&mut self, actions: Vec<Action>) -> Result<(), EngineError> {
        for action in actions {
            match action {
                Action::Begin(height) => {
                    self.logged.clear();
                    blocking_here(|| self.log.begin(height)).map_err(halted)?;
                }
                Action::Append(entry) => blocking_here(|| self.log.append(&entry)).map_err(halted)?,
                Action::Sync => {
                    let (log, host) = (&mut self.log, &mut self.host);
                    // The log first: what the keys remember must never be ahead of a log that could have been.
                    blocking_here(|| {
                        log.sync()?;
                        host.sync_keys().map_err(|error| LogError::Io { what: "written", error })
                    })
                    .map_err(halted)?;
                }
                Action::Broadcast(message) => {
                    let message = self.with_body(message);
                    self.link.broadcast(parity_scale_codec::Encode::encode(&message));
                }
                Action::Schedule(timer, after) => {
                    self.timers.insert(timer, Instant::now() + after);
                }
                Action::Cancel(timer) => {
                    self.timers.remove(&timer);
                }
                Action::CancelSteps => self.timers.retain(|timer, _| !timer.is_step()),
                Action::Build { height, round, parent, author, digest, patience, votes } => {
                    self.jobs.build(Order { height, round, parent, author, digest, patience, votes });
                }
                Action::Execute { hash, header, body, from } => {
                    let body = body.or_else(|| self.known_body(&hash));
                    let author = self.author(&header);
                    self.jobs.execute(Work { hash, header, author, body, from });
                }
                Action::Commit { block, header, justification } => {
                    let built = self.built.remove(&block.hash);
                    let body = self.known_body(&block.hash);
                    let author = self.author(&header);
                    let work = Work { hash: block.hash, header, author, body, from: u64::MAX };
                    self.jobs.commit(block, work, built, justification);
                }
                Action::Behind { height, peer } => self.link.behind(peer, height),
                Action::Report { peer, offence } => self.link.report(peer, &offence),
                Action::Punish(found) => {
                    let offender: String = found.key.iter().map(|byte| format!("{byte:02x}")).collect();
                    tracing::warn!("validator 0x{offender} signed twice");
                    self.evidence.send_modify(|all| {
                        // The newest stay: whoever looks has seen the others long ago.
                        if all.len() >= EVIDENCE_MAX {
                            all.remove(0);
                        }
                        all.push(found);
                    });
                }
            }
        }
        self.status.send_replace(Some(self.host.status()));
        Ok(())
    }

    fn known_body(&self, hash: &H256) -> Option<Vec<OpaqueExtrinsic>> {
        self.bodies.get(hash).map(|body| body.to_vec())
    }

    /// Small bodies travel with their proposals.
    fn with_body(&self, message: Message) -> Message {
        let Message::Proposal(proposal, None) = message else { return message };
        let body = self
            .known_body(&proposal.header.hash())
            .filter(|body| inline_bytes(body) <= INLINE_BODY_BYTES_MAX);
        Message::Proposal(proposal, body)
    }

    /// Who earns for a block: the host has checked that the header says so rightly.
    fn author(&self, header: &Header) -> Option<AccountId> {
        let place = usize::try_from(claim_of(header).ok()?.validator).ok()?;
        self.host.members().all().get(place).map(|member| member.account)
    }
}

fn halted(error: impl std::fmt::Display) -> EngineError {
    EngineError::Halted(error.to_string())
}

/// Waits for the disk, while the other tasks of this thread go on elsewhere.
fn blocking_here<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}
