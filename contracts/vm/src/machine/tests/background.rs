//! The switch from the interpreter to compiled code.

use std::{
    sync::{Barrier, atomic::Ordering},
    thread,
    time::Duration,
};

use super::kit::{FUEL, POLICY, contract, hash, machine, run, told, with_source};
use crate::{Ended, Engines, Entry, Halt, Host, HostFunction, MachineConfig, Policy, Readiness, WasmMachine};

const LONG: Duration = Duration::from_secs(120);

fn code(number: u32) -> Vec<u8> {
    contract(
        r#"(import "seal1" "set_storage" (func $set (param i32 i32 i32) (result i32)))"#,
        "",
        &format!(
            "(local $i i32)
            (loop
                (i32.store (local.get $i) (call $set (local.get $i) (i32.const {number}) (i32.const 0)))
                (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 400))))"
        ),
    )
}

#[test]
fn runs_are_the_same_before_during_and_after() {
    let machine = machine(Engines::Both);
    let codes: Vec<_> = (0..12).map(code).collect();
    let expected: Vec<_> = {
        let interpreter = super::kit::machine(Engines::InterpreterOnly);
        codes.iter().map(|code| told(&interpreter, code, Entry::Call, FUEL)).collect()
    };
    let threads = 4;
    let barrier = Barrier::new(threads);
    thread::scope(|scope| {
        for thread in 0..threads {
            let (machine, codes, expected, barrier) = (&machine, &codes, &expected, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for round in 0..50 {
                    let number = (round * 5 + thread) % codes.len();
                    assert_eq!(told(machine, &codes[number], Entry::Call, FUEL), expected[number]);
                }
            });
        }
    });
    for (code, expected) in codes.iter().zip(&expected) {
        assert_eq!(machine.wait_until_compiled(hash(code), &POLICY, LONG), Readiness::Compiled);
        let before = machine.stats().runs_compiled;
        assert_eq!(told(&machine, code, Entry::Call, FUEL), *expected);
        assert_eq!(machine.stats().runs_compiled, before + 1);
    }
    // Each was loaded and compiled once, whoever asked.
    let stats = machine.stats();
    assert_eq!((stats.loads, stats.compilations, stats.waiting), (12, 12, 0));
}

#[test]
fn warm_code_is_compiled_without_a_run() {
    let machine = machine(Engines::Both);
    let code = code(1);
    assert_eq!(machine.wait_until_compiled(hash(&code), &POLICY, LONG), Readiness::Interpreted);
    assert_ne!(with_source(&code, |code| machine.warm(code, &POLICY)), Ok(Readiness::Interpreted));
    assert_eq!(machine.wait_until_compiled(hash(&code), &POLICY, LONG), Readiness::Compiled);
    assert_eq!(with_source(&code, |code| machine.warm(code, &POLICY)), Ok(Readiness::Compiled));
}

#[test]
fn what_is_too_large_or_has_floats_stays_interpreted() {
    let config = MachineConfig { compile_module_bytes_max: 100, ..MachineConfig::default() };
    let small = WasmMachine::new(config).unwrap();
    let large_code = code(1);
    assert_eq!(with_source(&large_code, |code| small.warm(code, &POLICY)), Ok(Readiness::Interpreted));
    // No room in the pool.
    let config =
        MachineConfig { memory_pages_max: 8, engines: Engines::CompiledOnly, ..MachineConfig::default() };
    let narrow = WasmMachine::new(config).unwrap();
    assert_eq!(told(&narrow, &large_code, Entry::Call, FUEL).run.unwrap().ended, Ended::Returned);
    assert_eq!((narrow.stats().runs_compiled, narrow.stats().runs_interpreted), (0, 1));

    let machine = machine(Engines::CompiledOnly);
    let relaxed = Policy { determinism: crate::Determinism::Relaxed, ..POLICY };
    let floats = contract("", "", "(drop (f32.add (f32.const 1) (f32.const 2)))");
    assert_eq!(with_source(&floats, |code| machine.warm(code, &relaxed)), Ok(Readiness::Interpreted));
}

/// Holds all instances of the pool.
struct Hold<'a> {
    machine: &'a WasmMachine,
    code: &'a [u8],
    depth: usize,
}

impl Host for Hold<'_> {
    fn call(&mut self, _: HostFunction, _: &[u64], _: &mut [u8], fuel: &mut u64) -> Result<u64, Halt> {
        self.depth += 1;
        if self.depth < 6 {
            let (machine, code) = (self.machine, self.code);
            assert_eq!(run(machine, code, Entry::Call, *fuel, self).unwrap().ended, Ended::Halted);
        }
        Err(Halt)
    }
}

#[test]
fn an_empty_pool_fails_nobody() {
    let config = MachineConfig { instances: 4, engines: Engines::CompiledOnly, ..MachineConfig::default() };
    let machine = WasmMachine::new(config).unwrap();
    let code = code(1);
    for round in 1..=3 {
        let mut host = Hold { machine: &machine, code: &code, depth: 0 };
        assert_eq!(run(&machine, &code, Entry::Call, FUEL, &mut host).unwrap().ended, Ended::Halted);
        let stats = machine.stats();
        let counts = (stats.runs_compiled, stats.runs_interpreted, stats.pool_full);
        assert_eq!(counts, (4 * round, 2 * round, 2 * round));
    }
}

#[test]
fn what_takes_too_long_is_left_to_the_interpreter() {
    // Nothing is fast enough: while others wait, the running one is given up, twice at most.
    let config = MachineConfig { compile_time_max: Duration::ZERO, ..MachineConfig::default() };
    let machine = WasmMachine::new(config).unwrap();
    let codes: Vec<_> = (0..40).map(code).collect();
    for code in &codes {
        told(&machine, code, Entry::Call, FUEL).run.unwrap();
    }
    let mut compiled = 0;
    for code in &codes {
        match machine.wait_until_compiled(hash(code), &POLICY, LONG) {
            Readiness::Compiled => compiled += 1,
            Readiness::Interpreted => (),
            Readiness::Queued => panic!("still waits"),
        }
        told(&machine, code, Entry::Call, FUEL).run.unwrap();
    }
    // The last is never given up: nobody waits behind it.
    assert!(compiled > 0);
}

#[test]
fn a_full_queue_refuses_nothing_but_time() {
    let config = MachineConfig { compile_queue_max: 1, ..MachineConfig::default() };
    let machine = WasmMachine::new(config).unwrap();
    let codes: Vec<_> = (0..20).map(code).collect();
    for code in &codes {
        told(&machine, code, Entry::Call, FUEL).run.unwrap();
    }
    // Each gets its turn when it is run again.
    for code in &codes {
        while machine.wait_until_compiled(hash(code), &POLICY, LONG) != Readiness::Compiled {
            told(&machine, code, Entry::Call, FUEL).run.unwrap();
        }
    }
    assert_eq!(machine.stats().compilations, 20);
}

#[test]
fn the_hottest_code_is_compiled_first() {
    use std::sync::Arc;

    use crate::cache::{Known, Stage};

    let known = |heat: u64| {
        let known = Known::new(hash(&heat.to_le_bytes()), vec![], false, Stage::Waiting);
        known.heat.store(heat, Ordering::Relaxed);
        Arc::new(known)
    };
    let mut state = super::super::background::State::default();
    for heat in [3, 7, 1, 7] {
        state.push(known(heat));
    }
    let order: Vec<_> =
        std::iter::from_fn(|| state.take_hottest()).map(|known| known.heat.load(Ordering::Relaxed)).collect();
    assert_eq!(order, [7, 7, 3, 1]);
}
