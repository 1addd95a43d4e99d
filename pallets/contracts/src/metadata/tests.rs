//! Names, indices and bytes that clients depend on: `facts/contracts.md` §8 and §9, checked there on a real node.

use alloc::{collections::BTreeMap, string::String, vec, vec::Vec};

use basalt_primitives::{AccountId32, Balance, DispatchError, H256, MultiAddress, Weight};
use basalt_state::Key;
use parity_scale_codec::{Compact, Decode, Encode};
use scale_info::{TypeDef, TypeInfo};

use super::*;
use crate::{storage, types::*};

type Variant = (u8, &'static str, Vec<&'static str>);

/// The variants of an enum in the metadata: index, name, names of fields.
fn variants<T: TypeInfo>() -> Vec<Variant> {
    match T::type_info().type_def {
        TypeDef::Variant(def) => def
            .variants
            .iter()
            .map(|v| (v.index, v.name, v.fields.iter().filter_map(|field| field.name).collect()))
            .collect(),
        other => panic!("{other:?} is no enum"),
    }
}

/// Names of variants, whose indices are 0, 1, 2 ….
fn names<T: TypeInfo>() -> Vec<&'static str> {
    let variants = variants::<T>();
    assert!(variants.iter().map(|variant| usize::from(variant.0)).eq(0..variants.len()));
    variants.into_iter().map(|variant| variant.1).collect()
}

fn path<T: TypeInfo>() -> String {
    T::type_info().path.segments.join("::")
}

#[test]
fn calls_have_substrates_indices_names_and_arguments() {
    let limit = "storage_deposit_limit";
    assert_eq!(
        variants::<Call>(),
        [
            (0, "call_old_weight", vec!["dest", "value", "gas_limit", limit, "data"]),
            (
                1,
                "instantiate_with_code_old_weight",
                vec!["value", "gas_limit", limit, "code", "data", "salt"]
            ),
            (2, "instantiate_old_weight", vec!["value", "gas_limit", limit, "code_hash", "data", "salt"]),
            (3, "upload_code", vec!["code", limit, "determinism"]),
            (4, "remove_code", vec!["code_hash"]),
            (5, "set_code", vec!["dest", "code_hash"]),
            (6, "call", vec!["dest", "value", "gas_limit", limit, "data"]),
            (7, "instantiate_with_code", vec!["value", "gas_limit", limit, "code", "data", "salt"]),
            (8, "instantiate", vec!["value", "gas_limit", limit, "code_hash", "data", "salt"]),
            (9, "migrate", vec!["weight_limit"]),
        ]
    );
}

#[test]
fn calls_have_the_bytes_that_clients_send() {
    let (dest, hash) = (AccountId32([7; 32]), H256([9; 32]));
    // 1_000_000 as a compact: four bytes, lowest bits 10.
    let million = (1_000_000u32 << 2 | 2).to_le_bytes();
    let (value, gas_limit) = (1_000_000, Weight::new(1_000_000, 0));
    let data = vec![1, 2];
    assert_eq!(
        Call::call {
            dest: MultiAddress::Id(dest),
            value,
            gas_limit,
            storage_deposit_limit: Some(Compact(1_000_000)),
            data: data.clone()
        }
        .encode(),
        [&[6, 0][..], &dest.0, &million, &million, &[0, 1], &million, &[8, 1, 2]].concat()
    );
    assert_eq!(
        Call::call_old_weight {
            dest: MultiAddress::Id(dest),
            value,
            gas_limit: 1_000_000,
            storage_deposit_limit: None,
            data: data.clone()
        }
        .encode(),
        [&[0, 0][..], &dest.0, &million, &million, &[0, 8, 1, 2]].concat()
    );
    assert_eq!(
        Call::instantiate {
            value,
            gas_limit,
            storage_deposit_limit: None,
            code_hash: hash,
            data: data.clone(),
            salt: vec![]
        }
        .encode(),
        [&[8][..], &million, &million, &[0, 0], &hash.0, &[8, 1, 2, 0]].concat()
    );
    assert_eq!(
        Call::upload_code { code: data, storage_deposit_limit: None, determinism: Determinism::Relaxed }
            .encode(),
        [3, 8, 1, 2, 0, 1]
    );
}

#[test]
fn events_have_substrates_indices_names_and_fields() {
    assert_eq!(
        variants::<Event>(),
        [
            (0, "Instantiated", vec!["deployer", "contract"]),
            (1, "Terminated", vec!["contract", "beneficiary"]),
            (2, "CodeStored", vec!["code_hash", "deposit_held", "uploader"]),
            (3, "ContractEmitted", vec!["contract", "data"]),
            (4, "CodeRemoved", vec!["code_hash", "deposit_released", "remover"]),
            (5, "ContractCodeUpdated", vec!["contract", "new_code_hash", "old_code_hash"]),
            (6, "Called", vec!["caller", "contract"]),
            (7, "DelegateCalled", vec!["contract", "code_hash"]),
            (8, "StorageDepositTransferredAndHeld", vec!["from", "to", "amount"]),
            (9, "StorageDepositTransferredAndReleased", vec!["from", "to", "amount"]),
        ]
    );
    let (caller, contract) = (AccountId32([1; 32]), AccountId32([2; 32]));
    assert_eq!(
        Event::Called { caller: Origin::Signed(caller), contract }.encode(),
        [&[6, 1][..], &[1; 32], &[2; 32]].concat()
    );
}

#[test]
fn errors_have_substrates_indices_and_names() {
    assert_eq!(
        names::<Error>(),
        [
            "InvalidSchedule",
            "InvalidCallFlags",
            "OutOfGas",
            "OutputBufferTooSmall",
            "TransferFailed",
            "MaxCallDepthReached",
            "ContractNotFound",
            "CodeTooLarge",
            "CodeNotFound",
            "CodeInfoNotFound",
            "OutOfBounds",
            "DecodingFailed",
            "ContractTrapped",
            "ValueTooLarge",
            "TerminatedWhileReentrant",
            "InputForwarded",
            "RandomSubjectTooLong",
            "TooManyTopics",
            "NoChainExtension",
            "XCMDecodeFailed",
            "DuplicateContract",
            "TerminatedInConstructor",
            "ReentranceDenied",
            "StateChangeDenied",
            "StorageDepositNotEnoughFunds",
            "StorageDepositLimitExhausted",
            "CodeInUse",
            "ContractReverted",
            "CodeRejected",
            "Indeterministic",
            "MigrationInProgress",
            "NoMigrationPerformed",
            "MaxDelegateDependenciesReached",
            "DelegateDependencyNotFound",
            "DelegateDependencyAlreadyExists",
            "CannotAddSelfAsDelegateDependency",
            "OutOfTransientStorage",
        ]
    );
    assert_eq!(Error::OutOfTransientStorage.encode(), [36]);
    assert_eq!(names::<HoldReason>(), ["CodeUploadDepositReserve", "StorageDepositReserve"]);
    assert_eq!(names::<Determinism>(), ["Enforced", "Relaxed"]);
    assert_eq!(names::<Origin>(), ["Root", "Signed"]);
    assert_eq!(names::<Code>(), ["Upload", "Existing"]);
    assert_eq!(names::<StorageDeposit>(), ["Refund", "Charge"]);
    assert_eq!(names::<ContractAccessError>(), ["DoesntExist", "KeyDecodingFailed", "MigrationInProgress"]);
}

#[test]
fn storage_keys_are_the_ones_that_clients_compute() {
    let pallet = "4342193e496fab7ec59d615ed0dc5530";
    let is = |key: Key, item: &str| assert_eq!(hex(&key), [pallet, item].concat());
    is(PRISTINE_CODE.prefix(), "4d6c2b03b90028f3bf407eb433e96389");
    is(CODE_INFO_OF.prefix(), "08362995834169885de7f4fd67196e67");
    is(NONCE.key(), "718368a0ace36e2b1b8b6dbd7f8093c0");
    is(CONTRACT_INFO_OF.prefix(), "060e99e5378e562537cf3bc983e17b91");
    is(DELETION_QUEUE.prefix(), "29162111ad19ef145155ee552aef2d11");
    is(DELETION_QUEUE_COUNTER.key(), "6cffd473b828dd9d0912b37cb2339e79");
    is(MIGRATION_IN_PROGRESS.key(), "1acf9e4b18cf3f0746724343910ad724");
    let hash = H256([7; 32]);
    assert!(PRISTINE_CODE.key(&hash).ends_with(&hash.0) && PRISTINE_CODE.key(&hash).len() == 32 + 32);
    // Eight bytes of hash before the account, as `cargo contract info --all` skips.
    assert_eq!(CONTRACT_INFO_OF.key(&AccountId32([7; 32])).len(), 32 + 8 + 32);
    let trie_id = storage::trie_id(&AccountId32([1; 32]), 1);
    assert_eq!(trie_id.0.len(), 32);
    assert_eq!(storage::child_prefix(&trie_id.0), [&b":child_storage:default:"[..], &trie_id.0].concat());
    assert_eq!(storage::hashed_variable_key(b"abc").len(), 16 + 3);
    assert_eq!(storage::hashed_fixed_key(&[0; 32]).len(), 32);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| alloc::format!("{byte:02x}")).collect()
}

#[test]
fn records_have_substrates_bytes_and_field_names() {
    let record = ContractInfo {
        trie_id: BoundedBytes(vec![1; 32]),
        code_hash: H256([2; 32]),
        storage_bytes: 3,
        storage_items: 4,
        storage_byte_deposit: 5,
        storage_item_deposit: 6,
        storage_base_deposit: 7,
        delegate_dependencies: DelegateDependencies(BTreeMap::new()),
    };
    // What deposits count for a record without dependencies.
    assert_eq!(record.encode().len(), 122);
    assert_eq!(ContractInfo::decode(&mut &record.encode()[..]), Ok(record.clone()));
    assert_eq!(record.encode()[..33], [&[128][..], &[1; 32]].concat());
    let info = CodeInfo {
        owner: AccountId32([1; 32]),
        deposit: 63,
        refcount: 1,
        determinism: Determinism::Enforced,
        code_len: 7,
    };
    assert_eq!(info.encode(), [&[1; 32][..], &[63 << 2, 1 << 2, 0, 7, 0, 0, 0]].concat());
    let TypeDef::Composite(fields) = ContractInfo::type_info().type_def else { panic!("a struct") };
    assert_eq!(
        fields.fields.iter().filter_map(|field| field.name).collect::<Vec<_>>(),
        [
            "trie_id",
            "code_hash",
            "storage_bytes",
            "storage_items",
            "storage_byte_deposit",
            "storage_item_deposit",
            "storage_base_deposit",
            "delegate_dependencies"
        ]
    );
}

#[test]
fn answers_of_dry_runs_have_substrates_bytes() {
    let returned = ExecReturnValue { flags: ReturnFlags::REVERT, data: vec![5] };
    let answer = ContractResult::<Result<_, DispatchError>, ()> {
        gas_consumed: Weight::new(1, 2),
        gas_required: Weight::new(3, 4),
        storage_deposit: StorageDeposit::Charge(5),
        debug_message: vec![6],
        result: Ok(returned),
        events: None,
    };
    let deposit: [u8; 16] = Balance::to_le_bytes(5);
    assert_eq!(
        answer.encode(),
        [&[4, 8, 12, 16, 1][..], &deposit, &[4, 6], &[0, 1, 0, 0, 0, 4, 5], &[0]].concat()
    );
    assert_eq!(Code::Existing(H256([1; 32])).encode(), [&[1][..], &[1; 32]].concat());
    assert_eq!(Code::Upload(vec![2]).encode(), [0, 4, 2]);
}

#[test]
fn type_paths_are_the_ones_that_clients_look_up() {
    assert_eq!(path::<Call>(), "pallet_contracts::pallet::Call");
    assert_eq!(path::<Event>(), "pallet_contracts::pallet::Event");
    assert_eq!(path::<Error>(), "pallet_contracts::pallet::Error");
    assert_eq!(path::<HoldReason>(), "pallet_contracts::pallet::HoldReason");
    assert_eq!(path::<ContractInfo>(), "pallet_contracts::storage::ContractInfo");
    assert_eq!(path::<CodeInfo>(), "pallet_contracts::wasm::CodeInfo");
    assert_eq!(path::<Determinism>(), "pallet_contracts::wasm::Determinism");
    assert_eq!(path::<Schedule>(), "pallet_contracts::schedule::Schedule");
    assert_eq!(path::<Environment>(), "pallet_contracts::Environment");
    assert_eq!(path::<EnvironmentType<u8>>(), "pallet_contracts::EnvironmentType");
    assert_eq!(path::<ApiVersion>(), "pallet_contracts::ApiVersion");
    assert_eq!(path::<Origin>(), "pallet_contracts::Origin");
    assert_eq!(path::<ExecReturnValue>(), "pallet_contracts::primitives::ExecReturnValue");
    assert_eq!(path::<ReturnFlags>(), "pallet_contracts_uapi::flags::ReturnFlags");
    assert_eq!(path::<BoundedBytes>(), "bounded_collections::bounded_vec::BoundedVec");
}

#[test]
fn the_environment_names_the_types_of_inks_default_one() {
    let TypeDef::Composite(fields) = Environment::type_info().type_def else { panic!("a struct") };
    let parameters: Vec<_> = fields
        .fields
        .iter()
        .map(|field| {
            let parameter = field.ty.type_info().type_params[0].ty.unwrap().type_info();
            (field.name.unwrap(), alloc::format!("{:?}", parameter.type_def))
        })
        .collect();
    assert_eq!(
        parameters.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["account_id", "balance", "hash", "hasher", "timestamp", "block_number"]
    );
    for (at, primitive) in [(1, "U128"), (4, "U64"), (5, "U32")] {
        assert!(parameters[at].1.contains(primitive), "{:?}", parameters[at]);
    }
    assert_eq!(Environment.encode(), []);
}
