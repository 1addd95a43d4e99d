//! The chain: readers see one snapshot, one writer at a time moves it on.

use std::{sync::Arc, time::Instant};

use basalt_db::{Commit, Db, DbError, Finalize, Justification, NewBlock};
use basalt_executor::Executor;
use basalt_primitives::{Block, BlockNumber, H256, Header, OpaqueExtrinsic, TransactionValidityError};
use basalt_runtime_api::{GenesisError, Runtime};
use basalt_state::{ChangeSet, StateError, StateRead};
use basalt_tree::{Tree, TreeDiff, hash_changes};
use basalt_verifier::Verifier;
use parking_lot::{Mutex, MutexGuard, RwLock};
use tokio::sync::{broadcast, watch};

use crate::{
    BlockId, BlockReport, BuiltBlock, ChainError, ChainEvent, ForkChoice, ImportError, ImportOptions,
    block::Run,
    limits::EVENTS_KEPT,
    report::Reports,
    tree::{BlockTree, Node, Refused, Route},
    view::StateView,
};

#[cfg(test)]
mod tests;

/// The blocks of one chain, above one database.
pub struct Chain {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) executor: Executor,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) db: Arc<Db>,
    genesis_hash: H256,
    /// Serialises commits, and says whether they are still possible. Held while one block is committed: for one write
    /// of the database. Nothing is executed under it. Always locked before the two below.
    writer: Mutex<Writer>,
    /// The Merkle tree of the finalised state. Read while a root or proofs are computed; written for the moment in
    /// which a finalised block's nodes are moved in. Whoever reads it takes `head` after it, so that the two fit.
    merkle: RwLock<Tree>,
    /// What readers see. Held for a clone of the `Arc`, or its replacement: never during work of any size.
    head: RwLock<Arc<BlockTree>>,
    reports: Reports,
    events: broadcast::Sender<ChainEvent>,
    fatal: watch::Sender<Option<Arc<str>>>,
}

/// Whether commits are possible.
struct Writer {
    /// Why not, if one failed: what is on disk is unknown then, so nothing may be built on it.
    stopped: Option<Arc<str>>,
}

/// A block that comes in.
struct New<'a> {
    id: BlockId,
    block: &'a Block,
    run: Run,
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
        Ok(Arc::new(Self {
            runtime,
            executor,
            verifier,
            db: Arc::new(db),
            genesis_hash,
            writer: Mutex::new(Writer { stopped: None }),
            merkle: RwLock::new(merkle),
            head: RwLock::new(Arc::new(blocks)),
            reports: Reports::default(),
            events: broadcast::Sender::new(EVENTS_KEPT),
            fatal: watch::Sender::new(None),
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
            None => Ok(self.db.header(hash)?),
        }
    }

    /// The extrinsics of any block that is kept.
    pub fn body(&self, hash: &H256) -> Result<Option<Vec<OpaqueExtrinsic>>, ChainError> {
        Ok(self.db.body(hash)?)
    }

    /// What proves that a block is final, if its engine makes such proofs.
    pub fn justification(&self, hash: &H256) -> Result<Option<Justification>, ChainError> {
        Ok(self.db.justification(hash)?)
    }

    /// The block at this height on the branch of the head.
    pub fn hash_at(&self, number: BlockNumber) -> Result<Option<H256>, ChainError> {
        let head = self.head();
        if number >= head.finalized().number {
            Ok(head.hash_at(number))
        } else {
            Ok(self.db.hash_at(number)?)
        }
    }

    /// The state after a block: any block above the finalised one, and those below whose history is kept.
    ///
    /// # Errors
    ///
    /// [`ChainError::UnknownBlock`], [`ChainError::Pruned`].
    pub fn state_at(&self, hash: &H256) -> Result<StateView, ChainError> {
        if let Some(view) = self.view(&self.head(), hash) {
            return Ok(view);
        }
        let number = self.number_of_final(hash)?;
        if number < self.db.oldest_state() {
            return Err(ChainError::Pruned(*hash));
        }
        Ok(StateView::new(BlockId { hash: *hash, number }, number, [], self.db.clone()))
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

        let merkle = self.merkle.read();
        let proofs: Vec<_> = match self.head().path(hash) {
            Some(path) => {
                let diffs: Vec<&TreeDiff> = path.iter().map(|node| &*node.diff).collect();
                let view = merkle.view(&diffs)?;
                keys.iter().map(|key| view.prove(key)).collect()
            }
            None => {
                // The database may be one block ahead of the tree. That does no harm: an undo names values, not
                // differences, so what that block changed is set to what it is in the tree already.
                let undo =
                    self.db.undo_to(state.block().number).map_err(|error| self.state_error(hash, error))?;
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
        self.reports.get(hash)
    }

    /// Tells what happens from now on. A subscriber that falls more than [`EVENTS_KEPT`] events behind is told so by
    /// the channel, and reads the chain itself.
    pub fn subscribe(&self) -> broadcast::Receiver<ChainEvent> {
        self.events.subscribe()
    }

    /// Says why the chain had to stop, once it had to: the node then stops too.
    pub fn fatal(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.fatal.subscribe()
    }

    /// Checks, executes and commits a block that somebody made.
    ///
    /// # Errors
    ///
    /// [`ChainError::Import`] says what is wrong with the block; everything else is this node's own trouble. Nothing
    /// has changed then.
    pub fn import(&self, block: Block, options: ImportOptions) -> Result<Imported, ChainError> {
        let id = BlockId { hash: block.header.hash(), number: block.header.number };
        let writer = self.writer()?;
        if self.is_known(&id.hash)? {
            return self.import_known(writer, id, options);
        }
        // Others may commit while this one executes.
        drop(writer);
        let built = self.execute(block, options.author, options.now)?;
        self.import_built(built, options)
    }

    /// Commits a block that was executed here already.
    ///
    /// # Errors
    ///
    /// If its parent has become part of a losing branch meanwhile, or the commit fails.
    pub fn import_built(&self, built: BuiltBlock, options: ImportOptions) -> Result<Imported, ChainError> {
        let writer = self.writer()?;
        let BuiltBlock { id, block, changes, diff, refused, run, .. } = built;
        if self.is_known(&id.hash)? {
            return Ok(Imported { refused, ..self.import_known(writer, id, options)? });
        }
        let node = Node { id, header: block.header.clone(), changes, diff: Arc::new(diff) };
        let before = self.head();
        let mut after = BlockTree::clone(&before);
        match after.insert(node, options.fork_choice, options.finalize) {
            Ok(()) => {}
            Err(Refused::NoParent) => return Err(self.no_parent(&block.header)?),
            Err(Refused::Full) => return Err(ImportError::TooManyUnfinalized.into()),
        }
        let finalize = options.finalize.then_some((id.hash, options.justification));
        let new_best = self.commit(writer, &before, after, Some(New { id, block: &block, run }), finalize)?;
        Ok(Imported { id, known: false, new_best: new_best == Some(id), refused })
    }

    /// A block that is here is not executed again; but it becomes the head, or final, if that was asked for.
    fn import_known(
        &self,
        writer: MutexGuard<'_, Writer>,
        id: BlockId,
        options: ImportOptions,
    ) -> Result<Imported, ChainError> {
        let before = self.head();
        let is_final = before.get(&id.hash).is_none();
        let becomes_best = options.fork_choice == ForkChoice::Best && before.best() != id;
        let mut new_best = None;
        if !is_final && (becomes_best || options.finalize) {
            let mut after = BlockTree::clone(&before);
            if becomes_best {
                after.set_best(&id.hash);
            }
            let finalize = options.finalize.then_some((id.hash, options.justification));
            new_best = self.commit(writer, &before, after, None, finalize)?;
        }
        Ok(Imported { id, known: true, new_best: new_best == Some(id), refused: Vec::new() })
    }

    /// Makes a block final, and all below it; branches that do not hold it are dropped. A block that is final already
    /// stays so.
    ///
    /// # Errors
    ///
    /// [`ChainError::UnknownBlock`], or the commit fails.
    pub fn finalize(&self, hash: &H256, justification: Option<Justification>) -> Result<(), ChainError> {
        let writer = self.writer()?;
        let before = self.head();
        if before.get(hash).is_none() {
            return self.number_of_final(hash).map(|_| ());
        }
        let after = BlockTree::clone(&before);
        self.commit(writer, &before, after, None, Some((*hash, justification))).map(|_| ())
    }

    /// Makes another block of the tree the head.
    ///
    /// # Errors
    ///
    /// [`ChainError::UnknownBlock`] if it is neither the finalised block nor above it, or the commit fails.
    pub fn set_best(&self, hash: &H256) -> Result<(), ChainError> {
        let writer = self.writer()?;
        let before = self.head();
        let mut after = BlockTree::clone(&before);
        if !after.set_best(hash) {
            return Err(ChainError::UnknownBlock(*hash));
        }
        self.commit(writer, &before, after, None, None).map(|_| ())
    }

    /// Writes what leads from one tree to another as one batch, shows it, and tells others. Returns the head, if it
    /// is another one now.
    fn commit(
        &self,
        mut writer: MutexGuard<'_, Writer>,
        before: &BlockTree,
        mut after: BlockTree,
        new: Option<New<'_>>,
        finalize: Option<(H256, Option<Justification>)>,
    ) -> Result<Option<BlockId>, ChainError> {
        let started = Instant::now();
        if let Some((hash, _)) = &finalize {
            after.lead_through(hash);
        }
        let best = after.best();
        // Asked while both heads are still in the tree.
        let route = after.route(&before.best().hash, &best.hash).unwrap_or_default();
        let inserted = new.as_ref().and_then(|new| Some((after.get(&new.id.hash)?.clone(), new.block)));
        let (target, justification) = finalize.unzip();
        let finalized = target.and_then(|hash| after.finalize(&hash));
        let (path, dropped) = finalized.map_or_else(Default::default, |done| (done.path, done.dropped));

        let commit = Commit {
            insert: inserted
                .iter()
                .map(|(node, block)| NewBlock {
                    hash: node.id.hash,
                    header: &node.header,
                    body: &block.extrinsics,
                    changes: &node.changes,
                })
                .collect(),
            finalize: path
                .iter()
                .map(|node| Finalize {
                    id: node.id,
                    changes: &node.changes,
                    // It proves the finality of the one asked for; the blocks below follow from that.
                    justification: justification
                        .as_ref()
                        .filter(|_| target == Some(node.id.hash))
                        .and_then(Option::as_ref),
                })
                .collect(),
            drop: dropped.clone(),
            best,
        };
        // Before this line nothing has happened; after it a crash is harmless.
        if let Err(error) = self.db.commit(commit) {
            return Err(self.stop(&mut writer, error.to_string(), error.into()));
        }

        let ids: Arc<[BlockId]> = path.iter().map(|node| node.id).collect();
        drop(inserted);
        if let Err(error) = self.show(after, path) {
            return Err(self.stop(&mut writer, error.to_string(), error));
        }
        if let Some(New { id, block, run: Run { execution, mut times, built_here } }) = new {
            times.commit = started.elapsed();
            self.reports.keep(BlockReport { id, execution, times, built_here });
            self.tell(ChainEvent::Imported { id, parent: block.header.parent_hash });
        }
        if best != before.best() {
            let Route { retracted, enacted } = route;
            self.tell(ChainEvent::NewBest { id: best, retracted: retracted.into(), enacted: enacted.into() });
        }
        if !ids.is_empty() {
            let dropped = dropped.iter().map(|id| id.hash).collect();
            self.tell(ChainEvent::Finalized { ids, dropped });
            // Rare, and long for a large state: readers of state do not wait for it, and everybody knows by now.
            self.merkle.write().maintain();
        }
        Ok((best != before.best()).then_some(best))
    }

    /// Moves readers to the new tree. Those who compute roots or proofs wait; others only for the last line.
    fn show(&self, after: BlockTree, path: Vec<Arc<Node>>) -> Result<(), ChainError> {
        let after = Arc::new(after);
        if path.is_empty() {
            *self.head.write() = after;
            return Ok(());
        }
        // A block that became final as it came in is nobody else's, so it is not copied.
        let diffs: Vec<TreeDiff> = path
            .into_iter()
            .map(|node| match Arc::try_unwrap(node) {
                Ok(node) => Arc::unwrap_or_clone(node.diff),
                Err(shared) => TreeDiff::clone(&shared.diff),
            })
            .collect();
        let mut merkle = self.merkle.write();
        for diff in diffs {
            merkle.apply(diff)?;
        }
        *self.head.write() = after;
        Ok(())
    }

    /// After a failed commit nobody knows what is on disk: nothing may follow.
    fn stop(&self, writer: &mut Writer, why: String, error: ChainError) -> ChainError {
        let why: Arc<str> = why.into();
        tracing::error!(%why, "a commit failed; the chain takes no more blocks");
        writer.stopped = Some(why.clone());
        self.fatal.send_replace(Some(why));
        error
    }

    fn tell(&self, event: ChainEvent) {
        // An error only says that nobody listens.
        let _ = self.events.send(event);
    }

    fn writer(&self) -> Result<MutexGuard<'_, Writer>, ChainError> {
        let writer = self.writer.lock();
        match &writer.stopped {
            Some(why) => Err(ChainError::Stopped(why.clone())),
            None => Ok(writer),
        }
    }

    pub(crate) fn head(&self) -> Arc<BlockTree> {
        self.head.read().clone()
    }

    /// Whether the block is here already, final or not.
    fn is_known(&self, hash: &H256) -> Result<bool, ChainError> {
        if self.head().contains(hash) {
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
        let head = self.head();
        Ok(head.header(hash).cloned().zip(self.view(&head, hash)))
    }

    /// Why a block has no parent in the tree: it is missing, or too far down.
    pub(crate) fn no_parent(&self, header: &Header) -> Result<ChainError, ChainError> {
        let finalized = self.finalized().number;
        Ok(ChainError::Import(match self.number_of_final(&header.parent_hash) {
            Ok(_) => ImportError::BelowFinalized { number: header.number, finalized },
            Err(ChainError::UnknownBlock(_)) => {
                ImportError::UnknownParent { number: header.number, parent: header.parent_hash }
            }
            Err(error) => return Err(error),
        }))
    }

    /// What a block on `parent` with these changes does to the Merkle tree.
    pub(crate) fn diff(&self, parent: &H256, changes: &ChangeSet) -> Result<TreeDiff, ChainError> {
        let changes = hashed(changes);
        let merkle = self.merkle.read();
        // After the tree, so that both are of one moment.
        let path = self.head().path(parent).ok_or(ChainError::UnknownBlock(*parent))?;
        let diffs: Vec<&TreeDiff> = path.iter().map(|node| &*node.diff).collect();
        Ok(merkle.view(&diffs)?.update(changes))
    }

    fn view(&self, head: &BlockTree, hash: &H256) -> Option<StateView> {
        let path = head.path(hash)?;
        let finalized = head.finalized();
        let block = path.last().map_or(finalized, |node| node.id);
        let layers = path.iter().map(|node| node.changes.clone());
        Some(StateView::new(block, finalized.number, layers, self.db.clone()))
    }

    /// The height of a final block.
    fn number_of_final(&self, hash: &H256) -> Result<BlockNumber, ChainError> {
        let number = self.db.header(hash)?.map(|header| header.number);
        match number {
            Some(number) if self.db.hash_at(number)? == Some(*hash) => Ok(number),
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
        let header = self.db.header(hash)?.ok_or(ChainError::UnknownBlock(*hash))?;
        same_root(&header, found)
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
        let node = Node { id, header, changes: Arc::new(pending.changes), diff: Arc::new(diff) };
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
