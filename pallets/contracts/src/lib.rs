//! Upload, instantiate and call Wasm contracts, as `pallet-contracts` does.
//!
//! # Responsibility
//!
//! - [`Contracts`]: code, contracts, their storage and its deposits.
//! - The host that contracts run against. The machine that runs them is the node's
//!   ([`Machine`](basalt_contracts_vm::Machine)), and comes with the [`Context`](basalt_support::Context).
//!
//! # State
//!
//! | item                     | value                                    | changed by                                  |
//! |--------------------------|------------------------------------------|---------------------------------------------|
//! | `PristineCode`           | code as it was uploaded                  | [`Call::upload_code`], [`Call::remove_code`] |
//! | `CodeInfoOf`             | [`CodeInfo`](types::CodeInfo)            | these, and contracts that use the code      |
//! | `ContractInfoOf`         | [`ContractInfo`](types::ContractInfo)    | instantiation, calls, termination           |
//! | `Nonce`                  | number of contracts ever created         | instantiation                               |
//! | `DeletionQueue`, `DeletionQueueCounter` | storage to be removed     | termination; emptied at the end of blocks   |
//! | `MigrationInProgress`    | always absent                            | declared for clients                        |
//! | below [`CHILD_STORAGE_PREFIX`] | what contracts store               | contracts                                   |
//!
//! # Out of scope
//!
//! Checking and running Wasm: `basalt-contracts-vm`.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

mod address;
pub mod api;
mod code;
pub mod costs;
mod deletion;
mod deposit;
mod dispatch;
mod exec;
mod gas;
mod host;
mod invariants;
mod metadata;
pub mod pallet;
pub mod schedule;
pub mod storage;
#[cfg(test)]
extern crate std;
mod transient;
pub mod types;

use basalt_pallet_balances::{Balances, types::Reason};
use basalt_primitives::{Balance, DispatchError, Perbill, Weight};
use basalt_support::{Failure, module_error};

pub use address::contract_address;
pub use deletion::DELETIONS_MAX;
pub use host::extension;
pub use metadata::{API_VERSION, SCHEDULE};
pub use pallet::{Call, Error, Event};
pub use storage::{
    CHILD_STORAGE_PREFIX, CODE_INFO_OF, CONTRACT_INFO_OF, DELETION_QUEUE, DELETION_QUEUE_COUNTER,
    MIGRATION_IN_PROGRESS, NONCE, PRISTINE_CODE,
};
pub use types::{Determinism, HoldReason};

/// The most frames below the first: contracts that call each other.
pub const FRAMES_NESTED_MAX: u32 = 23;
/// The most bytes of code.
pub const CODE_BYTES_MAX: u32 = 256 * 1024;
/// The most bytes of a key in a contract's storage.
pub const STORAGE_KEY_BYTES_MAX: u32 = 128;
/// The most bytes of a stored value, and of an event.
pub const PAYLOAD_BYTES_MAX: u32 = 16 * 1024;
/// The most bytes of transient storage in one call.
pub const TRANSIENT_STORAGE_BYTES_MAX: u32 = 1024 * 1024;
/// The most dependencies of one contract.
pub const DELEGATE_DEPENDENCIES_MAX: u32 = 32;
/// The most bytes that contracts may say in a dry run.
pub const DEBUG_BUFFER_BYTES_MAX: u32 = 2 * 1024 * 1024;
/// The most topics of an event.
pub const EVENT_TOPICS_MAX: u32 = 4;
/// The most memory of a contract, in pages of 64 KiB.
pub const MEMORY_PAGES_MAX: u32 = 16;
/// The most bytes of the subject of a random number.
pub const SUBJECT_BYTES_MAX: u32 = 32;

/// What storage costs as long as it is used.
#[derive(Debug, Clone, Copy)]
pub struct Deposits {
    /// For each stored value.
    pub per_item: Balance,
    /// For each byte of stored values.
    pub per_byte: Balance,
    /// The most that a call may be charged if its sender sets no limit.
    pub default_limit: Balance,
    /// Which share of its code's deposit each contract pays, too.
    pub code_lockup: Perbill,
}

/// The pallet. `C` is the runtime's call.
pub struct Contracts<C> {
    /// Its index in the runtime.
    pub index: u8,
    /// The token.
    pub balances: Balances,
    /// What storage costs.
    pub deposits: Deposits,
    /// The gas of a dry run that names no limit: as much as a block has.
    pub gas_max: Weight,
    /// The fee for a weight.
    pub weight_to_fee: fn(Weight) -> Balance,
    /// Which calls of the runtime contracts may make.
    pub callable: fn(&C) -> bool,
    /// Whether unstable host functions may be imported.
    pub unstable: bool,
    /// What this chain adds to the host functions.
    pub extensions: &'static [&'static dyn extension::ChainExtension],
}

impl<C> Contracts<C> {
    /// This error as clients see it.
    pub(crate) fn error(&self, error: Error) -> DispatchError {
        match module_error(self.index, &error) {
            Failure::Dispatch(error) => error,
            // `module_error` makes dispatch errors only.
            Failure::State(_) => DispatchError::Corruption,
        }
    }

    /// What the amount is held for, as `RuntimeHoldReason` encodes it.
    pub const fn reason(&self, reason: HoldReason) -> Reason {
        Reason { pallet: self.index, reason: reason as u8 }
    }
}
