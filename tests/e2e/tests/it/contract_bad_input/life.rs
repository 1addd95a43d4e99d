//! Contracts and code that are not there, are there already, or are still needed; and deposits that nobody pays.

use basalt_pallet_contracts::{
    Call, DELETION_QUEUE_COUNTER, Error, NONCE, storage::CHILD_STORAGE_PREFIX, types::Code,
};
use basalt_primitives::{DispatchError, H256};
use basalt_runtime::{RuntimeCall, UNIT};

use super::{
    Chain, WITHIN, Within, call, differing, failed, hash, instantiate, instantiate_with_code, upload, wasm,
};

/// Stores a value when it is made; called with 32 bytes it terminates in favour of that account.
fn mortal() -> Vec<u8> {
    wasm(
        r#"(module
            (import "seal0" "input" (func $input (param i32 i32)))
            (import "seal1" "terminate" (func $terminate (param i32)))
            (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
            (import "env" "memory" (memory 1 16))
            (data (i32.const 0) "\20\00\00\00")
            (func (export "deploy")
                (drop (call $set (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 100))))
            (func (export "call")
                (call $input (i32.const 0x100) (i32.const 0))
                (call $terminate (i32.const 0x100))))"#,
    )
}

/// Terminates while it is made.
fn stillborn() -> Vec<u8> {
    wasm(
        r#"(module
            (import "seal1" "terminate" (func $terminate (param i32)))
            (import "env" "memory" (memory 1 16))
            (func (export "deploy") (call $terminate (i32.const 0)))
            (func (export "call")))"#,
    )
}

fn remove(code: &[u8]) -> RuntimeCall {
    RuntimeCall::Contracts(Call::remove_code { code_hash: hash(code) })
}

#[tokio::test]
async fn what_is_not_there_or_still_needed_is_refused_and_at_the_end_nothing_is_left() {
    let mut chain = Chain::start().await;
    let (payer, other) = (chain.payer.account(), chain.other.account());
    let at_first = chain.state().await;
    let code = mortal();

    let unknown = H256::repeat_byte(7);
    let dry = chain.dry_instantiate(Code::Existing(unknown), WITHIN).await;
    assert_eq!(dry.result.map(drop), failed(Error::CodeNotFound));
    chain.leaves_nothing("unknown code", &instantiate(unknown), failed(Error::CodeNotFound)).await;
    chain.leaves_nothing("remove unknown code", &remove(&code), failed(Error::CodeNotFound)).await;
    chain.call_fails("call of an account", other, &[], WITHIN, Error::ContractNotFound).await;
    chain
        .making_fails("terminate in constructor", &stillborn(), WITHIN, Error::TerminatedInConstructor)
        .await;

    // Deposits, of code and of contracts, that are above the limit or above what there is.
    let exhausted = Error::StorageDepositLimitExhausted;
    chain.leaves_nothing("limit of an upload", &upload(&code, Some(1)), failed(exhausted)).await;
    let limited = |deposit| Within { deposit: Some(deposit), ..WITHIN };
    chain.making_fails("limit of code and contract", &code, limited(1), exhausted).await;
    let dry = chain.dry_instantiate(Code::Upload(code.clone()), WITHIN).await;
    let needed = dry.storage_deposit;
    let basalt_pallet_contracts::types::StorageDeposit::Charge(needed) = needed else { panic!("{needed:?}") };
    chain.making_fails("limit one too low", &code, limited(needed - 1), exhausted).await;
    let more = Error::StorageDepositNotEnoughFunds;
    chain.making_fails("a limit that nobody could pay", &code, limited(u128::MAX / 2), more).await;
    let value = Within { value: u128::MAX / 2, ..WITHIN };
    let made = instantiate_with_code(&code, value);
    let dry = chain.dry_instantiate(Code::Upload(code.clone()), value).await.result.map(drop);
    assert!(dry.is_err(), "nobody owns so much");
    chain.leaves_nothing("a value that nobody has", &made, dry).await;

    let contract = chain.made("mortal", &code).await;
    let dry = chain.dry_instantiate(Code::Upload(code.clone()), WITHIN).await;
    assert_eq!(dry.result.map(drop), failed(Error::DuplicateContract));
    for again in [instantiate(hash(&code)), instantiate_with_code(&code, WITHIN)] {
        chain.leaves_nothing("the same contract", &again, failed(Error::DuplicateContract)).await;
    }
    chain.leaves_nothing("remove code in use", &remove(&code), failed(Error::CodeInUse)).await;

    // Terminated, and then once more.
    chain.done("terminate", &call(contract, &other.0, WITHIN)).await;
    chain.call_fails("terminate twice", contract, &other.0, WITHIN, Error::ContractNotFound).await;
    let by_another = chain.other.sign(chain.rpc.genesis_hash, &remove(&code));
    assert_eq!(chain.finalized(&by_another).await.result, Err(DispatchError::BadOrigin));
    chain.done("remove", &remove(&code)).await;
    chain.leaves_nothing("remove twice", &remove(&code), failed(Error::CodeNotFound)).await;

    // Of all that the chain only has that there was a contract.
    let at_last = chain.state().await;
    assert!(!at_last.keys().any(|key| key.starts_with(CHILD_STORAGE_PREFIX)), "a value was left");
    let counters = [NONCE.key(), DELETION_QUEUE_COUNTER.key()];
    let accounts = [payer, other].map(|account| basalt_pallet_system::ACCOUNT.key(&account));
    let left: Vec<_> = differing(&at_first, &at_last)
        .into_iter()
        .filter(|key| !chain.usual.contains(key) && !counters.contains(key) && !accounts.contains(key))
        .map(const_hex::encode)
        .collect();
    assert_eq!(left, [""; 0]);
    let info = basalt_pallet_system::ACCOUNT.key(&payer);
    let info: basalt_pallet_system::AccountInfo =
        parity_scale_codec::DecodeAll::decode_all(&mut &at_last[&info][..]).unwrap();
    assert_eq!(info.data.reserved, 0);
    assert!(info.data.free > UNIT);
    chain.stop();
}
