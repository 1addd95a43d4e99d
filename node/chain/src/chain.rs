//! The chain: readers see one snapshot of what is durable, one writer at a time moves it on.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use basalt_db::{Commit, Db, DbError, Finalize, Justification, NewBlock, Pruning};
use basalt_executor::Executor;
use basalt_primitives::{Block, BlockNumber, H256, Header, OpaqueExtrinsic, TransactionValidityError};
use basalt_runtime_api::{GenesisError, Runtime};
use basalt_state::{ChangeSet, StateError, StateRead};
use basalt_tree::{Tree, TreeDiff, hash_changes};
use basalt_verifier::Verifier;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{broadcast, watch};

use crate::{
    BlockId, BlockReport, BuiltBlock, ChainError, ChainEvent, Contents, ForkChoice, ImportError,
    ImportOptions, Pending,
    limits::IN_FLIGHT_MAX,
    shared::{Ground, Shared},
    tree::{BlockTree, Node, Refused},
    view::StateView,
    writer::{self, New, Step, Task},
};

#[cfg(test)]
mod tests;

/// The blocks of one chain, above one database.
pub struct Chain {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) executor: Executor,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) shared: Arc<Shared>,
    genesis_hash: H256,
    /// Orders what comes in. Held while one step is checked and queued, which waits if the queue is full. Nothing is
    /// executed or written under it. Always locked before what is in `shared`.
    writer: Mutex<Writer>,
    /// Whether the database keeps enough history to execute a block while those below it are being written.
    pipelined: bool,
    /// Ends when `writer` has let go of its queue.
    thread: Option<JoinHandle<()>>,
}

/// What comes next.
struct Writer {
    /// The tree as it will be when all that is queued is done.
    next: Arc<BlockTree>,
    /// One task less than [`IN_FLIGHT_MAX`]: the thread works on another. None only while the chain is dropped.
    tasks: Option<SyncSender<Task>>,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The block.
    pub id: BlockId,
    /// Whether it was here before: then nothing was executed, and at most its finality is new.
    pub known: bool,
    /// Whether it became the head.
    pub new_best: bool,
    /// Candidates that the builder found invalid, with the reason; empty for blocks of others.
    pub refused: Vec<(H256, TransactionValidityError)>,
}

impl Chain {
    /// Opens the chain of a database, or begins one in an empty database. `genesis` is the JSON that
    /// [`Runtime::genesis`] reads.
    ///
    /// # Errors
    ///
    /// [`ChainError::OtherGenesis`] if the database holds another chain, [`ChainError::Damaged`] if a state does not
    /// have the root that its header says.
    pub fn open(
        db: Db,
        runtime: Arc<dyn Runtime>,
        genesis: &[u8],
        executor: Executor,
        verifier: Arc<Verifier>,
    ) -> Result<Arc<Self>, ChainError> {
        let (genesis, changes) = genesis_block(runtime.as_ref(), genesis)?;
        let genesis_hash = genesis.hash();
        match db.genesis_hash() {
            None => begin(&db, &genesis, &changes)?,
            Some(found) if found == genesis_hash => {}
            Some(found) => {
                return Err(ChainError::OtherGenesis { database: found, specification: genesis_hash });
            }
        }
        let (blocks, merkle) = load(&db)?;
        tracing::info!(
            genesis = ?genesis_hash,
            best = blocks.best().number,
            finalized = blocks.finalized().number,
            keys = merkle.len(),
            "chain opened"
        );
        let pipelined = match db.config().pruning {
            Pruning::Archive => true,
            Pruning::Keep(blocks) => usize::try_from(blocks).is_ok_and(|blocks| blocks >= IN_FLIGHT_MAX),
        };
        let shared = Arc::new(Shared::new(db, merkle, blocks));
        let (tasks, queue) = sync_channel(IN_FLIGHT_MAX - 1);
        let thread = {
            let shared = shared.clone();
            thread::Builder::new()
                .name("commit".into())
                .spawn(move || writer::run(&shared, &queue))
                .map_err(ChainError::Thread)?
        };
        Ok(Arc::new(Self {
            runtime,
            executor,
            verifier,
            genesis_hash,
            writer: Mutex::new(Writer { next: shared.head(), tasks: Some(tasks) }),
            pipelined,
            thread: Some(thread),
            shared,
        }))
    }

    /// The chain's logic.
    pub fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.runtime
    }

    /// The hash of block 0.
    pub fn genesis_hash(&self) -> H256 {
        self.genesis_hash
    }

    /// The head.
    pub fn best(&self) -> BlockId {
        self.head().best()
    }

    /// The last final block.
    pub fn finalized(&self) -> BlockId {
        self.head().finalized()
    }

    /// The header of any block that is kept.
    pub fn header(&self, hash: &H256) -> Result<Option<Header>, ChainError> {
        match self.head().header(hash) {
            Some(header) => Ok(Some(header.clone())),
            None => Ok(self.shared.db.header(hash)?),
        }
    }

    /// The extrinsics of any block that is kept.
    pub fn body(&self, hash: &H256) -> Result<Option<Vec<OpaqueExtrinsic>>, ChainError> {
        Ok(match self.shared.recent.get(hash) {
            Some(contents) => Some(contents.extrinsics().to_vec()),
            None => self.shared.db.body(hash)?,
        })
    }

    /// Header, extrinsics and their hashes, of any block that is kept: from memory if it is one of the last that came in
    /// ([`RECENT_BLOCKS`](crate::limits::RECENT_BLOCKS)), or else read and hashed again.
    pub fn contents(&self, hash: &H256) -> Result<Option<Contents>, ChainError> {
        if let Some(contents) = self.shared.recent.get(hash) {
            return Ok(Some(contents));
        }
        let Some((header, extrinsics)) = self.header(hash)?.zip(self.shared.db.body(hash)?) else {
            return Ok(None);
        };
        let hashes = extrinsics.iter().map(OpaqueExtrinsic::hash).collect();
        Ok(Some(Contents::new(Arc::new(Block { header, extrinsics }), hashes)))
    }

    /// What proves that a block is final, if its engine makes such proofs.
    pub fn justification(&self, hash: &H256) -> Result<Option<Justification>, ChainError> {
        Ok(self.shared.db.justification(hash)?)
    }

    /// The block at this height on the branch of the head.
    pub fn hash_at(&self, number: BlockNumber) -> Result<Option<H256>, ChainError> {
        let head = self.head();
        if number >= head.finalized().number {
            Ok(head.hash_at(number))
        } else {
            Ok(self.shared.db.hash_at(number)?)
        }
    }

    /// The state after a block: any block above the finalised one, and those below whose history is kept.
    ///
    /// # Errors
    ///
    /// [`ChainError::UnknownBlock`], [`ChainError::Pruned`].
    pub fn state_at(&self, hash: &H256) -> Result<StateView, ChainError> {
        if let Some(view) = self.durable_view(hash) {
            return Ok(view);
        }
        let number = self.number_of_final(hash)?;
        if number < self.shared.db.oldest_state() {
            return Err(ChainError::Pruned(*hash));
        }
        Ok(StateView::new(BlockId { hash: *hash, number }, number, [], self.shared.db.clone()))
    }

    /// For each key its value after a block, if any, and the proof against that block's `state_root` that this is so.
    ///
    /// For a block below the finalised one, all that changed since is undone in a copy of the tree's paths: about
    /// 1 µs per key that changed.
    ///
    /// # Errors
    ///
    /// [`ChainError::UnknownBlock`], [`ChainError::Pruned`].
    #[expect(
        clippy::type_complexity,
        reason = "a list of (key, value, proof); a struct would only rename it"
    )]
    pub fn prove(
        &self,
        hash: &H256,
        keys: &[Vec<u8>],
    ) -> Result<Vec<(Vec<u8>, Option<Vec<u8>>, basalt_tree::Proof)>, ChainError> {
        let state = self.state_at(hash)?;
        let values = keys
            .iter()
            .map(|key| state.get(key).map_err(|error| self.state_error(hash, error)))
            .collect::<Result<Vec<_>, _>>()?;

        let merkle = self.shared.merkle.read();
        let proofs: Vec<_> = match self.head().path(hash) {
            Some(path) => {
                let diffs: Vec<&TreeDiff> = path.iter().map(|node| &*node.diff).collect();
                let view = merkle.view(&diffs)?;
                keys.iter().map(|key| view.prove(key)).collect()
            }
            None => {
                // The database may be one block ahead of the tree. That does no harm: an undo names values, not
                // differences, so what that block changed is set to what it is in the tree already.
                let undo = self
                    .shared
                    .db
                    .undo_to(state.block().number)
                    .map_err(|error| self.state_error(hash, error))?;
                let back = merkle.view(&[])?.update(hashed(&undo));
                let diffs = [&back];
                let view = merkle.view(&diffs)?;
                self.expect_root(hash, view.root())?;
                keys.iter().map(|key| view.prove(key)).collect()
            }
        };
        drop(merkle);
        Ok(keys
            .iter()
            .cloned()
            .zip(values)
            .zip(proofs)
            .map(|((key, value), proof)| (key, value, proof))
            .collect())
    }

    /// How a block was run here; only of the last [`REPORTS_KEPT`](crate::limits::REPORTS_KEPT) blocks that came in
    /// since the node started. It is there before the block's first event.
    pub fn report(&self, hash: &H256) -> Option<Arc<BlockReport>> {
        self.shared.reports.get(hash)
    }

    /// Tells what happens from now on. A subscriber that falls more than [`EVENTS_KEPT`](crate::limits::EVENTS_KEPT) events behind is told so by
    /// the channel, and reads the chain itself.
    pub fn subscribe(&self) -> broadcast::Receiver<ChainEvent> {
        self.shared.events.subscribe()
    }

    /// Says why the chain had to stop, once it had to: the node then stops too.
    pub fn fatal(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.shared.fatal.subscribe()
    }

    /// Checks, executes and commits a block that somebody made.
    ///
    /// # Errors
    ///
    /// [`ChainError::Import`] says what is wrong with the block; everything else is this node's own trouble. Nothing
    /// has changed then.
    pub fn import(&self, block: Block, options: ImportOptions) -> Result<Imported, ChainError> {
        let id = BlockId { hash: block.header.hash(), number: block.header.number };
        if let Some(pending) = self.import_if_known(id, &options)? {
            return pending.wait();
        }
        let built = self.execute(block, options.author, options.now.clone())?;
        self.import_built(built, options)
    }

    /// Commits a block that was executed here already.
    ///
    /// # Errors
    ///
    /// If its parent has become part of a losing branch meanwhile, or the commit fails.
    pub fn import_built(&self, built: BuiltBlock, options: ImportOptions) -> Result<Imported, ChainError> {
        self.commit_later(built, options)?.wait()
    }

    /// Accepts a block that was executed here already, and has it committed by another thread: after all that was
    /// accepted before it, and all together in order. Meanwhile [`Chain::build`] and [`Chain::execute`] take it as a
    /// parent. Readers, and those who listen to events, know nothing of it before it is durable.
    ///
    /// At most [`IN_FLIGHT_MAX`] blocks are on their way at a time: this waits until there is room.
    ///
    /// # Errors
    ///
    /// If its parent has become part of a losing branch meanwhile, or an earlier commit failed.
    pub fn commit_later(&self, built: BuiltBlock, options: ImportOptions) -> Result<Pending, ChainError> {
        let mut writer = self.writer()?;
        let BuiltBlock { id, block, hashes, changes, diff, refused, run, .. } = built;
        if self.is_known(&writer, &id.hash)? {
            let mut pending = self.import_known(writer, id, options)?;
            pending.imported.refused = refused;
            return Ok(pending);
        }
        let node = Node { id, header: block.header.clone(), changes, diff: Arc::new(diff) };
        let mut after = BlockTree::clone(&writer.next);
        match after.insert(node, options.fork_choice, options.finalize) {
            Ok(()) => {}
            Err(Refused::NoParent) => return Err(self.no_parent_in(&writer.next, &block.header)?),
            Err(Refused::Full) => return Err(ImportError::TooManyUnfinalized.into()),
        }
        let node = after.get(&id.hash).cloned().ok_or(ChainError::UnknownBlock(id.hash))?;
        let new = New { node, contents: Contents::new(block, hashes), run };
        let finalize = options.finalize.then_some((id.hash, options.justification));
        let (new_best, done) = self.commit(&mut writer, after, Some(new), finalize)?;
        drop(writer);
        let imported = Imported { id, known: false, new_best: new_best == Some(id), refused };
        if self.pipelined {
            return Ok(Pending { imported, done: Some(done) });
        }
        writer::wait(&done)?;
        Ok(Pending { imported, done: None })
    }

    /// Spares a block that is here its execution. Others may commit while an unknown one executes.
    pub(crate) fn import_if_known(
        &self,
        id: BlockId,
        options: &ImportOptions,
    ) -> Result<Option<Pending>, ChainError> {
        let writer = self.writer()?;
        if self.is_known(&writer, &id.hash)? {
            return self.import_known(writer, id, options.clone()).map(Some);
        }
        Ok(None)
    }

    /// A block that is here is not executed again; but it becomes the head, or final, if that was asked for.
    fn import_known(
        &self,
        mut writer: MutexGuard<'_, Writer>,
        id: BlockId,
        options: ImportOptions,
    ) -> Result<Pending, ChainError> {
        let before = writer.next.clone();
        let is_final = before.get(&id.hash).is_none();
        let becomes_best = options.fork_choice == ForkChoice::Best && before.best() != id;
        let (new_best, done) = if !is_final && (becomes_best || options.finalize) {
            let mut after = BlockTree::clone(&before);
            if becomes_best {
                after.set_best(&id.hash);
            }
            let finalize = options.finalize.then_some((id.hash, options.justification));
            let (new_best, done) = self.commit(&mut writer, after, None, finalize)?;
            (new_best, Some(done))
        } else if self.shared.ground().is_accepted(&id.hash) {
            // Known, but not durable yet.
            (None, Some(self.settle(&writer)?))
        } else {
            (None, None)
        };
        let imported = Imported { id, known: true, new_best: new_best == Some(id), refused: Vec::new() };
        Ok(Pending { imported, done })
    }

    /// Makes a block final, and all below it; branches that do not hold it are dropped. A block that is final already
    /// stays so.
    ///
    /// # Errors
    ///
    /// [`ChainError::UnknownBlock`], or the commit fails.
    pub fn finalize(&self, hash: &H256, justification: Option<Justification>) -> Result<(), ChainError> {
        let mut writer = self.writer()?;
        let done = if writer.next.get(hash).is_some() {
            let after = BlockTree::clone(&writer.next);
            self.commit(&mut writer, after, None, Some((*hash, justification)))?.1
        } else {
            // Whatever is queued decides what is final.
            let done = self.settle(&writer)?;
            drop(writer);
            writer::wait(&done)?;
            return self.number_of_final(hash).map(|_| ());
        };
        drop(writer);
        writer::wait(&done)
    }

    /// Makes another block of the tree the head.
    ///
    /// # Errors
    ///
    /// [`ChainError::UnknownBlock`] if it is neither the finalised block nor above it, or the commit fails.
    pub fn set_best(&self, hash: &H256) -> Result<(), ChainError> {
        let mut writer = self.writer()?;
        let mut after = BlockTree::clone(&writer.next);
        if !after.set_best(hash) {
            return Err(ChainError::UnknownBlock(*hash));
        }
        let (_, done) = self.commit(&mut writer, after, None, None)?;
        drop(writer);
        writer::wait(&done)
    }

    /// Queues what leads from the tree that will be to another one. Returns the head, if it is another one then, and
    /// where to wait.
    #[expect(clippy::type_complexity, reason = "a pair; a struct would only rename it")]
    fn commit(
        &self,
        writer: &mut Writer,
        mut after: BlockTree,
        new: Option<New>,
        finalize: Option<(H256, Option<Justification>)>,
    ) -> Result<(Option<BlockId>, Receiver<Result<(), ChainError>>), ChainError> {
        if let Some((hash, _)) = &finalize {
            after.lead_through(hash);
        }
        let (best, before_best) = (after.best(), writer.next.best());
        // Asked while both heads are still in the tree.
        let route = after.route(&before_best.hash, &best.hash).unwrap_or_default();
        let (target, justification) = finalize.unzip();
        let finalized = target.and_then(|hash| after.finalize(&hash));
        let (path, dropped) = finalized.map_or_else(Default::default, |done| (done.path, done.dropped));
        let after = Arc::new(after);
        let accepted = new.as_ref().map(|new| new.node.clone());
        let (reply, done) = sync_channel(1);
        let step = Step {
            new,
            path,
            justification: justification.flatten(),
            dropped,
            before_best,
            best,
            route,
            after: after.clone(),
            reply,
        };
        // Before it is sent, since the thread forgets it when it is done.
        if let Some(node) = accepted {
            self.shared.accept(node);
        }
        Self::send(writer, Task::Commit(Box::new(step)))?;
        writer.next = after;
        Ok(((best != before_best).then_some(best), done))
    }

    /// Where to wait until all that is queued is done.
    fn settle(&self, writer: &Writer) -> Result<Receiver<Result<(), ChainError>>, ChainError> {
        let (reply, done) = sync_channel(1);
        Self::send(writer, Task::Settle(reply))?;
        Ok(done)
    }

    fn send(writer: &Writer, task: Task) -> Result<(), ChainError> {
        let tasks = writer.tasks.as_ref().ok_or_else(writer::gone)?;
        tasks.send(task).map_err(|_| writer::gone())
    }

    fn writer(&self) -> Result<MutexGuard<'_, Writer>, ChainError> {
        let writer = self.writer.lock();
        self.shared.check_running()?;
        Ok(writer)
    }

    fn head(&self) -> Arc<BlockTree> {
        self.shared.head()
    }

    /// Whether the block is here already, final or not, or accepted.
    fn is_known(&self, writer: &Writer, hash: &H256) -> Result<bool, ChainError> {
        if writer.next.contains(hash) {
            return Ok(true);
        }
        self.is_becoming_final(&writer.next, hash)
    }

    /// Whether the block is final, or will be in `next`, the tree when all that is queued is done.
    fn is_becoming_final(&self, next: &BlockTree, hash: &H256) -> Result<bool, ChainError> {
        // In this order: what leaves the queue meanwhile is in the database.
        let path = self.shared.ground().path(&next.finalized().hash);
        if path.is_some_and(|path| path.iter().any(|node| node.id.hash == *hash)) {
            return Ok(true);
        }
        match self.number_of_final(hash) {
            Ok(_) => Ok(true),
            Err(ChainError::UnknownBlock(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Header and state of a block on which another may stand.
    pub(crate) fn parent(&self, hash: &H256) -> Result<Option<(Header, StateView)>, ChainError> {
        let ground = self.shared.ground();
        Ok(ground.header(hash).cloned().zip(ground.view(hash, &self.shared.db)))
    }

    /// Why a block has no parent in the tree: it is missing, or too far down. Waits for whoever is queueing a step.
    pub(crate) fn no_parent(&self, header: &Header) -> Result<ChainError, ChainError> {
        let next = self.writer.lock().next.clone();
        self.no_parent_in(&next, header)
    }

    fn no_parent_in(&self, next: &BlockTree, header: &Header) -> Result<ChainError, ChainError> {
        let (number, parent) = (header.number, header.parent_hash);
        Ok(ChainError::Import(if self.is_becoming_final(next, &parent)? {
            ImportError::BelowFinalized { number, finalized: next.finalized().number }
        } else {
            ImportError::UnknownParent { number, parent }
        }))
    }

    /// What a block on `parent` with these changes does to the Merkle tree.
    pub(crate) fn diff(&self, parent: &H256, changes: &ChangeSet) -> Result<TreeDiff, ChainError> {
        let changes = hashed(changes);
        let merkle = self.shared.merkle.read();
        // After the tree, so that both are of one moment.
        let path = self.shared.ground().path(parent).ok_or(ChainError::UnknownBlock(*parent))?;
        let diffs: Vec<&TreeDiff> = path.iter().map(|node| &*node.diff).collect();
        Ok(merkle.view(&diffs)?.update(changes))
    }

    fn durable_view(&self, hash: &H256) -> Option<StateView> {
        Ground::durable(self.shared.head()).view(hash, &self.shared.db)
    }

    /// The height of a final block.
    fn number_of_final(&self, hash: &H256) -> Result<BlockNumber, ChainError> {
        let number = self.shared.db.header(hash)?.map(|header| header.number);
        match number {
            Some(number) if self.shared.db.hash_at(number)? == Some(*hash) => Ok(number),
            _ => Err(ChainError::UnknownBlock(*hash)),
        }
    }

    fn state_error(&self, hash: &H256, error: StateError) -> ChainError {
        match error {
            StateError::Pruned(_) => ChainError::Pruned(*hash),
            other => ChainError::State(other),
        }
    }

    fn expect_root(&self, hash: &H256, found: [u8; 32]) -> Result<(), ChainError> {
        let header = self.shared.db.header(hash)?.ok_or(ChainError::UnknownBlock(*hash))?;
        same_root(&header, found)
    }
}

impl Drop for Chain {
    /// Waits until all that was accepted is written.
    fn drop(&mut self) {
        self.writer.get_mut().tasks = None;
        if let Some(thread) = self.thread.take() {
            // A panic was told by `fatal` already.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head = self.head();
        f.debug_struct("Chain")
            .field("genesis", &self.genesis_hash)
            .field("best", &head.best())
            .field("finalized", &head.finalized())
            .finish_non_exhaustive()
    }
}

/// Block 0 of a chain specification.
fn genesis_block(runtime: &dyn Runtime, config: &[u8]) -> Result<(Header, ChangeSet), GenesisError> {
    let changes = runtime.genesis(config)?;
    let leaves = hashed(&changes).into_iter().filter_map(|(key, value)| Some((key, value?)));
    let header = Header {
        parent_hash: H256::zero(),
        number: 0,
        state_root: H256(Tree::build(leaves).root()),
        extrinsics_root: crate::extrinsics_root(&[]),
        digest: Default::default(),
    };
    Ok((header, changes))
}

/// Writes block 0 into an empty database.
fn begin(db: &Db, header: &Header, changes: &ChangeSet) -> Result<(), DbError> {
    let id = BlockId { hash: header.hash(), number: 0 };
    db.commit(Commit {
        insert: vec![NewBlock { hash: id.hash, header, body: &[], changes }],
        finalize: vec![Finalize { id, changes, justification: None }],
        drop: Vec::new(),
        best: id,
    })
}

/// The tree of blocks and the Merkle tree as a database has them, checked against the headers.
fn load(db: &Db) -> Result<(BlockTree, Tree), ChainError> {
    let finalized = db.finalized().ok_or_else(|| damaged("it has a genesis block but no finalised one"))?;
    let best = db.best().ok_or_else(|| damaged("it has a genesis block but no head"))?;
    let header = db.header(&finalized.hash)?.ok_or_else(|| damaged("the finalised block has no header"))?;
    let merkle = db.load_tree()?;
    same_root(&header, merkle.root())?;
    let mut blocks = BlockTree::new(finalized, header);
    for pending in db.unfinalized()? {
        let header = pending.header;
        let path = blocks
            .path(&header.parent_hash)
            .ok_or_else(|| damaged(&format!("block {} has no parent", header.number)))?;
        let diffs: Vec<&TreeDiff> = path.iter().map(|node| &*node.diff).collect();
        let diff = merkle.view(&diffs)?.update(hashed(&pending.changes));
        same_root(&header, diff.root())?;
        let id = BlockId { hash: header.hash(), number: header.number };
        let node = Node { id, header, changes: Arc::new(pending.changes.into()), diff: Arc::new(diff) };
        blocks
            .insert(node, ForkChoice::Keep, true)
            .map_err(|_| damaged(&format!("block {} has no parent", id.number)))?;
    }
    if !blocks.set_best(&best.hash) {
        return Err(damaged(&format!("its head, block {}, is missing", best.number)));
    }
    Ok((blocks, merkle))
}

fn same_root(header: &Header, found: [u8; 32]) -> Result<(), ChainError> {
    if header.state_root.0 == found {
        return Ok(());
    }
    Err(damaged(&format!(
        "the state after block {} has root {:?}, but its header says {:?}",
        header.number,
        H256(found),
        header.state_root
    )))
}

fn damaged(what: &str) -> ChainError {
    ChainError::Damaged(what.into())
}

fn hashed(changes: &ChangeSet) -> Vec<basalt_tree::Change> {
    hash_changes(&changes.iter().collect::<Vec<_>>())
}
