//! Read ink! metadata, and turn text into call data and results into text.
//!
//! # Responsibility
//!
//! - [`Metadata`]: what a contract says about itself in a `.contract` or `.json` file of version 5.
//! - Text to SCALE by the types of that metadata, with errors that name the argument, what it must be and what it is.
//! - SCALE to [`Value`]: returns, events, call data and storage, to be shown as text or as JSON.
//!
//! # Flow
//!
//! ```text
//! file ── Metadata::from_json ──► function ── encode(texts) ──► call data ──► chain
//!                                                                               │
//! text or JSON ◄── Value ◄── decode_return / decode_event / storage::view ◄── bytes
//! ```
//!
//! # Invariants
//!
//! - What a value prints, the reader takes: printing and reading again gives the same bytes (property test).
//! - No input makes this panic or allocate without measure: nesting, number of values and size of files are limited.
//!
//! # Assumptions
//!
//! - Types are those of ink! 5: accounts are 32 bytes in a type whose name begins with `AccountId`, and what lies in
//!   cells of its own (`Mapping`, `Lazy`, `StorageVec`) is named in `ink_storage`.
//!
//! # Usage
//!
//! ```no_run
//! use basalt_contracts_codec::{Metadata, Settings};
//!
//! let metadata = Metadata::from_json(&std::fs::read("flipper.contract")?)?;
//! let settings = Settings::default();
//! let data = metadata.encode(metadata.constructor("new")?, &["true"], &settings)?;
//! assert_eq!(data, [0x9b, 0xae, 0x9d, 0x5e, 1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Out of scope
//!
//! Talking to a chain: `basalt contract` of `node`. Building contracts: `contracts/build`.

mod decode;
mod error;
mod events;
mod functions;
mod metadata;
mod read;
mod shape;
pub mod storage;
#[cfg(test)]
mod tests;
mod value;

pub use self::{
    decode::DecodeError,
    error::{ArgumentError, MetadataError, ReadError, UnknownName},
    events::{DecodedEvent, EventError},
    functions::{DecodedCall, Returned},
    metadata::{Argument, EventSpec, Function, Metadata, TypeSpec},
    read::{ReadAmount, Settings},
    value::{Fields, Value},
};
