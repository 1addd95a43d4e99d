//! What a validator tells of the agreement, and of those that it cannot reach.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use basalt_chain::Chain;
use basalt_consensus_bft::{Monitor, Status, Step};
use basalt_network::{NetworkHandle, PeerId, Roles};
use basalt_primitives::AccountId;
use basalt_rpc::ConsensusStatus;
use basalt_rpc_api::types::{ConsensusReport, ConsensusStep, ValidatorReport, VoteReport};
use basalt_runtime_api::ValidatorSet;
use futures::future::BoxFuture;
use tokio::{sync::watch, time::MissedTickBehavior};

use crate::{turnout::TurnoutFigures, validator::Tagged};

/// How often a validator looks whether it is connected with the others.
const LOOK_PERIOD: Duration = Duration::from_secs(10);

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
    tagged: Tagged,
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
        tagged: Tagged,
        empty_block_time: Duration,
        turnout: Option<TurnoutFigures>,
    ) -> Arc<Self> {
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
        let agreement = Arc::new(Self {
            chain,
            status: monitor.status.clone(),
            network,
            tagged,
            times,
            empty_block_time,
        });
        tokio::spawn(warn_of_missing_connections(Arc::downgrade(&agreement)));
        agreement
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
        let connections = self.connections(status.as_ref());
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
                connected: if own {
                    Some(true)
                } else {
                    let from = seen.and_then(|seen| seen.from).and_then(|tag| self.tagged.peer(tag));
                    connections.with(from.as_ref())
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

impl Agreement {
    fn connections(&self, status: Option<&Status>) -> Connections {
        let peers = self.network.peers();
        let heard = status.into_iter().flat_map(|status| &status.validators);
        let heard = heard.filter_map(|(_, _, seen)| self.tagged.peer(seen.from?)).collect::<BTreeSet<_>>();
        let votes = |peer: &basalt_network::PeerInfo| peer.roles.contains(Roles::AUTHORITY);
        Connections {
            unheard: peers.iter().any(|peer| votes(peer) && !heard.contains(&peer.id)),
            peers: peers.into_iter().map(|peer| peer.id).collect(),
        }
    }
}

/// Who is connected. Peers do not say which validator they are, but what a validator signs comes from itself alone.
struct Connections {
    peers: BTreeSet<PeerId>,
    /// Whether one of them says that it votes, and nothing signed has come from it yet.
    unheard: bool,
}

impl Connections {
    /// Whether a validator is connected whose messages came from this peer; none if that cannot be told.
    fn with(&self, from: Option<&PeerId>) -> Option<bool> {
        match from {
            Some(peer) => Some(self.peers.contains(peer)),
            None if self.unheard => None,
            None => Some(false),
        }
    }
}

/// Says in the log, when it changes, to which validators there is no direct connection: validators pass nothing on for
/// others. Ends with the agreement.
async fn warn_of_missing_connections(agreement: Weak<Agreement>) {
    let mut look = tokio::time::interval(LOOK_PERIOD);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut lasting = Lasting::default();
    // At once nobody is there yet.
    look.tick().await;
    loop {
        look.tick().await;
        let Some(agreement) = agreement.upgrade() else { return };
        let report = agreement.now();
        if report.local.is_none() {
            continue;
        }
        let missing = report.validators.iter().filter(|validator| validator.connected == Some(false));
        match lasting.look(missing.map(|validator| validator.account).collect()) {
            Some(missing) if missing.is_empty() => tracing::info!("connected with all validators again"),
            Some(missing) => tracing::warn!(
                missing = missing.len(),
                of = report.validators.len(),
                accounts = ?missing,
                "no direct connection with these validators: their votes do not arrive, for nobody passes them on; name \
                 their nodes with --reserved-nodes, or start them"
            ),
            None => {}
        }
    }
}

/// What is missing at two looks, one after the other: a node that restarts is back before the second.
#[derive(Default)]
struct Lasting {
    seen: BTreeSet<AccountId>,
    told: BTreeSet<AccountId>,
}

impl Lasting {
    /// Those that are missing for long, if they are others than when this was said last.
    fn look(&mut self, missing: BTreeSet<AccountId>) -> Option<BTreeSet<AccountId>> {
        let lasting: BTreeSet<AccountId> = missing.intersection(&self.seen).copied().collect();
        self.seen = missing;
        if lasting == self.told {
            return None;
        }
        self.told.clone_from(&lasting);
        Some(lasting)
    }
}

impl ConsensusStatus for Agreement {
    fn report(&self) -> BoxFuture<'_, ConsensusReport> {
        Box::pin(async { self.now() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_heard_is_connected_as_long_as_its_peer_is() {
        let id = |byte| PeerId::of_secret(&[byte; 32]).unwrap();
        let connections = |unheard| Connections { peers: [id(1), id(2)].into(), unheard };
        assert_eq!(connections(true).with(Some(&id(1))), Some(true));
        assert_eq!(connections(true).with(Some(&id(3))), Some(false));
        assert_eq!(connections(true).with(None), None, "it may be the one that was not heard yet");
        assert_eq!(connections(false).with(None), Some(false), "all that vote are others");
    }

    #[test]
    fn missing_connections_are_told_once_and_only_when_they_last() {
        let set =
            |bytes: &[u8]| bytes.iter().map(|byte| AccountId::from([*byte; 32])).collect::<BTreeSet<_>>();
        let mut lasting = Lasting::default();
        assert_eq!(lasting.look(set(&[1])), None);
        assert_eq!(lasting.look(set(&[])), None, "it was back");
        assert_eq!(lasting.look(set(&[1, 2])), None);
        assert_eq!(lasting.look(set(&[1, 2])), Some(set(&[1, 2])));
        assert_eq!(lasting.look(set(&[1, 2, 3])), None);
        assert_eq!(lasting.look(set(&[1, 3])), Some(set(&[1, 3])));
        assert_eq!(lasting.look(set(&[])), Some(set(&[])));
        assert_eq!(lasting.look(set(&[])), None);
    }
}
