//! Commit a state to one root, and prove keys present or absent against it.
//!
//! # Responsibility
//!
//! - [`Tree`]: the commitment of the finalised state, whole in RAM; [`TreeView`] and [`TreeDiff`]: candidates above it.
//! - [`Proof`]: what convinces somebody who has only a root that a key has a value, or has none.
//! - [`ordered_root`]: one hash for a list, such as a block's extrinsics.
//!
//! # The commitment
//!
//! A binary sparse Merkle tree over `blake2b_256(key)`, most significant bit first, with the hashing rules of the Jellyfish
//! Merkle tree (crate `jmt` 0.12) and Blake2b-256 as the hasher:
//!
//! ```text
//! empty subtree      "SPARSE_MERKLE_PLACEHOLDER_HASH__"
//! leaf               blake2b_256("JMT::LeafNode" ++ blake2b_256(key) ++ blake2b_256(value))
//! subtree, 1 leaf    the hash of that leaf, whatever the depth
//! any other subtree  blake2b_256("JMT::IntrnalNode" ++ left ++ right)
//! ```
//!
//! The root depends on nothing but the set of (key, value): not on order, batches, threads or the layout below.
//!
//! # Flow
//!
//! ```text
//! level 0          root                   dense: an array, both children of a node in one cache line
//!   ...            ...
//! level d          2^d bucket nodes
//!                  2^d buckets            each a sorted list of about one leaf
//!
//! changes -> sort -> cut into parts by leading bits -> part: merge buckets, hash their leaves, hash level by level
//!         -> join the parts -> the levels above them -> TreeDiff { root, changed buckets, changed nodes }
//! ```
//!
//! Hashes of a level do not depend on each other, so they are computed four at a time (SIMD), and the parts on all cores
//! with the feature `parallel`. Time goes by changed keys; the size of the tree enters only by its logarithm.
//!
//! # Invariants
//!
//! - Roots and proofs equal those of `jmt`, for any batches, forks and reversals, at any `d` (property tests).
//! - A diff belongs to the root that it was made on, and is refused elsewhere ([`TreeError::ForeignDiff`]).
//! - Decoding and verifying a proof neither panics nor allocates more than the input justifies, whatever the bytes.
//!
//! # Assumptions
//!
//! - Keys come in hashed. Who could choose key hashes freely could make one bucket long; Blake2b-256 prevents that.
//! - The owner of the tree applies a diff only when its block is final, oldest first.
//!
//! # Usage
//!
//! ```
//! use basalt_tree::{Tree, hash_changes};
//!
//! let mut tree = Tree::build([]);
//! let block_1 = tree.view(&[])?.update(hash_changes(&[(b"alice", Some(b"7")), (b"bob", Some(b"2"))]));
//! let block_2 = tree.view(&[&block_1])?.update(hash_changes(&[(b"bob", None)]));
//!
//! let proof = tree.view(&[&block_1, &block_2])?.prove(b"bob");
//! proof.verify(&block_2.root(), b"bob", None)?;
//!
//! tree.apply(block_1)?; // block 1 is final; block 2 now stands on the tree itself
//! assert_eq!(tree.view(&[&block_2])?.root(), block_2.root());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Out of scope
//!
//! Values (the flat state has them), disk (the tree is rebuilt from the flat state at start), and which block is final.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]
#![deny(clippy::float_arithmetic)]

extern crate alloc;

mod diff;
mod hash;
mod node;
mod ordered;
mod parallel;
mod proof;
mod tree;
mod update;
mod view;

#[cfg(test)]
mod tests;

pub use diff::TreeDiff;
pub use hash::{EMPTY_ROOT, Hash, hash_changes, key_hash, value_hash};
pub use node::Leaf;
pub use ordered::ordered_root;
pub use proof::{PROOF_SIBLINGS_MAX, Proof, ProofError};
pub use tree::{Tree, TreeError};
pub use update::Change;
pub use view::TreeView;
