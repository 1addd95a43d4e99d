//! What a set of changes does to a tree, kept apart from it.

use alloc::{boxed::Box, vec::Vec};

use crate::{
    hash::Hash,
    node::{Leaf, Node, within},
};

/// The tree of one block as a difference from the tree of its parent: changed buckets, changed nodes, and the new root.
///
/// Made by [`TreeView::update`](crate::TreeView::update). It stays usable while the tree under it grows or takes in older
/// diffs. It costs about half a kilobyte per changed key.
#[derive(Clone, Debug)]
pub struct TreeDiff {
    pub(crate) parent_root: Hash,
    pub(crate) root: Hash,
    /// The level of the buckets.
    pub(crate) depth: u32,
    /// Changed nodes by level, 0 to `depth`.
    pub(crate) levels: Vec<Level>,
    /// The new contents of each bucket named in `levels[depth]`.
    pub(crate) buckets: Vec<Box<[Leaf]>>,
}

impl TreeDiff {
    /// The root with these changes.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// The root that the changes were made on.
    pub fn parent_root(&self) -> Hash {
        self.parent_root
    }

    /// True if the changes changed nothing.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Where in `levels[min(level, depth)]` to look for node `index` of `level`.
    pub(crate) fn locate(&self, level: u32, index: u32) -> (&Level, u32) {
        let reached = level.min(self.depth);
        (&self.levels[reached as usize], index >> (level - reached))
    }

    /// Node `index` of `level`, given the position that was found for it.
    pub(crate) fn node(&self, level: u32, index: u32, position: usize) -> Node {
        if level <= self.depth {
            self.levels[level as usize].nodes[position]
        } else {
            // The tree has grown since: its node is inside one of our buckets.
            Node::over(within(&self.buckets[position], level, index), level)
        }
    }

    /// Leaves under node `index` of `level`, which is not above the buckets.
    pub(crate) fn leaves(&self, level: u32, index: u32, position: usize) -> &[Leaf] {
        let bucket = &self.buckets[position];
        if level == self.depth { bucket } else { within(bucket, level, index) }
    }
}

/// Some nodes of one level, by ascending index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Level {
    pub(crate) indices: Vec<u32>,
    pub(crate) nodes: Vec<Node>,
}

impl Level {
    pub(crate) fn with_capacity(n: usize) -> Self {
        Self { indices: Vec::with_capacity(n), nodes: Vec::with_capacity(n) }
    }

    pub(crate) fn push(&mut self, index: u32, node: Node) {
        self.indices.push(index);
        self.nodes.push(node);
    }

    pub(crate) fn append(&mut self, other: &mut Level) {
        self.indices.append(&mut other.indices);
        self.nodes.append(&mut other.nodes);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Node)> {
        self.indices.iter().copied().zip(&self.nodes)
    }

    /// The position of `index`, or of the first index after it, at or after position `from`.
    ///
    /// Looks in doubling steps, so that a row of ascending searches costs little more than one walk through the level.
    pub(crate) fn seek(&self, from: usize, index: u32) -> usize {
        let rest = &self.indices[from..];
        let mut low = 0;
        let mut high = 1;
        while high < rest.len() && rest[high] < index {
            low = high;
            high *= 2;
        }
        let end = rest.len().min(high + 1);
        from + low + rest[low..end].partition_point(|i| *i < index)
    }
}
