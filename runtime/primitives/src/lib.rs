//! Name the things of a chain: encode, hash, sign and address them.
//!
//! # Responsibility
//!
//! - The one place for the bytes that Substrate clients read and write: accounts, headers, digests, extrinsics,
//!   eras, signatures, weights, dispatch and validity errors, the runtime version.
//! - Hashes, signature checks and SS58 text.
//! - With feature `std`: signing keys from phrases and derivation paths (module `keys`).
//!
//! # Invariants
//!
//! - SCALE encodings and metadata type paths equal Substrate's; each path and variant index is pinned by a test.
//! - No decoder panics, whatever its input; each is fed arbitrary bytes by property tests.
//! - Without `std`, nothing here reads a clock, a random source or any other part of the world.
//!
//! # Assumptions
//!
//! - The 64-bit [`Moment`] counts milliseconds since 1970; a [`Balance`] counts the smallest unit of the token.
//!
//! # Usage
//!
//! ```
//! use basalt_primitives::{AccountId, Header, ss58};
//!
//! let alice: AccountId = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY".parse().unwrap();
//! assert_eq!(ss58::decode(&alice.to_string()).unwrap(), (42, alice.0.to_vec()));
//!
//! let genesis = Header { number: 0, ..Header::default() };
//! assert_eq!(serde_json::to_value(&genesis).unwrap()["number"], "0x0");
//! ```
//!
//! # Out of scope
//!
//! - The calls and events of a chain: they are defined by the pallets and gathered in `basalt-runtime`.
//! - Storage keys and their hashers: `basalt-support`. Tries and roots: `basalt-tree`.

#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod claim;
pub mod crypto;
pub mod dispatch;
mod error;
pub mod extrinsic;
pub mod fixed_point;
pub mod generic;
pub mod hashing;
mod hex_text;
#[cfg(feature = "std")]
pub mod keys;
pub mod multiaddress;
pub mod per_things;
pub mod signature;
pub mod ss58;
#[cfg(test)]
mod tests;
pub mod traits;
pub mod transaction_validity;
mod type_info;
mod version;
pub mod votes;
pub mod weight_v2;

pub use claim::{CLAIM, Claim};
pub use crypto::AccountId32;
pub use dispatch::{DispatchClass, DispatchEventInfo, Pays};
pub use error::{ArithmeticError, DispatchError, ModuleError, TokenError, TransactionalError};
pub use extrinsic::{Additional, Extra, ExtrinsicError, Preamble};
pub use fixed_point::{FixedU128, multiply_divide};
pub use generic::{
    block::{Block, OpaqueExtrinsic},
    digest::{Digest, DigestItem, EngineId},
    era::Era,
    header::Header,
};
pub use multiaddress::MultiAddress;
pub use per_things::{Perbill, Percent, Permill};
pub use primitive_types::{H160, H256, U256};
pub use signature::{MultiSignature, MultiSigner};
pub use ss58::Ss58Error;
pub use traits::BlakeTwo256;
pub use transaction_validity::{
    InvalidTransaction, TransactionSource, TransactionValidityError, UnknownTransaction, ValidTransaction,
};
pub use version::{RuntimeVersion, api_id};
pub use weight_v2::Weight;

/// Who an account is: 32 bytes, a public key or the hash of one.
pub type AccountId = AccountId32;
/// An amount of the native token in its smallest unit.
pub type Balance = u128;
/// The height of a block; genesis is 0.
pub type BlockNumber = u32;
/// How many transactions an account has sent.
pub type Nonce = u32;
/// A time in milliseconds since 1970-01-01 00:00 UTC.
pub type Moment = u64;
/// The hash of blocks, extrinsics and state roots: blake2b with 256 bits.
pub type Hash = H256;
