//! Uploads and removals. What a module may contain is the machine's business, see `basalt-contracts-vm` and `tests/kit`.

use alloc::{borrow::ToOwned, vec};

use basalt_contracts_vm::{
    self as vm, Checked, Code, Entry, Host, Machine, MachineError, Policy, Refused, Run,
};
use basalt_pallet_balances::{self as balances, Balances};
use basalt_pallet_system::System;
use basalt_primitives::{AccountId32, Digest, Perbill, RuntimeVersion, Weight};
use basalt_state::{Memory, Overlay, StateError};
use basalt_support::{BlockEnv, BlockLimits};
use parity_scale_codec::DecodeAll;

use super::*;
use crate::{
    Deposits,
    types::{ContractInfo, DelegateDependencies},
};

const ALICE: AccountId = AccountId32([1; 32]);
const BOB: AccountId = AccountId32([2; 32]);
const POOR: AccountId = AccountId32([3; 32]);
const START: Balance = 1_000_000;
const ED: Balance = 10;

const CONTRACTS: Contracts<()> = Contracts {
    index: 8,
    balances: Balances {
        index: 2,
        system: System {
            index: 0,
            limits: BlockLimits {
                weight_max: Weight::MAX,
                weight_normal_max: Weight::MAX,
                weight_base: Weight::zero(),
                weight_base_transaction: Weight::zero(),
                bytes_max: u32::MAX,
                bytes_normal_max: u32::MAX,
            },
            ss58_prefix: 42,
            version: RuntimeVersion::default,
        },
        existential_deposit: ED,
    },
    deposits: Deposits {
        per_item: 100,
        per_byte: 2,
        default_limit: 1_000,
        code_lockup: Perbill::from_percent(0),
    },
    gas_max: Weight::MAX,
    weight_to_fee: |_| 0,
    callable: |()| false,
    unstable: false,
    extensions: &[],
};

/// Refuses what begins with `!`. What begins with `~` has floats.
struct Judge;

impl Machine for Judge {
    fn check(&self, code: &[u8], policy: &Policy) -> Result<Checked, Refused> {
        let floats = code.starts_with(b"~");
        if code.starts_with(b"!") || floats && policy.determinism == vm::Determinism::Enforced {
            return Err(Refused("no such module".to_owned()));
        }
        let determinism = if floats { vm::Determinism::Relaxed } else { vm::Determinism::Enforced };
        Ok(Checked { determinism })
    }

    fn run(&self, _: &Code<'_>, _: &Policy, _: Entry, _: u64, _: &mut dyn Host) -> Result<Run, MachineError> {
        Err(MachineError::Engine("nothing runs here".to_owned()))
    }
}

fn with_context<R>(body: impl FnOnce(&mut Context<'_, '_>) -> R) -> R {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    let balances = [(ALICE, START), (BOB, START), (POOR, ED)];
    CONTRACTS.balances.genesis(&mut state, &balances).unwrap();
    let env = BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    let result = body(&mut Context::new(&mut state, &env, Some(0)).with_machine(&Judge));
    assert_eq!(crate::invariants::check(&state), Ok(()));
    assert_eq!(CONTRACTS.balances.try_state_with(&state, 0), Ok(()));
    result
}

/// Uploads as a dispatched call does: what fails leaves no trace.
fn upload(
    ctx: &mut Context<'_, '_>,
    who: AccountId,
    code: &[u8],
    limit: Option<Balance>,
    determinism: Determinism,
) -> Result<CodeUploadReturnValue, DispatchError> {
    let code = code.to_vec();
    let upload = |ctx: &mut Context<'_, '_>| {
        CONTRACTS.upload(ctx, &who, code, limit, determinism).map_err(|refused| refused.failure)
    };
    ctx.layer(upload).map_err(reason)
}

fn reason(failure: Failure) -> DispatchError {
    match failure {
        Failure::Dispatch(error) => error,
        Failure::State(error) => panic!("{error}"),
    }
}

fn hash(code: &[u8]) -> H256 {
    H256(blake2_256(code))
}

fn held(ctx: &Context<'_, '_>, who: AccountId) -> Balance {
    let reason = CONTRACTS.reason(HoldReason::CodeUploadDepositReserve);
    CONTRACTS.balances.balance_on_hold(ctx, reason, &who).unwrap()
}

const CODE: &[u8] = b"a module";
/// Its bytes and what is known of it, at 2, and two items at 100.
const DEPOSIT: Balance = (8 + 61) * 2 + 200;

#[test]
fn an_upload_is_stored_and_paid_for_and_told() {
    with_context(|ctx| {
        let done = upload(ctx, ALICE, CODE, Some(DEPOSIT), Determinism::Enforced);
        assert_eq!(done, Ok(CodeUploadReturnValue { code_hash: hash(CODE), deposit: DEPOSIT }));
        assert_eq!(held(ctx, ALICE), DEPOSIT);
        assert_eq!(PRISTINE_CODE.get(ctx, &hash(CODE)).unwrap().unwrap().0, CODE);
        let info = CODE_INFO_OF.get(ctx, &hash(CODE)).unwrap().unwrap();
        assert_eq!((info.owner, info.deposit, info.refcount, info.code_len), (ALICE, DEPOSIT, 0, 8));
        assert_eq!(ctx.events().len(), 2, "{:?}", ctx.events());
        let [first, second] = [0, 1].map(|at| ctx.events().iter().nth(at).unwrap());
        let reason = CONTRACTS.reason(HoldReason::CodeUploadDepositReserve);
        assert_eq!(
            balances::Event::decode_all(&mut &first.bytes[1..]),
            Ok(balances::Event::Held { reason, who: ALICE, amount: DEPOSIT })
        );
        assert_eq!(
            Event::decode_all(&mut &second.bytes[1..]),
            Ok(Event::CodeStored { code_hash: hash(CODE), deposit_held: DEPOSIT, uploader: ALICE })
        );
    });
}

#[test]
fn what_is_stored_already_costs_nothing_and_stays_whose_it_is() {
    with_context(|ctx| {
        upload(ctx, ALICE, CODE, None, Determinism::Enforced).unwrap();
        let events = ctx.events().len();
        for (who, determinism) in [(BOB, Determinism::Enforced), (POOR, Determinism::Relaxed)] {
            let again = upload(ctx, who, CODE, Some(0), determinism);
            assert_eq!(again, Ok(CodeUploadReturnValue { code_hash: hash(CODE), deposit: 0 }));
        }
        assert_eq!((held(ctx, BOB), ctx.events().len()), (0, events));
        assert_eq!(CODE_INFO_OF.get(ctx, &hash(CODE)).unwrap().unwrap().owner, ALICE);
    });
}

#[test]
fn each_bad_upload_has_an_error_of_its_own_and_leaves_nothing() {
    with_context(|ctx| {
        let largest = vec![b'a'; CODE_BYTES_MAX as usize];
        let larger = vec![b'a'; CODE_BYTES_MAX as usize + 1];
        let enforced = Determinism::Enforced;
        let cases: [(AccountId, &[u8], Option<Balance>, Error); 5] = [
            (ALICE, b"!", None, Error::CodeRejected),
            (ALICE, &larger, None, Error::CodeTooLarge),
            (ALICE, CODE, Some(DEPOSIT - 1), Error::StorageDepositLimitExhausted),
            (POOR, CODE, None, Error::StorageDepositNotEnoughFunds),
            (ALICE, b"~", None, Error::CodeRejected),
        ];
        for (who, code, limit, error) in cases {
            assert_eq!(upload(ctx, who, code, limit, enforced), Err(CONTRACTS.error(error)), "{error:?}");
        }
        assert_eq!((held(ctx, ALICE), ctx.events().len()), (0, 0));
        upload(ctx, ALICE, &largest, None, enforced).unwrap();
        let refused = CONTRACTS.upload(ctx, &ALICE, b"!".to_vec(), None, enforced).unwrap_err();
        assert_eq!(refused.refused.as_deref(), Some("no such module"));
    });
}

#[test]
fn code_is_stored_as_strict_as_it_is_and_a_lenient_upload_opens_no_door() {
    with_context(|ctx| {
        let determinism = |ctx: &Context<'_, '_>, code: &[u8]| {
            CODE_INFO_OF.get(ctx, &hash(code)).unwrap().unwrap().determinism
        };
        upload(ctx, ALICE, CODE, None, Determinism::Relaxed).unwrap();
        assert_eq!(determinism(ctx, CODE), Determinism::Enforced);
        upload(ctx, ALICE, b"~", None, Determinism::Relaxed).unwrap();
        assert_eq!(determinism(ctx, b"~"), Determinism::Relaxed);
        // It is there, but it is not what is asked for.
        let strict = upload(ctx, ALICE, b"~", None, Determinism::Enforced);
        assert_eq!(strict, Err(CONTRACTS.error(Error::CodeRejected)));
    });
}

#[test]
fn only_its_owner_removes_code_and_only_while_nobody_uses_it() {
    with_context(|ctx| {
        upload(ctx, ALICE, CODE, None, Determinism::Enforced).unwrap();
        let remove = |ctx: &mut Context<'_, '_>, who: &AccountId, code: &[u8]| {
            CONTRACTS.remove_code(ctx, who, hash(code)).map_err(reason)
        };
        assert_eq!(remove(ctx, &ALICE, b"other"), Err(CONTRACTS.error(Error::CodeNotFound)));
        assert_eq!(remove(ctx, &BOB, CODE), Err(DispatchError::BadOrigin));
        CONTRACTS.retain_code(ctx, &hash(CODE)).unwrap();
        for who in [ALICE, BOB] {
            assert_eq!(remove(ctx, &who, CODE), Err(CONTRACTS.error(Error::CodeInUse)));
        }
        CONTRACTS.release_code(ctx, &hash(CODE)).unwrap();
        remove(ctx, &ALICE, CODE).unwrap();
        assert_eq!(held(ctx, ALICE), 0);
        assert_eq!(CONTRACTS.balances.free_balance(ctx, &ALICE), Ok(START));
        assert_eq!(CODE_INFO_OF.contains(ctx, &hash(CODE)), Ok(false));
        assert_eq!(PRISTINE_CODE.contains(ctx, &hash(CODE)), Ok(false));
        let told = Event::decode_all(&mut &ctx.events().last().unwrap().bytes[1..]);
        let code_hash = hash(CODE);
        assert_eq!(told, Ok(Event::CodeRemoved { code_hash, deposit_released: DEPOSIT, remover: ALICE }));
    });
}

#[test]
fn root_gives_a_contract_other_code_and_both_are_counted() {
    with_context(|ctx| {
        let users = |ctx: &Context<'_, '_>, code: &[u8]| {
            CODE_INFO_OF.get(ctx, &hash(code)).unwrap().map(|info| info.refcount)
        };
        upload(ctx, ALICE, CODE, None, Determinism::Enforced).unwrap();
        upload(ctx, ALICE, b"new", None, Determinism::Enforced).unwrap();
        CONTRACTS.retain_code(ctx, &hash(CODE)).unwrap();
        let info = ContractInfo {
            trie_id: crate::storage::trie_id(&BOB, 1),
            code_hash: hash(CODE),
            storage_bytes: 0,
            storage_items: 0,
            storage_byte_deposit: 0,
            storage_item_deposit: 0,
            storage_base_deposit: 0,
            delegate_dependencies: DelegateDependencies::default(),
        };
        CONTRACT_INFO_OF.put(ctx, &BOB, &info);
        let replace = |ctx: &mut Context<'_, '_>, who: &AccountId, code: &[u8]| {
            ctx.layer(|ctx| CONTRACTS.replace_code(ctx, who, hash(code))).map_err(reason)
        };
        assert_eq!(replace(ctx, &ALICE, b"new"), Err(CONTRACTS.error(Error::ContractNotFound)));
        assert_eq!(replace(ctx, &BOB, b"other"), Err(CONTRACTS.error(Error::CodeNotFound)));
        replace(ctx, &BOB, CODE).unwrap();
        assert_eq!(users(ctx, CODE), Some(1));
        replace(ctx, &BOB, b"new").unwrap();
        assert_eq!((users(ctx, CODE), users(ctx, b"new")), (Some(0), Some(1)));
        let told = Event::decode_all(&mut &ctx.events().last().unwrap().bytes[1..]);
        let (old_code_hash, new_code_hash) = (hash(CODE), hash(b"new"));
        assert_eq!(told, Ok(Event::ContractCodeUpdated { contract: BOB, new_code_hash, old_code_hash }));
    });
}

#[test]
fn a_node_without_a_machine_fails_and_blames_nobody() {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    CONTRACTS.balances.genesis(&mut state, &[(ALICE, START)]).unwrap();
    let env = BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    let mut ctx = Context::new(&mut state, &env, Some(0));
    let failed = CONTRACTS.upload(&mut ctx, &ALICE, CODE.to_vec(), None, Determinism::Enforced).unwrap_err();
    assert!(matches!(failed.failure, Failure::State(StateError::Machine(_))), "{failed:?}");
}
