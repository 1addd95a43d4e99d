//! One address before code that is replaced.

use serde_json::{Value, json};

use crate::chain::{Chain, address, amount, bundle, events};

#[test]
fn state_survives_when_a_proxy_gets_other_code() {
    let chain = Chain::start();
    let (v1, v2) = (&bundle("counter_v1.contract"), &bundle("counter_v2.contract"));
    let nothing = chain.refusal(&["instantiate", &bundle("proxy.contract"), &format!("0x{:064x}", 7)]);
    assert!(nothing.contains("Contracts.CodeNotFound"), "{nothing}");
    let first = &chain.upload("//Bob", v1);
    let second = &chain.upload("//Bob", v2);
    let proxy = &chain.instantiate(&[&bundle("proxy.contract"), first]);
    let get = || chain.query(&[proxy, "get", "--metadata", v2]);
    let version = || chain.query(&[proxy, "version", "--metadata", v2]);

    assert_eq!((get(), version()), ("0".to_owned(), "1".to_owned()));
    for from in ["//Bob", "//Charlie"] {
        chain.call(from, &[proxy, "inc", "--metadata", v1]);
    }
    assert_eq!(get(), "2");
    let unknown = chain.refusal(&["call", proxy, "inc_by", "5", "--metadata", v2]);
    assert!(unknown.contains("did not understand the call"), "{unknown}");
    // The code that it depends on stays, whoever uploaded it.
    let in_use = chain.refusal(&["remove", v1, "--from", "//Bob"]);
    assert!(in_use.contains("is in use by 1 contract:"), "{in_use}");

    let upgrade = &format!("Upgrade({second})");
    chain.refuses("//Bob", &[proxy, "order", upgrade], "NotAdmin");
    let missing = &format!("Upgrade(0x{:064x})", 7);
    chain.would_fail("//Alice", &[proxy, "order", missing], "Contracts.CodeNotFound");
    let upgraded = chain.call("//Alice", &[proxy, "order", upgrade]);
    assert_eq!(events(&upgraded), [("Ordered", &json!({ "order": { "Upgrade": second } }))]);
    assert_eq!((get(), version()), ("2".to_owned(), "2".to_owned()));
    chain.call("//Charlie", &[proxy, "inc_by", "5", "--metadata", v2]);
    assert_eq!(get(), "7");
    let info = chain.json(&["info", proxy]);
    assert_eq!(info["dependencies"], json!([second]));
    let removed = chain.json(&["remove", v1, "--from", "//Bob"]);
    assert!(amount(&removed, "depositReturned") > 0, "{removed}");

    // Another administrator, and then none for ever.
    chain.call("//Alice", &[proxy, "order", &format!("HandOver({})", address("//Dave"))]);
    chain.refuses("//Alice", &[proxy, "order", "Freeze"], "NotAdmin");
    assert_eq!(chain.call("//Dave", &[proxy, "order", "Freeze"])["returned"], json!({ "Ok": Value::Null }));
    chain.refuses("//Dave", &[proxy, "order", upgrade], "NotAdmin");
    assert_eq!(get(), "7");
    let storage = chain.succeeds(&["storage", proxy]);
    assert!(storage.contains("admin: None") && storage.contains(&format!("code: {second}")), "{storage}");
    assert!(
        storage.contains(": 0x07000000"),
        "the counter's cell, which the proxy knows nothing of: {storage}"
    );
}
