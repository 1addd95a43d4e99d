//! The order of a block: who is next, what still fits, what became of whom. The same for every mode.

use std::collections::BTreeSet;

use basalt_primitives::{AccountId, Digest, H256, InvalidTransaction, TransactionValidityError, Weight};
use basalt_runtime_api::{BlockLimits, Receipt, Verified};
use basalt_state::ChangeSet;

use crate::{ExecuteError, Executed, MISFITS_MAX, Meter};

/// Room is made for no more receipts than this beforehand: a pool may offer many more than fit into a block.
const EXPECTED_MAX: usize = 1 << 14;

/// Whether a block is checked or made.
#[derive(Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// Every transaction has to be in the block, or the block is invalid.
    Execute,
    /// Transactions that are invalid or do not fit are left out, until somebody says stop.
    Build { stop: &'a (dyn Fn() -> bool + Sync) },
}

/// What happens to the next transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is run, on top of all that went in before.
    Run,
    /// It is left out.
    Skip,
    /// It is left out, and so is everything after it.
    End,
}

/// Transactions in order: each goes in at its turn, or not at all.
///
/// Modes differ in when they run a transaction. Here it takes its turn, one after the other, so that what is in a block
/// depends on the order alone.
pub(crate) struct Line<'a> {
    purpose: Purpose<'a>,
    meter: Meter,
    receipts: Vec<Receipt>,
    included: Vec<Verified>,
    refused: Vec<(H256, TransactionValidityError)>,
    /// Whose next transaction did not fit: the later ones have to wait for it, and are not to be called invalid.
    waiting: BTreeSet<AccountId>,
    /// How many in a row did not fit.
    misfits: u32,
    full: bool,
}

/// What a line ends with.
pub(crate) struct Ended {
    pub(crate) meter: Meter,
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) included: Vec<Verified>,
    pub(crate) refused: Vec<(H256, TransactionValidityError)>,
    pub(crate) full: bool,
}

impl Ended {
    /// What the block did, its receipts with it.
    pub(crate) fn executed(&mut self, changes: ChangeSet, digest: Digest) -> Executed {
        Executed {
            receipts: std::mem::take(&mut self.receipts),
            changes,
            digest,
            weight: self.meter.weight(),
            bytes: self.meter.bytes(),
        }
    }
}

impl<'a> Line<'a> {
    /// An empty block's line, with room for about so many transactions. It begins with what has to be in the block: see
    /// [`Self::open`].
    pub(crate) fn new(limits: BlockLimits, expected: usize) -> Self {
        Self {
            purpose: Purpose::Execute,
            meter: Meter::new(limits),
            // To make room little by little moves all that is there again and again.
            receipts: Vec::with_capacity(expected.min(EXPECTED_MAX)),
            included: Vec::new(),
            refused: Vec::new(),
            waiting: BTreeSet::new(),
            misfits: 0,
            full: false,
        }
    }

    /// Counts what the hooks at the block's beginning weighed.
    pub(crate) fn add_opening(&mut self, weight: Weight) {
        self.meter.add_opening(weight);
    }

    /// What follows is for this purpose.
    pub(crate) fn open(&mut self, purpose: Purpose<'a>) {
        self.purpose = purpose;
    }

    /// How many went in.
    pub(crate) fn len(&self) -> u32 {
        // A block's transactions are counted in u32 everywhere; its byte limit keeps them far below.
        u32::try_from(self.receipts.len()).unwrap_or(u32::MAX)
    }

    /// The next one's turn.
    pub(crate) fn turn(&mut self, next: &Verified) -> Result<Turn, ExecuteError> {
        match self.purpose {
            Purpose::Execute => match self.meter.check(next) {
                Ok(()) => Ok(Turn::Run),
                Err(error) => Err(self.invalid_block(next, error.into())),
            },
            Purpose::Build { .. } => {
                if self.stops() {
                    return Ok(Turn::End);
                }
                let waits = next.signed.as_ref().is_some_and(|signed| self.waiting.contains(&signed.signer));
                if waits || self.meter.check(next).is_err() {
                    return Ok(self.misfit(next));
                }
                Ok(Turn::Run)
            }
        }
    }

    /// Asks a builder's `stop`, once per turn and once when nobody is left.
    pub(crate) fn stops(&mut self) -> bool {
        let stops = match self.purpose {
            Purpose::Execute => false,
            Purpose::Build { stop } => stop(),
        };
        self.full |= stops;
        stops
    }

    /// The one whose turn it was has been run, and is in.
    pub(crate) fn applied(&mut self, transaction: &Verified, receipt: Receipt) {
        self.meter.add(transaction, &receipt);
        self.receipts.push(receipt);
        if matches!(self.purpose, Purpose::Build { .. }) {
            self.misfits = 0;
            self.included.push(transaction.clone());
        }
    }

    /// The one whose turn it was has been run, and cannot be in this block. Says how to go on.
    pub(crate) fn invalid(
        &mut self,
        transaction: &Verified,
        error: TransactionValidityError,
    ) -> Result<Turn, ExecuteError> {
        match (self.purpose, error) {
            (Purpose::Execute, error) => Err(self.invalid_block(transaction, error)),
            (_, TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources)) => {
                Ok(self.misfit(transaction))
            }
            (_, error) => {
                self.refused.push((transaction.hash, error));
                Ok(Turn::Skip)
            }
        }
    }

    /// The one whose turn it was panicked: our own mistake, which makes no block invalid. A builder leaves it out, or no
    /// block would be made as long as it is in the pool.
    pub(crate) fn panicked(&mut self, transaction: &Verified, what: String) -> Result<Turn, ExecuteError> {
        match self.purpose {
            Purpose::Execute => {
                Err(ExecuteError::Panicked { index: self.len(), hash: transaction.hash, what })
            }
            Purpose::Build { .. } => self.invalid(transaction, InvalidTransaction::Call.into()),
        }
    }

    /// An inherent of ours is in.
    pub(crate) fn note_included(&mut self, inherent: Verified) {
        self.included.push(inherent);
    }

    pub(crate) fn end(self) -> Ended {
        Ended {
            meter: self.meter,
            receipts: self.receipts,
            included: self.included,
            refused: self.refused,
            full: self.full,
        }
    }

    fn misfit(&mut self, transaction: &Verified) -> Turn {
        self.full = true;
        self.waiting.extend(transaction.signed.as_ref().map(|signed| signed.signer));
        self.misfits += 1;
        if self.misfits >= MISFITS_MAX { Turn::End } else { Turn::Skip }
    }

    fn invalid_block(&self, transaction: &Verified, error: TransactionValidityError) -> ExecuteError {
        ExecuteError::Invalid { index: self.len(), hash: transaction.hash, error }
    }
}
