//! What codes are loaded, compiled and counted with; shared with the threads that compile.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{
    cache::{
        Known,
        disk::{Disk, Found, Name},
    },
    engine::{
        compiled::{Compiled, Compiler},
        interpreted::Interpreter,
    },
};

/// The engines, the disk and the counters.
pub(super) struct Tools {
    pub(super) interpreter: Interpreter,
    pub(super) compiler: Compiler,
    pub(super) fingerprint: u64,
    pub(super) disk: Option<Disk>,
    pub(super) counters: Counters,
}

/// See [`Stats`](super::Stats).
#[derive(Default)]
pub(super) struct Counters {
    pub(super) runs_compiled: Counter,
    pub(super) runs_interpreted: Counter,
    pub(super) pool_full: Counter,
    pub(super) loads: Counter,
    pub(super) compilations: Counter,
    pub(super) compilations_failed: Counter,
    pub(super) disk_hits: Counter,
    pub(super) disk_rejected: Counter,
}

/// Alone on its cache line: each run of each thread counts.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tools {
    /// Machine code from the disk.
    pub(super) fn load_from_disk(&self, known: &Known) -> Option<Compiled> {
        let disk = self.disk.as_ref()?;
        let why = match disk.read(&Name::new(&known.module, self.fingerprint)) {
            Found::Nothing => return None,
            Found::Wrong => "it is damaged".into(),
            Found::Artefact(artefact) => match self.compiler.load(&artefact) {
                Ok(compiled) => {
                    self.counters.disk_hits.count();
                    return Some(compiled);
                }
                Err(why) => why,
            },
        };
        self.counters.disk_rejected.count();
        tracing::warn!(code = ?known.hash, why, "machine code on disk is not used: compiles again");
        None
    }

    /// Compiles, and writes the machine code to the disk.
    pub(super) fn compile(&self, known: &Known) -> Result<Compiled, String> {
        self.counters.compilations.count();
        let (compiled, machine_code) = self
            .compiler
            .compile(&known.module)
            .inspect_err(|_| self.counters.compilations_failed.count())?;
        if let Some(disk) = &self.disk
            && let Err(error) = disk.write(&Name::new(&known.module, self.fingerprint), &machine_code)
        {
            tracing::warn!(%error, "machine code of a contract cannot be kept: the next start compiles again");
        }
        Ok(compiled)
    }
}
