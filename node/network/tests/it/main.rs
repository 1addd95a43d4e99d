//! Real swarms on 127.0.0.1: what honest nodes do together, and what hostile ones cannot do.

mod hostile;
mod kit;
mod membership;
mod planes;
