//! Each kind of end and each kind of trap, on both engines.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::kit::{Both, FUEL, Recorder, contract, hash, machine, refusal, run, told, with_source};
use crate::{
    Ended::{self, Halted, Returned, Trapped},
    Engines, Entry, Halt, Host, HostFunction, Machine, MachineConfig, MachineError, SourceError, Trap,
    WasmMachine,
};

const STORAGE: &str = r#"
    (import "seal1" "set_storage" (func $set (param i32 i32 i32) (result i32)))
    (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
    (import "seal0" "caller" (func $caller (param i32 i32)))
    (import "seal0" "address" (func $address (param i32 i32)))
    (import "seal0" "debug_message" (func $debug (param i32 i32) (result i32)))
    (import "seal0" "instantiation_nonce" (func $nonce (result i64)))"#;

#[test]
fn each_end() {
    let both = Both::new();
    let ends: &[(&str, Ended)] = &[
        ("", Returned),
        ("(call $return (i32.const 1) (i32.const 2) (i32.const 3)) unreachable", Halted),
        ("unreachable", Trapped(Trap::Other)),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", Trapped(Trap::Other)),
        ("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", Trapped(Trap::Other)),
        ("(drop (i32.load (i32.const 0x1fffd)))", Trapped(Trap::Other)),
        ("(drop (i32.load (i32.const -1)))", Trapped(Trap::Other)),
        ("(i64.store offset=0xffffffff (i32.const -1) (i64.const 1))", Trapped(Trap::Other)),
        ("(call_indirect (i32.const 1))", Trapped(Trap::Other)),
        ("(call_indirect (i32.const 7))", Trapped(Trap::Other)),
        ("(call_indirect (param i32) (i32.const 1) (i32.const 0))", Trapped(Trap::Other)),
        ("(call_indirect (i32.const 0))", Returned),
        ("(loop (br 0))", Trapped(Trap::OutOfFuel)),
        ("(call $address (i32.const 0) (i32.const 0)) (loop (call $empty))", Trapped(Trap::OutOfFuel)),
        ("(call $deeper)", Trapped(Trap::StackOverflow)),
        ("(call $wide)", Trapped(Trap::StackOverflow)),
    ];
    let more = r#"
        (table 3 funcref)
        (elem (i32.const 0) $empty)
        (func $empty)
        (func $deeper (call $deeper))
        (func $wide (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
            (call $wide) (local.set 0 (i64.const 1)) (drop (i64.add (local.get 0) (local.get 1))))"#;
    for (body, ended) in ends {
        let code = contract(STORAGE, more, body);
        let (got, fuel_left, _) = both.call(&code, FUEL);
        assert_eq!(got, *ended, "{body}");
        assert_eq!(fuel_left == 0, *ended == Trapped(Trap::OutOfFuel), "{body}: {fuel_left}");
    }
}

#[test]
fn the_host_is_asked_the_same() {
    let both = Both::new();
    let code = contract(
        STORAGE,
        "",
        r#"(local $i i32)
        (loop
            (i32.store offset=4 (local.get $i) (call $set (local.get $i) (i32.const -1) (local.get $i)))
            (i64.store offset=8 (local.get $i) (call $nonce))
            (call $caller (local.get $i) (i32.const 0x80000000))
            (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 7))) (i32.const 140))))"#,
    );
    // The host halves it 20 times.
    let (ended, fuel_left, trace) = both.call(&code, FUEL << 20);
    assert_eq!((ended, trace.len()), (Returned, 60));
    assert!((FUEL / 2..FUEL).contains(&fuel_left), "{fuel_left}");
    // Negative numbers arrive with an empty upper half.
    assert_eq!(trace[0].arguments, [0, 0xffff_ffff, 0]);
    assert_eq!(trace[2].arguments, [0, 0x8000_0000]);
}

#[test]
fn fuel_ends_at_the_same_place() {
    let both = Both::new();
    let code =
        contract(STORAGE, "", "(loop (drop (call $set (i32.const 0) (i32.const 1) (i32.const 2))) (br 0))");
    let lengths: Vec<usize> =
        (0..40_u64).map(|step| both.call(&code, step * step * 40)).map(|(_, _, trace)| trace.len()).collect();
    assert!(lengths.is_sorted() && lengths.last() > Some(&50), "{lengths:?}");
    // All that there is to have.
    let (_, fuel_left, _) = both.call(&contract("", "", ""), u64::MAX);
    assert!(fuel_left > (i64::MAX - 1000) as u64);
}

#[test]
fn memory_grows_to_the_maximum_and_is_zero_in_the_next_run() {
    let both = Both::new();
    let code = contract(
        STORAGE,
        r#"(data (i32.const 70000) "data") (global $g (mut i32) (i32.const 5))"#,
        r#"(local $i i32)
        ;; What an earlier run left would be told to the host.
        (drop (call $set (global.get $g) (i32.load (i32.const 131068)) (i32.load (i32.const 70000))))
        (global.set $g (i32.const 6))
        (drop (call $set (memory.grow (i32.const 3)) (memory.grow (i32.const 12)) (memory.size)))
        (loop
            (drop (call $set (i32.load (local.get $i)) (local.get $i) (i32.const 0)))
            (i32.store (local.get $i) (i32.const -1))
            (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 65532))) (i32.const 327600))))
        (drop (call $set (memory.grow (i32.const 11)) (memory.size) (memory.grow (i32.const 1))))
        (i32.store (i32.const 1048572) (i32.const -1))
        (i32.store (i32.const 1048573) (i32.const -1))"#,
    );
    let (ended, _, trace) = both.call(&code, FUEL);
    assert_eq!(ended, Trapped(Trap::Other));
    assert_eq!(trace[0].arguments, [5, 0, u64::from(u32::from_le_bytes(*b"data"))]);
    assert_eq!(trace[1].arguments, [2, 0xffff_ffff, 5]);
    assert_eq!(trace.last().map(|asked| asked.arguments.clone()), Some(vec![5, 16, 0xffff_ffff]));
}

#[test]
fn a_start_section_comes_first_and_may_end_the_run() {
    let both = Both::new();
    let mark = "(drop (call $set (i32.const 1) (i32.const 1) (i32.const 1)))";
    let start = |body: &str| format!("(func $start {body}) (start $start)");
    let (ended, _, trace) = both.call(&contract(STORAGE, &start(mark), mark), FUEL);
    assert_eq!((ended, trace.len()), (Returned, 2));
    let stop = format!("{mark} (call $return (i32.const 0) (i32.const 0) (i32.const 0))");
    let (ended, _, trace) = both.call(&contract(STORAGE, &start(&stop), mark), FUEL);
    assert_eq!((ended, trace.len()), (Halted, 2));
    let (ended, _, trace) = both.call(&contract(STORAGE, &start("unreachable"), mark), FUEL);
    assert_eq!((ended, trace.len()), (Trapped(Trap::Other), 0));
}

#[test]
fn segments_that_lie_outside_are_refused() {
    let machine = machine(Engines::Both);
    for more in [r#"(data (i32.const 131070) "data")"#, "(table 1 funcref) (func $f) (elem (i32.const 1) $f)"]
    {
        let code = contract("", more, "");
        assert!(
            refusal(run(&machine, &code, Entry::Call, 1000, &mut Recorder::default())).contains("segment")
        );
    }
}

#[test]
fn a_panic_of_the_host_goes_through() {
    let code = contract(STORAGE, "", "(drop (call $debug (i32.const 0) (i32.const 0)))");
    let fine = contract(STORAGE, "", "(drop (call $set (i32.const 0) (i32.const 0) (i32.const 0)))");
    for engines in [Engines::CompiledOnly, Engines::InterpreterOnly] {
        // More often than there are instances: none may be lost.
        let config = MachineConfig { engines, instances: 4, ..MachineConfig::default() };
        let machine = WasmMachine::new(config).unwrap();
        for _ in 0..10 {
            let panic =
                catch_unwind(AssertUnwindSafe(|| told(&machine, &code, Entry::Call, FUEL))).unwrap_err();
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"the host panics"));
            let told = told(&machine, &fine, Entry::Call, FUEL);
            assert_eq!((told.run.unwrap().ended, told.trace.len()), (Returned, 1));
        }
        assert_eq!(machine.stats().pool_full, 0);
    }
}

#[test]
fn every_function_of_the_table_can_be_called() {
    use std::fmt::Write;

    use crate::{IMPORTS, Stability, ValueType};

    let both = Both::new();
    for import in IMPORTS.iter().filter(|import| import.function != HostFunction::DebugMessage) {
        let (mut ty, mut arguments) = (String::new(), String::new());
        for (number, parameter) in import.parameters.iter().enumerate() {
            let name = if *parameter == ValueType::I32 { "i32" } else { "i64" };
            write!(ty, "(param {name})").unwrap();
            write!(arguments, "({name}.const {})", number + 100).unwrap();
        }
        let mut body = format!("(call $f {arguments})");
        if let Some(result) = import.result {
            let name = if result == ValueType::I32 { "i32" } else { "i64" };
            write!(ty, "(result {name})").unwrap();
            body = format!("({name}.store (i32.const 8) {body}) (call $then (i32.const 0) (i32.const 0))");
        }
        let (module, name) = (import.module, import.name);
        let imports = format!(
            r#"(import "{module}" "{name}" (func $f {ty})) (import "seal0" "caller" (func $then (param i32 i32)))"#
        );
        let code = contract(&imports, "", &body);
        let (_, _, trace) = both.call(&code, FUEL);
        let expected: Vec<u64> = (0..import.parameters.len() as u64).map(|number| number + 100).collect();
        assert_eq!((trace[0].function, &trace[0].arguments), (import.function, &expected), "{module}.{name}");
        if import.stability == Stability::Deprecated {
            for machine in [&both.compiler, &both.interpreter] {
                let run = run(machine, &code, Entry::Deploy, FUEL, &mut Recorder::default()).unwrap();
                assert_eq!((run.ended, run.fuel_left), (Ended::NoConstructor, FUEL));
            }
        }
    }
}

#[test]
fn code_that_cannot_be_read_or_is_refused_is_told() {
    let machine = machine(Engines::Both);
    let source = || Err(SourceError("gone".into()));
    let code = crate::Code { hash: hash(b"gone"), source: &source };
    let error =
        machine.run(&code, &super::kit::POLICY, Entry::Call, 1, &mut Recorder::default()).unwrap_err();
    assert!(matches!(error, MachineError::Load(crate::LoadError::Source(_))), "{error:?}");
    refusal(run(&machine, b"no Wasm", Entry::Call, 1, &mut Recorder::default()));
    assert!(machine.check(b"no Wasm", &super::kit::POLICY).is_err());
    assert!(machine.check(&contract(STORAGE, "", ""), &super::kit::POLICY).is_ok());
}

/// A host that gives back fuel, as one does when a nested call took less than was set aside.
struct Generous;

impl Host for Generous {
    fn call(&mut self, _: HostFunction, _: &[u64], _: &mut [u8], fuel: &mut u64) -> Result<u64, Halt> {
        *fuel += 1_000;
        Ok(0)
    }
}

#[test]
fn the_host_may_raise_the_fuel() {
    let code = contract(STORAGE, "", "(loop (drop (call $set (i32.const 0) (i32.const 0) (i32.const 0))))");
    for engines in [Engines::CompiledOnly, Engines::InterpreterOnly] {
        let machine = machine(engines);
        let left = run(&machine, &code, Entry::Call, 100_000, &mut Generous).unwrap().fuel_left;
        let taken = run(&machine, &code, Entry::Call, 100_000, &mut Recorder::default()).unwrap().fuel_left;
        assert_eq!(left - taken, 1_100);
        with_source(&code, |code| assert!(machine.warm(code, &super::kit::POLICY).is_ok()));
    }
}
