//! From the chain to the pool.

use std::{collections::VecDeque, sync::Arc};

use basalt_chain::{BlockId, Chain, ChainError, Contents};
use basalt_pool::{BlockUpdate, Head, PoolHandle};
use basalt_primitives::H256;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::EngineError;

/// Bytes of extrinsics of unfinalised blocks that are remembered: eight blocks at the usual limit. The chain forgets a
/// losing branch in the moment in which another becomes final, and its transactions shall come back all the same.
const BODIES_BYTES_MAX: usize = 40 * 1024 * 1024;

/// The most blocks to tell of at once. A pool that is told of a block and hears much later that it is final gives up
/// waiting in between, so both are told in steps far shorter than its patience.
const STEP_BLOCKS_MAX: usize = 64;

/// Tells the pool of each new head and each final block, until it is dropped.
///
/// Events only wake it: what to tell is the difference between what the pool was told and what the chain says now.
/// So it does not matter how many events were missed, and watchers hear of a block only when it can be read.
///
/// # Errors
///
/// If the chain cannot be read. The node should stop then.
pub async fn feed_pool(chain: Arc<Chain>, pool: PoolHandle) -> Result<(), EngineError> {
    // Before the first look, so that nothing happens between look and listen.
    let mut events = chain.subscribe();
    let mut told = Told::new(chain.finalized(), pool.subscribe_head().borrow().0);
    loop {
        let look = {
            let chain = chain.clone();
            // Contents of blocks may come from disk.
            tokio::task::spawn_blocking(move || {
                let step = told.step(&chain);
                (told, step)
            })
        };
        let (back, step) = look.await.map_err(|error| EngineError::Panicked(error.to_string()))?;
        told = back;
        let Step { update, finalized } = match step {
            Ok(step) => step,
            // A branch was lost between two looks at it; the next look sees the new one.
            Err(ChainError::UnknownBlock(_) | ChainError::Pruned(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        if update.is_none() && finalized.is_empty() {
            match events.recv().await {
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            }
            // One look is enough for all that has happened.
            while matches!(events.try_recv(), Ok(_) | Err(TryRecvError::Lagged(_))) {}
            continue;
        }
        if let Some(update) = update {
            pool.on_block(update).await;
        }
        if !finalized.is_empty() {
            pool.on_finalized(finalized).await;
        }
    }
}

/// What to tell the pool next.
#[derive(Default)]
struct Step {
    update: Option<BlockUpdate>,
    finalized: Vec<(H256, Vec<H256>)>,
}

/// What the pool was told.
struct Told {
    /// The last final block.
    base: BlockId,
    /// The blocks above it up to the head.
    branch: VecDeque<Entry>,
    /// Bytes of the extrinsics in `branch`.
    bytes: usize,
    /// The pool's head. At the start it may be any.
    head: H256,
}

struct Entry {
    id: BlockId,
    hashes: Vec<H256>,
    /// None if there is no room to remember it.
    contents: Option<Contents>,
}

impl Told {
    fn new(base: BlockId, head: H256) -> Self {
        Self { base, branch: VecDeque::new(), bytes: 0, head }
    }

    /// What has changed. On an error nothing has been noted, and the next call starts over.
    fn step(&mut self, chain: &Chain) -> Result<Step, ChainError> {
        // In this order: a head always stands on what was final before it was read.
        let finalized = chain.finalized();
        let best = chain.best();
        let mut step = Step::default();
        if best.hash != self.head || self.branch.back().map_or(self.base, |entry| entry.id) != best {
            step.update = Some(self.lead_to(best, chain)?);
        }
        while self.branch.front().is_some_and(|entry| entry.id.number <= finalized.number) {
            let Some(entry) = self.branch.pop_front() else { break };
            self.bytes -= bytes(&entry);
            self.base = entry.id;
            step.finalized.push((entry.id.hash, entry.hashes));
        }
        Ok(step)
    }

    /// Leads the pool to `best`; if that is far, only some of the way.
    fn lead_to(&mut self, best: BlockId, chain: &Chain) -> Result<BlockUpdate, ChainError> {
        let mut way = Vec::new();
        let mut at = best.hash;
        let common = loop {
            if at == self.base.hash {
                break 0;
            }
            if let Some(place) = self.branch.iter().position(|entry| entry.id.hash == at) {
                break place + 1;
            }
            let header = chain.header(&at)?.ok_or(ChainError::UnknownBlock(at))?;
            way.push(BlockId { hash: at, number: header.number });
            at = header.parent_hash;
        };
        way.reverse();
        let (target, state) = match way.get(STEP_BLOCKS_MAX - 1).map(|id| (*id, chain.state_at(&id.hash))) {
            Some((id, Ok(state))) => (id, state),
            // Near enough, or so far that the states between are gone.
            None | Some((_, Err(ChainError::Pruned(_)))) => (best, chain.state_at(&best.hash)?),
            Some((_, Err(error))) => return Err(error),
        };
        let mut entries = Vec::new();
        for id in way.into_iter().take_while(|id| id.number <= target.number) {
            let contents = chain.contents(&id.hash)?.ok_or(ChainError::UnknownBlock(id.hash))?;
            entries.push(Entry { id, hashes: contents.hashes().to_vec(), contents: Some(contents) });
        }
        let head = Head { hash: target.hash, number: target.number, state: Arc::new(state) };

        // From here on nothing fails.
        let retracted = self
            .branch
            .drain(common..)
            .map(|entry| {
                self.bytes -= bytes(&entry);
                let contents = entry.contents.or_else(|| chain.contents(&entry.id.hash).ok().flatten());
                let extrinsics = contents.iter().flat_map(Contents::extrinsics);
                (entry.id.hash, extrinsics.map(|extrinsic| extrinsic.0.clone()).collect())
            })
            .collect();
        let enacted = entries.iter().map(|entry| (entry.id.hash, entry.hashes.clone())).collect();
        for mut entry in entries {
            if self.bytes + bytes(&entry) > BODIES_BYTES_MAX {
                entry.contents = None;
            }
            self.bytes += bytes(&entry);
            self.branch.push_back(entry);
        }
        self.head = target.hash;
        Ok(BlockUpdate { head, enacted, retracted })
    }
}

fn bytes(entry: &Entry) -> usize {
    entry.contents.as_ref().map_or(0, Contents::bytes)
}
