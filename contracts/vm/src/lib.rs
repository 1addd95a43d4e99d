//! Run a Wasm contract within its gas, against a host interface.
//!
//! # Responsibility
//!
//! - [`Machine`]: checks code when it is uploaded, and runs it. What runs is the same on every node, to the unit of fuel,
//!   whatever engine is behind it.
//! - [`Host`]: what a contract may ask of its chain, one function call at a time; [`HostFunction`] names them and
//!   [`IMPORTS`] is the table of their names and signatures as `pallet-contracts` has them.
//!
//! # Flow
//!
//! ```text
//! upload ──► Machine::check ──► refused, with the reason
//! call   ──► Machine::run ──► known code? ──no──► its source is loaded, checked, rewritten
//!                 │ fuel and stack height are counted by the rewritten code itself
//!                 ▼
//!            start section, then `call` or `deploy` ──► Host::call … ──► Run { ended, fuel left }
//! ```
//!
//! # Invariants
//!
//! - The outcome of a run, the fuel it leaves and the order and arguments of its host calls depend on the code, the entry,
//!   the fuel and the host's answers alone.
//! - Memory is all zero at the start of a run, but for the code's own data segments.
//!
//! # Out of scope
//!
//! Accounts, storage, deposits, events: `basalt-pallet-contracts` is the host.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

#[cfg(feature = "std")]
pub mod check;
mod imports;
mod interface;
#[cfg(feature = "std")]
pub mod rewrite;

pub use imports::{HostFunction, IMPORTS, Import, Stability, ValueType, find_import};
pub use interface::{
    Checked, Code, Determinism, Ended, Entry, Halt, Host, LoadError, Machine, MachineError, Policy, Refused,
    Run, SourceError, Trap,
};
