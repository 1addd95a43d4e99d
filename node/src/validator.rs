//! A node that agrees with others: its keys, and its way to them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use basalt_chain::Chain;
use basalt_consensus_bft::{Incoming, Link, MESSAGES_MAX, Monitor, Offence, PeerTag, Status, Step};
use basalt_network::{ConsensusReceiver, Cost, NetworkHandle, PeerId};
use basalt_primitives::{AccountId, H256, OpaqueExtrinsic};
use basalt_rpc::ConsensusStatus;
use basalt_rpc_api::types::{ConsensusReport, ConsensusStep, ValidatorReport, VoteReport};
use basalt_runtime_api::ValidatorSet;
use basalt_sync::SyncHandle;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use crate::turnout::TurnoutFigures;

mod keys;

pub(crate) use keys::ValidatorKeys;

/// Peers whose tags are remembered; the oldest are forgotten beyond, and get others when they speak again.
const PEERS_MAX: usize = 4096;

/// Numbers for peers.
#[derive(Default)]
struct Tags {
    of_peer: HashMap<PeerId, PeerTag>,
    peers: HashMap<PeerTag, PeerId>,
    next: PeerTag,
}

impl Tags {
    fn tag(&mut self, peer: PeerId) -> PeerTag {
        if let Some(tag) = self.of_peer.get(&peer) {
            return *tag;
        }
        if self.peers.len() >= PEERS_MAX {
            self.of_peer.clear();
            self.peers.clear();
        }
        let tag = self.next;
        self.next += 1;
        self.of_peer.insert(peer, tag);
        self.peers.insert(tag, peer);
        tag
    }
}

/// Gets the body of a block from the network: by hash, root of its extrinsics, and who spoke of it.
pub(crate) type FetchBody =
    Arc<dyn Fn(H256, H256, Option<PeerId>) -> BoxFuture<'static, Option<Vec<OpaqueExtrinsic>>> + Send + Sync>;

/// The engine's way to the other validators.
pub(crate) struct NetworkLink {
    network: NetworkHandle,
    tags: Arc<Mutex<Tags>>,
    fetch: FetchBody,
    sync: SyncHandle,
}

impl NetworkLink {
    /// A way through this network, and the messages that come by it.
    pub(crate) fn new(
        network: NetworkHandle,
        mut received: ConsensusReceiver,
        fetch: FetchBody,
        sync: SyncHandle,
    ) -> (Self, mpsc::Receiver<Incoming>) {
        let tags: Arc<Mutex<Tags>> = Arc::default();
        let (sender, messages) = mpsc::channel(MESSAGES_MAX);
        let of_peers = tags.clone();
        // Ends with the network.
        tokio::spawn(async move {
            while let Some((peer, bytes)) = received.recv().await {
                let tag = of_peers.lock().unwrap_or_else(PoisonError::into_inner).tag(peer);
                // What finds no room is sent again by whoever still needs it heard.
                let _ = sender.try_send((tag, bytes));
            }
        });
        (Self { network, tags, fetch, sync }, messages)
    }

    fn peer(&self, tag: PeerTag) -> Option<PeerId> {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).peers.get(&tag).copied()
    }
}

impl Link for NetworkLink {
    fn broadcast(&self, bytes: Vec<u8>) {
        if let Err(error) = self.network.broadcast_consensus(bytes) {
            tracing::warn!(%error, "a message to the other validators was not sent");
        }
    }

    fn report(&self, peer: PeerTag, offence: &Offence) {
        let Some(peer) = self.peer(peer) else { return };
        tracing::debug!(%peer, %offence, "a peer misbehaves");
        let cost = match offence {
            Offence::BadSignature | Offence::Stranger(_) | Offence::BadProposal(_) => {
                Cost::BadConsensusMessage
            }
        };
        self.network.report(peer, cost);
    }

    fn fetch(
        &self,
        hash: H256,
        root: H256,
        from: PeerTag,
    ) -> BoxFuture<'static, Option<Vec<OpaqueExtrinsic>>> {
        (self.fetch)(hash, root, self.peer(from))
    }

    fn behind(&self, _: PeerTag, _: u64) {
        self.sync.hurry();
    }
}

/// Who decides the next block.
fn validators_of(chain: &Chain) -> ValidatorSet {
    let state = chain.state_at(&chain.finalized().hash).ok();
    state.and_then(|state| chain.runtime().validators(&state).ok()).unwrap_or_default()
}

/// What the RPC tells of the agreement.
pub(crate) struct Agreement {
    chain: Arc<Chain>,
    status: watch::Receiver<Option<Status>>,
    network: NetworkHandle,
    times: Arc<Mutex<Times>>,
    empty_block_time: Duration,
}

/// When things happened here.
#[derive(Default)]
struct Times {
    height: Option<(u32, Instant)>,
    finalized: Option<Instant>,
}

impl Agreement {
    pub(crate) fn new(
        chain: Arc<Chain>,
        monitor: &Monitor,
        network: NetworkHandle,
        empty_block_time: Duration,
        turnout: Option<TurnoutFigures>,
    ) -> Self {
        let times: Arc<Mutex<Times>> = Arc::default();
        let mut status = monitor.status.clone();
        let noted = times.clone();
        let of = chain.clone();
        // Ends with the engine.
        tokio::spawn(async move {
            while status.changed().await.is_ok() {
                let Some(height) = status.borrow_and_update().as_ref().map(|status| status.height) else {
                    continue;
                };
                let mut times = noted.lock().unwrap_or_else(PoisonError::into_inner);
                match times.height {
                    Some((known, _)) if known == height => continue,
                    Some(_) => {
                        times.height = Some((height, Instant::now()));
                        times.finalized = Some(Instant::now());
                    }
                    None => times.height = Some((height, Instant::now())),
                }
                drop(times);
                let seen = status.borrow().clone();
                if let (Some(turnout), Some(seen)) = (&turnout, seen) {
                    turnout.set(&seen, &validators_of(&of));
                }
            }
        });
        Self { chain, status: monitor.status.clone(), network, times, empty_block_time }
    }

    fn now(&self) -> ConsensusReport {
        let finalized = self.chain.finalized();
        let status = self.status.borrow().clone();
        let set = validators_of(&self.chain);
        let total: u64 = set.validators.iter().fold(0, |sum, validator| sum.saturating_add(validator.power));
        let (height_millis, finalized_millis_ago) = {
            let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
            let millis = |since: Instant| u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            (times.height.map_or(0, |(_, since)| millis(since)), times.finalized.map(millis))
        };
        let account = |key: &[u8; 32]| -> Option<AccountId> {
            set.validators
                .iter()
                .find(|validator| validator.vote_key == *key)
                .map(|validator| validator.account)
        };
        let round = status.as_ref().map_or(0, |status| status.round);
        let height = status.as_ref().map_or(finalized.number.saturating_add(1), |status| status.height);
        let connected = self.network.peers().len();
        let validators = set.validators.iter().map(|validator| {
            let seen = status.as_ref().and_then(|status| {
                status
                    .validators
                    .iter()
                    .find(|(key, ..)| *key == validator.vote_key)
                    .map(|(_, _, seen)| *seen)
            });
            let own = status.as_ref().is_some_and(|status| status.own == validator.vote_key);
            let here = seen.filter(|seen| seen.height == u64::from(height));
            let vote = |vote: Option<(u32, bool)>| match vote {
                Some((at, block)) if at == round => {
                    Some(if block { VoteReport::Block } else { VoteReport::Nil })
                }
                _ => None,
            };
            ValidatorReport {
                account: validator.account,
                vote_key: validator.vote_key.to_vec().into(),
                power: validator.power,
                prevote: here.and_then(|seen| vote(seen.prevote)),
                precommit: here.and_then(|seen| vote(seen.precommit)),
                last_signed: seen
                    .and_then(|seen| u32::try_from(seen.height).ok())
                    .filter(|height| *height > 0),
                votes_seen: seen.map_or(0, |seen| seen.turnout.votes),
                certificates_seen: seen.map_or(0, |seen| seen.turnout.certificates),
                // Peers do not say which validator they are; without any, none is connected.
                connected: if own {
                    Some(true)
                } else if connected == 0 {
                    Some(false)
                } else {
                    None
                },
            }
        });
        ConsensusReport {
            height,
            round,
            step: match status.as_ref().map(|status| status.step) {
                None | Some(Step::Listen | Step::Wait) => ConsensusStep::Unstarted,
                Some(Step::Propose) => ConsensusStep::Propose,
                Some(Step::Prevote) => ConsensusStep::Prevote,
                Some(Step::Precommit) => ConsensusStep::Precommit,
                Some(Step::Commit) => ConsensusStep::Commit,
            },
            proposer: status.as_ref().and_then(|status| account(&status.proposer)),
            finalized_number: finalized.number,
            finalized_hash: finalized.hash.into(),
            finalized_millis_ago,
            height_millis,
            empty_block_millis: u64::try_from(self.empty_block_time.as_millis()).unwrap_or(u64::MAX),
            set_id: set.id,
            local: status.as_ref().and_then(|status| account(&status.own)),
            total_power: total,
            needed_power: u64::try_from(u128::from(total) * 2 / 3 + 1).unwrap_or(u64::MAX),
            validators: validators.collect(),
        }
    }
}

impl ConsensusStatus for Agreement {
    fn report(&self) -> BoxFuture<'_, ConsensusReport> {
        Box::pin(async { self.now() })
    }
}
