//! Put the time into each block.
#![no_std]

extern crate alloc;
