//! Name the things of a chain: encode, hash, sign and address them.
#![no_std]

extern crate alloc;
