//! The tree of the finalised state, whole in RAM.

use alloc::{boxed::Box, vec, vec::Vec};

use thiserror::Error;

use crate::{
    TreeDiff, TreeView,
    diff::Level,
    hash::{EMPTY_ROOT, Hash, Hex},
    node::{Kind, Leaf, Node, split},
    parallel,
    update::{Change, Part, cut, parents, part, sorted, top_level},
};

/// The most levels above the buckets: 2^28 buckets are 20 GiB, and still short lists at a billion keys.
const DEPTH_MAX: u32 = 28;

/// [`Tree::maintain`] makes more buckets when they hold more than this many leaves on average. A bucket's other leaves are
/// hashed again whenever one changes, so long lists cost time; short ones cost memory (64 bytes per bucket and level).
const BUCKET_LEAVES: usize = 2;

/// [`Tree::apply`] does not wait for `maintain` beyond this average.
const BUCKET_LEAVES_MAX: usize = 8;

/// Parts hashed before their nodes are moved into the tree: bounds what [`Tree::build`] needs besides the result.
const BUILD_PARTS: usize = 64;

/// The commitment of one state, which is final or as good as final. About 160 bytes per key.
///
/// Blocks that are not final are [`TreeDiff`]s above it, read through a [`TreeView`].
#[derive(Clone)]
pub struct Tree {
    pub(crate) depth: u32,
    /// Node `index` of `level` is `pairs[n / 2].0[n % 2]` with n = 2^level + index; so the children of n are `pairs[n]`.
    pairs: Vec<Pair>,
    /// The kind of node n.
    kinds: Vec<Kind>,
    /// Leaves by the first `depth` bits of their key, each bucket sorted.
    buckets: Vec<Box<[Leaf]>>,
    leaves: usize,
}

/// Two siblings: always read together, so in one cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Pair([Hash; 2]);

/// Why diffs do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TreeError {
    /// The diff was made on another state.
    #[error(
        "the diff was made on root {}, not on {}; pass the diffs of all blocks since the tree's, oldest first",
        Hex(found),
        Hex(expected)
    )]
    ForeignDiff {
        /// The root below the diff.
        expected: Hash,
        /// The root that it was made on.
        found: Hash,
    },
    /// The diff was made on another tree, of the same state but more buckets.
    #[error("the diff was made on a tree with more buckets; make it again on this one")]
    DeeperDiff,
}

impl Tree {
    /// The tree over these (key hash, value hash), in any order; fastest if sorted. Of several with one key the last counts.
    pub fn build(leaves: impl IntoIterator<Item = (Hash, Hash)>) -> Self {
        let changes = sorted(leaves.into_iter().map(|(key, value)| (key, Some(value))));
        Self::build_sorted(&changes, depth_for(changes.len()))
    }

    /// The root of the state. [`EMPTY_ROOT`] if it has no keys.
    pub fn root(&self) -> Hash {
        self.node(0, 0).hash
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.leaves
    }

    /// True if there are no keys.
    pub fn is_empty(&self) -> bool {
        self.leaves == 0
    }

    /// All leaves, by ascending key hash.
    pub fn leaves(&self) -> impl Iterator<Item = &Leaf> {
        self.buckets.iter().flatten()
    }

    /// The tree with diffs on top, the oldest first. Errors if one was not made on the root below it.
    pub fn view<'a>(&'a self, diffs: &'a [&'a TreeDiff]) -> Result<TreeView<'a>, TreeError> {
        let mut root = self.root();
        for diff in diffs {
            diff.made_on(root)?;
            if diff.depth > self.depth {
                return Err(TreeError::DeeperDiff);
            }
            root = diff.root;
        }
        Ok(TreeView { base: self, diffs })
    }

    /// Make a diff part of the tree: of a block that became final, or one that leads back to an earlier block. Diffs made on
    /// it stay usable; those made on the root before do not. On error the tree is as it was.
    ///
    /// Moves nodes without hashing, except in the rare case that the tree has grown, or has to grow now
    /// ([`maintain`](Self::maintain)).
    pub fn apply(&mut self, diff: TreeDiff) -> Result<(), TreeError> {
        diff.made_on(self.root())?;
        if diff.depth > self.depth {
            self.rebuild(diff.depth);
        }
        if diff.depth < self.depth {
            for (index, leaves) in diff.levels[diff.depth as usize].indices.iter().zip(diff.buckets) {
                self.fill(diff.depth, *index, &leaves);
            }
            self.set_nodes(0, &diff.levels);
        } else {
            self.absorb(0, Part { levels: diff.levels, buckets: diff.buckets });
        }
        debug_assert_eq!(self.root(), diff.root);
        if self.is_crowded(BUCKET_LEAVES_MAX) {
            self.rebuild(depth_for(self.leaves));
        }
        Ok(())
    }

    /// Make more buckets if they have become long, and say whether that was done. Root, proofs and diffs are not affected.
    ///
    /// Call it after [`apply`](Self::apply) at a time when a pause does no harm (about 0.5 s per million keys, once per
    /// doubling). Without it `apply` does the same, later and at a time that you did not choose.
    pub fn maintain(&mut self) -> bool {
        let crowded = self.is_crowded(BUCKET_LEAVES);
        if crowded {
            self.rebuild(depth_for(self.leaves));
        }
        crowded
    }

    pub(crate) fn build_sorted(changes: &[Change], depth: u32) -> Self {
        let mut tree = Self::empty(depth);
        let top = top_level(changes.len(), depth);
        let mut below = Level::default();
        for cuts in cut(changes, top).chunks(BUILD_PARTS) {
            let empty = TreeView { base: &tree, diffs: &[] };
            for part in parallel::map(cuts, |changes| part(empty, top, changes)) {
                for (index, node) in part.levels[0].iter() {
                    below.push(index, *node);
                }
                tree.absorb(top, part);
            }
        }
        for level in (0..top).rev() {
            below = parents(TreeView { base: &tree, diffs: &[] }, level + 1, &below);
            tree.set_nodes(level, core::slice::from_ref(&below));
        }
        tree
    }

    pub(crate) fn node(&self, level: u32, index: u32) -> Node {
        let n = heap(level, index);
        Node { hash: self.pairs[n / 2].0[n % 2], kind: self.kinds[n] }
    }

    pub(crate) fn bucket(&self, index: u32) -> &[Leaf] {
        &self.buckets[index as usize]
    }

    fn empty(depth: u32) -> Self {
        let buckets = 1 << depth;
        Self {
            depth,
            pairs: vec![Pair([EMPTY_ROOT; 2]); buckets],
            kinds: vec![Kind::Empty; 2 * buckets],
            buckets: vec![Box::default(); buckets],
            leaves: 0,
        }
    }

    fn is_crowded(&self, average: usize) -> bool {
        self.depth < DEPTH_MAX && self.leaves / average > self.buckets.len()
    }

    pub(crate) fn rebuild(&mut self, depth: u32) {
        let changes: Vec<Change> = self.leaves().map(|leaf| (leaf.key, Some(leaf.value))).collect();
        let root = self.root();
        // Give the memory back first: the two of them would be the peak of the whole process.
        *self = Self::empty(0);
        *self = Self::build_sorted(&changes, depth);
        debug_assert_eq!(self.root(), root);
    }

    /// Take in the nodes and buckets of a part that was cut at level `top`.
    fn absorb(&mut self, top: u32, part: Part) {
        self.set_nodes(top, &part.levels);
        // `levels` ends with the buckets' nodes.
        let indices = part.levels.last().map_or(&[][..], |level| &level.indices);
        for (index, bucket) in indices.iter().zip(part.buckets) {
            self.set_bucket(*index, bucket);
        }
    }

    /// Write nodes of successive levels, the first of which is `top`.
    fn set_nodes(&mut self, top: u32, levels: &[Level]) {
        for (level, nodes) in (top..).zip(levels) {
            for (index, node) in nodes.iter() {
                self.set_node(level, index, node);
            }
        }
    }

    fn set_node(&mut self, level: u32, index: u32, node: &Node) {
        let n = heap(level, index);
        self.pairs[n / 2].0[n % 2] = node.hash;
        self.kinds[n] = node.kind;
    }

    fn set_bucket(&mut self, index: u32, leaves: Box<[Leaf]>) {
        let bucket = &mut self.buckets[index as usize];
        // The old leaves were counted when they came in.
        self.leaves = self.leaves - bucket.len() + leaves.len();
        *bucket = leaves;
    }

    /// Replace everything under a node by these leaves, and hash it.
    fn fill(&mut self, level: u32, index: u32, leaves: &[Leaf]) -> Node {
        let node = if level == self.depth {
            self.set_bucket(index, Box::from(leaves));
            Node::over(leaves, level)
        } else {
            let (left, right) = split(leaves, level);
            Node::parent(&self.fill(level + 1, 2 * index, left), &self.fill(level + 1, 2 * index + 1, right))
        };
        self.set_node(level, index, &node);
        node
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self::empty(0)
    }
}

impl core::fmt::Debug for Tree {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut s = f.debug_struct("Tree");
        s.field("root", &self.root()).field("len", &self.leaves).field("depth", &self.depth).finish()
    }
}

impl TreeDiff {
    fn made_on(&self, root: Hash) -> Result<(), TreeError> {
        if self.parent_root == root {
            Ok(())
        } else {
            Err(TreeError::ForeignDiff { expected: root, found: self.parent_root })
        }
    }
}

fn heap(level: u32, index: u32) -> usize {
    (1 << level) + index as usize
}

/// The level of the buckets: as many buckets as leaves, rounded up to a power of two.
fn depth_for(leaves: usize) -> u32 {
    leaves.next_power_of_two().ilog2().min(DEPTH_MAX)
}
