//! Who makes the blocks of a chain without trouble.

use std::{sync::Arc, time::Duration};

use basalt_consensus_bft::Pace;
use basalt_runtime_api::ValidatorSet;
use basalt_sim::{Request, Scenario, run_scenario};

/// With real keys, whose randomness draws: the draw alone is tested over more heights in `basalt-consensus-bft`.
#[test]
fn blocks_are_authored_in_proportion_to_power() {
    const POWERS: [u64; 4] = [10, 20, 30, 40];
    const HEIGHTS: u32 = 1_000;
    let request = Request { nodes: Some(4), faults: Vec::new(), heights: HEIGHTS, ..Request::new(6) };
    let mut scenario = Scenario::new(&request);
    scenario.plain(Duration::from_millis(1));
    let members = scenario.roles.iter().zip(POWERS).map(|(role, power)| role.signer.validator(power));
    let validators: Vec<_> = members.collect();
    scenario.sets = Arc::new(vec![ValidatorSet { id: 0, validators: validators.clone() }]);
    scenario.pace = Pace { block_time: Duration::ZERO, empty_block_time: Duration::ZERO };
    let outcome = run_scenario(scenario, false).unwrap();
    assert_eq!(outcome.violations, Vec::<String>::new());
    let authors = || outcome.authors.range(1..=HEIGHTS).map(|(_, author)| *author);
    assert_eq!(authors().count(), HEIGHTS as usize);
    // Pearson's test, in thousandths. Three degrees of freedom: a fair draw exceeds 11.34 once in a hundred seeds.
    let chi_square: u64 = (validators.iter().zip(POWERS))
        .map(|(validator, power)| {
            let seen = authors().filter(|author| *author == validator.account).count() as u64;
            let expected = u64::from(HEIGHTS) * power / 100;
            seen.abs_diff(expected).pow(2) * 1_000 / expected
        })
        .sum();
    assert!(chi_square < 11_340, "{chi_square}");
}
