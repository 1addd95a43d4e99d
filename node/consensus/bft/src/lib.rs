//! Agree on each block with the other validators, and prove it.
//!
//! # Responsibility
//!
//! - [`Host`]: everything that a validator decides, without input or output: events go in, actions come out. It drives
//!   the Tendermint state machine of Malachite, and is the only one that knows it.
//! - [`Members`]: who decides a height, with what weight, and in which order they propose.
//! - [`check_claim`]: whether what a header says of its making is true, with the randomness that chooses the next proposers.
//! - [`justification`]: certificates in the form of GRANDPA's, to store, to send, and to check.
//! - [`Log`]: what a validator must still know after a crash.
//! - [`BftEngine`]: carries out the actions, with the chain, the pool, the network and the disk of a node.
//!
//! # Flow
//!
//! ```text
//!            ┌──────────────── Host (pure) ─────────────────┐
//! messages ─►│ member? size? signed? claim right?           │─► Append, Sync ─► Log (disk)
//! time     ─►│   └─► Malachite core: propose, prevote,      │─► Broadcast    ─► network, after Sync
//! verdicts ─►│       precommit, decide                      │─► Build, Execute ─► chain ─► verdicts
//! durable  ─►│                                              │─► Commit       ─► chain, one batch ─► durable
//!            └──────────────────────────────────────────────┘
//! ```
//!
//! # Invariants
//!
//! - A message of ours leaves only after all that it rests on is durable: appended, synced, sent, in this order.
//! - Nothing is signed for a height before the height below is durable, so one height in the log is enough.
//! - A validator votes only for blocks that it has executed.
//! - The same events in the same order lead to the same actions. Tested by `tests/sim` over thousands of seeds.
//!
//! # Assumptions
//!
//! - More than two thirds of the power belongs to honest validators. With less, two blocks can be decided.
//! - Powers sum up to less than 2^61 ([`Members::new`] checks it).
//!
//! # Usage
//!
//! See `tests/sim`, which runs many hosts in one thread, and [`BftEngine`], which runs one in a node.
//!
//! # Out of scope
//!
//! Peers and their manners (`basalt-network`); catching up (`basalt-sync`); who validates (the runtime).
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod cache;
mod claim;
mod context;
mod engine;
mod error;
mod host;
pub mod justification;
mod keys;
pub mod limits;
mod log;
mod members;
mod payload;
mod timing;
mod wire;

pub use claim::{ClaimError, check_claim, claim_digest, claim_of, seed_after, vrf_input, vrf_transcript};
pub use engine::{BftEngine, Bodies, Config as EngineConfig, Incoming, Link, MESSAGES_MAX, Monitor};
pub use error::HostError;
pub use host::{
    Action, Config, Event, Ground, Host, Offence, Pace, PeerTag, Seen, Status, Step, Timer, Turnout, Verdict,
};
pub use justification::{FRNK, JustificationError, verify_justification};
pub use keys::{Keys, Refusal, Slot, SlotStep};
pub use log::{Entry, FileStorage, Log, LogError, Recovered, Storage};
pub use members::{Member, Members, MembersError};
pub use timing::Timeouts;
pub use wire::{Message, Polka, RoundChange, RoundVote, SignedProposal, SignedVote, WireError};
