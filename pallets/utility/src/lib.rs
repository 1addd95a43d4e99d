//! Batch calls, and dispatch them from derived accounts.
#![no_std]

extern crate alloc;
