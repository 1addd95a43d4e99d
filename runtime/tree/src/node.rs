//! Nodes, leaves, bits: what a subtree is, given its leaves.

use parity_scale_codec::{Decode, Encode};

use crate::hash::{EMPTY_ROOT, Hash, leaf_hash, node_hash};

/// A key and its value, both hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Leaf {
    /// [`key_hash`](crate::key_hash) of the key: the leaf's place.
    pub key: Hash,
    /// [`value_hash`](crate::value_hash) of the value.
    pub value: Hash,
}

/// What stands under a node. Needed because a lone leaf moves up past empty siblings, and an inner node does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Empty,
    Leaf,
    Inner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) hash: Hash,
    pub(crate) kind: Kind,
}

impl Node {
    pub(crate) const EMPTY: Node = Node { hash: EMPTY_ROOT, kind: Kind::Empty };

    /// The parent, if it is one of the two; `None` if it is an inner node, which has to be hashed.
    pub(crate) fn collapse(left: &Node, right: &Node) -> Option<Node> {
        match (left.kind, right.kind) {
            (Kind::Empty, Kind::Empty | Kind::Leaf) => Some(*right),
            (Kind::Leaf, Kind::Empty) => Some(*left),
            _ => None,
        }
    }

    pub(crate) fn parent(left: &Node, right: &Node) -> Node {
        Node::collapse(left, right)
            .unwrap_or_else(|| Node { hash: node_hash(&left.hash, &right.hash), kind: Kind::Inner })
    }

    /// The node at `level` over leaves that are sorted and agree in their first `level` bits, hashed one at a time.
    pub(crate) fn over(leaves: &[Leaf], level: u32) -> Node {
        match leaves {
            [] => Node::EMPTY,
            [leaf] => Node { hash: leaf_hash(&leaf.key, &leaf.value), kind: Kind::Leaf },
            // Ends at level 256 at the latest, since two keys differ in some bit.
            _ => {
                let (left, right) = split(leaves, level);
                Node::parent(&Node::over(left, level + 1), &Node::over(right, level + 1))
            }
        }
    }
}

/// Bit `level` of a key hash, the most significant bit of the first byte being bit 0. `level` is below 256.
pub(crate) fn bit(key: &Hash, level: u32) -> bool {
    (key[(level / 8) as usize] >> (7 - level % 8)) & 1 == 1
}

/// The first `bits` bits of a key hash as a number: the index of its node at that level. `bits` is at most 32.
pub(crate) fn prefix(key: &Hash, bits: u32) -> u32 {
    let head = u32::from_be_bytes([key[0], key[1], key[2], key[3]]);
    head.checked_shr(32 - bits).unwrap_or(0)
}

/// Sorted leaves that agree in their first `level` bits: those with a 0 there, and those with a 1.
pub(crate) fn split(leaves: &[Leaf], level: u32) -> (&[Leaf], &[Leaf]) {
    leaves.split_at(leaves.partition_point(|leaf| !bit(&leaf.key, level)))
}

/// Of sorted leaves, those under node `index` of `level`.
pub(crate) fn within(leaves: &[Leaf], level: u32, index: u32) -> &[Leaf] {
    let start = leaves.partition_point(|leaf| prefix(&leaf.key, level) < index);
    let end = leaves.partition_point(|leaf| prefix(&leaf.key, level) <= index);
    &leaves[start..end]
}
