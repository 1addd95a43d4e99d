//! Real modules on the real machine: the start section, imports by name, memory, traps.

use std::sync::OnceLock;

use basalt_contracts_vm::{Engines, MachineConfig, WasmMachine};

use super::*;

/// What a module imports, and a memory.
const IMPORTS: &str = r#"
    (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
    (import "seal0" "input" (func $input (param i32 i32)))
    (import "seal0" "seal_caller" (func $caller (param i32 i32)))
    (import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))
    (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
    (import "seal2" "call" (func $call (param i32 i32 i64 i64 i32 i32 i32 i32 i32 i32) (result i32)))
    (import "env" "memory" (memory 1 2))
"#;

fn machine() -> &'static WasmMachine {
    static MACHINE: OnceLock<WasmMachine> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let config = MachineConfig { engines: Engines::InterpreterOnly, ..MachineConfig::default() };
        WasmMachine::new(config).unwrap()
    })
}

/// A chain with one contract of this code, whose messages are `call`.
struct Chain {
    state: Memory,
    contract: AccountId,
}

impl Chain {
    fn with(module: &str) -> Self {
        let code = wat::parse_str(std::format!("(module {IMPORTS} {module})")).unwrap();
        let hash = H256(blake2_256(&code));
        let mut chain =
            Self { state: World::new().state, contract: contract_address(&ALICE, &hash, b"", b"") };
        chain.run(|ctx| {
            CONTRACTS.upload(ctx, &BOB, code, None, Determinism::Enforced).unwrap();
            let outcome = CONTRACTS.bare_instantiate(ctx, ALICE, hash, 0, terms(), Vec::new(), Vec::new());
            outcome.result.unwrap();
        });
        chain
    }

    fn run<R>(&mut self, body: impl FnOnce(&mut Context<'_, '_>) -> R) -> R {
        let env = World::new().env;
        let mut overlay = Overlay::new(&self.state);
        let result = body(&mut Context::new(&mut overlay, &env, Some(0)).with_machine(machine()));
        let changes = overlay.into_change_set().unwrap();
        self.state.apply(&changes);
        result
    }

    fn call(&mut self, data: &[u8], gas_limit: Weight) -> Outcome<ExecReturnValue> {
        let contract = self.contract;
        let terms = Terms { gas_limit, ..terms() };
        self.run(|ctx| CONTRACTS.bare_call(ctx, Origin::Signed(ALICE), contract, 0, terms, data.to_vec()))
    }

    fn result(&mut self) -> Result<Vec<u8>, Failure> {
        self.call(b"", GAS).result.map(|output| output.data)
    }
}

/// A module whose messages are this code.
fn message(body: &str) -> Chain {
    Chain::with(&std::format!(r#"(func (export "deploy")) (func (export "call") {body})"#))
}

#[test]
fn a_message_reads_its_input_and_returns() {
    let mut chain = message(
        r"(i32.store (i32.const 0) (i32.const 100))
          (call $input (i32.const 4) (i32.const 0))
          (call $return (i32.const 0) (i32.const 4) (i32.load (i32.const 0)))
          unreachable",
    );
    assert_eq!(chain.call(b"hello", GAS).result.unwrap().data, b"hello");
}

#[test]
fn a_value_stays_from_call_to_call_and_memory_does_not() {
    let mut chain = message(
        r"(if (i32.load (i32.const 500)) (then unreachable))
          (i32.store (i32.const 500) (i32.const 1))
          (i32.store (i32.const 0) (i32.const 16))
          (drop (call $get (i32.const 32) (i32.const 4) (i32.const 16) (i32.const 0)))
          (i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (i32.const 1)))
          (drop (call $set (i32.const 32) (i32.const 4) (i32.const 16) (i32.const 4)))
          (call $return (i32.const 0) (i32.const 16) (i32.const 4))",
    );
    for count in 1..4u32 {
        assert_eq!(chain.result().unwrap(), count.to_le_bytes());
    }
}

#[test]
fn what_code_does_wrong_is_its_own_error() {
    for body in [
        "unreachable",
        "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
        "(drop (i32.load (i32.const 65536)))",
        "(call 6)",
    ] {
        let mut chain = Chain::with(&std::format!(
            r#"(func $again (call $again)) (func (export "deploy")) (func (export "call") {body})"#
        ));
        assert_eq!(chain.result(), Err(failure(Error::ContractTrapped)), "{body}");
    }
    let mut endless = message("(loop (br 0))");
    assert_eq!(endless.result(), Err(failure(Error::OutOfGas)));
    let mut growing = message(
        r"(i32.store (i32.const 0) (memory.grow (i32.const 2)))
          (call $return (i32.const 0) (i32.const 0) (i32.const 4))",
    );
    assert_eq!(growing.result().unwrap(), u32::MAX.to_le_bytes());
}

#[test]
fn a_start_section_runs_before_and_may_end_it_all() {
    let mut chain = Chain::with(
        r#"(global $started (mut i32) (i32.const 0))
           (func $start (global.set $started (i32.const 7)))
           (start $start)
           (func (export "deploy"))
           (func (export "call")
             (i32.store (i32.const 0) (global.get $started))
             (call $return (i32.const 0) (i32.const 0) (i32.const 4)))"#,
    );
    assert_eq!(chain.result().unwrap(), 7u32.to_le_bytes());
    let mut chain = Chain::with(
        r#"(func $start (call $return (i32.const 0) (i32.const 0) (i32.const 2)))
           (start $start)
           (func (export "deploy") unreachable)
           (func (export "call") unreachable)"#,
    );
    assert_eq!(chain.result().unwrap(), [0, 0]);
}

#[test]
fn contracts_nest_to_the_limit_on_the_real_stack() {
    // Calls itself with ALLOW_REENTRY, at the address that its input says; returns how deep it went.
    let mut chain = message(
        r"(local $code i32)
          (i32.store (i32.const 0) (i32.const 32))
          (call $input (i32.const 100) (i32.const 0))
          (i32.store (i32.const 4) (i32.const 4))
          (local.set $code (call $call (i32.const 8) (i32.const 100) (i64.const 0) (i64.const 0) (i32.const -1)
            (i32.const 200) (i32.const 100) (i32.const 32) (i32.const 8) (i32.const 4)))
          (if (local.get $code) (then (i32.store (i32.const 8) (i32.const 0))))
          (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
          (call $return (i32.const 0) (i32.const 8) (i32.const 4))",
    );
    let own = chain.contract.0;
    assert_eq!(chain.call(&own, GAS).result.unwrap().data, 23u32.to_le_bytes());
}

#[test]
fn gas_runs_out_anywhere_and_nothing_is_left() {
    let mut chain = message(
        r"(local $i i32)
          (loop
            (i32.store (i32.const 32) (local.get $i))
            (drop (call $set (i32.const 32) (i32.const 4) (i32.const 16) (i32.const 4)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get $i) (i32.const 5))))",
    );
    let contract = chain.contract;
    let required = {
        let mut copy = Chain { state: chain.state.clone(), contract };
        let outcome = copy.call(b"", GAS);
        assert!(outcome.result.is_ok() && outcome.gas_consumed.all_lte(outcome.gas_required));
        outcome.gas_required
    };
    let before = chain.state.clone();
    for part in 0..200 {
        let gas = Weight::new(required.ref_time / 200 * part, required.proof_size);
        assert_eq!(chain.call(b"", gas).result, Err(failure(Error::OutOfGas)), "{gas:?}");
        assert_eq!(chain.state, before);
    }
    chain.call(b"", required).result.unwrap();
    assert_ne!(chain.state, before);
}
