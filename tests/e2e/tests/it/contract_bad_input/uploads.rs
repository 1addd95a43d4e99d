//! Code that is refused.

use basalt_pallet_contracts::{
    CODE_BYTES_MAX, Determinism, Error,
    types::{Code, CodeUploadReturnValue},
};
use basalt_primitives::{Balance, DispatchError};

use super::{Chain, WITHIN, call, failed, instantiate_with_code, upload, wasm};

const MEMORY: &str = r#"(import "env" "memory" (memory 1 16))"#;
const ENTRIES: &str = r#"(func (export "call")) (func (export "deploy"))"#;

/// A module with these parts, and what every module needs.
fn module(parts: &str) -> Vec<u8> {
    wasm(&format!("(module {MEMORY} {ENTRIES} {parts})"))
}

fn importing(module: &str, name: &str, ty: &str) -> Vec<u8> {
    wasm(&format!(r#"(module (import "{module}" "{name}" (func {ty})) {MEMORY} {ENTRIES})"#))
}

fn with_memory(import: &str) -> Vec<u8> {
    wasm(&format!("(module {import} {ENTRIES})"))
}

/// What is wrong, the code, and a word of the reason.
fn refused() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let truncated = module("")[..20].to_vec();
    let joins = "block local.get 0 br_if 0 end ".repeat(2_500);
    vec![
        ("nothing", vec![], ""),
        ("no module", b"garbage".to_vec(), ""),
        ("a module that ends too early", truncated, ""),
        ("a component", b"\0asm\x0d\0\x01\0".to_vec(), ""),
        ("code that does not type-check", module("(func i32.add)"), "type mismatch"),
        (
            "no constructor",
            wasm(&format!(r#"(module {MEMORY} (func (export "call")))"#)),
            "`deploy` is missing",
        ),
        ("a further export", module(r#"(func (export "main"))"#), "export `main`"),
        ("an import that there is not", importing("seal0", "launch", ""), "no function `seal0.launch`"),
        ("an import from WASI", importing("wasi_snapshot_preview1", "fd_write", ""), "fd_write"),
        ("an import of another type", importing("seal0", "now", "(param i32)"), "`seal0.now`"),
        ("a deprecated import", importing("seal0", "random", "(param i32 i32 i32 i32)"), "deprecated"),
        ("an unstable import", importing("seal0", "reentrance_count", "(result i32)"), "unstable"),
        ("a float", module("(func (drop (f64.const 1)))"), "floating-point"),
        ("a local for a float", module("(func (local f32))"), "floating-point"),
        ("a float by a vector", module("(func (drop (v128.const i64x2 0 0)))"), ""),
        ("too many pages", with_memory(r#"(import "env" "memory" (memory 1 17))"#), "17 pages"),
        ("too many pages at once", with_memory(r#"(import "env" "memory" (memory 65536))"#), "65536 pages"),
        ("a memory of its own", with_memory("(memory 1 1)"), "own memory"),
        ("data beyond the memory", module(r#"(data (i32.const 65534) "abc")"#), "data segment 0"),
        ("bomb: a long function", module(&format!("(func {})", "nop ".repeat(100_000))), "bytes"),
        ("bomb: functions", module(&"(func)".repeat(20_000)), "functions"),
        ("bomb: locals", module(&format!("(func (local {}))", "i64 ".repeat(50_000))), "locals"),
        (
            "bomb: nesting",
            module(&format!("(func {} {})", "block ".repeat(5_000), "end ".repeat(5_000))),
            "nests",
        ),
        (
            "bomb: a br_table",
            module(&format!("(func i32.const 0 br_table {} 0)", "0 ".repeat(20_000))),
            "br_table",
        ),
        (
            "bomb: joins",
            module(&format!("(func (param i32) (local {}) {joins})", "i64 ".repeat(255))),
            "operations to interpret",
        ),
        ("bomb: a table", module("(table 10000000 funcref)"), "elements"),
    ]
}

#[tokio::test]
async fn code_that_breaks_a_rule_is_refused_with_the_reason() {
    let mut chain = Chain::start().await;
    let limit: Option<Balance> = None;
    for (what, code, word) in refused() {
        assert!(code.len() <= CODE_BYTES_MAX as usize, "{what} is only too large: {}", code.len());
        let dry = chain.dry_instantiate(Code::Upload(code.clone()), WITHIN).await;
        let reason = String::from_utf8(dry.debug_message).expect("debug messages are text");
        assert_eq!(dry.result.map(drop), failed(Error::CodeRejected), "{what}");
        assert!(!reason.is_empty() && reason.contains(word), "{what}: {reason}");
        let dry: Result<CodeUploadReturnValue, DispatchError> = chain
            .api(
                "ContractsApi_upload_code",
                &(chain.payer.account(), code.clone(), limit, Determinism::Enforced),
            )
            .await;
        assert_eq!(dry.map(drop), failed(Error::CodeRejected), "{what}");
        chain.leaves_nothing(what, &upload(&code, None), failed(Error::CodeRejected)).await;
        let made = instantiate_with_code(&code, WITHIN);
        chain.leaves_nothing(what, &made, failed(Error::CodeRejected)).await;
    }
    let large = vec![0; CODE_BYTES_MAX as usize + 1];
    chain.leaves_nothing("too large", &upload(&large, None), failed(Error::CodeTooLarge)).await;
    chain.making_fails("too large", &large, WITHIN, Error::CodeTooLarge).await;
    chain.stop();
}

#[tokio::test]
async fn the_slowest_code_that_is_accepted_runs_at_once() {
    // Just below what is refused as too long to compile, in as many functions as fit.
    let joins = "block local.get 0 br_if 0 end ".repeat(350);
    let function = format!("(func (param i32) (local {}) {joins})", "i64 ".repeat(3));
    let mut chain = Chain::start().await;
    for (what, code) in [
        ("joins", module(&function.repeat(90))),
        ("functions", module(&"(func)".repeat(4_000))),
        ("a large table", module("(table 4096 funcref)")),
    ] {
        let contract = chain.made(what, &code).await;
        for _ in 0..3 {
            chain.done(what, &call(contract, &[], WITHIN)).await;
        }
    }
    chain.stop();
}
