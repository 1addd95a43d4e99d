//! Search for inputs that break an invariant, guided by what they make happen.
//!
//! # Responsibility
//!
//! - [`Target`]: a function of bytes that panics if an invariant does not hold, and tells what happened ([`Seen`]).
//!   [`TARGETS`] lists them.
//! - [`Fuzzer`]: makes inputs by chance and by mutation of those that showed something new, runs them, keeps what failed.
//!
//! # Flow
//!
//! ```text
//! corpus ──► mutate ──► Target::run ──► something new was seen: into the corpus, and onto the disk
//!    ▲    (or fresh bytes)      │
//!    └──────────────────────────┴─────► panic: made shorter, written to failures/
//! ```
//!
//! # Invariants
//!
//! - Seed, number of cases and corpus decide everything: the same run again finds the same.
//!
//! # Usage
//!
//! ```sh
//! cargo xtask fuzz host_interface --seconds 600
//! cargo xtask fuzz host_interface --replay ~/.cache/basalt/fuzz/host_interface/failures/FILE
//! ```
//!
//! Why it is our own: `docs/decisions/0012-fuzzing.md`.
//!
//! # Out of scope
//!
//! Properties of single functions: those are property tests beside the code.

mod fuzzer;
pub mod host_interface;
mod mutate;

pub use fuzzer::{Failure, Fuzzer, Summary};
pub use mutate::{Choices, mutated};

/// What an input made happen, as numbers: two of the same are the same behaviour.
#[derive(Debug, Default)]
pub struct Seen(Vec<u64>);

impl Seen {
    /// Something happened that these numbers describe.
    pub fn note(&mut self, what: &[u64]) {
        // FNV-1a over words: only needs to tell behaviours apart.
        let hash = what.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| {
            (hash ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23)
        });
        self.0.push(hash);
    }
}

/// Something to fuzz.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Panics if an invariant does not hold.
    pub run: fn(&[u8], &mut Seen),
    /// Shows an input to people.
    pub describe: fn(&[u8]) -> String,
    /// The most bytes of an input that make sense.
    pub bytes_max: usize,
}

/// All of them.
pub const TARGETS: &[Target] = &[Target {
    name: "host_interface",
    run: host_interface::run,
    describe: host_interface::describe,
    bytes_max: 2_048,
}];

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
