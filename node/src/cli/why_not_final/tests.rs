//! What a person reads about each way in which a chain is, or is not, final.

use basalt_primitives::{
    AccountId, H256,
    keys::{Pair, Scheme},
};
use basalt_rpc_api::{
    text::{Bytes, Hash},
    types::{ConsensusReport, ConsensusStep, Health, ValidatorReport, VoteReport},
};

use super::diagnosis::{Diagnosis, Verdict, View};
use crate::chain_spec::DEV_ACCOUNTS;

fn account(name: &str) -> AccountId {
    Pair::from_suri(Scheme::Sr25519, &format!("//{name}")).unwrap().account_id()
}

/// Four validators of equal power at height 12, all of whom vote.
fn healthy() -> ConsensusReport {
    let validator = |name: &&str| ValidatorReport {
        account: account(name),
        vote_key: Bytes(vec![1; 32]),
        power: 25,
        prevote: Some(VoteReport::Block),
        precommit: None,
        last_signed: Some(12),
        votes_seen: 100,
        certificates_seen: 100,
        connected: Some(true),
    };
    ConsensusReport {
        height: 12,
        round: 0,
        step: ConsensusStep::Precommit,
        proposer: Some(account("Alice")),
        finalized_number: 11,
        finalized_hash: Hash(H256([1; 32])),
        finalized_millis_ago: Some(840),
        height_millis: 800,
        empty_block_millis: 10_000,
        set_id: 0,
        local: Some(account("Alice")),
        total_power: 100,
        needed_power: 67,
        validators: DEV_ACCOUNTS[..4].iter().map(validator).collect(),
    }
}

/// The same, two minutes after these stopped.
fn without(names: &[&str]) -> ConsensusReport {
    let mut report = healthy();
    report.finalized_millis_ago = Some(125_300);
    report.height_millis = 125_000;
    report.round = 7;
    report.step = ConsensusStep::Prevote;
    for validator in &mut report.validators {
        if names.iter().any(|name| account(name) == validator.account) {
            (validator.prevote, validator.last_signed, validator.connected) = (None, Some(11), Some(false));
        }
    }
    report
}

fn health(peers: u32) -> Health {
    Health { peers, is_syncing: false, should_have_peers: true }
}

fn said(report: &ConsensusReport, health: Health) -> (Verdict, String) {
    let view = View { report, health, ss58_prefix: 42 };
    let diagnosis = Diagnosis::of(&view);
    let text = diagnosis.text(&view);
    assert_eq!(diagnosis.json(&view)["final"], diagnosis.verdict == Verdict::Final);
    (diagnosis.verdict, text)
}

#[test]
fn a_chain_whose_blocks_become_final_is_called_so() {
    let (verdict, text) = said(&healthy(), health(3));
    assert_eq!(verdict, Verdict::Final);
    assert_eq!(
        text,
        "The chain is final: block #11 became so 0.8 s ago.\n\n\
         Block #12 is in round 0 and waits for second votes; the proposer is Alice.\n\
         Votes come from 100.0 % of the stake, 67.0 % are needed: 33.0 % to spare.\n\n\
         Nothing is to be done: all validators vote."
    );
}

#[test]
fn two_of_four_missing_are_named_with_their_stake_and_what_brings_finality_back() {
    let (verdict, text) = said(&without(&["Charlie", "Dave"]), health(1));
    assert_eq!(verdict, Verdict::TooFewVotes);
    assert_eq!(
        text,
        "The chain is not final: nothing has become so for 2 min 5 s, since block #11.\n\n\
         Block #12 is in round 7 and waits for first votes; the proposer is Alice.\n\
         Votes come from 50.0 % of the stake, 67.0 % are needed (more than two thirds): 17.0 % are missing.\n\n\
         These do not vote:\n  \
         Charlie  5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y  25.0 %  not connected, last vote for #11\n  \
         Dave     5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy  25.0 %  not connected, last vote for #11\n\n\
         This node has no direct connection with Charlie, Dave. Validators pass nothing on for each other, so all of them \
         must be connected directly (--reserved-nodes).\n\n\
         Finality resumes by itself as soon as Charlie votes again. Ask who runs it to start the node (basalt \
         --validator …) and to read its log. In a localnet: `basalt localnet ctl start charlie`, `basalt localnet ctl \
         start dave`."
    );
}

#[test]
fn those_who_must_come_back_are_as_few_as_possible_and_the_heaviest() {
    let mut report = without(&["Bob", "Charlie", "Dave"]);
    report.validators[3].power = 90;
    (report.total_power, report.needed_power) = (165, 111);
    let (_, text) = said(&report, health(1));
    assert!(text.contains("as soon as Dave votes again"), "{text}");
    report.validators[3].power = 25;
    (report.total_power, report.needed_power) = (100, 67);
    let (_, text) = said(&report, health(1));
    assert!(text.contains("as soon as Bob and Charlie vote again"), "{text}");
}

#[test]
fn a_chain_that_is_final_without_some_says_who_they_are() {
    let mut report = healthy();
    (report.validators[3].last_signed, report.validators[3].connected) = (None, Some(false));
    let (verdict, text) = said(&report, health(2));
    assert_eq!(verdict, Verdict::Final);
    assert!(
        text.contains("Votes come from 75.0 % of the stake, 67.0 % are needed: 8.0 % to spare."),
        "{text}"
    );
    assert!(text.contains("Dave") && text.contains("no vote since this node started"), "{text}");
    assert!(text.contains("final without them"), "{text}");
}

#[test]
fn votes_that_are_still_under_way_are_not_missed() {
    let mut report = healthy();
    for validator in &mut report.validators {
        (validator.last_signed, validator.prevote) = (Some(11), None);
    }
    let (verdict, text) = said(&report, health(3));
    assert_eq!(verdict, Verdict::Final);
    assert!(!text.contains("do not vote"), "{text}");
}

#[test]
fn the_pace_of_empty_blocks_is_no_fault_and_more_than_that_is() {
    let mut report = healthy();
    report.finalized_millis_ago = Some(15_000);
    assert_eq!(said(&report, health(3)).0, Verdict::Final);
    report.finalized_millis_ago = Some(15_001);
    assert_ne!(said(&report, health(3)).0, Verdict::Final);
    // Started just now: nothing became final yet.
    (report.finalized_millis_ago, report.height_millis) = (None, 15_000);
    assert_eq!(said(&report, health(3)).0, Verdict::Final);
    report.height_millis = 3_700_000;
    let (verdict, text) = said(&report, health(3));
    assert_ne!(verdict, Verdict::Final);
    assert!(text.contains("since this node started, 1 h 1 min ago"), "{text}");
}

#[test]
fn a_node_that_hears_nobody_suspects_itself_first() {
    let (verdict, text) = said(&without(&["Bob", "Charlie", "Dave"]), health(0));
    assert_eq!(verdict, Verdict::Alone);
    assert!(text.contains("no peers") && text.contains("--bootnodes"), "{text}");
}

#[test]
fn a_node_that_catches_up_judges_nobody() {
    let (verdict, text) = said(&without(&["Dave"]), Health { is_syncing: true, ..health(3) });
    assert_eq!(verdict, Verdict::CatchingUp);
    assert!(text.contains("catching up") && text.contains("--url"), "{text}");
}

#[test]
fn enough_votes_for_no_block_are_told_apart_from_too_few() {
    let mut report = without(&[]);
    report.validators[0].prevote = Some(VoteReport::Nil);
    report.validators[1].precommit = Some(VoteReport::Nil);
    let (verdict, text) = said(&report, health(3));
    assert_eq!(verdict, Verdict::NoAgreement);
    assert!(text.contains("2 of 4 validators voted for none"), "{text}");
}

#[test]
fn connected_validators_that_do_not_vote_get_other_advice() {
    let mut report = without(&["Charlie", "Dave"]);
    report.validators[2].connected = Some(true);
    let (_, text) = said(&report, health(2));
    assert!(text.contains("keystore") && text.contains("--doppelganger-wait"), "{text}");
}

#[test]
fn strangers_are_named_by_address_and_extreme_powers_do_not_overflow() {
    let mut report = without(&["Dave"]);
    report.validators[3].account = AccountId::from([9; 32]);
    for validator in &mut report.validators {
        validator.power = u64::MAX;
    }
    (report.total_power, report.needed_power) = (u64::MAX, u64::MAX);
    report.validators[0].last_signed = None;
    report.validators[1].last_signed = None;
    report.validators[2].last_signed = None;
    let (verdict, text) = said(&report, health(3));
    assert_eq!(verdict, Verdict::TooFewVotes);
    assert!(text.contains("100.0 %") && text.contains(" -  "), "{text}");
    report.validators.clear();
    (report.total_power, report.needed_power) = (0, 1);
    assert_eq!(said(&report, health(3)).0, Verdict::TooFewVotes);
}

#[test]
fn json_names_the_silent_and_keeps_the_whole_status() {
    let report = without(&["Charlie", "Dave"]);
    let view = View { report: &report, health: health(1), ss58_prefix: 42 };
    let json = Diagnosis::of(&view).json(&view);
    assert_eq!(json["reason"], "tooFewVotes");
    assert_eq!(json["missingPower"], "17");
    assert_eq!(json["silent"][1]["name"], "Dave");
    assert_eq!(json["silent"][1]["power"], "25");
    assert_eq!(json["status"], serde_json::json!(report));
}
