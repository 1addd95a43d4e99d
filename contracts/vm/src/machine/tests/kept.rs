//! Instances that are used again: nobody can tell them from new ones.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::OnceLock,
};

use proptest::prelude::*;

use super::kit::{Both, FUEL, POLICY, Recorder, contract, machine, run, told};
use crate::{
    Ended::{self, Halted, Returned, Trapped},
    Engines, Entry, Machine, MachineConfig, Trap, WasmMachine,
    rewrite::tests::random::module,
};

const IMPORTS: &str = r#"
    (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
    (import "seal0" "debug_message" (func $debug (param i32 i32) (result i32)))
    (import "seal0" "is_contract" (func $ask (param i32) (result i32)))"#;

/// Says all that it finds, by whether it traps and by what the host sees, and changes all that it can.
const TRACES: &str = r#"
    (if (i64.ne (i64.load (i32.const 0)) (i64.const 0)) (then unreachable))
    (if (i64.ne (i64.load (i32.const 65532)) (i64.const 0)) (then unreachable))
    (if (i64.ne (i64.load (i32.const 131064)) (i64.const 0)) (then unreachable))
    (if (i64.ne (i64.load (i32.const 70000)) (i64.const 0x6867666564636261)) (then unreachable))
    (if (i32.ne (global.get $a) (i32.const 11)) (then unreachable))
    (if (i64.ne (global.get $b) (i64.const -12)) (then unreachable))
    (i64.store (i32.const 0) (i64.const -1))
    (i64.store (i32.const 65532) (i64.const -1))
    (i64.store (i32.const 131064) (i64.const -1))
    (i64.store (i32.const 70004) (i64.const -1))
    (drop (call $ask (i32.const 4000)))
    (global.set $a (i32.const 1))
    (global.set $b (i64.const 2))"#;

const GLOBALS: &str = r#"(data (i32.const 70000) "abcdefgh")
    (global $a (mut i32) (i32.const 11)) (global $c i32 (i32.const 1)) (global $b (mut i64) (i64.const -12))"#;

/// How many of three runs needed no new instance.
fn kept(machine: &WasmMachine, code: &[u8]) -> u64 {
    let before = machine.stats().runs_in_kept_instances;
    let first = told(machine, code, Entry::Call, FUEL);
    assert!(first.run.is_ok(), "{first:?}");
    for _ in 0..2 {
        assert_eq!(told(machine, code, Entry::Call, FUEL), first);
    }
    machine.stats().runs_in_kept_instances - before
}

#[test]
fn what_ended_well_is_kept_and_as_new() {
    let both = Both::new();
    let more = format!("{GLOBALS} (func $deep (call $deep))");
    let ends: &[(&str, Ended, u64)] = &[
        ("", Returned, 2),
        ("(call $return (i32.const 0) (i32.const 0) (i32.const 4))", Halted, 2),
        ("unreachable", Trapped(Trap::Other), 0),
        ("(loop (br 0))", Trapped(Trap::OutOfFuel), 0),
        ("(call $deep)", Trapped(Trap::StackOverflow), 0),
        ("(drop (memory.grow (i32.const 1)))", Returned, 0),
        ("(drop (memory.grow (i32.const 0)))", Returned, 2),
        ("(drop (memory.grow (i32.const 100)))", Returned, 2),
    ];
    for (end, ended, expected) in ends {
        let code = contract(IMPORTS, &more, &format!("{TRACES} {end}"));
        assert_eq!(both.call(&code, FUEL).0, *ended, "{end}");
        let again = kept(&both.compiler, &code);
        // The first of these may find what the runs before left.
        assert!(again == *expected || again == expected + 1 && *expected > 0, "{end}: {again}");
    }
}

#[test]
fn what_is_too_much_to_put_back_is_not_kept() {
    let machine = machine(Engines::CompiledOnly);
    let globals = |count: usize| contract(IMPORTS, &"(global (mut i32) (i32.const 7))".repeat(count), "");
    assert_eq!(kept(&machine, &globals(8)), 2);
    assert_eq!(kept(&machine, &globals(9)), 0);
    let pages = |count: u32| {
        let text = format!(
            r#"(module (import "env" "memory" (memory {count} 16)) (func (export "deploy")) (func (export "call")))"#
        );
        wat::parse_str(text).unwrap()
    };
    assert_eq!(kept(&machine, &pages(0)), 2);
    assert_eq!(kept(&machine, &pages(2)), 2);
    assert_eq!(kept(&machine, &pages(3)), 0);
}

#[test]
fn a_panic_of_the_host_ends_an_instance() {
    let machine = machine(Engines::CompiledOnly);
    let code =
        contract(IMPORTS, GLOBALS, &format!("{TRACES} (drop (call $debug (i32.const 0) (i32.const 1)))"));
    for _ in 0..3 {
        let run = || run(&machine, &code, Entry::Call, FUEL, &mut Recorder::default());
        let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"the host panics"));
    }
    assert_eq!(machine.stats().runs_in_kept_instances, 0);
}

/// An instance that waits is none that is taken: another code gets its place.
#[test]
fn waiting_instances_make_room() {
    let config = MachineConfig { engines: Engines::CompiledOnly, instances: 1, ..MachineConfig::default() };
    let machine = WasmMachine::new(config).unwrap();
    let codes = [contract(IMPORTS, GLOBALS, TRACES), contract(IMPORTS, GLOBALS, "unreachable")];
    let [first, second] = codes.each_ref().map(|code| told(&machine, code, Entry::Call, FUEL));
    assert!(first.run.is_ok() && second.run.is_ok(), "{first:?} {second:?}");
    for _ in 0..3 {
        assert_eq!(told(&machine, &codes[0], Entry::Call, FUEL), first);
        assert_eq!(told(&machine, &codes[1], Entry::Call, FUEL), second);
    }
    let stats = machine.stats();
    assert_eq!((stats.runs_interpreted, stats.pool_full), (0, 0));
}

/// What is known no longer keeps no instances.
#[test]
fn forgotten_code_leaves_no_instances() {
    let config = MachineConfig {
        engines: Engines::CompiledOnly,
        cache_bytes_max: 256 * 1024,
        ..MachineConfig::default()
    };
    let machine = WasmMachine::new(config).unwrap();
    for number in 0..40 {
        let code = contract(IMPORTS, "", &format!("(drop (call $ask (i32.const {number})))"));
        told(&machine, &code, Entry::Call, FUEL);
        assert!(machine.tools.compiler.waiting() <= machine.codes.len());
    }
    assert!((1..40).contains(&machine.codes.len()), "{}", machine.codes.len());
}

fn machines() -> &'static Both {
    static MACHINES: OnceLock<Both> = OnceLock::new();
    MACHINES.get_or_init(Both::new)
}

/// The interpreter makes a new instance for each run.
fn runs_are_as_new(code: &[u8], runs: &[(bool, u64)]) {
    for (deploy, fuel) in runs {
        let entry = if *deploy { Entry::Deploy } else { Entry::Call };
        let new = told(&machines().interpreter, code, entry, *fuel);
        assert_eq!(told(&machines().compiler, code, entry, *fuel), new);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The host sees the memory whenever a function is entered, and all of it is compared at the end.
    #[test]
    fn generated_modules_find_nothing_of_runs_before(
        seed in any::<[u8; 32]>(),
        runs in prop::collection::vec((any::<bool>(), prop_oneof![0..20_000_u64, Just(10_000_000)]), 2..8),
    ) {
        let Some(code) = module(seed) else { return Ok(()) };
        if machines().interpreter.check(&code, &POLICY).is_ok() {
            runs_are_as_new(&code, &runs);
        }
    }
}

/// The property above says nothing if hardly any instance is used again.
#[test]
fn most_modules_by_chance_use_instances_again() {
    let before = machines().compiler.stats();
    let mut runs = 0;
    for n in 0..200 {
        let mut seed = [0; 32];
        seed[..2].fill(n);
        let Some(code) = module(seed) else { continue };
        if machines().interpreter.check(&code, &POLICY).is_ok() {
            runs_are_as_new(&code, &[(false, 10_000_000); 3]);
            runs += 3;
        }
    }
    let reused = machines().compiler.stats().runs_in_kept_instances - before.runs_in_kept_instances;
    assert!(reused > runs / 8, "{reused} of {runs}");
}
