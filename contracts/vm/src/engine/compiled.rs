//! Runs rewritten modules as machine code, compiled by wasmtime.

use std::{
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use wasmtime::{
    AsContextMut, Caller, Config, Engine, Error, ExternType, Global, InstanceAllocationStrategy, InstancePre,
    Linker, Memory, Module, Mutability, OptLevel, PoolConcurrencyLimitError, PoolingAllocationConfig, Store,
    Trap, Val,
};

use super::{
    Early, EndedByHost, EngineError, Outcome, Stop, WASM_STACK_BYTES, ask, from_global,
    kept::{GLOBALS_MAX, Image, Kept, Names, RESIDENT_BYTES, Ready},
    load, to_global,
};
use crate::{Entry, HostFunction, IMPORTS, Run, cache::disk::Artefact, rewrite};

/// A page of Wasm memory.
pub(crate) const PAGE_BYTES: usize = 64 * 1024;

/// Per instance: twice what the check of uploads allows.
const TABLE_ELEMENTS: usize = 8 * 1024;

/// What host functions need of a run.
#[derive(Default)]
pub(crate) struct State {
    parts: Option<(Memory, Global)>,
    early: Option<Early>,
}

/// The compiler and its pool of instances, with the functions of the host.
pub(crate) struct Compiler {
    linker: Linker<State>,
    memory_pages_max: u32,
    kept: Arc<Kept>,
}

/// A module that can be run.
pub(crate) struct Compiled {
    pre: InstancePre<State>,
    names: Names,
    /// What its memory begins with, once it was instantiated.
    image: OnceLock<Image>,
    kept: Arc<Kept>,
    /// Its number there.
    number: u64,
}

impl Compiler {
    pub(crate) fn new(instances: u32, memory_pages_max: u32) -> Result<Self, EngineError> {
        let failed = |error: Error| EngineError::Failed(format!("wasmtime cannot be set up: {error:#}"));
        let memory_bytes = memory_pages_max as usize * PAGE_BYTES;
        let mut pool = PoolingAllocationConfig::new();
        pool.total_core_instances(instances)
            .total_memories(instances)
            .total_tables(instances)
            .max_memory_size(memory_bytes)
            .table_elements(TABLE_ELEMENTS)
            // What lies above goes back to the system by a call of the kernel, which takes longer and stops other threads.
            .linear_memory_keep_resident(RESIDENT_BYTES)
            .table_keep_resident(TABLE_ELEMENTS * size_of::<usize>())
            .max_unused_warm_slots(instances);
        let mut config = Config::new();
        config
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
            .memory_reservation(memory_bytes as u64)
            .memory_guard_size(PAGE_BYTES as u64)
            .memory_init_cow(false)
            .max_wasm_stack(WASM_STACK_BYTES)
            .cranelift_opt_level(OptLevel::Speed)
            .consume_fuel(false)
            .epoch_interruption(false)
            .wasm_backtrace_max_frames(None)
            .generate_address_map(false);
        let engine = Engine::new(&config).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        for (index, import) in IMPORTS.iter().enumerate() {
            super::define_host_function!(linker, index, import, Caller<'_, State>, Error, call_host)
                .ok_or_else(|| {
                    EngineError::Failed(format!("no engine function has the type of {}", import.name))
                })?
                .map_err(failed)?;
        }
        Ok(Self { linker, memory_pages_max, kept: Arc::new(Kept::new(instances)) })
    }

    /// How many runs needed no new instance.
    pub(crate) fn reused(&self) -> u64 {
        self.kept.reused()
    }

    /// How many instances wait for the next run of their code.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.kept.waiting()
    }

    /// Whether a memory of so many pages can come from the pool.
    pub(crate) fn has_room_for(&self, memory_pages: u32) -> bool {
        memory_pages <= self.memory_pages_max
    }

    /// A digest of everything that machine code depends on: version, processor, settings.
    pub(crate) fn fingerprint(&self, metering: u32) -> u64 {
        // Stable for one binary, which is enough: another one's files are compiled again.
        #[expect(deprecated, reason = "the one hasher in `std` that has no random keys")]
        let mut hasher = std::hash::SipHasher::new();
        self.linker.engine().precompile_compatibility_hash().hash(&mut hasher);
        metering.hash(&mut hasher);
        hasher.finish()
    }

    /// Compiles a rewritten module: milliseconds to seconds, never while somebody waits. Gives the machine code as well.
    pub(crate) fn compile(&self, module: &[u8]) -> Result<(Compiled, Vec<u8>), String> {
        let module = Module::new(self.linker.engine(), module).map_err(|error| format!("{error:#}"))?;
        let bytes = module.serialize().map_err(|error| format!("{error:#}"))?;
        Ok((self.link(&module)?, bytes))
    }

    /// Loads what [`Compiler::compile`] gave an earlier run of this node.
    pub(crate) fn load(&self, artefact: &Artefact) -> Result<Compiled, String> {
        self.link(&load::load(self.linker.engine(), artefact)?)
    }

    fn link(&self, module: &Module) -> Result<Compiled, String> {
        let set =
            |ty: &ExternType| matches!(ty, ExternType::Global(ty) if ty.mutability() == Mutability::Var);
        let globals: Vec<String> = module
            .exports()
            .filter(|export| export.name().starts_with(rewrite::GLOBAL) && set(&export.ty()))
            .map(|export| export.name().into())
            .collect();
        Ok(Compiled {
            pre: self.linker.instantiate_pre(module).map_err(|error| format!("{error:#}"))?,
            names: Names {
                memory: rewrite::MEMORY,
                fuel: rewrite::FUEL,
                stack: rewrite::STACK,
                start: module.get_export_index(rewrite::START).map(|_| rewrite::START),
                call: rewrite::CALL,
                deploy: rewrite::DEPLOY,
                globals: (globals.len() <= GLOBALS_MAX).then_some(globals),
            },
            image: OnceLock::new(),
            kept: Arc::clone(&self.kept),
            number: self.kept.enter(),
        })
    }
}

impl Compiled {
    /// Runs it. The host must be lent.
    pub(crate) fn run(&self, entry: Entry, fuel: u64) -> Result<Run, EngineError> {
        let mut ready = match self.kept.take(self.number) {
            Some(ready) => ready,
            None => match self.instantiate() {
                Ok(ready) => ready,
                Err(error) if error.is::<PoolConcurrencyLimitError>() => return Err(EngineError::Full),
                Err(error) => return Outcome::not_begun(stop(&error), fuel).judge(),
            },
        };
        let outcome = run_instance(&mut ready, entry, fuel)?;
        if outcome.ended_well()
            && let Some(image) = self.image.get()
        {
            self.kept.keep(self.number, ready, image);
        }
        outcome.judge()
    }

    fn instantiate(&self) -> Result<Box<Ready>, Error> {
        let make = || {
            let mut store = Store::new(self.pre.module().engine(), State::default());
            self.pre.instantiate(&mut store).map(|instance| (store, instance))
        };
        let (store, instance) = match make() {
            // All instances are taken, but maybe not at work.
            Err(error) if error.is::<PoolConcurrencyLimitError>() && self.kept.give_back() => make()?,
            made => made?,
        };
        let ready = Ready::new(store, &instance, &self.names)?;
        self.image.get_or_init(|| Image::of(ready.memory.data(&ready.store)));
        Ok(Box::new(ready))
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        self.kept.forget(self.number);
    }
}

fn run_instance(ready: &mut Ready, entry: Entry, fuel: u64) -> Result<Outcome, EngineError> {
    let Ready { store, memory, fuel: left, stack, .. } = ready;
    write_fuel(left, &mut *store, fuel).map_err(|error| EngineError::Failed(format!("{error:#}")))?;
    store.data_mut().parts = Some((*memory, *left));
    let main = match entry {
        Entry::Call => &ready.call,
        Entry::Deploy => &ready.deploy,
    };
    let started = ready.start.as_ref().map_or(Ok(()), |start| start.call(&mut *store, ()));
    let result = started.and_then(|()| main.call(&mut *store, ()));
    #[cfg(test)]
    super::left::behind(memory.data(&*store));
    let early = store.data_mut().early.take();
    let error = result.err().map(|error| stop(&error));
    let stack = stack.get(&mut *store).i32().unwrap_or_default();
    let fuel = left.get(&mut *store).i64().unwrap_or_default();
    Ok(Outcome { early, error, fuel, stack })
}

fn stop(error: &Error) -> Stop {
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => {
            Stop::Engine("wasmtime's stack ended before that of the rewritten code".into())
        }
        Some(_) => Stop::Trap,
        None => Stop::Engine(format!("wasmtime: {error:#}")),
    }
}

fn read_fuel(global: &Global, store: impl AsContextMut) -> u64 {
    from_global(global.get(store).i64().unwrap_or_default())
}

fn write_fuel(global: &Global, store: impl AsContextMut, fuel: u64) -> Result<(), Error> {
    global.set(store, Val::I64(to_global(fuel)))
}

fn call_host(
    caller: &mut Caller<'_, State>,
    function: HostFunction,
    arguments: &[u64],
) -> Result<u64, Error> {
    let Some((memory, left)) = caller.data().parts else {
        caller.data_mut().early = Some(Early::Failed("a host function was called before the run began"));
        return Err(Error::new(EndedByHost));
    };
    let before = read_fuel(&left, &mut *caller);
    let mut fuel = before;
    let answer = ask(function, arguments, memory.data_mut(&mut *caller), &mut fuel);
    if fuel != before {
        write_fuel(&left, &mut *caller, fuel)?;
    }
    answer.map_err(|early| {
        caller.data_mut().early = Some(early);
        Error::new(EndedByHost)
    })
}
