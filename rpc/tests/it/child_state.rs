//! `childstate_*`, over sockets.

use basalt_primitives::hashing::blake2_256;
use serde_json::json;

use crate::{
    kit::{Kit, hex},
    toy::put,
};

/// The prefixed key of the child whose id is this byte, 32 times.
fn child(id: u8) -> Vec<u8> {
    [&b":child_storage:default:"[..], &[id; 32]].concat()
}

/// A key of the child in the state.
fn below(id: u8, key: &[u8]) -> Vec<u8> {
    [&child(id), key].concat()
}

#[tokio::test]
async fn a_childs_keys_and_values_are_read_at_any_block_and_nobody_elses() {
    let kit = Kit::new().await;
    let old = kit
        .next(&[
            put(0, &below(5, b"a"), Some(b"one")),
            put(1, &below(5, b"b1"), Some(b"two")),
            put(2, &below(5, b"b2"), Some(b"")),
            put(3, &below(4, b"a"), Some(b"before")),
            put(4, &below(6, b"a"), Some(b"after")),
        ])
        .hash;
    kit.next(&[put(5, &below(5, b"a"), None)]);
    let mut ws = kit.ws().await;
    let (five, at) = (hex(child(5)), hex(old));
    let [a, b, b1, b2] = [&b"a"[..], b"b", b"b1", b"b2"].map(hex);
    assert_eq!(ws.call("childstate_getKeys", json!([five, null, at])).await, json!([a, b1, b2]));
    assert_eq!(ws.call("childstate_getKeys", json!([five, "0x"])).await, json!([b1, b2]));
    for method in ["childstate_getKeysPaged", "childstate_getKeysPagedAt"] {
        assert_eq!(ws.call(method, json!([five, null, 2, null, at])).await, json!([a, b1]));
        assert_eq!(ws.call(method, json!([five, null, 2, b1, at])).await, json!([b2]));
        assert_eq!(ws.call(method, json!([five, b, 1000, b])).await, json!([b1, b2]));
        assert_eq!(ws.call(method, json!([five, null, 0])).await, json!([]));
        assert_eq!(ws.fail(method, json!([five, null, 1001])).await["code"], 4002);
    }
    assert_eq!(ws.call("childstate_getStorage", json!([five, a, at])).await, hex(b"one"));
    assert_eq!(ws.call("childstate_getStorage", json!([five, a])).await, json!(null));
    assert_eq!(ws.call("childstate_getStorage", json!([five, b2])).await, "0x");
    let entries = json!([hex(b"two"), null, "0x"]);
    assert_eq!(ws.call("childstate_getStorageEntries", json!([five, [b1, a, b2]])).await, entries);
    assert_eq!(ws.call("childstate_getStorageHash", json!([five, b1])).await, hex(blake2_256(b"two")));
    assert_eq!(ws.call("childstate_getStorageSize", json!([five, b1])).await, 3);
    assert_eq!(ws.call("childstate_getStorageSize", json!([five, a])).await, json!(null));
}

#[tokio::test]
async fn what_names_no_child_is_empty_or_refused() {
    let kit = Kit::new().await;
    kit.next(&[put(0, &below(5, b"a"), Some(b"one"))]);
    let mut ws = kit.ws().await;
    // Keys of other children begin with these.
    for length in [0, 31, 33] {
        let short = hex([&b":child_storage:default:"[..], &vec![5; length]].concat());
        assert_eq!(ws.call("childstate_getKeys", json!([short])).await, json!([]), "{length}");
        assert_eq!(ws.call("childstate_getKeysPaged", json!([short, null, 10])).await, json!([]));
        assert_eq!(ws.call("childstate_getStorage", json!([short, hex(b"a")])).await, json!(null));
        assert_eq!(ws.call("childstate_getStorageEntries", json!([short, ["0x61"]])).await, json!([null]));
    }
    for wrong in ["0x", "0x05", &hex(b":child_storage:other:")] {
        let error = ws.fail("childstate_getStorage", json!([wrong, "0x61"])).await;
        assert_eq!(error["code"], 4003);
        assert_eq!(error["message"], "Client error: Invalid child storage key");
        assert!(error["data"].as_str().unwrap().contains(":child_storage:default:"));
    }
    let unknown = hex([7; 32]);
    let error = ws.fail("childstate_getStorage", json!([hex(child(5)), "0x61", unknown])).await;
    assert_eq!(error["code"], 4003);
}
