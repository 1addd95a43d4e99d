//! A vote key behind its guard.

use basalt_primitives::hashing::blake2_256;

use super::{GuardError, GuardFile, Record, Turn};
use crate::{Keystore, KeystoreError, VotePair};

/// A vote key that signs one message per turn. While this lives, no other process can sign with the same keystore and key.
#[derive(Debug)]
pub struct VoteSigner {
    pair: VotePair,
    guard: GuardFile,
}

/// Why there is no signer.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The key cannot be had.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// Its guard cannot be had.
    #[error(transparent)]
    Guard(#[from] GuardError),
}

impl VoteSigner {
    /// The key with its guard, which lies beside it; none if the key is not here.
    pub fn open(keystore: &Keystore, public: &[u8; 32]) -> Result<Option<Self>, SignerError> {
        let Some(pair) = keystore.vote_pair(public)? else { return Ok(None) };
        let guard = GuardFile::open(keystore.folder(), public)?;
        Ok(Some(Self { pair, guard }))
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        self.pair.public()
    }

    /// What was signed last, if anything was.
    pub fn last(&self) -> Option<Record> {
        self.guard.last()
    }

    /// Signs a message for its turn: at most one, however often the node crashes. Waits for the disk.
    ///
    /// # Errors
    ///
    /// [`GuardError::Refused`] if another message was signed for this turn, or something for a later one; else if the disk
    /// fails, and from then on always.
    pub fn sign(&mut self, turn: Turn, message: &[u8]) -> Result<[u8; 64], GuardError> {
        self.guard.admit(Record { turn, hash: blake2_256(message) })?;
        Ok(self.pair.sign(message))
    }
}
