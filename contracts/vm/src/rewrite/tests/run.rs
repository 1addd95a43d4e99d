//! Runs modules, rewritten or not, on wasmi, with a host that remembers what it was asked.

use wasmi::{
    Caller, Config, Engine, Error, Extern, ExternType, Func, Global, Linker, Memory, MemoryType, Module,
    Mutability, Store, TrapCode, Val, ValType,
};

use crate::{
    Determinism, IMPORTS, Policy, Trap, find_import,
    rewrite::{self, Prepared, cost},
};

/// Everything is allowed but floats.
pub(crate) const POLICY: Policy = Policy {
    memory_pages_max: 16,
    determinism: Determinism::Enforced,
    unstable: true,
    chain_extension: true,
};

/// The host's answer that ends a run.
#[derive(Debug)]
struct Halted;
impl core::fmt::Display for Halted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("halted")
    }
}
impl wasmi::errors::HostError for Halted {}

/// What the host remembers, and when it ends the run.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The functions called, as indices into the table, and their arguments.
    pub(crate) calls: Vec<(usize, Vec<u64>)>,
    halt_after: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Returned,
    Halted,
    Trapped(TrapCode),
}

/// What a run did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) end: End,
    pub(crate) calls: Vec<(usize, Vec<u64>)>,
    pub(crate) memory: Vec<u8>,
    /// Of rewritten modules.
    pub(crate) fuel: i64,
    pub(crate) stack: i32,
    /// Of modules with a counter, see `count`.
    pub(crate) counter: i64,
}

impl Outcome {
    pub(crate) fn trap(&self) -> Option<Trap> {
        matches!(self.end, End::Trapped(_)).then(|| rewrite::trap(self.fuel, self.stack))
    }
}

pub(crate) fn engine() -> Engine {
    let mut config = Config::default();
    config.set_max_recursion_depth(100_000).set_max_stack_height(64 << 20);
    config.wasm_bulk_memory(false).wasm_reference_types(false).wasm_multi_value(false).wasm_tail_call(false);
    Engine::new(&config)
}

fn host(linker: &mut Linker<Seen>, module: &Module, index: impl Fn(&str, &str) -> Option<usize>) {
    let mut known = std::collections::HashSet::new();
    for import in module.imports() {
        let ExternType::Func(ty) = import.ty().clone() else { continue };
        if !known.insert((import.module().to_owned(), import.name().to_owned())) {
            continue;
        }
        let index = index(import.module(), import.name()).expect("an import of the table");
        let results = ty.results().to_vec();
        linker
            .func_new(
                import.module(),
                import.name(),
                ty,
                move |mut caller: Caller<'_, Seen>, arguments, out| {
                    let words: Vec<u64> = arguments
                        .iter()
                        .map(|value| match value {
                            Val::I32(value) => u64::from(value.cast_unsigned()),
                            Val::I64(value) => value.cast_unsigned(),
                            _ => unreachable!(),
                        })
                        .collect();
                    // An answer that differs from call to call, so that a lost or doubled one shows.
                    let answer = words.iter().fold(caller.data().calls.len() as u64 + 1, |sum, word| {
                        sum.wrapping_mul(31).wrapping_add(*word)
                    });
                    caller.data_mut().calls.push((index, words));
                    if caller.data().halt_after.is_some_and(|after| caller.data().calls.len() >= after) {
                        return Err(Error::host(Halted));
                    }
                    for (out, ty) in out.iter_mut().zip(&results) {
                        *out = match ty {
                            ValType::I32 => Val::I32(answer as i32),
                            _ => Val::I64(answer.cast_signed()),
                        };
                    }
                    Ok(())
                },
            )
            .unwrap();
    }
}

fn call(store: &mut Store<Seen>, function: Func) -> End {
    let results = function.ty(&*store).results().len();
    let mut out = vec![Val::I32(0); results];
    match function.call(&mut *store, &[], &mut out) {
        Ok(()) => End::Returned,
        Err(error) if error.downcast_ref::<Halted>().is_some() => End::Halted,
        Err(error) => match error.as_trap_code() {
            Some(code) => End::Trapped(code),
            None => panic!("{error}"),
        },
    }
}

/// Runs an entry of a module as it was uploaded.
pub(crate) fn original(engine: &Engine, code: &[u8], entry: &str, pages: (u32, u32)) -> Outcome {
    let module = Module::new(engine, code).expect("a valid module");
    let mut store = Store::new(engine, Seen::default());
    let mut linker = Linker::new(engine);
    let memory = Memory::new(&mut store, MemoryType::new(pages.0, Some(pages.1))).unwrap();
    linker.define("env", "memory", memory).unwrap();
    host(&mut linker, &module, |module, name| {
        let import = find_import(module, name)?;
        IMPORTS.iter().position(|other| other == import)
    });
    // The start section runs while the module is instantiated.
    let instance = match linker.instantiate_and_start(&mut store, &module) {
        Ok(instance) => instance,
        Err(error) => {
            let code = error.as_trap_code().unwrap_or_else(|| panic!("{error}"));
            return Outcome {
                end: End::Trapped(code),
                calls: core::mem::take(&mut store.data_mut().calls),
                memory: memory.data(&store).to_vec(),
                fuel: 0,
                stack: 0,
                counter: 0,
            };
        }
    };
    let function = instance.get_func(&store, entry).unwrap();
    let end = call(&mut store, function);
    let counter = instance.get_global(&store, "counter").map_or(0, |global| match global.get(&store) {
        Val::I64(value) => value,
        _ => unreachable!(),
    });
    Outcome {
        end,
        calls: core::mem::take(&mut store.data_mut().calls),
        memory: memory.data(&store).to_vec(),
        fuel: 0,
        stack: 0,
        counter,
    }
}

/// A rewritten module, to be run more than once.
pub(crate) struct Rewritten {
    engine: Engine,
    module: Module,
    linker: Linker<Seen>,
    start: bool,
}

impl Rewritten {
    pub(crate) fn new(engine: &Engine, prepared: &Prepared) -> Self {
        let module = Module::new(engine, &prepared.module).expect("a valid module");
        let mut linker = Linker::new(engine);
        host(&mut linker, &module, |module, name| {
            assert_eq!(module, rewrite::MODULE);
            name.parse().ok()
        });
        Self { engine: engine.clone(), module, linker, start: prepared.start }
    }

    pub(crate) fn run(&self, entry: &str, fuel: i64) -> Outcome {
        self.run_until(entry, fuel, None)
    }

    /// Runs until the host was called so often, and ends it there.
    pub(crate) fn run_until(&self, entry: &str, fuel: i64, halt_after: Option<usize>) -> Outcome {
        let mut store = Store::new(&self.engine, Seen { halt_after, ..Seen::default() });
        let instance = self.linker.instantiate_and_start(&mut store, &self.module).unwrap();
        let global = |store: &Store<Seen>, name| -> Global { instance.get_global(store, name).unwrap() };
        let (fuel_global, stack_global) = (global(&store, rewrite::FUEL), global(&store, rewrite::STACK));
        assert_eq!(fuel_global.ty(&store).mutability(), Mutability::Var);
        fuel_global.set(&mut store, Val::I64(fuel)).unwrap();
        let mut end = End::Returned;
        for name in self.start.then_some(rewrite::START).into_iter().chain([entry]) {
            let function = instance.get_func(&store, name).unwrap();
            assert_eq!(function.ty(&store).results().len(), 0);
            end = call(&mut store, function);
            if end != End::Returned {
                break;
            }
        }
        let Some(Extern::Memory(memory)) = instance.get_export(&store, rewrite::MEMORY) else {
            unreachable!()
        };
        let (Val::I64(fuel), Val::I32(stack)) = (fuel_global.get(&store), stack_global.get(&store)) else {
            unreachable!()
        };
        if end == End::Returned {
            assert_eq!(stack, cost::STACK_UNITS.cast_signed(), "what calls take of the stack they give back");
        }
        Outcome {
            end,
            calls: core::mem::take(&mut store.data_mut().calls),
            memory: memory.data(&store).to_vec(),
            fuel,
            stack,
            counter: 0,
        }
    }
}
