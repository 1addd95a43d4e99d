//! What the chain decides about itself.

mod weights;

pub(crate) use weights::{prepare, worst_cases};
