//! How long code that was made to be slow takes to check, rewrite and compile: `cargo run -p basalt-contracts-vm --example
//! vm_bombs [NAME | FILE.wasm …]`. Seconds are those of this thread on a processor, so that others do not disturb much.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for developers")]

use std::{
    env,
    fmt::Write as _,
    fs,
    time::{Duration, Instant},
};

use basalt_contracts_vm::{Determinism, Policy, check::bounds, rewrite};

/// The largest code that a chain accepts by default, or `CODE_BYTES` of the environment.
fn code_bytes() -> usize {
    number("CODE_BYTES").unwrap_or(256 * 1024)
}

fn number(name: &str) -> Option<usize> {
    env::var(name).ok()?.parse().ok()
}

const POLICY: Policy = Policy {
    memory_pages_max: 16,
    determinism: Determinism::Enforced,
    unstable: true,
    chain_extension: true,
};

fn main() {
    let wanted: Vec<String> = env::args().skip(1).collect();
    println!(
        "{:<24} {:>9} {:>10} {:>10} {:>10} {:>10} {:>8}",
        "name", "bytes", "prepare ms", "rewritten", "machine", "compile s", "before s"
    );
    for file in wanted.iter().filter(|name| name.ends_with(".wasm")) {
        let name = file.rsplit('/').next().unwrap_or(file);
        report(name, &fs::read(file).unwrap());
    }
    if wanted.iter().any(|name| name.ends_with(".wasm")) {
        return;
    }
    for (name, text) in bombs() {
        if wanted.is_empty() || wanted.iter().any(|wanted| name.starts_with(wanted.as_str())) {
            report(&name, &wat::parse_str(&text).unwrap());
        }
    }
}

fn report(name: &str, code: &[u8]) {
    // The best of some by the clock, since the processor's time comes in steps of milliseconds.
    let preparing = (0..10)
        .map(|_| {
            let since = Instant::now();
            let _ = rewrite::prepare(code, &POLICY, true);
            since.elapsed()
        })
        .min()
        .unwrap_or_default();
    let prepared = rewrite::prepare(code, &POLICY, true);
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(refused) => {
            println!("{name:<24} {:>9} {:>10.3} {refused}", code.len(), preparing.as_secs_f64() * 1e3);
            return;
        }
    };
    let mut config = wasmtime::Config::new();
    config.max_wasm_stack(1 << 20);
    let engine = wasmtime::Engine::new(&config).unwrap();
    let (artefact, compiling) = timed(|| engine.precompile_module(&prepared.module).unwrap());
    let (_, before) = timed(|| engine.precompile_module(code).unwrap());
    println!(
        "{name:<24} {:>9} {:>10.3} {:>10} {:>10} {:>10.3} {:>8.3}",
        code.len(),
        preparing.as_secs_f64() * 1e3,
        prepared.module.len(),
        artefact.len(),
        compiling.as_secs_f64(),
        before.as_secs_f64()
    );
}

fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let before = processor();
    let value = run();
    (value, processor().saturating_sub(before))
}

/// The time that this thread spent on a processor.
fn processor() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// A module of functions with this head, each filled with `piece` as often as its bytes allow.
fn filled(head: &str, piece: &dyn Fn(usize) -> String, tail: &str, body_bytes: usize, more: &str) -> String {
    let probe = |count: usize| {
        let pieces: String = (0..count).map(piece).collect();
        format!("(func {head} {pieces} {tail})")
    };
    let size = |count: usize| wat::parse_str(module(&probe(count), more)).unwrap().len();
    let piece_bytes = ((size(200) - size(100)) as f64 / 100.0 + 0.3).max(0.5);
    let count = (body_bytes as f64 / piece_bytes) as usize;
    let count =
        (0..=count).rev().step_by(1 + count / 50).find(|count| size(*count) <= body_bytes + 600).unwrap_or(0);
    let function = probe(count);
    let functions = ((code_bytes() - 2000) / size(count)).min(bounds::FUNCTIONS_MAX as usize - 2);
    let mut all = String::new();
    (0..functions).for_each(|_| all.push_str(&function));
    module(&all, more)
}

fn module(functions: &str, more: &str) -> String {
    format!(
        r#"(module (import "env" "memory" (memory 1 16)) {more} (func (export "call")) (func (export "deploy")) {functions})"#
    )
}

/// Locals of which no compiler knows the value.
fn locals(count: usize, ty: &str) -> String {
    let loads: String = (0..count).map(|n| format!("i32.const {} {ty}.load local.set {n} ", n * 8)).collect();
    format!("(local {}) {loads}", format!("{ty} ").repeat(count))
}

fn bombs() -> Vec<(String, String)> {
    let mut bombs = Vec::new();
    let full = number("BODY_BYTES").unwrap_or(bounds::BODY_BYTES_MAX as usize - 600);
    for count in [2, 8, 20, 64, 256] {
        let touch = move |n: usize| {
            format!(
                "loop local.get {} i64.const 1 i64.add local.set {} local.get 0 i64.eqz br_if 0 end ",
                n % count,
                (n + 1) % count
            )
        };
        bombs.push((format!("loops-{count}"), filled(&locals(count, "i64"), &touch, "", full, "")));
        let nested = move |n: usize| {
            let mut text = String::new();
            (0..200).for_each(|_| text.push_str("loop "));
            for m in 0..200 {
                let _ = write!(
                    text,
                    "local.get {} local.set {} local.get 0 i64.eqz br_if 0 end ",
                    m % count,
                    (n + m + 1) % count
                );
            }
            text
        };
        bombs.push((format!("nested-loops-{count}"), filled(&locals(count, "i64"), &nested, "", full, "")));
        let ifs = move |n: usize| {
            format!(
                "local.get 0 i64.eqz if local.get {} i64.const 3 i64.mul local.set {} end ",
                n % count,
                (n * 7 + 1) % count
            )
        };
        bombs.push((format!("ifs-{count}"), filled(&locals(count, "i64"), &ifs, "", full, "")));
        let out = move |n: usize| {
            format!("local.get {} i64.load offset=8 (i32.wrap_i64 (local.get 0)) drop local.set {} local.get 0 i64.eqz br_if 0 ", n % count, (n + 3) % count)
                .replace("i64.load offset=8 (i32.wrap_i64 (local.get 0)) drop", "i64.const 5 i64.xor")
        };
        let all: String = (0..count).map(|n| format!("local.get {n} i64.add ")).collect();
        let tail = format!("end i64.const 0 {all} drop");
        bombs.push((
            format!("breaks-{count}"),
            filled(&format!("{} block", locals(count, "i64")), &out, &tail, full, ""),
        ));
        let sets: String =
            (0..count).map(|n| format!("local.get {n} i64.const {n} i64.add local.set {n} ")).collect();
        let table = move |_: usize| {
            let targets: String = (0..1000).map(|n| format!("{} ", n % 100)).collect();
            format!("{} {} i32.const 5 br_table {targets} {}", "block ".repeat(100), sets, "end ".repeat(100))
        };
        bombs.push((format!("tables-{count}"), filled(&locals(count, "i64"), &table, "", full, "")));
        let sparse = move |n: usize| {
            let targets: String = (0..1000).map(|m| format!("{} ", m % 200)).collect();
            let ends: String = (0..200)
                .map(|m| {
                    format!("end local.get {} i64.const 1 i64.add local.set {} ", m % count, (m + n) % count)
                })
                .collect();
            format!("{} local.get 0 i32.wrap_i64 br_table {targets} {ends}", "block ".repeat(200))
        };
        bombs.push((format!("switches-{count}"), filled(&locals(count, "i64"), &sparse, "", full, "")));
    }
    for body in [16, 64, 1024] {
        let function = format!(
            "(func {})",
            if body == 16 { String::new() } else { format!("(local {})", "i64 ".repeat(body.min(256))) }
        );
        bombs.push((
            format!("functions-{body}"),
            module(&function.repeat(bounds::FUNCTIONS_MAX as usize - 2), ""),
        ));
    }
    let pressure = |n: usize| {
        let mut text = String::new();
        for m in 0..1000 {
            let _ = write!(text, "i32.const {} i64.load ", (n * 31 + m * 8) % 8192);
        }
        text + &"i64.add ".repeat(999) + "drop "
    };
    bombs.push(("pressure-loads".into(), filled("", &pressure, "", full, "")));
    let pressure = |_: usize| format!("{}{} drop ", "global.get 0 ".repeat(1000), "i64.xor ".repeat(999));
    bombs.push((
        "pressure-globals".into(),
        filled("", &pressure, "", full, "(global (mut i64) (i64.const 1))"),
    ));
    let calls = |_: usize| "call $g call $g i64.add drop ".to_owned();
    bombs.push(("calls".into(), filled("", &calls, "", full, "(func $g (result i64) i64.const 1)")));
    let alive = |_: usize| format!("{}{} drop ", "call $g ".repeat(1000), "i64.xor ".repeat(999));
    bombs.push(("calls-alive".into(), filled("", &alive, "", full, "(func $g (result i64) i64.const 1)")));
    let wide = |_: usize| format!("{}call $g ", "local.get 0 ".repeat(64));
    let callee = format!("(func $g (param {}))", "i64 ".repeat(64));
    bombs.push(("calls-wide".into(), filled("(local i64)", &wide, "", full, &callee)));
    let indirect = |_: usize| "i32.const 0 call_indirect (type $t) ".to_owned();
    bombs.push((
        "indirect".into(),
        filled(
            "",
            &indirect,
            "",
            full,
            "(type $t (func)) (table 1 funcref) (elem (i32.const 0) $g) (func $g)",
        ),
    ));
    let grow = |_: usize| "i32.const 0 memory.grow drop ".to_owned();
    bombs.push(("grow".into(), filled("", &grow, "", full, "")));
    let stores = |n: usize| format!("local.get 0 local.get 0 i32.store offset={} ", n % 60);
    bombs.push(("stores".into(), filled("(param i32)", &stores, "", full, "")));
    let divide = |_: usize| "local.get 0 local.get 1 i64.div_s local.get 1 i64.rem_s local.set 0 ".to_owned();
    bombs.push(("divide".into(), filled("(param i64 i64)", &divide, "", full, "")));
    for op in [
        "i64.add",
        "i64.xor",
        "i64.and",
        "i64.sub",
        "i64.mul",
        "i64.shl",
        "i64.rotl",
        "i64.or",
        "i64.eq i64.extend_i32_u",
    ] {
        let short = op.split(' ').next().unwrap();
        let chain = |n: usize| format!("local.get {} {op} ", n % 3);
        bombs.push((
            format!("chain-{short}"),
            filled("(param i64 i64 i64) local.get 0", &chain, "drop", full, ""),
        ));
        let constants = |n: usize| format!("i64.const {} {op} ", (n * 13) % 61);
        bombs.push((
            format!("constants-{short}"),
            filled("(param i64) (result i64) local.get 0", &constants, "", full, ""),
        ));
        let squares = |_: usize| format!("local.get 0 local.get 0 {op} local.set 0 ");
        bombs.push((
            format!("squares-{short}"),
            filled("(param i64) (result i64)", &squares, "local.get 0", full, ""),
        ));
    }
    let selects = |n: usize| format!("local.get {} local.get 0 i64.const {} i64.lt_u select ", n % 3, n % 60);
    bombs.push((
        "selects".into(),
        filled("(param i64 i64 i64) (result i64) local.get 0", &selects, "", full, ""),
    ));
    let mixed = |n: usize| {
        let ops = ["i64.add", "i64.xor", "i64.and", "i64.or", "i64.shl", "i64.shr_u", "i64.mul", "i64.sub"];
        format!(
            "local.get {} i64.const {} {} {} local.tee {} ",
            n % 8,
            n % 63,
            ops[n % 8],
            ops[(n / 8) % 8],
            (n * 5) % 8
        )
    };
    bombs.push((
        "mixed".into(),
        filled(&format!("(result i64) {} local.get 0", locals(8, "i64")), &mixed, "", full, ""),
    ));
    let extends = |_: usize| {
        "i64.extend8_s i64.extend16_s i64.extend32_s i32.wrap_i64 i64.extend_i32_s i64.clz ".to_owned()
    };
    bombs.push(("extends".into(), filled("(param i64) (result i64) local.get 0", &extends, "", full, "")));
    let blocks = |_: usize| "block local.get 0 br_if 0 end ".to_owned();
    bombs.push(("blocks".into(), filled("(param i32)", &blocks, "", full, "")));
    let tiny = |_: usize| "loop end ".to_owned();
    bombs.push(("empty-loops".into(), filled("(param i32)", &tiny, "", full, "")));
    let globals: String = (0..256).map(|n| format!("(global (mut i64) (i64.const {n}))")).collect();
    let shuffle = |n: usize| format!("global.get {} global.set {} ", n % 256, (n * 7 + 1) % 256);
    bombs.push(("globals".into(), filled("", &shuffle, "", full, &globals)));
    bombs
}
