//! How long a height takes, if the network takes a given time and nothing fails.

use std::time::Duration;

use basalt_consensus_bft::Pace;

use crate::{
    scenario::{Request, Scenario},
    world::World,
};

/// Heights that are measured.
const HEIGHTS: u32 = 100;

/// Latencies for one delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Of each packet, one way.
    pub delay: Duration,
    /// Half of the decisions took at most this.
    pub p50: Duration,
    /// All but one in a hundred.
    pub p99: Duration,
    /// How many there are.
    pub decisions: usize,
}

/// From the first node's begin of a height to each node's decision, with equal weights, one block a second, this much for
/// each sync of the disk and for executing a block.
///
/// # Errors
///
/// If the run fails.
pub fn measure(
    nodes: usize,
    delay: Duration,
    disk: Duration,
    execution: Duration,
) -> anyhow::Result<Latency> {
    let request = Request { nodes: Some(nodes), faults: Vec::new(), heights: HEIGHTS, ..Request::new(1) };
    let mut scenario = Scenario::new(&request);
    scenario.plain(delay);
    scenario.pace = Pace { block_time: Duration::from_secs(1), empty_block_time: Duration::from_secs(1) };
    scenario.fsync = disk;
    scenario.execution = execution;
    let outcome = World::new(scenario, None, false)?.run();
    anyhow::ensure!(outcome.violations.is_empty(), "the run failed: {:?}", outcome.violations);
    let mut all = outcome.latencies;
    all.sort_unstable();
    anyhow::ensure!(all.len() > 1, "nothing was decided");
    let at = |percent: usize| all[(all.len() - 1) * percent / 100];
    Ok(Latency { delay, p50: at(50), p99: at(99), decisions: all.len() })
}
