//! What accounts say of themselves, and who confirms it.

use serde_json::json;

use crate::chain::{Chain, address, amount, bundle, events};

const NAME: &str = r#""email""#;
const OLD: &str = r#""bob@example.org""#;
const NEW: &str = r#""bob@example.com""#;

#[test]
fn claims_are_made_confirmed_changed_and_taken_back() {
    let chain = Chain::start();
    let identity = &chain.instantiate(&[&bundle("identity.contract")]);
    let hex = |text: &str| const_hex::encode_prefixed(text.trim_matches('"'));
    let [bob, charlie] = ["//Bob", "//Charlie"].map(address);
    let claimed = chain.call("//Bob", &[identity, "claim", NAME, OLD]);
    let expected = json!({ "subject": bob, "name": hex(NAME), "value": { "Some": hex(OLD) } });
    assert_eq!(events(&claimed), [("Claimed", &expected)]);
    assert_eq!(chain.query(&[identity, "claim_of", "//Bob", NAME]), format!("Some({})", hex(OLD)));
    chain.refuses("//Bob", &[identity, "claim", r#""""#, OLD], "BadName");
    let long = const_hex::encode_prefixed([7; 33]);
    chain.refuses("//Bob", &[identity, "claim", &long, OLD], "BadName");
    let longer = const_hex::encode_prefixed([7; 257]);
    chain.refuses("//Bob", &[identity, "claim", NAME, &longer], "ValueTooLong");

    // Others confirm what is said, as it is said.
    let is_attested =
        || chain.query(&[identity, "is_attested", "//Bob", NAME, "//Charlie"]).parse::<bool>().unwrap();
    chain.refuses("//Bob", &[identity, "attest", "//Bob", NAME, OLD], "OwnClaim");
    chain.refuses("//Charlie", &[identity, "attest", "//Bob", NAME, NEW], "ClaimChanged");
    chain.refuses("//Charlie", &[identity, "attest", "//Dave", NAME, OLD], "ClaimNotFound");
    chain.refuses("//Charlie", &[identity, "revoke", "//Bob", NAME], "NotAttested");
    assert!(!is_attested());
    let attested = chain.call("//Charlie", &[identity, "attest", "//Bob", NAME, OLD]);
    let expected = json!({ "subject": bob, "name": hex(NAME), "attester": charlie, "valid": true });
    assert_eq!(events(&attested), [("Attested", &expected)]);
    assert!(is_attested());

    // What changes is no longer confirmed; what changes back, is.
    chain.call("//Bob", &[identity, "claim", NAME, NEW]);
    assert!(!is_attested());
    assert_eq!(chain.query(&[identity, "count", "//Bob"]), "1");
    chain.call("//Bob", &[identity, "claim", NAME, OLD]);
    assert!(is_attested());
    let revoked = chain.call("//Charlie", &[identity, "revoke", "//Bob", NAME]);
    assert_eq!(events(&revoked)[0].1["valid"], false);
    assert!(!is_attested());

    let withdrawn = chain.call("//Bob", &[identity, "withdraw", NAME]);
    assert_eq!(events(&withdrawn)[0].1["value"], "None");
    assert!(amount(&withdrawn, "depositReturned") > 0);
    chain.refuses("//Bob", &[identity, "withdraw", NAME], "ClaimNotFound");
    let storage = chain.succeeds(&["storage", identity]);
    for part in ["counts: 0 entries", "claims: 0 entries", "attestations: 0 entries"] {
        assert!(storage.contains(part), "{part}: {storage}");
    }
}
