//! One version of the tree: the base, and the diffs above it.

use alloc::{vec, vec::Vec};

use crate::{
    TreeDiff,
    hash::{Hash, key_hash},
    node::{Kind, Leaf, Node, bit, prefix, split},
    proof::Proof,
    tree::Tree,
};

/// One version of the tree: a [`Tree`] with diffs on top, the oldest first. Made by [`Tree::view`].
#[derive(Clone, Copy, Debug)]
pub struct TreeView<'a> {
    pub(crate) base: &'a Tree,
    pub(crate) diffs: &'a [&'a TreeDiff],
}

impl<'a> TreeView<'a> {
    /// The root of this version.
    pub fn root(&self) -> Hash {
        self.diffs.last().map_or_else(|| self.base.root(), |diff| diff.root)
    }

    /// The value hash of a key, by its key hash.
    pub fn get(&self, key: &Hash) -> Option<Hash> {
        let leaves = self.leaves(prefix(key, self.base.depth));
        let found = leaves.binary_search_by(|leaf| leaf.key.cmp(key)).ok()?;
        Some(leaves[found].value)
    }

    /// Prove that `key` has its value, or has none.
    pub fn prove(&self, key: &[u8]) -> Proof {
        self.prove_hashed(&key_hash(key))
    }

    /// The same, for a key of which only the hash is known.
    pub fn prove_hashed(&self, key: &Hash) -> Proof {
        let mut siblings = Vec::new();
        let end = self.walk(key, &mut siblings);
        siblings.reverse();
        Proof { siblings, other_leaf: end.filter(|leaf| leaf.key != *key) }
    }

    /// Go down towards `key`, noting siblings, to the leaf or the gap where the way ends.
    fn walk(&self, key: &Hash, siblings: &mut Vec<Hash>) -> Option<Leaf> {
        for level in 0..self.base.depth {
            let index = prefix(key, level);
            match self.node(level, index).kind {
                Kind::Empty => return None,
                Kind::Leaf => return self.only_leaf(level, index),
                Kind::Inner => siblings.push(self.node(level + 1, prefix(key, level + 1) ^ 1).hash),
            }
        }
        let mut leaves = self.leaves(prefix(key, self.base.depth));
        let mut level = self.base.depth;
        while leaves.len() > 1 {
            let (left, right) = split(leaves, level);
            let (own, other) = if bit(key, level) { (right, left) } else { (left, right) };
            siblings.push(Node::over(other, level + 1).hash);
            leaves = own;
            level += 1;
        }
        leaves.first().copied()
    }

    /// The leaf under a node of kind `Leaf`: it may be in any bucket below.
    fn only_leaf(&self, mut level: u32, mut index: u32) -> Option<Leaf> {
        while level < self.base.depth {
            level += 1;
            index *= 2;
            if self.node(level, index).kind == Kind::Empty {
                index += 1;
            }
        }
        self.leaves(index).first().copied()
    }

    fn node(&self, level: u32, index: u32) -> Node {
        Cursor::new(*self, level).node(index)
    }

    fn leaves(&self, bucket: u32) -> &'a [Leaf] {
        Cursor::new(*self, self.base.depth).leaves(bucket)
    }
}

/// Reads nodes of one level, by ascending index.
pub(crate) struct Cursor<'a> {
    view: TreeView<'a>,
    level: u32,
    /// For each diff, how far we are in it.
    positions: Vec<usize>,
}

impl<'a> Cursor<'a> {
    /// `level` is at most the depth of the base.
    pub(crate) fn new(view: TreeView<'a>, level: u32) -> Self {
        Self { view, level, positions: vec![0; view.diffs.len()] }
    }

    /// Node `index`, which is not below that of the call before.
    pub(crate) fn node(&mut self, index: u32) -> Node {
        match self.find(index) {
            Some((diff, position)) => diff.node(self.level, index, position),
            None => self.view.base.node(self.level, index),
        }
    }

    /// The leaves of bucket `index`, for a cursor at the level of the buckets; not below that of the call before.
    pub(crate) fn leaves(&mut self, index: u32) -> &'a [Leaf] {
        match self.find(index) {
            Some((diff, position)) => diff.leaves(self.level, index, position),
            None => self.view.base.bucket(index),
        }
    }

    /// The newest diff that has something to say about node `index`, and where in it.
    fn find(&mut self, index: u32) -> Option<(&'a TreeDiff, usize)> {
        for (diff, position) in self.view.diffs.iter().zip(&mut self.positions).rev() {
            let (nodes, index) = diff.locate(self.level, index);
            *position = nodes.seek(*position, index);
            if nodes.indices.get(*position) == Some(&index) {
                return Some((diff, *position));
            }
        }
        None
    }
}
