//! The parallel mode with its timing permuted on purpose: Shuttle chooses at every lock and every atomic who goes on.
//!
//! ```text
//! RUSTFLAGS="--cfg shuttle" cargo test -p basalt-executor --lib timing
//! ```
//!
//! Shuttle reports a deadlock when nobody can go on, so a wake-up that gets lost fails these tests, and a block that never
//! ends exceeds the steps that it may take. Everything in [`super::super::sync`] is Shuttle's here: the other tests of this
//! crate do not run in this build. Segments, chunks and the count of re-executions that is too high are small in it, so
//! that a block of a dozen transactions meets all of them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
};

use proptest::test_runner::TestRunner;
use shuttle::{
    Config, Runner,
    scheduler::{PctScheduler, RandomScheduler, Scheduler},
};

use super::*;
use crate::parallel::{Crew, Source, run};

/// Chosen once, so that a failure can be repeated.
const SEED: u64 = 7;
/// Preemptions that PCT places in a schedule: bugs of two or three threads need about as many.
const DEPTH: usize = 3;

/// How many schedules per test and scheduler: a few thousand, or as many as `SHUTTLE_SCHEDULES` says.
fn schedules() -> usize {
    std::env::var("SHUTTLE_SCHEDULES").ok().and_then(|count| count.parse().ok()).unwrap_or(2_000)
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = 256 * 1024;
    // Those orderings that are relaxed guard guesses only.
    config.silence_warnings = true;
    config
}

/// Random and PCT, one after the other.
fn explore(check: impl Fn(usize) + Send + Sync + 'static) {
    let check = Arc::new(check);
    let schedulers: [Box<dyn Scheduler + Send>; 2] = [
        Box::new(RandomScheduler::new_from_seed(SEED, schedules())),
        Box::new(PctScheduler::new_from_seed(SEED, DEPTH, schedules())),
    ];
    for scheduler in schedulers {
        let check = check.clone();
        let schedule = AtomicUsize::new(0);
        Runner::new(scheduler, config()).run(move || check(schedule.fetch_add(1, Ordering::Relaxed)));
    }
}

/// As it is run on this many threads.
fn timed(
    threads: usize,
    fault: Fault,
    source: Source<'_>,
) -> Result<(Executed, Vec<H256>, Vec<H256>, bool), ExecuteError> {
    let distrust = AtomicU32::new(0);
    let crew = Crew { pool: None, threads, distrust: &distrust, fault };
    let (mut executed, ended, _) = run(&crew, &Scripted, &parent(), &env(), vec![], source)?;
    executed.receipts = ended.receipts;
    let included = ended.included.iter().map(|transaction| transaction.hash).collect();
    let refused = ended.refused.iter().map(|(hash, _)| *hash).collect();
    Ok((executed, included, refused, ended.full))
}

/// The same on one thread, one after the other.
fn reference(source: Source<'_>) -> Result<(Executed, Vec<H256>, Vec<H256>, bool), ExecuteError> {
    let (mut executed, ended, _) = crate::sequential::run(&Scripted, &parent(), &env(), vec![], source)?;
    executed.receipts = ended.receipts;
    let included = ended.included.iter().map(|transaction| transaction.hash).collect();
    let refused = ended.refused.iter().map(|(hash, _)| *hash).collect();
    Ok((executed, included, refused, ended.full))
}

/// Blocks of a few transactions that meet each other.
fn small_blocks(count: usize) -> Vec<Vec<Verified>> {
    let mut runner = TestRunner::deterministic();
    let scripts = prop::collection::vec(any_script(), 4..13);
    (0..count).map(|_| blocks(&scripts.new_tree(&mut runner).unwrap().current())).collect()
}

/// Whether a block, executed and built, does the same as in sequence.
fn agrees(threads: usize, fault: Fault, transactions: &[Verified], stop_after: u32) -> bool {
    let executed = timed(threads, fault, Source::Block(transactions));
    if executed != reference(Source::Block(transactions)) {
        return false;
    }
    let candidates = |make: &dyn Fn(Source<'_>) -> _| {
        let asked = AtomicU32::new(0);
        let stop = || asked.fetch_add(1, Ordering::Relaxed) >= stop_after;
        let mut candidates = transactions.iter().cloned();
        let made: Result<_, ExecuteError> = make(Source::Candidates(&mut candidates, &stop));
        (made, asked.load(Ordering::Relaxed))
    };
    candidates(&|source| timed(threads, fault, source)) == candidates(&|source| reference(source))
}

#[test]
fn a_block_does_the_same_in_every_timing() {
    let blocks = small_blocks(200);
    explore(move |schedule| {
        let threads = 2 + schedule % 2;
        let stop_after = if schedule % 4 == 3 { schedule as u32 % 11 } else { u32::MAX };
        let block = schedule % blocks.len();
        assert!(agrees(threads, Fault::None, &blocks[block], stop_after), "block {block}, {threads} threads");
    });
}

#[test]
fn keys_that_come_and_go_are_seen_in_every_timing() {
    // Some look for the next key, while one before them brings it and one after them is the first to hear of it.
    let look = script(1, &[Op::Next(4), Op::PutSeen(0)]);
    let scripts = [
        script(2, &[Op::Next(0)]),
        script(3, &[Op::Put(5, 1)]),
        look.clone(),
        script(4, &[Op::Get(5)]),
        script(5, &[Op::Remove(5)]),
        look.clone(),
        script(6, &[Op::Put(6, 1), Op::Next(5)]),
        script(7, &[Op::Get(6), Op::Get(5), Op::Get(8)]),
    ];
    let transactions = blocks(&scripts);
    explore(move |_| assert!(agrees(3, Fault::None, &transactions, u32::MAX)));
}

#[test]
fn who_is_parked_is_handed_on_in_every_timing() {
    let touching = |account: u8, other: u8| Script {
        touches: vec![(account, true), (other, false)],
        ..script(account, &[Op::Get(account), Op::PutSeen(account), Op::AddIf(other, 0, 1)])
    };
    let pairs = [(0, 1), (1, 2), (2, 0), (3, 1), (1, 0), (0, 3), (5, 1), (2, 3), (6, 0), (7, 6), (6, 5)];
    let transactions = blocks(&pairs.map(|(account, other)| touching(account, other)));
    explore(move |schedule| assert!(agrees(2 + schedule % 2, Fault::None, &transactions, u32::MAX)));
}

#[test]
fn a_failure_is_attributed_to_the_right_transaction_in_every_timing() {
    let scripts = [
        script(1, &[Op::Get(0), Op::Put(4, 1)]),
        script(2, &[Op::Get(4), Op::InvalidIf(5, 1)]),
        script(3, &[Op::Get(4), Op::Put(5, 1)]),
        script(4, &[Op::Remove(5)]),
        script(5, &[Op::Get(1), Op::InvalidIf(5, 1)]),
        script(6, &[Op::Put(5, 2)]),
        // Only now, and this one is to blame.
        script(7, &[Op::Index, Op::InvalidIf(5, 2)]),
        script(8, &[Op::InvalidIf(5, 1)]),
        script(9, &[Op::Index, Op::PutSeen(1)]),
    ];
    let transactions = blocks(&scripts);
    explore(move |schedule| {
        let threads = 2 + schedule % 2;
        let executed = timed(threads, Fault::None, Source::Block(&transactions));
        assert!(
            matches!(executed, Err(ExecuteError::Invalid { index: 6, hash, .. }) if hash == transactions[6].hash)
        );
        assert!(agrees(threads, Fault::None, &transactions, u32::MAX));
    });
}

#[test]
#[expect(clippy::print_stdout, reason = "shown with --nocapture, to whoever plants another one")]
fn a_planted_mistake_is_found_by_timing() {
    for fault in FAULTS {
        let blocks = small_blocks(200);
        let found = Arc::new(AtomicBool::new(false));
        let finder = found.clone();
        explore(move |schedule| {
            if finder.load(Ordering::Relaxed) {
                // PCT wants something to choose from in every schedule.
                let other = shuttle::thread::spawn(yield_now);
                yield_now();
                other.join().unwrap();
            } else if !agrees(2, fault, &blocks[schedule % blocks.len()], u32::MAX) {
                println!("{fault:?}: found by schedule {schedule}");
                finder.store(true, Ordering::Relaxed);
            }
        });
        assert!(found.load(Ordering::Relaxed), "{fault:?}, and no schedule shows it");
    }
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_wake_up_that_gets_lost_is_found_by_timing() {
    let blocks = small_blocks(200);
    explore(move |schedule| {
        agrees(2, Fault::SilentEnd, &blocks[schedule % blocks.len()], u32::MAX);
    });
}
