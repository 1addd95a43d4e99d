//! `basalt staking` and `basalt validator setup` on a local network, from the first look to an elected fifth validator.

use serde_json::{Value, json};
use tokio::time::timeout;

use basalt_e2e::{
    localnet::{PATIENCE, World},
    rpc::Rpc,
};

/// A token in its smallest unit.
const UNIT: u128 = 1_000_000_000_000;
const EPOCH: u64 = 20;

/// A local network, and commands that ask its first node.
struct Net<'w>(&'w World);

impl Net<'_> {
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let url = self.0.url(0);
        let exit = self.0.run(&[arguments, &["--url", &url]].concat());
        (exit.code, exit.output)
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let (code, output) = self.run(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {output}");
        output
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.succeeds(&[arguments, &["--json"]].concat());
        serde_json::from_str(&output).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output}"))
    }

    fn refusal(&self, arguments: &[&str]) -> String {
        let (code, output) = self.run(arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {output}");
        output
    }
}

/// An amount in JSON.
fn tokens(tokens: u128) -> Value {
    json!((tokens * UNIT).to_string())
}

/// When a transaction says that it counts: the third epoch after that of its block.
fn counts_from(sent: &Value) -> u64 {
    assert_eq!(sent["success"], true, "{sent}");
    let block = sent["block"]["number"].as_u64().expect("it is in a block");
    let epoch = (block - 1) / EPOCH + 3;
    assert_eq!(sent["countsFrom"], json!({ "epoch": epoch, "block": epoch * EPOCH + 1 }), "{sent}");
    epoch
}

#[tokio::test]
async fn stake_is_bonded_nominated_and_unbonded_and_a_fifth_validator_is_elected() {
    let length = EPOCH.to_string();
    let flags = ["--epoch-length", &length, "--block-time", "50ms", "--empty-block-time", "50ms"];
    let world = World::new(4, &flags);
    let _running = world.start();
    let net = Net(&world);

    let shown = net.json(&["staking", "validators"]);
    assert_eq!(shown["validators"].as_array().map(Vec::len), Some(4), "{shown}");
    assert!(shown["fixed"].is_null() && shown["waiting"] == json!([]), "{shown}");
    let powers: Vec<_> = (0..4).map(|place| shown["validators"][place]["power"].clone()).collect();
    assert!(powers.iter().all(|power| *power == powers[0]), "{shown}");
    let alice = net.json(&["staking", "status", "//Alice"])["address"].as_str().unwrap().to_owned();

    // Eve backs Alice.
    let refusal = net.refusal(&["staking", "nominate", "//Ferdie", "--bond", "10", "--from", "//Eve"]);
    assert!(refusal.contains("does not offer to validate"), "{refusal}");
    let sent = net.json(&["staking", "nominate", &alice, "--bond", "1000", "--from", "//Eve"]);
    counts_from(&sent);
    let eve = net.json(&["staking", "status", "//Eve"]);
    assert_eq!((&eve["role"], &eve["active"]), (&json!("nominator"), &tokens(1000)), "{eve}");
    assert_eq!(eve["targets"], json!([alice]));
    let more = net.succeeds(&["staking", "bond", "500", "--from", "//Eve"]);
    assert!(more.contains("bond 500 UNIT more, which makes 1500 UNIT"), "{more}");

    // And takes all of it out again.
    let refusal = net.refusal(&["staking", "unbond", "1501", "--from", "//Eve"]);
    assert!(refusal.contains("has 1500 UNIT at stake, which is less than 1501 UNIT"), "{refusal}");
    let unbonded = net.succeeds(&["staking", "unbond", "all", "--from", "//Eve"]);
    assert!(unbonded.contains("1. stop validating and nominating"), "{unbonded}");
    let eve = net.json(&["staking", "status", "//Eve"]);
    assert_eq!(
        (&eve["role"], &eve["active"], &eve["total"]),
        (&json!("idle"), &tokens(0), &tokens(1500)),
        "{eve}"
    );
    let refusal = net.refusal(&["staking", "withdraw", "--from", "//Eve"]);
    assert!(refusal.contains("1500 UNIT will be in epoch"), "{refusal}");

    // Ferdie becomes a validator: keys are made by the node that is asked.
    fn setup<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&["validator", "setup", "--from", "//Ferdie"], more].concat()
    }
    let sent = net.json(&setup(&["--bond", "100000", "--commission", "5"]));
    let epoch = counts_from(&sent);
    let refusal = net.refusal(&setup(&[]));
    assert!(refusal.contains("validates on these terms already, with keys that are there"), "{refusal}");
    let changed = net.succeeds(&setup(&["--commission", "7.5"]));
    assert!(
        changed.contains("1. offer to validate for a commission of 7.5%") && !changed.contains("2. "),
        "{changed}"
    );
    let rotated = net.json(&setup(&["--rotate"]));
    assert_ne!(rotated["keys"], sent["keys"]);

    // It is known an epoch before.
    let rpc = Rpc::connect(&world.url(0)).await;
    let announced = u32::try_from((epoch - 1) * EPOCH + 1).unwrap();
    timeout(PATIENCE, rpc.reaches(announced)).await.expect("blocks become final");
    let ferdie = net.json(&["staking", "status", "//Ferdie"]);
    assert_eq!((&ferdie["elected"], &ferdie["active"]), (&json!(true), &tokens(100_000)), "{ferdie}");
    let chilled = net.json(&["staking", "chill", "--from", "//Ferdie"]);
    counts_from(&chilled);
    let refusal = net.refusal(&["staking", "chill", "--from", "//Ferdie"]);
    assert!(refusal.contains("neither validates nor nominates"), "{refusal}");
    net.succeeds(&["staking", "rewards", &alice]);
}

#[test]
fn what_cannot_work_is_refused_before_it_costs_anything() {
    let world = World::new(1, &["--epoch-length", "20", "--block-time", "50ms"]);
    let _running = world.start();
    let net = Net(&world);
    for (arguments, expected) in [
        (&["staking", "bond", "2000000", "--from", "//Bob"][..], "bond at most 999999"),
        (&["staking", "bond", "1.5DOT", "--from", "//Bob"], "is not the token of this chain"),
        (&["staking", "unbond", "1", "--from", "//Bob"], "has nothing bonded; bond first"),
        (&["staking", "withdraw", "--from", "//Bob"], "has nothing bonded; bond first"),
        (&["staking", "chill", "--from", "//Bob"], "there is nothing to end"),
        (&["staking", "nominate", "//Alice", "--from", "//Bob"], "has nothing bonded; bond first"),
        (&["staking", "nominate", "//Alice", "//Alice", "--from", "//Bob"], "is named twice"),
        (&["staking", "rewards", "//Bob", "--pay", "--from", "//Bob"], "wait to be paid"),
        (&["validator", "setup", "--from", "//Bob"], "has nothing bonded; bond first"),
        (&["validator", "setup", "--bond", "1", "--commission", "101", "--from", "//Bob"], "is no share"),
        (&["staking", "bond", "1"], "--from is missing"),
    ] {
        let refusal = net.refusal(arguments);
        assert!(refusal.contains(expected), "{arguments:?}: {refusal}");
    }
    assert_eq!(net.json(&["staking", "bond", "5", "--from", "//Bob"])["nonce"], 0, "nothing was sent before");
    for arguments in
        [&["staking", "bond", "0", "--from", "//Bob"][..], &["staking", "unbond", "0", "--from", "//Bob"]]
    {
        assert!(net.refusal(arguments).contains("changes nothing"), "{arguments:?}");
    }
}
