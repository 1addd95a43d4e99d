//! Real swarms on 127.0.0.1: what honest nodes do together, and what hostile ones cannot do.

mod hostile;
mod hostile_libp2p;
mod hostile_peer;
mod kit;
mod membership;
mod planes;
