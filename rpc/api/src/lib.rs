//! Name every JSON-RPC method, its parameters and its types.
//!
//! # Responsibility
//!
//! - The third door: what clients may ask of a node, one trait per family (`ChainApi`, `StateApi`,
//!   `ChildStateApi`, `AuthorApi`, `KeystoreApi`, `SystemApi`, `PaymentApi`, `EngineApi`, `GrandpaApi`, `BasaltApi`), with
//!   every alias and notification name.
//! - The JSON of parameters and answers ([`types`], [`text`]) and the error codes ([`codes`]).
//! - A client for each family, generated from the same trait: `ChainApiClient` and so on.
//!
//! # Invariants
//!
//! - Names, shapes and codes equal the reference node's; unmodified clients depend on them. Pinned by tests here, and
//!   over sockets by those of `basalt-rpc`. What it does not have is in `basalt_*`, with codes from 9000.
//! - Hex is read with and without `0x` and written with it, in lower case.
//! - Optional parameters come last, and may be missing or null.
//!
//! # Usage
//!
//! ```
//! use basalt_rpc_api::text::Bytes;
//! let data: Bytes = serde_json::from_str(r#""00ff""#).unwrap();
//! assert_eq!(serde_json::to_string(&data).unwrap(), r#""0x00ff""#);
//! ```
//!
//! # Out of scope
//!
//! Answering: that is `basalt-rpc`. `rpc_methods` has no trait, since only the server knows what it serves.

mod author;
mod basalt;
mod chain;
mod child_state;
pub mod codes;
mod engine;
mod grandpa;
mod keystore;
mod payment;
mod state;
mod system;
#[cfg(test)]
mod tests;
pub mod text;
pub mod types;

pub use author::{AuthorApiClient, AuthorApiServer};
pub use basalt::{BasaltApiClient, BasaltApiServer};
pub use chain::{ChainApiClient, ChainApiServer};
pub use child_state::{ChildStateApiClient, ChildStateApiServer};
pub use engine::{EngineApiClient, EngineApiServer};
pub use grandpa::{GrandpaApiClient, GrandpaApiServer};
pub use keystore::{KeystoreApiClient, KeystoreApiServer};
pub use payment::{PaymentApiClient, PaymentApiServer};
pub use state::{StateApiClient, StateApiServer};
pub use system::{SystemApiClient, SystemApiServer};

/// Methods that can harm a node or tell about its operator: only for those who run it.
pub const UNSAFE_METHODS: &[&str] = &[
    "author_hasKey",
    "author_hasSessionKeys",
    "author_insertKey",
    "author_rotateKeys",
    "author_rotateKeysWithOwner",
    "engine_createBlock",
    "engine_finalizeBlock",
    "system_addReservedPeer",
    "system_dryRun",
    "system_dryRunAt",
    "system_peers",
    "system_removeReservedPeer",
    "system_reservedPeers",
];
