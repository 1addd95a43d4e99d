//! Networks of whole nodes as processes.

mod hostile;
#[path = "../../../../node/network/tests/it/hostile_peer.rs"]
mod hostile_peer;
mod localnet;
mod partition;
mod validators;
