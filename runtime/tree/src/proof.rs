//! Convince somebody who has only a root.

use alloc::vec::Vec;

use parity_scale_codec::{Compact, Decode, Encode, Input};
use thiserror::Error;

use crate::{
    hash::{EMPTY_ROOT, Hash, key_hash, leaf_hash, node_hash, value_hash},
    node::{Leaf, bit},
};

/// The most siblings a proof can have: a key hash has 256 bits. Decoding refuses more. In a tree of n keys about log2(n).
pub const PROOF_SIBLINGS_MAX: usize = 256;

/// Proof that a key has a value, or that it has none.
///
/// SCALE: `Vec<[u8; 32]> ++ Option<([u8; 32], [u8; 32])>`. It does not carry key, value or root: the verifier has them.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct Proof {
    /// The sibling of each node on the way, from the leaf up. An empty sibling is [`EMPTY_ROOT`].
    pub siblings: Vec<Hash>,
    /// For an absent key: the leaf that stands where the key's would stand, if there is one.
    pub other_leaf: Option<Leaf>,
}

/// Why a proof does not prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// No honest proof is as long.
    #[error("the proof has {0} siblings, and a key has only 256 bits; ask for the proof again")]
    TooLong(usize),
    /// A proof of absence was offered for a value.
    #[error(
        "the proof shows another key's leaf, so it cannot show a value; the key may be absent in this state"
    )]
    NotOfPresence,
    /// The leaf that is to show that the key is absent has the key.
    #[error("the proof shows a leaf with this very key, so the key is not absent; verify it with the value")]
    NotOfAbsence,
    /// The leaf that is to show that the key is absent stands elsewhere.
    #[error("the proof shows a leaf that is not on this key's path; ask for a proof of this key")]
    OtherPath,
    /// The hashes lead to another root.
    #[error("the proof leads to another root; key, value or block differ from those that were proved")]
    OtherRoot,
}

impl Proof {
    /// Check that under `root`, `key` has `value`, or with `None` that it is absent.
    pub fn verify(&self, root: &Hash, key: &[u8], value: Option<&[u8]>) -> Result<(), ProofError> {
        self.verify_hashed(root, &key_hash(key), value.map(value_hash).as_ref())
    }

    /// The same, for key and value of which only the hashes are known.
    pub fn verify_hashed(&self, root: &Hash, key: &Hash, value: Option<&Hash>) -> Result<(), ProofError> {
        if self.siblings.len() > PROOF_SIBLINGS_MAX {
            return Err(ProofError::TooLong(self.siblings.len()));
        }
        // The number of siblings is the level at which the way ends.
        let levels = 0..self.siblings.len() as u32;
        let end = match (value, &self.other_leaf) {
            (Some(value), None) => leaf_hash(key, value),
            (Some(_), Some(_)) => return Err(ProofError::NotOfPresence),
            (None, None) => EMPTY_ROOT,
            (None, Some(other)) if other.key == *key => return Err(ProofError::NotOfAbsence),
            (None, Some(other)) if levels.clone().any(|level| bit(&other.key, level) != bit(key, level)) => {
                return Err(ProofError::OtherPath);
            }
            (None, Some(other)) => leaf_hash(&other.key, &other.value),
        };
        let found = levels.rev().zip(&self.siblings).fold(end, |hash, (level, sibling)| {
            if bit(key, level) { node_hash(sibling, &hash) } else { node_hash(&hash, sibling) }
        });
        if found == *root { Ok(()) } else { Err(ProofError::OtherRoot) }
    }
}

impl Decode for Proof {
    fn decode<I: Input>(input: &mut I) -> Result<Self, parity_scale_codec::Error> {
        let count = Compact::<u32>::decode(input)?.0;
        if count as usize > PROOF_SIBLINGS_MAX {
            return Err("a proof has at most 256 siblings".into());
        }
        // At most 8 KiB, so it may be allocated before the input has shown that it is as long.
        let mut siblings = Vec::with_capacity(count as usize);
        for _ in 0..count {
            siblings.push(Hash::decode(input)?);
        }
        Ok(Self { siblings, other_leaf: Decode::decode(input)? })
    }
}
