//! Everything clients see: paths, indexes, bytes, texts.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::fmt::Debug;

use parity_scale_codec::{Compact, Decode, DecodeAll, Encode, MaxEncodedLen};
use proptest::prelude::*;
use scale_info::{TypeDef, TypeInfo};
use serde_json::json;

use crate::{hashing::*, *};

fn path_of<T: TypeInfo>() -> String {
    T::type_info().path.segments.join("::")
}

/// Names and indexes of the variants.
fn variants_of<T: TypeInfo>() -> Vec<(&'static str, u8)> {
    match T::type_info().type_def {
        TypeDef::Variant(def) => def.variants.iter().map(|v| (v.name, v.index)).collect(),
        other => panic!("{} is no variant but {other:?}", path_of::<T>()),
    }
}

/// Names of the fields, empty for unnamed ones.
fn fields_of<T: TypeInfo>() -> Vec<&'static str> {
    match T::type_info().type_def {
        TypeDef::Composite(def) => def.fields.iter().map(|f| f.name.unwrap_or_default()).collect(),
        other => panic!("{} is no composite but {other:?}", path_of::<T>()),
    }
}

fn hex(text: &str) -> Vec<u8> {
    const_hex::decode(text).unwrap()
}

#[test]
fn type_paths_are_the_ones_that_clients_look_up() {
    let paths = [
        (path_of::<AccountId>(), "sp_core::crypto::AccountId32"),
        (path_of::<H256>(), "primitive_types::H256"),
        (path_of::<MultiAddress>(), "sp_runtime::multiaddress::MultiAddress"),
        (path_of::<MultiSignature>(), "sp_runtime::MultiSignature"),
        (path_of::<MultiSigner>(), "sp_runtime::MultiSigner"),
        (path_of::<Era>(), "sp_runtime::generic::era::Era"),
        (path_of::<Digest>(), "sp_runtime::generic::digest::Digest"),
        (path_of::<DigestItem>(), "sp_runtime::generic::digest::DigestItem"),
        (path_of::<Header>(), "sp_runtime::generic::header::Header"),
        (path_of::<Block>(), "sp_runtime::generic::block::Block"),
        (path_of::<OpaqueExtrinsic>(), "sp_runtime::OpaqueExtrinsic"),
        (path_of::<BlakeTwo256>(), "sp_runtime::traits::BlakeTwo256"),
        (path_of::<Weight>(), "sp_weights::weight_v2::Weight"),
        (path_of::<DispatchClass>(), "frame_support::dispatch::DispatchClass"),
        (path_of::<Pays>(), "frame_support::dispatch::Pays"),
        (path_of::<DispatchEventInfo>(), "frame_system::DispatchEventInfo"),
        (path_of::<DispatchError>(), "sp_runtime::DispatchError"),
        (path_of::<ModuleError>(), "sp_runtime::ModuleError"),
        (path_of::<TokenError>(), "sp_runtime::TokenError"),
        (path_of::<ArithmeticError>(), "sp_arithmetic::ArithmeticError"),
        (path_of::<TransactionalError>(), "sp_runtime::TransactionalError"),
        (path_of::<InvalidTransaction>(), "sp_runtime::transaction_validity::InvalidTransaction"),
        (path_of::<UnknownTransaction>(), "sp_runtime::transaction_validity::UnknownTransaction"),
        (path_of::<TransactionValidityError>(), "sp_runtime::transaction_validity::TransactionValidityError"),
        (path_of::<ValidTransaction>(), "sp_runtime::transaction_validity::ValidTransaction"),
        (path_of::<TransactionSource>(), "sp_runtime::transaction_validity::TransactionSource"),
        (path_of::<RuntimeVersion>(), "sp_version::RuntimeVersion"),
        (path_of::<FixedU128>(), "sp_arithmetic::fixed_point::FixedU128"),
        (path_of::<Perbill>(), "sp_arithmetic::per_things::Perbill"),
        (path_of::<Permill>(), "sp_arithmetic::per_things::Permill"),
    ];
    for (found, wanted) in paths {
        assert_eq!(found, wanted);
    }
}

#[test]
fn field_names_are_the_ones_that_clients_look_up() {
    assert_eq!(fields_of::<AccountId>(), [""]);
    assert_eq!(fields_of::<Header>(), ["parent_hash", "number", "state_root", "extrinsics_root", "digest"]);
    assert_eq!(fields_of::<Digest>(), ["logs"]);
    assert_eq!(fields_of::<Block>(), ["header", "extrinsics"]);
    assert_eq!(fields_of::<Weight>(), ["ref_time", "proof_size"]);
    assert_eq!(fields_of::<DispatchEventInfo>(), ["weight", "class", "pays_fee"]);
    assert_eq!(fields_of::<ModuleError>(), ["index", "error"]);
    assert_eq!(
        fields_of::<ValidTransaction>(),
        ["priority", "requires", "provides", "longevity", "propagate"]
    );
    assert_eq!(
        fields_of::<RuntimeVersion>(),
        [
            "spec_name",
            "impl_name",
            "authoring_version",
            "spec_version",
            "impl_version",
            "apis",
            "transaction_version",
            "system_version"
        ]
    );
}

/// Metadata and codec agree on each of these variants, and the names are all there are.
fn check_variants<T: TypeInfo + Encode>(wanted: &[(&'static str, u8, T)]) {
    let described: Vec<_> = wanted.iter().map(|(name, index, _)| (*name, *index)).collect();
    let mut found = variants_of::<T>();
    found.sort_by_key(|(_, index)| *index);
    assert_eq!(found, described, "{}", path_of::<T>());
    for (name, index, value) in wanted {
        assert_eq!(value.encode()[0], *index, "{}::{name}", path_of::<T>());
    }
}

#[test]
fn variant_indexes_agree_between_metadata_and_codec() {
    let (module, engine) = (ModuleError { index: 5, error: [2, 0, 0, 0] }, *b"test");
    check_variants(&[
        ("Other", 0, DispatchError::Other("not encoded")),
        ("CannotLookup", 1, DispatchError::CannotLookup),
        ("BadOrigin", 2, DispatchError::BadOrigin),
        ("Module", 3, module.into()),
        ("ConsumerRemaining", 4, DispatchError::ConsumerRemaining),
        ("NoProviders", 5, DispatchError::NoProviders),
        ("TooManyConsumers", 6, DispatchError::TooManyConsumers),
        ("Token", 7, TokenError::Frozen.into()),
        ("Arithmetic", 8, ArithmeticError::Overflow.into()),
        ("Transactional", 9, TransactionalError::NoLayer.into()),
        ("Exhausted", 10, DispatchError::Exhausted),
        ("Corruption", 11, DispatchError::Corruption),
        ("Unavailable", 12, DispatchError::Unavailable),
        ("RootNotAllowed", 13, DispatchError::RootNotAllowed),
    ]);
    check_variants(&[
        ("FundsUnavailable", 0, TokenError::FundsUnavailable),
        ("OnlyProvider", 1, TokenError::OnlyProvider),
        ("BelowMinimum", 2, TokenError::BelowMinimum),
        ("CannotCreate", 3, TokenError::CannotCreate),
        ("UnknownAsset", 4, TokenError::UnknownAsset),
        ("Frozen", 5, TokenError::Frozen),
        ("Unsupported", 6, TokenError::Unsupported),
        ("CannotCreateHold", 7, TokenError::CannotCreateHold),
        ("NotExpendable", 8, TokenError::NotExpendable),
        ("Blocked", 9, TokenError::Blocked),
    ]);
    check_variants(&[
        ("Underflow", 0, ArithmeticError::Underflow),
        ("Overflow", 1, ArithmeticError::Overflow),
        ("DivisionByZero", 2, ArithmeticError::DivisionByZero),
    ]);
    check_variants(&[
        ("LimitReached", 0, TransactionalError::LimitReached),
        ("NoLayer", 1, TransactionalError::NoLayer),
    ]);
    check_variants(&[
        ("Call", 0, InvalidTransaction::Call),
        ("Payment", 1, InvalidTransaction::Payment),
        ("Future", 2, InvalidTransaction::Future),
        ("Stale", 3, InvalidTransaction::Stale),
        ("BadProof", 4, InvalidTransaction::BadProof),
        ("AncientBirthBlock", 5, InvalidTransaction::AncientBirthBlock),
        ("ExhaustsResources", 6, InvalidTransaction::ExhaustsResources),
        ("Custom", 7, InvalidTransaction::Custom(9)),
        ("BadMandatory", 8, InvalidTransaction::BadMandatory),
        ("MandatoryValidation", 9, InvalidTransaction::MandatoryValidation),
        ("BadSigner", 10, InvalidTransaction::BadSigner),
        ("IndeterminateImplicit", 11, InvalidTransaction::IndeterminateImplicit),
        ("UnknownOrigin", 12, InvalidTransaction::UnknownOrigin),
    ]);
    check_variants(&[
        ("CannotLookup", 0, UnknownTransaction::CannotLookup),
        ("NoUnsignedValidator", 1, UnknownTransaction::NoUnsignedValidator),
        ("Custom", 2, UnknownTransaction::Custom(9)),
    ]);
    check_variants(&[
        ("Invalid", 0, TransactionValidityError::from(InvalidTransaction::Call)),
        ("Unknown", 1, UnknownTransaction::CannotLookup.into()),
    ]);
    check_variants(&[
        ("InBlock", 0, TransactionSource::InBlock),
        ("Local", 1, TransactionSource::Local),
        ("External", 2, TransactionSource::External),
    ]);
    check_variants(&[
        ("Normal", 0, DispatchClass::Normal),
        ("Operational", 1, DispatchClass::Operational),
        ("Mandatory", 2, DispatchClass::Mandatory),
    ]);
    check_variants(&[("Yes", 0, Pays::Yes), ("No", 1, Pays::No)]);
    check_variants(&[
        ("Other", 0, DigestItem::Other(vec![])),
        ("Consensus", 4, DigestItem::Consensus(engine, vec![])),
        ("Seal", 5, DigestItem::Seal(engine, vec![])),
        ("PreRuntime", 6, DigestItem::PreRuntime(engine, vec![])),
        ("RuntimeEnvironmentUpdated", 8, DigestItem::RuntimeEnvironmentUpdated),
    ]);
    check_variants(&[
        ("Id", 0, MultiAddress::Id(AccountId::default())),
        ("Index", 1, MultiAddress::Index),
        ("Raw", 2, MultiAddress::Raw(vec![])),
        ("Address32", 3, MultiAddress::Address32([0; 32])),
        ("Address20", 4, MultiAddress::Address20([0; 20])),
    ]);
    check_variants(&[
        ("Ed25519", 0, MultiSignature::Ed25519([0; 64])),
        ("Sr25519", 1, MultiSignature::Sr25519([0; 64])),
        ("Ecdsa", 2, MultiSignature::Ecdsa([0; 65])),
    ]);
    check_variants(&[
        ("Ed25519", 0, MultiSigner::Ed25519([0; 32])),
        ("Sr25519", 1, MultiSigner::Sr25519([0; 32])),
        ("Ecdsa", 2, MultiSigner::Ecdsa([0; 33])),
    ]);
}

#[test]
fn an_address_has_the_bytes_of_the_generic_one_with_a_unit_index() {
    assert_eq!(MultiAddress::Id(AccountId::from([7; 32])).encode(), [&[0][..], &[7; 32]].concat());
    assert_eq!(MultiAddress::Index.encode(), (1u8, Compact(())).encode());
    assert_eq!(MultiAddress::Raw(vec![9; 3]).encode(), [2, 12, 9, 9, 9]);
    let parameters: Vec<_> = MultiAddress::type_info().type_params.iter().map(|p| p.name).collect();
    assert_eq!(parameters, ["AccountId", "AccountIndex"]);
}

#[test]
fn the_text_of_another_error_is_not_encoded() {
    assert_eq!(DispatchError::Other("text").encode(), [0]);
    assert_eq!(DispatchError::decode(&mut &[0][..]).unwrap(), DispatchError::Other(""));
    let module = DispatchError::from(ModuleError { index: 5, error: [2, 0, 0, 0] });
    assert_eq!(module.encode(), [3, 5, 2, 0, 0, 0]);
    assert_eq!(DispatchError::from(TokenError::Frozen).encode(), [7, 5]);
}

#[test]
fn validity_errors_have_the_texts_that_wallets_search_for() {
    use InvalidTransaction::*;
    for (error, text) in [
        (Stale, "Transaction is outdated"),
        (Payment, "Inability to pay some fees (e.g. account balance too low)"),
        (Future, "Transaction will be valid in the future"),
        (BadProof, "Transaction has a bad signature"),
        (AncientBirthBlock, "Transaction has an ancient birth block"),
        (ExhaustsResources, "Transaction would exhaust the block limits"),
        (Call, "Transaction call is not expected"),
        (BadSigner, "Invalid signing address"),
        (Custom(7), "Custom error: 7"),
    ] {
        assert_eq!(TransactionValidityError::from(error).to_string(), text);
    }
}

#[test]
fn hashes_match_published_vectors() {
    assert_eq!(
        const_hex::encode(blake2_512(b"")),
        "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419\
         d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce"
    );
    assert_eq!(
        const_hex::encode(blake2_256(b"")),
        "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"
    );
    assert_eq!(const_hex::encode(blake2_128(b"")), "cae66941d9efbd404e4d88758ea67670");
    assert_eq!(const_hex::encode(twox_64(b"")), "99e9d85137db46ef");
    assert_eq!(const_hex::encode(twox_128(b"System")), "26aa394eea5630e07c48ae0c9558cef7");
    assert_eq!(const_hex::encode(twox_128(b"Account")), "b99d880ec681799c0cf30e8886371da9");
    assert_eq!(
        const_hex::encode(twox_256(b"abc")),
        "990977adf52cbc440889329981caa9bef7da5770b2b8a05303b75d95360dd62b"
    );
    assert_eq!(const_hex::encode(api_id("Core")), "df6acb689907609b");
    assert_eq!(const_hex::encode(api_id("Metadata")), "37e397fc7c91f5e4");
}

/// The genesis headers of Polkadot and Kusama: state root and hash.
#[test]
fn known_genesis_headers_have_their_known_hashes() {
    let empty_root =
        H256::from_slice(&hex("03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"));
    for (state_root, hash) in [
        (
            "29d0d972cd27cbc511e9589fcb7a4506d5eb6a9e8df205f00472e5ab354a4e17",
            "91b171bb158e2d3848fa23a9f1c25182fb8e20313b2c1eb49219da7a70ce90c3",
        ),
        (
            "b0006203c3a6e6bd2c6a17b1d4ae8ca49a31da0f4579da950b127774b44aef6b",
            "b0a8d493285c2df73290dfb7e61f870f17b41801197a149ca93654499ea3dafe",
        ),
    ] {
        let header = Header {
            state_root: H256::from_slice(&hex(state_root)),
            extrinsics_root: empty_root,
            ..Header::default()
        };
        assert_eq!(const_hex::encode(header.hash()), hash);
    }
}

#[test]
fn a_header_is_encoded_field_by_field_with_a_compact_number() {
    let header = Header {
        parent_hash: H256([1; 32]),
        number: 100,
        state_root: H256([2; 32]),
        extrinsics_root: H256([3; 32]),
        digest: Digest { logs: vec![DigestItem::Seal(*b"inst", vec![9])] },
    };
    let mut bytes = [1; 32].to_vec();
    bytes.extend([0x91, 0x01]);
    bytes.extend([2; 32]);
    bytes.extend([3; 32]);
    bytes.extend(b"\x04\x05inst\x04\x09");
    assert_eq!(header.encode(), bytes);
}

#[test]
fn header_json_is_what_clients_read() {
    let header = Header {
        parent_hash: H256([0x11; 32]),
        number: 26,
        state_root: H256::zero(),
        extrinsics_root: H256([0xff; 32]),
        digest: Digest {
            logs: vec![
                DigestItem::PreRuntime(*b"aura", vec![1, 2]),
                DigestItem::RuntimeEnvironmentUpdated,
                DigestItem::Other(vec![3]),
            ],
        },
    };
    let json = json!({
        "parentHash": format!("0x{}", "11".repeat(32)),
        "number": "0x1a",
        "stateRoot": format!("0x{}", "00".repeat(32)),
        "extrinsicsRoot": format!("0x{}", "ff".repeat(32)),
        "digest": {"logs": ["0x0661757261080102", "0x08", "0x000403"]},
    });
    assert_eq!(serde_json::to_value(&header).unwrap(), json);
    assert_eq!(serde_json::from_value::<Header>(json.clone()).unwrap(), header);

    let mut with_number = json.clone();
    with_number["number"] = json!(26);
    assert_eq!(serde_json::from_value::<Header>(with_number).unwrap(), header);

    for (member, wrong) in [
        ("number", json!("0x1ffffffff")),
        ("number", json!("0xzz")),
        ("parentHash", json!("0x11")),
        ("digest", json!({"logs": ["0x0800"]})),
        ("digest", json!({"logs": ["0x07"]})),
    ] {
        let mut bad = json.clone();
        bad[member] = wrong.clone();
        assert!(serde_json::from_value::<Header>(bad).is_err(), "{member}: {wrong}");
    }
}

#[test]
fn an_opaque_extrinsic_carries_its_length_on_the_wire_and_in_its_hash() {
    let extrinsic = OpaqueExtrinsic(vec![4, 2, 0, 0]);
    assert_eq!(extrinsic.encode(), [16, 4, 2, 0, 0]);
    assert_eq!(extrinsic.hash().0, blake2_256(&[16, 4, 2, 0, 0]));
    assert_eq!(serde_json::to_value(&extrinsic).unwrap(), json!("0x1004020000"));
    assert_eq!(serde_json::from_value::<OpaqueExtrinsic>(json!("0x1004020000")).unwrap(), extrinsic);
    for wrong in [&[16, 4, 2, 0][..], &[16, 4, 2, 0, 0, 0], &[]] {
        assert!(OpaqueExtrinsic::from_encoded(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn runtime_version_has_the_scale_and_json_that_clients_read() {
    let version = RuntimeVersion {
        spec_name: "basalt".into(),
        impl_name: "b".into(),
        authoring_version: 1,
        spec_version: 258,
        impl_version: 0,
        apis: vec![(api_id("Core"), 5)],
        transaction_version: 1,
        system_version: 1,
    };
    let mut bytes = b"\x18basalt\x04b".to_vec();
    bytes.extend([1, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 4]);
    bytes.extend(hex("df6acb689907609b"));
    bytes.extend([5, 0, 0, 0, 1, 0, 0, 0, 1]);
    assert_eq!(version.encode(), bytes);
    assert_eq!(version.api_version(&api_id("Core")), Some(5));
    assert_eq!(version.api_version(&api_id("Metadata")), None);

    let json = json!({
        "specName": "basalt",
        "implName": "b",
        "authoringVersion": 1,
        "specVersion": 258,
        "implVersion": 0,
        "apis": [["0xdf6acb689907609b", 5]],
        "transactionVersion": 1,
        "systemVersion": 1,
        "stateVersion": 1,
    });
    assert_eq!(serde_json::to_value(&version).unwrap(), json);
    assert_eq!(serde_json::from_value::<RuntimeVersion>(json.clone()).unwrap(), version);
    let mut short_id = json;
    short_id["apis"] = json!([["0xdf", 5]]);
    assert!(serde_json::from_value::<RuntimeVersion>(short_id).is_err());
}

#[test]
fn weights_compare_and_calculate_part_by_part() {
    let weight = Weight::new(3, 5);
    assert_eq!(weight.encode(), [12, 20]);
    assert_eq!(weight.checked_add(&Weight::new(1, 2)), Some(Weight::new(4, 7)));
    assert_eq!(weight.checked_add(&Weight::new(0, u64::MAX)), None);
    assert_eq!(weight.checked_sub(&Weight::new(3, 6)), None);
    assert_eq!(weight.checked_sub(&Weight::new(3, 5)), Some(Weight::zero()));
    assert_eq!(weight.checked_mul(u64::MAX), None);
    assert_eq!(weight.saturating_add(Weight::new(u64::MAX, 1)), Weight::new(u64::MAX, 6));
    assert_eq!(weight.saturating_sub(Weight::new(4, 1)), Weight::new(0, 4));
    assert_eq!(weight.saturating_mul(2), Weight::new(6, 10));
    assert_eq!(weight.max(Weight::new(4, 1)), Weight::new(4, 5));
    assert_eq!(weight.min(Weight::new(4, 1)), Weight::new(3, 1));
    assert!(weight.any_gt(Weight::new(9, 4)));
    assert!(!weight.any_gt(weight));
    assert!(weight.all_lte(weight));
    assert!(!weight.all_lte(Weight::new(2, 9)));
    assert_eq!(serde_json::to_value(weight).unwrap(), json!({"ref_time": 3, "proof_size": 5}));
    assert_eq!(serde_json::to_value(DispatchClass::Operational).unwrap(), json!("operational"));
}

#[test]
fn fixed_point_numbers_round_down_and_saturate() {
    let half = FixedU128::from_rational(1, 2);
    assert_eq!(half.into_inner(), FixedU128::DIV / 2);
    assert_eq!(half.saturating_mul_int(7), 3);
    assert_eq!(half.saturating_mul_int(u128::MAX), u128::MAX / 2);
    assert_eq!(FixedU128::from_rational(2, 3).to_string(), "0.666666666666666666");
    assert_eq!(half.checked_mul(half), Some(FixedU128::from_rational(1, 4)));
    assert_eq!(half.checked_div(FixedU128::zero()), None);
    assert_eq!(FixedU128::one().checked_div(half), Some(FixedU128::saturating_from_integer(2)));
    assert_eq!(FixedU128::checked_from_rational(1, 0), None);
    assert_eq!(FixedU128::from_rational(u128::MAX, 1), FixedU128::MAX);
    assert_eq!(FixedU128::MAX.checked_mul_int(FixedU128::DIV + 1), None);
    assert_eq!(FixedU128::MAX.saturating_mul(FixedU128::MAX), FixedU128::MAX);
    assert_eq!(FixedU128::MAX.checked_mul(FixedU128::one()), Some(FixedU128::MAX));
    assert_eq!(half.checked_sub(FixedU128::one()), None);
    assert_eq!(half.saturating_sub(FixedU128::one()), FixedU128::zero());
    assert_eq!(FixedU128::MAX.checked_add(half), None);
    assert_eq!(FixedU128::MAX.saturating_add(half), FixedU128::MAX);
    assert_eq!(FixedU128::one().encode(), FixedU128::DIV.encode());
}

#[test]
fn shares_round_down_and_never_exceed_the_whole() {
    assert_eq!(Perbill::from_percent(75).deconstruct(), 750_000_000);
    assert_eq!(Perbill::from_percent(101), Perbill::from_parts(u32::MAX));
    assert_eq!(Perbill::from_percent(75).mul_floor(10), 7);
    assert_eq!(Perbill::from_percent(100).mul_floor(u128::MAX), u128::MAX);
    assert_eq!(Permill::from_percent(50).mul_floor(u128::MAX), u128::MAX / 2);
    assert_eq!(Permill::decode(&mut &[0xff; 4][..]).unwrap().mul_floor(11), 11);
}

#[test]
fn accounts_show_as_ss58_and_read_both_ways() {
    let hex = "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
    let ss58 = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    let alice: AccountId = hex.parse().unwrap();
    assert_eq!(alice.to_string(), ss58);
    assert_eq!(format!("{alice:?}"), "5GrwvaEF…");
    assert_eq!(ss58.parse(), Ok(alice));
    assert_eq!(serde_json::to_value(alice).unwrap(), json!(ss58));
    assert_eq!(serde_json::from_value::<AccountId>(json!(ss58)).unwrap(), alice);
    assert_eq!("0x12".parse::<AccountId>(), Err(Ss58Error::NotAnAccount { length: 1 }));
    assert_eq!("0xzz".parse::<AccountId>(), Err(Ss58Error::NotHex));
}

/// Decoding never panics, and what decodes encodes to the bytes that were read.
fn check_decoder<T: Decode + Encode>(bytes: &[u8]) {
    let mut rest = bytes;
    if let Ok(value) = T::decode(&mut rest) {
        assert_eq!(value.encode(), bytes[..bytes.len() - rest.len()]);
    }
}

fn check_round_trip<T: Decode + Encode + PartialEq + Debug>(value: T) {
    let bytes = value.encode();
    assert_eq!(T::decode_all(&mut bytes.as_slice()).unwrap(), value);
}

fn digest_items() -> impl Strategy<Value = DigestItem> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..80);
    prop_oneof![
        (any::<EngineId>(), bytes()).prop_map(|(engine, bytes)| DigestItem::PreRuntime(engine, bytes)),
        (any::<EngineId>(), bytes()).prop_map(|(engine, bytes)| DigestItem::Consensus(engine, bytes)),
        (any::<EngineId>(), bytes()).prop_map(|(engine, bytes)| DigestItem::Seal(engine, bytes)),
        bytes().prop_map(DigestItem::Other),
        Just(DigestItem::RuntimeEnvironmentUpdated),
    ]
}

fn headers() -> impl Strategy<Value = Header> {
    (any::<[[u8; 32]; 3]>(), any::<u32>(), prop::collection::vec(digest_items(), 0..4)).prop_map(
        |([parent, state, extrinsics], number, logs)| Header {
            parent_hash: H256(parent),
            number,
            state_root: H256(state),
            extrinsics_root: H256(extrinsics),
            digest: Digest { logs },
        },
    )
}

proptest! {
    #[test]
    fn no_decoder_panics_or_reads_two_encodings_of_one_value(
        head in any::<u8>(),
        tail in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        // A small first byte, so that enums get past their variant.
        for bytes in [[&[head][..], &tail].concat(), [&[head % 16][..], &tail].concat()] {
            check_decoder::<AccountId>(&bytes);
            check_decoder::<MultiAddress>(&bytes);
            check_decoder::<MultiSignature>(&bytes);
            check_decoder::<MultiSigner>(&bytes);
            check_decoder::<Digest>(&bytes);
            check_decoder::<DigestItem>(&bytes);
            check_decoder::<Header>(&bytes);
            check_decoder::<Block>(&bytes);
            check_decoder::<OpaqueExtrinsic>(&bytes);
            check_decoder::<Era>(&bytes);
            check_decoder::<Extra>(&bytes);
            check_decoder::<Additional>(&bytes);
            check_decoder::<Weight>(&bytes);
            check_decoder::<DispatchEventInfo>(&bytes);
            check_decoder::<DispatchError>(&bytes);
            check_decoder::<TransactionValidityError>(&bytes);
            check_decoder::<ValidTransaction>(&bytes);
            check_decoder::<TransactionSource>(&bytes);
            check_decoder::<FixedU128>(&bytes);
            check_decoder::<Perbill>(&bytes);
            // A text must be UTF-8, so few of these get far; none may panic.
            check_decoder::<RuntimeVersion>(&bytes);
        }
    }

    #[test]
    fn headers_and_blocks_survive_scale_and_json(header in headers(), bytes in any::<Vec<u8>>()) {
        let json = serde_json::to_string(&header).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Header>(&json).unwrap(), &header);
        check_round_trip(header.clone());
        let block = Block { header, extrinsics: vec![OpaqueExtrinsic(bytes), OpaqueExtrinsic::default()] };
        let json = serde_json::to_string(&block).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Block>(&json).unwrap(), &block);
        check_round_trip(block);
    }

    #[test]
    fn fixed_point_products_equal_long_multiplication(a in any::<u128>(), b in any::<u128>()) {
        let product = U256::from(a) * U256::from(b) / U256::from(FixedU128::DIV);
        let wanted = u128::try_from(product).ok();
        prop_assert_eq!(FixedU128::from_inner(a).checked_mul_int(b), wanted);
        let small = b % FixedU128::DIV;
        let product = U256::from(a) * U256::from(small) / U256::from(FixedU128::DIV);
        prop_assert_eq!(FixedU128::from_inner(small).checked_mul_int(a), u128::try_from(product).ok());
    }

    #[test]
    fn shares_equal_long_multiplication(parts in 0..=Perbill::ACCURACY, amount in any::<u128>()) {
        let wanted = U256::from(amount) * U256::from(parts) / U256::from(Perbill::ACCURACY);
        prop_assert_eq!(U256::from(Perbill::from_parts(parts).mul_floor(amount)), wanted);
    }
}

#[test]
fn the_longest_encodings_are_known() {
    assert_eq!(AccountId::max_encoded_len(), 32);
    assert_eq!(Era::max_encoded_len(), 2);
    assert_eq!(Weight::max_encoded_len(), Weight::MAX.encode().len());
    assert_eq!(DispatchEventInfo::max_encoded_len(), 20);
    assert_eq!(DispatchError::max_encoded_len(), 6);
}
