//! What the chain decides about itself.

mod lives;
mod origins;
mod weights;

pub(crate) use weights::{prepare, worst_cases};
