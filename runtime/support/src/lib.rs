//! Provide what a pallet is made of: context, storage, calls, origins, events, errors, weight, metadata.
#![no_std]

extern crate alloc;
