//! Blocks and their parts.

pub mod block;
pub mod digest;
pub mod era;
pub mod header;
