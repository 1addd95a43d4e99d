//! Hold valid transactions, and offer the best next.
//!
//! # Responsibility
//!
//! - [`Pool`] decides: what is ready, what waits, what is replaced, evicted, refused. Pure: no thread, no lock, no
//!   clock; what happens to whom comes back as [`Effects`].
//! - [`PoolHandle`] is how the rest of the node reaches it: one thread owns the pool, and serves a bounded channel. It
//!   never checks a signature: as many threads beside it as there are cores do, a batch each.
//! - [`PoolError`] maps each refusal to the codes and texts that wallets know.
//!
//! # Flow
//!
//! ```text
//! submit ─► inspect ─► channel ─► admit ─► verify, validate ─► Pool::insert ─► reply
//!           (caller)  (bounded)  (pool's)  (a checker each)    (pool's, in        └─► watchers
//!                                           up to batch_max     order)
//! on_block ─────────► InBlock, retracted in again, revalidate some ───────────────────► watchers
//! ready ────────────► best first ─► block maker ─► refused ─► remove
//! ```
//!
//! An idle pool serves a single transaction at once; a busy one finds many waiting, and verifies them together. Blocks
//! and questions do not wait for what is being checked; what a block overtakes on its way is judged by the new head
//! before it enters the pool (checked anew after a reorganisation).
//!
//! # Invariants
//!
//! - Count and bytes, in total and per sender, never exceed [`Limits`].
//! - [`Pool::ready`] offers each sender's transactions in nonce order without a gap, and the best first among those
//!   that may come next.
//! - A transaction is replaced only by one of at least 10 % more priority.
//! - No transaction is lost: each that was taken in is there, or an effect said what became of it.
//!
//! A property test compares all four with a naive pool (`tests/it/model.rs`).
//!
//! # Assumptions
//!
//! - [`Runtime::validate`](basalt_runtime_api::Runtime::validate) accepts nonces above the sender's next one. Readiness
//!   follows from nonces alone; `requires` and `provides` are not looked at.
//! - Each transaction is checked against the head as if it were its sender's only one. That a sender cannot pay for
//!   all of them together is found by the block maker, who calls [`PoolHandle::remove`] for what is refused.
//! - The block maker waits until the pool has seen its parent block ([`PoolHandle::on_block`] returns after that, and
//!   [`PoolHandle::subscribe_head`] tells) before it calls [`PoolHandle::ready`]; else it is offered what the parent
//!   includes already, and must not `remove` that as stale.
//! - A sender's nonce may move by a transaction that never was in this pool. That is noticed when the sender's turn to
//!   be revalidated comes, or by the block maker.
//!
//! # Usage
//!
//! ```
//! use std::sync::Arc;
//! use basalt_pool::{Head, Limits, start};
//! use basalt_runtime_api::Runtime;
//! use basalt_verifier::{REMEMBERED_MAX, Verifier};
//! async fn submit(runtime: Arc<dyn Runtime>, head: Head, bytes: Vec<u8>) -> std::io::Result<()> {
//!     let verifier = Arc::new(Verifier::new(REMEMBERED_MAX));
//!     let (pool, service) = start(runtime, verifier, head, Limits::production())?;
//!     match pool.submit(bytes).await {
//!         Ok(hash) => assert!(pool.ready().await.iter().any(|transaction| transaction.hash == hash)),
//!         Err(error) => eprintln!("{} {}: {:?}", error.code(), error.message(), error.data()),
//!     }
//!     service.stop();
//!     Ok(())
//! }
//! ```
//!
//! # Out of scope
//!
//! Where blocks come from (`basalt-chain`; `basalt-node` passes them on), passing transactions to peers, and the
//! signature schemes (`basalt-verifier`).
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod bans;
mod checks;
mod error;
mod handle;
mod intake;
mod limits;
mod memo;
mod pool;
mod queue;
mod queues;
mod ready;
mod service;
mod status;
mod watchers;

pub use error::{Full, PoolError, PoolErrorKind};
pub use handle::{BlockUpdate, Head, PoolHandle};
pub use limits::{Limits, QUEUED_OVERHEAD_BYTES};
pub use pool::{Candidate, Inserted, Pool, PoolStatus};
pub use ready::Ready;
pub use service::{PoolService, start};
pub use status::{Effects, TransactionStatus};
