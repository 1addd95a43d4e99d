//! Which signatures were found good lately.

use std::collections::{HashSet, VecDeque};

use basalt_primitives::{H256, hashing::blake2_256};

/// Stands for a transaction (with its signature) and the message that was signed.
pub(crate) type Fingerprint = [u8; 32];

/// The message is at most 256 bytes, so this costs well below a microsecond; a check costs 30 and more.
pub(crate) fn fingerprint(transaction: &H256, message: &[u8]) -> Fingerprint {
    let mut bytes = Vec::with_capacity(32 + message.len());
    bytes.extend_from_slice(transaction.as_bytes());
    bytes.extend_from_slice(message);
    blake2_256(&bytes)
}

/// A bounded set that forgets the oldest.
#[derive(Debug)]
pub(crate) struct Remembered {
    max: usize,
    set: HashSet<Fingerprint>,
    /// The same as `set`, oldest first.
    order: VecDeque<Fingerprint>,
}

impl Remembered {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, set: HashSet::new(), order: VecDeque::new() }
    }

    pub(crate) fn contains(&self, fingerprint: &Fingerprint) -> bool {
        self.set.contains(fingerprint)
    }

    pub(crate) fn extend(&mut self, fingerprints: impl Iterator<Item = Fingerprint>) {
        for fingerprint in fingerprints {
            if !self.set.insert(fingerprint) {
                continue;
            }
            self.order.push_back(fingerprint);
            if self.order.len() > self.max
                && let Some(oldest) = self.order.pop_front()
            {
                self.set.remove(&oldest);
            }
        }
    }
}
