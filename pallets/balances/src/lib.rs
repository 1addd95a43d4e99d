//! Say who owns how much, and move it.
#![no_std]

extern crate alloc;
