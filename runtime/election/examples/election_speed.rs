//! How long an election takes at its limits: `cargo run -p basalt-election --example election_speed [runs]`.
//!
//! 1,000 candidates, 20,000 voters with 16 targets each, 100 and 400 seats of which 80 % go by stake. Prints best and
//! median of several runs, for votes spread in several ways.
#![expect(clippy::print_stdout, reason = "it is a program that prints figures")]
#![expect(clippy::disallowed_types, reason = "it measures time; nothing of it is consensus")]

use std::time::Instant;

use basalt_election::{Ballot, CANDIDATES_MAX, Rules, TARGETS_MAX, VOTERS_MAX, elect, powers, verify};
use basalt_primitives::{H256, Perbill, hashing::blake2_256};

/// A number below `below`, the same in each run.
fn dice(what: u32, voter: u32, turn: u32, below: u32) -> u32 {
    let hash = blake2_256(&[what.to_le_bytes(), voter.to_le_bytes(), turn.to_le_bytes()].concat());
    u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]) % below
}

/// A ballot at the limits. `target` says whom a voter names.
fn ballot(target: impl Fn(u32, u32) -> u32) -> Ballot {
    const TOKEN: u128 = 1_000_000_000_000_000_000;
    let own: Vec<u128> =
        (0..CANDIDATES_MAX).map(|who| TOKEN * u128::from(dice(0, who, 0, 1_000_000))).collect();
    let mut ballot = Ballot::new(&own).expect("within the limits");
    for voter in 0..VOTERS_MAX {
        let targets: Vec<u32> = (0..TARGETS_MAX).map(|turn| target(voter, turn)).collect();
        let stake = TOKEN * u128::from(dice(1, voter, 0, 1_000_000)) + u128::from(voter);
        ballot.vote(stake, &targets).expect("within the limits");
    }
    ballot
}

fn main() {
    let runs: usize = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(9);
    let ballots = [
        ("spread evenly", ballot(|voter, turn| dice(2, voter, turn, CANDIDATES_MAX))),
        ("on the first 100", ballot(|voter, turn| dice(3, voter, turn, 100))),
        ("in rows of 16", ballot(|voter, turn| (voter + turn) % CANDIDATES_MAX)),
        ("all on the same 16", ballot(|_, turn| turn)),
    ];
    println!("ms, best/median of {runs} runs       elect          verify");
    for (name, ballot) in &ballots {
        for seats in [100, 400] {
            let rules = Rules { seats, by_stake: Perbill::from_percent(80), seed: H256::repeat_byte(7) };
            let mut times = (Vec::new(), Vec::new());
            for _ in 0..runs.max(1) {
                let start = Instant::now();
                let outcome = elect(ballot, &rules);
                times.0.push(start.elapsed());
                let start = Instant::now();
                verify(ballot, &rules, &outcome).expect("an outcome keeps the rules");
                times.1.push(start.elapsed());
                let stakes: Vec<u128> = outcome.seats.iter().map(|seat| seat.backing).collect();
                assert_eq!(powers(&stakes, ballot.total(), Perbill::from_percent(20)).len(), seats as usize);
            }
            let figures = [times.0, times.1].map(|mut times| {
                times.sort_unstable();
                let (best, median) = (times[0].as_micros(), times[times.len() / 2].as_micros());
                format!("{}.{} / {}.{}", best / 1000, best / 100 % 10, median / 1000, median / 100 % 10)
            });
            println!("{name:<20}{seats:>4} seats    {:>13}  {:>13}", figures[0], figures[1]);
        }
    }
}
