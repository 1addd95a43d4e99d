//! Opening streams from any task, past the swarm's.

use libp2p::Stream;
use tokio::sync::{mpsc, oneshot};

use crate::Plane;

/// Requests to open a stream that wait for the connection. More wait with their senders.
const QUEUE: usize = 8;

/// Opens streams on one connection.
#[derive(Debug, Clone)]
pub(crate) struct Opener(mpsc::Sender<Open>);

/// A wish for a stream.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) plane: Plane,
    pub(crate) reply: oneshot::Sender<Result<Stream, OpenError>>,
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("the connection is closed")]
    Closed,
    #[error("the peer does not speak this protocol")]
    Unsupported,
    #[error("{0}")]
    Failed(String),
}

impl Opener {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Open>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), receiver)
    }

    pub(crate) async fn open(&self, plane: Plane) -> Result<Stream, OpenError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Open { plane, reply }).await.map_err(|_| OpenError::Closed)?;
        answer.await.map_err(|_| OpenError::Closed)?
    }
}
