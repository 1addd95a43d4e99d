//! All connections, as libp2p's swarm sees them: who may connect, and which streams come in.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        ConnectionClosed, ConnectionDenied, ConnectionId, DialFailure, FromSwarm, ListenFailure,
        NetworkBehaviour, ToSwarm, behaviour::ConnectionEstablished,
    },
};

use crate::{
    admission::{Admission, Denied},
    clock::Clock,
    handler::{FromHandler, Handler, Protocols},
    opener::Opener,
};

/// What the swarm's task hears.
#[derive(Debug)]
pub(crate) enum Event {
    /// A connection is encrypted and multiplexed, and knows nothing of its peer but the name.
    Established { peer: PeerId, connection: ConnectionId, opener: Opener, address: Multiaddr, inbound: bool },
    /// A connection is gone.
    Closed { peer: PeerId, connection: ConnectionId },
    /// The peer has opened a stream, or too many.
    FromPeer { peer: PeerId, connection: ConnectionId, event: FromHandler },
    /// A peer wanted to connect too often.
    Hasty { peer: PeerId },
}

pub(crate) struct Behaviour {
    protocols: Protocols,
    clock: Clock,
    pub(crate) admission: Admission<ConnectionId>,
    /// Connections that other parts of the swarm may still turn down.
    opening: HashMap<ConnectionId, Opener>,
    /// Read after each step of the swarm; connections wait while the swarm does not step.
    events: VecDeque<Event>,
}

impl Behaviour {
    pub(crate) fn new(protocols: Protocols, clock: Clock, admission: Admission<ConnectionId>) -> Self {
        Self { protocols, clock, admission, opening: HashMap::new(), events: VecDeque::new() }
    }

    fn establish(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        inbound: bool,
    ) -> Result<Handler, ConnectionDenied> {
        let now = self.clock.now();
        let admitted = self.admission.established(connection, ip(address), crate::PeerId(peer), inbound, now);
        if let Err(denied) = admitted {
            if denied == Denied::Hasty {
                self.events.push_back(Event::Hasty { peer });
            }
            return Err(ConnectionDenied::new(denied));
        }
        let (opener, wishes) = Opener::new();
        self.opening.insert(connection, opener);
        Ok(Handler::new(self.protocols.clone(), self.clock, wishes))
    }

    fn gone(&mut self, connection: ConnectionId) {
        self.opening.remove(&connection);
        self.admission.closed(&connection);
    }
}

/// The IP address at the other end; of a relayed connection none: it is the relay's.
fn ip(address: &Multiaddr) -> Option<std::net::IpAddr> {
    match address.iter().any(|part| part == Protocol::P2pCircuit) {
        true => None,
        false => crate::Multiaddr(address.clone()).ip(),
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.admission.pending(connection, ip(remote)).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        self.establish(connection, peer, remote, true)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        self.establish(connection, peer, address, false)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            }) => {
                if let Some(opener) = self.opening.remove(&connection_id) {
                    self.events.push_back(Event::Established {
                        peer: peer_id,
                        connection: connection_id,
                        opener,
                        address: endpoint.get_remote_address().clone(),
                        inbound: endpoint.is_listener(),
                    });
                }
            }
            FromSwarm::ConnectionClosed(ConnectionClosed { peer_id, connection_id, .. }) => {
                self.gone(connection_id);
                self.events.push_back(Event::Closed { peer: peer_id, connection: connection_id });
            }
            FromSwarm::ListenFailure(ListenFailure { connection_id, .. })
            | FromSwarm::DialFailure(DialFailure { connection_id, .. }) => self.gone(connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, connection: ConnectionId, event: FromHandler) {
        self.events.push_back(Event::FromPeer { peer, connection, event });
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Event, Infallible>> {
        // Nothing wakes the swarm for these: they come from its own calls above, after which it polls.
        match self.events.pop_front() {
            Some(event) => Poll::Ready(ToSwarm::GenerateEvent(event)),
            None => Poll::Pending,
        }
    }
}
