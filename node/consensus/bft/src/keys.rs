//! Who signs, and what is never signed twice.

use basalt_primitives::H256;
use basalt_runtime_api::ValidatorSet;

/// A place where a validator signs once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// Which height.
    pub height: u64,
    /// Which round.
    pub round: u32,
    /// Which step of it.
    pub step: SlotStep,
}

/// The steps of a round, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SlotStep {
    /// A block is proposed.
    Proposal,
    /// A first vote, for a block or for none.
    Prevote,
    /// A second vote, for a block or for none.
    Precommit,
}

/// Why nothing was signed: something else was, there or later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// The keys of a validator, with their own memory of what they signed.
///
/// [`Host`](crate::Host) has its log against double signing. This is the second guard: it must not forget when the log is
/// lost, copied or restored. What it remembers of a signature must be durable before the signature leaves: whoever carries
/// out [`Action::Sync`](crate::Action::Sync) sees to that.
pub trait Keys: Send {
    /// Ed25519: names the validator.
    fn vote_key(&self) -> [u8; 32];

    /// Another set decides from here on: chooses the keys to sign with, if there are several. Answers
    /// [`vote_key`](Keys::vote_key), whether that is in the set or not.
    fn enter(&mut self, set: &ValidatorSet) -> [u8; 32] {
        let _ = set;
        self.vote_key()
    }

    /// Signs what stands for `slot`. `digest` is the hash of `payload`.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if another digest was signed there, or anything later.
    fn sign(&mut self, slot: Slot, digest: H256, payload: &[u8]) -> Result<[u8; 64], Refusal>;

    /// Makes durable what is remembered of all that was signed.
    ///
    /// # Errors
    ///
    /// Those of the disk: nothing that was signed may leave then.
    fn sync(&mut self) -> std::io::Result<()>;

    /// The highest height at which anything was signed.
    fn last_height(&self) -> Option<u64>;

    /// Sr25519 VRF over [`vrf_transcript`](crate::vrf_transcript) of `input`: output and proof.
    fn vrf_sign(&self, input: &[u8]) -> ([u8; 32], [u8; 64]);
}
