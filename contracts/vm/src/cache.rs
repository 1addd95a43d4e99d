//! Codes that were rewritten and perhaps compiled, in memory; [`disk`] keeps machine code longer.

pub(crate) mod disk;
#[cfg(test)]
mod tests;

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU8, AtomicU64, Ordering},
};

use basalt_primitives::H256;
use quick_cache::{OptionsBuilder, Weighter, sync::Cache};

use crate::{
    Policy,
    engine::{compiled::Compiled, interpreted::Interpreted},
};

/// Which rewritten module: what a policy allows decides what the check lets through and how much memory there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) hash: H256,
    policy: Policy,
}

impl Key {
    pub(crate) fn new(hash: H256, policy: &Policy) -> Self {
        Self { hash, policy: *policy }
    }
}

/// A code that can be run.
pub(crate) struct Known {
    pub(crate) hash: H256,
    /// Rewritten.
    pub(crate) module: Vec<u8>,
    /// Whether it imports what a constructor may not use.
    pub(crate) deprecated: bool,
    /// Made when the interpreter first needs it.
    pub(crate) interpreted: OnceLock<Result<Interpreted, String>>,
    /// Set once, when it is compiled.
    pub(crate) compiled: OnceLock<Compiled>,
    /// How often it was interpreted. The most used is compiled first.
    pub(crate) heat: AtomicU64,
    stage: AtomicU8,
}

/// How far compiling is. It is changed under the lock of the queue, and read without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Nobody asked, or the queue was full.
    Idle,
    /// In the queue or at work.
    Waiting,
    /// Done.
    Compiled,
    /// Stays with the interpreter.
    Never,
}

impl Known {
    pub(crate) fn new(hash: H256, module: Vec<u8>, deprecated: bool, stage: Stage) -> Self {
        Self {
            hash,
            module,
            deprecated,
            interpreted: OnceLock::new(),
            compiled: OnceLock::new(),
            heat: AtomicU64::new(0),
            stage: AtomicU8::new(stage as u8),
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Idle,
            1 => Stage::Waiting,
            2 => Stage::Compiled,
            _ => Stage::Never,
        }
    }

    pub(crate) fn set_stage(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Release);
    }
}

/// The codes in memory, bounded by an estimate of their size.
pub(crate) type Codes = Cache<Key, Arc<Known>, Estimate>;

/// What a code takes when both engines have it: the rewritten module, about five times its size in the interpreter and
/// six as machine code, and what each has of fixed size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimate;

impl Weighter<Key, Arc<Known>> for Estimate {
    fn weight(&self, _: &Key, known: &Arc<Known>) -> u64 {
        32 * 1024 + 12 * known.module.len() as u64
    }
}

/// An empty cache.
pub(crate) fn codes(bytes_max: u64) -> Codes {
    let expected = usize::try_from(bytes_max / (128 * 1024)).unwrap_or(usize::MAX).clamp(16, 65_536);
    // One part per few processors would leave each with little room; one lock for a short look-up is no bottleneck in four.
    let options =
        OptionsBuilder::new().weight_capacity(bytes_max).estimated_items_capacity(expected).shards(4).build();
    match options {
        Ok(options) => Cache::with_options(
            options,
            Estimate,
            quick_cache::DefaultHashBuilder::default(),
            quick_cache::sync::DefaultLifecycle::default(),
        ),
        Err(_) => Cache::with_weighter(expected, bytes_max, Estimate),
    }
}
