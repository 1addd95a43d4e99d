//! Give tests chains, transactions, faults and the check that two execution modes agree.
//!
//! # Responsibility
//!
//! - [`check_block`]: every block that a test executes goes through here: all [`MODES`] run it, and receipts, change set,
//!   digest, weight and bytes must be equal.
//! - [`Ledger`]: a chain without a database: executes blocks on a map, and checks every pallet's invariants
//!   (`try_state`) after each.
//! - [`machine()`]: runs contracts for all tests of a process.
//! - [`Sender`]: signs transactions as a wallet does.
//! - [`Failing`]: a view of the state that fails at a chosen read, as a broken disk would.
//! - [`measure()`]: what a call really read and wrote, compared with what it declared.
//!
//! # Out of scope
//!
//! Whole nodes as processes: `tests/e2e`.

mod failing;
mod ledger;
mod measure;
mod sender;

pub use failing::Failing;
pub use ledger::{Ledger, MODES, blocks_compared, check_block, executors, machine};
pub use measure::{Measured, measure};
pub use sender::Sender;
