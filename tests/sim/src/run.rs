//! Many seeds, and what came of them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use crate::{
    app::Shared,
    scenario::{Kind, Request, Scenario},
    world::{Outcome, World},
};

/// Transfers that wait for blocks of a run with real chains.
const TRANSFERS: usize = 400;

/// Runs one seed.
///
/// # Errors
///
/// If a chain cannot be made: not what the simulation is about.
pub fn run(request: &Request, trace: bool) -> anyhow::Result<Outcome> {
    run_scenario(Scenario::new(request), trace)
}

/// Runs what a seed stands for, or what was made of it.
///
/// # Errors
///
/// If a chain cannot be made: not what the simulation is about.
pub fn run_scenario(scenario: Scenario, trace: bool) -> anyhow::Result<Outcome> {
    let shared = match scenario.kind {
        Kind::Full => Some(Arc::new(Shared::new(TRANSFERS, &scenario.sets)?)),
        Kind::Light => None,
    };
    let world = World::new(scenario, shared.as_ref(), trace)?;
    let result = catch_unwind(AssertUnwindSafe(|| world.run()));
    Ok(result.unwrap_or_else(|panic| {
        let why = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|why| (*why).to_owned()))
            .unwrap_or_default();
        Outcome::panicked(why)
    }))
}

/// What many runs came to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// How many ran.
    pub runs: u64,
    /// Heights decided in them.
    pub heights: u64,
    /// Crashes in them.
    pub crashes: u64,
    /// Equivocations before the eyes of somebody honest: all of them were found.
    pub caught: u64,
    /// Which seeds failed, how, and the command that shows it.
    pub failures: Vec<Failure>,
}

/// A seed that failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Which.
    pub seed: u64,
    /// What did not hold.
    pub violations: Vec<String>,
    /// Does it again.
    pub command: String,
}

/// Runs many seeds, one after another on each thread. `progress` hears of every run; if it returns false, no more begin.
///
/// # Errors
///
/// If a chain cannot be made.
pub fn run_all(
    seeds: std::ops::Range<u64>,
    threads: usize,
    like: &Request,
    progress: &(dyn Fn(&Summary) -> bool + Sync),
) -> anyhow::Result<Summary> {
    let next = AtomicU64::new(seeds.start);
    let stopped = AtomicBool::new(false);
    let summary = Mutex::new(Summary::default());
    let work = || -> anyhow::Result<()> {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || stopped.load(Ordering::Relaxed) {
                return Ok(());
            }
            let request = Request { seed, ..like.clone() };
            let outcome = run(&request, false)?;
            let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
            summary.runs += 1;
            summary.heights += u64::from(outcome.heights);
            summary.crashes += u64::from(outcome.crashes);
            summary.caught += u64::try_from(outcome.caught).unwrap_or(0);
            if !outcome.violations.is_empty() {
                let command = request.command();
                summary.failures.push(Failure { seed, violations: outcome.violations, command });
            }
            if !progress(&summary) {
                stopped.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            thread.join().map_err(|_| anyhow::anyhow!("a thread of the simulation panicked"))??;
        }
        anyhow::Ok(())
    })?;
    let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.failures.sort_by_key(|failure| failure.seed);
    Ok(summary)
}
