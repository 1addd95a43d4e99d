//! One transaction after the other: the reference mode.

use std::collections::BTreeSet;

use basalt_primitives::{InvalidTransaction, TransactionValidityError};
use basalt_runtime_api::{ApplyError, BlockEnv, BlockRecord, Event, Position, Receipt, Runtime, Verified};
use basalt_state::{Overlay, StateError, StateRead};

use crate::{Built, ExecuteError, Executed, MISFITS_MAX, Report, meter::Meter};

/// A block being run.
struct Run<'a> {
    runtime: &'a dyn Runtime,
    env: &'a BlockEnv,
    overlay: Overlay<'a>,
    meter: Meter,
    initialization: Vec<Event>,
    receipts: Vec<Receipt>,
}

/// What became of one transaction.
enum Step {
    Applied,
    Invalid(TransactionValidityError),
}

impl<'a> Run<'a> {
    fn begin(
        runtime: &'a dyn Runtime,
        parent: &'a dyn StateRead,
        env: &'a BlockEnv,
    ) -> Result<Self, ExecuteError> {
        let meter = Meter::new(runtime.limits(parent)?);
        let mut overlay = Overlay::new(parent);
        let initialization = runtime.begin_block(env, &mut overlay)?;
        Ok(Self { runtime, env, overlay, meter, initialization, receipts: Vec::new() })
    }

    fn apply(&mut self, transaction: &Verified) -> Result<Step, StateError> {
        if let Err(error) = self.meter.check(transaction) {
            return Ok(Step::Invalid(TransactionValidityError::Invalid(error)));
        }
        // A block's transactions are counted in u32 everywhere; its byte limit keeps them far below.
        let index = u32::try_from(self.receipts.len()).unwrap_or(u32::MAX);
        self.overlay.push_layer();
        match self.runtime.apply(transaction, &Position::new(index), self.env, &mut self.overlay) {
            Ok(receipt) => {
                self.overlay.commit_layer();
                self.meter.add(transaction, &receipt);
                self.receipts.push(receipt);
                Ok(Step::Applied)
            }
            Err(ApplyError::Invalid(error)) => {
                self.overlay.discard_layer();
                Ok(Step::Invalid(error))
            }
            Err(ApplyError::State(error)) => Err(error),
        }
    }

    fn end(mut self) -> Result<Executed, ExecuteError> {
        let record = BlockRecord {
            initialization: &self.initialization,
            receipts: &self.receipts,
            bytes: self.meter.bytes(),
        };
        let digest = self.runtime.end_block(self.env, &record, &mut self.overlay)?;
        Ok(Executed {
            weight: self.meter.weight(),
            bytes: self.meter.bytes(),
            changes: self.overlay.into_change_set()?,
            receipts: self.receipts,
            digest,
        })
    }
}

pub(crate) fn execute(
    runtime: &dyn Runtime,
    parent: &(dyn StateRead + Sync),
    env: &BlockEnv,
    transactions: &[Verified],
) -> Result<Executed, ExecuteError> {
    let mut run = Run::begin(runtime, parent, env)?;
    for (index, transaction) in (0..).zip(transactions) {
        if let Step::Invalid(error) = run.apply(transaction)? {
            return Err(ExecuteError::Invalid { index, hash: transaction.hash, error });
        }
    }
    run.end()
}

pub(crate) fn build(
    runtime: &dyn Runtime,
    parent: &(dyn StateRead + Sync),
    env: &BlockEnv,
    inherents: Vec<Verified>,
    candidates: &mut dyn Iterator<Item = Verified>,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Built, ExecuteError> {
    let mut run = Run::begin(runtime, parent, env)?;
    let mut included = Vec::new();
    for (index, inherent) in (0..).zip(inherents) {
        match run.apply(&inherent)? {
            Step::Applied => included.push(inherent),
            Step::Invalid(error) => {
                return Err(ExecuteError::Invalid { index, hash: inherent.hash, error });
            }
        }
    }
    let mut refused = Vec::new();
    let mut misfits = 0;
    // Whose next transaction did not fit: the later ones have to wait for it, and are not to be called invalid.
    let mut waiting = BTreeSet::new();
    let mut full = false;
    loop {
        if stop() {
            full = true;
            break;
        }
        let Some(candidate) = candidates.next() else { break };
        let sender = candidate.signed.as_ref().map(|signed| signed.signer);
        let step = if sender.is_some_and(|sender| waiting.contains(&sender)) {
            Step::Invalid(InvalidTransaction::ExhaustsResources.into())
        } else {
            run.apply(&candidate)?
        };
        match step {
            Step::Applied => {
                misfits = 0;
                included.push(candidate);
            }
            Step::Invalid(TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources)) => {
                full = true;
                waiting.extend(sender);
                misfits += 1;
                if misfits >= MISFITS_MAX {
                    break;
                }
            }
            Step::Invalid(error) => refused.push((candidate.hash, error)),
        }
    }
    Ok(Built { executed: run.end()?, report: Report::default(), included, refused, full })
}
