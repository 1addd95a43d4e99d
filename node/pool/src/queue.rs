//! The transactions of one sender.

use std::{cmp::Reverse, collections::BTreeMap};

use basalt_primitives::{
    AccountId, BlockNumber, H256, Nonce, ValidTransaction, transaction_validity::TransactionPriority,
};
use basalt_runtime_api::Verified;

/// A transaction in its queue.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) verified: Verified,
    pub(crate) priority: TransactionPriority,
    /// The least priority from the queue's beginning up to here.
    floor: TransactionPriority,
    pub(crate) sequence: u64,
    /// The last height of a head on top of which it is valid.
    pub(crate) valid_till: u64,
    /// As they count in a block.
    pub(crate) bytes: u32,
    /// Whether it is ready; none before its queue was settled.
    pub(crate) ready: Option<bool>,
}

impl Entry {
    pub(crate) fn new(
        verified: Verified,
        validity: &ValidTransaction,
        sequence: u64,
        number: BlockNumber,
    ) -> Self {
        let mut entry = Self {
            bytes: verified.encoded_len(),
            verified,
            priority: validity.priority,
            floor: 0,
            sequence,
            valid_till: 0,
            ready: None,
        };
        entry.set_valid_till(validity, number);
        entry
    }

    pub(crate) fn set_valid_till(&mut self, validity: &ValidTransaction, number: BlockNumber) {
        self.valid_till = u64::from(number).saturating_add(validity.longevity);
    }

    pub(crate) fn is_mortal(&self) -> bool {
        self.valid_till != u64::MAX
    }
}

/// Where a queue's first ready transaction stands among all: the smallest is the best.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HeadKey {
    pub(crate) priority: Reverse<TransactionPriority>,
    pub(crate) sequence: u64,
    pub(crate) account: AccountId,
    pub(crate) nonce: Nonce,
}

/// Where a queue's last transaction stands among all: the smallest goes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TailKey {
    ready: bool,
    floor: TransactionPriority,
    /// The newest first, so that a newcomer does not push out its equal.
    sequence: Reverse<u64>,
    pub(crate) account: AccountId,
}

/// The transactions of one sender by nonce.
#[derive(Debug)]
pub(crate) struct Queue {
    /// The sender's next nonce in the head's state.
    pub(crate) nonce: Nonce,
    pub(crate) entries: BTreeMap<Nonce, Entry>,
    pub(crate) bytes: u64,
    /// What the pool's indices hold for this queue.
    pub(crate) head: Option<HeadKey>,
    pub(crate) tail: Option<TailKey>,
}

impl Queue {
    pub(crate) fn new(nonce: Nonce) -> Self {
        Self { nonce, entries: BTreeMap::new(), bytes: 0, head: None, tail: None }
    }

    /// Works out anew which entries from nonce `from` on are ready, and their floors. Returns those whose readiness
    /// changed, with what it is and what it was. With `one_place` the queue was settled but for that nonce, so the
    /// work ends where nothing changes any more.
    pub(crate) fn settle(&mut self, from: Nonce, one_place: bool) -> Vec<(H256, bool, Option<bool>)> {
        let mut changed = Vec::new();
        let before = self.entries.range(..from).next_back();
        let (mut ready, mut floor, mut expected) = match before {
            Some((nonce, entry)) => (entry.ready == Some(true), entry.floor, nonce.checked_add(1)),
            None => (true, TransactionPriority::MAX, Some(self.nonce)),
        };
        for (nonce, entry) in self.entries.range_mut(from..) {
            ready &= expected == Some(*nonce);
            floor = floor.min(entry.priority);
            if one_place && entry.ready == Some(ready) && entry.floor == floor {
                break;
            }
            if entry.ready != Some(ready) {
                changed.push((entry.verified.hash, ready, entry.ready));
            }
            entry.ready = Some(ready);
            entry.floor = floor;
            expected = nonce.checked_add(1);
        }
        changed
    }

    pub(crate) fn is_ready(&self, nonce: Nonce) -> bool {
        self.entries.get(&nonce).is_some_and(|entry| entry.ready == Some(true))
    }

    pub(crate) fn last_nonce(&self) -> Option<Nonce> {
        self.entries.last_key_value().map(|(nonce, _)| *nonce)
    }

    /// The nonce after the ready ones.
    pub(crate) fn next_nonce(&self) -> Nonce {
        let mut next = self.nonce;
        for (nonce, entry) in &self.entries {
            if entry.ready != Some(true) {
                break;
            }
            next = nonce.saturating_add(1);
        }
        next
    }

    pub(crate) fn key_of(account: AccountId, nonce: Nonce, entry: &Entry) -> HeadKey {
        HeadKey { priority: Reverse(entry.priority), sequence: entry.sequence, account, nonce }
    }

    pub(crate) fn head_key(&self, account: AccountId) -> Option<HeadKey> {
        let (nonce, entry) = self.entries.first_key_value()?;
        (entry.ready == Some(true)).then(|| Self::key_of(account, *nonce, entry))
    }

    pub(crate) fn tail_key(&self, account: AccountId) -> Option<TailKey> {
        let (_, entry) = self.entries.last_key_value()?;
        Some(TailKey {
            ready: entry.ready == Some(true),
            floor: entry.floor,
            sequence: Reverse(entry.sequence),
            account,
        })
    }
}
