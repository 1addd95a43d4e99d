//! Run many nodes in one thread with a network and disks that fail by a seed.
//!
//! # Responsibility
//!
//! - [`World`]: nodes with the real host of the agreement and its real log, on a disk, a network and a clock that are
//!   made up. The same [`Request`] always leads to the same events, whose hash is in the [`Outcome`].
//! - [`Scenario`]: what a seed stands for: nodes, weights, sets of validators, and what goes wrong when.
//! - [`Fault`]: each kind of trouble, by the world and by Byzantine validators, by name.
//! - [`run_all`]: thousands of seeds, and the command that shows again what one of them found.
//!
//! # Flow
//!
//! ```text
//! seed ─► Scenario ─► World: queue of happenings by (time, number) ─► Host ─► actions ─► disk, network, chain ─► queue
//!                            └─ Check: looks at all that honest nodes sign, decide, report and accuse
//! ```
//!
//! # Invariants
//!
//! What a run checks in every step; a violation ends it:
//!
//! - Honest nodes never make two blocks final at one height, never go back, and can prove what they made final.
//! - An honest key publishes one thing for one height, round and step, across crashes, and only what the record of its
//!   keys holds durably.
//! - Honest nodes do not accuse, and do not report, each other; they do not stop.
//! - Whoever has two messages before it that contradict each other, and decides that height, says who signed them.
//! - After the world healed, every honest node gets to another height within a time that the longest timeouts bound.
//!
//! # Assumptions
//!
//! - Byzantine validators have less than a third of the weight of every set.
//! - Keys write their record only in `sync`, and completely or not at all: see [`Disk`].
//!
//! # Usage
//!
//! ```text
//! cargo xtask sim --seeds 0..3000
//! cargo xtask sim --seeds 17..18 --heights 10 --trace
//! cargo xtask sim --report latency --delays 5,50,100
//! ```
//!
//! # Out of scope
//!
//! The engine's loop with its threads, libp2p, and processes: `node/consensus/bft`, `node/network`, `tests/e2e`.

mod app;
mod check;
mod dice;
mod disk;
mod fault;
mod keys;
mod latency;
mod run;
mod scenario;
mod world;

pub use app::{App, Body, Decided, Full, Light, Order, Shared};
pub use dice::Dice;
pub use disk::{Disk, File, Reached};
pub use fault::Fault;
pub use keys::{DiskKeys, Purpose, Signer};
pub use latency::{Latency, Spread, measure};
pub use run::{Failure, Summary, run, run_all, run_scenario};
pub use scenario::{Kind, Links, NODES_MAX, Request, Role, Scenario, Window};
pub use world::{Outcome, World};
