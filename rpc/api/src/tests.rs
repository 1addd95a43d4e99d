use basalt_primitives::H256;
use serde_json::{from_value, json, to_value};

use crate::{
    text::{Bytes, Hash, Number, OneOrMany},
    types::{
        ChainType, ExecutionConflictKind, ExecutionReport, InclusionFee, SignedBlock, TransactionStatus,
    },
};

#[test]
fn hex_is_read_with_and_without_prefix_and_written_with_it_in_lower_case() {
    for text in ["0x00ffAb", "00ffAB"] {
        let bytes: Bytes = from_value(json!(text)).unwrap();
        assert_eq!(bytes.0, [0, 0xff, 0xab]);
        assert_eq!(to_value(&bytes).unwrap(), json!("0x00ffab"));
    }
    for text in ["", "0x"] {
        assert_eq!(from_value::<Bytes>(json!(text)).unwrap(), Bytes(Vec::new()));
    }
    for wrong in [json!("0x0"), json!("xyz"), json!(5), json!(null), json!("0x0x00")] {
        assert!(from_value::<Bytes>(wrong.clone()).is_err(), "{wrong}");
    }
    let hash = Hash(H256([0xcd; 32]));
    let digits = "cd".repeat(32);
    assert_eq!(to_value(hash).unwrap(), json!(format!("0x{digits}")));
    assert_eq!(from_value::<Hash>(json!(digits)).unwrap(), hash);
    assert!(from_value::<Hash>(json!("0xcd")).is_err());
}

#[test]
fn a_complaint_about_hex_shows_only_the_head_of_the_text() {
    let error = from_value::<Bytes>(json!("zz".repeat(1000))).unwrap_err().to_string();
    assert!(error.contains("2000 characters") && error.len() < 120, "{error}");
}

#[test]
fn a_block_number_is_an_integer_or_hex_text_or_a_list_of_them() {
    let read = |value| from_value::<OneOrMany<Number>>(value).ok();
    assert_eq!(read(json!(26)), Some(OneOrMany::One(Number(26))));
    assert_eq!(read(json!("0x1a")), Some(OneOrMany::One(Number(26))));
    assert_eq!(read(json!([0, "0x1"])), Some(OneOrMany::Many(vec![Number(0), Number(1)])));
    assert_eq!(read(json!([])), Some(OneOrMany::Many(vec![])));
    for wrong in [json!(-1), json!("0xg"), json!("+1"), json!(1.5), json!("")] {
        assert_eq!(read(wrong.clone()), None, "{wrong}");
    }
}

#[test]
fn a_status_is_a_word_or_an_object_with_one_member() {
    let hash = Hash(H256([1; 32]));
    let text = format!("0x{}", "01".repeat(32));
    for (status, expected) in [
        (TransactionStatus::Future, json!("future")),
        (TransactionStatus::Ready, json!("ready")),
        (TransactionStatus::Broadcast(vec!["a".into()]), json!({"broadcast": ["a"]})),
        (TransactionStatus::InBlock(hash), json!({"inBlock": text})),
        (TransactionStatus::Retracted(hash), json!({"retracted": text})),
        (TransactionStatus::FinalityTimeout(hash), json!({"finalityTimeout": text})),
        (TransactionStatus::Finalized(hash), json!({"finalized": text})),
        (TransactionStatus::Usurped(hash), json!({"usurped": text})),
        (TransactionStatus::Dropped, json!("dropped")),
        (TransactionStatus::Invalid, json!("invalid")),
    ] {
        assert_eq!(to_value(&status).unwrap(), expected);
        assert_eq!(from_value::<TransactionStatus>(expected).unwrap(), status);
    }
}

#[test]
fn justifications_are_numbers_and_fee_parts_are_hex() {
    let block = SignedBlock { block: Default::default(), justifications: Some(vec![(*b"basl", vec![1, 2])]) };
    let value = to_value(&block).unwrap();
    assert_eq!(value["justifications"], json!([[[98, 97, 115, 108], [1, 2]]]));
    assert_eq!(value["block"]["header"]["number"], "0x0");
    let fee = InclusionFee { base_fee: 255.into(), len_fee: 0.into(), adjusted_weight_fee: u128::MAX.into() };
    assert_eq!(
        to_value(fee).unwrap(),
        json!({"baseFee": "0xff", "lenFee": "0x0", "adjustedWeightFee": "0xffffffffffffffffffffffffffffffff"})
    );
}

#[test]
fn a_chain_type_is_a_word_or_custom() {
    assert_eq!(to_value(ChainType::Development).unwrap(), json!("Development"));
    assert_eq!(to_value(ChainType::Custom("x".into())).unwrap(), json!({"Custom": "x"}));
}

#[test]
fn how_a_conflicting_key_was_read_is_a_word() {
    for (kind, expected) in [
        (ExecutionConflictKind::Value, "value"),
        (ExecutionConflictKind::Condition, "condition"),
        (ExecutionConflictKind::Range, "range"),
    ] {
        assert_eq!(to_value(kind).unwrap(), json!(expected));
    }
}

#[test]
fn the_report_in_the_documentation_is_one() {
    // Asked when it runs: clones share a target folder, so this test may have been built from another one.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where this crate is");
    let page = std::path::Path::new(&manifest).join("../../docs/execution-report.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("```json\n").expect("the page shows a report");
    let (shown, _) = rest.split_once("```").expect("code blocks end");
    let shown: serde_json::Value = serde_json::from_str(shown).unwrap();
    let report: ExecutionReport = from_value(shown.clone()).unwrap();
    // Nothing is missing on the page, and nothing there is ignored here.
    assert_eq!(to_value(report).unwrap(), shown);
}
