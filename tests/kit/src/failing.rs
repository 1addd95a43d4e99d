//! A state that cannot be read at one point.

use std::sync::atomic::{AtomicU64, Ordering};

use basalt_state::{Key, StateError, StateRead, Value};

/// A view that fails at one read and works before and after it.
pub struct Failing<'a> {
    below: &'a (dyn StateRead + Sync),
    at: u64,
    reads: AtomicU64,
}

impl<'a> Failing<'a> {
    /// A view of `below` whose read number `at` fails, counted from 0.
    pub fn new(below: &'a (dyn StateRead + Sync), at: u64) -> Self {
        Self { below, at, reads: AtomicU64::new(0) }
    }

    /// Whether the read that fails has happened.
    pub fn has_failed(&self) -> bool {
        self.reads.load(Ordering::Relaxed) > self.at
    }

    fn count(&self) -> Result<(), StateError> {
        if self.reads.fetch_add(1, Ordering::Relaxed) == self.at {
            return Err(StateError::Backend(format!("injected at read {}", self.at)));
        }
        Ok(())
    }
}

impl StateRead for Failing<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.count()?;
        self.below.get(key)
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        self.count()?;
        self.below.next_key(key)
    }
}
