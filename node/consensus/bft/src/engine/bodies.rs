//! Bodies of proposed blocks, for the other validators to ask for.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use basalt_primitives::{H256, OpaqueExtrinsic};

use crate::limits::BODIES_MAX;

/// The last bodies that were built or received. What is decided, the chain has.
#[derive(Default)]
pub struct Bodies(Mutex<VecDeque<(H256, Arc<[OpaqueExtrinsic]>)>>);

impl Bodies {
    /// The body of the block with this hash.
    pub fn get(&self, hash: &H256) -> Option<Arc<[OpaqueExtrinsic]>> {
        let bodies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bodies.iter().find(|(of, _)| of == hash).map(|(_, body)| body.clone())
    }

    pub(super) fn insert(&self, hash: H256, body: &[OpaqueExtrinsic]) {
        let mut bodies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bodies.iter().any(|(of, _)| *of == hash) {
            return;
        }
        if bodies.len() >= BODIES_MAX {
            bodies.pop_front();
        }
        bodies.push_back((hash, body.into()));
    }
}
