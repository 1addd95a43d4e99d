//! The transactions of one sender.

use std::{cmp::Reverse, collections::VecDeque};

use basalt_primitives::{
    AccountId, BlockNumber, H256, Nonce, ValidTransaction, transaction_validity::TransactionPriority,
};
use basalt_runtime_api::Verified;

/// A transaction in its queue.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) verified: Verified,
    pub(crate) nonce: Nonce,
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
        nonce: Nonce,
        validity: &ValidTransaction,
        sequence: u64,
        number: BlockNumber,
    ) -> Self {
        let mut entry = Self {
            bytes: verified.encoded_len(),
            verified,
            nonce,
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

/// Where a queue's first ready transaction stands among all: the smallest is the best. No two have one sequence, so
/// what follows it decides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HeadKey {
    pub(crate) priority: Reverse<TransactionPriority>,
    pub(crate) sequence: u64,
    pub(crate) slot: u32,
    pub(crate) nonce: Nonce,
}

/// Where a queue's last transaction stands among all: the smallest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TailKey {
    ready: bool,
    floor: TransactionPriority,
    /// The newest first, so that a newcomer does not push out its equal.
    sequence: Reverse<u64>,
    pub(crate) slot: u32,
}

/// The transactions of one sender by nonce.
#[derive(Debug)]
pub(crate) struct Queue {
    /// The sender.
    pub(crate) account: AccountId,
    /// The sender's next nonce in the head's state.
    pub(crate) nonce: Nonce,
    /// By nonce. Nearly all come and go at the ends, and nearly all queues are short and without a gap, for which no
    /// tree is as small or as fast.
    pub(crate) entries: VecDeque<Entry>,
    pub(crate) bytes: u64,
    /// What the pool's indices hold for this queue.
    pub(crate) head: Option<HeadKey>,
    pub(crate) tail: Option<TailKey>,
}

impl Queue {
    pub(crate) fn new(account: AccountId, nonce: Nonce) -> Self {
        Self { account, nonce, entries: VecDeque::new(), bytes: 0, head: None, tail: None }
    }

    /// Where the entry with this nonce is, or where it would have to be put.
    pub(crate) fn place(&self, nonce: Nonce) -> Result<usize, usize> {
        // Without a gap the distance to the first is the place.
        let first = self.entries.front().map_or(0, |entry| entry.nonce);
        let guess = nonce.checked_sub(first).and_then(|distance| usize::try_from(distance).ok());
        if let Some(guess) = guess
            && self.entries.get(guess).is_some_and(|entry| entry.nonce == nonce)
        {
            return Ok(guess);
        }
        match self.entries.back() {
            Some(last) if last.nonce >= nonce => {
                self.entries.binary_search_by_key(&nonce, |entry| entry.nonce)
            }
            _ => Err(self.entries.len()),
        }
    }

    pub(crate) fn get(&self, nonce: Nonce) -> Option<&Entry> {
        self.entries.get(self.place(nonce).ok()?)
    }

    pub(crate) fn get_mut(&mut self, nonce: Nonce) -> Option<&mut Entry> {
        let place = self.place(nonce).ok()?;
        self.entries.get_mut(place)
    }

    /// Puts an entry where none with its nonce is.
    pub(crate) fn insert(&mut self, entry: Entry) {
        self.bytes += u64::from(entry.bytes);
        let (Ok(place) | Err(place)) = self.place(entry.nonce);
        self.entries.insert(place, entry);
    }

    pub(crate) fn remove(&mut self, nonce: Nonce) -> Option<Entry> {
        let place = self.place(nonce).ok()?;
        let entry = self.entries.remove(place)?;
        self.bytes -= u64::from(entry.bytes);
        Some(entry)
    }

    /// Works out anew which entries from nonce `from` on are ready, and their floors. Tells `changed` of those whose
    /// readiness changed, with what it is and what it was. With `one_place` the queue was settled but for that nonce,
    /// so the work ends where nothing changes any more.
    pub(crate) fn settle(
        &mut self,
        from: Nonce,
        one_place: bool,
        mut changed: impl FnMut(H256, bool, Option<bool>),
    ) {
        let (Ok(begin) | Err(begin)) = self.place(from);
        let before = begin.checked_sub(1).and_then(|place| self.entries.get(place));
        let (mut ready, mut floor, mut expected) = match before {
            Some(entry) => (entry.ready == Some(true), entry.floor, entry.nonce.checked_add(1)),
            None => (true, TransactionPriority::MAX, Some(self.nonce)),
        };
        for entry in self.entries.range_mut(begin..) {
            ready &= expected == Some(entry.nonce);
            floor = floor.min(entry.priority);
            if one_place && entry.ready == Some(ready) && entry.floor == floor {
                break;
            }
            if entry.ready != Some(ready) {
                changed(entry.verified.hash, ready, entry.ready);
            }
            entry.ready = Some(ready);
            entry.floor = floor;
            expected = entry.nonce.checked_add(1);
        }
    }

    pub(crate) fn last_nonce(&self) -> Option<Nonce> {
        self.entries.back().map(|entry| entry.nonce)
    }

    /// The nonce after the ready ones.
    pub(crate) fn next_nonce(&self) -> Nonce {
        let ready = self.entries.partition_point(|entry| entry.ready == Some(true));
        let last = ready.checked_sub(1).and_then(|place| self.entries.get(place));
        last.map_or(self.nonce, |entry| entry.nonce.saturating_add(1))
    }

    pub(crate) fn head_key(&self, slot: u32) -> Option<HeadKey> {
        let entry = self.entries.front()?;
        (entry.ready == Some(true)).then(|| entry.key(slot))
    }

    pub(crate) fn tail_key(&self, slot: u32) -> Option<TailKey> {
        let entry = self.entries.back()?;
        Some(TailKey {
            ready: entry.ready == Some(true),
            floor: entry.floor,
            sequence: Reverse(entry.sequence),
            slot,
        })
    }
}

impl Entry {
    /// Where it stands among all when it is its queue's next.
    pub(crate) fn key(&self, slot: u32) -> HeadKey {
        HeadKey { priority: Reverse(self.priority), sequence: self.sequence, slot, nonce: self.nonce }
    }
}
