//! What both engines do alike: the functions of the host, how a run ends, and which stack it needs.
//!
//! A rewritten module brings its own metering, so an engine only instantiates, calls and reports. What is between the two is
//! said in [`rewrite`].

pub(crate) mod compiled;
pub(crate) mod interpreted;
mod kept;
mod lend;
mod load;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

pub(crate) use lend::lend;

use crate::{Ended, Entry, HostFunction, Run, rewrite};

/// The native stack that compiled code of one contract may use. The rewritten code stops itself before: all its units take
/// 464 KiB at 7.25 bytes each, the most that was measured (`examples/vm_stack.rs`).
pub(crate) const WASM_STACK_BYTES: usize = 1024 * 1024;

const _: () = assert!(
    WASM_STACK_BYTES >= 2 * 8 * rewrite::cost::STACK_UNITS as usize,
    "twice the measured need of the stack units, or the engine's limit is seen before the protocol's"
);

/// What one contract may use of the native stack together with the host function it is in.
pub const FRAME_STACK_BYTES: usize = 2 * WASM_STACK_BYTES;

/// The stack for threads that run contracts: 25 contracts that call each other. With less a run is as correct, but where
/// the stack gets short it goes on on a new one, which costs some microseconds.
pub const THREAD_STACK_BYTES: usize = 26 * FRAME_STACK_BYTES;

/// Why an engine could not say how a run went.
#[derive(Debug)]
pub(crate) enum EngineError {
    /// All prepared instances are taken.
    Full,
    /// Anything that must not happen.
    Failed(String),
}

/// For tests: what the last run of this thread left in memory, which is gone with its instance.
#[cfg(test)]
pub(crate) mod left {
    use std::cell::Cell;

    use basalt_primitives::hashing::blake2_256;

    thread_local! {
        static MEMORY: Cell<[u8; 32]> = const { Cell::new([0; 32]) };
    }

    pub(super) fn behind(memory: &[u8]) {
        MEMORY.set(blake2_256(memory));
    }

    pub(crate) fn take() -> [u8; 32] {
        MEMORY.take()
    }
}

impl Entry {
    fn export(self) -> &'static str {
        match self {
            Self::Deploy => rewrite::DEPLOY,
            Self::Call => rewrite::CALL,
        }
    }
}

/// Why a run ended inside a host function.
pub(crate) enum Early {
    Halted,
    Panicked(Box<dyn Any + Send>),
    Failed(&'static str),
}

/// What an engine reports of a run that it began.
pub(crate) struct Outcome {
    /// Set if a host function ended it.
    pub(crate) early: Option<Early>,
    /// The error that the engine stopped with, if any.
    pub(crate) error: Option<Stop>,
    /// The module's account: what is left of the fuel, less than nothing if it wanted more.
    pub(crate) fuel: i64,
    /// And of the stack.
    pub(crate) stack: i32,
}

/// How an engine stops.
pub(crate) enum Stop {
    /// Wasm's own rules.
    Trap,
    /// The engine's limits, which lie above those of the rewritten code.
    Engine(String),
}

impl Outcome {
    /// Of an instance that could not be made: a data or element segment that lies outside.
    fn not_begun(error: Stop, fuel: u64) -> Self {
        Self { early: None, error: Some(error), fuel: to_global(fuel), stack: 0 }
    }

    /// Whether the code came to its end, or the host ended it as it should.
    fn ended_well(&self) -> bool {
        matches!((&self.early, &self.error), (None, None) | (Some(Early::Halted), _))
    }

    /// How the run went. A panic of the host goes on here, when the engine has cleaned up.
    pub(crate) fn judge(self) -> Result<Run, EngineError> {
        let ended = match (self.early, self.error) {
            (Some(Early::Panicked(payload)), _) => resume_unwind(payload),
            (Some(Early::Failed(why)), _) => return Err(EngineError::Failed(why.into())),
            (Some(Early::Halted), _) => Ended::Halted,
            (None, None) => Ended::Returned,
            (None, Some(Stop::Engine(why))) => return Err(EngineError::Failed(why)),
            (None, Some(Stop::Trap)) => Ended::Trapped(rewrite::trap(self.fuel, self.stack)),
        };
        Ok(Run { ended, fuel_left: from_global(self.fuel) })
    }
}

/// Fuel as the module keeps it.
fn to_global(fuel: u64) -> i64 {
    fuel.min(rewrite::FUEL_MAX).cast_signed()
}

/// Fuel as the host sees it.
fn from_global(fuel: i64) -> u64 {
    u64::try_from(fuel).unwrap_or(0)
}

/// Asks the host that is lent. A panic is caught: it must not unwind through the frames of an engine.
fn ask(function: HostFunction, arguments: &[u64], memory: &mut [u8], fuel: &mut u64) -> Result<u64, Early> {
    match catch_unwind(AssertUnwindSafe(|| lend::with(|host| host.call(function, arguments, memory, fuel)))) {
        Ok(Some(Ok(word))) => Ok(word),
        Ok(Some(Err(crate::Halt))) => Err(Early::Halted),
        Ok(None) => Err(Early::Failed("a host function was called while no host is lent")),
        Err(payload) => Err(Early::Panicked(payload)),
    }
}

/// Runs `run` where the stack suffices for one contract and what the host does for it.
pub(crate) fn on_enough_stack<R>(run: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(FRAME_STACK_BYTES, THREAD_STACK_BYTES, run)
}

/// The error that ends a run from inside a host function; why is in the store.
#[derive(Debug)]
struct EndedByHost;

impl std::fmt::Display for EndedByHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ended by the host")
    }
}

impl std::error::Error for EndedByHost {}
impl wasmi::errors::HostError for EndedByHost {}

/// What a host function returns in Wasm.
trait FromWord {
    fn from_word(word: u64) -> Self;
}

impl FromWord for () {
    fn from_word(_: u64) {}
}

impl FromWord for u32 {
    fn from_word(word: u64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "the low half, as `Host::call` says")]
        {
            word as Self
        }
    }
}

impl FromWord for u64 {
    fn from_word(word: u64) -> Self {
        word
    }
}

/// Defines function number `$index` of [`IMPORTS`](crate::IMPORTS) in a linker of either engine, with the Wasm type that the
/// table gives it. `$caller` is the engine's type of caller, `$call` asks the host through it. The value is `None` for a type
/// that no arm has; then an arm has to be added, which a test notices.
macro_rules! define_host_function {
    ($linker:expr, $index:expr, $import:expr, $caller:ty, $error:ty, $call:path) => {{
        use $crate::ValueType::{I32, I64};
        $crate::engine::define_host_function! { @arms $linker, $index, $import, $caller, $error, $call;
            (a I32 u32) => (None) ();
            (a I32 u32, b I32 u32) => (None) ();
            (a I32 u32, b I32 u32, c I32 u32) => (None) ();
            (a I32 u32, b I32 u32, c I32 u32, d I32 u32) => (None) ();
            (a I32 u32, b I32 u32, c I32 u32, d I32 u32, e I32 u32) => (None) ();
            (a I32 u32, b I32 u32, c I32 u32, d I32 u32, e I32 u32, f I32 u32, g I32 u32, h I32 u32) => (None) ();
            (a I64 u64, b I32 u32, c I32 u32) => (None) ();
            (a I64 u64, b I64 u64, c I32 u32, d I32 u32) => (None) ();
            () => (Some(I64)) u64;
            () => (Some(I32)) u32;
            (a I32 u32) => (Some(I32)) u32;
            (a I32 u32, b I32 u32) => (Some(I32)) u32;
            (a I32 u32, b I32 u32, c I32 u32) => (Some(I32)) u32;
            (a I32 u32, b I32 u32, c I32 u32, d I32 u32) => (Some(I32)) u32;
            (a I32 u32, b I32 u32, c I32 u32, d I32 u32, e I32 u32) => (Some(I32)) u32;
            (a I32 u32, b I32 u32, c I32 u32, d I32 u32, e I32 u32, f I32 u32) => (Some(I32)) u32;
            // `call` in its three versions.
            (a I32 u32, b I32 u32, c I64 u64, d I32 u32, e I32 u32, f I32 u32, g I32 u32, h I32 u32, i I32 u32)
                => (Some(I32)) u32;
            (a I32 u32, b I32 u32, c I64 u64, d I32 u32, e I32 u32, f I32 u32, g I32 u32, h I32 u32) => (Some(I32)) u32;
            (a I32 u32, b I32 u32, c I64 u64, d I64 u64, e I32 u32, f I32 u32, g I32 u32, h I32 u32, i I32 u32, j I32 u32)
                => (Some(I32)) u32;
            // `instantiate` in its three versions.
            (a I32 u32, b I32 u32, c I64 u64, d I32 u32, e I32 u32, f I32 u32, g I32 u32, h I32 u32, i I32 u32, j I32 u32,
                k I32 u32, l I32 u32, m I32 u32) => (Some(I32)) u32;
            (a I32 u32, b I64 u64, c I32 u32, d I32 u32, e I32 u32, f I32 u32, g I32 u32, h I32 u32, i I32 u32, j I32 u32,
                k I32 u32) => (Some(I32)) u32;
            (a I32 u32, b I64 u64, c I64 u64, d I32 u32, e I32 u32, f I32 u32, g I32 u32, h I32 u32, i I32 u32, j I32 u32,
                k I32 u32, l I32 u32, m I32 u32) => (Some(I32)) u32;
        }
    }};
    (@arms $linker:expr, $index:expr, $import:expr, $caller:ty, $error:ty, $call:path;
        $(($($argument:ident $wasm:ident $native:ty),*) => ($result:pat) $answer:ty;)*) => {{
        let function = $import.function;
        match ($import.parameters, $import.result) {
            $(
                (&[$($wasm),*], $result) => Some($linker.func_wrap(
                    $crate::rewrite::MODULE,
                    &$index.to_string(),
                    move |mut caller: $caller, $($argument: $native),*| -> Result<$answer, $error> {
                        let arguments = [$(u64::from($argument)),*];
                        $call(&mut caller, function, &arguments)
                            .map(<$answer as $crate::engine::FromWord>::from_word)
                    },
                ).map(|_| ())),
            )*
            _ => None,
        }
    }};
}
use define_host_function;
