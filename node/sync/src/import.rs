//! From an answer to final blocks: each proved right before it is executed.

use std::{collections::VecDeque, fmt, sync::Arc};

use basalt_chain::{BlockId, Chain, ChainError, ForkChoice, ImportError, ImportOptions, Justification};
use basalt_primitives::{AccountId, BlockNumber, Header};
use basalt_runtime_api::ValidatorSet;

use crate::{
    batch::{Batch, Fault, Offered},
    machine::{End, Outcome},
};

/// Says why a justification does not prove that a block is final by the word of a set of validators.
pub type Verify =
    Arc<dyn Fn(&ValidatorSet, &Justification, &BlockId) -> Result<(), String> + Send + std::marker::Sync>;

/// Who made the block, as its engine reads the header.
pub type Author = fn(&Header) -> Option<AccountId>;

/// Imports batches. Blocks the caller.
#[derive(Clone)]
pub struct Importer {
    /// Where blocks go.
    pub chain: Arc<Chain>,
    /// Knows certificates.
    pub verify: Verify,
    /// Knows authors.
    pub author: Author,
}

impl fmt::Debug for Importer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Importer").field("chain", &self.chain).finish_non_exhaustive()
    }
}

impl Importer {
    /// Imports the blocks of a batch that are above the final one, up to the first that is not proved.
    ///
    /// Each is proved by the set that the runtime names at the state below it. Where that set's time may end, or a proof
    /// fails, everything before is imported, and the set read anew: so nobody who was replaced proves anything.
    pub fn import(&self, batch: Batch) -> Outcome {
        let mut blocks: VecDeque<Offered> = batch.into_blocks().into();
        let end = loop {
            match self.import_some(&mut blocks) {
                Ok(()) if blocks.is_empty() => break End::Done,
                Ok(()) => {}
                Err(end) => break end,
            }
        };
        Outcome { finalized: self.chain.finalized(), end }
    }

    /// Imports at least one block, or takes out those that are final already, or says what is wrong with the first.
    fn import_some(&self, blocks: &mut VecDeque<Offered>) -> Result<(), End> {
        let base = self.chain.finalized();
        while blocks.pop_front_if(|offered| offered.id.number <= base.number).is_some() {}
        let Some(first) = blocks.front() else { return Ok(()) };
        let (number, below) = (first.id.number, first.block.header.parent_hash);
        if below != base.hash {
            return Err(End::Wrong(Fault::BrokenLink { number, got: below, expected: base.hash }));
        }
        let (validators, until) = self.validators(&base)?;
        self.proved(&validators, first).map_err(End::Wrong)?;
        let mut first = true;
        let proved = std::iter::from_fn(|| {
            // The first was looked at above.
            if !std::mem::take(&mut first) {
                let next = blocks.front()?;
                if until.is_some_and(|until| next.id.number > until) {
                    return None;
                }
                self.proved(&validators, next).ok()?;
            }
            let Offered { block, justification, .. } = blocks.pop_front()?;
            let options = ImportOptions {
                author: (self.author)(&block.header),
                fork_choice: ForkChoice::Best,
                finalize: true,
                justification: Some(justification),
                now: None,
            };
            Some((block, options))
        });
        match self.chain.import_many(proved).error {
            None => Ok(()),
            Some(error) => Err(failed(&error)),
        }
    }

    /// Who decides the block above `base`, and the last block that they surely decide.
    fn validators(&self, base: &BlockId) -> Result<(ValidatorSet, Option<BlockNumber>), End> {
        let read = || {
            let (state, runtime) = (self.chain.state_at(&base.hash)?, self.chain.runtime());
            let until = runtime.validators_until(&state).map_err(ChainError::State)?;
            Ok((runtime.validators(&state).map_err(ChainError::State)?, until))
        };
        read().map_err(|error: ChainError| failed(&error))
    }

    fn proved(&self, validators: &ValidatorSet, offered: &Offered) -> Result<(), Fault> {
        (self.verify)(validators, &offered.justification, &offered.id)
            .map_err(|why| Fault::NotProved { number: offered.id.number, why })
    }
}

/// Why a block did not get in although it is proved final. Never the fault of who sent it: those who vouched for it with
/// their stake were more than two thirds.
fn failed(error: &ChainError) -> End {
    match error {
        ChainError::Import(ImportError::UnknownParent { .. } | ImportError::BelowFinalized { .. })
        | ChainError::UnknownBlock(_)
        | ChainError::Pruned(_) => End::Overtaken,
        error if error.is_peer_fault() => End::Trouble(format!(
            "a block is proved final by its validators, but this node refuses it: {error}; check that this node's \
             version is the one that they run"
        )),
        error => End::Trouble(error.to_string()),
    }
}
