//! Commit a state to one root, and prove keys present or absent against it.
#![no_std]

extern crate alloc;
