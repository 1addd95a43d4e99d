//! A treasury that its members vote on.

use basalt_pallet_balances::Call as Balances;
use basalt_pallet_system::Call as System;
use basalt_runtime::{RuntimeCall, UNIT};
use parity_scale_codec::Encode;
use serde_json::{Value, json};

use super::selector;
use crate::chain::{Chain, account, address, bundle, events};

const FOUNDERS: &str = "[(//Alice, 3), (//Bob, 2), (//Charlie, 1)]";

fn instantiate(chain: &Chain, voting_period: u32) -> String {
    let rules = format!("{{ voting_period: {voting_period}, quorum: 50 }}");
    chain.instantiate(&[&bundle("dao.contract"), FOUNDERS, &rules, "--value", "100"])
}

/// The first block in which a proposal takes no votes.
fn end(chain: &Chain, dao: &str, id: &str) -> u32 {
    let proposal = chain.json(&["query", dao, "proposal", id]);
    let end = proposal["returned"]["Some"]["end"].as_u64().unwrap_or_else(|| panic!("{proposal}"));
    u32::try_from(end).unwrap()
}

#[test]
fn members_vote_on_payments_and_those_with_too_few_votes_are_not_made() {
    let chain = Chain::start();
    let contract = &bundle("dao.contract");
    let rules = "{ voting_period: 9, quorum: 50 }";
    chain.refuses_new(&[contract, FOUNDERS, "{ voting_period: 9, quorum: 101 }"], "BadRules");
    chain.refuses_new(&[contract, "[(//Bob, 1), (//Bob, 1)]", rules], "BadFounders");
    chain.refuses_new(&[contract, "[]", rules], "BadFounders");
    let dao = &instantiate(&chain, 12);
    chain.call("//Dave", &[dao, "deposit", "--value", "20"]);
    assert_eq!(chain.query(&[dao, "treasury"]), (120 * UNIT).to_string());

    let pay = &format!("Pay {{ to: //Eve, value: {} }}", 30 * UNIT);
    chain.refuses("//Dave", &[dao, "propose", pay], "NotMember");
    let proposed = chain.call("//Charlie", &[dao, "propose", pay]);
    assert_eq!(events(&proposed), [("Proposed", &json!({ "id": 0, "by": address("//Charlie") }))]);
    // The same again, for which too few will vote; and one that is voted down.
    for _ in 0..2 {
        chain.call("//Charlie", &[dao, "propose", pay]);
    }
    let voted = chain.call("//Bob", &[dao, "vote", "0", "true"]);
    let expected = json!({ "id": 0, "by": address("//Bob"), "aye": true, "weight": 2 });
    assert_eq!(events(&voted), [("Voted", &expected)]);
    chain.refuses("//Bob", &[dao, "vote", "0", "false"], "AlreadyVoted");
    chain.refuses("//Dave", &[dao, "vote", "0", "true"], "NotMember");
    chain.refuses("//Alice", &[dao, "vote", "3", "true"], "ProposalNotFound");
    chain.call("//Charlie", &[dao, "vote", "0", "false"]);
    chain.call("//Bob", &[dao, "vote", "1", "true"]);
    chain.call("//Alice", &[dao, "vote", "2", "false"]);
    chain.call("//Bob", &[dao, "vote", "2", "true"]);
    chain.refuses("//Dave", &[dao, "close", "0"], "VotingOpen");

    chain.advance_to(end(&chain, dao, "2"));
    chain.refuses("//Alice", &[dao, "vote", "0", "true"], "VotingOver");
    let before = chain.free(account("//Eve"));
    let closed = chain.call("//Dave", &[dao, "close", "0"]);
    assert_eq!(closed["returned"], json!({ "Ok": true }));
    assert_eq!(events(&closed), [("Closed", &json!({ "id": 0, "passed": true }))]);
    assert_eq!(chain.free(account("//Eve")), before + 30 * UNIT);
    chain.refuses("//Dave", &[dao, "close", "0"], "ProposalNotFound");
    for id in ["1", "2"] {
        assert_eq!(chain.call("//Dave", &[dao, "close", id])["returned"], json!({ "Ok": false }));
    }
    assert_eq!(chain.free(account("//Eve")), before + 30 * UNIT);
    assert_eq!(chain.query(&[dao, "treasury"]), (90 * UNIT).to_string());
    let storage = chain.succeeds(&["storage", dao]);
    assert!(storage.contains("proposals: 0 entries") && storage.contains("members: 3 entries"), "{storage}");
}

#[test]
fn what_members_decide_reaches_other_contracts_and_the_chain() {
    let chain = Chain::start();
    let flipper = &chain.instantiate(&[&bundle("flipper.contract"), "false"]);
    let dao = &instantiate(&chain, 20);
    let hex = const_hex::encode_prefixed::<Vec<u8>>;
    let call_of = |to: &str, message: &str, arguments: &[u8]| {
        let input = hex([&selector(message)[..], arguments].concat());
        format!("Call {{ to: {to}, value: 0, input: {input} }}")
    };
    let dispatch = |call: RuntimeCall| format!("Dispatch {{ call: {} }}", hex(call.encode()));
    let dest = account("//Eve").into();
    let transfer = RuntimeCall::Balances(Balances::transfer_keep_alive { dest, value: 4 * UNIT });
    let remark = RuntimeCall::System(System::remark { remark: vec![1] });
    let pay_all = format!("Pay {{ to: //Eve, value: {} }}", 1000 * UNIT);
    let actions = [
        call_of(flipper, "flip", &[]),
        dispatch(transfer),
        // What cannot be done: a call back, one that this chain's contracts may not make, more than there is.
        call_of(dao, "deposit", &[]),
        dispatch(remark),
        pay_all.clone(),
        "SetWeight { member: //Dave, weight: 4 }".to_owned(),
        pay_all,
    ];
    for action in &actions {
        chain.call("//Bob", &[dao, "propose", action]);
    }
    chain.refuses("//Bob", &[dao, "propose", "Dispatch { call: 0x }"], "BadInput");
    let ids: Vec<String> = (0..actions.len()).map(|id| id.to_string()).collect();
    for id in &ids {
        chain.call("//Alice", &[dao, "vote", id, "true"]);
    }
    chain.advance_to(end(&chain, dao, &ids[6]));

    // The flipper answers in place of the message, which is not what the metadata tells of.
    let closed = chain.call("//Dave", &[dao, "close", "0"]);
    assert_eq!((&closed["returned"], &closed["returnedData"]), (&Value::Null, &json!("0x00")), "{closed}");
    assert_eq!(events(&closed), [("Closed", &json!({ "id": 0, "passed": true }))]);
    assert_eq!(chain.query(&[flipper, "get"]), "true");

    let before = chain.free(account("//Eve"));
    chain.call("//Dave", &[dao, "close", "1"]);
    assert_eq!(chain.free(account("//Eve")), before + 4 * UNIT);

    chain.would_fail("//Dave", &[dao, "close", "2"], "Contracts.ReentranceDenied");
    chain.refuses("//Dave", &[dao, "close", "3"], "ActionFailed");
    chain.refuses("//Dave", &[dao, "close", "4"], "ActionFailed");
    // It can be tried again, when there is more in the treasury.
    chain.call("//Dave", &[dao, "deposit", "--value", "1000"]);
    chain.call("//Dave", &[dao, "close", "4"]);
    assert_eq!(chain.free(account("//Eve")), before + 1004 * UNIT);

    chain.call("//Dave", &[dao, "close", "5"]);
    assert_eq!(chain.query(&[dao, "weight_of", "//Dave"]), "Some(4)");
    assert_eq!(chain.query(&[dao, "total_weight"]), "10");
    chain.call("//Dave", &[dao, "deposit", "--value", "1000"]);
    // Who joins counts at once: three of ten are too few for what three of six had decided.
    assert_eq!(chain.call("//Dave", &[dao, "close", "6"])["returned"], json!({ "Ok": false }));
    assert_eq!(chain.free(account("//Eve")), before + 1004 * UNIT);
}
