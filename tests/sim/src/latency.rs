//! How long a height takes, if the network takes a given time and nothing fails.

use std::time::Duration;

use basalt_consensus_bft::Pace;

use crate::{
    scenario::{Request, Scenario},
    world::World,
};

/// Heights that are measured.
const HEIGHTS: u32 = 100;

/// Half of the decisions took at most the first, all but one in a hundred at most the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// The median.
    pub p50: Duration,
    /// The slow ones.
    pub p99: Duration,
}

/// Latencies for one delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Of each packet, one way.
    pub delay: Duration,
    /// From when the proposer begins the height to each node's decision.
    pub block: Spread,
    /// From when anybody begins it: proposers that have seen the block below last begin up to one delay later.
    pub height: Spread,
    /// How many there are.
    pub decisions: usize,
}

/// Nodes with equal weights, a block each second, at most this much for each sync of the disk and for executing a block.
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
    anyhow::ensure!(!outcome.latencies.is_empty(), "nothing was decided");
    let (block, height): (Vec<_>, Vec<_>) = outcome.latencies.into_iter().unzip();
    let decisions = block.len();
    Ok(Latency { delay, block: spread(block), height: spread(height), decisions })
}

fn spread(mut all: Vec<Duration>) -> Spread {
    all.sort_unstable();
    let at = |percent: usize| all[(all.len() - 1) * percent / 100];
    Spread { p50: at(50), p99: at(99) }
}
