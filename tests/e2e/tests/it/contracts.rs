//! `basalt contract` against a real node, with the contracts of `contracts/examples` as `make contracts` builds them.

use std::process::Command;

use basalt_e2e::binary;

use crate::chain::{Chain, account, bundle};

const BOB: &str = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

#[test]
fn a_token_is_deployed_called_and_read() {
    let chain = Chain::start();
    let token = chain.instantiate(&[&bundle("token.contract"), "1_000_000"]);
    assert_eq!(chain.query(&[&token, "total_supply"]), "1000000");

    let called = chain.json(&["call", &token, "transfer", "//Bob", "1_000"]);
    assert_eq!(called["success"], true, "{called}");
    assert_eq!(called["events"][0]["name"], "Transfer", "{called}");
    assert_eq!(called["events"][0]["fields"]["to"], serde_json::json!({ "Some": BOB }), "{called}");
    assert_eq!(called["events"][0]["fields"]["value"], "1000", "{called}");
    // A new entry of a mapping costs a deposit, and every transaction a fee.
    for amount in ["deposit", "fee"] {
        assert!(called[amount].as_str().is_some_and(|amount| amount != "0"), "{amount}: {called}");
    }
    assert_eq!(chain.query(&[&token, "balance_of", BOB]), "1000");
    assert_eq!(chain.query(&[&token, "balance_of", "//Alice"]), "999000");

    // The metadata was remembered, so that addresses are enough, and nothing is left out of the storage.
    let storage = chain.succeeds(&["storage", &token]);
    assert!(storage.contains("Token { total_supply: 1000000 }"), "{storage}");
    assert!(
        storage.contains("balances: 2 entries") && storage.contains(&format!("  {BOB}: 1000")),
        "{storage}"
    );
    let info = chain.json(&["info", &token]);
    assert_eq!(info["name"], "token");
    assert_eq!(info["code"]["contracts"], 1);
    assert_eq!(info["stored"]["items"], 3);
}

#[test]
fn what_would_fail_is_refused_with_a_reason_before_it_costs_anything() {
    let chain = Chain::start();
    let token = chain.instantiate(&[&bundle("token.contract"), "5"]);
    let refusal = chain.refusal(&["call", &token, "transfer", "//Bob", "6"]);
    assert!(refusal.starts_with("Error: `transfer` would fail: the contract refused with "), "{refusal}");
    assert!(refusal.ends_with("nothing was sent"), "{refusal}");

    let nobody = "5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM";
    for (arguments, expected) in [
        (&["call", &token, "total_supply"][..], "`total_supply` changes nothing"),
        (&["call", &token, "transfer", "//Bob"], "takes 2 arguments, got 1"),
        (&["call", &token, "transfer", "Bob", "1"], "argument 1 `to` of `transfer` must be an AccountId"),
        (&["call", &token, "transfer", "//Bob", "1", "--value", "1"], "`transfer` takes no tokens"),
        (&["call", &token, "transfr"], "has no message `transfr`; it has total_supply()"),
        (&["call", nobody, "transfer", "//Bob", "1"], "there is no contract at"),
        (&["query", &token, "balance_of", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ"], "mistyped"),
        (
            &["instantiate", &bundle("token.contract"), "-5"],
            "argument 1 `total_supply` of `new` must be a u128",
        ),
        (&["instantiate", "nothing.contract"], "nothing.contract cannot be read"),
        (&["instantiate", "1"], "build it first: `basalt contract build`"),
        (&["instantiate", &bundle("plain.wasm")], "without metadata"),
        (&["info", &token, "--url", "ws://127.0.0.1:1"], "start one with `basalt --dev`, or set --url"),
    ] {
        let refusal = chain.refusal(arguments);
        assert!(refusal.contains(expected), "{arguments:?}: {refusal}");
    }
    // All of that has cost nothing: this is only the second transaction of the sender.
    assert_eq!(chain.json(&["call", &token, "transfer", "//Bob", "5"])["nonce"], 1);
}

#[test]
fn code_is_uploaded_once_and_contracts_of_it_get_addresses_of_their_own() {
    let chain = Chain::start();
    let flipper = bundle("flipper.contract");
    let uploaded = chain.json(&["upload", &flipper]);
    let code_hash = uploaded["codeHash"].as_str().unwrap();
    assert_eq!(uploaded["success"], true, "{uploaded}");
    assert_eq!(chain.json(&["upload", &flipper])["status"], "known");

    // The same call twice, and by its hash.
    let first = chain.instantiate(&[&flipper, "true"]);
    let second = chain.instantiate(&[&flipper, "true"]);
    let third = chain.instantiate(&["--code-hash", code_hash, "--constructor", "default"]);
    assert!(first != second && second != third, "{first} {second} {third}");
    assert_eq!(chain.json(&["info", &first])["code"]["contracts"], 3);

    let called = chain.succeeds(&["call", &first, "flip"]);
    for line in
        [format!("Called flip of {first}"), "  Returned: ()".to_owned(), "  Deposit:  none".to_owned()]
    {
        assert!(called.contains(&line), "{line}: {called}");
    }
    assert_eq!(chain.query(&[&first, "get"]), "false");
    assert_eq!(chain.query(&[&second, "get"]), "true");
    assert_eq!(chain.query(&[&third, "get"]), "false");
}

#[test]
fn bytes_are_explained_without_a_node() {
    let home = tempfile::tempdir().unwrap();
    let decode = |arguments: &[&str]| {
        let token = bundle("token.contract");
        let output = Command::new(binary())
            .args(["contract", "decode"])
            .args(arguments)
            .args(["--metadata", &token])
            .env("XDG_DATA_HOME", home.path())
            .output()
            .unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap().trim_end().to_owned()
    };
    let bob = "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48";
    let call = format!("0x84a15da1{bob}05000000000000000000000000000000");
    assert_eq!(decode(&["call", &call]), format!("message transfer(to: {BOB}, value: 5)"));
    assert!(decode(&["call", "0x00000000"]).contains("has selector 0x00000000"));
    assert_eq!(decode(&["return", "total_supply", "0x0005000000000000000000000000000000"]), "value: 5");
    assert_eq!(decode(&["return", "transfer", "0x0101"]), "not understood: CouldNotReadInput");
    assert!(decode(&["return", "transfer", "0x00"]).contains("the data ends in the middle of"));
}

#[test]
fn code_is_removed_by_who_uploaded_it_when_nothing_needs_it() {
    let chain = Chain::start();
    let flipper = bundle("flipper.contract");
    let uploaded = chain.json(&["upload", &flipper, "--from", "//Bob"]);
    let code_hash = uploaded["codeHash"].as_str().unwrap();
    for (arguments, expected) in [
        (&["remove", &flipper][..], format!("was uploaded by {BOB}, who alone can remove it, not 5Grwva")),
        (&["remove", &bundle("token.contract")], "the chain has no code 0x".to_owned()),
        (&["remove", &bundle("plain.wasm")], "the chain has no code 0x".to_owned()),
        (&["remove", "nothing.contract"], "nothing.contract cannot be read".to_owned()),
        (&["remove"], "there is no .contract file in target/ink of this project".to_owned()),
    ] {
        let refusal = chain.refusal(arguments);
        assert!(refusal.contains(&expected), "{arguments:?}: {refusal}");
    }
    let before = chain.free(account("//Bob"));
    let (exit, notes) = chain.contract(&["remove", code_hash, "--from", "//Bob"]);
    assert_eq!(exit.code, Some(0), "{notes}");
    let deposit = chain.free(account("//Bob")) - before;
    assert_eq!(deposit.to_string(), uploaded["deposit"], "all of it came back, and there was no fee");
    assert!(notes.contains("Removing code of 1453 bytes, for which a deposit of "), "{notes}");
    for line in [&format!("Removed code {code_hash}\n"), "\n  Fee:      0 UNIT\n", " came back\n"] {
        assert!(exit.output.contains(line), "{line}: {}", exit.output);
    }
    assert!(chain.refusal(&["remove", code_hash, "--from", "//Bob"]).contains("or removed already"));

    // Whoever uploads it now owns it.
    chain.instantiate(&[&flipper, "true"]);
    let refusal = chain.refusal(&["remove", &flipper]);
    assert!(refusal.contains("is in use by 1 contract: it can be removed when"), "{refusal}");
}
