//! Build and import blocks, choose the head, and tell others.
//!
//! # Responsibility
//!
//! - The one place where a block enters the chain: [`Chain::import`] and [`Chain::import_many`] for blocks of others,
//!   [`Chain::build`] with [`Chain::import_built`] or [`Chain::commit_later`] for our own, [`Chain::finalize`] for what an
//!   engine decided.
//! - The tree of blocks above the finalised one, for every engine alike: forks, the head, reorganisations, finality.
//! - The state after any block that is kept ([`StateView`]), and proofs against its root ([`Chain::prove`]).
//! - Telling others what changed ([`ChainEvent`]), and how the last blocks were run ([`BlockReport`]).
//!
//! # Flow
//!
//! ```text
//! BuildRequest ─build──► ┐                       ┌─► queue ─► database: one batch ─► snapshot for readers ─► events
//!                        ├ BuiltBlock ─import_built        (a thread that does nothing else)
//! Block ───────execute─► ┘ (changes, tree diff)  └─► nothing, if anything is wrong
//!       sizes, parent, number, extrinsics root, signatures, inherents, execution, digest, state root
//! ```
//!
//! # Invariants
//!
//! - A block is committed with all that follows from it (head, finality, lost branches) in one batch, or not at all.
//!   Readers see it after that, and events come after readers can see it. Tested in `tests/it/model.rs`.
//! - What is accepted and not durable ([`Chain::commit_later`]) is seen by those alone who build on it. Many blocks in a
//!   pipeline have the result of one by one. Tested in `tests/it/pipeline.rs`.
//! - Every state has the root that its header says: checked at import, and at opening for all blocks above the
//!   history. Tested by random trees of blocks against whole states in memory.
//! - The head is the finalised block or above it. A finalised block stays, and so does all below it.
//! - After a failed commit nothing is written any more ([`ChainError::Stopped`], [`Chain::fatal`]).
//! - Whose fault a failed import is, is in its type: [`ChainError::is_peer_fault`], [`ChainError::is_internal`].
//!
//! # Assumptions
//!
//! - Functions here block the caller, for execution or until a write of the database is done: asynchronous callers use a
//!   thread for blocking work.
//! - The engine has checked what the header says to it (author, seal, turn) before it imports.
//! - No account is signed for by a bare transaction: a runtime's `check_inherents` knows all that may be bare.
//!
//! # Usage
//!
//! ```
//! use std::sync::Arc;
//! use basalt_chain::{BuildRequest, Chain, ChainError, ImportOptions};
//! use basalt_runtime_api::{InherentData, Runtime};
//! use basalt_verifier::Verifier;
//!
//! # fn example(db: basalt_db::Db, runtime: Arc<dyn Runtime>, genesis: &[u8]) -> Result<(), ChainError> {
//! let chain = Chain::open(db, runtime, genesis, Default::default(), Arc::new(Verifier::new(1024)))?;
//! let built = chain.build(BuildRequest {
//!     parent: chain.best().hash,
//!     digest: Default::default(),
//!     author: None,
//!     inherents: InherentData::at(1_700_000_000_000),
//!     candidates: &mut std::iter::empty(),
//!     deadline: None,
//! })?;
//! let imported = chain.import_built(built, ImportOptions { finalize: true, ..Default::default() })?;
//! assert_eq!(chain.finalized(), imported.id);
//! # Ok(())
//! # }
//! ```
//!
//! # Out of scope
//!
//! Which block comes next, and when (`basalt-consensus-api` and the engines); what a block's transactions do
//! (`basalt-executor`); how it is stored (`basalt-db`).
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod block;
mod chain;
mod error;
mod event;
mod import;
mod layer;
pub mod limits;
mod recent;
mod report;
mod shared;
mod tree;
mod view;
mod writer;

pub use basalt_db::{BlockId, Justification};
pub use block::{BuildRequest, BuiltBlock, ForkChoice, ImportOptions, decode_block, extrinsics_root};
pub use chain::{Chain, Imported};
pub use error::{ChainError, ImportError};
pub use event::ChainEvent;
pub use import::ImportedMany;
pub use recent::Contents;
pub use report::{BlockReport, StageTimes};
pub use view::StateView;
pub use writer::Pending;
