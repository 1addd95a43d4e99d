//! The blocks above the finalised one, and which of them is the head. Pure: no database, no locks, no clock.
//!
//! ```text
//! finalised ─┬─ a1 ─── a2 ─── a3 (best)         nodes: what each block changes, in state and in tree
//!            └─ b1 ─┬─ b2                       finalise(a2): a1, a2 leave downwards, b1, b2, c2 are dropped
//!                   └─ c2
//! ```
//!
//! Nodes are shared (`Arc`), so that a copy of the whole costs a few ten microseconds at the limit of
//! [`UNFINALIZED_MAX`] blocks. A writer changes a copy, commits it to the database, and only then shows it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use basalt_db::BlockId;
use basalt_primitives::{BlockNumber, H256, Header};
use basalt_tree::TreeDiff;

use crate::{ForkChoice, layer::Layer, limits::UNFINALIZED_MAX};

#[cfg(test)]
mod tests;

/// A block that is not final.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: BlockId,
    pub(crate) header: Header,
    /// What it changes in its parent's state.
    pub(crate) changes: Arc<Layer>,
    /// What it changes in its parent's Merkle tree.
    pub(crate) diff: Arc<TreeDiff>,
}

/// Why a block cannot stand in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its parent is neither the finalised block nor above it.
    NoParent,
    /// There are [`UNFINALIZED_MAX`] blocks already.
    Full,
}

/// The way from one head to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Route {
    /// Blocks of the old branch that are not part of the new one, ascending.
    pub(crate) retracted: Vec<BlockId>,
    /// Blocks of the new branch that were not part of the old one, ascending.
    pub(crate) enacted: Vec<BlockId>,
}

/// What a finalisation did.
#[derive(Debug, Clone)]
pub(crate) struct Finalized {
    /// The blocks that became final, ascending.
    pub(crate) path: Vec<Arc<Node>>,
    /// The blocks that can never become final any more, parents before children.
    pub(crate) dropped: Vec<BlockId>,
}

/// The finalised block and all blocks above it.
#[derive(Debug, Clone)]
pub(crate) struct BlockTree {
    finalized: BlockId,
    finalized_header: Arc<Header>,
    best: BlockId,
    nodes: HashMap<H256, Entry>,
    /// How many blocks were ever inserted: the age of the next one.
    inserted: u64,
}

#[derive(Debug, Clone)]
struct Entry {
    node: Arc<Node>,
    /// Of blocks at one height the one seen first wins.
    age: u64,
}

impl BlockTree {
    /// Nothing above this finalised block.
    pub(crate) fn new(finalized: BlockId, header: Header) -> Self {
        Self {
            finalized,
            finalized_header: Arc::new(header),
            best: finalized,
            nodes: HashMap::new(),
            inserted: 0,
        }
    }

    pub(crate) fn finalized(&self) -> BlockId {
        self.finalized
    }

    pub(crate) fn best(&self) -> BlockId {
        self.best
    }

    pub(crate) fn get(&self, hash: &H256) -> Option<&Arc<Node>> {
        self.nodes.get(hash).map(|entry| &entry.node)
    }

    /// Whether the block is the finalised one or above it.
    pub(crate) fn contains(&self, hash: &H256) -> bool {
        *hash == self.finalized.hash || self.nodes.contains_key(hash)
    }

    /// The header of the finalised block or one above it.
    pub(crate) fn header(&self, hash: &H256) -> Option<&Header> {
        match self.get(hash) {
            Some(node) => Some(&node.header),
            None => (*hash == self.finalized.hash).then_some(&*self.finalized_header),
        }
    }

    /// The blocks from just above the finalised one to `hash`, ascending; empty for the finalised block itself.
    pub(crate) fn path(&self, hash: &H256) -> Option<Vec<Arc<Node>>> {
        let mut path = Vec::new();
        let mut at = *hash;
        while at != self.finalized.hash {
            let node = self.get(&at)?;
            path.push(node.clone());
            at = node.header.parent_hash;
        }
        path.reverse();
        Some(path)
    }

    /// The block at this height on the branch of the head; `None` below the finalised block and above the head.
    pub(crate) fn hash_at(&self, number: BlockNumber) -> Option<H256> {
        let mut at = self.best;
        while at.number > number {
            let parent = self.get(&at.hash)?.header.parent_hash;
            at = self.id(&parent)?;
        }
        (at.number == number).then_some(at.hash)
    }

    /// Adds a block and chooses the head again.
    ///
    /// # Errors
    ///
    /// If its parent is not here, or the tree is full and `may_overflow` does not say that it will shrink at once.
    pub(crate) fn insert(
        &mut self,
        node: Node,
        choice: ForkChoice,
        may_overflow: bool,
    ) -> Result<(), Refused> {
        if !self.contains(&node.header.parent_hash) {
            return Err(Refused::NoParent);
        }
        if self.nodes.len() >= UNFINALIZED_MAX && !may_overflow {
            return Err(Refused::Full);
        }
        let id = node.id;
        let wins = match choice {
            ForkChoice::Longest => id.number > self.best.number,
            ForkChoice::Best => true,
            ForkChoice::Keep => false,
        };
        self.nodes.insert(id.hash, Entry { node: Arc::new(node), age: self.inserted });
        self.inserted += 1;
        if wins {
            self.best = id;
        }
        Ok(())
    }

    /// Makes this block the head; false if it is not here.
    pub(crate) fn set_best(&mut self, hash: &H256) -> bool {
        match self.id(hash) {
            Some(id) => {
                self.best = id;
                true
            }
            None => false,
        }
    }

    /// Makes sure that the head is `hash` or above it, as it must be before `hash` becomes final: if it is not, the
    /// highest block of that branch becomes the head, of several the one seen first.
    pub(crate) fn lead_through(&mut self, hash: &H256) {
        let Some(id) = self.id(hash) else { return };
        let branch = self.branch(hash);
        if branch.contains(&self.best.hash) {
            return;
        }
        self.best = self
            .nodes
            .values()
            .filter(|entry| branch.contains(&entry.node.id.hash))
            .min_by_key(|entry| (std::cmp::Reverse(entry.node.id.number), entry.age))
            .map_or(id, |entry| entry.node.id);
    }

    /// The way from one block here to another; `None` if either is not here.
    pub(crate) fn route(&self, from: &H256, to: &H256) -> Option<Route> {
        let ids = |path: Vec<Arc<Node>>| path.iter().map(|node| node.id).collect::<Vec<_>>();
        let mut retracted = ids(self.path(from)?);
        let mut enacted = ids(self.path(to)?);
        let common = retracted.iter().zip(&enacted).take_while(|(old, new)| old == new).count();
        retracted.drain(..common);
        enacted.drain(..common);
        Some(Route { retracted, enacted })
    }

    /// Makes a block final: those below it too, and drops the branches that do not hold it. `None` if it is not
    /// here. The head must be on its branch: see [`BlockTree::lead_through`].
    pub(crate) fn finalize(&mut self, hash: &H256) -> Option<Finalized> {
        let path = self.path(hash)?;
        let Some(top) = path.last() else { return Some(Finalized { path, dropped: Vec::new() }) };
        let mut kept = self.branch(hash);
        debug_assert!(kept.contains(&self.best.hash), "the head leads through what becomes final");
        kept.remove(hash);

        let on_path: HashSet<H256> = path.iter().map(|node| node.id.hash).collect();
        let dropped = self
            .ascending()
            .into_iter()
            .map(|node| node.id)
            .filter(|id| !kept.contains(&id.hash) && !on_path.contains(&id.hash))
            .collect();
        self.nodes.retain(|hash, _| kept.contains(hash));
        self.finalized = top.id;
        self.finalized_header = Arc::new(top.header.clone());
        Some(Finalized { path, dropped })
    }

    fn id(&self, hash: &H256) -> Option<BlockId> {
        match self.get(hash) {
            Some(node) => Some(node.id),
            None => (*hash == self.finalized.hash).then_some(self.finalized),
        }
    }

    /// A block and all above it.
    fn branch(&self, hash: &H256) -> HashSet<H256> {
        let mut branch = HashSet::from([*hash]);
        for node in self.ascending() {
            if branch.contains(&node.header.parent_hash) {
                branch.insert(node.id.hash);
            }
        }
        branch
    }

    /// All blocks, parents before children.
    fn ascending(&self) -> Vec<&Arc<Node>> {
        let mut entries: Vec<&Entry> = self.nodes.values().collect();
        entries.sort_unstable_by_key(|entry| (entry.node.id.number, entry.age));
        entries.into_iter().map(|entry| &entry.node).collect()
    }
}
