//! The door between a chain and what runs its contracts.

use alloc::{string::String, vec::Vec};

use basalt_primitives::H256;

use crate::HostFunction;

/// Checks and runs contracts. One per node, shared by all threads; nested calls enter it again from inside a host call.
pub trait Machine: Send + Sync {
    /// Checks code that somebody wants to upload: everything that can be refused is refused here, with the reason.
    fn check(&self, code: &[u8], policy: &Policy) -> Result<Checked, Refused>;

    /// Runs one entry of a contract with `fuel`, in a fresh memory.
    ///
    /// # Errors
    ///
    /// [`MachineError`] if the node could not run it: its own fault, so nothing may be concluded about the contract.
    fn run(
        &self,
        code: &Code<'_>,
        policy: &Policy,
        entry: Entry,
        fuel: u64,
        host: &mut dyn Host,
    ) -> Result<Run, MachineError>;
}

/// What a contract may ask of its chain.
pub trait Host {
    /// The contract calls `function`. `arguments` has as many words as [`Import::parameters`](crate::Import) says (an `i32` in
    /// the low half, upper half zero); the result is the word to return, ignored if the function returns nothing.
    /// `memory` is the contract's; `fuel` what it has left, which the host may lower (or raise again, to what it was when
    /// this frame's call began at most).
    ///
    /// # Errors
    ///
    /// [`Halt`] ends the run at once. The host remembers why: a return, a termination, or an error.
    fn call(
        &mut self,
        function: HostFunction,
        arguments: &[u64],
        memory: &mut [u8],
        fuel: &mut u64,
    ) -> Result<u64, Halt>;
}

/// The host ends the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Halt;

/// A contract's code, as it was uploaded, found by its hash.
#[derive(Clone, Copy)]
pub struct Code<'a> {
    /// Blake2b-256 of the uploaded bytes.
    pub hash: H256,
    /// Loads the uploaded bytes. Only called when the machine does not know the code.
    pub source: &'a dyn Fn() -> Result<Vec<u8>, SourceError>,
}

/// Why uploaded code could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the code could not be loaded: {0}")]
pub struct SourceError(pub String);

/// Which function of a contract runs, after its start section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The export `deploy`: a constructor.
    Deploy,
    /// The export `call`: a message.
    Call,
}

/// Whether a module may do what differs between machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Determinism {
    /// No floating point. Everything that runs on chain.
    Enforced,
    /// Floating point is allowed: only in dry runs, by delegate call.
    Relaxed,
}

/// What a chain allows its contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Policy {
    /// The most memory, in pages of 64 KiB.
    pub memory_pages_max: u32,
    /// Whether floating point is refused.
    pub determinism: Determinism,
    /// Whether unstable host functions may be imported.
    pub unstable: bool,
    /// Whether the chain has an extension that `call_chain_extension` reaches.
    pub chain_extension: bool,
}

/// What is known of code that passed the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// [`Determinism::Enforced`] if it has no floating point, whatever was asked for.
    pub determinism: Determinism,
}

/// Why code is refused: one sentence that names the place and the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// How a run went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// How it ended.
    pub ended: Ended,
    /// What it left of its fuel.
    pub fuel_left: u64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The entry came to its end.
    Returned,
    /// The host ended it, see [`Halt`].
    Halted,
    /// The code did what it may not.
    Trapped(Trap),
    /// Nothing ran: the code imports deprecated functions, so only its messages run.
    NoConstructor,
}

/// What the code did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trap {
    /// It used up its fuel.
    OutOfFuel,
    /// It nested or kept more on its stack than the protocol allows.
    StackOverflow,
    /// Anything else: unreachable, out of bounds, division by zero, wrong type of an indirect call.
    Other,
}

/// Why the node could not run a contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MachineError {
    /// The uploaded bytes could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// An engine failed at something that must not fail.
    #[error("the Wasm engine failed: {0}")]
    Engine(String),
}

/// Why code that is on chain cannot be run here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// It could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It was uploaded, so it passed the check once, and does not now.
    #[error(
        "code {hash:?} is on chain but is refused here ({refused}); was the chain made with another version?"
    )]
    Refused {
        /// Its hash.
        hash: H256,
        /// Why.
        refused: Refused,
    },
}
