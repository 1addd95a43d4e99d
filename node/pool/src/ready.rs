//! Offer the ready transactions, best first.

use std::{cmp::Reverse, collections::BinaryHeap, iter::Peekable};

use basalt_runtime_api::Verified;

use crate::{
    pool::Pool,
    queue::{HeadKey, Queue},
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
            (Some(_), _) => self.heads.next().cloned(),
            (None, _) => self.next.pop().map(|Reverse(key)| key),
        }
    }
}

impl<'a> Iterator for Ready<'a> {
    type Item = &'a Verified;

    fn next(&mut self) -> Option<&'a Verified> {
        let HeadKey { account, nonce, .. } = self.best()?;
        let queue = self.pool.queues.get(&account)?;
        let mut entries = queue.entries.range(nonce..);
        let (_, entry) = entries.next()?;
        if let Some((nonce, next)) = entries.next()
            && next.ready == Some(true)
        {
            self.next.push(Reverse(Queue::key_of(account, *nonce, next)));
        }
        Some(&entry.verified)
    }
}
