//! How transactions are run, as people write it: `sequential`, `parallel`, `parallel=4`.

use std::{fmt, num::NonZeroUsize, str::FromStr, thread};

/// The most threads that one block is run with: beyond it the committer has no use for more.
pub const THREADS_MAX: usize = 256;

/// How transactions are run. The result never depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One after the other: the reference that every other mode is compared with.
    Sequential,
    /// On this many threads, the caller's included, and committed in order.
    Parallel(NonZeroUsize),
}

/// Why there is no such executor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModeError {
    /// The text names no mode.
    #[error(
        "{0:?} is no way to execute blocks; use sequential, parallel or parallel=N with N from 1 to {THREADS_MAX}"
    )]
    Unknown(String),
    /// The operating system gives no threads.
    #[error(
        "{threads} threads for execution could not be started: {why}; use --execution sequential or fewer threads"
    )]
    Threads {
        /// How many were wanted.
        threads: usize,
        /// What the system says.
        why: String,
    },
}

impl Mode {
    /// Parallel on all cores of this machine; sequential if it has but one.
    pub fn parallel() -> Self {
        match thread::available_parallelism() {
            Ok(cores) if cores.get() > 1 => Self::of(cores.get()),
            _ => Self::Sequential,
        }
    }

    /// Parallel on this many threads, within 1 and [`THREADS_MAX`].
    pub(crate) fn of(threads: usize) -> Self {
        Self::Parallel(NonZeroUsize::new(threads.min(THREADS_MAX)).unwrap_or(NonZeroUsize::MIN))
    }

    /// How many threads run transactions, the caller's included.
    pub fn threads(&self) -> usize {
        match self {
            Self::Sequential => 1,
            Self::Parallel(threads) => threads.get(),
        }
    }
}

impl Default for Mode {
    fn default() -> Self {
        Self::parallel()
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequential => f.write_str("sequential"),
            Self::Parallel(threads) => write!(f, "parallel={threads}"),
        }
    }
}

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, ModeError> {
        match text.split_once('=') {
            None if text == "sequential" => Ok(Self::Sequential),
            None if text == "parallel" => Ok(Self::parallel()),
            Some(("parallel", threads)) => threads
                .parse::<NonZeroUsize>()
                .ok()
                .filter(|threads| threads.get() <= THREADS_MAX)
                .map(Self::Parallel)
                .ok_or_else(|| ModeError::Unknown(text.into())),
            _ => Err(ModeError::Unknown(text.into())),
        }
    }
}
