//! Runs rewritten modules in wasmi: at once, without compiling.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wasmi::{
    AsContext, AsContextMut, Caller, CompilationMode, Config, Engine, Error, Global, Instance, Linker,
    Memory, Module, Store, TrapCode, Val, errors::ErrorKind,
};

use super::{Early, EndedByHost, EngineError, Outcome, Stop, ask, from_global, to_global};
use crate::{Entry, HostFunction, IMPORTS, Run, rewrite, rewrite::cost};

/// The most slots of 8 bytes on wasmi's value stack: 1 MiB. More than any code that keeps within its stack units can need.
///
/// A frame has a slot for each local, each operand and each constant that wasmi keeps in it, and all of these are units: a
/// constant comes from a `*.const`, or from an instruction that wasmi computes when it translates. It keeps the distance of
/// conditional branches over more than 32,767 operations, too, but there are none (`check::bounds::OPERATIONS_MAX`). What
/// the rewriting adds (two operands; constants for zero, minus one, the function's units) is less than
/// [`cost::FRAME_UNITS`]. On top of the frames that the units paid for comes one that they
/// do not suffice for, because its code finds that out itself: wasmi has no frames beyond `u16::MAX` slots. Then there is
/// `memory.grow`, a wrapped entry and a host function's arguments, 64 slots at most each. The local in which functions
/// that call nothing keep their fuel is no unit, but of such functions there is one frame at most.
///
/// wasmi's stacks are on the heap, and grow as they are used.
const VALUE_STACK_SLOTS: usize = cost::STACK_UNITS as usize + u16::MAX as usize + 3 * 64;
/// Frames are at least so large; and some more for those that no units are taken for.
const CALL_STACK_FRAMES: usize = (cost::STACK_UNITS / cost::FRAME_UNITS) as usize + 16;

/// What host functions need of a run.
#[derive(Default)]
pub(crate) struct State {
    parts: Option<(Memory, Global)>,
    early: Option<Early>,
}

/// The interpreter, with the functions of the host.
pub(crate) struct Interpreter {
    linker: Linker<State>,
}

/// A module that can be run.
pub(crate) struct Interpreted {
    module: Module,
}

impl Interpreter {
    pub(crate) fn new() -> Result<Self, EngineError> {
        let mut config = Config::default();
        config
            .set_max_recursion_depth(CALL_STACK_FRAMES)
            // Both in slots, whatever wasmi's documentation says.
            .set_max_stack_height(VALUE_STACK_SLOTS)
            .set_min_stack_height(16 * 1024)
            // They keep the size that they grew to, and a new one takes less than a microsecond.
            .set_max_cached_stacks(2)
            .consume_fuel(false)
            .ignore_custom_sections(true)
            // Eager, so that what cannot be translated is known before anything runs.
            .compilation_mode(CompilationMode::Eager);
        let engine = Engine::new(&config);
        let mut linker = Linker::new(&engine);
        for (index, import) in IMPORTS.iter().enumerate() {
            super::define_host_function!(linker, index, import, Caller<'_, State>, Error, call_host)
                .ok_or_else(|| format!("no engine function has the type of {}", import.name))
                .and_then(|defined| defined.map_err(|error| error.to_string()))
                .map_err(EngineError::Failed)?;
        }
        Ok(Self { linker })
    }

    /// Translates a rewritten module: linear in its size, at most some milliseconds.
    ///
    /// wasmi asserts what it believes of its input, and was wrong before (`check::bounds::OPERATIONS_MAX`). A code that makes it
    /// panic must not end the thread that checks it.
    pub(crate) fn load(&self, module: &[u8]) -> Result<Interpreted, EngineError> {
        let translated = catch_unwind(AssertUnwindSafe(|| Module::new(self.linker.engine(), module)));
        let module = translated
            .map_err(|_| EngineError::Failed("wasmi panicked while it translated a module".into()))?
            .map_err(|error| EngineError::Failed(format!("wasmi cannot translate a module: {error}")))?;
        Ok(Interpreted { module })
    }

    /// Runs it. The host must be lent.
    pub(crate) fn run(&self, code: &Interpreted, entry: Entry, fuel: u64) -> Result<Run, EngineError> {
        let mut store = Store::new(self.linker.engine(), State::default());
        let instance = match self.linker.instantiate_and_start(&mut store, &code.module) {
            Ok(instance) => instance,
            Err(error) => return Outcome::not_begun(stop(&error), fuel).judge(),
        };
        run(store, &instance, entry, fuel)?.judge()
    }
}

fn run(
    mut store: Store<State>,
    instance: &Instance,
    entry: Entry,
    fuel: u64,
) -> Result<Outcome, EngineError> {
    let missing = |name: &str| EngineError::Failed(format!("a rewritten module does not export {name}"));
    let memory = instance.get_memory(&store, rewrite::MEMORY).ok_or_else(|| missing(rewrite::MEMORY))?;
    let left = instance.get_global(&store, rewrite::FUEL).ok_or_else(|| missing(rewrite::FUEL))?;
    let stack = instance.get_global(&store, rewrite::STACK).ok_or_else(|| missing(rewrite::STACK))?;
    write_fuel(&left, &mut store, fuel).map_err(EngineError::Failed)?;
    store.data_mut().parts = Some((memory, left));

    let mut result = Ok(());
    for name in [rewrite::START, entry.export()] {
        let Some(function) = instance.get_func(&store, name) else {
            if name == rewrite::START {
                continue;
            }
            return Err(missing(name));
        };
        let function = function
            .typed::<(), ()>(&store)
            .map_err(|error| EngineError::Failed(format!("the export {name}: {error}")))?;
        result = function.call(&mut store, ());
        if result.is_err() {
            break;
        }
    }
    #[cfg(test)]
    super::left::behind(memory.data(&store));
    let early = store.data_mut().early.take();
    let error = result.err().map(|error| stop(&error));
    let stack = stack.get(&store).i32().unwrap_or_default();
    let fuel = left.get(&store).i64().unwrap_or_default();
    Ok(Outcome { early, error, fuel, stack })
}

fn stop(error: &Error) -> Stop {
    match (error.as_trap_code(), error.kind()) {
        (Some(TrapCode::StackOverflow | TrapCode::OutOfFuel | TrapCode::GrowthOperationLimited), _) => {
            Stop::Engine(format!("wasmi reached a limit of its own: {error}"))
        }
        (Some(_), _) => Stop::Trap,
        (None, ErrorKind::Instantiation(_) | ErrorKind::Memory(_) | ErrorKind::Table(_)) => Stop::Trap,
        (None, _) => Stop::Engine(format!("wasmi: {error}")),
    }
}

fn read_fuel(global: &Global, store: impl AsContext) -> u64 {
    from_global(global.get(store).i64().unwrap_or_default())
}

fn write_fuel(global: &Global, store: impl AsContextMut, fuel: u64) -> Result<(), String> {
    global.set(store, Val::I64(to_global(fuel))).map_err(|error| format!("the global `fuel`: {error}"))
}

fn call_host(
    caller: &mut Caller<'_, State>,
    function: HostFunction,
    arguments: &[u64],
) -> Result<u64, Error> {
    let Some((memory, left)) = caller.data().parts else {
        caller.data_mut().early = Some(Early::Failed("a host function was called before the run began"));
        return Err(Error::host(EndedByHost));
    };
    let before = read_fuel(&left, &*caller);
    let mut fuel = before;
    let (bytes, _) = memory.data_and_store_mut(&mut *caller);
    let answer = ask(function, arguments, bytes, &mut fuel);
    if fuel != before && write_fuel(&left, &mut *caller, fuel).is_err() {
        caller.data_mut().early = Some(Early::Failed("the global `fuel` cannot be written"));
        return Err(Error::host(EndedByHost));
    }
    answer.map_err(|early| {
        caller.data_mut().early = Some(early);
        Error::host(EndedByHost)
    })
}
