//! What counting costs: the same work as it was written, rewritten, and with the engines' own fuel.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for developers")]

use std::time::{Duration, Instant};

use basalt_contracts_vm::{Determinism, Policy, rewrite};

const POLICY: Policy = Policy {
    memory_pages_max: 16,
    determinism: Determinism::Enforced,
    unstable: true,
    chain_extension: true,
};

const WORK: [(&str, &str); 5] = [
    (
        "add in a loop",
        "(func $work (param i32) (local i64) loop local.get 1 i64.const 7 i64.mul local.get 0 i64.extend_i32_u i64.xor local.set 1
            local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end local.get 1 global.set $g)",
    ),
    (
        "copy bytes",
        "(func $work (param i32) loop local.get 0 i32.const 32767 i32.and local.get 0 i32.const 32767 i32.and i32.load8_u
            i32.store8 offset=32768 local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end)",
    ),
    (
        "call a leaf",
        "(func $leaf (param i64) (result i64) local.get 0 i64.const 3 i64.mul i64.const 1 i64.add)
         (func $work (param i32) loop global.get $g call $leaf global.set $g
            local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end)",
    ),
    (
        "recursion",
        "(func $fib (param i32) (result i32) local.get 0 i32.const 2 i32.lt_u if i32.const 1 return end
            local.get 0 i32.const 1 i32.sub call $fib local.get 0 i32.const 2 i32.sub call $fib i32.add)
         (func $work (param i32) loop i32.const 20 call $fib drop local.get 0 i32.const 20000 i32.sub local.tee 0
            i32.const 0 i32.gt_s br_if 0 end)",
    ),
    (
        "branches",
        "(func $work (param i32) (local i32) loop
            block block block block local.get 1 i32.const 3 i32.and br_table 0 1 2 3 end local.get 1 i32.const 5 i32.add local.set 1 end
            local.get 1 i32.const 1 i32.shr_u if local.get 1 i32.const 77 i32.xor local.set 1 end end
            local.get 1 i32.const 3 i32.mul local.set 1 end local.get 1 i32.const 1 i32.add local.set 1
            local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end)",
    ),
];

fn main() {
    println!("{:<16} {:>40}   {:>40}", "ns for one turn", "wasmtime", "wasmi");
    println!(
        "{:<16} {:>12} {:>13} {:>13}   {:>12} {:>13} {:>13}",
        "", "as written", "rewritten", "own fuel", "as written", "rewritten", "own fuel"
    );
    for (name, work) in WORK {
        let turns = 2_000_000;
        let text = format!(
            r#"(module (import "env" "memory" (memory 1 16)) (global $g (mut i64) (i64.const 1))
                (func (export "call") i32.const {turns} call $work) (func (export "deploy")) {work})"#
        );
        let code = wat::parse_str(&text).unwrap();
        let rewritten = rewrite::prepare(&code, &POLICY, false).unwrap().module;
        let each = |time: Duration| time.as_secs_f64() * 1e9 / f64::from(turns);
        println!(
            "{name:<16} {:>12.2} {:>13.2} {:>13.2}   {:>12.2} {:>13.2} {:>13.2}",
            each(wasmtime(&code, false)),
            each(wasmtime(&rewritten, false)),
            each(wasmtime(&code, true)),
            each(wasmi(&code, false)),
            each(wasmi(&rewritten, false)),
            each(wasmi(&code, true)),
        );
    }
}

fn best(mut run: impl FnMut()) -> Duration {
    let time = |_| {
        let since = Instant::now();
        run();
        since.elapsed()
    };
    (0..5).map(time).min().unwrap()
}

fn wasmtime(code: &[u8], fuel: bool) -> Duration {
    let mut config = wasmtime::Config::new();
    config.consume_fuel(fuel);
    let engine = wasmtime::Engine::new(&config).unwrap();
    let module = wasmtime::Module::new(&engine, code).unwrap();
    let mut store = wasmtime::Store::new(&engine, ());
    if fuel {
        store.set_fuel(u64::MAX).unwrap();
    }
    let mut linker = wasmtime::Linker::new(&engine);
    let memory = wasmtime::Memory::new(&mut store, wasmtime::MemoryType::new(1, Some(16))).unwrap();
    linker.define(&mut store, "env", "memory", memory).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    if let Some(fuel) = instance.get_global(&mut store, rewrite::FUEL) {
        fuel.set(&mut store, wasmtime::Val::I64(i64::MAX)).unwrap();
    }
    let call = instance.get_typed_func::<(), ()>(&mut store, "call").unwrap();
    best(|| call.call(&mut store, ()).unwrap())
}

fn wasmi(code: &[u8], fuel: bool) -> Duration {
    let mut config = wasmi::Config::default();
    config.consume_fuel(fuel);
    let engine = wasmi::Engine::new(&config);
    let module = wasmi::Module::new(&engine, code).unwrap();
    let mut store = wasmi::Store::new(&engine, ());
    if fuel {
        store.set_fuel(u64::MAX).unwrap();
    }
    let mut linker = wasmi::Linker::new(&engine);
    let memory = wasmi::Memory::new(&mut store, wasmi::MemoryType::new(1, Some(16))).unwrap();
    linker.define("env", "memory", memory).unwrap();
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
    if let Some(fuel) = instance.get_global(&store, rewrite::FUEL) {
        fuel.set(&mut store, wasmi::Val::I64(i64::MAX)).unwrap();
    }
    let call = instance.get_typed_func::<(), ()>(&store, "call").unwrap();
    best(|| call.call(&mut store, ()).unwrap())
}
