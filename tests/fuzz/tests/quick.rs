//! A fixed number of cases of every target, from nothing: what `make test` runs.

use basalt_fuzz::{Fuzzer, TARGETS};

/// Some seconds for all targets.
const CASES: u64 = 3_000;

#[test]
fn no_target_fails_soon() {
    for target in TARGETS {
        let summary = Fuzzer::new(target, 0, None).unwrap().cases(CASES).unwrap();
        assert!(summary.failure.is_none(), "{}: {:?}", target.name, summary.failure);
        // It must get somewhere.
        assert!(summary.behaviours > 500, "{}: {} behaviours", target.name, summary.behaviours);
    }
}
