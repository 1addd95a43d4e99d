use alloc::{string::ToString, vec, vec::Vec};
use std::collections::BTreeSet;

use basalt_primitives::{AccountId32, Extra, Header, MultiSignature, extrinsic};
use basalt_runtime_api::{CallError, Runtime as _, Touch, TouchKind};
use basalt_state::{Memory, Overlay};
use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use scale_info::{PortableRegistry, TypeDef, form::PortableForm};

use crate::{NativeRuntime, RuntimeCall, TOUCHES_MAX, balances, system, utility};

fn decoded(version: u32) -> RuntimeMetadata {
    let bytes = NativeRuntime::default().metadata(version).unwrap();
    assert_eq!(&bytes[..4], b"meta");
    assert_eq!(u32::from(bytes[4]), version);
    RuntimeMetadataPrefixed::decode_all(&mut bytes.as_slice()).unwrap().1
}

fn paths(types: &PortableRegistry) -> BTreeSet<alloc::string::String> {
    types.types.iter().map(|ty| ty.ty.path.to_string()).collect()
}

#[test]
fn metadata_decodes_in_all_versions_that_are_listed_and_in_no_other() {
    let RuntimeMetadata::V14(v14) = decoded(14) else { panic!("not version 14") };
    let RuntimeMetadata::V15(v15) = decoded(15) else { panic!("not version 15") };
    let RuntimeMetadata::V16(v16) = decoded(16) else { panic!("not version 16") };
    let names = |names: Vec<&str>| names.into_iter().map(ToString::to_string).collect::<Vec<_>>();
    let expected = names(vec![
        "System",
        "Timestamp",
        "Balances",
        "TransactionPayment",
        "Utility",
        "Sudo",
        "Session",
        "Grandpa",
        "Contracts",
        "Authorship",
        "Staking",
        "Offences",
        "Randomness",
        "Preimage",
        "Scheduler",
        "Referenda",
        "ConvictionVoting",
        "Origins",
        "Whitelist",
        "Treasury",
        "Parameters",
        "TechnicalCommittee",
    ]);
    assert_eq!(v14.pallets.iter().map(|pallet| pallet.name.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(v15.pallets.iter().map(|pallet| pallet.name.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(v16.pallets.iter().map(|pallet| pallet.name.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(v16.extrinsic.versions, [4]);
    for version in [0, 13, 17, u32::MAX] {
        assert_eq!(NativeRuntime::default().metadata(version), None);
    }
}

#[test]
fn every_type_path_that_clients_treat_specially_is_there() {
    let RuntimeMetadata::V14(v14) = decoded(14) else { panic!("not version 14") };
    let RuntimeMetadata::V16(v16) = decoded(16) else { panic!("not version 16") };
    for types in [&v14.types, &v16.types] {
        let paths = paths(types);
        for path in [
            "sp_core::crypto::AccountId32",
            "sp_runtime::multiaddress::MultiAddress",
            "sp_runtime::MultiSignature",
            "sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic",
            "sp_runtime::generic::era::Era",
            "frame_system::EventRecord",
            "frame_system::Phase",
            "basalt_runtime::RuntimeCall",
            "basalt_runtime::RuntimeEvent",
            "sp_runtime::DispatchError",
            "sp_runtime::ModuleError",
            "sp_runtime::TokenError",
            "sp_arithmetic::ArithmeticError",
            "sp_weights::weight_v2::Weight",
            "sp_runtime::generic::digest::Digest",
            "primitive_types::H256",
            "pallet_balances::types::AccountData",
            "frame_system::AccountInfo",
            "pallet_balances::pallet::Call",
            "frame_system::pallet::Event",
            "pallet_contracts::pallet::Call",
            "pallet_contracts::pallet::Event",
            "pallet_contracts::pallet::Error",
            "pallet_contracts::pallet::HoldReason",
            "pallet_contracts::storage::ContractInfo",
            "pallet_contracts::storage::DeletionQueueManager",
            "pallet_contracts::wasm::CodeInfo",
            "pallet_contracts::wasm::Determinism",
            "pallet_contracts::schedule::Schedule",
            "pallet_contracts::Environment",
            "pallet_contracts::EnvironmentType",
            "pallet_contracts::Origin",
            "basalt_runtime::RuntimeHoldReason",
            "basalt_runtime::OriginCaller",
            "frame_support::dispatch::RawOrigin",
            "frame_support::traits::preimages::Bounded",
            "pallet_preimage::RequestStatus",
            "pallet_scheduler::Scheduled",
            "sp_consensus_grandpa::app::Public",
        ] {
            assert!(paths.contains(path), "{path} is missing");
        }
    }
}

#[test]
fn fields_of_one_variant_or_struct_are_all_named_or_all_unnamed_and_ids_are_positions() {
    let RuntimeMetadata::V16(v16) = decoded(16) else { panic!("not version 16") };
    let uniform = |fields: &[scale_info::Field<PortableForm>]| {
        let named = fields.iter().filter(|field| field.name.is_some()).count();
        named == 0 || named == fields.len()
    };
    for (position, ty) in (0u32..).zip(&v16.types.types) {
        assert_eq!(ty.id, position);
        match &ty.ty.type_def {
            TypeDef::Composite(composite) => assert!(uniform(&composite.fields), "{}", ty.ty.path),
            TypeDef::Variant(variant) => {
                assert!(variant.variants.iter().all(|variant| uniform(&variant.fields)), "{}", ty.ty.path);
            }
            TypeDef::Array(array) => assert!(array.len <= 2048, "polkadot.js refuses longer arrays"),
            _ => {}
        }
    }
}

#[test]
fn extensions_come_in_the_order_that_every_client_assumes() {
    let RuntimeMetadata::V14(v14) = decoded(14) else { panic!("not version 14") };
    let names: Vec<_> =
        v14.extrinsic.signed_extensions.iter().map(|extension| extension.identifier.as_str()).collect();
    assert_eq!(
        names,
        [
            "CheckNonZeroSender",
            "CheckSpecVersion",
            "CheckTxVersion",
            "CheckGenesis",
            "CheckMortality",
            "CheckNonce",
            "CheckWeight",
            "ChargeTransactionPayment",
            "CheckMetadataHash"
        ]
    );
}

#[test]
fn every_method_that_the_metadata_names_is_answered_and_no_other() {
    let RuntimeMetadata::V15(v15) = decoded(15) else { panic!("not version 15") };
    let empty = Memory::default();
    let mut methods = 0;
    for api in &v15.apis {
        for method in &api.methods {
            let name = alloc::format!("{}_{}", api.name, method.name);
            let mut state = Overlay::new(&empty);
            let answer = NativeRuntime::default().call(&name, &[], &Header::default(), &mut state);
            assert!(!matches!(answer, Err(CallError::Unknown(_))), "{name} is described but unknown");
            methods += 1;
        }
    }
    assert_eq!(methods, 26);
    let mut state = Overlay::new(&empty);
    let unknown = NativeRuntime::default().call("Core_fly", &[], &Header::default(), &mut state).unwrap_err();
    assert_eq!(unknown.to_string(), "Exported method Core_fly is not found");
}

#[test]
fn metadata_answers_are_wrapped_as_clients_expect() {
    let empty = Memory::default();
    let mut state = Overlay::new(&empty);
    let header = Header::default();
    let mut call = |name: &str, arguments: &[u8]| {
        NativeRuntime::default().call(name, arguments, &header, &mut state).unwrap()
    };
    let v14 = NativeRuntime::default().metadata(14).unwrap();
    assert_eq!(call("Metadata_metadata", &[]), v14.encode());
    assert_eq!(call("Metadata_metadata_versions", &[]), vec![14u32, 15, 16].encode());
    let at = call("Metadata_metadata_at_version", &16u32.encode());
    assert_eq!(Option::<Vec<u8>>::decode(&mut at.as_slice()).unwrap(), NativeRuntime::default().metadata(16));
    assert_eq!(call("Metadata_metadata_at_version", &99u32.encode()), [0]);
}

#[test]
fn storage_defaults_have_the_length_of_their_types() {
    // A fixed-size default that is too short or too long would make clients read garbage for absent keys.
    let RuntimeMetadata::V14(v14) = decoded(14) else { panic!("not version 14") };
    let system = &v14.pallets[0].storage.as_ref().unwrap().entries;
    let default =
        |name: &str| system.iter().find(|entry| entry.name == name).map(|entry| entry.default.len()).unwrap();
    assert_eq!(default("Account"), 80);
    assert_eq!(default("BlockHash"), 32);
    assert_eq!(default("Number"), 4);
    assert_eq!(default("Events"), 1);
}

/// A genesis whose validators are these entries.
fn genesis(validators: &str) -> Result<basalt_state::ChangeSet, basalt_runtime_api::GenesisError> {
    let config = alloc::format!(r#"{{"session":{{"validators":[{validators}]}}}}"#);
    NativeRuntime::default().genesis(config.as_bytes())
}

/// //Alice: account, vote key, VRF key (here the same as the account's).
const ALICE: &str = r#"{"account":"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    "voteKey":"0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee",
    "vrfKey":"0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d","power":3}"#;
const BOB: &str = r#"{"account":"5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
    "voteKey":"0xd17c2d7823ebf260fd138f2d7e27d114c0145d968b5ff5006125f2414fadae69",
    "vrfKey":"0x8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48","power":1}"#;

#[test]
fn validators_of_the_genesis_are_what_node_and_tools_are_told() {
    let changes = genesis(&alloc::format!("{ALICE},{BOB}")).unwrap();
    let mut memory = Memory::default();
    memory.apply(&changes);
    let set = NativeRuntime::default().validators(&memory).unwrap();
    assert_eq!(set.id, 0);
    assert_eq!(set.validators.iter().map(|validator| validator.power).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(set.validators[0].account.to_string(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
    NativeRuntime::default().try_state(&memory).unwrap();

    let mut state = Overlay::new(&memory);
    let mut call = |name: &str, arguments: &[u8]| {
        NativeRuntime::default().call(name, arguments, &Header::default(), &mut state).unwrap()
    };
    let authorities: Vec<_> =
        set.validators.iter().map(|validator| (validator.vote_key, validator.power)).collect();
    assert_eq!(call("GrandpaApi_grandpa_authorities", &[]), authorities.encode());
    assert_eq!(call("GrandpaApi_current_set_id", &[]), 0u64.encode());
    let keys = [[1u8; 32], [2; 32]].concat();
    let decoded = Some(vec![(vec![1u8; 32], *b"gran"), (vec![2; 32], *b"bvrf")]);
    assert_eq!(call("SessionKeys_decode_session_keys", &keys.encode()), decoded.encode());
    assert_eq!(call("SessionKeys_decode_session_keys", &vec![0u8; 63].encode()), [0]);
}

#[test]
fn stakers_of_the_genesis_validate_with_their_keys_and_what_is_behind_them() {
    let with = |listed: &str| {
        let (alice, bob) = (
            "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
            "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
        );
        let config = alloc::format!(
            r#"{{
                "balances": {{"balances": [["{alice}", 5000000000000], ["{bob}", 5000000000000]]}},
                "session": {{
                    "epochLength": 10,
                    "validators": [{listed}],
                    "keys": [["{alice}", {{
                        "grandpa": "0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee",
                        "vrf": "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
                    }}]]
                }},
                "staking": {{
                    "stakers": [
                        ["{alice}", 2000000000000, "Validator"],
                        ["{bob}", "1000000000000", {{"Nominator": ["{alice}"]}}]
                    ],
                    "validatorCount": 4, "minimumValidatorCount": 1, "slashRewardFraction": 100000000,
                    "minNominatorBond": 1000, "bondingDuration": 8, "slashDeferDuration": 2,
                    "issuance": {{"halving": {{"perYear": "340282366920938463463374607431", "intervalMs": 5}}}}
                }}
            }}"#
        );
        NativeRuntime::default().genesis(config.as_bytes())
    };
    let mut memory = Memory::default();
    memory.apply(&with("").unwrap());
    NativeRuntime::default().try_state(&memory).unwrap();
    let set = NativeRuntime::default().validators(&memory).unwrap();
    assert_eq!(
        set.validators.iter().map(|validator| validator.power).collect::<Vec<_>>(),
        [3_000_000_000_000]
    );
    assert_eq!(crate::STAKING.evidence_window(&memory), Ok(3));

    let error = with(ALICE).unwrap_err().to_string();
    assert!(error.contains("session.validators and staking.stakers both say who validates"), "{error}");
}

#[test]
fn a_genesis_without_validators_is_a_chain_and_one_with_wrong_ones_says_which() {
    let nobody = genesis("").unwrap();
    assert_eq!(nobody, NativeRuntime::default().genesis(b"{}").unwrap());
    let mut memory = Memory::default();
    memory.apply(&nobody);
    assert_eq!(NativeRuntime::default().validators(&memory).unwrap().validators, []);
    for (entries, wanted) in [
        (alloc::format!("{ALICE},{ALICE}"), "session.validators: validator 2 of the list (5Grwva"),
        (ALICE.replace(":3}", ":0}"), "validator 1 of the list (5Grwva"),
        (ALICE.replace(":3}", ":2305843009213693952}"), "its power of 2305843009213693952"),
        (ALICE.replace("0xd4", "0xff"), "is no sr25519 public key"),
        (ALICE.replace(",\"power\":3", ""), "missing field `power`"),
        (ALICE.replace("0x88dc", "0x88"), "line 2"),
        (ALICE.replace("5Grw", "5Xrw"), "line 1"),
    ] {
        let error = genesis(&entries).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_transaction_says_whose_accounts_it_touches_through_batches_too() {
    let account = |number: u8| AccountId32([number; 32]);
    let pay = |number: u8| {
        RuntimeCall::Balances(balances::Call::transfer_keep_alive { dest: account(number).into(), value: 1 })
    };
    let remark = || RuntimeCall::System(system::Call::remark { remark: Vec::new() });
    let batch = |calls| RuntimeCall::Utility(utility::Call::batch { calls });
    let all = |calls| RuntimeCall::Utility(utility::Call::batch_all { calls });
    let forced = |calls| RuntimeCall::Utility(utility::Call::force_batch { calls });
    let away = |number: u8| {
        RuntimeCall::Balances(balances::Call::transfer_all {
            dest: account(number).into(),
            keep_alive: false,
        })
    };
    let many = || all((2..=TOUCHES_MAX as u8 + 5).map(pay).collect());
    let most: Vec<u8> = (2..=TOUCHES_MAX as u8).collect();
    for (call, expected) in [
        (remark(), vec![]),
        (pay(2), vec![2]),
        (pay(1), vec![]),
        (away(3), vec![3]),
        (batch(vec![pay(2), remark(), all(vec![pay(3), forced(vec![away(4), pay(2)])])]), vec![2, 3, 4]),
        (many(), most.clone()),
        (batch(vec![many(), pay(99)]), most),
    ] {
        let bytes = extrinsic::encode_signed(
            &account(1).into(),
            &MultiSignature::Sr25519([0; 64]),
            &Extra::default(),
            &call.encode(),
        );
        let touches = NativeRuntime::default().inspect(bytes).unwrap().touches;
        let expected: Vec<_> = [(1, TouchKind::Update)]
            .into_iter()
            .chain(expected.into_iter().map(|number| (number, TouchKind::Credit)))
            .map(|(number, kind)| Touch { key: system::ACCOUNT.key(&account(number)), kind })
            .collect();
        assert_eq!(touches, expected, "{call:?}");
    }
}

#[test]
fn contracts_constants_come_in_substrates_order_and_decode_by_their_types() {
    let RuntimeMetadata::V14(v14) = decoded(14) else { panic!("not version 14") };
    let contracts = v14.pallets.iter().find(|pallet| pallet.name == "Contracts").unwrap();
    assert_eq!(contracts.index, 8);
    let constants: Vec<_> = contracts.constants.iter().map(|constant| constant.name.as_str()).collect();
    assert_eq!(
        constants,
        [
            "Schedule",
            "DepositPerByte",
            "DefaultDepositLimit",
            "DepositPerItem",
            "CodeHashLockupDepositPercent",
            "MaxCodeLen",
            "MaxStorageKeyLen",
            "MaxTransientStorageSize",
            "MaxDelegateDependencies",
            "UnsafeUnstableInterface",
            "MaxDebugBufferLen",
            "Environment",
            "ApiVersion",
        ]
    );
    let value = |name: &str| &contracts.constants.iter().find(|one| one.name == name).unwrap().value[..];
    // Six u32, a u64, a u32.
    assert_eq!(value("Schedule").len(), 6 * 4 + 8 + 4);
    assert_eq!(value("Schedule")[..16], [4u32, 16, 32, 16_384].encode()[..]);
    assert_eq!(value("MaxCodeLen"), (256u32 * 1024).to_le_bytes());
    assert_eq!((value("UnsafeUnstableInterface"), value("Environment")), (&[0][..], &[][..]));
    assert_eq!(value("ApiVersion"), 4u16.to_le_bytes());
    let items: Vec<_> =
        contracts.storage.as_ref().unwrap().entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(
        items,
        [
            "PristineCode",
            "CodeInfoOf",
            "Nonce",
            "ContractInfoOf",
            "DeletionQueue",
            "DeletionQueueCounter",
            "MigrationInProgress"
        ]
    );
}

#[test]
fn contracts_api_has_the_methods_and_parameters_that_clients_name() {
    let RuntimeMetadata::V15(v15) = decoded(15) else { panic!("not version 15") };
    let api = v15.apis.iter().find(|api| api.name == "ContractsApi").unwrap();
    let methods: Vec<(&str, Vec<&str>)> = api
        .methods
        .iter()
        .map(|method| (method.name.as_str(), method.inputs.iter().map(|input| input.name.as_str()).collect()))
        .collect();
    let expected = [
        ("call", "origin dest value gas_limit storage_deposit_limit input_data"),
        ("instantiate", "origin value gas_limit storage_deposit_limit code data salt"),
        ("upload_code", "origin code storage_deposit_limit determinism"),
        ("get_storage", "address key"),
    ];
    assert_eq!(methods, expected.map(|(name, inputs)| (name, inputs.split(' ').collect())));
    let id = [0x68, 0xb6, 0x6b, 0xa1, 0x22, 0xc9, 0x3f, 0xa7];
    assert!(crate::version().apis.contains(&(id, 2)));
}

#[test]
fn what_is_held_for_contracts_is_named_as_in_substrate() {
    let reason = |held| crate::CONTRACTS.reason(held).encode();
    for held in [crate::HoldReason::CodeUploadDepositReserve, crate::HoldReason::StorageDepositReserve] {
        assert_eq!(crate::RuntimeHoldReason::Contracts(held).encode(), reason(held));
    }
    assert_eq!(reason(crate::HoldReason::StorageDepositReserve), [8, 1]);
    let RuntimeMetadata::V14(v14) = decoded(14) else { panic!("not version 14") };
    let balances = v14.pallets.iter().find(|pallet| pallet.name == "Balances").unwrap();
    let holds =
        balances.storage.as_ref().unwrap().entries.iter().find(|entry| entry.name == "Holds").unwrap();
    let frame_metadata::v14::StorageEntryType::Map { value, .. } = &holds.ty else { panic!("a map") };
    let TypeDef::Sequence(list) = &v14.types.resolve(value.id).unwrap().type_def else { panic!("a list") };
    let entry = v14.types.resolve(list.type_param.id).unwrap();
    let TypeDef::Composite(fields) = &entry.type_def else { panic!("a struct") };
    let id = v14.types.resolve(fields.fields[0].ty.id).unwrap();
    assert_eq!(id.path.to_string(), "basalt_runtime::RuntimeHoldReason");
}
