//! Running one transaction after the other on one overlay: all of the sequential mode, and what the parallel mode falls
//! back to.

use std::panic::{AssertUnwindSafe, catch_unwind};

use basalt_runtime_api::{ApplyError, BlockEnv, Position, Runtime, Verified};
use basalt_state::Overlay;

use crate::{
    ExecuteError,
    line::{Line, Turn},
};

/// What every transaction of a block is run with.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    pub(crate) runtime: &'a dyn Runtime,
    pub(crate) env: &'a BlockEnv,
}

impl Block<'_> {
    /// Gives the next transaction its turn and runs it, if it is to be run.
    pub(crate) fn step(
        &self,
        line: &mut Line<'_>,
        transaction: &Verified,
        overlay: &mut Overlay<'_>,
    ) -> Result<Turn, ExecuteError> {
        match line.turn(transaction)? {
            Turn::Run => {}
            other => return Ok(other),
        }
        let position = Position::new(line.len());
        overlay.push_layer();
        let run =
            catch_unwind(AssertUnwindSafe(|| self.runtime.apply(transaction, &position, self.env, overlay)));
        match run {
            Ok(Ok(receipt)) => {
                overlay.commit_layer();
                line.applied(transaction, receipt);
                Ok(Turn::Run)
            }
            Ok(Err(ApplyError::Invalid(error))) => {
                overlay.discard_layer();
                line.invalid(transaction, error)
            }
            Ok(Err(ApplyError::State(error))) => Err(error.into()),
            Err(panic) => {
                overlay.discard_all();
                line.panicked(transaction, message(panic.as_ref()))
            }
        }
    }
}

/// What a panic says.
pub(crate) fn message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
