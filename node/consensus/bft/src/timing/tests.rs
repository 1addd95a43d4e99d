use std::time::Duration;

use proptest::prelude::*;

use super::{Timeouts, Timing};

proptest! {
    #[test]
    fn waits_stay_within_their_bounds_and_grow_by_round(
        measured in proptest::collection::vec(0u64..100_000, 0..50),
        round in 0u32..1000,
    ) {
        let bounds = Timeouts::default();
        let mut timing = Timing::new(bounds);
        for ms in measured {
            timing.saw_proposal(Duration::from_millis(ms));
            timing.saw_votes(Duration::from_millis(ms / 2));
        }
        prop_assert!((bounds.propose_min..=bounds.max).contains(&timing.propose(round)));
        prop_assert!((bounds.vote_min..=bounds.max).contains(&timing.vote(round)));
        prop_assert!(timing.propose(round) <= timing.propose(round + 1));
        prop_assert!(timing.rebroadcast(round) <= bounds.max);
    }
}

#[test]
fn a_slow_network_is_learned_at_once_and_forgotten_slowly() {
    let mut timing = Timing::new(Timeouts::default());
    let fast = timing.propose(0);
    for _ in 0..4 {
        timing.saw_proposal(Duration::from_secs(1));
    }
    let slow = timing.propose(0);
    assert!(slow > Duration::from_secs(3), "{slow:?}");
    // An absence of minutes is no measure of the network.
    timing.saw_proposal(Duration::from_secs(600));
    assert!(timing.propose(0) < slow * 3);
    timing.saw_proposal(Duration::from_millis(1));
    assert!(timing.propose(0) > slow / 2);
    for _ in 0..100 {
        timing.saw_proposal(Duration::from_millis(1));
    }
    assert_eq!(timing.propose(0), fast);
}
