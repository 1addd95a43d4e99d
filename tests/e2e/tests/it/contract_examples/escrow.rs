//! A payment that waits for the goods.

use basalt_runtime::UNIT;
use serde_json::json;

use crate::chain::{Chain, account, address, amount, bundle, events};

#[test]
fn an_escrow_pays_the_seller_or_back_and_nobody_twice() {
    let chain = Chain::start();
    let escrow = &chain.instantiate(&[&bundle("escrow.contract")]);
    // //Bob buys from //Charlie, and //Dave decides if they do not agree.
    let open = |blocks: &str, value: &str| {
        chain.call("//Bob", &[escrow, "open", "//Charlie", "//Dave", blocks, "--value", value])
    };
    chain.refuses("//Bob", &[escrow, "open", "//Charlie", "//Dave", "9"], "NothingPaid");
    chain.refuses("//Bob", &[escrow, "open", "//Bob", "//Dave", "9", "--value", "5"], "NotThreeParties");
    let opened = open("1000", "5");
    assert_eq!(opened["returned"], json!({ "Ok": 0 }));
    let deal = json!({
        "id": 0, "buyer": address("//Bob"), "seller": address("//Charlie"), "amount": (5 * UNIT).to_string(),
    });
    assert_eq!(events(&opened), [("Opened", &deal)]);
    assert!(chain.query(&[escrow, "deal", "0"]).contains("amount: 5000000000000"));

    // Neither may take it: the seller who waits for the money, the buyer before the deadline, a stranger.
    chain.refuses("//Charlie", &[escrow, "release", "0"], "NotAllowed");
    chain.refuses("//Bob", &[escrow, "refund", "0"], "NotAllowed");
    chain.refuses("//Eve", &[escrow, "release", "0"], "NotAllowed");
    chain.refuses("//Bob", &[escrow, "release", "1"], "DealNotFound");
    let before = chain.free(account("//Charlie"));
    let released = chain.call("//Bob", &[escrow, "release", "0"]);
    let settled = json!({ "id": 0, "to": address("//Charlie"), "amount": (5 * UNIT).to_string() });
    assert_eq!(events(&released), [("Settled", &settled)]);
    assert_eq!(chain.free(account("//Charlie")), before + 5 * UNIT);
    // The deal is gone, and so is the deposit for it; its part of all deposits is rounded down, bytes and items apart.
    let kept = amount(&opened, "deposit") - amount(&released, "depositReturned");
    assert!(kept <= 2, "{kept} of the deposit did not come back");
    chain.refuses("//Bob", &[escrow, "release", "0"], "DealNotFound");
    chain.refuses("//Charlie", &[escrow, "refund", "0"], "DealNotFound");

    // They do not agree: the arbiter gives it back.
    open("1000", "2");
    let before = chain.free(account("//Bob"));
    chain.call("//Dave", &[escrow, "refund", "1"]);
    assert_eq!(chain.free(account("//Bob")), before + 2 * UNIT);

    // The seller is never heard of again.
    let late = open("8", "3");
    let deadline = u32::try_from(late["block"]["number"].as_u64().unwrap() + 8).unwrap();
    chain.advance_to(deadline - 1);
    chain.refuses("//Bob", &[escrow, "refund", "2"], "NotAllowed");
    chain.advance_to(deadline);
    let before = chain.free(account("//Bob"));
    let back = chain.call("//Bob", &[escrow, "refund", "2"]);
    let returned = amount(&back, "depositReturned");
    assert_eq!(chain.free(account("//Bob")), before + 3 * UNIT + returned - amount(&back, "fee"));

    // Nothing is left but what keeps the contract alive.
    let storage = chain.succeeds(&["storage", escrow]);
    assert!(storage.contains("deals: 0 entries") && storage.contains("next: 3"), "{storage}");
    let balance = amount(&chain.json(&["info", escrow]), "balance");
    assert_eq!(balance, basalt_runtime::BALANCES.existential_deposit);
}

#[test]
fn an_escrow_keeps_a_payment_that_its_receiver_cannot_hold() {
    let chain = Chain::start();
    let escrow = &chain.instantiate(&[&bundle("escrow.contract")]);
    let open = [escrow, "open", "//Bob//new", "//Dave", "9", "--value", "1planck"];
    chain.call("//Bob", &open);
    chain.refuses("//Bob", &[escrow, "release", "0"], "TransferFailed");
    let before = chain.free(account("//Bob"));
    chain.call("//Dave", &[escrow, "refund", "0"]);
    assert_eq!(chain.free(account("//Bob")), before + 1);
}
