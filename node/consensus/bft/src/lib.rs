//! Agree on each block with the other validators, and prove it.
