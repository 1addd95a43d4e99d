//! Each function that contracts may import, with every amount of gas that is too little: what happens is the same on both
//! engines, and what fails leaves nothing.

use std::sync::LazyLock;

use basalt_contracts_vm::{
    Engines, HostFunction as F, IMPORTS, Import, MachineConfig, ValueType, WasmMachine,
};
use basalt_primitives::{AccountId, Balance, DispatchError, H256, Weight};
use basalt_runtime::{CONTRACTS, MILLIUNIT, RuntimeCall, UNIT};
use basalt_runtime_api::BlockEnv;
use basalt_state::{ChangeSet, Memory, Overlay};
use basalt_support::{Context, Origin, Pallet, recorded};
use contracts::{
    CODE_INFO_OF, CONTRACT_INFO_OF, Call, Contracts, Determinism, Error, PRISTINE_CODE,
    api::DryRun,
    extension::ChainInfo,
    types::{BoundedBytes, CodeInfo},
};
use parity_scale_codec::Encode;

use super::{GAS, address, failed, hash, instantiate_with_code, wasm};
use crate::world::{World, balances, contracts, decoded};

/// The chain's contracts, but they may import whatever there is.
const CHAIN: Contracts<RuntimeCall> = Contracts { unstable: true, extensions: &[&ChainInfo], ..CONTRACTS };

/// An interpreter, and a compiler.
static MACHINES: LazyLock<[WasmMachine; 2]> = LazyLock::new(|| {
    [Engines::InterpreterOnly, Engines::CompiledOnly].map(|engines| {
        let config = MachineConfig { engines, instances: 64, ..MachineConfig::default() };
        WasmMachine::new(config).expect("there is room for a machine")
    })
});

// What is where in the memory of a contract that tries a function.
const CALLEE: u64 = 0x000;
const HASH: u64 = 0x020;
const AMOUNT: u64 = 0x040;
/// Of both stored values; the first four bytes are the key of one, all 32 of the other.
const KEY: u64 = 0x060;
const BENEFICIARY: u64 = 0x080;
const RUNTIME_CALL: u64 = 0x0a0;
const LENGTH: u64 = 0x0e0;
const ADDRESS_LENGTH: u64 = 0x0f0;
const SIGNATURE: u64 = 0x100;
const VALUE: u64 = 0x200;
const TOPICS: u64 = 0x220;
const OUT: u64 = 0x1000;
const ADDRESS: u64 = 0x3000;
/// No limit.
const NONE: u64 = u32::MAX as u64;

/// Stores a value under a key of each kind when it is made; returns eight bytes when it is called.
const BASE: &str = r#"(module
    (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
    (import "seal1" "set_storage" (func $fixed (param i32 i32 i32) (result i32)))
    (import "seal2" "set_storage" (func $any (param i32 i32 i32 i32) (result i32)))
    (import "env" "memory" (memory 1 16))
    (func (export "deploy")
        (drop (call $fixed (i32.const 0x60) (i32.const 0x200) (i32.const 8)))
        (drop (call $any (i32.const 0x60) (i32.const 4) (i32.const 0x200) (i32.const 8))))
    (func (export "call")
        (drop (call $any (i32.const 0x64) (i32.const 5) (i32.const 0x200) (i32.const 3)))
        (call $return (i32.const 0) (i32.const 0x200) (i32.const 8))))"#;

/// What a function is called with, so that it does what it is for; and whether it then returns zero.
fn arguments(function: F, runtime_call: u64) -> (Vec<u64>, bool) {
    let to_account = [CALLEE, 32, AMOUNT, 16];
    let output = [OUT, LENGTH];
    let made = [ADDRESS, ADDRESS_LENGTH, OUT, LENGTH, VALUE, 8];
    match function {
        F::Return => (vec![0, VALUE, 8], false),
        F::CallerIsOrigin | F::CallerIsRoot | F::InstantiationNonce | F::ReentranceCount => (vec![], false),
        F::Input
        | F::Caller
        | F::Address
        | F::OwnCodeHash
        | F::Balance
        | F::ValueTransferred
        | F::MinimumBalance
        | F::Now
        | F::BlockNumber
        | F::GasLeft
        | F::GasLeftV1
        | F::TombstoneDeposit
        | F::RentAllowance => (output.to_vec(), false),
        F::IsContract | F::AccountReentranceCount => (vec![CALLEE], false),
        F::CodeHash => (vec![CALLEE, OUT, LENGTH], true),
        F::WeightToFee => (vec![1_000_000, OUT, LENGTH], false),
        F::WeightToFeeV1 => (vec![1_000_000, 0, OUT, LENGTH], false),
        F::SetStorage | F::SetStorageV1 => (vec![KEY, VALUE, 16], false),
        F::SetStorageV2 => (vec![KEY, 4, VALUE, 16], false),
        F::ClearStorage | F::ContainsStorage => (vec![KEY], false),
        F::ClearStorageV1 | F::ContainsStorageV1 => (vec![KEY, 4], false),
        F::GetStorage => (vec![KEY, OUT, LENGTH], true),
        F::GetStorageV1 | F::TakeStorage => (vec![KEY, 4, OUT, LENGTH], true),
        F::SetTransientStorage => (vec![KEY, 4, VALUE, 8], false),
        F::ClearTransientStorage | F::ContainsTransientStorage => (vec![KEY, 4], false),
        F::GetTransientStorage | F::TakeTransientStorage => (vec![KEY, 4, OUT, LENGTH], false),
        F::Transfer => (to_account.to_vec(), true),
        F::Call => (vec![CALLEE, 32, 0, AMOUNT, 16, VALUE, 8, OUT, LENGTH], true),
        F::CallV1 => (vec![0, CALLEE, 0, AMOUNT, VALUE, 8, OUT, LENGTH], true),
        F::CallV2 => (vec![0, CALLEE, 0, 0, NONE, AMOUNT, VALUE, 8, OUT, LENGTH], true),
        F::DelegateCall => (vec![0, HASH, VALUE, 8, OUT, LENGTH], true),
        F::Instantiate => ([&[HASH, 32, 0, AMOUNT, 16, VALUE, 8], &made[..]].concat(), true),
        F::InstantiateV1 => ([&[HASH, 0, AMOUNT, VALUE, 8], &made[..]].concat(), true),
        F::InstantiateV2 => ([&[HASH, 0, 0, NONE, AMOUNT, VALUE, 8], &made[..]].concat(), true),
        F::Terminate => (vec![BENEFICIARY, 32], false),
        F::TerminateV1 => (vec![BENEFICIARY], false),
        F::SetCodeHash => (vec![HASH], true),
        F::LockDelegateDependency | F::UnlockDelegateDependency => (vec![HASH], false),
        F::CallRuntime => (vec![RUNTIME_CALL, runtime_call], true),
        // There is no XCM here, whatever is asked for.
        F::XcmExecute => (vec![VALUE, 8], false),
        F::XcmSend => (vec![VALUE, VALUE, 8, OUT], false),
        // The hash of the block below.
        F::CallChainExtension => (vec![1 << 16, VALUE, 0, OUT, LENGTH], true),
        F::DepositEvent => (vec![TOPICS, 33, VALUE, 8], false),
        F::HashSha2256 | F::HashKeccak256 | F::HashBlake2256 | F::HashBlake2128 => {
            (vec![VALUE, 8, OUT], false)
        }
        F::EcdsaRecover => (vec![SIGNATURE, KEY, OUT], false),
        F::EcdsaToEthAddress => (vec![SIGNATURE, OUT], false),
        F::Sr25519Verify => (vec![SIGNATURE, KEY, 8, VALUE], false),
        F::DebugMessage => (vec![VALUE, 8], true),
        F::Random | F::RandomV1 => (vec![VALUE, 8, OUT, LENGTH], false),
        F::RestoreTo => (vec![0; 8], false),
        F::RestoreToV1 => (vec![0; 5], false),
        F::SetRentAllowance => (vec![0; 2], false),
        F::SetRentAllowanceV1 => (vec![0], false),
    }
}

/// Whether another contract runs inside: if that has too little gas, its caller learns it and traps.
const fn runs_another(function: F) -> bool {
    matches!(
        function,
        F::Call
            | F::CallV1
            | F::CallV2
            | F::DelegateCall
            | F::Instantiate
            | F::InstantiateV1
            | F::InstantiateV2
    )
}

/// A chain with a contract whose code is changed for each function, and another for it to call.
struct Bench {
    state: Memory,
    env: BlockEnv,
    alice: AccountId,
    tried: AccountId,
    callee: AccountId,
    beneficiary: AccountId,
}

/// What came of a call.
#[derive(Debug, PartialEq)]
struct Attempt {
    result: Result<(), DispatchError>,
    weight: Option<Weight>,
    changes: ChangeSet,
    events: Vec<basalt_runtime::RuntimeEvent>,
}

impl Bench {
    fn new() -> Self {
        let mut world = World::new();
        let base = wasm(BASE);
        let made = [&b"tried"[..], b"callee"]
            .map(|salt| world.by_alice(&instantiate_with_code(&base, 10 * UNIT, salt)));
        assert!(world.run(made.into()).iter().all(|receipt| receipt.result.is_ok()));
        let alice = world.alice.account();
        Self {
            env: world.ledger.env(),
            alice,
            tried: address(&alice, &base, b"tried"),
            callee: address(&alice, &base, b"callee"),
            beneficiary: world.charlie.account(),
            state: world.ledger.state,
        }
    }

    /// A module that calls this import once.
    fn module(&self, import: &Import) -> Vec<u8> {
        let transfer = RuntimeCall::Balances(balances::Call::transfer_keep_alive {
            dest: self.beneficiary.into(),
            value: MILLIUNIT,
        })
        .encode();
        let (words, returns_zero) = arguments(import.function, transfer.len() as u64);
        assert_eq!(words.len(), import.parameters.len(), "{import:?}");
        let name = |kind: &ValueType| match kind {
            ValueType::I32 => "i32",
            ValueType::I64 => "i64",
        };
        let pushed: String = words
            .iter()
            .zip(import.parameters)
            .map(|(word, kind)| format!("({}.const {word})", name(kind)))
            .collect();
        let parameters: String = import.parameters.iter().map(|kind| format!(" {}", name(kind))).collect();
        let result = import.result.map_or(String::new(), |kind| format!("(result {})", name(&kind)));
        let after = match (returns_zero, import.result) {
            (_, None) => "",
            (true, _) => "(if (then unreachable))",
            (false, Some(_)) => "drop",
        };
        let data: String = [
            (CALLEE, self.callee.0.to_vec()),
            (HASH, hash(&wasm(BASE)).0.to_vec()),
            (AMOUNT, (2 * MILLIUNIT).to_le_bytes().to_vec()),
            (BENEFICIARY, self.beneficiary.0.to_vec()),
            (RUNTIME_CALL, transfer),
            (LENGTH, 0x1000u32.to_le_bytes().to_vec()),
            (ADDRESS_LENGTH, 32u32.to_le_bytes().to_vec()),
            (TOPICS, vec![H256::repeat_byte(7)].encode()),
        ]
        .iter()
        .map(|(at, bytes)| {
            let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
            format!("(data (i32.const {at}) \"{escaped}\")")
        })
        .collect();
        let (module, function) = (import.module, import.name);
        wasm(&format!(
            r#"(module (import "{module}" "{function}" (func $tried (param{parameters}) {result}))
                (import "env" "memory" (memory 1 16)) {data}
                (func (export "deploy")) (func (export "call") {pushed} call $tried {after}))"#
        ))
    }

    /// The state in which the contract has this code, as if it had been uploaded when all of its imports were allowed.
    fn with_code(&self, import: &Import) -> Memory {
        let code = self.module(import);
        let code_hash = hash(&code);
        let mut state = Overlay::new(&self.state);
        let info = CodeInfo {
            owner: self.alice,
            deposit: 0,
            refcount: 1,
            determinism: Determinism::Enforced,
            code_len: code.len() as u32,
        };
        CODE_INFO_OF.put(&mut state, &code_hash, &info);
        PRISTINE_CODE.put(&mut state, &code_hash, &BoundedBytes(code));
        let mut record = CONTRACT_INFO_OF.get(&state, &self.tried).unwrap().unwrap();
        record.code_hash = code_hash;
        if import.function == F::UnlockDelegateDependency {
            record.delegate_dependencies.0.insert(hash(&wasm(BASE)), 0);
        }
        CONTRACT_INFO_OF.put(&mut state, &self.tried, &record);
        let changes = state.into_change_set().unwrap();
        let mut state = self.state.clone();
        state.apply(&changes);
        state
    }

    /// Calls the contract on both engines, which must agree.
    fn attempt(&self, state: &Memory, gas_limit: Weight) -> Attempt {
        let [interpreted, compiled] = [0, 1].map(|machine| {
            let mut overlay = Overlay::new(state);
            let mut ctx = Context::new(&mut overlay, &self.env, Some(1)).with_machine(&MACHINES[machine]);
            let call = Call::call {
                dest: self.tried.into(),
                value: 0,
                gas_limit,
                storage_deposit_limit: None,
                data: vec![1; 8],
            };
            // Not within a layer, as the runtime has it: the pallet itself leaves nothing of what fails.
            let outcome = CHAIN.dispatch(call, Origin::Signed(self.alice), &mut ctx);
            let (post, result) = recorded(outcome).expect("a map can be read");
            let events = decoded(&ctx.into_events());
            let changes = overlay.into_change_set().unwrap();
            Attempt { result, weight: post.actual_weight, changes, events }
        });
        assert_eq!(interpreted, compiled, "with {gas_limit:?}");
        interpreted
    }

    /// What a dry run says that the call requires.
    fn required(&self, state: &Memory) -> Weight {
        let mut overlay = Overlay::new(state);
        let mut ctx = Context::new(&mut overlay, &self.env, None).with_machine(&MACHINES[0]);
        let limit: Option<Balance> = None;
        let gas_limit = Some(Weight::new(GAS.ref_time, 1_000_000));
        let run = DryRun { origin: self.alice, value: 0, gas_limit, storage_deposit_limit: limit };
        let answer = CHAIN.dry_call(&mut ctx, run, self.tried, vec![1; 8]).unwrap();
        assert!(answer.result.is_ok(), "{:?}", answer.result);
        answer.gas_required
    }
}

#[test]
fn each_host_function_fails_without_a_trace_with_all_gas_that_is_too_little() {
    let bench = Bench::new();
    for import in IMPORTS {
        let name = format!("{}.{}", import.module, import.name);
        let state = bench.with_code(import);
        let Weight { ref_time: required, proof_size: proof } = bench.required(&state);
        let within = |gas: u64| bench.attempt(&state, Weight::new(gas, proof));
        assert_eq!(within(required).result, Ok(()), "{name} with the {required} that its dry run requires");

        let suffices = |gas: u64| {
            let tried = within(gas);
            if tried.result.is_ok() {
                return true;
            }
            let out_of_gas = tried.result == failed(Error::OutOfGas)
                || runs_another(import.function) && tried.result == failed(Error::ContractTrapped);
            assert!(out_of_gas, "{name} with {gas}: {:?}", tried.result);
            assert_eq!((tried.changes, tried.events), (ChangeSet::default(), vec![]), "{name} with {gas}");
            false
        };
        // From nothing to what is required, where the gas ends here and there in what the function does: closer and closer
        // to the end, and in even steps. None of it is enough.
        let closer = (0..u64::BITS).map(|bits| required.saturating_sub(1 << bits));
        let even = (0..64).map(|step| required / 64 * step);
        for gas in closer.chain(even) {
            assert!(!suffices(gas), "{name}: {gas} is enough, and its dry run requires {required}");
        }
        // More changes nothing but what is given back.
        assert_eq!(within(required + 1_000_000).result, Ok(()), "{name}");
        if let Some(less) = proof.checked_sub(1) {
            let tried = bench.attempt(&state, Weight::new(required, less));
            assert_eq!(tried.result, failed(Error::OutOfGas), "{name} with {less} of {proof} bytes of proof");
        }
    }
}
