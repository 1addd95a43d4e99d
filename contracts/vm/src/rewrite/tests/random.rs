//! Modules by chance: rewritten they do what they did, and are charged what a counter before each instruction counts.

use arbitrary::Unstructured;
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng},
};
use wasm_smith::Config;
use wasmparser::WasmFeatures;

use super::{
    count::counted,
    run::{self, End, POLICY, Rewritten},
    shape::contract,
};
use crate::{
    Determinism, Trap, check,
    rewrite::{CALL, DEPLOY, cost, prepare},
};

fn config(disallow_traps: bool) -> Config {
    Config {
        max_imports: 0,
        max_exports: 0,
        max_memory32_bytes: 3 << 16,
        memory64_enabled: false,
        min_memories: 1,
        min_funcs: 2,
        max_funcs: 12,
        max_instructions: 300,
        max_globals: 8,
        max_table_elements: 64,
        max_nesting_depth: 12,
        min_tables: 1,
        max_memories: 1,
        allow_start_export: true,
        allow_floats: false,
        bulk_memory_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        extended_const_enabled: false,
        multi_value_enabled: false,
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        saturating_float_to_int_enabled: false,
        simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        disallow_traps,
        ..Config::default()
    }
}

/// A module, which ends after some time; half of them do nothing that traps before.
pub(crate) fn module(seed: [u8; 32]) -> Option<Vec<u8>> {
    let mut choices = vec![0; 3000];
    TestRng::from_seed(RngAlgorithm::ChaCha, &seed).fill_bytes(&mut choices);
    let mut module = wasm_smith::Module::new(config(seed[1] < 128), &mut Unstructured::new(&choices)).ok()?;
    module.ensure_termination(1000).ok()?;
    contract(&module.to_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn rewritten_modules_do_the_same_and_pay_for_each_instruction(
        seed in any::<[u8; 32]>(),
        less in 0.0..1.0,
    ) {
        let Some(code) = module(seed) else { return Ok(()) };
        let engine = run::engine();
        let prepared = match prepare(&code, &POLICY, false) {
            Ok(prepared) => prepared,
            Err(refused) => {
                // All that is left to chance are offsets of segments.
                prop_assert!(refused.0.contains("segment"), "{refused}");
                return Ok(());
            }
        };
        let features = check::features(Determinism::Enforced) | WasmFeatures::MUTABLE_GLOBAL;
        wasmparser::Validator::new_with_features(features).validate_all(&prepared.module).unwrap();
        let rewritten = Rewritten::new(&engine, &prepared);
        let counted = counted(&code);
        for entry in [CALL, DEPLOY] {
            let before = run::original(&engine, &counted, entry, prepared.memory_pages);
            let after = rewritten.run(entry, 1 << 60);
            if after.trap() == Some(Trap::StackOverflow) {
                continue;
            }
            prop_assert_eq!(&after.end, &before.end);
            prop_assert_eq!(&after.calls, &before.calls);
            prop_assert!(after.memory == before.memory, "the memory differs");
            let used = (1 << 60) - after.fuel;
            let grown = (after.memory.len() / 65_536) as i64 - i64::from(prepared.memory_pages.0);
            let counted = before.counter + grown * i64::from(cost::PAGE_FUEL);
            if after.end == End::Returned {
                prop_assert_eq!(used, counted);
            } else {
                prop_assert!(used >= counted);
            }
            // With less it ends sooner, and up to there it did the same.
            let some = (used as f64 * less) as i64;
            if some < used {
                let short = rewritten.run(entry, some);
                prop_assert_eq!(short.trap(), Some(Trap::OutOfFuel));
                prop_assert!(after.calls.starts_with(&short.calls));
            }
        }
    }

    #[test]
    fn no_bytes_make_the_check_panic(
        seed in any::<[u8; 32]>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let Some(mut code) = module(seed) else { return Ok(()) };
        for (at, byte) in changes {
            let at = at.index(code.len());
            code[at] = byte;
        }
        if let Ok(prepared) = prepare(&code, &POLICY, true) {
            let features = check::features(Determinism::Enforced) | WasmFeatures::MUTABLE_GLOBAL;
            wasmparser::Validator::new_with_features(features).validate_all(&prepared.module).unwrap();
        }
    }
}

/// The property above says nothing if hardly any module gets that far.
#[test]
fn most_modules_by_chance_are_contracts_that_run() {
    let engine = run::engine();
    let (mut contracts, mut returned, mut used) = (0, 0, 0);
    for n in 0..200 {
        let mut seed = [0; 32];
        seed[..2].fill(n);
        let Some(code) = module(seed) else { continue };
        let Ok(prepared) = prepare(&code, &POLICY, false) else { continue };
        contracts += 1;
        let outcome = Rewritten::new(&engine, &prepared).run(CALL, 1 << 60);
        returned += usize::from(outcome.end == End::Returned);
        used += (1_i64 << 60) - outcome.fuel;
    }
    assert!(contracts > 80 && returned > 25 && used > 5000, "{contracts} {returned} {used}");
}
