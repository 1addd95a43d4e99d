use super::*;

const POLICY: Policy = Policy {
    memory_pages_max: 16,
    determinism: Determinism::Enforced,
    unstable: false,
    chain_extension: false,
};

const MEMORY: &str = r#"(import "env" "memory" (memory 1 16))"#;
const ENTRIES: &str = r#"(func (export "call")) (func (export "deploy"))"#;

/// A contract with these imports, besides the memory, and these other parts.
fn contract(imports: &str, parts: &str) -> String {
    format!("(module {imports} {MEMORY} {ENTRIES} {parts})")
}

fn with(policy: &Policy, text: &str) -> Result<Checked, String> {
    let code = wat::parse_str(text).unwrap();
    check(&code, policy).map(|module| module.checked).map_err(|refused| refused.0)
}

fn start(text: &str) -> &str {
    text.get(..300).unwrap_or(text)
}

fn accepts(text: &str) {
    assert_eq!(with(&POLICY, text), Ok(Checked { determinism: Determinism::Enforced }), "{}", start(text));
}

/// Asserts that it is refused with words that name the place and the rule.
fn refuses(text: &str, words: &[&str]) {
    let refused = with(&POLICY, text).expect_err(start(text));
    for word in words {
        assert!(refused.contains(word), "`{word}` is not in: {refused}");
    }
}

/// What the real pallet was seen to accept (`facts/contracts.md` §17).
#[test]
fn what_contracts_do_is_accepted() {
    accepts(&contract("", ""));
    accepts(&format!(r#"(module (import "env" "memory" (memory 2)) {ENTRIES})"#));
    accepts(&format!(r#"(module (import "env" "memory" (memory 16 16)) {ENTRIES})"#));
    accepts(&format!(r#"(module (import "env" "memory" (memory 0 0)) {ENTRIES})"#));
    accepts(&format!(
        r#"(module {MEMORY} (func (export "call") (result i32) i32.const 0) (func (export "deploy") (result i32) i32.const 0))"#
    ));
    accepts(&format!(r#"(module {MEMORY} (func $f) (export "call" (func $f)) (export "deploy" (func $f)))"#));
    accepts(&contract("", "(func (param i64) (result i64) local.get 0 i64.extend32_s i64.extend8_s)"));
    accepts(&contract(
        r#"(import "seal0" "seal_caller" (func (param i32 i32))) (import "seal0" "caller" (func (param i32 i32)))
           (import "seal0" "caller" (func (param i32 i32))) (import "seal1" "seal_get_storage" (func (param i32 i32 i32 i32) (result i32)))"#,
        "",
    ));
    accepts(&contract("", "(func $s) (start $s)"));
    accepts(&contract("", r#"(data (i32.const 65533) "abc") (data (i32.const 65536) "")"#));
    accepts(&contract("", "(table 2 2 funcref) (func $f) (elem (i32.const 1) $f)"));
    accepts(&contract("", "(global (mut i64) (i64.const 1)) (global i32 (i32.const 1))"));
    // A memory in the middle of the functions.
    accepts(&format!(
        r#"(module (import "seal0" "now" (func (param i32 i32))) {MEMORY} (import "seal0" "address" (func (param i32 i32))) {ENTRIES})"#
    ));
}

#[test]
fn what_the_pallet_refuses_is_refused_with_the_reason() {
    refuses(&format!("(module {ENTRIES})"), &["memory `env.memory` is missing"]);
    let memory = |import: &str| format!("(module {import} {ENTRIES})");
    refuses(&memory(r#"(import "env" "memory" (memory 1 17))"#), &["17 pages", "16 at most"]);
    refuses(&memory(r#"(import "env" "memory" (memory 17))"#), &["starts with 17 pages", "maximum is 16"]);
    refuses(&memory(r#"(import "other" "memory" (memory 1 1))"#), &["`other.memory`", "env.memory"]);
    refuses(&memory("(memory 1 1)"), &["own memory"]);
    refuses(&contract("", "(memory 1 1)"), &["own memory"]);
    refuses(&memory(&format!("{MEMORY} {MEMORY}")), &["imported twice"]);
    for import in [r#"(import "env" "t" (table 1 funcref))"#, r#"(import "env" "g" (global i32))"#] {
        refuses(&contract(import, ""), &["`env.", "only the memory"]);
    }

    refuses(&contract("", r#"(func (export "other"))"#), &["export `other`"]);
    refuses(&contract("", r#"(global (export "g") i32 (i32.const 0))"#), &["export `g`"]);
    refuses(&contract("", r#"(table (export "t") 1 funcref)"#), &["export `t`"]);
    refuses(&contract("", r#"(export "memory" (memory 0))"#), &["export `memory`"]);
    refuses(&format!(r#"(module {MEMORY} (func (export "call")))"#), &["`deploy` is missing"]);
    refuses(&format!(r#"(module {MEMORY} (func (export "deploy")))"#), &["`call` is missing"]);
    refuses(&format!(r#"(module {MEMORY} (global (export "call") i32 (i32.const 0)))"#), &["export `call`"]);
    refuses("(module)", &["missing"]);
    let entry = |ty: &str| {
        format!(r#"(module {MEMORY} (func (export "call") {ty} unreachable) (func (export "deploy")))"#)
    };
    refuses(&entry("(param i32)"), &["`call` is (i32) -> ()", "() -> i32"]);
    refuses(&entry("(result i64)"), &["`call` is () -> i64"]);

    refuses(&contract("", "(func f32.const 1 drop)"), &["function 2", "byte 0x", "floating-point"]);
    refuses(&contract("", "(func (local f64))"), &["function 2", "floating-point"]);
    refuses(&contract("", "(func (param f64))"), &["floating-point"]);
    refuses(&contract("", "(global f64 (f64.const 1))"), &["floating-point"]);
    refuses(
        &contract("", "(func i32.const 0 i32.const 0 i32.const 0 memory.copy)"),
        &["function 2", "bulk memory"],
    );
    refuses(&contract("", "(func (result i32 i32) i32.const 0 i32.const 0)"), &["multi"]);
    refuses(&contract("", "(func $f return_call $f)"), &["function 2", "tail calls"]);
    refuses(
        &contract("", "(func (param f32) (result i32) local.get 0 i32.trunc_sat_f32_s)"),
        &["floating-point"],
    );
    refuses(&contract("", "(table 1 externref)"), &["reference types"]);
    refuses(&contract("", "(global i32 (i32.add (i32.const 1) (i32.const 2)))"), &["constant expression"]);
    refuses(&contract("", "(func i32.add)"), &["function 2", "type mismatch"]);

    let function = |module: &str, name: &str, ty: &str| {
        contract(&format!(r#"(import "{module}" "{name}" (func {ty}))"#), "")
    };
    refuses(&function("seal0", "nothing", ""), &["no function `seal0.nothing`"]);
    refuses(&function("env", "memory", ""), &["no function `env.memory`"]);
    refuses(&function("seal2", "seal_call", ""), &["no function `seal2.seal_call`"]);
    refuses(&function("seal0", "return", "(param i32 i32 i32)"), &["no function `seal0.return`"]);
    refuses(
        &function("seal0", "now", "(param i32) (result i64)"),
        &["`seal0.now`", "imported as (i32) -> i64", "it is (i32, i32) -> ()"],
    );
    refuses(&function("seal0", "random", "(param i32 i32 i32 i32)"), &["`seal0.random` is deprecated"]);
    refuses(
        &function("seal0", "reentrance_count", "(result i32)"),
        &["`seal0.reentrance_count` is unstable"],
    );
    for name in ["call_chain_extension", "seal_call_chain_extension"] {
        refuses(
            &function("seal0", name, "(param i32 i32 i32 i32 i32) (result i32)"),
            &[name, "no extension"],
        );
    }

    refuses(&contract("", r#"(data (i32.const 65534) "abc")"#), &["data segment 0", "65537", "65536 bytes"]);
    refuses(
        &contract("", r#"(data (i32.const 0) "a") (data (i32.const -1) "a")"#),
        &["data segment 1", "4294967296"],
    );
    refuses(&contract("", r#"(data (i32.const 65537) "")"#), &["data segment 0"]);
    refuses(
        &contract("", "(table 1 funcref) (func $f) (elem (i32.const 1) $f)"),
        &["element segment 0", "ends at 2"],
    );
    refuses(&contract("", r#"(data "passive")"#), &["data"]);
    assert!(check(&[], &POLICY).is_err());
    assert!(check(b"\0asm\x01\0\0\0garbage", &POLICY).is_err());
    assert!(check(b"not wasm at all", &POLICY).is_err());
    // A component.
    assert!(check(b"\0asm\x0d\0\x01\0", &POLICY).is_err());
}

#[test]
fn a_policy_opens_what_it_names() {
    let random = contract(r#"(import "seal0" "random" (func (param i32 i32 i32 i32)))"#, "");
    let code = wat::parse_str(&random).unwrap();
    assert!(check_stored(&code, &POLICY, true).unwrap().deprecated);
    let code = wat::parse_str(contract("", "")).unwrap();
    assert!(!check_stored(&code, &POLICY, true).unwrap().deprecated);

    let unstable = contract(r#"(import "seal0" "reentrance_count" (func (result i32)))"#, "");
    assert!(with(&Policy { unstable: true, ..POLICY }, &unstable).is_ok());
    let extension = contract(
        r#"(import "seal0" "call_chain_extension" (func (param i32 i32 i32 i32 i32) (result i32)))"#,
        "",
    );
    assert!(with(&Policy { chain_extension: true, ..POLICY }, &extension).is_ok());
    let memory = format!(r#"(module (import "env" "memory" (memory 1 17)) {ENTRIES})"#);
    assert!(with(&Policy { memory_pages_max: 17, ..POLICY }, &memory).is_ok());
    let relaxed = Policy { determinism: Determinism::Relaxed, ..POLICY };
    let floats = contract("", "(func (param f32) (result f64) (local f64) local.get 0 f64.promote_f32)");
    assert_eq!(with(&relaxed, &floats).unwrap().determinism, Determinism::Relaxed);
    assert_eq!(with(&relaxed, &contract("", "")).unwrap().determinism, Determinism::Enforced);
    assert!(with(&relaxed, &contract("", "(func i32.add)")).unwrap_err().contains("type mismatch"));
}

#[test]
fn what_would_be_slow_to_compile_is_refused() {
    /// Asserts that `most` passes and one more does not.
    fn bound(most: u32, what: &str, text: impl Fn(usize) -> String) {
        let most = most as usize;
        accepts(&text(most));
        refuses(&text(most + 1), &[what, "at most"]);
    }
    let parts = |parts: String| contract("", &parts);
    // `call` and `deploy` are two.
    bound(bounds::FUNCTIONS_MAX - 2, "functions", |n| parts("(func)".repeat(n)));
    bound(bounds::TYPES_MAX, "function types", |n| parts("(type (func))".repeat(n)));
    bound(bounds::PARAMETERS_MAX, "parameters", |n| {
        parts(format!("(type (func (param {})))", "i32 ".repeat(n)))
    });
    bound(bounds::IMPORTS_MAX - 1, "imports", |n| {
        contract(&r#"(import "seal0" "now" (func (param i32 i32)))"#.repeat(n), "")
    });
    bound(bounds::GLOBALS_MAX, "globals", |n| parts("(global i32 (i32.const 0))".repeat(n)));
    bound(bounds::TABLE_ELEMENTS_MAX, "elements", |n| parts(format!("(table {n} funcref)")));
    bound(bounds::ELEMENT_SEGMENTS_MAX, "element segments", |n| {
        parts(format!("(table 0 funcref) {}", "(elem (i32.const 0))".repeat(n)))
    });
    bound(bounds::DATA_SEGMENTS_MAX, "data segments", |n| parts(r#"(data (i32.const 0) "")"#.repeat(n)));
    bound(bounds::LOCALS_MAX, "function 2 has 257 parameters and locals", |n| {
        parts(format!("(func (param i32) (local {}))", "i64 ".repeat(n - 1)))
    });
    bound(bounds::OPERANDS_MAX, "operands", |n| {
        parts(format!("(func {} {})", "i32.const 0 ".repeat(n), "drop ".repeat(n)))
    });
    bound(bounds::NESTING_MAX, "nests", |n| {
        parts(format!("(func {} {})", "block ".repeat(n), "end ".repeat(n)))
    });
    bound(bounds::BRANCH_TABLE_MAX, "br_table", |n| {
        parts(format!("(func i32.const 0 br_table {} 0)", "0 ".repeat(n)))
    });
    // Three bytes of its own: no locals, and the end; without the length.
    bound(bounds::BODY_BYTES_MAX - 2, "bytes", |n| parts(format!("(func {})", "nop ".repeat(n))));
    bound(bounds::INDIRECT_CALLS_MAX, "call_indirect", |n| {
        let calls = "(func i32.const 0 call_indirect (type $t))".repeat(n);
        parts(format!("(type $t (func)) (table 1 funcref) {calls}"))
    });
    let joins = "block local.get 0 br_if 0 end ".repeat(2000);
    let function = format!("(func (param i32) (local {}) {joins})", "i64 ".repeat(255));
    refuses(&parts(function), &["function 2", "too long to compile"]);
    let branches = format!("block {} end", "local.get 0 br_if 0 ".repeat(2500));
    let function = format!("(func (param i32) (local {}) {branches})", "i64 ".repeat(15));
    refuses(&parts(function), &["function 2", "too long to compile"]);
    // Twelve operations each.
    let branches =
        |n: usize| parts(format!("(func (param i32) block {} end)", "local.get 0 br_if 0 ".repeat(n)));
    accepts(&branches(2700));
    refuses(&branches(2750), &["function 2 may take", "operations to interpret", "at most"]);
}

/// An import after the memory, the most parameters, an entry that is imported: the small print of the table.
#[test]
fn imports_are_found_in_the_table() {
    let text = format!(
        r#"(module {MEMORY} (import "seal0" "seal_caller_is_origin" (func $o (result i32)))
            (import "seal2" "instantiate" (func (param i32 i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
            (export "call" (func $o)) (export "deploy" (func $o)))"#
    );
    let code = wat::parse_str(text).unwrap();
    let module = check(&code, &POLICY).unwrap();
    let names: Vec<_> = module.imports.iter().map(|index| IMPORTS[*index].name).collect();
    assert_eq!(names, ["caller_is_origin", "instantiate"]);
}
