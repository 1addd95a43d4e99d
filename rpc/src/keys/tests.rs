//! Names of real keys of the real runtime, and of what is no key of it.

use basalt_pallet_balances::TOTAL_ISSUANCE;
use basalt_pallet_contracts::{
    CONTRACT_INFO_OF,
    storage::{child_prefix, hashed_fixed_key, hashed_variable_key, trie_id},
    types::{BoundedBytes, ContractInfo, DelegateDependencies},
};
use basalt_pallet_system::{ACCOUNT, BLOCK_HASH, NUMBER};
use basalt_primitives::{
    AccountId, H256,
    keys::{Pair, Scheme},
};
use basalt_runtime::NativeRuntime;
use basalt_state::{Memory, Overlay};
use frame_metadata::v14::StorageEntryMetadata;
use parity_scale_codec::Encode;
use proptest::prelude::*;
use scale_info::{MetaType, Registry, TypeInfo};
use std::collections::{BTreeMap, BTreeSet};

use super::{contracts::ChildId, *};

fn names() -> KeyNames {
    KeyNames::new(&NativeRuntime::default())
}

fn named(names: &KeyNames, key: &[u8]) -> Option<(String, String, Vec<String>)> {
    let name = names.name(key)?;
    Some((name.pallet.to_owned(), name.item.to_owned(), names.map_key(key)))
}

fn expected(pallet: &str, item: &str, map_key: &[&str]) -> Option<(String, String, Vec<String>)> {
    Some((pallet.into(), item.into(), map_key.iter().map(ToString::to_string).collect()))
}

#[test]
fn real_keys_have_their_pallet_item_and_entry() {
    let alice = Pair::from_suri(Scheme::Sr25519, "//Alice").unwrap().account_id();
    let names = names();
    assert_eq!(
        named(&names, &ACCOUNT.key(&alice)),
        expected("System", "Account", &["5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"])
    );
    assert_eq!(named(&names, &BLOCK_HASH.key(&7)), expected("System", "BlockHash", &["7"]));
    assert_eq!(named(&names, &NUMBER.key()), expected("System", "Number", &[]));
    assert_eq!(named(&names, &TOTAL_ISSUANCE.key()), expected("Balances", "TotalIssuance", &[]));
}

#[test]
fn every_item_of_the_metadata_is_named_and_nothing_else() {
    let bytes = basalt_runtime_api::Runtime::metadata(&NativeRuntime::default(), METADATA_VERSION).unwrap();
    let decoded = RuntimeMetadataPrefixed::decode_all(&mut bytes.as_slice()).unwrap();
    let RuntimeMetadata::V14(metadata) = decoded.1 else { panic!("not version 14") };
    let names = names();
    let mut items = 0;
    for pallet in metadata.pallets {
        for entry in pallet.storage.iter().flat_map(|storage| &storage.entries) {
            let key = [twox_128(pallet.name.as_bytes()), twox_128(entry.name.as_bytes())].concat();
            assert_eq!(named(&names, &key), expected(&pallet.name, &entry.name, &[]));
            items += 1;
        }
    }
    assert!(items > 15, "{items}");
    for key in [&b""[..], b":code", &[0; 31], &[0; 32], &twox_128(b"System")] {
        assert_eq!(named(&names, key), None, "{key:?}");
        assert_eq!(names.map_key(key), Vec::<String>::new());
    }
}

#[test]
fn what_contracts_store_is_named_by_contract_and_key() {
    let names = names();
    let accounts: Vec<AccountId> =
        (0..5).map(|n| Pair::from_suri(Scheme::Sr25519, &format!("//{n}")).unwrap().account_id()).collect();
    let ids: Vec<ChildId> =
        accounts.iter().map(|account| trie_id(account, 7).0.try_into().unwrap()).collect();
    let key = |hashed: Vec<u8>| [child_prefix(&ids[1]), hashed].concat();
    let storage = format!("storage {}", const_hex::encode_prefixed(ids[1]));
    let expected = |key: &[&str]| {
        Some((
            "Contracts".to_owned(),
            "Storage".to_owned(),
            [&[storage.as_str()], key].concat().iter().map(ToString::to_string).collect(),
        ))
    };
    assert_eq!(named(&names, &key(hashed_variable_key(b"own"))), expected(&["0x6f776e"]));
    let hash = format!("hash {}", const_hex::encode_prefixed(hashed_fixed_key(&[5; 32])));
    assert_eq!(named(&names, &key(hashed_fixed_key(&[5; 32]))), expected(&[&hash]));
    assert_eq!(named(&names, &key(Vec::new())), expected(&[]));
    assert_eq!(named(&names, &key(vec![1; 3])), expected(&["hash 0x010101"]));
    assert_eq!(named(&names, &child_prefix(&[0; 31])), None);
    assert_eq!(names.child_id(&child_prefix(&ids[2])), Some(ids[2]));
    assert_eq!(names.child_id(&CONTRACT_INFO_OF.key(&accounts[0])), None);

    // Whose it is stands in the records of contracts.
    let base = Memory::default();
    let mut overlay = Overlay::new(&base);
    for (account, id) in accounts.iter().zip(&ids) {
        let info = ContractInfo {
            trie_id: BoundedBytes(id.to_vec()),
            code_hash: H256([9; 32]),
            storage_bytes: 1,
            storage_items: 1,
            storage_byte_deposit: 1,
            storage_item_deposit: 1,
            storage_base_deposit: 1,
            delegate_dependencies: DelegateDependencies::default(),
        };
        CONTRACT_INFO_OF.put(&mut overlay, account, &info);
    }
    let wanted = BTreeSet::from([ids[1], ids[3], [0; 32]]);
    let address = |account: &AccountId| ss58::encode(ss58::GENERIC_PREFIX, &account.0);
    let all = BTreeMap::from([(ids[1], address(&accounts[1])), (ids[3], address(&accounts[3]))]);
    assert_eq!(names.contracts(&overlay, &wanted, 100).unwrap(), all);
    // No more are looked at than one may.
    assert!(names.contracts(&overlay, &wanted, 0).unwrap().is_empty());
    let found: Vec<usize> =
        (0..=5).map(|most| names.contracts(&overlay, &wanted, most).unwrap().len()).collect();
    assert!(found.is_sorted() && found[1] <= 1 && found[5] == 2, "{found:?}");
}

#[test]
fn a_runtime_without_metadata_has_keys_without_names() {
    let names = KeyNames::default();
    assert_eq!(named(&names, &NUMBER.key()), None);
}

/// One pallet with one map of these hashers and this key.
fn map_of(hashers: Vec<StorageHasher>, key: MetaType) -> KeyNames {
    let mut registry = Registry::new();
    let key = registry.register_type(&key);
    let value = registry.register_type(&MetaType::new::<u8>());
    let pallet = PalletMetadata {
        name: "Assets".into(),
        storage: Some(frame_metadata::v14::PalletStorageMetadata {
            prefix: "Other".into(),
            entries: vec![StorageEntryMetadata {
                name: "Account".into(),
                modifier: frame_metadata::v14::StorageEntryModifier::Optional,
                ty: StorageEntryType::Map { hashers, key, value },
                default: Vec::new(),
                docs: Vec::new(),
            }],
        }),
        calls: None,
        event: None,
        constants: Vec::new(),
        error: None,
        index: 0,
    };
    KeyNames::of(&[pallet], registry.into())
}

fn key_of(parts: &[&[u8]]) -> Vec<u8> {
    let mut key = [twox_128(b"Other"), twox_128(b"Account")].concat();
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

#[derive(TypeInfo)]
#[expect(dead_code, reason = "only its shape is looked at")]
struct AccountId32([u8; 32]);

#[derive(TypeInfo)]
#[expect(dead_code, reason = "only its shape is looked at")]
struct AssetId(u32);

#[test]
fn a_prefix_may_differ_from_the_pallets_name_and_keys_may_have_parts() {
    use StorageHasher::{Blake2_128Concat, Blake2_256, Twox64Concat};
    let names = map_of(vec![Twox64Concat, Blake2_128Concat], MetaType::new::<(AssetId, AccountId32)>());
    let (hash8, hash16) = ([1u8; 8], [2u8; 16]);
    let (asset, account) = (5u32.encode(), [0u8; 32]);
    let address = "5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM";
    let whole = key_of(&[&hash8, &asset, &hash16, &account]);
    assert_eq!(named(&names, &whole), expected("Assets", "Account", &["5", address]));
    assert_eq!(names.map_key(&key_of(&[&hash8, &asset])), ["5"], "all entries of an asset");
    assert_eq!(names.map_key(&key_of(&[&hash8, &asset, &hash16, &account[..3]])), ["5", "0x000000"]);

    let names = map_of(vec![Blake2_256], MetaType::new::<u32>());
    assert_eq!(names.map_key(&key_of(&[&[9; 32]])), Vec::<String>::new(), "only a hash is left");

    let names = map_of(vec![StorageHasher::Identity], MetaType::new::<Vec<u8>>());
    let long = names.map_key(&key_of(&[&vec![7u8; 1000].encode()]));
    assert_eq!(long[0].chars().count(), PART_CHARS_MAX);
    assert!(long[0].ends_with('…'));

    let names = map_of(vec![StorageHasher::Identity], MetaType::new::<(u8, [u8; 4], bool)>());
    assert_eq!(names.map_key(&key_of(&[&[3, 1, 2, 3, 4, 1]])), ["(3, 0x01020304, true)"]);

    let names = map_of(vec![Twox64Concat, Twox64Concat], MetaType::new::<u32>());
    assert_eq!(names.map_key(&key_of(&[&hash8, &asset])), Vec::<String>::new(), "two hashers of one type");
}

proptest! {
    /// Keys come from transactions: whatever follows a known prefix, naming it neither panics nor grows.
    #[test]
    fn any_bytes_behind_a_prefix_are_named(rest: Vec<u8>, account: bool) {
        let names = names();
        let key = if account { ACCOUNT.key(&Default::default()).to_vec() } else { BLOCK_HASH.key(&0).to_vec() };
        let key = [&key[..PREFIX_BYTES], &rest].concat();
        prop_assert!(names.name(&key).is_some());
        let texts = names.map_key(&key);
        prop_assert!(texts.len() <= 1 && texts.iter().all(|text| text.chars().count() <= PART_CHARS_MAX));
    }
}
