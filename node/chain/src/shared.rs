//! What readers and the thread that commits share.

use std::sync::Arc;

use basalt_db::{BlockId, Db};
use basalt_primitives::{H256, Header};
use basalt_tree::{Tree, TreeDiff};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{broadcast, watch};

use crate::{
    ChainError, ChainEvent,
    limits::EVENTS_KEPT,
    recent::Recent,
    report::Reports,
    tree::{BlockTree, Node},
    view::StateView,
};

/// What all threads see of the chain.
pub(crate) struct Shared {
    pub(crate) db: Arc<Db>,
    /// The Merkle tree of the finalised state. Read while a root or proofs are computed; written for the moment in
    /// which a finalised block's nodes are moved in. Whoever reads it takes `head` after it, so that the two fit.
    pub(crate) merkle: RwLock<Tree>,
    /// What readers see: what is durable. Held for a clone of the `Arc`, or its replacement: never during work of any
    /// size.
    head: RwLock<Arc<BlockTree>>,
    /// Blocks that are accepted and not shown yet, oldest first: only those who build on them look here. Whoever does,
    /// takes it before `head`, so that a block which is shown meanwhile is in one of the two.
    accepted: RwLock<Arc<[Arc<Node>]>>,
    pub(crate) reports: Reports,
    pub(crate) recent: Recent,
    pub(crate) events: broadcast::Sender<ChainEvent>,
    pub(crate) fatal: watch::Sender<Option<Arc<str>>>,
    /// Why nothing may be committed any more, if so: what is on disk is unknown then.
    stopped: Mutex<Option<Arc<str>>>,
}

impl Shared {
    pub(crate) fn new(db: Db, merkle: Tree, blocks: BlockTree) -> Self {
        Self {
            db: Arc::new(db),
            merkle: RwLock::new(merkle),
            head: RwLock::new(Arc::new(blocks)),
            accepted: RwLock::new(Arc::new([])),
            reports: Reports::default(),
            recent: Recent::default(),
            events: broadcast::Sender::new(EVENTS_KEPT),
            fatal: watch::Sender::new(None),
            stopped: Mutex::new(None),
        }
    }

    pub(crate) fn head(&self) -> Arc<BlockTree> {
        self.head.read().clone()
    }

    /// What may be built on: what is durable, and what will be.
    pub(crate) fn ground(&self) -> Ground {
        let accepted = self.accepted.read().clone();
        Ground { accepted, head: self.head() }
    }

    /// An error if an earlier commit failed.
    pub(crate) fn check_running(&self) -> Result<(), ChainError> {
        match &*self.stopped.lock() {
            Some(why) => Err(ChainError::Stopped(why.clone())),
            None => Ok(()),
        }
    }

    /// After a failed commit nobody knows what is on disk: nothing may follow, and what was accepted is gone.
    pub(crate) fn stop(&self, why: String) {
        let why: Arc<str> = why.into();
        tracing::error!(%why, "a commit failed; the chain takes no more blocks");
        *self.stopped.lock() = Some(why.clone());
        *self.accepted.write() = Arc::new([]);
        self.fatal.send_replace(Some(why));
    }

    pub(crate) fn accept(&self, node: Arc<Node>) {
        let mut accepted = self.accepted.write();
        *accepted = accepted.iter().cloned().chain([node]).collect();
    }

    /// Moves readers to the new tree, and the Merkle tree with it. Those who compute roots or proofs wait; others only
    /// for the replacement of a pointer. `new` is the block that was accepted with it.
    pub(crate) fn show(
        &self,
        after: Arc<BlockTree>,
        new: Option<H256>,
        path: Vec<Arc<Node>>,
    ) -> Result<(), ChainError> {
        if path.is_empty() {
            *self.head.write() = after;
            self.forget_accepted(new);
            return Ok(());
        }
        let mut merkle = self.merkle.write();
        *self.head.write() = after;
        self.forget_accepted(new);
        for node in path {
            // A block that became final as it came in is mostly nobody else's any more, so it is not copied.
            let diff = match Arc::try_unwrap(node) {
                Ok(node) => Arc::unwrap_or_clone(node.diff),
                Err(shared) => TreeDiff::clone(&shared.diff),
            };
            merkle.apply(diff)?;
        }
        Ok(())
    }

    fn forget_accepted(&self, new: Option<H256>) {
        let Some(hash) = new else { return };
        let mut accepted = self.accepted.write();
        let left = accepted.iter().filter(|node| node.id.hash != hash).cloned().collect();
        *accepted = left;
    }

    pub(crate) fn tell(&self, event: ChainEvent) {
        // An error only says that nobody listens.
        let _ = self.events.send(event);
    }
}

/// All blocks on which another may stand, at one moment.
pub(crate) struct Ground {
    accepted: Arc<[Arc<Node>]>,
    head: Arc<BlockTree>,
}

impl Ground {
    /// Only what is durable.
    pub(crate) fn durable(head: Arc<BlockTree>) -> Self {
        Self { accepted: Arc::new([]), head }
    }

    /// Whether this block is accepted and was not shown when the ground was looked at.
    pub(crate) fn is_accepted(&self, hash: &H256) -> bool {
        self.accepted.iter().any(|node| node.id.hash == *hash)
    }

    pub(crate) fn header(&self, hash: &H256) -> Option<&Header> {
        self.head.header(hash).or_else(|| Some(&self.accepted(hash)?.header))
    }

    /// The blocks from just above the finalised one that readers see to `hash`, ascending.
    pub(crate) fn path(&self, hash: &H256) -> Option<Vec<Arc<Node>>> {
        let mut path = Vec::new();
        let mut at = *hash;
        while at != self.head.finalized().hash {
            let node = self.head.get(&at).or_else(|| self.accepted(&at))?;
            path.push(node.clone());
            at = node.header.parent_hash;
        }
        path.reverse();
        Some(path)
    }

    pub(crate) fn view(&self, hash: &H256, db: &Arc<Db>) -> Option<StateView> {
        let path = self.path(hash)?;
        let finalized = self.head.finalized();
        let block: BlockId = path.last().map_or(finalized, |node| node.id);
        let layers = path.iter().map(|node| node.changes.clone());
        Some(StateView::new(block, finalized.number, layers, db.clone()))
    }

    fn accepted(&self, hash: &H256) -> Option<&Arc<Node>> {
        self.accepted.iter().find(|node| node.id.hash == *hash)
    }
}
