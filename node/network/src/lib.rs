//! Find peers, keep them within limits, and carry blocks, votes and transactions between them.
//!
//! # Responsibility
//!
//! - The only place that knows libp2p. Others see [`PeerId`], [`Multiaddr`] and messages.
//! - Who is a peer: [`Config`] and [`NetworkHandle`] say who is wanted, the handshake who belongs to this chain, limits how many,
//!   and [`Cost`] who is sent away.
//! - Carrying messages, whose content it does not judge: votes, transactions, heads, questions for blocks ([`Plane`]).
//!
//! # Flow
//!
//! ```text
//!  node ── NetworkHandle ──► queue of a peer ──► task ──► stream ─┐      (votes, transactions, heads)
//!                        └─► stream of a question ────────────────┤
//!                                                                 ▼
//!  connections ◄── swarm's task: dials, admits, shakes hands ◄── libp2p ◄──► peers
//!                                                                 │
//!  node ◄── Receivers ◄── queues by peer, in turn ◄── decode ◄── count ◄── task ◄┘
//! ```
//!
//! # Invariants
//!
//! - Nobody is served before the handshake has succeeded (`tests/it/hostile.rs`).
//! - No message is decoded, and none longer than its limit is read, before it was counted against the peer's rate.
//! - Every queue is bounded, in messages and in bytes, for each peer; votes have queues and tasks of their own.
//! - No transaction is handed to the node twice, as long as it is remembered ([`limits::TRANSACTIONS_SEEN_MAX`]).
//! - Reserved peers are never banned.
//!
//! # Assumptions
//!
//! - It runs in a tokio runtime with time and input/output enabled.
//! - The node reads all four [`Receivers`], [`NetworkHandle::report`]s what peers are to blame for, and calls
//!   [`NetworkHandle::announce_transaction`] for each transaction that it found valid, whoever sent it.
//! - What a peer says of itself (roles, heads, addresses) proves nothing.
//!
//! # Usage
//!
//! ```no_run
//! use basalt_network::{Config, Cost, Heads, NetworkError, Roles};
//! use basalt_primitives::H256;
//! # fn is_valid(vote: &[u8]) -> bool { !vote.is_empty() }
//! async fn run(genesis: H256) -> Result<(), NetworkError> {
//!     let config = Config::local(genesis, Roles::FULL.with(Roles::AUTHORITY));
//!     let (network, mut receivers, service) = basalt_network::start(config, Heads::default())?;
//!     network.dial("/ip4/127.0.0.1/tcp/30333".parse().expect("an address")).await?;
//!     while let Some((peer, vote)) = receivers.consensus.recv().await {
//!         match is_valid(&vote) {
//!             true => drop(network.relay_consensus(vote)),
//!             false => network.report(peer, Cost::BadConsensusMessage),
//!         }
//!     }
//!     service.stop().await;
//!     Ok(())
//! }
//! ```
//!
//! # Out of scope
//!
//! What messages mean: `basalt-consensus-bft`, `basalt-pool`, `basalt-sync`. What is answered to a question for blocks: the node.
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
