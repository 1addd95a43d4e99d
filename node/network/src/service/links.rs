//! Connections from the first byte to the last: handshake, streams, tasks.

use std::sync::{Arc, atomic::AtomicBool};

use basalt_primitives::Moment;
use libp2p::{Stream, swarm::ConnectionId};
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, oneshot, watch},
    task::AbortHandle,
};

use super::{Service, as_ms};
use crate::{
    Cost, Heads, Multiaddr, PeerId, Plane, Refusal, Status, backoff,
    handler::{FromHandler, Inbound},
    handshake::{self, HandshakeError, Outcome},
    limits,
    opener::{OpenError, Opener},
    push::{self, Buckets},
    requests,
    shared::{Details, Peer, Queues},
};

/// Streams that come in before the handshake is over: it ends on the other side first.
const HELD_MAX: usize = 8;

/// The longest name of a peer's software.
const AGENT_CHARS_MAX: usize = 64;

/// One connection.
pub(super) struct Link {
    peer: PeerId,
    opener: Opener,
    address: Multiaddr,
    inbound: bool,
    since: Moment,
    stage: Stage,
    /// What the peer says of itself, which may come before the end of the handshake.
    introduction: Option<Introduction>,
}

/// Name and addresses, as the peer gives them.
#[derive(Clone)]
struct Introduction {
    agent: String,
    addresses: Vec<libp2p::Multiaddr>,
}

enum Stage {
    /// Until the peer opens the stream of the handshake.
    Waiting(Vec<Inbound>),
    /// While that is under way.
    Shaking(Vec<Inbound>),
    /// Served.
    Ready,
    /// About to be closed.
    Refused(Moment),
}

/// A peer that is served, with its tasks.
pub(super) struct Live {
    pub(super) peer: Arc<Peer>,
    /// The newest last: there we send.
    connections: Vec<ConnectionId>,
    buckets: Buckets,
    /// Those that send. Those that receive end with their streams.
    senders: Vec<AbortHandle>,
}

/// What tasks tell the swarm's.
pub(super) enum Note {
    /// The handshake is going well: is there a place?
    Place(ConnectionId, oneshot::Sender<Result<(), Refusal>>),
    /// The handshake is over.
    Shaken(ConnectionId, Result<Outcome, ShakeError>),
    /// The peer does not read.
    Stuck(PeerId),
}

/// Why a handshake did not end.
#[derive(Debug, thiserror::Error)]
pub(super) enum ShakeError {
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    #[error("no stream: {0}")]
    Open(#[from] OpenError),
    #[error("it did not end in time")]
    Timeout,
}

impl Live {
    pub(super) fn stop(self) {
        for sender in self.senders {
            sender.abort();
        }
    }
}

impl Service {
    pub(super) fn on_established(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        opener: Opener,
        address: Multiaddr,
        inbound: bool,
    ) {
        let since = self.shared.now();
        let stage = if inbound { Stage::Waiting(Vec::new()) } else { Stage::Shaking(Vec::new()) };
        let link = Link { peer, opener: opener.clone(), address, inbound, since, stage, introduction: None };
        self.links.insert(connection, link);
        if !inbound {
            self.shake(connection, async move { opener.open(Plane::Handshake).await });
        }
    }

    /// Runs the handshake in a task of its own.
    fn shake(
        &self,
        connection: ConnectionId,
        stream: impl Future<Output = Result<Stream, OpenError>> + Send + 'static,
    ) {
        let notes = self.notes_in.clone();
        let Heads { best, finalized } = *self.shared.heads.borrow();
        let ours = Status {
            version: limits::VERSION,
            genesis: self.config.genesis,
            roles: self.config.roles,
            best,
            finalized,
        };
        let patience = self.config.connections.handshake_timeout;
        tokio::spawn(async move {
            let asking = notes.clone();
            let place = || async move {
                let (reply, answer) = oneshot::channel();
                if asking.send(Note::Place(connection, reply)).await.is_err() {
                    return Ok(());
                }
                // The network stops: nobody reads this.
                answer.await.unwrap_or(Ok(()))
            };
            let work = async {
                let mut stream = stream.await?;
                Ok(handshake::run(&mut stream, ours, place, patience).await?)
            };
            let result = match tokio::time::timeout(patience, work).await {
                Ok(result) => result,
                Err(_) => Err(ShakeError::Timeout),
            };
            // The network stops.
            let _ = notes.send(Note::Shaken(connection, result)).await;
        });
    }

    pub(super) fn on_note(&mut self, note: Note) {
        match note {
            Note::Place(connection, reply) => {
                let _ = reply.send(self.admission().claim(&connection));
            }
            Note::Shaken(connection, result) => self.on_shaken(connection, result),
            Note::Stuck(peer) => {
                if self.swarm.disconnect_peer_id(peer.0).is_ok() {
                    tracing::info!(%peer, "disconnected: the peer does not read");
                }
            }
        }
    }

    fn on_shaken(&mut self, connection: ConnectionId, result: Result<Outcome, ShakeError>) {
        let Some(link) = self.links.get(&connection) else { return };
        let (peer, address) = (link.peer, link.address.clone());
        let refused = match result {
            Ok(Outcome::Welcome(status)) => return self.on_welcome(connection, status),
            Ok(Outcome::RefusedByUs(refusal)) => {
                tracing::info!(%peer, %address, "refused a peer: {refusal}");
                Some(("us", refusal))
            }
            Ok(Outcome::RefusedByThem(refusal)) => {
                tracing::info!(%peer, %address, "a peer refused us: {refusal}");
                Some(("them", refusal))
            }
            Err(error) => {
                tracing::debug!(%peer, %address, %error, "the handshake failed");
                if matches!(error, ShakeError::Handshake(HandshakeError::Malformed(_))) {
                    self.shared.charge(peer, Cost::Malformed, 1);
                }
                None
            }
        };
        let now = self.shared.now();
        self.store.failed(&peer, &self.redial, backoff::random(), now);
        let Some((by, refusal)) = refused else {
            self.swarm.close_connection(connection);
            return;
        };
        let reason = match refusal {
            Refusal::Genesis { .. } => "genesis",
            Refusal::Version { .. } => "version",
            Refusal::TooManyPeers { .. } => "full",
            Refusal::NotReserved => "not-reserved",
        };
        self.shared.metrics.refused.with_label_values(&[by, reason]).inc();
        if let Some(link) = self.links.get_mut(&connection) {
            // Not at once: the reason may still be on its way.
            link.stage = Stage::Refused(now + as_ms(limits::REFUSAL_LINGER));
        }
    }

    fn on_welcome(&mut self, connection: ConnectionId, status: Status) {
        let Some(link) = self.links.get_mut(&connection) else { return };
        let held = match std::mem::replace(&mut link.stage, Stage::Ready) {
            Stage::Waiting(held) | Stage::Shaking(held) => held,
            Stage::Ready | Stage::Refused(_) => Vec::new(),
        };
        let (peer, opener, address, inbound) =
            (link.peer, link.opener.clone(), link.address.clone(), link.inbound);
        let other_roles = |live: &super::Live| live.peer.status.roles != status.roles;
        if self.live.get(&peer).is_some_and(other_roles) {
            // It was restarted as something else; the old connection is about to break.
            self.forget(peer);
        }
        let now = self.shared.now();
        if !inbound {
            self.store.add_address(peer, address.clone(), now);
        }
        self.store.connected(peer, now);
        match self.live.get_mut(&peer) {
            Some(live) => {
                live.connections.push(connection);
                live.peer.details.lock().heads = Heads { best: status.best, finalized: status.finalized };
                live.peer.opener.send_replace(opener);
            }
            None => self.welcome(peer, connection, opener, address, inbound, status),
        }
        self.start_senders(peer);
        self.introduce(connection);
        for inbound in held {
            self.serve(peer, inbound);
        }
    }

    pub(super) fn on_identified(&mut self, connection: ConnectionId, info: libp2p::identify::Info) {
        let Some(link) = self.links.get_mut(&connection) else { return };
        // Whatever it calls itself stands in logs and tables.
        let agent = info.agent_version.chars().filter(|c| !c.is_control()).take(AGENT_CHARS_MAX).collect();
        let mut addresses = info.listen_addrs;
        addresses.truncate(limits::ADDRESSES_PER_PEER_MAX);
        link.introduction = Some(Introduction { agent, addresses });
        self.introduce(connection);
    }

    /// Believes what the peer says of itself, once it is served.
    fn introduce(&mut self, connection: ConnectionId) {
        let Some(link) = self.links.get(&connection) else { return };
        let (Some(live), Some(introduction)) = (self.live.get(&link.peer), link.introduction.clone()) else {
            return;
        };
        let peer = link.peer;
        live.peer.details.lock().agent = Some(introduction.agent);
        self.learn(peer, introduction.addresses, self.config.discovery.private_addresses);
        let known = self.store.addresses(&peer);
        if let Some(kademlia) = self.swarm.behaviour_mut().kademlia.as_mut() {
            for address in known {
                kademlia.inner.add_address(&peer.0, address.0);
            }
        }
    }

    /// A new peer.
    fn welcome(
        &mut self,
        id: PeerId,
        connection: ConnectionId,
        opener: Opener,
        address: Multiaddr,
        inbound: bool,
        status: Status,
    ) {
        let now = self.shared.now();
        tracing::info!(peer = %id, %address, inbound, best = status.best.number, "connected");
        self.discoveries = 0;
        let heads = Heads { best: status.best, finalized: status.finalized };
        let details = Details { heads, score: self.store.score(&id, now), ..Details::default() };
        let peer = Arc::new(Peer {
            id,
            status,
            address,
            inbound,
            since: now,
            reserved: AtomicBool::new(self.admission().is_reserved(&id)),
            details: Mutex::new(details),
            opener: watch::Sender::new(opener),
            consensus: Queues::consensus(),
            transactions: Queues::transactions(),
            wanted: Queues::wanted(),
            asking: Arc::new(Semaphore::new(limits::REQUESTS_OPEN_PER_PEER_MAX)),
        });
        self.shared.gossip.lock().connected(id);
        self.shared.peers.write().insert(id, Arc::clone(&peer));
        self.shared.peer_events.update(|events| events.connected(id, status));
        let behaviours = self.swarm.behaviour_mut();
        behaviours.identify.open(id.0);
        if let Some(kademlia) = behaviours.kademlia.as_mut() {
            kademlia.open(id.0);
        }
        let buckets = push::buckets(now);
        self.live.insert(id, Live { peer, connections: vec![connection], buckets, senders: Vec::new() });
    }

    /// Starts the tasks that send, on the newest connection, instead of those on an older one.
    fn start_senders(&mut self, id: PeerId) {
        let patience = self.config.connections.message_timeout;
        let Some(live) = self.live.get_mut(&id) else { return };
        for sender in live.senders.drain(..) {
            sender.abort();
        }
        let votes = self.config.roles.follows_consensus() && live.peer.follows_consensus();
        let planes = [(Plane::Consensus, votes), (Plane::Transactions, true), (Plane::Status, true)];
        for (plane, _) in planes.into_iter().filter(|(_, wanted)| *wanted) {
            let notes = self.notes_in.clone();
            let stuck = move || {
                // Full only if the swarm's task is far behind; then the ping finds out.
                let _ = notes.try_send(Note::Stuck(id));
            };
            let sender = push::send(Arc::clone(&self.shared), Arc::clone(&live.peer), plane, patience, stuck);
            live.senders.push(tokio::spawn(sender).abort_handle());
        }
        let puller = requests::pull(Arc::clone(&self.shared), Arc::clone(&live.peer));
        live.senders.push(tokio::spawn(puller).abort_handle());
    }

    pub(super) fn on_stream(&mut self, peer: PeerId, connection: ConnectionId, event: FromHandler) {
        let inbound = match event {
            FromHandler::Inbound(inbound) => inbound,
            FromHandler::Excess(times) => return self.shared.charge(peer, Cost::TooManyStreams, times),
        };
        let Some(link) = self.links.get_mut(&connection) else { return };
        match (&mut link.stage, inbound.plane) {
            (Stage::Waiting(held), Plane::Handshake) => {
                let held = std::mem::take(held);
                link.stage = Stage::Shaking(held);
                let Inbound { stream, permit, .. } = inbound;
                self.shake(connection, async move {
                    drop(permit);
                    Ok(stream)
                });
            }
            // The one who dialled begins, and once.
            (_, Plane::Handshake) => self.shared.charge(peer, Cost::Malformed, 1),
            (Stage::Waiting(held) | Stage::Shaking(held), _) => {
                if held.len() < HELD_MAX {
                    held.push(inbound);
                }
            }
            (Stage::Ready, _) => self.serve(peer, inbound),
            (Stage::Refused(_), _) => {}
        }
    }

    /// Starts a task for a stream of a peer.
    fn serve(&mut self, peer: PeerId, inbound: Inbound) {
        let Some(live) = self.live.get(&peer) else { return };
        let Inbound { plane, stream, permit } = inbound;
        let (shared, peer, buckets) =
            (Arc::clone(&self.shared), Arc::clone(&live.peer), Arc::clone(&live.buckets));
        let patience = self.config.connections.message_timeout;
        match plane {
            Plane::Handshake => {}
            Plane::Consensus | Plane::Transactions | Plane::Status => {
                tokio::spawn(push::receive(shared, peer, plane, stream, buckets, permit, patience));
            }
            Plane::Blocks | Plane::Pull => {
                tokio::spawn(requests::serve(shared, peer, plane, stream, buckets, permit, patience));
            }
        }
    }

    pub(super) fn on_closed(&mut self, peer: PeerId, connection: ConnectionId) {
        let Some(link) = self.links.remove(&connection) else { return };
        let now = self.shared.now();
        let Some(live) = self.live.get_mut(&peer) else {
            if !link.inbound {
                self.store.failed(&peer, &self.redial, backoff::random(), now);
            }
            return;
        };
        let was_newest = live.connections.last() == Some(&connection);
        live.connections.retain(|other| *other != connection);
        let Some(newest) = live.connections.last() else { return self.forget(peer) };
        if was_newest && let Some(link) = self.links.get(newest) {
            live.peer.opener.send_replace(link.opener.clone());
            self.start_senders(peer);
        }
    }

    /// A peer is gone.
    fn forget(&mut self, peer: PeerId) {
        let Some(live) = self.live.remove(&peer) else { return };
        live.stop();
        let now = self.shared.now();
        tracing::info!(%peer, "disconnected");
        self.shared.peers.write().remove(&peer);
        self.shared.gossip.lock().disconnected(&peer);
        self.shared.peer_events.update(|events| events.disconnected(peer));
        let behaviours = self.swarm.behaviour_mut();
        behaviours.identify.close(&peer.0);
        if let Some(kademlia) = behaviours.kademlia.as_mut() {
            kademlia.close(&peer.0);
        }
        self.store.disconnected(&peer, &self.redial, backoff::random(), now);
    }

    /// Closes connections that were refused, and those that do not come to the point.
    pub(super) fn close_overdue(&mut self, now: Moment) {
        let patience_ms = as_ms(self.config.connections.handshake_timeout);
        let overdue = self.links.iter().filter(|(_, link)| match link.stage {
            Stage::Waiting(_) => now.saturating_sub(link.since) > patience_ms,
            Stage::Shaking(_) | Stage::Ready => false,
            Stage::Refused(until) => now >= until,
        });
        let overdue: Vec<ConnectionId> = overdue.map(|(connection, _)| *connection).collect();
        for connection in overdue {
            self.swarm.close_connection(connection);
        }
    }
}
