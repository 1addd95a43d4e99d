use proptest::prelude::*;

use super::*;

const FIRST: Duration = Duration::from_secs(1);
const MAX: Duration = Duration::from_secs(300);

proptest! {
    #[test]
    fn a_pause_doubles_within_its_bounds(failures in 0u32..100, random: u64) {
        let pause = pause(FIRST, MAX, failures, random);
        let base = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(MAX);
        prop_assert!(pause >= base * 3 / 4);
        prop_assert!(pause <= base * 5 / 4);
    }
}

#[test]
fn the_jitter_is_there() {
    assert_ne!(pause(FIRST, MAX, 1, 0), pause(FIRST, MAX, 1, 1_000_000));
    assert_eq!(pause(Duration::ZERO, MAX, 3, 7), Duration::ZERO);
    assert_ne!(random(), random());
}
