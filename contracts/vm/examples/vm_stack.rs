//! How many bytes of native stack a unit of [`cost::STACK_UNITS`] takes at worst: functions of shapes that compilers spill much
//! for call themselves until the native stack ends, while the counter goes on.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for developers")]

use std::fmt::Write as _;

use basalt_contracts_vm::{Determinism, Policy, rewrite, rewrite::cost};
use wasmtime::{Config, Engine, Linker, Module, OptLevel, Store, Val};

const POLICY: Policy = Policy {
    memory_pages_max: 16,
    determinism: Determinism::Enforced,
    unstable: true,
    chain_extension: true,
};

/// What the counter has before and after; it cannot run out before the native stack does.
const UNITS: i32 = i32::MAX;

fn main() {
    println!("{:<24} {:>8} {:>8} {:>10} {:>10}", "shape", "opt", "units", "B/frame", "B/unit");
    let mut worst: f64 = 0.0;
    for (name, text) in shapes() {
        let code = wat::parse_str(&text).unwrap();
        let prepared = match rewrite::prepare(&code, &POLICY, false) {
            Ok(prepared) => prepared,
            Err(refused) => {
                println!("{name:<24} {refused}");
                continue;
            }
        };
        for (level, opt) in [("speed", OptLevel::Speed), ("none", OptLevel::None)] {
            let (frames, units) = run(&prepared.module, opt);
            let bytes = f64::from(1 << 20);
            worst = worst.max(bytes / f64::from(units));
            println!(
                "{name:<24} {level:>8} {:>8} {:>10.1} {:>10.2}",
                units / frames.max(1),
                bytes / f64::from(frames.max(1)),
                bytes / f64::from(units)
            );
        }
    }
    println!(
        "worst: {worst:.2} bytes for a unit, {:.0} KiB for all of them",
        worst * f64::from(cost::STACK_UNITS) / 1024.0
    );
}

/// The calls made and the units taken when a native stack of 1 MiB ended.
fn run(module: &[u8], opt: OptLevel) -> (i32, i32) {
    let mut config = Config::new();
    config.max_wasm_stack(1 << 20).cranelift_opt_level(opt);
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, module).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &module).unwrap();
    let fuel = instance.get_global(&mut store, rewrite::FUEL).unwrap();
    let stack = instance.get_global(&mut store, rewrite::STACK).unwrap();
    fuel.set(&mut store, Val::I64(i64::MAX)).unwrap();
    stack.set(&mut store, Val::I32(UNITS)).unwrap();
    let call = instance.get_typed_func::<(), ()>(&mut store, rewrite::CALL).unwrap();
    let error = call.call(&mut store, ()).unwrap_err();
    let trap = error.downcast_ref::<wasmtime::Trap>();
    if trap != Some(&wasmtime::Trap::StackOverflow) {
        println!("{trap:?}");
    }
    let units = UNITS - stack.get(&mut store).unwrap_i32();
    let memory = instance.get_memory(&mut store, rewrite::MEMORY).unwrap();
    let frames = i32::from_le_bytes(memory.data(&store)[..4].try_into().unwrap());
    (frames, units)
}

fn shapes() -> Vec<(String, String)> {
    let mut shapes = Vec::new();
    let mut add = |name: &str, function: &str, arguments: &str| {
        let text = format!(
            r#"(module (import "env" "memory" (memory 4 16)) (type $plain (func)) (table 2 funcref) (elem (i32.const 0) $f $nothing) (func $nothing)
                (global $g (mut i64) (i64.const 1))
                (func (export "call") {arguments} call $f unreachable) (func (export "deploy")) {function})"#
        );
        shapes.push((name.to_owned(), text));
    };
    let count = "i32.const 0 i32.const 0 i32.load i32.const 1 i32.add i32.store";
    add("smallest", &format!("(func $f {count} call $f)"), "");
    add("smallest-indirect", &format!("(func $f {count} i32.const 0 call_indirect (type $plain))"), "");
    for n in [1, 4, 6, 8, 16, 64] {
        let gets: String = (0..n).map(|n| format!("local.get {n} ")).collect();
        let used: String = (0..n).map(|n| format!("local.get {n} global.set $g ")).collect();
        let tys = "i64 ".repeat(n);
        let arguments = "i64.const 1 ".repeat(n);
        add(
            &format!("parameters-{n}"),
            &format!("(func $f (param {tys}) {count} {gets} call $f)"),
            &arguments,
        );
        add(
            &format!("parameters-kept-{n}"),
            &format!("(func $f (param {tys}) {count} {gets} call $f {used})"),
            &arguments,
        );
        let get = "local.get 0 ".repeat(n);
        add(
            &format!("parameters-same-{n}"),
            &format!("(func $f (param {tys}) {count} {get} call $f)"),
            &arguments,
        );
    }
    for n in [1, 2, 3, 5, 8, 30, 200, 1000] {
        // Values computed once by the compiler, used before and after the call.
        let each: String =
            (0..n).map(|m| format!("local.get 0 i64.const {} i64.mul local.set 1 i32.const 64 local.get 1 i64.store offset={} ", m * 2 + 3, m * 8)).collect();
        add(
            &format!("common-{n}"),
            &format!("(func $f (param i64) (local i64) {count} {each} local.get 0 call $f {each})"),
            "i64.const 7",
        );
        // The same, taken out of a loop.
        let body = format!(
            "(func $f (param i64) (local i64) {count} loop {each} local.get 0 call $f local.get 0 i64.eqz br_if 0 end)"
        );
        add(&format!("invariant-{n}"), &body, "i64.const 7");
        let unary: String = (0..n).map(|m| format!("local.get 0 i64.const {m} i64.eq br_if 1 ")).collect();
        let body =
            format!("(func $f (param i64) {count} block loop {unary} local.get 0 call $f br 0 end end)");
        add(&format!("invariant-eq-{n}"), &body, "i64.const -7");
        let narrow: String =
            (0..n).map(|m| format!("local.get {} i64.clz i64.eqz br_if 1 ", m % 60)).collect();
        let body = format!(
            "(func $f (param {}) {count} block loop {narrow} {} call $f br 0 end end)",
            "i64 ".repeat(60),
            "local.get 0 ".repeat(60)
        );
        add(&format!("invariant-clz-{n}"), &body, &"i64.const 7 ".repeat(60));
        let chain: String = (0..n)
            .map(|m| format!("i64.const {} i64.add local.tee 1 global.set $g local.get 1 ", m * m))
            .collect();
        let body = format!(
            "(func $f (param i64) (local i64) {count} local.get 0 {chain} drop local.get 0 call $f local.get 0 {chain} drop)"
        );
        add(&format!("chain-{n}"), &body, "i64.const 7");
        let loads: String = (0..n).map(|m| format!("i32.const {} i64.load ", m * 8)).collect();
        let sums = "i64.add ".repeat(n - 1);
        add(&format!("operands-{n}"), &format!("(func $f {count} {loads} call $f {sums} global.set $g)"), "");
        // One after the other, each kept over one call: few at a time, but slots may not be shared well.
        let turns: String = (0..n)
            .map(|m| {
                format!(
                    "i32.const {} i64.load i32.const {} i64.load call $f global.set $g global.set $g ",
                    m * 8,
                    m * 16
                )
            })
            .collect();
        add(&format!("turns-{n}"), &format!("(func $f {count} {turns})"), "");
        let mut ladder = String::new();
        for m in 0..n {
            let _ = write!(
                ladder,
                "i32.const {} i64.load local.set {} call $f local.get {} global.set $g ",
                m * 8,
                m % 100,
                (m + 50) % 100
            );
        }
        add(
            &format!("ladder-{n}"),
            &format!("(func $f (local {}) {count} {ladder})", "i64 ".repeat(100)),
            "",
        );
        let xors: String =
            (0..n).map(|m| format!("local.get 0 i64.const {} i64.mul i64.xor ", m * 2 + 3)).collect();
        let body = format!(
            "(func $f (param i64) {count} loop i32.const 0 i64.load {xors} global.set $g local.get 0 call $f local.get 0 i64.eqz br_if 0 end)"
        );
        add(&format!("xors-{n}"), &body, "i64.const 7");
        let both: String = (0..n)
            .map(|m| {
                format!(
                    "local.get 0 i32.const {} i32.xor local.get 0 i32.const {} i32.rotl i32.store offset={} ",
                    m & 127,
                    m,
                    m * 8
                )
            })
            .collect();
        let body = format!(
            "(func $f (param i32) {count} loop {both} local.get 0 call $f local.get 0 i32.eqz br_if 0 end)"
        );
        add(&format!("both-{n}"), &body, "i32.const 7");
        let indirect: String = (0..n)
            .map(|m| format!("local.get 0 i32.const {m} i32.xor call_indirect (type $plain) "))
            .collect();
        let body = format!(
            "(func $f (param i32) {count} loop {indirect} local.get 0 call $f local.get 0 i32.eqz br_if 0 end)"
        );
        add(
            &format!("indirect-{n}"),
            &body.replace(
                "call_indirect (type $plain)",
                &format!("i32.const {n} i32.gt_u if local.get 0 i32.const 1 i32.and i32.const 1 i32.or call_indirect (type $plain) end"),
            ),
            "i32.const 7",
        );
        let memory: String = (0..n)
            .map(|m| {
                format!("local.get 0 i32.load offset={} global.get $g i32.wrap_i64 i32.add drop ", m * 64)
            })
            .collect();
        let body = format!(
            "(func $f (param i32) {count} loop {memory} local.get 0 call $f local.get 0 br_if 0 end)"
        );
        add(&format!("loads-{n}"), &body, "i32.const 7");
        let addresses: String = (0..n)
            .map(|m| format!("local.get 0 i32.const {} i32.add i64.const 1 i64.store offset=65000 ", m * 64))
            .collect();
        let body = format!(
            "(func $f (param i32) {count} loop {addresses} local.get 0 call $f local.get 0 br_if 0 end)"
        );
        add(&format!("addresses-{n}"), &body, "i32.const 7");
    }
    shapes
}
