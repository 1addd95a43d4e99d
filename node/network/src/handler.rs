//! One connection: opens streams that tasks of ours ask for, and takes those of the peer, within limits.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use libp2p::{
    Stream, StreamProtocol,
    core::upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo},
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, StreamUpgradeError, SubstreamProtocol,
        handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::{
    Plane,
    bucket::Bucket,
    clock::Clock,
    limits,
    opener::{Open, OpenError},
};

/// The names of all planes, in the order of [`Plane::ALL`].
pub(crate) type Protocols = Arc<[StreamProtocol]>;

/// A stream that the peer opened.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) plane: Plane,
    pub(crate) stream: Stream,
    /// Kept as long as the stream is: the peer's place for one.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// What the connection tells the swarm's task.
#[derive(Debug)]
pub(crate) enum FromHandler {
    Inbound(Inbound),
    /// The peer opened so many more streams than it may; they are closed.
    Excess(u32),
}

pub(crate) struct Handler {
    protocols: Protocols,
    clock: Clock,
    /// Places for streams of the peer, for each plane.
    places: [Arc<Semaphore>; Plane::ALL.len()],
    rate: Bucket,
    wishes: mpsc::Receiver<Open>,
    /// At most as long as there are places.
    inbound: VecDeque<Inbound>,
    excess: u32,
    /// Wishes that are being negotiated. libp2p does not bound them.
    opening: usize,
}

/// Wishes of ours that may be negotiated at the same time.
const OPENING_MAX: usize = 16;

impl Handler {
    pub(crate) fn new(protocols: Protocols, clock: Clock, wishes: mpsc::Receiver<Open>) -> Self {
        Self {
            protocols,
            clock,
            places: Plane::ALL.map(|plane| Arc::new(Semaphore::new(plane.inbound_streams_max()))),
            rate: Bucket::new(limits::STREAMS_RATE, clock.now()),
            wishes,
            inbound: VecDeque::new(),
            excess: 0,
            opening: 0,
        }
    }

    fn on_inbound(&mut self, plane: Plane, stream: Stream) {
        let in_time = self.rate.take(0, self.clock.now());
        let place = Arc::clone(&self.places[plane.index()]).try_acquire_owned();
        match (in_time, place) {
            (true, Ok(permit)) => self.inbound.push_back(Inbound { plane, stream, permit }),
            // Dropping the stream resets it.
            _ => self.excess = self.excess.saturating_add(1),
        }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Infallible;
    type ToBehaviour = FromHandler;
    type InboundProtocol = Upgrade;
    type OutboundProtocol = Upgrade;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = oneshot::Sender<Result<Stream, OpenError>>;

    fn listen_protocol(&self) -> SubstreamProtocol<Upgrade, ()> {
        SubstreamProtocol::new(Upgrade { protocols: Arc::clone(&self.protocols), only: None }, ())
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Upgrade, Self::OutboundOpenInfo, FromHandler>> {
        if let Some(inbound) = self.inbound.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(FromHandler::Inbound(inbound)));
        }
        if self.excess > 0 {
            let excess = std::mem::take(&mut self.excess);
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(FromHandler::Excess(excess)));
        }
        if self.opening < OPENING_MAX
            && let Poll::Ready(Some(Open { plane, reply })) = self.wishes.poll_recv(cx)
        {
            self.opening += 1;
            let upgrade = Upgrade { protocols: Arc::clone(&self.protocols), only: Some(plane) };
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: SubstreamProtocol::new(upgrade, reply),
            });
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, event: Infallible) {
        match event {}
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Upgrade, Upgrade, (), Self::OutboundOpenInfo>,
    ) {
        // Who asked may have given up: then the stream is dropped here, which resets it.
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: (stream, plane),
                ..
            }) => self.on_inbound(plane, stream),
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: (stream, _),
                info,
            }) => {
                self.opening = self.opening.saturating_sub(1);
                let _ = info.send(Ok(stream));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                self.opening = self.opening.saturating_sub(1);
                let error = match error {
                    StreamUpgradeError::NegotiationFailed => OpenError::Unsupported,
                    StreamUpgradeError::Timeout => OpenError::Failed("the peer did not react".to_owned()),
                    StreamUpgradeError::Io(error) => OpenError::Failed(error.to_string()),
                    StreamUpgradeError::Apply(never) => match never {},
                };
                let _ = info.send(Err(error));
            }
            _ => {}
        }
    }
}

/// Agrees on a plane, and leaves the stream as it is.
#[derive(Debug, Clone)]
pub(crate) struct Upgrade {
    protocols: Protocols,
    only: Option<Plane>,
}

/// A plane with its protocol's name, as libp2p wants it.
#[derive(Debug, Clone)]
pub(crate) struct Name(Plane, StreamProtocol);

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.1.as_ref()
    }
}

impl UpgradeInfo for Upgrade {
    type Info = Name;
    type InfoIter = std::vec::IntoIter<Name>;

    fn protocol_info(&self) -> Self::InfoIter {
        let all = Plane::ALL.into_iter().zip(self.protocols.iter());
        let wanted = all.filter(|(plane, _)| self.only.is_none_or(|only| only == *plane));
        wanted.map(|(plane, name)| Name(plane, name.clone())).collect::<Vec<_>>().into_iter()
    }
}

impl InboundUpgrade<Stream> for Upgrade {
    type Output = (Stream, Plane);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, name: Name) -> Self::Future {
        ready(Ok((stream, name.0)))
    }
}

impl OutboundUpgrade<Stream> for Upgrade {
    type Output = (Stream, Plane);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, name: Name) -> Self::Future {
        ready(Ok((stream, name.0)))
    }
}
