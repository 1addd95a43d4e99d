//! How long an election takes at its limits: `cargo run -p basalt-election --example election_speed [runs]`.
//!
//! 1,000 candidates, 20,000 voters with 16 targets each, 100 and 400 seats of which 80 % go by stake. Prints best and
//! median processor time of several runs, for votes spread in several ways. Linux only.
#![expect(clippy::print_stdout, reason = "it is a program that prints figures")]
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

/// The processor time of this thread so far, in nanoseconds: what others do on the machine does not count.
fn spent() -> u64 {
    let text =
        std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux says what a thread has used");
    text.split(' ')
        .next()
        .and_then(|first| first.parse().ok())
        .expect("its first figure is the time on a processor")
}

fn main() {
    let runs: usize = std::env::args().nth(1).and_then(|arg| arg.parse().ok()).unwrap_or(9);
    let ballots = [
        ("spread evenly", ballot(|voter, turn| dice(2, voter, turn, CANDIDATES_MAX))),
        ("on the first 100", ballot(|voter, turn| dice(3, voter, turn, 100))),
        ("in rows of 16", ballot(|voter, turn| (voter + turn) % CANDIDATES_MAX)),
        ("all on the same 16", ballot(|_, turn| turn)),
    ];
    println!(
        "ms of processor time, best / median of {runs} runs\n                                elect         verify"
    );
    for (name, ballot) in &ballots {
        for seats in [100, 400] {
            let rules = Rules { seats, by_stake: Perbill::from_percent(80), seed: H256::repeat_byte(7) };
            let mut times = (Vec::new(), Vec::new());
            for _ in 0..runs.max(1) {
                let start = spent();
                let outcome = elect(ballot, &rules);
                times.0.push(spent() - start);
                let start = spent();
                verify(ballot, &rules, &outcome).expect("an outcome keeps the rules");
                times.1.push(spent() - start);
                let stakes: Vec<u128> = outcome.seats.iter().map(|seat| seat.backing).collect();
                assert_eq!(powers(&stakes, ballot.total(), Perbill::from_percent(20)).len(), seats as usize);
            }
            let figures = [times.0, times.1].map(|mut times| {
                times.sort_unstable();
                let (best, median) = (times[0] / 1000, times[times.len() / 2] / 1000);
                format!("{}.{} / {}.{}", best / 1000, best / 100 % 10, median / 1000, median / 100 % 10)
            });
            println!("{name:<20}{seats:>4} seats    {:>13}  {:>13}", figures[0], figures[1]);
        }
    }
}
