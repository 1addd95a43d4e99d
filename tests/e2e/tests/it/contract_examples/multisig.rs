//! Funds and calls that several owners agree on.

use basalt_runtime::UNIT;
use parity_scale_codec::Encode;
use serde_json::{Value, json};

use super::selector;
use crate::chain::{Chain, account, address, bundle, events};

const OWNERS: &str = "[//Alice, //Bob, //Charlie]";

fn instantiate(chain: &Chain) -> String {
    chain.instantiate(&[&bundle("multisig.contract"), "2", OWNERS, "--value", "10"])
}

#[test]
fn owners_pay_together_and_none_of_them_alone() {
    let chain = Chain::start();
    let contract = &bundle("multisig.contract");
    chain.refuses_new(&[contract, "4", OWNERS], "BadThreshold");
    chain.refuses_new(&[contract, "1", "[//Bob, //Bob]"], "BadOwners");
    let multisig = &instantiate(&chain);
    chain.call("//Dave", &[multisig, "deposit", "--value", "5"]);

    let pay = [multisig, "propose", "//Eve", "3UNIT", "0x"];
    chain.refuses("//Dave", &pay, "NotOwner");
    chain.refuses("//Alice", &[multisig, "propose", "//Eve", "0", "0x0102"], "BadInput");
    let proposed = chain.call("//Alice", &pay);
    assert_eq!(proposed["returned"], json!({ "Ok": 0 }));
    assert_eq!(events(&proposed), [("Proposed", &json!({ "id": 0, "by": address("//Alice") }))]);
    chain.refuses("//Alice", &[multisig, "execute", "0"], "TooFewConfirmations");
    // Twice the same owner is one.
    chain.call("//Alice", &[multisig, "confirm", "0", "true"]);
    chain.refuses("//Alice", &[multisig, "execute", "0"], "TooFewConfirmations");
    chain.refuses("//Dave", &[multisig, "confirm", "0", "true"], "NotOwner");
    chain.call("//Bob", &[multisig, "confirm", "0", "true"]);
    chain.call("//Bob", &[multisig, "confirm", "0", "false"]);
    chain.refuses("//Alice", &[multisig, "execute", "0"], "TooFewConfirmations");
    let confirmed = chain.call("//Charlie", &[multisig, "confirm", "0", "true"]);
    let expected = json!({ "id": 0, "by": address("//Charlie"), "agrees": true });
    assert_eq!(events(&confirmed), [("Confirmed", &expected)]);
    assert!(chain.query(&[multisig, "proposal", "0"]).contains("confirmations: 5"), "bits 0 and 2");

    let before = chain.free(account("//Eve"));
    let executed = chain.call("//Dave", &[multisig, "execute", "0"]);
    assert_eq!(events(&executed), [("Executed", &json!({ "id": 0 }))]);
    assert_eq!(chain.free(account("//Eve")), before + 3 * UNIT);
    chain.refuses("//Dave", &[multisig, "execute", "0"], "ProposalNotFound");

    // More than there is; and one that nobody is for any more.
    chain.call("//Alice", &[multisig, "propose", "//Eve", "13UNIT", "0x"]);
    chain.call("//Bob", &[multisig, "confirm", "1", "true"]);
    chain.refuses("//Alice", &[multisig, "execute", "1"], "CallFailed");
    for owner in ["//Alice", "//Bob"] {
        chain.call(owner, &[multisig, "confirm", "1", "false"]);
    }
    chain.refuses("//Bob", &[multisig, "confirm", "1", "true"], "ProposalNotFound");
    let storage = chain.succeeds(&["storage", multisig]);
    assert!(storage.contains("proposals: 0 entries") && storage.contains("owners: 3 entries"), "{storage}");
}

#[test]
fn owners_call_other_contracts_together() {
    let chain = Chain::start();
    let multisig = &instantiate(&chain);
    let token = &chain.instantiate(&[&bundle("token.contract"), "1_000"]);
    let flipper = &chain.instantiate(&[&bundle("flipper.contract"), "false"]);
    chain.call("//Alice", &[token, "transfer", multisig, "100"]);
    let propose = |to: &str, message: &str, arguments: Vec<u8>| {
        let input = const_hex::encode_prefixed([&selector(message)[..], &arguments].concat());
        let proposed = chain.call("//Alice", &[multisig, "propose", to, "0", &input]);
        let id = proposed["returned"]["Ok"].to_string();
        chain.call("//Bob", &[multisig, "confirm", &id, "true"]);
        id
    };

    let id = propose(token, "transfer", (account("//Eve"), 40u128).encode());
    let executed = chain.call("//Dave", &[multisig, "execute", &id]);
    assert_eq!(executed["returned"], json!({ "Ok": Value::Null }), "{executed}");
    let moved = json!({
        "from": { "Some": multisig }, "to": { "Some": address("//Eve") }, "value": "40",
    });
    assert_eq!(events(&executed), [("Executed", &json!({ "id": 0 })), ("Transfer", &moved)]);
    assert_eq!(executed["events"][1]["contract"], *token, "the token tells of the transfer");
    assert_eq!(chain.query(&[token, "balance_of", "//Eve"]), "40");
    assert_eq!(chain.query(&[token, "balance_of", multisig]), "60");

    // The token refuses: it is not done, and can be tried again.
    let id = propose(token, "transfer", (account("//Eve"), 61u128).encode());
    let refusal = chain.refusal(&["call", multisig, "execute", &id]);
    assert!(refusal.contains("the contract refused with"), "{refusal}");
    chain.call("//Alice", &[token, "transfer", multisig, "1"]);
    chain.call("//Dave", &[multisig, "execute", &id]);
    assert_eq!(chain.query(&[token, "balance_of", "//Eve"]), "101");

    // The flipper answers in place of the message, which is not what the metadata tells of.
    let id = propose(flipper, "flip", Vec::new());
    let executed = chain.succeeds(&["call", multisig, "execute", &id]);
    assert!(executed.contains("Returned: 0x00 (in a dry run just before)"), "{executed}");
    assert_eq!(chain.query(&[flipper, "get"]), "true");

    // Nor can it be made to call itself.
    let id = propose(multisig, "deposit", Vec::new());
    chain.would_fail("//Alice", &[multisig, "execute", &id], "Contracts.ReentranceDenied");
}
