//! Catch up with the chain from several peers, any of which may lie.
