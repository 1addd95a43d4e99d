//! View and change one version of the state: read, overlay, change set, delta.
#![no_std]

extern crate alloc;
