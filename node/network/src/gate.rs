//! Keeps a behaviour of libp2p's from serving peers whose handshake has not succeeded, or who ask too much.
//!
//! Such a behaviour reads and decodes its own messages (with libp2p's limit on their length) and hides who sent them. But each
//! comes from the connection as one event, and those pass here.

use std::{
    collections::{HashMap, VecDeque},
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
    },
};

use crate::{bucket::Bucket, clock::Clock, limits::Rate};

/// Events of one connection that wait for the handshake: the first thing that connections say is what they speak.
const HELD_MAX: usize = 4;

/// What comes out.
#[derive(Debug)]
pub(crate) enum Event<E> {
    Inner(E),
    /// A peer sends more than it may.
    Excess(PeerId),
}

pub(crate) struct Gate<B: NetworkBehaviour> {
    pub(crate) inner: B,
    clock: Clock,
    rate: Rate,
    /// Those whose handshake succeeded.
    open: HashMap<PeerId, Bucket>,
    held: HashMap<ConnectionId, Vec<(PeerId, THandlerOutEvent<B>)>>,
    /// Peers that exceeded their rate; each once.
    excess: VecDeque<PeerId>,
}

impl<B: NetworkBehaviour> Gate<B> {
    pub(crate) fn new(inner: B, rate: Rate, clock: Clock) -> Self {
        Self { inner, clock, rate, open: HashMap::new(), held: HashMap::new(), excess: VecDeque::new() }
    }

    /// The handshake with `peer` has succeeded.
    pub(crate) fn open(&mut self, peer: PeerId) {
        self.open.entry(peer).or_insert_with(|| Bucket::new(self.rate, self.clock.now()));
        let connections: Vec<ConnectionId> = self.held.keys().copied().collect();
        for connection in connections {
            let of_peer =
                self.held.get(&connection).is_some_and(|held| held.iter().any(|(id, _)| *id == peer));
            if of_peer {
                for (peer, event) in self.held.remove(&connection).unwrap_or_default() {
                    self.inner.on_connection_handler_event(peer, connection, event);
                }
            }
        }
    }

    /// The last connection with `peer` is gone.
    pub(crate) fn close(&mut self, peer: &PeerId) {
        self.open.remove(peer);
    }
}

impl<B: NetworkBehaviour> NetworkBehaviour for Gate<B> {
    type ConnectionHandler = B::ConnectionHandler;
    type ToSwarm = Event<B::ToSwarm>;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.inner.handle_pending_inbound_connection(connection, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_inbound_connection(connection, peer, local, remote)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.inner.handle_pending_outbound_connection(connection, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_outbound_connection(connection, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        if let FromSwarm::ConnectionClosed(closed) = &event {
            self.held.remove(&closed.connection_id);
        }
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        let now = self.clock.now();
        match self.open.get_mut(&peer).map(|bucket| bucket.take(0, now)) {
            Some(true) => self.inner.on_connection_handler_event(peer, connection, event),
            Some(false) if self.excess.contains(&peer) => {}
            Some(false) => self.excess.push_back(peer),
            None => {
                let held = self.held.entry(connection).or_default();
                if held.len() < HELD_MAX {
                    held.push((peer, event));
                }
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        // What is pushed above is seen at once: the swarm polls behaviours after each event of a connection.
        if let Some(peer) = self.excess.pop_front() {
            return Poll::Ready(ToSwarm::GenerateEvent(Event::Excess(peer)));
        }
        self.inner.poll(cx).map(|to_swarm| to_swarm.map_out(Event::Inner))
    }
}
