//! Charge transactions for what they use, and share out the fees.
#![no_std]

extern crate alloc;
