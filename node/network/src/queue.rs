//! Queues that never grow beyond a limit: what is oldest goes.
//!
//! Pure.

use std::collections::{BTreeMap, VecDeque};

use crate::{PeerId, limits::QueueLimits};

#[cfg(test)]
mod tests;

/// Messages in order, of which the oldest are dropped when there are too many, or too many bytes.
#[derive(Debug)]
pub(crate) struct DropOldest<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    limits: QueueLimits,
}

impl<T> DropOldest<T> {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self { items: VecDeque::new(), bytes: 0, limits }
    }

    /// Adds `item`, which counts for `bytes`, and returns those that had to go for it. An item that is larger than the
    /// whole queue is not taken: it comes back itself.
    pub(crate) fn push(&mut self, item: T, bytes: usize) -> Vec<T> {
        if bytes > self.limits.bytes_max || self.limits.messages_max == 0 {
            return vec![item];
        }
        let mut dropped = Vec::new();
        while self.items.len() >= self.limits.messages_max || self.bytes + bytes > self.limits.bytes_max {
            match self.pop() {
                Some(oldest) => dropped.push(oldest),
                None => break,
            }
        }
        self.bytes += bytes;
        self.items.push_back((item, bytes));
        dropped
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let (item, bytes) = self.items.pop_front()?;
        self.bytes -= bytes;
        Some(item)
    }

    /// The next one.
    pub(crate) fn peek(&self) -> Option<&T> {
        self.items.front().map(|(item, _)| item)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// A queue for each peer, read in turn: who sends much waits for himself, not others for him.
#[derive(Debug)]
pub(crate) struct FairQueue<T> {
    queues: BTreeMap<PeerId, DropOldest<T>>,
    /// Those whose queue is not empty; the next first.
    turn: VecDeque<PeerId>,
    limits: QueueLimits,
}

impl<T> FairQueue<T> {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self { queues: BTreeMap::new(), turn: VecDeque::new(), limits }
    }

    /// Adds an item of `peer`, and returns those of the peer that had to go for it.
    pub(crate) fn push(&mut self, peer: PeerId, item: T, bytes: usize) -> Vec<T> {
        let limits = self.limits;
        let queue = self.queues.entry(peer).or_insert_with(|| DropOldest::new(limits));
        let was_empty = queue.is_empty();
        let dropped = queue.push(item, bytes);
        match (was_empty, queue.is_empty()) {
            (true, false) => self.turn.push_back(peer),
            (_, true) => {
                self.queues.remove(&peer);
            }
            (false, false) => {}
        }
        dropped
    }

    pub(crate) fn pop(&mut self) -> Option<(PeerId, T)> {
        let peer = self.turn.pop_front()?;
        let queue = self.queues.get_mut(&peer)?;
        let item = queue.pop()?;
        if queue.is_empty() {
            // Empty queues are not kept, so that peers of the past take no room.
            self.queues.remove(&peer);
        } else {
            self.turn.push_back(peer);
        }
        Some((peer, item))
    }

    /// Takes out what a peer has sent: it is banned.
    pub(crate) fn remove(&mut self, peer: &PeerId) -> Vec<T> {
        let Some(mut queue) = self.queues.remove(peer) else { return Vec::new() };
        self.turn.retain(|other| other != peer);
        std::iter::from_fn(|| queue.pop()).collect()
    }
}
