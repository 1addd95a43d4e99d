//! Upload, instantiate and call Wasm contracts, as `pallet-contracts` does.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]
