//! Run a Wasm contract within its gas, against a host interface.
//!
//! # Responsibility
//!
//! - [`Machine`]: checks code when it is uploaded, and runs it. What runs is the same on every node, to the unit of fuel,
//!   whatever engine is behind it.
//! - `WasmMachine` (feature `std`): the machine of a node. It interprets code at once and compiles what is used in the
//!   background, never while somebody waits; machine code is kept on disk.
//! - [`Host`]: what a contract may ask of its chain, one function call at a time; [`HostFunction`] names them and
//!   [`IMPORTS`] is the table of their names and signatures as `pallet-contracts` has them.
//!
//! # Flow
//!
//! ```text
//! upload ──► Machine::check ──► refused, with the reason
//! call   ──► Machine::run ──► known code? ──no──► its source is loaded, checked, rewritten; machine code from the disk?
//!                 │ compiled: wasmtime          fuel and stack height are counted by the rewritten code itself
//!                 │ not (yet): wasmi, and a thread in the background compiles, the most used first
//!                 ▼
//!            start section, then `call` or `deploy` ──► Host::call … ──► Run { ended, fuel left }
//! ```
//!
//! # Invariants
//!
//! - The outcome of a run, the fuel it leaves and the order and arguments of its host calls depend on the code, the entry,
//!   the fuel and the host's answers alone.
//!   Tests run everything on both engines, generated modules too, and compare this and the memory.
//! - Memory is all zero at the start of a run, but for the code's own data segments.
//! - No run compiles, none fails because all instances are taken, and none overflows the stack of its thread: where it gets
//!   short, the run goes on on a new one. A panic of the host goes through, and leaves the machine as it was.
//!
//! # Assumptions
//!
//! - Whoever can write into the folder of machine code as the node's user may run code as that user.
//! - [`Code::hash`] is the hash of what [`Code::source`] gives: what is known of a code is kept under its hash.
//! - A host and what it calls take at most a mebibyte of stack between two runs that nest.
//!
//! # Usage
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use basalt_contracts_vm::{
//!     Code, Determinism, Ended, Entry, Halt, Host, HostFunction, Machine, MachineConfig, Policy, WasmMachine,
//! };
//! use basalt_primitives::{H256, hashing::blake2_256};
//!
//! struct Silent;
//! impl Host for Silent {
//!     fn call(&mut self, _: HostFunction, _: &[u64], _: &mut [u8], _: &mut u64) -> Result<u64, Halt> {
//!         Err(Halt)
//!     }
//! }
//!
//! let code = wat::parse_str(
//!     r#"(module (import "env" "memory" (memory 2 16)) (func (export "call")) (func (export "deploy")))"#,
//! )?;
//! let policy =
//!     Policy { memory_pages_max: 16, determinism: Determinism::Enforced, unstable: false, chain_extension: false };
//! let machine = WasmMachine::new(MachineConfig::default())?;
//! machine.check(&code, &policy)?;
//! let source = || Ok(code.clone());
//! let known = Code { hash: H256(blake2_256(&code)), source: &source };
//! assert_eq!(machine.run(&known, &policy, Entry::Call, 1_000, &mut Silent)?.ended, Ended::Returned);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Out of scope
//!
//! Accounts, storage, deposits, events: `basalt-pallet-contracts` is the host.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

#[cfg(feature = "std")]
mod cache;
#[cfg(feature = "std")]
pub mod check;
#[cfg(feature = "std")]
mod engine;
mod imports;
mod interface;
#[cfg(feature = "std")]
mod machine;
#[cfg(feature = "std")]
pub mod rewrite;

#[cfg(feature = "std")]
pub use engine::{FRAME_STACK_BYTES, THREAD_STACK_BYTES};
pub use imports::{HostFunction, IMPORTS, Import, Stability, ValueType, find_import};
pub use interface::{
    Checked, Code, Determinism, Ended, Entry, Halt, Host, LoadError, Machine, MachineError, Policy, Refused,
    Run, SourceError, Trap,
};
#[cfg(feature = "std")]
pub use machine::{Engines, MachineConfig, Readiness, SetupError, Stats, WasmMachine};
