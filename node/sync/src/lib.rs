//! Catch up with the chain from several peers, any of which may lie.
//!
//! # Responsibility
//!
//! - [`CatchUp`]: whom to ask for which blocks, what to import next, and who pays for what went wrong. Pure: questions,
//!   answers and times go in, actions come out.
//! - [`start`]: runs it in a node, between `basalt-network` and `basalt-chain`, and tells peers where this node stands.
//! - [`Server`]: answers the same questions of others.
//! - [`fetch_body`]: one body, soon, for who has to vote on it.
//!
//! # Flow
//!
//! ```text
//! peers: claims ─► CatchUp ─► questions for ranges, several peers at once ─► Batch::check ─┐  links, hashes, bodies
//!                     ▲  ▲                                                                  │
//!                     │  └────────────────────────── answers, in any order ◄────────────────┘
//!                     │
//!                     └─ outcome ◄─ Importer: proof, then execution, block by block ◄─ the lowest range, on the final block
//! ```
//!
//! # Invariants
//!
//! - Nothing is executed that is not proved final: each block carries a certificate, which is checked right before the
//!   block is handed to the chain. So every block that was synced can be proved to others, too.
//! - With one honest peer that can be reached, the node gets to that peer's final block, whatever others do. Tested in
//!   `machine/tests.rs` with peers that lie in all ways we know.
//! - What peers send is held in at most [`RANGES_MAX`](limits::RANGES_MAX) answers, each within the limits of the network
//!   and [`BATCH_PARTS_MAX`](limits::BATCH_PARTS_MAX). Tested there as well.
//! - A failure of this node is nobody else's fault: a proved block that does not execute here charges no peer.
//!
//! # Assumptions
//!
//! - The runtime says until when a set surely decides ([`validators_until`](basalt_runtime_api::Runtime::validators_until)): no
//!   proof by those who were replaced counts above that.
//! - The chain keeps all bodies and certificates of final blocks, and their states for as long as an import takes.
//! - No block is larger than an answer of the network (8 MiB).
//!
//! # Usage
//!
//! ```no_run
//! use std::{sync::Arc, time::Duration};
//! use basalt_chain::Chain;
//! use basalt_network::{NetworkHandle, Receivers};
//! use basalt_sync::{Config, SyncService, Verify, start};
//! fn catch_up(chain: Arc<Chain>, network: NetworkHandle, receivers: Receivers, verify: Verify) -> SyncService {
//!     let Receivers { peers, block_requests: requests, .. } = receivers;
//!     let (handle, service) = start(Config {
//!         chain,
//!         network,
//!         peers,
//!         requests,
//!         verify,
//!         author: |_header| None,
//!         proposed: Arc::new(|_hash| None),
//!         patience: Duration::ZERO,
//!     });
//!     assert!(!handle.status.borrow().syncing);
//!     service
//! }
//! ```
//!
//! # Out of scope
//!
//! Connections, limits per connection, and what becomes of peers that were charged (`basalt-network`); what a certificate
//! looks like (`basalt-consensus-bft`); copying states instead of executing all blocks.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod batch;
mod fetch;
mod import;
pub mod limits;
mod machine;
mod serve;
mod service;

pub use batch::{Batch, Fault, Offered};
pub use fetch::fetch_body;
pub use import::{Author, Importer, Verify};
pub use machine::{Action, CatchUp, End, Failure, Outcome, Progress, RequestId};
pub use serve::{Proposed, Server};
pub use service::{Config, SyncHandle, SyncService, SyncStatus, start};
