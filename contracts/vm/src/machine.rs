//! Runs contracts: finds or prepares their code, chooses the engine, has hot code compiled.

mod background;
mod config;
#[cfg(test)]
mod tests;
mod tools;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use background::Background;
use basalt_primitives::H256;
pub use config::{Engines, MachineConfig, Readiness, SetupError, Stats};
use tools::{Counters, Tools};

use crate::{
    Checked, Code, Determinism, Ended, Entry, Host, LoadError, Machine, MachineError, Policy, Refused, Run,
    cache::{self, Codes, Key, Known, Stage, disk::Disk},
    engine::{EngineError, compiled::Compiler, interpreted::Interpreter, lend, on_enough_stack},
    rewrite::{cost::METERING_VERSION, prepare},
};

/// Runs contracts on this machine: interpreted at once, compiled when a thread in the background is done with it.
///
/// Which of the two runs a contract changes how long it takes and nothing else.
///
/// # Stack
///
/// Contracts that call each other nest on the stack of the thread. A run that finds less than [`FRAME_STACK_BYTES`] left goes
/// on on a new stack, so no thread can overflow; threads that run many contracts should have [`THREAD_STACK_BYTES`] and save
/// that.
///
/// [`FRAME_STACK_BYTES`]: crate::FRAME_STACK_BYTES
/// [`THREAD_STACK_BYTES`]: crate::THREAD_STACK_BYTES
pub struct WasmMachine {
    engines: Engines,
    compile_module_bytes_max: usize,
    codes: Codes,
    tools: Arc<Tools>,
    /// Only with [`Engines::Both`].
    background: Option<Background>,
}

impl WasmMachine {
    /// Sets up the engines and starts the threads that compile.
    ///
    /// # Errors
    ///
    /// If the system gives no memory, threads or folder for it.
    pub fn new(config: MachineConfig) -> Result<Self, SetupError> {
        let engine = |error: EngineError| match error {
            EngineError::Full => SetupError::Engine("the pool is empty".into()),
            EngineError::Failed(why) => SetupError::Engine(why),
        };
        let compiler = Compiler::new(config.instances.max(1), config.memory_pages_max).map_err(engine)?;
        let disk = match &config.folder {
            Some(folder) if config.engines != Engines::InterpreterOnly => {
                let opened = Disk::open(folder, config.folder_bytes_max);
                Some(opened.map_err(|error| SetupError::Folder { path: folder.clone(), error })?)
            }
            _ => None,
        };
        let tools = Arc::new(Tools {
            interpreter: Interpreter::new().map_err(engine)?,
            fingerprint: compiler.fingerprint(METERING_VERSION),
            compiler,
            disk,
            counters: Counters::default(),
        });
        let background = match config.engines {
            Engines::Both => Some(
                Background::start(
                    Arc::clone(&tools),
                    config.compile_threads.max(1),
                    config.compile_time_max,
                    config.compile_queue_max,
                )
                .map_err(SetupError::Threads)?,
            ),
            Engines::InterpreterOnly | Engines::CompiledOnly => None,
        };
        Ok(Self {
            engines: config.engines,
            compile_module_bytes_max: config.compile_module_bytes_max,
            codes: cache::codes(config.cache_bytes_max),
            tools,
            background,
        })
    }

    /// Gets a code ready before somebody runs it, as far as that goes without compiling here: machine code is loaded from the
    /// disk, or compiling is queued. For a node that starts, with the codes that its chain uses most first.
    ///
    /// # Errors
    ///
    /// [`LoadError`] as for a run.
    pub fn warm(&self, code: &Code<'_>, policy: &Policy) -> Result<Readiness, MachineError> {
        let known = self.known(code, policy)?;
        Ok(self.readiness(&known, true))
    }

    /// Waits until a code that was run or warmed is compiled, and says whether it is. Without effect on codes for which
    /// nobody asked.
    pub fn wait_until_compiled(&self, hash: H256, policy: &Policy, timeout: Duration) -> Readiness {
        let Some(known) = self.codes.peek(&Key::new(hash, policy)) else { return Readiness::Interpreted };
        if let Some(background) = &self.background {
            background.wait(&known, timeout);
        }
        self.readiness(&known, false)
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        let counters = &self.tools.counters;
        Stats {
            runs_compiled: counters.runs_compiled.get(),
            runs_in_kept_instances: self.tools.compiler.reused(),
            runs_interpreted: counters.runs_interpreted.get(),
            pool_full: counters.pool_full.get(),
            loads: counters.loads.get(),
            compilations: counters.compilations.get(),
            compilations_failed: counters.compilations_failed.get(),
            disk_hits: counters.disk_hits.get(),
            disk_rejected: counters.disk_rejected.get(),
            waiting: self.background.as_ref().map_or(0, Background::waiting) as u64,
            codes: self.codes.len() as u64,
            codes_bytes: self.codes.weight(),
        }
    }

    fn readiness(&self, known: &Arc<Known>, ask: bool) -> Readiness {
        if known.compiled.get().is_some() {
            return Readiness::Compiled;
        }
        let queued = match &self.background {
            Some(background) if ask => background.ask(known),
            Some(_) => known.stage() == Stage::Waiting,
            None => false,
        };
        if queued { Readiness::Queued } else { Readiness::Interpreted }
    }

    /// The code, from memory or made ready. Threads that ask at the same time wait for the first, but not while it reads the
    /// source: in parallel execution that may wait for the very transaction which asks here as well.
    fn known(&self, code: &Code<'_>, policy: &Policy) -> Result<Arc<Known>, MachineError> {
        let key = Key::new(code.hash, policy);
        if let Some(known) = self.codes.get(&key) {
            return Ok(known);
        }
        let source = (code.source)().map_err(LoadError::from)?;
        self.codes.get_or_insert_with(&key, || self.load(code.hash, &source, policy))
    }

    fn load(&self, hash: H256, source: &[u8], policy: &Policy) -> Result<Arc<Known>, MachineError> {
        self.tools.counters.loads.count();
        // What may only run in messages is let in here and kept from constructors by `run`.
        let prepared =
            prepare(source, policy, true).map_err(|refused| LoadError::Refused { hash, refused })?;
        // Floats differ between engines in the bits of NaN, and what has them runs in dry runs only. A memory that the pool
        // has no room for could not grow where the interpreter's can.
        let fits = prepared.checked.determinism == Determinism::Enforced
            && self.tools.compiler.has_room_for(prepared.memory_pages.1)
            && prepared.module.len() <= self.compile_module_bytes_max;
        let compiles = fits && self.engines != Engines::InterpreterOnly;
        let stage = if compiles { Stage::Idle } else { Stage::Never };
        let known = Known::new(hash, prepared.module, prepared.deprecated, stage);
        if compiles {
            let compiled = match (self.tools.load_from_disk(&known), self.engines) {
                (None, Engines::CompiledOnly) => {
                    Some(self.tools.compile(&known).map_err(MachineError::Engine)?)
                }
                (found, _) => found,
            };
            if let Some(compiled) = compiled {
                // Nobody else has it yet.
                let _ = known.compiled.set(compiled);
                known.set_stage(Stage::Compiled);
            }
        }
        Ok(Arc::new(known))
    }

    /// Runs what is known. The host must be lent.
    fn run_known(&self, known: &Arc<Known>, entry: Entry, fuel: u64) -> Result<Run, MachineError> {
        let counters = &self.tools.counters;
        if let Some(compiled) = known.compiled.get() {
            match compiled.run(entry, fuel) {
                // Nothing happened yet, so the interpreter may as well.
                Err(EngineError::Full) => counters.pool_full.count(),
                Err(EngineError::Failed(why)) => return Err(MachineError::Engine(why)),
                Ok(run) => {
                    counters.runs_compiled.count();
                    return Ok(run);
                }
            }
        } else {
            known.heat.fetch_add(1, Ordering::Relaxed);
            if let (Some(background), Stage::Idle) = (&self.background, known.stage()) {
                background.ask(known);
            }
        }
        let interpreter = &self.tools.interpreter;
        let code = known.interpreted.get_or_init(|| match interpreter.load(&known.module) {
            Ok(code) => Ok(code),
            Err(EngineError::Full) => Err("the interpreter has no room".into()),
            Err(EngineError::Failed(why)) => Err(why),
        });
        let code = code.as_ref().map_err(|why| MachineError::Engine(why.clone()))?;
        match interpreter.run(code, entry, fuel) {
            Ok(run) => {
                counters.runs_interpreted.count();
                Ok(run)
            }
            Err(EngineError::Full) => Err(MachineError::Engine("the interpreter has no room".into())),
            Err(EngineError::Failed(why)) => Err(MachineError::Engine(why)),
        }
    }
}

impl Machine for WasmMachine {
    fn check(&self, code: &[u8], policy: &Policy) -> Result<Checked, Refused> {
        let prepared = prepare(code, policy, false)?;
        // What cannot be interpreted could not be run before it is compiled, so it must not get in. The bounds of the check
        // lie far within the interpreter's, so this refuses nothing; if ever it does, then with a reason.
        match self.tools.interpreter.load(&prepared.module) {
            Ok(_) => Ok(prepared.checked),
            Err(EngineError::Failed(why)) => Err(Refused(why)),
            Err(EngineError::Full) => Err(Refused("the interpreter has no room".into())),
        }
    }

    fn run(
        &self,
        code: &Code<'_>,
        policy: &Policy,
        entry: Entry,
        fuel: u64,
        host: &mut dyn Host,
    ) -> Result<Run, MachineError> {
        on_enough_stack(|| {
            let known = self.known(code, policy)?;
            if known.deprecated && entry == Entry::Deploy {
                return Ok(Run { ended: Ended::NoConstructor, fuel_left: fuel });
            }
            lend(host, || self.run_known(&known, entry, fuel))
        })
    }
}
