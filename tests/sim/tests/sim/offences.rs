//! Whoever signs twice loses exactly what the rule says, with all who stand behind it; nobody else loses anything.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use basalt_primitives::{AccountId, Balance};
use basalt_runtime_api::ValidatorSet;
use basalt_sim::{Fault, Kind, Outcome, Request, Scenario, nominator, run_scenario, stake};

/// Four validators of unequal stake that elect themselves, of which the one of this place does that. A quiet network.
fn scenario(seed: u64, bad: usize, fault: Fault) -> Scenario {
    let request = Request {
        faults: Vec::new(),
        nodes: Some(4),
        // Four epochs: to offend, to be reported, to be punished, and one more.
        heights: 32,
        kind: Kind::Full,
        ..Request::new(seed)
    };
    let mut scenario = Scenario::new(&request);
    scenario.roles[bad].faults = vec![fault];
    if fault == Fault::Twins {
        scenario.roles.push(scenario.roles[bad].clone());
    }
    scenario.plain(Duration::from_millis(20));
    scenario.pace.block_time = Duration::from_millis(300);
    scenario.pace.empty_block_time = Duration::from_millis(300);
    scenario.staked = true;
    let validators = (0..4u64)
        .zip(&scenario.roles)
        .map(|(place, role)| role.signer.validator([23, 29, 31, 37][usize::try_from(place).unwrap()]));
    scenario.sets = Arc::new(vec![ValidatorSet { id: 0, validators: validators.collect() }]);
    scenario
}

fn no_violations(outcome: &Outcome) {
    assert!(outcome.violations.is_empty(), "{:?}", outcome.violations);
}

/// Everybody's stake before: of each validator and its nominator, by its place.
fn before(scenario: &Scenario) -> Vec<[(AccountId, Balance); 2]> {
    let first = &scenario.sets[0].validators;
    (0..).zip(first).map(|(place, one)| [(one.account, stake(one.power)), nominator(place)]).collect()
}

/// `min(1, (3k/n)²)` of an amount, in billionths, rounded down twice as the chain does.
fn loss(amount: Balance, offenders: u128, validators: u128) -> Balance {
    let k = (3 * offenders).min(validators);
    let billionths = k * k * 1_000_000_000 / (validators * validators);
    amount * billionths / 1_000_000_000
}

fn one_offender_loses_its_share(seed: u64, fault: Fault) {
    let bad = 1;
    let scenario = scenario(seed, bad, fault);
    let before = before(&scenario);
    let outcome = run_scenario(scenario, false).unwrap();
    no_violations(&outcome);
    let offender = before[bad][0].0;
    // It is out with the epoch after its report. Reported in the first block of an epoch, it is in that one still.
    let epochs: Vec<u32> = outcome.offenders.iter().map(|(epoch, _)| *epoch).collect();
    assert!(outcome.offenders.iter().all(|(_, who)| *who == offender), "{fault:?}: {:?}", outcome.offenders);
    assert!(matches!(epochs[..], [0] | [1] | [0, 1]), "{fault:?}: {epochs:?}");
    let mut expected = BTreeMap::new();
    for (place, pair) in before.iter().enumerate() {
        for (who, amount) in pair {
            let each = if place == bad { loss(*amount, 1, 4) } else { 0 };
            let lost = each * epochs.len() as Balance;
            expected.insert(*who, amount.saturating_sub(lost));
        }
    }
    assert_eq!(outcome.stakes, expected, "{fault:?}");
    assert!(expected[&offender] < before[bad][0].1 / 2, "nine sixteenths at least");
}

#[test]
fn a_double_voter_is_slashed_within_two_epochs() {
    one_offender_loses_its_share(1, Fault::DoubleVoter);
}

#[test]
fn an_equivocating_proposer_is_slashed_within_two_epochs() {
    one_offender_loses_its_share(2, Fault::EquivocatingProposer);
}

#[test]
fn twins_are_slashed_within_two_epochs() {
    one_offender_loses_its_share(3, Fault::Twins);
}

#[test]
fn nobody_is_slashed_when_all_are_honest_and_everything_else_goes_wrong() {
    let mut scenario = scenario(4, 0, Fault::Silent);
    scenario.roles[0].faults.clear();
    scenario.links.loss = 50;
    scenario.links.twice = 50;
    scenario.links.slow = 20;
    scenario.links.ordered = false;
    scenario.crash = 30;
    let before = before(&scenario);
    let outcome = run_scenario(scenario, false).unwrap();
    no_violations(&outcome);
    assert_eq!(outcome.offenders, []);
    assert_eq!(outcome.stakes, before.into_iter().flatten().collect());
}
