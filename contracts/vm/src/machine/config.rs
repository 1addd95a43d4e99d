//! How a machine is set up, and what it tells of itself.

use std::{io, path::PathBuf, thread, time::Duration};

/// Contracts that may be on the stack of one thread: 25 calls of each other.
const CALL_DEPTH: u32 = 25;

/// How a [`WasmMachine`](crate::WasmMachine) runs contracts.
#[derive(Debug, Clone)]
pub struct MachineConfig {
    /// Which engines run what.
    pub engines: Engines,
    /// Where machine code is kept. `None`: each start compiles again.
    pub folder: Option<PathBuf>,
    /// How much of it is kept.
    pub folder_bytes_max: u64,
    /// Compiled contracts that may run at the same time, nested ones counted. What comes on top is interpreted.
    pub instances: u32,
    /// The largest memory that compiled contracts may have, in pages of 64 KiB. With more a contract is interpreted.
    pub memory_pages_max: u32,
    /// How much memory known codes may take, by estimate.
    pub cache_bytes_max: u64,
    /// Threads that compile.
    pub compile_threads: usize,
    /// The largest rewritten module that is compiled.
    pub compile_module_bytes_max: usize,
    /// How long compiling one code may take while others wait. What takes longer stays interpreted.
    pub compile_time_max: Duration,
    /// Codes that may wait. While it is full, further ones are interpreted and ask again at their next run.
    pub compile_queue_max: usize,
}

impl Default for MachineConfig {
    /// For this machine's processors, keeping nothing on disk.
    fn default() -> Self {
        let threads = thread::available_parallelism().map_or(1, |threads| threads.get());
        Self {
            engines: Engines::Both,
            folder: None,
            folder_bytes_max: 1024 * 1024 * 1024,
            // Those that run blocks, and as many for dry runs.
            instances: u32::try_from(2 * threads).unwrap_or(64).saturating_mul(CALL_DEPTH).clamp(100, 2000),
            memory_pages_max: 16,
            cache_bytes_max: 256 * 1024 * 1024,
            compile_threads: 1,
            // Uploads are at most 256 KiB, and metering makes real contracts half as large again.
            compile_module_bytes_max: 1024 * 1024,
            // The worst known code of the permitted size takes about two seconds.
            compile_time_max: Duration::from_secs(10),
            compile_queue_max: 256,
        }
    }
}

/// Which engines run contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engines {
    /// The interpreter until the compiler is done.
    Both,
    /// Nothing is compiled.
    InterpreterOnly,
    /// For tests and measurements: compiles when a code is first used, while the caller waits. What the compiler may not have
    /// is interpreted all the same.
    CompiledOnly,
}

/// How a code would be run now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Compiled.
    Compiled,
    /// Interpreted, and compiled soon.
    Queued,
    /// Interpreted.
    Interpreted,
}

/// What happened since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Runs as machine code.
    pub runs_compiled: u64,
    /// Of those, in an instance that an earlier run had left, and not a new one.
    pub runs_in_kept_instances: u64,
    /// Runs in the interpreter.
    pub runs_interpreted: u64,
    /// Of those, because all instances were taken.
    pub pool_full: u64,
    /// Codes that were not in memory when they were needed.
    pub loads: u64,
    /// Codes that were compiled.
    pub compilations: u64,
    /// Of those, without success.
    pub compilations_failed: u64,
    /// Codes whose machine code was on disk.
    pub disk_hits: u64,
    /// Files there that were not used: damaged, or of another version.
    pub disk_rejected: u64,
    /// Codes that wait to be compiled.
    pub waiting: u64,
    /// Codes in memory.
    pub codes: u64,
    /// Their size, by estimate.
    pub codes_bytes: u64,
}

/// Why no machine could be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// An engine refuses.
    #[error("the Wasm engines cannot be set up: {0}")]
    Engine(String),
    /// No threads.
    #[error("no thread to compile contracts: {0}")]
    Threads(#[source] io::Error),
    /// The folder cannot be used.
    #[error(
        "the folder {path} for compiled contracts cannot be used ({error}): choose one that belongs to this user"
    )]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}
