//! Modules that nobody wrote, on both engines.

use std::sync::OnceLock;

use proptest::{prelude::*, test_runner::Config};
use wasm_smith::{InstructionKind, InstructionKinds, Module};

use super::kit::{Both, POLICY};
use crate::{Entry, Machine};

/// What generated modules may import, with imports that end or halve the run among them.
fn imports() -> Vec<u8> {
    wat::parse_str(
        r#"(module
            (import "seal0" "input" (func (param i32 i32)))
            (import "seal1" "set_storage" (func (param i32 i32 i32) (result i32)))
            (import "seal0" "seal_return" (func (param i32 i32 i32)))
            (import "seal0" "caller" (func (param i32 i32)))
            (import "seal0" "instantiation_nonce" (func (result i64)))
            (import "seal0" "weight_to_fee" (func (param i64 i32 i32)))
            (import "env" "memory" (memory 2 16)))"#,
    )
    .unwrap()
}

fn config() -> wasm_smith::Config {
    wasm_smith::Config {
        available_imports: Some(imports()),
        exports: Some(wat::parse_str(r#"(module (func (export "call")) (func (export "deploy")))"#).unwrap()),
        allowed_instructions: InstructionKinds::new(&[
            InstructionKind::Control,
            InstructionKind::MemoryInt,
            InstructionKind::NumericInt,
            InstructionKind::Parametric,
            InstructionKind::TableInt,
            InstructionKind::VariableInt,
        ]),
        allow_floats: false,
        allow_start_export: true,
        bulk_memory_enabled: false,
        custom_page_sizes_enabled: false,
        exceptions_enabled: false,
        extended_const_enabled: false,
        gc_enabled: false,
        generate_custom_sections: false,
        max_data_segments: 8,
        max_element_segments: 4,
        max_elements: 20,
        max_funcs: 12,
        max_instructions: 400,
        max_memories: 1,
        max_memory32_bytes: 16 * 65_536,
        max_tables: 1,
        max_table_elements: 100,
        memory64_enabled: false,
        min_funcs: 2,
        min_imports: 2,
        memory_offset_choices: wasm_smith::MemoryOffsetChoices(90, 9, 1),
        multi_value_enabled: false,
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        saturating_float_to_int_enabled: false,
        shared_everything_threads_enabled: false,
        simd_enabled: false,
        sign_extension_ops_enabled: true,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..wasm_smith::Config::default()
    }
}

fn machines() -> &'static Both {
    static MACHINES: OnceLock<Both> = OnceLock::new();
    MACHINES.get_or_init(Both::new)
}

fn generated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = arbitrary::Unstructured::new(bytes);
    Some(Module::new(config(), &mut bytes).ok()?.to_bytes())
}

proptest! {
    #![proptest_config(Config { cases: 200, max_global_rejects: 100_000, ..Config::default() })]

    #[test]
    fn generated_modules_do_the_same(bytes in prop::collection::vec(any::<u8>(), 200..4000), fuel in 0..3_000_000_u64) {
        let code = generated(&bytes);
        prop_assume!(code.is_some());
        let code = code.unwrap();
        prop_assume!(machines().interpreter.check(&code, &POLICY).is_ok());
        for entry in [Entry::Call, Entry::Deploy] {
            let told = machines().told(&code, entry, fuel);
            prop_assert!(told.run.is_ok(), "{told:?}");
        }
    }
}
