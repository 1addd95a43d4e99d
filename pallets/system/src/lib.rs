//! Keep accounts, nonces, block hashes, digests and events.
#![no_std]

extern crate alloc;
