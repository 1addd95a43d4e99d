//! A pool of two tokens.

use serde_json::{Value, json};

use super::selector;
use crate::chain::{Chain, address, bundle, events};

/// Two tokens of which //Alice has everything, and an empty pool of them.
fn pool(chain: &Chain) -> [String; 3] {
    let token = bundle("token.contract");
    let [a, b] = ["1_000_000", "2_000_000"].map(|supply| chain.instantiate(&[&token, supply]));
    let amm = chain.instantiate(&[&bundle("amm.contract"), &a, &b]);
    [a, b, amm]
}

fn balance(chain: &Chain, token: &str, owner: &str) -> u128 {
    chain.query(&[token, "balance_of", owner]).parse().expect("a balance is a number")
}

#[test]
fn a_pool_is_filled_swapped_with_and_emptied() {
    let chain = Chain::start();
    let [a, b, amm] = &pool(&chain);
    chain.refuses_new(&[&bundle("amm.contract"), a, a], "UnknownToken");
    chain.refuses("//Alice", &[amm, "swap", a, "10", "0"], "InsufficientLiquidity");
    chain.refuses("//Alice", &[amm, "add_liquidity", "[1000, 1000]", "0"], "AmountTooSmall");

    // The pool takes what it was allowed to take, and no more.
    let fill = [amm, "add_liquidity", "[400_000, 100_000]", "199_000"];
    chain.refuses("//Alice", &fill, "TokenRefused");
    chain.call("//Alice", &[a, "approve", amm, "400_000"]);
    chain.refuses("//Alice", &fill, "TokenRefused");
    chain.call("//Alice", &[b, "approve", amm, "100_000"]);
    chain.refuses("//Alice", &[amm, "add_liquidity", "[400_000, 100_000]", "199_001"], "BelowMinimum");
    let filled = chain.call("//Alice", &fill);
    assert_eq!(filled["returned"], json!({ "Ok": "199000" }));
    let changed = json!({
        "by": address("//Alice"), "added": true, "amounts": ["400000", "100000"], "shares": "199000",
    });
    // Each token tells of its transfer; then the pool of the whole.
    let moved = |value: &str| json!({ "from": { "Some": address("//Alice") }, "to": { "Some": amm }, "value": value });
    let expected =
        [("Transfer", &moved("400000")), ("Transfer", &moved("100000")), ("LiquidityChanged", &changed)];
    assert_eq!(events(&filled), expected);
    let by: Vec<&Value> =
        filled["events"].as_array().unwrap().iter().map(|event| &event["contract"]).collect();
    assert_eq!(by, [a, b, amm]);
    assert_eq!([balance(&chain, a, amm), balance(&chain, b, amm)], [400_000, 100_000]);
    assert_eq!(chain.query(&[a, "allowance", "//Alice", amm]), "0", "all of it was used");

    // A swap pays what was quoted, and never less than was asked for.
    chain.call("//Alice", &[a, "transfer", "//Bob", "15_000"]);
    assert_eq!(chain.query(&[amm, "quote", a, "10_000"]), "Ok(2431)");
    chain.refuses("//Bob", &[amm, "swap", a, "10_000", "2_431"], "TokenRefused");
    chain.call("//Bob", &[a, "approve", amm, "20_000"]);
    chain.refuses("//Bob", &[amm, "swap", a, "10_000", "2_432"], "BelowMinimum");
    chain.refuses("//Bob", &[amm, "swap", amm, "10_000", "0"], "UnknownToken");
    chain.refuses("//Bob", &[amm, "swap", a, "16_000", "0"], "TokenRefused");
    let swapped = chain.call("//Bob", &[amm, "swap", a, "10_000", "2_431"]);
    let expected =
        json!({ "by": address("//Bob"), "token_in": a, "amount_in": "10000", "amount_out": "2431" });
    assert_eq!(events(&swapped)[2], ("Swapped", &expected));
    assert_eq!([balance(&chain, a, "//Bob"), balance(&chain, b, "//Bob")], [5_000, 2_431]);
    assert_eq!(chain.query(&[amm, "reserves"]), "[410000, 97569]");
    // What somebody pays in without a message is no reserve.
    chain.call("//Bob", &[b, "transfer", amm, "31"]);
    assert_eq!(chain.query(&[amm, "reserves"]), "[410000, 97569]");

    chain.refuses("//Bob", &[amm, "remove_liquidity", "1", "[0, 0]"], "InsufficientShares");
    let empty = |least| [amm, "remove_liquidity", "199_000", least];
    chain.refuses("//Alice", &empty("[407_951, 0]"), "BelowMinimum");
    let emptied = chain.call("//Alice", &empty("[407_950, 97_081]"));
    assert_eq!(emptied["returned"], json!({ "Ok": ["407950", "97081"] }));
    assert_eq!(balance(&chain, a, "//Alice"), 1_000_000 - 400_000 - 15_000 + 407_950);
    assert_eq!(balance(&chain, b, "//Alice"), 2_000_000 - 100_000 + 97_081);
    // The first provider's thousand shares stay, so that the pool never begins anew.
    assert_eq!(chain.query(&[amm, "total_shares"]), "1000");
    let storage = chain.succeeds(&["storage", amm]);
    assert!(storage.contains("shares: 0 entries"), "{storage}");
}

/// A token that, when it is to be moved to the pool, calls the pool; otherwise it agrees to everything.
fn treacherous_token() -> Vec<u8> {
    let little_endian = |message| u32::from_le_bytes(selector(message));
    let (transfer_from, total_shares) = (little_endian("transfer_from"), selector("total_shares"));
    let total_shares: String = total_shares.iter().map(|byte| format!("\\{byte:02x}")).collect();
    wat::parse_str(format!(
        r#"(module
            (import "env" "memory" (memory 1 1))
            (import "seal0" "input" (func $input (param i32 i32)))
            (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
            (import "seal1" "seal_call"
                (func $call (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
            ;; 0 the length of the input · 4 the input: selector, from, to, value · 128 no value · 144 what it calls
            ;; 148 room for the answer · 256 Ok(Ok(()))
            (data (i32.const 144) "{total_shares}\40\00\00\00")
            (func (export "deploy"))
            (func (export "call")
                (i32.store (i32.const 0) (i32.const 100))
                (call $input (i32.const 4) (i32.const 0))
                (if (i32.eq (i32.load (i32.const 4)) (i32.const {transfer_from}))
                  (then
                    (if (call $call (i32.const 0) (i32.const 40) (i64.const 0) (i32.const 128)
                            (i32.const 144) (i32.const 4) (i32.const 152) (i32.const 148))
                      (then unreachable))))
                (call $return (i32.const 0) (i32.const 256) (i32.const 2))))"#
    ))
    .expect("the module is one")
}

#[test]
fn a_token_that_calls_the_pool_back_moves_nothing() {
    let chain = Chain::start();
    let [_, b, _] = &pool(&chain);
    let module = chain.file("treacherous.wasm", &treacherous_token());
    let code = chain.upload("//Alice", &module);
    let token = bundle("token.contract");
    let evil = &chain.instantiate(&["--code-hash", &code, "--metadata", &token, "1"]);
    let amm = &chain.instantiate(&[&bundle("amm.contract"), evil, b]);
    chain.call("//Alice", &[b, "approve", amm, "2_000_000"]);

    chain.refuses("//Alice", &[amm, "add_liquidity", "[9_000, 9_000]", "0"], "TokenRefused");
    // Even if somebody sends it all the same: nothing is paid in, and there are no shares.
    let (exit, errors) =
        chain.contract(&["call", amm, "add_liquidity", "[9_000, 9_000]", "0", "--force", "--json"]);
    assert_eq!(exit.code, Some(1), "{errors}");
    let sent: Value = serde_json::from_str(&exit.output).unwrap();
    assert_eq!(sent["success"], false, "{sent}");
    assert_eq!(chain.query(&[amm, "total_shares"]), "0");
    assert_eq!(balance(&chain, b, amm), 0);
    // It is being called back that fails: when the pool is not under way, the token may call it.
    chain.call("//Alice", &[evil, "transfer_from", "//Alice", amm, "1", "--metadata", &token]);
}
