//! Find peers, keep them within limits, and carry blocks, votes and transactions between them.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod addresses;
mod admission;
mod backoff;
mod behaviour;
mod bucket;
mod clock;
mod config;
mod error;
mod events;
mod frame;
mod gate;
mod gossip;
mod handle;
mod handler;
mod handshake;
mod identity;
mod ids;
pub mod limits;
mod mailbox;
mod message;
mod metrics;
mod opener;
mod peer_store;
mod plane;
mod push;
mod queue;
mod reputation;
mod requests;
mod seen;
mod service;
mod shared;
mod transport;

pub use config::{Config, ConnectionLimits, Discovery, Identity, Reach};
pub use error::{NetworkError, RequestError, SendError};
pub use events::{
    BlockRequestReceiver, ConsensusReceiver, IncomingBlockRequest, PeerEvent, PeerEventReceiver, Receivers,
    Responder, TransactionReceiver,
};
pub use handle::NetworkHandle;
pub use identity::SECRET_FILE;
pub use ids::{IdError, Multiaddr, PeerId};
pub use message::{
    BlockData, BlockId, BlockRequest, BlockResponse, Fields, Heads, Justification, Refusal, Roles, Start,
    Status,
};
pub use metrics::{PlaneTraffic, Traffic};
pub use plane::Plane;
pub use reputation::{BAN_BELOW, Cost, DISCONNECT_BELOW};
pub use service::{NetworkService, start};
pub use shared::PeerInfo;
