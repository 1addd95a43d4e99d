//! What may be uploaded, asked of the real machine through the real runtime.

use basalt_primitives::{Balance, Weight};
use basalt_runtime::{CONTRACTS, RuntimeCall, TRANSACTION_BYTES_MAX};
use contracts::{
    CODE_BYTES_MAX, CODE_INFO_OF, Call, Determinism, Error,
    types::{Code, ContractResult, InstantiateReturnValue},
};
use parity_scale_codec::Compact;

use super::{failed, hash, puppet, wasm};
use crate::world::{World, contracts, system};

fn upload(code: Vec<u8>, determinism: Determinism) -> RuntimeCall {
    RuntimeCall::Contracts(Call::upload_code { code, storage_deposit_limit: None, determinism })
}

/// A module with this in it, and what every module needs.
fn module(inside: &str, pages: u32) -> Vec<u8> {
    // Imports come first in a module.
    let (imports, others) = if inside.starts_with("(import") { (inside, "") } else { ("", inside) };
    let memory = format!(r#"(import "env" "memory" (memory 1 {pages}))"#);
    wasm(&format!(r#"(module {imports} {memory} {others} (func (export "deploy")) (func (export "call")))"#))
}

/// A valid module of exactly this many bytes, some tens of thousands.
fn module_of(bytes: usize) -> Vec<u8> {
    let mut code = module("", 16);
    // A custom section: its id, its length in four bytes, the length of its name, and what nobody reads.
    let content = bytes - code.len() - 5;
    let digit = |place: usize| (content >> (7 * place)) as u8 & 0x7f;
    code.extend([0, digit(0) | 0x80, digit(1) | 0x80, digit(2) | 0x80, digit(3)]);
    code.resize(bytes, 0);
    code
}

type DryRun = ContractResult<
    Result<InstantiateReturnValue, basalt_primitives::DispatchError>,
    system::EventRecord<basalt_runtime::RuntimeEvent>,
>;

/// What the dry run of an instantiation says about the code.
fn reason(world: &World, code: Vec<u8>) -> (Result<(), basalt_primitives::DispatchError>, String) {
    let none: (Option<Weight>, Option<Balance>) = (None, None);
    let salt: Vec<u8> = vec![];
    let arguments = (world.alice.account(), 0 as Balance, none, Code::Upload(code), (vec![0u8; 0], salt));
    let answer: DryRun = world.api("ContractsApi_instantiate", &arguments);
    (answer.result.map(drop), String::from_utf8(answer.debug_message).expect("debug messages are text"))
}

#[test]
fn a_module_that_breaks_a_rule_is_refused_and_the_dry_run_says_why() {
    let world = World::new();
    let cases = [
        (b"garbage".to_vec(), ""),
        (vec![], ""),
        (module(r#"(import "seal0" "no_such_function" (func))"#, 16), "no_such_function"),
        (module(r#"(import "seal0" "caller" (func (param i32)))"#, 16), "caller"),
        (module(r#"(import "seal0" "random" (func (param i32 i32 i32 i32)))"#, 16), "random"),
        (module(r#"(import "seal0" "reentrance_count" (func (result i32)))"#, 16), "reentrance_count"),
        (module("(func (local f32))", 16), ""),
        (module("(func (drop (f64.const 1)))", 16), ""),
        (module("", 17), ""),
        (wasm(r#"(module (import "env" "memory" (memory 1 16)) (func (export "call")))"#), "deploy"),
    ];
    for (code, word) in cases {
        let (result, why) = reason(&world, code.clone());
        assert_eq!(result, failed(Error::CodeRejected), "{code:?}");
        assert!(!why.is_empty() && why.contains(word), "{why}");
    }
    let (result, _) = reason(&world, vec![0; CODE_BYTES_MAX as usize + 1]);
    assert_eq!(result, failed(Error::CodeTooLarge));
}

#[test]
fn bad_uploads_end_with_their_own_errors_in_blocks() {
    let mut world = World::new();
    let floats = module("(func (drop (f64.const 1)))", 16);
    let limited = RuntimeCall::Contracts(Call::upload_code {
        code: puppet(),
        storage_deposit_limit: Some(Compact(1)),
        determinism: Determinism::Enforced,
    });
    let cases = [
        (upload(b"garbage".to_vec(), Determinism::Enforced), failed(Error::CodeRejected)),
        (upload(floats.clone(), Determinism::Enforced), failed(Error::CodeRejected)),
        (upload(vec![0; CODE_BYTES_MAX as usize + 1], Determinism::Enforced), failed(Error::CodeTooLarge)),
        (limited, failed(Error::StorageDepositLimitExhausted)),
        (upload(floats.clone(), Determinism::Relaxed), Ok(())),
        // There is floating point in it: it is stored, and nobody can instantiate it.
        (super::instantiate(hash(&floats), &[]), failed(Error::Indeterministic)),
        (super::instantiate_with_code(&floats, 0, &[]), failed(Error::CodeRejected)),
    ];
    let signed: Vec<_> = cases.iter().map(|(call, _)| world.by_alice(call)).collect();
    for (receipt, (call, result)) in world.run(signed).iter().zip(&cases) {
        let short: String = format!("{call:?}").chars().take(80).collect();
        assert_eq!(&receipt.result, result, "{short}");
    }
}

#[test]
fn the_largest_code_fits_into_a_transaction_and_several_into_a_block() {
    let mut world = World::new();
    let largest = module_of(CODE_BYTES_MAX as usize);
    assert_eq!(largest.len(), CODE_BYTES_MAX as usize);
    let signed = world.by_alice(&super::instantiate_with_code(&largest, 0, &[]));
    assert!(signed.len() * 3 < TRANSACTION_BYTES_MAX);
    let mut others: Vec<_> = (0..5u8)
        .map(|salt| {
            let mut code = largest.clone();
            *code.last_mut().unwrap() = salt + 1;
            world.by_alice(&super::instantiate_with_code(&code, 0, &[salt]))
        })
        .collect();
    others.insert(0, signed);
    let results: Vec<_> = world.run(others).into_iter().map(|receipt| receipt.result).collect();
    assert_eq!(results, [Ok(()); 6]);
    let info = CODE_INFO_OF.get(&world.ledger.state, &hash(&largest)).unwrap().unwrap();
    assert_eq!((info.code_len, info.refcount), (CODE_BYTES_MAX, 1));
    assert_eq!(
        info.deposit,
        (Balance::from(CODE_BYTES_MAX) + 61) * CONTRACTS.deposits.per_byte + 2 * CONTRACTS.deposits.per_item
    );
}
