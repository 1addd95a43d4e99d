//! Importing many blocks: each stage works on another block.
//!
//! ```text
//! block N+2: decode, signatures ─► block N+1: execute ─► block N: root, accept ─► block N-1: commit
//!            a thread              the caller's          a thread                 the thread that commits
//! ```
//!
//! The result is that of importing one by one. Why each overlap is safe is said in `docs/decisions/0009-pipelining.md`;
//! in short: what runs ahead writes nothing, a refusal that was found ahead counts for nothing, and a block is accepted
//! only after all before it were.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use basalt_db::Pruning;
use basalt_primitives::{Block, H256, Header};
use basalt_runtime_api::BlockEnv;
use basalt_state::Overlay;

use crate::{
    BlockId, Chain, ChainError, ImportOptions, Imported, Pending,
    block::{Offered, Parent, Ran, Stopwatch},
    layer::Layer,
    limits::{IMPORT_AHEAD, IN_FLIGHT_MAX},
    view::StateView,
};

/// What came of importing many blocks.
#[derive(Debug)]
pub struct ImportedMany {
    /// The blocks that are in the chain, durable, in order: all before the first bad one.
    pub imported: Vec<Imported>,
    /// What is wrong with the one after them; none if all are in.
    pub error: Option<ChainError>,
}

/// What goes from execution to the root.
enum Next {
    /// A block that was executed, and how to import it.
    Ran(Box<Ran>, ImportOptions),
    /// A block that came in otherwise.
    Pending(Pending),
    /// Answer when all before it are durable.
    Settle(SyncSender<()>),
    /// The next block is bad.
    Failed(ChainError),
}

/// Another stage has found a bad block: nothing after that one counts.
struct Over;

/// Blocks that were executed, each on the one before, and may not be accepted yet.
struct Executed {
    /// The last one.
    tip: BlockId,
    /// What the first of `blocks` stands on.
    below: H256,
    /// Those that were not accepted when somebody looked, oldest first.
    blocks: VecDeque<(BlockId, Arc<Layer>)>,
}

impl Executed {
    /// Height of the last one, and the state after it: on the newest that is accepted, so that it does not reach back
    /// further than it must.
    fn parent(&mut self, chain: &Chain) -> Option<Parent> {
        let ground = chain.shared.ground();
        let number = self.tip.number;
        let view = |hash: &H256| ground.view(hash, &chain.shared.db);
        let newest =
            (0..self.blocks.len()).rev().find_map(|place| Some((place, view(&self.blocks[place].0.hash)?)));
        let mut state = match newest {
            Some((place, state)) => {
                if let Some((accepted, _)) = self.blocks.drain(..place + 1).next_back() {
                    self.below = accepted.hash;
                }
                state
            }
            None => view(&self.below)?,
        };
        for (id, changes) in &self.blocks {
            state = state.above(*id, changes.clone());
        }
        Some(Parent { number, state })
    }
}

impl Chain {
    /// Imports blocks in order, up to the first that is refused: as [`Chain::import`] of one after the other does, but
    /// while one executes, the signatures of the next are verified, and the root of the one before is computed.
    ///
    /// Blocks the calling thread until the last one is durable. At most a handful of the blocks that `blocks` gives are
    /// in memory at a time.
    pub fn import_many(
        &self,
        blocks: impl IntoIterator<Item = (Block, ImportOptions), IntoIter: Send>,
    ) -> ImportedMany {
        let blocks = blocks.into_iter();
        if !self.may_run_ahead() {
            return self.import_each(blocks);
        }
        thread::scope(|scope| {
            let (give, offered) = sync_channel(1);
            let (forward, next) = sync_channel(1);
            scope.spawn(move || self.read_ahead(blocks, &give));
            let rooting = scope.spawn(move || self.root_and_accept(&next));
            self.run_ahead(&offered, &forward);
            // Those who wait for each other end one after the other.
            drop((offered, forward));
            rooting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Whether the states that blocks are executed on are kept until they are executed.
    fn may_run_ahead(&self) -> bool {
        match self.shared.db.config().pruning {
            Pruning::Archive => true,
            Pruning::Keep(blocks) => {
                usize::try_from(blocks).is_ok_and(|blocks| blocks >= IN_FLIGHT_MAX + IMPORT_AHEAD)
            }
        }
    }

    fn import_each(&self, blocks: impl Iterator<Item = (Block, ImportOptions)>) -> ImportedMany {
        let mut imported = Vec::new();
        for (block, options) in blocks {
            match self.import(block, options) {
                Ok(done) => imported.push(done),
                Err(error) => return ImportedMany { imported, error: Some(error) },
            }
        }
        ImportedMany { imported, error: None }
    }

    /// First stage: all that needs no parent, and signatures as far as they can be checked before it is there.
    fn read_ahead(
        &self,
        blocks: impl Iterator<Item = (Block, ImportOptions)>,
        give: &SyncSender<(Offered, ImportOptions)>,
    ) {
        // The blocks before this one that may not be in the chain yet, oldest first.
        let mut before: VecDeque<(H256, BlockEnv)> = VecDeque::new();
        for (block, options) in blocks {
            let mut offered = self.read(block);
            let mut clock = Stopwatch::start();
            self.verify_early(&mut offered, &before);
            offered.verify += clock.lap();
            before.push_back((offered.id.hash, BlockEnv::of(&offered.block.header, options.author)));
            if before.len() > IMPORT_AHEAD {
                before.pop_front();
            }
            if give.send((offered, options)).is_err() {
                return;
            }
        }
    }

    /// Verifies the signatures of a block whose parent may not be executed yet. What a signature is checked for takes
    /// from the state only which block has which hash, and that is known as soon as the headers below are.
    fn verify_early(&self, offered: &mut Offered, before: &VecDeque<(H256, BlockEnv)>) {
        let Some(transactions) = offered.transactions() else { return };
        let Some(state) = self.early_state(&offered.block.header, before) else { return };
        // A refusal counts for nothing, since that state is not the real one: it is looked for again.
        offered.verified = self.verify(&state, transactions.to_vec()).ok();
    }

    /// The state after the block below, as far as that is known before it is executed.
    fn early_state(&self, header: &Header, before: &VecDeque<(H256, BlockEnv)>) -> Option<StateView> {
        let ground = self.shared.ground();
        let mut below = Vec::new();
        let mut at = header.parent_hash;
        let mut state = loop {
            if let Some(view) = ground.view(&at, &self.shared.db) {
                break view;
            }
            let (hash, env) = before.iter().rev().find(|(hash, _)| *hash == at)?;
            // Nobody is misled by heights that make no sense, but they are not worth the work either.
            if below.len() >= IMPORT_AHEAD {
                return None;
            }
            below.push((*hash, env));
            at = env.parent_hash;
        };
        for (hash, env) in below.into_iter().rev() {
            if state.block().number.checked_add(1) != Some(env.number) {
                return None;
            }
            let mut overlay = Overlay::new(&state);
            self.runtime.begin_block(env, &mut overlay).ok()?;
            let changes = Arc::new(overlay.into_change_set().ok()?.into());
            state = state.above(BlockId { hash, number: env.number }, changes);
        }
        Some(state)
    }

    /// Second stage: executes each block on the one before it, whose root is not compared yet.
    fn run_ahead(&self, offered: &Receiver<(Offered, ImportOptions)>, forward: &SyncSender<Next>) {
        let mut executed = None;
        while let Ok((offered, options)) = offered.recv() {
            let next = match self.run_next(offered, options, &mut executed, forward) {
                Ok(next) => next,
                Err(Over) => return,
            };
            let failed = matches!(next, Next::Failed(_));
            if forward.send(next).is_err() || failed {
                return;
            }
        }
    }

    fn run_next(
        &self,
        offered: Offered,
        options: ImportOptions,
        executed: &mut Option<Executed>,
        forward: &SyncSender<Next>,
    ) -> Result<Next, Over> {
        let (id, below) = (offered.id, offered.block.header.parent_hash);
        let stands_on_last = executed.as_ref().is_some_and(|blocks| blocks.tip.hash == below);
        let parent =
            if stands_on_last { executed.as_mut().and_then(|blocks| blocks.parent(self)) } else { None };
        let parent = match parent {
            Some(parent) => parent,
            // Anything else is decided as if all before it were done, and so after that.
            None => {
                *executed = None;
                settle(forward)?;
                match self.import_if_known(id, &options) {
                    Ok(None) => {}
                    Ok(Some(pending)) => return Ok(Next::Pending(pending)),
                    Err(error) => return Ok(Next::Failed(error)),
                }
                match self.stands_on(&offered) {
                    Ok(parent) => parent,
                    Err(error) => return Ok(Next::Failed(error)),
                }
            }
        };
        let ran = match self.run(offered, parent, options.author, options.now.clone()) {
            Ok(ran) => ran,
            Err(error) => return Ok(Next::Failed(error)),
        };
        let executed = executed.get_or_insert_with(|| Executed { tip: id, below, blocks: VecDeque::new() });
        executed.tip = id;
        executed.blocks.push_back((id, ran.changes.clone()));
        Ok(Next::Ran(Box::new(ran), options))
    }

    /// Third stage: compares roots, and lets in what is right, in order.
    fn root_and_accept(&self, next: &Receiver<Next>) -> ImportedMany {
        let mut imported = Vec::new();
        let mut pending = VecDeque::new();
        let mut error = None;
        while let Ok(next) = next.recv() {
            let accepted = match next {
                Next::Ran(ran, options) => {
                    self.rooted(*ran).and_then(|built| self.commit_later(built, options))
                }
                Next::Pending(pending) => Ok(pending),
                Next::Failed(error) => Err(error),
                Next::Settle(done) => match durable(&mut pending, &mut imported, 0) {
                    Ok(()) => {
                        // It waits for this.
                        let _ = done.send(());
                        continue;
                    }
                    Err(error) => Err(error),
                },
            };
            let accepted = accepted.and_then(|accepted| {
                pending.push_back(accepted);
                durable(&mut pending, &mut imported, IN_FLIGHT_MAX)
            });
            if let Err(found) = accepted {
                error = Some(found);
                break;
            }
        }
        // What was accepted is good, whatever came after it.
        if let Err(found) = durable(&mut pending, &mut imported, 0) {
            error.get_or_insert(found);
        }
        ImportedMany { imported, error }
    }
}

/// Waits until at most `left` blocks are not durable.
fn durable(
    pending: &mut VecDeque<Pending>,
    imported: &mut Vec<Imported>,
    left: usize,
) -> Result<(), ChainError> {
    while pending.len() > left
        && let Some(oldest) = pending.pop_front()
    {
        imported.push(oldest.wait()?);
    }
    Ok(())
}

/// Waits until all that was handed on is durable.
fn settle(forward: &SyncSender<Next>) -> Result<(), Over> {
    let (done, wait) = sync_channel(1);
    forward.send(Next::Settle(done)).map_err(|_| Over)?;
    wait.recv().map_err(|_| Over)
}
