//! Compose this chain from its pallets, in order, and nothing else.
#![no_std]

extern crate alloc;
