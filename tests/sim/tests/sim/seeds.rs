//! Seeds with faults. The same, by the thousand: `cargo xtask sim --seeds 0..3000`.

use std::time::Duration;

use basalt_sim::{Fault, Kind, Request, Summary, measure, run, run_all};
use clap::ValueEnum;

fn none_fails(summary: &Summary) {
    for failure in &summary.failures {
        for violation in &failure.violations {
            eprintln!("seed {}: {violation}", failure.seed);
        }
        eprintln!("again: {}", failure.command);
    }
    assert!(
        summary.failures.is_empty(),
        "{} of {} seeds failed, see above",
        summary.failures.len(),
        summary.runs
    );
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

#[test]
fn two_hundred_seeds_with_all_faults() {
    let summary = run_all(0..220, threads(), &Request::new(0), &|_| true).unwrap();
    none_fails(&summary);
    assert_eq!(summary.runs, 220);
    // They would prove nothing otherwise.
    assert!(summary.heights > 220 * 3, "{summary:?}");
    assert!(summary.crashes > 220, "{summary:?}");
    assert!(summary.caught > 20, "{summary:?}");
}

#[test]
fn each_byzantine_behaviour_alone() {
    for fault in Fault::value_variants().iter().filter(|fault| fault.is_byzantine()) {
        let like = Request { faults: vec![*fault], heights: 6, ..Request::new(0) };
        let summary = run_all(1000..1006, threads(), &like, &|_| true).unwrap();
        none_fails(&summary);
        if matches!(fault, Fault::DoubleVoter) {
            assert!(summary.caught > 0, "{fault:?} was never found out");
        }
    }
}

#[test]
fn real_chains_with_transfers() {
    let like = Request { kind: Kind::Full, heights: 6, nodes: Some(4), ..Request::new(0) };
    let summary = run_all(0..4, threads(), &like, &|_| true).unwrap();
    none_fails(&summary);
    assert!(summary.heights >= 12, "{summary:?}");
}

#[test]
fn a_seed_always_leads_to_the_same_events() {
    for seed in [3, 14, 15] {
        let first = run(&Request::new(seed), false).unwrap();
        let second = run(&Request::new(seed), true).unwrap();
        assert_eq!(first.trace_hash, second.trace_hash, "seed {seed}");
        assert_eq!((first.heights, first.crashes, first.time), (second.heights, second.crashes, second.time));
        let other = run(&Request::new(seed + 1), false).unwrap();
        assert_ne!(first.trace_hash, other.trace_hash);
    }
}

/// Three hops of 50 ms, and the disk and the execution between them.
#[test]
fn over_fifty_milliseconds_half_of_the_heights_take_at_most_two_hundred() {
    let latency =
        measure(4, Duration::from_millis(50), Duration::from_millis(4), Duration::from_millis(2)).unwrap();
    assert!(latency.block.p50 >= Duration::from_millis(150), "{latency:?}");
    assert!(latency.block.p50 <= Duration::from_millis(200), "{latency:?}");
}
