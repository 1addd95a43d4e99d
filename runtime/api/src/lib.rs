//! Define what a node asks of any chain: the runtime door.
#![no_std]

extern crate alloc;
