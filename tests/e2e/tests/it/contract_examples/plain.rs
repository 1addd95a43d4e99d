//! A contract without language and metadata: told of in a file of one's own, it is used as any other.

use serde_json::{Value, json};

use crate::chain::{Chain, bundle};

/// What `plain.wat` says in a comment, as clients read it.
fn metadata() -> Value {
    let function = |label: &str, selector: &str, mutates: bool, returns: u32| {
        json!({
            "label": label, "selector": selector, "args": [], "mutates": mutates, "returnType": { "type": returns },
        })
    };
    let result = |id: u32, ok: u32| {
        let variants = json!([
            { "name": "Ok", "index": 0, "fields": [{ "type": ok }] },
            { "name": "Err", "index": 1, "fields": [{ "type": 4 }] },
        ]);
        json!({ "id": id, "type": { "path": ["Result"], "def": { "variant": { "variants": variants } } } })
    };
    json!({
        "version": 5,
        "source": {},
        "contract": { "name": "plain" },
        "spec": {
            "constructors": [function("new", "0x00000000", true, 3)],
            "messages": [function("inc", "0x1d32619f", true, 3), function("get", "0x2f865bd9", false, 2)],
        },
        "storage": { "root": { "root_key": "0x00000000", "ty": 1, "layout": { "leaf": { "key": "0x00000000", "ty": 1 } } } },
        "types": [
            { "id": 0, "type": { "def": { "tuple": [] } } },
            { "id": 1, "type": { "def": { "primitive": "u32" } } },
            result(2, 1),
            result(3, 0),
            { "id": 4, "type": {
                "path": ["ink_primitives", "LangError"],
                "def": { "variant": { "variants": [{ "name": "CouldNotReadInput", "index": 1 }] } },
            } },
        ],
    })
}

#[test]
fn a_module_written_by_hand_is_uploaded_called_and_read() {
    let chain = Chain::start();
    let metadata = &chain.file("plain.json", metadata().to_string().as_bytes());
    let code = &chain.upload("//Alice", &bundle("plain.wasm"));
    let plain = &chain.instantiate(&["--code-hash", code, "--metadata", metadata]);
    let get = || chain.query(&[plain, "get", "--metadata", metadata]);
    assert_eq!(get(), "0");
    let called = chain.call("//Alice", &[plain, "inc", "--metadata", metadata]);
    assert_eq!(called["deposit"], "0", "its cell was there already: {called}");
    chain.call("//Bob", &[plain, "inc", "--metadata", metadata]);
    assert_eq!(get(), "2");
    assert_eq!(chain.succeeds(&["storage", plain, "--metadata", metadata]).trim(), "(root): 2");

    // Without metadata there are bytes.
    assert_eq!(chain.succeeds(&["storage", plain]).trim(), "0x00000000: 0x02000000");
    assert!(chain.succeeds(&["info", plain]).contains("Messages: not known without metadata"));
    let unknown = chain.refusal(&["call", plain, "inc"]);
    assert!(unknown.contains("no metadata is known for code"), "{unknown}");
    // What it does not understand, it says so.
    let flip = ["call", plain, "flip", "--metadata", &bundle("flipper.contract")];
    let refusal = chain.refusal(&flip);
    assert!(refusal.contains("did not understand the call (CouldNotReadInput)"), "{refusal}");
}
