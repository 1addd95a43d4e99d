//! One transaction after the other: the reference mode, and how every block begins and ends.

use std::time::Instant;

use basalt_primitives::Digest;
use basalt_runtime_api::{BlockEnv, BlockRecord, Events, Runtime, Verified};
use basalt_state::{Overlay, StateRead};

use crate::{
    ExecuteError, Executed, Report, Times,
    line::{Ended, Line, Purpose, Turn},
    parallel::Source,
    serial::Block,
};

/// Opens a block: its hooks, then what has to be in it.
pub(crate) fn open<'l>(
    block: Block<'_>,
    parent: &(dyn StateRead + Sync),
    overlay: &mut Overlay<'_>,
    inherents: Vec<Verified>,
    expected: usize,
) -> Result<(Events, Line<'l>), ExecuteError> {
    let mut line = Line::new(block.runtime.limits(parent)?, expected);
    let initialization = block.runtime.begin_block(block.env, overlay)?;
    line.add_opening(block.runtime.opening_weight(overlay)?);
    for inherent in inherents {
        block.step(&mut line, &inherent, overlay)?;
        line.note_included(inherent);
    }
    Ok((initialization, line))
}

/// Closes a block.
pub(crate) fn close(
    block: Block<'_>,
    initialization: &Events,
    ended: &Ended,
    overlay: &mut Overlay<'_>,
) -> Result<Digest, ExecuteError> {
    let record = BlockRecord { initialization, receipts: &ended.receipts, bytes: ended.meter.bytes() };
    Ok(block.runtime.end_block(block.env, &record, overlay)?)
}

/// Runs a block, or makes one.
pub(crate) fn run(
    runtime: &dyn Runtime,
    parent: &(dyn StateRead + Sync),
    env: &BlockEnv,
    inherents: Vec<Verified>,
    source: Source<'_>,
) -> Result<(Executed, Ended, Report), ExecuteError> {
    let started = Instant::now();
    let block = Block { runtime, env };
    let mut overlay = Overlay::new(parent);
    let (initialization, mut line) = open(block, parent, &mut overlay, inherents, source.expected())?;
    let mut hooks = started.elapsed();
    let running = Instant::now();
    match source {
        Source::Block(transactions) => {
            for transaction in transactions {
                block.step(&mut line, transaction, &mut overlay)?;
            }
        }
        Source::Candidates(candidates, stop) => {
            line.open(Purpose::Build { stop });
            loop {
                let Some(candidate) = candidates.next() else {
                    line.stops();
                    break;
                };
                if block.step(&mut line, &candidate, &mut overlay)? == Turn::End {
                    break;
                }
            }
        }
    }
    let execute = running.elapsed();
    let mut ended = line.end();
    let closing = Instant::now();
    let digest = close(block, &initialization, &ended, &mut overlay)?;
    hooks += closing.elapsed();
    let collecting = Instant::now();
    let changes = overlay.into_change_set()?;
    let transactions = u32::try_from(ended.receipts.len()).unwrap_or(u32::MAX);
    let report = Report {
        transactions,
        executions: transactions,
        sequential: transactions,
        times: Times {
            whole: started.elapsed(),
            hooks,
            execute,
            collect: collecting.elapsed(),
            ..Times::default()
        },
        ..Report::default()
    };
    let executed = ended.executed(changes, digest);
    Ok((executed, ended, report))
}
