use super::*;

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// A contract with `fields` besides what every contract has.
fn contract(fields: &str) -> String {
    format!(
        r#"(module {fields} (import "env" "memory" (memory 1 16))
           (func $nothing) (export "call" (func $nothing)) (export "deploy" (func $nothing)))"#
    )
}

fn refused(text: &str) -> ModuleError {
    check(&wasm(text)).unwrap_err()
}

#[test]
fn what_a_linker_leaves_becomes_a_contract() {
    let linked = wasm(
        r#"(module
          (@custom "producers" "someone")
          (import "seal0" "input" (func $input (param i32 i32)))
          (import "env" "memory" (memory 2))
          (global $stack (mut i32) (i32.const 65536))
          (global $heap i32 (i32.const 65536))
          (func $call (call $input (i32.const 0) (i32.const 4)))
          (func $deploy)
          (data (i32.const 8) "abc")
          (export "__heap_base" (global $heap))
          (export "memory" (memory 0))
          (export "helper" (func $deploy))
          (export "call" (func $call))
          (export "deploy" (func $deploy)))"#,
    );
    assert!(check(&linked).is_err());
    let finished = finish(&linked).unwrap();
    assert_eq!(check(&finished), Ok(()));
    assert!(!finished.windows(9).any(|bytes| bytes == b"producers"));
    assert!(finished.windows(3).any(|bytes| bytes == b"abc"), "data stays");
    assert_eq!(finish(&finished).unwrap(), finished, "doing it twice changes nothing");
}

/// The data of a module, with its addresses.
fn pieces(wasm: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let data = Parser::new(0).parse_all(wasm).find_map(|payload| match payload.unwrap() {
        Payload::DataSection(data) => Some(data),
        _ => None,
    });
    let pieces = data.unwrap().into_iter().map(Result::unwrap);
    pieces.map(|piece| (constant_address(&piece.kind).unwrap().unwrap(), piece.data.to_vec())).collect()
}

#[test]
fn zeroes_go_and_data_stays_where_it_was() {
    let finished = |data: &str| pieces(&finish(&wasm(&after_imports(data))).unwrap());
    let zeroes = "\\00".repeat(100);

    let expected = vec![(8, b"abc".to_vec()), (111, b"d\0e".to_vec())];
    assert_eq!(finished(&format!(r#"(data (i32.const 8) "abc{zeroes}d\00e{zeroes}")"#)), expected);
    assert_eq!(
        finished(&format!(r#"(data (i32.const 8) "abc") (data (i32.const 11) "{zeroes}d\00e")"#)),
        expected
    );
    assert_eq!(finished(&format!(r#"(data (i32.const 8) "{zeroes}")"#)), []);

    // Zeroes over something else stay.
    let over = format!(r#"(data (i32.const 50) "abc") (data (i32.const 8) "{zeroes}")"#);
    assert_eq!(finished(&over), [(50, b"abc".to_vec()), (8, vec![0; 100])]);
}

#[test]
fn memory_is_limited_but_what_is_needed_stays() {
    let with = |memory: &str| wasm(&contract("").replace("(memory 1 16)", memory));
    for memory in ["(memory 1)", "(memory 1 2)", "(memory 16 16)", "(memory 1 100)", "(memory 0)"] {
        assert_eq!(check(&finish(&with(memory)).unwrap()), Ok(()), "{memory}");
    }
    let too_much = finish(&with("(memory 17)")).unwrap();
    assert_eq!(check(&too_much), Err(ModuleError::TooMuchMemory { pages: 17 }));
}

#[test]
fn accepts_what_chains_accept() {
    let fields = [
        "",
        r#"(import "seal0" "seal_input" (func (param i32 i32)))"#,
        r#"(import "seal0" "input" (func (param i32 i32))) (import "seal0" "input" (func (param i32 i32)))"#,
        "(func (param i32) (result i32) (i32.extend8_s (local.get 0)))",
        "(func $start) (start $start)",
    ];
    for fields in fields {
        // Imports come first in a module, whatever order they are written in here.
        let text = if fields.contains("import") { contract(fields) } else { after_imports(fields) };
        assert_eq!(check(&wasm(&text)), Ok(()), "{fields}");
    }
    let status = contract("").replacen("(func $nothing)", "(func $nothing (result i32) (i32.const 0))", 1);
    assert_eq!(check(&wasm(&status)), Ok(()));
}

/// A contract with further definitions where definitions may be.
fn after_imports(fields: &str) -> String {
    contract("").replacen("(func $nothing)", &format!("(func $nothing) {fields}"), 1)
}

#[test]
fn refuses_what_chains_refuse_and_says_why() {
    let import = |text: &str| refused(&contract(text));
    assert!(matches!(import(r#"(import "env" "abort" (func))"#), ModuleError::UnknownImport { .. }));
    assert!(matches!(import(r#"(import "seal0" "return" (func))"#), ModuleError::UnknownImport { .. }));
    assert!(matches!(
        import(r#"(import "seal0" "input" (func (param i64 i32)))"#),
        ModuleError::WrongImport { .. }
    ));
    assert!(matches!(
        import(r#"(import "seal0" "input" (func (param i32 i32) (result i32)))"#),
        ModuleError::WrongImport { .. }
    ));
    assert!(matches!(
        import(r#"(import "seal0" "random" (func (param i32 i32 i32 i32)))"#),
        ModuleError::UnavailableImport { why: "deprecated", .. }
    ));
    assert!(matches!(
        import(r#"(import "seal1" "gas_left" (func (param i32 i32)))"#),
        ModuleError::UnavailableImport { why: "unstable", .. }
    ));
    assert!(matches!(
        import(r#"(import "env" "table" (table 1 funcref))"#),
        ModuleError::NotAFunction { .. }
    ));

    let other = |from: &str, to: &str| refused(&contract("").replacen(from, to, 1));
    assert_eq!(other(r#"(import "env" "memory" (memory 1 16))"#, ""), ModuleError::NoMemory);
    assert!(matches!(other(r#""env" "memory""#, r#""seal0" "memory""#), ModuleError::NotAFunction { .. }));
    assert_eq!(other(r#"(export "deploy" (func $nothing))"#, ""), ModuleError::NoEntry("deploy"));
    assert_eq!(
        other(r#"(export "deploy""#, r#"(export "extra" (memory 0)) (export "deploy""#),
        ModuleError::Export("extra".into())
    );
    assert_eq!(other("(func $nothing)", "(func $nothing (param i32))"), ModuleError::Entry("call".into()));
}

#[test]
fn refuses_later_versions_of_wasm() {
    let bodies = [
        "(func (local f32))",
        "(func (drop (f64.const 1)))",
        "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(func (result i32 i32) (i32.const 0) (i32.const 0))",
        "(func (return_call 0))",
        "(func (drop (ref.null func)))",
    ];
    for body in bodies {
        assert!(matches!(refused(&after_imports(body)), ModuleError::Invalid { .. }), "{body}");
    }
}

#[test]
fn garbage_is_an_error() {
    for bytes in [&b""[..], b"\0asm", b"\0asm\x01\0\0\0\x02", b"no module at all"] {
        assert!(check(bytes).is_err());
    }
    assert!(finish(b"no module at all").is_err());
    assert!(matches!(
        finish(&wasm(r#"(module (import "env" "g" (global i32)))"#)),
        Err(ModuleError::NotAFunction { .. })
    ));
}

proptest::proptest! {
    /// Whatever a compiler leaves, these two answer. Damaged in a few places, most modules still parse for a while.
    #[test]
    fn damaged_modules_do_not_panic(damage in proptest::collection::vec((0usize..200, proptest::num::u8::ANY), 1..6)) {
        let mut bytes = wasm(&contract(r#"(import "seal0" "input" (func (param i32 i32)))"#));
        for (place, byte) in damage {
            let length = bytes.len();
            bytes[place % length] = byte;
        }
        let _ = check(&bytes);
        if let Ok(finished) = finish(&bytes) {
            let _ = check(&finished);
        }
    }
}
