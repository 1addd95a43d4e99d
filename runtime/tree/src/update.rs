//! From changes to a diff.
//!
//! Sorted changes are cut by the leading bits of their keys into parts that share no node below level `top`. A part is
//! hashed on its own, from its buckets up to `top`; the few nodes above are hashed when all parts are there.

use alloc::{boxed::Box, vec::Vec};

use crate::{
    TreeDiff,
    diff::Level,
    hash::{Batch, Hash, LEAF_BYTES, NODE_BYTES, leaf_preimage, node_preimage},
    node::{Kind, Leaf, Node, prefix, split},
    parallel,
    view::{Cursor, TreeView},
};

/// A key hash, and the hash of its new value; `None` removes the key.
pub type Change = (Hash, Option<Hash>);

/// Changes per part. Enough that lanes are mostly full and handing a part to another core (about 1 µs) is lost in its
/// work (about 0.4 ms); few enough that a block of a thousand changes still occupies two cores.
const PART_CHANGES: usize = 256;

/// Parts are cut by at most this many bits: 65,536 parts.
const TOP_MAX: u32 = 16;

impl TreeView<'_> {
    /// What the tree becomes with these changes, in any order. Of several changes of one key the last counts. Removing a
    /// key that is not there, or setting the value that is there, changes nothing.
    pub fn update(&self, changes: impl IntoIterator<Item = Change>) -> TreeDiff {
        let changes = sorted(changes);
        let depth = self.base.depth;
        let top = top_level(changes.len(), depth);
        let parts = parallel::map(&cut(&changes, top), |changes| part(*self, top, changes));

        // Room for all first: else most of the time here goes into moving what is there to where there is more.
        let lengths = (top..=depth).map(|level| {
            parts.iter().map(|part| part.levels[(level - top) as usize].indices.len()).sum::<usize>()
        });
        let mut levels = Vec::with_capacity(depth as usize + 1);
        levels.resize_with(top as usize, Level::default);
        levels.extend(lengths.map(Level::with_capacity));
        let mut buckets = Vec::with_capacity(parts.iter().map(|part| part.buckets.len()).sum());
        for mut part in parts {
            buckets.append(&mut part.buckets);
            for (mine, part) in levels[top as usize..].iter_mut().zip(&mut part.levels) {
                mine.append(part);
            }
        }
        for level in (0..top).rev() {
            levels[level as usize] = parents(*self, level + 1, &levels[level as usize + 1]);
        }
        let root = levels[0].nodes.first().map_or_else(|| self.root(), |root| root.hash);
        TreeDiff { parent_root: self.root(), root, depth, levels, buckets }
    }
}

/// Changes by ascending key hash, one for each key.
pub(crate) fn sorted(changes: impl IntoIterator<Item = Change>) -> Vec<Change> {
    let mut changes: Vec<Change> = changes.into_iter().collect();
    parallel::sort(&mut changes);
    changes.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 = later.1;
        }
        same
    });
    changes
}

/// The level at which to cut `changes` many changes into parts.
pub(crate) fn top_level(changes: usize, depth: u32) -> u32 {
    (changes / PART_CHANGES).checked_ilog2().unwrap_or(0).min(TOP_MAX).min(depth)
}

/// Runs of sorted changes that agree in their first `top` bits.
pub(crate) fn cut(changes: &[Change], top: u32) -> Vec<&[Change]> {
    changes.chunk_by(|a, b| prefix(&a.0, top) == prefix(&b.0, top)).collect()
}

/// The changed nodes under one node of level `top`.
pub(crate) struct Part {
    /// By level, `top` to the level of the buckets.
    pub(crate) levels: Vec<Level>,
    pub(crate) buckets: Vec<Box<[Leaf]>>,
}

/// Apply sorted changes that agree in their first `top` bits.
pub(crate) fn part(view: TreeView<'_>, top: u32, changes: &[Change]) -> Part {
    let depth = view.base.depth;
    let (indices, buckets) = changed_buckets(view, changes);
    let nodes = hash_buckets(&buckets, depth);
    let mut levels = Vec::with_capacity((depth - top) as usize + 1);
    let mut below = Level { indices, nodes };
    for level in (top..depth).rev() {
        let here = parents(view, level + 1, &below);
        levels.push(core::mem::replace(&mut below, here));
    }
    levels.push(below);
    levels.reverse();
    Part { levels, buckets }
}

/// Merge changes into the buckets; those that stay as they are, are left out.
fn changed_buckets(view: TreeView<'_>, changes: &[Change]) -> (Vec<u32>, Vec<Box<[Leaf]>>) {
    let depth = view.base.depth;
    let mut old = Cursor::new(view, depth);
    let groups = changes.chunk_by(|a, b| prefix(&a.0, depth) == prefix(&b.0, depth));
    let groups: Vec<_> = groups.map(|group| (prefix(&group[0].0, depth), group)).collect();
    // In a loop of its own for the same reason as in `pairs`.
    let olds: Vec<&[Leaf]> = groups.iter().map(|(index, _)| old.leaves(*index)).collect();
    let mut indices = Vec::with_capacity(groups.len());
    let mut buckets = Vec::with_capacity(groups.len());
    let mut merged = Vec::new();
    for ((index, group), leaves) in groups.into_iter().zip(olds) {
        merge(leaves, group, &mut merged);
        if merged != leaves {
            indices.push(index);
            buckets.push(Box::from(&merged[..]));
        }
    }
    (indices, buckets)
}

/// Sorted leaves with sorted changes applied.
fn merge(leaves: &[Leaf], changes: &[Change], merged: &mut Vec<Leaf>) {
    merged.clear();
    let mut rest = leaves;
    for &(key, value) in changes {
        let kept = rest.iter().take_while(|leaf| leaf.key < key).count();
        merged.extend_from_slice(&rest[..kept]);
        rest = &rest[kept..];
        if rest.first().is_some_and(|leaf| leaf.key == key) {
            rest = &rest[1..];
        }
        merged.extend(value.map(|value| Leaf { key, value }));
    }
    merged.extend_from_slice(rest);
}

/// The node over each bucket: first all leaves, then the inner nodes, lowest first.
fn hash_buckets(buckets: &[Box<[Leaf]>], depth: u32) -> Vec<Node> {
    let mut plan = Plan::default();
    let mut next_leaf = 0;
    let mut tops = Vec::with_capacity(buckets.len());
    let leaf_count = buckets.iter().map(|bucket| bucket.len()).sum();
    plan.nodes.resize(leaf_count, Node { hash: [0; 32], kind: Kind::Leaf });
    for bucket in buckets {
        tops.push(plan.over(bucket, depth, next_leaf).0);
        next_leaf += bucket.len();
    }

    let nodes = &mut plan.nodes;
    let mut batch = Batch::<LEAF_BYTES>::new();
    for (place, leaf) in buckets.iter().flatten().enumerate() {
        if batch.push(place, leaf_preimage(&leaf.key, &leaf.value)) {
            batch.flush(|place, hash| nodes[place].hash = hash);
        }
    }
    batch.flush(|place, hash| nodes[place].hash = hash);

    for rank in &plan.ranks {
        let mut batch = Batch::<NODE_BYTES>::new();
        for job in rank {
            let hash = |child: Option<usize>| child.map_or(Node::EMPTY.hash, |child| nodes[child].hash);
            if batch.push(job.parent, node_preimage(&hash(job.left), &hash(job.right))) {
                batch.flush(|place, hash| nodes[place].hash = hash);
            }
        }
        batch.flush(|place, hash| nodes[place].hash = hash);
    }
    tops.into_iter().map(|top| top.map_or(Node::EMPTY, |top| nodes[top])).collect()
}

/// Which inner nodes of the buckets have to be hashed, ordered so that children come first.
#[derive(Default)]
struct Plan {
    /// All leaves, then inner nodes.
    nodes: Vec<Node>,
    /// Jobs of rank r need results of ranks below r only.
    ranks: Vec<Vec<Job>>,
}

struct Job {
    parent: usize,
    left: Option<usize>,
    right: Option<usize>,
}

impl Plan {
    /// Plan the node over `leaves`, the first of which is `nodes[first]`. Gives its place and its rank.
    fn over(&mut self, leaves: &[Leaf], level: u32, first: usize) -> (Option<usize>, usize) {
        match leaves.len() {
            0 => return (None, 0),
            1 => return (Some(first), 0),
            _ => {}
        }
        let (low, high) = split(leaves, level);
        let (left, left_rank) = self.over(low, level + 1, first);
        let (right, right_rank) = self.over(high, level + 1, first + low.len());
        let rank = left_rank.max(right_rank);
        let parent = self.nodes.len();
        self.nodes.push(Node { hash: [0; 32], kind: Kind::Inner });
        if self.ranks.len() <= rank {
            self.ranks.resize_with(rank + 1, Vec::new);
        }
        self.ranks[rank].push(Job { parent, left, right });
        (Some(parent), rank + 1)
    }
}

/// The parents of changed nodes of `level`, which is not 0.
pub(crate) fn parents(view: TreeView<'_>, level: u32, changed: &Level) -> Level {
    let pairs = pairs(view, level, changed);
    let mut parents = Level::with_capacity(pairs.len());
    let mut batch = Batch::<NODE_BYTES>::new();
    for (place, (index, [left, right])) in pairs.iter().enumerate() {
        let parent = Node::collapse(left, right);
        parents.push(*index, parent.unwrap_or(Node { hash: [0; 32], kind: Kind::Inner }));
        if parent.is_none() && batch.push(place, node_preimage(&left.hash, &right.hash)) {
            batch.flush(|place, hash| parents.nodes[place].hash = hash);
        }
    }
    batch.flush(|place, hash| parents.nodes[place].hash = hash);
    parents
}

/// Changed nodes of a level with their siblings, and the index of the parent.
///
/// A loop of its own, apart from the hashing, because then the CPU waits for many siblings from memory at a time.
fn pairs(view: TreeView<'_>, level: u32, changed: &Level) -> Vec<(u32, [Node; 2])> {
    let mut unchanged = Cursor::new(view, level);
    let mut pairs = Vec::with_capacity(changed.indices.len());
    let mut nodes = changed.iter().peekable();
    while let Some((index, node)) = nodes.next() {
        let pair = if index % 2 == 1 {
            [unchanged.node(index - 1), *node]
        } else if let Some((_, right)) = nodes.next_if(|(next, _)| *next == index + 1) {
            [*node, *right]
        } else {
            [*node, unchanged.node(index + 1)]
        };
        pairs.push((index / 2, pair));
    }
    pairs
}
