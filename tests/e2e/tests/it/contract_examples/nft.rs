//! Numbered tokens.

use serde_json::json;

use crate::chain::{Chain, address, bundle, events};

#[test]
fn numbered_tokens_are_minted_moved_by_who_may_and_burned() {
    let chain = Chain::start();
    let nft = &chain.instantiate(&[&bundle("nft.contract")]);
    let [alice, bob, charlie] = ["//Alice", "//Bob", "//Charlie"].map(address);
    let minted = chain.call("//Alice", &[nft, "mint"]);
    assert_eq!(minted["returned"], json!({ "Ok": 0 }));
    let new = json!({ "from": "None", "to": { "Some": alice }, "id": 0 });
    assert_eq!(events(&minted), [("Transfer", &new)]);
    chain.call("//Alice", &[nft, "mint"]);
    assert_eq!(chain.call("//Bob", &[nft, "mint"])["returned"], json!({ "Ok": 2 }));

    // Only the owner gives a token away, and only one that exists.
    chain.refuses("//Bob", &[nft, "transfer", "//Bob", "0"], "NotOwner");
    chain.refuses("//Bob", &[nft, "transfer_from", "//Alice", "//Bob", "0"], "NotAllowed");
    chain.refuses("//Alice", &[nft, "transfer", "//Bob", "3"], "TokenNotFound");
    chain.refuses("//Bob", &[nft, "burn", "0"], "NotOwner");
    chain.refuses("//Bob", &[nft, "approve", "Some(//Bob)", "0"], "NotAllowed");

    // One who was approved for one token moves that one, once.
    let approved = chain.call("//Alice", &[nft, "approve", "Some(//Bob)", "0"]);
    let expected = json!({ "owner": alice, "to": { "Some": bob }, "id": 0 });
    assert_eq!(events(&approved), [("Approval", &expected)]);
    assert_eq!(chain.query(&[nft, "approved", "0"]), format!("Some({bob})"));
    chain.refuses("//Bob", &[nft, "transfer_from", "//Alice", "//Bob", "1"], "NotAllowed");
    let moved = chain.call("//Bob", &[nft, "transfer_from", "//Alice", "//Charlie", "0"]);
    let expected = json!({ "from": { "Some": alice }, "to": { "Some": charlie }, "id": 0 });
    assert_eq!(events(&moved), [("Transfer", &expected)]);
    assert_eq!(chain.query(&[nft, "owner_of", "0"]), format!("Some({charlie})"));
    assert_eq!(chain.query(&[nft, "approved", "0"]), "None");
    chain.refuses("//Bob", &[nft, "transfer_from", "//Charlie", "//Bob", "0"], "NotAllowed");

    // An operator moves all tokens of an owner until that ends.
    chain.call("//Alice", &[nft, "set_approval_for_all", "//Dave", "true"]);
    chain.call("//Dave", &[nft, "transfer_from", "//Alice", "//Dave", "1"]);
    let ended = chain.call("//Alice", &[nft, "set_approval_for_all", "//Dave", "false"]);
    let expected = json!({ "owner": alice, "operator": address("//Dave"), "approved": false });
    assert_eq!(events(&ended), [("ApprovalForAll", &expected)]);
    assert_eq!(chain.query(&[nft, "is_operator", "//Alice", "//Dave"]), "false");

    let burned = chain.call("//Charlie", &[nft, "burn", "0"]);
    let expected = json!({ "from": { "Some": charlie }, "to": "None", "id": 0 });
    assert_eq!(events(&burned), [("Transfer", &expected)]);
    assert_eq!(chain.query(&[nft, "owner_of", "0"]), "None");
    chain.refuses("//Charlie", &[nft, "burn", "0"], "TokenNotFound");
    // Numbers are not given twice, and who has none has no cell.
    let storage = chain.succeeds(&["storage", nft]);
    for part in ["next: 3", "owners: 2 entries", "counts: 2 entries", "approvals: 0", "operators: 0"] {
        assert!(storage.contains(part), "{part}: {storage}");
    }
}
