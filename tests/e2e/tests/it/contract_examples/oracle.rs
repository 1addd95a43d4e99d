//! A hundred figures, and their sum.

use serde_json::json;

use crate::chain::{Chain, bundle};

#[test]
fn figures_are_set_by_anybody_and_added_up() {
    let chain = Chain::start();
    let oracle = &chain.instantiate(&[&bundle("oracle.contract")]);
    assert_eq!(chain.query(&[oracle, "sum"]), "0");
    let max = u64::MAX.to_string();
    chain.call("//Alice", &[oracle, "set", "0", &max]);
    chain.call("//Bob", &[oracle, "set", "99", &max]);
    chain.call("//Bob", &[oracle, "set", "50", "7"]);
    chain.refuses("//Bob", &[oracle, "set", "100", "1"], "NoSuchKey");
    assert_eq!(chain.query(&[oracle, "get", "99"]), max);
    assert_eq!(chain.query(&[oracle, "get", "100"]), "0", "a figure that cannot be set is zero");

    // The sum is kept when it is made, not before.
    assert_eq!(chain.query(&[oracle, "sum"]), "0");
    let sum = (u128::from(u64::MAX) * 2 + 7).to_string();
    assert_eq!(chain.call("//Charlie", &[oracle, "read_all"])["returned"], json!({ "Ok": sum }));
    assert_eq!(chain.query(&[oracle, "sum"]), sum);
    chain.call("//Bob", &[oracle, "set", "50", "0"]);
    assert_eq!(chain.query(&[oracle, "sum"]), sum);

    let storage = chain.succeeds(&["storage", oracle]);
    assert!(storage.contains("figures: 3 entries") && storage.contains(&format!("sum: {sum}")), "{storage}");
}
