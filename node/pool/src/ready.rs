//! Offer the ready transactions, best first.

use std::{cmp::Reverse, collections::BinaryHeap, iter::Peekable};

use basalt_runtime_api::Verified;

use crate::{
    pool::Pool,
    queue::{Entry, HeadKey},
};

/// The ready transactions of a [`Pool`]: always the best of what each sender may send next, so the cost is that of
/// what is taken, not of what the pool holds.
#[derive(Debug)]
pub struct Ready<'a> {
    pool: &'a Pool,
    /// Queues that nothing was taken from yet.
    heads: Peekable<std::collections::btree_set::Iter<'a, HeadKey>>,
    /// The next ones of queues that something was taken from.
    next: BinaryHeap<Reverse<HeadKey>>,
}

impl<'a> Ready<'a> {
    pub(crate) fn new(pool: &'a Pool) -> Self {
        Self { pool, heads: pool.heads.iter().peekable(), next: BinaryHeap::new() }
    }

    fn best(&mut self) -> Option<HeadKey> {
        match (self.heads.peek(), self.next.peek()) {
            (Some(head), Some(Reverse(next))) if next < *head => self.next.pop().map(|Reverse(key)| key),
            (Some(_), _) => self.heads.next().copied(),
            (None, _) => self.next.pop().map(|Reverse(key)| key),
        }
    }

    /// As the iterator, with what the pool knows beside the transaction.
    pub(crate) fn next_entry(&mut self) -> Option<&'a Entry> {
        let HeadKey { slot, nonce, .. } = self.best()?;
        let queue = self.pool.queues.get(slot)?;
        let place = queue.place(nonce).ok()?;
        if let Some(next) = queue.entries.get(place + 1)
            && next.ready == Some(true)
        {
            self.next.push(Reverse(next.key(slot)));
        }
        queue.entries.get(place)
    }
}

impl<'a> Iterator for Ready<'a> {
    type Item = &'a Verified;

    fn next(&mut self) -> Option<&'a Verified> {
        self.next_entry().map(|entry| &entry.verified)
    }
}
