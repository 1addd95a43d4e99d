//! Contracts that do what they may not, or too much of it.

use basalt_pallet_contracts::{
    Error, FRAMES_NESTED_MAX,
    types::{ContractAccessError, ExecReturnValue, ReturnFlags},
};
use basalt_primitives::Weight;

use super::{Chain, WITHIN, Within, call, failed, wasm};

/// What contracts here import. The input is at 0x100 and its length at 0; 0x10 has a length of four; the rest is zero.
const PRELUDE: &str = r#"
    (import "seal0" "input" (func $input (param i32 i32)))
    (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
    (import "seal0" "address" (func $address (param i32 i32)))
    (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
    (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
    (import "seal1" "call" (func $call (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
    (import "seal0" "hash_sha2_256" (func $sha2 (param i32 i32 i32)))
    (import "seal0" "own_code_hash" (func $code (param i32 i32)))
    (import "seal0" "lock_delegate_dependency" (func $lock (param i32)))
    (import "seal0" "unlock_delegate_dependency" (func $unlock (param i32)))
    (import "seal0" "call_runtime" (func $runtime (param i32 i32) (result i32)))
    (import "env" "memory" (memory 1 16))
    (data (i32.const 0) "\00\04\00\00")
    (data (i32.const 0x10) "\04\00\00\00")
    (data (i32.const 0x20) "\20\00\00\00")"#;

/// A contract whose messages do this, after they have read their input and stored something.
fn contract(body: &str) -> Vec<u8> {
    let stored = "(drop (call $set (i32.const 0x30) (i32.const 4) (i32.const 0x100) (i32.const 64)))";
    quiet(&format!("{stored} {body}"))
}

/// The same, but nothing was stored.
fn quiet(body: &str) -> Vec<u8> {
    wasm(&format!(
        r#"(module {PRELUDE} (func (export "deploy"))
            (func $recurse (param i64) (result i64) (i64.add (call $recurse (local.get 0)) (i64.const 1)))
            (func (export "call") (local $left i32) (call $input (i32.const 0x100) (i32.const 0)) {body}))"#
    ))
}

/// Has its own address at 0x800.
const SELF: &str = "(call $address (i32.const 0x800) (i32.const 0x20))";

/// Stores this many values of 16 KiB under keys of their own.
fn stores(values: u32) -> String {
    format!(
        "(local.set $left (i32.const {values}))
         (loop $more
            (i32.store (i32.const 0x40) (local.get $left))
            (drop (call $set (i32.const 0x40) (i32.const 4) (i32.const 0x100) (i32.const 16384)))
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (br_if $more (local.get $left)))"
    )
}

/// What a message does, and how a call of it ends.
fn misdeeds() -> Vec<(&'static str, String, Error)> {
    let own = |body: &str| body.to_owned();
    let calls_itself = |flags: u32| {
        format!(
            "{SELF} (if (call $call (i32.const {flags}) (i32.const 0x800) (i64.const 0) (i32.const 0x50)
                (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)) (then unreachable))"
        )
    };
    vec![
        ("infinite loop", own("(loop $again (br $again))"), Error::OutOfGas),
        (
            "infinite loop of host calls",
            own("(loop $again (call $sha2 (i32.const 0) (i32.const 65536) (i32.const 0)) (br $again))"),
            Error::OutOfGas,
        ),
        ("infinite storing", format!("(loop $again {} (br $again))", stores(0x1000)), Error::OutOfGas),
        (
            "infinite events",
            own(
                "(loop $again (call $event (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16384)) (br $again))",
            ),
            Error::OutOfGas,
        ),
        ("storage bomb", stores(100), Error::StorageDepositLimitExhausted),
        (
            // Grows until it cannot any more, which must be at 16 pages.
            "memory bomb",
            own("(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
                 (loop $wrong (br_if $wrong (i32.ne (memory.size) (i32.const 16))))
                 (i32.store (i32.const 0xffffc) (i32.const 1)) (unreachable)"),
            Error::ContractTrapped,
        ),
        (
            "memory at once",
            own("(if (i32.eq (memory.grow (i32.const 65535)) (i32.const -1)) (then unreachable))"),
            Error::ContractTrapped,
        ),
        ("stack bomb", own("(drop (call $recurse (i64.const 1)))"), Error::ContractTrapped),
        ("recursion bomb", calls_itself(8), Error::ContractTrapped),
        ("recursion that is denied", calls_itself(0), Error::ReentranceDenied),
        ("unreachable", own("unreachable"), Error::ContractTrapped),
        (
            "division by zero",
            own("(drop (i32.div_u (i32.const 1) (i32.load (i32.const 0x60))))"),
            Error::ContractTrapped,
        ),
        ("memory that it has not", own("(drop (i32.load (i32.const 0x100000)))"), Error::ContractTrapped),
        (
            "too long a key",
            own("(drop (call $set (i32.const 0x100) (i32.const 129) (i32.const 0) (i32.const 1)))"),
            Error::DecodingFailed,
        ),
        (
            "too large a value",
            own("(drop (call $set (i32.const 0x100) (i32.const 128) (i32.const 0) (i32.const 16385)))"),
            Error::ValueTooLarge,
        ),
        (
            "too large an event",
            own("(call $event (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16385))"),
            Error::ValueTooLarge,
        ),
        (
            "too many topics",
            own("(i32.store8 (i32.const 0x100) (i32.const 20))
                 (call $event (i32.const 0x100) (i32.const 161) (i32.const 0) (i32.const 0))"),
            Error::TooManyTopics,
        ),
        (
            "topics that are none",
            own("(i32.store8 (i32.const 0x100) (i32.const 4))
                 (call $event (i32.const 0x100) (i32.const 40) (i32.const 0) (i32.const 0))"),
            Error::DecodingFailed,
        ),
        (
            "a hash of what is not there",
            own("(call $sha2 (i32.const 0xfff0) (i32.const 17) (i32.const 0))"),
            Error::OutOfBounds,
        ),
        (
            // Each byte is paid before it is looked for.
            "a length of four gibibytes",
            own("(call $return (i32.const 0) (i32.const 0) (i32.const -1))"),
            Error::OutOfGas,
        ),
        (
            "too small a buffer",
            own("(call $address (i32.const 0x800) (i32.const 0x10))"),
            Error::OutputBufferTooSmall,
        ),
        (
            "unknown flags",
            own("(call $return (i32.const 2) (i32.const 0) (i32.const 0))"),
            Error::InvalidCallFlags,
        ),
        ("unknown flags of a call", calls_itself(1 << 5), Error::InvalidCallFlags),
        // It hands its input on, to nobody, and wants to read it again.
        (
            "input that is gone",
            own("(drop (call $call (i32.const 1) (i32.const 0x900) (i64.const 0) (i32.const 0x50)
                    (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)))
                 (call $input (i32.const 0x100) (i32.const 0x20))"),
            Error::InputForwarded,
        ),
        (
            "value in a call that may only read",
            own("(i32.store (i32.const 0x50) (i32.const 1))
                 (drop (call $call (i32.const 16) (i32.const 0x900) (i64.const 0) (i32.const 0x50)
                    (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)))"),
            Error::StateChangeDenied,
        ),
        (
            "dependence on itself",
            own("(call $code (i32.const 0x800) (i32.const 0x20)) (call $lock (i32.const 0x800))"),
            Error::CannotAddSelfAsDelegateDependency,
        ),
        ("dependence on nothing", own("(call $lock (i32.const 0x900))"), Error::CodeNotFound),
        (
            "a dependence that is none",
            own("(call $unlock (i32.const 0x900))"),
            Error::DelegateDependencyNotFound,
        ),
        (
            "no call of the runtime",
            own("(drop (call $runtime (i32.const 0x900) (i32.const 0)))"),
            Error::DecodingFailed,
        ),
        // ink! refuses an unknown selector with `Err(LangError::CouldNotReadInput)`.
        (
            "wrong selector",
            own("(i32.store16 (i32.const 0x900) (i32.const 0x0101))
                 (if (i32.ne (i32.load (i32.const 0x100)) (i32.const 0x11223344))
                    (then (call $return (i32.const 1) (i32.const 0x900) (i32.const 2))))"),
            Error::ContractReverted,
        ),
    ]
}

#[tokio::test]
async fn each_misdeed_has_its_error() {
    let mut chain = Chain::start().await;
    let data = [7; 64];
    for (what, body, error) in misdeeds() {
        let made = chain.made(what, &contract(&body)).await;
        if error == Error::ContractReverted {
            let reverted = ExecReturnValue { flags: ReturnFlags::REVERT, data: vec![1, 1] };
            assert_eq!(chain.dry_call(made, &data, WITHIN).await.result, Ok(reverted), "{what}");
            chain.leaves_nothing(what, &call(made, &data, WITHIN), failed(error)).await;
        } else {
            chain.call_fails(what, made, &data, WITHIN, error).await;
        }
    }
    chain.stop();
}

#[tokio::test]
async fn a_constructor_that_fails_leaves_neither_code_nor_contract() {
    let mut chain = Chain::start().await;
    let module = |parts: &str, deploy: &str| {
        wasm(&format!(
            r#"(module {PRELUDE} {parts} (func (export "deploy") {deploy}) (func (export "call")))"#
        ))
    };
    let forever = "(loop $again (br $again))";
    for (what, code, error) in [
        ("a constructor without end", module("", forever), Error::OutOfGas),
        (
            "a start without end",
            module(&format!("(func $start {forever}) (start $start)"), ""),
            Error::OutOfGas,
        ),
        ("a constructor that traps", module("", "unreachable"), Error::ContractTrapped),
        (
            "a start that traps",
            module("(func $start unreachable) (start $start)", ""),
            Error::ContractTrapped,
        ),
    ] {
        chain.making_fails(what, &code, WITHIN, error).await;
    }
    let reverts = module("", "(call $return (i32.const 1) (i32.const 0) (i32.const 0))");
    let sent = super::instantiate_with_code(&reverts, WITHIN);
    chain.leaves_nothing("a constructor that reverts", &sent, failed(Error::ContractReverted)).await;
    chain.stop();
}

#[tokio::test]
async fn what_a_call_may_not_use_it_does_not_use() {
    let mut chain = Chain::start().await;
    let storing = chain.made("storing", &contract("")).await;
    let (little, none) = (Weight::new(1_000_000, 0), Weight::zero());
    for (what, within, error) in [
        ("no gas", Within { gas: none, ..WITHIN }, Error::OutOfGas),
        ("little gas", Within { gas: little, ..WITHIN }, Error::OutOfGas),
        ("no deposit", Within { deposit: Some(0), ..WITHIN }, Error::StorageDepositLimitExhausted),
        (
            "a deposit that nobody has",
            Within { deposit: Some(u128::MAX), ..WITHIN },
            Error::StorageDepositNotEnoughFunds,
        ),
    ] {
        chain.call_fails(what, storing, &[], within, error).await;
    }
    // Exactly enough is enough; one less is not.
    let dry = chain.dry_call(storing, &[], WITHIN).await;
    let basalt_pallet_contracts::types::StorageDeposit::Charge(needed) = dry.storage_deposit else {
        panic!("{:?}", dry.storage_deposit)
    };
    let exhausted = Error::StorageDepositLimitExhausted;
    let less = Within { deposit: Some(needed - 1), ..WITHIN };
    chain.call_fails("a deposit one too low", storing, &[], less, exhausted).await;
    let exact = Within { gas: dry.gas_required, deposit: Some(needed), value: 0 };
    chain.done("exactly enough", &call(storing, &[], exact)).await;
    // The limits themselves are no violation.
    let most = quiet(
        "(drop (call $set (i32.const 0x100) (i32.const 128) (i32.const 0) (i32.const 16384)))
         (i32.store8 (i32.const 0x100) (i32.const 16))
         (call $event (i32.const 0x100) (i32.const 129) (i32.const 0) (i32.const 16384))",
    );
    let most = chain.made("the largest key, value and event", &most).await;
    chain.done("the largest key, value and event", &call(most, &[], WITHIN)).await;
    chain.stop();
}

/// Calls the contract whose address is its input, and returns what that was: the code, and the first bytes of its output.
fn caller(gas: u64) -> Vec<u8> {
    quiet(&format!(
        "(i32.store8 (i32.const 0xa00) (call $call (i32.const 0) (i32.const 0x100) (i64.const {gas})
            (i32.const 0x50) (i32.const 0) (i32.const 0) (i32.const 0xa01) (i32.const 0x10)))
         (call $return (i32.const 0) (i32.const 0xa00) (i32.add (i32.load (i32.const 0x10)) (i32.const 1)))"
    ))
}

#[tokio::test]
async fn a_caller_learns_of_a_callee_that_fails_and_nothing_of_the_callee_is_left() {
    let mut chain = Chain::start().await;
    let caller = chain.made("caller", &caller(1_000_000_000)).await;
    let reverts = "(i32.store16 (i32.const 0x900) (i32.const 0x0908))
        (call $return (i32.const 1) (i32.const 0x900) (i32.const 2))";
    // If there is no output, the length is what it was.
    let nothing = [0; 4];
    for (what, body, answer) in [
        ("trapped callee", "unreachable", [&[1], &nothing[..]].concat()),
        ("callee without end", "(loop $again (br $again))", [&[1], &nothing[..]].concat()),
        (
            "callee that breaks a limit",
            "(call $event (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16385))",
            [&[1], &nothing[..]].concat(),
        ),
        ("reverted callee", reverts, vec![2, 8, 9]),
    ] {
        let callee = chain.made(what, &contract(body)).await;
        let dry = chain.dry_call(caller, &callee.0, WITHIN).await.result;
        assert_eq!(dry, Ok(ExecReturnValue { flags: ReturnFlags(0), data: answer }), "{what}");
        chain.leaves_nothing(what, &call(caller, &callee.0, WITHIN), Ok(())).await;
        let stored: Result<Option<Vec<u8>>, ContractAccessError> =
            chain.api("ContractsApi_get_storage", &(callee, vec![0u8; 4])).await;
        assert_eq!(stored, Ok(None), "{what}");
    }
    // Nobody is there.
    let dry = chain.dry_call(caller, &[9; 32], WITHIN).await.result.expect("the caller goes on");
    assert_eq!(dry.data[0], 8);
    chain.stop();
}

/// Calls itself with one more than its input, until that fails; returns how often that went well.
fn deep() -> Vec<u8> {
    quiet(&format!(
        "{SELF} (i32.store8 (i32.const 0x900) (i32.add (i32.load8_u (i32.const 0x100)) (i32.const 1)))
         (i32.store8 (i32.const 0xa00) (i32.load8_u (i32.const 0x100)))
         (drop (call $call (i32.const 8) (i32.const 0x800) (i64.const 0) (i32.const 0x50)
            (i32.const 0x900) (i32.const 1) (i32.const 0xa00) (i32.const 0x10)))
         (call $return (i32.const 0) (i32.const 0xa00) (i32.const 1))"
    ))
}

#[tokio::test]
async fn contracts_that_call_each_other_end_at_the_depth_that_the_chain_allows() {
    let mut chain = Chain::start().await;
    let deep = chain.made("deep", &deep()).await;
    let returned = chain.dry_call(deep, &[0], WITHIN).await.result.expect("who sees the failure goes on");
    // The deepest is refused one more and traps; the one above sees that, and is the last that returns its own.
    assert_eq!(u32::from(returned.data[0]), FRAMES_NESTED_MAX - 1);
    chain.leaves_nothing("recursion", &call(deep, &[0], WITHIN), Ok(())).await;
    chain.stop();
}
