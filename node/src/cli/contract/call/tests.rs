//! What the answers of messages are taken for.

use std::path::PathBuf;

use basalt_pallet_contracts::types::{ReturnFlags, StorageDeposit};
use basalt_primitives::DispatchError;

use super::*;

/// A message that returns `Result<u8, bool>`, in a `Result` with what the language may report.
fn prepared() -> Prepared {
    let result = |id: u32, ok: u32, error: u32| {
        let variant = |name: &str, index: u8, ty: u32| json!({ "name": name, "index": index, "fields": [{ "type": ty }] });
        let variants = [variant("Ok", 0, ok), variant("Err", 1, error)];
        json!({ "id": id, "type": { "path": ["Result"], "def": { "variant": { "variants": variants } } } })
    };
    let primitive = |id: u32, name: &str| json!({ "id": id, "type": { "def": { "primitive": name } } });
    let message =
        json!({ "label": "ask", "selector": "0x00000000", "args": [], "returnType": { "type": 3 } });
    let file = json!({
        "version": 5,
        "source": {},
        "contract": { "name": "asked" },
        "spec": { "constructors": [], "messages": [message] },
        "storage": { "leaf": { "key": "0x00000000", "ty": 0 } },
        "types": [primitive(0, "u8"), primitive(1, "bool"), result(2, 0, 1), result(3, 2, 0)],
    });
    let metadata = Metadata::from_json(file.to_string().as_bytes()).unwrap();
    let message = metadata.message("ask").unwrap().clone();
    let found = Found { metadata, path: PathBuf::new() };
    Prepared { contract: AccountId::from([1; 32]), found, message, data: Vec::new(), value: 0 }
}

fn dry(flags: u32, data: &[u8]) -> DryRun<ExecReturnValue> {
    DryRun {
        gas_required: Weight::zero(),
        deposit: StorageDeposit::Charge(0),
        said: String::new(),
        result: Ok(ExecReturnValue { flags: ReturnFlags(flags), data: data.to_vec() }),
    }
}

#[test]
fn an_answer_that_is_passed_on_is_no_failure_unless_it_is_a_refusal() {
    let prepared = prepared();
    let answer = |flags, data: &[u8]| prepared.answer(&dry(flags, data), 42);
    let Ok(Answer::Value(value)) = answer(0, &[0, 0, 7]) else { panic!("a value") };
    assert_eq!(value.display(42).to_string(), "Ok(7)");
    // The shorter answer of another contract, and a longer one.
    for data in [&[0][..], &[0, 0, 7, 7]] {
        let Ok(Answer::Unread(why)) = answer(0, data) else { panic!("{data:?} is not of this message") };
        let bytes = const_hex::encode_prefixed(data);
        assert!(why.to_string().contains(&format!("`ask` returned, {bytes}, is not what")), "{why}");
        let Err(why) = answer(1, data) else { panic!("{data:?} came with a refusal") };
        assert!(why.contains(&bytes), "{why}");
    }
    for (flags, data, expected) in [
        (1, &[0, 1, 1][..], "the contract refused with true"),
        (1, &[0, 0, 7], "the contract refused with Ok(7)"),
        (1, &[1, 3], "the contract did not understand the call (3)"),
    ] {
        let Err(why) = answer(flags, data) else { panic!("{data:?} is a refusal") };
        assert!(why.starts_with(expected), "{why}, not {expected}");
    }
    let failed = DryRun { result: Err(DispatchError::BadOrigin), ..dry(0, &[]) };
    assert!(prepared.answer(&failed, 42).is_err());
}
