//! Drives the state machine with the network, the chain and a clock.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use basalt_chain::Chain;
use basalt_network::{
    BlockRequestReceiver, Cost, NetworkHandle, PeerEvent, PeerEventReceiver, PeerId, RequestError,
};
use basalt_primitives::BlockNumber;
use tokio::{
    sync::{Notify, broadcast, oneshot, watch},
    task::{AbortHandle, JoinError, JoinHandle, JoinSet},
    time::{Instant, sleep_until},
};

use crate::{
    batch::Batch,
    import::{Author, Importer, Verify},
    machine::{Action, CatchUp, End, Failure, Outcome, RequestId},
    serve::{Proposed, Server},
};

/// What catching up needs of the rest of the node.
pub struct Config {
    /// Where blocks go, and where they are served from.
    pub chain: Arc<Chain>,
    /// Whom to ask.
    pub network: NetworkHandle,
    /// Who is there.
    pub peers: PeerEventReceiver,
    /// Who asks us.
    pub requests: BlockRequestReceiver,
    /// Knows certificates.
    pub verify: Verify,
    /// Knows authors.
    pub author: Author,
    /// Bodies that are not in the chain yet.
    pub proposed: Proposed,
    /// For how long nothing must have moved here before blocks are asked for that others have. Zero for a node that does
    /// not take part in the agreement; a few seconds for one that does.
    pub patience: Duration,
}

/// Where the node stands, for `system_syncState` and `system_health`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncStatus {
    /// The last final block when the node started.
    pub starting: BlockNumber,
    /// The head.
    pub current: BlockNumber,
    /// The highest block that a peer calls final, of those that did no wrong lately; at least what is final here.
    pub highest: BlockNumber,
    /// Whether that is far away.
    pub syncing: bool,
    /// Connected peers.
    pub peers: usize,
    /// What keeps this node from importing, for people.
    pub trouble: Option<String>,
}

/// The rest of the node's view of it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SyncHandle {
    /// Where the node stands.
    pub status: watch::Receiver<SyncStatus>,
    hurry: Arc<Notify>,
}

impl SyncHandle {
    /// Asks now for what others have: the agreement has seen that it is behind.
    pub fn hurry(&self) {
        self.hurry.notify_one();
    }
}

/// Stops it. When it is dropped, it stops, too, but nobody waits for a running import.
#[derive(Debug)]
pub struct SyncService {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl SyncService {
    /// Returns when nothing is imported any more, and nobody is asked or answered.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        // It ends by itself or has panicked, which the runtime has reported.
        let _ = self.task.await;
    }
}

/// Starts to catch up, and to serve others, within the current tokio runtime.
pub fn start(config: Config) -> (SyncHandle, SyncService) {
    let Config { chain, network, peers, requests, verify, author, proposed, patience } = config;
    // Before the first look at the chain, so that no change is missed.
    let events = chain.subscribe();
    let starting = chain.finalized();
    let (status, status_of) = watch::channel(SyncStatus::default());
    let hurry = Arc::new(Notify::new());
    let (stop, stopped) = oneshot::channel();
    let server = Server { chain: chain.clone(), proposed };
    let shell = Shell {
        machine: CatchUp::new(starting, patience),
        importer: Importer { chain: chain.clone(), verify, author },
        chain,
        network,
        began: Instant::now(),
        starting: starting.number,
        status,
        answers: JoinSet::new(),
        asked: BTreeMap::new(),
        import: None,
    };
    let handle = SyncHandle { status: status_of, hurry: hurry.clone() };
    let task = tokio::spawn(async move {
        let mut serving = JoinSet::new();
        serving.spawn(server.run(requests));
        shell.run(peers, events, &hurry, stopped).await;
    });
    (handle, SyncService { stop, task })
}

struct Shell {
    machine: CatchUp,
    importer: Importer,
    chain: Arc<Chain>,
    network: NetworkHandle,
    began: Instant,
    starting: BlockNumber,
    status: watch::Sender<SyncStatus>,
    answers: JoinSet<(RequestId, Result<Batch, Failure>)>,
    asked: BTreeMap<RequestId, AbortHandle>,
    import: Option<JoinHandle<Outcome>>,
}

impl Shell {
    async fn run(
        mut self,
        mut peers: PeerEventReceiver,
        mut events: broadcast::Receiver<basalt_chain::ChainEvent>,
        hurry: &Notify,
        mut stopped: oneshot::Receiver<()>,
    ) {
        self.chain_moved();
        loop {
            self.act();
            let deadline = self.machine.deadline(self.now()).and_then(|at| self.began.checked_add(at));
            tokio::select! {
                _ = &mut stopped => break,
                event = peers.recv() => match event {
                    Some(event) => self.peer_event(event),
                    None => break,
                },
                Some(answer) = self.answers.join_next() => {
                    // Else it was cancelled, and nobody waits for it; or it panicked, and times out.
                    if let Ok((id, result)) = answer {
                        self.asked.remove(&id);
                        let now = self.now();
                        self.machine.answered(id, result, now);
                    }
                }
                outcome = finished(&mut self.import) => {
                    self.import = None;
                    self.imported(outcome);
                }
                event = events.recv() => match event {
                    Err(broadcast::error::RecvError::Closed) => break,
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {
                        // All at once: only where the chain stands now matters.
                        while !matches!(
                            events.try_recv(),
                            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed)
                        ) {}
                        self.chain_moved();
                    }
                },
                () = hurry.notified() => {
                    let now = self.now();
                    self.machine.hurry(now);
                }
                () = sleep_until(deadline.unwrap_or(self.began)), if deadline.is_some() => {}
            }
        }
        self.answers.shutdown().await;
        if let Some(import) = self.import {
            // Half a batch would do no harm, but the chain may be closed after this.
            let _ = import.await;
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Carries out what the state machine wants, and tells where it stands.
    fn act(&mut self) {
        for action in self.machine.poll(self.now()) {
            match action {
                Action::Request { id, peer, first, count } => self.ask(id, peer, first, count),
                Action::Cancel(id) => {
                    if let Some(task) = self.asked.remove(&id) {
                        task.abort();
                    }
                }
                Action::Import { batch, .. } => {
                    let importer = self.importer.clone();
                    self.import = Some(tokio::task::spawn_blocking(move || importer.import(batch)));
                }
                Action::Report { peer, cost, why } => self.report(peer, cost, &why),
            }
        }
        let progress = self.machine.progress(self.now());
        let status = SyncStatus {
            starting: self.starting,
            current: self.chain.best().number,
            highest: progress.highest,
            syncing: progress.syncing,
            peers: progress.peers,
            trouble: progress.trouble,
        };
        self.status.send_if_modified(|old| {
            let changed = *old != status;
            if changed {
                *old = status;
            }
            changed
        });
    }

    fn ask(&mut self, id: RequestId, peer: PeerId, first: BlockNumber, count: u32) {
        let network = self.network.clone();
        let task = self.answers.spawn(async move {
            let result = match network.request_blocks(peer, Action::request(first, count)).await {
                Ok(response) => {
                    // Megabytes are hashed.
                    tokio::task::spawn_blocking(move || Batch::check(first, count, response)).await.map_or(
                        Err(Failure::Later),
                        |checked| match checked {
                            Ok(Some(batch)) => Ok(batch),
                            Ok(None) => Err(Failure::Empty),
                            Err(fault) => Err(Failure::Wrong(fault)),
                        },
                    )
                }
                Err(error) => {
                    tracing::debug!(%peer, first, %error, "blocks were not given");
                    Err(failure(&error))
                }
            };
            (id, result)
        });
        self.asked.insert(id, task);
    }

    fn report(&self, peer: PeerId, cost: Cost, why: &str) {
        tracing::info!(%peer, ?cost, why, "a peer sent something wrong");
        self.network.report(peer, cost);
    }

    fn peer_event(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::Connected(peer, status) => self.machine.peer(peer, status.finalized.number),
            PeerEvent::StatusChanged(peer, heads) => self.machine.peer(peer, heads.finalized.number),
            PeerEvent::Disconnected(peer) => {
                let now = self.now();
                self.machine.gone(peer, now);
            }
        }
    }

    fn imported(&mut self, outcome: Result<Outcome, JoinError>) {
        let outcome = outcome.unwrap_or_else(|error| Outcome {
            finalized: self.chain.finalized(),
            end: End::Trouble(format!("the import did not end: {error}; this is a defect, please report it")),
        });
        match &outcome.end {
            End::Trouble(trouble) => tracing::error!(trouble, "blocks of others cannot be imported"),
            end => tracing::debug!(finalized = outcome.finalized.number, ?end, "blocks of others imported"),
        }
        let now = self.now();
        self.machine.imported(outcome, now);
    }

    fn chain_moved(&mut self) {
        let (best, finalized) = (self.chain.best(), self.chain.finalized());
        let id = |id: basalt_chain::BlockId| basalt_network::BlockId { hash: id.hash, number: id.number };
        self.network.set_status(id(best), id(finalized));
        let now = self.now();
        self.machine.finalized(finalized, now);
    }
}

/// The result of an import, once there is one.
async fn finished(import: &mut Option<JoinHandle<Outcome>>) -> Result<Outcome, JoinError> {
    match import {
        Some(import) => import.await,
        None => std::future::pending().await,
    }
}

/// Whose fault it is that there is no answer.
fn failure(error: &RequestError) -> Failure {
    match error {
        RequestError::NotConnected { .. }
        | RequestError::Invalid { .. }
        | RequestError::TooManyOpen { .. }
        | RequestError::Busy { .. }
        | RequestError::Closed { .. } => Failure::Later,
        RequestError::Timeout { .. } | RequestError::BadAnswer { .. } => Failure::Charged,
    }
}
