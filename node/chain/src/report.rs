//! How the last blocks were run here: for people who want to know where the time went.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use basalt_db::BlockId;
use basalt_executor::Report;
use basalt_primitives::H256;
use parking_lot::Mutex;

use crate::limits::REPORTS_KEPT;

/// How one block was run here. It depends on the machine and on timing; what the block did does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockReport {
    /// Which block.
    pub id: BlockId,
    /// How its transactions were run.
    pub execution: Report,
    /// Where the time went.
    pub times: StageTimes,
    /// Whether this node made it. Else somebody else did, and it was checked here.
    pub built_here: bool,
}

/// Time on the clock in each stage of a block's way into the chain. Stages of different blocks may overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StageTimes {
    /// Sizes, extrinsics root, decoding and signatures; none for blocks made here, whose transactions the pool checked.
    pub verify: Duration,
    /// Running the transactions, and picking them if the block was made here.
    pub execute: Duration,
    /// The state root; for blocks made here the header too.
    pub root: Duration,
    /// Writing it all to the database, and showing it to readers.
    pub commit: Duration,
}

/// The reports of the last [`REPORTS_KEPT`] blocks that came in.
#[derive(Default)]
pub(crate) struct Reports {
    /// Oldest first. Locked for moments only.
    kept: Mutex<VecDeque<Arc<BlockReport>>>,
}

impl Reports {
    pub(crate) fn keep(&self, report: BlockReport) {
        let report = Arc::new(report);
        let mut kept = self.kept.lock();
        // A branch that was lost may come in again: its newest report counts.
        kept.retain(|old| old.id != report.id);
        kept.push_back(report);
        let forgotten = if kept.len() > REPORTS_KEPT { kept.pop_front() } else { None };
        drop(kept);
        drop(forgotten);
    }

    pub(crate) fn get(&self, hash: &H256) -> Option<Arc<BlockReport>> {
        // People ask for new blocks.
        self.kept.lock().iter().rev().find(|report| report.id.hash == *hash).cloned()
    }
}
